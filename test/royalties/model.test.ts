import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import {
  addToPot, BASES, checkSplit, dividePot, type EarnedEntry, NO_RESERVE, paidOutIn, type PotDraft, potsOf, type ReserveTerms, returnedOf, type Role, roleOf,
  sharesOf, type SplitLeg,
} from '../../src/royalties/model.ts';
import { baseOfParts, claimOn, less, NO_PARTS, type Parts, partWithin, plus, stepsOf, takeParts } from '../../src/royalties/returns-model.ts';
import { segmentsOf, splitOn } from '../../src/royalties/split-days-model.ts';

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, one) => total + one, 0n);

/** 2 to 20 shares that sum to 10000. */
const basisPoints = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 20 }).map((weights) => {
  const total = weights.reduce((a, b) => a + b, 0);
  const points = weights.map((weight) => Math.max(1, Math.floor((weight * 10_000) / total)));
  const largest = points.indexOf(Math.max(...points));
  points[largest] = (points[largest] ?? 0) + 10_000 - points.reduce((a, b) => a + b, 0);
  return points;
});

describe('shares by largest remainder', () => {
  it('sum to the pot, and each is its exact share rounded down or up', () => {
    fc.assert(fc.property(fc.bigInt(0n, 10n ** 15n), basisPoints, (pot, points) => {
      const shares = sharesOf(pot, points);
      expect(sum(shares)).toBe(pot);
      shares.forEach((share, leg) => {
        const floor = (pot * BigInt(points[leg]!)) / 10_000n;
        expect(share === floor || share === floor + 1n).toBe(true);
      });
    }), { numRuns: 2_000 });
  });

  it('give what is left to the largest remainders, ties in the order of the legs', () => {
    expect(sharesOf(540n, [7_000, 2_000, 1_000])).toEqual([378n, 108n, 54n]);
    expect(sharesOf(1n, [5_000, 5_000])).toEqual([1n, 0n]);
    expect(sharesOf(100n, [3_333, 3_333, 3_334])).toEqual([33n, 33n, 34n]);
    expect(sharesOf(5n, [2_500, 2_500, 2_500, 2_500])).toEqual([2n, 1n, 1n, 1n]);
  });

  it('of a pot below zero are the platform\'s alone', () => {
    const legs = [{ payee: 'acc_a', basisPoints: 7_000 }, { payee: 'platform', basisPoints: 3_000 }];
    for (const base of BASES) {
      expect(dividePot({ amountMinor: -7n, feeMinor: 2n, taxMinor: 1n }, legs, base).map((leg) => leg.amountMinor)).toEqual([0n, -7n]);
    }
  });
});

describe('a pot by its base', () => {
  const legs = [{ payee: 'acc_a', basisPoints: 7_000 }, { payee: 'acc_b', basisPoints: 2_000 }, { payee: 'platform', basisPoints: 1_000 }];
  const pot = { amountMinor: 540n, feeMinor: 27n, taxMinor: 33n };

  it('is shared by everybody, and what the base leaves in is the platform\'s to bear', () => {
    expect(dividePot(pot, legs, 'net_of_tax_and_fees').map((leg) => leg.amountMinor)).toEqual([378n, 108n, 54n]);
    expect(dividePot(pot, legs, 'net_of_tax').map((leg) => leg.amountMinor)).toEqual([397n, 113n, 30n]);
    expect(dividePot(pot, legs, 'gross').map((leg) => [leg.shareMinor, leg.amountMinor])).toEqual([[420n, 420n], [120n, 120n], [60n, 0n]]);
  });

  it('shows a platform share that is smaller than the fee', () => {
    const small = [{ payee: 'acc_a', basisPoints: 9_900 }, { payee: 'platform', basisPoints: 100 }];
    expect(dividePot({ amountMinor: 70n, feeMinor: 30n, taxMinor: 0n }, small, 'net_of_tax').map((leg) => leg.amountMinor)).toEqual([99n, -29n]);
  });

  it('gives each payment back what that payment put in, in any parts, and all of them together everything', () => {
    const payment = fc.record({ netMinor: fc.bigInt(0n, 5_000n), taxMinor: fc.bigInt(0n, 600n), feeMinor: fc.bigInt(0n, 5_500n) });
    const asks = fc.array(fc.record({ from: fc.nat({ max: 9 }), net: fc.bigInt(0n, 3_000n), tax: fc.bigInt(0n, 400n), fee: fc.bigInt(0n, 3_000n) }), { maxLength: 8 });
    fc.assert(fc.property(fc.array(payment, { minLength: 1, maxLength: 5 }), basisPoints, fc.constantFrom(...BASES), asks, (payments, points, base, parts) => {
      const money = payments.reduce(plus);
      const shared = points.map((one, index) => ({ payee: index === points.length - 1 ? 'platform' : `acc_${index}`, basisPoints: one }));
      const divided = dividePot({ amountMinor: money.netMinor - money.feeMinor, ...money }, shared, base);
      const left = divided.map((leg) => leg.amountMinor);
      const claimed = payments.map(() => ({ parts: NO_PARTS, baseMinor: 0n }));
      const claim = (index: number, asked: Parts): void => {
        const [own, before] = [payments[index]!, claimed[index]!];
        const claimedMinor = sum(claimed.map((one) => one.baseMinor));
        const { taken: [taken = NO_PARTS] } = takeParts(asked, [less(own, before.parts)]);
        const one = claimOn({ base, own, ownClaimed: before.parts, ownClaimedMinor: before.baseMinor, claimedMinor, legs: divided }, taken);
        const steps = stepsOf({ legs: divided, claimedMinor }, one);
        expect(sum(steps.map((step) => step.amountMinor))).toBe(one.amountMinor);
        expect(steps.every((step) => step.shareMinor >= 0n && (step.payee === 'platform' || step.amountMinor === step.shareMinor))).toBe(true);
        steps.forEach((step, leg) => { left[leg]! -= step.amountMinor; });
        claimed[index] = { parts: plus(before.parts, taken), baseMinor: before.baseMinor + one.baseMinor };
      };
      for (const { from, net, tax, fee } of parts) claim(from % payments.length, { netMinor: net, taxMinor: tax, feeMinor: fee });
      payments.forEach((own, index) => {
        claim(index, less(own, claimed[index]!.parts));
        const ownBase = baseOfParts(own, base);
        if (base !== 'net_of_tax_and_fees') expect(claimed[index]!.baseMinor).toBe(ownBase);
        else expect(claimed[index]!.baseMinor <= (ownBase > 0n ? ownBase : 0n)).toBe(true);
      });
      // A payment that a fee was more than its price reduced what a net base divided: nobody is asked for that, so only there the
      // platform's loss stays.
      const loss = base === 'net_of_tax_and_fees' && payments.some((own) => own.netMinor < own.feeMinor);
      expect(left.every((one, leg) => one === 0n || (loss && shared[leg]!.payee === 'platform'))).toBe(true);
    }), { numRuns: 2_000 });
  });

  it('asks each leg for its part of the sale that is refunded, whatever another sale cost', () => {
    const shared = [{ payee: 'acc_a', basisPoints: 7_000 }, { payee: 'acc_b', basisPoints: 2_000 }, { payee: 'platform', basisPoints: 1_000 }];
    const [a, b] = [{ netMinor: 567n, taxMinor: 33n, feeMinor: 27n }, { netMinor: 567n, taxMinor: 33n, feeMinor: 87n }];
    const both = plus(a, b);
    for (const [base, expected, alone] of [['gross', [420n, 120n], [420n, 120n]], ['net_of_tax', [397n, 114n], [397n, 113n]]] as const) {
      const legs = dividePot({ amountMinor: both.netMinor - both.feeMinor, ...both }, shared, base);
      for (const own of [a, b]) {
        const claim = claimOn({ base, own, ownClaimed: NO_PARTS, ownClaimedMinor: 0n, claimedMinor: 0n, legs }, own);
        expect(claim).toEqual({ baseMinor: base === 'gross' ? 600n : 567n, amountMinor: 567n - own.feeMinor });
        expect(stepsOf({ legs, claimedMinor: 0n }, claim).map((leg) => leg.shareMinor).slice(0, 2)).toEqual(expected);
      }
      // A fee as large as the price: the payees had their part of the price, and give it back.
      const dear = { ...a, feeMinor: 600n };
      const lossy = dividePot({ amountMinor: -33n, ...dear }, shared, base);
      const claim = claimOn({ base, own: dear, ownClaimed: NO_PARTS, ownClaimedMinor: 0n, claimedMinor: 0n, legs: lossy }, dear);
      expect([claim.amountMinor, ...stepsOf({ legs: lossy, claimedMinor: 0n }, claim).slice(0, 2).map((leg) => leg.amountMinor)]).toEqual([-33n, ...alone]);
    }
  });

  it('is held for as much of a payment as is claimed', () => {
    const own = { netMinor: 567n, taxMinor: 33n, feeMinor: 27n };
    expect([partWithin(own, 600n), partWithin(own, 700n)]).toEqual([own, own]);
    expect(partWithin(own, 300n)).toEqual({ netMinor: 283n, taxMinor: 16n, feeMinor: 13n });
    expect([partWithin(own, 0n), partWithin(NO_PARTS, 5n)]).toEqual([NO_PARTS, NO_PARTS]);
  });
});

/** The definition, one unit after the other. */
function slowly(total: bigint, received: readonly bigint[]): bigint[] {
  const returned = received.map(() => 0n);
  for (let unit = 0n; unit < total; unit += 1n) {
    let best = 0;
    received.forEach((one, leg) => {
      if (one * (2n * returned[best]! + 1n) > received[best]! * (2n * returned[leg]! + 1n)) best = leg;
    });
    returned[best]! += 1n;
  }
  return returned;
}

const received = fc.array(fc.bigInt(0n, 40n), { minLength: 2, maxLength: 20 }).filter((legs) => sum(legs) > 0n);

describe('what each leg returns of a refund', () => {
  it('is the definition of Sainte-Laguë', () => {
    fc.assert(fc.property(received, fc.double({ min: 0, max: 1, noNaN: true }), (legs, part) => {
      const total = BigInt(Math.floor(Number(sum(legs)) * part));
      expect(returnedOf(total, legs)).toEqual(slowly(total, legs));
    }), { numRuns: 2_000 });
  });

  it('never falls, never exceeds what the leg got, and at the whole is exactly that', () => {
    fc.assert(fc.property(received, (legs) => {
      let before = legs.map(() => 0n);
      for (let total = 0n; total <= sum(legs); total += 1n) {
        const now = returnedOf(total, legs);
        expect(sum(now)).toBe(total);
        expect(now.every((amount, leg) => amount >= before[leg]! && amount <= legs[leg]!)).toBe(true);
        before = now;
      }
      expect(before).toEqual(legs);
    }), { numRuns: 100 });
  });

  it('holds for sums that no loop could count, in any number of steps', () => {
    const large = fc.array(fc.bigInt(0n, 10n ** 15n), { minLength: 2, maxLength: 20 }).filter((legs) => sum(legs) > 0n);
    fc.assert(fc.property(large, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }), (legs, parts) => {
      const whole = sum(legs);
      const totals = [...parts.map((part) => (whole * BigInt(Math.floor(part * 1e6))) / 1_000_000n), whole].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      let before = legs.map(() => 0n);
      for (const total of totals) {
        const now = returnedOf(total, legs);
        expect(sum(now)).toBe(total);
        expect(now.every((amount, leg) => amount >= before[leg]! && amount <= legs[leg]!)).toBe(true);
        before = now;
      }
      expect(before).toEqual(legs);
    }), { numRuns: 500 });
  });

  it('60/25/10/5 on a sale of 10, refunding 9: no leg returns more than it got', () => {
    const got = sharesOf(10n, [6_000, 2_500, 1_000, 500]);
    expect(got).toEqual([6n, 3n, 1n, 0n]);
    const back = returnedOf(9n, got);
    expect(sum(back)).toBe(9n);
    expect(back.every((amount, leg) => amount <= got[leg]!)).toBe(true);
    expect(back).toEqual([5n, 3n, 1n, 0n]);
    // Largest remainder over 9 would take a unit from leg four, which got none.
    expect(sharesOf(9n, [6_000, 2_500, 1_000, 500])[3]).toBe(1n);
    expect(returnedOf(10n, got)).toEqual(got);
    expect(() => returnedOf(11n, got)).toThrow(RangeError);
  });
});

function refused(split: { legs: SplitLeg[]; base?: string; refundFeeBearer?: string; reserve?: ReserveTerms }): string {
  try {
    checkSplit({ base: 'net_of_tax_and_fees', refundFeeBearer: 'platform', reserve: NO_RESERVE, ...split });
    return 'none';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describe('a split', () => {
  const good = [{ payee: 'acc_a', basisPoints: 9_000 }, { payee: 'platform', basisPoints: 1_000 }];

  it('divides the whole among 2 to 20 different payees, the platform among them', () => {
    expect(refused({ legs: good })).toBe('none');
    const bad: SplitLeg[][] = [
      [{ payee: 'acc_a', basisPoints: 8_999 }, good[1]!], [{ payee: 'acc_a', basisPoints: 9_001 }, good[1]!],
      [{ payee: 'platform', basisPoints: 10_000 }],
      [{ payee: 'acc_a', basisPoints: 5_000 }, { payee: 'acc_a', basisPoints: 4_000 }, good[1]!],
      [{ payee: 'acc_a', basisPoints: 5_000 }, { payee: 'acc_b', basisPoints: 5_000 }],
      [{ payee: 'acc_a', basisPoints: 10_000 }, { payee: 'platform', basisPoints: 0 }],
      [{ payee: 'acc_a', basisPoints: 9_000.5 }, { payee: 'platform', basisPoints: 999.5 }],
      [{ payee: 'acc_a', basisPoints: 11_000 }, { payee: 'platform', basisPoints: -1_000 }],
      [{ payee: 'acc_a', basisPoints: Number.NaN }, good[1]!],
      [...Array.from({ length: 20 }, (_none, index) => ({ payee: `acc_${index}`, basisPoints: 450 })), good[1]!],
    ];
    expect(bad.map((legs) => refused({ legs }))).toEqual(bad.map(() => 'split_invalid'));
    for (const base of BASES) expect(refused({ legs: good, base })).toBe('none');
    expect(refused({ legs: good, base: 'net' })).toBe('split_invalid');
    for (const reserve of [{ basisPoints: -1, days: 1 }, { basisPoints: 5_001, days: 1 }, { basisPoints: 10, days: 366 }, { basisPoints: 10, days: 0 }, { basisPoints: 0, days: 1 }, { basisPoints: 0.5, days: 1 }]) {
      expect(refused({ legs: good, reserve })).toBe('split_invalid');
    }
    expect(refused({ legs: good, reserve: { basisPoints: 1_000, days: 30 } })).toBe('none');
    expect(refused({ legs: good, refundFeeBearer: 'acc_b' })).toBe('split_invalid');
  });

  it('applies from its day, the newest whose day has come', () => {
    const versions = [
      { splitId: 'one', number: 1, effectiveFrom: '2026-03-01' }, { splitId: 'two', number: 2, effectiveFrom: '2026-03-20' },
      { splitId: 'three', number: 3, effectiveFrom: '2026-03-10' },
    ];
    expect(['2026-02-28', '2026-03-01', '2026-03-09', '2026-03-10', '2026-03-31'].map((day) => splitOn(versions, day)?.splitId ?? null))
      .toEqual([null, 'one', 'one', 'three', 'three']);
    expect(segmentsOf(versions, '2026-02-20', '2026-04-01')).toEqual([
      { fromDay: '2026-02-20', splitId: null }, { fromDay: '2026-03-01', splitId: 'one' }, { fromDay: '2026-03-10', splitId: 'three' },
    ]);
    expect(segmentsOf(versions, '2026-03-01', '2026-03-01')).toEqual([]);
  });

  it('leaves each day the split that it was booked under, and takes none from a day that was booked without', () => {
    const versions = [{ splitId: 'one', number: 1, effectiveFrom: '2026-03-10' }, { splitId: 'two', number: 2, effectiveFrom: '2026-03-01' }];
    const booked = [
      { day: '2026-03-08', splitId: null }, { day: '2026-03-10', splitId: 'one' }, { day: '2026-03-11', splitId: 'one' }, { day: '2026-03-13', splitId: 'one' },
      { day: '2026-03-14', splitId: 'other' },
    ];
    expect(segmentsOf(versions, '2026-02-28', '2026-03-20', booked)).toEqual([
      { fromDay: '2026-02-28', splitId: null }, { fromDay: '2026-03-01', splitId: 'two' }, { fromDay: '2026-03-10', splitId: 'one' },
      { fromDay: '2026-03-12', splitId: 'two' }, { fromDay: '2026-03-13', splitId: 'one' }, { fromDay: '2026-03-14', splitId: 'other' }, { fromDay: '2026-03-15', splitId: 'two' },
    ]);
    expect(segmentsOf(versions, '2026-03-11', '2026-03-12', booked)).toEqual([{ fromDay: '2026-03-11', splitId: 'one' }]);
  });
});

describe('pots', () => {
  const versions = [{ splitId: 'one', number: 1, effectiveFrom: '2026-03-10' }];
  const entry = (changes: Partial<EarnedEntry>): EarnedEntry => ({
    transferId: 'trf', leg: 1, position: 1n, accountCode: 'earned:c:t:CNY', tierId: 't', currency: 'CNY', amountMinor: 10n, feeMinor: 0n, taxMinor: 0n, firstDay: '2026-03-10',
    lastDay: '2026-03-12', splitId: 'one', periodId: null, ...changes,
  });

  it('are one for each tier, currency and split', () => {
    const pots = potsOf([entry({}), entry({ amountMinor: -3n, lastDay: '2026-03-20' }), entry({ tierId: 'u' }), entry({ splitId: 'two' }), entry({ splitId: null })], { versions, booked: [] });
    expect(pots.map((pot) => [pot.tierId, pot.splitId, pot.amountMinor, pot.lastDay])).toEqual([
      ['t', 'one', 17n, '2026-03-20'], ['t', 'two', 10n, '2026-03-12'], ['u', 'one', 10n, '2026-03-12'],
    ]);
  });

  it('refuse days without a split, and an entry that a split covers only in part', () => {
    for (const days of [{ firstDay: '2026-03-01', lastDay: '2026-03-09' }, { firstDay: '2026-03-09', lastDay: '2026-03-10' }]) {
      expect(() => potsOf([entry({ splitId: null, ...days })], { versions, booked: [] })).toThrow(Refusal);
    }
  });

  it('give each part in their order, and no more than they have', () => {
    const available = [{ netMinor: 3n, taxMinor: 0n, feeMinor: 2n }, { netMinor: -2n, taxMinor: 1n, feeMinor: -1n }, { netMinor: 4n, taxMinor: 9n, feeMinor: 1n }];
    expect(takeParts({ netMinor: 5n, taxMinor: 3n, feeMinor: 4n }, available)).toEqual({
      taken: [{ netMinor: 3n, taxMinor: 0n, feeMinor: 2n }, { netMinor: 0n, taxMinor: 1n, feeMinor: 0n }, { netMinor: 2n, taxMinor: 2n, feeMinor: 1n }],
      rest: { netMinor: 0n, taxMinor: 0n, feeMinor: 1n },
    });
  });
});

describe('the parts of a pot', () => {
  const part = (changes: Partial<EarnedEntry>): PotDraft => {
    const [pot] = potsOf([{
      transferId: 'trf', leg: 1, position: 1n, accountCode: 'earned:c:t:CNY', tierId: 't', currency: 'CNY', amountMinor: 10n, feeMinor: 2n, taxMinor: 1n,
      firstDay: '2026-03-10', lastDay: '2026-03-12', splitId: 'one', periodId: null, ...changes,
    }], { versions: [], booked: [] });
    if (pot === undefined) throw new Error('one entry is one pot');
    return pot;
  };

  it('add up to what one going through them at once finds', () => {
    const first = addToPot(null, part({}));
    expect(first).toMatchObject({ amountMinor: 10n, feeMinor: 2n, taxMinor: 1n, firstDay: '2026-03-10', lastDay: '2026-03-12', entries: 1 });
    expect(addToPot(first, part({ amountMinor: -3n, feeMinor: -1n, taxMinor: 5n, firstDay: '2026-03-01', lastDay: '2026-03-11' })))
      .toMatchObject({ amountMinor: 7n, feeMinor: 1n, taxMinor: 6n, firstDay: '2026-03-01', lastDay: '2026-03-12', entries: 2 });
    expect(addToPot(first, part({ firstDay: '2026-03-11', lastDay: '2026-03-20' }))).toMatchObject({ firstDay: '2026-03-10', lastDay: '2026-03-20' });
  });
});

describe('what a payee is', () => {
  it('is the owner\'s and the platform\'s alone, and otherwise what was said', () => {
    const role = (payee: string, said?: Role): Role => roleOf({ payee, basisPoints: 1, ...(said === undefined ? {} : { role: said }) }, 'acc_owner');
    expect([role('platform'), role('acc_owner'), role('acc_a'), role('acc_a', 'charity'), role('acc_owner', 'owner'), role('platform', 'platform')])
      .toEqual(['platform', 'owner', 'payee', 'charity', 'owner', 'platform']);
    for (const [payee, said] of [['platform', 'agency'], ['acc_owner', 'agency'], ['acc_owner', 'platform'], ['acc_a', 'owner'], ['acc_a', 'platform']] as const) {
      expect(() => role(payee, said)).toThrow(Refusal);
    }
  });

  it('is paid in money, never in coins', () => {
    expect(['CNY', 'USD', 'EUR', 'JPY'].map(paidOutIn)).toEqual(['CNY', 'USD', 'EUR', 'JPY']);
    for (const code of ['COIN', 'cny', 'GBP', '']) expect(() => paidOutIn(code)).toThrow(Refusal);
  });
});

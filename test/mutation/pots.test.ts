import { describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { least } from '../../src/kernel/money.ts';
import {
  addToPot, baseOf, checkSplit, DEFAULT_BASE, dividePot, type EarnedEntry, NO_RESERVE, paidOutIn, PLATFORM, potsOf, returnedOf, type ReserveTerms, roleOf, sharesOf, signersOf,
  type SplitLeg,
} from '../../src/royalties/model.ts';
import { stepsOf, takeParts } from '../../src/royalties/returns-model.ts';

/** Owner money by named cases: each edge from both sides, and by which code it is refused. */

function code(work: () => unknown): string {
  try {
    work();
    return 'accepted';
  } catch (error) {
    return error instanceof Refusal ? error.code : (error as Error).name;
  }
}

describe('a split', () => {
  const good: SplitLeg[] = [{ payee: 'acc_a', basisPoints: 9_000 }, { payee: 'platform', basisPoints: 1_000 }];
  const check = (legs: SplitLeg[], reserve: ReserveTerms = NO_RESERVE, refundFeeBearer = 'platform'): string =>
    code(() => { checkSplit({ legs, base: DEFAULT_BASE, refundFeeBearer, reserve }); });

  it('has twenty payees at most, each with one basis point at least', () => {
    const many = (count: number): SplitLeg[] => [...Array.from({ length: count - 1 }, (_none, index) => ({ payee: `acc_${index}`, basisPoints: 1 })), { payee: 'platform', basisPoints: 10_001 - count }];
    expect([check(many(2)), check(many(20)), check(many(21)), check(many(1))]).toEqual(['accepted', 'accepted', 'split_invalid', 'split_invalid']);
    expect(check([{ payee: 'acc_a', basisPoints: 10_000 }, { payee: 'platform', basisPoints: 0 }])).toBe('split_invalid');
    expect(check(good, NO_RESERVE, 'acc_a')).toBe('accepted');
  });

  it('holds half for a year at most, and a part and a time or neither', () => {
    const reserve = (basisPoints: number, days: number): string => check(good, { basisPoints, days });
    expect([reserve(5_000, 365), reserve(1, 1), reserve(0, 0)]).toEqual(['accepted', 'accepted', 'accepted']);
    for (const [basisPoints, days] of [[5_001, 365], [5_000, 366], [-1, 1], [1, -1], [0.5, 1], [1, 1.5], [0, 1], [1, 0]] as const) expect(reserve(basisPoints, days)).toBe('split_invalid');
  });

  it('divides a base that has a name', () => {
    expect(['gross', 'net_of_tax', 'net_of_tax_and_fees'].map(baseOf)).toEqual(['gross', 'net_of_tax', DEFAULT_BASE]);
    expect(code(() => baseOf('net'))).toBe('split_invalid');
  });

  it('gives the owner\'s and the platform\'s roles to nobody else, and is signed by each once', () => {
    expect(code(() => roleOf({ payee: 'acc_a', basisPoints: 1, role: 'owner' }, 'acc_o'))).toBe('split_invalid');
    expect(code(() => roleOf({ payee: 'acc_o', basisPoints: 1, role: 'agency' }, 'acc_o'))).toBe('split_invalid');
    expect(signersOf('acc_o', [{ payee: 'acc_o', basisPoints: 1 }, ...good])).toEqual(['acc_o', 'acc_a', 'platform']);
  });

  it('pays in money', () => {
    expect([code(() => paidOutIn('COIN')), code(() => paidOutIn('GBP')), paidOutIn('JPY')]).toEqual(['money_malformed', 'money_malformed', 'JPY']);
    expect(PLATFORM).toBe('platform');
  });
});

const entry = (change: Partial<EarnedEntry> = {}): EarnedEntry => ({
  transferId: 'trf', leg: 1, position: 1n, accountCode: 'earned:c:t:CNY', tierId: 't', currency: 'CNY', amountMinor: 10n, feeMinor: 2n, taxMinor: 1n, firstDay: '2026-03-10', lastDay: '2026-03-12',
  splitId: 'one', periodId: null, ...change,
});

describe('what goes into a pot', () => {
  const none = { versions: [], booked: [] };

  it('is summed in each of its parts, over all of its days', () => {
    const [first, second] = [entry(), entry({ amountMinor: -3n, feeMinor: 5n, taxMinor: 7n, firstDay: '2026-03-09', lastDay: '2026-03-20' })];
    expect(potsOf([first, second], none)).toEqual([{
      tierId: 't', currency: 'CNY', accountCode: 'earned:c:t:CNY', splitId: 'one', firstDay: '2026-03-09', lastDay: '2026-03-20', amountMinor: 7n, feeMinor: 7n, taxMinor: 8n, entries: [first, second],
    }]);
    expect(potsOf([entry(), entry({ firstDay: '2026-03-11', lastDay: '2026-03-11' })], none)).toMatchObject([{ firstDay: '2026-03-10', lastDay: '2026-03-12' }]);
    expect(potsOf([], none)).toEqual([]);
  });

  it('is of one tier, one currency and one split, in a fixed order', () => {
    const some = [entry({ tierId: 'u' }), entry({ splitId: 'two' }), entry({ currency: 'USD' }), entry()];
    const right = ['t CNY one', 't CNY two', 't USD one', 'u CNY one'];
    for (const order of [some, [...some].reverse()]) expect(potsOf(order, none).map((pot) => `${pot.tierId} ${pot.currency} ${pot.splitId}`)).toEqual(right);
  });

  it('without a split takes the one that covers all of its days, or is refused by name', () => {
    const versions = [{ splitId: 'one', number: 1, effectiveFrom: '2026-03-10' }, { splitId: 'two', number: 2, effectiveFrom: '2026-03-13' }];
    expect(potsOf([entry({ splitId: null })], { versions, booked: [] })).toMatchObject([{ splitId: 'one' }]);
    for (const days of [{ firstDay: '2026-03-09' }, { lastDay: '2026-03-13' }, { firstDay: '2026-03-01', lastDay: '2026-03-02' }]) {
      try {
        potsOf([entry({ splitId: null, ...days })], { versions, booked: [] });
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'split_missing', extra: { firstDay: days.firstDay ?? '2026-03-10', lastDay: days.lastDay ?? '2026-03-12' } });
      }
    }
  });

  it('is gone through in parts as it is at once', () => {
    const [one, two] = [potsOf([entry()], none)[0]!, potsOf([entry({ firstDay: '2026-03-01', lastDay: '2026-03-31' }), entry()], none)[0]!];
    const all = { ...potsOf([entry(), entry({ firstDay: '2026-03-01', lastDay: '2026-03-31' }), entry()], none)[0]!, entries: 3 };
    expect(addToPot(addToPot(null, one), two)).toEqual(all);
    expect(addToPot(addToPot(null, two), one)).toEqual(all);
  });
});

describe('a division', () => {
  it('is of nothing below zero, and of no more than was received', () => {
    expect(code(() => sharesOf(-1n, [10_000]))).toBe('RangeError');
    expect(code(() => sharesOf(1_000n, [4_000, 5_000]))).toBe('RangeError');
    expect(sharesOf(0n, [9_000, 1_000])).toEqual([0n, 0n]);
    for (const [total, received] of [[-1n, [5n]], [6n, [5n]], [1n, [5n, -1n]]] as [bigint, bigint[]][]) expect(code(() => returnedOf(total, received))).toBe('RangeError');
    expect([returnedOf(0n, [5n, 3n]), returnedOf(8n, [5n, 3n]), returnedOf(0n, [])]).toEqual([[0n, 0n], [5n, 3n], []]);
    // Ties in the order of the legs.
    expect([returnedOf(1n, [5n, 5n, 5n]), returnedOf(2n, [1n, 3n]), returnedOf(2n, [3n, 1n])]).toEqual([[1n, 0n, 0n], [1n, 1n], [2n, 0n]]);
    expect(returnedOf(10n ** 12n, [10n ** 12n, 3n * 10n ** 12n])).toEqual([250_000_000_000n, 750_000_000_000n]);
  });

  it('of a base of nothing gives nothing, and the platform bears what was kept of it', () => {
    const legs = [{ payee: 'acc_a', basisPoints: 7_000 }, { payee: 'platform', basisPoints: 3_000 }];
    expect(dividePot({ amountMinor: -3n, feeMinor: 3n, taxMinor: 0n }, legs, 'net_of_tax').map((leg) => [leg.shareMinor, leg.amountMinor])).toEqual([[0n, 0n], [0n, -3n]]);
    expect(dividePot({ amountMinor: -3n, feeMinor: 2n, taxMinor: 0n }, legs, 'net_of_tax').map((leg) => [leg.shareMinor, leg.amountMinor])).toEqual([[0n, 0n], [0n, -3n]]);
  });

  it('by gross gives the platform back what it bore, with each refund', () => {
    const legs = dividePot({ amountMinor: 80n, feeMinor: 12n, taxMinor: 8n }, [{ payee: 'acc_a', basisPoints: 7_000 }, { payee: 'platform', basisPoints: 3_000 }], 'gross');
    expect(legs.map((leg) => [leg.payee, leg.shareMinor, leg.amountMinor])).toEqual([['acc_a', 70n, 70n], ['platform', 30n, 10n]]);
    expect(stepsOf({ claimedMinor: 0n, legs }, { baseMinor: 50n, amountMinor: 40n })).toEqual([{ payee: 'acc_a', shareMinor: 35n, amountMinor: 35n }, { payee: 'platform', shareMinor: 15n, amountMinor: 5n }]);
    expect(stepsOf({ claimedMinor: 50n, legs }, { baseMinor: 50n, amountMinor: 40n })).toEqual([{ payee: 'acc_a', shareMinor: 35n, amountMinor: 35n }, { payee: 'platform', shareMinor: 15n, amountMinor: 5n }]);
  });

  it('takes from sources in their order', () => {
    const sources = [{ availableMinor: 0n }, { availableMinor: 3n }, { availableMinor: -1n }, { availableMinor: 4n }];
    const net = (minor: bigint): { netMinor: bigint; taxMinor: bigint; feeMinor: bigint } => ({ netMinor: minor, taxMinor: 0n, feeMinor: 0n });
    const taken = (wanted: bigint): bigint[] => {
      const { taken: parts, rest } = takeParts(net(wanted), sources.map((one) => net(one.availableMinor)));
      return [...parts.map((one) => one.netMinor), rest.netMinor];
    };
    expect([taken(3n), taken(8n), taken(0n)]).toEqual([[0n, 3n, 0n, 0n, 0n], [0n, 3n, 0n, 4n, 1n], [0n, 0n, 0n, 0n, 0n]]);
    expect([least(1n, 2n), least(2n, 1n)]).toEqual([1n, 1n]);
  });
});

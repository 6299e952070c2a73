import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { recompute } from '../../src/royalties/recompute.ts';
import { returnedBy, sharesBy, sum } from '../../src/royalties/recompute-math.ts';
import type { Events } from '../../src/royalties/recompute-types.ts';
import type { Statement } from '../../src/royalties/statement-model.ts';
import { statementWorld } from './statement.ts';

/** A payee's own arithmetic over the files that they hold: what is right is silent, and each changed figure is named. */

describe('the two divisions', () => {
  it('share by largest remainder, ties in order', () => {
    expect(sharesBy(364n, [7_000n, 3_000n])).toEqual([255n, 109n]);
    expect(sharesBy(5n, [1n, 1n, 1n, 1n])).toEqual([2n, 1n, 1n, 1n]);
    expect(sharesBy(100n, [3_333n, 3_333n, 3_334n])).toEqual([33n, 33n, 34n]);
    expect(sharesBy(2n, [1n, 4n, 4n])).toEqual([0n, 1n, 1n]);
    expect(sharesBy(0n, [1n, 1n])).toEqual([0n, 0n]);
    expect(sum([])).toBe(0n);
  });

  it('return by Sainte-Laguë: 60/25/10/5 of a sale of 10, refunding 9', () => {
    expect(returnedBy(9n, [6n, 3n, 1n, 0n])).toEqual([5n, 3n, 1n, 0n]);
    expect(returnedBy(10n, [6n, 3n, 1n, 0n])).toEqual([6n, 3n, 1n, 0n]);
    expect(returnedBy(0n, [6n, 3n])).toEqual([0n, 0n]);
    expect(returnedBy(0n, [0n, 0n])).toEqual([0n, 0n]);
    // Ties in the order of the legs.
    expect([returnedBy(1n, [5n, 5n, 5n]), returnedBy(2n, [5n, 5n, 5n]), returnedBy(4n, [5n, 5n, 5n])]).toEqual([[1n, 0n, 0n], [1n, 1n, 0n], [2n, 1n, 1n]]);
    expect(returnedBy(1n, [1n, 3n])).toEqual([0n, 1n]);
    expect([returnedBy(2n, [1n, 3n]), returnedBy(2n, [3n, 1n]), returnedBy(3n, [3n, 1n])]).toEqual([[1n, 1n], [2n, 0n], [2n, 1n]]);
    // So much that nobody could count it unit by unit.
    expect(returnedBy(10n ** 12n, [10n ** 12n, 3n * 10n ** 12n])).toEqual([250_000_000_000n, 750_000_000_000n]);
  });

  it('return unit by unit what the definition says', () => {
    const slowly = (total: bigint, received: readonly bigint[]): bigint[] => {
      const given = received.map(() => 0n);
      for (let unit = 0n; unit < total; unit += 1n) {
        let best = 0;
        received.forEach((one, leg) => {
          if (one * (2n * given[best]! + 1n) > received[best]! * (2n * given[leg]! + 1n)) best = leg;
        });
        given[best]! += 1n;
      }
      return given;
    };
    fc.assert(fc.property(fc.array(fc.bigInt(0n, 30n), { minLength: 2, maxLength: 8 }), fc.double({ min: 0, max: 1, noNaN: true }), (received, part) => {
      const total = BigInt(Math.floor(Number(sum(received)) * part));
      expect(returnedBy(total, received)).toEqual(slowly(total, received));
    }), { numRuns: 200 });
  });
});

/** What is found to differ when this was changed in the statement or in the events. */
function differs(change: (statement: Statement, events: Events) => void): string[] {
  const { statement, events } = structuredClone(statementWorld());
  change(statement, events);
  const { ok, findings } = recompute(statement, events);
  const wrong = findings.filter((finding) => !finding.ok).map((finding) => finding.what);
  expect(ok).toBe(wrong.length === 0);
  return wrong;
}

describe('a statement that nobody changed', () => {
  it('comes out the same in every figure', () => {
    expect(recompute(statementWorld().statement, statementWorld().events).findings.filter((finding) => !finding.ok)).toEqual([]);
    expect(recompute(statementWorld().statement, statementWorld().events)).toMatchObject({ ok: true });
  });

  it('lists what was worked out, each figure beside the stated one', () => {
    const { findings } = recompute(statementWorld().statement, statementWorld().events);
    const said = Object.fromEntries(findings.map(({ what, stated }) => [what, stated]));
    expect(said).toMatchObject({
      'the statement of these events': 'stm', 'their payee': 'acc_a CNY', 'their range': '(10, 50]', 'entries outside of the range': '0', 'events that stand twice': '0',
      'pot pot_1: postings of earnings': '2', 'pot pot_1: earned': '364', 'pot pot_1: 2026-03-01 – 2026-03-10 of trf_11': '182', 'pot pot_1: grossMinor': '399', 'pot pot_1: base': '364',
      'pot pot_1: share of acc_a': 'acc_a 7000 255 255', 'pot pot_1: legs': '2', 'pot pot_2: base': '111', 'pot pot_2: of acc_a\'s original': '16 16', 'pot pot_2: share of platform': 'platform 2000 19 8',
      'pot pot_3: share of platform': 'platform 3000 0 -7', 'pot pot_3: taxMinor': '0', 'pot pot_1: royalties.pot_divided': '255', 'pot pot_2: royalties.derivative_divided': '16',
      'refund trf_41: returned': '14', 'trf_22: out of the balance, into the reserve or off the debt': '30', 'an account below zero': 'never',
      'line 1 earnings': '255', 'line d1 entries': '1', 'line r2 reserve_held': '12', 'balance: entries on no line': '0', 'balance: closing': '50', 'debt: closing': '9', 'reserve: closing': '11',
      'total refunds of earlier periods': '-4', 'the totals': '30', 'earnings of Mei friend returned': '-4', 'earnings of Mei friend in all': '251',
    });
    expect(findings.map(({ what }) => what)).not.toContain('pot pot_3: grossMinor');
    expect(findings.every(({ stated, worked }) => stated === worked)).toBe(true);
  });
});

/** Every place of a document whose name ends so. */
function* places(value: unknown, ending: string, path: string[] = []): Generator<string[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner === 'string' && name.endsWith(ending)) yield [...path, name];
    else yield* places(inner, ending, [...path, name]);
  }
}

function addOne(document: object, path: readonly string[]): void {
  const at = path.slice(0, -1).reduce<Record<string, unknown>>((inner, name) => inner[name] as Record<string, unknown>, document as Record<string, unknown>);
  const last = path.at(-1) ?? '';
  at[last] = (BigInt(at[last] as string) + 1n).toString();
}

describe('a cent that was moved', () => {
  it('is found anywhere in the statement but in what no event speaks of, the advances', () => {
    const { statement } = statementWorld();
    const unseen = [...places(statement, 'Minor')].filter((path) => differs((forged) => { addOne(forged, path); }).length === 0);
    expect(unseen.map((path) => path.join('.'))).toEqual(['advances.0.openingMinor', 'advances.0.closingMinor']);
  });

  it('is found anywhere in the events', () => {
    const { events } = statementWorld();
    const unseen = [...places(events, 'Minor')].filter((path) => differs((_statement, forged) => { addOne(forged, path); }).length === 0);
    // A rounding hides one unit in a claim, as it does in what is paid.
    expect(unseen.map((path) => path.join('.')).filter((path) => !path.includes('.returns.') && !path.includes('.period.'))).toEqual([]);
  });
});

describe('a changed figure', () => {
  it('is named where it stands', () => {
    expect(differs((statement) => { statement.pots[0]!.entries = '3'; })).toEqual(['pot pot_1: postings of earnings']);
    expect(differs((statement) => { statement.pots[0]!.grossMinor = '400'; })).toEqual(['pot pot_1: grossMinor']);
    expect(differs((statement) => { statement.pots[1]!.grossMinor = '112'; })).toEqual(['pot pot_2: grossMinor']);
    expect(differs((statement) => { statement.pots[2]!.feeMinor = '3'; })).toEqual(['pot pot_3: feeMinor']);
    expect(differs((statement) => { statement.pots[0]!.splitSha256 = 'x'; })).toEqual(['pot pot_1: the signed split']);
    expect(differs((statement) => { statement.pots[0]!.legs[0]!.payee = 'acc_x'; })).toEqual(['pot pot_1: share of acc_a', 'pot pot_1: royalties.pot_divided']);
    expect(differs((statement) => { statement.pots[0]!.legs[1]!.basisPoints = 3_001; })).toEqual(['pot pot_1: share of platform']);
    expect(differs((statement) => { statement.pots[0]!.legs[1]!.amountMinor = '108'; })).toEqual(['pot pot_1: share of platform']);
    expect(differs((statement) => { statement.pots[1]!.legs[0]!.shareMinor = '15'; })).toEqual(['pot pot_2: of acc_a\'s original']);
    expect(differs((statement) => { statement.pots[1]!.legs[2]!.amountMinor = '19'; })).toEqual(['pot pot_2: share of platform']);
    expect(differs((statement) => { statement.lines[0]!.entries = '2'; })).toEqual(['line 1 entries']);
    expect(differs((statement) => { statement.reserve.openingMinor = '6'; })).toEqual(['reserve: closing']);
    expect(differs((statement) => { statement.debt.closingMinor = '8'; })).toEqual(['debt: closing']);
    expect(differs((statement) => { statement.totals[0]!.totalMinor = '256'; })).toEqual(['total earnings', 'the totals']);
    expect(differs((statement) => { statement.totals[2]!.inPeriodMinor = '1'; })).toEqual(['total refunds of the period']);
    expect(differs((statement) => { statement.totals[2]!.adjustmentsMinor = '0'; })).toEqual(['total refunds of earlier periods']);
    expect(differs((statement) => { statement.totals.pop(); })).toEqual(['the totals']);
    expect(differs((statement) => { statement.earnings[0]!.inPeriodMinor = '0'; })).toEqual(['earnings of Mei friend in the period']);
    expect(differs((statement) => { statement.earnings[0]!.adjustmentsMinor = '1'; })).toEqual(['earnings of Mei friend of earlier periods']);
    expect(differs((statement) => { statement.earnings[1]!.refundsMinor = '1'; })).toEqual(['earnings of Cover tir_2 returned']);
    expect(differs((statement) => { statement.earnings[1]!.totalMinor = '1'; })).toEqual(['earnings of Cover tir_2 in all']);
    expect(differs((statement) => { statement.earnings[1]!.tierName = null; statement.earnings[1]!.totalMinor = '1'; })).toEqual(['earnings of Cover  in all']);
    expect(differs((statement) => { statement.statementId = 'other'; })).toEqual(['the statement of these events']);
    expect(differs((statement) => { statement.currency = 'USD'; })).toEqual(['their payee']);
    expect(differs((statement) => { statement.toPosition = '51'; })).toEqual(['their range']);
  });

  it('of an adjustment belongs to earlier periods, of its clone and tier alone', () => {
    const adjusted = (statement: Statement): void => {
      Object.assign(statement.lines[0]!, { adjustment: true });
      Object.assign(statement.totals[0]!, { inPeriodMinor: '0', adjustmentsMinor: '255' });
      Object.assign(statement.earnings[0]!, { inPeriodMinor: '0', adjustmentsMinor: '255' });
    };
    expect(differs(adjusted)).toEqual([]);
    expect(differs((statement) => { adjusted(statement); statement.lines[0]!.tierId = 'tir_9'; })).toEqual(['earnings of Mei friend of earlier periods', 'earnings of Mei friend in all']);
    expect(differs((statement) => { adjusted(statement); statement.lines[0]!.cloneId = 'cln_2'; })).toEqual(['earnings of Mei friend of earlier periods', 'earnings of Mei friend in all']);
  });
});

describe('a changed event', () => {
  it('lies outside of the range, or stands twice, or on no line', () => {
    expect(differs((_statement, events) => { events.entries[9]!.position = '50'; })).toEqual([]);
    for (const position of ['10', '9', '51']) expect(differs((_statement, events) => { events.entries[9]!.position = position; })).toContain('entries outside of the range');
    expect(differs((_statement, events) => { events.entries[9]!.position = '11'; })).not.toContain('entries outside of the range');
    expect(differs((_statement, events) => { events.entries[9]!.transferId = 'trf_41'; })).toContain('events that stand twice');
    expect(differs((_statement, events) => { events.entries[2]!.transferId = 'trf_11'; })).toEqual(['events that stand twice']);
    expect(differs((_statement, events) => { events.entries[9]!.lineId = '99'; })).toEqual(['line 8 payout', 'line 8 entries', 'balance: entries on no line']);
    expect(differs((_statement, events) => { events.entries[6]!.lineId = 'r9'; })).toEqual(
      ['trf_23: out of the balance, into the reserve or off the debt', 'line r2 reserve_held', 'line r2 entries', 'reserve: entries on no line']);
  });

  it('is another split than the signed one, or none', () => {
    expect(differs((_statement, events) => { events.splits.shift(); })).toEqual(['pot pot_1: the signed split']);
    expect(differs((_statement, events) => { events.splits[0]!.document.legs[0]!.basisPoints = 7_001; })).toContain('pot pot_1: the signed split');
    expect(differs((_statement, events) => { events.splits[0]!.document.legs.push({ ...events.splits[0]!.document.legs[0]!, payee: 'acc_z', basisPoints: 1 }); }))
      .toEqual(expect.arrayContaining(['pot pot_1: legs', 'pot pot_1: share of acc_z']));
    expect(differs((_statement, events) => { (events.splits[0]!.document as { base: string }).base = 'net_of_tax'; })).toEqual(expect.arrayContaining(['pot pot_1: base']));
  });

  it('is a day that earned otherwise than ⌊amount × k / n⌋', () => {
    expect(differs((_statement, events) => { events.earned[0]!.period!.fromK = 1; })).toEqual(['pot pot_1: 2026-03-01 – 2026-03-10 of trf_11']);
    expect(differs((_statement, events) => { events.earned[1]!.period!.toK = 19; })).toEqual(['pot pot_1: 2026-03-01 – 2026-03-10 of trf_12']);
    for (const name of ['grossMinor', 'taxMinor', 'feeMinor'] as const) {
      expect(differs((_statement, events) => { events.earned[0]!.period![name] = '300'; })).toEqual(['pot pot_1: 2026-03-01 – 2026-03-10 of trf_11']);
    }
    expect(differs((_statement, events) => {
      Object.assign(events.earned[0]!, { fromDay: null, throughDay: null });
      events.earned[0]!.period!.toK = 9;
    })).toEqual(['pot pot_1:  –  of trf_11']);
    expect(differs((_statement, events) => { events.earned[0]!.grossMinor = null; })).toEqual([]);
  });

  it('divides what was signed to be divided, where the pot says all that this needs', () => {
    const net = (statement: Statement, events: Events): void => {
      (events.splits[0]!.document as { base: string }).base = 'net_of_tax';
      const [first] = statement.pots;
      Object.assign(first!, { baseMinor: '377' });
      Object.assign(first!.legs[0]!, { shareMinor: '264', amountMinor: '264' });
      Object.assign(first!.legs[1]!, { shareMinor: '113', amountMinor: '100' });
    };
    expect(differs(net)).toEqual(['pot pot_1: the signed split', 'pot pot_1: royalties.pot_divided']);
    for (const unsaid of [{ feeMinor: null }, { taxMinor: null }]) {
      expect(differs((statement, events) => { net(statement, events); Object.assign(statement.pots[0]!, unsaid, { baseMinor: '1' }); })).toEqual(['pot pot_1: the signed split', 'pot pot_1: royalties.pot_divided']);
    }
  });

  it('is a share that a pot did not give', () => {
    expect(differs((_statement, events) => { events.entries[0]!.potId = 'pot_2'; })).toEqual(['pot pot_1: royalties.pot_divided', 'pot pot_2: royalties.pot_divided']);
    expect(differs((_statement, events) => { events.entries[1]!.transferKind = 'royalties.pot_divided'; })).toEqual(['pot pot_2: royalties.pot_divided', 'pot pot_2: royalties.derivative_divided']);
  });

  it('is a return that the claim does not ask for', () => {
    expect(differs((_statement, events) => {
      events.entries[10]!.amountMinor = '-5';
    })).toEqual(expect.arrayContaining(['refund trf_41: returned', 'line 4 refunds', 'balance: closing']));
    for (const claim of [{ baseMinor: '24' }, { beforeMinor: '6' }]) {
      expect(differs((_statement, events) => {
        for (const entry of events.entries) if (entry.returns !== null) Object.assign(entry.returns[0]!, claim);
      })).toEqual(['refund trf_41: returned']);
    }
    expect(differs((_statement, events) => {
      for (const entry of events.entries) if (entry.returns !== null) entry.returns[0]!.shares[0]!.shareMinor = '109';
    })).toEqual(['refund trf_41: returned']);
    // The platform is given back what it bore: 9 of 55 of the base, less the 5 by which that is more than the claim.
    const returns = [{ potId: 'pot_2', beforeMinor: '0', baseMinor: '55', amountMinor: '50', shares: ['16', '76', '19'].map((shareMinor, leg) => ({ payee: ['acc_a', 'acc_c', 'platform'][leg]!, shareMinor })) }];
    const asPlatform = (statement: Statement, events: Events, [amount, claim]: [string, typeof returns]): void => {
      Object.assign(statement, { payee: 'platform' });
      for (const [index, amountMinor] of [[10, amount], [11, '0'], [12, '0']] as const) Object.assign(events.entries[index]!, { amountMinor, returns: claim });
    };
    const without = returns.map((one) => ({ ...one, shares: one.shares.slice(0, 2) }));
    expect(differs((statement, events) => { asPlatform(statement, events, ['-4', returns]); })).not.toContain('refund trf_41: returned');
    expect(differs((statement, events) => { asPlatform(statement, events, ['-9', returns]); })).toContain('refund trf_41: returned');
    expect(differs((statement, events) => { asPlatform(statement, events, ['0', without]); })).not.toContain('refund trf_41: returned');
    expect(differs((statement, events) => { asPlatform(statement, events, ['-38', returns]); statement.payee = 'acc_c'; })).not.toContain('refund trf_41: returned');
    // Several pots are claimed of together.
    expect(differs((_statement, events) => {
      for (const entry of events.entries) if (entry.returns !== null) entry.returns = [...entry.returns, ...entry.returns];
    })).toEqual(['refund trf_41: returned']);
  });

  it('is money that left one of the payee\'s accounts and did not come to the other', () => {
    const moved = ['trf_22: out of the balance, into the reserve or off the debt'];
    expect(differs((_statement, events) => { events.entries[4]!.amountMinor = '-29'; })).toEqual([...moved, 'line d2 debt', 'debt: closing']);
    expect(differs((statement, events) => {
      statement.debt.openingMinor = '0';
      events.entries[4]!.amountMinor = '-30';
    })).toEqual(['an account below zero', 'debt: closing']);
  });
});

describe('an account that stood below zero', () => {
  it('is found in the recorded order, each account by itself, and not of the platform', () => {
    const below = (change: (statement: Statement, events: Events) => void): boolean => differs(change).includes('an account below zero');
    expect(below((statement) => { statement.openingMinor = '-200'; })).toBe(true);
    expect(below((_statement, events) => { events.entries[9]!.position = '19'; })).toBe(true);
    // In one transfer by its legs.
    expect(below((_statement, events) => { Object.assign(events.entries[9]!, { position: '20', leg: 0 }); })).toBe(true);
    expect(below((_statement, events) => { Object.assign(events.entries[9]!, { position: '24', leg: 9 }); })).toBe(false);
    expect(below((statement) => { statement.reserve.openingMinor = '-6'; })).toBe(false);
    expect(below((statement) => { statement.reserve.openingMinor = '-7'; })).toBe(true);
    expect(below((statement) => { Object.assign(statement, { payee: 'platform', openingMinor: '-200' }); })).toBe(false);
  });
});

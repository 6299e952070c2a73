import { describe, expect, it } from 'vitest';

import { AMOUNT_MAX } from '../../src/kernel/money.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { checkAdvance, recouped } from '../../src/royalties/advances-model.ts';
import { convertMinor } from '../../src/royalties/conversion-model.ts';
import { upstreamShares } from '../../src/royalties/derivative-model.ts';
import { checkKinds } from '../../src/royalties/statement-lines.ts';

/** The edges of owner money, each from both sides, and by which code it is refused. */

function code(work: () => unknown): string {
  try {
    work();
    return 'accepted';
  } catch (error) {
    return error instanceof Refusal ? error.code : (error as Error).name;
  }
}

describe('an advance', () => {
  const good = { cloneIds: ['cln_a'], crossCollateral: false, rateBasisPoints: 1, endsOn: null, today: '2026-03-01' };
  const run = { receivedMinor: 100n, potsMinor: 1_000n, leftMinor: 100n, unrecoupedMinor: 5_000n, day: '2026-03-31' };

  it('is refused by its own code', () => {
    for (const one of [{ cloneIds: [] }, { cloneIds: ['cln_a', 'cln_b'] }, { rateBasisPoints: 0 }, { endsOn: '2026-03-01' }]) expect(code(() => { checkAdvance({ ...good, ...one }); })).toBe('advance_invalid');
  });

  it('recoups nothing of pots or shares below zero, and nothing when nothing is left to take', () => {
    const terms = { base: 'pot', rateBasisPoints: 5_000, endsOn: null } as const;
    expect(recouped(terms, { ...run, potsMinor: -4n })).toBe(0n);
    expect(recouped({ ...terms, base: 'share' }, { ...run, receivedMinor: -4n })).toBe(0n);
    expect([recouped(terms, { ...run, leftMinor: 0n }), recouped(terms, { ...run, leftMinor: -3n }), recouped(terms, { ...run, unrecoupedMinor: -3n })]).toEqual([0n, 0n, 0n]);
    expect(recouped(terms, { ...run, potsMinor: 3n })).toBe(1n);
  });
});

describe('what goes up to several originals', () => {
  it('is shared by largest remainder, ties to the nearest', () => {
    expect(upstreamShares(35n, [1_000, 1_000, 1_000])).toEqual([4n, 3n, 3n]);
    expect([upstreamShares(17n, [500, 1_500]), upstreamShares(17n, [1_500, 500])]).toEqual([[1n, 2n], [2n, 1n]]);
    expect([upstreamShares(10n, [0, 0]), upstreamShares(0n, [500]), upstreamShares(-10n, [500]), upstreamShares(10n, [])]).toEqual([[0n, 0n], [0n], [0n], []]);
  });
});

describe('money in another currency', () => {
  it('is refused for a rate that is none, and fits in 64 bits exactly', () => {
    for (const rate of ['0', '0.000', 'NaN', '1e3', '-1', '', '1.', '1234567890123', '0.1234567890123456789', ' 1', '1 ']) expect(code(() => convertMinor(1n, 'USD', 'CNY', rate))).toBe('money_malformed');
    expect(convertMinor(1n, 'USD', 'CNY', '123456789012.123456789012345678')).toBe(123_456_789_012n);
    expect(convertMinor(AMOUNT_MAX, 'USD', 'EUR', '1')).toBe(AMOUNT_MAX);
    expect(code(() => convertMinor(AMOUNT_MAX, 'USD', 'EUR', '1.000000000000000001'))).toBe('money_out_of_range');
    expect(code(() => convertMinor(-1n, 'USD', 'EUR', '1'))).toBe('RangeError');
  });
});

describe('a period that is closed', () => {
  it('has lines for all of its postings, or is refused', () => {
    expect(code(() => { checkKinds(['royalties.pot_divided', 'royalties.payout_begun.reversal']); })).toBe('accepted');
    expect(code(() => { checkKinds([]); })).toBe('accepted');
    expect(code(() => { checkKinds(['royalties.pot_divided', 'a.a']); })).toBe('statement_line_unknown');
  });
});

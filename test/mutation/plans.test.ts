import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Parts } from '../../src/billing/model.ts';
import { creditsOf, divided, effectOf, type Plan } from '../../src/billing/plans-model.ts';
import { freeTurns, kindOf, type OfferInput, type OfferTerms, offerTerms, priceOfInterval, quotaOf, TIER_DEFAULTS, TIER_KINDS, type TierKind } from '../../src/billing/tier-terms.ts';
import { coinsFor } from '../../src/kernel/money.ts';
import { Refusal } from '../../src/kernel/refusals.ts';

/** What a tier costs and gives, and what moves when a fan changes theirs. */

const plan = (tierId: string, monthMinor: bigint, interval: Plan['interval'] = 'month', version = 1): Plan => ({ tierId, monthMinor, interval, version });

describe('a change of plan', () => {
  it('gives more at once, and less when what is paid has ended', () => {
    const [friend, work] = [plan('f', 600n), plan('w', 3_000n)];
    const [friendYear, workYear] = [plan('f', 600n, 'year'), plan('w', 3_000n, 'year')];
    expect([effectOf(friend, work), effectOf(friend, workYear), effectOf(friendYear, work), effectOf(friendYear, workYear)]).toEqual(['now', 'now', 'now', 'now']);
    expect([effectOf(work, friend), effectOf(work, friendYear), effectOf(workYear, friend)]).toEqual(['period_end', 'period_end', 'period_end']);
    expect([effectOf(friend, friendYear), effectOf(friendYear, friend)]).toEqual(['now', 'period_end']);
    expect([effectOf(friend, plan('f', 900n, 'year', 2)), effectOf(friendYear, plan('f', 900n, 'month', 2))]).toEqual(['now', 'period_end']);
  });

  it('to another version of the same is for later, to the very same is none', () => {
    expect([effectOf(plan('f', 600n), plan('f', 900n, 'month', 2)), effectOf(plan('f', 600n), plan('f', 600n))]).toEqual(['period_end', null]);
    expect(effectOf(plan('f', 600n, 'year'), plan('f', 600n, 'year'))).toBeNull();
  });

  it('to a tier of the same price is more only when it is for longer', () => {
    expect([effectOf(plan('f', 600n), plan('g', 600n)), effectOf(plan('f', 600n), plan('g', 600n, 'year'))]).toEqual(['period_end', 'now']);
    expect([effectOf(plan('f', 600n, 'year'), plan('g', 600n, 'year')), effectOf(plan('f', 600n, 'year'), plan('g', 600n))]).toEqual(['period_end', 'period_end']);
  });
});

const parts = (netMinor: bigint, taxMinor: bigint, feeMinor: bigint): Parts => ({ grossMinor: netMinor + taxMinor, netMinor, taxMinor, feeMinor });

describe('the money of unused days', () => {
  it('is divided exactly, in each of its parts', () => {
    expect(divided(parts(566n, 34n, 20n), 100n)).toEqual({ kept: parts(94n, 6n, 3n), left: parts(472n, 28n, 17n) });
    expect(divided(parts(566n, 34n, 20n), 600n)).toEqual({ kept: parts(566n, 34n, 20n), left: parts(0n, 0n, 0n) });
    expect(divided(parts(566n, 34n, 20n), 0n)).toEqual({ kept: parts(0n, 0n, 0n), left: parts(566n, 34n, 20n) });
    expect(divided(parts(0n, 0n, 0n), 0n)).toEqual({ kept: parts(0n, 0n, 0n), left: parts(0n, 0n, 0n) });
    for (const none of [-1n, 601n]) expect(() => divided(parts(566n, 34n, 20n), none)).toThrow(RangeError);
    expect(() => divided(parts(0n, 0n, 0n), -1n)).toThrow(RangeError);
    fc.assert(fc.property(fc.bigInt(0n, 500n), fc.bigInt(0n, 500n), fc.bigInt(0n, 500n), fc.double({ min: 0, max: 1, noNaN: true }), (net, tax, fee, part) => {
      const whole = parts(net, tax, fee);
      const gross = BigInt(Math.floor(Number(net + tax) * part));
      const { kept, left } = divided(whole, gross);
      expect(kept.grossMinor).toBe(gross);
      for (const one of [kept, left]) {
        expect(one.grossMinor).toBe(one.netMinor + one.taxMinor);
        expect(Object.values(one).every((amount) => (amount as bigint) >= 0n)).toBe(true);
      }
      for (const name of ['grossMinor', 'netMinor', 'taxMinor', 'feeMinor'] as const) expect(kept[name] + left[name]).toBe(whole[name]);
    }), { numRuns: 300 });
  });

  it('moves on up to what the new period costs, the oldest first, and the rest goes back', () => {
    const unused = [{ period: 'one', parts: parts(90n, 10n, 5n) }, { period: 'two', parts: parts(50n, 0n, 0n) }, { period: 'three', parts: parts(20n, 0n, 0n) }];
    const moved = (limit: bigint): [string, bigint, bigint][] => creditsOf(unused, limit).map(({ period, kept, left }) => [period, kept.grossMinor, left.grossMinor]);
    expect(moved(120n)).toEqual([['one', 100n, 0n], ['two', 20n, 30n], ['three', 0n, 20n]]);
    expect(moved(100n)).toEqual([['one', 100n, 0n], ['two', 0n, 50n], ['three', 0n, 20n]]);
    expect(moved(1_000n)).toEqual([['one', 100n, 0n], ['two', 50n, 0n], ['three', 20n, 0n]]);
  });
});

function offer(kind: TierKind, input: OfferInput, before: OfferTerms | null = null, allowed: (name: string) => boolean = () => true): OfferTerms | string {
  try {
    return offerTerms(kind, input, before, allowed);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describe('a tier', () => {
  it('costs 42 and 210 coins unless the owner says otherwise, and nine turns are free', () => {
    expect(TIER_KINDS).toEqual(['free', 'friend', 'work']);
    expect([coinsFor(TIER_DEFAULTS.friend.priceMinor), coinsFor(TIER_DEFAULTS.work.priceMinor)]).toEqual([42n, 210n]);
    expect(offer('free', {})).toEqual({ priceMinor: 0n, yearPriceMinor: null, outputsPerPeriod: 9, capabilities: ['chat', 'voice'], instantReplies: false });
    expect(offer('friend', {})).toEqual({ priceMinor: 600n, yearPriceMinor: 7_200n, outputsPerPeriod: 100, capabilities: ['chat', 'moments', 'voice'], instantReplies: true });
    expect(offer('work', {})).toEqual({ priceMinor: 3_000n, yearPriceMinor: 36_000n, outputsPerPeriod: 300, capabilities: ['chat', 'moments', 'video', 'voice', 'work'], instantReplies: true });
    expect(['free', 'friend', 'work', 'gold', ''].map(kindOf)).toEqual(['free', 'friend', 'work', 'friend', 'friend']);
  });

  it('has a price that can be charged', () => {
    expect(offer('friend', { priceMinor: '1' })).toMatchObject({ priceMinor: 1n, yearPriceMinor: 12n });
    for (const priceMinor of ['0', '-1', '100000000']) expect(offer('friend', { priceMinor })).toBe('money_out_of_range');
    for (const priceMinor of ['1.5', 'NaN', '1e3', '']) expect(offer('friend', { priceMinor })).toBe('money_malformed');
  });

  it('that is free costs nothing, by the month and by the year', () => {
    expect(offer('free', { priceMinor: '0', yearPriceMinor: null })).toMatchObject({ priceMinor: 0n, yearPriceMinor: null });
    expect([offer('free', { priceMinor: '1' }), offer('free', { priceMinor: '-0' }), offer('free', { yearPriceMinor: '0' })]).toEqual(['money_out_of_range', 'money_out_of_range', 'money_out_of_range']);
    expect(offer('free', { voiceOutputsPerPeriod: null })).toMatchObject({ outputsPerPeriod: null });
    for (const kind of ['friend', 'work'] as const) expect(offer(kind, { voiceOutputsPerPeriod: null })).toBe('request_invalid');
    expect(offer('friend', { voiceOutputsPerPeriod: 5 })).toMatchObject({ outputsPerPeriod: 5 });
  });

  it('costs twelve months by the year, unless that cannot be charged or the owner says another price or none', () => {
    expect([offer('friend', { priceMinor: '8333333' }), offer('friend', { priceMinor: '8333334' })]).toMatchObject([{ yearPriceMinor: 99_999_996n }, { yearPriceMinor: null }]);
    expect(offer('friend', { yearPriceMinor: '6000' })).toMatchObject({ priceMinor: 600n, yearPriceMinor: 6_000n });
    expect(offer('friend', { yearPriceMinor: null })).toMatchObject({ yearPriceMinor: null });
    expect(offer('friend', { yearPriceMinor: '0' })).toBe('money_out_of_range');
  });

  it('keeps of the offer before what is not said again; a new price by the month brings its own by the year', () => {
    const before: OfferTerms = { priceMinor: 700n, yearPriceMinor: 7_000n, outputsPerPeriod: 50, capabilities: ['chat'], instantReplies: false };
    expect(offer('friend', {}, before)).toEqual(before);
    expect(offer('friend', { priceMinor: '700' }, before)).toEqual({ ...before, yearPriceMinor: 8_400n });
    expect(offer('friend', { instantReplies: true }, before)).toEqual({ ...before, instantReplies: true });
    expect(offer('friend', {}, { ...before, yearPriceMinor: null })).toMatchObject({ yearPriceMinor: null });
  });

  it('names each capability once, and none that the grant does not allow', () => {
    const only = (...names: string[]) => (name: string): boolean => names.includes(name);
    expect(offer('friend', { capabilities: ['voice', 'chat', 'voice'] })).toMatchObject({ capabilities: ['chat', 'voice'] });
    expect(offer('work', {}, null, only('chat', 'video'))).toMatchObject({ capabilities: ['chat', 'video'] });
    expect(offer('friend', { capabilities: ['chat', 'video'] }, null, only('chat'))).toBe('tier_outside_grant');
    expect(offer('friend', { capabilities: [] }, null, only())).toMatchObject({ capabilities: [] });
  });

  it('is sold by its interval, a year\'s quota in one', () => {
    expect([priceOfInterval({ priceMinor: 6n, yearPriceMinor: 60n }, 'month'), priceOfInterval({ priceMinor: 6n, yearPriceMinor: 60n }, 'year'), priceOfInterval({ priceMinor: 6n, yearPriceMinor: null }, 'year')]).toEqual([6n, 60n, null]);
    expect([quotaOf(10, 'month'), quotaOf(10, 'year')]).toEqual([10, 120]);
  });
});

describe('the free turns of a fan', () => {
  it('are those of the offer, or what an earlier one granted, whichever is more', () => {
    expect(freeTurns(9, null)).toEqual({ granted: 9, used: 0 });
    expect(freeTurns(null, null)).toEqual({ granted: null, used: 0 });
    expect(freeTurns(5, { granted: 9, used: 3, current: false })).toEqual({ granted: 9, used: 3 });
    expect(freeTurns(12, { granted: 9, used: 3, current: false })).toEqual({ granted: 12, used: 3 });
    expect(freeTurns(12, { granted: 9, used: 3, current: true })).toEqual({ granted: 9, used: 3 });
    expect(freeTurns(null, { granted: 9, used: 3, current: false })).toEqual({ granted: null, used: 3 });
    // What was without a limit and is not any more grants the offer anew, behind what was used.
    expect(freeTurns(5, { granted: null, used: 29, current: false })).toEqual({ granted: 34, used: 29 });
  });
});

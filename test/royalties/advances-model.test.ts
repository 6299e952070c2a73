import { describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { checkAdvance, type Recoupment, recouped, restorable } from '../../src/royalties/advances-model.ts';

describe('what a run recoups of an advance', () => {
  it('is the rate of its base, never more than the share, than what is left, or after its end', () => {
    const run = { receivedMinor: 100n, potsMinor: 1_000n, leftMinor: 100n, unrecoupedMinor: 5_000n, day: '2026-03-31' };
    const terms = { base: 'share', rateBasisPoints: 3_333, endsOn: null } as const;
    expect(recouped(terms, run)).toBe(33n);
    expect(recouped({ ...terms, base: 'pot' }, run)).toBe(100n);
    expect(recouped({ ...terms, base: 'pot', rateBasisPoints: 500 }, run)).toBe(50n);
    expect(recouped(terms, { ...run, unrecoupedMinor: 5n })).toBe(5n);
    expect(recouped(terms, { ...run, leftMinor: 7n })).toBe(7n);
    expect(recouped({ ...terms, endsOn: '2026-03-31' }, run)).toBe(0n);
    expect(recouped({ ...terms, endsOn: '2026-04-01' }, run)).toBe(33n);
    expect(recouped(terms, { ...run, receivedMinor: 0n, potsMinor: -4n })).toBe(0n);
  });
});

describe('what of a recoupment is undone when earnings are returned', () => {
  const one = (changes: Partial<Recoupment>): Recoupment => ({
    advanceId: 'adv', base: 'share', rateBasisPoints: 10_000, baseMinor: 108n, amountMinor: 100n, restoredMinor: 0n, ...changes,
  });
  const undone = (recoupments: Recoupment[], returnedMinor: bigint, potsReturnedMinor = returnedMinor * 5n): bigint[] =>
    restorable(recoupments, { receivedMinor: 108n, returnedMinor, potsReturnedMinor }).map((step) => step.amountMinor);

  it('is what would not have been recouped of what is left, by the same rate and in the same order', () => {
    expect([0n, 5n, 8n, 9n, 50n, 108n].map((returned) => undone([one({})], returned))).toEqual([[0n], [0n], [0n], [1n], [42n], [100n]]);
    const half = one({ rateBasisPoints: 5_000, amountMinor: 54n });
    expect([1n, 2n, 54n, 108n].map((returned) => undone([half], returned))).toEqual([[1n], [1n], [27n], [54n]]);
    expect(undone([{ ...half, restoredMinor: 20n }], 54n)).toEqual([7n]);
    expect(undone([{ ...half, restoredMinor: 30n }], 54n)).toEqual([0n]);
    // A tenth of pots of 540; what is left of the share bounds it.
    const pot = one({ base: 'pot', rateBasisPoints: 1_000, baseMinor: 540n, amountMinor: 54n });
    expect([undone([pot], 54n, 270n), undone([pot], 108n, 540n), undone([pot], 100n, 100n)]).toEqual([[27n], [54n], [46n]]);
    // Two of them: the one that came first keeps what is left.
    const both = [one({ amountMinor: 60n }), one({ advanceId: 'later', amountMinor: 48n })];
    expect([undone(both, 40n), undone(both, 60n), undone(both, 108n)]).toEqual([[0n, 40n], [12n, 48n], [60n, 48n]]);
  });
});

describe('an advance that can be recouped as it is written', () => {
  const good = { cloneIds: ['cln_a'], crossCollateral: false, rateBasisPoints: 1, endsOn: null, today: '2026-03-01' };

  it('names its clones once, several only where that is said, a whole rate, and an end that lies ahead', () => {
    for (const one of [good, { ...good, rateBasisPoints: 10_000 }, { ...good, endsOn: '2026-03-02' }, { ...good, cloneIds: ['cln_a', 'cln_b'], crossCollateral: true },
      { ...good, crossCollateral: true }, { ...good, crossCollateral: true, cloneIds: Array.from({ length: 20 }, (_none, index) => `cln_${index}`) }]) {
      expect(() => { checkAdvance(one); }).not.toThrow();
    }
    for (const one of [{ cloneIds: [] }, { cloneIds: ['cln_a', 'cln_b'] }, { cloneIds: ['cln_a', 'cln_a'], crossCollateral: true },
      { crossCollateral: true, cloneIds: Array.from({ length: 21 }, (_none, index) => `cln_${index}`) }, { rateBasisPoints: 0 }, { rateBasisPoints: 10_001 },
      { rateBasisPoints: 1.5 }, { endsOn: '2026-03-01' }, { endsOn: '2026-02-28' }]) {
      expect(() => { checkAdvance({ ...good, ...one }); }).toThrow(Refusal);
    }
  });
});

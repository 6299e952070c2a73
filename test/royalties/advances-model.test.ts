import { describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { checkAdvance, recouped } from '../../src/royalties/advances-model.ts';

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

import { describe, expect, it } from 'vitest';

import { recouped } from '../../src/royalties/advances-model.ts';

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

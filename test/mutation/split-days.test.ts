import { describe, expect, it } from 'vitest';

import { segmentsOf, splitOn, type SplitVersion } from '../../src/royalties/split-days-model.ts';

/** Which split a day is divided by. */

const VERSIONS: SplitVersion[] = [
  { splitId: 'one', number: 1, effectiveFrom: '2026-03-01' }, { splitId: 'three', number: 3, effectiveFrom: '2026-03-10' }, { splitId: 'two', number: 2, effectiveFrom: '2026-03-20' },
];
const parts = (from: string, to: string, booked: readonly [string, string | null][] = [], versions = VERSIONS): string[] =>
  segmentsOf(versions, from, to, booked.map(([day, splitId]) => ({ day, splitId }))).map(({ fromDay, splitId }) => `${fromDay} ${splitId ?? 'none'}`);

describe('the split of a day', () => {
  it('is the newest whose day has come', () => {
    expect(['2026-02-28', '2026-03-01', '2026-03-09', '2026-03-10', '2026-03-20'].map((day) => splitOn(VERSIONS, day)?.splitId ?? 'none')).toEqual(['none', 'one', 'one', 'three', 'three']);
    expect(splitOn([...VERSIONS].reverse(), '2026-03-20')?.splitId).toBe('three');
    expect(splitOn([], '2026-03-20')).toBeNull();
  });

  it('is told for a stretch, neighbours merged', () => {
    expect(parts('2026-02-20', '2026-04-01')).toEqual(['2026-02-20 none', '2026-03-01 one', '2026-03-10 three']);
    expect(parts('2026-03-02', '2026-03-10')).toEqual(['2026-03-02 one']);
    expect(parts('2026-03-01', '2026-03-11')).toEqual(['2026-03-01 one', '2026-03-10 three']);
    expect([parts('2026-03-02', '2026-03-02'), parts('2026-03-03', '2026-03-02')]).toEqual([[], []]);
    // In whatever order they were signed.
    expect(parts('2026-02-20', '2026-04-01', [], [...VERSIONS].reverse())).toEqual(['2026-02-20 none', '2026-03-01 one', '2026-03-10 three']);
    const term = { splitId: null, number: 4, effectiveFrom: '2026-03-15' };
    expect(parts('2026-03-09', '2026-04-01', [], [...VERSIONS, term])).toEqual(['2026-03-09 one', '2026-03-10 three', '2026-03-15 none']);
  });

  it('that was booked is kept, day by day, and all others take the newest', () => {
    expect(parts('2026-03-01', '2026-03-12', [['2026-03-02', 'old'], ['2026-03-03', 'old'], ['2026-03-05', 'old'], ['2026-03-11', 'older']])).toEqual([
      '2026-03-01 one', '2026-03-02 old', '2026-03-04 one', '2026-03-05 old', '2026-03-06 one', '2026-03-10 three', '2026-03-11 older',
    ]);
    expect(parts('2026-03-02', '2026-03-05', [['2026-03-02', 'old'], ['2026-03-03', 'older'], ['2026-03-04', 'old']])).toEqual(['2026-03-02 old', '2026-03-03 older', '2026-03-04 old']);
    // Booked without one: free to be taken.
    expect(parts('2026-02-27', '2026-03-02', [['2026-02-27', null], ['2026-02-28', null]])).toEqual(['2026-02-27 none', '2026-03-01 one']);
    // Days outside of the stretch cut nothing in it.
    expect(parts('2026-03-02', '2026-03-04', [['2026-02-01', 'old'], ['2026-03-01', 'old'], ['2026-03-04', 'old']])).toEqual(['2026-03-02 one']);
    expect(parts('2026-03-02', '2026-03-04', [['2026-03-01', 'old'], ['2026-03-02', 'old'], ['2026-03-03', 'one']])).toEqual(['2026-03-02 old', '2026-03-03 one']);
  });
});

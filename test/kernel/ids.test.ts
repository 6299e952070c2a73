import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ID_PREFIXES, isId, makeIds } from '../../src/kernel/ids.ts';
import type { IdKind } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { makeTestClock } from '../support/clock.ts';

const kinds = Object.keys(ID_PREFIXES) as IdKind[];

describe('ids', () => {
  it('no two kinds share a prefix', () => {
    expect(new Set(Object.values(ID_PREFIXES)).size).toBe(kinds.length);
  });

  it('have the form of their kind and of no other', () => {
    const ids = makeIds(makeTestClock('2026-01-01T00:00:00Z'), seededRandom('ids'));
    for (const kind of kinds) {
      const id = ids.next(kind);
      expect(kinds.filter((other) => isId(other, id))).toEqual([kind]);
    }
    expect(isId('clone', 'cln_')).toBe(false);
    expect(isId('clone', `cln_${'i'.repeat(26)}`)).toBe(false);
    expect(isId('clone', `cln_${'0'.repeat(26)}\n`)).toBe(false);
  });

  it('sort by the time they were made', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 44 }), fc.integer({ min: 1, max: 2 ** 40 }), (start, later) => {
      const clock = makeTestClock(new Date(start).toISOString());
      const ids = makeIds(clock, seededRandom(`${start}`));
      const first = ids.next('leaf');
      clock.advance(later);
      expect(ids.next('leaf') > first).toBe(true);
    }));
  });

  it('do not repeat within a millisecond', () => {
    const ids = makeIds(makeTestClock('2026-01-01T00:00:00Z'), seededRandom('many'));
    const made = Array.from({ length: 5_000 }, () => ids.next('entry'));
    expect(new Set(made).size).toBe(made.length);
  });
});

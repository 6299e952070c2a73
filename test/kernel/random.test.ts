import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { seededRandom, systemRandom } from '../../src/kernel/random.ts';

describe('randomness', () => {
  it('a seed replays the same bytes, however they are asked for', () => {
    fc.assert(fc.property(fc.string(), fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 20 }), (seed, lengths) => {
      const whole = seededRandom(seed).bytes(lengths.reduce((sum, length) => sum + length, 0));
      const parts = seededRandom(seed);
      expect(Buffer.concat(lengths.map((length) => parts.bytes(length)))).toEqual(Buffer.from(whole));
    }));
    expect(seededRandom('a').bytes(32)).not.toEqual(seededRandom('b').bytes(32));
  });

  it('stays below its bound and reaches all of it', () => {
    const random = seededRandom('bound');
    const counts = new Map<number, number>();
    for (let i = 0; i < 7_000; i += 1) {
      const value = random.below(7);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  it('refuses a bound that is none', () => {
    for (const bound of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1]) expect(() => systemRandom.below(bound)).toThrow(RangeError);
    expect(systemRandom.below(1)).toBe(0);
  });

  it('the system\'s bytes have the length asked for and differ', () => {
    expect(systemRandom.bytes(32)).toHaveLength(32);
    expect(systemRandom.bytes(32)).not.toEqual(systemRandom.bytes(32));
  });
});

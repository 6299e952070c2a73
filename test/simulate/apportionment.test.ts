import { describe, expect, it } from 'vitest';

import { returnedOf, sharesOf } from '../../src/royalties/model.ts';
import { apportionment } from './apportionment.ts';

const CASES = 1_000_000;

describe('a refund in parts', () => {
  it('takes from each leg never less than before, never more than it got, and at the whole exactly that: a million steps', () => {
    const found = apportionment(CASES, 20_260_301);
    expect(found.broken).toBeNull();
    expect(found.cases).toBeGreaterThanOrEqual(CASES);
    expect(found.counted).toBeGreaterThan(CASES / 1_000);
  }, 120_000);

  it('of 9 from a sale of 10 at 60/25/10/5 takes from nobody what they did not get, unlike shares of what is refunded', () => {
    const received = sharesOf(10n, [6_000, 2_500, 1_000, 500]);
    expect(received).toEqual([6n, 3n, 1n, 0n]);
    expect(returnedOf(9n, received)).toEqual([5n, 3n, 1n, 0n]);
    // Largest remainder on the refund itself takes one unit from the fourth leg, which got nothing.
    expect(sharesOf(9n, [6_000, 2_500, 1_000, 500])).toEqual([5n, 2n, 1n, 1n]);
  });

  it.each<[string, typeof returnedOf]>([
    ['largest remainder on the total', (total, received) => sharesOf(total, points(received))],
    ['floors with the rest to the first', (total, received) => {
      const whole = received.reduce((sum, one) => sum + one, 0n);
      const floors = received.map((one) => (one * total) / whole);
      floors[0]! += total - floors.reduce((sum, one) => sum + one, 0n);
      return floors;
    }],
    ['one unit too few', (total, received) => returnedOf(total > 1n ? total - 1n : total, received)],
    ['ties to the last', (total, received) => returnedOf(total, [...received].reverse()).reverse()],
  ])('by %s would be found out', (_what, wrongly) => {
    expect(apportionment(100_000, 1, wrongly).broken).toMatch(/^seed 1, case \d+: /);
  });
});

function points(received: readonly bigint[]): number[] {
  const whole = received.reduce((sum, one) => sum + one, 0n);
  const found = received.map((one) => Number((one * 10_000n) / whole));
  found[0]! += 10_000 - found.reduce((sum, one) => sum + one, 0);
  return found;
}

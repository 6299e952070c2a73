import { describe, expect, it } from 'vitest';

import { EVERY_SEED, lifeOf } from './life-of-seed.ts';

/** One month of two clones each: `npm run simulate -- money` has longer and larger ones, and kills processes. */
const SEEDS = Array.from({ length: 20 }, (_none, index) => index + 1);

describe('money as it could go', () => {
  it.each(SEEDS)('seed %i adds up to the cent after every step', async (seed) => {
    const { broken, counts } = await lifeOf({ seed, months: 1 });
    expect(broken).toBeNull();
    for (const kind of EVERY_SEED) expect(counts[kind] ?? 0, kind).toBeGreaterThan(0);
  }, 120_000);
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { STOP_FAULTS } from '../support/stop-faults.ts';
import { play } from './machine/run.ts';
import { scenarios, scenariosFor } from './machine/scenario.ts';
import type { Result } from './machine/world.ts';

/** `npm run chaos -- model` plays 100,000 of them. */
const RUNS = 2_000;
const SEED = 20_260_302;

describe('gate, lease, registry, coordinator and release as one machine', () => {
  it(`keeps the stop's law in ${RUNS} random courses of things`, async () => {
    const total: Omit<Result, 'violations'> = { acknowledged: 0, releases: 0, refused: 0, bytes: 0, cut: 0 };
    await fc.assert(fc.asyncProperty(scenarios, async (scenario) => {
      const { violations, ...counts } = await play(scenario);
      for (const name of Object.keys(counts) as (keyof typeof counts)[]) total[name] += counts[name];
      expect(violations).toEqual([]);
    }), { seed: SEED, numRuns: RUNS });
    console.log(`${RUNS} courses, seed ${SEED}: ${JSON.stringify(total)}`);
    // A world in which nothing happens keeps every law.
    for (const [name, least] of [['acknowledged', RUNS], ['releases', RUNS / 2], ['refused', RUNS / 50], ['bytes', RUNS * 5], ['cut', RUNS / 4]] as const) {
      expect(total[name], name).toBeGreaterThan(least);
    }
  }, 120_000);

  it.each(STOP_FAULTS)('and would notice: %s', async (fault) => {
    const noticed = await fc.check(fc.asyncProperty(scenariosFor(fault), async (scenario) => (await play(scenario, fault)).violations.length === 0), {
      seed: SEED, numRuns: 3_000, endOnFailure: true,
    });
    expect(noticed.failed, fault).toBe(true);
    // Replays: the same scenario, the same violation.
    const [scenario] = noticed.counterexample!;
    const [first, again] = [await play(scenario, fault), await play(scenario, fault)];
    expect(first.violations.length).toBeGreaterThan(0);
    expect(again).toEqual(first);
    expect((await play(scenario)).violations).toEqual([]);
  }, 60_000);
});

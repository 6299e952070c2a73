import { describe, expect, it } from 'vitest';

import { FAULTS } from './interleavings/course.ts';
import { playCourses } from './interleavings/lanes.ts';

/** `npm run chaos -- interleavings` plays 2,000 of a fresh seed; `--seed N --only COURSE` replays one. */
const RUNS = 500;
const SEED = 20_260_303;

describe('gate, lease, registry, acknowledgement and release, interleaved on PostgreSQL', () => {
  it(`keep the stop's law in ${RUNS} random courses`, async () => {
    const { courses, counts, broken } = await playCourses(SEED, { runs: RUNS });
    console.log(`${courses} interleavings, seed ${SEED}: ${JSON.stringify(counts)}`);
    expect(broken.map(({ course, violations }) => `npm run chaos -- interleavings --seed ${SEED} --only ${course}: ${violations.join('; ')}`)).toEqual([]);
    expect(courses).toBe(RUNS);
    // A world in which nothing happens keeps every law.
    for (const [name, least] of [
      ['releases', RUNS / 4], ['refused', RUNS / 4], ['stops', RUNS], ['confirmed', RUNS / 10], ['ranOut', RUNS / 4], ['tooEarly', RUNS / 4],
      ['bytes', RUNS], ['fellOut', RUNS / 10],
    ] as const) expect(counts[name], name).toBeGreaterThan(least);
  }, 240_000);

  it.each(FAULTS)('and would notice: %s', async (fault) => {
    const { courses, broken } = await playCourses(SEED, { runs: 400, lanes: 2, fault, untilBroken: true });
    console.log(`${fault}: noticed in course ${courses}`);
    expect(broken.length).toBeGreaterThan(0);
  }, 120_000);
});

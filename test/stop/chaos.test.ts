import { afterAll, beforeAll, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import { attack, type Trouble } from '../chaos/attack.ts';
import { type Listeners, startListeners } from '../chaos/processes.ts';
import { openStage, type Stage } from '../chaos/stage.ts';

/** A dozen stops of what `npm run chaos -- stop` does five hundred times, on real processes and a PostgreSQL of its own. */
const PLAN: readonly Trouble[] = ['a gateway cut off in silence', 'a gateway frozen', 'PostgreSQL restarted', 'a gateway killed'];
const AT_ONCE = 3;
const SEED = 20_260_304;

let stage: Stage;
let listeners: Listeners;
beforeAll(async () => {
  stage = await openStage(['-c', 'fsync=off']);
  listeners = startListeners();
}, 120_000);
afterAll(async () => {
  await listeners.close();
  await stage.close();
});

it('a dozen stops hold while gateways are cut off, frozen and killed and PostgreSQL is restarted', async () => {
  const { figures, bad } = await attack({ stage, listeners, random: seededRandom(`chaos stop ${SEED}`), plan: PLAN, atOnce: AT_ONCE });
  console.log(`${figures.stops} stops, seed ${SEED}: ${JSON.stringify(figures)}`);
  expect(bad).toEqual([]);
  expect(figures.stops).toBe(PLAN.length * AT_ONCE);
  // Something flowed and something was released before it was stopped: otherwise nothing was attacked.
  expect(figures.bytes).toBeGreaterThan(100_000);
  expect(figures.releasesCounted).toBeGreaterThan(0);
}, 120_000);

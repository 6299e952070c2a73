import type { StopFault } from '../../support/stop-faults.ts';
import type { Scenario } from './scenario.ts';
import { type Result, World } from './world.ts';

const LENGTH_MS = 2_600;

const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
const nextTurn = (): Promise<void> => new Promise((done) => setImmediate(done));

/** Runs one scenario to its end. Timers of the real code are the simulated processes' own. */
export async function play(scenario: Scenario, fault: StopFault | null = null): Promise<Result> {
  const world = new World(scenario, fault);
  const { time } = world;
  globalThis.setTimeout = ((run: () => void, milliseconds = 0) => {
    if (time.current === null) throw new Error('A timer was set outside of every process.');
    const off = time.current.after(milliseconds, run);
    return Object.assign(off, { unref: () => off });
  }) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((off: (() => void) | undefined) => off?.()) as unknown as typeof clearTimeout;
  try {
    world.prepare();
    while (!world.settled() && time.step(LENGTH_MS * 1_000)) await nextTurn();
    return world.conclude();
  } finally {
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
  }
}

/**
 * The order in which things happen as clocks move. A test clock stops at each due task, so that every event
 * carries the time at which it is due; the default clock, which may follow a test clock, is brought up at each stop.
 */
import type { World } from './world.ts';

/** Runs everything due on the default clock. */
export function runDefault(world: World): void {
  runUntil(world, null, world.now(null));
}

/** Moves a test clock through every due task, in order of time, to `target` (unix seconds). */
export function runTestClock(world: World, clock: string, target: number): void {
  runUntil(world, clock, target);
  setClock(world, clock, target);
  runDefault(world);
}

function setClock(world: World, clock: string, at: number): void {
  const { object } = world.find('testClock', clock, world.memory.hidden.platform);
  object.frozen_time = Math.max(object.frozen_time, at);
}

function runUntil(world: World, clock: string | null, target: number): void {
  for (;;) {
    // Read afresh each time: a task may schedule another, or take one away.
    const { tasks } = world.memory.hidden;
    const index = tasks.findIndex((task) => task.clock === clock);
    const task = tasks[index];
    if (task === undefined || task.at > target) return;
    tasks.splice(index, 1);
    if (clock !== null) {
      setClock(world, clock, task.at);
      runDefault(world);
    }
    const run = world.tasks.get(task.kind);
    if (run === undefined) throw new Error(`nothing runs tasks of kind ${task.kind}`);
    run(task.id, task.at);
  }
}

import type { Log } from '../telemetry/index.ts';

/** Work that has no job of its own because it follows from what is committed, such as giving positions. */
export interface Tick {
  everyMs: number;
  run: () => Promise<void>;
}

export interface Ticks {
  start(): void;
  stop(): Promise<void>;
}

/** Runs each tick on its own interval, never twice at once. */
export function makeTicks(ticks: Readonly<Record<string, Tick>>, log: Log): Ticks {
  const timers: NodeJS.Timeout[] = [];
  const running = new Map<string, Promise<void>>();

  function run(name: string, tick: Tick): void {
    if (running.has(name)) return;
    const work = tick.run()
      .catch((error: unknown) => log.error({ err: error, tick: name }, 'a tick failed'))
      .finally(() => running.delete(name));
    running.set(name, work);
  }

  return {
    start() {
      for (const [name, tick] of Object.entries(ticks)) timers.push(setInterval(() => run(name, tick), tick.everyMs));
    },
    async stop() {
      for (const timer of timers.splice(0)) clearInterval(timer);
      await Promise.all(running.values());
    },
  };
}

import type { Log } from '../telemetry/index.ts';
import type { JobRunner } from './runner.ts';

export interface Worker {
  start(): void;
  /** Waits for the jobs under way, starts no further one. */
  stop(): Promise<void>;
}

/** Drains the outbox in this process: `concurrency` loops, each claims one job at a time, waking on a short poll. */
export function makeInProcessWorker(deps: {
  runner: JobRunner; log: Log; concurrency: number; pollMilliseconds: number;
}): Worker {
  const { runner, log, concurrency, pollMilliseconds } = deps;
  let stopping = false;
  let loops: Promise<void>[] = [];
  const sleepers = new Set<() => void>();

  async function rest(): Promise<void> {
    await new Promise<void>((done) => {
      const awake = (): void => {
        clearTimeout(timer);
        sleepers.delete(awake);
        done();
      };
      const timer = setTimeout(awake, pollMilliseconds);
      sleepers.add(awake);
    });
  }

  async function loop(): Promise<void> {
    while (!stopping) {
      try {
        if (!(await runner.runNext())) await rest();
      } catch (error) {
        // PostgreSQL may be restarting: the jobs are safe in it, so wait and ask again.
        log.error({ err: error }, 'the outbox could not be read');
        await rest();
      }
    }
  }

  return {
    start() {
      stopping = false;
      loops = Array.from({ length: concurrency }, () => loop());
    },
    async stop() {
      stopping = true;
      for (const awake of [...sleepers]) awake();
      await Promise.all(loops);
    },
  };
}

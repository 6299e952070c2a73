import { Queue, Worker as BullWorker, type ConnectionOptions } from 'bullmq';

import type { Log } from '../telemetry/index.ts';
import type { Worker } from './in-process.ts';
import type { JobRunner } from './runner.ts';

const QUEUE = 'benren-jobs';
const RELAY_BATCH = 500;

/** `redis[s]://[user:password@]host:port[/db]`; `null` because a blocking worker must wait for Redis, not give up. */
function connectionOf(redisUrl: string): ConnectionOptions {
  const url = new URL(redisUrl);
  return {
    host: url.hostname,
    port: url.port === '' ? 6379 : Number(url.port),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.pathname.length > 1 ? { db: Number(url.pathname.slice(1)) } : {}),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
    maxRetriesPerRequest: null,
  };
}

/**
 * Carries the ids of due jobs from the outbox to Redis. Redis may lose all of them: what is still due is carried
 * again on the next round, and a job that was carried twice is claimed once.
 */
export function makeRedisRelay(deps: {
  redisUrl: string; runner: JobRunner; log: Log; pollMilliseconds: number;
}): Worker {
  const { runner, log } = deps;
  const queue = new Queue(QUEUE, { connection: connectionOf(deps.redisUrl) });
  queue.on('error', (error) => log.error({ err: error }, 'redis'));
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  async function carry(): Promise<void> {
    const due = await runner.due(RELAY_BATCH);
    if (due.length === 0) return;
    // Removed on completion and on failure, so that the same id can be carried again when it is due again.
    const options = { removeOnComplete: true, removeOnFail: true };
    // To Redis any priority comes after none.
    await queue.addBulk(due.map(({ id, yields }) => ({ name: 'run', data: { id }, opts: { ...options, jobId: id, ...(yields ? { priority: 1 } : {}) } })));
  }

  return {
    start() {
      timer = setInterval(() => {
        round = round.then(carry).catch((error: unknown) => log.error({ err: error }, 'the relay missed a round'));
      }, deps.pollMilliseconds);
    },
    async stop() {
      clearInterval(timer);
      await round;
      await queue.close();
    },
  };
}

/** Takes ids from Redis and runs them against the outbox, which decides whether they are still due. */
export function makeRedisWorker(deps: {
  redisUrl: string; runner: JobRunner; log: Log; concurrency: number;
}): Worker {
  const worker = new BullWorker<{ id: string }>(
    QUEUE,
    async (job) => {
      await deps.runner.runOne(job.data.id);
    },
    { connection: connectionOf(deps.redisUrl), concurrency: deps.concurrency, autorun: false },
  );
  worker.on('error', (error) => deps.log.error({ err: error }, 'redis'));
  let running: Promise<void> = Promise.resolve();
  return {
    start() {
      running = worker.run();
    },
    async stop() {
      await worker.close();
      await running;
    },
  };
}

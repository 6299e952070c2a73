/**
 * Jobs: the outbox. A use case writes the job in its own transaction (`enqueue`), so the job exists exactly when the
 * fact does. The table is the truth; draining it in process and carrying ids through Redis are only two ways of
 * waking a worker. A job may run twice: every handler is idempotent.
 */
export { enqueue, type JobHandler, type JobHandlers, type JobRequest } from './outbox.ts';
export { makeRunner, type JobRunner } from './runner.ts';
export { makeInProcessWorker, type Worker } from './in-process.ts';
export { makeRedisRelay, makeRedisWorker } from './redis.ts';
export { makeTicks, type Tick, type Ticks } from './ticks.ts';

import type { Json } from '../../kernel/canonical-json.ts';
import { Refusal } from '../../kernel/refusals.ts';
import type { Clock } from '../../kernel/time.ts';
import type { RunTx, Tx } from '../../kernel/tx.ts';
import { maybeOne, sql } from '../postgres/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { JobHandlers } from './outbox.ts';

/** A claim outlives a slow render; a worker that died gives its job back after this. */
const CLAIM_SECONDS = 120;
const ATTEMPTS_MAX = 8;
/** Between attempts while what a job needs is away; such an attempt does not count. */
const OUTAGE_SECONDS = 5;

interface JobRow {
  id: string;
  topic: string;
  payload: Json;
  attempts: number;
}

export interface JobRunner {
  /** Claims and runs one due job; answers false when none is due. */
  runNext(): Promise<boolean>;
  /** Claims and runs this job if it is due; answers whether it ran. For a transport that carries ids. */
  runOne(jobId: string): Promise<boolean>;
  /** Due jobs in their turn; `yields` while others that come later go first. */
  due(limit: number): Promise<{ id: string; yields: boolean }[]>;
  /** How many jobs wait or run, due or not, and how many gave up. */
  counts(): Promise<{ waiting: number; failed: number }>;
}

/** Seconds until the next attempt: 1, 2, 4 … 64. In business time, so a moved clock brings it on. */
function backoffSeconds(attempts: number): number {
  return 2 ** Math.min(attempts - 1, 6);
}

const DUE = `(state = 'waiting' AND run_at <= $1 OR state = 'running' AND claimed_until < now())`;

export function makeRunner(deps: { runTx: RunTx; clock: Clock; handlers: JobHandlers; log: Log }): JobRunner {
  const { runTx, clock, handlers, log } = deps;

  async function claim(tx: Tx, jobId: string | null): Promise<JobRow | null> {
    return await maybeOne<JobRow>(
      tx,
      `UPDATE job SET state = 'running', attempts = attempts + 1,
              claimed_until = now() + interval '${CLAIM_SECONDS} seconds'
       WHERE id = (SELECT id FROM job WHERE ${DUE} AND ($2::text IS NULL OR id = $2)
                   ORDER BY turn_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id, topic, payload, attempts`,
      [clock.now(), jobId],
    );
  }

  async function settle(job: JobRow, failure: unknown): Promise<void> {
    if (failure === undefined) {
      await runTx((tx) => sql(tx, `UPDATE job SET state = 'done', claimed_until = NULL, last_error = NULL
                                   WHERE id = $1 AND attempts = $2`, [job.id, job.attempts]));
      return;
    }
    // What is away comes back: an outage of the payment processor must not cost a booking, however long it lasts.
    const outage = failure instanceof Refusal && failure.code === 'unavailable';
    const gaveUp = !outage && job.attempts >= ATTEMPTS_MAX;
    const reason = failure instanceof Error ? `${failure.name}: ${failure.message}` : 'unknown failure';
    // PostgreSQL has no NUL in text: a reason that cannot be written would leave the job running for ever.
    const message = reason.replaceAll('\0', '\ufffd').slice(0, 500);
    log.error({ job: job.id, topic: job.topic, attempt: job.attempts, err: failure }, gaveUp ? 'job gave up' : 'job failed');
    const next = new Date(clock.now().getTime() + (outage ? OUTAGE_SECONDS : backoffSeconds(job.attempts)) * 1_000);
    await runTx((tx) => sql(tx, `UPDATE job SET state = $3, claimed_until = NULL, last_error = $4, run_at = $5, turn_at = $5::timestamptz + (turn_at - run_at), attempts = $6
                                 WHERE id = $1 AND attempts = $2`,
    [job.id, job.attempts, gaveUp ? 'failed' : 'waiting', message, next, outage ? job.attempts - 1 : job.attempts]));
  }

  async function run(job: JobRow | null): Promise<boolean> {
    if (job === null) return false;
    const handler = handlers[job.topic];
    try {
      // It was claimed again and again and never settled: whatever takes its workers down is not run once more.
      if (job.attempts > ATTEMPTS_MAX) throw new Error('The workers that tried this job died or hung.');
      if (handler === undefined) throw new Error(`No handler for topic ${job.topic}.`);
      await handler(job.payload, { jobId: job.id, attempt: job.attempts });
      await settle(job, undefined);
    } catch (error) {
      await settle(job, error);
    }
    return true;
  }

  return {
    runNext: async () => await run(await runTx((tx) => claim(tx, null))),
    runOne: async (jobId) => await run(await runTx((tx) => claim(tx, jobId))),
    async due(limit) {
      return await runTx((tx) => sql<{ id: string; yields: boolean }>(
        tx, `SELECT id, turn_at > $1 AS yields FROM job WHERE ${DUE} ORDER BY turn_at, id LIMIT $2`, [clock.now(), limit]));
    },
    async counts() {
      const [row] = await runTx((tx) => sql<{ waiting: number; failed: number }>(
        tx, `SELECT count(*) FILTER (WHERE state IN ('waiting', 'running'))::int AS waiting,
                    count(*) FILTER (WHERE state = 'failed')::int AS failed
             FROM job WHERE state <> 'done'`));
      return row ?? { waiting: 0, failed: 0 };
    },
  };
}

import type { Json } from '../../kernel/canonical-json.ts';
import type { Tx } from '../../kernel/tx.ts';
import { sql } from '../postgres/index.ts';

export interface JobRequest {
  /** `<room>.<verb>`. */
  topic: string;
  payload: Json;
  /** Business time from which it may run. */
  runAt: Date;
  /** A second job with the same key is not written. */
  dedupeKey?: string;
  /** Others that become due up to so many seconds later go first, where jobs wait. */
  yieldSeconds?: number;
}

export type JobHandler = (payload: Json, run: { jobId: string; attempt: number }) => Promise<void>;
export type JobHandlers = Readonly<Record<string, JobHandler>>;

/** Writes a job in the caller's transaction. */
export async function enqueue(tx: Tx, job: JobRequest): Promise<void> {
  await sql(
    tx,
    `INSERT INTO job (id, topic, payload, run_at, dedupe_key, turn_at)
     VALUES ('job_' || replace(gen_random_uuid()::text, '-', ''), $1, $2, $3, $4, $5)
     ON CONFLICT (dedupe_key) DO NOTHING`,
    [job.topic, JSON.stringify(job.payload), job.runAt, job.dedupeKey ?? null, new Date(job.runAt.getTime() + (job.yieldSeconds ?? 0) * 1_000)],
  );
}

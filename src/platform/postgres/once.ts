import { Refusal } from '../../kernel/refusals.ts';
import type { IdempotencyKey, Tx } from '../../kernel/tx.ts';
import { maybeOne, one, sql } from './tx.ts';

interface Kept {
  digest: string;
  answer: unknown;
}

async function find(tx: Tx, key: IdempotencyKey): Promise<Kept | null> {
  return await maybeOne<Kept>(tx, 'SELECT digest, answer FROM idempotency WHERE scope = $1 AND key = $2', [key.scope, key.key]);
}

function fitting(key: IdempotencyKey, kept: Kept | null): Kept | null {
  if (kept !== null && kept.digest !== key.digest) {
    throw new Refusal('idempotency_key_reused', 'This key already stands for another request; use a new one.');
  }
  return kept;
}

/**
 * The answer that is kept for this key, or null. For a write that goes outside before its transaction: a repeat need not
 * go there again. Refuses `idempotency_key_reused`.
 */
export async function answered(tx: Tx, key: IdempotencyKey): Promise<{ answer: unknown } | null> {
  return fitting(key, await find(tx, key));
}

/**
 * Runs a write once. The key is part of the write's own transaction: both commit or neither does. Same key and same
 * request → the kept answer; same key and another request → `idempotency_key_reused`; still running →
 * `idempotency_in_progress`. `work` must answer with plain JSON (amounts as strings), since that is what is kept.
 */
export async function once<T>(tx: Tx, key: IdempotencyKey, work: () => Promise<T>): Promise<T> {
  // Two statements, the second with a snapshot of its own after the lock, sent together.
  const [{ locked }, found] = await Promise.all([
    one<{ locked: boolean }>(tx, 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 7)) AS locked', [`${key.scope}\n${key.key}`]),
    find(tx, key),
  ]);
  if (!locked) {
    throw new Refusal('idempotency_in_progress', 'A request with this key is still running; ask again shortly.');
  }
  const kept = fitting(key, found);
  if (kept !== null) return kept.answer as T;
  const answer = await work();
  await sql(
    tx, 'INSERT INTO idempotency (scope, key, digest, answer) VALUES ($1, $2, $3, $4)',
    [key.scope, key.key, key.digest, JSON.stringify(answer ?? null)],
  );
  return answer;
}

import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';

/** Asks for the processor's collection to be brought in line with what is paid and paused, in the caller's transaction. */

/** For everything that renews of a clone, or of every clone (null). */
export async function askToAlign(tx: Tx, { cloneId, at, after = '' }: { cloneId: string | null; at: Date; after?: string }): Promise<void> {
  const dedupeKey = `billing.alignCollections:${cloneId ?? 'all'}:${at.getTime()}:${after}`;
  await enqueue(tx, { topic: 'billing.alignCollections', payload: { cloneId, at: at.toISOString(), after }, runAt: at, dedupeKey });
}

/** For one subscription; `cause` names the reason once. */
export async function askToAlignOne(tx: Tx, { subscriptionId, cause, at }: { subscriptionId: string; cause: string; at: Date }): Promise<void> {
  const dedupeKey = `billing.alignCollection:${subscriptionId}:${cause}`;
  await enqueue(tx, { topic: 'billing.alignCollection', payload: { subscriptionId, cause }, runAt: at, dedupeKey });
}

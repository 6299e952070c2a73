import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';

/** Stops of a capability, and what fans answered who may keep what remains. */

/** A stop that leaves something of a subscription's offer, with its fan's answer (null: none yet). */
export interface RemainsRow {
  stopId: string;
  capability: string;
  day: Day;
  closesAt: Date;
  remaining: string[];
  accepted: boolean | null;
}

export async function insertCapabilityStop(tx: Tx, row: { stopId: string; cloneId: string; capability: string; closesAt: Date }): Promise<void> {
  await sql(
    tx, 'INSERT INTO capability_stop (stop_id, clone_id, capability, closes_at) VALUES ($1, $2, $3, $4) ON CONFLICT (stop_id) DO NOTHING',
    [row.stopId, row.cloneId, row.capability, row.closesAt],
  );
}

/** The newest stop of a capability that this subscription's offer names. */
export async function remainsOf(tx: Tx, subscription: { id: string; cloneId: string; tierId: string; offerVersion: number }): Promise<RemainsRow | null> {
  return await maybeOne<RemainsRow>(
    tx,
    `SELECT s.stop_id AS "stopId", s.capability, b.day, s.closes_at AS "closesAt", remaining_capabilities(o.tier_id, o.version) AS remaining, a.accepted
     FROM capability_stop AS s JOIN billing_stop AS b ON b.stop_id = s.stop_id
     JOIN tier_offer AS o ON o.tier_id = $3 AND o.version = $4 AND s.capability = ANY (o.capabilities)
     LEFT JOIN remains_answer AS a ON a.stop_id = s.stop_id AND a.subscription_id = $1
     WHERE s.clone_id = $2 ORDER BY b.at DESC, s.stop_id DESC LIMIT 1`,
    [subscription.id, subscription.cloneId, subscription.tierId, subscription.offerVersion],
  );
}

/** Answers whether it was written: the first answer stays. */
export async function insertAnswer(tx: Tx, answer: { stopId: string; subscriptionId: string; accepted: boolean; at: Date }): Promise<boolean> {
  return await execute(
    tx, 'INSERT INTO remains_answer (stop_id, subscription_id, accepted, answered_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [answer.stopId, answer.subscriptionId, answer.accepted, answer.at],
  ) === 1;
}

/** Which stops these subscriptions' fans accepted what remains after. */
export async function keptBy(tx: Tx, subscriptionIds: readonly string[]): Promise<(stopId: string, subscriptionId: string) => boolean> {
  const rows = await sql<{ stopId: string; subscriptionId: string }>(
    tx, 'SELECT stop_id AS "stopId", subscription_id AS "subscriptionId" FROM remains_answer WHERE accepted AND subscription_id = ANY ($1)', [subscriptionIds],
  );
  const kept = new Set(rows.map((row) => `${row.stopId} ${row.subscriptionId}`));
  return (stopId, subscriptionId) => kept.has(`${stopId} ${subscriptionId}`);
}

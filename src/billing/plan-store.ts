import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';
import type { BillingInterval } from './tier-terms.ts';

/** Changes of plans: asked for, then applied, failed or withdrawn. */

export interface PlanChangeRow {
  id: string;
  cloneId: string;
  accountId: string;
  subscriptionId: string;
  tierId: string;
  offerVersion: number;
  interval: BillingInterval;
  effect: 'now' | 'period_end';
  askedAt: Date;
  day: Day;
  priceMinor: bigint;
  creditMinor: bigint;
  refundMinor: bigint;
  state: 'asked' | 'applied' | 'failed' | 'withdrawn';
  stripeInvoice: string | null;
  failure: string | null;
}

const CHANGE = `id, clone_id AS "cloneId", account_id AS "accountId", subscription_id AS "subscriptionId", tier_id AS "tierId",
  offer_version AS "offerVersion", interval, effect, asked_at AS "askedAt", day, price_minor AS "priceMinor", credit_minor AS "creditMinor",
  refund_minor AS "refundMinor", state, stripe_invoice AS "stripeInvoice", failure`;

export async function insertChange(tx: Tx, row: Omit<PlanChangeRow, 'state' | 'stripeInvoice' | 'failure'>): Promise<boolean> {
  return await execute(
    tx,
    `INSERT INTO plan_change (id, clone_id, account_id, subscription_id, tier_id, offer_version, interval, effect, asked_at, day, price_minor,
       credit_minor, refund_minor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     ON CONFLICT (subscription_id) WHERE state = 'asked' DO NOTHING`,
    [row.id, row.cloneId, row.accountId, row.subscriptionId, row.tierId, row.offerVersion, row.interval, row.effect, row.askedAt, row.day,
      row.priceMinor, row.creditMinor, row.refundMinor],
  ) === 1;
}

export async function findChange(tx: Tx, id: string): Promise<PlanChangeRow | null> {
  return await maybeOne<PlanChangeRow>(tx, `SELECT ${CHANGE} FROM plan_change WHERE id = $1`, [id]);
}

export async function lockChange(tx: Tx, id: string): Promise<PlanChangeRow | null> {
  return await maybeOne<PlanChangeRow>(tx, `SELECT ${CHANGE} FROM plan_change WHERE id = $1 FOR UPDATE`, [id]);
}

/** The change of a subscription that is under way. */
export async function openChange(tx: Tx, subscriptionId: string): Promise<PlanChangeRow | null> {
  return await maybeOne<PlanChangeRow>(tx, `SELECT ${CHANGE} FROM plan_change WHERE subscription_id = $1 AND state = 'asked'`, [subscriptionId]);
}

/** Until which day the subscriptions of a clone earn, where a change at once is under way: what follows may move on. */
export async function changingSince(tx: Tx, cloneId: string): Promise<Map<string, Day>> {
  const rows = await sql<{ subscriptionId: string; day: Day }>(
    tx, `SELECT subscription_id AS "subscriptionId", day FROM plan_change WHERE clone_id = $1 AND state = 'asked' AND effect = 'now'`, [cloneId],
  );
  return new Map(rows.map(({ subscriptionId, day }) => [subscriptionId, day]));
}

export async function settleChange(
  tx: Tx, id: string, told: { state: 'applied' | 'failed' | 'withdrawn'; stripeInvoice?: string; failure?: string; at: Date },
): Promise<boolean> {
  return await execute(
    tx, `UPDATE plan_change SET state = $2, stripe_invoice = $3, failure = $4, settled_at = $5 WHERE id = $1 AND state = 'asked'`,
    [id, told.state, told.stripeInvoice ?? null, told.failure ?? null, told.at],
  ) === 1;
}

import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';
import { covered, type Covered } from './period-store.ts';
import type { BillingInterval } from './tier-terms.ts';

export { findTier, tiersOf, type TierRow } from './tier-store.ts';

/** Customers and subscriptions: their rows, and the few statements that move them. */

export async function customerOf(tx: Tx, accountId: string): Promise<string | null> {
  const row = await maybeOne<{ customer: string }>(
    tx, 'SELECT stripe_customer AS customer FROM billing_customer WHERE account_id = $1', [accountId],
  );
  return row?.customer ?? null;
}

/** Keeps the first customer of an account; answers it. Whoever asks at the same time waits for it, by whichever of the two is unique first. */
export async function keepCustomer(tx: Tx, accountId: string, stripeCustomer: string): Promise<string> {
  await sql(tx, 'INSERT INTO billing_customer (account_id, stripe_customer) VALUES ($1, $2) ON CONFLICT DO NOTHING', [accountId, stripeCustomer]);
  const kept = await customerOf(tx, accountId);
  if (kept === null) throw new Error(`The customer ${stripeCustomer} is another account's.`);
  return kept;
}

export type SubscriptionState = 'opening' | 'checkout' | 'active' | 'past_due' | 'canceled' | 'expired';

export interface SubscriptionRow {
  id: string;
  cloneId: string;
  accountId: string;
  tierId: string;
  /** The version of the tier's offer that the fan agreed to. */
  offerVersion: number;
  interval: BillingInterval;
  state: SubscriptionState;
  declaredCountry: string;
  billingCountry: string | null;
  checkoutUrl: string | null;
  stripeSession: string | null;
  stripeSubscription: string | null;
  revision: number;
  createdAt: Date;
  /** When the fan agreed to the present plan; null: when it was asked for. */
  agreedAt: Date | null;
  /** It runs to the end of what is paid, and does not renew. */
  cancelAtPeriodEnd: boolean;
}

const SUBSCRIPTION = `id, clone_id AS "cloneId", account_id AS "accountId", tier_id AS "tierId",
  offer_version AS "offerVersion", interval, state,
  declared_country AS "declaredCountry", billing_country AS "billingCountry", checkout_url AS "checkoutUrl",
  stripe_session AS "stripeSession", stripe_subscription AS "stripeSubscription", revision, created_at AS "createdAt",
  agreed_at AS "agreedAt", cancel_at_period_end AS "cancelAtPeriodEnd"`;

const LIVE = `state IN ('opening', 'checkout', 'active', 'past_due')`;

export async function findSubscription(tx: Tx, id: string): Promise<SubscriptionRow | null> {
  return await maybeOne<SubscriptionRow>(tx, `SELECT ${SUBSCRIPTION} FROM subscription WHERE id = $1`, [id]);
}

export async function lockSubscription(tx: Tx, id: string): Promise<SubscriptionRow | null> {
  return await maybeOne<SubscriptionRow>(tx, `SELECT ${SUBSCRIPTION} FROM subscription WHERE id = $1 FOR UPDATE`, [id]);
}

export async function liveSubscription(tx: Tx, cloneId: string, accountId: string): Promise<SubscriptionRow | null> {
  return await maybeOne<SubscriptionRow>(
    tx, `SELECT ${SUBSCRIPTION} FROM subscription WHERE clone_id = $1 AND account_id = $2 AND ${LIVE}`, [cloneId, accountId],
  );
}

/** Answers whether it was written: another request of the same fan may have been first. */
export async function insertSubscription(tx: Tx, row: Pick<SubscriptionRow,
  'id' | 'cloneId' | 'accountId' | 'tierId' | 'offerVersion' | 'interval' | 'declaredCountry' | 'createdAt'>): Promise<boolean> {
  return await execute(
    tx,
    `INSERT INTO subscription (id, clone_id, account_id, tier_id, offer_version, interval, declared_country, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (clone_id, account_id) WHERE ${LIVE} DO NOTHING`,
    [row.id, row.cloneId, row.accountId, row.tierId, row.offerVersion, row.interval, row.declaredCountry, row.createdAt],
  ) === 1;
}

/** A month that was paid ahead: it is over for renewals from its beginning. Answers false when the fan subscribed meanwhile. */
export async function insertPrepaid(tx: Tx, row: Pick<SubscriptionRow,
  'id' | 'cloneId' | 'accountId' | 'tierId' | 'offerVersion' | 'interval' | 'declaredCountry' | 'billingCountry' | 'createdAt'>): Promise<boolean> {
  if (!(await insertSubscription(tx, row))) return false;
  await sql(
    tx, `UPDATE subscription SET state = 'canceled', ended_at = $2, billing_country = $3, revision = revision + 1 WHERE id = $1`,
    [row.id, row.createdAt, row.billingCountry],
  );
  return true;
}

/** Gives an opening subscription its page; answers false when it is not opening any more. */
export async function putCheckout(tx: Tx, id: string, session: { sessionId: string; url: string }): Promise<boolean> {
  return await execute(
    tx,
    `UPDATE subscription SET state = 'checkout', stripe_session = $2, checkout_url = $3, revision = revision + 1
     WHERE id = $1 AND state = 'opening'`,
    [id, session.sessionId, session.url],
  ) === 1;
}

/** A subscription that has no page yet is over; answers false when it has one by now. */
export async function expireOpening(tx: Tx, id: string, at: Date): Promise<boolean> {
  return await execute(
    tx, `UPDATE subscription SET state = 'expired', ended_at = $2, revision = revision + 1 WHERE id = $1 AND state = 'opening'`, [id, at],
  ) === 1;
}

/** An unpaid subscription is over; a paid one is not touched. */
export async function expireUnpaid(tx: Tx, id: string, at: Date): Promise<void> {
  await sql(
    tx,
    `UPDATE subscription SET state = 'expired', ended_at = $2, checkout_url = NULL, revision = revision + 1
     WHERE id = $1 AND state IN ('opening', 'checkout')`,
    [id, at],
  );
}

/** What the paid page told: where the fan is billed. The first answer stays. */
export async function putBillingCountry(tx: Tx, id: string, country: string): Promise<void> {
  await sql(
    tx, `UPDATE subscription SET billing_country = coalesce(billing_country, $2), revision = revision + 1 WHERE id = $1`, [id, country],
  );
}

/**
 * Writes what the processor said, if nobody wrote since `revision` was read. A subscription that has ended stays so.
 * Answers false when it must be read again.
 */
export async function putProviderState(
  tx: Tx, row: SubscriptionRow, told: { state: 'active' | 'past_due' | 'canceled'; stripeSubscription: string; cancelAtPeriodEnd: boolean; at: Date },
): Promise<boolean> {
  return await execute(
    tx,
    `UPDATE subscription
        SET state = $3, stripe_subscription = $4, checkout_url = NULL, revision = revision + 1,
            cancel_at_period_end = $6, ended_at = CASE WHEN $3 = 'canceled' THEN $5::timestamptz END
      WHERE id = $1 AND revision = $2 AND state NOT IN ('canceled', 'expired')`,
    [row.id, row.revision, told.state, told.stripeSubscription, told.at, told.cancelAtPeriodEnd],
  ) === 1;
}

/** The fan has another plan from now on. */
export async function putPlan(tx: Tx, id: string, plan: { tierId: string; offerVersion: number; interval: BillingInterval; agreedAt: Date }): Promise<void> {
  await sql(
    tx, 'UPDATE subscription SET tier_id = $2, offer_version = $3, interval = $4, agreed_at = $5, revision = revision + 1 WHERE id = $1',
    [id, plan.tierId, plan.offerVersion, plan.interval, plan.agreedAt],
  );
}

const COVERED = `clone_id = $1 AND ($2::text[] IS NULL OR tier_id = ANY ($2))
  AND ($3::timestamptz IS NULL OR coalesce(agreed_at, created_at) <= $3) AND ${LIVE}`;
const WAITS = `($4::text IS NOT NULL AND state IN ('active', 'past_due') AND fan_keeps($4, id, tier_id, offer_version, $5::timestamptz))`;

/** Unended subscriptions that a stop is about, after `afterId`, in id order; `keeps`: its fan keeps what remains, or may still answer. */
export async function liveSubscriptionsOf(tx: Tx, of: Covered, afterId: string, limit: number): Promise<{ id: string; keeps: boolean }[]> {
  return await sql(
    tx, `SELECT id, ${WAITS} AS keeps FROM subscription WHERE ${COVERED} AND id > $6 ORDER BY id LIMIT $7`, [...covered(of), afterId, limit],
  );
}

/** What renews of a tier though its offer was taken off, and no newer version of it was accepted; in id order. */
export async function endingOf(tx: Tx, tierId: string, afterId: string, limit: number): Promise<{ id: string; stripeSubscription: string }[]> {
  return await sql(
    tx,
    `SELECT s.id, s.stripe_subscription AS "stripeSubscription" FROM subscription AS s JOIN tier AS t ON t.id = s.tier_id
     WHERE s.clone_id = t.clone_id AND s.tier_id = $1 AND s.id > $2 AND s.stripe_subscription IS NOT NULL AND NOT s.cancel_at_period_end
       AND s.state IN ('active', 'past_due') AND (t.removed_at IS NOT NULL OR s.offer_version < t.withdrawn_below)
       AND NOT EXISTS (SELECT FROM plan_change AS c JOIN tier AS n ON n.id = c.tier_id
         WHERE c.subscription_id = s.id AND c.state = 'asked' AND n.removed_at IS NULL AND c.offer_version >= n.withdrawn_below)
     ORDER BY s.id LIMIT $3`,
    [tierId, afterId, limit],
  );
}

/** What waits for a first payment of an offer that was taken off; in id order. */
export async function unpaidOf(tx: Tx, tierId: string): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    tx,
    `SELECT s.id FROM subscription AS s JOIN tier AS t ON t.id = s.tier_id
     WHERE s.clone_id = t.clone_id AND s.tier_id = $1 AND s.state IN ('opening', 'checkout')
       AND (t.removed_at IS NOT NULL OR s.offer_version < t.withdrawn_below)
     ORDER BY s.id`,
    [tierId],
  );
  return rows.map(({ id }) => id);
}

/** How many of them still renew, and how many wait for a first payment. */
export async function countLive(tx: Tx, of: Covered): Promise<{ renewing: number; unpaid: number }> {
  return await one<{ renewing: number; unpaid: number }>(
    tx,
    `SELECT count(*) FILTER (WHERE state IN ('active', 'past_due'))::int AS renewing,
            count(*) FILTER (WHERE state IN ('opening', 'checkout'))::int AS unpaid
     FROM subscription WHERE ${COVERED} AND NOT ${WAITS}`,
    covered(of),
  );
}

/** What renews of a clone, or of every clone (null), after `afterId`, in id order. */
export async function renewingOf(tx: Tx, cloneId: string | null, afterId: string, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    tx, `SELECT id FROM subscription WHERE ($1::text IS NULL OR clone_id = $1) AND state IN ('active', 'past_due') AND id > $2 ORDER BY id LIMIT $3`,
    [cloneId, afterId, limit],
  );
  return rows.map(({ id }) => id);
}

/** Clones of which anything is still subscribed to, after `afterId`, in id order. */
export async function clonesWithSubscriptions(tx: Tx, afterId: string, limit: number): Promise<string[]> {
  const rows = await sql<{ cloneId: string }>(
    tx, `SELECT DISTINCT clone_id AS "cloneId" FROM subscription WHERE ${LIVE} AND clone_id > $1 ORDER BY clone_id LIMIT $2`, [afterId, limit],
  );
  return rows.map(({ cloneId }) => cloneId);
}

/** Notes since when nothing can be delivered, once; answers that instant. */
export async function beginGrace(tx: Tx, cloneId: string, since: Date): Promise<Date> {
  await sql(tx, 'INSERT INTO billing_grace (clone_id, since) VALUES ($1, $2) ON CONFLICT (clone_id) DO NOTHING', [cloneId, since]);
  return (await one<{ since: Date }>(tx, 'SELECT since FROM billing_grace WHERE clone_id = $1', [cloneId])).since;
}

export async function endGrace(tx: Tx, cloneId: string): Promise<void> {
  await sql(tx, 'DELETE FROM billing_grace WHERE clone_id = $1', [cloneId]);
}

/** When the last subscription to these tiers (null: all) was asked for. */
export async function newestSubscription(tx: Tx, cloneId: string, tierIds: readonly string[] | null): Promise<Date | null> {
  return (await one<{ newest: Date | null }>(
    tx, 'SELECT max(coalesce(agreed_at, created_at)) AS newest FROM subscription WHERE clone_id = $1 AND ($2::text[] IS NULL OR tier_id = ANY ($2))', [cloneId, tierIds],
  )).newest;
}

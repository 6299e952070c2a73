import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';

/** Paid periods, and the holds on their quota. */

export interface PeriodRow {
  id: string;
  cloneId: string;
  subscriptionId: string;
  accountId: string;
  tierId: string;
  offerVersion: number;
  stripeInvoice: string;
  stripeCharge: string;
  startDay: Day;
  endDay: Day;
  days: number;
  currency: Currency;
  grossMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
  recognisedDays: number;
  endedOn: Day | null;
  refundedMinor: bigint;
  /** What moved on into a later period when the plan changed. */
  creditedMinor: bigint;
  /** The period whose money this one carries on, of the same charge; null for one that was paid. */
  creditedFrom: string | null;
  granted: number;
  held: number;
  captured: number;
  paidAt: Date;
  /** When this plan was agreed to: a stop that is not final touches nothing that was sold after it. */
  subscribedAt: Date;
}

const PERIOD = `id, clone_id AS "cloneId", subscription_id AS "subscriptionId", account_id AS "accountId", tier_id AS "tierId",
  offer_version AS "offerVersion", stripe_invoice AS "stripeInvoice", stripe_charge AS "stripeCharge", start_day AS "startDay", end_day AS "endDay", days, currency,
  gross_minor AS "grossMinor", tax_minor AS "taxMinor", fee_minor AS "feeMinor", recognised_days AS "recognisedDays",
  ended_on AS "endedOn", refunded_minor AS "refundedMinor", granted, held, captured, paid_at AS "paidAt",
  credited_minor AS "creditedMinor", credited_from AS "creditedFrom",
  coalesce(agreed_at, (SELECT created_at FROM subscription WHERE id = subscription_id)) AS "subscribedAt"`;

export type NewPeriod = Omit<PeriodRow, 'recognisedDays' | 'endedOn' | 'refundedMinor' | 'creditedMinor' | 'creditedFrom' | 'held' | 'captured' | 'subscribedAt'> & {
  creditedFrom?: string;
  /** When the plan was agreed to, if later than the subscription was asked for. */
  agreedAt?: Date | null;
  taxRateBasisPoints: number;
  settledCurrency: Currency;
  settledNetMinor: bigint;
};

/** The periods that carry on what a change of plan left of one. */
export async function carriedOnFrom(tx: Tx, periodId: string): Promise<PeriodRow[]> {
  return await sql<PeriodRow>(tx, `SELECT ${PERIOD} FROM subscription_period WHERE credited_from = $1 ORDER BY id`, [periodId]);
}

/** Answers whether it was written: an invoice is booked once, and a period is credited once. */
export async function insertPeriod(tx: Tx, row: NewPeriod): Promise<boolean> {
  return await execute(
    tx,
    `INSERT INTO subscription_period (id, clone_id, subscription_id, account_id, tier_id, offer_version, stripe_invoice, stripe_charge,
       start_day, end_day, days, currency, gross_minor, tax_minor, tax_rate_basis_points, fee_minor,
       settled_currency, settled_net_minor, granted, paid_at, credited_from, agreed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
     ON CONFLICT DO NOTHING`,
    [row.id, row.cloneId, row.subscriptionId, row.accountId, row.tierId, row.offerVersion, row.stripeInvoice, row.stripeCharge,
      row.startDay, row.endDay, row.days, row.currency, row.grossMinor, row.taxMinor, row.taxRateBasisPoints, row.feeMinor,
      row.settledCurrency, row.settledNetMinor, row.granted, row.paidAt, row.creditedFrom ?? null, row.agreedAt ?? null],
  ) === 1;
}

export async function findPeriod(tx: Tx, id: string): Promise<PeriodRow | null> {
  return await maybeOne<PeriodRow>(tx, `SELECT ${PERIOD} FROM subscription_period WHERE id = $1`, [id]);
}

export async function lockPeriod(tx: Tx, id: string): Promise<PeriodRow | null> {
  return await maybeOne<PeriodRow>(tx, `SELECT ${PERIOD} FROM subscription_period WHERE id = $1 FOR UPDATE`, [id]);
}

/** What of a subscription is paid and not over, locked, the oldest payment first. */
export async function lockRunning(tx: Tx, subscriptionId: string): Promise<PeriodRow[]> {
  return await sql<PeriodRow>(
    tx, `SELECT ${PERIOD} FROM subscription_period WHERE subscription_id = $1 AND ended_on IS NULL AND recognised_days < days
         ORDER BY paid_at, id FOR UPDATE`, [subscriptionId],
  );
}

/** How a period was settled at the processor: what a credit out of it carries on. */
export async function settledAs(tx: Tx, id: string): Promise<{ settledCurrency: Currency; settledNetMinor: bigint; taxRateBasisPoints: number }> {
  return await one(
    tx, `SELECT settled_currency AS "settledCurrency", settled_net_minor AS "settledNetMinor", tax_rate_basis_points AS "taxRateBasisPoints"
         FROM subscription_period WHERE id = $1`, [id],
  );
}

export async function periodsOfSubscription(tx: Tx, subscriptionId: string): Promise<PeriodRow[]> {
  return await sql<PeriodRow>(
    tx, `SELECT ${PERIOD} FROM subscription_period WHERE subscription_id = $1 ORDER BY start_day, id`, [subscriptionId],
  );
}

/** Periods whose days overlap [fromDay, toDay), in order. */
export async function periodsBetween(tx: Tx, cloneId: string, fromDay: Day, toDay: Day): Promise<PeriodRow[]> {
  return await sql<PeriodRow>(
    tx, `SELECT ${PERIOD} FROM subscription_period WHERE clone_id = $1 AND start_day < $3 AND end_day > $2 ORDER BY start_day, id`,
    [cloneId, fromDay, toDay],
  );
}

/** A fan's periods of a clone that have begun by `today` and were not ended: the newest few, oldest of them first. */
export async function begunPeriods(tx: Tx, cloneId: string, accountId: string, today: Day): Promise<PeriodRow[]> {
  const rows = await sql<PeriodRow>(
    tx,
    `SELECT ${PERIOD} FROM subscription_period
     WHERE clone_id = $1 AND account_id = $2 AND start_day <= $3 AND (ended_on IS NULL OR ended_on > $3)
     ORDER BY start_day DESC, id DESC LIMIT 6`,
    [cloneId, accountId, today],
  );
  return rows.reverse();
}

/** What a stop is about: some tiers or all (null), what was sold until an instant or whenever (null). */
export interface Covered {
  cloneId: string;
  tierIds: readonly string[] | null;
  before: Date | null;
  /** Without those whose fans keep what this stop left: who accepted it, and, at an instant, who may still answer. */
  unkept?: { stopId: string; at: Date | null };
}

const UNEARNED = `clone_id = $1 AND recognised_days < days AND ended_on IS NULL AND ($2::text[] IS NULL OR tier_id = ANY ($2))
  AND ($3::timestamptz IS NULL OR agreed_at <= $3 OR (agreed_at IS NULL AND subscription_id IN (SELECT id FROM subscription WHERE clone_id = $1 AND created_at <= $3)))
  AND ($4::text IS NULL OR NOT fan_keeps($4, subscription_id, tier_id, offer_version, $5::timestamptz))`;

/** Five parameters; `$4` and `$5` are of `fan_keeps`. */
export const covered = ({ cloneId, tierIds, before, unkept }: Covered): unknown[] => [cloneId, tierIds, before, unkept?.stopId ?? null, unkept?.at ?? null];

/** Unended periods with money that is not earned yet, after `afterId`, in id order, locked against each other. */
export async function lockUnearned(tx: Tx, of: Covered, afterId: string, limit: number): Promise<PeriodRow[]> {
  return await sql<PeriodRow>(
    tx, `SELECT ${PERIOD} FROM subscription_period WHERE ${UNEARNED} AND id > $6 ORDER BY id LIMIT $7 FOR UPDATE`, [...covered(of), afterId, limit],
  );
}

export async function unearnedPeriods(tx: Tx, of: Covered): Promise<PeriodRow[]> {
  return await sql<PeriodRow>(tx, `SELECT ${PERIOD} FROM subscription_period WHERE ${UNEARNED} ORDER BY id`, covered(of));
}

export async function countUnearned(tx: Tx, of: Covered): Promise<number> {
  return (await one<{ count: number }>(tx, `SELECT count(*)::int AS count FROM subscription_period WHERE ${UNEARNED}`, covered(of))).count;
}

export async function putRecognisedDays(tx: Tx, id: string, days: number): Promise<void> {
  await sql(tx, 'UPDATE subscription_period SET recognised_days = $2 WHERE id = $1', [id, days]);
}

export async function endPeriod(tx: Tx, id: string, day: Day): Promise<void> {
  await sql(tx, 'UPDATE subscription_period SET ended_on = $2 WHERE id = $1 AND ended_on IS NULL', [id, day]);
}

export interface HoldRow {
  id: string;
  /** Null for a free turn, which an account takes of a clone. */
  periodId: string | null;
  freeAccountId: string | null;
  outputId: string;
  state: 'held' | 'captured' | 'voided';
  releaseId: string | null;
}

const HOLD = `id, period_id AS "periodId", free_account_id AS "freeAccountId", output_id AS "outputId", state, release_id AS "releaseId"`;

export async function holdOfOutput(tx: Tx, outputId: string): Promise<HoldRow | null> {
  return await maybeOne<HoldRow>(tx, `SELECT ${HOLD} FROM quota_hold WHERE output_id = $1`, [outputId]);
}

export async function insertHold(tx: Tx, hold: {
  id: string; cloneId: string; periodId: string | null; freeAccountId: string | null; outputId: string; at: Date;
}): Promise<void> {
  await sql(
    tx, 'INSERT INTO quota_hold (id, clone_id, period_id, free_account_id, output_id, held_at) VALUES ($1, $2, $3, $4, $5, $6)',
    [hold.id, hold.cloneId, hold.periodId, hold.freeAccountId, hold.outputId, hold.at],
  );
}

export async function lockHold(tx: Tx, holdId: string): Promise<HoldRow | null> {
  return await maybeOne<HoldRow>(tx, `SELECT ${HOLD} FROM quota_hold WHERE id = $1 FOR UPDATE`, [holdId]);
}

export async function captureHold(tx: Tx, holdId: string, releaseId: string, at: Date): Promise<void> {
  await sql(tx, `UPDATE quota_hold SET state = 'captured', release_id = $2, settled_at = $3 WHERE id = $1`, [holdId, releaseId, at]);
}

export async function voidHold(tx: Tx, holdId: string, reason: string, at: Date): Promise<void> {
  await sql(tx, `UPDATE quota_hold SET state = 'voided', void_reason = $2, settled_at = $3 WHERE id = $1`, [holdId, reason, at]);
}

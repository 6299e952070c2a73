import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';
import type { Covered } from './period-store.ts';

/** Refunds, stops, and the processor's inbox. */

export interface RefundRow {
  id: string;
  cloneId: string;
  periodId: string;
  key: string;
  kind: 'stop' | 'goodwill' | 'dispute';
  reason: string;
  currency: Currency;
  grossMinor: bigint;
  netMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
  feeBearer: string;
  state: 'pending' | 'succeeded' | 'failed';
  stripeRefund: string | null;
  failure: string | null;
  settledCurrency: Currency | null;
  settledMinor: bigint | null;
  settledTopic: string | null;
  requestedAt: Date;
}

const REFUND = `id, clone_id AS "cloneId", period_id AS "periodId", key, kind, reason, currency, gross_minor AS "grossMinor",
  net_minor AS "netMinor", tax_minor AS "taxMinor", fee_minor AS "feeMinor", fee_bearer AS "feeBearer", state,
  stripe_refund AS "stripeRefund", failure, settled_currency AS "settledCurrency", settled_minor AS "settledMinor",
  settled_topic AS "settledTopic", requested_at AS "requestedAt"`;

export type NewRefund = Omit<RefundRow, 'state' | 'stripeRefund' | 'failure' | 'settledCurrency' | 'settledMinor'>;

export async function insertRefund(tx: Tx, row: NewRefund): Promise<void> {
  await sql(
    tx,
    `INSERT INTO refund (id, clone_id, period_id, key, kind, reason, currency, gross_minor, net_minor, tax_minor, fee_minor,
       fee_bearer, settled_topic, requested_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [row.id, row.cloneId, row.periodId, row.key, row.kind, row.reason, row.currency, row.grossMinor, row.netMinor, row.taxMinor,
      row.feeMinor, row.feeBearer, row.settledTopic, row.requestedAt],
  );
}

export async function findRefund(tx: Tx, id: string): Promise<RefundRow | null> {
  return await maybeOne<RefundRow>(tx, `SELECT ${REFUND} FROM refund WHERE id = $1`, [id]);
}

export async function refundByKey(tx: Tx, key: string): Promise<RefundRow | null> {
  return await maybeOne<RefundRow>(tx, `SELECT ${REFUND} FROM refund WHERE key = $1`, [key]);
}

export async function lockRefund(tx: Tx, id: string): Promise<RefundRow | null> {
  return await maybeOne<RefundRow>(tx, `SELECT ${REFUND} FROM refund WHERE id = $1 FOR UPDATE`, [id]);
}

/** A period's refunds that were sent or are on their way, without those of a stop. */
export async function goodwillOf(tx: Tx, periodId: string): Promise<RefundRow[]> {
  return await standingOf(tx, periodId, 'goodwill');
}

/** What came back, or is coming back, of a period's unused days. */
export async function stopRefundsOf(tx: Tx, periodId: string): Promise<RefundRow[]> {
  return await standingOf(tx, periodId, 'stop');
}

async function standingOf(tx: Tx, periodId: string, kind: RefundRow['kind']): Promise<RefundRow[]> {
  return await sql<RefundRow>(
    tx, `SELECT ${REFUND} FROM refund WHERE period_id = $1 AND kind = $2 AND state <> 'failed' ORDER BY requested_at, id`, [periodId, kind],
  );
}

/** Where a page begins: after this row. */
export interface Place {
  at: Date;
  id: string;
}

/**
 * Of each period its last return of unused days, where the processor would not make it: whatever was asked for later (again, by another cause) is the
 * same money. The newest first, at most `limit` after a place.
 */
export async function refusedRefunds(tx: Tx, after: Place | null, limit: number): Promise<RefundRow[]> {
  return await sql<RefundRow>(
    tx, `SELECT ${REFUND} FROM refund r WHERE kind = 'stop' AND state = 'failed'
           AND NOT EXISTS (SELECT FROM refund n WHERE n.period_id = r.period_id AND n.kind = 'stop' AND n.recorded_at > r.recorded_at)
           AND ($1::timestamptz IS NULL OR (requested_at, id) < ($1, $2::text))
         ORDER BY requested_at DESC, id DESC LIMIT $3`, [after?.at ?? null, after?.id ?? null, limit],
  );
}

/**
 * What a dispute that was lost has left of a period's unused days, as it asked for their return. Null where none was lost; `nothing` where it took
 * all of them, or none were left.
 */
export async function leftByLoss(tx: Tx, periodId: string): Promise<RefundRow | 'nothing' | null> {
  const lost = await maybeOne<{ of: string }>(
    tx, `SELECT stripe_refund AS of FROM refund WHERE period_id = $1 AND kind = 'dispute' AND state = 'succeeded' ORDER BY settled_at DESC, recorded_at DESC LIMIT 1`, [periodId],
  );
  return lost === null ? null : (await refundByKey(tx, `dispute:${lost.of}:rest`)) ?? 'nothing';
}

/** The claims of a dispute on a period, the one that stands last: `key` is that of the first, and each later one's begins with it. */
export async function claimsOf(tx: Tx, periodId: string, key: string): Promise<RefundRow[]> {
  return await sql<RefundRow>(
    tx, `SELECT ${REFUND} FROM refund WHERE period_id = $1 AND kind = 'dispute' AND (key = $2 OR starts_with(key, $2 || ':')) ORDER BY state = 'pending', id`, [periodId, key],
  );
}

/** Of a payment, those that are on their way; of a lot of coins also those of months that it paid for. */
export async function pendingOfCharge(tx: Tx, stripeCharge: string, lotId: string | null): Promise<{ id: string; of: 'period' | 'coins' | 'owed' }[]> {
  return await sql(
    tx,
    `SELECT r.id, 'period' AS of FROM refund r JOIN subscription_period p ON p.id = r.period_id
      WHERE r.state = 'pending' AND r.kind <> 'dispute'
        AND (p.stripe_charge = $1 OR p.stripe_charge IN (SELECT spend_id FROM coin_spend_part WHERE lot_id = $2))
     UNION ALL SELECT id, 'coins' FROM coin_return WHERE state = 'pending' AND stripe_charge = $1
     UNION ALL SELECT id, 'owed' FROM owed_refund WHERE state = 'pending' AND stripe_charge = $1 ORDER BY 1`,
    [stripeCharge, lotId],
  );
}

/**
 * What a stop returned: of each period that it asked for (its id stands in the key), or that is named, the last return of unused days since. One that was
 * refused may have been asked for again, and a bank may have had the money at first.
 */
export async function refundsOfStop(tx: Tx, { stopId, cloneId, at }: Pick<StopRow, 'stopId' | 'cloneId' | 'at'>, periodIds: readonly string[]): Promise<RefundRow[]> {
  return await sql<RefundRow>(
    tx,
    `SELECT ${REFUND} FROM refund r WHERE clone_id = $1 AND kind = 'stop' AND requested_at >= $3
       AND (period_id = ANY ($4::text[]) OR period_id IN (SELECT period_id FROM refund WHERE clone_id = $1 AND kind = 'stop' AND starts_with(key, $2)))
       AND NOT EXISTS (SELECT FROM refund n WHERE n.period_id = r.period_id AND n.kind = 'stop' AND n.recorded_at > r.recorded_at)
     ORDER BY id`, [cloneId, `stop:${stopId}:`, at, periodIds],
  );
}

/** Of these periods, those of which a bank claims something, or has taken it. */
export async function claimedOf(tx: Tx, periodIds: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ id: string }>(tx, `SELECT DISTINCT period_id AS id FROM refund WHERE period_id = ANY ($1::text[]) AND kind = 'dispute' AND state <> 'failed'`, [periodIds]);
  return new Set(rows.map(({ id }) => id));
}

export async function putRefund(tx: Tx, id: string, told: {
  state: RefundRow['state']; stripeRefund: string | null; failure: string | null;
  settled: { currency: Currency; amountMinor: bigint } | null; at: Date;
}): Promise<void> {
  await sql(
    tx,
    `UPDATE refund SET state = $2, stripe_refund = coalesce($3, stripe_refund), failure = $4, settled_currency = $5, settled_minor = $6,
            settled_at = CASE WHEN $2 = 'pending' THEN NULL ELSE $7::timestamptz END
     WHERE id = $1 AND state = 'pending'`,
    [id, told.state, told.stripeRefund, told.failure, told.settled?.currency ?? null, told.settled?.amountMinor ?? null, told.at],
  );
}

/**
 * A stop's row and what is sold of the same clone exclude each other until commit: whoever sells or books holds the
 * lock shared, the stop holds it alone, so nothing is sold that the stop's settlement does not see.
 */
export async function lockSales(tx: Tx, cloneId: string, mode: 'shared' | 'alone'): Promise<void> {
  const call = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  await sql(tx, `SELECT ${call}(hashtextextended($1, 70))`, [cloneId]);
}

export interface StopRow {
  stopId: string;
  cloneId: string;
  at: Date;
  day: Day;
  /** Which tiers; null is all of them. */
  tierIds: string[] | null;
  /** Nothing is sold any more. Otherwise it ends what was sold until then, and a new grant may sell again. */
  final: boolean;
  reason: string;
}

/** What a stop is about. */
export function coveredBy(stop: Pick<StopRow, 'cloneId' | 'tierIds' | 'final' | 'at'>): Covered {
  return { cloneId: stop.cloneId, tierIds: stop.tierIds, before: stop.final ? null : stop.at };
}

/** The same without who keeps what remains: who accepted it and, at an instant, who may still answer. */
export function settledBy(stop: StopRow, at: Date | null): Covered {
  return { ...coveredBy(stop), unkept: { stopId: stop.stopId, at } };
}

/** Whether a stop ends a subscription, unless its fan accepts what remains. */
export function covers(stop: StopRow, sold: { tierId: string; at: Date }): boolean {
  return (stop.tierIds?.includes(sold.tierId) ?? true) && (stop.final || sold.at.getTime() <= stop.at.getTime());
}

const STOP = 'stop_id AS "stopId", clone_id AS "cloneId", at, day, tier_ids AS "tierIds", final, reason';

export async function insertStop(tx: Tx, row: StopRow): Promise<void> {
  await sql(
    tx,
    `INSERT INTO billing_stop (stop_id, clone_id, at, day, tier_ids, final, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (stop_id) DO NOTHING`,
    [row.stopId, row.cloneId, row.at, row.day, row.tierIds, row.final, row.reason],
  );
}

/** Every stop of a clone or of a part of it, the first one first. */
export async function stopsOfClone(tx: Tx, cloneId: string): Promise<StopRow[]> {
  return await sql<StopRow>(tx, `SELECT ${STOP} FROM billing_stop WHERE clone_id = $1 ORDER BY day, at, stop_id`, [cloneId]);
}

export async function findStop(tx: Tx, stopId: string): Promise<StopRow | null> {
  return await maybeOne<StopRow>(tx, `SELECT ${STOP} FROM billing_stop WHERE stop_id = $1`, [stopId]);
}

export async function insertSalesEnd(tx: Tx, row: Pick<StopRow, 'stopId' | 'cloneId' | 'tierIds' | 'at'>): Promise<void> {
  await sql(
    tx, 'INSERT INTO billing_sales_end (stop_id, clone_id, tier_ids, at) VALUES ($1, $2, $3, $4) ON CONFLICT (stop_id) DO NOTHING',
    [row.stopId, row.cloneId, row.tierIds, row.at],
  );
}

/** Whether nothing new is sold of a tier; of every tier, when none is named. */
export async function salesEnded(tx: Tx, cloneId: string, tierId: string | null): Promise<boolean> {
  return (await maybeOne(tx, `
    SELECT 1 FROM (
      SELECT tier_ids FROM billing_stop WHERE clone_id = $1 AND final UNION ALL SELECT tier_ids FROM billing_sales_end WHERE clone_id = $1) AS ended
    WHERE tier_ids IS NULL OR $2 = ANY (tier_ids) LIMIT 1`, [cloneId, tierId])) !== null;
}

export interface EventRow {
  id: string;
  type: string;
  objectId: string;
  connectedAccount: string | null;
  createdAt: Date;
}

/** Answers whether it is new. */
export async function insertEvent(tx: Tx, event: EventRow & { receivedAt: Date; bodySha256: string }): Promise<boolean> {
  return await execute(
    tx,
    `INSERT INTO stripe_event (id, type, object_id, connected_account, created_at, received_at, body_sha256)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
    [event.id, event.type, event.objectId, event.connectedAccount, event.createdAt, event.receivedAt, event.bodySha256],
  ) === 1;
}

export async function findEvent(tx: Tx, id: string): Promise<(EventRow & { outcome: string | null }) | null> {
  return await maybeOne(
    tx,
    `SELECT id, type, object_id AS "objectId", connected_account AS "connectedAccount", created_at AS "createdAt", outcome
     FROM stripe_event LEFT JOIN stripe_event_applied ON event_id = id WHERE id = $1`,
    [id],
  );
}

export async function markApplied(tx: Tx, eventId: string, outcome: 'applied' | 'not_ours' | 'handed_on', at: Date): Promise<void> {
  await sql(
    tx, 'INSERT INTO stripe_event_applied (event_id, outcome, applied_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [eventId, outcome, at],
  );
}

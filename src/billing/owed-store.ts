import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { Place } from './refund-store.ts';

/** What came back of refunds, and each try to send it again. */
export interface OwedRow {
  id: string;
  refundId: string;
  stripeCharge: string;
  returnedRefund: string;
  failure: string;
  currency: Currency;
  grossMinor: bigint;
  state: 'owed' | 'pending' | 'succeeded' | 'failed' | 'paid_otherwise' | 'taken_by_bank';
  owedAt: Date;
}

const OWED = `id, refund_id AS "refundId", stripe_charge AS "stripeCharge", returned_refund AS "returnedRefund", failure, currency, gross_minor AS "grossMinor",
  state, owed_at AS "owedAt"`;

/** Answers whether it was written: what came back is owed once. */
export async function insertOwed(tx: Tx, row: Omit<OwedRow, 'state'>): Promise<boolean> {
  return await execute(
    tx,
    `INSERT INTO owed_refund (id, refund_id, stripe_charge, returned_refund, failure, currency, gross_minor, owed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (returned_refund) DO NOTHING`,
    [row.id, row.refundId, row.stripeCharge, row.returnedRefund, row.failure, row.currency, row.grossMinor, row.owedAt],
  ) === 1;
}

export async function findOwed(tx: Tx, id: string): Promise<OwedRow | null> {
  return await maybeOne<OwedRow>(tx, `SELECT ${OWED} FROM owed_refund WHERE id = $1`, [id]);
}

export async function lockOwed(tx: Tx, id: string): Promise<OwedRow | null> {
  return await maybeOne<OwedRow>(tx, `SELECT ${OWED} FROM owed_refund WHERE id = $1 FOR UPDATE`, [id]);
}

/** Of a payment, what is owed and not on its way, the oldest first, locked. */
export async function lockOwedOfCharge(tx: Tx, stripeCharge: string): Promise<OwedRow[]> {
  return await sql<OwedRow>(tx, `SELECT ${OWED} FROM owed_refund WHERE stripe_charge = $1 AND state = 'owed' ORDER BY owed_at, id FOR UPDATE`, [stripeCharge]);
}

/** Of a payment, what lost disputes took beyond their claims, without what of that was owed and was taken then or since. */
export async function lostBeyondClaims(tx: Tx, stripeCharge: string): Promise<bigint> {
  return (await one<{ minor: bigint }>(
    tx,
    `SELECT (coalesce((SELECT sum(amount_minor - claim_minor) FROM dispute WHERE stripe_charge = $1 AND state = 'lost'), 0)
       - coalesce((SELECT sum(gross_minor) FILTER (WHERE state = 'taken_by_bank') FROM owed_refund WHERE stripe_charge = $1), 0)
       + coalesce((SELECT sum(gross_minor) FILTER (WHERE starts_with(returned_refund, 'rest:')) FROM owed_refund WHERE stripe_charge = $1), 0))::bigint AS minor`,
    [stripeCharge],
  )).minor;
}

/** What nobody has received yet, or what was settled: the newest first, at most `limit` after a place. */
export async function listOwed(tx: Tx, settled: boolean, after: Place | null, limit: number): Promise<OwedRow[]> {
  return await sql<OwedRow>(
    tx, `SELECT ${OWED} FROM owed_refund WHERE (settled_at IS NOT NULL) = $1 AND ($2::timestamptz IS NULL OR (owed_at, id) < ($2, $3::text))
         ORDER BY owed_at DESC, id DESC LIMIT $4`, [settled, after?.at ?? null, after?.id ?? null, limit],
  );
}

export async function putOwed(tx: Tx, id: string, told: {
  state: 'pending' | 'succeeded' | 'failed' | 'paid_otherwise' | 'taken_by_bank'; stripeRefund: string | null; settled: { currency: Currency; amountMinor: bigint } | null; at: Date;
}): Promise<void> {
  await sql(
    tx,
    `UPDATE owed_refund SET state = $2, stripe_refund = coalesce($3, stripe_refund), settled_currency = $4, settled_minor = $5,
       settled_at = CASE WHEN $2 = 'pending' THEN NULL ELSE $6::timestamptz END WHERE id = $1`,
    [id, told.state, told.stripeRefund, told.settled?.currency ?? null, told.settled?.amountMinor ?? null, told.at],
  );
}

/** That something owed was paid outside: by what it is found again, who said so, and who confirmed it. */
export interface SettlementRow {
  owedId: string;
  reference: string;
  proposedBy: string;
  proposedAt: Date;
  approvedBy: string | null;
}

/** What was said last of each. */
export async function settlementsOf(tx: Tx, owedIds: readonly string[]): Promise<Map<string, SettlementRow>> {
  const rows = await sql<SettlementRow>(
    tx,
    `SELECT DISTINCT ON (p.owed_id) p.owed_id AS "owedId", p.reference, p.proposed_by AS "proposedBy", p.proposed_at AS "proposedAt", o.recorded_by AS "approvedBy"
       FROM refund_settlement_proposal p LEFT JOIN refund_paid_otherwise o ON o.owed_id = p.owed_id
      WHERE p.owed_id = ANY ($1::text[]) ORDER BY p.owed_id, p.number DESC`,
    [owedIds],
  );
  return new Map(rows.map((row) => [row.owedId, row]));
}

/** What is said of one payment takes turns. */
export async function lockSettlement(tx: Tx, owedId: string): Promise<SettlementRow | null> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 73))', [owedId]);
  return (await settlementsOf(tx, [owedId])).get(owedId) ?? null;
}

export async function insertProposal(tx: Tx, row: Omit<SettlementRow, 'approvedBy'>): Promise<void> {
  await sql(
    tx,
    `INSERT INTO refund_settlement_proposal (owed_id, number, reference, proposed_by, proposed_at)
     SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4 FROM refund_settlement_proposal WHERE owed_id = $1`,
    [row.owedId, row.reference, row.proposedBy, row.proposedAt],
  );
}

/** Whose payment something owed is of. */
export async function fanOwed(tx: Tx, refundId: string): Promise<string | null> {
  return (await maybeOne<{ id: string }>(
    tx,
    `SELECT account_id AS id FROM coin_return WHERE id = $1
     UNION ALL SELECT p.account_id FROM refund r JOIN subscription_period p ON p.id = r.period_id WHERE r.id = $1`,
    [refundId],
  ))?.id ?? null;
}

/** Who confirmed that something owed was paid outside, and by what it is found again. Written before its state moves on. */
export async function insertPaidOtherwise(tx: Tx, row: { owedId: string; reference: string; recordedBy: string; paidAt: Date; transferId: string }): Promise<void> {
  await sql(
    tx, 'INSERT INTO refund_paid_otherwise (owed_id, reference, recorded_by, paid_at, transfer_id) VALUES ($1, $2, $3, $4, $5)',
    [row.owedId, row.reference, row.recordedBy, row.paidAt, row.transferId],
  );
}

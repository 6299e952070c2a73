import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';
import type { Returned } from './postings.ts';

/** Refunds of delivered days: which days, out of which pots, by which legs, and out of what each payee returned it. */

export interface GoodwillRow {
  refundId: string;
  cloneId: string;
  periodId: string;
  state: 'pending' | 'booked' | 'failed';
  undividedMinor: bigint;
  expenseMinor: bigint;
}

const GOODWILL = `refund_id AS "refundId", clone_id AS "cloneId", period_id AS "periodId", state, undivided_minor AS "undividedMinor",
  expense_minor AS "expenseMinor"`;

export async function insertGoodwill(
  tx: Tx, row: { refundId: string; cloneId: string; periodId: string; requestedBy: string; days: readonly Day[] },
): Promise<void> {
  await sql(
    tx, 'INSERT INTO goodwill_refund (refund_id, clone_id, period_id, requested_by) VALUES ($1, $2, $3, $4)',
    [row.refundId, row.cloneId, row.periodId, row.requestedBy],
  );
  await sql(
    tx, 'INSERT INTO goodwill_day (period_id, day, refund_id) SELECT $1, day, $2 FROM unnest($3::date[]) AS day', [row.periodId, row.refundId, row.days],
  );
}

export async function findGoodwill(tx: Tx, refundId: string): Promise<GoodwillRow | null> {
  return await maybeOne<GoodwillRow>(tx, `SELECT ${GOODWILL} FROM goodwill_refund WHERE refund_id = $1`, [refundId]);
}

export async function daysOf(tx: Tx, refundId: string): Promise<Day[]> {
  return (await sql<{ day: Day }>(tx, 'SELECT day FROM goodwill_day WHERE refund_id = $1 ORDER BY day', [refundId])).map((row) => row.day);
}

/** Which of these days were returned already, or are about to be. */
export async function daysReturned(tx: Tx, periodId: string, days: readonly Day[]): Promise<Day[]> {
  const rows = await sql<{ day: Day }>(
    tx, 'SELECT day FROM goodwill_day WHERE period_id = $1 AND day = ANY ($2::date[]) AND NOT failed ORDER BY day', [periodId, days],
  );
  return rows.map((row) => row.day);
}

export async function failGoodwill(tx: Tx, refundId: string): Promise<void> {
  await sql(tx, `UPDATE goodwill_refund SET state = 'failed' WHERE refund_id = $1`, [refundId]);
  await sql(tx, 'UPDATE goodwill_day SET failed = true WHERE refund_id = $1', [refundId]);
}

export async function bookGoodwill(
  tx: Tx, refundId: string, booked: { undividedMinor: bigint; expenseMinor: bigint; transferId: string },
): Promise<void> {
  await sql(
    tx, `UPDATE goodwill_refund SET state = 'booked', undivided_minor = $2, expense_minor = $3, transfer_id = $4 WHERE refund_id = $1`,
    [refundId, booked.undividedMinor, booked.expenseMinor, booked.transferId],
  );
}

export async function insertReturned(tx: Tx, refundId: string, rows: readonly Returned[]): Promise<void> {
  await sql(
    tx,
    `INSERT INTO goodwill_payee (refund_id, payee, unpaid_minor, debt_minor, reserve_minor)
     SELECT $1, p.payee, p.unpaid, p.debt, p.reserve FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS p (payee, unpaid, debt, reserve)`,
    [refundId, rows.map((row) => row.payee), rows.map((row) => row.unpaidMinor.toString()), rows.map((row) => row.debtMinor.toString()),
      rows.map((row) => row.reserveMinor.toString())],
  );
}

export async function returnedLegs(tx: Tx, refundId: string): Promise<{ potId: string; payee: string; amountMinor: bigint }[]> {
  return await sql(
    tx, 'SELECT pot_id AS "potId", payee, amount_minor AS "amountMinor" FROM goodwill_leg WHERE refund_id = $1 ORDER BY pot_id, leg', [refundId],
  );
}

export async function returnedPayees(tx: Tx, refundId: string): Promise<Returned[]> {
  return await sql<Returned>(
    tx,
    `SELECT payee, reserve_minor AS "reserveMinor", unpaid_minor AS "unpaidMinor", debt_minor AS "debtMinor" FROM goodwill_payee
     WHERE refund_id = $1 ORDER BY payee`,
    [refundId],
  );
}

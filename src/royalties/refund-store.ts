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

/** A pot in which a period's earnings stand, latest first. */
export interface PotSource {
  potId: string;
  /** How much of it can still be returned for this period. */
  availableMinor: bigint;
  /** What was returned of the whole pot so far. */
  refundedMinor: bigint;
}

export async function potsOfPeriod(tx: Tx, periodId: string): Promise<PotSource[]> {
  return await sql<PotSource>(
    tx,
    `SELECT pot.id AS "potId", pot.refunded::bigint AS "refundedMinor",
            least(own.earned - own.returned, pot.amount_minor - pot.refunded)::bigint AS "availableMinor"
     FROM (SELECT e.pot_id, sum(e.amount_minor) AS earned,
                  coalesce((SELECT sum(g.amount_minor) FROM goodwill_pot g WHERE g.pot_id = e.pot_id AND g.period_id = $1), 0) AS returned
             FROM royalty_run_entry e WHERE e.period_id = $1 GROUP BY e.pot_id) own
     JOIN LATERAL (SELECT p.*, coalesce((SELECT sum(g.amount_minor) FROM goodwill_pot g WHERE g.pot_id = p.id), 0) AS refunded
                     FROM royalty_pot p WHERE p.id = own.pot_id) pot ON true
     JOIN royalty_run run ON run.id = pot.run_id
     ORDER BY pot.last_day DESC, run.number DESC, pot.id DESC`,
    [periodId],
  );
}

/** What a refund took from a pot, and what each of its legs returned for that. */
export async function insertPotRefund(
  tx: Tx, row: { refundId: string; potId: string; periodId: string; amountMinor: bigint; legs: readonly { payee: string; amountMinor: bigint }[] },
): Promise<void> {
  await sql(
    tx, 'INSERT INTO goodwill_pot (refund_id, pot_id, period_id, amount_minor) VALUES ($1, $2, $3, $4)',
    [row.refundId, row.potId, row.periodId, row.amountMinor],
  );
  await sql(
    tx,
    `INSERT INTO goodwill_leg (refund_id, pot_id, leg, payee, amount_minor)
     SELECT $1, $2, l.leg, l.payee, l.amount FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS l (payee, amount, leg)`,
    [row.refundId, row.potId, row.legs.map((leg) => leg.payee), row.legs.map((leg) => leg.amountMinor.toString())],
  );
}

export async function insertReturned(tx: Tx, refundId: string, rows: readonly Returned[]): Promise<void> {
  await sql(
    tx,
    `INSERT INTO goodwill_payee (refund_id, payee, unpaid_minor, debt_minor)
     SELECT $1, p.payee, p.unpaid, p.debt FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS p (payee, unpaid, debt)`,
    [refundId, rows.map((row) => row.payee), rows.map((row) => row.unpaidMinor.toString()), rows.map((row) => row.debtMinor.toString())],
  );
}

export async function returnedLegs(tx: Tx, refundId: string): Promise<{ potId: string; payee: string; amountMinor: bigint }[]> {
  return await sql(
    tx, 'SELECT pot_id AS "potId", payee, amount_minor AS "amountMinor" FROM goodwill_leg WHERE refund_id = $1 ORDER BY pot_id, leg', [refundId],
  );
}

export async function returnedPayees(tx: Tx, refundId: string): Promise<Returned[]> {
  return await sql<Returned>(
    tx, 'SELECT payee, unpaid_minor AS "unpaidMinor", debt_minor AS "debtMinor" FROM goodwill_payee WHERE refund_id = $1 ORDER BY payee', [refundId],
  );
}

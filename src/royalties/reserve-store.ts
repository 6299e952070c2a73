import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';

/** What is held of a payee's money, lot by lot, and what became of each lot. */

export interface ReserveRow {
  id: string;
  payee: string;
  currency: Currency;
  cloneId: string;
  /** What brought it about: a run, a dispute. */
  causeId: string;
  amountMinor: bigint;
  heldOn: Day;
  /** Null while an event that has no day is waited for. */
  dueDay: Day | null;
  /** Of a dispute: which of the things that its payment bought. */
  sourceId: string | null;
  leftMinor: bigint;
}

const RESERVE = `id, payee, currency, clone_id AS "cloneId", cause_id AS "causeId", amount_minor AS "amountMinor", held_on AS "heldOn",
  due_day AS "dueDay", source_id AS "sourceId", left_minor AS "leftMinor"`;

export async function insertReserve(tx: Tx, row: Omit<ReserveRow, 'leftMinor'> & { runId: string | null; transferId: string }): Promise<void> {
  await sql(
    tx,
    `INSERT INTO royalty_reserve (id, payee, currency, clone_id, cause_id, amount_minor, left_minor, held_on, due_day, transfer_id, source_id, run_id)
     VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11)`,
    [row.id, row.payee, row.currency, row.cloneId, row.causeId, row.amountMinor, row.heldOn, row.dueDay, row.transferId, row.sourceId, row.runId],
  );
}

/** What a run held of its payees at once, because it had divided payments that are disputed. */
export async function heldForDisputes(tx: Tx, runId: string): Promise<{ disputeId: string; payee: string; currency: Currency; amountMinor: string }[]> {
  return await sql(
    tx,
    `SELECT cause_id AS "disputeId", payee, currency, sum(amount_minor)::text AS "amountMinor" FROM royalty_reserve
     WHERE run_id = $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`, [runId],
  );
}

/** Lots that still hold something, locked: those of a cause, then those that wait for a day, the first due first; or only one of both. */
export async function lockOpen(
  tx: Tx, of: { payee: string; currency: Currency; cloneId: string; causeId: string | null; dated: boolean },
): Promise<ReserveRow[]> {
  return await sql<ReserveRow>(
    tx,
    `SELECT ${RESERVE} FROM royalty_reserve WHERE payee = $1 AND currency = $2 AND clone_id = $3 AND left_minor > 0
       AND (cause_id = $4 OR ($5 AND due_day IS NOT NULL)) ORDER BY due_day IS NOT NULL, due_day, id FOR UPDATE`,
    [of.payee, of.currency, of.cloneId, of.causeId, of.dated],
  );
}

export async function lockReserve(tx: Tx, id: string): Promise<ReserveRow | null> {
  return await maybeOne<ReserveRow>(tx, `SELECT ${RESERVE} FROM royalty_reserve WHERE id = $1 FOR UPDATE`, [id]);
}

/** Whose lots are due and hold something, at most `limit`. */
export async function dueBy(tx: Tx, day: Day, limit: number): Promise<ReserveRow[]> {
  return await sql<ReserveRow>(
    tx, `SELECT ${RESERVE} FROM royalty_reserve WHERE left_minor > 0 AND due_day <= $1 ORDER BY due_day, id LIMIT $2`, [day, limit],
  );
}

/** What of a lot is no longer held; PostgreSQL takes it off the lot and refuses more than is left. */
export async function insertUse(tx: Tx, use: { reserveId: string; causeId: string; amountMinor: bigint }): Promise<void> {
  await sql(tx, 'INSERT INTO royalty_reserve_use (reserve_id, cause_id, amount_minor) VALUES ($1, $2, $3)', [use.reserveId, use.causeId, use.amountMinor]);
}

export async function reservesOf(tx: Tx, payee: string): Promise<ReserveRow[]> {
  return await sql<ReserveRow>(tx, `SELECT ${RESERVE} FROM royalty_reserve WHERE payee = $1 ORDER BY held_on DESC, id DESC LIMIT 500`, [payee]);
}

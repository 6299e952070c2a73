import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';
import type { DividedLeg, EarnedEntry } from './model.ts';

/** Runs, pots, their legs, and which entry went into which pot. */

export interface NettedRow {
  payee: string;
  currency: Currency;
  amountMinor: string;
}

export interface HeldRow extends NettedRow {
  dueDay: Day;
}

export interface RecoupedRow extends NettedRow {
  advanceId: string;
}

export interface RunRow {
  id: string;
  cloneId: string;
  number: number;
  fromPosition: bigint;
  toPosition: bigint;
  throughDay: Day;
  netted: NettedRow[];
  held: HeldRow[];
  recouped: RecoupedRow[];
  runBy: string;
  runAt: Date;
}

const RUN = `id, clone_id AS "cloneId", number, from_position AS "fromPosition", to_position AS "toPosition", through_day AS "throughDay",
  netted, held, recouped, run_by AS "runBy", run_at AS "runAt"`;

export async function lastRun(tx: Tx, cloneId: string): Promise<RunRow | null> {
  return await maybeOne<RunRow>(tx, `SELECT ${RUN} FROM royalty_run WHERE clone_id = $1 ORDER BY number DESC LIMIT 1`, [cloneId]);
}

export async function findRun(tx: Tx, id: string): Promise<RunRow | null> {
  return await maybeOne<RunRow>(tx, `SELECT ${RUN} FROM royalty_run WHERE id = $1`, [id]);
}

export async function insertRun(tx: Tx, row: RunRow): Promise<void> {
  await sql(
    tx,
    `INSERT INTO royalty_run (id, clone_id, number, from_position, to_position, through_day, netted, run_by, run_at, held, recouped)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [row.id, row.cloneId, row.number, row.fromPosition, row.toPosition, row.throughDay, JSON.stringify(row.netted), row.runBy, row.runAt,
      JSON.stringify(row.held), JSON.stringify(row.recouped)],
  );
}

export interface PotRow {
  id: string;
  runId: string;
  cloneId: string;
  tierId: string;
  currency: Currency;
  splitId: string;
  firstDay: Day;
  lastDay: Day;
  amountMinor: bigint;
  feeMinor: bigint;
  taxMinor: bigint;
  transferId: string | null;
}

const POT = `pot.id, pot.run_id AS "runId", pot.clone_id AS "cloneId", pot.tier_id AS "tierId", pot.currency, pot.split_id AS "splitId",
  pot.first_day AS "firstDay", pot.last_day AS "lastDay", pot.amount_minor AS "amountMinor",
  coalesce(pot.fee_minor, 0) AS "feeMinor", coalesce(pot.tax_minor, 0) AS "taxMinor", pot.transfer_id AS "transferId"`;

/** A leg of the split, or of an original above a derivative. */
export interface PotLegRow extends DividedLeg {
  derivativeId: string | null;
}

export async function insertPot(tx: Tx, row: PotRow, legs: readonly PotLegRow[]): Promise<void> {
  await sql(
    tx,
    `INSERT INTO royalty_pot (id, run_id, clone_id, tier_id, currency, split_id, first_day, last_day, amount_minor, transfer_id, gross_minor, fee_minor,
       tax_minor)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [row.id, row.runId, row.cloneId, row.tierId, row.currency, row.splitId, row.firstDay, row.lastDay, row.amountMinor, row.transferId,
      row.amountMinor + row.feeMinor + row.taxMinor, row.feeMinor, row.taxMinor],
  );
  await sql(
    tx,
    `INSERT INTO royalty_pot_leg (pot_id, leg, payee, basis_points, amount_minor, share_minor, derivative_id)
     SELECT $1, l.leg, l.payee, l.points, l.amount, l.share, l.derivative
     FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::text[]) WITH ORDINALITY AS l (payee, points, amount, share, derivative, leg)`,
    [row.id, legs.map((leg) => leg.payee), legs.map((leg) => leg.basisPoints), legs.map((leg) => leg.amountMinor.toString()),
      legs.map((leg) => leg.shareMinor.toString()), legs.map((leg) => leg.derivativeId)],
  );
}

const ENTRIES_AT_ONCE = 5_000;

/** An entry that stands in a run already is refused by the table's key. */
export async function insertEntries(tx: Tx, at: { runId: string; potId: string }, entries: readonly EarnedEntry[]): Promise<void> {
  for (let from = 0; from < entries.length; from += ENTRIES_AT_ONCE) {
    const some = entries.slice(from, from + ENTRIES_AT_ONCE);
    await sql(
      tx,
      `INSERT INTO royalty_run_entry (run_id, pot_id, transfer_id, leg, position, period_id, amount_minor, fee_minor, tax_minor)
       SELECT $1, $2, e.* FROM unnest($3::text[], $4::smallint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[]) AS e`,
      [at.runId, at.potId, some.map((one) => one.transferId), some.map((one) => one.leg), some.map((one) => one.position?.toString() ?? null),
        some.map((one) => one.periodId), some.map((one) => one.amountMinor.toString()), some.map((one) => one.feeMinor.toString()),
        some.map((one) => one.taxMinor.toString())],
    );
  }
}

export async function potsOfRun(tx: Tx, runId: string): Promise<(PotRow & { entries: bigint })[]> {
  return await sql(
    tx,
    `SELECT ${POT}, (SELECT count(*) FROM royalty_run_entry e WHERE e.pot_id = pot.id) AS entries
     FROM royalty_pot pot WHERE run_id = $1 ORDER BY tier_id, currency, split_id`,
    [runId],
  );
}

export async function findPot(tx: Tx, potId: string): Promise<PotRow | null> {
  return await maybeOne<PotRow>(tx, `SELECT ${POT} FROM royalty_pot pot WHERE id = $1`, [potId]);
}

export async function legsOfPot(tx: Tx, potId: string): Promise<PotLegRow[]> {
  return await sql<PotLegRow>(
    tx,
    `SELECT payee, basis_points AS "basisPoints", amount_minor AS "amountMinor", coalesce(share_minor, amount_minor) AS "shareMinor",
       derivative_id AS "derivativeId" FROM royalty_pot_leg WHERE pot_id = $1 ORDER BY leg`,
    [potId],
  );
}

/** Which entries of a period stand in a pot already, as `transfer.leg`. */
export async function coveredOf(tx: Tx, periodId: string): Promise<Set<string>> {
  const rows = await sql<{ transferId: string; leg: number }>(
    tx, 'SELECT transfer_id AS "transferId", leg FROM royalty_run_entry WHERE period_id = $1', [periodId],
  );
  return new Set(rows.map((row) => `${row.transferId}.${row.leg}`));
}

/** The entries of a pot in recorded order, at most `limit`. */
export async function entriesOfPot(tx: Tx, potId: string, limit: number): Promise<{ transferId: string; leg: number; position: bigint; amountMinor: bigint }[]> {
  return await sql(
    tx,
    `SELECT transfer_id AS "transferId", leg, position, amount_minor AS "amountMinor" FROM royalty_run_entry
     WHERE pot_id = $1 ORDER BY position, leg LIMIT $2`,
    [potId, limit],
  );
}

export async function countEntries(tx: Tx, potIds: readonly string[]): Promise<number> {
  const [row] = await sql<{ count: bigint }>(tx, 'SELECT count(*) AS count FROM royalty_run_entry WHERE pot_id = ANY ($1::text[])', [potIds]);
  return Number(row?.count ?? 0n);
}

/** The payees of a clone: everybody who ever had a leg of one of its pots or signed splits. */
export async function payeesOfClone(tx: Tx, cloneId: string): Promise<{ payee: string; currency: Currency }[]> {
  return await sql(
    tx,
    `SELECT DISTINCT l.payee, p.currency FROM royalty_pot p JOIN royalty_pot_leg l ON l.pot_id = p.id WHERE p.clone_id = $1 ORDER BY 1, 2`, [cloneId],
  );
}


import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { groupedEntries, type SumsRange } from '../ledger/index.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';

/** Closed periods and statements: written once, never changed. */

export interface CloseRow {
  number: number;
  fromPosition: bigint;
  toPosition: bigint;
  fromDay: Day;
  throughDay: Day;
  closedBy: string;
  closedAt: Date;
}

/** Closes take turns: each begins where the last one ended. */
export async function lockCloses(tx: Tx): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(6237082)');
}

export async function lastClose(tx: Tx): Promise<CloseRow | null> {
  return await maybeOne<CloseRow>(
    tx,
    `SELECT number, from_position AS "fromPosition", to_position AS "toPosition", from_day AS "fromDay", through_day AS "throughDay",
            closed_by AS "closedBy", closed_at AS "closedAt" FROM statement_close ORDER BY number DESC LIMIT 1`,
  );
}

export async function insertClose(tx: Tx, row: CloseRow): Promise<void> {
  await sql(
    tx,
    `INSERT INTO statement_close (number, from_position, to_position, from_day, through_day, closed_by, closed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [row.number, row.fromPosition, row.toPosition, row.fromDay, row.throughDay, row.closedBy, row.closedAt],
  );
}

export interface StatementRow {
  id: string;
  closeNumber: number;
  payee: string;
  payeeName: string;
  currency: Currency;
  number: number;
  openingMinor: bigint;
  closingMinor: bigint;
  debtOpeningMinor: bigint;
  debtClosingMinor: bigint;
  reserveOpeningMinor: bigint;
  reserveClosingMinor: bigint;
  canonical: string;
  digest: string;
  keyId: string;
  signature: string;
  leafId: string;
  closedAt: Date;
}

const STATEMENT = `s.id, s.close_number AS "closeNumber", s.payee, s.payee_name AS "payeeName", s.currency, s.number, s.opening_minor AS "openingMinor",
  s.closing_minor AS "closingMinor", s.debt_opening_minor AS "debtOpeningMinor", s.debt_closing_minor AS "debtClosingMinor",
  s.reserve_opening_minor AS "reserveOpeningMinor", s.reserve_closing_minor AS "reserveClosingMinor", s.canonical, s.digest,
  s.key_id AS "keyId", s.signature, s.leaf_id AS "leafId", s.closed_at AS "closedAt"`;

export async function insertStatement(tx: Tx, row: StatementRow): Promise<void> {
  await sql(
    tx,
    `INSERT INTO statement (id, close_number, payee, payee_name, currency, number, opening_minor, closing_minor, debt_opening_minor, debt_closing_minor,
       reserve_opening_minor, reserve_closing_minor, canonical, digest, key_id, signature, leaf_id, closed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
    [row.id, row.closeNumber, row.payee, row.payeeName, row.currency, row.number, row.openingMinor, row.closingMinor, row.debtOpeningMinor,
      row.debtClosingMinor, row.reserveOpeningMinor, row.reserveClosingMinor, row.canonical, row.digest, row.keyId, row.signature, row.leafId, row.closedAt],
  );
}

/** Which group of entries stands on which line. `sign` turns debit and credit into more and less. */
export interface LineGroup {
  groupKey: string;
  statementId: string;
  lineId: string;
  sign: 1 | -1;
}

/** Writes each entry of the range to its line, in one statement. An entry that stands on a statement already is refused by the table's key. */
export async function insertLines(tx: Tx, range: SumsRange, groups: readonly LineGroup[]): Promise<void> {
  const { from, key, params } = groupedEntries(range);
  const [keys, statements, lines, signs] = [
    groups.map((group) => group.groupKey), groups.map((group) => group.statementId), groups.map((group) => group.lineId), groups.map((group) => group.sign),
  ].map((column) => `$${params.push(column)}`);
  await sql(
    tx,
    `INSERT INTO statement_line (statement_id, line_id, transfer_id, leg, amount_minor)
     SELECT g.statement_id, g.line_id, x.id, x.leg, x.amount_minor * g.sign
       FROM (SELECT t.id, e.leg, e.amount_minor, ${key} AS key FROM ${from}) x
       JOIN unnest(${keys ?? ''}::text[], ${statements ?? ''}::text[], ${lines ?? ''}::text[], ${signs ?? ''}::int[]) AS g (key, statement_id, line_id, sign) ON g.key = x.key`,
    params,
  );
}

/** One entry of a line. */
export interface LineEntry {
  transferId: string;
  leg: number;
  amountMinor: bigint;
}

/** The entries of a line by transfer, at most `limit` after one of them. */
export async function entriesOfLine(tx: Tx, statementId: string, lineId: string, after: Omit<LineEntry, 'amountMinor'> | null, limit: number): Promise<LineEntry[]> {
  return await sql<LineEntry>(
    tx,
    `SELECT transfer_id AS "transferId", leg, amount_minor AS "amountMinor" FROM statement_line
     WHERE statement_id = $1 AND line_id = $2 AND (transfer_id, leg) > ($3, $4) ORDER BY transfer_id, leg LIMIT $5`,
    [statementId, lineId, after?.transferId ?? '', after?.leg ?? 0, limit],
  );
}

export async function findStatement(tx: Tx, id: string): Promise<StatementRow | null> {
  return await maybeOne<StatementRow>(tx, `SELECT ${STATEMENT} FROM statement s WHERE s.id = $1`, [id]);
}

export async function newestStatement(tx: Tx, payee: string, currency: Currency): Promise<StatementRow | null> {
  return await maybeOne<StatementRow>(
    tx, `SELECT ${STATEMENT} FROM statement s WHERE s.payee = $1 AND s.currency = $2 ORDER BY s.number DESC LIMIT 1`, [payee, currency],
  );
}

/** The payee's statement before this one in its currency. */
export async function statementBefore(tx: Tx, { payee, currency, number }: Pick<StatementRow, 'payee' | 'currency' | 'number'>): Promise<StatementRow | null> {
  return await maybeOne<StatementRow>(
    tx, `SELECT ${STATEMENT} FROM statement s WHERE s.payee = $1 AND s.currency = $2 AND s.number = $3`, [payee, currency, number - 1],
  );
}

export type StatementWithDays = StatementRow & { fromDay: Day; throughDay: Day };

export async function statementsOf(tx: Tx, asked: { payee: string } | { closeNumber: number }): Promise<StatementWithDays[]> {
  const filter = 'payee' in asked ? 's.payee = $1' : 's.close_number = $1';
  return await sql<StatementWithDays>(
    tx,
    `SELECT ${STATEMENT}, c.from_day AS "fromDay", c.through_day AS "throughDay" FROM statement s JOIN statement_close c ON c.number = s.close_number
     WHERE ${filter} ORDER BY s.close_number DESC, s.payee, s.currency LIMIT 1000`,
    ['payee' in asked ? asked.payee : asked.closeNumber],
  );
}

/** A statement's paper as it was first given out; null while nobody asked for it. */
export async function findPaper(tx: Tx, statementId: string, language: string): Promise<Uint8Array | null> {
  const row = await maybeOne<{ pdf: Buffer }>(tx, 'SELECT pdf FROM statement_paper WHERE statement_id = $1 AND language = $2', [statementId, language]);
  return row?.pdf ?? null;
}

/** Keeps a paper unless there is one. */
export async function keepPaper(tx: Tx, paper: { statementId: string; language: string; pdf: Uint8Array; at: Date }): Promise<void> {
  await sql(
    tx, 'INSERT INTO statement_paper (statement_id, language, pdf, printed_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [paper.statementId, paper.language, Buffer.from(paper.pdf), paper.at],
  );
}

import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';
import type { OpeningInput } from './adjust-model.ts';

/** Files of opening balances as they were checked, and who let them be posted. */

export interface ImportRow {
  id: string;
  transfers: OpeningInput[];
  digest: string;
  checkedBy: string;
  checkedAt: Date;
  postedBy: string | null;
  postedAt: Date | null;
}

export async function insertImport(tx: Tx, row: Omit<ImportRow, 'postedBy' | 'postedAt'>): Promise<void> {
  await sql(
    tx, 'INSERT INTO ledger_import (id, transfers, digest, checked_by, checked_at) VALUES ($1, $2, $3, $4, $5)',
    [row.id, JSON.stringify(row.transfers), row.digest, row.checkedBy, row.checkedAt],
  );
}

/** Whoever posts one file takes turns. */
export async function lockImport(tx: Tx, id: string): Promise<ImportRow | null> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 6237011))', [id]);
  return await maybeOne<ImportRow>(
    tx,
    `SELECT i.id, i.transfers, i.digest, i.checked_by AS "checkedBy", i.checked_at AS "checkedAt", p.posted_by AS "postedBy", p.posted_at AS "postedAt"
       FROM ledger_import i LEFT JOIN ledger_import_posting p ON p.import_id = i.id WHERE i.id = $1`,
    [id],
  );
}

export async function insertPosting(tx: Tx, row: { importId: string; postedBy: string; postedAt: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO ledger_import_posting (import_id, posted_by, posted_at) VALUES ($1, $2, $3)', [row.importId, row.postedBy, row.postedAt]);
}

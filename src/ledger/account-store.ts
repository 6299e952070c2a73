import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { prepared, sql } from '../platform/postgres/index.ts';
import { type AccountClass, accountHash, type AccountRef } from './model.ts';

/** Accounts as rows: opened once, never changed. */

export interface AccountRow {
  code: string;
  currency: Currency;
  class: AccountClass;
  guarded: boolean;
  floor_minor: bigint;
}

export function accountOf(row: AccountRow): Required<AccountRef> {
  return {
    code: row.code, currency: row.currency, class: row.class, guarded: row.guarded, floorMinor: row.floor_minor,
  };
}

/** An account that is open, by its number inside the ledger. */
export interface OpenAccount {
  id: string;
  account: Required<AccountRef>;
  /** False when the transaction that asks may have opened it itself. */
  committed: boolean;
}

export async function findAccounts(tx: Tx, codes: readonly string[]): Promise<OpenAccount[]> {
  const rows = await prepared<AccountRow & { id: bigint; committed: boolean }>(
    tx, 'ledger_find_accounts',
    // Both are the time at which a transaction began: of this one's own rows it is the same.
    `SELECT id, code, currency, class, guarded, floor_minor, recorded_at <> now() AS committed
       FROM ledger_account WHERE code = ANY ($1::text[])`, [codes],
  );
  return rows.map(({ id, committed, ...row }) => ({ id: String(id), committed, account: accountOf(row) }));
}

/** Opens accounts at their first use, in the order of their codes so that two transactions never wait in a circle. */
export async function openAccounts(tx: Tx, refs: readonly AccountRef[]): Promise<void> {
  const unique = [...new Map(refs.map((ref) => [ref.code, ref])).values()].sort((a, b) => (a.code < b.code ? -1 : 1));
  await sql(
    tx,
    `INSERT INTO ledger_account (code, currency, class, guarded, floor_minor, content_hash)
       SELECT a.code, a.currency, a.class, a.guarded, a.floor_minor, decode(a.hash, 'hex')
       FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::text[])
         WITH ORDINALITY AS a (code, currency, class, guarded, floor_minor, hash, place)
       ORDER BY a.place
       ON CONFLICT (code) DO NOTHING`,
    [
      unique.map((ref) => ref.code), unique.map((ref) => ref.currency), unique.map((ref) => ref.class),
      unique.map((ref) => ref.guarded ?? false), unique.map((ref) => (ref.floorMinor ?? 0n).toString()),
      unique.map((ref) => accountHash(ref).toString('hex')),
    ],
  );
}

/** Accounts that were ever used whose code begins with `prefix`, by code, at most `limit` after the code `after` ('' from the beginning). */
export async function accountsAfter(tx: Tx, prefix: string, after: string, limit: number): Promise<{ code: string; currency: Currency }[]> {
  return await sql(
    tx, 'SELECT code, currency FROM ledger_account WHERE code ^@ $1 AND code > $2 ORDER BY code LIMIT $3', [prefix, after, limit],
  );
}

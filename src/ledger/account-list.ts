import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';

/** Accounts that were ever used whose code begins with `prefix`, by code, at most `limit` after the code `after` ('' from the beginning). */
export async function accountsAfter(tx: Tx, prefix: string, after: string, limit: number): Promise<{ code: string; currency: Currency }[]> {
  return await sql(
    tx, 'SELECT code, currency FROM ledger_account WHERE code ^@ $1 AND code > $2 ORDER BY code LIMIT $3', [prefix, after, limit],
  );
}

import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';

/** Whose unpaid balance is held for a cause, and of which clones. */
export async function heldFor(tx: Tx, causeId: string): Promise<{ payee: string; currency: Currency; cloneId: string }[]> {
  return await sql(
    tx, `SELECT DISTINCT payee, currency, clone_id AS "cloneId" FROM royalty_reserve WHERE cause_id = $1 AND left_minor > 0 ORDER BY payee, currency, clone_id`, [causeId],
  );
}

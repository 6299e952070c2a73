import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';

/** How much of a payee's money of a clone is held for a cause. */
export async function heldOf(tx: Tx, of: { causeId: string; payee: string; currency: Currency; cloneId: string }): Promise<bigint> {
  return (await maybeOne<{ held: bigint }>(
    tx, `SELECT coalesce(sum(left_minor), 0)::bigint AS held FROM royalty_reserve WHERE cause_id = $1 AND payee = $2 AND currency = $3 AND clone_id = $4`,
    [of.causeId, of.payee, of.currency, of.cloneId],
  ))?.held ?? 0n;
}

/** Whose unpaid balance is held for a cause, and of which clones. */
export async function heldFor(tx: Tx, causeId: string): Promise<{ payee: string; currency: Currency; cloneId: string }[]> {
  return await sql(
    tx, `SELECT DISTINCT payee, currency, clone_id AS "cloneId" FROM royalty_reserve WHERE cause_id = $1 AND left_minor > 0 ORDER BY payee, currency, clone_id`, [causeId],
  );
}

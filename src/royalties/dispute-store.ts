import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';

/** Whose unpaid balance is held for a cause, and of which clones. */
export async function heldFor(tx: Tx, causeId: string): Promise<{ payee: string; currency: Currency; cloneId: string }[]> {
  return await sql(
    tx, `SELECT DISTINCT payee, currency, clone_id AS "cloneId" FROM royalty_reserve WHERE cause_id = $1 AND left_minor > 0 ORDER BY payee, currency, clone_id`, [causeId],
  );
}

/** What is held for a dispute, by payee, clone and which of the things that its payment bought. */
export async function heldBySource(tx: Tx, disputeId: string): Promise<{ payee: string; cloneId: string; sourceId: string | null; leftMinor: bigint }[]> {
  return await sql(
    tx,
    `SELECT payee, clone_id AS "cloneId", source_id AS "sourceId", sum(left_minor)::bigint AS "leftMinor" FROM royalty_reserve
     WHERE cause_id = $1 AND due_day IS NULL GROUP BY 1, 2, 3`,
    [disputeId],
  );
}

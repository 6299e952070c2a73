import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';

/** How each pair of currencies stood open after a position of the ledger, up to which its differences are booked. */

export interface CarriedRow {
  claim: Currency;
  settled: Currency;
  claimMinor: bigint;
  worthMinor: bigint;
}

/** Whoever books differences takes turns; answers up to where they are booked, and how the pairs stand there. */
export async function lockCarried(tx: Tx): Promise<{ position: bigint; pairs: CarriedRow[] }> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(6237084)');
  const rows = await sql<CarriedRow & { position: bigint }>(
    tx,
    `SELECT position, claim, settled, claim_minor AS "claimMinor", worth_minor AS "worthMinor" FROM currency_carried
     WHERE position = (SELECT max(position) FROM currency_carried) ORDER BY claim, settled`,
  );
  return { position: rows[0]?.position ?? 0n, pairs: rows.map(({ position: _position, ...pair }) => pair) };
}

export async function insertCarried(tx: Tx, position: bigint, pairs: readonly CarriedRow[]): Promise<void> {
  await sql(
    tx,
    `INSERT INTO currency_carried (position, claim, settled, claim_minor, worth_minor)
     SELECT $1, p.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS p`,
    [position, pairs.map((pair) => pair.claim), pairs.map((pair) => pair.settled), pairs.map((pair) => pair.claimMinor.toString()),
      pairs.map((pair) => pair.worthMinor.toString())],
  );
}

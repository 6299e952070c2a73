import type { Tx } from '../kernel/tx.ts';
import { prepared, preparedLast } from '../platform/postgres/index.ts';
import type { OpenAccount } from './account-store.ts';
import type { Item } from './batch.ts';
import type { Standing } from './model.ts';

/** A batch's few statements, each prepared once a connection. */

export interface StillStanding {
  standings: Map<string, Standing>;
  kept: Map<string, { id: string; contentHash: Buffer }>;
}

interface StandRow {
  code: string | null;
  balance: string;
  held: string;
  key: string;
  transfer_id: string;
  content_hash: Buffer;
}

/** Locks accounts until the end of the transaction; answers how they stand, and what the keys name already. */
export async function standStill(tx: Tx, codes: readonly string[], keys: readonly string[]): Promise<StillStanding> {
  const rows = await prepared<StandRow>(
    tx, 'ledger_stand_still', 'SELECT * FROM ledger_stand_still($1::text[], $2::text[])', [codes, keys],
  );
  const found: StillStanding = { standings: new Map(), kept: new Map() };
  for (const row of rows) {
    if (row.code === null) found.kept.set(row.key, { id: row.transfer_id, contentHash: row.content_hash });
    else found.standings.set(row.code, { balanceMinor: BigInt(row.balance), heldMinor: BigInt(row.held) });
  }
  return found;
}

const INSERT = `
  WITH opened AS (
    INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata)
      SELECT a.id, a.key, a.kind, a.effective_date, a.leg_count, a.content_hash, a.metadata::jsonb
      FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::smallint[], $6::bytea[], $7::text[])
        WITH ORDINALITY AS a (id, key, kind, effective_date, leg_count, content_hash, metadata, place)
      ORDER BY a.place
      ON CONFLICT (key) DO NOTHING
      RETURNING seq, id
  ), arrived AS (
    INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor)
      SELECT o.seq, l.leg, l.account_id, l.currency, l.amount_minor
      FROM unnest($8::text[], $9::smallint[], $10::bigint[], $11::text[], $12::bigint[]) AS l (transfer_id, leg, account_id, currency, amount_minor)
      JOIN opened o ON o.id = l.transfer_id
  )
  SELECT ledger_all_written(count(*), $13::bigint) FROM opened`;

/** What is broken when a key was taken by somebody else meanwhile. */
export const ALL_WRITTEN = 'ledger_batch_written';

/**
 * Writes transfers and legs in one statement, with the transaction's COMMIT behind it. Fails, and nothing stays, where a key was not free:
 * `ALL_WRITTEN`. `numbers` are the accounts' by code.
 */
export async function insertBatch(tx: Tx, items: readonly Item[], numbers: ReadonlyMap<string, OpenAccount>): Promise<void> {
  const columns: unknown[][] = Array.from({ length: 12 }, () => []);
  for (const { id, transfer } of items) {
    const row = [id, transfer.key, transfer.kind, transfer.effectiveDate, transfer.legs.length, transfer.contentHash, transfer.metadataText];
    row.forEach((value, column) => columns[column]?.push(value));
    transfer.legs.forEach(({ account, amountMinor }, index) => {
      const leg = [id, index + 1, numbers.get(account.code)?.id, account.currency, amountMinor.toString()];
      leg.forEach((value, column) => columns[7 + column]?.push(value));
    });
  }
  await preparedLast(tx, 'ledger_insert_batch', INSERT, [...columns, items.length]);
}

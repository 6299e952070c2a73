import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { CheckedHold, HoldOutcome } from './hold-model.ts';
import type { AccountRef } from './model.ts';
import { accountOf, type AccountRow } from './account-store.ts';
import { KNOWN_LEGS, legColumns } from './store.ts';

/** Holds and how they ended, as SQL. What is open and what it claims is kept by PostgreSQL's own triggers. */

/** Writes hold and legs in one statement; all accounts must be open. False when the key stands already. */
export async function insertHold(tx: Tx, id: string, hold: CheckedHold): Promise<boolean> {
  const { legs } = hold;
  const { known, written } = await one<{ known: bigint; written: boolean }>(
    tx,
    `WITH ${KNOWN_LEGS}, opened AS (
       INSERT INTO ledger_hold (id, key, kind, expires_at, leg_count, content_hash, metadata)
       SELECT $7, $8, $9, $10::timestamptz, $11::smallint, $12::bytea, $13::jsonb
       WHERE (SELECT count(*) FROM known) = $11::smallint
       ON CONFLICT (key) DO NOTHING
       RETURNING seq
     ), arrived AS (
       INSERT INTO ledger_hold_leg (hold_seq, leg, account_id, currency, amount_minor)
       SELECT opened.seq, known.leg, known.id, known.currency, known.amount_minor FROM opened CROSS JOIN known
     )
     SELECT (SELECT count(*) FROM known) AS known, EXISTS (SELECT 1 FROM opened) AS written`,
    [
      ...legColumns(legs),
      id, hold.key, hold.kind, hold.expiresAt, legs.length, hold.contentHash, hold.metadataText,
    ],
  );
  if (known < BigInt(legs.length)) throw new Error('An account of this hold was opened with another currency, class or guard.');
  return written;
}

export async function holdByKey(tx: Tx, key: string): Promise<{ id: string; contentHash: Buffer } | null> {
  return await maybeOne(tx, 'SELECT id, content_hash AS "contentHash" FROM ledger_hold WHERE key = $1', [key]);
}

export interface HoldRow {
  id: string;
  kind: string;
  metadata: JsonObject;
  expiresAt: Date | null;
  recordedAt: Date;
  outcome: HoldOutcome | null;
  resolvedAt: Date | null;
  transferId: string | null;
}

/** A hold under a lock that whoever ends it waits for. */
export async function lockHold(tx: Tx, id: string): Promise<HoldRow | null> {
  await sql(tx, 'SELECT ledger_lock_hold($1)', [id]);
  return await findHold(tx, id);
}

export async function findHold(tx: Tx, id: string): Promise<HoldRow | null> {
  return await maybeOne<HoldRow>(
    tx,
    `SELECT h.id, h.kind, h.metadata, h.expires_at AS "expiresAt", h.recorded_at AS "recordedAt", r.outcome, r.at AS "resolvedAt",
            (SELECT t.id FROM ledger_transfer t WHERE t.seq = r.transfer_seq) AS "transferId"
       FROM ledger_hold h LEFT JOIN ledger_hold_resolution r ON r.hold_seq = h.seq WHERE h.id = $1`,
    [id],
  );
}

/** The legs of a hold as they were held. */
export async function holdLegs(tx: Tx, id: string): Promise<{ account: AccountRef; amountMinor: bigint }[]> {
  const rows = await sql<AccountRow & { amount_minor: bigint }>(
    tx,
    `SELECT a.code, a.currency, a.class, a.guarded, a.floor_minor, l.amount_minor
       FROM ledger_hold h JOIN ledger_hold_leg l ON l.hold_seq = h.seq JOIN ledger_account a ON a.id = l.account_id
       WHERE h.id = $1 ORDER BY l.leg`,
    [id],
  );
  return rows.map((row) => ({ account: accountOf(row), amountMinor: row.amount_minor }));
}

export async function insertVoid(tx: Tx, id: string, at: Date): Promise<void> {
  await sql(
    tx, `INSERT INTO ledger_hold_resolution (hold_seq, outcome, at) SELECT seq, 'voided', $2 FROM ledger_hold WHERE id = $1`, [id, at],
  );
}

/** Ends at most `most` holds whose time is over; those that somebody is ending now are left to them. */
export async function expireSome(tx: Tx, at: Date, most: number): Promise<number> {
  const rows = await sql(
    tx,
    `INSERT INTO ledger_hold_resolution (hold_seq, outcome, at)
       SELECT seq, 'expired', $1::timestamptz FROM ledger_lock_expired($1::timestamptz, $2) AS seq
       ON CONFLICT (hold_seq) DO NOTHING RETURNING hold_seq`,
    [at, most],
  );
  return rows.length;
}

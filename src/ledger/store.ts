import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, one, sql } from '../platform/postgres/index.ts';
import { type AccountClass, accountHash, type AccountRef, type CheckedTransfer, type Leg, type Standing } from './model.ts';

/** The ledger's writes and locks, as SQL. The checks of the same facts in PostgreSQL stand in the migrations. */

export interface AccountRow {
  code: string;
  currency: Currency;
  class: AccountClass;
  guarded: boolean;
  floor_minor: bigint;
}

export function accountOf(row: AccountRow): AccountRef {
  return {
    code: row.code, currency: row.currency, class: row.class, guarded: row.guarded, floorMinor: row.floor_minor,
  };
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

/** Locks account rows until the end of the transaction, in the order of their ids. Unknown codes lock nothing. */
export async function lockAccounts(tx: Tx, codes: readonly string[]): Promise<void> {
  await sql(tx, 'SELECT ledger_lock_accounts($1::text[])', [codes]);
}

/** Signed balances by code, of the accounts that are open. Beyond 64 bits it is still exact: see `inRange`. */
export async function balancesOf(
  tx: Tx, codes: readonly string[], at: { position?: bigint; effectiveDate?: Day } = {},
): Promise<Map<string, bigint>> {
  const rows = await sql<{ code: string; balance: string }>(
    tx, 'SELECT code, ledger_balance(id, $2::bigint, $3::date) AS balance FROM ledger_account WHERE code = ANY ($1::text[])',
    [codes, at.position?.toString() ?? null, at.effectiveDate ?? null],
  );
  return new Map(rows.map(({ code, balance }) => [code, BigInt(balance)]));
}

/** How these accounts stand, of those that are open; what `exceptHold` keeps is left out. */
export async function standingsOf(tx: Tx, codes: readonly string[], exceptHold: string | null): Promise<Map<string, Standing>> {
  const rows = await sql<{ code: string; balance: string; held: string }>(
    tx,
    `SELECT a.code, ledger_balance(a.id, NULL, NULL) AS balance, ledger_held(a.id) - coalesce((
         SELECT c.amount_minor FROM ledger_hold_claim c JOIN ledger_hold h ON h.seq = c.hold_seq
           WHERE c.account_id = a.id AND h.id = $2), 0) AS held
       FROM ledger_account a WHERE a.code = ANY ($1::text[])`,
    [codes, exceptHold],
  );
  return new Map(rows.map(({ code, balance, held }) => [code, { balanceMinor: BigInt(balance), heldMinor: BigInt(held) }]));
}

/** Legs that find their accounts as described: `$1` to `$6` are `legColumns`. */
export const KNOWN_LEGS = `known AS (
       SELECT asked.leg::smallint AS leg, a.id, a.currency, asked.amount_minor
       FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::bigint[])
         WITH ORDINALITY AS asked (code, currency, class, guarded, floor_minor, amount_minor, leg)
       JOIN ledger_account a ON a.code = asked.code AND a.currency = asked.currency AND a.class = asked.class
         AND a.guarded = asked.guarded AND a.floor_minor = asked.floor_minor
     )`;

export function legColumns(legs: readonly Leg[]): unknown[] {
  return [
    legs.map((leg) => leg.account.code), legs.map((leg) => leg.account.currency), legs.map((leg) => leg.account.class),
    legs.map((leg) => leg.account.guarded ?? false), legs.map((leg) => (leg.account.floorMinor ?? 0n).toString()),
    legs.map((leg) => leg.amountMinor.toString()),
  ];
}

/** A capture names its hold and ends it. */
const CAPTURING = {
  captures: ', captures', hold: ', (SELECT seq FROM ledger_hold WHERE id = $15)',
  ended: `, ended AS (
       INSERT INTO ledger_hold_resolution (hold_seq, outcome, transfer_seq, at)
       SELECT captures, 'captured', seq, $16::timestamptz FROM opened
     )`,
};

/**
 * Writes transfer and legs in one statement. `known` is how many legs found their account as described; unless all
 * did, nothing is written. `written` is false also when the key stands already.
 */
export async function insertTransfer(
  tx: Tx, id: string, transfer: CheckedTransfer, at: Date | null = null,
): Promise<{ known: bigint; written: boolean }> {
  const { legs } = transfer;
  const capture = transfer.captures === null ? null : CAPTURING;
  return await one<{ known: bigint; written: boolean }>(
    tx,
    `WITH ${KNOWN_LEGS}, opened AS (
       INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, reverses, content_hash, metadata${capture?.captures ?? ''})
       SELECT $7, $8, $9, $10::date, $11::smallint, (SELECT seq FROM ledger_transfer WHERE id = $12), $13::bytea, $14::jsonb${capture?.hold ?? ''}
       WHERE (SELECT count(*) FROM known) = $11::smallint
       ON CONFLICT (key) DO NOTHING
       RETURNING seq${capture?.captures ?? ''}
     )${capture?.ended ?? ''}, arrived AS (
       INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor)
       SELECT opened.seq, known.leg, known.id, known.currency, known.amount_minor FROM opened CROSS JOIN known
     )
     SELECT (SELECT count(*) FROM known) AS known, EXISTS (SELECT 1 FROM opened) AS written`,
    [
      ...legColumns(legs),
      id, transfer.key, transfer.kind, transfer.effectiveDate, legs.length, transfer.reverses, transfer.contentHash,
      transfer.metadataText, ...(capture === null ? [] : [transfer.captures, at]),
    ],
  );
}

/** The transfer that a key already names. */
export async function transferByKey(tx: Tx, key: string): Promise<{ id: string; contentHash: Buffer } | null> {
  return await maybeOne(tx, 'SELECT id, content_hash AS "contentHash" FROM ledger_transfer WHERE key = $1', [key]);
}

export interface StoredTransfer {
  id: string;
  kind: string;
  metadata: JsonObject;
  isReversal: boolean;
}

/** A transfer under a lock that other reversals of it wait for. */
export async function lockTransfer(tx: Tx, id: string): Promise<StoredTransfer | null> {
  await sql(tx, 'SELECT ledger_lock_transfer($1)', [id]);
  return await maybeOne(
    tx, 'SELECT id, kind, metadata, reverses IS NOT NULL AS "isReversal" FROM ledger_transfer WHERE id = $1', [id],
  );
}

/** The legs of a transfer as they were posted. */
export async function legsOf(tx: Tx, transferId: string): Promise<{ account: AccountRef; amountMinor: bigint }[]> {
  const rows = await sql<AccountRow & { amount_minor: bigint }>(
    tx,
    `SELECT a.code, a.currency, a.class, a.guarded, a.floor_minor, e.amount_minor
       FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq JOIN ledger_account a ON a.id = e.account_id
       WHERE t.id = $1 ORDER BY e.leg`,
    [transferId],
  );
  return rows.map((row) => ({ account: accountOf(row), amountMinor: row.amount_minor }));
}

/** Per account, in the order of the original's legs: what a transfer moved and what its reversals took back. */
export async function reversibleOf(
  tx: Tx, transferId: string,
): Promise<{ account: AccountRef; movedMinor: bigint; undoneMinor: bigint }[]> {
  const rows = await sql<AccountRow & { moved: string; undone: string }>(
    tx,
    `SELECT a.code, a.currency, a.class, a.guarded, a.floor_minor, legs.moved,
            coalesce((SELECT sum(e.amount_minor) FROM ledger_transfer r JOIN ledger_entry e ON e.transfer_seq = r.seq
                        WHERE r.reverses = legs.transfer_seq AND e.account_id = legs.account_id), 0) AS undone
       FROM (SELECT e.transfer_seq, e.account_id, min(e.leg) AS place, sum(e.amount_minor) AS moved
               FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq
               WHERE t.id = $1 GROUP BY e.transfer_seq, e.account_id) legs
       JOIN ledger_account a ON a.id = legs.account_id
       ORDER BY legs.place`,
    [transferId],
  );
  return rows.map((row) => ({
    account: accountOf(row), movedMinor: BigInt(row.moved), undoneMinor: BigInt(row.undone),
  }));
}

/** Gives positions to at most `most` committed transfers; answers how many got one. */
export async function sequenceSome(tx: Tx, most: number): Promise<bigint> {
  return (await one<{ given: bigint }>(tx, 'SELECT ledger_sequence($1) AS given', [most])).given;
}

export async function takeRollUp(tx: Tx, minimum: number, stride: number, worth: number): Promise<bigint> {
  return (await one<{ covered: bigint }>(tx, 'SELECT ledger_take_roll_up($1, $2, $3) AS covered', [minimum, stride, worth])).covered;
}

import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, one, prepared, sql } from '../platform/postgres/index.ts';
import { accountOf, type AccountRow } from './account-store.ts';
import type { LegColumns } from './accounts.ts';
import type { AccountRef, CheckedTransfer, Leg, Standing } from './model.ts';

/** The ledger's writes and locks, as SQL. The checks of the same facts in PostgreSQL stand in the migrations. */

/** Locks account rows until the end of the transaction, in the order of their ids. Unknown codes lock nothing. */
export async function lockAccounts(tx: Tx, codes: readonly string[]): Promise<void> {
  await sql(tx, 'SELECT ledger_lock_accounts($1::text[])', [codes]);
}

/** Signed balances by code, of the accounts that are open. Beyond 64 bits it is still exact: see `inRange`. */
export async function balancesOf(
  tx: Tx, codes: readonly string[], at: { position?: bigint; effectiveDate?: Day } = {},
): Promise<Map<string, bigint>> {
  const rows = await prepared<{ code: string; balance: string }>(
    tx, 'ledger_balances', 'SELECT code, ledger_balance(id, $2::bigint, $3::date) AS balance FROM ledger_account WHERE code = ANY ($1::text[])',
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

const POST = (more: { columns: string; values: string; ended: string }): string => `
  WITH opened AS (
    INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata${more.columns})
    VALUES ($1, $2, $3, $4::date, $5::smallint, $6::bytea, $7::jsonb${more.values})
    ON CONFLICT (key) DO NOTHING
    RETURNING seq
  )${more.ended}, arrived AS (
    INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor)
    SELECT opened.seq, legs.leg, legs.account_id, legs.currency, legs.amount_minor
      FROM opened CROSS JOIN unnest($8::bigint[], $9::text[], $10::bigint[]) WITH ORDINALITY AS legs (account_id, currency, amount_minor, leg)
  )
  SELECT 1 FROM opened`;

const POSTS = {
  plain: { name: 'ledger_post', text: POST({ columns: '', values: '', ended: '' }) },
  reversal: {
    name: 'ledger_post_reversal',
    text: POST({ columns: ', reverses', values: ', (SELECT seq FROM ledger_transfer WHERE id = $11)', ended: '' }),
  },
  /** A capture names its hold and ends it. */
  capture: {
    name: 'ledger_post_capture',
    text: POST({
      columns: ', captures', values: ', (SELECT seq FROM ledger_hold WHERE id = $11)',
      ended: `, ended AS (
    INSERT INTO ledger_hold_resolution (hold_seq, outcome, transfer_seq, at)
    SELECT h.seq, 'captured', opened.seq, $12::timestamptz FROM opened CROSS JOIN ledger_hold h WHERE h.id = $11
  )`,
    }),
  },
};

/** Writes transfer and legs in one statement; false when the key stands already. `at` is when a capture ends its hold. */
export async function insertTransfer(
  tx: Tx, id: string, transfer: CheckedTransfer, legs: LegColumns, at: Date | null = null,
): Promise<boolean> {
  const { reverses, captures } = transfer;
  const { name, text } = captures !== null ? POSTS.capture : reverses !== null ? POSTS.reversal : POSTS.plain;
  const rows = await prepared(tx, name, text, [
    id, transfer.key, transfer.kind, transfer.effectiveDate, transfer.legs.length, transfer.contentHash, transfer.metadataText,
    legs.accountIds, legs.currencies, legs.amounts,
    ...(captures !== null ? [captures, at] : reverses !== null ? [reverses] : []),
  ]);
  return rows.length > 0;
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

export interface RollUpOptions {
  /** Fewer new positions than this are left for the next time. */
  minimum: number;
  /** A point every so many positions. */
  stride: number;
  /** A balance of an account is kept at a point once so many entries came to it. */
  worth: number;
  /** Its sums by effective date, once so many did, or `worth` within a stride. */
  daysWorth: number;
}

export async function takeRollUp(tx: Tx, { minimum, stride, worth, daysWorth }: RollUpOptions): Promise<bigint> {
  return (await one<{ covered: bigint }>(
    tx, 'SELECT ledger_take_roll_up($1, $2, $3, $4) AS covered', [minimum, stride, worth, daysWorth],
  )).covered;
}

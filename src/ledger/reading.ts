import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { one, sql } from '../platform/postgres/index.ts';
import { type AccountClass, TRACE_KEYS, type TraceKey } from './model.ts';

/** One leg with the transfer that it stands in. */
export interface EntryView {
  /** Place in the recorded order, shared by the legs of a transfer; null while the sequencer has not come by. */
  position: bigint | null;
  transferId: string;
  leg: number;
  key: string;
  kind: string;
  effectiveDate: Day;
  accountCode: string;
  currency: Currency;
  /** Positive = debit, negative = credit. */
  amountMinor: bigint;
  metadata: JsonObject;
  /** The transfer that this one undoes, wholly or in part. */
  reverses: string | null;
  /** Its day was closed before it was recorded: it stands in a later period and adjusts an earlier one. */
  adjustment: boolean;
}

/** Positions in (`fromPosition`, `toPosition`]. Without an account: all of them. */
export interface EntryRange {
  accountCode?: string;
  /** All accounts whose code begins so, such as `earned:cln_…:`. */
  accountPrefix?: string;
  fromPosition: bigint;
  toPosition: bigint;
}

/** Exactly one trace, such as `{ subscriptionId: 'sub_…' }`. */
export type Trace = { [Key in TraceKey]: { [K in Key]: string } }[TraceKey];

/** What has no position yet will get one behind every close. */
const ADJUSTMENT = `coalesce(t.effective_date < (SELECT c.through_day FROM ledger_close c
  WHERE c.position < coalesce(p.position, 9223372036854775807) ORDER BY c.position DESC, c.number DESC LIMIT 1), false) AS adjustment`;

const COLUMNS = `p.position, t.id AS "transferId", e.leg, t.key, t.kind, t.effective_date AS "effectiveDate",
  a.code AS "accountCode", e.currency, e.amount_minor AS "amountMinor", t.metadata,
  (SELECT r.id FROM ledger_transfer r WHERE r.seq = t.reverses) AS reverses, ${ADJUSTMENT}`;

/** Every transfer after a position has a seq above the first, every one up to a position at most the second. */
const SEQ_RANGE = `
  e.transfer_seq > coalesce((SELECT u.settled_seq FROM ledger_roll_up u WHERE u.position <= $1 ORDER BY u.position DESC LIMIT 1), 0)
  AND e.transfer_seq <= coalesce((SELECT u.high_seq FROM ledger_roll_up u WHERE u.position >= $2 ORDER BY u.position LIMIT 1), 9223372036854775807)`;

/** Entries of a range of positions, in recorded order. */
export async function entriesIn(tx: Tx, range: EntryRange): Promise<EntryView[]> {
  const params: unknown[] = [range.fromPosition.toString(), range.toPosition.toString()];
  const filters = ['p.position > $1', 'p.position <= $2'];
  if (range.accountCode !== undefined) {
    filters.push(SEQ_RANGE, `a.code = $${params.push(range.accountCode)}`);
  }
  if (range.accountPrefix !== undefined) {
    filters.push(SEQ_RANGE, `a.code ^@ $${params.push(range.accountPrefix)}`);
  }
  return await sql<EntryView>(
    tx,
    `SELECT ${COLUMNS} FROM ledger_position p
       JOIN ledger_entry e ON e.transfer_seq = p.transfer_seq
       JOIN ledger_transfer t ON t.seq = e.transfer_seq
       JOIN ledger_account a ON a.id = e.account_id
       WHERE ${filters.join(' AND ')} ORDER BY p.position, e.leg`,
    params,
  );
}

/** Entries of all transfers that carry this trace, oldest first, with a position or not yet. */
export async function entriesTraced(tx: Tx, trace: Trace): Promise<EntryView[]> {
  const [[key, value], ...more] = Object.entries(trace) as [[TraceKey, string], ...[TraceKey, string][]];
  // The key stands in the text of the statement, since only so its index is used.
  if (more.length > 0 || !TRACE_KEYS.includes(key)) throw new Error('Entries are found by one known trace at a time.');
  return await sql<EntryView>(
    tx,
    `SELECT ${COLUMNS} FROM ledger_transfer t
       JOIN ledger_entry e ON e.transfer_seq = t.seq
       JOIN ledger_account a ON a.id = e.account_id
       LEFT JOIN ledger_position p ON p.transfer_seq = t.seq
       WHERE (t.metadata ->> '${key}') = $1 ORDER BY t.seq, e.leg`,
    [value],
  );
}

export interface TransferView {
  transferId: string;
  position: bigint | null;
  key: string;
  kind: string;
  effectiveDate: Day;
  recordedAt: Date;
  reverses: string | null;
  adjustment: boolean;
  metadata: JsonObject;
  entries: { accountCode: string; currency: Currency; amountMinor: bigint }[];
}

interface TransferRow extends Omit<TransferView, 'entries'> {
  codes: string[];
  currencies: Currency[];
  amounts: string[];
}

const TRANSFER_COLUMNS = `t.id AS "transferId", p.position, t.key, t.kind, t.effective_date AS "effectiveDate",
  t.recorded_at AS "recordedAt", t.metadata, (SELECT r.id FROM ledger_transfer r WHERE r.seq = t.reverses) AS reverses,
  ${ADJUSTMENT}, legs.codes, legs.currencies, legs.amounts`;

const TRANSFER_LEGS = `CROSS JOIN LATERAL (
  SELECT array_agg(a.code::text ORDER BY e.leg) AS codes, array_agg(e.currency ORDER BY e.leg) AS currencies,
         array_agg(e.amount_minor::text ORDER BY e.leg) AS amounts
    FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE e.transfer_seq = t.seq) legs`;

function transferOf({ codes, currencies, amounts, ...row }: TransferRow): TransferView {
  const entries = codes.map((accountCode, index) => {
    const currency = currencies[index];
    const amount = amounts[index];
    if (currency === undefined || amount === undefined) throw new Error('Legs of unequal width.');
    return { accountCode, currency, amountMinor: BigInt(amount) };
  });
  return { ...row, entries };
}

/** One transfer with all its legs. */
export async function transferById(tx: Tx, transferId: string): Promise<TransferView | null> {
  const [row] = await sql<TransferRow>(
    tx,
    `SELECT ${TRANSFER_COLUMNS} FROM ledger_transfer t LEFT JOIN ledger_position p ON p.transfer_seq = t.seq
       ${TRANSFER_LEGS} WHERE t.id = $1`,
    [transferId],
  );
  return row === undefined ? null : transferOf(row);
}

/** Transfers behind a position, in recorded order; with an account: those that touch it. */
export async function transfersAfter(
  tx: Tx, options: { after: bigint; limit: number; accountCode?: string },
): Promise<TransferView[]> {
  const params: unknown[] = [options.after.toString(), options.limit];
  const touches = options.accountCode === undefined ? '' : `AND EXISTS (
    SELECT 1 FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
      WHERE a.code = $${params.push(options.accountCode)} AND e.transfer_seq = t.seq)`;
  const rows = await sql<TransferRow>(
    tx,
    `SELECT ${TRANSFER_COLUMNS} FROM ledger_position p JOIN ledger_transfer t ON t.seq = p.transfer_seq
       ${TRANSFER_LEGS} WHERE p.position > $1 ${touches} ORDER BY p.position LIMIT $2`,
    params,
  );
  return rows.map(transferOf);
}

/** The last position given; 0 while there is none. */
export async function lastPosition(tx: Tx): Promise<bigint> {
  return (await one<{ position: bigint }>(
    tx, 'SELECT coalesce(max(position), 0) AS position FROM ledger_position',
  )).position;
}

/** Sums of all entries by currency and class, added up from the entries themselves. */
export async function classTotals(tx: Tx): Promise<{ currency: Currency; class: AccountClass; total: string }[]> {
  return await sql(
    tx,
    `SELECT e.currency, a.class, sum(e.amount_minor) AS total
       FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
       GROUP BY e.currency, a.class ORDER BY e.currency, a.class`,
  );
}

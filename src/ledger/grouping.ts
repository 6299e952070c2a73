import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';

/** Sums of a range of positions by where the money comes from: however many entries, one query and few rows. */

/** Metadata by which entries are kept apart. */
export const GROUP_KEYS = ['cloneId', 'tierId', 'potId', 'payoutId', 'advanceId'] as const;
export type GroupKey = (typeof GROUP_KEYS)[number];

/** Accounts whose code begins with one of `prefixes`, positions in (`fromPosition`, `toPosition`]. */
export interface SumsRange {
  prefixes: readonly string[];
  fromPosition: bigint;
  toPosition: bigint;
  /** Entries with an earlier effective date are summed apart; null: none is early. */
  beforeDay: Day | null;
}

export type EntrySum = Record<GroupKey, string | null> & {
  /** Tells the group from all others of the range. */
  groupKey: string;
  accountCode: string;
  currency: Currency;
  kind: string;
  early: boolean;
  entries: bigint;
  /** Positive = debit. */
  amountMinor: bigint;
  firstPosition: bigint;
  lastPosition: bigint;
  firstDay: Day;
  lastDay: Day;
};

/** Entries of a range with their keys, as a part of a statement's FROM. Parameters $1 to $3 are the range, then the prefixes. */
export function groupedEntries(range: SumsRange): { from: string; key: string; params: unknown[] } {
  const params: unknown[] = [range.fromPosition.toString(), range.toPosition.toString(), range.beforeDay];
  const prefixes = range.prefixes.map((prefix) => `a.code ^@ $${params.push(prefix)}`);
  const from = `ledger_account a
    JOIN ledger_entry e ON e.account_id = a.id
    JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
    JOIN ledger_transfer t ON t.seq = e.transfer_seq
    WHERE (${prefixes.join(' OR ')}) AND p.position > $1 AND p.position <= $2
      AND e.transfer_seq > coalesce((SELECT u.settled_seq FROM ledger_roll_up u WHERE u.position <= $1 ORDER BY u.position DESC LIMIT 1), 0)
      AND e.transfer_seq <= coalesce((SELECT u.high_seq FROM ledger_roll_up u WHERE u.position >= $2 ORDER BY u.position LIMIT 1), 9223372036854775807)`;
  const early = '(t.effective_date < coalesce($3::date, t.effective_date))';
  const parts = ['a.id::text', 't.kind', `${early}::text`, ...GROUP_KEYS.map((key) => `coalesce(t.metadata ->> '${key}', '')`)];
  return { from, key: parts.join(` || '|' || `), params };
}

/** One row for each account, transfer kind and origin, in a fixed order. */
export async function entrySums(tx: Tx, range: SumsRange): Promise<EntrySum[]> {
  if (range.prefixes.length === 0) return [];
  const { from, params } = groupedEntries(range);
  const keys = GROUP_KEYS.map((key) => `t.metadata ->> '${key}' AS "${key}"`);
  return await sql<EntrySum>(
    tx,
    `SELECT concat_ws('|', g.account, g.kind, g.early::text, ${GROUP_KEYS.map((key) => `coalesce(g."${key}", '')`).join(', ')}) AS "groupKey",
            g.* FROM (
       SELECT a.id AS account, a.code AS "accountCode", e.currency, t.kind, t.effective_date < coalesce($3::date, t.effective_date) AS early,
              ${keys.join(', ')}, count(*) AS entries, sum(e.amount_minor)::bigint AS "amountMinor", min(p.position) AS "firstPosition",
              max(p.position) AS "lastPosition", min(t.effective_date) AS "firstDay", max(t.effective_date) AS "lastDay"
         FROM ${from} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) g
     ORDER BY "accountCode", kind, early, "firstPosition", "groupKey"`,
    params,
  );
}

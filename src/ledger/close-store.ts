import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { AccountClass } from './model.ts';

export interface CloseTotal {
  currency: Currency;
  class: AccountClass;
  /** What the period's positions moved; of it, what belongs to days that were closed before. Debit positive. */
  movementMinor: bigint;
  adjustmentsMinor: bigint;
  balanceMinor: bigint;
}

export interface CloseRow {
  number: number;
  /** The first day that is still open after it. */
  throughDay: Day;
  /** Positions above the previous close's and up to this one. */
  position: bigint;
  closedBy: string;
  closedAt: Date;
  totals: CloseTotal[];
}

export async function lastCloseDay(tx: Tx): Promise<Day | null> {
  return (await maybeOne<{ day: Day }>(tx, 'SELECT through_day AS day FROM ledger_close ORDER BY number DESC LIMIT 1'))?.day ?? null;
}

/** Closes take turns with the sequencer and so with each other. */
export async function lockCloses(tx: Tx): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(6237003)');
}

export async function closeThrough(tx: Tx, day: Day, by: string, at: Date): Promise<number> {
  return (await one<{ number: number }>(tx, 'SELECT ledger_close_through($1, $2, $3) AS number', [day, by, at])).number;
}

type Flat = Omit<CloseRow, 'totals'> & {
  currencies: Currency[] | null; classes: AccountClass[] | null; movements: string[] | null; adjustments: string[] | null; balances: string[] | null;
};

/** All closes, or one, the newest first. */
export async function closes(tx: Tx, number: number | null = null, most = 1_000): Promise<CloseRow[]> {
  const rows = await sql<Flat>(
    tx,
    `SELECT c.number, c.through_day AS "throughDay", c.position, c.closed_by AS "closedBy", c.closed_at AS "closedAt", t.*
       FROM ledger_close c LEFT JOIN LATERAL (
         SELECT array_agg(currency ORDER BY currency, class) AS currencies, array_agg(class ORDER BY currency, class) AS classes,
                array_agg(movement_minor::text ORDER BY currency, class) AS movements,
                array_agg(adjustments_minor::text ORDER BY currency, class) AS adjustments,
                array_agg(balance_minor::text ORDER BY currency, class) AS balances
           FROM ledger_close_total WHERE number = c.number) t ON true
       WHERE $1::integer IS NULL OR c.number = $1 ORDER BY c.number DESC LIMIT $2`,
    [number, most],
  );
  return rows.map(({ currencies, classes, movements, adjustments, balances, ...row }) => ({
    ...row,
    totals: (currencies ?? []).map((currency, index) => {
      const accountClass = classes?.[index];
      if (accountClass === undefined) throw new Error('Totals of unequal width.');
      return {
        currency, class: accountClass, movementMinor: BigInt(movements?.[index] ?? 0),
        adjustmentsMinor: BigInt(adjustments?.[index] ?? 0), balanceMinor: BigInt(balances?.[index] ?? 0),
      };
    }),
  }));
}

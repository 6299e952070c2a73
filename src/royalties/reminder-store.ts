import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';

/** When payees without an account at the processor were reminded, and of what. */
export interface ReminderRow {
  number: number;
  /** What was unpaid then, in minor units. */
  waiting: { currency: Currency; unpaidMinor: string }[];
  remindedAt: Date;
}

export async function lastReminder(tx: Tx, payee: string): Promise<ReminderRow | null> {
  return await maybeOne<ReminderRow>(
    tx, 'SELECT number, waiting, reminded_at AS "remindedAt" FROM payout_reminder WHERE account_id = $1 ORDER BY number DESC LIMIT 1', [payee],
  );
}

/** Two processes that remind the same payee take turns. */
export async function lockReminders(tx: Tx, payee: string): Promise<ReminderRow | null> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 81))', [payee]);
  return await lastReminder(tx, payee);
}

export async function insertReminder(tx: Tx, payee: string, row: ReminderRow): Promise<void> {
  await sql(
    tx, 'INSERT INTO payout_reminder (account_id, number, waiting, reminded_at) VALUES ($1, $2, $3, $4)', [payee, row.number, JSON.stringify(row.waiting), row.remindedAt],
  );
}

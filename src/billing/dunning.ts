import { addDays, type Day, dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';

/** Renewals that were not paid. The processor tries again; meanwhile, for the grace, the fan keeps what is left of what was paid. */

/** Days of grace where the setting says nothing else. */
export const GRACE_DAYS_OF_PAYMENT = 7;

export interface PaymentProblem {
  stripeInvoice: string;
  failedAt: Date;
  /** The first day without what was paid before. */
  graceUntil: Day;
  attempts: number;
  nextAttemptAt: Date | null;
}

/** Notes a failed try; the grace begins with the first and is not begun again by later ones. */
export async function noteFailure(tx: Tx, failed: {
  stripeInvoice: string; cloneId: string; subscriptionId: string; attempts: number; nextAttemptAt: Date | null; at: Date; graceDays: number;
}): Promise<void> {
  await sql(
    tx,
    `INSERT INTO payment_problem (stripe_invoice, clone_id, subscription_id, failed_at, grace_until, attempts, next_attempt_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (stripe_invoice) DO UPDATE SET attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at
       WHERE payment_problem.resolved_at IS NULL AND payment_problem.attempts <= excluded.attempts`,
    [failed.stripeInvoice, failed.cloneId, failed.subscriptionId, failed.at, addDays(dayOf(failed.at), failed.graceDays), failed.attempts, failed.nextAttemptAt],
  );
}

/** It was paid after all. Again, or without a problem: nothing. Answers whether it was late. */
export async function resolve(tx: Tx, stripeInvoice: string, at: Date): Promise<boolean> {
  return await execute(tx, 'UPDATE payment_problem SET resolved_at = $2 WHERE stripe_invoice = $1 AND resolved_at IS NULL', [stripeInvoice, at]) === 1;
}

/** The first payment of a subscription that is still missing. */
export async function openProblem(tx: Tx, subscriptionId: string): Promise<PaymentProblem | null> {
  return await maybeOne<PaymentProblem>(
    tx,
    `SELECT stripe_invoice AS "stripeInvoice", failed_at AS "failedAt", grace_until AS "graceUntil", attempts, next_attempt_at AS "nextAttemptAt"
     FROM payment_problem WHERE subscription_id = $1 AND resolved_at IS NULL ORDER BY failed_at, stripe_invoice LIMIT 1`,
    [subscriptionId],
  );
}

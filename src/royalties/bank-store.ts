import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, sql } from '../platform/postgres/index.ts';

/** The processor's payouts to payees' banks, and what is taken back of transfers whose bank fails. */

export interface BankPayout {
  stripePayout: string;
  stripeAccount: string;
  /** The bank account at the processor. */
  destination: string | null;
  currency: Currency;
  amountMinor: bigint;
  sentAt: Date;
  /** Null when it arrived. */
  failure: string | null;
}

export async function putBankPayout(tx: Tx, row: BankPayout, at: Date): Promise<void> {
  await sql(
    tx,
    `INSERT INTO bank_payout (stripe_payout, stripe_account, destination, currency, amount_minor, sent_at, failure, seen_at)
     SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE EXISTS (SELECT 1 FROM payout_account WHERE stripe_account = $2)
     ON CONFLICT (stripe_payout) DO UPDATE SET failure = EXCLUDED.failure, seen_at = EXCLUDED.seen_at WHERE bank_payout.failure IS DISTINCT FROM EXCLUDED.failure`,
    [row.stripePayout, row.stripeAccount, row.destination, row.currency, row.amountMinor, row.sentAt, row.failure, at],
  );
}

/** Of an account, what its newest payout to a bank failed of, where that bank account is still in error; null otherwise. Stored with the account. */
export async function settleStanding(tx: Tx, stripeAccount: string, banksInError: readonly string[]): Promise<void> {
  await sql(
    tx,
    `UPDATE payout_account SET bank_failure = (
         SELECT CASE WHEN b.destination = ANY ($2::text[]) THEN b.failure END FROM bank_payout b
           WHERE b.stripe_account = $1 ORDER BY b.sent_at DESC, b.stripe_payout DESC LIMIT 1)
       WHERE stripe_account = $1`,
    [stripeAccount, banksInError],
  );
}

export type FailedPayout = Pick<BankPayout, 'stripePayout' | 'stripeAccount' | 'currency' | 'amountMinor'>;

/**
 * Of a failed payout of an account: its failure stands, and nobody has decided over it yet. What it gave back is not there any more where the processor
 * has paid out since: a later payout takes along all that lies there. Two on their way at once to a bank that fails give back one each.
 */
const UNDECIDED = `b.failure IS NOT NULL AND b.taken_at IS NULL
       AND EXISTS (SELECT FROM payout_account a WHERE a.stripe_account = b.stripe_account AND a.bank_failure IS NOT NULL)
       AND NOT EXISTS (SELECT FROM bank_payout n WHERE n.stripe_account = b.stripe_account AND n.currency = b.currency AND n.sent_at > b.sent_at
         AND (n.failure IS NULL OR n.sent_at > b.seen_at))`;

/** Failures that stand since `before` and for which nothing was taken back yet. */
export async function failuresSince(tx: Tx, before: Date, limit: number): Promise<FailedPayout[]> {
  return await sql<FailedPayout>(
    tx,
    `SELECT b.stripe_payout AS "stripePayout", b.stripe_account AS "stripeAccount", b.currency, b.amount_minor AS "amountMinor"
     FROM bank_payout b WHERE b.seen_at <= $1 AND ${UNDECIDED} ORDER BY b.seen_at, b.stripe_payout LIMIT $2`,
    [before, limit],
  );
}

/** True for the one call that decides over this failure, where it stands still. */
export async function takeFailure(tx: Tx, stripePayout: string, at: Date): Promise<boolean> {
  return await execute(tx, `UPDATE bank_payout b SET taken_at = $2 WHERE b.stripe_payout = $1 AND ${UNDECIDED}`, [stripePayout, at]) === 1;
}

/** What of a payee's transfers in a currency still lies with them, locked: newest first, after what came back or will. */
export async function standingTransfers(
  tx: Tx, stripeAccount: string, currency: Currency,
): Promise<{ payoutId: string; stripeTransfer: string; leftMinor: bigint }[]> {
  // In a statement of its own: the sums of the next are then of what stands, and not of what stood before a lock that was waited for.
  await sql(tx, `SELECT FROM payout WHERE stripe_account = $1 AND state = 'paid' ORDER BY settled_at DESC, id DESC FOR UPDATE`, [stripeAccount]);
  return await sql(
    tx,
    `SELECT p.id AS "payoutId", p.stripe_transfer AS "stripeTransfer",
       coalesce(c.to_minor, p.amount_minor) - p.reversed_minor - coalesce((
         SELECT sum(t.amount_minor) FROM bank_take_back t JOIN bank_take_back_try y USING (stripe_payout, payout_id)
           WHERE t.payout_id = p.id AND y.done_at IS NULL), 0)::bigint AS "leftMinor"
     FROM payout p LEFT JOIN currency_conversion c ON c.payout_id = p.id
     WHERE p.stripe_account = $1 AND p.state = 'paid' AND coalesce(c.to_currency, p.currency) = $2
     ORDER BY p.settled_at DESC, p.id DESC`,
    [stripeAccount, currency],
  );
}

export interface TakeBack {
  stripePayout: string;
  payoutId: string;
  stripeTransfer: string;
  amountMinor: bigint;
  refusals: number;
}

export async function insertTakeBack(tx: Tx, row: Omit<TakeBack, 'refusals'>): Promise<void> {
  await sql(
    tx, 'INSERT INTO bank_take_back (stripe_payout, payout_id, stripe_transfer, amount_minor) VALUES ($1, $2, $3, $4)',
    [row.stripePayout, row.payoutId, row.stripeTransfer, row.amountMinor],
  );
  await sql(tx, 'INSERT INTO bank_take_back_try (stripe_payout, payout_id) VALUES ($1, $2)', [row.stripePayout, row.payoutId]);
}

/** Those that the processor has not done yet. */
export async function openTakeBacks(tx: Tx, limit: number): Promise<TakeBack[]> {
  return await sql<TakeBack>(
    tx,
    `SELECT t.stripe_payout AS "stripePayout", t.payout_id AS "payoutId", t.stripe_transfer AS "stripeTransfer", t.amount_minor AS "amountMinor", y.refusals
     FROM bank_take_back t JOIN bank_take_back_try y USING (stripe_payout, payout_id)
     WHERE y.done_at IS NULL ORDER BY y.refusals, t.recorded_at, t.payout_id LIMIT $1`,
    [limit],
  );
}

export async function endTakeBack(tx: Tx, row: TakeBack, at: Date): Promise<void> {
  await sql(tx, 'UPDATE bank_take_back_try SET done_at = $3 WHERE stripe_payout = $1 AND payout_id = $2 AND done_at IS NULL', [row.stripePayout, row.payoutId, at]);
}

export async function refuseTakeBack(tx: Tx, row: TakeBack): Promise<void> {
  await sql(
    tx, 'UPDATE bank_take_back_try SET refusals = refusals + 1 WHERE stripe_payout = $1 AND payout_id = $2 AND refusals = $3',
    [row.stripePayout, row.payoutId, row.refusals],
  );
}

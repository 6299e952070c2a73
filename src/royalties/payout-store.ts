import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';

/** Payees' accounts at the processor, and payouts. */

export interface PayoutAccountRow {
  accountId: string;
  stripeAccount: string | null;
  detailsSubmitted: boolean;
  transfersActive: boolean;
  payoutsEnabled: boolean;
  bankFailure: string | null;
}

const ACCOUNT = `account_id AS "accountId", stripe_account AS "stripeAccount", details_submitted AS "detailsSubmitted",
  transfers_active AS "transfersActive", payouts_enabled AS "payoutsEnabled", bank_failure AS "bankFailure"`;

/** The payee's row, written now if it is not there yet: before anything is asked of the processor. */
export async function openAccount(tx: Tx, accountId: string, at: Date): Promise<void> {
  await sql(tx, 'INSERT INTO payout_account (account_id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING', [accountId, at]);
}

export async function findAccount(tx: Tx, accountId: string): Promise<PayoutAccountRow | null> {
  return await maybeOne<PayoutAccountRow>(tx, `SELECT ${ACCOUNT} FROM payout_account WHERE account_id = $1`, [accountId]);
}

export async function accountByStripe(tx: Tx, stripeAccount: string): Promise<PayoutAccountRow | null> {
  return await maybeOne<PayoutAccountRow>(tx, `SELECT ${ACCOUNT} FROM payout_account WHERE stripe_account = $1`, [stripeAccount]);
}

/** Keeps the first account that the processor made for a payee. */
export async function keepStripeAccount(tx: Tx, accountId: string, stripeAccount: string): Promise<void> {
  await sql(tx, 'UPDATE payout_account SET stripe_account = $2 WHERE account_id = $1 AND stripe_account IS NULL', [accountId, stripeAccount]);
}

export interface AccountFacts {
  detailsSubmitted: boolean;
  transfersActive: boolean;
  payoutsEnabled: boolean;
}

export async function putAccount(tx: Tx, stripeAccount: string, facts: AccountFacts, at: Date): Promise<void> {
  await sql(
    tx,
    `UPDATE payout_account SET details_submitted = $2, transfers_active = $3, payouts_enabled = $4, synced_at = $5 WHERE stripe_account = $1`,
    [stripeAccount, facts.detailsSubmitted, facts.transfersActive, facts.payoutsEnabled, at],
  );
}

export async function putBankFailure(tx: Tx, stripeAccount: string, failure: string | null): Promise<void> {
  await sql(tx, 'UPDATE payout_account SET bank_failure = $2 WHERE stripe_account = $1', [stripeAccount, failure]);
}

/** Accounts that the processor knows and had not made ready when it was last asked. */
export async function unreadyAccounts(tx: Tx, payees: readonly string[] | null, limit: number): Promise<string[]> {
  const rows = await sql<{ stripeAccount: string }>(
    tx,
    `SELECT stripe_account AS "stripeAccount" FROM payout_account
     WHERE stripe_account IS NOT NULL AND NOT transfers_active AND ($1::text[] IS NULL OR account_id = ANY ($1)) ORDER BY account_id LIMIT $2`,
    [payees, limit],
  );
  return rows.map((row) => row.stripeAccount);
}

export interface PayoutRow {
  id: string;
  accountId: string;
  currency: Currency;
  amountMinor: bigint;
  stripeAccount: string;
  state: 'pending' | 'paid' | 'returned';
  transferId: string;
  stripeTransfer: string | null;
  reversedMinor: bigint;
  tries: number;
  /** How often the processor said for certain that nothing was sent. */
  refusals: number;
  problem: string | null;
  createdBy: string;
  createdAt: Date;
  settledAt: Date | null;
}

const PAYOUT = `id, account_id AS "accountId", currency, amount_minor AS "amountMinor", stripe_account AS "stripeAccount", state,
  transfer_id AS "transferId", stripe_transfer AS "stripeTransfer", reversed_minor AS "reversedMinor", tries, refusals, problem, created_by AS "createdBy",
  created_at AS "createdAt", settled_at AS "settledAt"`;

export type NewPayout = Pick<PayoutRow, 'id' | 'accountId' | 'currency' | 'amountMinor' | 'stripeAccount' | 'transferId' | 'createdBy' | 'createdAt'>;

export async function insertPayout(tx: Tx, row: NewPayout): Promise<void> {
  await sql(
    tx,
    `INSERT INTO payout (id, account_id, currency, amount_minor, stripe_account, transfer_id, created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [row.id, row.accountId, row.currency, row.amountMinor, row.stripeAccount, row.transferId, row.createdBy, row.createdAt],
  );
}

export async function findPayout(tx: Tx, id: string): Promise<PayoutRow | null> {
  return await maybeOne<PayoutRow>(tx, `SELECT ${PAYOUT} FROM payout WHERE id = $1`, [id]);
}

export async function lockPayout(tx: Tx, id: string): Promise<PayoutRow | null> {
  return await maybeOne<PayoutRow>(tx, `SELECT ${PAYOUT} FROM payout WHERE id = $1 FOR UPDATE`, [id]);
}

export async function payoutsOf(tx: Tx, accountId: string): Promise<PayoutRow[]> {
  return await sql<PayoutRow>(tx, `SELECT ${PAYOUT} FROM payout WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT 200`, [accountId]);
}

export async function settlePayout(tx: Tx, id: string, settled: {
  state: 'paid' | 'returned'; stripeTransfer: string | null; problem: string | null; at: Date;
}): Promise<void> {
  await sql(
    tx, 'UPDATE payout SET state = $2, stripe_transfer = $3, problem = $4, settled_at = $5 WHERE id = $1',
    [id, settled.state, settled.stripeTransfer, settled.problem, settled.at],
  );
}

export async function putReversed(tx: Tx, id: string, reversed: { totalMinor: bigint; state: 'paid' | 'returned'; problem: string }): Promise<void> {
  await sql(tx, 'UPDATE payout SET reversed_minor = $2, state = $3, problem = $4 WHERE id = $1', [id, reversed.totalMinor, reversed.state, reversed.problem]);
}

/**
 * One more try came to nothing yet; answers how many there were. Null when the payout is no longer pending. `refused` is the try
 * (by the refusals before it) that the processor refused for certain: counted once, however many calls were told so.
 */
export async function countTry(tx: Tx, id: string, problem: string, refused: number | null): Promise<number | null> {
  const row = await maybeOne<{ tries: number }>(
    tx,
    `UPDATE payout SET tries = tries + 1, problem = $2, refusals = refusals + CASE WHEN refusals = $3::integer THEN 1 ELSE 0 END
     WHERE id = $1 AND state = 'pending' RETURNING tries`,
    [id, problem, refused],
  );
  return row?.tries ?? null;
}

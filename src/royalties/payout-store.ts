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

/** Accounts that the processor knows and that could not be paid when it was last asked. */
export async function unreadyAccounts(tx: Tx, payees: readonly string[] | null, limit: number): Promise<string[]> {
  const rows = await sql<{ stripeAccount: string }>(
    tx,
    `SELECT stripe_account AS "stripeAccount" FROM payout_account
     WHERE stripe_account IS NOT NULL AND (NOT transfers_active OR bank_failure IS NOT NULL) AND ($1::text[] IS NULL OR account_id = ANY ($1)) ORDER BY account_id LIMIT $2`,
    [payees, limit],
  );
  return rows.map((row) => row.stripeAccount);
}

export interface PayoutRow {
  id: string;
  accountId: string;
  currency: Currency;
  /** What is sent, in the claim's currency, after the tax. */
  amountMinor: bigint;
  withheldMinor: bigint;
  taxProfileId: string | null;
  taxTransferId: string | null;
  /** The advance that it pays; null for earnings. */
  advanceId: string | null;
  /** Its outcome stayed unknown, or something else stands under its name: it is not tried again. */
  needsPerson: boolean;
  stripeAccount: string;
  state: 'pending' | 'paid' | 'returned';
  transferId: string;
  stripeTransfer: string | null;
  /** What the processor took back, in the currency that it had sent. */
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
  created_at AS "createdAt", settled_at AS "settledAt", withheld_minor AS "withheldMinor", tax_profile_id AS "taxProfileId",
  tax_transfer_id AS "taxTransferId", advance_id AS "advanceId", needs_person AS "needsPerson"`;

export type NewPayout = Pick<
  PayoutRow, 'id' | 'accountId' | 'currency' | 'amountMinor' | 'withheldMinor' | 'taxProfileId' | 'taxTransferId' | 'advanceId' | 'stripeAccount' | 'transferId'
  | 'createdBy' | 'createdAt'
>;

export async function insertPayout(tx: Tx, row: NewPayout): Promise<void> {
  await sql(
    tx,
    `INSERT INTO payout (id, account_id, currency, amount_minor, stripe_account, transfer_id, created_by, created_at, withheld_minor,
       tax_profile_id, tax_transfer_id, advance_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [row.id, row.accountId, row.currency, row.amountMinor, row.stripeAccount, row.transferId, row.createdBy, row.createdAt, row.withheldMinor,
      row.taxProfileId, row.taxTransferId, row.advanceId],
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
 * One more try came to nothing yet; answers how many there were. Null when the payout is no longer pending, or the try is counted already. `refused` is the try
 * (by the refusals before it) that the processor refused for certain: counted once, however many calls were told so.
 */
export async function countTry(tx: Tx, id: string, problem: string, refused: number | null): Promise<number | null> {
  const row = await maybeOne<{ tries: number }>(
    tx,
    `UPDATE payout SET tries = tries + 1, problem = $2, refusals = refusals + CASE WHEN refusals = $3::integer THEN 1 ELSE 0 END
     WHERE id = $1 AND state = 'pending' AND ($3::integer IS NULL OR refusals = $3) RETURNING tries`,
    [id, problem, refused],
  );
  return row?.tries ?? null;
}

export async function putNeedsPerson(tx: Tx, id: string, problem: string): Promise<void> {
  await sql(tx, `UPDATE payout SET needs_person = true, problem = $2, tries = tries + 1 WHERE id = $1 AND state = 'pending'`, [id, problem]);
}

/** What was worked out to be sent for a claim of another currency: once for each payout, so that every try asks for the same. */
export interface ConversionRow {
  conversionId: string;
  currency: Currency;
  amountMinor: bigint;
  rate: string;
  source: string;
}

export async function conversionOf(tx: Tx, payoutId: string): Promise<ConversionRow | null> {
  return await maybeOne<ConversionRow>(
    tx,
    `SELECT id AS "conversionId", to_currency AS currency, to_minor AS "amountMinor", rate, source FROM currency_conversion WHERE payout_id = $1`,
    [payoutId],
  );
}

export async function insertConversion(
  tx: Tx, row: ConversionRow & { payoutId: string; fromCurrency: Currency; fromMinor: bigint; quotedAt: Date },
): Promise<void> {
  await sql(
    tx,
    `INSERT INTO currency_conversion (id, payout_id, from_currency, from_minor, to_currency, to_minor, rate, source, quoted_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (payout_id) DO NOTHING`,
    [row.conversionId, row.payoutId, row.fromCurrency, row.fromMinor, row.currency, row.amountMinor, row.rate, row.source, row.quotedAt],
  );
}

/** When and how much a payee wants to be paid at once. */
export interface SettingRow {
  currency: Currency;
  minimumMinor: bigint;
  schedule: 'manual' | 'weekly' | 'monthly';
}

const SETTING = 'currency, minimum_minor AS "minimumMinor", schedule';

export async function settingsOf(tx: Tx, payee: string): Promise<SettingRow[]> {
  return await sql<SettingRow>(tx, `SELECT ${SETTING} FROM payout_setting WHERE account_id = $1 ORDER BY currency`, [payee]);
}

export async function findSetting(tx: Tx, payee: string, currency: Currency): Promise<SettingRow | null> {
  return await maybeOne<SettingRow>(tx, `SELECT ${SETTING} FROM payout_setting WHERE account_id = $1 AND currency = $2`, [payee, currency]);
}

export async function putSetting(tx: Tx, payee: string, row: SettingRow, at: Date): Promise<void> {
  await sql(
    tx,
    `INSERT INTO payout_setting (account_id, currency, minimum_minor, schedule, set_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (account_id, currency) DO UPDATE SET minimum_minor = excluded.minimum_minor, schedule = excluded.schedule, set_at = excluded.set_at`,
    [payee, row.currency, row.minimumMinor, row.schedule, at],
  );
}

/** Payees with a schedule of their own, after `after` in order. */
export async function scheduledAfter(tx: Tx, after: string, limit: number): Promise<string[]> {
  const rows = await sql<{ payee: string }>(
    tx, `SELECT DISTINCT account_id AS payee FROM payout_setting WHERE schedule <> 'manual' AND account_id > $1 ORDER BY 1 LIMIT $2`, [after, limit],
  );
  return rows.map((row) => row.payee);
}

/** When a payee's earnings in a currency were last sent, or are about to be. */
export async function lastPaidAt(tx: Tx, payee: string, currency: Currency): Promise<Date | null> {
  const row = await maybeOne<{ at: Date }>(
    tx,
    `SELECT created_at AS at FROM payout WHERE account_id = $1 AND currency = $2 AND advance_id IS NULL AND state <> 'returned'
     ORDER BY created_at DESC LIMIT 1`,
    [payee, currency],
  );
  return row?.at ?? null;
}

/** Payouts of unknown outcome that are older than an idempotency key lives. */
export async function unknownSince(tx: Tx, before: Date): Promise<PayoutRow[]> {
  return await sql<PayoutRow>(
    tx, `SELECT ${PAYOUT} FROM payout WHERE state = 'pending' AND created_at < $1 ORDER BY created_at, id LIMIT 200`, [before],
  );
}

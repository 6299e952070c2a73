import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { CoinMoney, Lot, Part, Run, Sum } from './coin-model.ts';

/** Purchases of coins, the lots that they became, and what was taken of which. What is free of a lot only PostgreSQL moves. */

export interface PurchaseRow {
  id: string;
  accountId: string;
  pack: string;
  coins: bigint;
  priceMinor: bigint;
  currency: Currency;
  state: 'opening' | 'checkout' | 'paid' | 'expired';
  checkoutUrl: string | null;
  stripeSession: string | null;
  createdAt: Date;
}

const PURCHASE = `id, account_id AS "accountId", pack, coins, price_minor AS "priceMinor", currency, state, checkout_url AS "checkoutUrl",
  stripe_session AS "stripeSession", created_at AS "createdAt"`;

export async function insertPurchase(tx: Tx, row: Omit<PurchaseRow, 'state' | 'checkoutUrl' | 'stripeSession'>): Promise<void> {
  await sql(
    tx, 'INSERT INTO coin_purchase (id, account_id, pack, coins, price_minor, currency, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
    [row.id, row.accountId, row.pack, row.coins, row.priceMinor, row.currency, row.createdAt],
  );
}

export async function findPurchase(tx: Tx, id: string): Promise<PurchaseRow | null> {
  return await maybeOne<PurchaseRow>(tx, `SELECT ${PURCHASE} FROM coin_purchase WHERE id = $1`, [id]);
}

export async function lockPurchase(tx: Tx, id: string): Promise<PurchaseRow | null> {
  return await maybeOne<PurchaseRow>(tx, `SELECT ${PURCHASE} FROM coin_purchase WHERE id = $1 FOR UPDATE`, [id]);
}

/** The newest few that wait for their payment. */
export async function openPurchases(tx: Tx, accountId: string): Promise<PurchaseRow[]> {
  return await sql<PurchaseRow>(
    tx, `SELECT ${PURCHASE} FROM coin_purchase WHERE account_id = $1 AND state = 'checkout' ORDER BY id DESC LIMIT 20`, [accountId],
  );
}

export async function putPage(tx: Tx, id: string, session: { sessionId: string; url: string }): Promise<void> {
  await sql(
    tx, `UPDATE coin_purchase SET state = 'checkout', stripe_session = $2, checkout_url = $3 WHERE id = $1 AND state = 'opening'`,
    [id, session.sessionId, session.url],
  );
}

export async function endPurchase(tx: Tx, id: string, state: 'paid' | 'expired'): Promise<void> {
  await sql(tx, `UPDATE coin_purchase SET state = $2, checkout_url = NULL WHERE id = $1 AND state <> 'paid'`, [id, state]);
}

export interface LotRow extends Lot {
  accountId: string;
  purchaseId: string;
  stripeCharge: string;
  billingCountry: string | null;
  boughtAt: Date;
  state: 'open' | 'disputed' | 'lost';
  leftCoins: bigint;
  leftNetMinor: bigint;
  leftTaxMinor: bigint;
  leftFeeMinor: bigint;
}

type Text<T> = Omit<T, 'free'> & { free: string };

const LOT = `id, account_id AS "accountId", purchase_id AS "purchaseId", stripe_charge AS "stripeCharge", coins, net_minor AS "netMinor", tax_minor AS "taxMinor",
  fee_minor AS "feeMinor", billing_country AS "billingCountry", bought_at AS "boughtAt", state, free::text, left_coins AS "leftCoins",
  left_net_minor AS "leftNetMinor", left_tax_minor AS "leftTaxMinor", left_fee_minor AS "leftFeeMinor"`;

/** `{[0,5),[7,9)}`, PostgreSQL's text of an int8multirange. */
export function readRuns(text: string): Run[] {
  return [...text.matchAll(/\[(\d+),(\d+)\)/g)].map(([, from = '', to = '']) => ({ from: BigInt(from), to: BigInt(to) }));
}

export function writeRuns(runs: readonly Run[]): string {
  return `{${runs.map(({ from, to }) => `[${from},${to})`).join(',')}}`;
}

const lotOf = (row: Text<LotRow>): LotRow => ({ ...row, free: readRuns(row.free) });

/** One wallet's holds and returns take turns, so that each sees what the one before took. */
export async function lockWallet(tx: Tx, accountId: string): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 72))', [accountId]);
}

/** Answers whether it was written: a charge becomes coins once. */
export async function insertLot(tx: Tx, row: Pick<LotRow, 'id' | 'accountId' | 'purchaseId' | 'stripeCharge' | 'coins' | 'billingCountry' | 'boughtAt'> & CoinMoney & {
  settledCurrency: Currency; settledNetMinor: bigint;
}): Promise<boolean> {
  return await execute(
    tx,
    `INSERT INTO coin_lot (id, account_id, purchase_id, stripe_charge, coins, currency, net_minor, tax_minor, fee_minor, settled_currency, settled_net_minor,
       billing_country, bought_at)
     VALUES ($1, $2, $3, $4, $5, 'CNY', $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
    [row.id, row.accountId, row.purchaseId, row.stripeCharge, row.coins, row.netMinor, row.taxMinor, row.feeMinor, row.settledCurrency, row.settledNetMinor,
      row.billingCountry, row.boughtAt],
  ) === 1;
}

/** What can be spent or returned, oldest first. Read after `lockWallet`, in a statement of its own. */
export async function openLots(tx: Tx, accountId: string): Promise<LotRow[]> {
  const rows = await sql<Text<LotRow>>(
    tx, `SELECT ${LOT} FROM coin_lot WHERE account_id = $1 AND left_coins > 0 AND state = 'open' ORDER BY bought_at, id`, [accountId],
  );
  return rows.map(lotOf);
}

export async function lotsOf(tx: Tx, accountId: string, limit: number): Promise<LotRow[]> {
  const rows = await sql<Text<LotRow>>(tx, `SELECT ${LOT} FROM coin_lot WHERE account_id = $1 ORDER BY (left_coins > 0) DESC, bought_at DESC, id DESC LIMIT $2`, [accountId, limit]);
  return rows.map(lotOf);
}

export async function lotsById(tx: Tx, ids: readonly string[]): Promise<LotRow[]> {
  return (await sql<Text<LotRow>>(tx, `SELECT ${LOT} FROM coin_lot WHERE id = ANY ($1::text[]) ORDER BY id`, [ids])).map(lotOf);
}

export async function lotOfCharge(tx: Tx, stripeCharge: string): Promise<LotRow | null> {
  const row = await maybeOne<Text<LotRow>>(tx, `SELECT ${LOT} FROM coin_lot WHERE stripe_charge = $1`, [stripeCharge]);
  return row === null ? null : lotOf(row);
}

export async function putLotState(tx: Tx, id: string, state: LotRow['state']): Promise<void> {
  await sql(tx, 'UPDATE coin_lot SET state = $2 WHERE id = $1', [id, state]);
}

/** Where the last coins were billed; null when none were, or nowhere that the processor told. */
export async function lastBillingCountry(tx: Tx, accountId: string): Promise<string | null> {
  return (await maybeOne<{ country: string | null }>(
    tx, 'SELECT billing_country AS country FROM coin_lot WHERE account_id = $1 ORDER BY bought_at DESC, id DESC LIMIT 1', [accountId],
  ))?.country ?? null;
}

export type Purpose = 'output' | 'month' | 'return' | 'dispute';

export interface SpendRow extends Sum {
  id: string;
  accountId: string;
  purpose: Purpose;
  cloneId: string | null;
  tierId: string | null;
  outputId: string | null;
  state: 'held' | 'captured' | 'voided';
  capturedFor: string | null;
  voidReason: string | null;
  heldTransfer: string;
  settledTransfer: string | null;
  heldAt: Date;
  settledAt: Date | null;
}

const SPEND = `id, account_id AS "accountId", purpose, coins, net_minor AS "netMinor", tax_minor AS "taxMinor", fee_minor AS "feeMinor", clone_id AS "cloneId",
  tier_id AS "tierId", output_id AS "outputId", state, captured_for AS "capturedFor", void_reason AS "voidReason", held_transfer AS "heldTransfer",
  settled_transfer AS "settledTransfer", held_at AS "heldAt", settled_at AS "settledAt"`;

export async function insertSpend(
  tx: Tx, row: Omit<SpendRow, 'state' | 'capturedFor' | 'voidReason' | 'settledTransfer' | 'settledAt'>, parts: readonly Part[],
): Promise<void> {
  await sql(
    tx,
    `INSERT INTO coin_spend (id, account_id, purpose, coins, net_minor, tax_minor, fee_minor, clone_id, tier_id, output_id, held_transfer, held_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [row.id, row.accountId, row.purpose, row.coins, row.netMinor, row.taxMinor, row.feeMinor, row.cloneId, row.tierId, row.outputId, row.heldTransfer, row.heldAt],
  );
  // In the order of lots' ids, as everywhere where several are locked.
  const ordered = [...parts].sort((a, b) => (a.lotId < b.lotId ? -1 : 1));
  await sql(
    tx,
    `INSERT INTO coin_spend_part (spend_id, lot_id, taken, coins, net_minor, tax_minor, fee_minor)
     SELECT $1, p.lot, p.taken::int8multirange, p.coins, p.net, p.tax, p.fee
     FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) AS p (lot, taken, coins, net, tax, fee)`,
    [row.id, ordered.map((part) => part.lotId), ordered.map((part) => writeRuns(part.taken)), ordered.map((part) => part.coins),
      ordered.map((part) => part.netMinor), ordered.map((part) => part.taxMinor), ordered.map((part) => part.feeMinor)],
  );
}

export async function findSpend(tx: Tx, id: string): Promise<SpendRow | null> {
  return await maybeOne<SpendRow>(tx, `SELECT ${SPEND} FROM coin_spend WHERE id = $1`, [id]);
}

export async function lockSpend(tx: Tx, id: string): Promise<SpendRow | null> {
  return await maybeOne<SpendRow>(tx, `SELECT ${SPEND} FROM coin_spend WHERE id = $1 FOR UPDATE`, [id]);
}

export async function spendOfOutput(tx: Tx, outputId: string): Promise<SpendRow | null> {
  return await maybeOne<SpendRow>(tx, `SELECT ${SPEND} FROM coin_spend WHERE output_id = $1`, [outputId]);
}

export async function spendsOf(tx: Tx, accountId: string, limit: number): Promise<SpendRow[]> {
  return await sql<SpendRow>(tx, `SELECT ${SPEND} FROM coin_spend WHERE account_id = $1 ORDER BY id DESC LIMIT $2`, [accountId, limit]);
}

/** The lots of a spend, in their order. `left` is what of it can still be given back, `lost` what a lost dispute took of it. */
export async function partsOf(tx: Tx, spendId: string): Promise<(Part & { left: string; lost: string; boughtAt: Date })[]> {
  const rows = await sql<Omit<Part, 'taken'> & { taken: string; left: string; lost: string; boughtAt: Date }>(
    tx,
    `SELECT p.lot_id AS "lotId", p.taken::text, (p.taken - p.given - p.lost)::text AS "left", p.lost::text, p.coins, p.net_minor AS "netMinor", p.tax_minor AS "taxMinor",
            p.fee_minor AS "feeMinor", l.bought_at AS "boughtAt"
     FROM coin_spend_part p JOIN coin_lot l ON l.id = p.lot_id WHERE p.spend_id = $1 ORDER BY l.bought_at, l.id`,
    [spendId],
  );
  return rows.map((row) => ({ ...row, taken: readRuns(row.taken) }));
}

/** The payments of the packs that a spend's coins came from, oldest first. */
export async function chargesOfSpend(tx: Tx, spendId: string): Promise<string[]> {
  const rows = await sql<{ charge: string }>(
    tx, 'SELECT l.stripe_charge AS charge FROM coin_spend_part p JOIN coin_lot l ON l.id = p.lot_id WHERE p.spend_id = $1 ORDER BY l.bought_at, l.id', [spendId],
  );
  return rows.map(({ charge }) => charge);
}

/** Of a lot, what is held for outputs under way, the newest first, locked. */
export async function lockHeldOfLot(tx: Tx, lotId: string): Promise<SpendRow[]> {
  return await sql<SpendRow>(
    tx,
    `SELECT ${SPEND} FROM coin_spend WHERE state = 'held' AND purpose = 'output' AND id IN (SELECT spend_id FROM coin_spend_part WHERE lot_id = $1)
     ORDER BY held_at DESC, id DESC FOR UPDATE`, [lotId],
  );
}

export async function settleSpend(tx: Tx, id: string, told: {
  state: 'captured' | 'voided'; capturedFor: string | null; voidReason: string | null; transferId: string; at: Date;
}): Promise<void> {
  await sql(
    tx, 'UPDATE coin_spend SET state = $2, captured_for = $3, void_reason = $4, settled_transfer = $5, settled_at = $6 WHERE id = $1',
    [id, told.state, told.capturedFor, told.voidReason, told.transferId, told.at],
  );
}

export async function insertRestores(tx: Tx, row: { spendId: string; refundId: string; transferId: string }, given: readonly Part[]): Promise<void> {
  const ordered = [...given].sort((a, b) => (a.lotId < b.lotId ? -1 : 1));
  await sql(
    tx,
    `INSERT INTO coin_restore (spend_id, lot_id, refund_id, coins_given, transfer_id)
     SELECT $1, r.lot, $2, r.given::int8multirange, $3 FROM unnest($4::text[], $5::text[]) AS r (lot, given)`,
    [row.spendId, row.refundId, row.transferId, ordered.map((part) => part.lotId), ordered.map((part) => writeRuns(part.taken))],
  );
}

/** Spent coins whose price a lost dispute took back from whoever had received it. */
export async function insertLoss(tx: Tx, row: { disputeId: string; spendId: string; lotId: string }, lost: readonly Run[]): Promise<void> {
  await sql(
    tx, 'INSERT INTO coin_loss (dispute_id, spend_id, lot_id, coins_lost) VALUES ($1, $2, $3, $4::int8multirange)', [row.disputeId, row.spendId, row.lotId, writeRuns(lost)],
  );
}

/** Whether a lost dispute gave the unused days of what a spend bought back. */
export async function restoredByDispute(tx: Tx, spendId: string): Promise<boolean> {
  return (await maybeOne(tx, `SELECT 1 FROM coin_restore WHERE spend_id = $1 AND refund_id NOT LIKE 'rfd\\_%' LIMIT 1`, [spendId])) !== null;
}

/** How many coins a wallet has to spend, in holds, and frozen by disputes. */
export async function walletSums(tx: Tx, accountId: string): Promise<{ availableCoins: bigint; heldCoins: bigint; disputedCoins: bigint }> {
  return await one(
    tx,
    `SELECT coalesce(sum(left_coins) FILTER (WHERE state = 'open'), 0)::bigint AS "availableCoins",
            coalesce(sum(left_coins) FILTER (WHERE state = 'disputed'), 0)::bigint AS "disputedCoins",
            (SELECT coalesce(sum(coins), 0)::bigint FROM coin_spend WHERE account_id = $1 AND state = 'held') AS "heldCoins"
     FROM coin_lot WHERE account_id = $1`,
    [accountId],
  );
}

import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';

export interface DisputeRow {
  id: string;
  stripeCharge: string;
  accountId: string;
  lotId: string | null;
  currency: Currency;
  amountMinor: bigint;
  claimMinor: bigint;
  reason: string;
  state: 'open' | 'won' | 'lost';
  openedAt: Date;
  closedAt: Date | null;
}

const DISPUTE = `id, stripe_charge AS "stripeCharge", account_id AS "accountId", lot_id AS "lotId", currency, amount_minor AS "amountMinor",
  claim_minor AS "claimMinor", reason, state, opened_at AS "openedAt", closed_at AS "closedAt"`;

/** Answers whether it was written. */
export async function insertDispute(tx: Tx, row: Omit<DisputeRow, 'state' | 'closedAt'>): Promise<boolean> {
  return await execute(
    tx,
    `INSERT INTO dispute (id, stripe_charge, account_id, lot_id, currency, amount_minor, claim_minor, reason, opened_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING`,
    [row.id, row.stripeCharge, row.accountId, row.lotId, row.currency, row.amountMinor, row.claimMinor, row.reason, row.openedAt],
  ) === 1;
}

export async function findDispute(tx: Tx, id: string): Promise<DisputeRow | null> {
  return await maybeOne<DisputeRow>(tx, `SELECT ${DISPUTE} FROM dispute WHERE id = $1`, [id]);
}

export async function lockDispute(tx: Tx, id: string): Promise<DisputeRow | null> {
  return await maybeOne<DisputeRow>(tx, `SELECT ${DISPUTE} FROM dispute WHERE id = $1 FOR UPDATE`, [id]);
}

export async function putClaim(tx: Tx, id: string, claimMinor: bigint): Promise<void> {
  await sql(tx, `UPDATE dispute SET claim_minor = $2 WHERE id = $1 AND state = 'open'`, [id, claimMinor]);
}

/** The disputes of these payments that are not decided. */
export async function openOfCharges(tx: Tx, stripeCharges: readonly string[]): Promise<DisputeRow[]> {
  return await sql<DisputeRow>(tx, `SELECT ${DISPUTE} FROM dispute WHERE stripe_charge = ANY ($1::text[]) AND state = 'open' ORDER BY id`, [stripeCharges]);
}

/** The disputes of payments that a clone had something of, by subscription or by coins, that are not decided. */
export async function openOfClone(tx: Tx, cloneId: string): Promise<DisputeRow[]> {
  return await sql<DisputeRow>(
    tx,
    `SELECT ${DISPUTE} FROM dispute d WHERE state = 'open' AND (
       EXISTS (SELECT FROM subscription_period p WHERE p.stripe_charge = d.stripe_charge AND p.clone_id = $1)
       OR EXISTS (SELECT FROM coin_spend_part p JOIN coin_spend s ON s.id = p.spend_id WHERE p.lot_id = d.lot_id AND s.clone_id = $1)) ORDER BY id`,
    [cloneId],
  );
}

export async function endDispute(tx: Tx, id: string, state: 'won' | 'lost', at: Date): Promise<void> {
  await sql(tx, 'UPDATE dispute SET state = $2, closed_at = $3 WHERE id = $1', [id, state, at]);
}

/** The newest first, at most `limit`. */
export async function listDisputes(tx: Tx, limit: number): Promise<DisputeRow[]> {
  return await sql<DisputeRow>(tx, `SELECT ${DISPUTE} FROM dispute ORDER BY opened_at DESC, id DESC LIMIT $1`, [limit]);
}

/** Whether a payment is disputed at this moment: nothing of it can be refunded then. */
export async function isDisputed(tx: Tx, stripeCharge: string): Promise<boolean> {
  return (await openOfCharges(tx, [stripeCharge])).length > 0;
}

/** Whose clones a payment went to, by subscription or by coins. */
export async function clonesOfCharge(tx: Tx, stripeCharge: string): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    tx,
    `SELECT clone_id AS id FROM subscription_period WHERE stripe_charge = $1 UNION
     SELECT s.clone_id FROM coin_lot l JOIN coin_spend_part p ON p.lot_id = l.id JOIN coin_spend s ON s.id = p.spend_id
       WHERE l.stripe_charge = $1 AND s.clone_id IS NOT NULL ORDER BY 1`,
    [stripeCharge],
  );
  return rows.map(({ id }) => id);
}

/** The periods that a payment bought, and the fan's; the latest first. */
export async function periodsOfCharge(tx: Tx, stripeCharge: string): Promise<string[]> {
  const rows = await sql<{ id: string }>(tx, 'SELECT id FROM subscription_period WHERE stripe_charge = $1 ORDER BY start_day DESC, id DESC', [stripeCharge]);
  return rows.map(({ id }) => id);
}

export interface LotSpend {
  spendId: string;
  purpose: 'output' | 'month';
  cloneId: string;
  tierId: string;
  /** The paid period; of an output the spend itself. */
  periodId: string;
}

/** What was captured out of a lot and neither given back nor lost before, latest first: where its coins went. */
export async function spendsOfLot(tx: Tx, lotId: string): Promise<LotSpend[]> {
  return await sql<LotSpend>(
    tx,
    `SELECT s.id AS "spendId", s.purpose, s.clone_id AS "cloneId", s.tier_id AS "tierId",
            CASE s.purpose WHEN 'month' THEN s.captured_for ELSE s.id END AS "periodId" FROM coin_spend_part p JOIN coin_spend s ON s.id = p.spend_id
     WHERE p.lot_id = $1 AND s.state = 'captured' AND s.purpose IN ('output', 'month') AND p.given + p.lost <> p.taken ORDER BY s.settled_at DESC, s.id DESC`,
    [lotId],
  );
}

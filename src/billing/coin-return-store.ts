import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';

/** Unspent coins on their way back to the card that bought them. */
export interface CoinReturnRow {
  id: string;
  accountId: string;
  spendId: string;
  lotId: string;
  stripeCharge: string;
  grossMinor: bigint;
  state: 'pending' | 'succeeded' | 'failed';
  stripeRefund: string | null;
  failure: string | null;
  requestedAt: Date;
}

const RETURN = `id, account_id AS "accountId", spend_id AS "spendId", lot_id AS "lotId", stripe_charge AS "stripeCharge", gross_minor AS "grossMinor", state,
  stripe_refund AS "stripeRefund", failure, requested_at AS "requestedAt"`;

export async function insertReturn(tx: Tx, row: Omit<CoinReturnRow, 'state' | 'stripeRefund' | 'failure'>): Promise<void> {
  await sql(
    tx, 'INSERT INTO coin_return (id, account_id, spend_id, lot_id, stripe_charge, gross_minor, requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
    [row.id, row.accountId, row.spendId, row.lotId, row.stripeCharge, row.grossMinor, row.requestedAt],
  );
}

export async function findReturn(tx: Tx, id: string): Promise<CoinReturnRow | null> {
  return await maybeOne<CoinReturnRow>(tx, `SELECT ${RETURN} FROM coin_return WHERE id = $1`, [id]);
}

export async function lockReturn(tx: Tx, id: string): Promise<CoinReturnRow | null> {
  return await maybeOne<CoinReturnRow>(tx, `SELECT ${RETURN} FROM coin_return WHERE id = $1 FOR UPDATE`, [id]);
}

export async function returnsOf(tx: Tx, accountId: string, limit: number): Promise<CoinReturnRow[]> {
  return await sql<CoinReturnRow>(tx, `SELECT ${RETURN} FROM coin_return WHERE account_id = $1 ORDER BY id DESC LIMIT $2`, [accountId, limit]);
}

/** What was paid back of a charge, or is about to be. */
export async function returnedOfCharge(tx: Tx, stripeCharge: string): Promise<bigint> {
  return (await maybeOne<{ sum: bigint }>(
    tx, `SELECT coalesce(sum(gross_minor), 0)::bigint AS sum FROM coin_return WHERE stripe_charge = $1 AND state <> 'failed'`, [stripeCharge],
  ))?.sum ?? 0n;
}

export async function settleReturn(tx: Tx, id: string, told: {
  state: 'succeeded' | 'failed'; stripeRefund: string | null; failure: string | null; settled: { currency: Currency; amountMinor: bigint } | null; at: Date;
}): Promise<void> {
  await sql(
    tx, 'UPDATE coin_return SET state = $2, stripe_refund = $3, failure = $4, settled_currency = $5, settled_minor = $6, settled_at = $7 WHERE id = $1',
    [id, told.state, told.stripeRefund, told.failure, told.settled?.currency ?? null, told.settled?.amountMinor ?? null, told.at],
  );
}

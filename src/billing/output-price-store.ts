import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';

export interface PriceRow {
  cloneId: string;
  tierId: string;
  tierName: string;
  coins: bigint;
  withoutSubscription: boolean;
  pricedAt: Date;
}

const NEWEST = `SELECT DISTINCT ON (p.tier_id) p.clone_id AS "cloneId", p.tier_id AS "tierId", t.name AS "tierName", p.coins,
  p.without_subscription AS "withoutSubscription", p.priced_at AS "pricedAt"
  FROM output_price p JOIN tier t ON t.id = p.tier_id WHERE p.clone_id = $1 AND t.removed_at IS NULL`;

/** The price in force of each tier that ever had one, cheapest first. */
export async function pricesOf(tx: Tx, cloneId: string): Promise<PriceRow[]> {
  return await sql<PriceRow>(tx, `SELECT * FROM (${NEWEST} ORDER BY p.tier_id, p.id DESC) AS newest ORDER BY coins, "tierName"`, [cloneId]);
}

/** What one output costs beside a tier: by its own price, else by one that asks for no subscription. */
export function priceFor(prices: readonly PriceRow[], tierId: string | null): PriceRow | undefined {
  const asked = prices.filter((row) => row.coins > 0n);
  return asked.find((one) => one.tierId === tierId) ?? asked.find((one) => one.withoutSubscription);
}

export async function priceOfTier(tx: Tx, cloneId: string, tierId: string): Promise<PriceRow | null> {
  return await maybeOne<PriceRow>(tx, `${NEWEST} AND p.tier_id = $2 ORDER BY p.tier_id, p.id DESC`, [cloneId, tierId]);
}

export async function insertPrice(
  tx: Tx, row: Omit<PriceRow, 'tierName'> & { pricedBy: string },
): Promise<void> {
  await sql(
    tx, `INSERT INTO output_price (clone_id, tier_id, capability, coins, without_subscription, priced_by, priced_at) VALUES ($1, $2, 'voice', $3, $4, $5, $6)`,
    [row.cloneId, row.tierId, row.coins, row.withoutSubscription, row.pricedBy, row.pricedAt],
  );
}

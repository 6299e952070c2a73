import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';
import type { BillingInterval, OfferTerms, TierKind } from './tier-terms.ts';

/** Tiers and the versions of what they offer. */

/** One version of a tier's offer, with the tier that it is of. */
export interface OfferRow extends OfferTerms {
  tierId: string;
  cloneId: string;
  kind: TierKind;
  name: string;
  version: number;
  currency: Currency;
  removedAt: Date | null;
  /** Versions below it end with what is paid, unless a newer one is accepted. */
  withdrawnBelow: number;
  stripeProduct: string | null;
  stripeMonth: string | null;
  stripeYear: string | null;
}

/** A tier with its offer of the day: the newest whose prices exist at the processor, else the newest. */
export interface TierRow extends OfferRow {
  id: string;
  state: 'creating' | 'ready';
  /** Outputs of a month; 0 for a free tier without a limit, which `outputsPerPeriod` tells apart. */
  voiceOutputsPerPeriod: number;
}

const OFFER = `SELECT o.tier_id AS "tierId", o.clone_id AS "cloneId", o.kind, t.name, o.version, o.currency, o.price_minor AS "priceMinor",
  o.year_price_minor AS "yearPriceMinor", o.outputs_per_period AS "outputsPerPeriod", o.capabilities, o.instant_replies AS "instantReplies",
  t.removed_at AS "removedAt", t.withdrawn_below AS "withdrawnBelow", t.stripe_product AS "stripeProduct", m.stripe_price AS "stripeMonth", y.stripe_price AS "stripeYear"
  FROM tier_offer AS o JOIN tier AS t ON t.id = o.tier_id
  LEFT JOIN tier_offer_price AS m ON m.tier_id = o.tier_id AND m.version = o.version AND m.interval = 'month'
  LEFT JOIN tier_offer_price AS y ON y.tier_id = o.tier_id AND y.version = o.version AND y.interval = 'year'`;

/** Under which price the processor collects an offer; null where it has none. */
export function stripePriceOf(offer: Pick<OfferRow, 'stripeMonth' | 'stripeYear'> | null, interval: 'month' | 'year'): string | null {
  return (interval === 'year' ? offer?.stripeYear : offer?.stripeMonth) ?? null;
}

export function isReady(offer: OfferRow): boolean {
  return offer.kind === 'free' || (offer.stripeMonth !== null && (offer.yearPriceMinor === null || offer.stripeYear !== null));
}

function tierOf(offers: readonly OfferRow[]): TierRow | null {
  const newest = offers.findLast(isReady) ?? offers.at(-1);
  if (newest === undefined) return null;
  return { ...newest, id: newest.tierId, state: isReady(newest) ? 'ready' : 'creating', voiceOutputsPerPeriod: newest.outputsPerPeriod ?? 0 };
}

/** Writes a tier, without an offer yet. Answers false when the clone has one of that name, or one that is free, already. */
export async function insertTier(tx: Tx, tier: { id: string; cloneId: string; name: string; kind: TierKind; createdBy: string; createdAt: Date }): Promise<boolean> {
  return await execute(
    tx, `INSERT INTO tier (id, clone_id, name, kind, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [tier.id, tier.cloneId, tier.name, tier.kind, tier.createdBy, tier.createdAt],
  ) === 1;
}

export type NewOffer = OfferTerms & { tierId: string; cloneId: string; kind: TierKind; version: number; createdBy: string; createdAt: Date };

/** Answers false when there is such a version already. */
export async function insertOffer(tx: Tx, offer: NewOffer): Promise<boolean> {
  return await execute(
    tx,
    `INSERT INTO tier_offer (clone_id, tier_id, kind, version, currency, price_minor, year_price_minor, outputs_per_period, capabilities,
       instant_replies, created_by, created_at)
     VALUES ($1, $2, $3, $4, 'CNY', $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (tier_id, version) DO NOTHING`,
    [offer.cloneId, offer.tierId, offer.kind, offer.version, offer.priceMinor, offer.yearPriceMinor, offer.outputsPerPeriod, offer.capabilities,
      offer.instantReplies, offer.createdBy, offer.createdAt],
  ) === 1;
}

export async function offersOf(tx: Tx, tierId: string): Promise<OfferRow[]> {
  return await sql<OfferRow>(tx, `${OFFER} WHERE o.tier_id = $1 ORDER BY o.version`, [tierId]);
}

export async function findOffer(tx: Tx, tierId: string, version: number): Promise<OfferRow | null> {
  return await maybeOne<OfferRow>(tx, `${OFFER} WHERE o.tier_id = $1 AND o.version = $2`, [tierId, version]);
}

/** What a price at the processor is a price of. */
export async function offerOfPrice(tx: Tx, stripePrice: string): Promise<{ tierId: string; version: number; interval: BillingInterval } | null> {
  return await maybeOne(tx, 'SELECT tier_id AS "tierId", version, interval FROM tier_offer_price WHERE stripe_price = $1', [stripePrice]);
}

export async function findTier(tx: Tx, tierId: string): Promise<TierRow | null> {
  return tierOf(await offersOf(tx, tierId));
}

/** What is on offer, cheapest first; `all`: also what was taken off. */
export async function tiersOf(tx: Tx, cloneId: string, all = false): Promise<TierRow[]> {
  const rows = await sql<OfferRow>(tx, `${OFFER} WHERE o.clone_id = $1 AND ($2 OR t.removed_at IS NULL) ORDER BY o.version`, [cloneId, all]);
  const byTier = new Map<string, OfferRow[]>();
  for (const row of rows) byTier.set(row.tierId, [...(byTier.get(row.tierId) ?? []), row]);
  const tiers = [...byTier.values()].flatMap((offers) => tierOf(offers) ?? []);
  return tiers.sort((a, b) => (a.priceMinor === b.priceMinor ? (a.name < b.name ? -1 : 1) : a.priceMinor < b.priceMinor ? -1 : 1));
}

/** Tiers of which any version names a capability. */
export async function tiersWith(tx: Tx, cloneId: string, capability: string): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    tx, 'SELECT DISTINCT tier_id AS id FROM tier_offer WHERE clone_id = $1 AND $2 = ANY (capabilities) ORDER BY 1', [cloneId, capability],
  );
  return rows.map(({ id }) => id);
}

export async function lockTier(tx: Tx, tierId: string): Promise<{ cloneId: string; removedAt: Date | null } | null> {
  return await maybeOne(tx, 'SELECT clone_id AS "cloneId", removed_at AS "removedAt" FROM tier WHERE id = $1 FOR UPDATE', [tierId]);
}

/** Takes a tier off, or only its versions below one. Again: nothing more. */
export async function withdraw(tx: Tx, tierId: string, of: { below: number | null; at: Date }): Promise<void> {
  if (of.below === null) await sql(tx, 'UPDATE tier SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL', [tierId, of.at]);
  else await sql(tx, 'UPDATE tier SET withdrawn_below = greatest(withdrawn_below, $2) WHERE id = $1', [tierId, of.below]);
}

export async function putProduct(tx: Tx, tierId: string, stripeProduct: string): Promise<void> {
  await sql(tx, 'UPDATE tier SET stripe_product = $2 WHERE id = $1 AND stripe_product IS NULL', [tierId, stripeProduct]);
}

export async function putPrice(tx: Tx, price: { tierId: string; version: number; interval: BillingInterval; stripePrice: string }): Promise<void> {
  await sql(
    tx, 'INSERT INTO tier_offer_price (tier_id, version, interval, stripe_price) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [price.tierId, price.version, price.interval, price.stripePrice],
  );
}

/** What an account has had of a clone for nothing. */
export interface FreeRow {
  tierId: string;
  offerVersion: number;
  granted: number | null;
  held: number;
  captured: number;
}

export async function freeQuota(tx: Tx, cloneId: string, accountId: string): Promise<FreeRow | null> {
  return await maybeOne<FreeRow>(
    tx,
    `SELECT tier_id AS "tierId", offer_version AS "offerVersion", granted, held, captured FROM free_quota WHERE clone_id = $1 AND account_id = $2`,
    [cloneId, accountId],
  );
}

/** Whoever takes a free turn of a clone does so alone for one account. */
export async function lockFree(tx: Tx, cloneId: string, accountId: string): Promise<void> {
  await sql(tx, `SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 71))`, [cloneId, accountId]);
}

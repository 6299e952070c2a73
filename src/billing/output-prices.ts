import { parseMinor } from '../kernel/money.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { insertPrice, priceFor, priceOfTier, pricesOf, type PriceRow } from './output-price-store.ts';
import { once } from '../platform/postgres/index.ts';
import * as coins from './coin-store.ts';
import type { BillingDeps } from './deps.ts';
import * as refunds from './refund-store.ts';
import { stopped } from './sales.ts';
import * as tiers from './tier-store.ts';
import type { OutputPriceView } from './coin-views.ts';

/** What an owner asks for one output: beyond a tier's quota, or of fans who subscribe to nothing. */
export interface OutputPrices {
  /** The owner only; 0 ends the offer. Refuses `tier_unknown`, `tier_outside_grant`, `stopped`, `money_*`. */
  priceOutput: (actor: Actor, key: IdempotencyKey, input: { cloneId: string; tierId: string; coins: string; withoutSubscription: boolean }) => Promise<OutputPriceView>;
  listOutputPrices: (cloneId: string) => Promise<{ prices: OutputPriceView[] }>;
  /**
   * What one output costs this fan now: on the tier that they have, else on one that is sold without a subscription. Null
   * where the owner asks for none.
   */
  coinOffer: (tx: Tx, asked: { accountId: string; cloneId: string; tierId: string | null }) => Promise<CoinOffer | null>;
}

export interface CoinOffer {
  tierId: string;
  tierName: string;
  coins: bigint;
  /** Where the fan's coins were billed. */
  billingCountry: string | null;
}

const PRICE_MAX = 1_000_000n;

const viewOf = (row: PriceRow): OutputPriceView => ({
  tierId: row.tierId, tierName: row.tierName, capability: 'voice', coins: row.coins.toString(), withoutSubscription: row.withoutSubscription, pricedAt: row.pricedAt.toISOString(),
});

export function makeOutputPrices(deps: BillingDeps): OutputPrices {
  const { runTx, clock } = deps;

  async function price(tx: Tx, actor: Actor, input: { cloneId: string; tierId: string; coins: string; withoutSubscription: boolean }): Promise<OutputPriceView> {
    const { cloneId, tierId, withoutSubscription } = input;
    if ((await deps.cloneOwner(tx, cloneId)) !== actor.accountId) throw notFound();
    const count = parseMinor(input.coins);
    if (count < 0n || count > PRICE_MAX) throw new Refusal('money_out_of_range', `A price is between 0 and ${PRICE_MAX} coins.`);
    const tier = await tiers.findTier(tx, tierId);
    if (tier?.cloneId !== cloneId || tier.removedAt !== null) throw new Refusal('tier_unknown', 'The clone has no such tier.');
    await refunds.lockSales(tx, cloneId, 'shared');
    if (await refunds.salesEnded(tx, cloneId, tierId)) throw stopped();
    const grant = await deps.grantInForce(tx, cloneId, clock.now());
    if (grant?.document.tiers.includes(tier.name) !== true) throw new Refusal('tier_outside_grant', 'The grant in force does not name this tier; amend the grant first.');
    await insertPrice(tx, { cloneId, tierId, coins: count, withoutSubscription, pricedBy: actor.accountId, pricedAt: clock.now() });
    const row = await priceOfTier(tx, cloneId, tierId);
    if (row === null) throw new Error(`The price of ${tierId} is gone.`);
    return viewOf(row);
  }

  return {
    priceOutput: (actor, key, input) => runTx((tx) => once(tx, key, () => price(tx, actor, input))),

    listOutputPrices: (cloneId) => runTx(async (tx) => {
      if ((await deps.cloneOwner(tx, cloneId)) === null) throw notFound();
      return { prices: (await pricesOf(tx, cloneId)).filter((row) => row.coins > 0n).map(viewOf) };
    }),

    async coinOffer(tx, { accountId, cloneId, tierId }) {
      const row = priceFor(await pricesOf(tx, cloneId), tierId);
      if (row === undefined || await refunds.salesEnded(tx, cloneId, row.tierId)) return null;
      return { tierId: row.tierId, tierName: row.tierName, coins: row.coins, billingCountry: await coins.lastBillingCountry(tx, accountId) };
    },
  };
}

import { coinsFor } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, dayOf, daysBetween, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { checkNothingOwed } from './coin-debts.ts';
import { reserve, traceOf } from './coin-holds.ts';
import { takeCoins } from './coin-model.ts';
import { COIN_PRICE, monthPrepaid } from './coin-postings.ts';
import * as coins from './coin-store.ts';
import type { BillingDeps } from './deps.ts';
import { pausesOf } from './pause-store.ts';
import * as periods from './period-store.ts';
import { checkSellable } from './sales.ts';
import * as subscriptions from './subscription-store.ts';
import * as tiers from './tier-store.ts';
import { currentPeriod, subscriptionView, type SubscriptionView } from './views.ts';

/** One month of a tier, paid ahead with coins: it does not renew. */
export interface CoinMonths {
  /** Refuses `tier_unknown`, `subscription_exists`, `coins_insufficient`, `debt_open`, and what a subscription refuses. */
  buyPrepaidMonth: (actor: Actor, key: IdempotencyKey, input: { cloneId: string; tierId: string }) => Promise<SubscriptionView>;
}

/** The same day of the next month, or its last one. */
export function monthAfter(day: Day): Day {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const first = new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return addDays(first, Math.min(date, last) - 1);
}

function alreadyHad(): Refusal {
  return new Refusal('subscription_exists', 'You have a subscription to this clone, or a month that is not over.');
}

async function tierOnSale(tx: Tx, deps: BillingDeps, actor: Actor, input: { cloneId: string; tierId: string }, at: Date): Promise<{ tier: tiers.TierRow; country: string }> {
  const tier = await tiers.findTier(tx, input.tierId);
  if (tier?.cloneId !== input.cloneId || tier.state !== 'ready' || tier.removedAt !== null || tier.kind === 'free') {
    throw new Refusal('tier_unknown', 'The clone has no such tier that is sold.');
  }
  if (!(await deps.serves(tx, tier.cloneId))) throw new Refusal('tier_unknown', 'The clone has no version that its owner approved; there is nothing to buy yet.');
  const country = await deps.accountCountry(tx, actor.accountId);
  if (country === null) throw new Refusal('country_unknown', 'Say first in which country you are.');
  await checkSellable(tx, deps, tier, country, at);
  return { tier, country };
}

async function buy(tx: Tx, deps: BillingDeps, actor: Actor, input: { cloneId: string; tierId: string }): Promise<SubscriptionView> {
  const { accountId } = actor;
  const { cloneId } = input;
  const at = deps.clock.now();
  const startDay = dayOf(at);
  const { tier, country } = await tierOnSale(tx, deps, actor, input, at);
  await coins.lockWallet(tx, accountId);
  const running = await periods.begunPeriods(tx, cloneId, accountId, startDay);
  const pauses = (await pausesOf(tx, cloneId, running.map(({ subscriptionId }) => subscriptionId))).of;
  if ((await subscriptions.liveSubscription(tx, cloneId, accountId)) !== null || currentPeriod(running, pauses, startDay, 'canceled') !== null) {
    throw alreadyHad();
  }
  await checkNothingOwed(tx, deps, accountId);
  const parts = takeCoins(await coins.openLots(tx, accountId), coinsFor(tier.priceMinor));
  const spend = await reserve(tx, deps, { accountId, purpose: 'month', cloneId, tierId: tier.id, outputId: null, at }, parts);
  const subscriptionId = deps.ids.next('subscription');
  const billingCountry = await coins.lastBillingCountry(tx, accountId);
  // Asked for in another window, while this was decided.
  if (!(await subscriptions.insertPrepaid(tx, {
    id: subscriptionId, cloneId, accountId, tierId: tier.id, offerVersion: tier.version, interval: 'month', declaredCountry: country, billingCountry, createdAt: at,
  }))) throw alreadyHad();
  const endDay = monthAfter(startDay);
  const period: periods.NewPeriod = {
    id: deps.ids.next('period'), cloneId, subscriptionId, accountId, tierId: tier.id, offerVersion: tier.version, stripeInvoice: spend.id, stripeCharge: spend.id,
    startDay, endDay, days: daysBetween(startDay, endDay), currency: COIN_PRICE, grossMinor: spend.netMinor, taxMinor: 0n, taxRateBasisPoints: 0,
    feeMinor: spend.feeMinor, settledCurrency: COIN_PRICE, settledNetMinor: spend.netMinor - spend.feeMinor, granted: tier.voiceOutputsPerPeriod, paidAt: at,
  };
  await periods.insertPeriod(tx, period);
  const { transferId } = await deps.ledger.post(tx, monthPrepaid(
    { ...traceOf(spend, parts), cloneId, tierId: tier.id }, { subscriptionId, periodId: period.id, day: startDay },
  ));
  await coins.settleSpend(tx, spend.id, { state: 'captured', capturedFor: period.id, voidReason: null, transferId, at });
  const row = await subscriptions.findSubscription(tx, subscriptionId);
  if (row === null) throw new Error(`Subscription ${subscriptionId} is gone.`);
  return subscriptionView(row, tier, { period: await periods.findPeriod(tx, period.id), pauses, today: startDay, pending: null, problem: null });
}

export function makeCoinMonths(deps: BillingDeps): CoinMonths {
  return { buyPrepaidMonth: (actor, key, input) => deps.runTx((tx) => once(tx, key, () => buy(tx, deps, actor, input))) };
}

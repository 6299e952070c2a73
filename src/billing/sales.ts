import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import { customerFor } from './customers.ts';
import type { BillingDeps } from './deps.ts';
import { openProblem } from './dunning.ts';
import { isPaused, pausesOf } from './pause-store.ts';
import * as periods from './period-store.ts';
import { openChange } from './plan-store.ts';
import * as refunds from './refund-store.ts';
import type { PausesOf } from './model.ts';
import { remainsOf } from './remains-store.ts';
import { unusedOf } from './stops.ts';
import * as store from './subscription-store.ts';
import * as tiers from './tier-store.ts';
import { type BillingInterval, priceOfInterval } from './tier-terms.ts';
import { currentPeriod, planChangeView, type SubscriptionState, subscriptionView, type SubscriptionView } from './views.ts';

export interface SubscribeInput {
  cloneId: string;
  tierId: string;
  interval?: BillingInterval | undefined;
}

/** The way into a subscription. */
export interface Sales {
  /** Opens Checkout. Refuses `country_unknown`, `tier_unknown`, `subscription_exists`, `denied`, `stopped`, `payment_failed`. */
  subscribe: (actor: Actor, key: IdempotencyKey, input: SubscribeInput) => Promise<SubscriptionView>;
  getSubscription: (actor: Actor, subscriptionId: string) => Promise<SubscriptionView>;
  /** Job: opens the page of a subscription whose request died before it did. */
  openCheckout: (subscriptionId: string) => Promise<void>;
}

/** A request that still lives has opened its own page by then. */
const CHECKOUT_FALLBACK_MS = 60_000;

export function stopped(): Refusal {
  return new Refusal('stopped', 'The owner has stopped or paused this clone; nothing is sold of it.');
}

/** Nothing is sold that would not be delivered: outside the grant, where the law denies it, during a pause, or after a stop. */
export async function checkSellable(tx: Tx, deps: BillingDeps, tier: store.TierRow, country: string, at: Date): Promise<void> {
  await refunds.lockSales(tx, tier.cloneId, 'shared');
  if (await refunds.salesEnded(tx, tier.cloneId, tier.id) || await isPaused(tx, tier.cloneId, tier.capabilities)) throw stopped();
  const grant = await deps.grantInForce(tx, tier.cloneId, at);
  if (grant?.document.tiers.includes(tier.name) !== true) {
    throw new Refusal('tier_outside_grant', 'The owner does not allow this tier at present.');
  }
  const denied = (await deps.deniedSale?.(tx, { cloneId: tier.cloneId, tierName: tier.name, country, at })) ?? [];
  const clauses = [...new Set([...(grant.document.territories.includes(country) ? [] : [`territory.${country}`]), ...denied])];
  if (clauses.length > 0) throw new Refusal('denied', 'Nothing of this clone could be delivered to you in your country.', { extra: { clauses } });
}

/** Writes the subscription before anything is asked of the processor, so that whatever dies can be taken up again. */
async function reserve(tx: Tx, deps: BillingDeps, actor: Actor, input: SubscribeInput): Promise<string> {
  const at = deps.clock.now();
  const { accountId } = actor;
  const tier = await store.findTier(tx, input.tierId);
  const { interval = 'month' } = input;
  if (tier?.cloneId !== input.cloneId || tier.state !== 'ready' || tier.removedAt !== null) {
    throw new Refusal('tier_unknown', 'The clone has no such tier, or it is not ready yet.');
  }
  if (tier.kind === 'free') throw new Refusal('tier_unknown', 'This tier is free: it is yours without a subscription.');
  if (priceOfInterval(tier, interval) === null) throw new Refusal('tier_unknown', 'This tier is not sold by the year.');
  if (!(await deps.serves(tx, tier.cloneId))) {
    throw new Refusal('tier_unknown', 'The clone has no version that its owner approved; there is nothing to subscribe to yet.');
  }
  const declaredCountry = await deps.accountCountry(tx, accountId);
  if (declaredCountry === null) throw new Refusal('country_unknown', 'Say first in which country you are.');
  await checkSellable(tx, deps, tier, declaredCountry, at);
  const id = deps.ids.next('subscription');
  const row = { id, cloneId: tier.cloneId, accountId, tierId: tier.id, offerVersion: tier.version, interval, declaredCountry, createdAt: at };
  if (await store.insertSubscription(tx, row)) {
    await enqueue(tx, {
      topic: 'billing.openCheckout', payload: { subscriptionId: id }, runAt: new Date(at.getTime() + CHECKOUT_FALLBACK_MS),
      dedupeKey: `billing.openCheckout:${id}`,
    });
    return id;
  }
  const live = await store.liveSubscription(tx, tier.cloneId, accountId);
  if (live?.tierId === tier.id && live.interval === interval && (live.state === 'opening' || live.state === 'checkout')) return live.id;
  throw new Refusal('subscription_exists', 'You have a subscription to this clone, or one that waits for its payment.', {
    extra: live === null ? {} : { subscriptionId: live.id },
  });
}

function makeCheckout(deps: BillingDeps): (subscriptionId: string) => Promise<void> {
  const { runTx, provider, clock } = deps;

  return async function open(subscriptionId) {
    const found = await runTx(async (tx) => {
      const row = await store.findSubscription(tx, subscriptionId);
      return row === null ? null : { row, offer: await tiers.findOffer(tx, row.tierId, row.offerVersion) };
    });
    const priceId = found === null ? null : tiers.stripePriceOf(found.offer, found.row.interval);
    if (found?.row.state !== 'opening' || priceId === null) return;
    const { row } = found;
    try {
      const customerId = await customerFor(deps, row.accountId);
      const session = await provider.openCheckout({ subscriptionId, cloneId: row.cloneId, tierId: row.tierId, customerId, priceId });
      const after = await runTx(async (tx) => {
        await store.putCheckout(tx, subscriptionId, session);
        return await store.findSubscription(tx, subscriptionId);
      });
      // A stop came while the page was being opened: nobody has its address yet, so it is closed again.
      if (after?.state === 'expired') await provider.closeCheckout(session.sessionId);
    } catch (error) {
      if (error instanceof Refusal && error.code === 'payment_failed') {
        await runTx((tx) => store.expireOpening(tx, subscriptionId, clock.now()));
      }
      throw error;
    }
  };
}

/** What a stop of a capability left of what is paid, and what its unused days are worth; null where nothing is left. */
async function remainsIn(tx: Tx, row: store.SubscriptionRow, all: readonly periods.PeriodRow[], pauses: PausesOf): Promise<NonNullable<SubscriptionState['remains']> | null> {
  const remains = await remainsOf(tx, row);
  if (remains === null || remains.remaining.length === 0) return null;
  const unused = all.filter(({ endedOn }) => endedOn === null).map((period) => unusedOf(period, pauses(period), remains.day));
  return {
    ...remains, unusedDays: unused.reduce((sum, one) => sum + one.unusedDays, 0), refundMinor: unused.reduce((sum, { parts }) => sum + parts.grossMinor, 0n),
  };
}

export async function loadView(tx: Tx, row: store.SubscriptionRow, at: Date): Promise<SubscriptionView> {
  const tier = await store.findTier(tx, row.tierId);
  if (tier === null) throw new Error(`Subscription ${row.id} has no tier.`);
  const today = dayOf(at);
  const pauses = (await pausesOf(tx, row.cloneId, [row.id])).of;
  const problem = await openProblem(tx, row.id);
  const all = await periods.periodsOfSubscription(tx, row.id);
  const period = currentPeriod(all, pauses, today, row.state, problem?.graceUntil ?? null);
  const change = await openChange(tx, row.id);
  const pending = change === null ? null : planChangeView(change, (await store.findTier(tx, change.tierId))?.name ?? '');
  return subscriptionView(row, tier, { period, pauses, today, pending, problem, remains: await remainsIn(tx, row, all, pauses) });
}

export function makeSales(deps: BillingDeps): Sales {
  const { runTx, clock } = deps;
  const openCheckout = makeCheckout(deps);

  return {
    async subscribe(actor, key, input) {
      // What is kept under the key is which subscription it made; its page is opened after the commit, again and again
      // with one idempotency key of ours, so a repeat of a request that died half-way goes on where it stopped.
      const { subscriptionId } = await runTx((tx) => once(tx, key, async () => ({
        subscriptionId: await reserve(tx, deps, actor, input),
      })));
      await openCheckout(subscriptionId);
      return await runTx(async (tx) => {
        const row = await store.findSubscription(tx, subscriptionId);
        if (row === null) throw notFound();
        if (row.state === 'expired' && await refunds.salesEnded(tx, row.cloneId, row.tierId)) throw stopped();
        return await loadView(tx, row, clock.now());
      });
    },

    async getSubscription(actor, subscriptionId) {
      return await runTx(async (tx) => {
        const row = await store.findSubscription(tx, subscriptionId);
        if (row?.accountId !== actor.accountId) throw notFound();
        return await loadView(tx, row, clock.now());
      });
    },

    openCheckout,
  };
}

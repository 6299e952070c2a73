import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { BillingDeps } from './deps.ts';
import type { Appliers } from './events.ts';
import { openOfCharges } from './dispute-store.ts';
import { creditsOn } from './plan-booking.ts';
import * as store from './plan-store.ts';
import { effectOf } from './plans-model.ts';
import { salesEnded } from './refund-store.ts';
import { remainsOf } from './remains-store.ts';
import { checkSellable, loadView, stopped } from './sales.ts';
import * as subscriptions from './subscription-store.ts';
import * as tiers from './tier-store.ts';
import { type BillingInterval, priceOfInterval } from './tier-terms.ts';
import { planChangeView, type PlanChangeView, type SubscriptionView } from './views.ts';

export interface PlanInput {
  tierId: string;
  interval: BillingInterval;
}

/** What a fan does with a subscription that runs. Each refuses `not_found` to everybody else. */
export interface Plans {
  /** What a change would cost now. Refuses `subscription_state`, `payment_disputed`, `tier_unknown`, `stopped`, `denied`, `tier_outside_grant`. */
  quotePlanChange: (actor: Actor, subscriptionId: string, to: PlanInput) => Promise<PlanChangeView>;
  /** Does it, for exactly the amount that was shown: `quote_stale` otherwise. `payment_failed` leaves everything as it was. */
  changePlan: (actor: Actor, key: IdempotencyKey, subscriptionId: string, to: PlanInput & { chargeMinor: string }) => Promise<PlanChangeView>;
  /** Agrees to the tier's newest offer, from the end of what is paid. Refuses `tier_unknown` when it is not the newest any more. */
  acceptTierOffer: (actor: Actor, key: IdempotencyKey, subscriptionId: string, input: { offerVersion: number }) => Promise<PlanChangeView>;
  /** Takes a change back that waits for the end of what is paid. Refuses `subscription_state`. */
  withdrawPlanChange: (actor: Actor, key: IdempotencyKey, subscriptionId: string) => Promise<SubscriptionView>;
  /** It runs to the end of what is paid, and is not renewed. */
  cancelSubscription: (actor: Actor, key: IdempotencyKey, subscriptionId: string) => Promise<SubscriptionView>;
  /** It renews after all. Refuses `tier_unknown` when the owner took the tier, or the offer that was agreed to, off. */
  resumeSubscription: (actor: Actor, key: IdempotencyKey, subscriptionId: string) => Promise<SubscriptionView>;
  /** Job: makes a change that was asked for at the processor, and books it. */
  applyPlanChange: (changeId: string) => Promise<void>;
}

/** Read an invoice, or a subscription, at the processor and book what it says, as its event would. */
interface Readers {
  applyInvoice: Appliers['invoice'];
  applySubscription: Appliers['subscription'];
}

type Draft = Omit<store.PlanChangeRow, 'state' | 'stripeInvoice' | 'failure'> & { tierName: string };

/** A request that still lives has made its own change by then. */
const FALLBACK_MS = 60_000;
/** The processor takes no charge below about half a US dollar: of a smaller rest more is returned and more is charged. */
export const LEAST_CHARGE_MINOR = 400n;

/** Never below zero: a price below the least charge is charged whole, and the processor says what it thinks of it. */
const notBelowZero = (creditMinor: bigint): bigint => (creditMinor > 0n ? creditMinor : 0n);

function wrongState(detail: string): Refusal {
  return new Refusal('subscription_state', detail);
}

async function mineIn(tx: Tx, actor: Actor, subscriptionId: string, lock: boolean): Promise<subscriptions.SubscriptionRow> {
  const row = lock ? await subscriptions.lockSubscription(tx, subscriptionId) : await subscriptions.findSubscription(tx, subscriptionId);
  if (row?.accountId !== actor.accountId) throw notFound();
  return row;
}

async function sellable(tx: Tx, deps: BillingDeps, row: subscriptions.SubscriptionRow, tierId: string, at: Date): Promise<tiers.TierRow> {
  const tier = await tiers.findTier(tx, tierId);
  if (tier?.cloneId !== row.cloneId || tier.state !== 'ready' || tier.removedAt !== null || tier.kind === 'free') {
    throw new Refusal('tier_unknown', 'The clone has no such tier to subscribe to.');
  }
  await checkSellable(tx, deps, tier, row.declaredCountry, at);
  return tier;
}

/** A change as it would be made at this moment. */
async function draft(tx: Tx, deps: BillingDeps, row: subscriptions.SubscriptionRow, to: PlanInput): Promise<Draft> {
  const at = deps.clock.now();
  const day = dayOf(at);
  if (row.state !== 'active') throw wrongState('Only a subscription that is paid can be changed.');
  if ((await store.openChange(tx, row.id))?.effect === 'now') throw wrongState('Another change is under way.');
  const remains = await remainsOf(tx, row);
  if (remains !== null && remains.accepted === null && remains.remaining.length > 0) throw wrongState('Say first whether you keep what remains of what you have.');
  const tier = await sellable(tx, deps, row, to.tierId, at);
  const from = await tiers.findOffer(tx, row.tierId, row.offerVersion);
  const priceMinor = priceOfInterval(tier, to.interval);
  if (from === null || priceMinor === null) throw new Refusal('tier_unknown', 'This tier is not sold by the year.');
  const effect = effectOf(
    { tierId: row.tierId, version: row.offerVersion, interval: row.interval, monthMinor: from.priceMinor },
    { tierId: tier.id, version: tier.version, interval: to.interval, monthMinor: tier.priceMinor },
  );
  if (effect === null) throw wrongState('This is what you have already.');
  let creditMinor = 0n;
  let refundMinor = 0n;
  if (effect === 'now') {
    // A period whose days are all delivered gives nothing to the change, whether the books have earned them yet or not.
    const credits = (await creditsOn(tx, row, day, 0n)).filter(({ left }) => left.grossMinor > 0n);
    if ((await openOfCharges(tx, credits.map(({ period }) => period.stripeCharge))).length > 0) {
      throw new Refusal('payment_disputed', 'Your bank is asking what you paid back. The plan can be changed when that is decided.');
    }
    const unused = credits.reduce((sum, { left }) => sum + left.grossMinor, 0n);
    const rest = priceMinor - unused;
    creditMinor = rest <= 0n ? priceMinor : rest < LEAST_CHARGE_MINOR ? notBelowZero(priceMinor - LEAST_CHARGE_MINOR) : unused;
    refundMinor = unused - creditMinor;
  }
  return {
    id: deps.ids.next('planChange'), cloneId: row.cloneId, accountId: row.accountId, subscriptionId: row.id, tierId: tier.id, tierName: tier.name,
    offerVersion: tier.version, interval: to.interval, effect, askedAt: at, day, priceMinor, creditMinor, refundMinor,
  };
}

const asked = { state: 'asked', stripeInvoice: null, failure: null } as const;

async function keep(tx: Tx, made: Draft): Promise<string> {
  const before = await store.openChange(tx, made.subscriptionId);
  if (before !== null) await store.settleChange(tx, before.id, { state: 'withdrawn', at: made.askedAt });
  await store.insertChange(tx, made);
  await enqueue(tx, {
    topic: 'billing.applyPlanChange', payload: { changeId: made.id }, runAt: new Date(made.askedAt.getTime() + FALLBACK_MS),
    dedupeKey: `billing.applyPlanChange:${made.id}`,
  });
  return made.id;
}

/** Makes a change at the processor; what it charged is booked by reading its invoice, as an event would. */
function makeApply(deps: BillingDeps, events: Pick<Readers, 'applyInvoice'>): Plans['applyPlanChange'] {
  const { runTx, provider, clock } = deps;

  /** A change that was withdrawn while it was on its way may have come last: the next period is then of what the fan has, or asked for since. */
  async function checkWanted({ id, subscriptionId }: store.PlanChangeRow, stripeSubscription: string): Promise<void> {
    const wanted = await runTx(async (tx) => {
      if ((await store.findChange(tx, id))?.state !== 'withdrawn') return null;
      const plan = (await store.openChange(tx, subscriptionId)) ?? await subscriptions.findSubscription(tx, subscriptionId);
      return plan === null ? null : tiers.stripePriceOf(await tiers.findOffer(tx, plan.tierId, plan.offerVersion), plan.interval);
    });
    if (wanted !== null) await provider.changeNext({ changeId: `${id}-late`, stripeSubscription, priceId: wanted });
  }

  return async function apply(changeId) {
    const found = await runTx(async (tx) => {
      const change = await store.findChange(tx, changeId);
      if (change?.state !== 'asked') return null;
      const offer = await tiers.findOffer(tx, change.tierId, change.offerVersion);
      return { change, offer, subscription: await subscriptions.findSubscription(tx, change.subscriptionId) };
    });
    if (found === null) return;
    const { change, offer, subscription } = found;
    const stripeSubscription = subscription?.stripeSubscription ?? null;
    const priceId = tiers.stripePriceOf(offer, change.interval);
    if (offer === null || priceId === null || stripeSubscription === null) throw new Error(`Change ${changeId} has no price or no subscription.`);
    const fail = (failure: string): Promise<unknown> => runTx((tx) => store.settleChange(tx, changeId, { state: 'failed', failure, at: clock.now() }));
    if (subscription?.state === 'canceled') {
      await fail('The subscription ended before.');
      return;
    }
    if (change.effect === 'period_end') {
      await provider.changeNext({ changeId, stripeSubscription, priceId });
      await checkWanted(change, stripeSubscription);
      return;
    }
    try {
      const { creditMinor } = change;
      await events.applyInvoice(await provider.changeNow({ changeId, stripeSubscription, priceId, creditMinor, currency: offer.currency }));
    } catch (error) {
      if (error instanceof Refusal && error.code === 'payment_failed') await fail(error.message);
      throw error;
    }
  };
}

function makeEndings(deps: BillingDeps, events: Pick<Readers, 'applySubscription'>): Pick<Plans, 'cancelSubscription' | 'resumeSubscription'> {
  const { runTx, clock, provider } = deps;

  /** Told to the processor and read back from it; told twice is told once. */
  async function setCancel(actor: Actor, key: IdempotencyKey, subscriptionId: string, cancel: boolean): Promise<SubscriptionView> {
    const { stripeSubscription } = await runTx((tx) => once(tx, key, async () => {
      const row = await mineIn(tx, actor, subscriptionId, true);
      if ((row.state !== 'active' && row.state !== 'past_due') || row.stripeSubscription === null) throw wrongState('The subscription does not run.');
      const tier = cancel ? null : await tiers.findTier(tx, row.tierId);
      if (tier !== null && (tier.removedAt !== null || row.offerVersion < tier.withdrawnBelow)) {
        throw new Refusal('tier_unknown', 'The owner took what you agreed to off; it ends with what is paid.');
      }
      if (!cancel && await salesEnded(tx, row.cloneId, row.tierId)) throw stopped();
      return { stripeSubscription: row.stripeSubscription };
    }));
    await provider.setCancelAtPeriodEnd(stripeSubscription, cancel, `cancelAtEnd:${key.scope}:${key.key}`.slice(0, 255));
    await events.applySubscription(stripeSubscription);
    return await runTx(async (tx) => await loadView(tx, await mineIn(tx, actor, subscriptionId, false), clock.now()));
  }

  return {
    cancelSubscription: (actor, key, subscriptionId) => setCancel(actor, key, subscriptionId, true),
    resumeSubscription: (actor, key, subscriptionId) => setCancel(actor, key, subscriptionId, false),
  };
}

export function makePlans(deps: BillingDeps, events: Readers): Plans {
  const { runTx, clock, provider } = deps;
  const apply = makeApply(deps, events);

  async function done(changeId: string): Promise<PlanChangeView> {
    await apply(changeId);
    return await runTx(async (tx) => {
      const change = await store.findChange(tx, changeId);
      if (change === null) throw new Error(`There is no change ${changeId}.`);
      if (change.state === 'failed') throw new Refusal('payment_failed', change.failure ?? 'The change failed.');
      return planChangeView(change, (await tiers.findTier(tx, change.tierId))?.name ?? '');
    });
  }

  return {
    quotePlanChange: (actor, subscriptionId, to) => runTx(async (tx) => {
      const { tierName, ...made } = await draft(tx, deps, await mineIn(tx, actor, subscriptionId, false), to);
      return planChangeView({ ...made, ...asked }, tierName);
    }),

    async changePlan(actor, key, subscriptionId, { chargeMinor, ...to }) {
      const { changeId } = await runTx((tx) => once(tx, key, async () => {
        const row = await mineIn(tx, actor, subscriptionId, true);
        if (row.cancelAtPeriodEnd) throw wrongState('The subscription is ending; resume it first.');
        const made = await draft(tx, deps, row, to);
        const charge = made.effect === 'now' ? made.priceMinor - made.creditMinor : 0n;
        if (charge.toString() !== chargeMinor) {
          const extra = { chargeMinor: charge.toString(), creditMinor: made.creditMinor.toString(), refundMinor: made.refundMinor.toString() };
          throw new Refusal('quote_stale', 'The amount is another one by now; look at it again.', { extra });
        }
        return { changeId: await keep(tx, made) };
      }));
      return await done(changeId);
    },

    async acceptTierOffer(actor, key, subscriptionId, { offerVersion }) {
      const { changeId, resumes } = await runTx((tx) => once(tx, key, async () => {
        const row = await mineIn(tx, actor, subscriptionId, true);
        const made = await draft(tx, deps, row, { tierId: row.tierId, interval: row.interval });
        if (made.offerVersion !== offerVersion) throw new Refusal('tier_unknown', 'There is a newer offer by now; look at it again.');
        return { changeId: await keep(tx, made), resumes: row.cancelAtPeriodEnd ? row.stripeSubscription : null };
      }));
      const view = await done(changeId);
      if (resumes !== null) {
        await provider.setCancelAtPeriodEnd(resumes, false, `accepted:${changeId}`);
        await events.applySubscription(resumes);
      }
      return view;
    },

    async withdrawPlanChange(actor, key, subscriptionId) {
      const { changeId, stripeSubscription, priceId } = await runTx((tx) => once(tx, key, async () => {
        const row = await mineIn(tx, actor, subscriptionId, true);
        const change = await store.openChange(tx, row.id);
        const offer = await tiers.findOffer(tx, row.tierId, row.offerVersion);
        if (change?.effect !== 'period_end' || offer === null) throw wrongState('No change waits for the end of what is paid.');
        await store.settleChange(tx, change.id, { state: 'withdrawn', at: clock.now() });
        return { changeId: change.id, stripeSubscription: row.stripeSubscription ?? '', priceId: tiers.stripePriceOf(offer, row.interval) ?? '' };
      }));
      await provider.changeNext({ changeId: `${changeId}-withdrawn`, stripeSubscription, priceId });
      return await runTx(async (tx) => await loadView(tx, await mineIn(tx, actor, subscriptionId, false), clock.now()));
    },

    ...makeEndings(deps, events),
    applyPlanChange: apply,
  };
}

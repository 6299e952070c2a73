import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { coinsFor } from '../kernel/money.ts';
import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import type { BillingDeps } from './deps.ts';
import { openProblem } from './dunning.ts';
import type { QuotaSource } from './model.ts';
import { isPaused, pausesOf } from './pause-store.ts';
import { priceFor, pricesOf } from './output-price-store.ts';
import * as store from './period-store.ts';
import * as subscriptions from './subscription-store.ts';
import * as tiers from './tier-store.ts';
import { freeTurns } from './tier-terms.ts';
import { currentPeriod, entitlementView, type EntitlementView, leftOf } from './views.ts';

/** What a fan may ask of a clone now, and from which paid period, or of which free turns, it is taken. */
export interface Entitlement {
  source: QuotaSource;
  tierId: string;
  tierName: string;
  capabilities: readonly string[];
  /** What the period cost; 0 for free turns. */
  priceMinor: string;
  currency: string;
  /** Null: without a limit. */
  voiceOutputsGranted: number | null;
  voiceOutputsLeft: number | null;
  declaredCountry: string;
  billingCountry: string | null;
  /** Replies come before those of who has not this: what the offer says. */
  instantReplies: boolean;
  /** The owner has paused the clone: nothing may be delivered, and the days are added to the end. */
  paused: boolean;
}

/**
 * The quota of a paid period, or an account's free turns: a hold before the work, captured with the release, voided
 * otherwise. The counters are moved by the database itself, under a lock, so a thousand requests at once never overspend.
 */
export interface Entitlements {
  entitlement: (tx: Tx, asked: { accountId: string; cloneId: string; at: Date }) => Promise<Entitlement | null>;
  /** The same for a fan who asks. Refuses `not_found` for an unknown clone. */
  getEntitlement: (actor: Actor, cloneId: string) => Promise<EntitlementView>;
}

export interface Quota {
  /**
   * Reserves one output; asked again for the same output it answers the same hold. Refuses `quota_exhausted`,
   * `subscription_state`, `capability_not_in_tier`.
   */
  hold: (tx: Tx, asked: QuotaSource & { outputId: string; capability?: string; at: Date }) => Promise<{ holdId: string; left: number | null }>;
  /** Spends it, in the release's own transaction. Again with the same release: nothing. Refuses `hold_state`. */
  capture: (tx: Tx, holdId: string, spent: { releaseId: string; at: Date }) => Promise<void>;
  /** Gives it back. Again: nothing. Refuses `hold_state` when it was spent. */
  void: (tx: Tx, holdId: string, given: { reason: string; at: Date }) => Promise<void>;
}

type Deps = Pick<BillingDeps, 'ids'>;
type AskedDeps = Pick<BillingDeps, 'runTx' | 'clock' | 'accountCountry' | 'cloneOwner'>;

function holdState(state: string): Refusal {
  return new Refusal('hold_state', `The hold is ${state}.`);
}

/** What could be bought instead, cheapest first: the paywall says it with the same answer that says no. */
async function onSale(tx: Tx, cloneId: string, with_?: string): Promise<{ tiers: { tierId: string; name: string; priceMinor: string; coins: string }[] }> {
  const sold = (await tiers.tiersOf(tx, cloneId)).filter((tier) => tier.kind !== 'free' && tier.state === 'ready'
    && (with_ === undefined || tier.capabilities.includes(with_)));
  return { tiers: sold.map(({ tierId, name, priceMinor }) => ({ tierId, name, priceMinor: priceMinor.toString(), coins: coinsFor(priceMinor).toString() })) };
}

/** Nothing is left: what could be bought instead, and what one more output would cost in coins (null: it is not sold singly). */
async function exhausted(tx: Tx, cloneId: string, tierId: string, detail: string): Promise<Refusal> {
  const single = priceFor(await pricesOf(tx, cloneId), tierId);
  return new Refusal('quota_exhausted', detail, { extra: { left: 0, ...(await onSale(tx, cloneId)), outputCoins: single?.coins.toString() ?? null } });
}

async function checkNamed(tx: Tx, cloneId: string, capabilities: readonly string[], capability: string | undefined): Promise<void> {
  if (capability === undefined || capabilities.includes(capability)) return;
  throw new Refusal('capability_not_in_tier', `Your tier does not include ${capability}.`, { extra: await onSale(tx, cloneId, capability) });
}

/** The free tier on offer and what an account has left of it. */
async function freeOf(tx: Tx, cloneId: string, accountId: string): Promise<{ tier: tiers.TierRow; granted: number | null; left: number | null } | null> {
  const tier = (await tiers.tiersOf(tx, cloneId)).find(({ kind }) => kind === 'free');
  if (tier === undefined) return null;
  const row = await tiers.freeQuota(tx, cloneId, accountId);
  const { granted, used } = freeTurns(tier.outputsPerPeriod, row === null ? null : {
    granted: row.granted, used: row.held + row.captured, current: row.tierId === tier.id && row.offerVersion === tier.version,
  });
  return { tier, granted, left: granted === null ? null : granted - used };
}

async function paidEntitlement(tx: Tx, { accountId, cloneId, at }: { accountId: string; cloneId: string; at: Date }): Promise<Entitlement | null> {
  const today = dayOf(at);
  const begun = await store.begunPeriods(tx, cloneId, accountId, today);
  const pauses = await pausesOf(tx, cloneId, begun.map(({ subscriptionId }) => subscriptionId));
  const last = begun.at(-1);
  const newest = last === undefined ? null : await subscriptions.findSubscription(tx, last.subscriptionId);
  if (newest === null) return null;
  const graceUntil = newest.state === 'past_due' ? (await openProblem(tx, newest.id))?.graceUntil ?? null : null;
  const period = currentPeriod(begun, pauses.of, today, newest.state, graceUntil);
  if (period === null) return null;
  const subscription = period.subscriptionId === newest.id ? newest : await subscriptions.findSubscription(tx, period.subscriptionId);
  const offer = await tiers.findOffer(tx, period.tierId, period.offerVersion);
  if (subscription === null || offer === null) throw new Error(`Period ${period.id} has no subscription or offer.`);
  return {
    source: { subscriptionId: subscription.id, periodId: period.id }, tierId: offer.tierId, tierName: offer.name, capabilities: offer.capabilities, instantReplies: offer.instantReplies,
    priceMinor: period.grossMinor.toString(), currency: period.currency, voiceOutputsGranted: period.granted, voiceOutputsLeft: leftOf(period),
    declaredCountry: subscription.declaredCountry, billingCountry: subscription.billingCountry,
    paused: pauses.whole.some((pause) => pause.to === null),
  };
}

/** Free turns ask for no payment, so the country that the fan declared is the only one there is. */
async function freeEntitlement(
  tx: Tx, deps: AskedDeps, { accountId, cloneId }: { accountId: string; cloneId: string },
): Promise<Entitlement | null> {
  const free = await freeOf(tx, cloneId, accountId);
  if (free === null) return null;
  const country = await deps.accountCountry(tx, accountId);
  if (country === null) return null;
  const { tier, granted, left } = free;
  return {
    source: { freeAccountId: accountId, cloneId }, tierId: tier.id, tierName: tier.name, capabilities: tier.capabilities, instantReplies: tier.instantReplies, priceMinor: '0',
    currency: tier.currency, voiceOutputsGranted: granted, voiceOutputsLeft: left, declaredCountry: country, billingCountry: country,
    paused: await isPaused(tx, cloneId, []),
  };
}

interface Asked {
  outputId: string;
  capability?: string;
  at: Date;
}

async function holdOfPeriod(tx: Tx, deps: Deps, source: { subscriptionId: string; periodId: string }, asked: Asked): Promise<{ holdId: string; left: number }> {
  const period = await store.lockPeriod(tx, source.periodId);
  if (period?.subscriptionId !== source.subscriptionId) throw new Refusal('subscription_state', 'The subscription has no such paid period.');
  const before = await store.holdOfOutput(tx, asked.outputId);
  if (before !== null) {
    if (before.periodId !== source.periodId || before.state !== 'held') throw holdState(before.state);
    return { holdId: before.id, left: leftOf(period) };
  }
  if (period.endedOn !== null) throw new Refusal('subscription_state', 'This paid period was ended and refunded.');
  await checkNamed(tx, period.cloneId, (await tiers.findOffer(tx, period.tierId, period.offerVersion))?.capabilities ?? [], asked.capability);
  if (leftOf(period) < 1) throw await exhausted(tx, period.cloneId, period.tierId, 'Nothing is left of this period; it fills again with the next.');
  const holdId = deps.ids.next('hold');
  await store.insertHold(tx, { id: holdId, cloneId: period.cloneId, periodId: source.periodId, freeAccountId: null, outputId: asked.outputId, at: asked.at });
  return { holdId, left: leftOf(period) - 1 };
}

async function holdOfFree(tx: Tx, deps: Deps, source: { freeAccountId: string; cloneId: string }, asked: Asked): Promise<{ holdId: string; left: number | null }> {
  const { freeAccountId, cloneId } = source;
  await tiers.lockFree(tx, cloneId, freeAccountId);
  const before = await store.holdOfOutput(tx, asked.outputId);
  const free = await freeOf(tx, cloneId, freeAccountId);
  if (before !== null) {
    if (before.freeAccountId !== freeAccountId || before.state !== 'held') throw holdState(before.state);
    return { holdId: before.id, left: free?.left ?? null };
  }
  if (free === null) throw new Refusal('subscription_state', 'The owner gives nothing of this clone away any more.');
  await checkNamed(tx, cloneId, free.tier.capabilities, asked.capability);
  if (free.left !== null && free.left < 1) throw await exhausted(tx, cloneId, free.tier.id, 'Your free turns are used up.');
  const holdId = deps.ids.next('hold');
  await store.insertHold(tx, { id: holdId, cloneId, periodId: null, freeAccountId, outputId: asked.outputId, at: asked.at });
  return { holdId, left: free.left === null ? null : free.left - 1 };
}

export function makeEntitlements(deps: AskedDeps): Entitlements {
  const entitlement: Entitlements['entitlement'] = async (tx, asked) => (await paidEntitlement(tx, asked)) ?? (await freeEntitlement(tx, deps, asked));
  return {
    entitlement,

    async getEntitlement(actor, cloneId) {
      return await deps.runTx(async (tx) => {
        if ((await deps.cloneOwner(tx, cloneId)) === null) throw notFound();
        return entitlementView(cloneId, await entitlement(tx, { accountId: actor.accountId, cloneId, at: deps.clock.now() }));
      });
    },
  };
}

export function makeQuota(deps: Deps): Quota {
  return {
    async hold(tx, { outputId, at, capability, ...source }) {
      const asked = { outputId, at, ...(capability === undefined ? {} : { capability }) };
      if ('coinsAccountId' in source) throw new Error('Coins are not held by quota.');
      return 'periodId' in source ? await holdOfPeriod(tx, deps, source, asked) : await holdOfFree(tx, deps, source, asked);
    },

    async capture(tx, holdId, { releaseId, at }) {
      const hold = await store.lockHold(tx, holdId);
      if (hold?.state === 'captured' && hold.releaseId === releaseId) return;
      if (hold?.state !== 'held') throw holdState(hold?.state ?? 'unknown');
      await store.captureHold(tx, holdId, releaseId, at);
    },

    async void(tx, holdId, { reason, at }) {
      const hold = await store.lockHold(tx, holdId);
      if (hold?.state === 'voided') return;
      if (hold?.state !== 'held') throw holdState(hold?.state ?? 'unknown');
      await store.voidHold(tx, holdId, reason, at);
    },
  };
}

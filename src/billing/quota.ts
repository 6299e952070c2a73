import { Refusal } from '../kernel/refusals.ts';
import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import type { BillingDeps } from './deps.ts';
import * as store from './period-store.ts';
import * as subscriptions from './subscription-store.ts';
import { currentPeriod, leftOf } from './views.ts';

/** What a fan may ask of a clone now, and from which paid period it is taken. */
export interface Entitlement {
  subscriptionId: string;
  tierId: string;
  tierName: string;
  periodId: string;
  /** What the period cost. */
  priceMinor: string;
  currency: string;
  voiceOutputsLeft: number;
  declaredCountry: string;
  billingCountry: string | null;
  /** The owner has paused the clone: nothing may be delivered, and the days are added to the end. */
  paused: boolean;
}

/**
 * The quota of a paid period: a hold before the work, captured with the release, voided otherwise. The counter is the
 * period's row, locked here and moved by the database itself, so a thousand requests at once never overspend.
 */
export interface Quota {
  entitlement: (tx: Tx, asked: { accountId: string; cloneId: string; at: Date }) => Promise<Entitlement | null>;
  /** Reserves one output; asked again for the same output it answers the same hold. Refuses `quota_exhausted`, `subscription_state`. */
  hold: (tx: Tx, asked: { subscriptionId: string; periodId: string; outputId: string; at: Date }) => Promise<{ holdId: string; left: number }>;
  /** Spends it, in the release's own transaction. Again with the same release: nothing. Refuses `hold_state`. */
  capture: (tx: Tx, holdId: string, spent: { releaseId: string; at: Date }) => Promise<void>;
  /** Gives it back. Again: nothing. Refuses `hold_state` when it was spent. */
  void: (tx: Tx, holdId: string, given: { reason: string; at: Date }) => Promise<void>;
}

function holdState(state: string): Refusal {
  return new Refusal('hold_state', `The hold is ${state}.`);
}

export function makeQuota(deps: Pick<BillingDeps, 'ids'>): Quota {
  return {
    async entitlement(tx, { accountId, cloneId, at }) {
      const today = dayOf(at);
      const pauses = await store.pausesOf(tx, cloneId);
      const begun = await store.begunPeriods(tx, cloneId, accountId, today);
      const last = begun.at(-1);
      const newest = last === undefined ? null : await subscriptions.findSubscription(tx, last.subscriptionId);
      if (newest === null) return null;
      const period = currentPeriod(begun, pauses, today, newest.state);
      if (period === null) return null;
      const subscription = period.subscriptionId === newest.id ? newest : await subscriptions.findSubscription(tx, period.subscriptionId);
      const tier = await subscriptions.findTier(tx, period.tierId);
      if (subscription === null || tier === null) throw new Error(`Period ${period.id} has no subscription or tier.`);
      return {
        subscriptionId: subscription.id, tierId: tier.id, tierName: tier.name, periodId: period.id, priceMinor: period.grossMinor.toString(), currency: period.currency, voiceOutputsLeft: leftOf(period),
        declaredCountry: subscription.declaredCountry, billingCountry: subscription.billingCountry,
        paused: pauses.some((pause) => pause.to === null),
      };
    },

    async hold(tx, { subscriptionId, periodId, outputId, at }) {
      const period = await store.lockPeriod(tx, periodId);
      if (period?.subscriptionId !== subscriptionId) throw new Refusal('subscription_state', 'The subscription has no such paid period.');
      const before = await store.holdOfOutput(tx, outputId);
      if (before !== null) {
        if (before.periodId !== periodId || before.state !== 'held') throw holdState(before.state);
        return { holdId: before.id, left: leftOf(period) };
      }
      if (period.endedOn !== null) throw new Refusal('subscription_state', 'This paid period was ended and refunded.');
      if (leftOf(period) < 1) throw new Refusal('quota_exhausted', 'Nothing is left of this period; it fills again with the next.');
      const holdId = deps.ids.next('hold');
      await store.insertHold(tx, { id: holdId, cloneId: period.cloneId, periodId, outputId, at });
      return { holdId, left: leftOf(period) - 1 };
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

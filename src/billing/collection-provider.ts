import type Stripe from 'stripe';

import { Refusal } from '../kernel/refusals.ts';
import { dayOf, daysBetween, type Day } from '../kernel/time.ts';
import { idOf, type StripePort } from '../platform/stripe/index.ts';

/** When the processor collects. Both compare first: what is so already is not asked for again. `cause` names the reason once. */
export interface CollectionProvider {
  /** Nothing is collected: a renewal's invoice is void, and its days are not paid for. */
  holdCollection: (stripeSubscription: string, cause: string) => Promise<void>;
  /**
   * Collects again, and bills next when what is paid has ended (null: nothing is). Refuses `unavailable` while a payment is on its
   * way to us that would change that day.
   */
  resumeCollection: (stripeSubscription: string, on: { paidUntil: Day | null; now: Date; cause: string }) => Promise<void>;
}

const DAY_SECONDS = 86_400;

type Move = Pick<Stripe.SubscriptionUpdateParams, 'trial_end' | 'billing_cycle_anchor' | 'proration_behavior'>;

/** At the same hour of another day: the business calendar has no summer time. */
function onDay(seconds: number, day: Day): number {
  return seconds + daysBetween(dayOf(new Date(seconds * 1_000)), day) * DAY_SECONDS;
}

function moveOf(subscription: Stripe.Subscription, latest: Stripe.Invoice | null, paidUntil: Day | null, now: Date): Move {
  const end = subscription.items.data[0]?.current_period_end;
  // A renewal that failed is the dunning's: it is paid, or it ends.
  if (end === undefined || paidUntil === null || (subscription.status !== 'active' && subscription.status !== 'trialing')) return {};
  const endDay = dayOf(new Date(end * 1_000));
  if (paidUntil === endDay) return {};
  if (paidUntil < endDay) {
    // Only a period whose invoice was void is not paid for. A paid one is on its way here; an open one is collected.
    if (latest?.status === 'paid' && latest.amount_paid > 0) throw new Refusal('unavailable', 'A payment of this subscription is not booked yet.');
    if (latest?.status !== 'void') return {};
  }
  const next = onDay(end, paidUntil);
  // A period that is run on counts as a trial there; what is over already is billed from now.
  if (next > now.getTime() / 1_000) return { trial_end: next, proration_behavior: 'none' };
  return subscription.status === 'trialing' ? { trial_end: 'now', proration_behavior: 'none' } : { billing_cycle_anchor: { type: 'now' }, proration_behavior: 'none' };
}

export function makeCollectionProvider({ run, withKey }: StripePort): CollectionProvider {
  const retrieve = (id: string): Promise<Stripe.Subscription> => run((sdk) => sdk.subscriptions.retrieve(id));
  const isOver = ({ status }: Stripe.Subscription): boolean => status === 'canceled' || status === 'incomplete_expired';

  return {
    async holdCollection(id, cause) {
      const subscription = await retrieve(id);
      if (isOver(subscription) || subscription.pause_collection !== null) return;
      await run((sdk) => sdk.subscriptions.update(id, { pause_collection: { behavior: 'void' } }, withKey(`hold:${id}:${cause}`)));
    },

    async resumeCollection(id, { paidUntil, now, cause }) {
      const subscription = await retrieve(id);
      if (isOver(subscription)) return;
      const invoiceId = idOf(subscription.latest_invoice);
      const latest = invoiceId === null ? null : await run((sdk) => sdk.invoices.retrieve(invoiceId));
      const move = moveOf(subscription, latest, paidUntil, now);
      const held = subscription.pause_collection !== null;
      if (!held && Object.keys(move).length === 0) return;
      // Another move is another request: on another day than the first try, what is over has to be billed at once.
      await run((sdk) => sdk.subscriptions.update(id, { ...(held ? { pause_collection: '' as const } : {}), ...move },
        withKey(`collect:${id}:${cause}:${held}:${move.trial_end ?? move.billing_cycle_anchor?.type ?? ''}`)));
    },
  };
}

import { Refusal } from '../kernel/refusals.ts';
import { dayOf, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { askToAlign, askToAlignOne } from './collection-jobs.ts';
import type { BillingDeps } from './deps.ts';
import { endDayWithPauses } from './model.ts';
import { isPaused, pausesOf } from './pause-store.ts';
import * as periods from './period-store.ts';
import { openChange } from './plan-store.ts';
import * as store from './subscription-store.ts';
import { findOffer } from './tier-store.ts';

/** What the processor collects, and when: nothing while paused, and a renewal when what is paid has ended, not before. */
export interface Collection {
  /** Job: one subscription, for a reason that is named once. It compares, and changes what differs. */
  alignCollection: (subscriptionId: string, cause: string) => Promise<void>;
  /** Job: asks for each that renews of a clone, or of all (null); a part, and a job for the rest. */
  alignCollections: (of: { cloneId: string | null; at: Date; after: string }) => Promise<void>;
}

const BATCH = 500;
/** Looks at one subscription until nothing has changed since the processor was told. */
const TRIES = 10;

/** The first day that is not paid for; null when nothing is paid. */
async function paidUntil(tx: Tx, row: store.SubscriptionRow, today: Day): Promise<Day | null> {
  const pauses = await pausesOf(tx, row.cloneId, [row.id]);
  const ends = (await periods.periodsOfSubscription(tx, row.id)).filter(({ endedOn }) => endedOn === null)
    .map((period) => endDayWithPauses(period, pauses.of(period), today));
  return ends.reduce<Day | null>((last, end) => (last === null || end > last ? end : last), null);
}

/** What of a subscription is to be collected, and when. */
interface Wanted {
  stripeSubscription: string;
  paused: boolean;
  paidUntil: Day | null;
}

/** Null when it renews no more. */
async function wanted(tx: Tx, subscriptionId: string, today: Day): Promise<Wanted | null> {
  const row = await store.findSubscription(tx, subscriptionId);
  if ((row?.state !== 'active' && row?.state !== 'past_due') || row.stripeSubscription === null) return null;
  // What it is and until when it is paid is being changed at the processor: looked at again when that is booked.
  if ((await openChange(tx, row.id))?.effect === 'now') throw new Refusal('unavailable', 'A change of plan is under way.');
  const offer = await findOffer(tx, row.tierId, row.offerVersion);
  return {
    stripeSubscription: row.stripeSubscription, paused: await isPaused(tx, row.cloneId, offer?.capabilities ?? []), paidUntil: await paidUntil(tx, row, today),
  };
}

export function makeCollection({ runTx, clock, provider }: Pick<BillingDeps, 'runTx' | 'clock' | 'provider'>): Collection {
  async function tell({ stripeSubscription, paused, paidUntil: until }: Wanted, cause: string): Promise<void> {
    if (paused) await provider.holdCollection(stripeSubscription, cause);
    else await provider.resumeCollection(stripeSubscription, { paidUntil: until, now: clock.now(), cause });
  }

  return {
    async alignCollection(subscriptionId, cause) {
      // A pause that was lifted while its hold was on the way had found nothing to lift: so whoever tells looks again.
      for (let tries = 0, told: Wanted | null = null; tries < TRIES; tries += 1) {
        const now = await runTx((tx) => wanted(tx, subscriptionId, dayOf(clock.now())));
        if (now === null || (told?.paused === now.paused && told.paidUntil === now.paidUntil)) return;
        await tell(now, tries === 0 ? cause : `${cause}:${tries}`);
        told = now;
      }
      throw new Refusal('unavailable', 'What is to be collected is changing too often.');
    },

    alignCollections: ({ cloneId, at, after }) => runTx(async (tx) => {
      const rows = await store.renewingOf(tx, cloneId, after, BATCH);
      for (const subscriptionId of rows) await askToAlignOne(tx, { subscriptionId, cause: `${cloneId ?? 'all'}:${at.getTime()}`, at });
      const last = rows.at(-1);
      if (last !== undefined && rows.length === BATCH) await askToAlign(tx, { cloneId, at, after: last });
    }),
  };
}

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

/** The first day that is not paid for; null when nothing is paid. */
async function paidUntil(tx: Tx, row: store.SubscriptionRow, today: Day): Promise<Day | null> {
  const pauses = await pausesOf(tx, row.cloneId, [row.id]);
  const ends = (await periods.periodsOfSubscription(tx, row.id)).filter(({ endedOn }) => endedOn === null)
    .map((period) => endDayWithPauses(period, pauses.of(period), today));
  return ends.reduce<Day | null>((last, end) => (last === null || end > last ? end : last), null);
}

export function makeCollection({ runTx, clock, provider }: Pick<BillingDeps, 'runTx' | 'clock' | 'provider'>): Collection {
  return {
    async alignCollection(subscriptionId, cause) {
      const found = await runTx(async (tx) => {
        const row = await store.findSubscription(tx, subscriptionId);
        if ((row?.state !== 'active' && row?.state !== 'past_due') || row.stripeSubscription === null) return null;
        // What it is and until when it is paid is being changed at the processor: looked at again when that is booked.
        if ((await openChange(tx, row.id))?.effect === 'now') throw new Refusal('unavailable', 'A change of plan is under way.');
        const offer = await findOffer(tx, row.tierId, row.offerVersion);
        const today = dayOf(clock.now());
        return {
          stripeSubscription: row.stripeSubscription, paused: await isPaused(tx, row.cloneId, offer?.capabilities ?? []), paidUntil: await paidUntil(tx, row, today),
        };
      });
      if (found === null) return;
      const { stripeSubscription, paused, paidUntil: until } = found;
      if (paused) await provider.holdCollection(stripeSubscription, cause);
      else await provider.resumeCollection(stripeSubscription, { paidUntil: until, now: clock.now(), cause });
    },

    alignCollections: ({ cloneId, at, after }) => runTx(async (tx) => {
      const rows = await store.renewingOf(tx, cloneId, after, BATCH);
      for (const subscriptionId of rows) await askToAlignOne(tx, { subscriptionId, cause: `${cloneId ?? 'all'}:${at.getTime()}`, at });
      const last = rows.at(-1);
      if (last !== undefined && rows.length === BATCH) await askToAlign(tx, { cloneId, at, after: last });
    }),
  };
}

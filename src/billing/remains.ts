import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { BillingDeps } from './deps.ts';
import { periodsOfSubscription } from './period-store.ts';
import { lockSales } from './refund-store.ts';
import * as store from './remains-store.ts';
import { loadView } from './sales.ts';
import * as subscriptions from './subscription-store.ts';
import type { SubscriptionView } from './views.ts';

/** What is left of a tier after one of its capabilities was stopped. */
export interface Remains {
  /**
   * Keeps what remains to the end of what is paid, or has the unused days returned at once. Until `closesAt`; who does not answer
   * has them returned then, counted from the day of the stop. The first answer stays. Refuses `not_found`, `subscription_state`.
   */
  answerRemains: (actor: Actor, key: IdempotencyKey, subscriptionId: string, answer: { stopId: string; accept: boolean }) => Promise<SubscriptionView>;
}

const wrongState = (detail: string): Refusal => new Refusal('subscription_state', detail);

async function answer(tx: Tx, deps: BillingDeps, actor: Actor, subscriptionId: string, { stopId, accept }: { stopId: string; accept: boolean }): Promise<void> {
  const row = await subscriptions.lockSubscription(tx, subscriptionId);
  if (row?.accountId !== actor.accountId) throw notFound();
  // A settlement of the same clone waits until this is committed, or was through before.
  await lockSales(tx, row.cloneId, 'shared');
  const remains = await store.remainsOf(tx, row);
  if (remains?.stopId !== stopId || remains.remaining.length === 0) throw wrongState('Nothing of this subscription waits for an answer.');
  if (remains.accepted === accept) return;
  if (remains.accepted !== null) throw wrongState('This was answered already.');
  if (!(await periodsOfSubscription(tx, subscriptionId)).some(({ endedOn, recognisedDays, days }) => endedOn === null && recognisedDays < days)) throw wrongState('What was paid has ended already.');
  const at = deps.clock.now();
  if (at >= remains.closesAt) throw wrongState('The time to answer is over: the unused days are being returned.');
  await store.insertAnswer(tx, { stopId, subscriptionId, accepted: accept, at });
  if (accept) return;
  await enqueue(tx, { topic: 'billing.settleStop', payload: { stopId }, runAt: at, dedupeKey: `billing.settleStop:${stopId}:${subscriptionId}` });
}

export function makeRemains(deps: BillingDeps): Remains {
  return {
    async answerRemains(actor, key, subscriptionId, given) {
      await deps.runTx((tx) => once(tx, key, async () => {
        await answer(tx, deps, actor, subscriptionId, given);
        return {};
      }));
      return await deps.runTx(async (tx) => {
        const row = await subscriptions.findSubscription(tx, subscriptionId);
        if (row?.accountId !== actor.accountId) throw notFound();
        return await loadView(tx, row, deps.clock.now());
      });
    },
  };
}

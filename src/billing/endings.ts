import type { Tx } from '../kernel/tx.ts';
import type { BillingDeps } from './deps.ts';
import { pausedSince, pausesOf } from './pause-store.ts';
import * as periods from './period-store.ts';
import * as refunds from './refund-store.ts';
import * as store from './subscription-store.ts';
import type { Stops } from './stops.ts';
import { tiersWith } from './tier-store.ts';

/** A proof that is renewed, a version that is replaced, a pause that is lifted: until then nobody's subscription ends. */
export const GRACE_DAYS = 30;
const GRACE_MS = GRACE_DAYS * 86_400_000;
const BATCH = 100;

/** What ends ends its renewals too: consent that was taken back or ran out, tiers that it no longer names, nothing to deliver. */
export interface Endings {
  /** At any time and any number of times: gives each clone with living subscriptions one look. */
  lookAround: () => Promise<void>;
  /** Ends what one clone's consent no longer carries, as a stop of what was sold until now. */
  lookAt: (cloneId: string) => Promise<void>;
}

/** Since when nothing has been delivered, or null when something is. */
async function idleSince(tx: Tx, deps: BillingDeps, cloneId: string, at: Date): Promise<Date | null> {
  const pause = (await pausesOf(tx, cloneId, [])).whole.findLast(({ to }) => to === null);
  const served = pause === undefined && await deps.serves(tx, cloneId) && (await deps.proven?.(tx, cloneId, at) ?? true);
  if (served) {
    await store.endGrace(tx, cloneId);
    return null;
  }
  return await store.beginGrace(tx, cloneId, pause?.from ?? at);
}

export function makeEndings(deps: BillingDeps, stops: Pick<Stops, 'settleStop'>): Endings {
  const { runTx, clock, ids } = deps;

  async function end(tx: Tx, cloneId: string, at: Date, tierIds: string[] | null, reason: string): Promise<void> {
    const of = { cloneId, tierIds, before: at };
    const live = await store.countLive(tx, of);
    if (live.renewing + live.unpaid + (await periods.countUnearned(tx, of)) === 0) return;
    // A stop that covers all of it is under way already: another process looked a moment ago.
    const newest = await store.newestSubscription(tx, cloneId, tierIds);
    const under = (await refunds.stopsOfClone(tx, cloneId)).some((stop) => (stop.tierIds === null || tierIds?.every((id) => stop.tierIds?.includes(id)) === true)
      && (stop.final || newest === null || newest.getTime() <= stop.at.getTime()));
    if (under) return;
    await stops.settleStop(tx, { stopId: ids.next('stop'), cloneId, at, tierIds, final: false, reason });
  }

  async function look(tx: Tx, cloneId: string): Promise<void> {
    await refunds.lockSales(tx, cloneId, 'alone');
    const at = clock.now();
    const grant = await deps.grantInForce(tx, cloneId, at);
    if (grant === null) {
      await end(tx, cloneId, at, null, 'grant_ended');
      return;
    }
    const removed = (await store.tiersOf(tx, cloneId, true)).filter(({ name }) => !grant.document.tiers.includes(name)).map(({ id }) => id);
    if (removed.length > 0) await end(tx, cloneId, at, removed, 'tier_removed');
    for (const capability of await pausedSince(tx, cloneId, new Date(at.getTime() - GRACE_MS))) {
      const naming = await tiersWith(tx, cloneId, capability);
      if (naming.length > 0) await end(tx, cloneId, at, naming, 'undelivered');
    }
    const since = await idleSince(tx, deps, cloneId, at);
    if (since !== null && at.getTime() - since.getTime() >= GRACE_MS) await end(tx, cloneId, at, null, 'undelivered');
  }

  const lookAt = (cloneId: string): Promise<void> => runTx((tx) => look(tx, cloneId));

  return {
    lookAt,
    async lookAround() {
      for (let after = ''; ;) {
        const clones = await runTx((tx) => store.clonesWithSubscriptions(tx, after, BATCH));
        for (const cloneId of clones) await lookAt(cloneId);
        const last = clones.at(-1);
        if (last === undefined || clones.length < BATCH) return;
        after = last;
      }
    },
  };
}

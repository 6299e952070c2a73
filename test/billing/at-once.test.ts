import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { BillingDeps } from '../../src/billing/deps.ts';
import { makeStops } from '../../src/billing/stops.ts';
import { insertSubscription } from '../../src/billing/subscription-store.ts';
import { makeTiers } from '../../src/billing/tiers.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { until } from '../support/until.ts';
import { refusal } from './refusal.ts';
import { CLONE, openWorld, OWNER, type World } from './support.ts';

/** What is asked for while something before it is still on its way to the processor, and what is asked for again within the day that keys are known there. */
let world: World;
let friend: string;
let work: string;
beforeAll(async () => {
  world = await openWorld();
  friend = await world.tier('friend', '600');
  work = await world.tier('work', '3000');
});
afterAll(async () => {
  await world.close();
});

async function atStripe(subscriptionId: string) {
  const [row] = await world.db.asOwner<{ id: string }>('SELECT stripe_subscription AS id FROM subscription WHERE id = $1', [subscriptionId]);
  return await world.port.sdk.subscriptions.retrieve(row?.id ?? '');
}

/** Does something while the next call of one kind is on its way, that is before it arrives. */
function meanwhile(call: 'holdCollection' | 'changeNext', work: () => Promise<unknown>): void {
  const { provider } = world;
  const arrives = provider[call] as (...all: unknown[]) => Promise<void>;
  Object.assign(provider, {
    async [call](...all: unknown[]) {
      Object.assign(provider, { [call]: arrives });
      await work();
      await arrives(...all);
    },
  });
}

describe('an offer that is taken off', () => {
  it('ends again on the same day for who had accepted the one between', async () => {
    const fan = world.fan('mei');
    const { subscriptionId } = await world.subscribed(fan, friend);
    for (const version of [2, 3]) {
      await world.billing.changeTierOffer(OWNER, world.key('offer'), { cloneId: CLONE, tierId: friend, priceMinor: `${version}00` });
      await world.drain();
      await world.billing.removeTier(OWNER, world.key('remove'), { cloneId: CLONE, tierId: friend, belowVersion: version });
      await world.drain();
      expect([version, (await atStripe(subscriptionId)).cancel_at_period_end]).toEqual([version, true]);
      if (version === 3) break;
      await world.billing.acceptTierOffer(fan, world.key('accept'), subscriptionId, { offerVersion: version });
      await world.drain();
      expect((await atStripe(subscriptionId)).cancel_at_period_end).toBe(false);
    }
  });
});

describe('what takes more than one job', () => {
  const rest = async (jobId: string): Promise<unknown[]> => await world.db.asOwner(`SELECT topic, payload ->> 'after' AS after FROM job WHERE dedupe_key LIKE $1`, [`%${jobId}%`]);

  it('goes on when it comes to the same place again, of another offer or days later', async () => {
    const client = new pg.Client({ connectionString: world.db.superuserUrl });
    await client.connect();
    await client.query(`SET session_replication_role = replica;
      INSERT INTO tier (id, clone_id, name, created_by, created_at, kind, removed_at) VALUES ('tir_many', 'cln_many', 'many', 'acc_owner', now(), 'friend', now());
      INSERT INTO subscription (id, clone_id, account_id, tier_id, declared_country, created_at, state, stripe_subscription)
        SELECT 'sub_' || lpad(i::text, 26, '0'), 'cln_many', 'acc_' || i, 'tir_many', 'CN', now(), 'active', 'sub_stripe_' || i FROM generate_series(1, 950) i;
      INSERT INTO billing_stop (stop_id, clone_id, at, day) VALUES ('stp_many', 'cln_many', '2026-01-01', '2026-01-01')`);
    await client.end();
    const { db: { runTx }, clock, ids } = world;
    const deps = { runTx, clock, ids, provider: { setCancelAtPeriodEnd: () => Promise.resolve() } } as unknown as BillingDeps;
    for (const jobId of ['job_one', 'job_two', 'job_two']) {
      await makeTiers(deps).endOffers('tir_many', jobId);
      await makeStops(deps, world.billing).settle('stp_many', jobId);
    }
    for (const jobId of ['job_one', 'job_two']) {
      const sub = (number: string): string => `sub_${number.padStart(26, '0')}`;
      expect(await rest(jobId)).toEqual([{ topic: 'billing.endOffers', after: sub('100') }, { topic: 'billing.settleStop', after: sub('900') }]);
    }
    await world.db.asOwner(`DELETE FROM job WHERE state = 'waiting'`);
  });
});

describe('a pause', () => {
  it('that is lifted while its hold is on the way holds nothing', async () => {
    const { subscriptionId } = await world.subscribed(world.fan('li'), work);
    await world.tx((tx) => world.billing.onPaused(tx, CLONE, world.clock.now(), 'voice'));
    meanwhile('holdCollection', async () => {
      world.clock.set(new Date(world.clock.now().getTime() + 1_000));
      await world.tx((tx) => world.billing.onResumed(tx, CLONE, world.clock.now(), 'voice'));
      for (let more = true; more;) more = await world.runner.runNext();
    });
    await world.drain();
    expect((await atStripe(subscriptionId)).pause_collection).toBeNull();
  });
});

describe('a month that is paid ahead', () => {
  it('while a subscription is being asked for is refused, and takes no coins', async () => {
    const fan = world.fan('tao');
    await world.pay((await world.billing.buyCoins(fan, world.key('coins'), { pack: 'work' })).checkoutUrl);
    await world.drain();
    const before = await world.billing.getWallet(fan);
    const asked = await world.tx(async (tx) => {
      expect(await insertSubscription(tx, {
        id: world.ids.next('subscription'), cloneId: CLONE, accountId: fan.accountId, tierId: work, offerVersion: 1, interval: 'month', declaredCountry: 'CN', createdAt: world.clock.now(),
      })).toBe(true);
      const bought = refusal(world.billing.buyPrepaidMonth(fan, world.key('month'), { cloneId: CLONE, tierId: work }));
      await until(async () => (await world.db.asOwner(`SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`)).length > 0);
      return { bought };
    });
    expect(await asked.bought).toBe('subscription_exists');
    expect(await world.billing.getWallet(fan)).toEqual(before);
  });
});

describe('a change of plan that waits', () => {
  const ask = (fan: Actor, subscriptionId: string, tierId: string): Promise<unknown> =>
    world.billing.changePlan(fan, world.key('changePlan'), subscriptionId, { tierId, interval: 'month', chargeMinor: '0' });

  it('is not made when it is withdrawn, or another is asked for, while it is on its way', async () => {
    const fan = world.fan('wu');
    const { subscriptionId } = await world.subscribed(fan, work);
    const price = async (): Promise<number | null | undefined> => (await atStripe(subscriptionId)).items.data[0]?.price.unit_amount;
    meanwhile('changeNext', () => world.billing.withdrawPlanChange(fan, world.key('withdraw'), subscriptionId));
    await ask(fan, subscriptionId, friend);
    expect(await price()).toBe(3_000);
    world.facts.tiers.push('club');
    const club = await world.tier('club', '700');
    meanwhile('changeNext', () => ask(fan, subscriptionId, club));
    await ask(fan, subscriptionId, friend);
    expect(await price()).toBe(700);
  });
});

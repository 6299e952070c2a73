import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Actor } from '../../src/kernel/request.ts';
import { openRoyalties, type RoyaltiesWorld } from '../royalties/world.ts';
import { noon } from './support.ts';

/** One life of fan money and owner money; the sandbox keeps every request that it got. */
let world: RoyaltiesWorld;
let requests: ReturnType<RoyaltiesWorld['sandbox']['control']['record']>;
let fan: Actor;
beforeAll(async () => {
  world = await openRoyalties();
  requests = world.sandbox.control.record();
  fan = world.fan('mei');
});
afterAll(async () => {
  await world.close();
});

async function paid(page: Promise<{ checkoutUrl: string | null }>): Promise<void> {
  expect(await world.pay((await page).checkoutUrl)).toBe(303);
  await world.drain();
}

/** Everything that money does here, once. */
async function journey(): Promise<void> {
  const { billing, royalties, operator, cloneId } = world;
  const friend = await world.newTier('friend', '600');
  const work = await world.newTier('work', '3000');
  await world.signedSplit();
  const subscribed = await billing.subscribe(fan, world.key('subscribe'), { cloneId, tierId: friend });
  await paid(Promise.resolve(subscribed));
  const { subscriptionId } = subscribed;
  world.facts.tiers.push('club');
  const club = await world.newTier('club', '700');
  await billing.subscribe(world.fan('li'), world.key('subscribe'), { cloneId, tierId: club });
  await billing.removeTier(world.owner.actor, world.key('removeTier'), { cloneId, tierId: club });
  await world.drain();
  const periodId = await world.paid('wu', friend);
  await billing.openBillingPortal(fan);
  await billing.openBillingPortal(fan);
  for (let round = 0; round < 2; round += 1) {
    await billing.cancelSubscription(fan, world.key('cancel'), subscriptionId);
    await billing.resumeSubscription(fan, world.key('resume'), subscriptionId);
  }
  const { chargeMinor } = await billing.quotePlanChange(fan, subscriptionId, { tierId: work, interval: 'month' });
  await billing.changePlan(fan, world.key('plan'), subscriptionId, { tierId: work, interval: 'month', chargeMinor });
  await billing.changePlan(fan, world.key('plan'), subscriptionId, { tierId: friend, interval: 'month', chargeMinor: '0' });
  await billing.withdrawPlanChange(fan, world.key('withdraw'), subscriptionId);
  await paid(billing.buyCoins(fan, world.key('coins'), { pack: 'friend' }));
  await billing.returnCoins(fan, world.key('return'), {});
  await world.drain();
  await paid(billing.buyCoins(fan, world.key('coins'), { pack: 'friend' }));
  const charge = world.sandbox.control.book().findLast((entry) => entry.type === 'charge')!.source!;
  await world.sandbox.control.closeDispute(await world.sandbox.control.openDispute(charge), 'lost');
  await world.drain();
  await world.moveTo(noon('2026-04-02'));
  await world.run('2026-04-01');
  await world.onboard(world.owner);
  await world.onboard(world.agency);
  await royalties.closeStatements(operator.actor, world.key('close'), { throughDay: '2026-04-01' });
  await royalties.createPayouts(operator.actor, world.key('payouts'), {});
  await world.drain();
  await royalties.refundGoodwill(operator.actor, world.key('refund'), { periodId, days: ['2026-03-10'], reason: 'Nothing was there.' });
  await world.drain();
  await world.tx((tx) => billing.settleStop(tx, { stopId: 'stp_all', cloneId, at: world.clock.now() }));
  await world.drain();
  await world.checkBooks();
}

describe('every request of a whole life that writes at the processor', () => {
  it('carries a key of ours, no key carries two requests, and none carries what another did', async () => {
    await journey();
    // What this test asks for itself is the sandbox's clock, which no fan and no payee meets.
    const writes = requests.filter(({ method, path }) => method !== 'GET' && !path.startsWith('/v1/test_helpers'));
    const kinds = new Set(writes.map(({ method, path }) => `${method} ${path.replace(/_[A-Za-z0-9_]{8,}/g, '_…')}`));
    for (const kind of [
      'POST /v1/products', 'POST /v1/prices', 'POST /v1/customers', 'POST /v1/checkout/sessions', 'POST /v1/checkout/sessions/cs_…/expire',
      'POST /v1/subscriptions/sub_…', 'DELETE /v1/subscriptions/sub_…', 'POST /v1/refunds', 'POST /v1/billing_portal/sessions', 'POST /v1/billing_portal/configurations',
      'POST /v1/accounts', 'POST /v1/account_links', 'POST /v1/transfers',
    ]) expect([...kinds], kind).toContain(kind);
    const bodies = new Map<string, string>();
    for (const { method, path, body, account, idempotencyKey } of writes) {
      expect(idempotencyKey, `${method} ${path}`).not.toBeNull();
      expect(idempotencyKey).not.toMatch(/^stripe-node-retry/);
      const name = `${account} ${idempotencyKey ?? ''}`;
      const request = `${method} ${path} ${body}`;
      expect(bodies.get(name) ?? request, name).toBe(request);
      bodies.set(name, request);
    }
    expect(writes.length).toBeGreaterThan(30);
  });
});

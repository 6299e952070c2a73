import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makePaymentProvider } from '../../src/billing/index.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { chart } from '../../src/ledger/index.ts';
import { refusal } from './refusal.ts';
import { CLONE, GOOD_CARD, noon, openWorld, OWNER, type World } from './support.ts';

const CARD_FAILS_LATER = '4000000000000341';

let world: World;
let tierId: string;
beforeAll(async () => {
  world = await openWorld();
  tierId = await world.tier();
  await world.billing.createTier(OWNER, world.key('createTier'), { cloneId: CLONE, name: 'free' });
});
afterAll(async () => {
  await world.close();
});

async function paysOnce(fan: Actor): Promise<string> {
  const { subscriptionId, checkoutUrl } = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId });
  expect(await world.pay(checkoutUrl, CARD_FAILS_LATER)).toBe(303);
  await world.drain();
  return subscriptionId;
}

const view = (fan: Actor, subscriptionId: string) => world.billing.getSubscription(fan, subscriptionId);
const entitled = (fan: Actor) => world.billing.getEntitlement(fan, CLONE);
const periodsOf = (subscriptionId: string) => world.tx((tx) => world.billing.periodsOfSubscription(tx, subscriptionId));

/** A person in the portal. */
async function inPortal(fan: Actor, fields: Record<string, string>, at = world): Promise<number> {
  const { url } = await at.billing.openBillingPortal(fan);
  const { status } = await fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
  await at.drain();
  return status;
}

async function stripeOf(subscriptionId: string): Promise<string> {
  const [row] = await world.db.asOwner<{ id: string }>('SELECT stripe_subscription AS id FROM subscription WHERE id = $1', [subscriptionId]);
  return row!.id;
}

const atStripe = async (subscriptionId: string) => await world.port.sdk.subscriptions.retrieve(await stripeOf(subscriptionId));
const days = async (subscriptionId: string): Promise<string[]> => (await world.db.asOwner<{ text: string }>(
  `SELECT start_day || ' ' || end_day AS text FROM subscription_period WHERE subscription_id = $1 ORDER BY start_day`, [subscriptionId])).map(({ text }) => text);

describe('a renewal that fails', () => {
  it('leaves what was paid for the grace, then the free tier; a later payment brings it back, and nothing unpaid is booked', async () => {
    const fan = world.fan('mei');
    const subscriptionId = await paysOnce(fan);
    await world.moveTo(noon('2026-04-02'));
    expect(await view(fan, subscriptionId)).toMatchObject({
      state: 'past_due', payment: { attempts: 1, graceUntil: '2026-04-09' }, currentPeriod: { startDay: '2026-03-01', voiceOutputsLeft: 100 },
    });
    expect((await view(fan, subscriptionId)).payment?.nextAttemptAt).not.toBeNull();
    expect(await entitled(fan)).toMatchObject({ kind: 'paid', left: 100 });
    expect(await periodsOf(subscriptionId)).toHaveLength(1);
    await world.moveTo(noon('2026-04-08'));
    expect((await view(fan, subscriptionId)).payment).toMatchObject({ attempts: 2, graceUntil: '2026-04-09' });
    expect((await entitled(fan)).kind).toBe('paid');
    await world.moveTo(noon('2026-04-09'));
    // Two tries have failed, and one is to come: meanwhile she is a fan like others.
    expect(await entitled(fan)).toMatchObject({ kind: 'free', left: 9 });
    expect(await view(fan, subscriptionId)).toMatchObject({ state: 'past_due', currentPeriod: null });
    expect(await periodsOf(subscriptionId)).toHaveLength(1);
    await world.checkBooks();
    expect(await inPortal(fan, { action: 'card', card_number: GOOD_CARD, exp: '12 / 34' })).toBe(303);
    await world.moveTo(noon('2026-04-10'));
    const [open] = (await world.port.sdk.invoices.list({ subscription: await stripeOf(subscriptionId), status: 'open' })).data;
    if (open !== undefined) expect(await inPortal(fan, { action: 'pay', invoice: open.id })).toBe(303);
    // The 9th was neither paid for in time nor delivered: it is added to the end, and the processor bills after it.
    expect(await view(fan, subscriptionId)).toMatchObject({ state: 'active', payment: null, currentPeriod: { startDay: '2026-04-01', endDay: '2026-05-02' } });
    expect((await atStripe(subscriptionId)).items.data[0]?.current_period_end).toBe(Date.parse('2026-05-02T02:00:00Z') / 1_000);
    expect((await entitled(fan)).kind).toBe('paid');
    expect((await periodsOf(subscriptionId)).map(({ grossMinor }) => grossMinor)).toEqual([600n, 600n]);
    await world.checkBooks();
  });

  it('again and again ends the subscription, with no further period; raw SQL does not rewrite what was tried', async () => {
    const fan = world.fan('li');
    const subscriptionId = await paysOnce(fan);
    await world.moveTo(noon('2026-06-10'));
    expect(await view(fan, subscriptionId)).toMatchObject({ state: 'canceled', payment: null });
    expect(await periodsOf(subscriptionId)).toHaveLength(1);
    expect((await entitled(fan)).kind).toBe('free');
    await expect(world.db.asApp('UPDATE payment_problem SET attempts = 0')).rejects.toThrow();
    await expect(world.db.asApp(`UPDATE payment_problem SET grace_until = '2099-01-01'`)).rejects.toThrow(/permission denied/);
    await world.checkBooks();
  });
});

describe('a card that is replaced in the portal', () => {
  it('before the renewal pays it; within the grace it pays the next try, and the period is as it was billed, with no day added', async () => {
    const own = await openWorld({ start: '2026-06-10T04:00:00Z' });
    try {
      const tier = await own.tier();
      const card = { action: 'card', card_number: GOOD_CARD, exp: '12 / 34' };
      const [early, late] = [own.fan('tao'), own.fan('bo')];
      const sold: string[] = [];
      for (const fan of [early, late]) {
        const { subscriptionId, checkoutUrl } = await own.billing.subscribe(fan, own.key('subscribe'), { cloneId: CLONE, tierId: tier });
        expect(await own.pay(checkoutUrl, CARD_FAILS_LATER)).toBe(303);
        await own.drain();
        sold.push(subscriptionId);
      }
      const [first = '', second = ''] = sold;
      const seen = (fan: Actor, subscriptionId: string) => own.billing.getSubscription(fan, subscriptionId);
      expect(await inPortal(early, card, own)).toBe(303);
      await own.moveTo(noon('2026-07-11'));
      expect(await seen(early, first)).toMatchObject({ state: 'active', payment: null, currentPeriod: { startDay: '2026-07-10', endDay: '2026-08-10' } });
      expect(await seen(late, second)).toMatchObject({ state: 'past_due', payment: { attempts: 1, graceUntil: '2026-07-18' }, currentPeriod: { startDay: '2026-06-10' } });
      expect(await inPortal(late, card, own)).toBe(303);
      await own.moveTo(noon('2026-07-16'));
      expect(await seen(late, second)).toMatchObject({ state: 'active', payment: null, currentPeriod: { startDay: '2026-07-10', endDay: '2026-08-10', voiceOutputsLeft: 100 } });
      expect((await own.billing.getEntitlement(late, CLONE)).kind).toBe('paid');
      await own.moveTo(noon('2026-08-11'));
      expect((await own.tx((tx) => own.billing.periodsOfSubscription(tx, second))).map(({ startDay }) => startDay)).toEqual(['2026-06-10', '2026-07-10', '2026-08-10']);
      await own.checkBooks();
    } finally {
      await own.close();
    }
  });
});

describe('a subscription at the processor', () => {
  it('is waiting, running, without a payment or over: each of its states is one of ours', async () => {
    const read = async (status: string): Promise<string | undefined> => (await makePaymentProvider({
      ...world.port, run: async <T>() => ({ status, metadata: {}, cancel_at_period_end: false, cancel_at: null }) as T,
    }, { publicUrl: 'http://127.0.0.1:1' }).subscription('sub_1'))?.status;
    const ours = { incomplete: 'waiting', active: 'active', trialing: 'active', past_due: 'past_due', unpaid: 'past_due', paused: 'past_due', canceled: 'canceled', incomplete_expired: 'canceled' };
    for (const [theirs, state] of Object.entries(ours)) expect([theirs, await read(theirs)]).toEqual([theirs, state]);
  });

  it('that is left unpaid stays past due without access after a grace of its own length', async () => {
    const other = await openWorld({ habits: { afterRetries: 'unpaid' }, deps: { settings: { taxRateBasisPoints: 600, paymentGraceDays: 2 } } });
    try {
      const fan = other.fan('mei');
      const sold = await other.billing.subscribe(fan, other.key('subscribe'), { cloneId: CLONE, tierId: await other.tier() });
      expect(await other.pay(sold.checkoutUrl, CARD_FAILS_LATER)).toBe(303);
      await other.drain();
      await other.moveTo(noon('2026-04-02'));
      expect((await other.billing.getSubscription(fan, sold.subscriptionId)).payment).toMatchObject({ graceUntil: '2026-04-04' });
      await other.moveTo(noon('2026-04-20'));
      expect((await other.port.sdk.subscriptions.list({ status: 'all' })).data[0]?.status).toBe('unpaid');
      expect(await other.billing.getSubscription(fan, sold.subscriptionId)).toMatchObject({ state: 'past_due', currentPeriod: null });
      expect((await other.billing.getEntitlement(fan, CLONE)).kind).toBe('none');
      await other.checkBooks();
      // Paid in the portal it is had again at once, and the sixteen days that were not delivered are added.
      expect(await inPortal(fan, { action: 'card', card_number: GOOD_CARD, exp: '12 / 34' }, other)).toBe(303);
      const [open] = (await other.port.sdk.invoices.list({ status: 'open' })).data;
      if (open !== undefined) expect(await inPortal(fan, { action: 'pay', invoice: open.id }, other)).toBe(303);
      expect(await other.billing.getSubscription(fan, sold.subscriptionId)).toMatchObject({ state: 'active', payment: null, currentPeriod: { startDay: '2026-04-01', endDay: '2026-05-17' } });
      expect((await other.billing.getEntitlement(fan, CLONE)).kind).toBe('paid');
      await other.checkBooks();
    } finally {
      await other.close();
    }
  });
});

describe('the portal', () => {
  it('is for who has bought something, and what is done there comes back by webhook', async () => {
    expect(await refusal(world.billing.openBillingPortal(world.fan('eve')))).toBe('subscription_state');
    const fan = world.fan('wu');
    const { subscriptionId } = await world.subscribed(fan, tierId);
    const { url } = await world.billing.openBillingPortal(fan);
    const page = await (await fetch(url, { headers: { 'accept-language': 'en' } })).text();
    expect(page).toContain('Cancel renewal');
    expect(page).toContain('paid');
    const subscription = await stripeOf(subscriptionId);
    expect(await inPortal(fan, { action: 'cancel', subscription })).toBe(303);
    expect(await view(fan, subscriptionId)).toMatchObject({ cancelAtPeriodEnd: true, state: 'active' });
    expect(await inPortal(fan, { action: 'resume', subscription })).toBe(303);
    expect(await view(fan, subscriptionId)).toMatchObject({ cancelAtPeriodEnd: false });
    // Nobody acts on what is another's, and a card that is none changes nothing.
    const [mine] = (await world.port.sdk.subscriptions.list({ limit: 100 })).data.filter(({ id }) => id !== subscription);
    expect(await inPortal(fan, { action: 'cancel', subscription: mine?.id ?? 'sub_x' })).toBe(422);
    expect(await inPortal(fan, { action: 'card', card_number: '1234', exp: '12 / 34' })).toBe(422);
    const [offered, ...others] = (await world.port.sdk.billingPortal.configurations.list({})).data;
    expect(others).toEqual([]);
    // A plan is changed here alone, since only we work out what that costs.
    expect([offered?.features.subscription_update.enabled, offered?.features.payment_method_update.enabled, offered?.features.invoice_history.enabled]).toEqual([false, true, true]);
    expect(offered?.features.subscription_cancel).toMatchObject({ enabled: true, mode: 'at_period_end', proration_behavior: 'none' });
    expect((await fetch(`${world.sandbox.url}/portal/bps_x`)).status).toBe(404);
  });
});

describe('a pause', () => {
  it('of the whole platform lengthens every paid period, and a day that both pauses cover counts once', async () => {
    const fan = world.fan('b');
    const { subscriptionId } = await world.subscribed(fan, tierId);
    expect((await view(fan, subscriptionId)).currentPeriod).toMatchObject({ startDay: '2026-06-10', endDay: '2026-07-10' });
    await world.tx((tx) => world.billing.onPlatformPaused(tx, world.clock.now()));
    await world.drain();
    expect(await entitled(fan)).toMatchObject({ paused: true });
    expect(await refusal(world.billing.subscribe(world.fan('c'), world.key('subscribe'), { cloneId: CLONE, tierId }))).toBe('stopped');
    await world.moveTo(noon('2026-06-12'));
    await world.tx((tx) => world.billing.onPaused(tx, CLONE, world.clock.now()));
    await world.moveTo(noon('2026-06-15'));
    await world.tx((tx) => world.billing.onPlatformResumed(tx, world.clock.now()));
    await world.drain();
    await world.moveTo(noon('2026-06-17'));
    await world.tx((tx) => world.billing.onResumed(tx, CLONE, world.clock.now()));
    await world.drain();
    // The 11th to the 16th, six days, three of them under both.
    expect((await view(fan, subscriptionId)).currentPeriod).toMatchObject({ endDay: '2026-07-16' });
    const posted = await world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay: '2026-06-17' }));
    expect(posted.posted).toBeGreaterThan(0);
    const [row] = await world.db.asOwner<{ days: number }>('SELECT recognised_days AS days FROM subscription_period WHERE subscription_id = $1', [subscriptionId]);
    expect(row).toEqual({ days: 1 });
    expect(await world.balance(chart.taxPayable('CNY'))).toBeLessThan(0n);
    // Six days later than at first, and one period joins the next.
    expect(await atStripe(subscriptionId)).toMatchObject({ pause_collection: null, status: 'trialing', trial_end: Date.parse('2026-07-16T04:00:00Z') / 1_000 });
    await world.moveTo(noon('2026-07-15'));
    expect(await days(subscriptionId)).toHaveLength(1);
    await world.moveTo(noon('2026-07-17'));
    expect(await days(subscriptionId)).toEqual(['2026-06-10 2026-07-10', '2026-07-16 2026-08-16']);
    await world.billing.cancelSubscription(fan, world.key('cancel'), subscriptionId);
    await world.checkBooks();
  });

  it('holds collection at the processor, over a renewal too, and what is not paid for then is billed when what is paid has ended', async () => {
    const fan = world.fan('slow');
    const { subscriptionId } = await world.subscribed(fan, tierId);
    await world.moveTo(noon('2026-08-10'));
    await world.tx((tx) => world.billing.onPaused(tx, CLONE, world.clock.now()));
    await world.drain();
    expect((await atStripe(subscriptionId)).pause_collection).toEqual({ behavior: 'void', resumes_at: null });
    // The processor's own date was the 17th.
    await world.moveTo(noon('2026-08-20'));
    expect(await days(subscriptionId)).toEqual(['2026-07-17 2026-08-17']);
    expect((await world.port.sdk.invoices.list({ subscription: await stripeOf(subscriptionId), status: 'void' })).data).toHaveLength(1);
    // Twice, and from a worker that died: the same.
    await world.billing.work.alignCollection(subscriptionId, 'again');
    await world.tx((tx) => world.billing.onResumed(tx, CLONE, world.clock.now()));
    await world.tx((tx) => world.billing.onResumed(tx, CLONE, world.clock.now()));
    await world.drain();
    await world.billing.work.alignCollection(subscriptionId, 'again');
    // The 11th to the 19th: nine days.
    expect((await view(fan, subscriptionId)).currentPeriod).toMatchObject({ endDay: '2026-08-26' });
    expect((await atStripe(subscriptionId)).items.data[0]?.current_period_end).toBe(Date.parse('2026-08-26T04:00:00Z') / 1_000);
    await world.moveTo(noon('2026-08-27'));
    expect(await days(subscriptionId)).toEqual(['2026-07-17 2026-08-17', '2026-08-26 2026-09-26']);
    expect((await periodsOf(subscriptionId)).map(({ grossMinor }) => grossMinor)).toEqual([600n, 600n]);
    await world.checkBooks();
    await world.billing.cancelSubscription(fan, world.key('cancel'), subscriptionId);
  });

  it('in the hour of the renewal makes it later by that hour: it is billed when collection begins again', async () => {
    const fan = world.fan('late');
    const { subscriptionId } = await world.subscribed(fan, tierId);
    await world.moveTo('2026-09-27T03:00:00Z');
    await world.tx((tx) => world.billing.onPaused(tx, CLONE, world.clock.now()));
    await world.drain();
    await world.moveTo('2026-09-27T07:00:00Z');
    expect(await days(subscriptionId)).toHaveLength(1);
    await world.tx((tx) => world.billing.onResumed(tx, CLONE, world.clock.now()));
    await world.drain();
    expect(await days(subscriptionId)).toEqual(['2026-08-27 2026-09-27', '2026-09-27 2026-10-27']);
    expect(await view(fan, subscriptionId)).toMatchObject({ state: 'active', currentPeriod: { voiceOutputsLeft: 100 } });
    await world.billing.cancelSubscription(fan, world.key('cancel'), subscriptionId);
    await world.checkBooks();
  });

  it('of a capability lengthens what names it and nothing else, and what names it is not sold meanwhile; after thirty days it is returned as at a stop', async () => {
    world.facts.capabilities = { voice: true, moments: true };
    const both = (await world.billing.createTier(OWNER, world.key('createTier'), { cloneId: CLONE, name: 'work', priceMinor: '3000', capabilities: ['voice', 'moments'] })).tierId;
    await world.drain();
    const [named, other] = [world.fan('crowd'), world.fan('raw')];
    const mine = await world.subscribed(named, both);
    const theirs = await world.subscribed(other, tierId);
    await world.moveTo(noon('2026-10-01'));
    const pause = (state: 'onPaused' | 'onResumed') => world.tx((tx) => world.billing[state](tx, CLONE, world.clock.now(), 'moments'));
    await pause('onPaused');
    await world.drain();
    expect((await atStripe(mine.subscriptionId)).pause_collection).not.toBeNull();
    expect((await atStripe(theirs.subscriptionId)).pause_collection).toBeNull();
    const ask = (wanted: string) => refusal(world.billing.subscribe(world.fan('days'), world.key('subscribe'), { cloneId: CLONE, tierId: wanted }));
    expect(await ask(both)).toBe('stopped');
    expect(await ask(tierId)).toBe('none');
    // What is not paused is delivered on.
    expect(await entitled(named)).toMatchObject({ kind: 'paid', paused: false });
    await world.moveTo(noon('2026-10-05'));
    await pause('onResumed');
    await world.drain();
    expect((await view(named, mine.subscriptionId)).currentPeriod).toMatchObject({ endDay: '2026-10-30' });
    expect((await view(other, theirs.subscriptionId)).currentPeriod).toMatchObject({ endDay: '2026-10-27' });
    await world.moveTo(noon('2026-10-06'));
    await pause('onPaused');
    await world.drain();
    await world.moveTo(noon('2026-11-04'));
    await world.billing.work.lookAt(CLONE);
    await world.drain();
    expect((await view(named, mine.subscriptionId)).state).toBe('active');
    expect(await days(theirs.subscriptionId)).toHaveLength(2);
    await world.moveTo(noon('2026-11-05'));
    await world.billing.work.lookAt(CLONE);
    await world.drain();
    // Four days, then one more, then thirty that were paused: the 5th and the 6th were delivered.
    const [row] = await world.db.asOwner<{ days: number; refunded: string; gross: string }>(
      'SELECT recognised_days AS days, refunded_minor AS refunded, gross_minor AS gross FROM subscription_period WHERE subscription_id = $1', [mine.subscriptionId]);
    expect(row!.days).toBe(7);
    expect(BigInt(row!.refunded)).toBe(3_000n - (2_831n * 7n) / 30n - (169n * 7n) / 30n);
    expect((await view(named, mine.subscriptionId)).state).toBe('canceled');
    expect((await view(other, theirs.subscriptionId)).state).toBe('active');
    await expect(world.db.asApp(`UPDATE capability_pause SET to_at = now() WHERE capability = 'moments'`)).rejects.toThrow(/has ended/);
    await world.checkBooks();
  });
});

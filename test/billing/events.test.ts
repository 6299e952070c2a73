import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { chart } from '../../src/ledger/index.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, type World } from './support.ts';

let world: World;
let tierId: string;
let fan: Actor;
beforeEach(async () => {
  world = await openWorld();
  tierId = await world.tier();
  fan = world.fan('mei');
});
afterEach(async () => {
  await world.close();
});

const BOOKED = `SELECT key, kind FROM ledger_transfer ORDER BY key`;

async function pays(): Promise<string> {
  const opened = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId });
  expect(await world.pay(opened.checkoutUrl)).toBe(303);
  return opened.subscriptionId;
}

async function checkBookedOnce(subscriptionId: string): Promise<void> {
  expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({ state: 'active', billingCountry: 'CN', currentPeriod: { voiceOutputsLeft: 100 } });
  expect(await world.db.asOwner('SELECT 1 FROM subscription_period')).toHaveLength(1);
  expect((await world.db.asOwner<{ kind: string }>(BOOKED)).map((row) => row.kind)).toEqual(['billing.invoice_paid']);
  await world.checkBooks();
}

describe('webhooks', () => {
  it('that come three times and in reverse order are kept once each and booked once', async () => {
    world.sandbox.control.holdDeliveries();
    const subscriptionId = await pays();
    world.sandbox.control.releaseDeliveries({ order: 'reverse', times: 3 });
    await world.drain();
    await checkBookedOnce(subscriptionId);
    const events = await world.db.asOwner<{ id: string; type: string }>('SELECT id, type FROM stripe_event');
    expect(events.map((event) => event.type)).toEqual(expect.arrayContaining(['checkout.session.completed', 'invoice.paid', 'customer.subscription.created']));
    for (const event of events) world.sandbox.control.repeatEvent(event.id);
    await world.drain();
    expect(await world.db.asOwner('SELECT 1 FROM stripe_event')).toHaveLength(events.length);
    await checkBookedOnce(subscriptionId);
  });

  it.each(['invoice.paid', 'invoice.payment_succeeded', 'checkout.session.completed'])('book the payment when only %s arrives', async (only) => {
    world.sandbox.control.holdDeliveries();
    const subscriptionId = await pays();
    world.sandbox.control.releaseDeliveries();
    await world.sandbox.control.idle();
    await world.db.asOwner(`DELETE FROM job WHERE topic = 'billing.applyEvent' AND payload->>'type' <> $1`, [only]);
    await world.drain();
    expect(await world.db.asOwner('SELECT 1 FROM subscription_period')).toHaveLength(1);
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(-567n);
    expect((await world.billing.getSubscription(fan, subscriptionId)).state).toBe('active');
    await world.checkBooks();
  });

  it('are booked once when every job runs twice at the same time, and again after a crash before the mark', async () => {
    world.sandbox.control.holdDeliveries();
    const subscriptionId = await pays();
    world.sandbox.control.releaseDeliveries();
    await world.sandbox.control.idle();
    const events = await world.db.asOwner<{ id: string }>(`SELECT payload->>'eventId' AS id FROM job WHERE topic = 'billing.applyEvent'`);
    expect(events.length).toBeGreaterThan(3);
    await Promise.all(events.flatMap(({ id }) => [world.billing.work.applyEvent(id), world.billing.work.applyEvent(id)]));
    await checkBookedOnce(subscriptionId);
    // Booked, but the process died before the event was marked.
    await world.db.asOwner('ALTER TABLE stripe_event_applied DISABLE TRIGGER USER; DELETE FROM stripe_event_applied');
    await world.drain();
    await checkBookedOnce(subscriptionId);
  });

  it('leave nothing when the ledger refuses, and book all when it takes', async () => {
    world.sandbox.control.holdDeliveries();
    const subscriptionId = await pays();
    world.sandbox.control.releaseDeliveries();
    await world.sandbox.control.idle();
    const [{ id } = { id: '' }] = await world.db.asOwner<{ id: string }>(`SELECT payload->>'eventId' AS id FROM job WHERE payload->>'type' = 'invoice.paid'`);
    const post = world.ledger.post;
    world.ledger.post = () => Promise.reject(new Error('killed here'));
    await expect(world.billing.work.applyEvent(id)).rejects.toThrow('killed here');
    expect(await world.db.asOwner('SELECT 1 FROM subscription_period UNION ALL SELECT 1 FROM stripe_event_applied')).toEqual([]);
    world.ledger.post = post;
    await world.drain();
    await checkBookedOnce(subscriptionId);
  });

  it('forged, stale, from the future, or without a signature are refused and leave no trace', async () => {
    const body = Buffer.from(JSON.stringify({
      id: 'evt_forged', object: 'event', type: 'invoice.paid', created: 1, data: { object: { id: 'in_forged', object: 'invoice' } },
    }));
    const [secret = ''] = await world.sandbox.webhookSecrets(world.webhookUrl);
    const sign = (secondsAway: number, with_ = secret): string => world.port.sdk.webhooks.generateTestHeaderString({
      payload: body.toString(), secret: with_, timestamp: Math.floor(Date.now() / 1000) + secondsAway,
    });
    const send = (bytes: Buffer, header: string | undefined): Promise<string> => refusal(world.billing.receiveStripeEvent(bytes, header));
    expect(await send(body, undefined)).toBe('webhook_signature_invalid');
    expect(await send(body, '')).toBe('webhook_signature_invalid');
    expect(await send(body, 't=1,v1=00')).toBe('webhook_signature_invalid');
    expect(await send(body, sign(0, 'whsec_somebody_else'))).toBe('webhook_signature_invalid');
    expect(await send(body, sign(-301))).toBe('webhook_signature_invalid');
    expect(await send(body, sign(-30 * 86_400))).toBe('webhook_signature_invalid');
    expect(await send(body, sign(400))).toBe('webhook_signature_invalid');
    expect(await send(Buffer.concat([body, Buffer.from(' ')]), sign(0))).toBe('webhook_signature_invalid');
    expect(await world.db.asOwner(`SELECT 1 FROM stripe_event WHERE id = 'evt_forged'`)).toEqual([]);
    expect(await world.db.asOwner(`SELECT 1 FROM job WHERE topic = 'billing.applyEvent'`)).toEqual([]);
  });

  it('about an object that nobody knows are kept and change nothing', async () => {
    for (const [type, object] of [['invoice.paid', 'in_x'], ['checkout.session.completed', 'cs_x'], ['customer.subscription.deleted', 'sub_x'],
      ['refund.updated', 're_x'], ['charge.updated', 'ch_x'], ['price.created', 'price_x']] as const) {
      const body = JSON.stringify({ id: `evt_${type}`, object: 'event', type, created: 1, data: { object: { id: object } } });
      const [secret = ''] = await world.sandbox.webhookSecrets(world.webhookUrl);
      await world.billing.receiveStripeEvent(Buffer.from(body), world.port.sdk.webhooks.generateTestHeaderString({ payload: body, secret }));
    }
    await world.drain();
    const rows = await world.db.asOwner<{ outcome: string }>(`SELECT outcome FROM stripe_event_applied WHERE event_id LIKE 'evt\\_%.%'`);
    expect(rows.map((row) => row.outcome)).toEqual(['not_ours', 'not_ours', 'not_ours', 'not_ours', 'not_ours']);
    expect(await world.db.asOwner('SELECT 1 FROM ledger_transfer')).toEqual([]);
  });

  it('are kept for ever: neither role changes the inbox', async () => {
    await pays();
    await world.drain();
    for (const attack of [`UPDATE stripe_event SET type = 'x'`, 'DELETE FROM stripe_event', 'TRUNCATE stripe_event CASCADE', 'DELETE FROM stripe_event_applied']) {
      await expect(world.db.asApp(attack)).rejects.toThrow(/permission denied/);
      await expect(world.db.asOwner(attack)).rejects.toThrow(/refused/);
    }
  });
});

describe('tax', () => {
  it('can be switched off: the whole price is deferred', async () => {
    const other = await openWorld({ taxRateBasisPoints: 0 });
    try {
      await other.subscribed(other.fan('mei'), await other.tier());
      expect(await other.balance(chart.deferred(CLONE, 'CNY'))).toBe(-600n);
      expect(await other.balance(chart.taxPayable('CNY'))).toBe(0n);
      await other.moveTo(noon('2026-03-05'));
      await other.checkBooks();
    } finally {
      await other.close();
    }
  });
});

describe('automatic tax', () => {
  it('is what the processor says of each charge, by where the fan pays; returned with the money, and coins carry theirs', async () => {
    // Our own rate is none: every unit of tax below is the processor's.
    const other = await openWorld({ automaticTax: true, taxRateBasisPoints: 0 });
    const payable = async (): Promise<bigint> => -(await other.balance(chart.taxPayable('CNY')));
    try {
      const friend = await other.tier('friend', '600');
      const work = await other.tier('work', '3000');
      const mei = other.fan('mei');
      const { subscriptionId } = await other.subscribed(mei, friend);
      // 6 % of the net price, rounded half up.
      expect([await payable(), await other.balance(chart.deferred(CLONE, 'CNY'))]).toEqual([34n, -566n]);
      await other.subscribed(other.fan('li', 'SG'), friend, CLONE, 'SG');
      expect(await payable()).toBe(34n + 50n);
      const bought = await other.billing.buyCoins(other.fan('wu'), other.key('coins'), { pack: 'friend' });
      expect(await other.pay(bought.checkoutUrl, undefined, 'SG')).toBe(303);
      await other.drain();
      expect(await payable()).toBe(34n + 50n + 50n);
      expect(await other.balance(chart.coinDeferred('CNY'))).toBe(-550n);
      await other.billing.returnCoins(other.fan('wu'), other.key('return'), {});
      await other.drain();
      expect(await payable()).toBe(34n + 50n);
      const { chargeMinor } = await other.billing.quotePlanChange(mei, subscriptionId, { tierId: work, interval: 'month' });
      expect(chargeMinor).toBe('2400');
      await other.billing.changePlan(mei, other.key('plan'), subscriptionId, { tierId: work, interval: 'month', chargeMinor });
      await other.drain();
      expect(await payable()).toBe(34n + 50n + 136n);
      await other.moveTo(noon('2026-04-02'));
      expect(await payable()).toBe(34n + 50n + 136n + 170n + 50n);
      await other.tx((tx) => other.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: other.clock.now() }));
      await other.drain();
      await other.checkBooks();
      expect(await other.balance(chart.deferred(CLONE, 'CNY'))).toBe(0n);
      const [kept] = await other.db.asOwner<{ tax: string }>(`SELECT sum(tax_minor) - coalesce((SELECT sum(tax_minor) FROM refund), 0) AS tax FROM subscription_period WHERE credited_from IS NULL`);
      expect(await payable()).toBe(BigInt(kept!.tax));
    } finally {
      await other.close();
    }
  });
});

describe('a payment that settles in another currency', () => {
  it('passes through a position account of each currency, with the fee\'s share of the sale rounded up, and back at a refund', async () => {
    const { settlement, refund } = world.provider;
    world.provider.settlement = async (invoiceId) => {
      const charge = await settlement(invoiceId);
      return charge === null ? null : { ...charge, settledCurrency: 'USD', settledGrossMinor: 84n, feeMinor: 4n, settledNetMinor: 80n };
    };
    world.provider.refund = async (asked) => ({ ...(await refund(asked)), settled: { currency: 'USD', amountMinor: 83n } });
    await pays();
    await world.drain();
    // ⌈4 × 600 / 84⌉ = 29 of 600.
    expect(await world.balance(chart.deferredFees(CLONE, 'CNY'))).toBe(29n);
    expect(await world.balance(chart.cashInTransit('CNY'))).toBe(0n);
    expect(await world.balance(chart.cashInTransit('USD'))).toBe(80n);
    expect(await world.balance({ code: 'currency_position:CNY' })).toBe(571n);
    expect(await world.balance({ code: 'currency_position:USD' })).toBe(-80n);
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: world.clock.now() }));
    await world.drain();
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(0n);
    expect(await world.balance(chart.cashInTransit('USD'))).toBe(-3n);
    expect(await world.balance({ code: 'currency_position:CNY' })).toBe(-29n);
    for (const { totalMinor } of (await world.ledger.getTrialBalance()).currencies) expect(totalMinor).toBe(0n);
  });

  it('is not booked while its fee is unknown, and booked once it is', async () => {
    const { settlement } = world.provider;
    world.provider.settlement = () => Promise.resolve(null);
    await pays();
    await world.sandbox.control.idle();
    while (await world.runner.runNext());
    expect(await world.db.asOwner('SELECT 1 FROM ledger_transfer')).toEqual([]);
    world.provider.settlement = settlement;
    await world.moveTo('2026-03-01T02:05:00Z');
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(-567n);
    await world.checkBooks();
  });
});

describe('events of other rooms', () => {
  it('are handed on by type, once', async () => {
    const seen: unknown[] = [];
    const other = await openWorld({
      deps: { settings: { taxRateBasisPoints: 600, otherTopics: { 'customer.created': 'test.customer' } } },
      jobs: { 'test.customer': async (payload) => void seen.push(payload) },
    });
    try {
      await other.subscribed(other.fan('mei'), await other.tier());
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ type: 'customer.created', connectedAccount: null });
    } finally {
      await other.close();
    }
  });
});

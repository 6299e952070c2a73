import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { id, advance, card, chargeOf, friendPrice, startBench, submit, subscribe, seconds, type Bench } from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

const iso = (at: number | undefined): string => new Date((at ?? 0) * 1000).toISOString();

describe('a subscription through Checkout', () => {
  it('is paid on the page, told of by signed events, and keeps the fee of its fee schedule', async () => {
    const before = bench.received.length;
    const { session, subscription, customer } = await subscribe(bench, '2026-01-10T08:00:00Z');
    expect(session).toMatchObject({ status: 'complete', payment_status: 'paid', amount_total: 600, currency: 'cny', client_reference_id: 'acc_1' });
    expect(session.customer_details?.address?.country).toBe('CN');
    expect(session.url).toBeNull();
    const types = bench.types().slice(before);
    for (const type of [
      'customer.created', 'payment_method.attached', 'invoice.created', 'invoice.finalized', 'charge.succeeded', 'payment_intent.succeeded',
      'invoice.paid', 'customer.subscription.created', 'checkout.session.completed',
    ]) expect(types).toContain(type);

    const live = await bench.sdk.subscriptions.retrieve(subscription, { expand: ['latest_invoice', 'default_payment_method'] });
    expect(live.status).toBe('active');
    expect(live.metadata).toEqual({ tier: 'tir_1' });
    expect(live.customer).toBe(customer);
    expect(iso(live.items.data[0]?.current_period_end)).toBe('2026-02-10T08:00:00.000Z');
    const invoice = live.latest_invoice as Stripe.Invoice;
    expect(invoice).toMatchObject({ status: 'paid', amount_paid: 600, billing_reason: 'subscription_create' });
    expect(invoice.parent?.subscription_details?.subscription).toBe(subscription);
    expect((live.default_payment_method as Stripe.PaymentMethod).card?.last4).toBe('4242');

    const charge = await chargeOf(bench, invoice.id);
    const found = await bench.sdk.invoicePayments.list({ payment: { type: 'payment_intent', payment_intent: id(charge.payment_intent) } });
    expect(found.data.map((one) => one.invoice)).toEqual([invoice.id]);
    const moved = await bench.sdk.balanceTransactions.retrieve(id(charge.balance_transaction));
    // 600 × 2.9 % = 17.4 → 17, plus 10
    expect(moved).toMatchObject({ amount: 600, fee: 27, net: 573, status: 'pending', type: 'charge' });
    expect(iso(moved.available_on)).toBe('2026-01-12T00:00:00.000Z');
    expect(moved.fee_details).toMatchObject([{ amount: 27, type: 'stripe_fee' }]);
  });

  it('bills at the ends of months, counted from the 31st, after the draft hour', async () => {
    const { clock, subscription } = await subscribe(bench, '2026-01-31T12:30:00Z');
    const period = async (): Promise<string[]> => {
      const item = (await bench.sdk.subscriptions.retrieve(subscription)).items.data[0];
      return [iso(item?.current_period_start), iso(item?.current_period_end)];
    };
    expect(await period()).toEqual(['2026-01-31T12:30:00.000Z', '2026-02-28T12:30:00.000Z']);
    await advance(bench, clock, '2026-02-28T12:45:00Z');
    const [draft] = (await bench.sdk.invoices.list({ subscription })).data;
    expect(draft).toMatchObject({ status: 'draft', billing_reason: 'subscription_cycle', created: seconds('2026-02-28T12:30:00Z') });
    await advance(bench, clock, '2026-03-03T12:30:00Z');
    expect(await period()).toEqual(['2026-02-28T12:30:00.000Z', '2026-03-31T12:30:00.000Z']);
    const paid = await bench.sdk.invoices.retrieve(draft!.id);
    expect(paid).toMatchObject({ status: 'paid', amount_paid: 600 });
    expect(iso(paid.status_transitions.paid_at ?? 0)).toBe('2026-02-28T13:30:00.000Z');
    const { id } = await chargeOf(bench, paid.id);
    const told = bench.received.find((event) => event.type === 'charge.succeeded' && event.data.object.id === id);
    expect(told?.created).toBe(seconds('2026-02-28T13:30:00Z'));
    await advance(bench, clock, '2026-05-01T00:00:00Z');
    expect(await period()).toEqual(['2026-04-30T12:30:00.000Z', '2026-05-31T12:30:00.000Z']);
    expect((await bench.sdk.invoices.list({ subscription })).data.map((one) => one.amount_paid)).toEqual([600, 600, 600, 600]);
    expect(bench.types()).toContain('test_helpers.test_clock.ready');
  });

  it('fails later with 4000…0341: past due, tried again, mended by another card, cancelled when nothing helps', async () => {
    const fan = await subscribe(bench, '2026-01-01T00:00:00Z', '4000000000000341');
    await advance(bench, fan.clock, '2026-02-02T00:00:00Z');
    expect((await bench.sdk.subscriptions.retrieve(fan.subscription)).status).toBe('past_due');
    const failed = bench.received.findLast((event) => event.type === 'invoice.payment_failed');
    const invoice = failed!.data.object;
    expect(invoice).toMatchObject({ attempt_count: 1, status: 'open', amount_remaining: 600 });
    expect(iso(invoice.next_payment_attempt ?? 0)).toBe('2026-02-04T01:00:00.000Z');
    const method = await bench.sdk.paymentMethods.attach('pm_card_visa', { customer: fan.customer }, bench.key());
    await bench.sdk.subscriptions.update(fan.subscription, { default_payment_method: method.id }, bench.key());
    await bench.sdk.invoices.pay(invoice.id, {}, bench.key());
    expect((await bench.sdk.subscriptions.retrieve(fan.subscription)).status).toBe('active');

    const lost = await subscribe(bench, '2026-01-01T00:00:00Z', '4000000000000341');
    await advance(bench, lost.clock, '2026-03-01T00:00:00Z');
    expect(await bench.sdk.subscriptions.retrieve(lost.subscription)).toMatchObject({
      status: 'canceled', cancellation_details: { reason: 'payment_failed' },
    });
    expect(bench.types()).toContain('customer.subscription.deleted');
  });

  it('declines a card on the page and stays open for another', async () => {
    const price = await friendPrice(bench);
    const open = await bench.sdk.checkout.sessions.create({
      mode: 'subscription', line_items: [{ price: price.id, quantity: 1 }], success_url: 'http://127.0.0.1/done', locale: 'zh',
    }, bench.key());
    const customers = (await bench.sdk.customers.list({ limit: 100 })).data.length;
    const declined = await submit(open.url!, card('4000000000009995'));
    expect(declined.status).toBe(402);
    expect(await declined.text()).toContain('余额不足');
    expect(await bench.sdk.checkout.sessions.retrieve(open.id)).toMatchObject({ status: 'open', payment_status: 'unpaid', subscription: null });
    expect((await bench.sdk.customers.list({ limit: 100 })).data.length).toBe(customers);
    expect((await submit(open.url!, { ...card(), card_number: '4111111111111111' })).status).toBe(422);
    expect((await submit(open.url!, { ...card(), country: '<script>' })).status).toBe(422);
    expect((await submit(open.url!, card())).status).toBe(303);
    expect((await submit(open.url!, card())).status).toBe(410);
    await bench.sandbox.control.idle();
    expect(bench.types()).toEqual(expect.arrayContaining(['charge.failed', 'payment_intent.payment_failed']));
  });

  it('shows its page in both languages and escapes what it is given', async () => {
    const price = await bench.sdk.prices.create({
      currency: 'cny', unit_amount: 3000, recurring: { interval: 'month' }, product_data: { name: '<b>work</b>' },
    }, bench.key());
    const open = await bench.sdk.checkout.sessions.create({
      mode: 'subscription', line_items: [{ price: price.id, quantity: 1 }], success_url: 'http://127.0.0.1/done',
    }, bench.key());
    const chinese = await (await fetch(open.url!, { headers: { 'accept-language': 'zh-CN' } })).text();
    const english = await (await fetch(`${open.url!}?lang=en`)).text();
    expect(chinese).toContain('支付');
    expect(english).toContain('Card number');
    expect(english).toContain('&lt;b&gt;work&lt;/b&gt;');
    expect(english).not.toContain('<b>work</b>');
    expect((await fetch(`${bench.sandbox.url}/pay/cs_test_nothing`)).status).toBe(404);
  });

  it('expires, by the clock or on request', async () => {
    const clock = await bench.sdk.testHelpers.testClocks.create({ frozen_time: seconds('2026-01-01T00:00:00Z') }, bench.key());
    const customer = await bench.sdk.customers.create({ test_clock: clock.id }, bench.key());
    const price = await friendPrice(bench);
    const open = await bench.sdk.checkout.sessions.create({
      mode: 'subscription', customer: customer.id, line_items: [{ price: price.id }], success_url: 'http://127.0.0.1/done',
    }, bench.key());
    await advance(bench, clock.id, '2026-01-02T00:00:01Z');
    expect((await bench.sdk.checkout.sessions.retrieve(open.id)).status).toBe('expired');
    expect((await submit(open.url!, card())).status).toBe(404);
    expect(bench.types()).toContain('checkout.session.expired');
  });
});

describe('changing a subscription', () => {
  it('cancels at once, or at the end of the period', async () => {
    const now = await subscribe(bench, '2026-01-01T00:00:00Z');
    const gone = await bench.sdk.subscriptions.cancel(now.subscription, {}, bench.key());
    expect(gone).toMatchObject({ status: 'canceled', ended_at: seconds('2026-01-01T00:00:00Z') });
    await advance(bench, now.clock, '2026-03-01T00:00:00Z');
    expect((await bench.sdk.invoices.list({ subscription: now.subscription })).data).toHaveLength(1);

    const later = await subscribe(bench, '2026-01-01T00:00:00Z');
    const marked = await bench.sdk.subscriptions.update(later.subscription, { cancel_at_period_end: true }, bench.key());
    expect(marked).toMatchObject({ status: 'active', cancel_at: seconds('2026-02-01T00:00:00Z') });
    await advance(bench, later.clock, '2026-02-01T00:00:00Z');
    expect(await bench.sdk.subscriptions.retrieve(later.subscription)).toMatchObject({ status: 'canceled', ended_at: seconds('2026-02-01T00:00:00Z') });
  });

  it('pauses collection: renewals are voided until it resumes', async () => {
    const fan = await subscribe(bench, '2026-01-01T00:00:00Z');
    await bench.sdk.subscriptions.update(fan.subscription, { pause_collection: { behavior: 'void', resumes_at: seconds('2026-02-15T00:00:00Z') } }, bench.key());
    await advance(bench, fan.clock, '2026-02-20T00:00:00Z');
    const [voided] = (await bench.sdk.invoices.list({ subscription: fan.subscription })).data;
    expect(voided?.status).toBe('void');
    expect((await bench.sdk.subscriptions.retrieve(fan.subscription)).pause_collection).toBeNull();
    await advance(bench, fan.clock, '2026-03-01T02:00:00Z');
    expect((await bench.sdk.invoices.list({ subscription: fan.subscription })).data[0]?.status).toBe('paid');
  });

  it('moves to another price from the next period on, without proration', async () => {
    const fan = await subscribe(bench, '2026-01-01T00:00:00Z');
    const dearer = await bench.sdk.prices.create({
      currency: 'cny', unit_amount: 3000, recurring: { interval: 'month' }, product_data: { name: 'work' },
    }, bench.key());
    const item = (await bench.sdk.subscriptions.retrieve(fan.subscription)).items.data[0]!.id;
    await expect(bench.sdk.subscriptions.update(fan.subscription, { items: [{ id: item, price: dearer.id }] }, bench.key()))
      .rejects.toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
    await bench.sdk.subscriptions.update(fan.subscription, { items: [{ id: item, price: dearer.id }], proration_behavior: 'none' }, bench.key());
    expect((await bench.sdk.invoices.list({ subscription: fan.subscription })).data).toHaveLength(1);
    await advance(bench, fan.clock, '2026-02-02T00:00:00Z');
    expect((await bench.sdk.invoices.list({ subscription: fan.subscription })).data[0]).toMatchObject({ status: 'paid', amount_paid: 3000 });
  });

  it('extends the paid period by trial_end', async () => {
    const fan = await subscribe(bench, '2026-01-01T00:00:00Z');
    await bench.sdk.subscriptions.update(fan.subscription, { trial_end: seconds('2026-02-11T00:00:00Z'), proration_behavior: 'none' }, bench.key());
    await advance(bench, fan.clock, '2026-02-10T00:00:00Z');
    expect((await bench.sdk.subscriptions.retrieve(fan.subscription)).status).toBe('trialing');
    expect((await bench.sdk.invoices.list({ subscription: fan.subscription })).data.map((one) => one.amount_paid)).toEqual([0, 600]);
    await advance(bench, fan.clock, '2026-02-12T00:00:00Z');
    const renewed = await bench.sdk.subscriptions.retrieve(fan.subscription);
    expect(renewed.status).toBe('active');
    expect(iso(renewed.items.data[0]?.current_period_end)).toBe('2026-03-11T00:00:00.000Z');
    expect((await bench.sdk.invoices.list({ subscription: fan.subscription })).data.map((one) => one.amount_paid)).toEqual([600, 0, 600]);
  });

  it('begins a new cycle when the interval changes', async () => {
    const fan = await subscribe(bench, '2026-01-10T00:00:00Z');
    const yearly = await bench.sdk.prices.create({
      currency: 'cny', unit_amount: 6000, recurring: { interval: 'year' }, product_data: { name: 'friend, yearly' },
    }, bench.key());
    const changed = await bench.sdk.subscriptions.update(fan.subscription, {
      items: [{ price: yearly.id }], proration_behavior: 'none',
    }, bench.key());
    expect(iso(changed.items.data[0]?.current_period_end)).toBe('2027-01-10T00:00:00.000Z');
    expect((await bench.sdk.invoices.list({ subscription: fan.subscription })).data[0]).toMatchObject({ billing_reason: 'subscription_update', amount_paid: 6000 });
  });
});

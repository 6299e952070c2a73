/**
 * Every object kind that the sandbox returns, beside Stripe's own fixture of it (stripe/openapi, API 2026-07-29): each
 * key of the fixture is there, with the same JSON type or null. The fixture is older than the SDK's pinned version and
 * filled with samples of features that a request did not use; what differs is named here with its reason.
 */
import { existsSync, readFileSync } from 'node:fs';
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { id, startBench, onboarded, subscribe, submit, card, type Bench } from './harness.ts';

const FIXTURES = new URL('../../../../shared/vectors/stripe/fixtures3.json', import.meta.url);
const present = existsSync(FIXTURES);
if (!present) console.log('skipped: the Stripe fixtures (../shared/vectors/stripe/fixtures3.json) are not on this machine');

type Json = { [key: string]: Json } | Json[] | boolean | number | string | null;

/** Paths that a fixture has and the sandbox's object rightly has not. */
const ABSENT: Readonly<Record<string, string>> = {
  'invoice.subscription': 'gone since API 2025-03-31; it is parent.subscription_details.subscription, and the SDK has no such key',
  'charge/connected.payment_method_details.card': 'one of many: what arrives by a transfer was paid from a Stripe balance, not by a card',
  'refund/connected.destination_details': 'it goes back to a Stripe balance, not to a card; optional in the SDK',
};

/** Free maps and one-of groups, whose inner keys depend on what was asked for; their own type is still compared. */
const OPEN = new Set(['metadata', 'payment_method_options', 'capabilities']);

let bench: Bench;
const seen = new Map<string, Json>();

beforeAll(async () => {
  bench = await startBench();
  if (present) for (const [kind, object] of Object.entries(await everyKind(bench))) seen.set(kind, JSON.parse(JSON.stringify(object)) as Json);
});
afterAll(() => bench.close());

/** One object of every kind, each as the API answers it. */
async function everyKind({ sdk, key, sandbox }: Bench): Promise<Record<string, unknown>> {
  const fan = await subscribe(bench, '2026-01-01T00:00:00Z');
  const invoice = await sdk.invoices.retrieve(id(fan.session.invoice), { expand: ['payments'] });
  const paid = await sdk.invoicePayments.list({ invoice: invoice.id });
  const intent = await sdk.paymentIntents.retrieve(id(paid.data[0]!.payment.payment_intent));
  const refund = await sdk.refunds.create({ payment_intent: intent.id, amount: 100 }, key());
  const charge = await sdk.charges.retrieve(id(intent.latest_charge), { expand: ['refunds'] });
  const subscription = await sdk.subscriptions.retrieve(fan.subscription);
  await sdk.paymentIntents.create({ amount: 100_000, currency: 'cny', payment_method: 'pm_card_bypassPending', confirm: true }, key());
  const account = await onboarded(bench);
  const transfer = await sdk.transfers.create({ amount: 5000, currency: 'cny', destination: account }, key());
  const payout = await sdk.payouts.create({ amount: 1000, currency: 'cny' }, { ...key(), stripeAccount: account });
  const reversal = await sdk.transfers.createReversal(transfer.id, { amount: 10 }, key());
  const endpoint = await sdk.webhookEndpoints.create({ url: 'http://127.0.0.1:9/', enabled_events: ['payout.paid'] }, key());
  const open = await sdk.checkout.sessions.create({
    mode: 'payment', success_url: 'http://127.0.0.1/done',
    line_items: [{ price_data: { currency: 'cny', unit_amount: 1000, product_data: { name: 'Coins' } }, quantity: 1 }],
  }, key());
  await submit(open.url!, card());
  const portal = await sdk.billingPortal.configurations.create({
    features: { invoice_history: { enabled: true }, payment_method_update: { enabled: true }, subscription_cancel: { enabled: true, mode: 'at_period_end', proration_behavior: 'none' } },
  }, key());
  await sandbox.control.idle();
  return {
    customer: await sdk.customers.retrieve(fan.customer), 'test_helpers.test_clock': await sdk.testHelpers.testClocks.retrieve(fan.clock),
    price: await sdk.prices.retrieve(fan.price), product: (await sdk.products.list()).data[0], 'checkout.session': fan.session,
    'checkout.session/payment': await sdk.checkout.sessions.retrieve(open.id), item: (await sdk.checkout.sessions.listLineItems(open.id)).data[0],
    subscription, subscription_item: subscription.items.data[0], plan: subscription.items.data[0]!.plan, invoice, line_item: invoice.lines.data[0],
    invoice_payment: paid.data[0], payment_intent: intent, charge, refund, payment_method: await sdk.paymentMethods.retrieve(id(charge.payment_method)),
    balance_transaction: await sdk.balanceTransactions.retrieve(id(charge.balance_transaction)), balance: await sdk.balance.retrieve(),
    account: await sdk.accounts.retrieve(account),
    account_link: await sdk.accountLinks.create({ account, type: 'account_update', return_url: 'http://x', refresh_url: 'http://x' }, key()),
    bank_account: (await sdk.accounts.listExternalAccounts(account)).data[0], transfer: await sdk.transfers.retrieve(transfer.id), transfer_reversal: reversal,
    'identity.verification_session': await sdk.identity.verificationSessions.create({ type: 'document', options: { document: { require_matching_selfie: true } } }, key()),
    payout, event: (await sdk.events.list({ limit: 1 })).data[0], webhook_endpoint: endpoint,
    dispute: await sdk.disputes.retrieve(await sandbox.control.openDispute(charge.id, { amountMinor: 100n })),
    'billing_portal.configuration': portal,
    'billing_portal.session': await sdk.billingPortal.sessions.create({ customer: fan.customer, configuration: portal.id, return_url: 'http://x' }, key()),
    exchange_rate: await sdk.rawRequest('GET', '/v1/exchange_rates/usd'),
    'charge/connected': await sdk.charges.retrieve(id(transfer.destination_payment), { expand: ['refunds'] }, { stripeAccount: account }),
    'refund/connected': (await sdk.refunds.list({}, { stripeAccount: account })).data[0],
  };
}

function typeOf(value: Json): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What of the fixture is missing or of another type in ours. */
function differences(ours: Json, fixture: Json, path: string): string[] {
  if (ours === null || fixture === null) return [];
  if (typeOf(ours) !== typeOf(fixture)) return [`${path}: ${typeOf(ours)} instead of ${typeOf(fixture)}`];
  if (Array.isArray(ours) && Array.isArray(fixture)) {
    const [mine, theirs] = [ours[0], fixture[0]];
    return mine === undefined || theirs === undefined ? [] : differences(mine, theirs, `${path}[]`);
  }
  if (!isObject(ours) || !isObject(fixture)) return [];
  const own = path.split('.').at(-1) ?? '';
  if (OPEN.has(own) || path === 'event.data.object') return [];
  return Object.entries(fixture).flatMap(([key, value]) => {
    const inner = `${path}.${key}`;
    const mine = ours[key];
    if (mine === undefined) return inner in ABSENT ? [] : [`${inner} is missing`];
    return differences(mine, value, inner);
  });
}

describe.skipIf(!present)('objects have the shape of Stripe\'s fixtures', () => {
  const fixtures = present ? (JSON.parse(readFileSync(FIXTURES, 'utf8')) as { resources: Record<string, Json> }).resources : {};

  it.each([
    'customer', 'test_helpers.test_clock', 'price', 'product', 'checkout.session', 'checkout.session/payment', 'item', 'subscription', 'subscription_item',
    'plan', 'invoice', 'line_item', 'invoice_payment', 'payment_intent', 'charge', 'charge/connected', 'refund', 'refund/connected', 'payment_method',
    'balance_transaction', 'balance', 'account', 'account_link', 'bank_account', 'transfer', 'transfer_reversal', 'payout', 'event', 'webhook_endpoint',
    'identity.verification_session', 'dispute', 'billing_portal.configuration', 'billing_portal.session', 'exchange_rate',
  ])('%s', (name) => {
    const kind = name.split('/')[0]!;
    const ours = seen.get(name);
    expect(isObject(ours) && ours['object']).toBe(kind);
    expect(fixtures[kind], `the fixture of ${kind}`).toBeDefined();
    expect(differences(ours!, fixtures[kind]!, name)).toEqual([]);
  });

  it.each(Object.keys(ABSENT))('%s is still absent', (path) => {
    const [name, ...keys] = path.split('.');
    const found = keys.reduce<Json | undefined>((at, key) => (isObject(at) ? at[key] : undefined), seen.get(name!));
    expect(found).toBeUndefined();
  });

  it('notices a missing key and another type', () => {
    const price = seen.get('price') as { [key: string]: Json };
    const { nickname: gone, ...without } = price;
    expect(gone).toBeNull();
    expect(differences(without, fixtures['price']!, 'price')).toEqual(['price.nickname is missing']);
    expect(differences({ ...price, active: 'yes' }, fixtures['price']!, 'price')).toEqual(['price.active: string instead of boolean']);
  });
});

describe('events carry snapshots of every kind', () => {
  it.skipIf(!present)('with the pinned version', () => {
    const event = seen.get('event') as unknown as Stripe.Event;
    expect(event.api_version).toBe(Stripe.API_VERSION);
    expect(event.data.object).toHaveProperty('object');
  });
});

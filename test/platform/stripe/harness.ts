/** A sandbox, the real SDK against it, and a webhook receiver on loopback that verifies every delivery. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Stripe from 'stripe';
import { seededRandom } from '../../../src/kernel/random.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { idOf, makeStripe, startSandbox, type Sandbox, type SandboxOptions, type StripePort } from '../../../src/platform/stripe/index.ts';

export interface Bench {
  sandbox: Sandbox;
  port: StripePort;
  sdk: Stripe;
  /** Verified events, in the order in which they arrived. */
  received: Stripe.Event[];
  /** How many of the next deliveries the receiver refuses with 500. */
  refuse: (count: number) => void;
  key: () => Stripe.RequestOptions;
  types: () => string[];
  close: () => Promise<void>;
}

/** Keys never repeat within a test file, also across sandboxes that share a file. */
let keys = 0;

export async function startBench(options: Partial<SandboxOptions> = {}): Promise<Bench> {
  const received: Stripe.Event[] = [];
  let refusals = 0;
  const verifier: { port?: StripePort } = {};
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (refusals > 0) {
        refusals -= 1;
        response.writeHead(500).end();
        return;
      }
      const header = request.headers['stripe-signature'];
      received.push(verifier.port!.verifyWebhook(Buffer.concat(chunks), typeof header === 'string' ? header : undefined, new Date()));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const broken: object[] = [];
  const sandbox = await startSandbox({
    log: { debug: () => undefined, warn: (fields) => broken.push(...('err' in fields ? [fields] : [])) },
    clock: systemClock, wall: systemClock, random: seededRandom('stripe-bench'),
    deliveries: { firstPauseMs: 20, attempts: 4 }, ...options,
  });
  const secrets = await sandbox.webhookSecrets(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`);
  const port = makeStripe({ secretKey: sandbox.secretKey, apiBase: sandbox.apiBase, webhookSecret: secrets });
  verifier.port = port;
  return {
    sandbox, port, sdk: port.sdk, received,
    refuse: (count) => void (refusals = count),
    key: () => port.withKey(`test-key-${(keys += 1)}`),
    types: () => received.map((event) => event.type),
    async close() {
      await sandbox.close();
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
      if (broken.length > 0) throw new Error('the sandbox failed inside', { cause: broken[0] });
    },
  };
}

/** The id behind a reference that a test knows to be there. */
export function id(reference: string | { id: string } | null | undefined): string {
  const found = idOf(reference);
  if (found === null) throw new Error('a reference is missing');
  return found;
}

export const seconds = (iso: string): number => Date.parse(iso) / 1000;

/** Fills and sends a page's form as a browser would; the answer is not followed. */
export async function submit(url: string, fields: Record<string, string>): Promise<Response> {
  return fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
}

export function card(number = '4242 4242 4242 4242', country = 'CN'): Record<string, string> {
  return { email: 'fan@example.com', name: 'Fan One', country, card_number: number, exp: '12 / 34', cvc: '123' };
}

/** Moves a test clock and waits until it is ready and all deliveries are made. */
export async function advance(bench: Bench, clock: string, to: string): Promise<void> {
  await bench.sdk.testHelpers.testClocks.advance(clock, { frozen_time: seconds(to) }, bench.key());
  await bench.sandbox.control.idle();
}

/** A monthly price of 6 CNY. */
export async function friendPrice(bench: Bench): Promise<Stripe.Price> {
  return bench.sdk.prices.create(
    { currency: 'cny', unit_amount: 600, recurring: { interval: 'month' }, product_data: { name: 'friend' } }, bench.key(),
  );
}

export interface Subscribed {
  clock: string;
  customer: string;
  price: string;
  session: Stripe.Checkout.Session;
  subscription: string;
}

/** A fan on a test clock who has bought the price through the Checkout page. */
export async function subscribe(bench: Bench, start: string, number?: string): Promise<Subscribed> {
  const { sdk, key } = bench;
  const clock = await sdk.testHelpers.testClocks.create({ frozen_time: seconds(start) }, key());
  const customer = await sdk.customers.create({ email: 'fan@example.com', test_clock: clock.id }, key());
  const price = await friendPrice(bench);
  const open = await sdk.checkout.sessions.create({
    mode: 'subscription', customer: customer.id, line_items: [{ price: price.id, quantity: 1 }], client_reference_id: 'acc_1',
    success_url: 'http://127.0.0.1/done?session={CHECKOUT_SESSION_ID}', cancel_url: 'http://127.0.0.1/back',
    metadata: { tier: 'friend' }, subscription_data: { metadata: { tier: 'tir_1' } },
  }, key());
  const answer = await submit(open.url!, card(number));
  if (answer.status !== 303) throw new Error(`the page answered ${answer.status}`);
  await bench.sandbox.control.idle();
  const session = await sdk.checkout.sessions.retrieve(open.id);
  return { clock: clock.id, customer: customer.id, price: price.id, session, subscription: id(session.subscription) };
}

/** The charge that paid an invoice, found as the API offers it. */
export async function chargeOf(bench: Bench, invoice: string): Promise<Stripe.Charge> {
  const full = await bench.sdk.invoices.retrieve(invoice, { expand: ['payments.data.payment.payment_intent.latest_charge'] });
  const intent = full.payments?.data[0]?.payment.payment_intent as Stripe.PaymentIntent;
  return intent.latest_charge as Stripe.Charge;
}

/** An account that has been through onboarding with this bank account number. */
export async function onboarded(bench: Bench, number = '000123456789'): Promise<string> {
  const { sdk, key } = bench;
  const account = await sdk.accounts.create({
    type: 'express', country: 'CN', capabilities: { transfers: { requested: true } }, settings: { payouts: { schedule: { interval: 'manual' } } },
  }, key());
  const link = await sdk.accountLinks.create({
    account: account.id, type: 'account_onboarding', return_url: 'http://127.0.0.1/back', refresh_url: 'http://127.0.0.1/again',
  }, key());
  const done = await submit(link.url, { name: 'Agency', country: 'CN', currency: 'CNY', account_number: number, business_type: 'company' });
  if (done.status !== 303) throw new Error(`onboarding answered ${done.status}`);
  return account.id;
}

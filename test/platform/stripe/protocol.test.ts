import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/kernel/random.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { fromStripeAmount, makeStripe, outcomeUnknown, startSandbox, toStripeAmount } from '../../../src/platform/stripe/index.ts';
import { signatureHeader } from '../../../src/platform/stripe/sandbox/deliveries.ts';
import { makeParams, parseForm } from '../../../src/platform/stripe/sandbox/core/form.ts';
import { billingInstant, nextInstant } from '../../../src/platform/stripe/sandbox/core/periods.ts';
import { makeTestClock } from '../../support/clock.ts';
import { advance, card, friendPrice, seconds, startBench, submit, subscribe, type Bench } from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

async function raw(path: string, init: { method?: string; body?: string; headers?: Record<string, string> } = {}): Promise<{ status: number; headers: Headers; error: Stripe.StripeRawError & { type?: string } }> {
  const response = await fetch(`${bench.sandbox.url}/v1/${path}`, { ...init, headers: { authorization: `Bearer ${bench.sandbox.secretKey}`, ...init.headers } });
  const body = (await response.json()) as { error: Stripe.StripeRawError & { type?: string } };
  return { status: response.status, headers: response.headers, error: body.error };
}

describe('the API', () => {
  it('wants the key, the pinned version and a known URL, and names the request', async () => {
    expect((await raw('customers', { headers: { authorization: 'Bearer sk_test_wrong' } })).status).toBe(401);
    expect((await raw('customers', { headers: { authorization: '' } })).status).toBe(401);
    expect((await raw('customers', { headers: { 'stripe-version': '2019-01-01' } })).error.message).toContain('2019-01-01');
    expect((await raw('customers', { headers: { 'stripe-account': 'acct_nobody' } })).error.code).toBe('account_invalid');
    const unknown = await raw('unicorns');
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get('request-id')).toMatch(/^req_/);
  });

  it.each([
    ['customers', 'emial=a@b', 'parameter_unknown'],
    ['customers', 'metadata[a][b]=c', undefined],
    ['prices', 'currency=cny', 'parameter_missing'],
    ['prices', 'currency=xyz&unit_amount=1&product_data[name]=x', undefined],
    ['prices', 'currency=cny&unit_amount=6.5&product_data[name]=x', 'parameter_invalid_integer'],
    ['customers', 'a]b=1', undefined],
    ['customers', 'address=x&address[city]=y', undefined],
    ['test_helpers/test_clocks', 'frozen_time=soon', 'parameter_invalid_integer'],
    ['checkout/sessions', 'mode=subscription&success_url=http://x', 'parameter_missing'],
  ])('refuses POST %s with %s', async (path, body, code) => {
    const answer = await raw(path, { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(answer.error.type).toBe('invalid_request_error');
    if (code !== undefined) expect(answer.error.code).toBe(code);
  });

  it('keeps the answer of an idempotency key, and refuses it for another request', async () => {
    const options = { idempotencyKey: 'once-1' };
    const first = await bench.sdk.customers.create({ email: 'a@example.com' }, options);
    const again = await bench.sdk.customers.create({ email: 'a@example.com' }, options);
    expect(again.id).toBe(first.id);
    expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
    const other = bench.sdk.customers.create({ email: 'b@example.com' }, options);
    await expect(other).rejects.toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    await expect(bench.port.run((sdk) => sdk.customers.create({ email: 'c@example.com' }, options))).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    // A decline is kept as well; a request that failed validation is not.
    const declined = { amount: 100, currency: 'cny', payment_method: 'pm_card_visa_chargeDeclined', confirm: true };
    const charges = async (): Promise<number> => (await bench.sdk.charges.list({ limit: 100 })).data.length;
    const before = await charges();
    for (let i = 0; i < 2; i += 1) {
      await expect(bench.sdk.paymentIntents.create(declined, { idempotencyKey: 'once-2' })).rejects.toBeInstanceOf(Stripe.errors.StripeCardError);
    }
    expect(await charges()).toBe(before + 1);
    await expect(bench.sdk.customers.create({ email: 'nobody' }, { idempotencyKey: 'once-3' })).rejects.toMatchObject({ param: 'email' });
    expect((await bench.sdk.customers.create({ email: 'somebody@example.com' }, { idempotencyKey: 'once-3' })).email).toBe('somebody@example.com');
  });

  it('pages through lists in both directions', async () => {
    const product = await bench.sdk.products.create({ name: 'paged' }, bench.key());
    const made: string[] = [];
    for (let i = 0; i < 25; i += 1) made.unshift((await bench.sdk.prices.create({ currency: 'cny', unit_amount: 100 + i, product: product.id }, bench.key())).id);
    const all = await bench.sdk.prices.list({ product: product.id, limit: 7 }).autoPagingToArray({ limit: 100 });
    expect(all.map((one) => one.id)).toEqual(made);
    const middle = await bench.sdk.prices.list({ product: product.id, limit: 5, ending_before: made[10]! });
    expect(middle.data.map((one) => one.id)).toEqual(made.slice(5, 10));
    expect(middle.has_more).toBe(true);
    await expect(bench.sdk.prices.list({ starting_after: 'price_none' })).rejects.toMatchObject({ param: 'starting_after' });
    await expect(bench.sdk.prices.list({ limit: 101 })).rejects.toMatchObject({ param: 'limit' });
  });

  it('refuses to expand what is no reference', async () => {
    const { id } = await bench.sdk.customers.create({}, bench.key());
    await expect(bench.sdk.customers.retrieve(id, { expand: ['nothing'] })).rejects.toMatchObject({ message: expect.stringContaining('cannot be expanded') as string });
  });

  it('merges metadata key by key', async () => {
    const { id } = await bench.sdk.customers.create({ metadata: { a: '1', b: '2' } }, bench.key());
    expect((await bench.sdk.customers.update(id, { metadata: { b: '', c: '3' } }, bench.key())).metadata).toEqual({ a: '1', c: '3' });
    expect((await bench.sdk.customers.update(id, { metadata: '' }, bench.key())).metadata).toEqual({});
  });
});

describe('forms', () => {
  it('read back what the SDK writes, whatever is in it', () => {
    const text = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
    fc.assert(fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), text), fc.array(text, { maxLength: 5 }), (metadata, list) => {
      const body = new URLSearchParams();
      for (const [key, value] of Object.entries(metadata)) body.append(`metadata[${key}]`, value);
      list.forEach((value, i) => body.append(`expand[${i}]`, value));
      const params = makeParams(parseForm(body.toString()));
      expect(Object.fromEntries(params.map('metadata') ?? [])).toEqual(metadata);
      expect(params.texts('expand')).toEqual(list);
      params.done();
    }));
  });

  it('do not reach prototypes', () => {
    const params = makeParams(parseForm('metadata[__proto__]=x&metadata[constructor]=y'));
    expect([...(params.map('metadata') ?? [])]).toEqual([['__proto__', 'x'], ['constructor', 'y']]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('billing periods', () => {
  it('go on from the anchor and never stand still', () => {
    fc.assert(fc.property(
      fc.integer({ min: 1_500_000_000, max: 1_900_000_000 }), fc.constantFrom('day', 'week', 'month', 'year'), fc.integer({ min: 1, max: 6 }), fc.nat(40),
      (anchor, interval, count, n) => {
        const every = { interval, interval_count: count } as const;
        const at = billingInstant(anchor, every, n);
        const next = nextInstant(anchor, every, at);
        expect(next).toBe(billingInstant(anchor, every, n + 1));
        expect(nextInstant(anchor, every, next - 1)).toBe(next);
      },
    ));
  });

  it('keep to the 29th of February', () => {
    const anchor = seconds('2024-02-29T10:00:00Z');
    const year = { interval: 'year', interval_count: 1 } as const;
    expect([1, 4].map((n) => new Date(billingInstant(anchor, year, n) * 1000).toISOString())).toEqual(['2025-02-28T10:00:00.000Z', '2028-02-29T10:00:00.000Z']);
  });
});

describe('webhooks', () => {
  it('come again when the receiver fails, and are given up after a bounded number of tries', async () => {
    const before = bench.received.length;
    bench.refuse(2);
    const { id } = await bench.sdk.customers.create({ email: 'retry@example.com' }, bench.key());
    await bench.sandbox.control.idle();
    const mine = bench.received.slice(before).filter((event) => (event.data.object as { id?: string }).id === id);
    expect(mine).toHaveLength(1);
    expect(await bench.sdk.events.retrieve(mine[0]!.id)).toMatchObject({ pending_webhooks: 0, type: 'customer.created', request: { id: expect.stringMatching(/^req_/) as string } });
    bench.refuse(4);
    await bench.sdk.customers.create({ email: 'lost@example.com' }, bench.key());
    await bench.sandbox.control.idle();
    expect(bench.received.slice(before).filter((event) => event.type === 'customer.created')).toHaveLength(1);
    const [lost] = (await bench.sdk.events.list({ type: 'customer.created', limit: 1 })).data;
    expect(lost?.pending_webhooks).toBe(1);
    bench.sandbox.control.repeatEvent(lost!.id);
    await bench.sandbox.control.idle();
    expect(bench.received.at(-1)?.id).toBe(lost!.id);
  });

  it('can be held, repeated and turned around', async () => {
    await bench.sandbox.control.idle();
    const before = bench.received.length;
    bench.sandbox.control.holdDeliveries();
    const price = await friendPrice(bench);
    const open = await bench.sdk.checkout.sessions.create({
      mode: 'subscription', line_items: [{ price: price.id, quantity: 1 }], success_url: 'http://127.0.0.1/done',
    }, bench.key());
    await submit(open.url!, card());
    await bench.sandbox.control.idle();
    expect(bench.received).toHaveLength(before);
    bench.sandbox.control.releaseDeliveries({ order: 'reverse', times: 2 });
    await bench.sandbox.control.idle();
    const types = bench.types().slice(before);
    expect(types.slice(0, 2)).toEqual(['checkout.session.completed', 'checkout.session.completed']);
    expect(types.slice(-2)).toEqual(['product.created', 'product.created']);
    const ids = bench.received.slice(before).map((event) => event.id);
    expect(new Set(ids).size).toBe(ids.length / 2);
  });

  it('go to the endpoints that the API makes, for the types they ask for', async () => {
    const endpoint = await bench.sdk.webhookEndpoints.create({ url: 'http://127.0.0.1:9/none', enabled_events: ['payout.paid'] }, bench.key());
    expect(endpoint.secret).toMatch(/^whsec_/);
    expect((await bench.sdk.webhookEndpoints.retrieve(endpoint.id)).secret).toBeUndefined();
    expect(await bench.sdk.webhookEndpoints.del(endpoint.id, {}, bench.key())).toMatchObject({ deleted: true });
  });

  it('are verified: forged, altered, stale and early ones are refused', async () => {
    const [secret] = await bench.sandbox.webhookSecrets('http://127.0.0.1:9/verify');
    const port = makeStripe({ secretKey: 'sk_test_x', webhookSecret: ['whsec_other', secret!] });
    const payload = JSON.stringify({ id: 'evt_1', object: 'event', type: 'invoice.paid', data: { object: {} } });
    const at = seconds('2026-05-01T00:00:00Z');
    const header = signatureHeader(payload, secret!, at);
    const verify = (body: string, given: string | undefined, now: number): Stripe.Event => port.verifyWebhook(Buffer.from(body), given, new Date(now * 1000));
    expect(verify(payload, header, at).id).toBe('evt_1');
    expect(verify(payload, header, at + 300).id).toBe('evt_1');
    const refused: [string, string | undefined, number][] = [
      [payload, header, at + 301], [payload, header, at - 301], [payload.replace('paid', 'void'), header, at], [payload, undefined, at], [payload, '', at],
      [payload, signatureHeader(payload, 'whsec_forged', at), at], [payload, `t=${at},v0=${header.split('v1=')[1]!}`, at], [payload, header.replace(`t=${at}`, `t=${at + 1}`), at],
    ];
    for (const [body, given, now] of refused) {
      expect(() => verify(body, given, now)).toThrow(expect.objectContaining({ code: 'webhook_signature_invalid' }) as Error);
    }
  });
});

describe('the port', () => {
  it('does not let a write leave without a key of ours', async () => {
    await expect(bench.port.run((sdk) => sdk.customers.create({ email: 'a@example.com' }))).rejects.toThrow(/without an idempotency key/);
    await expect(bench.port.run((sdk) => sdk.subscriptions.cancel('sub_1'))).rejects.toThrow(/without an idempotency key/);
    expect(() => bench.port.withKey('')).toThrow();
  });

  it('turns errors into refusals, and says when the outcome is unknown', async () => {
    await expect(bench.port.run((sdk) => sdk.paymentIntents.create({
      amount: 100, currency: 'cny', payment_method: 'pm_card_visa_chargeDeclinedInsufficientFunds', confirm: true,
    }, bench.key()))).rejects.toMatchObject({ code: 'payment_failed', extra: { declineCode: 'insufficient_funds' } });
    await expect(bench.port.run((sdk) => sdk.customers.retrieve('cus_none'))).rejects.toMatchObject({ code: 'not_found' });
    const ours = await bench.port.run((sdk) => sdk.customers.create({ phone: 'x', test_clock: '' }, bench.key())).catch((error: unknown) => error);
    expect(ours).not.toBeInstanceOf(Refusal);
    const hangup = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => hangup.listen(0, '127.0.0.1', resolve));
    const { port: number } = hangup.address() as { port: number };
    const dead = makeStripe({ secretKey: 'sk_test_x', apiBase: { host: '127.0.0.1', port: number, protocol: 'http' }, webhookSecret: 'whsec_x', maxNetworkRetries: 0 });
    const error = await dead.run((sdk) => sdk.customers.create({}, dead.withKey('k'))).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(outcomeUnknown(error)).toBe(true);
    expect(outcomeUnknown(await bench.port.run((sdk) => sdk.customers.retrieve('cus_none')).catch((caught: unknown) => caught))).toBe(false);
    await new Promise((resolve) => hangup.close(resolve));
  });

  it('carries amounts exactly', () => {
    expect(toStripeAmount(600n)).toBe(600);
    expect(fromStripeAmount(600)).toBe(600n);
    expect(() => toStripeAmount(-1n)).toThrow(Refusal);
    expect(() => toStripeAmount(2n ** 63n)).toThrow(Refusal);
    expect(() => fromStripeAmount(0.5)).toThrow();
  });
});

describe('the sandbox as a process', () => {
  it('gives the same ids for the same seed', async () => {
    const clock = makeTestClock('2026-01-01T00:00:00Z');
    const made: string[] = [];
    for (let i = 0; i < 2; i += 1) {
      const sandbox = await startSandbox({ clock, random: seededRandom('same') });
      const port = makeStripe({ secretKey: sandbox.secretKey, apiBase: sandbox.apiBase, webhookSecret: 'whsec_x' });
      made.push((await port.sdk.customers.create({}, port.withKey('k'))).id);
      await sandbox.close();
    }
    expect(made[0]).toBe(made[1]);
  });

  it('keeps everything in its file across a restart, with its keys, its clocks and its kept answers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'benren-sandbox-'));
    const persist = join(folder, 'stripe.json');
    const first = await startBench({ persist });
    const fan = await subscribe(first, '2026-01-01T00:00:00Z');
    await first.sdk.customers.create({ email: 'later@example.com' }, first.port.withKey('kept'));
    const { secretKey } = first.sandbox;
    const book = first.sandbox.control.book();
    await first.close();
    expect(statSync(persist).mode & 0o077).toBe(0);
    expect(readFileSync(persist, 'utf8')).toContain(fan.subscription);

    const second = await startBench({ persist, random: seededRandom('second run') });
    expect(second.sandbox.secretKey).toBe(secretKey);
    expect(second.sandbox.control.book()).toEqual(book);
    const replayed = await second.sdk.customers.create({ email: 'later@example.com' }, second.port.withKey('kept'));
    expect(replayed.lastResponse.headers['idempotent-replayed']).toBe('true');
    await advance(second, fan.clock, '2026-02-02T00:00:00Z');
    expect((await second.sdk.invoices.list({ subscription: fan.subscription })).data.map((one) => one.status)).toEqual(['paid', 'paid']);
    await second.close();
    rmSync(folder, { recursive: true });
  });

  it('delivers after a restart what was not delivered before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'benren-sandbox-'));
    const bodies: string[] = [];
    const receiver = createHttpServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        bodies.push(Buffer.concat(chunks).toString());
        response.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(receiver.address() as { port: number }).port}/`;
    const options = { clock: makeTestClock('2026-01-01T00:00:00Z'), persist: join(folder, 'stripe.json') };
    const first = await startSandbox({ ...options, random: seededRandom('one') });
    const secrets = await first.webhookSecrets(url);
    first.control.holdDeliveries();
    const port = makeStripe({ secretKey: first.secretKey, apiBase: first.apiBase, webhookSecret: secrets });
    const { id } = await port.sdk.customers.create({}, port.withKey('k'));
    await first.close();
    expect(bodies).toEqual([]);
    const second = await startSandbox({ ...options, random: seededRandom('two') });
    await second.control.idle();
    expect(bodies.map((body) => (JSON.parse(body) as Stripe.Event & { data: { object: { id: string } } }).data.object.id)).toEqual([id]);
    expect(await second.webhookSecrets(url)).toEqual(secrets);
    await second.close();
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
    rmSync(folder, { recursive: true });
  });
});

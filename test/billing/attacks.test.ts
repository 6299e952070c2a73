import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { makePaymentProvider } from '../../src/billing/index.ts';
import { chart } from '../../src/ledger/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { makeStripe } from '../../src/platform/stripe/index.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, type World } from './support.ts';

let world: World;
let tierId: string;
beforeEach(async () => {
  world = await openWorld();
  tierId = await world.tier();
});
afterEach(async () => {
  await world.close();
});

const order = (): Promise<void> => world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: world.clock.now() }));
const states = async (): Promise<string[]> => (await world.port.sdk.subscriptions.list({ status: 'all' })).data.map((one) => one.status);

async function untilDeferredIsEmpty(): Promise<void> {
  await world.drain();
  expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(0n);
  expect(await world.balance(chart.deferredFees(CLONE, 'CNY'))).toBe(0n);
  await world.checkBooks();
}

describe('a stop whose settlement comes late', () => {
  it('is not overtaken by recognition: the day of the stop and those after it are the fan\'s', async () => {
    await world.subscribed(world.fan('mei'), tierId);
    await world.moveTo(noon('2026-03-12'));
    const quoted = await world.tx((tx) => world.billing.quoteStop(tx, { cloneId: CLONE, at: world.clock.now() }));
    await order();
    world.clock.set(new Date(noon('2026-03-15')));
    await world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay: '2026-03-15' }));
    await world.drain();
    const settled = await world.tx((tx) => world.billing.stopSettlement(tx, 'stp_1', quoted));
    expect(settled).toMatchObject({ done: true, refundedMinor: quoted.refundMinor, deferredMinor: quoted.deferredMinor, differences: [] });
    await untilDeferredIsEmpty();
  });
});

describe('a page that was being opened while the stop came', () => {
  it('and was paid all the same does not renew', async () => {
    const { openCheckout, closeCheckout } = world.provider;
    const fan = world.fan('mei');
    let paid = 0;
    world.provider.closeCheckout = async (session) => {
      // Paid in the moment before it would have been closed.
      paid = await world.pay((await world.port.sdk.checkout.sessions.retrieve(session)).url);
      return await closeCheckout(session);
    };
    world.provider.openCheckout = async (asked) => {
      const session = await openCheckout(asked);
      await order();
      await world.billing.work.settleStop('stp_1', 'job_again');
      await world.billing.work.endSubscription(asked.subscriptionId);
      return session;
    };
    expect(await refusal(world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId }))).toBe('stopped');
    expect(paid).toBe(303);
    await untilDeferredIsEmpty();
    expect(await states()).toEqual(['canceled']);
    await world.moveTo(noon('2026-05-02'));
    expect((await world.port.sdk.charges.list({})).data).toHaveLength(1);
    await untilDeferredIsEmpty();
  });

  it('is closed when it opened between the reading and the writing of the job that ends it', async () => {
    const fan = world.fan('mei');
    const { openCheckout } = world.provider;
    let subscriptionId = '';
    let release: () => void = () => undefined;
    world.provider.openCheckout = async (asked) => {
      subscriptionId = asked.subscriptionId;
      await new Promise<void>((done) => (release = done));
      return await openCheckout(asked);
    };
    const answer = world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId });
    while (subscriptionId === '') await new Promise((done) => setTimeout(done, 5));
    await order();
    // The page gets its address while the job that ends the subscription has read it and waits to write.
    const wait = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));
    let ending: Promise<void> = Promise.resolve();
    await world.tx(async (tx) => {
      await sql(tx, 'SELECT 1 FROM subscription WHERE id = $1 FOR UPDATE', [subscriptionId]);
      release();
      await wait(200);
      ending = world.billing.work.endSubscription(subscriptionId);
      await wait(200);
    });
    await answer.catch(() => undefined);
    await ending;
    await world.drain();
    expect((await world.port.sdk.checkout.sessions.list({})).data.map((session) => session.status)).toEqual(['expired']);
    expect((await world.billing.getSubscription(fan, subscriptionId)).state).toBe('expired');
  });

  it('and whose payment is still pending at the stop is cancelled and refunded when it arrives', async () => {
    const { subscription } = world.provider;
    const opened = await world.billing.subscribe(world.fan('mei'), world.key('subscribe'), { cloneId: CLONE, tierId });
    world.sandbox.control.holdDeliveries();
    expect(await world.pay(opened.checkoutUrl)).toBe(303);
    world.provider.subscription = async (id) => {
      const facts = await subscription(id);
      return facts === null ? null : { ...facts, status: 'waiting' };
    };
    const { invoice } = world.provider;
    world.provider.invoice = async (id) => {
      const facts = await invoice(id);
      return facts === null ? null : { ...facts, paid: false };
    };
    await order();
    while (await world.runner.runNext());
    world.provider.subscription = subscription;
    world.provider.invoice = invoice;
    world.sandbox.control.releaseDeliveries();
    await untilDeferredIsEmpty();
    expect(await states()).toEqual(['canceled']);
  });
});

describe('a stop of a clone with very many subscriptions', () => {
  it('is settled by many jobs, none of which works them all, each period once', async () => {
    const many = 1_150;
    const { subscriptionId, periodId } = await world.subscribed(world.fan('mei'), tierId);
    const client = new pg.Client({ connectionString: world.db.superuserUrl });
    await client.connect();
    try {
      await client.query('SET session_replication_role = replica');
      await client.query(`INSERT INTO subscription (id, clone_id, account_id, tier_id, state, declared_country, stripe_subscription, created_at)
        SELECT 'sub_many_' || n, clone_id, 'acc_many_' || n, tier_id, 'active', 'CN', 'stripe_' || n, created_at
        FROM subscription, generate_series(1, $2) n WHERE id = $1`, [subscriptionId, many]);
      const columns = `clone_id, tier_id, stripe_charge, start_day, end_day, days, currency, gross_minor, tax_minor, tax_rate_basis_points, fee_minor,
        settled_currency, settled_net_minor, granted, paid_at`;
      await client.query(`INSERT INTO subscription_period (id, subscription_id, account_id, stripe_invoice, ${columns})
        SELECT 'prd_many_' || n, 'sub_many_' || n, 'acc_many_' || n, 'in_many_' || n, ${columns}
        FROM subscription_period, generate_series(1, $2) n WHERE id = $1`, [periodId, many]);
    } finally {
      await client.end();
    }
    await order();
    const settling = `SELECT id FROM job WHERE topic = 'billing.settleStop' AND state = 'waiting'`;
    const perJob: number[] = [];
    for (let before = 0; ;) {
      const [job] = await world.db.asOwner<{ id: string }>(settling);
      if (job === undefined) break;
      expect(await world.runner.runOne(job.id)).toBe(true);
      const refunds = (await world.db.asOwner('SELECT 1 FROM refund')).length;
      perJob.push(refunds - before);
      before = refunds;
    }
    expect(perJob.reduce((sum, made) => sum + made, 0)).toBe(many + 1);
    expect(Math.max(...perJob)).toBeLessThanOrEqual(1_000);
    expect(await world.db.asOwner('SELECT 1 FROM refund GROUP BY period_id HAVING count(*) > 1')).toEqual([]);
    expect(await world.db.asOwner(`SELECT 1 FROM job WHERE topic = 'billing.endSubscription'`)).toHaveLength(many + 1);
    expect(await world.db.asOwner(`SELECT 1 FROM job WHERE topic = 'billing.settleStop' AND state <> 'done'`)).toEqual([]);
    expect((await world.tx((tx) => world.billing.stopSettlement(tx, 'stp_1')))?.done).toBe(false);
  }, 60_000);
});

/** A processor that answers each refund as told; other calls go nowhere. */
async function stubbornProcessor(answers: { status: number; body: object }[]): Promise<{ server: Server; port: number; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    const post = request.method === 'POST';
    const answer = post ? answers[Math.min(asked, answers.length - 1)] : undefined;
    if (post) asked += 1;
    response.writeHead(answer?.status ?? 200, { 'content-type': 'application/json', 'stripe-should-retry': 'false' });
    response.end(JSON.stringify(answer?.body ?? { object: 'list', data: [], has_more: false, url: '/v1/refunds' }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { server, port: (server.address() as AddressInfo).port, asked: () => asked };
}

describe('a refund that the processor does not make now', () => {
  it.each([
    ['balance_insufficient', 400, 'invalid_request_error'],
    ['idempotency_key_in_use', 409, 'invalid_request_error'],
    ['idempotency_key_in_use', 409, 'idempotency_error'],
    ['lock_timeout', 429, 'invalid_request_error'],
    ['rate_limit', 429, 'invalid_request_error'],
  ])('because of %s (%i, %s) is not given up', async (code, status, type) => {
    const stub = await stubbornProcessor([{ status, body: { error: { type, code, message: 'not now' } } }]);
    try {
      const port = makeStripe({
        secretKey: 'sk_test_x', apiBase: { host: '127.0.0.1', port: stub.port, protocol: 'http' }, webhookSecret: 'whsec_x', maxNetworkRetries: 0,
      });
      const provider = makePaymentProvider(port, { publicUrl: 'http://127.0.0.1:1' });
      await expect(provider.refund({ refundId: 'rfd_1', chargeId: 'ch_1', amountMinor: 5n })).rejects.toThrow();
      expect(stub.asked()).toBe(1);
    } finally {
      await new Promise((done) => stub.server.close(done));
    }
  });

  it('for a reason that stays is given up, with the reason', async () => {
    const body = { error: { type: 'invalid_request_error', code: 'charge_disputed', message: 'Charge ch_1 has been charged back' } };
    const stub = await stubbornProcessor([{ status: 400, body }]);
    try {
      const port = makeStripe({
        secretKey: 'sk_test_x', apiBase: { host: '127.0.0.1', port: stub.port, protocol: 'http' }, webhookSecret: 'whsec_x', maxNetworkRetries: 0,
      });
      const provider = makePaymentProvider(port, { publicUrl: 'http://127.0.0.1:1' });
      expect(await provider.refund({ refundId: 'rfd_1', chargeId: 'ch_1', amountMinor: 5n })).toMatchObject({ state: 'failed', stripeRefundId: null });
    } finally {
      await new Promise((done) => stub.server.close(done));
    }
  });
});

describe('a refund that was given up and happened all the same', () => {
  it('is not passed over in silence', async () => {
    await world.subscribed(world.fan('mei'), tierId);
    const { refund } = world.provider;
    world.provider.refund = async (asked) => {
      await refund(asked);
      return { stripeRefundId: null, refundId: asked.refundId, state: 'failed', failure: 'so it said', chargeId: asked.chargeId, amountMinor: asked.amountMinor, settled: null, returned: null };
    };
    world.sandbox.control.holdDeliveries();
    await order();
    while (await world.runner.runNext());
    world.sandbox.control.releaseDeliveries();
    await expect(world.drain()).rejects.toThrow(/given up/);
  });
});

describe('a refund that costs more than it returns', () => {
  it('takes from our cash what the processor took, the rest at the platform\'s expense', async () => {
    const { refund } = world.provider;
    world.provider.refund = async (asked) => ({ ...(await refund(asked)), settled: { currency: 'CNY', amountMinor: asked.amountMinor + 7n } });
    await world.subscribed(world.fan('mei'), tierId);
    world.sandbox.control.holdDeliveries();
    await order();
    while (await world.runner.runNext());
    expect(await world.balance(chart.cashInTransit('CNY'))).toBe(-34n);
    expect(await world.balance(chart.platformExpense('processor_fees', 'CNY'))).toBe(34n);
    for (const { totalMinor } of (await world.ledger.getTrialBalance()).currencies) expect(totalMinor).toBe(0n);
  });
});

describe('raw SQL in the service\'s role', () => {
  it('takes nothing of a period that was ended and refunded', async () => {
    const { periodId } = await world.subscribed(world.fan('mei'), tierId);
    await order();
    await world.drain();
    await expect(world.db.asApp(`INSERT INTO quota_hold (id, clone_id, period_id, output_id, held_at)
      VALUES ('hld_raw', '${CLONE}', '${periodId}', 'out_raw', now())`)).rejects.toThrow(/was ended/);
  });

  it('begins no refund as sent, and no subscription as paid', async () => {
    const { periodId, subscriptionId } = await world.subscribed(world.fan('mei'), tierId);
    await expect(world.db.asApp(`INSERT INTO refund (id, clone_id, period_id, key, kind, reason, currency, gross_minor, net_minor, tax_minor, fee_minor, fee_bearer, requested_at, stripe_refund)
      VALUES ('rfd_raw', '${CLONE}', '${periodId}', 'raw', 'stop', 'x', 'CNY', 1, 1, 0, 0, 'platform', now(), 're_raw')`)).rejects.toThrow(/permission denied/);
    await expect(world.db.asApp(`INSERT INTO subscription (id, clone_id, account_id, tier_id, declared_country, created_at, state)
      SELECT 'sub_raw', clone_id, 'acc_li', tier_id, 'CN', now(), 'active' FROM subscription WHERE id = '${subscriptionId}'`)).rejects.toThrow(/permission denied/);
  });

  it('begins no paid period with quota spent, days earned, or money returned', async () => {
    const { periodId } = await world.subscribed(world.fan('mei'), tierId);
    const columns = `clone_id, subscription_id, account_id, tier_id, stripe_charge, start_day, end_day, days, currency, gross_minor, tax_minor,
      tax_rate_basis_points, fee_minor, settled_currency, settled_net_minor, granted, paid_at`;
    for (const [column, value] of [['held', '-1'], ['held', '1'], ['captured', '1'], ['recognised_days', '31'], ['ended_on', `'2026-03-02'`], ['refunded_minor', '1']] as const) {
      await expect(world.db.asApp(`INSERT INTO subscription_period (id, stripe_invoice, ${columns}, ${column})
        SELECT 'prd_raw', 'in_raw', ${columns}, ${value} FROM subscription_period WHERE id = '${periodId}'`)).rejects.toThrow(/permission denied/);
    }
  });
});

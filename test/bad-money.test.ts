import { createHmac } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { chart } from '../src/ledger/index.ts';
import type { Person } from './support/person.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { until } from './support/until.ts';

/** Everything about money that can be sent wrong, over HTTP: a clear problem, and the ledger is what it was, to the entry. */
let server: TestServer;
let operator: Person;
let owner: Person;
let agency: Person;
let cloneId: string;
let before: unknown;

const TIER = 'tir_bad_money';
/** Earned from the first to the tenth; another fan's period beside it. */
const PERIOD = 'per_bad_money';
const OTHER = 'per_bad_other';

async function plant(): Promise<void> {
  const client = new pg.Client({ connectionString: server.database.superuserUrl });
  await client.connect();
  await client.query('SET session_replication_role = replica');
  const clone = 'INSERT INTO clone (id, owner_account_id, ownership_proof_id, name, handle, created_at) VALUES ($1, $2, \'own_1\', \'Lin Ya\', \'lin-ya\', now())';
  await client.query(clone, [cloneId, owner.accountId]);
  await client.query(`INSERT INTO tier (id, clone_id, name, kind, created_by, created_at) VALUES ($1, $2, 'friend', 'friend', $3, now())`, [TIER, cloneId, owner.accountId]);
  await client.query(`INSERT INTO tier_offer (clone_id, tier_id, kind, version, currency, price_minor, outputs_per_period, capabilities, instant_replies, created_by, created_at)
    VALUES ($2, $1, 'friend', 1, 'CNY', 600, 100, '{voice}', true, $3, now())`, [TIER, cloneId, owner.accountId]);
  for (const [id, day, earned] of [[PERIOD, '2026-02-01', 10], [OTHER, '2026-02-20', 8]] as const) {
    await client.query(`INSERT INTO subscription_period (id, clone_id, subscription_id, account_id, tier_id, stripe_invoice, stripe_charge, start_day, end_day, days,
        currency, gross_minor, tax_minor, tax_rate_basis_points, fee_minor, settled_currency, settled_net_minor, granted, recognised_days, ended_on, paid_at)
      VALUES ($1, $2, 'sub_' || $1, $3, $4, 'in_' || $1, 'ch_' || $1, $5::date, $5::date + 28, 28, 'CNY', 600, 33, 600, 27, 'CNY', 573, 100, $6, $5::date + $6::int, $5)`,
    [id, cloneId, agency.accountId, TIER, day, earned]);
  }
  await client.end();
}

async function earnAndSign(): Promise<void> {
  const legs = [{ payee: owner.accountId, basisPoints: 7_000 }, { payee: agency.accountId, basisPoints: 2_000 }, { payee: 'platform', basisPoints: 1_000 }];
  const { splitId, document } = await owner.client.call('draftSplit', { path: { cloneId }, body: { legs, effectiveFrom: '2026-02-01' } });
  for (const person of [owner, agency, operator]) {
    await person.client.call('signSplit', { path: { splitId }, body: { signature: await person.sign('split', document, 'zh-CN') } });
  }
  const { platform, rooms } = server.service;
  await platform.database.runTx((tx) => rooms.ledger.post(tx, {
    key: 'earned', kind: 'billing.days_earned', effectiveDate: '2026-02-10',
    metadata: { cloneId, tierId: TIER, periodId: PERIOD, fromDay: '2026-02-01', throughDay: '2026-02-10' },
    legs: [{ account: chart.deferred(cloneId, 'CNY'), amountMinor: 193n }, { account: chart.earned(cloneId, TIER, 'CNY'), amountMinor: -193n }],
  }));
  await operator.client.call('runRoyalties', { body: { cloneId, throughDay: '2026-03-01' } });
}

/** What the ledger says of itself over HTTP, and every row that a movement of money leaves. */
async function traces(): Promise<unknown> {
  const { currencies } = await operator.client.call('getTrialBalance', {});
  const rows = await server.database.asOwner(`
    SELECT (SELECT count(*) FROM ledger_entry)::int AS entries, (SELECT count(*) FROM ledger_transfer)::int AS transfers, (SELECT count(*) FROM refund)::int AS refunds,
           (SELECT count(*) FROM goodwill_day)::int AS days, (SELECT count(*) FROM payout)::int AS payouts, (SELECT count(*) FROM split)::int AS splits,
           (SELECT count(*) FROM tier)::int AS tiers, (SELECT count(*) FROM royalty_run)::int AS runs, (SELECT count(*) FROM statement)::int AS statements,
           (SELECT count(*) FROM subscription_period)::int AS periods`);
  return { currencies, rows };
}

beforeAll(async () => {
  server = await startTestServer({ seed: 'bad money' });
  operator = await server.operator();
  owner = await server.person('Lin Ya');
  agency = await server.invited(owner, 'payee', 'Agency');
  cloneId = server.service.platform.ids.next('clone');
  await plant();
  await earnAndSign();
});
afterAll(async () => {
  await server.close();
});
beforeEach(async () => {
  before = await traces();
});
afterEach(async () => {
  expect(await traces()).toEqual(before);
});

/** 2^63 and what no number of minor units is. */
const WRONG = ['0', '-1', '-600', '9223372036854775808', '18446744073709551616', '1.5', '6.00', 'NaN', '1e3', 'Infinity', '', ' 100', '0100', '+1', '١٠٠', '100 CNY'];

describe('amounts', () => {
  it.each(WRONG)('%j is no least payout', async (minimumMinor) => {
    const refusal = await operator.client.refused('createPayouts', { body: { minimumMinor } });
    expect(refusal.status).toBeGreaterThanOrEqual(400);
    expect(refusal.status).toBeLessThan(500);
    expect(refusal.code).toMatch(/^(request_invalid|money_malformed|money_out_of_range)$/);
  });

  it.each(WRONG)('%j is no price', async (priceMinor) => {
    const body = { name: 'work', priceMinor, currency: 'CNY' as const, period: 'month' as const, voiceOutputsPerPeriod: 100 };
    expect((await owner.client.refused('createTier', { path: { cloneId }, body })).code).toMatch(/^(request_invalid|money_malformed|money_out_of_range)$/);
  });

  it.each([0, 600, 9_223_372_036_854_775_808, 1.5, null, true, ['600'], { minor: '600' }])('%j is no amount: amounts are text', async (minimumMinor) => {
    expect((await operator.client.refused('createPayouts', { body: { minimumMinor } as never })).code).toMatch(/^(request_invalid|json_malformed)$/);
  });

  it.each(['XXX', 'cny', 'USDT', 'COIN', ''])('%j is no currency of a price', async (currency) => {
    const body = { name: 'work', priceMinor: '600', currency, period: 'month', voiceOutputsPerPeriod: 100 };
    expect((await owner.client.refused('createTier', { path: { cloneId }, body: body as never })).code).toBe('request_invalid');
  });
});

describe('a transfer that does not balance', () => {
  const post = (legs: Parameters<TestServer['service']['rooms']['ledger']['post']>[1]['legs']): Promise<unknown> =>
    server.service.platform.database.runTx((tx) => server.service.rooms.ledger.post(tx, { key: 'unbalanced', kind: 'test.unbalanced', effectiveDate: '2026-03-01', metadata: {}, legs }));

  it('is refused by the service, by currency', async () => {
    const cash = chart.cashInTransit('CNY');
    await expect(post([{ account: cash, amountMinor: 5n }, { account: chart.taxPayable('CNY'), amountMinor: -4n }])).rejects.toMatchObject({ code: 'ledger_unbalanced' });
    await expect(post([{ account: cash, amountMinor: 5n }, { account: chart.taxPayable('USD'), amountMinor: -5n }])).rejects.toMatchObject({ code: 'ledger_unbalanced' });
    await expect(post([{ account: cash, amountMinor: 0n }, { account: chart.taxPayable('CNY'), amountMinor: 0n }])).rejects.toMatchObject({ code: 'ledger_transfer_invalid' });
    await expect(post([{ account: cash, amountMinor: 2n ** 63n }, { account: chart.taxPayable('CNY'), amountMinor: -(2n ** 63n) }])).rejects.toMatchObject({ code: 'money_out_of_range' });
    const unknown = { ...cash, code: 'cash:XXX', currency: 'XXX' as never };
    await expect(post([{ account: unknown, amountMinor: 1n }, { account: unknown, amountMinor: -1n }])).rejects.toMatchObject({ code: 'ledger_transfer_invalid' });
  });

  it('is refused by PostgreSQL, whoever writes it past the service', async () => {
    const { database } = server;
    for (const write of [(text: string) => database.asApp(text), (text: string) => database.asOwner(text)]) {
      await expect(write('UPDATE ledger_entry SET amount_minor = amount_minor + 1')).rejects.toThrow();
      await expect(write('DELETE FROM ledger_entry')).rejects.toThrow();
      await expect(write(`INSERT INTO ledger_entry (transfer_seq, account_id, amount_minor, leg, currency)
        SELECT transfer_seq, account_id, 1, 3, currency FROM ledger_entry LIMIT 1`)).rejects.toThrow();
    }
  });
});

describe('a split', () => {
  const draft = (...points: [string, number][]) => owner.client.refused('draftSplit', {
    path: { cloneId }, body: { legs: points.map(([payee, basisPoints]) => ({ payee, basisPoints })), effectiveFrom: '2026-04-01' },
  });

  it.each([['9,999', 8_999], ['10,001', 9_001]] as const)('that sums to %s basis points', async (_sum, points) => {
    expect((await draft([owner.accountId, points], ['platform', 1_000])).code).toBe('split_invalid');
  });

  it('that names a payee twice, divides by zero, by less or by halves', async () => {
    expect((await draft([owner.accountId, 4_500], [owner.accountId, 4_500], ['platform', 1_000])).code).toBe('split_invalid');
    for (const share of [0, -1_000, 0.5, 10_000, 2 ** 53]) {
      expect((await draft([owner.accountId, share], ['platform', 10_000 - share])).code).toMatch(/^(split_invalid|request_invalid|json_malformed)$/);
    }
  });
});

describe('a refund', () => {
  const refund = (periodId: string, days: string[]) => operator.client.refused('refundGoodwill', { body: { periodId, days, reason: 'Goodwill.' } });

  it.each([
    ['of more days than were paid for', ['2026-02-01', '2026-03-01']],
    ['of days that were paid for and not delivered', ['2026-02-11']],
    ['of a day before the payment', ['2026-01-31']],
    ['of a day that another payment paid for', ['2026-02-25']],
  ])('%s', async (_what, days) => {
    expect((await refund(PERIOD, days)).code).toBe('refund_too_large');
  });

  it('of a payment that there is not, of no day, of a day twice, of what is no day', async () => {
    expect((await refund('per_unknown', ['2026-02-01'])).code).toBe('not_found');
    for (const days of [[], ['2026-02-01', '2026-02-01'], ['2026-02-30'], ['yesterday'], ['2026-02-01T00:00:00Z']]) {
      expect((await refund(PERIOD, days)).code).toMatch(/^(request_invalid|refund_too_large)$/);
    }
  });

  it('of another payment at the processor than the one it is for is never sent: the charge is the period\'s own', async () => {
    // The contract has no word for a charge: a caller cannot name one.
    const body = { periodId: OTHER, days: ['2026-02-20'], reason: 'x', charge: `ch_${PERIOD}` };
    expect((await operator.client.refused('refundGoodwill', { body })).code).toBe('request_invalid');
  });
});

describe('a webhook', () => {
  let secret = '';
  beforeAll(async () => {
    [secret = ''] = await server.service.platform.sandbox!.webhookSecrets(`http://127.0.0.1:${new URL(server.service.origin).port}/v1/stripe/events`);
  });
  const seconds = (): number => Math.floor(Date.now() / 1_000);

  async function deliver(event: { id: string; type: string; object: string; apiVersion?: string }, at = seconds()): Promise<{ status: number; code: string | undefined }> {
    const body = JSON.stringify({
      id: event.id, object: 'event', type: event.type, api_version: event.apiVersion ?? '2025-01-27.acacia', created: at, livemode: false, pending_webhooks: 1,
      request: { id: null, idempotency_key: null }, data: { object: { id: event.object, object: event.type.split('.')[0], amount: 999_999, amount_paid: 999_999 } },
    });
    const response = await fetch(new URL('/v1/stripe/events', server.service.origin), {
      method: 'POST', body,
      headers: { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}` },
    });
    const answer = (await response.json()) as { code?: string };
    return { status: response.status, code: answer.code };
  }

  async function outcome(eventId: string): Promise<string> {
    let found = '';
    await until(async () => {
      const [row] = await server.database.asOwner<{ outcome: string }>('SELECT outcome FROM stripe_event_applied WHERE event_id = $1', [eventId]);
      found = row?.outcome ?? '';
      return found !== '';
    }, 20_000);
    return found;
  }

  it.each(['invoice.paid', 'charge.updated', 'refund.updated', 'customer.subscription.deleted', 'checkout.session.completed'])(
    '%s for an object that nobody knows is taken, and books nothing', async (type) => {
      const id = `evt_unknown_${type.replaceAll('.', '_')}`;
      expect(await deliver({ id, type, object: `x_unknown_${type.length}` })).toMatchObject({ status: 200 });
      expect(await outcome(id)).toBe('not_ours');
    });

  it('of another API version tells no amount: its object is asked for, and there is none', async () => {
    for (const apiVersion of ['2015-10-01', '2099-12-31.future']) {
      const id = `evt_version_${apiVersion.slice(0, 4)}`;
      expect(await deliver({ id, type: 'invoice.paid', object: 'in_of_another_version', apiVersion })).toMatchObject({ status: 200 });
      expect(await outcome(id)).toBe('not_ours');
    }
  });

  it('replayed after a month is refused by its age; signed anew it is the same event, worked once', async () => {
    const event = { id: 'evt_replayed', type: 'invoice.paid', object: 'in_replayed' };
    expect((await deliver(event)).status).toBe(200);
    await outcome(event.id);
    expect(await deliver(event, seconds() - 31 * 86_400)).toEqual({ status: 400, code: 'webhook_signature_invalid' });
    expect((await deliver(event)).status).toBe(200);
    expect(await server.database.asOwner(`SELECT (SELECT count(*) FROM stripe_event WHERE id = 'evt_replayed')::int AS kept,
      (SELECT count(*) FROM job WHERE dedupe_key = 'stripe.event:evt_replayed')::int AS jobs`)).toEqual([{ kept: 1, jobs: 1 }]);
  });
});

describe('a payee who never onboards', () => {
  it('is named and not paid, and keeps what is owed', async () => {
    const owed = (): Promise<unknown> => server.database.asOwner(
      `SELECT (-sum(e.amount_minor))::text AS owed FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE a.code = $1`, [`payable:${agency.accountId}:CNY`]);
    const was = await owed();
    for (let month = 0; month < 3; month += 1) {
      const { payouts, skipped } = await operator.client.call('createPayouts', { body: { minimumMinor: '1' } });
      expect(payouts).toEqual([]);
      expect(skipped.find((one) => one.payee === agency.accountId)).toMatchObject({ reason: 'payee_not_onboarded' });
    }
    expect(await owed()).toEqual(was);
  });
});

describe('a period', () => {
  it('is closed once; the second close is refused, and a repeat of the first is answered again', async () => {
    const key = '0b9b0f0e-6d9a-4b8e-9c3c-3f5f1c0f7a11';
    const first = await operator.client.call('closeStatements', { key, body: { throughDay: '2026-03-01' } });
    before = await traces();
    for (const throughDay of ['2026-03-01', '2026-02-15', '2020-01-01']) {
      const refusal = await operator.client.refused('closeStatements', { body: { throughDay } });
      expect([refusal.status, refusal.code]).toEqual([409, 'statement_closed']);
    }
    expect(await operator.client.call('closeStatements', { key, body: { throughDay: '2026-03-01' } })).toEqual(first);
    expect((await operator.client.refused('closeStatements', { key, body: { throughDay: '2026-03-02' } })).code).toBe('idempotency_key_reused');
    expect((await operator.client.refused('closeStatements', { body: { throughDay: '2026-03-03' } })).code).toBe('statement_open');
  });
});

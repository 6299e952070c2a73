import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import pg from 'pg';

import { makeBilling, makeBillingJobs, makeEventReader, makePaymentProvider, type Billing, type BillingDeps, type PaymentProvider } from '../../src/billing/index.ts';
import { makeIds, type Ids } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { addDays, type Day } from '../../src/kernel/time.ts';
import type { IdempotencyKey, Tx } from '../../src/kernel/tx.ts';
import { chart, makeLedger, type Ledger } from '../../src/ledger/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { makeRunner, type JobHandlers, type JobRunner } from '../../src/platform/jobs/index.ts';
import { makeStripe, startSandbox, type Sandbox, type SandboxOptions, type StripePort } from '../../src/platform/stripe/index.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { makeTestClock, type TestClock } from '../support/clock.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

export const CLONE = 'cln_lin_ya';
export const OWNER: Actor = { accountId: 'acc_owner', sessionId: 'ses_owner', roles: [] };
export const GOOD_CARD = '4242424242424242';
export const DECLINED_CARD = '4000000000000002';

export interface World {
  db: TestDatabase;
  clock: TestClock;
  ids: Ids;
  ledger: Ledger;
  billing: Billing;
  provider: PaymentProvider;
  port: StripePort;
  sandbox: Sandbox;
  runner: JobRunner;
  webhookUrl: string;
  /** What the rooms below would answer; a test changes it. */
  facts: { tiers: string[]; capabilities: Record<string, boolean>; territories: string[]; granted: boolean; serves: boolean; countries: Map<string, string>; owners: Map<string, string> };
  fan: (name: string, country?: string) => Actor;
  key: (name: string) => IdempotencyKey;
  tx: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  /** Runs every due job; throws when one gave up. */
  drain: () => Promise<void>;
  /** Moves the Stripe test clock and ours, then works what came of it. */
  moveTo: (iso: string) => Promise<void>;
  /** A person at the Checkout page. Answers the page's status. */
  pay: (checkoutUrl: string | null, card?: string, country?: string) => Promise<number>;
  /** A tier with its price at the processor. */
  tier: (name?: string, priceMinor?: string, cloneId?: string) => Promise<string>;
  /** A fan who has paid. */
  subscribed: (fan: Actor, tierId: string, cloneId?: string, country?: string) => Promise<{ subscriptionId: string; periodId: string }>;
  balance: (account: { code: string }) => Promise<bigint>;
  /** The news of an object, worked before anything else is: as when the other deliveries are late. */
  told: (type: string, objectId: string) => Promise<void>;
  /** Zero in every currency, and our cash is what the sandbox's own book says. */
  checkBooks: () => Promise<void>;
  close: () => Promise<void>;
}

/** Everybody whom these tests know. */
const NAMES = ['owner', 'mei', 'li', 'wu', 'eve', 'slow', 'late', 'crowd', 'raw', 'days', 'tao', 'bo', 'yun', 'shu', 'a', 'b', 'c'];

/** Accounts, and a clone without the proof and the signatures that it would stand on: they are other rooms' tests. */
async function insertPeople(superuserUrl: string, at: Date): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query('SET session_replication_role = replica');
    for (const name of NAMES) {
      await client.query('INSERT INTO account (id, display_name, locale, created_at) VALUES ($1, $2, $3, $4)', [`acc_${name}`, name, 'en', at]);
    }
    await client.query(`INSERT INTO clone (id, owner_account_id, ownership_proof_id, name, handle, created_at) VALUES ($1, $2, 'own_1', 'Lin Ya', 'lin-ya', $3)`,
      [CLONE, OWNER.accountId, at]);
  } finally {
    await client.end();
  }
}

async function startWebhook(receive: (body: Buffer, signature: string | undefined) => Promise<unknown>): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const header = request.headers['stripe-signature'];
      receive(Buffer.concat(chunks), typeof header === 'string' ? header : undefined)
        .then(() => response.writeHead(200).end())
        .catch((error: unknown) => response.writeHead(error instanceof Refusal ? 400 : 500).end());
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/stripe/events`,
    close: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(() => done());
    }),
  };
}

/** The room on a real PostgreSQL, against the sandbox through the real SDK; other rooms are the facts given. */
export async function openWorld(options: {
  start?: string; taxRateBasisPoints?: number; deps?: Partial<BillingDeps>; jobs?: JobHandlers; poolSize?: number; habits?: SandboxOptions['habits']; automaticTax?: boolean;
} = {}): Promise<World> {
  const start = options.start ?? '2026-03-01T02:00:00Z';
  const db = await openTestDatabase([], options.poolSize ?? 10);
  const clock = makeTestClock(start);
  await insertPeople(db.superuserUrl, clock.now());
  const ids = makeIds(clock, seededRandom(`billing ${db.name}`));
  const ledger = makeLedger({ runTx: db.runTx, ids });
  const sandbox = await startSandbox({ clock, wall: systemClock, random: seededRandom(`sandbox ${db.name}`), ...(options.habits === undefined ? {} : { habits: options.habits }) });
  let receive: Billing['receiveStripeEvent'] = () => Promise.reject(new Error('not ready'));
  const webhook = await startWebhook((body, signature) => receive(body, signature));
  const webhookSecret = await sandbox.webhookSecrets(webhook.url);
  const port = makeStripe({ secretKey: sandbox.secretKey, apiBase: sandbox.apiBase, webhookSecret });
  const testClock = await port.sdk.testHelpers.testClocks.create(
    { frozen_time: Math.floor(clock.now().getTime() / 1000), name: 'business time' }, port.withKey('clock'));
  const facts: World['facts'] = {
    tiers: ['free', 'friend', 'work'], capabilities: { voice: true }, territories: ['CN', 'SG'], granted: true, serves: true, countries: new Map(), owners: new Map([[CLONE, OWNER.accountId]]),
  };
  const provider = makePaymentProvider(port, { publicUrl: 'http://127.0.0.1:1', testClock: testClock.id, ...(options.automaticTax === undefined ? {} : { automaticTax: options.automaticTax }) });
  const billing = makeBilling({
    runTx: db.runTx, clock, ids, provider, readEvent: makeEventReader(port, systemClock), ledger,
    serves: async () => facts.serves,
    cloneOwner: async (_tx, cloneId) => facts.owners.get(cloneId) ?? null,
    accountCountry: async (_tx, accountId) => facts.countries.get(accountId) ?? null,
    grantInForce: async () => (facts.granted ? { document: { tiers: facts.tiers, territories: facts.territories, capabilities: facts.capabilities } } : null),
    settings: { taxRateBasisPoints: options.taxRateBasisPoints ?? 600 },
    ...options.deps,
  });
  receive = billing.receiveStripeEvent;
  const runner = makeRunner({ runTx: db.runTx, clock, handlers: { ...makeBillingJobs(billing), ...options.jobs }, log: makeLog({ level: 'silent' }) });
  let keys = 0;
  let events = 0;

  const world: World = {
    db, clock, ids, ledger, billing, provider, port, sandbox, runner, facts, webhookUrl: webhook.url,
    fan(name, country = 'CN') {
      facts.countries.set(`acc_${name}`, country);
      return { accountId: `acc_${name}`, sessionId: `ses_${name}`, roles: [] };
    },
    key(name) {
      keys += 1;
      return { scope: `test:${name}`, key: `key-${keys}`, digest: name };
    },
    tx: (work) => db.runTx(work),
    async drain() {
      await sandbox.control.idle();
      for (;;) {
        if (!(await runner.runNext())) {
          await sandbox.control.idle();
          if (!(await runner.runNext())) break;
        }
      }
      const failed = await db.asOwner<{ topic: string; last_error: string }>(`SELECT topic, last_error FROM job WHERE state <> 'done' AND last_error IS NOT NULL`);
      if (failed.length > 0) throw new Error(`jobs failed: ${JSON.stringify(failed)}`);
    },
    async moveTo(iso) {
      const to = new Date(iso);
      await port.sdk.testHelpers.testClocks.advance(testClock.id, { frozen_time: Math.floor(to.getTime() / 1000) }, port.withKey(`advance:${iso}`));
      await sandbox.control.idle();
      clock.set(to);
      await world.drain();
    },
    async pay(checkoutUrl, card = GOOD_CARD, country = 'CN') {
      if (checkoutUrl === null) throw new Error('there is no page to pay at');
      const body = new URLSearchParams({ email: 'fan@example.com', name: 'A Fan', country, card_number: card, exp: '12 / 34', cvc: '123' });
      return (await fetch(checkoutUrl, { method: 'POST', body, redirect: 'manual' })).status;
    },
    async tier(name = 'friend', priceMinor = '600', cloneId = CLONE) {
      const tier = await billing.createTier(OWNER, world.key('createTier'), { cloneId, name, priceMinor, voiceOutputsPerPeriod: 100 });
      await world.drain();
      return tier.tierId;
    },
    async subscribed(fan, tierId, cloneId = CLONE, country = 'CN') {
      const { subscriptionId, checkoutUrl } = await billing.subscribe(fan, world.key('subscribe'), { cloneId, tierId });
      const status = await world.pay(checkoutUrl, GOOD_CARD, country);
      if (status !== 303) throw new Error(`the page answered ${status}`);
      await world.drain();
      const { currentPeriod } = await billing.getSubscription(fan, subscriptionId);
      if (currentPeriod === null) throw new Error('nothing was booked');
      return { subscriptionId, periodId: currentPeriod.periodId };
    },
    balance: (account) => db.runTx((tx) => ledger.balance(tx, account)),
    async told(type, objectId) {
      events += 1;
      const event = `evt_told_${events}`;
      const body = JSON.stringify({ id: event, object: 'event', type, created: 1, data: { object: { id: objectId } } });
      const [secret = ''] = await sandbox.webhookSecrets(webhook.url);
      await billing.receiveStripeEvent(Buffer.from(body), port.sdk.webhooks.generateTestHeaderString({ payload: body, secret }));
      await billing.work.applyEvent(event);
    },
    async checkBooks() {
      for (const { currency, totalMinor } of (await ledger.getTrialBalance()).currencies) {
        if (totalMinor !== 0n) throw new Error(`${currency} is off by ${totalMinor}`);
      }
      const theirs = sandbox.control.book().filter((entry) => entry.platform && entry.currency === 'CNY')
        .reduce((sum, entry) => sum + entry.netMinor, 0n);
      const ours = await world.balance(chart.cashInTransit('CNY'));
      if (ours !== theirs) throw new Error(`we say ${ours}, the processor says ${theirs}`);
      const problems = (await ledger.verify()).problems;
      if (problems.length > 0) throw new Error(JSON.stringify(problems));
    },
    async close() {
      await sandbox.close();
      await webhook.close();
      await db.close();
    },
  };
  return world;
}

/** Midday in Shanghai of a day, `days` later. */
export function noon(day: Day, days = 0): string {
  return `${addDays(day, days)}T04:00:00Z`;
}

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import pg from 'pg';

import { BILLING_EVENT_TYPES } from '../../src/billing/index.ts';
import { type Ids, makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import type { Actor } from '../../src/kernel/request.ts';
import type { IdempotencyKey, Tx } from '../../src/kernel/tx.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { makeStripe, type Sandbox, startSandbox, type StripePort } from '../../src/platform/stripe/index.ts';
import { ROYALTY_EVENT_TOPICS } from '../../src/royalties/index.ts';
import { makeTestClock, type TestClock } from '../support/clock.ts';
import { openTestDatabase, outside, type TestDatabase } from '../support/database.ts';
import type { TestServerAddress } from '../support/global.ts';
import { makePasskey, type Passkey } from '../support/passkey.ts';
import { type Life, makeLife } from './life.ts';
import { type Facts, makeRooms, openDatabase, type Planting, type RoomParts, type Rooms, simulationKeys, SITE } from './rooms.ts';

export interface Person {
  accountId: string;
  actor: Actor;
  passkey: Passkey;
}

export interface StageOptions {
  seed: number;
  start: number;
  taxRateBasisPoints: number;
  plant?: Planting;
  /** The PostgreSQL of a run without vitest. */
  address?: TestServerAddress;
}

/** The money rooms on a real PostgreSQL and the sandbox, the processor's webhooks, and people who sign. */
export interface Stage {
  db: TestDatabase;
  clock: TestClock;
  ids: Ids;
  sandbox: Sandbox;
  port: StripePort;
  testClock: string;
  facts: Facts;
  /** The service; it can be made to die. */
  rooms: Rooms;
  life: Life;
  options: StageOptions;
  /** One statement as the superuser, on a connection that is kept. */
  ask: <Row extends pg.QueryResultRow>(text: string, params?: unknown[]) => Promise<Row[]>;
  tx: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  key: (name: string) => IdempotencyKey;
  register: (name: string, invitation?: string) => Promise<Person>;
  accounts: (ids: readonly string[]) => Promise<void>;
  clones: (clones: readonly { cloneId: string; owner: string }[]) => Promise<void>;
  /** Works every due job, several at once; throws what made one give up. */
  drain: () => Promise<void>;
  /** As `drain`, by one worker that may die on the way. */
  drainMortally: () => Promise<boolean>;
  moveTo: (at: number) => Promise<void>;
  /** What the service does by itself. */
  tick: (name: string) => Promise<void>;
  /** Webhooks that the service has answered so far. */
  readonly received: number;
  close: () => Promise<void>;
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
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/stripe/events`,
    close: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(() => done());
    }),
  };
}

/** A connection that comes back after the server was away. */
function makeAsker(url: string): Pick<Stage, 'ask'> & { put: (text: string, rows: readonly unknown[][]) => Promise<void>; end: () => Promise<void> } {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  return {
    ask: async <Row extends pg.QueryResultRow>(text: string, params: unknown[] = []) => (await pool.query<Row>(text, params)).rows,
    /** Without the triggers that want to know where a row comes from. */
    async put(text, rows) {
      const client = await pool.connect();
      let whole = false;
      try {
        await client.query('BEGIN; SET LOCAL session_replication_role = replica');
        for (const row of rows) await client.query(text, row);
        await client.query('COMMIT');
        whole = true;
      } finally {
        client.release(!whole);
      }
    },
    end: () => pool.end(),
  };
}

/** What the service works on: two thirds of all events are about nothing of ours. */
const WORKED = [...BILLING_EVENT_TYPES, ...Object.keys(ROYALTY_EVENT_TOPICS)];

const WORKERS = 3;

/** Asked in one statement, because most of the times that somebody looks nothing is due. */
const AT_HAND = `
  SELECT count(*) FILTER (WHERE state = 'waiting' AND run_at <= $1 OR state = 'running' AND claimed_until < now())::int AS due,
    coalesce(jsonb_agg(jsonb_build_object('topic', topic, 'error', last_error)) FILTER (WHERE state = 'failed'), '[]') AS failed
  FROM job WHERE state <> 'done'`;

export async function openStage(options: StageOptions): Promise<Stage> {
  const { seed, start } = options;
  if (options.address !== undefined) outside.address = options.address;
  const db = await openTestDatabase([], 1);
  const database = await openDatabase(db.appUrl, 8);
  const clock = makeTestClock(new Date(start * 1_000).toISOString());
  const ids = makeIds(clock, seededRandom(`ids ${seed}`));
  const sandbox = await startSandbox({ clock, wall: systemClock, random: seededRandom(`sandbox ${seed}`), deliveries: { attempts: 60, firstPauseMs: 20, longestPauseMs: 400 } });
  let receive: (body: Buffer, signature: string | undefined) => Promise<unknown> = () => Promise.reject(new Error('not ready'));
  const webhook = await startWebhook((body, signature) => receive(body, signature));
  const port = makeStripe({ secretKey: sandbox.secretKey, apiBase: sandbox.apiBase, webhookSecret: await sandbox.webhookSecrets(webhook.url, WORKED) });
  const testClock = await port.sdk.testHelpers.testClocks.create({ frozen_time: start, name: 'business time' }, port.withKey('clock'));
  const facts: Facts = { owners: new Map() };
  const life = makeLife();
  const parts: RoomParts = {
    runTx: database.runTx, clock, ids, port, testClock: testClock.id, facts, taxRateBasisPoints: options.taxRateBasisPoints, keys: await simulationKeys(),
    ...(options.plant === undefined ? {} : { plant: options.plant }),
  };
  const immortal = makeRooms(parts);
  const rooms = makeRooms({ ...parts, runTx: life.runTx(database.runTx), port: life.port(port) });
  const { ask, put, end } = makeAsker(db.superuserUrl);
  let received = 0;
  receive = async (body, signature) => {
    await immortal.billing.receiveStripeEvent(body, signature);
    received += 1;
  };
  const random = seededRandom(`people ${seed}`);
  let keys = 0;

  async function drain(): Promise<void> {
    for (;;) {
      await sandbox.control.idle();
      const [{ due, failed } = { due: 0, failed: [] }] = await ask<{ due: number; failed: object[] }>(AT_HAND, [clock.now()]);
      if (failed.length > 0) throw new Error(`jobs gave up: ${JSON.stringify(failed)}`);
      if (due === 0) return;
      while ((await Promise.all(Array.from({ length: Math.min(due, WORKERS) }, () => immortal.runner.runNext()))).includes(true));
    }
  }

  return {
    db, clock, ids, sandbox, port, testClock: testClock.id, facts, rooms, life, options, ask, drain,
    get received() {
      return received;
    },
    tx: (work) => life.runTx(database.runTx)(work),
    key(name) {
      keys += 1;
      return { scope: `simulate:${name}`, key: `key-${seed}-${keys}`, digest: name };
    },
    async register(name, invitationToken) {
      const { identity } = immortal;
      const passkey = makePasskey({ random, origin: SITE.origin });
      const asked = await identity.createRegistrationOptions({ displayName: name, ...(invitationToken === undefined ? {} : { invitationToken }) });
      const session = await identity.register({ challengeId: asked.challengeId, credential: passkey.register(asked.publicKey) });
      const actor = await identity.authenticate(session.sessionToken);
      if (actor === null) throw new Error('a fresh session is no session');
      return { accountId: actor.accountId, actor, passkey };
    },
    accounts: (names) => put('INSERT INTO account (id, display_name, locale, country, created_at) SELECT id, id, \'en\', \'CN\', $2 FROM unnest($1::text[]) AS id', [[names, clock.now()]]),
    async clones(list) {
      for (const { cloneId, owner } of list) facts.owners.set(cloneId, owner);
      await put(`INSERT INTO clone (id, owner_account_id, ownership_proof_id, name, handle, created_at) VALUES ($1, $2, 'own_' || $1, $1, $3, $4)`,
        list.map(({ cloneId, owner }) => [cloneId, owner, cloneId.slice(4), clock.now()]));
    },
    async drainMortally() {
      try {
        while (await rooms.runner.runNext());
      } catch (error) {
        if (!life.dead) throw error;
      }
      const died = life.dead;
      life.revive();
      // A claim of a worker that died ends after two minutes: they pass.
      if (died) await ask(`UPDATE job SET claimed_until = now() - interval '1 second' WHERE state = 'running'`);
      return died;
    },
    async tick(name) {
      await immortal.ticks[name]?.();
    },
    async moveTo(at) {
      await port.sdk.testHelpers.testClocks.advance(testClock.id, { frozen_time: at }, port.withKey(`advance:${at}`));
      await sandbox.control.idle();
      clock.set(new Date(at * 1_000));
    },
    async close() {
      await sandbox.close();
      await webhook.close();
      await database.close();
      await end();
      await db.close();
    },
  };
}

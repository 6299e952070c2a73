import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { GatewayLease, LeaseClocks } from '../consent/index.ts';
import type { MediaIo } from '../http/media.ts';
import { type Ids, makeIds } from '../kernel/ids.ts';
import { type Random, systemRandom } from '../kernel/random.ts';
import type { Clock } from '../kernel/time.ts';
import { type Blobs, makeFolderBlobs } from '../platform/blobs/index.ts';
import { systemClock } from '../platform/clock.ts';
import { makeTxtReader, type TxtReader } from '../platform/dns/index.ts';
import { makeSafeFetch, type SafeFetch } from '../platform/fetch/index.ts';
import { type Inference, makeInference } from '../platform/inference.ts';
import { type KeyRing, deriveSecret, makeSealer, openKeys, openStatementKeys, type Sealer, type StatementKeys } from '../platform/keys/index.ts';
import { connect, type Database, type EmbeddedPostgres, type EntitySchema, migrate, startEmbedded } from '../platform/postgres/index.ts';
import { makeStripe, type Sandbox, startSandbox, type StripePort } from '../platform/stripe/index.ts';
import { type Log, makeLog } from '../platform/telemetry/index.ts';
import { makeLease, refuseUnsafeStandby } from './lease.ts';

/** What a composition may be given instead of the real thing: the demo's and the tests' clock, never a room. */
export interface Overrides {
  /** Business time. The demo gives the time of the sandbox's test clock. */
  clock?: Clock;
  random?: Random;
  log?: Log;
  /** A sandbox that the caller controls. */
  sandbox?: Sandbox;
  /** Stripe test clock on which customers are made. */
  testClock?: string;
  /** Lets evidence be fetched from this machine. Never in production. */
  allowLoopback?: boolean;
  /** Names are looked up here instead of by the machine's resolvers. */
  dns?: TxtReader;
  validateResponses?: boolean;
  /** How media is written: tests freeze a process between check and write. */
  media?: Omit<MediaIo, 'clock'>;
  /** What leases are counted on, where a test skews or stops a clock. */
  leaseClocks?: LeaseClocks;
  /** A database that is there already, migrated or not. */
  databaseUrls?: { owner: string; app: string };
}

export interface Platform {
  config: Config;
  overrides: Overrides;
  clock: Clock;
  /** The machine's time, for what is signed or certified by others: webhooks, certificates. */
  wall: Clock;
  random: Random;
  ids: Ids;
  log: Log;
  database: Database;
  /** Started by the roles that hand out media or release it. */
  lease: GatewayLease;
  keys: KeyRing;
  /** What statements on paper are signed with; in development made when first asked for. */
  statementKeys: () => Promise<StatementKeys>;
  /** Secret bytes of this installation, the same in every process. */
  secret: Uint8Array;
  /** Seals what must be forgettable, under a secret of its own. */
  sealer: Sealer;
  blobs: Blobs;
  fetcher: SafeFetch;
  dns: TxtReader;
  inference: Inference;
  stripe: StripePort;
  sandbox: Sandbox | null;
  /** Listening, without an application yet: its port stands in URLs that the rooms are given. */
  server: Server;
  origin: string;
  close(): Promise<void>;
}

interface DatabaseUrls {
  owner: string;
  app: string;
  embedded: EmbeddedPostgres | null;
}

/** Opens what runs outside; each opened thing is closed again, in reverse, when a later one fails. */
class Closing {
  readonly #closers: (() => Promise<void>)[] = [];

  add<T>(thing: T, close: (thing: T) => Promise<void>): T {
    this.#closers.push(() => close(thing));
    return thing;
  }

  async all(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }
}

export async function openDatabaseUrls(config: Config, random: Random): Promise<DatabaseUrls> {
  if (config.databaseUrl !== null && config.databaseOwnerUrl !== null) {
    return { app: config.databaseUrl, owner: config.databaseOwnerUrl, embedded: null };
  }
  const embedded = await startEmbedded({ folder: config.dataFolder, random });
  await embedded.createDatabase('benren');
  return { app: embedded.appUrl('benren'), owner: embedded.ownerUrl('benren'), embedded };
}

async function openDatabase(
  config: Config, overrides: Overrides, random: Random, entities: EntitySchema[], closing: Closing,
): Promise<{ database: Database; appUrl: string }> {
  const urls: DatabaseUrls = overrides.databaseUrls === undefined
    ? await openDatabaseUrls(config, random)
    : { ...overrides.databaseUrls, embedded: null };
  closing.add(urls.embedded, async (embedded) => embedded?.stop());
  await migrate(urls.owner);
  const poolSize = config.jobConcurrency + 16;
  const database = closing.add(await connect({ url: urls.app, entities, poolSize }), (open) => open.close());
  if (config.production) await refuseUnsafeStandby(database);
  return { database, appUrl: urls.app };
}

async function listen(config: Config): Promise<Server> {
  const server = createServer();
  await new Promise<void>((done, fail) => {
    server.once('error', fail).listen(config.port, config.host, done);
  });
  return server;
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeIdleConnections();
  // What is still being answered may finish; a reader that never ends does not keep the process.
  const deadline = setTimeout(() => server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(deadline);
}

async function openStripe(
  config: Config, overrides: Overrides, platform: { clock: Clock; wall: Clock; random: Random; log: Log; listeningAt: string }, closing: Closing,
): Promise<{ stripe: StripePort; sandbox: Sandbox | null }> {
  const { clock, wall, random, log, listeningAt } = platform;
  if (config.stripeSecretKey !== null && config.stripeWebhookSecret !== null) {
    const webhookSecret = config.stripeWebhookSecret.split(',');
    return { stripe: makeStripe({ secretKey: config.stripeSecretKey, webhookSecret, log }), sandbox: null };
  }
  const sandbox = overrides.sandbox
    ?? closing.add(await startSandbox({ clock, wall, random, persist: join(config.dataFolder, 'stripe-sandbox.json'), log }), (own) => own.close());
  const webhookSecret = await sandbox.webhookSecrets(`${listeningAt}/v1/stripe/events`);
  const stripe = makeStripe({ secretKey: sandbox.secretKey, apiBase: sandbox.apiBase, webhookSecret, log });
  return { stripe, sandbox };
}

/** Opens everything outside the rooms, each by its setting or its embedded default. */
export async function openPlatform(config: Config, overrides: Overrides, entities: EntitySchema[]): Promise<Platform> {
  const closing = new Closing();
  const clock = overrides.clock ?? systemClock;
  const random = overrides.random ?? systemRandom;
  const log = overrides.log ?? makeLog({ level: config.logLevel });
  const wall = systemClock;
  try {
    const keys = await openKeys({ ...config, dir: join(config.dataFolder, 'keys'), clock: wall, random, production: config.production });
    const statementKeys = openStatementKeys({
      statement: config.statement, dir: join(config.dataFolder, 'keys-statement'), clock: wall, production: config.production, random: systemRandom,
    });
    const secret = deriveSecret(keys.receipts, 'invitations/v1');
    const sealer = makeSealer(deriveSecret(keys.receipts, 'evidence/v1'), random);
    const { database, appUrl } = await openDatabase(config, overrides, random, entities, closing);
    const ids = makeIds(clock, random);
    const clocks = overrides.leaseClocks === undefined ? {} : { clocks: overrides.leaseClocks };
    const lease = closing.add(makeLease({ config, appUrl, ids: makeIds(clock, systemRandom), log, ...clocks }), (own) => own.close());
    const server = closing.add(await listen(config), closeServer);
    const port = (server.address() as AddressInfo).port;
    const listeningAt = `http://${config.host}:${port}`;
    const origin = config.port === 0 ? `http://localhost:${port}` : config.publicOrigin;
    const { stripe, sandbox } = await openStripe(config, overrides, { clock, wall, random, log, listeningAt }, closing);
    const inference = closing.add(
      makeInference({ dataDir: config.dataFolder, workers: config.inferenceWorkers, log }), (pool) => pool.close());
    return {
      config, overrides, clock, wall, random, ids, log, database, lease, keys, statementKeys, secret, sealer, stripe, sandbox, server, origin, inference,
      blobs: makeFolderBlobs({ folder: join(config.dataFolder, 'blobs'), random }),
      fetcher: makeSafeFetch({ allowLoopback: overrides.allowLoopback ?? false }),
      dns: overrides.dns ?? makeTxtReader(),
      close: () => closing.all(),
    };
  } catch (error) {
    await closing.all();
    throw error;
  }
}

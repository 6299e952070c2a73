import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

import { compose, type Service } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import type { Clock } from '../../src/kernel/time.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../src/platform/postgres/index.ts';
import { makeStripe, type Sandbox, startSandbox, type StripePort } from '../../src/platform/stripe/index.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { type Client, makeClient } from '../support/client.ts';
import { until } from '../support/until.ts';

/** The stage: the whole service over HTTP, and the four things outside of it that a client has to touch. */
export interface World {
  service: Service;
  sandbox: Sandbox;
  client: Client;
  clock: Clock;
  /** Moves the Stripe test clock, and with it business time; answers when every webhook it caused was worked. */
  advanceDays: (days: number) => Promise<void>;
  /** Answers when no webhook is on its way and no job is due. */
  settle: () => Promise<void>;
  /** Asks PostgreSQL as its superuser: for facts that must not come from the service. */
  ask: <Row extends pg.QueryResultRow>(text: string, params?: unknown[]) => Promise<Row[]>;
  postgres: Pick<EmbeddedPostgres, 'appUrl' | 'ownerUrl' | 'superuserUrl' | 'createDatabase' | 'dropDatabase'>;
  /** The command-line program, in a process of its own. */
  benren: (args: string[]) => Promise<{ code: number; output: string }>;
  /** The receipts' public key and the log's verifier key, kept as files for `benren verify`. */
  receiptsKeyFile: string;
  logKeyFile: string;
  /** Her web site: what it serves under which path. */
  site: { origin: string; pages: Map<string, string> };
  close: () => Promise<void>;
}

/** Ten in the morning in Shanghai: a day must not end while the story is told. */
function startOfStory(): Date {
  return new Date(`${systemClock.now().toISOString().slice(0, 10)}T02:00:00Z`);
}

/** Business time is the test clock's time, going on from there as real time does. */
function makeStoryClock(): { clock: Clock; follow: (now: () => Date) => void } {
  let frozen: () => Date = startOfStory;
  let seen = frozen().getTime();
  let since = systemClock.monotonic();
  return {
    clock: {
      now() {
        const at = frozen().getTime();
        if (at !== seen) {
          seen = at;
          since = systemClock.monotonic();
        }
        return new Date(at + Number((systemClock.monotonic() - since) / 1_000_000n));
      },
      monotonic: () => systemClock.monotonic(),
    },
    follow(now) {
      frozen = now;
    },
  };
}

async function startSite(): Promise<{ origin: string; pages: Map<string, string>; server: Server }> {
  const pages = new Map<string, string>();
  const server = createServer((request, response) => {
    const page = pages.get(request.url ?? '');
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'text/plain; charset=utf-8' }).end(page ?? '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pages, server };
}

async function makeTestClock(stripe: StripePort, at: Date): Promise<string> {
  const clock = await stripe.sdk.testHelpers.testClocks.create(
    { frozen_time: Math.floor(at.getTime() / 1000), name: 'story' }, stripe.withKey('story-clock'));
  return clock.id;
}

/** Each telling begins with nothing. Below a closed folder the database of the last one lies elsewhere, as recorded. */
function forgetLastTime(folder: string, dataFolder: string): void {
  const record = join(dataFolder, 'postgres.json');
  if (existsSync(record)) {
    const { dataFolder: last } = JSON.parse(readFileSync(record, 'utf8')) as { dataFolder: string };
    if (last.startsWith(tmpdir())) rmSync(dirname(last), { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
}

async function runBenren(dataFolder: string, args: string[]): Promise<{ code: number; output: string }> {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  return await new Promise((done) => {
    execFile(process.execPath, ['--import', 'tsx', main, ...args], { maxBuffer: 16 * 1024 * 1024, env: { ...process.env, BENREN_DATA: dataFolder } }, (error, stdout, stderr) => {
      done({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, output: stdout + stderr });
    });
  });
}

async function keepKeys(client: Client, folder: string): Promise<{ receiptsKeyFile: string; logKeyFile: string }> {
  const facts = await client.call('getService', {});
  const files = { receiptsKeyFile: join(folder, 'receipts-key.pem'), logKeyFile: join(folder, 'log-key.txt') };
  writeFileSync(files.receiptsKeyFile, facts.receiptsPublicKeyPem);
  writeFileSync(files.logKeyFile, `${facts.logVerifierKey}\n`);
  writeFileSync(join(folder, 'c2pa-anchors.pem'), facts.c2paAnchorsPem);
  return files;
}

/** A database that is there already and lies elsewhere. */
interface Placed { ownerUrl: string; appUrl: string; superuserUrl: string }

function placed(on: Placed): World['postgres'] {
  const alone = (): Promise<never> => Promise.reject(new Error('This world has one database.'));
  return { appUrl: () => on.appUrl, ownerUrl: () => on.ownerUrl, superuserUrl: () => on.superuserUrl, createDatabase: alone, dropDatabase: alone };
}

/** Without `on` the world has a PostgreSQL of its own, as `npm start` does. */
export async function openWorld(folder: string, on?: Placed): Promise<World> {
  const dataFolder = join(folder, 'data');
  forgetLastTime(folder, dataFolder);
  const { clock, follow } = makeStoryClock();
  const random = systemRandom;
  const sandbox = await startSandbox({ clock, wall: systemClock, random });
  const stripe = makeStripe({ secretKey: sandbox.secretKey, apiBase: sandbox.apiBase, webhookSecret: 'unused' });
  const testClock = await makeTestClock(stripe, clock.now());
  follow(() => sandbox.control.now(testClock));
  const config = loadConfig({ BENREN_DATA: dataFolder, PORT: '0', LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'fatal' });
  const service = await compose(config, 'start', {
    clock, random, sandbox, testClock, allowLoopback: true, validateResponses: true, log: makeLog({ level: config.logLevel }),
    // Where a test says where, nobody listens: media comes without its pace.
    ...(on === undefined ? {} : { databaseUrls: { owner: on.ownerUrl, app: on.appUrl }, media: { sleep: async () => undefined } }),
  });
  const postgres = on === undefined ? await startEmbedded({ folder: dataFolder, random }) : placed(on);
  const reader = new pg.Client({ connectionString: postgres.superuserUrl('benren') });
  await reader.connect();
  const { server, ...site } = await startSite();

  async function settle(): Promise<void> {
    await sandbox.control.idle();
    await until(async () => {
      const [row] = (await reader.query<{ busy: number }>(
        `SELECT count(*)::int AS busy FROM job WHERE state = 'running' OR (state = 'waiting' AND run_at <= $1)`, [clock.now()])).rows;
      return row?.busy === 0;
    }, 60_000);
    await sandbox.control.idle();
  }

  const client = makeClient(service.origin);
  return {
    service, sandbox, clock, postgres, site, settle, client, benren: (args) => runBenren(dataFolder, args), ...(await keepKeys(client, folder)),
    async advanceDays(days) {
      const to = Math.floor(sandbox.control.now(testClock).getTime() / 1000) + days * 86_400;
      await stripe.sdk.testHelpers.testClocks.advance(testClock, { frozen_time: to }, stripe.withKey(`advance-${to}`));
      await sandbox.control.idle();
      await settle();
    },
    async ask<Row extends pg.QueryResultRow>(text: string, params: unknown[] = []) {
      return (await reader.query<Row>(text, params)).rows;
    },
    async close() {
      await reader.end();
      server.close();
      await service.close();
      await sandbox.close();
    },
  };
}

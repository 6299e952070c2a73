import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension, X509CertificateGenerator } from '@peculiar/x509';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { compose, type ProcessRole, type Service } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { issueLeaf, issueRoot, makePrivateKeyPem } from '../../src/platform/keys/issue.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { openClaim } from '../support/claims.ts';
import { makeClient } from '../support/client.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Person, registerPerson } from '../support/person.ts';
import { benren } from '../support/program.ts';
import { until } from '../support/until.ts';
import { mp4 } from '../support/video.ts';

/** Starts against real servers: one whose standby lags behind, and ones that are not what a gateway knew. */
const NAME = 'replaced';
const folder = mkdtempSync(join(tmpdir(), 'benren-replaced-'));
const VIDEO = mp4({ seconds: 2, bytes: 30_000 });

let primary: Cluster;
/** The primary as it was before the stop. */
let backup: Cluster;
let standby: Cluster;
/** A server of another `initdb`. */
let other: TestDatabase;
let person: Person;
let operators: Person[];
let media = '';

const settings = (urls: { app: string; owner: string }): Record<string, string> => ({
  BENREN_DATA: folder, PORT: '0', LOG_LEVEL: 'info', DATABASE_URL: urls.app, DATABASE_OWNER_URL: urls.owner,
});
const urlsOf = (cluster: Cluster) => ({ app: cluster.appUrl(NAME), owner: cluster.ownerUrl(NAME) });

async function serving<T>(work: (service: Service) => Promise<T>, urls = urlsOf(primary), role: ProcessRole = 'start'): Promise<T> {
  const service = await compose(loadConfig(settings(urls)), role, { log: makeLog({ level: 'silent' }), allowLoopback: true });
  try {
    return await work(service);
  } finally {
    await service.close();
  }
}

/** Everybody registers, and something is there that only a gateway hands out. */
async function people({ origin, rooms }: Service): Promise<void> {
  const client = makeClient(origin);
  const operator = await registerPerson(client, systemRandom, { displayName: 'Operator', invitationToken: await rooms.identity.operatorInvitation() });
  const { token } = await operator.client.call('createInvitation', { body: { role: 'operator' } });
  operators = [operator, await registerPerson(client, systemRandom, { displayName: 'Operator two', invitationToken: token })];
  person = await registerPerson(client, systemRandom, { displayName: 'Lin Ya' });
  const proofId = await openClaim(person, 'Lin Ya', { handle: 'lin-ya' });
  const { evidenceId } = await person.client.call('addEvidence', { path: { proofId }, body: { kind: 'video_challenge', language: 'en' } });
  await person.client.call('uploadEvidence', { path: { proofId, evidenceId }, body: VIDEO });
  media = `/v1/ownership-proofs/${proofId}/evidence/${evidenceId}/media`;
}

/** Two operators stop the house and open it again: what a restored backup knows nothing of. */
async function stopAndGoOn({ origin }: Service): Promise<void> {
  for (const action of ['pause', 'resume'] as const) {
    const [one, two] = operators.map(({ token }) => makeClient(origin, token));
    const { orderId } = await one!.call('orderPlatform', { body: { action, reason: 'Before the disk broke.' } });
    await two!.call('confirmPlatform', { path: { orderId } });
  }
}

beforeAll(async () => {
  primary = await openCluster(NAME, ['-c', 'fsync=off']);
  await serving(people);
  await primary.stop('fast');
  [backup, standby] = [await primary.copy('backup'), await primary.copy('standby')];
  await primary.start();
  await serving(stopAndGoOn);
  other = await openTestDatabase([], 1);
}, 120_000);
afterAll(async () => {
  await other.close();
  for (const cluster of [standby, backup, primary]) await cluster.remove();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** What an operator's authority would issue for the signature on statements. */
async function statementSigner(): Promise<{ certificate: string; key: string }> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.from([1, 0, 1]) };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const now = systemClock.now().getTime();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '4a', name: 'C=CN, O=Operator, CN=Operator statements', notBefore: new Date(now - 86_400_000), notAfter: new Date(now + 300 * 86_400_000),
    signingAlgorithm: algorithm, keys, extensions: [new BasicConstraintsExtension(false, undefined, true), new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }).toString();
  return { certificate: certificate.toString('pem'), key };
}

/** Keys as an operator would bring them, by an authority that is nobody's development root. */
async function operatorsKeys(): Promise<Record<string, string>> {
  const put = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const statements = await statementSigner();
  const [rootKey, leafKey] = [makePrivateKeyPem('P-384'), makePrivateKeyPem('P-256')];
  const root = await issueRoot(rootKey, systemClock.now(), systemRandom, 'Operator');
  const leaf = await issueLeaf({ keyPem: rootKey, certificatePem: root }, leafKey, systemClock.now(), systemRandom, 'Operator');
  return {
    C2PA_CHAIN_FILE: put('chain.pem', leaf), C2PA_KEY_FILE: put('leaf.key.pem', leafKey), C2PA_ANCHORS_FILE: put('root.pem', root),
    LOG_KEY_FILE: put('log.pem', makePrivateKeyPem('ed25519')), RECEIPTS_KEY_FILE: put('receipts.pem', makePrivateKeyPem('ed25519')),
    STATEMENT_CHAIN_FILE: put('statements.pem', statements.certificate), STATEMENT_KEY_FILE: put('statements.key.pem', statements.key),
  };
}

async function asSuperuser(texts: readonly string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: primary.superuserUrl(NAME) });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const text of texts) ({ rows } = await client.query<Record<string, unknown>>(text));
    return rows;
  } finally {
    await client.end();
  }
}

/** The standby follows the primary as standbys do, over the network. */
async function follow(): Promise<void> {
  const { username, password, port } = new URL(primary.superuserUrl(NAME));
  appendFileSync(join(standby.dataFolder, 'postgresql.auto.conf'),
    `\nprimary_conninfo = 'host=127.0.0.1 port=${port} user=${username} password=${password} application_name=standby'\n`);
  await standby.start();
  await until(async () => (await asSuperuser([`SELECT FROM pg_stat_replication WHERE state = 'streaming'`])).length === 1, 20_000);
}

/** Starts a gateway anew, with what it wrote down when it ran before, and asks it for the video as its owner. */
async function askGateway(urls: { app: string; owner: string }): Promise<{ status: number; code: string | null; bytes: number }> {
  return await serving(async ({ origin }) => {
    const response = await fetch(`${origin}${media}`, { headers: { authorization: `Bearer ${person.token}` } });
    const body = Buffer.from(await response.arrayBuffer());
    const problem = response.ok ? null : (JSON.parse(body.toString()) as { code: string });
    return { status: response.status, code: problem?.code ?? null, bytes: body.length };
  }, urls, 'gateway');
}

async function distrusts(appUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: appUrl });
  await client.connect();
  const { rows } = await client.query<{ what: string }>('SELECT what FROM database_distrust');
  await client.end();
  return rows.map(({ what }) => what);
}

describe('a start in production', () => {
  it('is refused while a standby does not commit together with the primary, and serves when it does', async () => {
    const env = {
      ...settings(urlsOf(primary)), ...await operatorsKeys(), NODE_ENV: 'production', PUBLIC_ORIGIN: 'https://benren.example', RP_ID: 'benren.example',
      STRIPE_SECRET_KEY: 'sk_live_x', STRIPE_WEBHOOK_SECRET: 'whsec_x', BENREN_DATA: join(folder, 'production'),
    };
    await follow();
    const refused = await benren(['start'], env);
    expect([refused.code, refused.output.includes('a failover could lose a stop')], refused.output).toEqual([1, true]);
    try {
      await asSuperuser([`ALTER SYSTEM SET synchronous_standby_names = 'standby'`, 'SELECT pg_reload_conf()']);
      await until(async () => (await asSuperuser([`SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`])).length === 1);
      const served = await benren(['start'], env, { text: 'Ctrl-C stops it', then: async (_output, kill) => kill() });
      expect(served.code, served.output).toBe(0);
    } finally {
      await asSuperuser([`ALTER SYSTEM RESET synchronous_standby_names`, 'SELECT pg_reload_conf()']);
    }
  }, 60_000);
});

describe('a gateway that is restarted', () => {
  it('serves from the database that it knew, and from none that knows less, was promoted, or is another', async () => {
    expect(await askGateway(urlsOf(primary))).toMatchObject({ status: 200, bytes: VIDEO.length });
    await backup.start();
    const old = await askGateway(urlsOf(backup));
    expect([old.status, old.code]).toEqual([503, 'database_untrusted']);
    expect(await distrusts(backup.appUrl(NAME))).toEqual(['stops']);

    // Everything that the primary knew is there, and still nobody can know that nothing was lost.
    await standby.promote();
    const promoted = await askGateway(urlsOf(standby));
    expect([promoted.status, promoted.code]).toEqual([503, 'database_untrusted']);
    expect(await distrusts(standby.appUrl(NAME))).toEqual(['timeline']);

    // Nobody has a session there; the gateway says what it saw all the same.
    expect((await askGateway({ app: other.appUrl, owner: other.ownerUrl })).status).toBe(401);
    expect(await distrusts(other.appUrl)).toEqual(['system']);
    expect(await askGateway(urlsOf(primary))).toMatchObject({ status: 200, bytes: VIDEO.length });
  }, 90_000);
});

import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { writeWav } from '../src/platform/inference.ts';
import { loadBundle } from '../src/http/operations.ts';
import { terms } from './consent/samples.ts';
import type { Person } from './support/person.ts';
import { startTestServer, type TestServer } from './support/server.ts';

/** Everything that a person can send wrong, over HTTP, against the whole service: a clear problem, and no trace. */
let server: TestServer;
let owner: Person;
let stranger: Person;
let proofId: string;
let cloneId: string;
let site: Server;
let siteOrigin: string;
let redirectTo = '';
let before: unknown;

async function traces(): Promise<unknown> {
  return await server.database.asOwner(`
    SELECT (SELECT count(*) FROM ledger_entry)::int AS entries, (SELECT count(*) FROM log_leaf)::int AS leaves,
           (SELECT count(*) FROM signed_document)::int AS signatures, (SELECT count(*) FROM subscription)::int AS subscriptions`);
}

async function openProof(): Promise<string> {
  const { document } = await owner.client.call('draftOwnershipClaim', { body: { subjectName: 'Lin Ya', handle: 'lin-ya', locale: 'en' } });
  const signature = await owner.sign('ownership_claim', document);
  return (await owner.client.call('openOwnershipProof', { body: { subjectName: 'Lin Ya', signature } })).proofId;
}

beforeAll(async () => {
  server = await startTestServer({ seed: 'bad-input' });
  owner = await server.person('Lin Ya');
  stranger = await server.person('Somebody');
  proofId = await openProof();
  ({ cloneId } = await owner.client.call('createClone', { body: { ownershipProofId: proofId, name: 'Lin Ya', handle: 'lin-ya' } }));
  site = createServer((_request, response) => response.writeHead(302, { location: redirectTo }).end()).listen(0, '127.0.0.1');
  await new Promise((done) => site.once('listening', done));
  siteOrigin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
});
afterAll(async () => {
  site.close();
  await server.close();
});
beforeEach(async () => {
  before = await traces();
});
afterEach(async () => {
  expect(await traces()).toEqual(before);
});

const tone = (seconds: number): Int16Array => Int16Array.from({ length: 24_000 * seconds }, (_, n) => 9_000 * Math.sin(n / 20));

describe('uploads', () => {
  const path = (): { path: { cloneId: string } } => ({ path: { cloneId } });

  it.each([
    ['that is no WAV', Buffer.from('RIFF but not really'), 'recording_invalid'],
    ['that is empty', Buffer.alloc(0), 'recording_invalid'],
    ['that holds no speech', Buffer.from(writeWav(new Int16Array(24_000 * 6), 24_000)), 'recording_too_short'],
    ['that is cut', Buffer.from(writeWav(tone(1), 24_000)).subarray(0, 900), 'recording_invalid'],
  ])('a recording %s', async (_what, body, code) => {
    expect((await owner.client.refused('uploadEnrolmentVoice', { ...path(), body })).code).toBe(code);
  });

  it('a WAV that lies about its length', async () => {
    const wav = Buffer.from(writeWav(tone(6), 24_000));
    for (const length of [0xffff_ffff, wav.length * 2, 12]) {
      wav.writeUInt32LE(length, 40);
      expect((await owner.client.refused('uploadEnrolmentVoice', { ...path(), body: wav })).code).toBe('recording_invalid');
    }
  });

  it('one that is too large', async () => {
    const refusal = await owner.client.refused('uploadEnrolmentVoice', { ...path(), body: Buffer.alloc(21 * 1024 * 1024) });
    expect([refusal.status, refusal.code]).toEqual([413, 'request_too_large']);
  });

  it('a file to be checked that is not readable', async () => {
    expect((await server.client.refused('checkFile', { body: Buffer.from('not a sound') })).code).toBe('file_unreadable');
  });
});

describe('amounts', () => {
  it.each(['NaN', '-600', '0', '6.00', '1e3', '9223372036854775808', '99999999999999999999', '', ' 600', '0600', 'Infinity'])('%j is no price', async (priceMinor) => {
    const refusal = await owner.client.refused('createTier', {
      path: { cloneId }, body: { name: 'friend', priceMinor, currency: 'CNY', period: 'month', voiceOutputsPerPeriod: 100 },
    });
    expect(refusal.status).toBeGreaterThanOrEqual(400);
    expect(refusal.status).toBeLessThan(500);
    expect(['request_invalid', 'money_malformed', 'money_out_of_range', 'grant_missing', 'tier_outside_grant']).toContain(refusal.code);
  });
});

describe('signatures', () => {
  async function claim(): Promise<{ subjectName: string; signature: Awaited<ReturnType<Person['sign']>> }> {
    const { document } = await owner.client.call('draftOwnershipClaim', { body: { subjectName: 'Lin Ya', handle: 'lin-ya-2', locale: 'en' } });
    return { subjectName: 'Lin Ya', signature: await owner.sign('ownership_claim', document) };
  }

  it('of somebody else', async () => {
    expect((await stranger.client.refused('openOwnershipProof', { body: await claim() })).status).toBeLessThan(500);
  });

  it('that comes late', async () => {
    const body = await claim();
    server.clock.advance(6 * 60_000);
    expect((await owner.client.refused('openOwnershipProof', { body })).code).toBe('challenge_expired');
  });

  it('over another document than it is used for', async () => {
    const body = await claim();
    expect((await owner.client.refused('openOwnershipProof', { body: { ...body, subjectName: 'Somebody Famous' } })).status).toBe(422);
  });
});

describe('a challenge', () => {
  it('is used once', async () => {
    const { document } = await owner.client.call('draftOwnershipClaim', { body: { subjectName: 'Lin Ya', handle: 'lin-ya-3', locale: 'en' } });
    const body = { subjectName: 'Lin Ya', signature: await owner.sign('ownership_claim', document) };
    await owner.client.call('openOwnershipProof', { body });
    before = await traces();
    expect((await owner.client.refused('openOwnershipProof', { body })).code).toBe('challenge_used');
  });
});

describe('idempotency', () => {
  it('the same key with another body is refused, with the same body answered again', async () => {
    const key = randomUUID();
    const first = await owner.client.call('setPersona', { path: { cloneId }, key, body: { text: 'A singer from a harbour. '.repeat(10), languages: ['en'] } });
    const other = await owner.client.refused('setPersona', { path: { cloneId }, key, body: { text: 'Another singer, elsewhere. '.repeat(10), languages: ['en'] } });
    expect([other.status, other.code]).toEqual([409, 'idempotency_key_reused']);
    const again = await owner.client.call('setPersona', { path: { cloneId }, key, body: { text: 'A singer from a harbour. '.repeat(10), languages: ['en'] } });
    expect(JSON.stringify(again)).toBe(JSON.stringify(first));
  });
});

describe('grants', () => {
  it('that end before they start', async () => {
    const body = terms({ validFrom: '2027-01-01T00:00:00Z', validUntil: '2026-12-31T00:00:00Z' });
    const refusal = await owner.client.refused('draftGrant', { path: { cloneId }, body });
    expect([refusal.status, refusal.code]).toEqual([422, 'grant_term_invalid']);
  });
});

describe('webhooks', () => {
  const body = JSON.stringify({ id: 'evt_forged', object: 'event', type: 'invoice.paid', data: { object: { id: 'in_1' } } });
  const send = (signature: string | null): Promise<Response> => fetch(new URL('/v1/stripe/events', server.service.origin), {
    method: 'POST', body, headers: { 'content-type': 'application/json', ...(signature === null ? {} : { 'stripe-signature': signature }) },
  });
  const signed = (secret: string, at: number): string => `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;

  it('that are unsigned, forged or stale', async () => {
    const [secret = ''] = await server.service.platform.sandbox!.webhookSecrets(`http://127.0.0.1:${new URL(server.service.origin).port}/v1/stripe/events`);
    const now = Math.floor(Date.now() / 1000);
    for (const signature of [null, 'nonsense', signed('whsec_other', now), signed(secret, now - 3_600)]) {
      const response = await send(signature);
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, 'webhook_signature_invalid']);
    }
    expect(await server.database.asOwner("SELECT count(*)::int AS n FROM stripe_event WHERE id = 'evt_forged'")).toEqual([{ n: 0 }]);
  });
});

describe('addresses', () => {
  // Loopback and other ports are open to tests, which serve her site there; test/platform/fetch.test.ts closes them.
  it.each(['http://10.0.0.1', 'http://192.168.1.1', 'http://[fe80::1]', 'http://169.254.169.254', 'http://0xa000001', 'ftp://lin-ya.example', 'http://user@lin-ya.example'])(
    '%s is not fetched', async (address) => {
      expect((await owner.client.refused('addEvidence', { path: { proofId }, body: { kind: 'domain', site: address } })).code).toBe('url_refused');
    });

  it('one that redirects inwards is not followed', async () => {
    const evidence = await owner.client.call('addEvidence', { path: { proofId }, body: { kind: 'domain', site: siteOrigin } });
    for (redirectTo of ['http://169.254.169.254/latest', 'http://10.0.0.1/', 'file:///etc/passwd']) {
      const refusal = await owner.client.refused('checkEvidence', { path: { proofId, evidenceId: evidence.evidenceId } });
      expect(refusal.code).toBe('url_refused');
    }
  });
});

describe('ids', () => {
  it('of somebody else are answered like unknown ones, to the byte', async () => {
    const unknown = cloneId.replace(/.{5}$/, '00000');
    const pairs = [
      ['uploadEnrolmentVoice', 'cloneId', cloneId, unknown, writeWav(tone(1), 24_000)],
      ['setPersona', 'cloneId', cloneId, unknown, { text: 'x'.repeat(300), languages: ['en'] }],
      ['createVersion', 'cloneId', cloneId, unknown, undefined],
      ['pauseClone', 'cloneId', cloneId, unknown, undefined],
      ['quoteStop', 'cloneId', cloneId, unknown, undefined],
      ['getOwnershipProof', 'proofId', proofId, proofId.replace(/.{5}$/, '00000'), undefined],
      ['submitOwnershipProof', 'proofId', proofId, proofId.replace(/.{5}$/, '00000'), undefined],
    ] as const;
    for (const [operation, parameter, foreign, none, body] of pairs) {
      const ask = async (id: string) => await stranger.client.refused(operation, { path: { [parameter]: id }, body } as never);
      const [one, two] = [await ask(foreign), await ask(none)];
      expect([operation, one.status, one.code]).toEqual([operation, 404, 'not_found']);
      expect(one.bytes.equals(two.bytes), operation).toBe(true);
    }
  });

  it('with strange characters and lengths are never an error of ours', async () => {
    const strange = ['%F0%9F%92%A9', 'a'.repeat(2_000), '..%2f..%2fetc', '%00', "'%20OR%201=1--", '__proto__', 'constructor'];
    for (const operation of loadBundle().operations.filter((candidate) => candidate.method === 'get' && candidate.path.includes(':'))) {
      for (const id of strange) {
        const response = await fetch(server.service.origin + operation.path.replaceAll(/:\w+/g, id), { headers: { authorization: `Bearer ${owner.token}` } });
        expect(response.status, `${operation.id} ${id}`).toBeLessThan(500);
        await response.arrayBuffer();
      }
    }
  });
});

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadBundle, mediaOperations } from '../src/http/operations.ts';
import { benren } from './support/program.ts';
import { startTestServer, type TestServer } from './support/server.ts';

const made: string[] = [];
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'benren-main-'));
  made.push(path);
  return path;
};
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

describe('the program', () => {
  it('serves with no setting at all, keeps its keys to itself, and stops cleanly on SIGTERM', async () => {
    const data = folder();
    let health: unknown;
    let ready = 0;
    let token = '';
    const run = await benren(['start'], { BENREN_DATA: data, PORT: '0', LOG_LEVEL: 'info' }, {
      text: 'Ctrl-C stops it',
      async then(output, kill) {
        const origin = /Benren serves (\S+)/.exec(output)?.[1] ?? '';
        health = await (await fetch(`${origin}/healthz`)).json();
        ready = (await fetch(`${origin}/readyz`)).status;
        expect(await (await fetch(`${origin}/reference`)).text()).toContain('API reference');
        // Beside the running server, on the same embedded database.
        const init = await benren(['operator', 'init'], { BENREN_DATA: data });
        token = init.output.trim().split('\n').at(-1) ?? '';
        const options = await fetch(`${origin}/v1/registrations/options`, {
          method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ displayName: 'Operator', invitationToken: token }),
        });
        expect(options.status).toBe(201);
        kill();
      },
    });
    expect(run.code, run.output).toBe(0);
    expect([health, ready]).toEqual([{ status: 'ok' }, 200]);
    expect(run.output).not.toContain(token);
    expect(run.output).toMatch(/"requestId":"[\w-]{16}"/);
    expect(statSync(join(data, 'keys')).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(join(data, 'keys'))) expect(statSync(join(data, 'keys', file)).mode & 0o077, file).toBe(0);
    expect(existsSync(join(data, 'postgres', 'postmaster.pid'))).toBe(false);
  }, 60_000);

  it('names what is wrong with its settings, and ends with 1', async () => {
    const run = await benren(['start'], { PORT: 'eighty', BENREN_DATA: folder() });
    expect([run.code, run.output.includes('PORT'), run.output.includes('eighty')]).toEqual([1, true, false]);
  });

  it('does not start in production with development keys', async () => {
    const run = await benren(['start'], {
      NODE_ENV: 'production', BENREN_DATA: folder(), DATABASE_URL: 'postgres://a@127.0.0.1:1/x', DATABASE_OWNER_URL: 'postgres://a@127.0.0.1:1/x',
      PUBLIC_ORIGIN: 'https://benren.example', RP_ID: 'benren.example', STRIPE_SECRET_KEY: 'sk_live_x', STRIPE_WEBHOOK_SECRET: 'whsec_x',
    });
    expect(run.code).toBe(1);
    for (const name of ['C2PA_CHAIN_FILE', 'LOG_KEY_FILE', 'RECEIPTS_KEY_FILE']) expect(run.output).toContain(name);
  });

  it('explains itself when it is called wrongly', async () => {
    const run = await benren(['dance'], {});
    expect([run.code, run.output.includes('benren verify FILE')]).toEqual([2, true]);
  });
});

describe('the composed service', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ seed: 'service' });
  });
  afterAll(async () => {
    await server.close();
  });

  it('has a handler for every operation of the contract, and tells a verifier what it needs', async () => {
    const facts = await server.client.call('getService', {});
    expect(facts.logVerifierKey).toMatch(/\+/);
    expect(facts.c2paAnchorsPem).toContain('BEGIN CERTIFICATE');
    expect(loadBundle().operations.length).toBeGreaterThan(50);
  });

  it('answers an unknown id and a foreign one with the same bytes, on every operation with an id in its path', async () => {
    const [mine, other] = [await server.person('One'), await server.person('Two')];
    const bytes = new Set<string>();
    for (const operation of loadBundle().operations) {
      const ids = operation.parameters.filter((parameter) => parameter.in === 'path');
      if (operation.method !== 'get' || ids.length === 0 || operation.public || operation.roles.length > 0) continue;
      const path = operation.path.replace(/:(lineId|sequence)/, '1').replaceAll(/:(\w+)/g, 'cln_00000000000000000000000000');
      for (const person of [mine, other]) {
        const response = await fetch(new URL(path, server.service.origin), { headers: { authorization: `Bearer ${person.token}` } });
        expect(response.status, operation.id).toBe(404);
        bytes.add(await response.text());
      }
    }
    expect(bytes.size).toBe(1);
  });

  it('keeps media to the gateway and the rest to the api', async () => {
    expect(mediaOperations(loadBundle()).length).toBeGreaterThanOrEqual(3);
    const gateway = await startTestServer({ seed: 'gateway-role', role: 'gateway' });
    try {
      expect((await gateway.client.refused('listClones', {})).status).toBe(404);
      expect((await gateway.client.refused('getOutputMedia', { path: { outputId: 'out_x' } })).code).toBe('session_missing');
      expect((await gateway.client.call('getHealth', {})).status).toBe('ok');
    } finally {
      await gateway.close();
    }
  });

  it('says 503 and changes nothing while the database is away', async () => {
    const alone = await startTestServer({ seed: 'database-away' });
    try {
      expect((await fetch(`${alone.service.origin}/readyz`)).status).toBe(200);
      await alone.database.close();
      const response = await fetch(`${alone.service.origin}/readyz`);
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    } finally {
      await alone.close();
    }
  });
});

import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeApp } from '../../src/http/app.ts';
import { makeBundle } from '../../src/http/operations.ts';
import type { AppHandlers } from '../../src/http/router.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { notFound } from '../../src/kernel/refusals.ts';
import type { RequestContext } from '../../src/kernel/request.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';

const problem = { description: 'no', content: { 'application/problem+json': { schema: { type: 'object' } } } };
const json = (schema: object) => ({ description: 'yes', content: { 'application/json': { schema } } });
const key = { name: 'Idempotency-Key', in: 'header', required: true, schema: { type: 'string', minLength: 8, pattern: '^[!-~]+$' } };
const idPath = { name: 'thingId', in: 'path', required: true, schema: { type: 'string', maxLength: 40 } };
const thing = { type: 'object', required: ['name'], properties: { name: { type: 'string' } }, additionalProperties: false };

/** A contract of its own, so that the router is tested on every shape an operation can have. */
const bundle = makeBundle({
  openapi: '3.1.0',
  paths: {
    '/things': {
      post: {
        operationId: 'createThing', security: [], parameters: [key],
        requestBody: { required: true, content: { 'application/json': { schema: thing } } },
        responses: { 201: json(thing), default: problem },
      },
    },
    '/things/{thingId}': {
      get: {
        operationId: 'getThing', parameters: [idPath, { name: 'count', in: 'query', schema: { type: 'integer', minimum: 1 } }],
        responses: { 200: json(thing), default: problem },
      },
    },
    '/uploads': {
      put: {
        operationId: 'putUpload', 'x-idempotency': 'none',
        requestBody: { required: true, content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary', maxLength: 5_000_000 } } } },
        responses: { 204: { description: 'kept' }, default: problem },
      },
    },
    '/secrets': { get: { operationId: 'getSecret', 'x-roles': ['operator'], responses: { 200: json(thing), default: problem } } },
    '/sounds': {
      put: {
        operationId: 'putSound', security: [], 'x-idempotency': 'none',
        requestBody: { required: true, content: { 'audio/wav': { schema: { type: 'string', format: 'binary', maxLength: 1000 } } } },
        responses: { 204: { description: 'kept' }, default: problem },
      },
    },
  },
});

let lastContext: RequestContext | undefined;
const seen: unknown[] = [];

const handlers = {
  createThing: async (input: { body: { name: string } }, context: RequestContext) => {
    lastContext = context;
    seen.push(input.body);
    if (input.body.name === 'crash') throw new Error('the password is hunter2');
    return { status: 201, body: input.body.name === 'lie' ? { nome: 'x' } : input.body };
  },
  getThing: async (input: { query: unknown }) => {
    seen.push(input.query);
    throw notFound();
  },
  getSecret: async () => ({ status: 200, body: { name: 'secret' } }),
  putSound: async (input: { body: Buffer }) => {
    seen.push(input.body.length);
    return { status: 204 };
  },
  putUpload: async (input: { body: Buffer }) => {
    seen.push(input.body.length);
    return { status: 204 };
  },
} as unknown as AppHandlers;

let server: Server;
let origin: string;

beforeAll(async () => {
  const app = makeApp({
    bundle, handlers, validators: makeValidators(bundle), validateResponses: true, log: makeLog({ level: 'silent' }), clock: systemClock, random: systemRandom,
    authenticate: async (token) => {
      // As the database does, it takes a moment, in which the rest of the request arrives.
      await new Promise((done) => setTimeout(done, 20));
      return token === 'good' ? { accountId: 'acc_1', sessionId: 'ses_1', roles: [] } : null;
    },
  });
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const post = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${origin}/things`, { method: 'POST', body: typeof body === 'string' ? body : new Uint8Array(body), headers: { 'content-type': 'application/json', 'idempotency-key': 'key-000001', ...headers } });

async function codeOf(response: Response): Promise<[number, string]> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = (await response.json()) as { code: string; status: number; title: string; type: string };
  expect(body).toMatchObject({ status: response.status, type: `urn:benren:problem:${body.code}` });
  return [response.status, body.code];
}

describe('what a caller can send wrong', () => {
  it.each([
    ['malformed JSON', '{"name":', 400, 'json_malformed'],
    ['a member twice', '{"name":"a","name":"b"}', 400, 'json_malformed'],
    ['a number that loses digits', '{"name":9007199254740993}', 400, 'json_malformed'],
    ['a lone surrogate', '{"name":"\\ud800"}', 400, 'json_malformed'],
    ['a NUL', '{"name":"a\\u0000b"}', 400, 'request_invalid'],
    ['an unknown member', '{"name":"a","role":"operator"}', 400, 'request_invalid'],
    ['a missing member', '{}', 400, 'request_invalid'],
    ['nothing', '', 400, 'json_malformed'],
    ['NaN', '{"name":NaN}', 400, 'json_malformed'],
    ['prototype pollution', '{"__proto__":{"name":"a"}}', 400, 'request_invalid'],
  ])('%s is a problem', async (_what, body, status, code) => {
    const before = seen.length;
    expect(await codeOf(await post(body))).toEqual([status, code]);
    expect(seen.length).toBe(before);
  });

  it('bytes that are not UTF-8', async () => {
    expect(await codeOf(await post(Buffer.from([0x22, 0xff, 0x22])))).toEqual([400, 'json_malformed']);
  });

  it('a large body of nobody: refused before a byte of it is read', async () => {
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.write('PUT /uploads HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 5000000\r\n\r\n');
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(2_000) })) as [Buffer];
    expect(answer.toString()).toContain('401');
    expect(answer.toString()).toContain('session_missing');
    socket.destroy();
  });

  it('a sender who goes away while we ask who they are reaches no handler', async () => {
    const { port } = server.address() as AddressInfo;
    const before = seen.length;
    const socket = connect(port, '127.0.0.1');
    socket.write('PUT /uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Type: application/octet-stream\r\nContent-Length: 5000\r\n\r\npart of it');
    await new Promise((done) => setTimeout(done, 5));
    socket.destroy();
    await new Promise((done) => setTimeout(done, 100));
    expect(seen.length).toBe(before);
  });

  it('a body above the limit', async () => {
    expect(await codeOf(await post(JSON.stringify({ name: 'x'.repeat(300_000) })))).toEqual([413, 'request_too_large']);
    const upload = await fetch(`${origin}/sounds`, { method: 'PUT', body: Buffer.alloc(1001), headers: { 'content-type': 'audio/wav' } });
    expect(await codeOf(upload)).toEqual([413, 'request_too_large']);
  });

  it('another media type, and a compressed body', async () => {
    expect(await codeOf(await post('name=a', { 'content-type': 'application/x-www-form-urlencoded' }))).toEqual([415, 'media_type_unsupported']);
    expect(await codeOf(await post('{"name":"a"}', { 'content-encoding': 'gzip' }))).toEqual([415, 'media_type_unsupported']);
  });

  it('a write without a key, and a malformed key', async () => {
    expect(await codeOf(await post('{"name":"a"}', { 'idempotency-key': '' }))).toEqual([400, 'idempotency_key_missing']);
    expect(await codeOf(await post('{"name":"a"}', { 'idempotency-key': 'short' }))).toEqual([400, 'idempotency_key_invalid']);
  });

  it('no session, an ended one, a missing role', async () => {
    const get = (headers: Record<string, string>): Promise<Response> => fetch(`${origin}/secrets`, { headers });
    expect(await codeOf(await get({}))).toEqual([401, 'session_missing']);
    expect(await codeOf(await get({ authorization: 'Bearer bad' }))).toEqual([401, 'session_invalid']);
    expect(await codeOf(await get({ authorization: 'Bearer good' }))).toEqual([403, 'role_missing']);
  });

  it('unknown and repeated parameters, and a malformed escape', async () => {
    const get = (path: string): Promise<Response> => fetch(origin + path, { headers: { authorization: 'Bearer good' } });
    expect(await codeOf(await get('/things/a?other=1'))).toEqual([400, 'request_invalid']);
    expect(await codeOf(await get('/things/a?count=1&count=2'))).toEqual([400, 'request_invalid']);
    expect(await codeOf(await get('/things/a?count=zero'))).toEqual([400, 'request_invalid']);
    expect(await codeOf(await get('/things/%E0%A4%A'))).toEqual([400, 'request_invalid']);
    expect(await codeOf(await get('/things/a%00b'))).toEqual([400, 'request_invalid']);
    expect(await codeOf(await get('/things/a?count=2'))).toEqual([404, 'not_found']);
    expect(seen.at(-1)).toEqual({ count: 2 });
  });

  it('another method, and a path that is not there', async () => {
    const response = await fetch(`${origin}/things`, { method: 'DELETE' });
    expect(response.headers.get('allow')).toBe('POST');
    expect(await codeOf(response)).toEqual([405, 'method_not_allowed']);
    expect(await codeOf(await fetch(`${origin}/nowhere`))).toEqual([404, 'not_found']);
  });

  it('a body that ends before its announced length leaves the server well', async () => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    socket.write('POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nIdempotency-Key: key-000001\r\nContent-Length: 100\r\n\r\n{"na');
    await new Promise((done) => setTimeout(done, 50));
    socket.destroy();
    expect((await post('{"name":"after"}')).status).toBe(201);
  });
});

describe('the answers', () => {
  it('bind the key to caller, operation and request', async () => {
    await post('{"name":"a"}');
    const first = lastContext?.idempotency;
    await post('{ "name" : "a" }');
    expect(lastContext?.idempotency).toEqual(first);
    await post('{"name":"b"}');
    expect(lastContext?.idempotency?.digest).not.toBe(first?.digest);
    expect(first?.scope).toBe('anyone:createThing');
  });

  it('of an error of ours tell nothing of it', async () => {
    const response = await post('{"name":"crash"}');
    expect(response.headers.get('x-request-id')).toMatch(/^[\w-]{16}$/);
    const text = await response.text();
    expect([response.status, text.includes('hunter2')]).toEqual([500, false]);
  });

  it('that break the contract do not leave', async () => {
    expect((await post('{"name":"lie"}')).status).toBe(500);
  });

  it('show the reference with nothing fetched from elsewhere', async () => {
    const page = await fetch(`${origin}/reference`);
    expect(await page.text()).toContain('API reference');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect((await fetch(`${origin}/reference/assets/swagger-ui-bundle.js`)).status).toBe(200);
    expect(await (await fetch(`${origin}/openapi.json`)).json()).toEqual(bundle.document);
  });
});

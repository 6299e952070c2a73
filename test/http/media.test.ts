import { once } from 'node:events';
import { Agent, type IncomingMessage, request as httpRequest, Server as HttpServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { makeApp } from '../../src/http/app.ts';
import { MEDIA_WRITE_BYTES, type MediaIo } from '../../src/http/media.ts';
import { AHEAD_BYTES } from '../../src/http/pacing.ts';
import { makeBundle } from '../../src/http/operations.ts';
import type { AppHandlers } from '../../src/http/router.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { type HandLease, makeHandLease } from '../support/media.ts';
import { until } from '../support/until.ts';

const problem = { description: 'no', content: { 'application/problem+json': { schema: { type: 'object' } } } };
const sound = { description: 'sound', content: { 'audio/wav': { schema: {} } } };
const operation = (operationId: string) => ({ get: { operationId, security: [], 'x-media': true, responses: { 200: sound, default: problem } } });
const bundle = makeBundle({ openapi: '3.1.0', paths: { '/sound': operation('getSound'), '/live': operation('getLive'), '/long': operation('getLong') } });

const FILE = Buffer.from(Array.from({ length: 12 * MEDIA_WRITE_BYTES + 5 }, (_, i) => i % 251));
/** More than any kernel takes from a writer whose reader sleeps. */
const LONG = Buffer.alloc(24 * 1024 * 1024, 7);
const FAST = 1_000_000_000;
const stopped = () => new Refusal('stopped', 'The owner has stopped this clone.');

let lease: HandLease;
let rate = FAST;
let io: Omit<MediaIo, 'clock'>;
let live: (gone: AbortSignal) => AsyncIterable<Uint8Array>;
const stored = (bytes: Buffer) => async () => ({ status: 200, media: {
  kind: 'stored', contentType: 'audio/wav', bytes, byteLength: bytes.length, sha256: sha256Hex(bytes), bytesPerSecond: rate, open: lease.open,
} });
const handlers = {
  getSound: stored(FILE), getLong: stored(LONG),
  getLive: async () => ({ status: 200, media: { kind: 'live', contentType: 'audio/wav', bytesPerSecond: rate, open: lease.open, pieces: (gone: AbortSignal) => live(gone) } }),
} as unknown as AppHandlers;

let server: Server;
let origin: string;

beforeAll(async () => {
  const app = makeApp({
    bundle, handlers, validators: makeValidators(bundle), validateResponses: true, log: makeLog({ level: 'silent' }), clock: systemClock, random: systemRandom,
    authenticate: async () => null,
    media: { sleep: async (...args) => await io.sleep?.(...args), betweenCheckAndWrite: () => io.betweenCheckAndWrite?.() },
  });
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  lease = makeHandLease();
  rate = FAST;
  io = { sleep: async () => undefined };
});

/** Reads until the end or the reset; answers what came. */
async function read(path: string, onData: (received: number) => void = () => undefined): Promise<{ bytes: Buffer; whole: boolean }> {
  const parts: Buffer[] = [];
  let received = 0;
  return await new Promise((done) => {
    const end = (whole: boolean): void => done({ bytes: Buffer.concat(parts), whole });
    const request = httpRequest(origin + path, (response) => {
      response.on('data', (chunk: Buffer) => {
        parts.push(chunk);
        received += chunk.length;
        onData(received);
      });
      response.on('error', () => end(false));
      response.on('end', () => end(response.complete));
    });
    request.on('error', () => end(false));
    request.end();
  });
}

async function opened(path: string): Promise<{ response: IncomingMessage; socket: Socket }> {
  const request = httpRequest(origin + path, { agent: new Agent() });
  request.on('error', () => undefined);
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return { response, socket: response.socket };
}

describe('a stored file', () => {
  it('arrives whole and uncached; every write was checked and none is larger than 16 KiB; the count is the file', async () => {
    const response = await fetch(`${origin}/sound`);
    expect(Buffer.from(await response.arrayBuffer()).equals(FILE)).toBe(true);
    expect(Object.fromEntries(['cache-control', 'x-accel-buffering', 'etag', 'accept-ranges', 'location'].map((name) => [name, response.headers.get(name)])))
      .toEqual({ 'cache-control': 'private, no-store', 'x-accel-buffering': 'no', etag: `"${sha256Hex(FILE)}"`, 'accept-ranges': 'bytes', location: null });
    await until(async () => lease.live === 0);
    expect(lease.bytes).toBe(FILE.length);
    expect(Math.max(...lease.writes)).toBe(MEDIA_WRITE_BYTES);
    // Once before the headers, and before each write.
    expect(lease.checks).toBe(lease.writes.length + 1);
  });

  it('that is refused when it is opened is a problem, and no byte leaves', async () => {
    lease.refusal = stopped();
    const response = await fetch(`${origin}/sound`);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([403, 'stopped']);
    expect(lease.bytes).toBe(0);
  });

  it('whose check refuses in the middle is reset, and not a byte of the next write arrives', async () => {
    lease.onCheck = () => {
      if (lease.checks === 5) lease.refusal = stopped();
    };
    const { bytes, whole } = await read('/sound');
    expect(whole).toBe(false);
    expect(lease.bytes).toBe(3 * MEDIA_WRITE_BYTES);
    expect(bytes.length).toBeLessThanOrEqual(lease.bytes);
    expect(bytes.equals(FILE.subarray(0, bytes.length))).toBe(true);
    expect(lease.live).toBe(0);
  });

  it('that is cut from outside is reset; what arrived is never more than was counted', async () => {
    let counted = -1;
    const { bytes, whole } = await read('/long', (received) => {
      if (received < 1_000_000 || counted >= 0) return;
      lease.cutAll(stopped());
      counted = lease.bytes;
    });
    expect(whole).toBe(false);
    expect(bytes.length).toBeGreaterThanOrEqual(1_000_000);
    expect(bytes.length).toBeLessThanOrEqual(counted);
    // Nothing is written after the cut, by count: what was counted then is all there ever was.
    expect(lease.bytes).toBe(counted);
    expect(lease.live).toBe(0);
  });

  it('cut exactly between check and write: at most that one write', async () => {
    let counted = -1;
    io.betweenCheckAndWrite = () => {
      if (lease.writes.length !== 4) return;
      lease.cutAll(stopped());
      counted = lease.bytes;
    };
    const { bytes, whole } = await read('/sound');
    expect(whole).toBe(false);
    expect(lease.bytes - counted).toBeLessThanOrEqual(MEDIA_WRITE_BYTES);
    expect(bytes.length).toBeLessThanOrEqual(counted + MEDIA_WRITE_BYTES);
  });

  it('for a listener who does not read: the next write waits, and a cut leaves only what the kernels had', async () => {
    const { response, socket } = await opened('/long');
    response.pause();
    let before = -1;
    await until(async () => {
      const same = lease.bytes > 0 && before === lease.bytes;
      before = lease.bytes;
      await new Promise((done) => setTimeout(done, 60));
      return same;
    });
    expect(lease.bytes).toBeLessThan(LONG.length);
    lease.cutAll(stopped());
    const counted = lease.bytes;
    let received = 0;
    response.on('data', (chunk: Buffer) => (received += chunk.length));
    response.resume();
    await Promise.race([once(socket, 'close'), once(response, 'close')]);
    expect(received).toBeLessThanOrEqual(counted);
    expect(lease.bytes).toBe(counted);
  });

  it('for a listener who goes away: the stream is closed and nothing more is written', async () => {
    const { socket } = await opened('/long');
    socket.destroy();
    await until(async () => lease.live === 0);
    expect(lease.bytes).toBeLessThan(LONG.length);
  });

  it('keeps the connection for the next request', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports: (number | undefined)[] = [];
    for (let i = 0; i < 2; i += 1) {
      const request = httpRequest(`${origin}/sound`, { agent });
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      ports.push(response.socket.localPort);
      response.resume();
      await once(response, 'end');
    }
    expect(ports[0]).toBe(ports[1]);
    expect(lease.bytes).toBe(2 * FILE.length);
    agent.destroy();
  });

  it('asked for twice in one breath waits for its turn, and a cut of the second leaves nothing of it', async () => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    socket.on('error', () => undefined);
    let received = 0;
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    socket.pause();
    socket.write(ask('/long') + ask('/sound'));
    await until(async () => lease.live === 2);
    const first = lease.writes.length;
    await new Promise((done) => setTimeout(done, 50));
    expect(lease.writes.length).toBeGreaterThanOrEqual(first);
    lease.cutAll(stopped());
    const counted = lease.bytes;
    socket.resume();
    await once(socket, 'close');
    expect(lease.bytes).toBe(counted);
    // The one header block that was sent is in it.
    expect(received).toBeLessThanOrEqual(counted + 1_000);
  });
});

describe('ranges', () => {
  const get = (headers: Record<string, string>, method = 'GET') => fetch(`${origin}/sound`, { headers, method });

  it('one range is a new open with its own lease, and only its bytes are counted', async () => {
    const response = await get({ range: 'bytes=100-40099' });
    expect([response.status, response.headers.get('content-range'), response.headers.get('content-length')])
      .toEqual([206, `bytes 100-40099/${FILE.length}`, '40000']);
    expect(Buffer.from(await response.arrayBuffer()).equals(FILE.subarray(100, 40_100))).toBe(true);
    expect([lease.bytes, lease.checks > 1]).toEqual([40_000, true]);
    lease.refusal = stopped();
    expect((await get({ range: 'bytes=0-1' })).status).toBe(403);
  });

  it('an impossible one is a 416 that says how long the file is', async () => {
    const response = await get({ range: `bytes=${FILE.length}-` });
    expect([response.status, response.headers.get('content-range'), ((await response.json()) as { code: string }).code])
      .toEqual([416, `bytes */${FILE.length}`, 'range_unsatisfiable']);
    expect(lease.bytes).toBe(0);
    await until(async () => lease.live === 0);
  });

  it('goes on only in exactly this file', async () => {
    expect((await get({ range: 'bytes=0-1', 'if-range': `"${sha256Hex(FILE)}"` })).status).toBe(206);
    const other = await get({ range: 'bytes=0-1', 'if-range': '"another"' });
    expect([other.status, (await other.arrayBuffer()).byteLength]).toEqual([200, FILE.length]);
  });

  it('a HEAD says everything and sends nothing', async () => {
    const response = await get({}, 'HEAD');
    expect([response.status, response.headers.get('content-length'), lease.bytes]).toEqual([200, String(FILE.length), 0]);
  });
});

describe('pacing', () => {
  it('waits by the clock between writes: never two seconds ahead', async () => {
    rate = 48_000;
    const waits: number[] = [];
    io.sleep = async (milliseconds) => void waits.push(milliseconds);
    await read('/sound');
    // The clock stands nearly still here, since nothing sleeps: each write after the first two seconds asks for its wait.
    expect(waits.length).toBe(lease.writes.length - Math.floor((2 * rate) / MEDIA_WRITE_BYTES));
    expect(waits.at(-1)!).toBeGreaterThan(1_000 * (FILE.length / rate - 2) - 300);
    expect(AHEAD_BYTES).toBeGreaterThan(2 * rate);
  });

  it('a cut while it waits ends it at once', async () => {
    rate = 1_000;
    io.sleep = (_ms, gone) => new Promise((done) => gone.addEventListener('abort', () => done(), { once: true }));
    const reading = read('/sound');
    await until(async () => lease.writes.length > 0);
    lease.cutAll(stopped());
    const { bytes, whole } = await reading;
    expect([bytes.length <= 2_000, whole, lease.live]).toEqual([true, false, 0]);
  });
});

describe('a live stream', () => {
  it('goes out piece by piece, whole pieces larger than a write too, without a length', async () => {
    live = async function* () {
      for (const size of [10, 40_000, 0, 7]) yield FILE.subarray(0, size);
    };
    const response = await fetch(`${origin}/live`);
    expect([response.headers.get('content-length'), response.headers.get('cache-control')]).toEqual([null, 'private, no-store']);
    expect((await response.arrayBuffer()).byteLength).toBe(40_017);
    expect(lease.bytes).toBe(40_017);
    expect(lease.writes).toEqual([10, 16_384, 16_384, 7_232, 7]);
  });

  it('that fails in the middle is reset', async () => {
    live = async function* () {
      yield FILE.subarray(0, 100);
      throw new Error('the voice broke');
    };
    expect((await read('/live')).whole).toBe(false);
    expect(lease.live).toBe(0);
  });

  it('tells its source that the listener is gone, and ends the iteration', async () => {
    const seen: string[] = [];
    live = async function* (gone) {
      try {
        yield FILE.subarray(0, 100);
        await new Promise<void>((done) => gone.addEventListener('abort', () => done(), { once: true }));
        seen.push('gone');
        yield FILE.subarray(0, 100);
        seen.push('asked for more');
      } finally {
        seen.push('ended');
      }
    };
    const { socket } = await opened('/live');
    socket.destroy();
    await until(async () => seen.includes('ended'));
    expect(seen).toEqual(['gone', 'ended']);
    expect(lease.bytes).toBe(100);
  });
});

describe('HTTP/2 is off', () => {
  it('the server speaks HTTP/1.1: a preface of HTTP/2 is refused, an upgrade to it ignored', async () => {
    expect(server).toBeInstanceOf(HttpServer);
    const say = async (text: string): Promise<string> => {
      const socket = connect(Number(new URL(origin).port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(text);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return answer.toString('latin1').split('\r\n')[0] ?? '';
    };
    expect(await say('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toMatch(/^HTTP\/1\.1 (400|505) /);
    expect(await say('GET /sound HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n')).toBe('HTTP/1.1 200 OK');
    expect(lease.live).toBeLessThanOrEqual(1);
  });
});

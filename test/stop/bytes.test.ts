import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { FULL_WAIT_NS } from '../../src/consent/index.ts';
import { MEDIA_WRITE_BYTES } from '../../src/http/media.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { makeFolderBlobs } from '../../src/platform/blobs/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { type GatewayWorld, openGatewayWorld } from '../gateway/world.ts';
import { type GatewayChild, type GatewayOrders, type Listener, listenTo, startGateway } from '../support/gateway-child.ts';
import { readMultipart } from '../support/multipart.ts';
import { until } from '../support/until.ts';

/**
 * The bytes of a real gateway process, counted by listeners in another one. Nothing is timed: what was received is compared
 * with what was counted, before and after.
 */
const LONG = 'The quiet heron carried seven green lanterns over the narrow bridge and nobody was awake to see it. '.repeat(3);
const STREAMED = 'Good morning. I walked along the river today and thought about the song that we wrote last winter, in the old house by the sea. '
  + 'It was snowing and nobody came. Shall I sing it for you one more time, slowly, before the lamps go out and the others are home again?';
const LISTENERS = 4;

let own: GatewayWorld;
let folder: string;
let outputId: string;
let child: GatewayChild | null = null;
let paused = false;

beforeAll(async () => {
  own = await openGatewayWorld('bytes');
  outputId = await own.released({ script: LONG });
  folder = mkdtempSync(join(tmpdir(), 'benren-bytes-'));
  const { release } = await own.gateway.getOutput(own.fan.actor, outputId);
  await makeFolderBlobs({ folder: join(folder, 'blobs'), random: seededRandom('bytes') }).put(await own.deps.blobs.get(release!.fileSha256));
}, 120_000);
afterEach(async () => {
  await child?.kill();
  child = null;
  if (paused) await own.reopen('clone');
  paused = false;
});
afterAll(async () => {
  await own.close();
  rmSync(folder, { recursive: true, force: true });
});

async function gateway(more: Partial<GatewayOrders> = {}): Promise<GatewayChild> {
  const { ownerUrl: owner, appUrl: app } = own.world.database;
  child = await startGateway({ folder, now: own.world.clock.now().toISOString(), databaseUrls: { owner, app }, ...more });
  return child;
}

const total = (listeners: readonly Listener[]): number => listeners.reduce((sum, { received }) => sum + received, 0);
const wait = async (milliseconds: number): Promise<void> => await new Promise((done) => setTimeout(done, milliseconds));

/** Listeners whose streams flow: beyond the two seconds that leave at once. */
async function flowing({ origin }: GatewayChild, count = LISTENERS): Promise<Listener[]> {
  const listeners = await Promise.all(Array.from({ length: count }, () => listenTo(`${origin}/v1/outputs/${outputId}/media`, own.fan.token)));
  await until(async () => listeners.every(({ received }) => received > 110_000), 20_000);
  return listeners;
}

/** A pause as every gateway must confirm it, in one transaction: the gate shuts and a row tells. Answers its id once it is committed. */
async function order(): Promise<string> {
  const stopId = own.deps.ids.next('stop');
  await own.world.database.runTx(async (tx) => {
    const gate = await own.consent.gates.ofClone(tx, own.cloneId);
    await own.consent.gates.hold(tx, gate!.gateId, { holder: 'test', reason: 'test', at: own.world.clock.now(), by: own.owner.actor.accountId });
    await sql(tx, `
      INSERT INTO gate_stop (id, number, kind, scope, clone_id, gate_id, epoch, releases, reason, ordered_by, ordered_at)
      SELECT $1, 0, 'pause', 'clone', clone_id, id, epoch, 0, 'test', 'test', now() FROM gate WHERE id = $2`, [stopId, gate!.gateId]);
  });
  paused = true;
  return stopId;
}

async function confirmed(stopId: string, { gatewayId }: GatewayChild): Promise<{ bytes: number; streams: number[] } | null> {
  const [row] = await own.world.database.asApp<{ bytes: string; streams: { bytes: string }[] }>(
    'SELECT bytes, streams FROM gate_stop_confirmation WHERE stop_id = $1 AND gateway_id = $2', [stopId, gatewayId]);
  return row === undefined ? null : { bytes: Number(row.bytes), streams: row.streams.map(({ bytes }) => Number(bytes)) };
}

describe('a gateway that is well', () => {
  it('confirms with the count of each stream; no listener has more, and nobody gets another byte', async () => {
    const process = await gateway();
    const listeners = await flowing(process);
    const stopId = await order();
    await until(async () => (await confirmed(stopId, process)) !== null);
    const count = await confirmed(stopId, process);
    await until(async () => listeners.every(({ open }) => !open));
    expect(count?.streams.length).toBe(LISTENERS);
    const [received, counted] = [listeners.map((one) => one.received).sort((a, b) => a - b), [...count!.streams].sort((a, b) => a - b)];
    for (const [index, bytes] of received.entries()) expect(bytes).toBeLessThanOrEqual(counted[index]!);
    expect(total(listeners)).toBeLessThanOrEqual(count!.bytes);
    // What was cut was on its way: the file is longer, and the count is not what it was before anything flowed.
    expect(count!.bytes).toBeGreaterThan(LISTENERS * 110_000);
    expect((await own.gateway.getOutput(own.fan.actor, outputId)).release!.fileBytes * LISTENERS).toBeGreaterThan(count!.bytes);
    const before = total(listeners);
    await wait(500);
    expect(total(listeners)).toBe(before);
    await expect(listenTo(`${process.origin}/v1/outputs/${outputId}/media`, own.fan.token)).rejects.toThrow('403');
  }, 60_000);
});

describe('a gateway that was frozen', () => {
  it('hands out nothing when it thaws: its leases have run out meanwhile', async () => {
    const process = await gateway();
    const listeners = await flowing(process);
    process.freeze();
    await until(async () => process.frozen());
    const stopId = await order();
    // What the coordinator waits when nobody confirms; then it acknowledges.
    await wait(Number(FULL_WAIT_NS / 1_000_000n) + 100);
    expect(await confirmed(stopId, process)).toBe(null);
    const before = listeners.map((one) => one.received);
    process.thaw();
    await until(async () => listeners.every(({ open }) => !open));
    await wait(500);
    expect(listeners.map((one) => one.received)).toEqual(before);
  }, 60_000);

  it('exactly between its check and its write completes that one write, at most 16 KiB, and nothing after it', async () => {
    const process = await gateway({ freezeAtWrite: 9 });
    const url = `${process.origin}/v1/outputs/${outputId}/media`;
    const listener = await listenTo(url, own.fan.token);
    await until(async () => process.frozen(), 20_000);
    await order();
    await wait(Number(FULL_WAIT_NS / 1_000_000n) + 100);
    const before = listener.received;
    expect(before).toBe(8 * MEDIA_WRITE_BYTES);
    process.thaw();
    await until(async () => !listener.open);
    expect(listener.received - before).toBeLessThanOrEqual(MEDIA_WRITE_BYTES);
  }, 60_000);
});

describe('a gateway that is killed', () => {
  it('in the middle of a live stream leaves an output that a job ends as cut, once, and the hold goes back', async () => {
    const quota = await own.left();
    const process = await gateway();
    const asked = await own.ask({ script: STREAMED, delivery: 'stream' });
    const listener = await listenTo(`${process.origin}/v1/outputs/${asked.outputId}/stream`, own.fan.token);
    await until(async () => readMultipart(listener.contentType, listener.body).parts.length >= 1, 20_000);
    await process.kill();
    child = null;
    const look = async () => await own.gateway.getOutput(own.fan.actor, asked.outputId);
    expect((await look()).state).toBe('streaming');
    expect((await own.left()).held).toBe(quota.held + 1);
    for (let again = 0; again < 2; again += 1) {
      own.world.clock.advance(3 * 60_000);
      await own.drain();
      await own.gateway.work.watchStream(asked.outputId);
      expect(await look()).toMatchObject({ state: 'cut', reason: 'interrupted', release: null });
      expect(await own.left()).toEqual(quota);
    }
    expect((await look()).stream!.segments.length).toBeGreaterThanOrEqual(1);
  }, 60_000);
});

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { makeGateway } from '../../src/gateway/index.ts';
import { samplesOf } from '../../src/gateway/wav.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { findRhythm, verifyReceipt } from '../../src/provenance/index.ts';
import { loadBundle } from '../../src/http/operations.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { verifyIndependently } from '../support/c2pa-wasm.ts';
import { readMultipart } from '../support/multipart.ts';
import { until } from '../support/until.ts';
import { byHand } from './forge.ts';
import { serve, type Served } from './serve.ts';
import { codeOf, type GatewayWorld, openGatewayWorld, publicKeyOf } from './world.ts';

const SCRIPT = 'Good morning to you. I walked along the river today and thought about the song that we wrote last winter, in the old house. '
  + 'It was snowing and nobody came. Shall I sing it for you one more time, slowly, before the lamps go out and the others are home again?';
const SEGMENTS = 3;

let own: GatewayWorld;
let served: Served;

beforeAll(async () => {
  own = await openGatewayWorld('stream');
  // Nobody waits for playback here: pacing has tests of its own.
  served = await serve(own, { sleep: async () => undefined });
});
afterAll(async () => {
  await served.close();
  await own.close();
});
afterEach(() => {
  own.barrier = null;
});

const path = (outputId: string): string => `/v1/outputs/${outputId}/stream`;
const ask = async (script = SCRIPT) => (await own.ask({ script, delivery: 'stream' })).outputId;
const look = async (outputId: string) => await own.gateway.getOutput(own.fan.actor, outputId);

/** Waits until the output has reached this state. */
async function reached(outputId: string, state: string): Promise<void> {
  await until(async () => (await look(outputId)).state === state);
}

/** Puts something before the n-th passing of a step, once. */
function at(step: string, passing: number, work: () => Promise<void>): void {
  let passed = 0;
  own.barrier = async (seen) => {
    if (seen !== step) return;
    passed += 1;
    if (passed === passing) await work();
  };
}

const floats = (samples: Buffer) => Float32Array.from({ length: samples.length / 2 }, (_, i) => samples.readInt16LE(i * 2) / 0x8000);

describe('a stream that comes through', () => {
  it('leaves in segments, each marked and released by itself, and then as one signed file; the last segment spends the hold', async () => {
    const before = await own.left();
    const outputId = await ask();
    expect(await look(outputId)).toMatchObject({ state: 'queued', delivery: 'stream', stream: { segments: [], streamPath: path(outputId) } });
    const holds: unknown[] = [];
    own.barrier = async (step) => {
      if (step === 'release') holds.push(await own.left());
    };
    const response = await served.get(path(outputId), own.fan);
    expect([response.status, response.headers.get('cache-control'), response.headers.get('content-length')]).toEqual([200, 'private, no-store', null]);
    const { parts, whole } = readMultipart(response.headers.get('content-type')!, Buffer.from(await response.arrayBuffer()));
    expect([whole, parts.length]).toEqual([true, SEGMENTS]);
    expect(holds).toEqual(Array.from({ length: SEGMENTS }, () => ({ held: before.held + 1, captured: before.captured })));
    expect(await own.left()).toEqual({ held: before.held, captured: before.captured + 1 });
    expect((await look(outputId)).state).toBe('signing');

    for (const [index, { body, headers }] of parts.entries()) {
      expect(await verifyIndependently(body, 'audio/wav', own.keys.c2pa.anchorsPem)).toMatchObject({ state: 'Trusted', failures: [] });
      const marks = await own.provenance.readMarks(body);
      expect(marks.consent).toMatchObject({ outputId, segment: index + 1, watermark: 'none', disclosure: 'rhythm' });
      expect(marks.aigc).toMatchObject({ label: '1', produceId: outputId });
      expect(findRhythm(floats(samplesOf(body)!), 24_000)).toBeLessThan(0.5);
      expect(headers['content-digest']).toBe(`sha-256=:${Buffer.from(sha256Hex(body), 'hex').toString('base64')}:`);
      expect((await own.gateway.checkFile(body))).toMatchObject({ status: 'allowed_when_made', matchedBy: 'file', output: { outputId, fileSha256: null } });
    }

    own.barrier = null;
    await own.drain();
    const output = await look(outputId);
    expect(output.state).toBe('released');
    expect(output.stream?.segments.map(({ sequence, last, fileSha256 }) => [sequence, last, fileSha256]))
      .toEqual(parts.map(({ body }, index) => [index + 1, index + 1 === SEGMENTS, sha256Hex(body)]));
    const file = Buffer.from((await own.gateway.getOutputMedia(own.fan.actor, outputId)).bytes);
    const receipt = await own.gateway.getOutputReceipt(own.fan.actor, outputId);
    expect(receipt.document.streamedAs).toEqual(output.stream?.segments.map(({ segmentId, fileSha256 }) => ({ segmentId, sha256: fileSha256 })));
    // The file says the last words of the stream with exactly its samples.
    const [speech, all] = [samplesOf(parts.at(-1)!.body)!, samplesOf(file)!];
    expect(all.subarray(-48_000).equals(speech.subarray(-48_000))).toBe(true);
    expect(await own.left()).toEqual({ held: before.held, captured: before.captured + 1 });
  });

  it('has a receipt and a leaf for each segment, and a row for each that was heard', async () => {
    const outputId = await ask('One sentence only.');
    await (await served.get(path(outputId), own.fan)).arrayBuffer();
    const receipt = await own.gateway.getSegmentReceipt(own.owner.actor, outputId, 1);
    expect(verifyReceipt(JSON.parse(JSON.stringify(receipt)), publicKeyOf(own.keys))).toMatchObject({ ok: true });
    expect(makeValidators(loadBundle()).at('/components/schemas/SegmentReceiptDocument')(receipt.document)).toBe(true);
    expect(receipt.document).toMatchObject({ type: 'benren.segment_receipt', sequence: 1, last: true });
    const [leaf] = await own.world.database.runTx((tx) => own.world.log.leavesOf(tx, outputId));
    expect(leaf).toMatchObject({ type: 'segment.committed', documentSha256: receipt.digest });
    expect(await codeOf(own.gateway.getSegmentReceipt(own.fan.actor, outputId, 2))).toBe('output_state');
    expect(await codeOf(own.gateway.getSegmentReceipt((await own.person('Nosy', 'CN')).actor, outputId, 1))).toBe('not_found');
    expect(await own.count('media_read', `kind = 'stream' AND subject_id = '${outputId}'`)).toBe(1);
    await own.drain();
  });

  it('is for who asked, once, and not for what was asked as a file', async () => {
    const outputId = await ask('For me alone.');
    expect((await served.get(path(outputId), own.owner)).status).toBe(404);
    expect((await served.get(path(outputId), await own.person('A stranger', 'CN'))).status).toBe(404);
    const [one, two] = await Promise.all([served.get(path(outputId), own.fan), served.get(path(outputId), own.fan)]);
    expect([one.status, two.status].sort()).toEqual([200, 409]);
    await Promise.all([one.arrayBuffer(), two.arrayBuffer()]);
    expect((await served.get(path(outputId), own.fan)).status).toBe(409);
    expect((await served.get(path((await own.ask()).outputId), own.fan)).status).toBe(409);
    await own.drain();
  });
});

describe('a stream that does not come through', () => {
  it('stopped between two segments: cut, with the digests of what was sent, and the hold goes back', async () => {
    const before = await own.left();
    const outputId = await ask();
    at('release', 2, () => own.shut('clone', 'paused'));
    const transfer = await served.open(path(outputId), own.fan);
    expect(await transfer.ended).toBe(false);
    await reached(outputId, 'cut');
    await own.reopen('clone');
    await own.drain();
    const output = await look(outputId);
    expect(output).toMatchObject({ state: 'cut', reason: 'paused', release: null });
    expect(output.stream?.segments.length).toBe(1);
    const { parts, whole } = readMultipart(transfer.response.headers['content-type']!, transfer.received());
    expect(whole).toBe(false);
    for (const { body } of parts) expect(output.stream?.segments.map(({ fileSha256 }) => fileSha256)).toContain(sha256Hex(body));
    expect(await own.left()).toEqual(before);
    expect(await own.gateway.getOutputStatus(outputId)).toMatchObject({ status: 'allowed_when_made', fileSha256: null });
    expect(await codeOf(own.gateway.getOutputMedia(own.fan.actor, outputId))).toBe('output_state');
  });

  it('stopped before the first: void, and nothing was sent', async () => {
    const [before, segments] = [await own.left(), await own.count('release_segment')];
    const outputId = await ask();
    at('release', 1, () => own.shut('clone', 'paused'));
    const response = await served.get(path(outputId), own.fan).catch(() => null);
    if (response !== null) expect(response.status).toBe(403);
    await reached(outputId, 'voided');
    await own.reopen('clone');
    expect([await look(outputId), await own.left(), await own.count('release_segment')]).toMatchObject([{ state: 'voided', reason: 'paused' }, before, segments]);
    expect(await own.gateway.getOutputStatus(outputId)).toMatchObject({ status: 'never_allowed' });
  });

  it('stopped after the last and before the file: cut, and spent: everything was delivered', async () => {
    const before = await own.left();
    const outputId = await ask('Everything was said.');
    await (await served.get(path(outputId), own.fan)).arrayBuffer();
    await own.shut('clone', 'paused');
    await own.drain();
    await own.reopen('clone');
    expect(await look(outputId)).toMatchObject({ state: 'cut', reason: 'paused', release: null });
    expect(await own.left()).toEqual({ held: before.held, captured: before.captured + 1 });
  });

  it('left by its listener: cut, and the hold goes back', async () => {
    const before = await own.left();
    const outputId = await ask();
    let transfer: Awaited<ReturnType<Served['open']>> | null = null;
    at('release', 3, async () => {
      transfer?.leave();
      await new Promise((done) => setTimeout(done, 100));
    });
    transfer = await served.open(path(outputId), own.fan);
    await reached(outputId, 'cut');
    expect([(await look(outputId)).reason, await own.left()]).toEqual(['disconnected', before]);
  });

  it('whose voice breaks: cut, and the hold goes back', async () => {
    const before = await own.left();
    const outputId = await ask();
    at('sign', 2, async () => Promise.reject(new Error('the voice broke')));
    expect(await (await served.open(path(outputId), own.fan)).ended).toBe(false);
    await reached(outputId, 'cut');
    expect([(await look(outputId)).reason, await own.left()]).toEqual(['render_failed', before]);
  });

  it('that nobody fetched: void after ten minutes', async () => {
    const before = await own.left();
    const outputId = await ask();
    await own.drain();
    expect((await look(outputId)).state).toBe('queued');
    own.world.clock.advance(10 * 60_000);
    await own.drain();
    expect([await look(outputId), await own.left()]).toMatchObject([{ state: 'voided', reason: 'not_fetched' }, before]);
    expect((await served.get(path(outputId), own.fan)).status).toBe(409);
  });

  it('whose gateway died: a job ends it, twice the same, and the gateway that comes back releases nothing', async () => {
    const before = await own.left();
    const outputId = await ask();
    // A process that stops being there in the middle: its iteration is never ended.
    const media = await own.gateway.getOutputStream(own.fan.actor, outputId);
    const pieces = media.pieces(new AbortController().signal)[Symbol.asyncIterator]();
    await pieces.next();
    own.world.clock.advance(30_000);
    await own.drain();
    expect((await look(outputId)).state).toBe('streaming');
    own.world.clock.advance(60_000);
    await own.drain();
    await own.gateway.work.watchStream(outputId);
    expect(await look(outputId)).toMatchObject({ state: 'cut', reason: 'interrupted', stream: { segments: [{ sequence: 1 }] } });
    expect(await own.left()).toEqual(before);
    await expect(Promise.resolve(pieces.next())).rejects.toMatchObject({ code: 'output_state' });
    expect((await look(outputId)).stream?.segments.length).toBe(1);
  });

  it('whose file would say something else: cut, although it was spent', async () => {
    const outputId = await ask('Say it twice alike.');
    await (await served.get(path(outputId), own.fan)).arrayBuffer();
    const other = makeGateway({ ...own.deps, inference: {
      ...own.deps.inference, synthesise: async (request) => {
        const said = await own.deps.inference.synthesise(request);
        return { ...said, pcm: said.pcm.slice(1) };
      },
    } });
    await other.work.renderOutput(outputId, 1);
    expect(await look(outputId)).toMatchObject({ state: 'cut', reason: 'render_failed' });
    await own.drain();
  });
});

describe('raw SQL as the service’s role, and as the owner of the tables', () => {
  const roles = () => [own.world.database.appUrl, own.world.database.ownerUrl];
  const insert = (outputId: string, sequence: number, last: boolean): [string, unknown[]] => [`
    INSERT INTO release_segment (id, clone_id, output_id, sequence, last, gate_ids, epochs, file_sha256, file_bytes, samples_sha256, speech_sha256, seconds,
      leaf_id, receipt, released_at)
    SELECT 'seg_' || $2 || substr(id, 5), clone_id, id, $2::int, $3, '{}', '{}', encode(sha256(($2::text || id)::bytea), 'hex'), 1, repeat('a', 64), repeat('b', 64), 1, 'lef_1', '{}', $4
    FROM output WHERE id = $1`, [outputId, sequence, last, own.world.clock.now()]];
  /** A stream with one segment, whose gateway has gone. */
  const streaming = async () => {
    const outputId = await ask();
    await (await own.gateway.getOutputStream(own.fan.actor, outputId)).pieces(new AbortController().signal)[Symbol.asyncIterator]().next();
    return outputId;
  };

  it('cannot release a segment past a stop, out of its turn, after the last, or of what does not stream', async () => {
    const outputId = await streaming();
    for (const url of roles()) {
      expect(await byHand(url, [insert(outputId, 1, false)])).toMatch(/release_segment_follows/);
      expect(await byHand(url, [insert(outputId, 3, false)])).toBe('release_segment_follows');
      // The last one spends the hold and ends the stream, in the same transaction.
      expect(await byHand(url, [insert(outputId, 2, true)])).toBe('release_segment_is_whole');
      expect(await byHand(url, [insert(outputId, 2, true), insert(outputId, 3, false)])).toBe('release_segment_follows');
    }
    await own.shut('clone', 'paused');
    for (const url of roles()) expect(await byHand(url, [insert(outputId, 2, false)])).toBe('gate_paused');
    await own.reopen('clone');
    for (const url of roles()) expect(await byHand(url, [insert(outputId, 2, false)])).toBe('gate_changed');
    const queued = await ask();
    for (const url of roles()) expect(await byHand(url, [insert(queued, 1, false)])).toMatch(/release_segment_streams/);
  });

  it('cannot spend the hold early, void what was sent, or cut what was not', async () => {
    const outputId = await streaming();
    const spend: [string, unknown[]] = [`UPDATE quota_hold SET state = 'captured', release_id = 'rel_x', settled_at = now() WHERE output_id = $1`, [outputId]];
    const state = (to: string, id = outputId): [string, unknown[]] => [`UPDATE output SET state = $2, reason = CASE WHEN $2 IN ('cut', 'voided', 'failed') THEN 'stopped' END WHERE id = $1`, [id, to]];
    const queued = await ask();
    for (const url of roles()) {
      expect(await byHand(url, [insert(outputId, 2, false), spend])).toBe('release_segment_is_whole');
      expect(await byHand(url, [spend, state('cut')])).toBe('output_gives_back');
      for (const to of ['voided', 'failed', 'signing']) expect(await byHand(url, [state(to)]), to).toBe('output_streams');
      expect(await byHand(url, [state('cut')])).toBe('output_gives_back');
      expect(await byHand(url, [state('cut', queued)])).toBe('output_moves');
      expect(await byHand(url, [state('rendering', queued)])).toBe('output_streams_first');
    }
    expect(await byHand(own.world.database.ownerUrl, [['DELETE FROM release_segment', []]])).toBe('23001');
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { GatewayDeps } from '../../src/gateway/index.ts';
import { type Discloser, makeDiscloser, trimmed } from '../../src/gateway/disclose.ts';
import { encode, label, sign, watermark } from '../../src/gateway/marks.ts';
import { SAMPLES_MAX } from '../../src/gateway/model.ts';
import { render, type Speech } from '../../src/gateway/render.ts';
import type { AllowedOutput } from '../../src/gateway/store.ts';
import { samplesOf } from '../../src/gateway/wav.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { findClip, type Inference, makeInference } from '../../src/platform/inference.ts';
import { type KeyRing, loadOrMakeKeys } from '../../src/platform/keys/index.ts';
import { disclosureFor, findRhythm, makeProvenance, type Provenance } from '../../src/provenance/index.ts';
import { verifyIndependently } from '../support/c2pa-wasm.ts';

let folder: string;
let inference: Inference;
let spoken = 0;
let discloser: Discloser;
let keys: KeyRing;
let provenance: Provenance;
let lineage: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'benren-steps-'));
  const real = makeInference({ dataDir: folder, workers: 1 });
  inference = { ...real, synthesise: (request, signal) => {
    spoken += 1;
    return real.synthesise(request, signal);
  } };
  discloser = makeDiscloser({ inference });
  keys = await loadOrMakeKeys({ dir: join(folder, 'keys'), clock: systemClock, production: false });
  provenance = makeProvenance(keys);
  lineage = (await real.describe()).lineage;
});
afterAll(async () => {
  await inference.close();
  rmSync(folder, { recursive: true, force: true });
});

const id = (prefix: string) => `${prefix}_${'0'.repeat(26)}`;
const output: AllowedOutput = {
  id: id('out'), cloneId: id('cln'), requester: id('acc'), audience: 'fan', capability: 'voice', language: 'en', purpose: 'fan_message',
  script: 'Good morning to you.', territory: 'CN', decisionId: id('dec'), versionId: id('ver'), grantId: id('grt'), grantDigest: 'ab'.repeat(32),
  gates: [{ gateId: 'gat_platform', kind: 'platform', epoch: '1' }], expiresAt: new Date('2030-01-01'), holdId: id('hld'), delivery: 'file', aliveUntil: null, probe: null, licenceId: null, licenceDigest: null,
  state: 'rendering', reason: null, file: null, requestedAt: new Date('2026-03-01'), changedAt: new Date('2026-03-01'),
};
const tone: Speech = {
  pcm: Int16Array.from({ length: 24_000 }, (_, i) => Math.round(8_000 * Math.sin((2 * Math.PI * 220 * i) / 24_000))), sampleRateHz: 24_000,
  renderMilliseconds: 5, model: { name: 'reference-voice', version: 'f'.repeat(64) },
};
const floats = (pcm: Int16Array) => Float32Array.from(pcm, (sample) => sample / 0x8000);
const ends = (pcm: Int16Array, tail: Int16Array) => Buffer.from(pcm.slice(-tail.length).buffer).equals(Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength));

describe('render', () => {
  const deps = (over: Partial<{ voiceSha256: string }> = {}) => ({
    runTx: ((work: (tx: never) => unknown) => Promise.resolve(work(undefined as never))) as GatewayDeps['runTx'],
    clones: { version: async () => ({ speaker: [0.2, 0, 0, 0, 0, 0, 0, 0], lineage: { voiceSha256: lineage, voiceName: 'reference', ...over } }) } as unknown as GatewayDeps['clones'],
    inference,
  });
  const codeOf = (work: Promise<unknown>) => work.then(() => 'rendered', (error: unknown) => (error instanceof Refusal ? error.code : String(error)));

  it('speaks with the version’s voice and names the model', async () => {
    const speech = await render(deps(), output, async () => undefined);
    expect(speech).toMatchObject({ sampleRateHz: 24_000, model: { name: 'reference', version: lineage } });
    expect(speech.pcm.length).toBeGreaterThan(12_000);
    expect(speech.renderMilliseconds).toBeGreaterThan(0);
    expect(await codeOf(render(deps({ voiceSha256: '0'.repeat(64) }), output, async () => undefined))).toBe('render_failed');
  });

  it('does not begin what is not wanted, and ends between two sentences when that changes', async () => {
    const before = spoken;
    const stopped = () => Promise.reject(new Refusal('stopped', 'no'));
    expect(await codeOf(render(deps(), output, stopped))).toBe('stopped');
    expect(spoken).toBe(before);
    const long = { ...output, script: 'This is one of many sentences. '.repeat(150) };
    let asked = 0;
    const began = performance.now();
    expect(await codeOf(render(deps(), long, () => (++asked > 2 ? stopped() : Promise.resolve())))).toBe('stopped');
    const cut = performance.now() - began;
    const whole = await render(deps(), long, async () => undefined);
    expect(cut).toBeLessThan(whole.renderMilliseconds / 2);
    expect(asked).toBe(3);
  });
});

describe('disclose', () => {
  it('by territory and language: the rhythm, the words, or both, and then the speech untouched', async () => {
    const cases = [['CN', 'en'], ['CN', 'zh-CN'], ['US', 'en'], ['DE', 'zh-CN'], ['SG', 'en'], [null, 'zh-CN']] as const;
    for (const [territory, language] of cases) {
      const rule = disclosureFor(territory, language);
      const disclosed = await discloser.disclose(tone, { territory, language });
      expect(disclosed.disclosure).toEqual(rule);
      const head = disclosed.pcm.slice(0, disclosed.pcm.length - tone.pcm.length);
      expect(ends(disclosed.pcm, tone.pcm)).toBe(true);
      expect(findRhythm(floats(head), 24_000) !== null, `${String(territory)} ${language} rhythm`).toBe(rule.rhythm);
      if (rule.spoken === null) continue;
      const clip = await discloser.clip(rule.spoken);
      expect(findClip(head, clip).score).toBeGreaterThan(0.99);
      expect(rule.spoken.text).toMatch(/人工智能|AI/);
      const { seconds } = rule.spoken;
      if (seconds !== null) expect(clip.length / 24_000 >= seconds.min && clip.length / 24_000 <= seconds.max).toBe(true);
    }
  });

  it('says each language’s words once', async () => {
    await discloser.disclose(tone, { territory: null, language: 'zh-CN' });
    const before = spoken;
    await Promise.all([1, 2, 3].map(() => discloser.disclose(tone, { territory: null, language: 'zh-CN' })));
    expect(spoken).toBe(before);
    const fresh = makeDiscloser({ inference });
    await Promise.all([1, 2, 3].map(() => fresh.disclose(tone, { territory: 'US', language: 'en' })));
    expect(spoken).toBe(before + 1);
  });

  it('forgets a clip that could not be said, and refuses rather than leave it out', async () => {
    let broken = true;
    const flaky = makeDiscloser({ inference: { synthesise: (request) => (broken ? Promise.reject(new Refusal('overloaded', 'busy')) : inference.synthesise(request)) } });
    await expect(flaky.disclose(tone, { territory: 'US', language: 'en' })).rejects.toMatchObject({ code: 'overloaded' });
    broken = false;
    expect((await flaky.disclose(tone, { territory: 'US', language: 'en' })).pcm.length).toBeGreaterThan(tone.pcm.length + 24_000);
    const silent = makeDiscloser({ inference: { synthesise: async () => ({ ...tone, pcm: new Int16Array(24_000), phonemes: 0, lineage: '' }) } });
    await expect(silent.disclose(tone, { territory: 'CN', language: 'zh-CN' })).rejects.toMatchObject({ code: 'render_failed' });
  });

  it('measures a clip without the silence around it', () => {
    expect(trimmed(Int16Array.of(0, 100, 500, -2, -900, 3, 0))).toEqual(Int16Array.of(500, -2, -900));
    expect(trimmed(new Int16Array(5))).toHaveLength(0);
  });
});

describe('watermark', () => {
  it('puts nothing in, and says so', async () => {
    const disclosed = await discloser.disclose(tone, output);
    expect(watermark(disclosed)).toEqual({ ...disclosed, watermark: 'none' });
  });
});

describe('encode, label, sign', () => {
  it('a mono 16-bit WAV at 24 kHz of exactly the samples', async () => {
    const encoded = encode(watermark(await discloser.disclose(tone, output)));
    expect([encoded.wav.readUInt16LE(20), encoded.wav.readUInt16LE(22), encoded.wav.readUInt32LE(24), encoded.wav.readUInt16LE(34)]).toEqual([1, 1, 24_000, 16]);
    expect(sha256Hex(samplesOf(encoded.wav)!)).toBe(encoded.samplesSha256);
    expect(encoded.wav.subarray(-tone.pcm.byteLength).equals(Buffer.from(tone.pcm.buffer))).toBe(true);
    const marked = watermark({ ...tone, disclosure: disclosureFor('CN', 'en') });
    expect(() => encode({ ...marked, pcm: new Int16Array(SAMPLES_MAX + 1) })).toThrow(expect.objectContaining({ code: 'request_too_large' }));
  });

  it('labelled once, signed, Trusted by another engine, and none of the samples moved', async () => {
    const deps = { provenance, clock: systemClock, settings: { contentProducer: 'BENREN-TEST', generator: { name: 'Benren', version: '0.1.0' } } };
    const encoded = encode(watermark(await discloser.disclose(tone, output)));
    const labelled = label(deps, encoded, output);
    expect(() => label(deps, labelled, output)).toThrow(expect.objectContaining({ code: 'file_unreadable' }));
    const { bytes, file } = await sign(deps, labelled, output);
    expect(file).toMatchObject({
      sha256: sha256Hex(bytes), bytes: bytes.length, samplesSha256: encoded.samplesSha256, watermark: 'none',
      disclosure: { kind: 'rhythm', text: null }, implicitLabel: { contentProducer: 'BENREN-TEST', produceId: output.id },
    });
    expect(file.c2paManifest).toMatch(/^urn:c2pa:/);
    expect(samplesOf(bytes)!.equals(samplesOf(encoded.wav)!)).toBe(true);
    expect(await verifyIndependently(bytes, 'audio/wav', keys.c2pa.anchorsPem)).toMatchObject({ state: 'Trusted', failures: [] });
    expect((await provenance.readMarks(bytes)).consent).toMatchObject({ outputId: output.id, watermark: 'none', territory: 'CN' });
  });

  it('reads samples only of the form that is released', () => {
    const { wav } = encode({ ...watermark({ ...tone, disclosure: disclosureFor('CN', 'en') }) });
    const stereo = Buffer.from(wav);
    stereo.writeUInt16LE(2, 22);
    expect(samplesOf(stereo)).toBe(null);
    expect(samplesOf(wav.subarray(0, 36))).toBe(null);
  });
});

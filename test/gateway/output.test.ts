import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { replay } from '../../src/consent/index.ts';
import { loadBundle } from '../../src/http/operations.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { findClip } from '../../src/platform/inference.ts';
import { disclosureFor, findRhythm, verifyReceipt } from '../../src/provenance/index.ts';
import { makeDiscloser } from '../../src/gateway/disclose.ts';
import { verifyIndependently } from '../support/c2pa-wasm.ts';
import { codeOf, type GatewayWorld, openGatewayWorld, type Person, publicKeyOf, refusalOf } from './world.ts';

let own: GatewayWorld;
let stranger: Person;

beforeAll(async () => {
  own = await openGatewayWorld('output');
  stranger = await own.person('A stranger', 'CN');
});
afterAll(async () => await own.close());

const bundle = loadBundle();
const validators = makeValidators(bundle);

/** The samples of a released file, as integers and within ±1. */
async function soundOf(outputId: string): Promise<{ file: Buffer; pcm: Int16Array; floats: Float32Array }> {
  const file = Buffer.from((await own.gateway.getOutputMedia(own.fan.actor, outputId)).bytes);
  const length = file.readUInt32LE(40);
  const pcm = Int16Array.from({ length: length / 2 }, (_, i) => file.readInt16LE(44 + i * 2));
  return { file, pcm, floats: Float32Array.from(pcm, (sample) => sample / 0x8000) };
}

describe('a released output', () => {
  it('in Mandarin for CN opens with the label spoken at its pace, in the platform’s voice', async () => {
    const outputId = await own.released({ language: 'zh-CN', script: '早上好，今天天气很好。' });
    const { pcm, floats } = await soundOf(outputId);
    const { spoken } = disclosureFor('CN', 'zh-CN');
    const clip = await makeDiscloser(own.deps).clip(spoken!);
    expect(clip.length / 24_000).toBeGreaterThanOrEqual(spoken!.seconds!.min);
    expect(clip.length / 24_000).toBeLessThanOrEqual(spoken!.seconds!.max);
    const match = findClip(pcm, clip);
    expect(match.score).toBeGreaterThan(0.99);
    expect(match.at / 24_000).toBeLessThan(0.5);
    expect(findRhythm(floats, 24_000)).toBe(null);
  });

  it('in English for CN opens with the AI rhythm; with two countries, with both forms', async () => {
    const { floats } = await soundOf(await own.released());
    const at = findRhythm(floats, 24_000);
    expect(at).toBeLessThan(0.5);

    const traveller = await own.person('A traveller', 'SG');
    await own.subscribe(traveller, 1, 'CN');
    const outputId = await own.released({}, traveller);
    const file = Buffer.from((await own.gateway.getOutputMedia(traveller.actor, outputId)).bytes);
    const pcm = Int16Array.from({ length: file.readUInt32LE(40) / 2 }, (_, i) => file.readInt16LE(44 + i * 2));
    expect(findRhythm(Float32Array.from(pcm, (sample) => sample / 0x8000), 24_000)).toBeLessThan(0.5);
    const clip = await makeDiscloser(own.deps).clip(disclosureFor(null, 'en').spoken!);
    expect(findClip(pcm, clip).score).toBeGreaterThan(0.99);
  });

  it('is Trusted for an engine that did not sign it, says whose consent, and is labelled once', async () => {
    const outputId = await own.released({ script: 'You can trust where this comes from.' });
    const { file } = await soundOf(outputId);
    const reading = await verifyIndependently(file, 'audio/wav', own.keys.c2pa.anchorsPem);
    expect(reading).toMatchObject({ state: 'Trusted', failures: [] });
    const [decision] = await own.world.database.asOwner<{ id: string }>('SELECT decision_id AS id FROM output WHERE id = $1', [outputId]);
    const marks = await own.provenance.readMarks(file);
    expect(marks.consent).toMatchObject({
      grantId: own.grant.grantId, grantDigest: own.grant.digest, cloneId: own.cloneId, versionId: own.versionId, outputId,
      decisionId: decision?.id, audience: 'fan', language: 'en', territory: 'CN', disclosure: 'rhythm', watermark: 'none',
    });
    expect(marks.consent?.gates.map((gate) => gate.kind)).toEqual(['platform', 'clone', 'capability', 'grant']);
    expect(JSON.stringify(reading.manifest)).not.toContain('watermarked');
    expect(marks.aigc).toMatchObject({ label: '1', contentProducer: 'BENREN-TEST', produceId: outputId });
    expect(file.toString('latin1').split('AIGC').length - 1).toBe(2);
    expect(marks.problems).toEqual([]);
    expect(marks.consent).not.toHaveProperty('preview');
  });

  it('has a receipt of the contract that verifies with the public key, and a leaf of that digest', async () => {
    const outputId = await own.released({ script: 'A receipt for this, please.' });
    const output = await own.gateway.getOutput(own.fan.actor, outputId);
    const receipt = await own.gateway.getOutputReceipt(own.fan.actor, outputId);
    expect(verifyReceipt(JSON.parse(JSON.stringify(receipt)), publicKeyOf(own.keys))).toMatchObject({ ok: true });
    expect(validators.at('/components/schemas/OutputReceiptDocument')(receipt.document)).toBe(true);
    expect(validators.at('/components/schemas/Output')(output)).toBe(true);
    expect(receipt.document).toMatchObject({ outputId, watermark: 'none', file: { sha256: output.release?.fileSha256 } });
    expect(output.release?.receiptDigest).toBe(receipt.digest);
    const [leaf] = await own.world.database.runTx((tx) => own.world.log.leavesOf(tx, outputId));
    expect(leaf).toMatchObject({ type: 'release.committed', documentSha256: receipt.digest, leafId: output.release?.leafId });
  });

  it('spends one of the period’s quota, and only then', async () => {
    const before = await own.left();
    const { outputId, left } = await own.ask();
    expect(await own.left()).toEqual({ held: before.held + 1, captured: before.captured });
    expect(left).toBe(100 - before.held - before.captured - 1);
    expect(await own.gateway.getOutput(own.fan.actor, outputId)).toMatchObject({ state: 'queued', release: null });
    expect(await codeOf(own.gateway.getOutputMedia(own.fan.actor, outputId))).toBe('output_state');
    await own.drain();
    expect(await own.left()).toEqual({ held: before.held, captured: before.captured + 1 });
  });
});

describe('a request', () => {
  it('with the same key is answered as before and asked once', async () => {
    const key = own.world.key();
    const asked = { capability: 'voice', language: 'en', script: 'Only once.', purpose: 'fan_message' } as const;
    const before = await own.left();
    const one = await own.gateway.requestOutput(own.fan.actor, key, own.cloneId, asked);
    expect(await own.gateway.requestOutput(own.fan.actor, key, own.cloneId, asked)).toEqual(one);
    expect((await own.left()).held).toBe(before.held + 1);
    await own.drain();
  });

  it('outside the grant is denied with its clauses, charged nothing, and leaves a receipt that replays', async () => {
    const foreigner = await own.person('A foreigner', 'FR');
    await own.subscribe(foreigner, 5, 'CN');
    const nobody = await own.person('Nobody', null);
    const payer = await own.person('A payer from elsewhere', 'CN');
    await own.subscribe(payer, 5, 'US');
    const before = [await own.left(), await own.count('quota_hold')];
    const cases: [Parameters<GatewayWorld['ask']>[0], Person, string][] = [
      [{ capability: 'video' }, own.fan, 'capability.video'],
      [{ script: 'Shall we go gambling tonight?' }, own.fan, 'topic.gambling'],
      [{ language: 'zh-CN', script: '我们去赌博吧。' }, own.fan, 'topic.gambling'],
      [{ purpose: 'advertising' }, own.fan, 'purpose.advertising'],
      [{}, foreigner, 'territory.FR'],
      [{}, payer, 'territory.US'],
      [{}, nobody, 'tier.none'],
      [{}, nobody, 'territory.unknown'],
    ];
    for (const [asked, person, clause] of cases) {
      const refusal = await refusalOf(own.ask(asked, person));
      expect(refusal.code).toBe('denied');
      expect(refusal.extra['clauses']).toContain(clause);
      const decisionId = String(refusal.extra['decisionId']);
      const receipt = await own.consent.explainDecision(person.actor, decisionId);
      expect(verifyReceipt(JSON.parse(JSON.stringify(receipt)), publicKeyOf(own.keys))).toMatchObject({ ok: true });
      expect(replay(receipt.document)).toMatchObject({ same: true, answer: { allowed: false } });
      // Her owner reads why, too.
      expect(await own.consent.explainDecision(own.owner.actor, decisionId)).toEqual(receipt);
      const outputId = String(refusal.extra['outputId']);
      expect(await own.gateway.getOutput(own.owner.actor, outputId)).toMatchObject({ state: 'denied', decisionId, release: null });
      expect(await own.gateway.getOutputStatus(outputId)).toMatchObject({ status: 'never_allowed' });
    }
    expect([await own.left(), await own.count('quota_hold')]).toEqual(before);
  });

  it('denied with a key is denied again with the same decision', async () => {
    const key = own.world.key();
    const ask = () => refusalOf(own.gateway.requestOutput(own.fan.actor, key, own.cloneId, {
      capability: 'video', language: 'en', script: 'Show me.', purpose: 'fan_message',
    }));
    const [one, two] = [await ask(), await ask()];
    expect(two.extra).toEqual(one.extra);
  });

  it('that cannot be spoken is refused before anything is decided or held', async () => {
    const before = [await own.count('decision'), await own.count('quota_hold'), await own.count('output')];
    // The last ones would be charged and only half said.
    for (const script of ['😀🎉', '…?!', 'שלום', '   ', 'Good morning, Алёша.', '早上好、おはよう']) expect(await codeOf(own.ask({ script }))).toBe('text_unspeakable');
    for (const script of ['a'.repeat(5_001), 'a\u0000b', 'a\u0007b']) expect(await codeOf(own.ask({ script }))).toBe('request_invalid');
    expect([await own.count('decision'), await own.count('quota_hold'), await own.count('output')]).toEqual(before);
    // 5,000 characters after normalisation: these are twice as many before it.
    const { outputId } = await own.ask({ script: 'e\u0301'.repeat(20) });
    expect((await own.gateway.getOutput(own.fan.actor, outputId)).script).toBe('é'.repeat(20));
  });

  it('beyond the quota is refused and leaves nothing', async () => {
    const poor = await own.person('A fan with one', 'CN');
    await own.subscribe(poor, 1);
    await own.ask({}, poor);
    const before = await own.count('decision');
    expect(await codeOf(own.ask({}, poor))).toBe('quota_exhausted');
    expect(await own.count('decision')).toBe(before);
    await own.drain();
  });

  it('has no member that could switch the disclosure off', () => {
    const operation = bundle.operations.find((one) => one.id === 'requestOutput')!;
    const accepts = validators.at(operation.body!.pointer);
    const asked = { capability: 'voice', language: 'en', script: 'Hello.', purpose: 'fan_message' };
    expect(accepts(asked)).toBe(true);
    for (const name of ['disclosure', 'label', 'watermark', 'territory', 'explicitLabelWaiver', 'audience', 'at']) {
      expect(accepts({ ...asked, [name]: false }), name).toBe(false);
    }
    const source = readFileSync(new URL('../../src/gateway/disclose.ts', import.meta.url), 'utf8');
    expect(source).not.toMatch(/script|purpose|requester/);
  });
});

describe('who sees what', () => {
  it('a stranger’s answer to somebody’s output is that to an unknown id', async () => {
    const outputId = await own.released();
    const ask = (id: string) => [
      own.gateway.getOutput(stranger.actor, id), own.gateway.getOutputMedia(stranger.actor, id), own.gateway.getOutputReceipt(stranger.actor, id),
    ];
    const plain = async (work: Promise<unknown>[]) => (await Promise.all(work.map(refusalOf))).map(({ code, message, extra }) => ({ code, message, extra }));
    expect(await plain(ask(outputId))).toEqual(await plain(ask(`out_${'0'.repeat(26)}`)));
    expect(await codeOf(own.gateway.getOutput(stranger.actor, outputId))).toBe('not_found');
    // The clone's owner may hear what was made of her.
    expect((await own.gateway.getOutputMedia(own.owner.actor, outputId)).byteLength).toBeGreaterThan(10_000);
  });

  it('lists one’s own, or as the owner everything of the clone, newest first', async () => {
    const outputId = await own.released({ script: 'The newest of all.' });
    const mine = await own.gateway.listOutputs(own.fan.actor, { limit: 100 });
    expect(mine.outputs[0]?.outputId).toBe(outputId);
    expect(mine.outputs.every((output) => output.audience === 'fan')).toBe(true);
    const hers = await own.gateway.listOutputs(own.owner.actor, { cloneId: own.cloneId, limit: 100 });
    expect(hers.outputs.map((output) => output.outputId)).toEqual(expect.arrayContaining(mine.outputs.map((output) => output.outputId)));
    expect(new Set(hers.outputs.map((output) => output.state))).toContain('denied');
    expect(await own.gateway.listOutputs(stranger.actor, { cloneId: own.cloneId, limit: 100 })).toEqual({ outputs: [] });
    const rest = await own.gateway.listOutputs(own.fan.actor, { before: outputId, limit: 1 });
    expect(rest.outputs[0]?.outputId).toBe(mine.outputs[1]?.outputId);
  });
});

describe('a check of a file', () => {
  it('finds a released file by its bytes, by its samples when the marks are gone, and says what it cannot do', async () => {
    const outputId = await own.released({ script: 'Check me.' });
    const { file } = await soundOf(outputId);
    const checked = await own.gateway.checkFile(file);
    expect(checked).toMatchObject({
      status: 'allowed_when_made', text: { en: 'allowed when made' }, matchedBy: 'file', fileSha256: sha256Hex(file),
      output: { outputId, cloneId: own.cloneId }, marks: { c2pa: 'trusted', implicitLabel: { produceId: outputId }, watermark: 'none', problems: [] },
    });
    expect(validators.at('/components/schemas/FileCheck')(checked)).toBe(true);

    const bare = Buffer.from(file.subarray(0, 44 + file.readUInt32LE(40)));
    bare.writeUInt32LE(bare.length - 8, 4);
    expect(await own.gateway.checkFile(bare)).toMatchObject({
      status: 'allowed_when_made', matchedBy: 'samples', output: { outputId }, marks: { c2pa: 'none', implicitLabel: null },
    });

    const flipped = Buffer.from(bare);
    flipped.writeInt16LE(flipped.readInt16LE(5_000) ^ 1, 5_000);
    const unknown = await own.gateway.checkFile(flipped);
    expect(unknown).toMatchObject({ status: 'unknown', matchedBy: null, output: null });
    expect(unknown.limits.en).toContain('does not mean that a human spoke');
    expect(await codeOf(own.gateway.checkFile(Buffer.from('no sound at all')))).toBe('file_unreadable');
  });

  it('calls a file that was signed and never released never allowed', async () => {
    let signed: Buffer | null = null;
    const put = own.deps.blobs.put.bind(own.deps.blobs);
    own.deps.blobs.put = async (bytes) => {
      signed = Buffer.from(bytes);
      return await put(bytes);
    };
    own.barrier = async (step) => {
      if (step === 'release') await own.shut('clone', 'paused');
    };
    try {
      const { outputId } = await own.ask({ script: 'This one never leaves.' });
      await own.drain();
      expect(await own.gateway.getOutput(own.fan.actor, outputId)).toMatchObject({ state: 'voided', reason: 'paused' });
      expect(await own.gateway.checkFile(signed!)).toMatchObject({ status: 'never_allowed', matchedBy: 'marks', marks: { c2pa: 'trusted' } });
      // What was finished is swept away with the hold.
      expect(await own.deps.blobs.has(sha256Hex(signed!))).toBe(false);
    } finally {
      own.deps.blobs.put = put;
      own.barrier = null;
      await own.reopen('clone');
    }
  });
});

describe('an unknown id', () => {
  it('is unknown, to everybody and without an account', async () => {
    expect(await own.gateway.getOutputStatus(`out_${'0'.repeat(26)}`)).toEqual({
      outputId: `out_${'0'.repeat(26)}`, status: 'unknown', text: { en: 'not known here', 'zh-CN': '此处没有记录' },
      cloneId: null, releasedAt: null, fileSha256: null, leafId: null,
    });
  });

  it('is what an output is to the public before its release: not even its clone is told', async () => {
    const { outputId } = await own.ask();
    expect(await own.gateway.getOutputStatus(outputId)).toEqual({
      ...await own.gateway.getOutputStatus(`out_${'0'.repeat(26)}`), outputId,
    });
    await own.drain();
    expect(await own.gateway.getOutputStatus(outputId)).toMatchObject({ status: 'allowed_when_made', cloneId: own.cloneId });
  });
});

import { spawnSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import type { KeyRing } from '../../src/platform/keys/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { loadOrMakeKeys } from '../../src/platform/keys/index.ts';
import { issueLeaf, issueRoot, makePrivateKeyPem } from '../../src/platform/keys/issue.ts';
import { CONSENT_LABEL, makeManifest, makeProvenance, makeReader } from '../../src/provenance/index.ts';
import type { Provenance } from '../../src/provenance/index.ts';
import { makeSigner } from '../../src/provenance/sign.ts';
import { appendChunk, readChunks } from '../../src/provenance/wav.ts';
import { verifyIndependently } from '../support/c2pa-wasm.ts';
import { consent, made, manifestInput, sineWav } from './support.ts';

const dir = mkdtempSync(join(tmpdir(), 'benren-marks-test-'));
// Certificates are checked by the engines against the machine's date, so the keys are made for it.
const machineClock = systemClock;
let keys: KeyRing;
let provenance: Provenance;
let signed: Buffer;

beforeAll(async () => {
  keys = await loadOrMakeKeys({ dir: join(dir, 'keys'), clock: machineClock, production: false });
  provenance = makeProvenance(keys);
  signed = await provenance.sign(provenance.label(sineWav(), made), makeManifest(manifestInput));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const flipped = (at: number): Buffer => {
  const copy = Buffer.from(signed);
  copy[at] = copy[at]! ^ 0x01;
  return copy;
};
const chunkStart = (id: string): number => readChunks(signed).find((chunk) => chunk.id === id)!.start;

async function refusalCode(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(() => undefined, (caught: unknown) => caught);
  return (error as { code?: string } | undefined)?.code ?? String(error);
}

describe('a signed file', () => {
  it('is Trusted to the engine that signed it and to one that did not', async () => {
    const marks = await provenance.readMarks(signed);
    expect(marks).toMatchObject({
      c2paState: 'trusted', problems: [], consent,
      aigc: { label: '1', contentProducer: made.contentProducer, produceId: made.produceId },
      manifest: { generator: 'Benren', issuer: 'Benren development' },
    });
    expect(marks.manifest?.label).toMatch(/^urn:c2pa:/);
    expect(marks.manifest?.actions).toEqual([{
      action: 'c2pa.created', when: '2026-11-23T08:00:00.000Z',
      digitalSourceType: 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia',
    }]);
    const independent = await verifyIndependently(signed, 'audio/wav', keys.c2pa.anchorsPem);
    expect(independent).toMatchObject({ state: 'Trusted', failures: [] });
    expect(independent.manifest?.['assertions']).toContainEqual({ label: CONSENT_LABEL, data: consent, created: true });
  });

  it('carries label, then signature, last; the samples are untouched', () => {
    const source = sineWav();
    expect(readChunks(signed).map((chunk) => chunk.id)).toEqual(['fmt ', 'data', 'AIGC', 'C2PA']);
    expect(signed.subarray(44, 44 + source.length - 44).equals(source.subarray(44))).toBe(true);
  });

  it('carries no root in its signature: a validator must have that already', () => {
    const root = keys.c2pa.anchorsPem.replaceAll(/-----[^-]+-----|\s/g, '');
    expect(signed.includes(Buffer.from(root, 'base64'))).toBe(false);
  });

  it('without anchors is only Valid, which is not trusted', async () => {
    const marks = await makeReader({ anchorsPem: '' }).readMarks(signed);
    expect(marks).toMatchObject({ c2paState: 'valid', consent: null });
    expect(marks.problems).toContain('signingCredential.untrusted');
    expect((await verifyIndependently(signed, 'audio/wav', '')).state).toBe('Valid');
  });

  it('under another root is only Valid', async () => {
    const other = await loadOrMakeKeys({ dir: join(dir, 'other'), clock: machineClock, production: false });
    expect((await makeReader(other.c2pa).readMarks(signed)).c2paState).toBe('valid');
  });

  it('is Invalid with one bit of a sample changed', async () => {
    const changed = flipped(chunkStart('data') + 1_000);
    expect(await provenance.readMarks(changed)).toMatchObject({ c2paState: 'invalid', consent: null });
    expect((await provenance.readMarks(changed)).problems).toEqual(expect.arrayContaining(['assertion.dataHash.mismatch', 'aigc_integrity']));
    expect((await verifyIndependently(changed, 'audio/wav', keys.c2pa.anchorsPem)).state).toBe('Invalid');
  });

  it('is Invalid with one byte of its implicit label changed', async () => {
    const changed = flipped(chunkStart('AIGC') + '{"AIGC":{"Label":"1","ContentProducer":"B'.length - 1);
    expect((await provenance.readMarks(changed)).c2paState).toBe('invalid');
    expect((await verifyIndependently(changed, 'audio/wav', keys.c2pa.anchorsPem)).state).toBe('Invalid');
  });

  it('is Invalid with one byte of the consent changed', async () => {
    const changed = flipped(signed.indexOf('grt_01') + 5);
    expect((await provenance.readMarks(changed)).c2paState).toBe('invalid');
    expect((await verifyIndependently(changed, 'audio/wav', keys.c2pa.anchorsPem)).failures).toContain('assertion.hashedURI.mismatch');
  });

  it('is Invalid with a chunk added behind', async () => {
    expect((await provenance.readMarks(appendChunk(signed, 'LIST', Buffer.from('more')))).c2paState).toBe('invalid');
  });

  it('unsigned reads as none', async () => {
    expect(await provenance.readMarks(sineWav())).toEqual({
      c2paState: 'none', manifest: null, consent: null, aigc: null, problems: ['aigc_missing'],
    });
    expect((await verifyIndependently(sineWav(), 'audio/wav', keys.c2pa.anchorsPem)).state).toBe('None');
  });
});

describe('signing', () => {
  it('refuses to let out what its own anchors would not trust', async () => {
    const random = seededRandom('foreign');
    const [rootKey, keyPem] = [makePrivateKeyPem('P-384'), makePrivateKeyPem('P-256')];
    const root = await issueRoot(rootKey, machineClock.now(), random);
    const chainPem = await issueLeaf({ keyPem: rootKey, certificatePem: root }, keyPem, machineClock.now(), random);
    const foreign = makeSigner({ chainPem, keyPem, anchorsPem: keys.c2pa.anchorsPem });
    await expect(foreign.sign(sineWav(), makeManifest(manifestInput))).rejects.toThrow('reads as valid');
  });

  it('takes a recording made by nobody here', async () => {
    const sample = join(import.meta.dirname, '../../../shared/vectors/c2pa/sample1.wav');
    if (!existsSync(sample)) {
      console.log('sample1.wav: skipped, ../shared/vectors/c2pa is not on this machine');
      return;
    }
    const file = await provenance.sign(provenance.label(readFileSync(sample), made), makeManifest(manifestInput));
    expect((await verifyIndependently(file, 'audio/wav', keys.c2pa.anchorsPem)).state).toBe('Trusted');
  });

  it('refuses a file that is no WAV', async () => {
    expect(await refusalCode(provenance.sign(Buffer.from('not a wav'), makeManifest(manifestInput)))).toBe('file_unreadable');
  });

  it('leaves nothing behind that keeps the process alive', () => {
    const script = `
      const { makeSigner } = await import(${JSON.stringify(new URL('../../src/provenance/sign.ts', import.meta.url).href)});
      const { readFileSync } = await import('node:fs');
      const read = (name) => readFileSync(${JSON.stringify(join(dir, 'keys'))} + '/' + name, 'utf8').replace(/^.*\\n/, '');
      makeSigner({ chainPem: read('c2pa-leaf.cert.pem'), keyPem: read('c2pa-leaf.key.pem'), anchorsPem: read('c2pa-root.cert.pem') });
      console.log('made');`;
    const child = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { timeout: 20_000, encoding: 'utf8' });
    expect({ out: child.stdout, status: child.status }).toEqual({ out: 'made\n', status: 0 });
  });
});

describe('reading strangers’ files', () => {
  it.each([
    ['nothing', () => Buffer.alloc(0)],
    ['text', () => Buffer.from('hello')],
    ['a RIFF that is no WAVE', () => Buffer.from('RIFF\u0004\u0000\u0000\u0000AVI ', 'latin1')],
    ['a WAV that states more than it has', () => sineWav().subarray(0, 20_000)],
    ['a WAV that states less than it has', () => Buffer.concat([sineWav(), Buffer.from('tail')])],
    ['a chunk longer than the file', () => { const wav = sineWav(); wav.writeUInt32LE(0xffff_fff0, 40); return wav; }],
    ['no samples chunk', () => { const wav = sineWav(); wav.write('junk', 36, 'latin1'); return wav; }],
    ['65 MiB', () => Buffer.alloc(65 * 1024 * 1024)],
  ])('refuses %s as unreadable', async (_name, make) => {
    expect(await refusalCode(provenance.readMarks(make()))).toBe('file_unreadable');
  });

  it('never throws anything else, and never trusts another consent, whatever bytes are changed', async () => {
    const random = seededRandom('mutations');
    let answered = 0;
    for (let round = 0; round < 250; round += 1) {
      const changed = Buffer.from(signed);
      // Mostly the manifest itself: that is where a parser has most to go wrong.
      const from = round % 5 === 0 ? 0 : chunkStart('C2PA');
      for (let i = 0; i <= random.below(4); i += 1) {
        const at = from + random.below(signed.length - from);
        changed[at] = changed[at]! ^ (1 + random.below(255));
      }
      if (changed.equals(signed)) continue;
      const outcome = await provenance.readMarks(changed).catch((error: unknown) => (error as { code?: string }).code);
      if (typeof outcome === 'object') {
        answered += 1;
        // Reserved padding behind the signature is the one thing no hash covers.
        if (outcome.c2paState === 'trusted') expect(outcome.consent).toEqual(consent);
      } else {
        expect(outcome).toBe('file_unreadable');
      }
    }
    expect(answered).toBeGreaterThan(150);
  });
});

describe('receipts', () => {
  const document = { type: 'benren.output_receipt', schemaVersion: 1, outputId: 'out_01', name: '林雅' };

  it('verify with the public key alone, also after a journey through JSON', () => {
    const receipt = JSON.parse(JSON.stringify(provenance.signReceipt('output_receipt', document))) as unknown;
    expect(provenance.verifyReceipt(receipt)).toEqual({ ok: true, receipt });
  });

  it('fail with anything changed, and never throw', () => {
    const receipt = provenance.signReceipt('output_receipt', document);
    const problem = (change: object): string => {
      const verdict = provenance.verifyReceipt({ ...receipt, ...change });
      return verdict.ok ? 'ok' : verdict.problem;
    };
    expect(problem({})).toBe('ok');
    expect(problem({ document: { ...document, outputId: 'out_02' } })).toBe('digest_differs');
    expect(problem({ type: 'statement' })).toBe('signature_invalid');
    expect(problem({ signature: Buffer.alloc(64).toString('base64') })).toBe('signature_invalid');
    expect(problem({ signature: receipt.signature.replace(/==$/, '') })).toBe('signature_invalid');
    expect(problem({ keyId: '0'.repeat(16) })).toBe('key_differs');
    expect(problem({ algorithm: 'none' })).toBe('receipt_malformed');
    expect(problem({ extra: 1 })).toBe('receipt_malformed');
    expect(problem({ document: { name: '\ud800' } })).toBe('receipt_malformed');
    for (const garbage of [null, 1, 'x', [], {}]) expect(provenance.verifyReceipt(garbage)).toEqual({ ok: false, problem: 'receipt_malformed' });
  });

  it('are not signed with a key of another kind', () => {
    const p256 = createPrivateKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }));
    expect(() => makeProvenance({ ...keys, receipts: p256 })).toThrow(TypeError);
  });
});

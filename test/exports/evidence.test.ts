import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { verifyEvidence } from '../../src/compose/verify-evidence.ts';
import { verifyFile } from '../../src/compose/verify.ts';
import { type EvidenceBundle, SAID_BY_THE_SERVICE } from '../../src/exports/bundle.ts';
import { canonicalJson, type JsonObject } from '../../src/kernel/canonical-json.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { terms } from '../consent/samples.ts';
import { codeOf } from '../ownership/world.ts';
import { alterations, leavesOf, pointerPattern, withValue } from './alter.ts';
import { packagesLoadedBy } from './runtime-imports.ts';
import { type ExportsWorld, openExportsWorld } from './world.ts';

let own: ExportsWorld;
let grantId: string;
/** A grant that was amended twice and then revoked. */
let file: { document: EvidenceBundle };

const evidence = (id = grantId, who = own.home.owner) => own.exports.getGrantEvidence(who.actor, id);
const check = (value: unknown, keys: string[] = [own.keys.logKey, own.keys.receiptsPem]) => verifyFile(Buffer.from(JSON.stringify(value)), keys);

beforeAll(async () => {
  own = await openExportsWorld('evidence', { contract: async (grant) => Buffer.from(`%PDF of ${canonicalJson(grant)}`) });
  const { home } = own;
  grantId = (await home.granted()).grantId;
  home.world.clock.advance(60_000);
  await home.amended(grantId, { territories: ['CN'] });
  await home.amended(grantId, { tiers: ['friend'] });
  await home.world.log.sequence();
  expect(check(await evidence())).toMatchObject({ ok: true, found: { state: 'signed', revokedAt: null } });
  home.world.clock.advance(60_000);
  await home.revoked(grantId);
  expect(await codeOf(evidence())).toBe('unavailable');
  await home.world.log.sequence();
  file = (await evidence()) as unknown as typeof file;
});
afterAll(async () => await own.close());

describe('an evidence bundle', () => {
  it('holds the whole life of a grant and verifies with two keys', () => {
    const verdict = check(file);
    expect(verdict.problems).toEqual([]);
    expect(verdict).toMatchObject({
      ok: true, kind: 'evidence bundle',
      found: {
        grantId, cloneId: own.home.cloneId, owner: 'Lin Ya · 林雅', state: 'revoked', revokedAt: own.home.world.clock.now().toISOString(),
        versions: [{ version: 1 }, { version: 2 }, { version: 3 }], ownership: [{ decision: 'approved' }], consistentInItself: true,
        keysFrom: { log: 'given', receipts: 'given' },
      },
    });
  });

  it('is plain canonical JSON of modest size, with its own instructions, and holds nobody else\'s name or voice', () => {
    const text = canonicalJson(file);
    expect(file.document.readme['zh-CN'][0]).toContain('证明');
    expect(text.length).toBeLessThan(2_000_000);
    expect(text).not.toMatch(/profile|voicedSeconds|formant|reviewerId|acc_.*reviewer/i);
  });

  it('without the keys can only vouch for itself, and says so', () => {
    expect(check(file, [])).toMatchObject({ ok: false, problems: ['log_key_needed', 'receipts_key_needed'], found: { consistentInItself: true } });
    expect(check(file, [own.keys.logKey])).toMatchObject({ ok: false, problems: ['receipts_key_needed'], found: { keysFrom: { log: 'given', receipts: 'the file itself' } } });
    expect(check(file, [own.keys.receiptsPem])).toMatchObject({ ok: false, problems: ['log_key_needed'] });
    const foreign = generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString();
    expect(check(file, [own.keys.logKey, foreign])).toMatchObject({ ok: false, problems: ['seal: key_differs'] });
    expect(check(file, ['log.example/benren+00000000+nonsense', own.keys.receiptsPem]).ok).toBe(false);
  });

  it('is the owner\'s alone, and a draft has none', async () => {
    const { home } = own;
    expect(await codeOf(evidence(grantId, home.fan))).toBe('not_found');
    expect(await codeOf(evidence('grt_unknown'))).toBe('not_found');
    const draft = await home.consent.draftGrant(home.owner.actor, home.world.key(), home.cloneId, terms());
    expect(await codeOf(evidence(draft.grantId))).toBe('grant_state');
  });

  it('is the same again while nothing happens', async () => {
    expect(await evidence()).toEqual(file);
  });
});

describe('an altered bundle', () => {
  it('never verifies, whichever value was altered', () => {
    const random = seededRandom('altered');
    // The digest under the seal is over all of it, so every fourth value stands for the others here; below each one is tried.
    const missed = leavesOf(file as unknown as JsonObject).filter((_pointer, index) => index % 4 === 0).filter((pointer) =>
      alterations(file as unknown as JsonObject, pointer, random).some((altered) => check(altered).ok));
    expect(missed).toEqual([]);
  }, 120_000);

  it('sealed anew by the service itself verifies only where the list says that it is the service\'s word alone', () => {
    const random = seededRandom('sealed anew');
    const document = file.document as unknown as JsonObject;
    const pointers = leavesOf(document);
    expect(pointers.length).toBeGreaterThan(120);
    const passed = new Set(pointers.filter((pointer) =>
      alterations(document, pointer, random).some((altered) => verifyEvidence(own.seal(altered) as never, own.keys.anchors).problems.length === 0))
      .map(pointerPattern));
    expect([...passed].filter((pattern) => !SAID_BY_THE_SERVICE.includes(pattern))).toEqual([]);
    // Nothing stands on the list that does not have to.
    expect(SAID_BY_THE_SERVICE.filter((pattern) => !passed.has(pattern))).toEqual([]);
  }, 120_000);

  it.each([
    ['a version is left out', (it: EvidenceBundle) => ({ ...it, versions: [it.versions[0], it.versions[2]] })],
    ['the first version is left out', (it: EvidenceBundle) => ({ ...it, versions: it.versions.slice(1) })],
    ['versions change places', (it: EvidenceBundle) => ({ ...it, versions: [it.versions[1], it.versions[0], it.versions[2]] })],
    ['the revocation is left out', (it: EvidenceBundle) => ({ ...it, revocation: null })],
    ['the last version is left out under the revocation', (it: EvidenceBundle) => ({ ...it, versions: it.versions.slice(0, 2) })],
    ['a leaf is another version\'s', (it: EvidenceBundle) => ({ ...it, versions: it.versions.map((version) => ({ ...version, leaf: it.versions[0]!.leaf })) })],
    ['a decision is another leaf\'s', (it: EvidenceBundle) => ({ ...it, ownership: { ...it.ownership, decisions: [{ document: it.ownership.decisions[0]!.document, leaf: it.versions[0]!.leaf }] } })],
    ['the claim is the grant', (it: EvidenceBundle) => ({ ...it, ownership: { ...it.ownership, claim: it.versions[0]!.signature } })],
    ['something is added', (it: EvidenceBundle) => ({ ...it, note: 'She also agreed to everything else.' })],
    ['a signature says more', (it: EvidenceBundle) => ({ ...it, versions: it.versions.map((version) => ({ ...version, signature: { ...version.signature, note: 'x' } })) })],
  ])('is found out even under the service\'s seal when %s', (_what, alter) => {
    const altered = JSON.parse(JSON.stringify(alter(structuredClone(file.document)))) as JsonObject;
    expect(verifyEvidence(own.seal(altered) as never, own.keys.anchors).problems).not.toEqual([]);
  });

  it('of any shape is a problem and never an error', () => {
    for (const document of [null, [], 'x', {}, { type: 'benren.evidence_bundle' }, withValue(file.document as unknown as JsonObject, '/versions/0/signature/context', null)]) {
      expect(check(own.seal(document as never)).ok).toBe(false);
    }
  });
});

describe('in ten years', () => {
  const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

  it('the program needs neither network, database nor setting', () => {
    const folder = mkdtempSync(join(tmpdir(), 'benren-bundle-'));
    try {
      for (const [name, text] of [['bundle.json', JSON.stringify(file)], ['log.txt', own.keys.logKey], ['receipts.pem', own.keys.receiptsPem]] as const) {
        writeFileSync(join(folder, name), text);
      }
      const { PATH } = process.env;
      const output = execFileSync(process.execPath, [
        '--import', 'tsx', '--import', path('no-network.mjs'), path('../../src/main.ts'),
        'verify', 'bundle.json', '--key', 'log.txt', '--key', 'receipts.pem',
      ].map((word) => (word === 'tsx' ? import.meta.resolve('tsx') : word)), { cwd: folder, env: { PATH }, encoding: 'utf8' });
      expect(JSON.parse(output)).toMatchObject({ ok: true, kind: 'evidence bundle', found: { grantId, state: 'revoked' } });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('the verifier loads no database driver, no ORM, no server and nothing of the network', () => {
    const loaded = [...packagesLoadedBy(path('../../src/compose/verify.ts'))];
    expect(loaded).toContain('node:crypto');
    expect(loaded.filter((name) => /^(pg|typeorm|express|stripe|ioredis|bullmq)$|^node:(net|tls|dns|http|https|dgram|child_process)$|^@contentauth|^onnx/.test(name))).toEqual([]);
  });
});

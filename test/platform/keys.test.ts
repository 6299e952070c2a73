import { createPublicKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import { chainProblems, KEY_SETTINGS, KeysRefused, loadOrMakeKeys, openKeys } from '../../src/platform/keys/index.ts';
import { issueLeaf, issueRoot, makePrivateKeyPem } from '../../src/platform/keys/issue.ts';

const base = mkdtempSync(join(tmpdir(), 'benren-keys-test-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const NOW = new Date('2026-11-23T08:00:00Z');
const clockAt = (now: Date) => ({ now: () => now });
const days = (count: number): Date => new Date(NOW.getTime() + count * 86_400_000);
let folders = 0;
const freshDir = (): string => join(base, `set-${(folders += 1)}`, 'keys');

async function refusal(work: Promise<unknown>): Promise<KeysRefused> {
  const error: unknown = await work.then(() => undefined, (caught: unknown) => caught);
  expect(error).toBeInstanceOf(KeysRefused);
  return error as KeysRefused;
}

describe('development keys', () => {
  it('are made once, for their owner’s eyes only, and are the same at the next start', async () => {
    const dir = freshDir();
    const first = await loadOrMakeKeys({ dir, clock: clockAt(NOW), production: false });
    const second = await loadOrMakeKeys({ dir, clock: clockAt(NOW), production: false });
    expect(createPublicKey(second.log).equals(createPublicKey(first.log))).toBe(true);
    expect(createPublicKey(second.receipts).equals(createPublicKey(first.receipts))).toBe(true);
    expect(second.c2pa).toEqual(first.c2pa);
    expect(first.development).toBe(true);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) {
      expect(statSync(join(dir, name)).mode & 0o777, name).toBe(0o600);
      expect(readFileSync(join(dir, name), 'utf8')).toContain('Benren development key');
    }
    expect(readdirSync(join(dir, '..'))).toEqual(['keys']);
  });

  it('are closed again when somebody opened them', async () => {
    const dir = freshDir();
    await loadOrMakeKeys({ dir, clock: clockAt(NOW), production: false });
    chmodSync(dir, 0o755);
    chmodSync(join(dir, 'log.key.pem'), 0o644);
    await loadOrMakeKeys({ dir, clock: clockAt(NOW), production: false });
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, 'log.key.pem')).mode & 0o777).toBe(0o600);
  });

  it('are one set when several processes start at once', async () => {
    const dir = freshDir();
    const rings = await Promise.all([1, 2, 3].map(() => loadOrMakeKeys({ dir, clock: clockAt(NOW), production: false })));
    expect(new Set(rings.map((ring) => ring.c2pa.chainPem)).size).toBe(1);
    expect(readdirSync(join(dir, '..'))).toEqual(['keys']);
  });

  it('sign with a leaf as the C2PA profile wants it: a day back, 366 days long, chain leaf then root', async () => {
    const ring = await loadOrMakeKeys({ dir: freshDir(), clock: clockAt(NOW), production: false, random: seededRandom('leaf') });
    const [leafPem, rootPem] = ring.c2pa.chainPem.split(/(?<=-----END CERTIFICATE-----)\n/);
    const leaf = new X509Certificate(leafPem!);
    const root = new X509Certificate(rootPem!);
    expect(new Date(leaf.validFrom)).toEqual(days(-1));
    expect(new Date(leaf.validTo)).toEqual(days(365));
    expect([leaf.ca, root.ca]).toEqual([false, true]);
    expect(leaf.checkIssued(root) && leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.4', '1.3.6.1.4.1.62558.2.1']);
    expect(chainProblems(ring.c2pa, NOW, 120)).toEqual([]);
  });

  it('get a new leaf under the same root before the old one runs out', async () => {
    const dir = freshDir();
    const first = await loadOrMakeKeys({ dir, clock: clockAt(NOW), production: false });
    const same = await loadOrMakeKeys({ dir, clock: clockAt(days(200)), production: false });
    expect(same.c2pa.chainPem).toBe(first.c2pa.chainPem);
    const later = await loadOrMakeKeys({ dir, clock: clockAt(days(300)), production: false });
    expect(later.c2pa.anchorsPem).toBe(first.c2pa.anchorsPem);
    expect(later.c2pa.keyPem).toBe(first.c2pa.keyPem);
    expect(later.c2pa.chainPem).not.toBe(first.c2pa.chainPem);
    expect(chainProblems(later.c2pa, days(300 + 120), 120)).toEqual([]);
  });

  it('never serve production, whose refusal names the settings', async () => {
    const error = await refusal(loadOrMakeKeys({ dir: freshDir(), clock: clockAt(NOW), production: true }));
    expect(error.settings).toEqual(Object.values(KEY_SETTINGS));
  });
});

describe('keys named by settings', () => {
  type Settings = Pick<Parameters<typeof openKeys>[0], 'c2pa' | 'logKeyPath' | 'receiptsKeyPath'>;
  const none: Settings = { c2pa: null, logKeyPath: null, receiptsKeyPath: null };
  const open = (settings: Settings, production = false, dir = freshDir()) => openKeys({ ...settings, dir, clock: clockAt(NOW), production });

  /** Ed25519 keys of the operator's own; the C2PA files are a development set's. */
  async function ownSet(): Promise<{ c2pa: NonNullable<Settings['c2pa']>; logKeyPath: string; receiptsKeyPath: string; folder: string }> {
    const folder = freshDir();
    await loadOrMakeKeys({ dir: folder, clock: clockAt(NOW), production: false });
    const put = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    return {
      folder,
      logKeyPath: put('own-log.pem', makePrivateKeyPem('ed25519')),
      receiptsKeyPath: put('own-receipts.pem', makePrivateKeyPem('ed25519')),
      c2pa: {
        chainPath: put('own-chain.pem', read('c2pa-leaf.cert.pem') + read('c2pa-root.cert.pem')),
        keyPath: join(folder, 'c2pa-leaf.key.pem'),
        anchorsPath: join(folder, 'c2pa-root.cert.pem'),
      },
    };
  }

  /** A chain by an authority that is nobody's development root. */
  async function productionSet(): Promise<Settings> {
    const own = await ownSet();
    const [rootKey, leafKey] = [makePrivateKeyPem('P-384'), makePrivateKeyPem('P-256')];
    const root = await issueRoot(rootKey, NOW, seededRandom('own'), 'Operator');
    const leaf = await issueLeaf({ keyPem: rootKey, certificatePem: root }, leafKey, NOW, seededRandom('own'), 'Operator');
    const paths = { chainPath: join(own.folder, 'p-chain.pem'), keyPath: join(own.folder, 'p-key.pem'), anchorsPath: join(own.folder, 'p-root.pem') };
    writeFileSync(paths.chainPath, leaf);
    writeFileSync(paths.keyPath, leafKey);
    writeFileSync(paths.anchorsPath, root);
    return { ...own, c2pa: paths };
  }

  it('start production when all are there and none is a development key', async () => {
    const ring = await open(await productionSet(), true);
    expect(ring.development).toBe(false);
    expect(ring.log.asymmetricKeyType).toBe('ed25519');
  });

  it('are each replaced by their own setting; the rest stays the development set', async () => {
    const { logKeyPath } = await ownSet();
    const dir = freshDir();
    const made = await open(none, false, dir);
    const mixed = await open({ ...none, logKeyPath }, false, dir);
    expect(mixed.development).toBe(true);
    expect(createPublicKey(mixed.log).equals(createPublicKey(readFileSync(logKeyPath)))).toBe(true);
    expect(mixed.c2pa).toEqual(made.c2pa);
  });

  it('refuse production when one is missing, naming the settings', async () => {
    const settings = await productionSet();
    for (const missing of ['c2pa', 'logKeyPath', 'receiptsKeyPath'] as const) {
      expect((await refusal(open({ ...settings, [missing]: null }, true))).settings).toEqual(Object.values(KEY_SETTINGS));
    }
  });

  it('refuse production when development files are among them, marker or not', async () => {
    const { c2pa, ...settings } = await ownSet();
    const bare = join(base, 'bare-root.pem');
    writeFileSync(bare, readFileSync(c2pa.anchorsPath, 'utf8').replace(/^.*\n/, ''));
    const error = await refusal(open({ ...settings, c2pa: { ...c2pa, anchorsPath: bare } }, true));
    expect(error.settings).toEqual(['C2PA_CHAIN_FILE', 'C2PA_KEY_FILE', 'C2PA_ANCHORS_FILE']);
    expect(error.message).not.toContain(base);
  });

  it('are refused by the name of the setting, never with its value', async () => {
    const set = await ownSet();
    const load = (change: Partial<Settings>) => refusal(open({ ...set, ...change }));
    const junk = join(base, 'junk.pem');
    writeFileSync(junk, 'not a key');
    expect((await load({ logKeyPath: join(base, 'nowhere') })).settings).toEqual(['LOG_KEY_FILE']);
    expect((await load({ receiptsKeyPath: junk })).settings).toEqual(['RECEIPTS_KEY_FILE']);
    expect((await load({ logKeyPath: set.c2pa.keyPath })).message).toContain('not an Ed25519 key');
    expect((await load({ receiptsKeyPath: set.logKeyPath })).settings).toEqual(['LOG_KEY_FILE', 'RECEIPTS_KEY_FILE']);
    expect((await load({ c2pa: { ...set.c2pa, keyPath: set.logKeyPath } })).message).toContain('the key is not the leaf’s');
    for (const change of [{ logKeyPath: junk }, { c2pa: { ...set.c2pa, chainPath: junk } }]) expect((await load(change)).message).not.toContain(base);
  });
});

describe('the check of the signing chain', () => {
  const random = seededRandom('chains');
  async function material(): Promise<{ chainPem: string; keyPem: string; anchorsPem: string; rootKey: string; root: string }> {
    const rootKey = makePrivateKeyPem('P-384');
    const root = await issueRoot(rootKey, NOW, random);
    const keyPem = makePrivateKeyPem('P-256');
    const leaf = await issueLeaf({ keyPem: rootKey, certificatePem: root }, keyPem, NOW, random);
    return { chainPem: leaf + root, keyPem, anchorsPem: root, rootKey, root };
  }

  it('passes the leaf with its root, and the leaf alone', async () => {
    const good = await material();
    expect(chainProblems(good, NOW, 120)).toEqual([]);
    expect(chainProblems({ ...good, chainPem: good.chainPem.replace(good.root, '') }, NOW, 120)).toEqual([]);
  });

  it('refuses a self-signed leaf', async () => {
    const good = await material();
    expect(chainProblems({ ...good, chainPem: good.root, keyPem: good.rootKey }, NOW, 1)).toEqual(['the leaf is self-signed']);
  });

  it('refuses another root, another key, a wrong order, a past or ending date, and rubbish', async () => {
    const [good, other] = [await material(), await material()];
    expect(chainProblems({ ...good, anchorsPem: other.anchorsPem }, NOW, 1)).toContain('the chain does not lead to one of the anchors');
    expect(chainProblems({ ...good, keyPem: other.keyPem }, NOW, 1)).toEqual(['the key is not the leaf’s, or not on P-256']);
    expect(chainProblems({ ...good, chainPem: good.root + good.chainPem }, NOW, 1)).toEqual(['the leaf is self-signed']);
    expect(chainProblems({ ...good, chainPem: good.chainPem.replace(good.root, other.root) }, NOW, 1)).toContain('a certificate of the chain is not issued by the next');
    expect(chainProblems(good, days(-2), 1)).not.toEqual([]);
    expect(chainProblems(good, days(300), 120)).toEqual(['the leaf is not valid now and for 120 more days']);
    expect(chainProblems({ ...good, chainPem: '' }, NOW, 1)).toEqual(['there is no certificate or no anchor']);
    expect(chainProblems({ ...good, keyPem: 'x' }, NOW, 1)).toEqual(['a certificate or key cannot be read']);
  });
});

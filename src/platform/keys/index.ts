/**
 * The service's own keys: the log's, the receipts' and the C2PA signer's. With no setting, development keys are made on
 * first start, for their owner's eyes only; production refuses to start with them. People's keys are never here: those
 * stay in their passkeys.
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { type Random, systemRandom } from '../../kernel/random.ts';
import type { Clock } from '../../kernel/time.ts';
import { chainProblems, leafCovers, readCertificates } from './chain.ts';
import { DEVELOPMENT_NAME, issueLeaf, issueRoot, makePrivateKeyPem } from './issue.ts';

export { chainProblems } from './chain.ts';

export interface KeyRing {
  development: boolean;
  /** Ed25519, private: signs the log's heads. */
  log: KeyObject;
  /** Ed25519, private: signs receipts and statements. */
  receipts: KeyObject;
  c2pa: {
    /** The leaf first. */
    chainPem: string;
    keyPem: string;
    /** What a file of ours is verified against. */
    anchorsPem: string;
  };
}

/** The setting behind each file, for messages and for `config.ts`. */
export const KEY_SETTINGS = {
  log: 'LOG_KEY_FILE',
  receipts: 'RECEIPTS_KEY_FILE',
  c2paChain: 'C2PA_CHAIN_FILE',
  c2paKey: 'C2PA_KEY_FILE',
  c2paAnchors: 'C2PA_ANCHORS_FILE',
} as const;
export type KeyPaths = Record<keyof typeof KEY_SETTINGS, string>;

/** Keys with which the service must not start. Names the settings, never a path or a value. */
export class KeysRefused extends Error {
  readonly settings: readonly string[];

  constructor(settings: readonly string[], reason: string) {
    super(`${settings.join(', ')}: ${reason}`);
    this.name = 'KeysRefused';
    this.settings = settings;
  }
}

const MARKER = 'Benren development key. Made on first start, never to be used in production.';
/** The demo moves its clock by weeks: a development leaf with less than this left is issued anew. */
const DEVELOPMENT_SLACK_DAYS = 120;
const PRODUCTION_SLACK_DAYS = 1;

const FILES = {
  log: 'log.key.pem',
  receipts: 'receipts.key.pem',
  rootKey: 'c2pa-root.key.pem',
  root: 'c2pa-root.cert.pem',
  leafKey: 'c2pa-leaf.key.pem',
  leaf: 'c2pa-leaf.cert.pem',
} as const;

function writePrivate(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  // The mode of writeFileSync passes through the umask and does not touch a file that was there.
  chmodSync(path, 0o600);
}

/** The PEM block alone: what stands around it is for people, and not every reader skips it. */
function pemBlock(text: string): string {
  return /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/.exec(text)?.[0] ?? '';
}

/** All files into a fresh folder, which then takes its name at once: a crash or a second process leaves no half set. */
async function makeDevelopmentKeys(dir: string, now: Date, random: Random): Promise<void> {
  mkdirSync(dirname(dir), { recursive: true });
  const fresh = `${dir}.${Buffer.from(random.bytes(8)).toString('hex')}`;
  mkdirSync(fresh, { mode: 0o700 });
  try {
    const put = (name: string, pem: string): void => writePrivate(join(fresh, name), `${MARKER}\n${pem}`);
    const [rootKey, leafKey] = [makePrivateKeyPem('P-384'), makePrivateKeyPem('P-256')];
    const root = await issueRoot(rootKey, now, random);
    put(FILES.log, makePrivateKeyPem('ed25519'));
    put(FILES.receipts, makePrivateKeyPem('ed25519'));
    put(FILES.rootKey, rootKey);
    put(FILES.root, root);
    put(FILES.leafKey, leafKey);
    put(FILES.leaf, await issueLeaf({ keyPem: rootKey, certificatePem: root }, leafKey, now, random));
    renameSync(fresh, dir);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process made its set first: ours is not needed.
    if (!existsSync(join(dir, FILES.leaf))) throw error;
  }
}

function readDevelopmentFiles(dir: string): Record<keyof typeof FILES, string> {
  chmodSync(dir, 0o700);
  const read = (name: string): string => {
    chmodSync(join(dir, name), 0o600);
    return pemBlock(readFileSync(join(dir, name), 'utf8'));
  };
  return {
    log: read(FILES.log), receipts: read(FILES.receipts), rootKey: read(FILES.rootKey), root: read(FILES.root),
    leafKey: read(FILES.leafKey), leaf: read(FILES.leaf),
  };
}

/** A leaf that would run out too soon is issued anew under the same root and key, so that old anchors keep working. */
async function freshLeaf(dir: string, files: Record<keyof typeof FILES, string>, now: Date, random: Random): Promise<string> {
  if (leafCovers(new X509Certificate(files.leaf), now, DEVELOPMENT_SLACK_DAYS)) return files.leaf;
  const leaf = await issueLeaf({ keyPem: files.rootKey, certificatePem: files.root }, files.leafKey, now, random);
  const beside = join(dir, `${FILES.leaf}.${Buffer.from(random.bytes(8)).toString('hex')}`);
  writePrivate(beside, `${MARKER}\n${leaf}`);
  renameSync(beside, join(dir, FILES.leaf));
  return pemBlock(leaf);
}

function checked(ring: KeyRing, at: Date, slackDays: number): KeyRing {
  const problems = chainProblems(ring.c2pa, at, slackDays);
  if (problems.length > 0) {
    throw new KeysRefused([KEY_SETTINGS.c2paChain, KEY_SETTINGS.c2paKey, KEY_SETTINGS.c2paAnchors], problems.join('; '));
  }
  return ring;
}

/**
 * The development keys below `dir`, made when they are not there. In production this always refuses: it is reached only
 * when the settings that name real keys are missing.
 *
 * `clock` is the machine's, also where business time is moved: strangers check a certificate against the real date.
 */
export async function loadOrMakeKeys(options: {
  dir: string; clock: Pick<Clock, 'now'>; production: boolean; random?: Random;
}): Promise<KeyRing> {
  const { dir, clock, random = systemRandom } = options;
  if (options.production) {
    throw new KeysRefused(Object.values(KEY_SETTINGS), 'production does not start with development keys; name files of your own');
  }
  const now = clock.now();
  if (!existsSync(join(dir, FILES.leaf))) await makeDevelopmentKeys(dir, now, random);
  const files = readDevelopmentFiles(dir);
  const leaf = await freshLeaf(dir, files, now, random);
  return checked({
    development: true,
    log: createPrivateKey(files.log),
    receipts: createPrivateKey(files.receipts),
    c2pa: { chainPem: `${leaf}\n${files.root}\n`, keyPem: `${files.leafKey}\n`, anchorsPem: `${files.root}\n` },
  }, now, DEVELOPMENT_SLACK_DAYS);
}

function readSetting(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new KeysRefused([setting], 'the file cannot be read');
  }
}

function ed25519(setting: string, text: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pemBlock(text));
  } catch {
    throw new KeysRefused([setting], 'not a private key in PEM');
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new KeysRefused([setting], 'not an Ed25519 key');
  return key;
}

function isDevelopment(text: string): boolean {
  if (text.includes(MARKER)) return true;
  return readCertificates(text).some((c) => c.subject.includes(DEVELOPMENT_NAME) || c.issuer.includes(DEVELOPMENT_NAME));
}

/** Keys from files that the settings name. With `production`, development keys among them are refused. */
export async function loadKeys(options: {
  paths: KeyPaths; clock: Pick<Clock, 'now'>; production: boolean;
}): Promise<KeyRing> {
  const names = Object.keys(KEY_SETTINGS) as (keyof typeof KEY_SETTINGS)[];
  const texts = Object.fromEntries(names.map((name) => [name, readSetting(KEY_SETTINGS[name], options.paths[name])])) as KeyPaths;
  let development: string[];
  try {
    development = names.filter((name) => isDevelopment(texts[name])).map((name) => KEY_SETTINGS[name]);
  } catch {
    throw new KeysRefused([KEY_SETTINGS.c2paChain, KEY_SETTINGS.c2paAnchors], 'a certificate cannot be read');
  }
  if (options.production && development.length > 0) throw new KeysRefused(development, 'production does not start with development keys');
  const ring: KeyRing = {
    development: development.length > 0,
    log: ed25519(KEY_SETTINGS.log, texts.log),
    receipts: ed25519(KEY_SETTINGS.receipts, texts.receipts),
    c2pa: { chainPem: texts.c2paChain, keyPem: `${pemBlock(texts.c2paKey)}\n`, anchorsPem: texts.c2paAnchors },
  };
  if (createPublicKey(ring.log).equals(createPublicKey(ring.receipts))) {
    throw new KeysRefused([KEY_SETTINGS.log, KEY_SETTINGS.receipts], 'one key may not serve as both');
  }
  return checked(ring, options.clock.now(), PRODUCTION_SLACK_DAYS);
}

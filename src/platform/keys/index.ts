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
import { DEVELOPMENT_MARKER, KeysRefused } from './refused.ts';

export { chainProblems } from './chain.ts';
export { deriveSecret } from './derive.ts';
export { KeysRefused } from './refused.ts';
export { makeSealer, type Sealer } from './seal.ts';
export { openStatementKeys, STATEMENT_SETTINGS, type StatementKeys, statementKeyProblems } from './statement.ts';

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
    const put = (name: string, pem: string): void => writePrivate(join(fresh, name), `${DEVELOPMENT_MARKER}\n${pem}`);
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
  writePrivate(beside, `${DEVELOPMENT_MARKER}\n${leaf}`);
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
  if (text.includes(DEVELOPMENT_MARKER)) return true;
  return readCertificates(text).some((c) => c.subject.includes(DEVELOPMENT_NAME) || c.issuer.includes(DEVELOPMENT_NAME));
}

/** What `config.ts` knows of keys: each is replaced by its setting, the three C2PA files together. */
export interface KeySettings {
  c2pa: { chainPath: string; keyPath: string; anchorsPath: string } | null;
  logKeyPath: string | null;
  receiptsKeyPath: string | null;
}

function readC2pa(paths: NonNullable<KeySettings['c2pa']>): KeyRing['c2pa'] {
  return {
    chainPem: readSetting(KEY_SETTINGS.c2paChain, paths.chainPath),
    keyPem: readSetting(KEY_SETTINGS.c2paKey, paths.keyPath),
    anchorsPem: readSetting(KEY_SETTINGS.c2paAnchors, paths.anchorsPath),
  };
}

/** The settings whose files are development ones, by what stands in the files. */
function developmentSettings(texts: Partial<Record<string, string>>): string[] {
  try {
    return Object.keys(texts).filter((setting) => isDevelopment(texts[setting] ?? ''));
  } catch {
    throw new KeysRefused([KEY_SETTINGS.c2paChain, KEY_SETTINGS.c2paAnchors], 'a certificate cannot be read');
  }
}

/**
 * The keys to run with: the files that the settings name, and outside of production the development keys below `dir` for
 * the rest. In production every file must be named and none may be a development one. Throws `KeysRefused`.
 *
 * `clock` is the machine's, as for `loadOrMakeKeys`.
 */
export async function openKeys(options: KeySettings & {
  dir: string; clock: Pick<Clock, 'now'>; production: boolean; random?: Random;
}): Promise<KeyRing> {
  const { c2pa, logKeyPath, receiptsKeyPath } = options;
  const whole = c2pa !== null && logKeyPath !== null && receiptsKeyPath !== null;
  // In production this refuses, and says which settings there are.
  const base = whole ? null : await loadOrMakeKeys(options);
  const texts: Partial<Record<string, string>> = {};
  if (logKeyPath !== null) texts[KEY_SETTINGS.log] = readSetting(KEY_SETTINGS.log, logKeyPath);
  if (receiptsKeyPath !== null) texts[KEY_SETTINGS.receipts] = readSetting(KEY_SETTINGS.receipts, receiptsKeyPath);
  const own = c2pa === null ? null : readC2pa(c2pa);
  if (own !== null) {
    texts[KEY_SETTINGS.c2paChain] = own.chainPem;
    texts[KEY_SETTINGS.c2paKey] = own.keyPem;
    texts[KEY_SETTINGS.c2paAnchors] = own.anchorsPem;
  }
  const development = developmentSettings(texts);
  if (options.production && development.length > 0) throw new KeysRefused(development, 'production does not start with development keys');
  const keyOf = (setting: string): KeyObject | undefined => (texts[setting] === undefined ? undefined : ed25519(setting, texts[setting]));
  const log = keyOf(KEY_SETTINGS.log) ?? base?.log;
  const receipts = keyOf(KEY_SETTINGS.receipts) ?? base?.receipts;
  const signing = own === null ? base?.c2pa : { ...own, keyPem: `${pemBlock(own.keyPem)}\n` };
  if (log === undefined || receipts === undefined || signing === undefined) throw new Error('a key has neither a file nor a development key');
  if (createPublicKey(log).equals(createPublicKey(receipts))) {
    throw new KeysRefused([KEY_SETTINGS.log, KEY_SETTINGS.receipts], 'one key may not serve as both');
  }
  const ring = { development: base !== null || development.length > 0, log, receipts, c2pa: signing };
  return checked(ring, options.clock.now(), own === null ? DEVELOPMENT_SLACK_DAYS : PRODUCTION_SLACK_DAYS);
}

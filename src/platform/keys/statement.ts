import 'reflect-metadata';
import { createPrivateKey, createPublicKey, type KeyObject, webcrypto, type X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, type KeyUsagesExtension, KeyUsageFlags, KeyUsagesExtension as KeyUsages,
  SubjectKeyIdentifierExtension, X509Certificate as Parsed, X509CertificateGenerator,
} from '@peculiar/x509';

import type { Random } from '../../kernel/random.ts';
import { DAY_MS, LEAF_DAYS_MAX, leafCovers, readCertificates } from './chain.ts';
import { DEVELOPMENT_NAME, serial } from './issue.ts';
import { DEVELOPMENT_MARKER, KeysRefused } from './refused.ts';

/** What statements on paper are signed with (PAdES): RSA, whose PKCS#1 v1.5 signature has no chance in it. */
export interface StatementKeys {
  /** The leaf first. */
  chain: readonly X509Certificate[];
  key: KeyObject;
}

export const STATEMENT_SETTINGS = { chain: 'STATEMENT_CHAIN_FILE', key: 'STATEMENT_KEY_FILE' } as const;

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.from([1, 0, 1]) } as const;
const ROOT_DAYS = 3_650;
const BITS_MIN = 2_048;
const CHAIN_MAX = 5;
const SLACK_DAYS = { development: 120, production: 1 } as const;
const OID_KEY_USAGE = '2.5.29.15';
const FILES = { rootKey: 'root.key.pem', root: 'root.cert.pem', leafKey: 'leaf.key.pem', leaf: 'leaf.cert.pem' } as const;

/** What is wrong with the chain and key, in words; empty when whoever trusts its root will accept what it signs until `slackDays` after `at`. */
export function statementKeyProblems({ chain, key }: StatementKeys, at: Date, slackDays: number): string[] {
  const [leaf] = chain;
  if (leaf === undefined) return ['there is no certificate'];
  const problems: string[] = [];
  if (chain.length > CHAIN_MAX) problems.push('the chain is too long');
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < BITS_MIN) problems.push(`the key is no RSA key of at least ${BITS_MIN} bits`);
  if (!leaf.publicKey.equals(createPublicKey(key))) problems.push('the key is not the leaf’s');
  if (leaf.ca) problems.push('the leaf is an authority itself');
  const usages = new Parsed(leaf.raw).getExtension<KeyUsagesExtension>(OID_KEY_USAGE)?.usages ?? 0;
  if ((usages & (KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation)) === 0) problems.push('the leaf may not sign: its keyUsage says otherwise');
  for (const [place, certificate] of chain.entries()) {
    const issuer = chain[place + 1];
    if (issuer !== undefined && !(issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))) {
      problems.push('a certificate of the chain is not issued by the next');
    }
  }
  if (!leafCovers(leaf, at, slackDays)) problems.push(`the leaf is not valid now and for ${slackDays} more days`);
  return problems;
}

async function importKey(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = { name: RSA.name, hash: RSA.hash };
  return {
    privateKey: await webcrypto.subtle.importKey('jwk', createPrivateKey(pem).export({ format: 'jwk' }), algorithm, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('jwk', createPublicKey(pem).export({ format: 'jwk' }), algorithm, true, ['verify']),
  };
}

async function makeKeyPem(): Promise<string> {
  const pair = await webcrypto.subtle.generateKey(RSA, true, ['sign', 'verify']);
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }).toString();
}

const named = (what: string): string => `C=CN, O=${DEVELOPMENT_NAME}, CN=${DEVELOPMENT_NAME} statement ${what}`;

async function issueRoot(keyPem: string, now: Date, random: Random): Promise<string> {
  const keys = await importKey(keyPem);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(random), name: named('root'), notBefore: new Date(now.getTime() - DAY_MS), notAfter: new Date(now.getTime() + ROOT_DAYS * DAY_MS),
    signingAlgorithm: RSA, keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true), new KeyUsages(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

async function issueLeaf(root: { keyPem: string; certificatePem: string }, keyPem: string, now: Date, random: Random): Promise<string> {
  const [rootKeys, leafKeys] = [await importKey(root.keyPem), await importKey(keyPem)];
  const issuer = new Parsed(root.certificatePem);
  const notBefore = new Date(now.getTime() - DAY_MS);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(random), subject: named('signer'), issuer: issuer.subject, notBefore, notAfter: new Date(notBefore.getTime() + LEAF_DAYS_MAX * DAY_MS),
    signingAlgorithm: RSA, publicKey: leafKeys.publicKey, signingKey: rootKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true), new KeyUsages(KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation, true),
      await SubjectKeyIdentifierExtension.create(leafKeys.publicKey), await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

function put(folder: string, name: string, pem: string): void {
  const path = join(folder, name);
  writeFileSync(path, `${DEVELOPMENT_MARKER}\n${pem}`, { mode: 0o600 });
  chmodSync(path, 0o600);
}

const pemIn = (text: string): string => /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/.exec(text)?.[0] ?? '';

/** All files into a fresh folder, which then takes its name at once, as with the other development keys. */
async function makeDevelopment(folder: string, now: Date, random: Random): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = `${folder}.${Buffer.from(random.bytes(8)).toString('hex')}`;
  mkdirSync(fresh, { mode: 0o700 });
  try {
    const [rootKey, leafKey] = [await makeKeyPem(), await makeKeyPem()];
    const root = await issueRoot(rootKey, now, random);
    put(fresh, FILES.rootKey, rootKey);
    put(fresh, FILES.root, root);
    put(fresh, FILES.leafKey, leafKey);
    put(fresh, FILES.leaf, await issueLeaf({ keyPem: rootKey, certificatePem: root }, leafKey, now, random));
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process made its set first: ours is not needed.
    if (!existsSync(join(folder, FILES.leaf))) throw error;
  }
}

async function developmentKeys(folder: string, now: Date, random: Random): Promise<StatementKeys> {
  if (!existsSync(join(folder, FILES.leaf))) await makeDevelopment(folder, now, random);
  const read = (name: string): string => pemIn(readFileSync(join(folder, name), 'utf8'));
  const files = { rootKey: read(FILES.rootKey), root: read(FILES.root), leafKey: read(FILES.leafKey), leaf: read(FILES.leaf) };
  const [leaf] = readCertificates(files.leaf);
  if (leaf === undefined || !leafCovers(leaf, now, SLACK_DAYS.development)) {
    // Under the same root and key, so that who trusts the root goes on doing so.
    files.leaf = await issueLeaf({ keyPem: files.rootKey, certificatePem: files.root }, files.leafKey, now, random);
    const beside = `${FILES.leaf}.${Buffer.from(random.bytes(8)).toString('hex')}`;
    put(folder, beside, files.leaf);
    renameSync(join(folder, beside), join(folder, FILES.leaf));
  }
  return { chain: readCertificates(`${files.leaf}\n${files.root}`), key: createPrivateKey(files.leafKey) };
}

function ownKeys(paths: { chainPath: string; keyPath: string }, at: Date, production: boolean): StatementKeys {
  const settings = Object.values(STATEMENT_SETTINGS);
  let keys: StatementKeys;
  try {
    const [chain, key] = [readFileSync(paths.chainPath, 'utf8'), readFileSync(paths.keyPath, 'utf8')];
    if (production && [chain, key].some((text) => text.includes(DEVELOPMENT_MARKER))) throw new KeysRefused(settings, 'production does not start with development keys');
    keys = { chain: readCertificates(chain), key: createPrivateKey(pemIn(key)) };
  } catch (error) {
    if (error instanceof KeysRefused) throw error;
    throw new KeysRefused(settings, 'a certificate or key cannot be read');
  }
  const problems = statementKeyProblems(keys, at, SLACK_DAYS.production);
  if (production && keys.chain.some((one) => one.subject.includes(DEVELOPMENT_NAME))) problems.push('production does not start with development keys');
  if (problems.length > 0) throw new KeysRefused(settings, problems.join('; '));
  return keys;
}

/**
 * The keys that statements are signed with: those of the settings, read and checked now; else development keys below `dir`,
 * made when the first statement is printed. Production refuses to start without its own. Throws `KeysRefused`.
 *
 * `clock` is the machine's, as for the other keys.
 */
export function openStatementKeys(options: {
  statement: { chainPath: string; keyPath: string } | null; dir: string; clock: { now: () => Date }; production: boolean; random: Random;
}): () => Promise<StatementKeys> {
  const { statement, dir, clock, production, random } = options;
  if (statement !== null) {
    const keys = ownKeys(statement, clock.now(), production);
    return () => Promise.resolve(keys);
  }
  if (production) throw new KeysRefused(Object.values(STATEMENT_SETTINGS), 'production does not start with development keys; name files of your own');
  let made: Promise<StatementKeys> | undefined;
  return () => (made ??= developmentKeys(dir, clock.now(), random));
}

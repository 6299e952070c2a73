import 'reflect-metadata';
import { createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto';

import {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, cryptoProvider, ExtendedKeyUsageExtension, KeyUsageFlags,
  KeyUsagesExtension, SubjectKeyIdentifierExtension, X509Certificate, X509CertificateGenerator,
} from '@peculiar/x509';

import type { Random } from '../../kernel/random.ts';
import { DAY_MS, EKU_CLAIM_SIGNING, EKU_EMAIL_PROTECTION, LEAF_DAYS_MAX } from './chain.ts';

cryptoProvider.set(webcrypto);

/** Stands in every development certificate's names, so that a copied file still says what it is. */
export const DEVELOPMENT_NAME = 'Benren development';
const ROOT_DAYS = 3_650;
const ROOT_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
const LEAF_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function importPair(pem: string, algorithm: typeof ROOT_ALGORITHM): Promise<webcrypto.CryptoKeyPair> {
  const jwk = createPrivateKey(pem).export({ format: 'jwk' });
  const open = createPublicKey(pem).export({ format: 'jwk' });
  return {
    privateKey: await webcrypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('jwk', open, algorithm, true, ['verify']),
  };
}

/** RFC 5280 §4.1.2.2: a positive integer, at most 20 octets. */
export function serial(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

export function makePrivateKeyPem(kind: 'ed25519' | 'P-256' | 'P-384'): string {
  const pair = kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: kind });
  return pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** A root for C2PA claims, valid for ten years from a day before `now`. */
export async function issueRoot(keyPem: string, now: Date, random: Random, organisation = DEVELOPMENT_NAME): Promise<string> {
  const keys = await importPair(keyPem, ROOT_ALGORITHM);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(random),
    name: `C=CN, O=${organisation}, CN=${organisation} C2PA root`,
    notBefore: new Date(now.getTime() - DAY_MS),
    notAfter: new Date(now.getTime() + ROOT_DAYS * DAY_MS),
    signingAlgorithm: ROOT_ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/**
 * A C2PA signing certificate under such a root: C2PA 2.4 in every extension, valid for 366 days from a
 * day before `now`. Both key usages, since older validators know only the mail one.
 */
export async function issueLeaf(
  root: { keyPem: string; certificatePem: string }, keyPem: string, now: Date, random: Random, organisation = DEVELOPMENT_NAME,
): Promise<string> {
  const rootKeys = await importPair(root.keyPem, ROOT_ALGORITHM);
  const leafKeys = await importPair(keyPem, LEAF_ALGORITHM);
  const issuer = new X509Certificate(root.certificatePem);
  const notBefore = new Date(now.getTime() - DAY_MS);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(random),
    subject: `C=CN, O=${organisation}, CN=${organisation} C2PA signer`,
    issuer: issuer.subject,
    notBefore,
    notAfter: new Date(notBefore.getTime() + LEAF_DAYS_MAX * DAY_MS),
    signingAlgorithm: ROOT_ALGORITHM,
    publicKey: leafKeys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([EKU_EMAIL_PROTECTION, EKU_CLAIM_SIGNING], true),
      await SubjectKeyIdentifierExtension.create(leafKeys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

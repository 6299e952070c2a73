import 'reflect-metadata';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';

import type { ExtendedKeyUsageExtension, KeyUsagesExtension } from '@peculiar/x509';
import { KeyUsageFlags, X509Certificate as Parsed } from '@peculiar/x509';

/** c2pa-kp-claimSigning, and the two older usages of which validators want one (C2PA 2.4 §14.5.1). */
export const EKU_CLAIM_SIGNING = '1.3.6.1.4.1.62558.2.1';
export const EKU_EMAIL_PROTECTION = '1.3.6.1.5.5.7.3.4';
const EKU_DOCUMENT_SIGNING = '1.3.6.1.5.5.7.3.36';
const EKU_FORBIDDEN = ['2.5.29.37.0', '1.3.6.1.5.5.7.3.8', '1.3.6.1.5.5.7.3.9'];
const OID_KEY_USAGE = '2.5.29.15';
const OID_EXTENDED_KEY_USAGE = '2.5.29.37';
const OID_AUTHORITY_KEY = '2.5.29.35';
export const LEAF_DAYS_MAX = 366;
export const DAY_MS = 86_400_000;
const CHAIN_MAX = 5;

/** The certificates of a PEM text, in order. */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

function usageProblems(leaf: X509Certificate): string[] {
  const problems: string[] = [];
  const parsed = new Parsed(leaf.raw);
  const usages = parsed.getExtension<KeyUsagesExtension>(OID_KEY_USAGE);
  if (usages?.critical !== true || (usages.usages & KeyUsageFlags.digitalSignature) === 0) {
    problems.push('the leaf lacks a critical keyUsage digitalSignature');
  }
  const extended = (parsed.getExtension<ExtendedKeyUsageExtension>(OID_EXTENDED_KEY_USAGE)?.usages ?? []).map(String);
  const oldUsage = extended.includes(EKU_EMAIL_PROTECTION) || extended.includes(EKU_DOCUMENT_SIGNING);
  if (!extended.includes(EKU_CLAIM_SIGNING) || !oldUsage) problems.push('the leaf lacks the extended key usages for claims');
  if (extended.some((usage) => EKU_FORBIDDEN.includes(usage))) problems.push('the leaf has an extended key usage that claims forbid');
  if (parsed.getExtension(OID_AUTHORITY_KEY) === null) problems.push('the leaf lacks its authority key identifier');
  return problems;
}

function pathProblems(chain: readonly X509Certificate[], anchors: readonly X509Certificate[], at: Date): string[] {
  const problems: string[] = [];
  for (const [place, certificate] of chain.entries()) {
    const issuer = chain[place + 1];
    if (issuer !== undefined && !(issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))) {
      problems.push('a certificate of the chain is not issued by the next');
    }
  }
  const last = chain.at(-1);
  const anchored = anchors.some((anchor) =>
    last !== undefined && anchor.ca && isWithin(anchor, at)
    && (anchor.raw.equals(last.raw) || (last.checkIssued(anchor) && last.verify(anchor.publicKey))));
  if (!anchored) problems.push('the chain does not lead to one of the anchors');
  if (!chain.slice(1).every((certificate) => isWithin(certificate, at))) problems.push('an issuer’s certificate is out of date');
  return problems;
}

function isWithin(certificate: X509Certificate, at: Date): boolean {
  return new Date(certificate.validFrom) <= at && at <= new Date(certificate.validTo);
}

/** Whether the leaf covers the time from `at` on for `slackDays`. */
export function leafCovers(leaf: X509Certificate, at: Date, slackDays: number): boolean {
  return isWithin(leaf, at) && isWithin(leaf, new Date(at.getTime() + slackDays * DAY_MS));
}

/**
 * What is wrong with a C2PA signing chain, in words; empty when a validator with these anchors will trust what it signs
 * until `slackDays` after `at`. The engines sign with anything, a self-signed leaf too, and the file only turns out
 * worthless at whoever checks it: so it is asked here, at start.
 */
export function chainProblems(
  material: { chainPem: string; keyPem: string; anchorsPem: string }, at: Date, slackDays: number,
): string[] {
  let chain: X509Certificate[];
  let anchors: X509Certificate[];
  let key: ReturnType<typeof createPublicKey>;
  try {
    chain = readCertificates(material.chainPem);
    anchors = readCertificates(material.anchorsPem);
    key = createPublicKey(createPrivateKey(material.keyPem));
  } catch {
    return ['a certificate or key cannot be read'];
  }
  const [leaf] = chain;
  if (leaf === undefined || anchors.length === 0) return ['there is no certificate or no anchor'];
  if (chain.length > CHAIN_MAX) return ['the chain is too long'];
  if (isSelfIssued(leaf)) return ['the leaf is self-signed'];
  const problems = [...usageProblems(leaf), ...pathProblems(chain, anchors, at)];
  if (leaf.ca) problems.push('the leaf is an authority itself');
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1' || !leaf.publicKey.equals(key)) {
    problems.push('the key is not the leaf’s, or not on P-256');
  }
  const days = (new Date(leaf.validTo).getTime() - new Date(leaf.validFrom).getTime()) / DAY_MS;
  if (days > LEAF_DAYS_MAX) problems.push(`the leaf is valid for more than ${LEAF_DAYS_MAX} days`);
  if (!leafCovers(leaf, at, slackDays)) problems.push(`the leaf is not valid now and for ${slackDays} more days`);
  return problems;
}

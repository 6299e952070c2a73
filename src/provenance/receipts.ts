import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

import { canonicalJson } from '../kernel/canonical-json.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { sha256, sha256Hex } from '../kernel/digest.ts';

/**
 * What the service itself puts its name to: decisions, outputs, statements, evidence bundles. A receipt is a JSON document with an Ed25519
 * signature over its canonical form (RFC 8785); it verifies with the public key alone.
 */

export const RECEIPT_TYPES = ['decision_receipt', 'output_receipt', 'segment_receipt', 'statement', 'evidence_bundle'] as const;
export type ReceiptType = (typeof RECEIPT_TYPES)[number];

export interface Receipt {
  kind: 'benren-receipt';
  type: ReceiptType;
  document: JsonObject;
  /** SHA-256 of the document's canonical form, hex: the same digest that the log's leaf carries. */
  digest: string;
  keyId: string;
  algorithm: 'Ed25519';
  /** Base64 of 64 bytes. */
  signature: string;
}

export type ReceiptProblem = 'receipt_malformed' | 'digest_differs' | 'key_differs' | 'signature_invalid';
export type ReceiptVerdict = { ok: true; receipt: Receipt } | { ok: false; problem: ReceiptProblem };

/** The first 16 hex digits of SHA-256 over the raw public key. */
export function receiptKeyId(publicKey: KeyObject): string {
  const x = publicKey.export({ format: 'jwk' }).x;
  if (publicKey.asymmetricKeyType !== 'ed25519' || x === undefined) throw new TypeError('receipts are signed with Ed25519');
  return sha256Hex(Buffer.from(x, 'base64url')).slice(0, 16);
}

/** What is signed. The type is in it, so that no receipt can be shown as one of another kind. */
function signedBytes(type: ReceiptType, digest: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`benren/receipt/v1\0${type}\0`), digest]);
}

export function signReceipt(type: ReceiptType, document: JsonObject, privateKey: KeyObject): Receipt {
  const digest = sha256(canonicalJson(document));
  return {
    kind: 'benren-receipt',
    type,
    document,
    digest: digest.toString('hex'),
    keyId: receiptKeyId(createPublicKey(privateKey)),
    algorithm: 'Ed25519',
    signature: sign(null, signedBytes(type, digest), privateKey).toString('base64'),
  };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseReceipt(value: unknown): Receipt | undefined {
  if (!isObject(value) || Object.keys(value).length !== 7) return undefined;
  const { kind, type, document, digest, keyId, algorithm, signature } = value;
  const known = RECEIPT_TYPES.find((candidate) => candidate === type);
  if (kind !== 'benren-receipt' || algorithm !== 'Ed25519' || known === undefined || !isObject(document)) return undefined;
  if (typeof digest !== 'string' || typeof keyId !== 'string' || typeof signature !== 'string') return undefined;
  return { kind, type: known, document, digest, keyId, algorithm, signature };
}

/** Verifies a receipt that came from anywhere. Never throws for anything in it. */
export function verifyReceipt(value: unknown, publicKey: KeyObject): ReceiptVerdict {
  const receipt = parseReceipt(value);
  if (receipt === undefined) return { ok: false, problem: 'receipt_malformed' };
  let digest: Buffer;
  try {
    digest = sha256(canonicalJson(receipt.document));
  } catch {
    // Lone surrogates, NaN, or nesting deeper than the stack: nothing that was ever signed.
    return { ok: false, problem: 'receipt_malformed' };
  }
  if (digest.toString('hex') !== receipt.digest) return { ok: false, problem: 'digest_differs' };
  if (receipt.keyId !== receiptKeyId(publicKey)) return { ok: false, problem: 'key_differs' };
  const signature = Buffer.from(receipt.signature, 'base64');
  const good = signature.length === 64 && signature.toString('base64') === receipt.signature
    && verify(null, signedBytes(receipt.type, digest), publicKey, signature);
  return good ? { ok: true, receipt } : { ok: false, problem: 'signature_invalid' };
}

/**
 * Marks (docs/promises.md promise 5) and the service's own signatures. What is promised here: a file that leaves `sign` reads as
 * Trusted under our anchors and says by whose consent it was made; a label goes in once and before the signature; the
 * disclosure follows from territory and language alone; a receipt verifies with one public key.
 *
 * The order on the way of one output: disclosure → … → `label` → `sign` → release. After `sign` nothing touches the bytes.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';

import type { JsonObject } from '../kernel/canonical-json.ts';
import { labelWav } from './aigc.ts';
import { type Marks, makeReader } from './read.ts';
import { type Receipt, receiptKeyId, type ReceiptType, type ReceiptVerdict, signReceipt, verifyReceipt } from './receipts.ts';
import { makeSigner } from './sign.ts';
import type { ManifestDefinition } from './manifest.ts';

export { labelText, type AigcLabel } from './aigc.ts';
export { continuedDisclosure, disclosureFor, type Disclosure, type DisclosureKind } from './disclosure.ts';
export { CONSENT_LABEL, makeManifest, type ConsentAssertion, type ManifestDefinition, type ManifestInput } from './manifest.ts';
export { makeReader, type C2paState, type Marks, type MarksReader } from './read.ts';
export { receiptKeyId, verifyReceipt, type Receipt, type ReceiptType, type ReceiptVerdict } from './receipts.ts';
export { findRhythm, rhythmSamples, RHYTHM_SECONDS } from './rhythm.ts';
export { FILE_BYTES_MAX } from './wav.ts';

export interface Provenance {
  /** The WAV with its implicit label (GB 45438-2025). `contentProducer` and `produceId` are codes without spaces. */
  label(wav: Buffer, made: { contentProducer: string; produceId: string }): Buffer;
  /** Signs, and checks that what came out is Trusted. */
  sign(wav: Buffer, manifest: ManifestDefinition): Promise<Buffer>;
  /** What a file says about itself, and whether to believe it. Refuses `file_unreadable`. */
  readMarks(bytes: Buffer): Promise<Marks>;
  signReceipt(type: ReceiptType, document: JsonObject): Receipt;
  verifyReceipt(receipt: unknown): ReceiptVerdict;
  /** By which anybody verifies the receipts: an Ed25519 public key in PEM. */
  receiptsKey: { keyId: string; publicKeyPem: string };
}

export function makeProvenance(keys: {
  c2pa: { chainPem: string; keyPem: string; anchorsPem: string };
  receipts: KeyObject;
}): Provenance {
  const signer = makeSigner(keys.c2pa);
  const reader = makeReader(keys.c2pa);
  const receiptsPublic = createPublicKey(keys.receipts);
  return {
    label: labelWav,
    sign: (wav, manifest) => signer.sign(wav, manifest),
    readMarks: (bytes) => reader.readMarks(bytes),
    signReceipt: (type, document) => signReceipt(type, document, keys.receipts),
    verifyReceipt: (receipt) => verifyReceipt(receipt, receiptsPublic),
    receiptsKey: {
      keyId: receiptKeyId(receiptsPublic),
      publicKeyPem: receiptsPublic.export({ format: 'pem', type: 'spki' }).toString(),
    },
  };
}

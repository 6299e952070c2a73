import { createCipheriv, createDecipheriv } from 'node:crypto';

import type { Random } from '../../kernel/random.ts';

/**
 * Bytes that can be forgotten: each case has a key of its own, kept only wrapped under the installation's secret. Whoever
 * forgets the wrapped key has forgotten everything that was sealed with it, wherever copies of that lie.
 */
export interface Sealer {
  /** A fresh case key, wrapped. */
  newKey(caseId: string): Buffer;
  seal(caseId: string, wrappedKey: Uint8Array, bytes: Uint8Array): Buffer;
  /** @throws Error when key, case or bytes are not those that were sealed together */
  unseal(caseId: string, wrappedKey: Uint8Array, sealed: Uint8Array): Buffer;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM (NIST SP 800-38D): nonce ‖ ciphertext ‖ tag. `about` is authenticated, so nothing is moved between cases. */
function encrypt(key: Uint8Array, about: string, bytes: Uint8Array, nonce: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(about));
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Uint8Array, about: string, sealed: Uint8Array): Buffer {
  const bytes = Buffer.from(sealed);
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('Sealed bytes are too short.');
  const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
  cipher.setAAD(Buffer.from(about));
  cipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([cipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), cipher.final()]);
}

/** `secret`: 32 bytes of this installation, for this purpose alone. */
export function makeSealer(secret: Uint8Array, random: Random): Sealer {
  if (secret.byteLength !== KEY_BYTES) throw new Error('A sealer needs 32 secret bytes.');
  const unwrap = (caseId: string, wrapped: Uint8Array): Buffer => decrypt(secret, `benren/case-key/v1|${caseId}`, wrapped);
  return {
    newKey: (caseId) => encrypt(secret, `benren/case-key/v1|${caseId}`, random.bytes(KEY_BYTES), random.bytes(NONCE_BYTES)),
    seal: (caseId, wrappedKey, bytes) =>
      encrypt(unwrap(caseId, wrappedKey), `benren/case-paper/v1|${caseId}`, bytes, random.bytes(NONCE_BYTES)),
    unseal: (caseId, wrappedKey, sealed) => decrypt(unwrap(caseId, wrappedKey), `benren/case-paper/v1|${caseId}`, sealed),
  };
}

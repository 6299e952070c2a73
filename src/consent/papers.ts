import { createCipheriv, createDecipheriv } from 'node:crypto';

import { sha256Hex } from '../kernel/digest.ts';
import type { Random } from '../kernel/random.ts';
import { Refusal } from '../kernel/refusals.ts';

export interface SealedPaper {
  paperId: string;
  /** Of the bytes as they were uploaded. */
  sha256: string;
  sealed: Buffer;
  nonce: Buffer;
  tag: Buffer;
  key: Buffer;
}

/** AES-256-GCM under a key of its own, bound to the paper's id. Refuses `succession_invalid` for what is no PDF. */
export function sealPaper(paperId: string, bytes: Uint8Array, random: Random): SealedPaper {
  if (!Buffer.from(bytes.subarray(0, 5)).equals(Buffer.from('%PDF-'))) throw new Refusal('succession_invalid', 'A paper is a PDF.');
  const [key, nonce] = [Buffer.from(random.bytes(32)), Buffer.from(random.bytes(12))];
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(paperId));
  const sealed = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return { paperId, sha256: sha256Hex(bytes), sealed, nonce, tag: cipher.getAuthTag(), key };
}

/** The paper as it was uploaded. @throws Error when it was changed since or its key is gone */
export function openPaper({ paperId, sha256, sealed, nonce, tag, key }: Omit<SealedPaper, 'key'> & { key: Buffer | null }): Buffer {
  if (key === null) throw new Error(`Paper ${paperId} was destroyed.`);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(paperId)).setAuthTag(tag);
  const bytes = Buffer.concat([decipher.update(sealed), decipher.final()]);
  if (sha256Hex(bytes) !== sha256) throw new Error(`Paper ${paperId} is not what was uploaded.`);
  return bytes;
}

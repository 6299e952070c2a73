import { hkdfSync, type KeyObject } from 'node:crypto';

/**
 * Secret bytes for one purpose, the same in every process that holds the key (HKDF-SHA-256, RFC 5869). Saves a setting:
 * whoever may sign receipts may also make invitations.
 */
export function deriveSecret(key: KeyObject, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key.export({ format: 'der', type: 'pkcs8' }), '', `benren/${purpose}`, 32));
}

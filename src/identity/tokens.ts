import { createHmac } from 'node:crypto';

import { sha256 } from '../kernel/digest.ts';

/** What people carry: 32 bytes behind a word that says what it is. We keep hashes only. */
export function bearerToken(kind: 'ses' | 'inv', bytes: Uint8Array): string {
  return `${kind}.${Buffer.from(bytes).toString('base64url')}`;
}

/** The hash under which a token is kept, or null for what cannot be one: no database is asked about that. */
export function tokenHash(kind: 'ses' | 'inv', token: string): Buffer | null {
  return new RegExp(`^${kind}\\.[A-Za-z0-9_-]{43}$`).test(token) ? sha256('benren/token/v1\0', token) : null;
}

/**
 * The token of an invitation follows from its id and a secret. So the same request, asked twice with one idempotency
 * key, is answered with the same token, and yet neither the invitation nor the kept answer holds it.
 */
export function invitationToken(secret: Uint8Array, invitationId: string): string {
  return bearerToken('inv', createHmac('sha256', secret).update(`benren/invitation/v1\0${invitationId}`).digest());
}

import type { IdempotencyKey } from './tx.ts';

/** Roles come by invitation only. Being an owner or a fan is no role: it follows from what an account did. */
export const ROLES = ['operator', 'reviewer', 'payee'] as const;
export type Role = (typeof ROLES)[number];

/** Who is asking. */
export interface Actor {
  accountId: string;
  sessionId: string;
  roles: readonly Role[];
}

/** What every handler is given beside its validated input. Nothing of HTTP is in it. */
export interface RequestContext {
  requestId: string;
  /** Null only on operations whose contract says `security: []`. */
  actor: Actor | null;
  /** Present on every write, bound to caller and operation. */
  idempotency: IdempotencyKey | null;
  /** The network that the request came from, in one spelling; for limits alone, and never kept as it is. */
  network?: string | null;
}

import { Refusal } from './refusals.ts';
import type { Actor, RequestContext, Role } from './request.ts';
import type { IdempotencyKey } from './tx.ts';

/** The signed-in caller, or a refusal. */
export function signedIn(context: RequestContext): Actor {
  if (context.actor === null) throw new Refusal('session_missing', 'Sign in with your passkey first.');
  return context.actor;
}

/** The caller if they hold the role, or a refusal. */
export function withRole(context: RequestContext, role: Role): Actor {
  const actor = signedIn(context);
  if (!actor.roles.includes(role)) throw new Refusal('role_missing', `This needs the role ${role}, which comes by invitation.`);
  return actor;
}

/** The idempotency key of a write. The router has already refused a write without one. */
export function writeKey(context: RequestContext): IdempotencyKey {
  if (context.idempotency === null) throw new Refusal('idempotency_key_missing', 'Send an Idempotency-Key header.');
  return context.idempotency;
}

import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import { orNull, type StripePort } from '../platform/stripe/index.ts';

/** What the provider says of a check. */
export interface IdentityFacts {
  /** Ours, as it was given when the check began. */
  proofId: string | null;
  status: 'requires_input' | 'processing' | 'verified' | 'canceled';
  /** Where the person goes on, while there is something to do. */
  url: string | null;
  /** Why the last try failed, in the provider's code. */
  problem: string | null;
  /** As it stands on the paper; only of a verified check. It is compared and forgotten. */
  name: { first: string; last: string } | null;
}

/**
 * The provider of identity checks in this room's words: the one file here that knows Stripe's objects. Both verbs refuse
 * `unavailable` when it does not answer.
 */
export interface IdentityProvider {
  /** Begins a check of a paper and a face. The same `key` answers the same check again, also after a crash. */
  begin(proofId: string, key: string): Promise<{ sessionId: string; url: string }>;
  /** Null for an id that names nothing. */
  look(sessionId: string): Promise<IdentityFacts | null>;
}

const STATUSES = ['requires_input', 'processing', 'verified', 'canceled'] as const;

/** Where a person comes back to is the page of their proof. */
export function makeIdentityProvider({ run, withKey }: Pick<StripePort, 'run' | 'withKey'>, publicUrl: string): IdentityProvider {
  return {
    async begin(proofId, key) {
      // Nothing in here may differ between two tries with one key.
      const session = await run((sdk) => sdk.identity.verificationSessions.create({
        type: 'document', client_reference_id: proofId, metadata: { proofId }, return_url: `${publicUrl}/ownership/${proofId}`,
        options: { document: { require_live_capture: true, require_matching_selfie: true } },
      }, withKey(`identity:${sha256Hex(key)}`)));
      if (session.url === null) throw new Refusal('unavailable', 'The identity provider opened no page. Please try again with a new key.');
      return { sessionId: session.id, url: session.url };
    },
    async look(sessionId) {
      const session = await orNull(run((sdk) => sdk.identity.verificationSessions.retrieve(sessionId, { expand: ['verified_outputs'] })));
      if (session === null) return null;
      const { client_reference_id: proofId, last_error: error, redaction, url, verified_outputs: read } = session;
      const status = STATUSES.find((known) => known === session.status);
      if (status === undefined) throw new Error(`The identity provider answered a status that is unknown here: ${session.status}`);
      // What was redacted holds placeholders where the name was.
      const legible = status === 'verified' && redaction === null && read != null;
      return {
        proofId, status, url, problem: error?.code ?? null, name: legible ? { first: read.first_name ?? '', last: read.last_name ?? '' } : null,
      };
    },
  };
}

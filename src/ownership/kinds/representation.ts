import type { Identity, SignatureInput } from '../../identity/index.ts';
import { Refusal } from '../../kernel/refusals.ts';
import type { Clock } from '../../kernel/time.ts';
import type { ActingKind } from '../levels.ts';
import { readRepresentation } from '../representation.ts';
import type { EvidenceVerifier } from './kind.ts';
import type { PaperFinding, PaperKeeper } from './papers.ts';

export interface RepresentationRequest { readonly signature: SignatureInput }
/** What was signed: for whom, as what, until when. */
export interface RepresentationTerms { readonly signedDocumentId: string; readonly role: ActingKind; readonly until: string; readonly statement: string }

/** The authority of who acts for another: their signed word on it, and the paper that gives it. */
export function makeRepresentationVerifier(
  deps: { identity: Pick<Identity, 'completeSignature'>; clock: Clock; keeper: PaperKeeper },
): EvidenceVerifier<'representation'> {
  return {
    kind: 'representation',
    answered: 'upload',
    examinedState: 'uploaded',
    async issue(tx, { signature }, about) {
      const actor = { accountId: about.accountId, sessionId: '', roles: [] };
      const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'representation' });
      return { signedDocumentId: signed.id, ...readRepresentation(signed.document, about, deps.clock.now()) };
    },
    async examine(terms, answer, about): Promise<{ finding: PaperFinding; blobDigest: string; validUntil: Date }> {
      const validUntil = new Date(terms.until);
      if (deps.clock.now().getTime() >= validUntil.getTime()) throw new Refusal('evidence_state', 'The authority has ended already.');
      return { ...(await deps.keeper.keep(about, answer)), validUntil };
    },
  };
}

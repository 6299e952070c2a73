import { Refusal } from '../../kernel/refusals.ts';
import type { EvidenceVerifier } from './kind.ts';

export interface VouchTerms { readonly voucherAccountId: string }
export interface VouchFinding { readonly signedDocumentId: string; readonly voucherProofId: string }

/** The word of a proven person, whom the claimant names. It is given by signature (`vouchForProof`), not looked for. */
export function makeVouchingVerifier(): EvidenceVerifier<'vouching'> {
  return {
    kind: 'vouching',
    answered: 'elsewhere',
    examinedState: 'passed',
    async issue(_tx, { voucherAccountId }, { accountId }) {
      if (voucherAccountId === accountId) throw new Refusal('vouch_refused', 'Nobody vouches for themself.');
      return { voucherAccountId };
    },
    async examine() {
      throw new Refusal('evidence_state', 'Another person answers this evidence, by their signature.');
    },
  };
}

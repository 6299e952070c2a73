import type { JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import type { Tx } from '../kernel/tx.ts';
import type { Transparency } from '../transparency/index.ts';
import type { WithdrawalReason } from './model.ts';
import type { ProofRow, ReviewRow } from './store.ts';
import * as store from './store.ts';

export type Decided =
  | { decision: 'approved'; expiresAt: Date; restsOn: readonly string[] }
  | { decision: 'rejected' }
  | { decision: 'expired'; cause: 'term' }
  | { decision: 'expired'; cause: 'evidence_gone'; evidenceId: string }
  | { decision: 'withdrawn'; reasonCode: WithdrawalReason; text: string; by: string };

/** The document behind the leaf. It names the reviews by id: who the reviewers are stays in the house. */
function decisionDocument(proof: ProofRow, reviews: readonly ReviewRow[], decided: Decided, at: Date): JsonObject {
  return {
    type: 'benren.ownership_decision',
    schemaVersion: 1,
    proofId: proof.id,
    claimDocumentId: proof.claimDocumentId,
    subjectKind: proof.subjectKind,
    round: proof.round,
    evidenceSha256: proof.evidenceSha256,
    policySha256: proof.policySha256,
    decision: decided.decision,
    reviews: reviews.map((review) => ({
      reviewId: review.id, round: review.round, verdict: review.verdict, reasonCode: review.reasonCode, at: review.at.toISOString(),
    })),
    ...(decided.decision === 'approved' ? { expiresAt: decided.expiresAt.toISOString(), restsOn: [...decided.restsOn] } : {}),
    ...(decided.decision === 'expired' ? { cause: decided.cause } : {}),
    ...(decided.decision === 'expired' && decided.cause === 'evidence_gone' ? { evidenceId: decided.evidenceId } : {}),
    ...(decided.decision === 'withdrawn'
      ? { reasonCode: decided.reasonCode, textSha256: sha256Hex(decided.text), withdrawnBy: decided.by }
      : {}),
    at: at.toISOString(),
  };
}

/** Writes a decision: the proof's new state, the leaf and the document behind it, in the caller's transaction. */
export async function recordDecision(
  tx: Tx, log: Pick<Transparency, 'append'>, proof: ProofRow, decided: Decided, at: Date,
): Promise<void> {
  const { decision } = decided;
  await store.updateProof(tx, proof.id, {
    state: decision,
    ...(decided.decision === 'approved' ? { approvedAt: at, expiresAt: decided.expiresAt } : {}),
    ...(decision === 'expired' || decision === 'withdrawn' ? { endedAt: at } : {}),
  });
  const document = decisionDocument(proof, await store.reviewsOf(tx, proof.id), decided, at);
  const { leafId } = await log.append(tx, { type: 'ownership_proof.decided', subjectId: proof.id, at, document });
  const note = decided.decision === 'withdrawn' ? decided.text : null;
  await store.insertDecision(tx, { leafId, proofId: proof.id, decision, document, note, round: proof.round, at });
}

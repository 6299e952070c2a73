import type { components } from '../../contracts/generated/api.ts';
import type { Tx } from '../kernel/tx.ts';
import { type ProofView, stateAt } from './model.ts';
import type { DecisionRow, EvidenceRow, ProofRow, ReviewRow, VoiceRow } from './store.ts';
import * as store from './store.ts';
import { adviceFrom, type EnrolledVoice, type VoiceAdvice, type VoiceInstrument } from './voice.ts';

type Schemas = components['schemas'];
export type OwnershipProofJson = Schemas['OwnershipProof'];
export type OwnershipEvidenceJson = Schemas['OwnershipEvidence'];

/** All that is known of one proof. */
export interface Dossier {
  proof: ProofRow;
  evidence: EvidenceRow[];
  reviews: ReviewRow[];
  decisions: DecisionRow[];
  /** Only gathered for reviewers: advice would let an imitator practise. */
  enrolled: EnrolledVoice | null;
}

const text = (instant: Date | null): string | null => instant?.toISOString() ?? null;

export function proofView(row: ProofRow): ProofView {
  const { id: proofId, accountId, subjectName, subjectKind, state, approvedAt, expiresAt } = row;
  return { proofId, accountId, subjectName, subjectKind, state, approvedAt, expiresAt };
}

export function evidenceJson(row: EvidenceRow, advice: VoiceAdvice | null = null): OwnershipEvidenceJson {
  return {
    evidenceId: row.id,
    proofId: row.proofId,
    kind: row.kind,
    state: row.state,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    passedAt: text(row.passedAt),
    validUntil: text(row.validUntil),
    domain: row.kind === 'domain' ? { ...row.terms, method: row.terms.method ?? 'well_known' } : null,
    account: row.kind === 'public_account' ? { ...row.terms, found: row.finding } : null,
    voice: row.kind === 'voice_challenge' ? { ...row.terms, recording: recordingJson(row), advice } : null,
  };
}

function recordingJson(row: VoiceRow): NonNullable<OwnershipEvidenceJson['voice']>['recording'] {
  if (row.finding === null || row.blobDigest === null) return null;
  const { seconds, voicedSeconds } = row.finding;
  const mediaPath = `/v1/ownership-proofs/${row.proofId}/evidence/${row.id}/media`;
  return { digest: row.blobDigest, seconds, voicedSeconds, mediaPath };
}

/** The advice on the challenge that counts, once both recordings exist; computed anew, since either may have come later. */
export function adviceOn(
  dossier: Pick<Dossier, 'evidence' | 'enrolled'>, instrument: Pick<VoiceInstrument, 'compare'>,
): VoiceAdvice | null {
  const challenge = dossier.evidence.find(
    (row): row is VoiceRow => row.kind === 'voice_challenge' && row.state === 'uploaded',
  );
  if (challenge?.finding == null || dossier.enrolled === null) return null;
  return adviceFrom(instrument.compare(dossier.enrolled.profile, challenge.finding.profile), dossier.enrolled);
}

function reviewJson(row: ReviewRow): Schemas['OwnershipReview'] {
  return { reviewId: row.id, verdict: row.verdict, reasonCode: row.reasonCode, text: row.text, at: row.at.toISOString() };
}

/** The leaf's document as the log hashed it. */
function decisionJson(row: DecisionRow): Schemas['OwnershipDecision'] {
  return { leafId: row.leafId, document: row.document };
}

export function proofJson(dossier: Dossier, now: Date, advice: VoiceAdvice | null): OwnershipProofJson {
  const { proof } = dossier;
  return {
    proofId: proof.id,
    subjectName: proof.subjectName,
    subjectKind: proof.subjectKind,
    claimantName: proof.claimantName,
    renews: proof.renewsProofId,
    handle: proof.handle,
    statement: proof.statement,
    claimDocumentId: proof.claimDocumentId,
    state: stateAt(proof, now),
    openedAt: proof.openedAt.toISOString(),
    submittedAt: text(proof.submittedAt),
    approvedAt: text(proof.approvedAt),
    expiresAt: text(proof.expiresAt),
    evidence: dossier.evidence.map((row) => evidenceJson(row, row.state === 'uploaded' ? advice : null)),
    reviews: dossier.reviews.map(reviewJson),
    decisions: dossier.decisions.map(decisionJson),
  };
}

export async function gather(
  tx: Tx, proof: ProofRow, enrolledVoice: ((tx: Tx, proofId: string) => Promise<EnrolledVoice | null>) | null,
): Promise<Dossier> {
  return {
    proof,
    evidence: await store.evidenceOf(tx, proof.id),
    reviews: await store.reviewsOf(tx, proof.id),
    decisions: await store.decisionsOf(tx, proof.id),
    enrolled: enrolledVoice === null ? null : await enrolledVoice(tx, proof.id),
  };
}

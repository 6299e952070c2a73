import type { components } from '../../contracts/generated/api.ts';
import type { Tx } from '../kernel/tx.ts';
import type { Policy } from './levels.ts';
import { type ProofView, stateAt } from './model.ts';
import type { DecisionRow, EvidenceRow, ProofRow, ReviewRow, RowOf, VoiceRow } from './store.ts';
import { graceOf, type Look } from './rechecks.ts';
import { looksOf } from './recheck-store.ts';
import type { Waiting } from './service-clock.ts';
import * as store from './store.ts';
import { adviceFrom, type EnrolledVoice, type VoiceAdvice, type VoiceInstrument } from './voice.ts';

type Schemas = components['schemas'];
export type OwnershipProofJson = Schemas['OwnershipProof'];
export type OwnershipEvidenceJson = Schemas['OwnershipEvidence'];
export type OwnershipVouchJson = Schemas['OwnershipVouch'];
export type ReviewCaseJson = Schemas['OwnershipReviewCase'];
export type ReviewFiguresJson = Schemas['OwnershipReviewFigures'];

/** All that is known of one proof. */
export interface Dossier {
  proof: ProofRow;
  evidence: EvidenceRow[];
  reviews: ReviewRow[];
  decisions: DecisionRow[];
  /** What was looked for again, by evidence. */
  looks: ReadonlyMap<string, readonly Look[]>;
  /** Only gathered for reviewers: advice would let an imitator practise. */
  enrolled: EnrolledVoice | null;
}

const text = (instant: Date | null): string | null => instant?.toISOString() ?? null;

export function proofView(row: ProofRow): ProofView {
  const { id: proofId, accountId, subjectName, subjectKind, state, approvedAt, expiresAt } = row;
  return { proofId, accountId, subjectName, subjectKind, state, approvedAt, expiresAt };
}

/** What is shown beside a row and not kept in it: advice to reviewers, and once the address at which a check goes on. */
export interface Beside { advice?: VoiceAdvice | null; address?: string | null }

export function evidenceJson(row: EvidenceRow, { advice = null, address = null }: Beside = {}): OwnershipEvidenceJson {
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
    identity: row.kind === 'identity_provider' ? { ...row.terms, url: address, status: row.finding?.status ?? null, nameMatches: row.finding?.nameMatches ?? null } : null,
    paper: row.kind === 'document' || row.kind === 'representation' ? paperJson(row) : null,
    vouch: row.kind === 'vouching' ? { ...row.terms, ...(row.finding ?? { signedDocumentId: null, voucherProofId: null }) } : null,
    video: row.kind === 'video_challenge' ? { ...row.terms, recording: videoJson(row) } : null,
    voice: row.kind === 'voice_challenge' ? { ...row.terms, recording: recordingJson(row), advice } : null,
  };
}

function paperJson(row: RowOf<'document'> | RowOf<'representation'>): NonNullable<OwnershipEvidenceJson['paper']> {
  const signed = row.kind === 'representation' ? { ...row.terms } : null;
  return { documentType: row.kind === 'document' ? row.terms.documentType : 'authority_paper', signed, file: row.finding };
}

const mediaPath = (row: EvidenceRow): string => `/v1/ownership-proofs/${row.proofId}/evidence/${row.id}/media`;

function videoJson(row: RowOf<'video_challenge'>): NonNullable<OwnershipEvidenceJson['video']>['recording'] {
  if (row.finding === null || row.blobDigest === null) return null;
  return { digest: row.blobDigest, ...row.finding, mediaPath: mediaPath(row) };
}

function recordingJson(row: VoiceRow): NonNullable<OwnershipEvidenceJson['voice']>['recording'] {
  if (row.finding === null || row.blobDigest === null) return null;
  const { seconds, voicedSeconds } = row.finding;
  return { digest: row.blobDigest, seconds, voicedSeconds, mediaPath: mediaPath(row) };
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
  return { reviewId: row.id, round: row.round, verdict: row.verdict, reasonCode: row.reasonCode, text: row.text, at: row.at.toISOString() };
}

/** The leaf's document as the log hashed it. */
function decisionJson(row: DecisionRow): Schemas['OwnershipDecision'] {
  return { leafId: row.leafId, document: row.document };
}

/** What an approval rests on and nobody finds any more, with the time until which its owner may put it back. */
function missingOf({ proof, evidence, looks }: Dossier, policy: Policy): OwnershipProofJson['missing'] {
  if (proof.state !== 'approved') return [];
  return evidence.flatMap(({ id, kind }) => {
    const grace = graceOf(looks.get(id) ?? [], policy.evidence[kind]?.recheck?.graceDays ?? 0);
    return grace === null ? [] : [{ evidenceId: id, missingSince: grace.since.toISOString(), restoreBefore: grace.until.toISOString() }];
  });
}

export function proofJson(dossier: Dossier, now: Date, advice: VoiceAdvice | null, policy: Policy): OwnershipProofJson {
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
    round: proof.round,
    appealedAt: text(proof.appealedAt),
    appealText: proof.appealText,
    evidenceSha256: proof.evidenceSha256,
    approvedAt: text(proof.approvedAt),
    expiresAt: text(proof.expiresAt),
    evidence: dossier.evidence.map((row) => evidenceJson(row, { advice: row.state === 'uploaded' ? advice : null })),
    missing: missingOf(dossier, policy),
    reviews: dossier.reviews.map(reviewJson),
    decisions: dossier.decisions.map(decisionJson),
  };
}

/** Where a case stands, as a reviewer sees it: who else holds it is not told. */
export function caseJson(proof: ProofRow, clock: Waiting, reviewerId: string): ReviewCaseJson {
  const { lease } = clock;
  return {
    proofId: proof.id,
    round: proof.round,
    stage: clock.stage,
    stageSince: clock.since.toISOString(),
    waitingSince: clock.waitingSince.toISOString(),
    waitedSeconds: clock.waitedSeconds,
    claim: lease === null ? null : { mine: lease.reviewerId === reviewerId, until: lease.expiresAt.toISOString() },
  };
}

async function looksByEvidence(tx: Tx, evidence: readonly EvidenceRow[]): Promise<Map<string, Look[]>> {
  const looks = new Map<string, Look[]>();
  for (const { id, kind } of evidence) if (kind === 'domain' || kind === 'public_account') looks.set(id, await looksOf(tx, id));
  return looks;
}

export async function gather(
  tx: Tx, proof: ProofRow, enrolledVoice: ((tx: Tx, proofId: string) => Promise<EnrolledVoice | null>) | null,
): Promise<Dossier> {
  const evidence = await store.evidenceOf(tx, proof.id);
  return {
    proof,
    evidence,
    looks: await looksByEvidence(tx, evidence),
    reviews: await store.reviewsOf(tx, proof.id),
    decisions: await store.decisionsOf(tx, proof.id),
    enrolled: enrolledVoice === null ? null : await enrolledVoice(tx, proof.id),
  };
}

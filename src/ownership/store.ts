import { type EntitySchema, In } from 'typeorm';

import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, plainTable, repository } from '../platform/postgres/index.ts';
import type { EvidenceTypes, Kind } from './kinds/kind.ts';
import type { EvidenceState, ProofState, RejectReason, SubjectKind, Verdict } from './model.ts';
import type { VoiceAdvice } from './voice.ts';

export interface ProofRow {
  id: string;
  accountId: string;
  subjectName: string;
  subjectKind: SubjectKind;
  claimantName: string | null;
  renewsProofId: string | null;
  handle: string;
  statement: string;
  claimDocumentId: string;
  state: ProofState;
  openedAt: Date;
  submittedAt: Date | null;
  approvedAt: Date | null;
  expiresAt: Date | null;
  endedAt: Date | null;
  /** 1, and 2 after an appeal. */
  round: number;
  appealedAt: Date | null;
  appealText: string | null;
  policySha256: string | null;
  /** The database's own digest of the evidence that was handed in. */
  evidenceSha256: string | null;
}

interface EvidenceBase {
  id: string;
  proofId: string;
  state: EvidenceState;
  blobDigest: string | null;
  createdAt: Date;
  expiresAt: Date;
  passedAt: Date | null;
  /** Until when the answer counts; null as long as there is none. */
  validUntil: Date | null;
}
/** What `terms` and `finding` hold follows from the kind. */
export type RowOf<K extends Kind> = {
  [P in K]: EvidenceBase & { kind: P; terms: EvidenceTypes[P]['terms']; finding: EvidenceTypes[P]['finding'] | null }
}[K];
export type EvidenceRow = RowOf<Kind>;
export type VoiceRow = RowOf<'voice_challenge'>;

export interface ReviewRow {
  id: string;
  proofId: string;
  reviewerId: string;
  verdict: Verdict;
  reasonCode: RejectReason | null;
  text: string;
  advice: VoiceAdvice | null;
  round: number;
  evidenceSha256: string;
  at: Date;
}

export interface DecisionRow {
  leafId: string;
  proofId: string;
  decision: 'approved' | 'rejected' | 'expired' | 'withdrawn';
  document: JsonObject;
  /** What an operator wrote about it; kept here, only its digest is in the document. */
  note: string | null;
  round: number;
  at: Date;
}

const instant = 'timestamp with time zone' as const;

const Proof = plainTable<ProofRow>({
  name: 'OwnershipProof',
  tableName: 'ownership_proof',
  columns: {
    id: { type: 'text', primary: true },
    accountId: { name: 'account_id', type: 'text' },
    subjectName: { name: 'subject_name', type: 'text' },
    subjectKind: { name: 'subject_kind', type: 'text' },
    claimantName: { name: 'claimant_name', type: 'text', nullable: true },
    renewsProofId: { name: 'renews_proof_id', type: 'text', nullable: true },
    handle: { type: 'text' },
    statement: { type: 'text' },
    claimDocumentId: { name: 'claim_document_id', type: 'text' },
    state: { type: 'text' },
    openedAt: { name: 'opened_at', type: instant },
    submittedAt: { name: 'submitted_at', type: instant, nullable: true },
    approvedAt: { name: 'approved_at', type: instant, nullable: true },
    expiresAt: { name: 'expires_at', type: instant, nullable: true },
    endedAt: { name: 'ended_at', type: instant, nullable: true },
    round: { type: 'integer' },
    appealedAt: { name: 'appealed_at', type: instant, nullable: true },
    appealText: { name: 'appeal_text', type: 'text', nullable: true },
    policySha256: { name: 'policy_sha256', type: 'text', nullable: true },
    evidenceSha256: { name: 'evidence_sha256', type: 'text', nullable: true, insert: false, update: false },
  },
});

/** Business time may stand still (a test clock); rows of one instant are told apart by the database's own. */
interface Recorded { recordedAt: Date }
const recordedAt = { name: 'recorded_at', type: instant, insert: false, update: false } as const;

/** As TypeORM sees them: what `terms` and `finding` hold follows from `kind`, which only `EvidenceRow` says. */
type EvidencePlain = EvidenceBase & Recorded & { kind: Kind; terms: object; finding: object | null };
type ReviewPlain = Omit<ReviewRow, 'advice'> & Recorded & { advice: object | null };
type DecisionPlain = Omit<DecisionRow, 'document'> & Recorded & { document: object };

const Evidence = plainTable<EvidencePlain>({
  name: 'OwnershipEvidence',
  tableName: 'ownership_evidence',
  columns: {
    id: { type: 'text', primary: true },
    proofId: { name: 'proof_id', type: 'text' },
    kind: { type: 'text' },
    state: { type: 'text' },
    terms: { type: 'jsonb' },
    finding: { type: 'jsonb', nullable: true },
    blobDigest: { name: 'blob_digest', type: 'text', nullable: true },
    createdAt: { name: 'created_at', type: instant },
    expiresAt: { name: 'expires_at', type: instant },
    passedAt: { name: 'passed_at', type: instant, nullable: true },
    validUntil: { name: 'valid_until', type: instant, nullable: true },
    recordedAt,
  },
});

const Review = plainTable<ReviewPlain>({
  name: 'OwnershipReview',
  tableName: 'ownership_review',
  columns: {
    id: { type: 'text', primary: true },
    proofId: { name: 'proof_id', type: 'text' },
    reviewerId: { name: 'reviewer_id', type: 'text' },
    verdict: { type: 'text' },
    reasonCode: { name: 'reason_code', type: 'text', nullable: true },
    text: { type: 'text' },
    advice: { type: 'jsonb', nullable: true },
    round: { type: 'integer' },
    evidenceSha256: { name: 'evidence_sha256', type: 'text' },
    at: { type: instant },
    recordedAt,
  },
});

const Decision = plainTable<DecisionPlain>({
  name: 'OwnershipDecision',
  tableName: 'ownership_decision',
  columns: {
    leafId: { name: 'leaf_id', type: 'text', primary: true },
    proofId: { name: 'proof_id', type: 'text' },
    decision: { type: 'text' },
    document: { type: 'json' },
    note: { type: 'text', nullable: true },
    round: { type: 'integer' },
    at: { type: instant },
    recordedAt,
  },
});

export const entities: EntitySchema[] = [Proof, Evidence, Review, Decision];

export async function findProof(tx: Tx, proofId: string): Promise<ProofRow | null> {
  return await repository(tx, Proof).findOneBy({ id: proofId });
}

/** The proof, with its row locked: moves of one proof take turns. */
export async function lockProof(tx: Tx, proofId: string): Promise<ProofRow | null> {
  const locked = await maybeOne(tx, 'SELECT id FROM ownership_proof WHERE id = $1 FOR NO KEY UPDATE', [proofId]);
  return locked === null ? null : await findProof(tx, proofId);
}

export async function insertProof(tx: Tx, row: ProofRow): Promise<void> {
  await repository(tx, Proof).insert(row);
}

export async function updateProof(
  tx: Tx, proofId: string,
  change: Partial<Pick<
    ProofRow, 'state' | 'submittedAt' | 'approvedAt' | 'expiresAt' | 'endedAt' | 'round' | 'appealedAt' | 'appealText' | 'policySha256'
  >>,
): Promise<void> {
  await repository(tx, Proof).update({ id: proofId }, change);
}

export async function findEvidence(tx: Tx, evidenceId: string): Promise<EvidenceRow | null> {
  return (await repository(tx, Evidence).findOneBy({ id: evidenceId })) as EvidenceRow | null;
}

export async function evidenceOf(tx: Tx, proofId: string): Promise<EvidenceRow[]> {
  return (await repository(tx, Evidence).find({ where: { proofId }, order: { createdAt: 'ASC', recordedAt: 'ASC' } })) as EvidenceRow[];
}

/** Adds evidence; whatever was the current one of its kind no longer counts. */
export async function insertEvidence(tx: Tx, row: EvidenceRow): Promise<void> {
  await execute(
    tx, `UPDATE ownership_evidence SET state = 'superseded' WHERE proof_id = $1 AND kind = $2 AND state <> 'superseded'`,
    [row.proofId, row.kind],
  );
  await repository(tx, Evidence).insert(row);
}

/** Whether a video challenge asked for this sentence before, of anybody. */
export async function wasAsked(tx: Tx, sentence: string): Promise<boolean> {
  return (await maybeOne(tx, `SELECT id FROM ownership_evidence WHERE kind = 'video_challenge' AND terms ->> 'sentence' = $1`, [sentence])) !== null;
}

export interface Found {
  state: 'passed' | 'uploaded';
  finding: object;
  blobDigest: string | null;
  passedAt: Date;
  validUntil: Date;
}

export async function recordFinding(tx: Tx, evidenceId: string, found: Found): Promise<void> {
  await execute(
    tx, 'UPDATE ownership_evidence SET state = $2, finding = $3, blob_digest = $4, passed_at = $5, valid_until = $6 WHERE id = $1',
    [evidenceId, found.state, JSON.stringify(found.finding), found.blobDigest, found.passedAt, found.validUntil],
  );
}

export async function reviewsOf(tx: Tx, proofId: string): Promise<ReviewRow[]> {
  return (await repository(tx, Review).find({ where: { proofId }, order: { at: 'ASC', recordedAt: 'ASC' } })) as ReviewRow[];
}

export async function insertReview(tx: Tx, row: ReviewRow): Promise<void> {
  await repository(tx, Review).insert(row);
}

export async function decisionsOf(tx: Tx, proofId: string): Promise<DecisionRow[]> {
  return (await repository(tx, Decision).find({ where: { proofId }, order: { at: 'ASC', recordedAt: 'ASC' } })) as DecisionRow[];
}

export async function insertDecision(tx: Tx, row: DecisionRow): Promise<void> {
  await repository(tx, Decision).insert(row);
}

/** These proofs, in the order in which they are named. */
export async function proofsOf(tx: Tx, ids: readonly string[]): Promise<ProofRow[]> {
  const rows = await repository(tx, Proof).find({ where: { id: In([...ids]) } });
  return ids.flatMap((id) => rows.find((row) => row.id === id) ?? []);
}

import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { EnrolmentFinding, HoldKind, HoldReason, HoldState, HoldVerdict, RefusalDocument } from './refusal-model.ts';
import type { VoiceProfile } from './voice.ts';

export interface RefusalRow {
  id: string;
  accountId: string;
  proofId: string;
  provenName: string;
  signedDocumentId: string;
  digest: string;
  document: RefusalDocument;
  voiceProfile: VoiceProfile | null;
  leafId: string;
  registeredAt: Date;
  withdrawnAt: Date | null;
}

const REFUSAL = `
  SELECT r.id, r.account_id AS "accountId", r.proof_id AS "proofId", p.subject_name AS "provenName", r.signed_document_id AS "signedDocumentId",
    r.digest, d.canonical::jsonb AS document, r.voice_profile AS "voiceProfile", r.leaf_id AS "leafId", r.registered_at AS "registeredAt",
    r.withdrawn_at AS "withdrawnAt"
  FROM refusal AS r JOIN signed_document AS d ON d.id = r.signed_document_id JOIN ownership_proof AS p ON p.id = r.proof_id`;

/** Enrolments go on beside each other; a registration waits for those under way, and its sweep then sees them all. */
const REGISTER = 6_240;

export async function lockRegister(tx: Tx, how: 'read' | 'alone'): Promise<void> {
  await sql(tx, how === 'alone' ? 'SELECT pg_advisory_xact_lock($1)' : 'SELECT pg_advisory_xact_lock_shared($1)', [REGISTER]);
}

export async function insertRefusal(
  tx: Tx, row: Pick<RefusalRow, 'id' | 'accountId' | 'proofId' | 'signedDocumentId' | 'digest' | 'voiceProfile' | 'leafId' | 'registeredAt'>, keys: readonly string[],
): Promise<void> {
  await sql(tx, `
    INSERT INTO refusal (id, account_id, proof_id, signed_document_id, digest, voice_profile, voice_pitch_hz, leaf_id, registered_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  [row.id, row.accountId, row.proofId, row.signedDocumentId, row.digest, row.voiceProfile === null ? null : JSON.stringify(row.voiceProfile),
    row.voiceProfile?.f0MedianHz ?? null, row.leafId, row.registeredAt]);
  await sql(tx, 'INSERT INTO refusal_key (refusal_id, key) SELECT $1, key FROM unnest($2::text[]) AS key', [row.id, keys]);
}

export async function findRefusal(tx: Tx, refusalId: string): Promise<RefusalRow | null> {
  return await maybeOne<RefusalRow>(tx, `${REFUSAL} WHERE r.id = $1`, [refusalId]);
}

export async function lockRefusal(tx: Tx, refusalId: string): Promise<RefusalRow | null> {
  await sql(tx, 'SELECT id FROM refusal WHERE id = $1 FOR NO KEY UPDATE', [refusalId]);
  return await findRefusal(tx, refusalId);
}

export async function refusalsOf(tx: Tx, accountId: string): Promise<RefusalRow[]> {
  return await sql<RefusalRow>(tx, `${REFUSAL} WHERE r.account_id = $1 ORDER BY r.registered_at, r.id`, [accountId]);
}

export async function inForceOf(tx: Tx, accountId: string): Promise<RefusalRow | null> {
  return await maybeOne<RefusalRow>(tx, `${REFUSAL} WHERE r.account_id = $1 AND r.withdrawn_at IS NULL`, [accountId]);
}

export async function withdrawRefusal(tx: Tx, refusalId: string, by: { signedDocumentId: string; at: Date }): Promise<void> {
  await execute(tx, 'UPDATE refusal SET withdrawn_at = $2, withdrawal_document_id = $3 WHERE id = $1', [refusalId, by.at, by.signedDocumentId]);
  await execute(tx, `UPDATE enrolment_hold SET state = 'lapsed', decided_at = $2 WHERE refusal_id = $1 AND state = 'open'`, [refusalId, by.at]);
}

/** Refusals in force, of others, that share a key with an enrolment. */
export async function refusalsByKeys(tx: Tx, keys: readonly string[], enrollerId: string): Promise<RefusalRow[]> {
  return await sql<RefusalRow>(tx, `${REFUSAL}
    WHERE r.withdrawn_at IS NULL AND r.account_id <> $2 AND r.id IN (SELECT refusal_id FROM refusal_key WHERE key = ANY ($1))
    ORDER BY r.id`, [keys, enrollerId]);
}

/** Refusals in force, of others, whose voice has a pitch in this range. */
export async function refusalsByPitch(tx: Tx, range: { lowHz: number; highHz: number }, enrollerId: string): Promise<RefusalRow[]> {
  return await sql<RefusalRow>(tx, `${REFUSAL}
    WHERE r.withdrawn_at IS NULL AND r.account_id <> $3 AND r.voice_pitch_hz BETWEEN $1 AND $2 ORDER BY r.id`,
  [range.lowHz, range.highHz, enrollerId]);
}

/** The recording of a proof's voice challenge with its measurements, in whatever state the proof is. */
export async function voiceOfEvidence(
  tx: Tx, proofId: string, evidenceId: string,
): Promise<{ recordingSha256: string; profile: VoiceProfile } | null> {
  return await maybeOne(tx, `
    SELECT blob_digest AS "recordingSha256", finding -> 'profile' AS profile FROM ownership_evidence
    WHERE id = $2 AND proof_id = $1 AND kind = 'voice_challenge' AND state <> 'superseded'
      AND blob_digest IS NOT NULL AND finding -> 'profile' IS NOT NULL`, [proofId, evidenceId]);
}

export async function hasApprovedProof(tx: Tx, accountId: string, at: Date): Promise<boolean> {
  return (await sql(tx, `SELECT 1 FROM ownership_proof WHERE account_id = $1 AND state = 'approved' AND expires_at > $2 LIMIT 1`, [accountId, at])).length > 0;
}

/** Proofs that could lead to a clone, by id, for the sweep; locked, so that none is approved while it is looked at. */
export async function proofsAfter(
  tx: Tx, after: string, limit: number,
): Promise<{ proofId: string; accountId: string; name: string; handle: string; approved: boolean }[]> {
  return await sql(tx, `
    SELECT id AS "proofId", account_id AS "accountId", subject_name AS name, handle, state = 'approved' AS approved FROM ownership_proof
    WHERE id > $1 AND state NOT IN ('rejected', 'expired', 'withdrawn') ORDER BY id LIMIT $2 FOR NO KEY UPDATE`, [after, limit]);
}

export interface HoldRow {
  id: string;
  refusalId: string;
  registrantId: string;
  enrollerId: string;
  kind: HoldKind;
  proofId: string | null;
  cloneId: string | null;
  materialId: string | null;
  effect: 'holds' | 'flags';
  findings: EnrolmentFinding[];
  state: HoldState;
  openedAt: Date;
  decidedAt: Date | null;
  contest: string | null;
  contestedAt: Date | null;
}

const HOLD = `
  SELECT id, refusal_id AS "refusalId", registrant_id AS "registrantId", enroller_id AS "enrollerId", kind, proof_id AS "proofId",
    clone_id AS "cloneId", material_id AS "materialId", effect, findings, state, opened_at AS "openedAt", decided_at AS "decidedAt", contest,
    contested_at AS "contestedAt"
  FROM enrolment_hold`;

/** A hold for this refusal and subject exists once, whatever came of it: what was cleared is not held again. */
export async function insertHold(
  tx: Tx, row: Omit<HoldRow, 'state' | 'decidedAt' | 'contest' | 'contestedAt'>,
): Promise<void> {
  await sql(tx, `
    INSERT INTO enrolment_hold (id, refusal_id, registrant_id, enroller_id, kind, proof_id, clone_id, material_id, effect, findings, opened_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (refusal_id, kind, subject_id) DO NOTHING`,
  [row.id, row.refusalId, row.registrantId, row.enrollerId, row.kind, row.proofId, row.cloneId, row.materialId, row.effect,
    JSON.stringify(row.findings), row.openedAt]);
}

export async function findHold(tx: Tx, holdId: string): Promise<HoldRow | null> {
  return await maybeOne<HoldRow>(tx, `${HOLD} WHERE id = $1`, [holdId]);
}

export async function lockHold(tx: Tx, holdId: string): Promise<HoldRow | null> {
  await sql(tx, 'SELECT id FROM enrolment_hold WHERE id = $1 FOR NO KEY UPDATE', [holdId]);
  return await findHold(tx, holdId);
}

export async function holdsOfEnroller(tx: Tx, accountId: string, limit: number): Promise<HoldRow[]> {
  return await sql<HoldRow>(tx, `${HOLD} WHERE enroller_id = $1 ORDER BY opened_at DESC, id DESC LIMIT $2`, [accountId, limit]);
}

export async function holdsOfRefusal(tx: Tx, refusalId: string, limit: number): Promise<HoldRow[]> {
  return await sql<HoldRow>(tx, `${HOLD} WHERE refusal_id = $1 ORDER BY opened_at DESC, id DESC LIMIT $2`, [refusalId, limit]);
}

/** Open ones that this reviewer may still decide on, oldest first. */
export async function holdsWaitingFor(tx: Tx, reviewerId: string, limit: number): Promise<HoldRow[]> {
  return await sql<HoldRow>(tx, `${HOLD} AS h
    WHERE state = 'open' AND $1 NOT IN (enroller_id, registrant_id)
      AND NOT EXISTS (SELECT FROM enrolment_hold_review AS v WHERE v.hold_id = h.id AND v.reviewer_id = $1)
    ORDER BY opened_at, id LIMIT $2`, [reviewerId, limit]);
}

/** Whether something keeps this proof from being approved. */
export async function isProofBlocked(tx: Tx, proofId: string): Promise<boolean> {
  return (await one<{ blocked: boolean }>(tx, 'SELECT ownership_proof_blocked($1) AS blocked', [proofId])).blocked;
}

/** Whether something keeps a version of this clone, which stands on this proof, from being approved. */
export async function isCloneBlocked(tx: Tx, cloneId: string, proofId: string): Promise<boolean> {
  return (await one<{ blocked: boolean }>(tx, 'SELECT enrolment_blocked($1, ARRAY[$2]) AS blocked', [proofId, cloneId])).blocked;
}

export async function contestHold(tx: Tx, holdId: string, contest: { text: string; at: Date }): Promise<void> {
  await execute(tx, 'UPDATE enrolment_hold SET contest = $2, contested_at = $3 WHERE id = $1', [holdId, contest.text, contest.at]);
}

export async function decideHold(tx: Tx, holdId: string, state: 'cleared' | 'upheld', at: Date): Promise<void> {
  await execute(tx, 'UPDATE enrolment_hold SET state = $2, decided_at = $3 WHERE id = $1', [holdId, state, at]);
}

export interface HoldReviewRow { reviewerId: string; verdict: HoldVerdict; reasonCode: HoldReason; text: string; at: Date }

export async function holdReviews(tx: Tx, holdId: string): Promise<HoldReviewRow[]> {
  return await sql<HoldReviewRow>(tx, `
    SELECT reviewer_id AS "reviewerId", verdict, reason_code AS "reasonCode", text, at FROM enrolment_hold_review
    WHERE hold_id = $1 ORDER BY at, recorded_at`, [holdId]);
}

export async function insertHoldReview(tx: Tx, holdId: string, row: HoldReviewRow): Promise<void> {
  await sql(tx, 'INSERT INTO enrolment_hold_review (hold_id, reviewer_id, verdict, reason_code, text, at) VALUES ($1, $2, $3, $4, $5, $6)',
    [holdId, row.reviewerId, row.verdict, row.reasonCode, row.text, row.at]);
}

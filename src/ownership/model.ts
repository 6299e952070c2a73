import { cleanName } from '../identity/model.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';

/** Nouns and decisions of ownership proofs: pure, no clock, no I/O. */

export const PROOF_STATES = ['open', 'submitted', 'approved', 'rejected', 'expired', 'withdrawn'] as const;
export type ProofState = (typeof PROOF_STATES)[number];
export type ProofMove = 'submit' | 'approve' | 'reject' | 'expire' | 'withdraw';

/** The whole state machine. What is not in the table does not happen; PostgreSQL has the same table in a trigger. */
const MOVES: Readonly<Record<ProofState, Partial<Record<ProofMove, ProofState>>>> = {
  open: { submit: 'submitted' },
  submitted: { approve: 'approved', reject: 'rejected' },
  approved: { expire: 'expired', withdraw: 'withdrawn' },
  rejected: {},
  expired: {},
  withdrawn: {},
};

/** The state after a move. Refuses `proof_state` when there is no such move from here. */
export function moved(state: ProofState, move: ProofMove): ProofState {
  const next = MOVES[state][move];
  if (next === undefined) throw new Refusal('proof_state', `A proof that is ${state} cannot be asked to ${move}.`);
  return next;
}

/** How long an approval holds. */
export const PROOF_VALID_DAYS = 365;
export const APPROVALS_NEEDED = 2;
/** How old, or how far ahead, a claim's own time may be when it arrives. */
export const CLAIM_WINDOW_MS = 24 * 3_600_000;

export type EvidenceKind = 'domain' | 'voice_challenge';
export type EvidenceState = 'pending' | 'passed' | 'uploaded' | 'superseded';
export type Verdict = 'approve' | 'reject';
export const REJECT_REASONS = [
  'voice_differs', 'site_unrelated', 'evidence_unclear', 'impersonation', 'subject_objects',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];
export type WithdrawalReason = 'fraud' | 'mistake' | 'subject_request' | 'legal_order';
export type Language = 'en' | 'zh-CN';

/** A proof as other rooms see it. */
export interface ProofView {
  proofId: string;
  accountId: string;
  subjectName: string;
  state: ProofState;
  approvedAt: Date | null;
  expiresAt: Date | null;
}

/** The state at an instant: an approval that ran out is expired, whether or not its job has run yet. */
export function stateAt(proof: Pick<ProofView, 'state' | 'expiresAt'>, at: Date): ProofState {
  const over = proof.state === 'approved' && (proof.expiresAt === null || at.getTime() >= proof.expiresAt.getTime());
  return over ? 'expired' : proof.state;
}

/** The one question that the rest of the house asks. */
export function isProvenAt(proof: Pick<ProofView, 'state' | 'approvedAt' | 'expiresAt'>, at: Date): boolean {
  return stateAt(proof, at) === 'approved' && proof.approvedAt !== null && at.getTime() >= proof.approvedAt.getTime();
}

const STATEMENTS: Readonly<Record<Language, (subjectName: string) => string>> = {
  en: (name) =>
    `I am ${name}. The clone that is to be made under this claim is of myself. I know that a false claim ends this account's `
    + 'rights here and may be an offence.',
  'zh-CN': (name) => `我是${name}本人。依此声明制作的克隆体以我本人为对象。我知道虚假声明将使本账户在此的权利终止,并可能承担法律责任。`,
};

/** The claim in the house's own words. */
export function claimDocument(
  claim: { accountId: string; subjectName: string; handle: string; locale: Language; at: Date },
): OwnershipClaim {
  const subjectName = cleanName(claim.subjectName);
  return {
    type: 'benren.ownership_claim',
    schemaVersion: 1,
    accountId: claim.accountId,
    subjectName,
    handle: claim.handle,
    statement: STATEMENTS[claim.locale](subjectName),
    at: claim.at.toISOString(),
  };
}

export interface OwnershipClaim {
  type: 'benren.ownership_claim';
  schemaVersion: 1;
  accountId: string;
  subjectName: string;
  handle: string;
  statement: string;
  at: string;
}

/**
 * Reads a signed claim. Its form has been checked against the schema when it was signed; here it must be the caller's,
 * of now, for this name and in the house's words. Refuses `signature_mismatch`.
 */
export function readClaim(document: JsonObject, expected: { accountId: string; subjectName: string; now: Date }): OwnershipClaim {
  const text = (name: string): string => (typeof document[name] === 'string' ? document[name] : '');
  const subjectName = cleanName(expected.subjectName);
  const at = Date.parse(text('at'));
  const statement = text('statement');
  const problems = [
    [text('type') === 'benren.ownership_claim', 'It is no ownership claim.'],
    [text('accountId') === expected.accountId, 'The claim is of another account.'],
    [text('subjectName') === subjectName, 'The claim is for another name.'],
    [Object.values(STATEMENTS).some((words) => words(subjectName) === statement), 'The statement is not in our words.'],
    [Math.abs(expected.now.getTime() - at) <= CLAIM_WINDOW_MS, 'The claim was not made today.'],
  ] as const;
  const problem = problems.find(([holds]) => !holds);
  if (problem !== undefined) throw new Refusal('signature_mismatch', problem[1]);
  return {
    type: 'benren.ownership_claim', schemaVersion: 1, accountId: expected.accountId, subjectName,
    handle: text('handle'), statement, at: text('at'),
  };
}

/** Whether the evidence suffices to be looked at: both kinds, each as far as a machine can take it. */
export function checkComplete(evidence: readonly { kind: EvidenceKind; state: EvidenceState }[]): void {
  const missing = [
    ...(evidence.some((item) => item.kind === 'domain' && item.state === 'passed') ? [] : ['domain']),
    ...(evidence.some((item) => item.kind === 'voice_challenge' && item.state === 'uploaded') ? [] : ['voice_challenge']),
  ];
  if (missing.length > 0) {
    throw new Refusal('proof_incomplete', 'A checked site and a recorded voice challenge are needed first.', { extra: { missing } });
  }
}

/** Evidence changes only while its proof is open, only the current one, only in time. */
export function checkEvidenceUsable(
  evidence: { state: EvidenceState; expiresAt: Date }, proof: ProofState, now: Date,
): void {
  if (proof !== 'open') throw new Refusal('evidence_state', 'The proof is no longer open, so its evidence stays as it is.');
  if (evidence.state === 'superseded') throw new Refusal('evidence_state', 'A newer one has taken the place of this evidence.');
  if (now.getTime() >= evidence.expiresAt.getTime()) {
    throw new Refusal('evidence_state', 'The time for this has run out; ask for a new one.');
  }
}

/**
 * What one more review makes of a proof: `null` while another approval is needed. Refuses `review_self`,
 * `review_repeated` and `proof_state`.
 */
export function weighReview(
  proof: { accountId: string; state: ProofState },
  earlier: readonly { reviewerId: string; verdict: Verdict }[],
  review: { reviewerId: string; verdict: Verdict },
): 'approved' | 'rejected' | null {
  if (proof.accountId === review.reviewerId) throw new Refusal('review_self', 'Nobody reviews their own proof.');
  if (earlier.some((one) => one.reviewerId === review.reviewerId)) {
    throw new Refusal('review_repeated', 'You have reviewed this proof; the second review is another person\'s.');
  }
  const after = moved(proof.state, review.verdict === 'reject' ? 'reject' : 'approve');
  if (after === 'rejected') return 'rejected';
  const approvals = earlier.filter((one) => one.verdict === 'approve').length + 1;
  return approvals >= APPROVALS_NEEDED ? 'approved' : null;
}

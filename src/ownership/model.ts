import { cleanName } from '../identity/model.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { ACTING_KINDS, type EvidenceKind, SUBJECT_KINDS, type SubjectKind } from './levels.ts';

/** Nouns and decisions of ownership proofs: pure, no clock, no I/O. */

export { cleanName };

export const PROOF_STATES = ['open', 'submitted', 'approved', 'rejected', 'expired', 'withdrawn'] as const;
export type ProofState = (typeof PROOF_STATES)[number];
export type ProofMove = 'submit' | 'approve' | 'reject' | 'appeal' | 'expire' | 'withdraw';

/** The whole state machine. What is not in the table does not happen; PostgreSQL has the same table in a trigger. */
const MOVES: Readonly<Record<ProofState, Partial<Record<ProofMove, ProofState>>>> = {
  open: { submit: 'submitted' },
  submitted: { approve: 'approved', reject: 'rejected' },
  approved: { expire: 'expired', withdraw: 'withdrawn' },
  rejected: { appeal: 'submitted' },
  expired: {},
  withdrawn: {},
};

/** The state after a move. Refuses `proof_state` when there is no such move from here. */
export function moved(state: ProofState, move: ProofMove): ProofState {
  const next = MOVES[state][move];
  if (next === undefined) throw new Refusal('proof_state', `A proof that is ${state} cannot be asked to ${move}.`);
  return next;
}

const DAY_MS = 86_400_000;
export const APPROVALS_NEEDED = 2;
/** How old, or how far ahead, a claim's own time may be when it arrives. */
export const CLAIM_WINDOW_MS = 24 * 3_600_000;

export type { EvidenceKind, SubjectKind };
export type EvidenceState = 'pending' | 'passed' | 'uploaded' | 'superseded';
export type Verdict = 'approve' | 'reject';
export const REJECT_REASONS = [
  'voice_differs', 'face_differs', 'site_unrelated', 'account_unrelated', 'document_unreadable', 'document_doubtful',
  'authority_insufficient', 'voucher_doubtful', 'evidence_unclear', 'impersonation', 'subject_objects',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];
export type WithdrawalReason = 'fraud' | 'mistake' | 'subject_request' | 'legal_order';
export type Language = 'en' | 'zh-CN';

/** A proof as other rooms see it. */
export interface ProofView {
  proofId: string;
  accountId: string;
  subjectName: string;
  subjectKind: SubjectKind;
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

const KNOWS: Readonly<Record<Language, string>> = {
  en: "I know that a false claim ends this account's rights here and may be an offence.",
  'zh-CN': '我知道虚假声明将使本账户在此的权利终止,并可能承担法律责任。',
};

/** What is declared, by who declares it: of oneself, or of somebody for whom one acts. */
const STATEMENTS: Readonly<Record<'self' | 'representative' | 'heir' | 'guardian', Record<Language, (name: string, claimant: string) => string>>> = {
  self: {
    en: (name) => `I am ${name}. The clone that is to be made under this claim is of myself. ${KNOWS.en}`,
    'zh-CN': (name) => `我是${name}本人。依此声明制作的克隆体以我本人为对象。${KNOWS['zh-CN']}`,
  },
  representative: {
    en: (name, claimant) => `I am ${claimant} and act for ${name} with their authority. The clone under this claim is of ${name}. ${KNOWS.en}`,
    'zh-CN': (name, claimant) => `我是${claimant},经${name}授权代理其事务。依此声明制作的克隆体以${name}为对象。${KNOWS['zh-CN']}`,
  },
  heir: {
    en: (name, claimant) => `I am ${claimant}, an heir of ${name} who has died. The clone under this claim is of ${name}. ${KNOWS.en}`,
    'zh-CN': (name, claimant) => `我是${claimant},已故${name}的继承人。依此声明制作的克隆体以${name}为对象。${KNOWS['zh-CN']}`,
  },
  guardian: {
    en: (name, claimant) => `I am ${claimant}, the guardian of ${name}. The clone under this claim is of ${name}. ${KNOWS.en}`,
    'zh-CN': (name, claimant) => `我是${claimant},${name}的监护人。依此声明制作的克隆体以${name}为对象。${KNOWS['zh-CN']}`,
  },
};

const wordsFor = (kind: SubjectKind): (typeof STATEMENTS)['self'] =>
  STATEMENTS[kind === 'representative' || kind === 'heir' || kind === 'guardian' ? kind : 'self'];

export interface ClaimInput {
  subjectName: string;
  handle: string;
  locale: Language;
  subjectKind?: SubjectKind | undefined;
  /** The claimant's own name, where they act for the subject. */
  claimantName?: string | undefined;
  /** The proof that this one is to follow, of the same account and subject. */
  renews?: string | undefined;
}

export interface OwnershipClaim {
  type: 'benren.ownership_claim';
  schemaVersion: 1;
  accountId: string;
  subjectName: string;
  /** Absent in the oldest claims, which all said "I am": a private person's, the strictest reading. */
  subjectKind?: SubjectKind;
  claimantName?: string;
  renews?: string;
  handle: string;
  statement: string;
  at: string;
}

/** The claimant's name as a claim holds it: there exactly when somebody acts for another. Refuses `request_invalid`. */
function claimantOf(kind: SubjectKind, name: string | undefined): string | undefined {
  const acting = ACTING_KINDS.includes(kind);
  if (acting !== (name !== undefined)) {
    throw new Refusal('request_invalid', acting ? 'Who acts for another gives their own name too.' : 'Who claims for themself has one name.');
  }
  return name === undefined ? undefined : cleanName(name);
}

/** The claim in the house's own words. Refuses `request_invalid`. */
export function claimDocument(claim: ClaimInput & { accountId: string; at: Date }): OwnershipClaim {
  const subjectName = cleanName(claim.subjectName);
  const subjectKind = claim.subjectKind ?? 'private_person';
  const claimantName = claimantOf(subjectKind, claim.claimantName);
  return {
    type: 'benren.ownership_claim',
    schemaVersion: 1,
    accountId: claim.accountId,
    subjectName,
    subjectKind,
    ...(claimantName === undefined ? {} : { claimantName }),
    ...(claim.renews === undefined ? {} : { renews: claim.renews }),
    handle: claim.handle,
    statement: wordsFor(subjectKind)[claim.locale](subjectName, claimantName ?? ''),
    at: claim.at.toISOString(),
  };
}

export interface ReadClaim {
  subjectName: string;
  subjectKind: SubjectKind;
  claimantName: string | null;
  renews: string | null;
  handle: string;
  statement: string;
}

/**
 * Reads a signed claim. Its form has been checked against the schema when it was signed; here it must be the caller's,
 * of now, for this name and in the house's words. Refuses `signature_mismatch`.
 */
export function readClaim(document: JsonObject, expected: { accountId: string; subjectName: string; now: Date }): ReadClaim {
  const text = (name: string): string => (typeof document[name] === 'string' ? document[name] : '');
  const subjectName = cleanName(expected.subjectName);
  const at = Date.parse(text('at'));
  const statement = text('statement');
  const kind = document['subjectKind'] ?? 'private_person';
  const subjectKind = SUBJECT_KINDS.find((known) => known === kind);
  const claimantName = text('claimantName');
  const words = subjectKind === undefined ? [] : Object.values(wordsFor(subjectKind));
  const acting = subjectKind !== undefined && ACTING_KINDS.includes(subjectKind);
  const problems = [
    [text('type') === 'benren.ownership_claim', 'It is no ownership claim.'],
    [text('accountId') === expected.accountId, 'The claim is of another account.'],
    [text('subjectName') === subjectName, 'The claim is for another name.'],
    [acting === (claimantName !== ''), 'The claim does not name who claims.'],
    [words.some((say) => say(subjectName, claimantName) === statement), 'The statement is not in our words.'],
    [Math.abs(expected.now.getTime() - at) <= CLAIM_WINDOW_MS, 'The claim was not made today.'],
  ] as const;
  const problem = problems.find(([holds]) => !holds);
  if (problem !== undefined || subjectKind === undefined) {
    throw new Refusal('signature_mismatch', problem?.[1] ?? 'The claim is of no kind that is known here.');
  }
  const renews = text('renews');
  return {
    subjectName, subjectKind, claimantName: claimantName === '' ? null : claimantName, renews: renews === '' ? null : renews,
    handle: text('handle'), statement,
  };
}

/** Evidence that counts: answered, the current one of its kind, and not run out. */
export function countsAt(evidence: { state: EvidenceState; validUntil: Date | null }, at: Date): boolean {
  return (evidence.state === 'passed' || evidence.state === 'uploaded') && evidence.validUntil !== null
    && at.getTime() < evidence.validUntil.getTime();
}

/** When an approval of now would end: after the level's term, and no later than the first evidence that it rests on. */
export function approvalEnd(
  at: Date, reached: { set: readonly EvidenceKind[]; validDays: number },
  evidence: readonly { kind: EvidenceKind; state: EvidenceState; validUntil: Date | null }[],
): Date {
  const rests = evidence.filter((item) => reached.set.includes(item.kind) && countsAt(item, at));
  const ends = rests.map((item) => item.validUntil?.getTime() ?? at.getTime());
  return new Date(Math.min(at.getTime() + reached.validDays * DAY_MS, ...ends));
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

/** The first and the last round: a rejection is appealed once. */
export const LAST_ROUND = 2;

/** Refuses `proof_state` unless this rejection may still be appealed. */
export function checkAppealable(
  proof: { state: ProofState; round: number }, rejectedAt: Date | null, now: Date, withinDays: number,
): void {
  moved(proof.state, 'appeal');
  if (proof.round >= LAST_ROUND) throw new Refusal('proof_state', 'This was decided on appeal already; open a new proof instead.');
  if (rejectedAt === null || now.getTime() >= rejectedAt.getTime() + withinDays * DAY_MS) {
    throw new Refusal('proof_state', `An appeal is made within ${withinDays} days of the rejection.`);
  }
}

export interface Vote {
  reviewerId: string;
  verdict: Verdict;
  round: number;
}

/**
 * What one more review makes of a proof: `null` while another one is needed. In the first round two approvals approve and
 * one rejection rejects; on appeal two people must agree either way, and none of them has decided before. Refuses
 * `review_self`, `review_repeated` and `proof_state`.
 */
export function weighReview(
  proof: { accountId: string; state: ProofState; round: number }, earlier: readonly Vote[],
  review: { reviewerId: string; verdict: Verdict },
): 'approved' | 'rejected' | null {
  if (proof.accountId === review.reviewerId) throw new Refusal('review_self', 'Nobody reviews their own proof.');
  if (earlier.some((one) => one.reviewerId === review.reviewerId)) {
    throw new Refusal('review_repeated', 'You have reviewed this proof; the next review is another person\'s.');
  }
  const after = moved(proof.state, review.verdict === 'reject' ? 'reject' : 'approve');
  const agreeing = earlier.filter((one) => one.round === proof.round && one.verdict === review.verdict).length + 1;
  const needed = after === 'rejected' && proof.round === 1 ? 1 : APPROVALS_NEEDED;
  return agreeing < needed ? null : after === 'rejected' ? 'rejected' : 'approved';
}

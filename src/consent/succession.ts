import { Refusal } from '../kernel/refusals.ts';

export type HeirRole = 'heir' | 'executor' | 'guardian';

export interface Heir {
  accountId: string;
  name: string;
  role: HeirRole;
}

export interface SuccessionTerms {
  /** In order. */
  heirs: { accountId: string; role: HeirRole }[];
  waitingDays: number;
  /** Instant after which nothing runs any more. */
  sunset: string;
}

/** `contracts/rights/succession.schema.json`. */
export interface SuccessionDocument {
  type: 'benren.succession';
  schemaVersion: 1;
  successionId: string;
  owner: { accountId: string; name: string };
  heirs: Heir[];
  waitingDays: number;
  sunset: string;
  supersedes: string | null;
  at: string;
}

export const CASE_STATES = ['reported', 'frozen', 'waiting', 'disputed', 'settled', 'dismissed', 'undone'] as const;
export type CaseState = (typeof CASE_STATES)[number];
export type CaseMove = 'freeze' | 'accept' | 'dissent' | 'settle' | 'dismiss' | 'undo';

/** The whole state machine of a death report; PostgreSQL has the same in `death_case_moves`. */
const MOVES: Readonly<Record<CaseState, Partial<Record<CaseMove, CaseState>>>> = {
  reported: { freeze: 'frozen', dismiss: 'dismissed', undo: 'undone' },
  frozen: { accept: 'waiting', dissent: 'disputed', dismiss: 'dismissed', undo: 'undone' },
  waiting: { settle: 'settled', dissent: 'disputed', undo: 'undone' },
  disputed: { accept: 'waiting', dismiss: 'dismissed', undo: 'undone' },
  settled: {},
  dismissed: {},
  undone: {},
};

export function movedCase(state: CaseState, move: CaseMove): CaseState {
  const next = MOVES[state][move];
  if (next === undefined) throw new Refusal('succession_state', `A report that is ${state} cannot be asked to ${move}.`);
  return next;
}

/** While one of these holds, everything of the owner's stands still, and nobody but an heir speaks for them. */
export function isFrozen(state: CaseState): boolean {
  return ['frozen', 'waiting', 'disputed'].includes(state);
}

/** Reviewers who must agree: one to freeze, two on the papers and two after each dissent. */
export const LOOKS_NEEDED = 1;
export const APPROVALS_NEEDED_FOR_PAPERS = 2;

export interface CaseReview {
  reviewer: string;
  verdict: 'approve' | 'reject';
}

/**
 * What a review does to a report: the move it completes, or null while more are needed. A rejection ends it.
 * Refuses `review_self` for the owner, the reporter and every heir, `review_repeated` within a round, `succession_state`.
 */
export function weighCase(
  report: { state: CaseState; interested: readonly string[] }, earlier: readonly CaseReview[], review: CaseReview,
): Extract<CaseMove, 'freeze' | 'accept' | 'dismiss'> | null {
  if (report.interested.includes(review.reviewer)) throw new Refusal('review_self', 'Nobody reviews what they gain or lose by.');
  if (earlier.some(({ reviewer }) => reviewer === review.reviewer)) {
    throw new Refusal('review_repeated', 'You have reviewed this; the second review is another person’s.');
  }
  const move = review.verdict === 'reject' ? 'dismiss' : report.state === 'reported' ? 'freeze' : 'accept';
  movedCase(report.state, move);
  if (move === 'dismiss') return move;
  const approvals = earlier.filter(({ verdict }) => verdict === 'approve').length + 1;
  return approvals >= (move === 'freeze' ? LOOKS_NEEDED : APPROVALS_NEEDED_FOR_PAPERS) ? move : null;
}

/** Refuses `succession_invalid`. */
export function checkedSuccession(ownerAccountId: string, terms: SuccessionTerms, now: Date): SuccessionTerms {
  const invalid = (detail: string): Refusal => new Refusal('succession_invalid', detail);
  const sunset = new Date(terms.sunset);
  if (Number.isNaN(sunset.getTime()) || sunset <= now) throw invalid('The sunset is no instant to come.');
  const names = terms.heirs.map(({ accountId }) => accountId);
  if (new Set(names).size !== names.length) throw invalid('An heir stands twice.');
  if (names.includes(ownerAccountId)) throw invalid('Nobody is their own heir.');
  return { ...terms, sunset: sunset.toISOString() };
}

/** The first in order who has accepted; null while nobody has. */
export function successor(document: SuccessionDocument, accepted: readonly string[]): Heir | null {
  return document.heirs.find(({ accountId }) => accepted.includes(accountId)) ?? null;
}

export interface DeathReportDocument {
  type: 'benren.death_report';
  schemaVersion: 1;
  successionId: string;
  successionDigest: string;
  owner: { accountId: string; name: string };
  reporterAccountId: string;
  diedOn: string;
  papers: string[];
  statement: string;
}

const STATEMENT = 'I report this death in my own name. I know that a false report may be an offence. · 本人如实报告上述死亡,知悉虚假报告可能构成违法。';

export function deathReport(
  succession: { document: SuccessionDocument; digest: string }, reporterAccountId: string, said: { diedOn: string; papers: readonly string[] },
): DeathReportDocument {
  return {
    type: 'benren.death_report', schemaVersion: 1, successionId: succession.document.successionId, successionDigest: succession.digest,
    owner: succession.document.owner, reporterAccountId, diedOn: said.diedOn, papers: [...said.papers].sort(), statement: STATEMENT,
  };
}

export interface LifeDeclarationDocument {
  type: 'benren.life_declaration';
  schemaVersion: 1;
  caseId: string;
  ownerAccountId: string;
  statement: 'I am alive. · 我仍在世。';
}

export function lifeDeclaration(caseId: string, ownerAccountId: string): LifeDeclarationDocument {
  return { type: 'benren.life_declaration', schemaVersion: 1, caseId, ownerAccountId, statement: 'I am alive. · 我仍在世。' };
}

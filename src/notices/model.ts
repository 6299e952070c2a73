import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { foldCharacters } from '../kernel/folding.ts';
import { Refusal } from '../kernel/refusals.ts';
import { cleanName } from '../clones/model.ts';

/** Nouns and decisions of notices: pure, no clock, no I/O. */

export type NoticeState = 'filed' | 'claimed' | 'dismissed' | 'held' | 'countered' | 'case_pending' | 'unanswered' | 'restored' | 'upheld';
export type NoticeMove = 'claim' | 'unclaim' | 'dismiss' | 'verify' | 'counter' | 'expire' | 'show_case' | 'restore' | 'uphold';

/** The whole state machine; PostgreSQL has the same table in a trigger. */
const MOVES: Readonly<Record<NoticeState, Partial<Record<NoticeMove, NoticeState>>>> = {
  filed: { claim: 'claimed' },
  claimed: { unclaim: 'filed', dismiss: 'dismissed', verify: 'held' },
  held: { counter: 'countered', expire: 'unanswered' },
  countered: { show_case: 'case_pending', restore: 'restored' },
  case_pending: { restore: 'restored', uphold: 'upheld' },
  unanswered: { restore: 'restored', uphold: 'upheld' },
  dismissed: {},
  restored: {},
  upheld: {},
};

/** Refuses `notice_state` when there is no such move from here. */
export function movedNotice(state: NoticeState, move: NoticeMove): NoticeState {
  const next = MOVES[state][move];
  if (next === undefined) throw new Refusal('notice_state', `A notice that is ${state} does not allow this.`);
  return next;
}

export type TargetKind = 'clone' | 'output' | 'file' | 'url';
export interface Target { kind: TargetKind; value: string }

export interface Elements {
  name: string;
  contact: string;
  represented: string | null;
  target: Target;
  identification: string;
  statement: string;
  goodFaith: true;
  authorityUnderPenaltyOfPerjury: true;
}

export interface NoticeDocument extends Elements {
  type: 'benren.notice';
  schemaVersion: 1;
  accountId: string | null;
  at: string;
}

export interface CounterNoticeDocument {
  type: 'benren.counter_notice';
  schemaVersion: 1;
  accountId: string;
  noticeId: string;
  noticeSha256: string;
  statement: string;
  mistakeUnderPenaltyOfPerjury: true;
  acceptsJurisdiction: true;
  at: string;
}

const plain = (text: string): string => text.normalize('NFC').trim();

/** A notice as it is kept and signed: NFC, trimmed, nothing invisible in names. Refuses `request_invalid`. */
export function noticeDocument(asked: Elements & { accountId: string | null; at: string }): NoticeDocument {
  const [contact, identification, statement] = [plain(asked.contact), plain(asked.identification), plain(asked.statement)];
  if (contact.length < 3 || identification === '' || statement === '') throw new Refusal('request_invalid', 'A text holds nothing.');
  if (![contact, identification, statement].every((text) => text.isWellFormed())) throw new Refusal('request_invalid', 'A text holds a lone surrogate.');
  if (asked.target.kind === 'url' && !/^https?:\/\/[^\s/]+/i.test(asked.target.value)) throw new Refusal('request_invalid', 'The address begins with https://.');
  return {
    type: 'benren.notice', schemaVersion: 1, accountId: asked.accountId, name: cleanName(asked.name), contact,
    represented: asked.represented === null ? null : cleanName(asked.represented),
    target: { kind: asked.target.kind, value: plain(asked.target.value) }, identification, statement, goodFaith: true,
    authorityUnderPenaltyOfPerjury: true, at: asked.at,
  };
}

export const digestOf = (document: object): string => sha256Hex(canonicalJson(document));

/** What makes two notices the same: everything but the moment, and what no reader tells apart. */
export function sameness({ at: _at, ...elements }: NoticeDocument): string {
  return foldCharacters(canonicalJson({ ...elements, contact: elements.contact.toLowerCase() })).replaceAll(/\s+/g, ' ');
}

/** A typed signature is one's own name, as declared. Refuses `signature_mismatch`. */
export function checkTypedName(typed: string, name: string): void {
  const folded = (text: string): string => foldCharacters(text).replaceAll(/\s+/g, ' ').trim();
  if (folded(typed) !== folded(name)) throw new Refusal('signature_mismatch', 'Sign with your name as you gave it above.');
}

/** Whether what was signed is what would be drafted now, but for its time. Refuses `signature_mismatch`. */
export function checkSigned<T extends { at: string }>(signed: JsonObject, drafted: T, now: Date): T {
  const at = typeof signed['at'] === 'string' ? signed['at'] : '';
  if (canonicalJson(signed) !== canonicalJson({ ...drafted, at })) throw new Refusal('signature_mismatch', 'What was signed is not what was sent.');
  if (!(Math.abs(now.getTime() - Date.parse(at)) <= DAY_MS)) throw new Refusal('signature_mismatch', 'It was not signed today.');
  return { ...drafted, at };
}

export function counterDocument(asked: { accountId: string; noticeId: string; noticeSha256: string; statement: string; at: string }): CounterNoticeDocument {
  return {
    ...asked, type: 'benren.counter_notice', schemaVersion: 1, statement: plain(asked.statement), mistakeUnderPenaltyOfPerjury: true, acceptsJurisdiction: true,
  };
}

export const DISMISS_REASONS = ['incomplete', 'not_that_person', 'authorised', 'lawful_use', 'unknown_target', 'abusive'] as const;
export const VERIFY_REASONS = ['identity_shown', 'authority_shown'] as const;
export const UPHOLD_REASONS = ['no_counter_notice', 'court_decision', 'settlement'] as const;
export const RESTORE_REASONS = ['case_lost', 'case_ended', 'mistake', 'settlement'] as const;
export type NoticeReason =
  | (typeof DISMISS_REASONS)[number] | (typeof VERIFY_REASONS)[number] | (typeof UPHOLD_REASONS)[number] | (typeof RESTORE_REASONS)[number];
/** Why a job restores: nobody showed a case in time. */
export const WINDOW_PASSED = 'window_passed';

export type Verdict = 'verify' | 'dismiss' | 'uphold' | 'restore';
const REASONS: Readonly<Record<Verdict, readonly string[]>> = {
  verify: VERIFY_REASONS, dismiss: DISMISS_REASONS, uphold: UPHOLD_REASONS, restore: RESTORE_REASONS,
};

export interface ReviewFacts { reviewerId: string; verdict: Verdict; reasonCode: string; actsOn: 'clone' | 'output' | null; targetId: string | null }

/** Who may review at all, and once. Refuses `review_party`, `review_repeated`, `request_invalid`. */
export function checkReview(parties: readonly (string | null)[], earlier: readonly { reviewerId: string }[], review: ReviewFacts): void {
  if (parties.includes(review.reviewerId)) throw new Refusal('review_party', 'You are a party to this case; others decide it.');
  if (earlier.some(({ reviewerId }) => reviewerId === review.reviewerId)) {
    throw new Refusal('review_repeated', 'You have reviewed this; the second review is another person\'s.');
  }
  if (!REASONS[review.verdict].includes(review.reasonCode)) throw new Refusal('request_invalid', `The reason ${review.reasonCode} is none to ${review.verdict}.`);
}

/**
 * What one more review makes of a claimed notice: null while another is needed. One reviewer dismisses; a clone is held by
 * two who agree on what it is, a single output by one.
 */
export function weighTriage(earlier: readonly ReviewFacts[], review: ReviewFacts): 'dismiss' | 'verify' | null {
  if (review.verdict === 'dismiss') return 'dismiss';
  const other = earlier.find(({ verdict }) => verdict === 'verify');
  if (other !== undefined && (other.actsOn !== review.actsOn || other.targetId !== review.targetId)) {
    throw new Refusal('notice_state', 'The reviewer before you verified another target; dismiss it, or agree.');
  }
  return review.actsOn === 'output' || other !== undefined ? 'verify' : null;
}

/** Two who agree conclude. */
export function weighConclusion(earlier: readonly ReviewFacts[], review: ReviewFacts): 'uphold' | 'restore' | null {
  const agrees = earlier.some(({ verdict }) => verdict === review.verdict);
  return agrees && (review.verdict === 'uphold' || review.verdict === 'restore') ? review.verdict : null;
}

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** How long each side has, in days; business time. The window after a counter-notice is never shorter than 14 days. */
export interface Deadlines { claimDays: number; decideDays: number; counterDays: number; windowDays: number }
export const DEADLINES: Deadlines = { claimDays: 3, decideDays: 5, counterDays: 14, windowDays: 14 };

export function dueIn(state: NoticeState, at: Date, days: Deadlines): Date | null {
  const count: Partial<Record<NoticeState, number>> = {
    filed: days.claimDays, claimed: days.decideDays, held: days.counterDays, countered: Math.max(14, days.windowDays),
  };
  const found = count[state];
  return found === undefined ? null : new Date(at.getTime() + found * DAY_MS);
}

/** How many notices may come in how long, counted by keyed hashes. */
export interface Limit { by: 'network' | 'contact'; count: number; withinMs: number }
export const LIMITS: readonly Limit[] = [
  { by: 'network', count: 10, withinMs: HOUR_MS }, { by: 'network', count: 30, withinMs: DAY_MS }, { by: 'contact', count: 5, withinMs: DAY_MS },
];
/** Open notices on one target, of people without a proof: more say nothing new. */
export const OPEN_ON_TARGET = 20;
/** After an abusive notice: one in thirty days, for half a year. */
export const ABUSIVE = { count: 1, withinMs: 30 * DAY_MS, forMs: 180 * DAY_MS } as const;

/** @param until when the next one is accepted */
export function floodRefusal(until: Date, now: Date): Refusal {
  const retryAfterSeconds = Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1_000));
  return new Refusal('rate_limited', 'Too many notices came from here; nothing of this one was kept. Try again later.', { extra: { retryAfterSeconds } });
}

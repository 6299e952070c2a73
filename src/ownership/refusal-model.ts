import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import { cleanName, type Language } from './model.ts';
import { formsOf, type Label, type NameMatch, nearLabels } from './refusal-names.ts';

/** Nouns and decisions of the registry of refusal ("none of me"): pure, no clock, no I/O. */

export interface RefusedHandle { handle: string; place: string }

export interface RefusalDocument {
  type: 'benren.refusal';
  schemaVersion: 1;
  accountId: string;
  proofId: string;
  names: string[];
  handles: RefusedHandle[];
  /** The voice challenge of the proof whose measurements are kept for comparison. */
  voice: { evidenceId: string; recordingSha256: string } | null;
  statement: string;
  at: string;
}

export interface RefusalWithdrawal {
  type: 'benren.refusal_withdrawal';
  schemaVersion: 1;
  accountId: string;
  refusalId: string;
  refusalSha256: string;
}

export const NAMES_MAX = 10;
export const HANDLES_MAX = 20;

const STATEMENTS: Readonly<Record<Language, (name: string) => string>> = {
  en: (name) =>
    `I am ${name}. I want no clone of me here: none of my voice, my face, my name. Whoever enrols what is near to me is to be held until `
    + 'people have looked at it. I know that a false entry ends this account\'s rights here.',
  'zh-CN': (name) => `我是${name}本人。我不同意在此制作我的任何克隆体：不得使用我的声音、我的面容、我的姓名。凡与我相近的登记，须先由人工审核。我知道虚假登记将使本账户在此的权利终止。`,
};

/** The refusal in the house's own words. The proven name is always among the names. */
export function refusalDocument(asked: {
  accountId: string; proofId: string; subjectName: string; names: readonly string[]; handles: readonly RefusedHandle[];
  voice: RefusalDocument['voice']; locale: Language; at: Date;
}): RefusalDocument {
  const names = [...new Set([asked.subjectName, ...asked.names.map(cleanName)])];
  const handles = asked.handles.map(({ handle, place }) => ({ handle: cleanName(handle), place: cleanName(place) }));
  if (names.length > NAMES_MAX) throw new Refusal('request_invalid', `A refusal holds at most ${NAMES_MAX} names, the proven one included.`);
  const unreadable = [...names, ...handles.map(({ handle }) => handle)].find((text) => formsOf({ what: 'name', text }).length === 0);
  if (unreadable !== undefined) throw new Refusal('request_invalid', 'A name or handle has nothing in it that could be compared.');
  return {
    type: 'benren.refusal', schemaVersion: 1, accountId: asked.accountId, proofId: asked.proofId, names, handles, voice: asked.voice,
    statement: STATEMENTS[asked.locale](asked.subjectName), at: asked.at.toISOString(),
  };
}

/** Whether what was signed is what would be drafted now, but for its time. Refuses `signature_mismatch`. */
export function checkSignedRefusal(signed: JsonObject, drafts: readonly RefusalDocument[], now: Date, windowMs: number): RefusalDocument {
  const at = typeof signed['at'] === 'string' ? signed['at'] : '';
  const fits = drafts.find((draft) => canonicalJson({ ...draft, at }) === canonicalJson(signed));
  if (fits === undefined) throw new Refusal('signature_mismatch', 'What was signed is not this refusal in our words.');
  if (!(Math.abs(now.getTime() - Date.parse(at)) <= windowMs)) throw new Refusal('signature_mismatch', 'The refusal was not made today.');
  return { ...fits, at };
}

export function withdrawalDocument(refusal: { id: string; accountId: string; digest: string }): RefusalWithdrawal {
  return { type: 'benren.refusal_withdrawal', schemaVersion: 1, accountId: refusal.accountId, refusalId: refusal.id, refusalSha256: refusal.digest };
}

export const digestOfDocument = (document: JsonObject): string => sha256Hex(canonicalJson(document));

/** What is looked for among the refusals: the labels of an enrolment. */
export function enrolmentLabels(enrolment: { name: string; handle: string }): Label[] {
  return [{ what: 'name', text: enrolment.name }, { what: 'handle', text: enrolment.handle }];
}

export function refusalLabels(document: Pick<RefusalDocument, 'names' | 'handles'>): Label[] {
  return [
    ...document.names.map((text): Label => ({ what: 'name', text })),
    ...document.handles.map(({ handle }): Label => ({ what: 'handle', text: handle })),
  ];
}

export interface LabelFinding extends NameMatch {
  what: 'name' | 'handle';
  /** Whether the refused name is the one that reviewers saw proven, or one that the registrant added. */
  proven: boolean;
}
export interface VoiceFinding { what: 'voice'; distance: number }
export type EnrolmentFinding = LabelFinding | VoiceFinding;

/** Why an enrolment is near to a refusal by what it is called; empty when it is not. */
export function nearByLabels(
  refusal: Pick<RefusalDocument, 'names' | 'handles'> & { provenName: string }, enrolled: readonly Label[],
): LabelFinding[] {
  return enrolled.flatMap((label) => refusalLabels(refusal).flatMap((refused): LabelFinding[] => {
    const match = nearLabels(refused, label);
    return match === null ? [] : [{ ...match, what: label.what, proven: refused.what === 'name' && refused.text === refusal.provenName }];
  }));
}

/**
 * Up to this distance two voices are near (inference/profile/compare.ts). Of one speaker's real recordings with 2.4 s of voice
 * or more, the pairs lie between 0.15 and 0.87 apart; another register or vocal tract begins at about 1.2. Two people of one
 * register can lie nearer than that: so it holds for people to listen, and decides nothing.
 */
export const VOICE_NEAR = 0.9;

/** By how many semitones two medians of pitch may differ at that distance at most: what an index can look for first. */
export const PITCH_REACH_SEMITONES = 4;

export type HoldKind = 'proof' | 'clone' | 'voice';
export type HoldState = 'open' | 'cleared' | 'upheld' | 'lapsed';
export type HoldVerdict = 'clear' | 'uphold';
export const CLEAR_REASONS = ['different_person', 'same_person', 'registrant_consents'] as const;
export const UPHOLD_REASONS = ['impersonation', 'consent_missing'] as const;
export type HoldReason = (typeof CLEAR_REASONS)[number] | (typeof UPHOLD_REASONS)[number];
export const HOLD_REVIEWS_NEEDED = 2;

/** What one more review makes of a hold: null while another is needed. Refuses `review_party`, `review_repeated`, `enrolment_hold_state`. */
export function weighHoldReview(
  hold: { state: HoldState; enrollerId: string; registrantId: string },
  earlier: readonly { reviewerId: string; verdict: HoldVerdict }[],
  review: { reviewerId: string; verdict: HoldVerdict; reasonCode: HoldReason },
): 'cleared' | 'upheld' | null {
  if (review.reviewerId === hold.enrollerId || review.reviewerId === hold.registrantId) {
    throw new Refusal('review_party', 'You are a party to this case; others decide it.');
  }
  if (hold.state !== 'open') throw new Refusal('enrolment_hold_state', `This was decided already: it is ${hold.state}.`);
  if (earlier.some((one) => one.reviewerId === review.reviewerId)) {
    throw new Refusal('review_repeated', 'You have reviewed this; the second review is another person\'s.');
  }
  const fitting: readonly string[] = review.verdict === 'clear' ? CLEAR_REASONS : UPHOLD_REASONS;
  if (!fitting.includes(review.reasonCode)) throw new Refusal('request_invalid', `The reason ${review.reasonCode} is none to ${review.verdict}.`);
  const agreeing = earlier.filter((one) => one.verdict === review.verdict).length + 1;
  if (agreeing < HOLD_REVIEWS_NEEDED) return null;
  return review.verdict === 'clear' ? 'cleared' : 'upheld';
}

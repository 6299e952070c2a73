import { canonicalJson } from '../kernel/canonical-json.ts';
import type { GrantTerms, VolumeCap } from './grant.ts';
import { isUnderAge } from './legal-age.ts';
import { missingFor, REGIMES, voidBecause } from './legal.ts';
import { foldWord } from './words.ts';

/** How a later grant stands to an earlier one: what it allows beside what the earlier allowed. */
export type Change = 'same' | 'narrower' | 'wider' | 'mixed';

interface Direction {
  narrows: boolean;
  widens: boolean;
}

const SAME: Direction = { narrows: false, widens: false };
const MIXED: Direction = { narrows: true, widens: true };

/** More members allow more. */
function bySet(before: Iterable<string>, after: Iterable<string>): Direction {
  const [old, now] = [new Set(before), new Set(after)];
  return { narrows: [...old].some((item) => !now.has(item)), widens: [...now].some((item) => !old.has(item)) };
}

function flip({ narrows, widens }: Direction): Direction {
  return { narrows: widens, widens: narrows };
}

/** A higher number allows more. */
function byNumber(before: number, after: number): Direction {
  return { narrows: after < before, widens: after > before };
}

/** Nothing is said of which of two different values allows more. */
function byValue(before: unknown, after: unknown): Direction {
  return canonicalJson(before) === canonicalJson(after) ? SAME : MIXED;
}

function forbidden(terms: GrantTerms): string[] {
  return [...terms.forbiddenTopics.flatMap((topic) => [...topic.words.zh, ...topic.words.en]), ...terms.forbiddenPhrases].map(foldWord);
}

function given(flags: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(flags).filter((name) => flags[name] === true);
}

/** Everything that is a plain yes or no, in the sense in which a yes allows more. */
function flags(terms: GrantTerms): string[] {
  const { training, postMortem, compensation } = terms;
  return [
    ...given(terms.capabilities).map((name) => `capability ${name}`),
    ...given({ ...terms.separateConsent, statement: false }).map((name) => `consent ${name}`),
    ...given({
      adult: terms.adultContent, political: terms.politicalContent, sublicence: terms.sublicence, survival: terms.survivalOfExistingWorks,
      training: training.allowed, derived: training.derivedModels, kept: !training.deleteOnEnd, postMortem: postMortem.allowed,
      audit: compensation.auditRight, ofAge: !isUnderAge(terms), keepsReleased: terms.withdrawal.effect === 'stop_new',
    }),
  ];
}

/** The loosest caps of a kind count; where there is none, there is no bound. */
function bound(caps: readonly VolumeCap[], kind: Pick<VolumeCap, 'capability' | 'window'>, of: 'outputs' | 'seconds'): number {
  const bounds = caps.filter((cap) => cap.capability === kind.capability && cap.window === kind.window).map((cap) => cap[of] ?? Number.POSITIVE_INFINITY);
  return Math.min(Number.POSITIVE_INFINITY, ...bounds);
}

function byCaps(before: readonly VolumeCap[], after: readonly VolumeCap[]): Direction[] {
  return [...before, ...after].flatMap((kind) =>
    (['outputs', 'seconds'] as const).map((of) => byNumber(bound(before, kind, of), bound(after, kind, of))));
}

const APPROVALS = ['before', 'after', 'none'];

function byApproval(before: GrantTerms['outputApproval'], after: GrantTerms['outputApproval']): Direction[] {
  return [
    byNumber(APPROVALS.indexOf(before.mode), APPROVALS.indexOf(after.mode)),
    before.mode === 'after' || after.mode === 'after' ? flip(byNumber(before.undoHours, after.undoHours)) : SAME,
  ];
}

function byCompensation(before: GrantTerms['compensation'], after: GrantTerms['compensation']): Direction[] {
  const floors = before.floorMinor === '0' && after.floorMinor === '0';
  return [
    byNumber(before.model === 'free' ? 0 : 1, after.model === 'free' ? 0 : 1),
    flip(byNumber(before.rateBasisPoints, after.rateBasisPoints)),
    floors ? SAME : byValue([before.floorMinor, before.currency], [after.floorMinor, after.currency]),
  ];
}

/** What the law makes of the terms: a check that begins to hold allows more, wherever the terms themselves went. */
function lawful(terms: GrantTerms): string[] {
  return [...REGIMES.flatMap((regime) => missingFor(regime, terms).map((missing) => `${regime} ${missing}`)), ...voidBecause(terms)];
}

function directions(before: GrantTerms, after: GrantTerms): Direction[] {
  const earlier = Date.parse(before.validFrom) - Date.parse(after.validFrom);
  const purposes = (terms: GrantTerms): string[] => terms.purposes.map((p) => JSON.stringify([p.name, p.intendedUses, [...p.works].sort()]));
  /** Described in other words, these are other things; the law may read them otherwise. */
  const rest = (terms: GrantTerms): unknown => [
    { ...terms.subject, stageNames: [], isMinor: false }, terms.signer, terms.courtApproval, terms.representation, terms.termsInitialled,
    terms.languageRead, terms.governingLaw, terms.separateConsent.statement, terms.withdrawal.method, terms.disclosureText, terms.explicitLabelWaiver,
    { ...terms.postMortem, allowed: false },
  ];
  return [
    bySet(flags(before), flags(after)),
    bySet(before.subject.stageNames, after.subject.stageNames),
    bySet(before.media, after.media),
    bySet(before.languages, after.languages),
    bySet(before.territories, after.territories),
    bySet(before.audiences, after.audiences),
    bySet(before.ageBands, after.ageBands),
    bySet(before.tiers, after.tiers),
    // A purpose described in other words is another purpose: the old text is gone, the new one has come.
    bySet(purposes(before), purposes(after)),
    bySet(before.endorsementCategories, after.endorsementCategories),
    bySet(before.training.sources, after.training.sources),
    flip(bySet(forbidden(before), forbidden(after))),
    flip(bySet(lawful(before), lawful(after))),
    byNumber(before.withdrawal.noticeDays, after.withdrawal.noticeDays),
    ...byCaps(before.volumeCaps, after.volumeCaps),
    ...byApproval(before.outputApproval, after.outputApproval),
    ...byCompensation(before.compensation, after.compensation),
    byValue(rest(before), rest(after)),
    { narrows: earlier < 0, widens: earlier > 0 },
    byNumber(Date.parse(before.validUntil), Date.parse(after.validUntil)),
  ];
}

/**
 * Compares two grants member by member. Sound for `decide`: `narrower` allows nothing that the earlier one denied,
 * `wider` denies nothing that the earlier one allowed. It errs towards `mixed`, which is treated as narrowing.
 */
export function compareGrants(before: GrantTerms, after: GrantTerms): Change {
  const all = directions(before, after);
  const narrows = all.some((direction) => direction.narrows);
  const widens = all.some((direction) => direction.widens);
  if (narrows) return widens ? 'mixed' : 'narrower';
  return widens ? 'wider' : 'same';
}

/** Whether what was decided under the earlier grant must be decided again. */
export function narrows(change: Change): boolean {
  return change === 'narrower' || change === 'mixed';
}

import { Refusal } from '../kernel/refusals.ts';
import type { Amendment, FirstGrant, GrantDocument, GrantTerms, Unrendered } from './grant.ts';
import { readDocument, TERM_NAMES } from './grant-read.ts';
import { addYears, birthdayOf, isUnderAge } from './legal-age.ts';
import { LONGEST_MINOR_TERM_YEARS, LONGEST_TERM_YEARS, voidBecause } from './legal.ts';
import { TERRITORIES } from './territories.ts';
import { foldWord } from './words.ts';

const SHORTEST_STATEMENT = 20;

function invalid(detail: string): Refusal {
  return new Refusal('document_invalid', detail);
}

/** An instant as we write it everywhere: UTC, milliseconds, `Z`. */
function instant(text: string, member: string): Date {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new Refusal('grant_term_invalid', `${member} is not an instant.`);
  return new Date(time);
}

/** Finite, forward, at most ten years, and not over already (Civil Code 1022: never an open-ended licence). */
function checkTerm(terms: GrantTerms, now: Date): void {
  const from = instant(terms.validFrom, 'validFrom');
  const until = instant(terms.validUntil, 'validUntil');
  if (until <= from) throw new Refusal('grant_term_invalid', 'The grant ends before it starts.');
  if (until <= now) throw new Refusal('grant_term_invalid', 'The grant would be over already.');
  // No longer than NO FAKES (S.4591) lets an adult's or a minor's licence run.
  const minor = isUnderAge({ subject: terms.subject, validFrom: from.toISOString() });
  const years = minor ? LONGEST_MINOR_TERM_YEARS : LONGEST_TERM_YEARS;
  if (until > addYears(from, years)) throw new Refusal('grant_term_invalid', `This grant runs for at most ${years} years.`);
  const { dateOfBirth } = terms.subject;
  if (minor && dateOfBirth !== null && until > birthdayOf(dateOfBirth, 18)) {
    throw new Refusal('grant_term_invalid', 'A minor\'s grant ends with the 18th birthday at the latest.');
  }
}

function checkUnique(names: readonly string[], what: string): void {
  if (new Set(names).size !== names.length) throw invalid(`A ${what} stands twice.`);
}

function checkScope(terms: GrantTerms): void {
  if (!Object.values(terms.capabilities).includes(true)) throw invalid('A grant of nothing: name at least one capability.');
  for (const [what, names] of [
    ['language', terms.languages], ['territory', terms.territories], ['audience', terms.audiences],
    ['age band', terms.ageBands], ['tier', terms.tiers], ['purpose', terms.purposes.map((purpose) => purpose.name)],
    ['forbidden topic', terms.forbiddenTopics.map((topic) => topic.name)], ['medium', terms.media],
    ['endorsement category', terms.endorsementCategories], ['training source', terms.training.sources],
    ['volume cap', terms.volumeCaps.map(({ capability, window }) => `${capability} ${window}`)],
  ] as const) checkUnique(names, what);
  for (const list of [terms.media, terms.languages, terms.territories, terms.audiences, terms.purposes]) {
    if (list.length === 0) throw invalid('Name at least one medium, language, territory, audience and purpose; what is not named is denied.');
  }
  const foreign = terms.territories.find((code) => !TERRITORIES.has(code));
  if (foreign !== undefined) throw new Refusal('country_unknown', `${foreign} is not an assigned ISO 3166-1 code.`);
  for (const purpose of terms.purposes) {
    if (purpose.intendedUses.trim().length < SHORTEST_STATEMENT) {
      throw invalid(`Say more exactly what ${purpose.name} is: at least ${SHORTEST_STATEMENT} characters.`);
    }
  }
}

/** Whoever drafts is told at once what would make the grant void; `decide` would deny it everywhere. */
function checkValid(terms: GrantTerms): void {
  const missing = voidBecause(terms);
  if (missing.length > 0) throw invalid(`The grant would be void: ${missing.join(', ')}.`);
  for (const place of [terms.subject.domicile, terms.governingLaw]) {
    if (!TERRITORIES.has(place.slice(0, 2))) throw new Refusal('country_unknown', `${place} is no assigned ISO 3166 code.`);
  }
  const { allowed, holder, until } = terms.postMortem;
  if (allowed && (holder === null || until === null)) throw invalid('After death: say until when, and who decides then.');
}

function checkTopics(terms: GrantTerms): void {
  const mute = terms.forbiddenPhrases.find((phrase) => foldWord(phrase) === '');
  if (mute !== undefined) throw invalid('A forbidden phrase has no letters or digits.');
  for (const { name, words } of terms.forbiddenTopics) {
    const all = [...words.zh, ...words.en];
    if (all.length === 0) throw invalid(`The forbidden topic ${name} has no words, so it would forbid nothing.`);
    const empty = all.find((word) => foldWord(word) === '');
    if (empty !== undefined) throw invalid(`The forbidden topic ${name} has a word without letters or digits.`);
  }
}

function checkSeparateConsent(terms: GrantTerms): void {
  const { capabilities, separateConsent } = terms;
  if (separateConsent.statement.trim().length < SHORTEST_STATEMENT) {
    throw invalid('The separate consent for face and voice needs its own statement.');
  }
  const takesVoice = capabilities.voice || capabilities.video || capabilities.sing || capabilities.story
    || capabilities.work || capabilities.moments;
  if (takesVoice && !separateConsent.voice) throw invalid('These capabilities take your voice: that needs its separate consent.');
  if ((capabilities.video || capabilities.moments) && !separateConsent.face) {
    throw invalid('These capabilities take your face: that needs its separate consent.');
  }
  if ((capabilities.chat || capabilities.work || capabilities.moments) && !separateConsent.persona) {
    throw invalid('These capabilities speak as you: that needs its separate consent.');
  }
  if (terms.training.allowed && !separateConsent.training) throw invalid('Training on your material needs its separate consent.');
}

/** One spelling for what looks the same (JCS does not normalise), one form for instants. */
function normalised(terms: GrantTerms): GrantTerms {
  const text = JSON.parse(JSON.stringify(terms).normalize('NFC')) as GrantTerms;
  return {
    ...text,
    validFrom: instant(text.validFrom, 'validFrom').toISOString(),
    validUntil: instant(text.validUntil, 'validUntil').toISOString(),
  };
}

/**
 * The terms in the form in which they are signed.
 * Refuses with `grant_term_invalid`, `country_unknown` or `document_invalid`.
 */
export function checkedTerms(terms: GrantTerms, now: Date): GrantTerms {
  const ready = normalised(terms);
  checkTerm(ready, now);
  checkValid(ready);
  checkScope(ready);
  checkTopics(ready);
  checkSeparateConsent(ready);
  return ready;
}

/** The terms of a signed document of any version, to be changed by an amendment or compared with others. */
export function termsOf(document: GrantDocument): GrantTerms {
  const { terms } = readDocument(document);
  return Object.fromEntries(TERM_NAMES.map((name) => [name, terms[name]])) as unknown as GrantTerms;
}

export function grantDocument(
  heads: { grantId: string; cloneId: string; owner: { accountId: string; name: string } }, terms: GrantTerms,
): Unrendered<FirstGrant> {
  return {
    type: 'benren.grant', schemaVersion: 2, grantId: heads.grantId, cloneId: heads.cloneId, version: 1, supersedes: null,
    owner: heads.owner, licensee: 'platform', ...terms,
  };
}

/** The document before it named its contract. */
export function unrendered<Document extends object>(document: Document): Omit<Document, 'rendering'> {
  return Object.fromEntries(Object.entries(document).filter(([name]) => name !== 'rendering')) as Omit<Document, 'rendering'>;
}

/** The next version: a whole grant again, so that what is in force is always one document. */
export function amendmentDocument(current: GrantDocument, currentDigest: string, terms: GrantTerms): Unrendered<Amendment> {
  return {
    ...unrendered(current), ...terms, type: 'benren.amendment', schemaVersion: 2, version: current.version + 1, supersedes: currentDigest,
  };
}

export interface RevocationDocument {
  type: 'benren.revocation';
  schemaVersion: 1;
  grantId: string;
  cloneId: string;
  /** Digest of the version in force: the owner revokes what they see. */
  grantDigest: string;
  ownerAccountId: string;
}

export function revocationDocument(current: GrantDocument, grantDigest: string): RevocationDocument {
  return {
    type: 'benren.revocation', schemaVersion: 1, grantId: current.grantId, cloneId: current.cloneId, grantDigest,
    ownerAccountId: current.owner.accountId,
  };
}

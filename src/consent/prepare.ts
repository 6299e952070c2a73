import { AGE_BANDS, AUDIENCES, CAPABILITIES, type GrantTerms, MEDIA } from './grant.ts';
import { readDocument } from './grant-read.ts';
import { isUnderAge } from './legal-age.ts';
import { missingFor, needsWorks, type Regime, regimesAtHome, regimesOf, voidBecause } from './legal.ts';
import { Lexicon, type WordSet } from './lexicon.ts';
import { TERRITORIES } from './territories.ts';

/** A clause names what was asked only when it looks like a name. */
export function label(value: unknown): string {
  return typeof value === 'string' && /^[\p{L}\p{N}_-]{1,64}$/u.test(value) ? value : 'unreadable';
}

const KEPT = 10_000;

/**
 * One value for equal ones: whoever compares them compares addresses, and what many grants or requests say alike stays in the
 * processor's cache. What is asked cannot fill it for ever: when it is full, others are made anew each time.
 */
export class Pool<T> {
  private readonly kept = new Map<string, T>();

  of(key: string, make: () => T): T {
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (this.kept.size < KEPT) this.kept.set(key, made);
    return made;
  }
}

const CLAUSES = new Pool<string>();

/** One string for one clause or name. */
export function clauseOf(text: string): string {
  return CLAUSES.of(text, () => text);
}

/** Places in bit sets. What is not in the list has place -1, which no set holds. */
export const placeOfCapability = (name: unknown): number => (CAPABILITIES as readonly unknown[]).indexOf(name);
export const placeOfMedium = (name: unknown): number => (MEDIA as readonly unknown[]).indexOf(name);
export const placeOfAudience = (name: unknown): number => (AUDIENCES as readonly unknown[]).indexOf(name);
export const placeOfAge = (name: unknown): number => (AGE_BANDS as readonly unknown[]).indexOf(name);

const PLACES: ReadonlyMap<unknown, number> = new Map([...TERRITORIES].map((code, place) => [code, place]));
export const placeOfTerritory = (code: unknown): number => PLACES.get(code) ?? -1;

/** Territories with the same regimes are one group; 0 has none. */
export const LEGAL_GROUPS = ['', 'CN', 'EU', 'US'] as const;
export type LegalGroup = 0 | 1 | 2 | 3;

export function legalGroupOf(territory: unknown): LegalGroup {
  const [first] = typeof territory === 'string' ? regimesOf(territory) : [];
  if (first === undefined) return 0;
  return first === 'CN' ? 1 : first === 'EU' ? 2 : 3;
}

const REGIMES_OF_GROUP: readonly (readonly Regime[])[] = [[], regimesOf('CN'), regimesOf('DE'), regimesOf('US')];

/** What the law says of a grant, looked up by group. */
export interface LegalStanding {
  void: readonly string[];
  /** Denials that hold wherever the clone is heard, by the law of the person's home or the chosen one. */
  home: readonly string[];
  homeWorks: readonly string[];
  /** By group: denials of its territories, and those for a purpose that names no work. Without what `home` says. */
  group: readonly (readonly string[])[];
  groupWorks: readonly (readonly string[])[];
}

interface PreparedPurpose {
  works: ReadonlySet<string>;
}

/** A grant made ready for many decisions. A member that could not be read is in `unreadable` and grants nothing. */
export interface ReadGrant {
  unreadable: readonly string[];
  cloneId: string | null;
  ownerAccountId: string | null;
  terms: GrantTerms;
  lexicon: Lexicon;
  capabilities: number;
  media: number;
  audiences: number;
  ageBands: number;
  territories: readonly number[];
  languages: ReadonlySet<string>;
  tiers: ReadonlySet<string>;
  purposes: ReadonlyMap<string, PreparedPurpose>;
  names: ReadonlySet<string>;
  sources: ReadonlySet<string>;
  endorsements: ReadonlySet<string>;
  topics: readonly { clause: string; words: WordSet }[];
  phrases: WordSet;
  forbidden: WordSet;
  adult: boolean;
  political: boolean;
  sublicence: boolean;
  separateConsent: GrantTerms['separateConsent'];
  compensation: GrantTerms['compensation'];
  outputApproval: GrantTerms['outputApproval'];
  postMortem: GrantTerms['postMortem'];
  atHomeInChina: boolean;
  legal: LegalStanding;
  floorMinor: bigint;
  noticeMs: number;
  postMortemUntil: number;
  waiverUntil: number;
  validFrom: number;
  validUntil: number;
}

const NAME_SETS = new Pool<ReadonlySet<string>>();
const PURPOSES = new Pool<ReadonlyMap<string, PreparedPurpose>>();
const TERRITORY_SETS = new Pool<readonly number[]>();
const LEGAL = new Pool<LegalStanding>();
const PARTS = new Pool<unknown>();

function nameSet(names: readonly string[]): ReadonlySet<string> {
  return NAME_SETS.of(JSON.stringify(names), () => new Set(names.map(clauseOf)));
}

function purposeMap(purposes: GrantTerms['purposes']): ReadonlyMap<string, PreparedPurpose> {
  const pairs = purposes.map(({ name, works }) => [name, works] as const);
  return PURPOSES.of(JSON.stringify(pairs), () => new Map(pairs.map(([name, works]) => [clauseOf(name), { works: new Set(works.map(clauseOf)) }])));
}

/** A part of the terms, one object for all that say the same. */
function part<T extends object>(value: T): T {
  return PARTS.of(JSON.stringify(value), () => value) as T;
}

function bits(names: readonly string[], place: (name: unknown) => number): number {
  let set = 0;
  for (const name of names) set |= 1 << place(name);
  return set;
}

function territoryBits(codes: readonly string[]): readonly number[] {
  const set = [0, 0, 0, 0, 0, 0, 0, 0];
  for (const code of codes) {
    const place = placeOfTerritory(code);
    if (place !== -1) set[place >>> 5] = (set[place >>> 5] ?? 0) | (1 << (place & 31));
  }
  return TERRITORY_SETS.of(set.join(), () => set);
}

function legalStanding(terms: GrantTerms): LegalStanding {
  const atHome = [...new Set([...regimesAtHome(terms.subject.domicile), ...regimesAtHome(terms.governingLaw)])];
  const denials = (regimes: readonly Regime[]): string[] =>
    regimes.flatMap((regime) => missingFor(regime, terms).map((missing) => clauseOf(`legal.${regime}.${missing}`)));
  const works = (regimes: readonly Regime[]): string[] => regimes.filter(needsWorks).map((regime) => clauseOf(`legal.${regime}.works`));
  const others = REGIMES_OF_GROUP.map((regimes) => regimes.filter((regime) => !atHome.includes(regime)));
  const standing: LegalStanding = {
    void: voidBecause(terms).map((missing) => clauseOf(`void.${missing}`)),
    home: denials(atHome), homeWorks: works(atHome), group: others.map(denials), groupWorks: others.map(works),
  };
  return LEGAL.of(JSON.stringify(standing), () => standing);
}

const DAY_MS = 86_400_000;
/** The log of an output without an explicit label is kept at least so long after it (标识办法 art. 9: six months). */
const LABEL_LOG_MS = 184 * DAY_MS;

function time(text: string | null | undefined): number {
  return text === null || text === undefined ? Number.NaN : Date.parse(text);
}

/**
 * Reads any JSON as a grant; total: what is not one reads as a grant of nothing. Grants that are read with the same
 * lexicon share the preparation of a text. `onPaper` as in `readDocument`.
 */
export function readGrant(document: unknown, lexicon: Lexicon = new Lexicon(), onPaper = true): ReadGrant {
  const { unreadable, cloneId, ownerAccountId, terms } = readDocument(document, onPaper);
  const topics = terms.forbiddenTopics.map(({ name, words }) => ({
    clause: clauseOf(`topic.${label(name)}`), words: lexicon.set([...words.zh, ...words.en]),
  }));
  const said = terms.forbiddenTopics.flatMap(({ words }) => [...words.zh, ...words.en]);
  return {
    unreadable: [...new Set(unreadable)].map((member) => clauseOf(`grant.unreadable.${member}`)), cloneId, ownerAccountId, terms, lexicon,
    capabilities: bits(CAPABILITIES.filter((name) => terms.capabilities[name]), placeOfCapability),
    media: bits(terms.media, placeOfMedium),
    audiences: bits(terms.audiences, placeOfAudience),
    ageBands: bits(terms.ageBands, placeOfAge),
    territories: territoryBits(terms.territories),
    languages: nameSet(terms.languages),
    tiers: nameSet(terms.tiers),
    purposes: purposeMap(terms.purposes),
    names: new Set([terms.subject.legalName, ...terms.subject.stageNames]),
    sources: nameSet(terms.training.sources),
    endorsements: nameSet(terms.endorsementCategories),
    topics, phrases: lexicon.set(terms.forbiddenPhrases), forbidden: lexicon.set([...said, ...terms.forbiddenPhrases]),
    adult: terms.adultContent && !isUnderAge(terms),
    political: terms.politicalContent, sublicence: terms.sublicence, separateConsent: part(terms.separateConsent),
    compensation: part(terms.compensation), outputApproval: part(terms.outputApproval), postMortem: part(terms.postMortem),
    atHomeInChina: terms.subject.domicile === 'CN',
    legal: legalStanding(terms),
    floorMinor: BigInt(terms.compensation.floorMinor),
    noticeMs: terms.withdrawal.noticeDays * DAY_MS,
    postMortemUntil: time(terms.postMortem.until),
    waiverUntil: time(terms.explicitLabelWaiver?.retainUntil) - LABEL_LOG_MS,
    validFrom: time(terms.validFrom),
    validUntil: time(terms.validUntil),
  };
}

import type { GrantTerms } from './grant.ts';
import { addYears, birthdayOf, isUnderAge } from './legal-age.ts';

/**
 * What a regime asks of a grant, as rules over its terms; not legal advice. A regime that fails denies its territories.
 * US states are not told apart among listeners: the USA is denied unless every regime of it passes.
 */
export const REGIMES = ['CN', 'EU', 'US-CA', 'US-NY', 'US-TN', 'NO-FAKES'] as const;
export type Regime = (typeof REGIMES)[number];

/** What the platform itself can and may do, apart from any grant. */
export interface PlatformFacts {
  /** Layers of marking that every released file really carries. */
  markingLayers: readonly string[];
  /** Whether counsel cleared continuous conversation with the clone of a real person in mainland China. */
  mainlandChat: boolean;
}

export const NO_FACTS: PlatformFacts = { markingLayers: [], mainlandChat: false };

/** AI Act art. 50 with its code of practice: signed metadata with a trusted time, and an imperceptible mark. */
export const EU_LAYERS = ['signed_metadata', 'time_stamp', 'watermark'] as const;
/** Art. 50 applies from this day on (AI Act art. 113). */
export const EU_MARKING_FROM = Date.parse('2026-08-02T00:00:00Z');

const EU_MEMBERS = `AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK`.split(' ');

const OF_TERRITORY: ReadonlyMap<string, readonly Regime[]> = new Map<string, readonly Regime[]>([
  ['CN', ['CN']],
  ['US', ['US-CA', 'US-NY', 'US-TN', 'NO-FAKES']],
  ...EU_MEMBERS.map((member): [string, readonly Regime[]] => [member, ['EU']]),
]);

/** Whose rules hold where the clone is heard. */
export function regimesOf(territory: string): readonly Regime[] {
  return OF_TERRITORY.get(territory) ?? [];
}

/** Whose rules protect a person at home, or were chosen in the document: they hold wherever the clone is heard. */
export function regimesAtHome(place: string): readonly Regime[] {
  if (place === 'CN') return ['CN'];
  if (place === 'US') return regimesOf('US');
  if (!place.startsWith('US-')) return [];
  const state = REGIMES.find((regime) => regime === place);
  return state === undefined ? ['NO-FAKES'] : [state, 'NO-FAKES'];
}

export const LONGEST_TERM_YEARS = 10;
export const LONGEST_MINOR_TERM_YEARS = 5;
const SHOWN_IN: readonly string[] = ['en', 'zh-CN'];

type Check = readonly [missing: string, holds: (terms: GrantTerms) => boolean];

const advised = ({ representation }: GrantTerms): boolean =>
  representation.kind !== 'none' && representation.name !== null && representation.reference !== null;

/** Says that it is AI, and that it was generated (GB 45438-2025, 5.2; AI Act art. 50 (5)). */
const discloses = ({ disclosureText }: GrantTerms): boolean =>
  disclosureText !== null && /人工智能|\bAI\b|artificial intelligence/iu.test(disclosureText)
  && /生成|合成|generated|synthe/iu.test(disclosureText);

const within = (years: number) => (terms: GrantTerms): boolean => {
  const from = new Date(terms.validFrom);
  return Date.parse(terms.validUntil) <= addYears(from, years).getTime();
};

/** Cal. Labor Code 927, N.Y. GOB 5-302; the description of the uses is looked at purpose by purpose. */
const ADVICE: readonly Check[] = [['representation', advised], ['terms_initialled', ({ termsInitialled }) => termsInitialled]];

const CHECKS: Readonly<Record<Regime, readonly Check[]>> = {
  // PIPL 29: biometrics are sensitive information; 15: withdrawing is as easy as giving.
  CN: [
    ['sensitive_information', ({ separateConsent }) => separateConsent.sensitivePersonalInformation],
    ['withdrawal_method', ({ withdrawal }) => withdrawal.method !== null],
  ],
  EU: [['disclosure_text', discloses]],
  'US-CA': ADVICE,
  'US-NY': ADVICE,
  // TCA 47-25-1105: the authorisation is the individual's, or of who may give it for them.
  'US-TN': [['authority', ({ signer }) => signer.role === 'self' || signer.authorityDocumentSha256 !== null]],
  'NO-FAKES': [
    ['term', within(LONGEST_TERM_YEARS)],
    ['authority', ({ signer }) => signer.role === 'self' || signer.authorityDocumentSha256 !== null],
  ],
};

/** These regimes want at least one work, campaign or product named with each purpose. */
const NEEDS_WORKS: readonly Regime[] = ['US-CA', 'US-NY', 'NO-FAKES'];

/** What the regime finds missing in the terms, whatever is asked of the clone. */
export function missingFor(regime: Regime, terms: GrantTerms): string[] {
  return CHECKS[regime].filter(([, holds]) => !holds(terms)).map(([missing]) => missing);
}

export function needsWorks(regime: Regime): boolean {
  return NEEDS_WORKS.includes(regime);
}

const VALID: readonly Check[] = [
  ['term', within(LONGEST_TERM_YEARS)],
  ['language_read', ({ languageRead }) => SHOWN_IN.includes(languageRead)],
  ['authority', ({ signer }) => signer.role === 'self' || signer.authorityDocumentSha256 !== null],
];

const VALID_FOR_A_MINOR: readonly Check[] = [
  ['date_of_birth', ({ subject }) => subject.dateOfBirth !== null],
  ['guardian', ({ signer }) => signer.role === 'guardian'],
  ['court_approval', ({ courtApproval }) => courtApproval !== null],
  ['minor_term', within(LONGEST_MINOR_TERM_YEARS)],
  ['of_age', ({ subject, validUntil }) =>
    subject.dateOfBirth === null || Date.parse(validUntil) <= birthdayOf(subject.dateOfBirth, 18).getTime()],
];

/** Why the grant is void everywhere. Empty when it is not. */
export function voidBecause(terms: GrantTerms): string[] {
  const checks = isUnderAge(terms) ? [...VALID, ...VALID_FOR_A_MINOR] : VALID;
  return checks.filter(([, holds]) => !holds(terms)).map(([missing]) => missing);
}

export interface RegimeReport {
  regime: Regime;
  passes: boolean;
  territories: string[];
  /** Names of what is missing; `works.<purpose>` denies that purpose only. */
  missing: string[];
}

export interface LegalReport {
  /** Void everywhere for these reasons. */
  void: string[];
  regimes: RegimeReport[];
}

function territoriesOf(regime: Regime): string[] {
  return [...OF_TERRITORY].filter(([, regimes]) => regimes.includes(regime)).map(([territory]) => territory).sort();
}

/** Layers of marking that the EU asks for at this instant and that files do not have. */
export function missingLayers(facts: PlatformFacts, at: number): string[] {
  return at < EU_MARKING_FROM ? [] : EU_LAYERS.filter((layer) => !facts.markingLayers.includes(layer)).map((layer) => `marking.${layer}`);
}

/** What each regime finds missing in these terms, with what the platform can do at this instant. */
export function legalReport(terms: GrantTerms, facts: PlatformFacts, at: Date): LegalReport {
  const works = terms.purposes.filter((purpose) => purpose.works.length === 0).map((purpose) => `works.${purpose.name}`);
  return {
    void: voidBecause(terms),
    regimes: REGIMES.map((regime) => {
      const missing = [
        ...missingFor(regime, terms),
        ...(needsWorks(regime) ? works : []),
        ...(regime === 'EU' ? missingLayers(facts, at.getTime()) : []),
        ...(regime === 'CN' && terms.capabilities.chat && !facts.mainlandChat ? ['chat'] : []),
      ];
      return { regime, passes: missing.length === 0, territories: territoriesOf(regime), missing };
    }),
  };
}

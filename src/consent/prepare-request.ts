import { ACTS, type Act, type DecisionRequest, type Sale } from './decision.ts';
import type { Lexicon, SaidWords } from './lexicon.ts';
import {
  clauseOf, label, legalGroupOf, type LegalGroup, placeOfAge, placeOfAudience, placeOfCapability, placeOfMedium, placeOfTerritory, Pool,
} from './prepare.ts';
import { foldText } from './words.ts';

interface Place {
  code: string;
  /** -1 when no grant can name it. */
  place: number;
  group: LegalGroup;
  clause: string;
  legalClause: string;
}

/**
 * A request made ready to be held against many grants of one lexicon: every look-up and every clause's text is done. It is
 * one flat record, and what many requests have in common they share: a decision costs little more than the memory it touches.
 */
export interface PreparedRequest {
  act: Act | null;
  cloneId: string;
  requester: string;
  ours: boolean;
  audienceName: string;
  at: number;
  capability: number;
  chat: boolean;
  takes: Takes;
  medium: number;
  audience: number;
  ageBand: number;
  grownUp: boolean;
  language: string;
  tierName: string | null;
  purpose: string;
  work: string | null;
  source: string | null;
  seconds: number;
  adult: boolean;
  political: boolean;
  explicitLabel: boolean;
  /** The countries that are known, each once. */
  places: readonly Place[];
  countryMissing: boolean;
  said: SaidWords;
  endorsements: readonly { name: string; clause: string }[];
  sale: Sale | null;
  /** The owner's part of what is paid; null when nothing is, or nobody knows. */
  ownerMinor: bigint | null;
  paid: boolean;
  clauses: Clauses;
}

interface Takes {
  voice: boolean;
  face: boolean;
  persona: boolean;
}

interface Clauses {
  act: string; capability: string; medium: string; language: string; audience: string; tier: string; age: string; purpose: string;
  work: string; source: string;
}

/** What a capability takes of the person: each needs its own separate consent. */
const TAKES: Readonly<Record<string, Takes>> = {
  chat: { voice: false, face: false, persona: true },
  voice: { voice: true, face: false, persona: false },
  video: { voice: true, face: true, persona: false },
  sing: { voice: true, face: false, persona: false },
  story: { voice: true, face: false, persona: false },
  work: { voice: true, face: false, persona: true },
  moments: { voice: true, face: true, persona: true },
};
const ALL: Takes = { voice: true, face: true, persona: true };

const TAKEN = new Pool<Takes>();
const PLACES = new Pool<readonly Place[]>();
const ENDORSED = new Pool<PreparedRequest['endorsements']>();

/** A picture takes the face and a sound the voice, whatever the capability is called. */
function takesOf(capability: string, medium: string): Takes {
  const takes = (Object.hasOwn(TAKES, capability) ? TAKES[capability] : undefined) ?? ALL;
  const voice = takes.voice || medium === 'voice' || medium === 'singing' || medium === 'video';
  const face = takes.face || medium === 'video' || medium === 'image';
  return TAKEN.of(`${voice} ${face} ${takes.persona}`, () => ({ voice, face, persona: takes.persona }));
}

function placeOf(code: string): Place {
  const group = legalGroupOf(code);
  return { code, place: placeOfTerritory(code), group, clause: clauseOf(`territory.${label(code)}`), legalClause: ['', 'legal.CN', 'legal.EU', 'legal.US'][group] ?? '' };
}

function placesOf(countries: readonly (string | null)[]): readonly Place[] {
  const codes = [...new Set(countries)].filter((code) => code !== null);
  return PLACES.of(JSON.stringify(codes), () => codes.map(placeOf));
}

function endorsementsOf(names: readonly string[]): PreparedRequest['endorsements'] {
  return ENDORSED.of(JSON.stringify(names), () => [...new Set(names)].map((name) => ({ name, clause: clauseOf(`endorsement.${label(name)}`) })));
}

function ownerMinor({ sale }: DecisionRequest): bigint | null {
  if (sale?.ownerBasisPoints == null || !/^(0|[1-9][0-9]{0,17})$/.test(sale.priceMinor)) return null;
  return Number.isSafeInteger(sale.ownerBasisPoints) ? (BigInt(sale.priceMinor) * BigInt(sale.ownerBasisPoints)) / 10_000n : null;
}

function clausesOf({ act, capability, medium, language, audience, tierName, ageBand, purpose, work, source }: DecisionRequest): Clauses {
  return {
    act: clauseOf(`act.${label(act)}`), capability: clauseOf(`capability.${label(capability)}`), medium: clauseOf(`medium.${label(medium)}`),
    language: clauseOf(`language.${label(language)}`), audience: clauseOf(`audience.${label(audience)}`),
    tier: tierName === null ? 'tier.none' : clauseOf(`tier.${label(tierName)}`), age: clauseOf(`age.${label(ageBand ?? 'unknown')}`),
    purpose: clauseOf(`purpose.${label(purpose)}`), work: clauseOf(`work.${label(work)}`), source: clauseOf(`training.source.${label(source)}`),
  };
}

/** Total: what cannot be read is prepared as something that no grant holds. */
export function prepareRequest(request: DecisionRequest, lexicon: Lexicon): PreparedRequest {
  const { capability, medium, language, audience, tierName, ageBand, purpose, work, source, labels, sale } = request;
  const countries = [request.declaredCountry, request.billingCountry];
  return {
    act: (ACTS as readonly string[]).includes(request.act) ? request.act : null,
    cloneId: clauseOf(request.cloneId), requester: request.requester, ours: request.licensee === 'platform', audienceName: audience,
    at: request.at.getTime(),
    capability: placeOfCapability(capability), chat: capability === 'chat', takes: takesOf(capability, medium), medium: placeOfMedium(medium),
    audience: placeOfAudience(audience), ageBand: placeOfAge(ageBand), grownUp: ageBand === 'adult',
    language: clauseOf(language), tierName: tierName === null ? null : clauseOf(tierName), purpose: clauseOf(purpose),
    work: work === null ? null : clauseOf(work), source, seconds: request.seconds,
    adult: labels.adult, political: labels.political, explicitLabel: request.explicitLabel,
    places: placesOf(countries), countryMissing: countries.includes(null),
    said: lexicon.size === 0 ? [] : lexicon.saidIn(foldText(request.text)),
    endorsements: endorsementsOf(labels.endorsements),
    sale, ownerMinor: ownerMinor(request), paid: sale !== null && sale.priceMinor !== '0',
    clauses: clausesOf(request),
  };
}

import { ACTS, type Act, type DecisionRequest } from './decision.ts';
import type { Lexicon } from './lexicon.ts';
import {
  clauseOf, label, legalGroupOf, type LegalGroup, placeOfAge, placeOfAudience, placeOfCapability, placeOfMedium, placeOfTerritory,
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

/** A request made ready to be held against many grants of one lexicon: every look-up and every clause's text is done. */
export interface PreparedRequest {
  act: Act | null;
  request: DecisionRequest;
  at: number;
  capability: number;
  takes: { voice: boolean; face: boolean; persona: boolean };
  medium: number;
  audience: number;
  ageBand: number;
  /** The countries that are known, each once. */
  places: readonly Place[];
  countryMissing: boolean;
  said: Uint32Array;
  endorsements: readonly { name: string; clause: string }[];
  /** The owner's part of what is paid; null when nothing is, or nobody knows. */
  ownerMinor: bigint | null;
  paid: boolean;
  clauses: {
    act: string; capability: string; medium: string; language: string; audience: string; tier: string; age: string; purpose: string;
    work: string; source: string; share: string;
  };
}

/** What a capability takes of the person: each needs its own separate consent. */
const TAKES: Readonly<Record<string, { voice: boolean; face: boolean; persona: boolean }>> = {
  chat: { voice: false, face: false, persona: true },
  voice: { voice: true, face: false, persona: false },
  video: { voice: true, face: true, persona: false },
  sing: { voice: true, face: false, persona: false },
  story: { voice: true, face: false, persona: false },
  work: { voice: true, face: false, persona: true },
  moments: { voice: true, face: true, persona: true },
};
const ALL = { voice: true, face: true, persona: true };

/** A picture takes the face and a sound the voice, whatever the capability is called. */
function takesOf(capability: string, medium: string): PreparedRequest['takes'] {
  const takes = (Object.hasOwn(TAKES, capability) ? TAKES[capability] : undefined) ?? ALL;
  return {
    voice: takes.voice || medium === 'voice' || medium === 'singing' || medium === 'video',
    face: takes.face || medium === 'video' || medium === 'image', persona: takes.persona,
  };
}

function placeOf(code: string): Place {
  const group = legalGroupOf(code);
  return { code, place: placeOfTerritory(code), group, clause: clauseOf(`territory.${label(code)}`), legalClause: ['', 'legal.CN', 'legal.EU', 'legal.US'][group] ?? '' };
}

function ownerMinor({ sale }: DecisionRequest): bigint | null {
  if (sale?.ownerBasisPoints == null || !/^(0|[1-9][0-9]{0,17})$/.test(sale.priceMinor)) return null;
  return Number.isSafeInteger(sale.ownerBasisPoints) ? (BigInt(sale.priceMinor) * BigInt(sale.ownerBasisPoints)) / 10_000n : null;
}

/** Total: what cannot be read is prepared as something that no grant holds. */
export function prepareRequest(request: DecisionRequest, lexicon: Lexicon): PreparedRequest {
  const { capability, medium, language, audience, tierName, ageBand, purpose, work, source, labels, sale } = request;
  const codes = [...new Set([request.declaredCountry, request.billingCountry])];
  return {
    request,
    act: (ACTS as readonly string[]).includes(request.act) ? request.act : null,
    at: request.at.getTime(),
    capability: placeOfCapability(capability), takes: takesOf(capability, medium), medium: placeOfMedium(medium),
    audience: placeOfAudience(audience), ageBand: placeOfAge(ageBand),
    places: codes.filter((code) => code !== null).map(placeOf),
    countryMissing: codes.includes(null),
    said: lexicon.size === 0 ? new Uint32Array(0) : lexicon.saidIn(foldText(request.text)),
    endorsements: [...new Set(labels.endorsements)].map((name) => ({ name, clause: clauseOf(`endorsement.${label(name)}`) })),
    ownerMinor: ownerMinor(request), paid: sale !== null && sale.priceMinor !== '0',
    clauses: {
      act: clauseOf(`act.${label(request.act)}`), capability: clauseOf(`capability.${label(capability)}`), medium: clauseOf(`medium.${label(medium)}`),
      language: clauseOf(`language.${label(language)}`), audience: clauseOf(`audience.${label(audience)}`),
      tier: tierName === null ? 'tier.none' : clauseOf(`tier.${label(tierName)}`), age: clauseOf(`age.${label(ageBand ?? 'unknown')}`),
      purpose: clauseOf(`purpose.${label(purpose)}`), work: clauseOf(`work.${label(work)}`), source: clauseOf(`training.source.${label(source)}`),
      share: 'compensation.share',
    },
  };
}

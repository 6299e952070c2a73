import { type Capability, type GrantTerms, isUnderAge, type Medium } from '../consent/index.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';

/**
 * A grant in ODRL 2.2 (W3C Recommendation, 2018), in our own profile (contracts/odrl/replica-1.jsonld): closed world, a
 * prohibition always wins. Pure. It is an export: what is enforced is the signed document, by `decide`, which law, gates and
 * a withdrawn proof narrow further; nothing that this export permits may be wider than the document.
 */

export const PROFILE = 'https://benren.example/odrl/replica/1#';

type Operator = 'eq' | 'neq' | 'gteq' | 'lteq' | 'lt' | 'isAnyOf' | 'isNoneOf';

export interface OdrlConstraint {
  leftOperand: string;
  operator: Operator;
  rightOperand: string | number | boolean | readonly string[] | { '@value': string; '@type': 'xsd:dateTime' };
}

export interface OdrlRule {
  action: string;
  constraint?: OdrlConstraint[];
  duty?: OdrlRule[];
}

/** contracts/odrl/agreement.schema.json. */
export interface OdrlAgreement {
  '@context': readonly [string, Readonly<Record<string, string>>];
  '@type': 'Agreement';
  uid: string;
  profile: string;
  conflict: 'prohibit';
  'dct:source': string;
  'rep:documentSha256': string;
  assigner: string;
  assignee: string;
  target: string;
  permission: OdrlRule[];
  prohibition: OdrlRule[];
  obligation: OdrlRule[];
}

const CONTEXT = [
  'http://www.w3.org/ns/odrl.jsonld',
  { rep: PROFILE, dct: 'http://purl.org/dc/terms/', xsd: 'http://www.w3.org/2001/XMLSchema#' },
] as const;

const ACTIONS: Readonly<Record<Capability, string>> = {
  chat: 'rep:converse', voice: 'rep:synthesizeVoice', video: 'rep:synthesizeVideo', sing: 'rep:synthesizeSinging', story: 'rep:tellStory',
  work: 'rep:performWork', moments: 'rep:publishMoment',
};

/** What each capability and each form takes of the person: without its separate consent it is not permitted. */
const TAKES: Readonly<Record<Capability, readonly ('voice' | 'face' | 'persona')[]>> = {
  chat: ['persona'], voice: ['voice'], video: ['voice', 'face'], sing: ['voice'], story: ['voice'], work: ['voice', 'persona'],
  moments: ['voice', 'face', 'persona'],
};
const FORM_TAKES: Readonly<Record<Medium, readonly ('voice' | 'face')[]>> = {
  text: [], voice: ['voice'], singing: ['voice'], video: ['voice', 'face'], image: ['face'],
};

const is = (leftOperand: string, operator: Operator, rightOperand: OdrlConstraint['rightOperand']): OdrlConstraint => ({ leftOperand, operator, rightOperand });
const instant = (text: string): OdrlConstraint['rightOperand'] => ({ '@value': text, '@type': 'xsd:dateTime' });

function term({ validFrom, validUntil }: GrantTerms): OdrlConstraint[] {
  return [is('dateTime', 'gteq', instant(validFrom)), is('dateTime', 'lt', instant(validUntil))];
}

/** `rep:outputsPerDay`, `rep:secondsInTerm`: what was made before, with this one, of what the cap counts. */
function caps(terms: GrantTerms, capability: Capability): OdrlConstraint[] {
  return terms.volumeCaps.filter((cap) => cap.capability === 'any' || cap.capability === capability).flatMap((cap) => {
    const of = cap.capability === 'any' ? 'all' : 'own';
    const place = cap.window === 'day' ? 'PerDay' : 'InTerm';
    return [
      ...(cap.outputs === null ? [] : [is(`rep:${of}Outputs${place}`, 'lteq', cap.outputs)]),
      ...(cap.seconds === null ? [] : [is(`rep:${of}Seconds${place}`, 'lteq', cap.seconds)]),
    ];
  });
}

function formsOf(terms: GrantTerms): Medium[] {
  return terms.media.filter((medium) => FORM_TAKES[medium].every((taken) => terms.separateConsent[taken]));
}

function permissionsOf(terms: GrantTerms, capability: Capability): OdrlRule[] {
  const { separateConsent, audiences, outputApproval } = terms;
  if (!terms.capabilities[capability] || !TAKES[capability].every((taken) => separateConsent[taken])) return [];
  const action = ACTIONS[capability];
  const common = [...term(terms), is('rep:medium', 'isAnyOf', formsOf(terms)), is('language', 'isAnyOf', terms.languages)];
  const duty: OdrlRule[] = outputApproval.mode === 'before' ? [{ action: 'obtainConsent' }] : [];
  const forFans = terms.purposes.map(({ name, works }): OdrlRule => ({
    action,
    constraint: [
      ...common, is('rep:audience', 'eq', 'fan'), is('purpose', 'eq', name), is('rep:work', 'isAnyOf', ['rep:noWork', ...works]),
      is('spatial', 'isAnyOf', terms.territories), is('rep:billingTerritory', 'isAnyOf', terms.territories),
      is('rep:tier', 'isAnyOf', terms.tiers), is('rep:ageBand', 'isAnyOf', terms.ageBands), ...caps(terms, capability),
    ],
    ...(duty.length === 0 ? {} : { duty }),
  }));
  const forReviewers: OdrlRule = { action, constraint: [...common, is('rep:audience', 'eq', 'reviewer'), is('purpose', 'eq', 'review')] };
  return [...(audiences.includes('fan') ? forFans : []), ...(audiences.includes('reviewer') ? [forReviewers] : [])];
}

function trainingOf(terms: GrantTerms): OdrlRule[] {
  const { allowed, sources, derivedModels } = terms.training;
  if (!allowed || !terms.separateConsent.training) return [];
  const constraint = [...term(terms), is('rep:source', 'isAnyOf', sources)];
  return [{ action: 'rep:train', constraint }, ...(derivedModels ? [{ action: 'rep:deriveModel', constraint }] : [])];
}

function prohibitionsOf(terms: GrantTerms): OdrlRule[] {
  // A minor's grant never allows it, whatever it says.
  const adult: OdrlConstraint[] = terms.adultContent && !isUnderAge(terms)
    ? [is('rep:adult', 'eq', true), is('rep:audience', 'eq', 'fan'), is('rep:ageBand', 'neq', 'adult')]
    : [is('rep:adult', 'eq', true)];
  const said: OdrlRule[] = [
    ...terms.forbiddenTopics.map(({ name }): OdrlRule => ({ action: 'use', constraint: [is('rep:topic', 'isAnyOf', [name])] })),
    ...terms.forbiddenPhrases.map((phrase): OdrlRule => ({ action: 'use', constraint: [is('rep:phrase', 'isAnyOf', [phrase])] })),
  ];
  return [
    ...said,
    { action: 'use', constraint: adult },
    ...(terms.politicalContent ? [] : [{ action: 'use', constraint: [is('rep:political', 'eq', true)] }]),
    { action: 'use', constraint: [is('rep:endorsementCategory', 'isNoneOf', terms.endorsementCategories)] },
    ...(terms.training.allowed ? [] : [{ action: 'rep:train' }, { action: 'rep:deriveModel' }]),
    ...(terms.sublicence ? [] : [{ action: 'grantUse' }]),
  ];
}

function obligationsOf(terms: GrantTerms): OdrlRule[] {
  const { model, rateBasisPoints, floorMinor, currency } = terms.compensation;
  const paid: OdrlConstraint[] = [
    is('rep:shareBasisPoints', 'gteq', rateBasisPoints), ...(floorMinor === '0' ? [] : [is('payAmount', 'gteq', `${floorMinor} ${currency} (minor units)`)]),
  ];
  return [
    ...(model === 'share' ? [{ action: 'compensate', constraint: paid }] : []),
    { action: 'attribute' },
    { action: 'inform', ...(terms.disclosureText === null ? {} : { constraint: [is('rep:disclosureText', 'eq', terms.disclosureText)] }) },
    ...(terms.explicitLabelWaiver === null ? [{ action: 'rep:labelExplicitly' }] : []),
    ...(terms.training.deleteOnEnd ? [{ action: 'rep:deleteModelsAtEnd' }] : []),
    ...(terms.withdrawal.effect === 'takedown_all' ? [{ action: 'rep:takeDownAtWithdrawal' }] : []),
  ];
}

const CAPABILITIES_IN_ORDER = Object.keys(ACTIONS) as Capability[];

/** The agreement that a signed version of a grant is. */
export function odrlAgreement(
  grant: { grantId: string; cloneId: string; version: number; ownerAccountId: string; digest: string }, terms: GrantTerms,
): OdrlAgreement {
  const permission = [
    ...CAPABILITIES_IN_ORDER.flatMap((capability) => permissionsOf(terms, capability)), ...trainingOf(terms),
    ...(terms.sublicence ? [{ action: 'grantUse', constraint: term(terms) }] : []),
  ];
  return {
    '@context': CONTEXT, '@type': 'Agreement', uid: `urn:benren:grant:${grant.grantId}:${grant.version}`, profile: PROFILE, conflict: 'prohibit',
    'dct:source': `urn:benren:grant:${grant.grantId}`, 'rep:documentSha256': grant.digest,
    assigner: `urn:benren:account:${grant.ownerAccountId}`, assignee: 'urn:benren:platform', target: `urn:benren:clone:${grant.cloneId}`,
    permission, prohibition: prohibitionsOf(terms), obligation: obligationsOf(terms),
  };
}

/** As the API hands it out. */
export function asJson(agreement: OdrlAgreement): JsonObject {
  return JSON.parse(JSON.stringify(agreement)) as JsonObject;
}

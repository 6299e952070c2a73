import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { newEnforcer, newModelFromString } from 'casbin';

import type { DecisionRequest, DecisionState, GrantDocument } from '../../src/consent/index.ts';
import { prepareRequest, prepareState, readGrant } from '../../src/consent/model.ts';
import { Lexicon, saysAny } from '../../src/consent/lexicon.ts';
import { EU_MARKING_FROM } from '../../src/consent/legal.ts';

/**
 * The same policy for two general engines. What `readGrant` and `prepareState` work out once a grant, they are given as
 * attributes too; the words of a text are found beforehand for everybody. They answer yes or no; we name every clause.
 */
export interface Peer {
  name: string;
  allows(grant: number, request: number): boolean;
}

interface Facts {
  grants: Record<string, unknown>[];
  requests: Record<string, unknown>[];
}

const FAR = 9_000_000_000_000_000;
const whole = (time: number): number => (Number.isFinite(time) ? time : time > 0 ? FAR : -FAR);

function grantFacts(state: DecisionState): Record<string, unknown> {
  const document = state.grant?.document as GrantDocument;
  const ready = readGrant(document);
  const standing = prepareState(ready, state);
  const [cap] = standing.room[0] ?? [];
  const { separateConsent, compensation } = document;
  return {
    open: standing.gates.length === 0, cloneId: standing.cloneId, provenUntil: whole(Number.isNaN(standing.provenUntil) ? -Infinity : standing.provenUntil),
    signed: standing.status === 'signed', validFrom: ready.validFrom, validUntil: ready.validUntil, windDownEnds: whole(standing.windDownEnds),
    valid: standing.document.length === 0, named: standing.nameHolds, deceasedAt: whole(standing.deceasedAt),
    postMortem: document.postMortem.allowed && document.postMortem.holder !== null, postMortemUntil: whole(ready.postMortemUntil),
    registered: document.postMortem.registerNotice !== null, sublicence: document.sublicence,
    capabilities: Object.entries(document.capabilities).filter(([, given]) => given).map(([name]) => name), media: document.media,
    voice: separateConsent.voice, face: separateConsent.face, persona: separateConsent.persona, crossBorder: separateConsent.crossBorder,
    languages: document.languages, forbidden: [...document.forbiddenTopics.flatMap(({ words }) => [...words.en, ...words.zh]), ...document.forbiddenPhrases],
    adult: ready.adult, political: document.politicalContent, endorsements: document.endorsementCategories,
    waiverUntil: Number.isNaN(ready.waiverUntil) ? -FAR : ready.waiverUntil, approved: standing.versionApproved, audiences: document.audiences,
    territories: document.territories, tiers: document.tiers, ages: document.ageBands, purposes: document.purposes.map(({ name }) => name),
    works: document.purposes.flatMap(({ name, works }) => works.map((work) => `${name} ${work}`)),
    vague: document.purposes.filter(({ works }) => works.length === 0).map(({ name }) => name),
    home: ready.legal.home.length === 0, homeWorks: ready.legal.homeWorks.length === 0,
    laws: ['', 'CN', 'EU', 'US'].filter((_, group) => (ready.legal.group[group] ?? []).length === 0),
    worksLaws: ['', 'CN', 'EU', 'US'].filter((_, group) => (ready.legal.groupWorks[group] ?? []).length > 0),
    mainlandChat: standing.mainlandChat, marked: standing.euMarking.length === 0, chinese: document.subject.domicile === 'CN',
    share: compensation.model === 'share', rate: compensation.rateBasisPoints, floor: Number(compensation.floorMinor), currency: compensation.currency,
    outputsLeft: whole(cap?.outputs ?? Infinity), secondsLeft: whole(cap?.seconds ?? Infinity),
  };
}

function requestFacts(asked: DecisionRequest, words: readonly string[]): Record<string, unknown> {
  const lexicon = new Lexicon();
  for (const word of words) lexicon.add(word);
  const ready = prepareRequest(asked, lexicon);
  const said = words.filter((word) => saysAny(ready.said, lexicon.set([word])));
  const countries = ready.places.map(({ code }) => code);
  return {
    at: ready.at, cloneId: asked.cloneId, ours: asked.licensee === 'platform', capability: asked.capability, medium: asked.medium,
    ...ready.takes, language: asked.language, said, adult: asked.labels.adult, political: asked.labels.political, endorsements: [...asked.labels.endorsements],
    label: asked.explicitLabel, audience: asked.audience, known: !ready.countryMissing, countries, abroad: countries.some((code) => code !== 'CN'),
    laws: [...new Set(ready.places.map(({ group }) => ['', 'CN', 'EU', 'US'][group] ?? '').filter((group) => group !== ''))],
    tier: asked.tierName ?? '', age: asked.ageBand ?? '', purpose: asked.purpose, hasWork: asked.work !== null, work: `${asked.purpose} ${asked.work ?? ''}`,
    paid: ready.paid, known_share: ready.ownerMinor !== null, share: asked.sale?.ownerBasisPoints ?? 0, part: Number(ready.ownerMinor ?? 0n),
    currency: asked.sale?.currency ?? '', seconds: asked.seconds,
  };
}

export function makeFacts(states: readonly DecisionState[], requests: readonly DecisionRequest[]): Facts {
  const words = [...new Set(states.flatMap((one) => grantFacts(one)['forbidden'] as string[]))];
  return { grants: states.map(grantFacts), requests: requests.map((asked) => requestFacts(asked, words)) };
}

/** One rule a line, in words that both languages have once `has`, `all` and `any` are put in their form. */
function policy(
  say: { g: string; q: string } & Record<'has' | 'all' | 'any', (set: string, items: string) => string>,
): string {
  const { g, q, has, all, any } = say;
  return [
    `${g}.open`, `${q}.cloneId == ${g}.cloneId`, `${q}.at < ${g}.provenUntil`, `${g}.signed`, `${q}.at >= ${g}.validFrom`, `${q}.at < ${g}.validUntil`,
    `${q}.at < ${g}.windDownEnds`, `${g}.valid`, `${g}.named`, `(${q}.at < ${g}.deceasedAt || (${g}.postMortem && ${q}.at < ${g}.postMortemUntil))`,
    `(${q}.ours || ${g}.sublicence)`, has(`${g}.capabilities`, `${q}.capability`), has(`${g}.media`, `${q}.medium`),
    `(!${q}.voice || ${g}.voice)`, `(!${q}.face || ${g}.face)`, `(!${q}.persona || ${g}.persona)`, has(`${g}.languages`, `${q}.language`),
    `!${any(`${g}.forbidden`, `${q}.said`)}`, `(!${q}.adult || (${g}.adult && ${q}.age == "adult"))`, `(!${q}.political || ${g}.political)`,
    all(`${g}.endorsements`, `${q}.endorsements`), `(${q}.label || ${q}.at <= ${g}.waiverUntil)`, `${g}.approved`, has(`${g}.audiences`, `${q}.audience`),
    `${q}.known`, all(`${g}.territories`, `${q}.countries`), has(`${g}.tiers`, `${q}.tier`), has(`${g}.ages`, `${q}.age`),
    has(`${g}.purposes`, `${q}.purpose`), `(!${q}.hasWork || ${has(`${g}.works`, `${q}.work`)})`, `${g}.home`, all(`${g}.laws`, `${q}.laws`),
    `(!${has(`${g}.vague`, `${q}.purpose`)} || (${g}.homeWorks && !${any(`${g}.worksLaws`, `${q}.laws`)}))`,
    `(${g}.mainlandChat || !(${q}.capability == "chat" && ${has(`${q}.laws`, '"CN"')}))`,
    `(!${has(`${q}.laws`, '"EU"')} || (${q}.label && (${g}.marked || ${q}.at < ${EU_MARKING_FROM})))`,
    `(!${has(`${q}.laws`, '"US"')} || ${g}.registered || ${q}.at < ${g}.deceasedAt)`, `(!${g}.chinese || !${q}.abroad || ${g}.crossBorder)`,
    `(!${q}.paid || (${g}.share && ((${g}.rate == 0 && ${g}.floor == 0) || (${q}.known_share && ${q}.share >= ${g}.rate && (${g}.floor == 0 || (${q}.currency == ${g}.currency && ${q}.part >= ${g}.floor))))))`,
    `${g}.outputsLeft >= 1`, `${g}.secondsLeft >= ${q}.seconds`,
  ].join(' && ');
}

export function cedarPeer({ grants, requests }: Facts): Peer {
  const text = policy({
    g: 'resource', q: 'context', has: (set, item) => `${set}.contains(${item})`, all: (set, items) => `${set}.containsAll(${items})`,
    any: (set, items) => `${set}.containsAny(${items})`,
  });
  const parsed = cedar.preparsePolicySet('benren', { staticPolicies: `permit (principal, action, resource) when { ${text} };` });
  if (parsed.type !== 'success') throw new Error(JSON.stringify(parsed.errors));
  const entities = grants.map((attrs, at) => [{ uid: { type: 'Grant', id: String(at) }, attrs, parents: [] }] as cedar.EntityJson[]);
  return {
    name: 'cedar',
    allows(grant, request) {
      const answer = cedar.statefulIsAuthorized({
        principal: { type: 'Fan', id: 'f' }, action: { type: 'Action', id: 'make' }, resource: { type: 'Grant', id: String(grant) },
        context: (requests[request] ?? {}) as cedar.Context, preparsedPolicySetId: 'benren', entities: entities[grant] ?? [], validateRequest: false,
      });
      if (answer.type !== 'success') throw new Error(JSON.stringify(answer.errors));
      if (answer.response.diagnostics.errors.length > 0) throw new Error(JSON.stringify(answer.response.diagnostics.errors));
      return answer.response.decision === 'allow';
    },
  };
}

function sets(facts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, Array.isArray(value) ? new Set(value as string[]) : value]));
}

export async function casbinPeer({ grants, requests }: Facts): Promise<Peer> {
  const matcher = policy({
    g: 'r.g', q: 'r.q', has: (set, item) => `has(${set}, ${item})`, all: (set, items) => `all(${set}, ${items})`, any: (set, items) => `any(${set}, ${items})`,
  });
  const enforcer = await newEnforcer(newModelFromString(
    `[request_definition]\nr = g, q\n[policy_definition]\np = rule\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = ${matcher}\n`));
  await enforcer.addPolicy('listener');
  await enforcer.addFunction('has', (set: Set<string>, item: string) => set.has(item));
  await enforcer.addFunction('all', (set: Set<string>, items: Set<string>) => [...items].every((item) => set.has(item)));
  await enforcer.addFunction('any', (set: Set<string>, items: Set<string>) => [...items].some((item) => set.has(item)));
  const [readyGrants, readyRequests] = [grants.map(sets), requests.map(sets)];
  return { name: 'casbin', allows: (grant, request) => enforcer.enforceSync(readyGrants[grant], readyRequests[request]) };
}

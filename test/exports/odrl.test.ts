import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decide, type DecisionRequest, type DecisionState } from '../../src/consent/index.ts';
import { asJson, odrlAgreement, PROFILE } from '../../src/exports/odrl.ts';
import { anyFacts, anyRequest, anyTerms, CLONE, grant, GRANT, OWNER, request as sample, state, terms } from '../consent/samples.ts';
import { type Asked, permitted } from './odrl-evaluator.ts';

const contract = (name: string): object => JSON.parse(readFileSync(new URL(`../../contracts/odrl/${name}`, import.meta.url), 'utf8')) as object;
const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
const valid = ajv.compile(contract('agreement.schema.json'));

type Terms = ReturnType<typeof terms>;
const heads = { grantId: GRANT, cloneId: CLONE, version: 1, ownerAccountId: OWNER, digest: 'd'.repeat(64) };
const exported = (granted: Terms) => asJson(odrlAgreement(heads, granted));

const ACTION_OF: Readonly<Record<string, string>> = {
  chat: 'rep:converse', voice: 'rep:synthesizeVoice', video: 'rep:synthesizeVideo', sing: 'rep:synthesizeSinging', story: 'rep:tellStory',
  work: 'rep:performWork', moments: 'rep:publishMoment',
};

/** What each text of the samples says, told here by hand: the evaluator must not lean on our own matching. */
const SAYS: Readonly<Record<string, readonly string[]>> = {
  'Good morning.': [], 'Good morning to you.': [], 'Let us bet on the election.': ['bet', 'election'], '我們去賭博吧': ['賭博'], '今天的股票': ['股票', '今天的'],
  'buy stock tips now': ['stock tips'], 你好: [], 'Good luck!': ['good luck'],
};

const given = <T>(value: T | null): T[] => (value === null ? [] : [value]);

function asked(granted: Terms, request: DecisionRequest, facts: DecisionState): Asked {
  const said = SAYS[request.text] ?? [];
  const made = (capability: string, window: string, count: 'outputs' | 'seconds', more: number): number[] => {
    const usage = facts.usage.find((entry) => entry.capability === capability && entry.window === window);
    return usage === undefined ? [] : [usage[count] + more];
  };
  const action = request.act === 'train' ? 'rep:train' : request.act === 'derive' ? 'rep:deriveModel' : request.act === 'sublicense' ? 'grantUse' : (ACTION_OF[request.capability] ?? 'rep:unheardOf');
  const training = action === 'rep:train' || action === 'rep:deriveModel';
  if (training || action === 'grantUse') return { action, values: { dateTime: [request.at.getTime()], 'rep:source': given(request.source) } };
  return {
    action,
    values: {
      dateTime: [request.at.getTime()], 'rep:medium': [request.medium], language: [request.language], 'rep:audience': [request.audience],
      purpose: [request.purpose], 'rep:work': [request.work ?? 'rep:noWork'], spatial: given(request.declaredCountry),
      'rep:billingTerritory': given(request.billingCountry), 'rep:tier': given(request.tierName), 'rep:ageBand': given(request.ageBand),
      'rep:topic': granted.forbiddenTopics.filter(({ words }) => [...words.zh, ...words.en].some((word) => said.includes(word))).map(({ name }) => name),
      'rep:phrase': granted.forbiddenPhrases.filter((phrase) => said.includes(phrase)), 'rep:adult': [request.labels.adult],
      'rep:political': [request.labels.political], 'rep:endorsementCategory': request.labels.endorsements,
      'rep:allOutputsPerDay': made('any', 'day', 'outputs', 1), 'rep:allOutputsInTerm': made('any', 'term', 'outputs', 1),
      'rep:allSecondsPerDay': made('any', 'day', 'seconds', request.seconds), 'rep:allSecondsInTerm': made('any', 'term', 'seconds', request.seconds),
      'rep:ownOutputsPerDay': made(request.capability, 'day', 'outputs', 1), 'rep:ownOutputsInTerm': made(request.capability, 'term', 'outputs', 1),
      'rep:ownSecondsPerDay': made(request.capability, 'day', 'seconds', request.seconds), 'rep:ownSecondsInTerm': made(request.capability, 'term', 'seconds', request.seconds),
    },
  };
}

/** Some members of a value, so that the rest stay as in the sample: many of these are allowed. */
function partOf<T extends object>(any: fc.Arbitrary<T>): fc.Arbitrary<Partial<T>> {
  return any.chain((whole) => fc.subarray(Object.keys(whole) as (keyof T)[]).map((names) =>
    Object.fromEntries(names.map((name) => [name, whole[name]])) as Partial<T>));
}

/** What the export speaks of. Everything else (law, gates, proof, money, death, labels, approval) narrows further and is not in ODRL. */
const SPOKEN = /^(capability|medium|language|audience|territory|tier|age|purpose|work|topic|endorsement|volume|training\.(allowed|source|derived))\b|^(phrase\.forbidden|content\.(adult|adult_age|political)|grant\.(not_yet|expired)|consent\.(voice|face|persona|training)|sublicence)/;

describe('a grant in ODRL 2.2', () => {
  it('means what decide says, in everything that it speaks of', () => {
    let [allowed, denied] = [0, 0];
    fc.assert(fc.property(partOf(anyTerms), partOf(anyRequest), anyFacts, (some, part, facts) => {
      const request = sample(part);
      fc.pre(request.audience !== 'owner' && request.licensee === 'platform' && ['make', 'train', 'derive', 'sublicense'].includes(request.act));
      const granted = terms(some);
      const standing = state(grant(granted), facts);
      const answer = decide(standing, request);
      const denials = answer.allowed ? [] : answer.clauses.filter((clause) => SPOKEN.test(clause));
      const says = permitted(exported(granted), asked(granted, request, standing));
      if (says) allowed += 1;
      else denied += 1;
      if (says !== (denials.length === 0)) expect({ says, request, denials }).toBeNull();
    }), { numRuns: 1_500, seed: 27_560 });
    // Both answers are common, or the agreement would mean little.
    expect(Math.min(allowed, denied)).toBeGreaterThan(100);
  });

  it('has the form of the information model as far as it uses it, whatever the terms', () => {
    fc.assert(fc.property(anyTerms, (some) => {
      expect(valid(exported(terms(some))) ? [] : valid.errors).toEqual([]);
    }), { numRuns: 300, seed: 22 });
  });

  it('uses no term of its own that the profile does not define', () => {
    const profile = contract('replica-1.jsonld') as { '@context': { rep: string }; '@graph': { '@id': string; 'skos:definition'?: unknown }[] };
    const defined = new Set(profile['@graph'].filter((term) => term['skos:definition'] !== undefined || term['@id'] === 'rep:').map((term) => term['@id']));
    expect(profile['@context'].rep).toBe(PROFILE);
    const used = new Set<string>();
    fc.assert(fc.property(anyTerms, (some) => {
      for (const [term] of JSON.stringify(exported(terms(some))).matchAll(/rep:[a-zA-Z0-9]+/g)) used.add(term);
    }), { numRuns: 300, seed: 23 });
    expect([...used].filter((term) => !defined.has(term))).toEqual([]);
    expect(used.size).toBeGreaterThan(25);
  });

  it('says that a prohibition wins, names its profile, parties, target and the signed document', () => {
    expect(exported(terms())).toMatchObject({
      '@type': 'Agreement', profile: PROFILE, conflict: 'prohibit', assigner: `urn:benren:account:${OWNER}`, assignee: 'urn:benren:platform',
      target: `urn:benren:clone:${CLONE}`, 'rep:documentSha256': 'd'.repeat(64),
    });
  });
});

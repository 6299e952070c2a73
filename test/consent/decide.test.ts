import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  decide, type DecisionRequest, type DecisionState, type GateKind, type GrantTerms, recordDecision, type RecordedState, replay,
} from '../../src/consent/model.ts';
import { anyFacts, anyRequest, anyTerms, CLONE, FAN, grant, OWNER, request, state, terms } from './samples.ts';

function clauses(changes: Partial<DecisionRequest>, over: DecisionState = state()): string[] {
  const answer = decide(over, request(changes));
  expect(answer.allowed).toBe(false);
  return answer.clauses;
}

describe('an allowed request', () => {
  it('names the clauses that carried it', () => {
    const answer = decide(state(), request());
    expect(answer).toEqual({
      allowed: true,
      clauses: [
        'ownership.proven', 'grant.term', 'name.granted', 'capability.voice', 'medium.voice', 'consent.voice', 'language.en', 'topics.unsaid',
        'version.approved', 'audience.fan', 'territory.CN', 'tier.friend', 'age.adult', 'purpose.fan_message', 'legal.CN', 'compensation.share',
      ],
    });
  });
});

describe('a denied request names its clause', () => {
  it.each<[string, Partial<DecisionRequest>, string[]]>([
    ['another capability', { capability: 'video' }, ['capability.video', 'consent.face']],
    ['another medium', { medium: 'video' }, ['medium.video', 'consent.face']],
    ['an unknown capability', { capability: 'dance' }, ['capability.dance', 'consent.face', 'consent.persona']],
    ['an inherited name as capability', { capability: 'constructor' }, ['capability.constructor', 'consent.face', 'consent.persona']],
    ['another language', { language: 'fr' }, ['language.fr']],
    ['a foreign declared country', { declaredCountry: 'JP' }, ['territory.JP']],
    ['a foreign billing country', { billingCountry: 'JP' }, ['territory.JP']],
    ['two foreign countries', { declaredCountry: 'CA', billingCountry: 'JP' }, ['territory.CA', 'territory.JP']],
    ['an unknown country', { billingCountry: null }, ['territory.unknown']],
    ['no tier', { tierName: null }, ['tier.none']],
    ['another tier', { tierName: 'gold' }, ['tier.gold']],
    ['another age', { ageBand: 'teen' }, ['age.teen']],
    ['no age', { ageBand: null }, ['age.unknown']],
    ['another purpose', { purpose: 'advertising' }, ['purpose.advertising']],
    ['a work that is not named', { work: 'Somebody_else' }, ['work.Somebody_else']],
    ['an organisation', { licensee: 'org_1' }, ['sublicence', 'licence.none']],
    ['adult content', { labels: { adult: true, political: false, endorsements: [] } }, ['content.adult']],
    ['adult content for a teen', { labels: { adult: true, political: false, endorsements: [] }, ageBand: 'teen' }, ['content.adult', 'content.adult_age', 'age.teen']],
    ['political content', { labels: { adult: false, political: true, endorsements: [] } }, ['content.political']],
    ['an endorsement', { labels: { adult: false, political: false, endorsements: ['cars', 'music', 'cars'] } }, ['endorsement.cars']],
    ['a forbidden phrase', { text: 'It is sure: 稳赚 不赔!' }, ['phrase.forbidden']],
    ['no explicit label', { explicitLabel: false }, ['label.waiver']],
    ['an act that nobody knows', { act: 'dance' as never }, ['act.dance']],
    ['training on what is not named', { act: 'train', source: 'posts' }, ['training.source.posts']],
    ['a derived model', { act: 'derive', source: 'enrolment' }, ['training.derived']],
    ['a licence', { act: 'sublicense' }, ['sublicence']],
    ['the books, by somebody else', { act: 'audit' }, ['audience.owner']],
    ['a forbidden word', { text: 'The ELECTION.' }, ['topic.politics']],
    ['two forbidden topics', { text: '選舉, 博 彩' }, ['topic.gambling', 'topic.politics']],
    ['an audience that is not granted', { audience: 'reviewer', purpose: 'review' }, ['audience.reviewer']],
    ['an audience that does not exist', { audience: 'press' as never }, ['audience.press']],
    ['before its term', { at: new Date('2025-12-31T23:59:59.999Z') }, ['grant.not_yet']],
    ['at the end of its term', { at: new Date('2027-01-01T00:00:00Z') }, ['grant.expired']],
    ['at no time', { at: new Date(Number.NaN) }, ['ownership.unproven', 'request.at']],
    ['several at once', { capability: 'video', language: 'fr', tierName: null }, ['capability.video', 'consent.face', 'language.fr', 'tier.none']],
  ])('%s', (_, changes, expected) => expect(clauses(changes)).toEqual(expected));

  it('at the first and the last instant of the term it is still allowed', () => {
    expect(decide(state(), request({ at: new Date('2026-01-01T00:00:00.000Z') })).allowed).toBe(true);
    expect(decide(state(), request({ at: new Date('2026-12-31T23:59:59.999Z') })).allowed).toBe(true);
  });

  it.each<[string, Partial<DecisionState>, string[]]>([
    ['no clone', { clone: null }, ['clone.unknown', 'grant.foreign', 'name.unnamed']],
    ['another name', { clone: { cloneId: CLONE, ownerAccountId: OWNER, name: 'Someone' } }, ['name.unnamed']],
    ['a death', { deceasedAt: '2026-05-01T00:00:00.000Z' }, ['death.denied']],
    ['a wind-down that is over', { windDownSince: '2026-05-02T00:00:00.000Z' }, ['grant.wound_down']],
    ['another clone', { clone: { cloneId: 'cln_other', ownerAccountId: OWNER, name: 'Lin Ya' } }, ['clone.unknown', 'grant.foreign']],
    ['another owner', { clone: { cloneId: CLONE, ownerAccountId: FAN, name: 'Lin Ya' } }, ['grant.foreign']],
    ['no proof', { ownership: null }, ['ownership.unproven']],
    ['a proof under review', { ownership: { proofId: 'p', state: 'submitted', expiresAt: null } }, ['ownership.unproven']],
    ['an expired proof', { ownership: { proofId: 'p', state: 'approved', expiresAt: '2026-06-01T00:00:00.000Z' } }, ['ownership.unproven']],
    ['no approved version', { version: null }, ['version.unapproved']],
    ['a withdrawn version', { version: { versionId: 'v', number: 1, state: 'withdrawn' } }, ['version.unapproved']],
    ['gates that are not there', { gates: [] }, ['gates.unreadable']],
  ])('%s', (_, changes, expected) => {
    expect(clauses({}, state(grant(), changes)).filter((clause) => clause !== 'audience.fan')).toEqual(expected);
  });

  it('without a grant, and under one that is no longer in force', () => {
    expect(clauses({}, state(grant(), { grant: null }))).toEqual(['grant.none']);
    for (const [status, clause] of [['revoked', 'grant.revoked'], ['expired', 'grant.expired'], ['draft', 'grant.unsigned'], ['?', 'grant.unsigned']] as const) {
      const base = state();
      expect(clauses({}, { ...base, grant: { ...base.grant!, status } })).toEqual([clause]);
    }
  });
});

describe('the owner', () => {
  const own = { audience: 'owner', requester: OWNER, purpose: 'probe', tierName: null, declaredCountry: null, billingCountry: null, ageBand: null } as const;

  it('hears probes of a version that is not approved, under a signed grant', () => {
    expect(decide(state(grant(), { version: null }), request(own)).allowed).toBe(true);
  });

  it('hears nothing without a signed grant, for another purpose, of a forbidden topic, in another language, or as somebody else', () => {
    expect(clauses(own, state(grant(), { grant: null }))).toContain('grant.none');
    expect(clauses({ ...own, purpose: 'fan_message' })).toEqual(['purpose.fan_message']);
    expect(clauses({ ...own, text: 'bets' })).toEqual(['topic.gambling']);
    expect(clauses({ ...own, language: 'fr' })).toEqual(['language.fr']);
    expect(clauses({ ...own, requester: FAN })).toEqual(['audience.owner']);
  });
});

const KINDS: readonly GateKind[] = ['platform', 'clone', 'capability', 'grant'];

function withGate(base: DecisionState, kind: GateKind, to: 'paused' | 'stopped'): DecisionState {
  return { ...base, gates: base.gates.map((gate) => (gate.kind === kind ? { ...gate, state: to } : gate)) };
}

const anyState = fc.tuple(anyTerms, anyFacts).map(([found, facts]) => state({ ...grant(), ...found }, facts));

describe('properties', () => {
  it('answers both ways often enough for the properties to mean something', () => {
    const answers = fc.sample(fc.tuple(anyTerms, anyRequest), { numRuns: 4_000, seed: 7 })
      .map(([found, asked]) => decide(state({ ...grant(), ...widened(found) }), asked).allowed);
    expect(answers.filter(Boolean).length).toBeGreaterThan(200);
    expect(answers.filter((allowed) => !allowed).length).toBeGreaterThan(300);
  });

  it('a stop or a pause of any gate beats everything', () => {
    fc.assert(fc.property(anyState, anyRequest, fc.constantFrom(...KINDS), fc.constantFrom('paused' as const, 'stopped' as const), (base, asked, kind, to) => {
      // To look at the books is no use of anybody's likeness: the one act that a stop does not end.
      fc.pre(asked.act !== 'audit');
      const answer = decide(withGate(base, kind, to), asked);
      expect(answer.allowed).toBe(false);
      expect(answer.clauses).toContain(`stop.${to}`);
    }));
  });

  it('default deny: a missing member of the document denies, whatever it was', () => {
    fc.assert(fc.property(anyTerms, anyRequest, fc.constantFrom(...Object.keys(grant())), (found, asked, member) => {
      const document = { ...grant(), ...found };
      const rest = Object.fromEntries(Object.entries(document).filter(([name]) => name !== member));
      const answer = decide(state(rest), asked);
      expect(answer.allowed).toBe(false);
      expect(answer.clauses).toContain(`grant.unreadable.${member}`);
    }));
  });

  it('default deny: an unreadable member denies, and so does one that nobody knows', () => {
    const odd = fc.oneof(fc.integer(), fc.constant(' '), fc.constant({}), fc.constant([[]]), fc.constant([{}]));
    fc.assert(fc.property(fc.constantFrom(...Object.keys(terms())), odd, (member, value) => {
      expect(decide(state({ ...grant(), [member]: value }), request()).clauses).toContain(`grant.unreadable.${member}`);
    }));
    expect(clauses({}, state({ ...grant(), exceptWhen: 'raining' }))).toEqual(['grant.unreadable.unknown_member']);
  });

  it('total: any JSON as a grant and any text in the request gets an answer', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.string(), (document, text, capability) => {
      expect(decide(state(document), request({ text, capability })).allowed).toBe(false);
    }));
  });

  it('removing any one thing that is allowed never allows more', () => {
    const lists = ['languages', 'territories', 'audiences', 'ageBands', 'tiers', 'purposes'] as const;
    fc.assert(fc.property(anyTerms.map(widened), anyRequest, fc.constantFrom(...lists), fc.nat(5), (found, asked, list, index) => {
      const fewer = { ...found, [list]: (found[list] as unknown[]).filter((_, at) => at !== index) };
      const before = decide(state({ ...grant(), ...found }), asked).allowed;
      const after = decide(state({ ...grant(), ...fewer }), asked).allowed;
      expect(after && !before).toBe(false);
    }), { numRuns: 2_000 });
  });

  it('is a function: the same input gives the same answer, and leaves its input alone', () => {
    fc.assert(fc.property(anyState, anyRequest, (base, asked) => {
      const copy = structuredClone({ base, asked });
      expect(decide(base, asked)).toEqual(decide(base, asked));
      expect({ base, asked }).toEqual(copy);
    }));
  });

  it('every answer names at least one clause', () => {
    fc.assert(fc.property(anyState, anyRequest, (base, asked) => {
      expect(decide(base, asked).clauses.length).toBeGreaterThan(0);
    }));
  });
});

/** Mostly wide terms, so that about half of the requests are allowed. */
function widened(found: GrantTerms): GrantTerms {
  return {
    ...terms(), ...found, validFrom: '2026-01-01T00:00:00.000Z', validUntil: '2027-01-01T00:00:00.000Z', audiences: ['fan', 'reviewer'],
    separateConsent: {
      voice: true, face: true, persona: true, training: true, sensitivePersonalInformation: true, crossBorder: true,
      statement: found.separateConsent.statement,
    },
    capabilities: { ...found.capabilities, voice: true, chat: true, video: true, work: true, sing: true, story: true },
    media: ['voice', 'text', 'video', 'image', 'singing'], signer: terms().signer, languageRead: 'en',
    subject: { ...found.subject, stageNames: ['Lin Ya'], isMinor: false, dateOfBirth: null }, compensation: terms().compensation,
  };
}

describe('receipts', () => {
  it('replay to the same answer, also after a way through JSON', () => {
    fc.assert(fc.property(anyState, anyRequest, (base, asked) => {
      const answer = decide(base, asked);
      const document = recordDecision('dec_1', base as RecordedState, asked, answer);
      const again = replay(JSON.parse(JSON.stringify(document)) as typeof document);
      expect(again).toEqual({ answer, same: true });
    }));
  });

  it('of any other form replay to a denial', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.constantFrom('request', 'state', 'answer'), (value, member) => {
      const document = recordDecision('dec_1', state() as RecordedState, request(), decide(state(), request()));
      expect(replay(value).same).toBe(false);
      expect(replay({ ...document, [member]: value }).same).toBe(false);
    }));
  });

  it('do not replay when the answer, the request or the state was changed', () => {
    const answer = decide(state(), request());
    const document = recordDecision('dec_1', state() as RecordedState, request(), answer);
    expect(replay({ ...document, answer: { allowed: false, clauses: ['language.en'] } }).same).toBe(false);
    expect(replay({ ...document, request: { ...document.request, language: 'fr' } }).same).toBe(false);
    const other = structuredClone(document);
    other.state.grant!.document['languages'] = ['en', 'zh-CN', 'fr'];
    expect(replay(other).same).toBe(false);
  });
});

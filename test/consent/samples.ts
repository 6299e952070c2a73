import fc from 'fast-check';

import {
  type DecisionRequest, type DecisionState, type GrantDocument, type GrantTerms, CAPABILITIES,
} from '../../src/consent/model.ts';

export const OWNER = 'acc_0123456789abcdefghjkmnpqrs';
export const FAN = 'acc_1123456789abcdefghjkmnpqrs';
export const CLONE = 'cln_0123456789abcdefghjkmnpqrs';
export const GRANT = 'grt_0123456789abcdefghjkmnpqrs';

export function terms(changes: Partial<GrantTerms> = {}): GrantTerms {
  return {
    capabilities: { chat: false, voice: true, video: false, sing: false, story: false, work: false, moments: false },
    languages: ['zh-CN', 'en'],
    territories: ['CN', 'SG'],
    audiences: ['fan'],
    ageBands: ['adult', 'undeclared'],
    tiers: ['friend', 'work'],
    purposes: [{ name: 'fan_message', intendedUses: 'Personal voice messages to one subscriber, read from the subscriber\'s own text.' }],
    forbiddenTopics: [
      { name: 'gambling', words: { zh: ['賭博', '博彩'], en: ['gambling', 'bet'] } },
      { name: 'politics', words: { zh: ['选举'], en: ['election'] } },
    ],
    separateConsent: { voice: true, face: false, statement: 'I agree, apart from the rest, that my voice is synthesised.' },
    validFrom: '2026-01-01T00:00:00.000Z',
    validUntil: '2027-01-01T00:00:00.000Z',
    ...changes,
  };
}

export function grant(changes: Partial<GrantTerms> = {}): GrantDocument {
  return {
    type: 'benren.grant', schemaVersion: 1, grantId: GRANT, cloneId: CLONE, version: 1, supersedes: null,
    owner: { accountId: OWNER, name: 'Lin Ya · 林雅' }, licensee: 'platform', ...terms(changes),
  };
}

export function state(document: unknown = grant(), changes: Partial<DecisionState> = {}): DecisionState {
  return {
    clone: { cloneId: CLONE, ownerAccountId: OWNER },
    ownership: { proofId: 'own_1', state: 'approved', expiresAt: '2027-06-01T00:00:00.000Z' },
    version: { versionId: 'ver_1', number: 1, state: 'approved' },
    grant: { grantId: GRANT, digest: 'd'.repeat(64), status: 'signed', document },
    gates: [
      { gateId: 'gat_platform', kind: 'platform', state: 'open', epoch: '1' },
      { gateId: 'gat_1', kind: 'clone', state: 'open', epoch: '3' },
      { gateId: 'gat_2', kind: 'capability', state: 'open', epoch: '1' },
      { gateId: 'gat_3', kind: 'grant', state: 'open', epoch: '1' },
    ],
    ...changes,
  };
}

export function request(changes: Partial<DecisionRequest> = {}): DecisionRequest {
  return {
    cloneId: CLONE, capability: 'voice', language: 'en', audience: 'fan', requester: FAN, tierName: 'friend',
    declaredCountry: 'CN', billingCountry: 'CN', ageBand: 'adult', purpose: 'fan_message', text: 'Good morning to you.',
    at: new Date('2026-06-01T00:00:00Z'), ...changes,
  };
}

/** A subset in any order; half of the time all of it. */
const some = <T>(...items: T[]): fc.Arbitrary<T[]> => fc.oneof(fc.constant(items), fc.shuffledSubarray(items));

const WORDS = { zh: ['賭博', '博彩', '选举', '股票'], en: ['gambling', 'bet', 'election', 'stock tips'] };
const INSTANTS = ['2026-01-01T00:00:00.000Z', '2026-05-01T00:00:00.000Z', '2026-09-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'];

export const anyTerms: fc.Arbitrary<GrantTerms> = fc.record({
  capabilities: fc.record<GrantTerms['capabilities']>({
    chat: fc.boolean(), voice: fc.boolean(), video: fc.boolean(), sing: fc.boolean(), story: fc.boolean(), work: fc.boolean(),
    moments: fc.boolean(),
  }),
  languages: some('en' as const, 'zh-CN' as const),
  territories: some('CN', 'SG', 'DE'),
  audiences: some('fan' as const, 'reviewer' as const),
  ageBands: some('child' as const, 'teen' as const, 'adult' as const, 'undeclared' as const),
  tiers: some('friend', 'work'),
  purposes: some('fan_message', 'story').map((names) => names.map((name) => ({ name, intendedUses: 'exactly what it says, to one listener' }))),
  forbiddenTopics: fc.record({ zh: some(...WORDS.zh), en: some(...WORDS.en) })
    .map((words) => (words.zh.length + words.en.length === 0 ? [] : [{ name: 'topic', words }])),
  separateConsent: fc.record({ voice: fc.boolean(), face: fc.boolean(), statement: fc.constant('A statement of its own, long enough.') }),
  validFrom: fc.constantFrom(...INSTANTS),
  validUntil: fc.constantFrom(...INSTANTS),
});

/** Mostly the first value: requests near the grants of `anyTerms`, so that many are allowed and many are denied. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

export const anyRequest: fc.Arbitrary<DecisionRequest> = fc.record({
  cloneId: fc.constant(CLONE),
  capability: mostly<string>('voice', ...CAPABILITIES, 'dance'),
  language: mostly('en', 'zh-CN', 'fr'),
  audience: mostly<DecisionRequest['audience']>('fan', 'owner', 'reviewer'),
  requester: fc.constantFrom(OWNER, FAN),
  tierName: mostly<string | null>('friend', 'work', null),
  declaredCountry: mostly<string | null>('CN', 'SG', 'DE', null),
  billingCountry: mostly<string | null>('CN', 'SG', 'DE', null),
  ageBand: mostly<string | null>('adult', 'child', 'teen', 'undeclared', null),
  purpose: mostly('fan_message', 'story', 'probe', 'review'),
  text: mostly('Good morning.', 'Let us bet on the election.', '我們去賭博吧', '今天的股票', 'buy stock tips now', '你好'),
  at: mostly('2026-06-01T12:00:00.000Z', ...INSTANTS).map((text) => new Date(text)),
});

import fc from 'fast-check';

import {
  ACTS, CAPABILITIES, type DecisionRequest, type DecisionState, type GrantDocument, type GrantTerms, MEDIA, type VolumeCap,
} from '../../src/consent/model.ts';

export const OWNER = 'acc_0123456789abcdefghjkmnpqrs';
export const FAN = 'acc_1123456789abcdefghjkmnpqrs';
export const CLONE = 'cln_0123456789abcdefghjkmnpqrs';
export const GRANT = 'grt_0123456789abcdefghjkmnpqrs';

export function terms(changes: Partial<GrantTerms> = {}): GrantTerms {
  return {
    subject: { legalName: 'Lin Ya · 林雅', stageNames: ['Lin Ya'], dateOfBirth: null, isMinor: false, domicile: 'CN' },
    signer: { role: 'self', authorityDocumentSha256: null },
    courtApproval: null,
    representation: { kind: 'counsel', name: 'Chen & Partners', reference: 'Shanghai Bar 3101' },
    termsInitialled: true,
    languageRead: 'en',
    governingLaw: 'CN',
    media: ['voice', 'text'],
    forbiddenPhrases: ['nothing is certain', '稳赚不赔'],
    adultContent: false,
    politicalContent: false,
    endorsementCategories: ['music'],
    volumeCaps: [],
    outputApproval: { mode: 'none', undoHours: 0 },
    training: { allowed: true, sources: ['enrolment'], derivedModels: false, deleteOnEnd: true },
    sublicence: false,
    compensation: { model: 'share', rateBasisPoints: 0, floorMinor: '0', currency: 'CNY', auditRight: true },
    withdrawal: { method: 'One signature in the app, at any time.', noticeDays: 30, effect: 'takedown_all' },
    survivalOfExistingWorks: false,
    postMortem: { allowed: false, until: null, holder: null, registerNotice: null },
    disclosureText: 'This voice is AI-generated. 本声音由人工智能合成。',
    explicitLabelWaiver: null,
    capabilities: { chat: false, voice: true, video: false, sing: false, story: false, work: false, moments: false },
    languages: ['zh-CN', 'en'],
    territories: ['CN', 'SG'],
    audiences: ['fan'],
    ageBands: ['adult', 'undeclared'],
    tiers: ['friend', 'work'],
    purposes: [{ name: 'fan_message', intendedUses: 'Personal voice messages to one subscriber, read from the subscriber\'s own text.', works: ['Friend tier'] }],
    forbiddenTopics: [
      { name: 'gambling', words: { zh: ['賭博', '博彩'], en: ['gambling', 'bet'] } },
      { name: 'politics', words: { zh: ['选举'], en: ['election'] } },
    ],
    separateConsent: {
      voice: true, face: false, persona: false, training: true, sensitivePersonalInformation: true, crossBorder: true,
      statement: 'I agree, apart from the rest, that my voice is synthesised.',
    },
    validFrom: '2026-01-01T00:00:00.000Z',
    validUntil: '2027-01-01T00:00:00.000Z',
    ...changes,
  };
}

export function grant(changes: Partial<GrantTerms> = {}): GrantDocument {
  return {
    type: 'benren.grant', schemaVersion: 2, grantId: GRANT, cloneId: CLONE, version: 1, supersedes: null,
    owner: { accountId: OWNER, name: 'Lin Ya · 林雅' }, licensee: 'platform',
    rendering: { sha256: 'c'.repeat(64), mediaType: 'application/pdf', locales: ['zh-CN', 'en'] }, ...terms(changes),
  };
}

export function state(document: unknown = grant(), changes: Partial<DecisionState> = {}): DecisionState {
  return {
    clone: { cloneId: CLONE, ownerAccountId: OWNER, name: 'Lin Ya' },
    ownership: { proofId: 'own_1', state: 'approved', expiresAt: '2027-06-01T00:00:00.000Z' },
    version: { versionId: 'ver_1', number: 1, state: 'approved' },
    grant: { grantId: GRANT, digest: 'd'.repeat(64), status: 'signed', document },
    gates: [
      { gateId: 'gat_platform', kind: 'platform', state: 'open', epoch: '1' },
      { gateId: 'gat_1', kind: 'clone', state: 'open', epoch: '3' },
      { gateId: 'gat_2', kind: 'capability', state: 'open', epoch: '1' },
      { gateId: 'gat_3', kind: 'grant', state: 'open', epoch: '1' },
    ],
    usage: [], output: null, deceasedAt: null, windDownSince: null, platform: { markingLayers: ['signed_metadata'], mainlandChat: false },
    ...changes,
  };
}

export function request(changes: Partial<DecisionRequest> = {}): DecisionRequest {
  return {
    act: 'make', cloneId: CLONE, capability: 'voice', medium: 'voice', language: 'en', audience: 'fan', requester: FAN, licensee: 'platform',
    tierName: 'friend', declaredCountry: 'CN', billingCountry: 'CN', ageBand: 'adult', purpose: 'fan_message', work: null, source: null,
    text: 'Good morning to you.', labels: { adult: false, political: false, endorsements: [] }, explicitLabel: true, seconds: 2,
    sale: { priceMinor: '600', currency: 'CNY', ownerBasisPoints: null }, at: new Date('2026-06-01T00:00:00Z'), ...changes,
  };
}

/** A subset in any order; half of the time all of it. */
const some = <T>(...items: T[]): fc.Arbitrary<T[]> => fc.oneof(fc.constant(items), fc.shuffledSubarray(items));

const WORDS = { zh: ['賭博', '博彩', '选举', '股票'], en: ['gambling', 'bet', 'election', 'stock tips'] };
const INSTANTS: [string, ...string[]] = ['2026-01-01T00:00:00.000Z', '2026-05-01T00:00:00.000Z', '2026-09-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'];

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
/** Mostly the first value. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

/** What makes a grant valid or not, and what the law asks of it. */
const anyValidity = {
  subject: fc.record({
    legalName: fc.constant('Lin Ya · 林雅'), stageNames: some('Lin Ya'), isMinor: mostly(false, true),
    dateOfBirth: mostly<string | null>(null, '1990-02-28', '2010-07-01'), domicile: mostly('SG', 'CN', 'US-CA', 'US', 'DE'),
  }),
  signer: fc.record({
    role: mostly<GrantTerms['signer']['role']>('self', 'guardian', 'executor'), authorityDocumentSha256: fc.constantFrom(null, 'a'.repeat(64)),
  }),
  courtApproval: fc.constantFrom('Court 1', null),
  representation: mostly<GrantTerms['representation']>(
    { kind: 'counsel', name: 'A', reference: 'B' }, { kind: 'none', name: null, reference: null }, { kind: 'union', name: 'C', reference: null }),
  termsInitialled: mostly(true, false),
  languageRead: mostly('en', 'zh-CN', 'fr'),
  governingLaw: mostly('SG', 'CN', 'US-NY'),
  separateConsent: fc.record({
    voice: mostly(true, false), face: mostly(true, false), persona: mostly(true, false), training: mostly(true, false),
    sensitivePersonalInformation: mostly(true, false), crossBorder: mostly(true, false), statement: fc.constant('A statement of its own, long enough.'),
  }),
  disclosureText: mostly<string | null>('This is AI, and it was generated.', null, 'Nothing of the kind.'),
  explicitLabelWaiver: fc.constantFrom(null, { agreementRef: 'A1', retainUntil: '2027-01-01T00:00:00.000Z' }),
  validFrom: mostly(...INSTANTS),
  validUntil: mostly('2027-01-01T00:00:00.000Z', ...INSTANTS, '2037-01-01T00:00:00.000Z'),
} satisfies Partial<{ [Name in keyof GrantTerms]: fc.Arbitrary<GrantTerms[Name]> }>;

const anyScope = {
  capabilities: fc.record<GrantTerms['capabilities']>({
    chat: fc.boolean(), voice: mostly(true, false), video: fc.boolean(), sing: fc.boolean(), story: fc.boolean(), work: fc.boolean(),
    moments: fc.boolean(),
  }),
  media: some('voice' as const, 'text' as const, 'video' as const, 'image' as const, 'singing' as const),
  languages: some('en', 'zh-CN'),
  territories: some('CN', 'SG', 'DE', 'US'),
  audiences: some('fan' as const, 'reviewer' as const),
  ageBands: some('child' as const, 'teen' as const, 'adult' as const, 'undeclared' as const),
  tiers: some('friend', 'work'),
  purposes: some('fan_message', 'story').chain((names) => some('An Album').map((works) =>
    names.map((name) => ({ name, intendedUses: 'exactly what it says, to one listener', works })))),
  forbiddenTopics: fc.record({ zh: some(...WORDS.zh), en: some(...WORDS.en) })
    .map((words) => (words.zh.length + words.en.length === 0 ? [] : [{ name: 'topic', words }])),
  forbiddenPhrases: fc.subarray(['good luck', '今天的']),
  adultContent: fc.boolean(),
  politicalContent: fc.boolean(),
  endorsementCategories: fc.subarray(['music', 'cars']),
} satisfies Partial<{ [Name in keyof GrantTerms]: fc.Arbitrary<GrantTerms[Name]> }>;

const anyUse = {
  volumeCaps: fc.uniqueArray(fc.record<VolumeCap>({
    capability: mostly<VolumeCap['capability']>('any', 'voice', 'chat'), window: fc.constantFrom('day' as const, 'term' as const),
    outputs: maybe(fc.constantFrom(3, 5, 10)), seconds: maybe(fc.constantFrom(20, 60)),
  }), { selector: (cap) => `${cap.capability} ${cap.window}`, maxLength: 2 }),
  outputApproval: fc.record({ mode: mostly<'none' | 'before' | 'after'>('none', 'before', 'after'), undoHours: fc.constantFrom(0, 24) }),
  training: fc.record({
    allowed: fc.boolean(), sources: fc.subarray(['enrolment', 'posts']), derivedModels: fc.boolean(), deleteOnEnd: fc.boolean(),
  }),
  sublicence: fc.boolean(),
  compensation: fc.record({
    model: mostly<'share' | 'free'>('share', 'free'), rateBasisPoints: fc.constantFrom(0, 5_000, 8_000), floorMinor: fc.constantFrom('0', '300', '500'),
    currency: mostly<GrantTerms['compensation']['currency']>('CNY', 'USD'), auditRight: fc.boolean(),
  }),
  withdrawal: fc.record({
    method: mostly<string | null>('One signature.', null), noticeDays: fc.constantFrom(0, 30), effect: fc.constantFrom('stop_new' as const, 'takedown_all' as const),
  }),
  survivalOfExistingWorks: fc.boolean(),
  postMortem: fc.record({
    allowed: fc.boolean(), until: maybe(fc.constantFrom('2026-08-01T00:00:00.000Z', '2030-01-01T00:00:00.000Z')), holder: maybe(fc.constant('Her sister')),
    registerNotice: maybe(fc.constant('R1')),
  }),
} satisfies Partial<{ [Name in keyof GrantTerms]: fc.Arbitrary<GrantTerms[Name]> }>;

export const anyTerms: fc.Arbitrary<GrantTerms> = fc.record({ ...anyValidity, ...anyScope, ...anyUse });

/** Requests near the grants of `anyTerms`, so that many are allowed and many are denied. */
export const anyRequest: fc.Arbitrary<DecisionRequest> = fc.record({
  act: mostly<DecisionRequest['act']>('make', ...ACTS),
  cloneId: fc.constant(CLONE),
  capability: mostly<string>('voice', ...CAPABILITIES, 'dance'),
  medium: mostly<string>('voice', ...MEDIA, 'smell'),
  language: mostly('en', 'zh-CN', 'fr'),
  audience: mostly<DecisionRequest['audience']>('fan', 'owner', 'reviewer'),
  requester: fc.constantFrom(OWNER, FAN),
  licensee: mostly('platform', 'org_game'),
  tierName: mostly<string | null>('friend', 'work', null),
  declaredCountry: mostly<string | null>('SG', 'CN', 'DE', 'US', null),
  billingCountry: mostly<string | null>('SG', 'CN', 'DE', 'US', null),
  ageBand: mostly<string | null>('adult', 'child', 'teen', 'undeclared', null),
  purpose: mostly('fan_message', 'story', 'probe', 'review'),
  work: mostly<string | null>(null, 'An Album', 'Another'),
  source: mostly<string | null>('enrolment', 'posts', null),
  text: mostly('Good morning.', 'Let us bet on the election.', '我們去賭博吧', '今天的股票', 'buy stock tips now', '你好', 'Good luck!'),
  labels: fc.record({
    adult: mostly(false, true), political: mostly(false, true), endorsements: mostly<string[]>([], ['music'], ['cars', 'music']),
  }),
  explicitLabel: mostly(true, false),
  seconds: fc.constantFrom(0, 2, 30),
  sale: mostly<DecisionRequest['sale']>(
    { priceMinor: '600', currency: 'CNY', ownerBasisPoints: 7_000 }, { priceMinor: '600', currency: 'USD', ownerBasisPoints: 9_000 },
    { priceMinor: '600', currency: 'CNY', ownerBasisPoints: null }, null),
  at: mostly('2026-06-01T12:00:00.000Z', ...INSTANTS, '2026-08-02T00:00:00.000Z').map((text) => new Date(text)),
});

/** The facts around a grant, mostly those under which it may be used. */
export const anyFacts: fc.Arbitrary<Partial<DecisionState>> = fc.record({
  usage: fc.record({ day: fc.constantFrom(0, 4, 5), term: fc.constantFrom(2, 9) }).map(({ day, term }) =>
    (['any', 'voice', 'chat'] as const).flatMap((capability) => [
      { capability, window: 'day' as const, outputs: day, seconds: day * 5 }, { capability, window: 'term' as const, outputs: term, seconds: term * 5 },
    ])),
  output: mostly<DecisionState['output']>(null, { verdict: 'approved', verdictAt: '2026-05-30T00:00:00.000Z', releasedAt: null },
    { verdict: 'rejected', verdictAt: '2026-05-30T00:00:00.000Z', releasedAt: '2026-05-29T12:00:00.000Z' },
    { verdict: 'rejected', verdictAt: '2026-05-31T00:00:00.000Z', releasedAt: '2026-05-29T12:00:00.000Z' }),
  deceasedAt: mostly<string | null>(null, '2026-05-15T00:00:00.000Z'),
  windDownSince: mostly<string | null>(null, '2026-05-15T00:00:00.000Z', '2026-04-01T00:00:00.000Z'),
  platform: mostly<DecisionState['platform']>({ markingLayers: ['signed_metadata', 'time_stamp', 'watermark'], mainlandChat: true },
    { markingLayers: ['signed_metadata'], mainlandChat: false }),
});

import type { DecisionRequest, DecisionState, GrantDocument, GrantTerms } from '../../src/consent/index.ts';
import { type Random, seededRandom } from '../../src/kernel/random.ts';
import { CLONE, FAN, grant, OWNER, request, state, terms } from '../consent/samples.ts';

/** Grants and requests of one seed: all different, near each other, so that about half of what is asked is denied. */
export interface Data {
  states: DecisionState[];
  requests: DecisionRequest[];
  /** Which request is held against which grant first: a permutation, so that nothing is near in memory. */
  grantOrder: Uint32Array;
  requestOrder: Uint32Array;
}

const COUNTRIES = ['SG', 'JP', 'CA', 'BR', 'GB', 'KR', 'CN', 'DE', 'US', 'AU'];
const LANGUAGES = ['en', 'zh-CN', 'fr', 'ja'];
const TIERS = ['friend', 'work', 'family', 'gold'];
const PURPOSES = ['fan_message', 'story', 'lesson'];
const WORKS = ['An_Album', 'A_Film', 'A_Game'];
const CAPABILITIES = ['voice', 'story', 'work', 'chat', 'sing'] as const;
const MEDIA = ['voice', 'text', 'singing'] as const;
const AGES = ['adult', 'undeclared', 'teen'] as const;
const ENDORSED = ['music', 'books', 'cars'];
const WORDS = [
  'gambling', 'election', 'casino', 'lottery', 'poker', 'rumour', 'divorce', 'medicine', 'diet', 'crypto', 'stocks', 'loans', 'politics',
  'religion', 'violence', 'weapons', 'tobacco', 'alcohol', 'gossip', 'lawsuit', 'tattoo', 'surgery', 'horoscope', 'hacking',
];
const PHRASES = ['nothing is certain', 'trust me blindly', 'guaranteed return'];
const GREETINGS = ['Good morning to you', 'I hope it did not rain', 'Thank you for the letter', 'Let us speak about music', 'Sleep well tonight'];

class Dice {
  constructor(private readonly random: Random) {}
  below(bound: number): number {
    return this.random.below(bound);
  }
  chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }
  one<T>(items: readonly T[]): T {
    const item = items[this.random.below(items.length)];
    if (item === undefined) throw new Error('nothing to choose from');
    return item;
  }
  most<T>(items: readonly T[], percent: number): T[] {
    const kept = items.filter(() => this.chance(percent));
    return kept.length > 0 ? kept : [this.one(items)];
  }
}

function anyTerms(dice: Dice): GrantTerms {
  const base = terms();
  const granted = dice.most(CAPABILITIES, 98);
  return terms({
    subject: { ...base.subject, domicile: dice.one(['SG', 'CN', 'GB', 'US-TN']), stageNames: dice.chance(98) ? ['Lin Ya'] : [] },
    representation: dice.chance(85) ? base.representation : { kind: 'none', name: null, reference: null },
    termsInitialled: dice.chance(90), governingLaw: 'SG', languageRead: dice.chance(99) ? 'en' : 'fr',
    capabilities: { ...base.capabilities, ...Object.fromEntries(CAPABILITIES.map((name) => [name, granted.includes(name)])) },
    media: dice.most(MEDIA, 98), languages: dice.most(LANGUAGES, 96), territories: dice.most(COUNTRIES, 97), ageBands: dice.most(AGES, 97),
    tiers: dice.most(TIERS, 97),
    purposes: dice.most(PURPOSES, 98).map((name) => ({ name, intendedUses: 'Spoken to one listener at a time, as described.', works: dice.chance(90) ? dice.most(WORKS, 95) : [] })),
    forbiddenTopics: Array.from({ length: 2 }, (_, at) => ({ name: `topic_${at}`, words: { zh: [], en: dice.most(WORDS, 8) } })),
    forbiddenPhrases: dice.most(PHRASES, 40), adultContent: dice.chance(30), politicalContent: dice.chance(30),
    endorsementCategories: dice.most(ENDORSED, 70),
    volumeCaps: dice.chance(30) ? [{ capability: 'any', window: 'day', outputs: 10, seconds: dice.chance(50) ? 60 : null }] : [],
    sublicence: dice.chance(50),
    separateConsent: {
      ...base.separateConsent, face: dice.chance(50), persona: dice.chance(90), voice: dice.chance(98), crossBorder: dice.chance(90),
      sensitivePersonalInformation: dice.chance(90),
    },
    compensation: { ...base.compensation, rateBasisPoints: dice.one([0, 0, 5_000, 7_000]), floorMinor: dice.one(['0', '0', '200']) },
    withdrawal: { ...base.withdrawal, noticeDays: dice.one([0, 30, 90]) },
    disclosureText: dice.chance(90) ? base.disclosureText : null,
    explicitLabelWaiver: dice.chance(30) ? { agreementRef: 'A1', retainUntil: '2028-01-01T00:00:00.000Z' } : null,
    postMortem: { allowed: true, until: '2030-01-01T00:00:00.000Z', holder: 'Her sister', registerNotice: dice.chance(50) ? 'R1' : null },
    validFrom: dice.one(['2026-01-01T00:00:00.000Z', '2026-01-15T00:00:00.000Z']), validUntil: dice.one(['2027-01-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z']),
  });
}

function anyState(dice: Dice, at: number): DecisionState {
  const document: GrantDocument = { ...grant(), ...anyTerms(dice), grantId: `grt_${String(at).padStart(26, '0')}` };
  const base = state(document);
  const capped = document.volumeCaps.length > 0;
  return {
    ...base,
    gates: dice.chance(97) ? base.gates : base.gates.map((gate) => (gate.kind === 'clone' ? { ...gate, state: dice.one(['paused', 'stopped']) } : gate)),
    grant: { grantId: document.grantId, digest: 'd'.repeat(64), document, status: dice.chance(98) ? 'signed' : dice.one(['revoked', 'expired']) },
    ownership: { proofId: 'own_1', state: dice.chance(99) ? 'approved' : 'submitted', expiresAt: '2027-06-01T00:00:00.000Z' },
    version: dice.chance(99) ? base.version : null,
    usage: capped ? [{ capability: 'any', window: 'day', outputs: dice.one([0, 4, 9, 10]), seconds: dice.one([0, 30, 55]) }] : [],
    deceasedAt: dice.chance(97) ? null : '2026-03-01T00:00:00.000Z',
    windDownSince: dice.chance(97) ? null : '2026-04-01T00:00:00.000Z',
    platform: { markingLayers: dice.chance(50) ? ['signed_metadata', 'time_stamp', 'watermark'] : ['signed_metadata'], mainlandChat: dice.chance(50) },
  };
}

function anyRequest(dice: Dice, at: number): DecisionRequest {
  const capability = dice.one(CAPABILITIES);
  const home = dice.one(COUNTRIES);
  const said = [dice.one(GREETINGS), ...(dice.chance(12) ? [dice.one(WORDS)] : []), ...(dice.chance(2) ? [dice.one(PHRASES)] : [])];
  return request({
    capability, medium: capability === 'chat' ? 'text' : capability === 'sing' ? 'singing' : 'voice', language: dice.one(LANGUAGES),
    declaredCountry: dice.chance(99) ? home : null, billingCountry: dice.chance(95) ? home : dice.one(COUNTRIES),
    tierName: dice.chance(99) ? dice.one(TIERS) : null, ageBand: dice.one(AGES), purpose: dice.one(PURPOSES),
    work: dice.chance(80) ? null : dice.one(WORKS), text: `${said.join(', ')}; message ${at}.`,
    labels: { adult: dice.chance(2), political: dice.chance(2), endorsements: dice.chance(4) ? [dice.one(ENDORSED)] : [] },
    explicitLabel: dice.chance(98), seconds: dice.one([2, 5, 20]), licensee: dice.chance(97) ? 'platform' : 'org_game', requester: FAN, cloneId: CLONE,
    sale: dice.chance(5) ? null : { priceMinor: dice.one(['600', '300']), currency: dice.chance(97) ? 'CNY' : 'USD', ownerBasisPoints: dice.chance(97) ? dice.one([7_000, 8_000]) : null },
    at: new Date(Date.parse('2026-02-01T00:00:00Z') + dice.below(300) * 86_400_000),
  });
}

function permutation(dice: Dice, length: number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, at) => at);
  for (let at = length - 1; at > 0; at -= 1) {
    const other = dice.below(at + 1);
    [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
  }
  return order;
}

export function makeData(seed: string, grants: number, requests: number): Data {
  const dice = new Dice(seededRandom(seed));
  return {
    states: Array.from({ length: grants }, (_, at) => anyState(dice, at)), requests: Array.from({ length: requests }, (_, at) => anyRequest(dice, at)),
    grantOrder: permutation(dice, grants), requestOrder: permutation(dice, requests),
  };
}

export { OWNER };

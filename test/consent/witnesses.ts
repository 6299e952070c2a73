import type { DecisionRequest, DecisionState, GrantTerms } from '../../src/consent/model.ts';
import { FAN, OWNER, terms } from './samples.ts';

/** Two documents that differ in one field only, and a question to which they give different answers. */
export interface Witness {
  /** The base document, where the sample is not enough. */
  base?: Partial<GrantTerms>;
  /** The value in the place of the field; `undefined` takes the field away. */
  value: unknown;
  request?: Partial<DecisionRequest>;
  state?: Partial<DecisionState>;
  status?: string;
}

const t = terms();
const capped = (capability: string, window: string): Partial<GrantTerms> =>
  ({ volumeCaps: [{ capability, window, outputs: 5, seconds: 60 }] as GrantTerms['volumeCaps'] });
const used = (outputs: number, seconds = 0): Partial<DecisionState> =>
  ({ usage: (['day', 'term'] as const).flatMap((window) => ['any', 'voice', 'chat'].map((capability) => ({ capability, window, outputs, seconds }))) });
const label = (one: Partial<DecisionRequest['labels']>): Partial<DecisionRequest> => ({ labels: { adult: false, political: false, endorsements: [], ...one } });
const owner = { audience: 'owner', requester: OWNER, purpose: 'probe' } as const;
const minor: Partial<GrantTerms> = {
  subject: { ...t.subject, isMinor: true, dateOfBirth: '2016-01-01' }, signer: { role: 'guardian', authorityDocumentSha256: 'a'.repeat(64) },
  courtApproval: 'Court 1',
};
const usa: Partial<GrantTerms> = { territories: ['US'] };
const inUsa: Partial<DecisionRequest> = { declaredCountry: 'US', billingCountry: 'US' };
const paid: Partial<GrantTerms> = { compensation: { ...t.compensation, rateBasisPoints: 5_000, floorMinor: '300' } };
const share: Partial<DecisionRequest> = { sale: { priceMinor: '600', currency: 'CNY', ownerBasisPoints: 5_000 } };
const dead: Partial<DecisionState> = { deceasedAt: '2026-02-01T00:00:00.000Z' };
const after: Partial<GrantTerms> = { postMortem: { allowed: true, until: '2030-01-01T00:00:00.000Z', holder: 'Her sister', registerNotice: 'R1' } };
const waiver: Partial<GrantTerms> = { explicitLabelWaiver: { agreementRef: 'A1', retainUntil: '2027-06-01T00:00:00.000Z' } };
const back: Partial<DecisionState> = { output: { verdict: 'rejected', verdictAt: '2026-05-02T00:00:00.000Z', releasedAt: '2026-05-01T00:00:00.000Z' } };
const training = { act: 'train', source: 'enrolment' } as const;

/** By the field's path in the schema. Every leaf of the schema has one: the test reads the schema and looks here. */
export const WITNESSES: Readonly<Record<string, Witness>> = {
  type: { value: 'benren.revocation' }, schemaVersion: { value: 3 }, grantId: { value: undefined }, cloneId: { value: 'cln_other' },
  version: { value: 2 }, supersedes: { value: 'e'.repeat(64) }, licensee: { value: 'somebody' },
  'rendering.sha256': { value: 'x' }, 'rendering.mediaType': { value: 'text/plain' }, 'rendering.locales': { value: undefined },
  'owner.accountId': { value: FAN }, 'owner.name': { value: '' },
  'subject.legalName': { value: 'Another', state: { clone: { cloneId: 'cln_0123456789abcdefghjkmnpqrs', ownerAccountId: OWNER, name: t.subject.legalName } } },
  'subject.stageNames': { value: [] }, 'subject.dateOfBirth': { value: '2010-01-01' }, 'subject.isMinor': { value: true },
  'subject.domicile': { base: { separateConsent: { ...t.separateConsent, crossBorder: false }, governingLaw: 'SG' }, value: 'SG', request: { declaredCountry: 'SG', billingCountry: 'SG' } },
  'signer.role': { value: 'executor' }, 'signer.authorityDocumentSha256': { base: minor, value: null },
  courtApproval: { base: minor, value: null },
  'representation.kind': { base: usa, value: 'none', request: inUsa }, 'representation.name': { base: usa, value: null, request: inUsa },
  'representation.reference': { base: usa, value: null, request: inUsa }, termsInitialled: { base: usa, value: false, request: inUsa },
  languageRead: { value: 'fr' },
  governingLaw: { base: { ...usa, territories: ['SG'], subject: { ...t.subject, domicile: 'SG' }, termsInitialled: false }, value: 'US-CA', request: { declaredCountry: 'SG', billingCountry: 'SG' } },
  ...Object.fromEntries((['chat', 'voice', 'video', 'sing', 'story', 'work', 'moments'] as const).map((name): [string, Witness] => [`capabilities.${name}`, {
    base: {
      capabilities: { ...t.capabilities, [name]: true }, media: ['voice', 'video', 'text', 'image', 'singing'],
      separateConsent: { ...t.separateConsent, face: true, persona: true },
    },
    value: false, request: { capability: name, declaredCountry: 'SG', billingCountry: 'SG' },
  }])),
  media: { value: ['text'] }, languages: { value: ['zh-CN'] }, territories: { value: ['SG'] }, audiences: { value: ['reviewer'] },
  ageBands: { value: ['teen'] }, tiers: { value: ['work'] },
  'purposes.name': { value: 'another' }, 'purposes.intendedUses': { value: ' ' }, 'purposes.works': { value: [], request: { work: 'Friend tier' } },
  'forbiddenTopics.name': { value: '' }, 'forbiddenTopics.words.zh': { value: ['早上'], request: { text: '早上好' } },
  'forbiddenTopics.words.en': { value: ['morning'] }, forbiddenPhrases: { value: ['good morning'] },
  adultContent: { value: true, request: label({ adult: true }) }, politicalContent: { value: true, request: label({ political: true }) },
  endorsementCategories: { value: ['cars'], request: label({ endorsements: ['cars'] }) },
  'volumeCaps.capability': { base: capped('voice', 'day'), value: 'chat', state: used(5) },
  'volumeCaps.window': { base: capped('voice', 'day'), value: 'term', state: { usage: [{ capability: 'voice', window: 'day', outputs: 1, seconds: 1 }, { capability: 'voice', window: 'term', outputs: 9, seconds: 9 }] } },
  'volumeCaps.outputs': { base: capped('voice', 'day'), value: 2, state: used(3) }, 'volumeCaps.seconds': { base: capped('voice', 'day'), value: 20, state: used(1, 30) },
  'outputApproval.mode': { value: 'before', request: { act: 'release' } },
  'outputApproval.undoHours': { base: { outputApproval: { mode: 'after', undoHours: 48 } }, value: 2, request: { act: 'read' }, state: back },
  'training.allowed': { value: false, request: training }, 'training.sources': { value: ['posts'], request: training },
  'training.derivedModels': { value: true, request: { ...training, act: 'derive' } }, 'training.deleteOnEnd': { value: false, request: { act: 'keep_model' }, status: 'expired' },
  sublicence: { value: true, request: { act: 'sublicense' } },
  'separateConsent.voice': { value: false },
  'separateConsent.face': { base: { capabilities: { ...t.capabilities, video: true }, media: ['video'], separateConsent: { ...t.separateConsent, face: true } }, value: false, request: { capability: 'video', medium: 'video' } },
  'separateConsent.persona': { base: { capabilities: { ...t.capabilities, work: true }, separateConsent: { ...t.separateConsent, persona: true } }, value: false, request: { capability: 'work' } },
  'separateConsent.training': { value: false, request: training }, 'separateConsent.sensitivePersonalInformation': { value: false },
  'separateConsent.crossBorder': { value: false, request: { declaredCountry: 'SG', billingCountry: 'SG' } }, 'separateConsent.statement': { value: '' },
  'compensation.model': { value: 'free' }, 'compensation.rateBasisPoints': { base: paid, value: 6_000, request: share },
  'compensation.floorMinor': { base: paid, value: '301', request: share }, 'compensation.currency': { base: paid, value: 'USD', request: share },
  'compensation.auditRight': { value: false, request: { ...owner, act: 'audit' } },
  'withdrawal.method': { value: null }, 'withdrawal.noticeDays': { value: 60, state: { windDownSince: '2026-04-20T00:00:00.000Z' } },
  'withdrawal.effect': { base: { survivalOfExistingWorks: true }, value: 'stop_new', request: { act: 'read' }, status: 'revoked' },
  survivalOfExistingWorks: { value: true, request: { act: 'read' }, status: 'expired' },
  'postMortem.allowed': { base: after, value: false, state: dead }, 'postMortem.until': { base: after, value: '2026-03-01T00:00:00.000Z', state: dead },
  'postMortem.holder': { base: after, value: null, state: dead }, 'postMortem.registerNotice': { base: { ...after, ...usa }, value: null, state: dead, request: inUsa },
  disclosureText: { base: { territories: ['DE'] }, value: null, request: { declaredCountry: 'DE', billingCountry: 'DE' } },
  'explicitLabelWaiver.agreementRef': { base: waiver, value: '', request: { explicitLabel: false } },
  'explicitLabelWaiver.retainUntil': { base: waiver, value: '2026-07-01T00:00:00.000Z', request: { explicitLabel: false } },
  validFrom: { value: '2026-07-01T00:00:00.000Z' }, validUntil: { value: '2026-02-01T00:00:00.000Z' },
};

import { CURRENCIES, type Currency } from '../kernel/money.ts';
import { AGE_BANDS, AUDIENCES, CAPABILITIES, type GrantTerms, MEDIA, type Rendering, SIGNER_ROLES, WINDOWS } from './grant.ts';
import { asSecondVersion } from './grant-v1.ts';
import { count, day, flag, instant, isObject, list, literal, matching, members, nullable, type Shape, text } from './shape.ts';
import { wordMatcher } from './words.ts';

/** A grant as its document says it. A member that could not be read is in `unreadable` and stands here as the strictest. */
export interface GrantReading {
  unreadable: readonly string[];
  cloneId: string | null;
  ownerAccountId: string | null;
  terms: GrantTerms;
}

const DIGEST = /^[0-9a-f]{64}$/;
const PLACE = /^[A-Z]{2}(-[A-Z0-9]{1,3})?$/;

/** A word that nothing is left of after folding could never match: such a list is not read. */
const word: Shape<string> = (value) => (typeof value === 'string' && wordMatcher(value) !== null ? { value } : null);

const topic = members<GrantTerms['forbiddenTopics'][number]>({ name: text, words: members({ zh: list(word), en: list(word) }) });
const spokenTopic: typeof topic = (value) => {
  const read = topic(value);
  return read !== null && read.value.words.zh.length + read.value.words.en.length > 0 ? read : null;
};

const TERMS: { readonly [Name in keyof GrantTerms]: Shape<GrantTerms[Name]> } = {
  subject: members({ legalName: text, stageNames: list(text), dateOfBirth: nullable(day), isMinor: flag, domicile: matching(PLACE) }),
  signer: members({ role: literal(...SIGNER_ROLES), authorityDocumentSha256: nullable(matching(DIGEST)) }),
  courtApproval: nullable(text),
  representation: members({ kind: literal('none', 'counsel', 'union'), name: nullable(text), reference: nullable(text) }),
  termsInitialled: flag,
  languageRead: text,
  governingLaw: matching(PLACE),
  capabilities: members({ chat: flag, voice: flag, video: flag, sing: flag, story: flag, work: flag, moments: flag }),
  media: list(literal(...MEDIA)),
  languages: list(text),
  territories: list(text),
  audiences: list(literal(...AUDIENCES)),
  ageBands: list(literal(...AGE_BANDS)),
  tiers: list(text),
  purposes: list(members({ name: text, intendedUses: text, works: list(text) })),
  forbiddenTopics: list(spokenTopic),
  forbiddenPhrases: list(word),
  adultContent: flag,
  politicalContent: flag,
  endorsementCategories: list(text),
  volumeCaps: list(members({
    capability: literal('any', ...CAPABILITIES), window: literal(...WINDOWS), outputs: nullable(count), seconds: nullable(count),
  })),
  outputApproval: members({ mode: literal('none', 'before', 'after'), undoHours: count }),
  training: members({ allowed: flag, sources: list(text), derivedModels: flag, deleteOnEnd: flag }),
  sublicence: flag,
  separateConsent: members({
    voice: flag, face: flag, persona: flag, training: flag, sensitivePersonalInformation: flag, crossBorder: flag, statement: text,
  }),
  compensation: members({
    model: literal('free', 'share'), rateBasisPoints: count, floorMinor: matching(/^(0|[1-9][0-9]{0,17})$/), currency: literal(...(Object.keys(CURRENCIES) as Currency[])), auditRight: flag,
  }),
  withdrawal: members({ method: nullable(text), noticeDays: count, effect: literal('stop_new', 'takedown_all') }),
  survivalOfExistingWorks: flag,
  postMortem: members({ allowed: flag, until: nullable(instant), holder: nullable(text), registerNotice: nullable(text) }),
  disclosureText: nullable(text),
  explicitLabelWaiver: nullable(members({ agreementRef: text, retainUntil: instant })),
  validFrom: instant,
  validUntil: instant,
};

/** The strictest of everything: what stands in the place of a member that is missing or cannot be read. */
export const NOTHING: GrantTerms = {
  subject: { legalName: '', stageNames: [], dateOfBirth: null, isMinor: true, domicile: '' },
  signer: { role: 'authorised_representative', authorityDocumentSha256: null },
  courtApproval: null,
  representation: { kind: 'none', name: null, reference: null },
  termsInitialled: false,
  languageRead: '',
  governingLaw: '',
  capabilities: { chat: false, voice: false, video: false, sing: false, story: false, work: false, moments: false },
  media: [], languages: [], territories: [], audiences: [], ageBands: [], tiers: [], purposes: [],
  forbiddenTopics: [], forbiddenPhrases: [], adultContent: false, politicalContent: false, endorsementCategories: [],
  volumeCaps: [{ capability: 'any', window: 'term', outputs: 0, seconds: 0 }],
  outputApproval: { mode: 'before', undoHours: 0 },
  training: { allowed: false, sources: [], derivedModels: false, deleteOnEnd: true },
  sublicence: false,
  separateConsent: {
    voice: false, face: false, persona: false, training: false, sensitivePersonalInformation: false, crossBorder: false, statement: '',
  },
  compensation: { model: 'free', rateBasisPoints: 10_000, floorMinor: '0', currency: 'CNY', auditRight: false },
  withdrawal: { method: null, noticeDays: 0, effect: 'takedown_all' },
  survivalOfExistingWorks: false,
  postMortem: { allowed: false, until: null, holder: null, registerNotice: null },
  disclosureText: null,
  explicitLabelWaiver: null,
  validFrom: '', validUntil: '',
};

export const TERM_NAMES = Object.keys(TERMS) as (keyof GrantTerms)[];

const version = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 1;

/** Counts and chains are held by the store; here they must only be there and make sense. */
function placed(document: Readonly<Record<string, unknown>>): boolean {
  const { supersedes } = document;
  return document['version'] === 1 ? supersedes === null : typeof supersedes === 'string' && DIGEST.test(supersedes);
}

const owner = members<{ accountId: string; name: string }>({ accountId: text, name: text });

/** What was signed without being shown binds nobody. */
const contract = members<Rendering>({ sha256: matching(DIGEST), mediaType: literal('application/pdf'), locales: list(text) });

const HEADS: Readonly<Record<string, (document: Readonly<Record<string, unknown>>) => boolean>> = {
  type: ({ type }) => type === 'benren.grant' || type === 'benren.amendment',
  schemaVersion: ({ schemaVersion }) => schemaVersion === 2,
  grantId: ({ grantId }) => text(grantId) !== null,
  cloneId: ({ cloneId }) => text(cloneId) !== null,
  version: (document) => version(document['version']),
  supersedes: placed,
  owner: (document) => owner(document['owner']) !== null,
  licensee: ({ licensee }) => licensee === 'platform',
  rendering: ({ rendering }) => contract(rendering) !== null,
};

/**
 * Reads any JSON as a grant; total: what is not one reads as a grant of nothing. `onPaper` is false for a licence's terms: a licence
 * has no contract of its own on paper, both sign the document's text.
 */
export function readDocument(given: unknown, onPaper = true): GrantReading {
  const document = asSecondVersion(isObject(given) ? given : {});
  // The first version had no contract on paper: its signer was shown the document's own text.
  const unshown = !onPaper || (isObject(given) && given['schemaVersion'] === 1);
  const unreadable: string[] = [];
  // A member that this code does not know may be a restriction that it would not keep.
  for (const name of Object.keys(document)) if (!Object.hasOwn(HEADS, name) && !Object.hasOwn(TERMS, name)) unreadable.push('unknown_member');
  for (const [name, holds] of Object.entries(HEADS)) {
    if (name === 'rendering' && unshown) continue;
    if (!Object.hasOwn(document, name) || !holds(document)) unreadable.push(name);
  }
  const terms: Partial<Record<keyof GrantTerms, unknown>> = {};
  for (const name of TERM_NAMES) {
    const read = Object.hasOwn(document, name) ? TERMS[name](document[name]) : null;
    if (read === null) unreadable.push(name);
    terms[name] = read === null ? NOTHING[name] : read.value;
  }
  return {
    unreadable, cloneId: text(document['cloneId'])?.value ?? null, ownerAccountId: owner(document['owner'])?.value.accountId ?? null,
    terms: terms as unknown as GrantTerms,
  };
}

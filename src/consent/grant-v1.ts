import { CAPABILITIES, type Capability, type GrantTerms, type Medium } from './grant.ts';
import { isObject } from './shape.ts';

type Document = Readonly<Record<string, unknown>>;

/** In which form each capability comes, where a document of the first version did not say. */
const MEDIUM_OF: Readonly<Record<Capability, readonly Medium[]>> = {
  chat: ['text'], voice: ['voice'], video: ['video'], sing: ['singing'], story: ['voice', 'text'], work: ['voice', 'text'],
  moments: ['video', 'image'],
};

function mediaOf(capabilities: unknown): Medium[] {
  if (!isObject(capabilities)) return [];
  return [...new Set(CAPABILITIES.filter((name) => capabilities[name] === true).flatMap((name) => MEDIUM_OF[name]))];
}

/** The members that the first version did not have: nothing that it did not say is read into it. */
function unsaid(document: Document): Partial<GrantTerms> {
  const { owner } = document;
  const name = isObject(owner) && typeof owner['name'] === 'string' ? owner['name'] : '';
  return {
    // Who signed was proven to be the person, and a grant was theirs alone to sign.
    subject: { legalName: name, stageNames: [], dateOfBirth: null, isMinor: false, domicile: 'ZZ' },
    signer: { role: 'self', authorityDocumentSha256: null },
    courtApproval: null,
    representation: { kind: 'none', name: null, reference: null },
    termsInitialled: false,
    languageRead: 'en',
    governingLaw: 'ZZ',
    media: mediaOf(document['capabilities']),
    forbiddenPhrases: [],
    adultContent: false,
    politicalContent: false,
    endorsementCategories: [],
    volumeCaps: [],
    outputApproval: { mode: 'none', undoHours: 0 },
    training: { allowed: false, sources: [], derivedModels: false, deleteOnEnd: true },
    sublicence: false,
    compensation: { model: 'share', rateBasisPoints: 0, floorMinor: '0', currency: 'CNY', auditRight: false },
    withdrawal: { method: null, noticeDays: 0, effect: 'takedown_all' },
    survivalOfExistingWorks: false,
    postMortem: { allowed: false, until: null, holder: null, registerNotice: null },
    disclosureText: null,
    explicitLabelWaiver: null,
  };
}

function purposes(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item: unknown) => (isObject(item) ? { ...item, works: [] } : item));
}

function separateConsent(value: unknown): unknown {
  if (!isObject(value)) return value;
  return { ...value, persona: false, training: false, sensitivePersonalInformation: false, crossBorder: false };
}

/**
 * A document of the first version, as the second would say the same: what it did not speak of is denied. Any other
 * document is returned as it is, and so is one of the first version that has members of the second.
 */
export function asSecondVersion(document: Document): Document {
  if (document['schemaVersion'] !== 1) return document;
  const added = unsaid(document);
  if (Object.keys(added).some((name) => Object.hasOwn(document, name))) return document;
  const had = (name: string, read: (value: unknown) => unknown): Document =>
    Object.hasOwn(document, name) ? { [name]: read(document[name]) } : {};
  return {
    ...document, ...added, schemaVersion: 2, ...had('purposes', purposes), ...had('separateConsent', separateConsent),
  };
}

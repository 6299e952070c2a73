import type { Currency } from '../kernel/money.ts';

/** What a clone can be asked to do. A grant says yes or no to each. */
export const CAPABILITIES = ['chat', 'voice', 'video', 'sing', 'story', 'work', 'moments'] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** In which forms an output comes. */
export const MEDIA = ['text', 'voice', 'video', 'image', 'singing'] as const;
export type Medium = (typeof MEDIA)[number];

export const AUDIENCES = ['fan', 'reviewer'] as const;
export type GrantAudience = (typeof AUDIENCES)[number];

/** `undeclared`: a listener who never said how old they are. Only a grant that names it covers them. */
export const AGE_BANDS = ['child', 'teen', 'adult', 'undeclared'] as const;
export type AgeBand = (typeof AGE_BANDS)[number];

/** BCP 47; a tag covers itself only. */
export type GrantLanguage = string;

export interface Purpose {
  name: string;
  /** What exactly is intended, in words a court would call reasonably specific (Cal. Labor Code 927). */
  intendedUses: string;
  /** The works, campaigns or products, by name. */
  works: string[];
}

export interface Topic {
  name: string;
  words: { zh: string[]; en: string[] };
}

export const SIGNER_ROLES = ['self', 'guardian', 'authorised_representative', 'executor', 'rights_holder'] as const;
export const WINDOWS = ['day', 'term'] as const;
export type CapWindow = (typeof WINDOWS)[number];

/** At most so many outputs, or seconds of them, in a day (Asia/Shanghai) or in the whole term. */
export interface VolumeCap {
  capability: Capability | 'any';
  window: CapWindow;
  outputs: number | null;
  seconds: number | null;
}

/** What the owner decides. Every member decides something in `decide`; one that is missing is a no. */
export interface GrantTerms {
  subject: {
    legalName: string;
    stageNames: string[];
    /** `YYYY-MM-DD`. */
    dateOfBirth: string | null;
    isMinor: boolean;
    /** ISO 3166-1, or 3166-2 for a state of the USA. */
    domicile: string;
  };
  signer: { role: (typeof SIGNER_ROLES)[number]; authorityDocumentSha256: string | null };
  courtApproval: string | null;
  representation: { kind: 'none' | 'counsel' | 'union'; name: string | null; reference: string | null };
  termsInitialled: boolean;
  languageRead: string;
  governingLaw: string;
  capabilities: Record<Capability, boolean>;
  media: Medium[];
  languages: GrantLanguage[];
  territories: string[];
  audiences: GrantAudience[];
  ageBands: AgeBand[];
  /** Names of the tiers whose subscribers are covered. */
  tiers: string[];
  purposes: Purpose[];
  forbiddenTopics: Topic[];
  forbiddenPhrases: string[];
  adultContent: boolean;
  politicalContent: boolean;
  endorsementCategories: string[];
  volumeCaps: VolumeCap[];
  outputApproval: { mode: 'none' | 'before' | 'after'; undoHours: number };
  training: { allowed: boolean; sources: string[]; derivedModels: boolean; deleteOnEnd: boolean };
  sublicence: boolean;
  /** The distinct acts that 深度合成管理规定 art. 14 and PIPL art. 29 and 39 ask for, apart from the capabilities. */
  separateConsent: {
    voice: boolean;
    face: boolean;
    persona: boolean;
    training: boolean;
    sensitivePersonalInformation: boolean;
    crossBorder: boolean;
    statement: string;
  };
  compensation: { model: 'free' | 'share'; rateBasisPoints: number; floorMinor: string; currency: Currency; auditRight: boolean };
  withdrawal: { method: string | null; noticeDays: number; effect: 'stop_new' | 'takedown_all' };
  survivalOfExistingWorks: boolean;
  postMortem: { allowed: boolean; until: string | null; holder: string | null; registerNotice: string | null };
  disclosureText: string | null;
  explicitLabelWaiver: { agreementRef: string; retainUntil: string } | null;
  /** Instants; from inclusive, until exclusive. */
  validFrom: string;
  validUntil: string;
}

/** The contract that was shown: set by the service, so that what she signs binds what she read. */
export interface Rendering {
  sha256: string;
  mediaType: 'application/pdf';
  /** BCP 47, in the order in which they stand. */
  locales: string[];
}

interface GrantHead {
  schemaVersion: 2;
  grantId: string;
  cloneId: string;
  owner: { accountId: string; name: string };
  licensee: 'platform';
  rendering: Rendering;
}

/** `contracts/rights/grant.schema.json`. */
export interface FirstGrant extends GrantHead, GrantTerms {
  type: 'benren.grant';
  version: 1;
  supersedes: null;
}

/** `contracts/rights/amendment.schema.json`: from version 2 on, a whole grant that takes the place of the one before. */
export interface Amendment extends GrantHead, GrantTerms {
  type: 'benren.amendment';
  version: number;
  /** Digest of the version that this one takes the place of. */
  supersedes: string;
}

/** The signed document. */
export type GrantDocument = FirstGrant | Amendment;

/** A grant whose contract is yet to be made. */
export type Unrendered<Document extends GrantDocument = GrantDocument> = Document extends GrantDocument ? Omit<Document, 'rendering'> : never;

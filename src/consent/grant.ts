import { wordMatcher, type WordMatcher } from './words.ts';

/** What a clone can be asked to do. A grant says yes or no to each. */
export const CAPABILITIES = ['chat', 'voice', 'video', 'sing', 'story', 'work', 'moments'] as const;
export type Capability = (typeof CAPABILITIES)[number];

export const AUDIENCES = ['fan', 'reviewer'] as const;
export type GrantAudience = (typeof AUDIENCES)[number];

/** `undeclared`: a listener who never said how old they are. Only a grant that names it covers them. */
export const AGE_BANDS = ['child', 'teen', 'adult', 'undeclared'] as const;
export type AgeBand = (typeof AGE_BANDS)[number];

export type GrantLanguage = 'en' | 'zh-CN';

export interface Purpose {
  name: string;
  /** What exactly is intended, in words a court would call reasonably specific (Cal. Labor Code 927). */
  intendedUses: string;
}

export interface Topic {
  name: string;
  words: { zh: string[]; en: string[] };
}

/** What the owner decides. Every member decides something in `decide`; one that is missing is a no. */
export interface GrantTerms {
  capabilities: Record<Capability, boolean>;
  languages: GrantLanguage[];
  territories: string[];
  audiences: GrantAudience[];
  ageBands: AgeBand[];
  /** Names of the tiers whose subscribers are covered. */
  tiers: string[];
  purposes: Purpose[];
  forbiddenTopics: Topic[];
  /** The distinct act that 深度合成管理规定 art. 14 and PIPL art. 29 ask for, apart from the capabilities. */
  separateConsent: { voice: boolean; face: boolean; statement: string };
  /** Instants; from inclusive, until exclusive. */
  validFrom: string;
  validUntil: string;
}

interface GrantHead {
  schemaVersion: 1;
  grantId: string;
  cloneId: string;
  owner: { accountId: string; name: string };
  licensee: 'platform';
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

/** A grant made ready for many decisions. A member that could not be read is in `unreadable` and grants nothing. */
export interface ReadGrant {
  unreadable: readonly string[];
  cloneId: string | null;
  ownerAccountId: string | null;
  capabilities: ReadonlySet<string>;
  languages: ReadonlySet<string>;
  territories: ReadonlySet<string>;
  audiences: ReadonlySet<string>;
  ageBands: ReadonlySet<string>;
  tiers: ReadonlySet<string>;
  purposes: ReadonlySet<string>;
  topics: readonly { name: string; words: readonly WordMatcher[] }[];
  consentVoice: boolean;
  consentFace: boolean;
  validFrom: number;
  validUntil: number;
}

const MEMBERS = [
  'type', 'schemaVersion', 'grantId', 'cloneId', 'version', 'supersedes', 'owner', 'licensee', 'capabilities', 'languages',
  'territories', 'audiences', 'ageBands', 'tiers', 'purposes', 'forbiddenTopics', 'separateConsent', 'validFrom', 'validUntil',
] as const;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Reads one member after the other; what it cannot read it notes and leaves empty. */
class Reader {
  readonly unreadable: string[] = [];
  private readonly document: Readonly<Record<string, unknown>>;

  constructor(document: unknown) {
    this.document = isObject(document) ? document : {};
    const known: readonly string[] = MEMBERS;
    // A member that this code does not know may be a restriction that it would not keep.
    for (const name of Object.keys(this.document)) if (!known.includes(name)) this.unreadable.push('unknown_member');
  }

  private read<T>(name: (typeof MEMBERS)[number], empty: T, take: (value: unknown) => T | null): T {
    const value = take(Object.hasOwn(this.document, name) ? this.document[name] : undefined);
    if (value === null) this.unreadable.push(name);
    return value ?? empty;
  }

  literal(name: (typeof MEMBERS)[number], allowed: readonly unknown[]): void {
    this.read(name, false, (value) => (allowed.includes(value) ? true : null));
  }

  id(name: 'grantId' | 'cloneId'): string | null {
    return this.read<string | null>(name, null, (value) => (isName(value) ? value : null));
  }

  /** Counts and chains are held by the store; here they must only be there and make sense. */
  place(): void {
    const version = this.read('version', 0, (value) => (Number.isSafeInteger(value) && Number(value) >= 1 ? Number(value) : null));
    this.read('supersedes', false, (value) => {
      const chained = typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
      return version === 1 ? (value === null ? true : null) : chained ? true : null;
    });
  }

  owner(): string | null {
    return this.read<string | null>('owner', null, (value) =>
      isObject(value) && isName(value['accountId']) && isName(value['name']) ? value['accountId'] : null);
  }

  names(name: 'languages' | 'territories' | 'audiences' | 'ageBands' | 'tiers'): ReadonlySet<string> {
    return this.read<ReadonlySet<string>>(name, new Set(), (value) =>
      Array.isArray(value) && value.every(isName) ? new Set(value) : null);
  }

  capabilities(): ReadonlySet<string> {
    return this.read<ReadonlySet<string>>('capabilities', new Set(), (value) => {
      if (!isObject(value) || !CAPABILITIES.every((name) => typeof value[name] === 'boolean')) return null;
      if (Object.keys(value).length !== CAPABILITIES.length) return null;
      return new Set(CAPABILITIES.filter((name) => value[name] === true));
    });
  }

  purposes(): ReadonlySet<string> {
    return this.read<ReadonlySet<string>>('purposes', new Set(), (value) => {
      if (!Array.isArray(value)) return null;
      const names = value.map((item: unknown) =>
        isObject(item) && isName(item['name']) && isName(item['intendedUses']) ? item['name'] : null);
      return names.every((name) => name !== null) ? new Set(names) : null;
    });
  }

  topics(): ReadGrant['topics'] {
    return this.read<ReadGrant['topics']>('forbiddenTopics', [], (value) => {
      if (!Array.isArray(value)) return null;
      const topics: { name: string; words: WordMatcher[] }[] = [];
      for (const item of value as unknown[]) {
        const lists = isObject(item) && isObject(item['words']) ? [item['words']['zh'], item['words']['en']] : [];
        if (!isObject(item) || !isName(item['name']) || !lists.every(Array.isArray) || lists.length !== 2) return null;
        const words = lists.flat().map((word: unknown) => (typeof word === 'string' ? wordMatcher(word) : null));
        if (words.length === 0 || !words.every((word) => word !== null)) return null;
        topics.push({ name: item['name'], words });
      }
      return topics;
    });
  }

  consent(): { voice: boolean; face: boolean } {
    return this.read('separateConsent', { voice: false, face: false }, (value) => {
      if (!isObject(value) || !isName(value['statement'])) return null;
      const { voice, face } = value;
      return typeof voice === 'boolean' && typeof face === 'boolean' ? { voice, face } : null;
    });
  }

  instant(name: 'validFrom' | 'validUntil'): number {
    return this.read(name, Number.NaN, (value) => {
      const time = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN;
      return Number.isFinite(time) ? time : null;
    });
  }
}

/** Reads any JSON as a grant; total: what is not one reads as a grant of nothing. */
export function readGrant(document: unknown): ReadGrant {
  const reader = new Reader(document);
  reader.literal('type', ['benren.grant', 'benren.amendment']);
  reader.literal('schemaVersion', [1]);
  reader.literal('licensee', ['platform']);
  reader.id('grantId');
  reader.place();
  const consent = reader.consent();
  return {
    cloneId: reader.id('cloneId'),
    ownerAccountId: reader.owner(),
    capabilities: reader.capabilities(),
    languages: reader.names('languages'),
    territories: reader.names('territories'),
    audiences: reader.names('audiences'),
    ageBands: reader.names('ageBands'),
    tiers: reader.names('tiers'),
    purposes: reader.purposes(),
    topics: reader.topics(),
    consentVoice: consent.voice,
    consentFace: consent.face,
    validFrom: reader.instant('validFrom'),
    validUntil: reader.instant('validUntil'),
    unreadable: reader.unreadable,
  };
}

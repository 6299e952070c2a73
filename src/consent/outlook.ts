import { decideWith } from './decide.ts';
import type { Answer, DecisionRequest, DecisionState } from './decision.ts';
import { AGE_BANDS, CAPABILITIES, type Capability, type GrantDocument, type GrantTerms, type Medium } from './grant.ts';
import { readGrant } from './prepare.ts';

/** What an owner may leave open in a question; then the grant's own first value is taken. */
export interface Question {
  capability?: string | undefined;
  language?: string | undefined;
  country?: string | undefined;
  tierName?: string | undefined;
  ageBand?: string | undefined;
  purpose?: string | undefined;
  text?: string | undefined;
}

const MEDIUM_OF: Readonly<Record<Capability, readonly Medium[]>> = {
  chat: ['text'], voice: ['voice'], video: ['video'], sing: ['singing'], story: ['voice', 'text'], work: ['voice', 'text'], moments: ['video', 'image'],
};

function mediumOf(capability: string, terms: GrantTerms): string {
  const media = Object.hasOwn(MEDIUM_OF, capability) ? MEDIUM_OF[capability as Capability] : [];
  return media.find((medium) => terms.media.includes(medium)) ?? media[0] ?? 'voice';
}

/** The question as a request: a fan, who says something harmless and pays nothing. */
export function asRequest(cloneId: string, terms: GrantTerms, question: Question, at: Date): DecisionRequest {
  const capability = question.capability ?? CAPABILITIES.find((name) => terms.capabilities[name]) ?? 'voice';
  const country = question.country ?? terms.territories[0] ?? null;
  return {
    act: 'make', cloneId, capability, medium: mediumOf(capability, terms), language: question.language ?? terms.languages[0] ?? 'en',
    audience: 'fan', requester: 'anybody', licensee: 'platform', tierName: question.tierName ?? terms.tiers[0] ?? null,
    declaredCountry: country, billingCountry: country, ageBand: question.ageBand ?? terms.ageBands[0] ?? 'undeclared',
    purpose: question.purpose ?? terms.purposes[0]?.name ?? 'none', work: null, source: null, text: question.text ?? '',
    labels: { adult: false, political: false, endorsements: [] }, explicitLabel: true, seconds: 0, sale: null, at,
  };
}

export type Dimension = 'territory' | 'language' | 'ageBand' | 'tier' | 'purpose';

/** Values of one dimension with the same answer stand together. */
export interface Cell {
  capability: string;
  dimension: Dimension;
  values: string[];
  allowed: boolean;
  clauses: string[];
}

/** The state in which nothing but the document itself says no. */
function open(document: GrantDocument, digest: string, platform: DecisionState['platform'], at: Date): DecisionState {
  const gate = (kind: 'platform' | 'clone' | 'capability' | 'grant') => ({ gateId: `gat_${kind}`, kind, state: 'open' as const, epoch: '1' });
  const { subject, volumeCaps } = readGrant(document).terms;
  return {
    clone: { cloneId: document.cloneId, ownerAccountId: document.owner.accountId, name: subject.legalName },
    ownership: { proofId: 'own_any', state: 'approved', expiresAt: new Date(at.getTime() + 1).toISOString() },
    version: { versionId: 'ver_any', number: 1, state: 'approved' },
    grant: { grantId: document.grantId, digest, status: 'signed', document },
    gates: [gate('platform'), gate('clone'), gate('capability'), gate('grant')],
    usage: volumeCaps.map(({ capability, window }) => ({ capability, window, outputs: 0, seconds: 0 })),
    output: null, deceasedAt: null, windDownSince: null, platform,
  };
}

/** Territories whose law is looked at even where the grant does not name them. */
const ALWAYS_SHOWN = ['CN', 'DE', 'US'];

/**
 * What a grant lets a fan have, capability by capability, one dimension at a time with the others as the grant names
 * them first. Every cell is an answer of `decide`, asked at that instant as if all gates were open.
 */
export function matrixOf(document: GrantDocument, digest: string, platform: DecisionState['platform'], at: Date): Cell[] {
  const grant = readGrant(document);
  const { terms } = grant;
  const state = open(document, digest, platform, at);
  const ask = (question: Question): Answer => decideWith(grant, state, asRequest(document.cloneId, terms, question, at));
  const cells: Cell[] = [];
  for (const capability of CAPABILITIES) {
    const good = terms.territories.find((country) => ask({ capability, country }).allowed) ?? terms.territories[0];
    const sweep = (dimension: Dimension, values: readonly string[], asQuestion: (value: string) => Question): void => {
      const together = new Map<string, Cell>();
      for (const value of values) {
        const answer = ask({ capability, country: good, ...asQuestion(value) });
        // A clause that only says the value's own name is the same clause for all of them.
        const key = JSON.stringify([answer.allowed, answer.clauses.map((clause) => clause.replaceAll(`.${value}`, '.*'))]);
        const cell = together.get(key) ?? { capability, dimension, values: [], allowed: answer.allowed, clauses: answer.allowed ? [] : answer.clauses };
        cell.values.push(value);
        together.set(key, cell);
      }
      cells.push(...together.values());
    };
    sweep('territory', [...new Set([...terms.territories, ...ALWAYS_SHOWN])], (country) => ({ country }));
    sweep('language', terms.languages, (language) => ({ language }));
    sweep('ageBand', AGE_BANDS, (ageBand) => ({ ageBand }));
    sweep('tier', terms.tiers, (tierName) => ({ tierName }));
    sweep('purpose', terms.purposes.map(({ name }) => name), (purpose) => ({ purpose }));
  }
  return cells;
}

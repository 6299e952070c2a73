import { readGrant, type ReadGrant } from './grant.ts';
import { foldText } from './words.ts';

export type GateKind = 'platform' | 'clone' | 'capability' | 'grant' | 'licence';
export type GateStateName = 'open' | 'paused' | 'stopped';

/** A gate as a decision saw it. The epoch is a decimal string, since receipts are JSON. */
export interface SeenGate {
  gateId: string;
  kind: GateKind;
  state: GateStateName;
  epoch: string;
}

/** What is asked for. `text` is everything the clone would say. */
export interface DecisionRequest {
  cloneId: string;
  capability: string;
  language: string;
  audience: 'fan' | 'owner' | 'reviewer';
  requester: string;
  tierName: string | null;
  /** Where the listener says they are, and where their payment says so; both must be granted. */
  declaredCountry: string | null;
  billingCountry: string | null;
  ageBand: string | null;
  purpose: string;
  text: string;
  at: Date;
}

/** Everything else a decision depends on, as plain JSON, so that a receipt can carry it. */
export interface DecisionState {
  clone: { cloneId: string; ownerAccountId: string } | null;
  ownership: { proofId: string; state: string; expiresAt: string | null } | null;
  version: { versionId: string; number: number; state: string } | null;
  /** The document is read with care: it may be any JSON. */
  grant: { grantId: string; digest: string; status: string; document: unknown } | null;
  gates: readonly SeenGate[];
}

/** Allowed with the clauses that carried it, or denied with every clause that denied. */
export interface Answer {
  allowed: boolean;
  clauses: string[];
}

/** The purposes that belong to an audience of its own and are therefore not named in a grant. */
export const OWNER_PURPOSE = 'probe';
export const REVIEWER_PURPOSE = 'review';

interface Asked {
  request: DecisionRequest;
  state: DecisionState;
  grant: ReadGrant;
}

interface Findings {
  used: string[];
  denied: string[];
}

type Rule = (asked: Asked, found: Findings) => void;

/** A clause names what was asked only when it looks like a name. */
function label(value: unknown): string {
  return typeof value === 'string' && /^[\p{L}\p{N}_-]{1,64}$/u.test(value) ? value : 'unreadable';
}

function settle(found: Findings, holds: boolean, clause: string): void {
  (holds ? found.used : found.denied).push(clause);
}

const gates: Rule = ({ state, request }, found) => {
  const needed: GateKind[] = ['platform', 'clone', 'capability', ...(state.grant === null ? [] : ['grant' as const])];
  const readable = state.gates.every((gate) => /^[1-9][0-9]{0,18}$/.test(gate.epoch));
  if (!readable || !needed.every((kind) => state.gates.some((gate) => gate.kind === kind))) found.denied.push('gates.unreadable');
  const revoked = state.grant?.status === 'revoked';
  for (const gate of state.gates) {
    if (gate.state === 'open') continue;
    // A revoked grant's gate is stopped; the clause says which of the two it was.
    if (gate.kind === 'grant' && gate.state === 'stopped' && revoked) continue;
    found.denied.push(gate.state === 'paused' ? 'stop.paused' : 'stop.stopped');
  }
  if (request.cloneId !== state.clone?.cloneId) found.denied.push('clone.unknown');
};

const ownership: Rule = ({ state, request }, found) => {
  const proof = state.ownership;
  const until = Date.parse(proof?.expiresAt ?? 'never');
  const proven = proof?.state === 'approved' && request.at.getTime() < until;
  settle(found, proven, proven ? 'ownership.proven' : 'ownership.unproven');
};

const grantInForce: Rule = ({ state, grant, request }, found) => {
  if (state.grant === null) {
    found.denied.push('grant.none');
    return;
  }
  if (state.grant.status === 'revoked') found.denied.push('grant.revoked');
  else if (state.grant.status === 'expired') found.denied.push('grant.expired');
  else if (state.grant.status !== 'signed') found.denied.push('grant.unsigned');
  for (const member of grant.unreadable) found.denied.push(`grant.unreadable.${member}`);
  const { clone } = state;
  const own = clone !== null && grant.cloneId === clone.cloneId && grant.ownerAccountId === clone.ownerAccountId;
  if (!own && grant.cloneId !== null && grant.ownerAccountId !== null) found.denied.push('grant.foreign');
  const at = request.at.getTime();
  if (Number.isNaN(at)) found.denied.push('request.at');
  else if (at < grant.validFrom) found.denied.push('grant.not_yet');
  else if (at >= grant.validUntil) found.denied.push('grant.expired');
  else if (grant.validFrom <= at) found.used.push('grant.term');
};

/** Whose face and voice a capability takes: each needs its own separate consent. */
const TAKES: Readonly<Record<string, { voice: boolean; face: boolean }>> = {
  chat: { voice: false, face: false },
  voice: { voice: true, face: false },
  video: { voice: true, face: true },
  sing: { voice: true, face: false },
  story: { voice: true, face: false },
  work: { voice: true, face: false },
  moments: { voice: true, face: true },
};

const capability: Rule = ({ request, grant }, found) => {
  settle(found, grant.capabilities.has(request.capability), `capability.${label(request.capability)}`);
  const takes = (Object.hasOwn(TAKES, request.capability) ? TAKES[request.capability] : undefined) ?? { voice: true, face: true };
  if (takes.voice) settle(found, grant.consentVoice, 'consent.voice');
  if (takes.face) settle(found, grant.consentFace, 'consent.face');
};

const language: Rule = ({ request, grant }, found) => {
  settle(found, grant.languages.has(request.language), `language.${label(request.language)}`);
};

const topics: Rule = ({ request, grant }, found) => {
  const text = foldText(request.text);
  const said = grant.topics.filter((topic) => topic.words.some((word) => word.matches(text)));
  for (const topic of said) found.denied.push(`topic.${label(topic.name)}`);
  if (said.length === 0) found.used.push('topics.unsaid');
};

const listener: Rule = ({ request, grant }, found) => {
  settle(found, grant.audiences.has(request.audience), `audience.${label(request.audience)}`);
  for (const country of [request.declaredCountry, request.billingCountry]) {
    if (country === null) found.denied.push('territory.unknown');
    else settle(found, grant.territories.has(country), `territory.${label(country)}`);
  }
  if (request.tierName === null) found.denied.push('tier.none');
  else settle(found, grant.tiers.has(request.tierName), `tier.${label(request.tierName)}`);
  settle(found, request.ageBand !== null && grant.ageBands.has(request.ageBand), `age.${label(request.ageBand ?? 'unknown')}`);
  settle(found, grant.purposes.has(request.purpose), `purpose.${label(request.purpose)}`);
};

const approvedVersion: Rule = ({ state }, found) => {
  const approved = state.version?.state === 'approved';
  settle(found, approved, approved ? 'version.approved' : 'version.unapproved');
};

const theOwner: Rule = ({ state, request }, found) => {
  settle(found, state.clone !== null && request.requester === state.clone.ownerAccountId, 'audience.owner');
  settle(found, request.purpose === OWNER_PURPOSE, `purpose.${label(request.purpose)}`);
};

const theReviewer: Rule = ({ request, grant }, found) => {
  settle(found, grant.audiences.has('reviewer'), 'audience.reviewer');
  settle(found, request.purpose === REVIEWER_PURPOSE, `purpose.${label(request.purpose)}`);
};

const noAudience: Rule = ({ request }, found) => {
  found.denied.push(`audience.${label(request.audience)}`);
};

const ALWAYS: readonly Rule[] = [gates, ownership, grantInForce];
const UNDER_A_GRANT: readonly Rule[] = [capability, language, topics];

/** Who listens decides which further rules hold. The owner hears her own clone before any fan may. */
const BY_AUDIENCE: Readonly<Record<DecisionRequest['audience'], readonly Rule[]>> = {
  fan: [approvedVersion, listener],
  owner: [theOwner],
  reviewer: [theReviewer],
};

/** Where there is no grant there is nothing to hold a language or a country against: `grant.none` says it all. */
function rulesFor(state: DecisionState, request: DecisionRequest): readonly Rule[] {
  if (state.grant === null) return ALWAYS;
  const further = Object.hasOwn(BY_AUDIENCE, request.audience) ? BY_AUDIENCE[request.audience] : [noAudience];
  return [...ALWAYS, ...UNDER_A_GRANT, ...further];
}

/**
 * May this be said? Pure and total: no clock, no I/O, an answer for every input. What the grant does not say is
 * denied, and so is whatever cannot be read. Every rule is asked, so a denial names all of its clauses.
 */
export function decide(state: DecisionState, request: DecisionRequest): Answer {
  return decideWith(readGrant(state.grant?.document ?? null), state, request);
}

/** As `decide`, with the grant read beforehand (for many decisions under one grant). */
export function decideWith(grant: ReadGrant, state: DecisionState, request: DecisionRequest): Answer {
  const found: Findings = { used: [], denied: [] };
  for (const rule of rulesFor(state, request)) rule({ state, request, grant }, found);
  const allowed = found.denied.length === 0;
  return { allowed, clauses: [...new Set(allowed ? found.used : found.denied)] };
}

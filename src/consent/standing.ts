import type { DecisionState, GateKind, Usage } from './decision.ts';
import { CAPABILITIES, type GrantTerms } from './grant.ts';
import { missingLayers } from './legal.ts';
import { clauseOf, Pool, type ReadGrant } from './prepare.ts';

interface Room {
  clause: string;
  outputs: number;
  seconds: number;
}

/** A grant and the facts around it, made ready for many requests. */
export interface Standing {
  grant: ReadGrant;
  /** Null when there is no grant at all. */
  status: string | null;
  cloneId: string | null;
  ownerAccountId: string | null;
  /** Denials by gates; nothing but a look at the books passes them. */
  gates: readonly string[];
  provenUntil: number;
  versionApproved: boolean;
  /** Denials by the document itself, whatever is asked: unreadable, foreign, void. */
  document: readonly string[];
  nameHolds: boolean;
  deceasedAt: number;
  windDownEnds: number;
  /** What is left under each cap, by capability. */
  room: readonly (readonly Room[])[];
  output: { rejectedInTime: boolean; approved: boolean; rejected: boolean };
  /** Denials of the EU's territories once its duty to mark applies. */
  euMarking: readonly string[];
  mainlandChat: boolean;
}

const LISTS = new Pool<readonly string[]>();
const UNCAPPED: readonly (readonly Room[])[] = CAPABILITIES.map(() => []);

/** Most lists of denials are empty or alike: one for all that are. */
function list(clauses: readonly string[]): readonly string[] {
  return LISTS.of(JSON.stringify(clauses), () => clauses);
}

function gateDenials(state: DecisionState): string[] {
  const denied = new Set<string>();
  const needed: GateKind[] = ['platform', 'clone', 'capability', ...(state.grant === null ? [] : ['grant' as const])];
  const readable = state.gates.every((gate) => /^[1-9][0-9]{0,18}$/.test(gate.epoch));
  if (!readable || !needed.every((kind) => state.gates.some((gate) => gate.kind === kind))) denied.add('gates.unreadable');
  const revoked = state.grant?.status === 'revoked';
  for (const gate of state.gates) {
    if (gate.state === 'open') continue;
    // A revoked grant's gate is stopped; the clause says which of the two it was.
    if (gate.kind === 'grant' && gate.state === 'stopped' && revoked) continue;
    denied.add(gate.state === 'paused' ? 'stop.paused' : 'stop.stopped');
  }
  return [...denied];
}

function documentDenials(state: DecisionState, grant: ReadGrant): string[] {
  const { clone } = state;
  const own = clone !== null && grant.cloneId === clone.cloneId && grant.ownerAccountId === clone.ownerAccountId;
  const foreign = !own && grant.cloneId !== null && grant.ownerAccountId !== null;
  return [...grant.unreadable, ...(foreign ? ['grant.foreign'] : []), ...grant.legal.void];
}

/** Under a cap whose count nobody knows there is no room. */
function left(cap: number | null, used: number | undefined): number {
  if (cap === null) return Number.POSITIVE_INFINITY;
  return used === undefined || !Number.isFinite(used) ? -1 : cap - used;
}

function roomUnder({ volumeCaps }: GrantTerms, usage: readonly Usage[]): readonly (readonly Room[])[] {
  const rooms = CAPABILITIES.map((capability) => volumeCaps
    .filter((cap) => cap.capability === 'any' || cap.capability === capability)
    .map((cap) => {
      const used = usage.find((entry) => entry.capability === cap.capability && entry.window === cap.window);
      return { clause: clauseOf(`volume.${cap.window}`), outputs: left(cap.outputs, used?.outputs), seconds: left(cap.seconds, used?.seconds) };
    }));
  return rooms.every((room) => room.length === 0) ? UNCAPPED : rooms;
}

function instantOf(text: string | null | undefined): number {
  return text === null || text === undefined ? Number.NaN : Date.parse(text);
}

/** A day that nobody can read is a day in the past: the person is taken for dead, the wind-down for over. */
function orOver(text: string | null): number {
  if (text === null) return Number.POSITIVE_INFINITY;
  const time = Date.parse(text);
  return Number.isNaN(time) ? Number.NEGATIVE_INFINITY : time;
}

function outputStanding(output: DecisionState['output'], undoHours: number): Standing['output'] {
  const rejected = output?.verdict === 'rejected';
  const end = instantOf(output?.releasedAt) + undoHours * 3_600_000;
  // Not shown to be too late counts as in time.
  return { approved: output?.verdict === 'approved', rejected, rejectedInTime: rejected && !(instantOf(output.verdictAt) >= end) };
}

/** What a state means under its grant, worked out once. */
export function prepareState(grant: ReadGrant, state: DecisionState): Standing {
  const proof = state.ownership;
  const provenUntil = proof?.state === 'approved' ? instantOf(proof.expiresAt) : Number.NaN;
  return {
    grant, status: state.grant?.status ?? null,
    cloneId: state.clone === null ? null : clauseOf(state.clone.cloneId), ownerAccountId: state.clone?.ownerAccountId ?? null,
    gates: list(gateDenials(state)), provenUntil, versionApproved: state.version?.state === 'approved',
    document: list(documentDenials(state, grant)), nameHolds: state.clone !== null && grant.names.has(state.clone.name),
    deceasedAt: orOver(state.deceasedAt), windDownEnds: orOver(state.windDownSince) + grant.noticeMs,
    room: roomUnder(grant.terms, state.usage), output: outputStanding(state.output, grant.terms.outputApproval.undoHours),
    euMarking: list(missingLayers(state.platform, Number.POSITIVE_INFINITY).map((missing) => clauseOf(`legal.EU.${missing}`))),
    mainlandChat: state.platform.mainlandChat,
  };
}

import type { Act, GateKind, GateState, Hold } from '../consent/index.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import type { StopDeps } from './deps.ts';
import type { ScopeKind } from './model.ts';
import * as store from './store.ts';

/** How long the ordering call has before a job makes sure of the acknowledgement. */
const TAKE_OVER_MS = 2_000;

/** What a stop is about: one gate of the tree. `target` is the capability's name, the grant's or the licence's id. */
export interface Scope {
  kind: GateKind;
  cloneId: string | null;
  target: string | null;
}

/** A part of a clone, as a caller names it; nothing named is the whole clone. */
export interface PartInput {
  capability?: string | undefined;
  grantId?: string | undefined;
  licenceId?: string | undefined;
}

/** @throws Refusal `request_invalid` when more than one part is named. */
export function scopeOf(cloneId: string, { capability, grantId, licenceId }: PartInput): Scope & { kind: ScopeKind } {
  const named = ([['capability', capability], ['grant', grantId], ['licence', licenceId]] as const).filter(([, target]) => target !== undefined);
  if (named.length > 1) throw new Refusal('request_invalid', 'Name one part of the clone, or none for all of it.');
  const [kind, target] = named[0] ?? ['clone', undefined];
  return { kind, cloneId, target: target ?? null };
}

/**
 * The gate of a part of a clone, for its owner or an agent whom she lets do this; to everybody else it does not exist.
 *
 * @throws Refusal `not_found`, and those of a delegation
 */
export async function scopeGate(deps: StopDeps, tx: Tx, actor: Actor, scope: Scope, verb: Act['verb']): Promise<GateState> {
  const { cloneId, kind, target } = scope;
  if (cloneId === null) throw notFound();
  const at = deps.clock.now();
  const [gate] = await Promise.all([deps.gates.ofScope(tx, scope), deps.authority.act(tx, { actor, cloneId, verb, subjectId: cloneId, at })]);
  if (gate !== null) return gate;
  if (kind === 'clone' || kind === 'capability') {
    await deps.gates.ensure(tx, { cloneId, at, by: actor.accountId, ...(kind === 'capability' && target !== null ? { capabilities: [target] } : {}) });
  }
  const made = await deps.gates.ofScope(tx, scope);
  if (made === null) throw notFound();
  return made;
}

export interface Shutting {
  stopId: string;
  kind: store.GateStopRow['kind'];
  scope: Scope;
  gateId: string;
  reason: string;
  by: string;
  orderedAt: Date;
  /** Who holds it, for a pause. */
  holder: string;
  /** When a job makes sure of the acknowledgement, should nobody wait for it in this process. */
  takeOverMs?: number;
}

export interface Shut {
  gate: GateState;
  at: Date;
  /** Null when the gate was shut already: there is nothing that gateways would have to confirm. */
  releases: bigint | null;
  changed: boolean;
}

/**
 * The heart of every stop: all stops one after the other, then the gate alone. Under its exclusive lock no release is in
 * flight, so the releases that are counted are all that there will ever be. PostgreSQL tells of it at commit.
 */
export async function shut(deps: StopDeps, tx: Tx, stop: Shutting): Promise<Shut> {
  const { stopId, kind, scope, gateId, reason, by, orderedAt } = stop;
  const [, before] = await Promise.all([store.lockStops(tx), deps.gates.lockAndRead(tx, { gateId })]);
  // Ordered when it arrived, shut when the releases in flight are through: none of them is dated after the gate.
  const at = deps.clock.now();
  if (before.state === 'stopped') return { gate: before, at, releases: null, changed: false };
  let changed = true;
  let gate: GateState;
  let releases: bigint;
  if (kind === 'pause') {
    const hold: Hold = { holder: stop.holder, reason, at, by };
    const held = await deps.gates.hold(tx, gateId, hold);
    changed = held.changed;
    if (!held.moved) return { gate: held, at, releases: null, changed };
    gate = held;
    releases = await deps.countReleases(tx, scope);
  } else {
    const [epoch, counted] = await Promise.all([
      deps.gates.narrow(tx, gateId, { state: 'stopped', reason, at, by }, before), deps.countReleases(tx, scope),
    ]);
    gate = { ...before, state: 'stopped', epoch };
    releases = counted;
  }
  const { epoch } = gate;
  await Promise.all([
    store.insertGateStop(tx, { stopId, kind, scope: scope.kind, cloneId: scope.cloneId, gateId, epoch, releases, reason, orderedBy: by, orderedAt }),
    enqueue(tx, {
      topic: 'stop.acknowledge', payload: { stopId }, runAt: new Date(deps.clock.now().getTime() + (stop.takeOverMs ?? TAKE_OVER_MS)),
      dedupeKey: `stop.acknowledge:${stopId}`,
    }),
  ]);
  return { gate, at, releases, changed };
}

/** What of a clone's sales a scope carries: which tiers, and whether nothing is sold of them again. */
export async function salesOf(deps: StopDeps, tx: Tx, { kind, cloneId, target }: Scope): Promise<{ tierIds: string[] | null; final: boolean; capability?: string }> {
  if (kind === 'capability' && cloneId !== null && target !== null) return { tierIds: await deps.billing.tiersNaming(tx, cloneId, target), final: true, capability: target };
  // Organisations pay under their own contract: fans bought nothing of a licence.
  if (kind === 'licence') return { tierIds: [], final: true };
  return { tierIds: null, final: kind !== 'grant' };
}

import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { Coordination } from './coordinator.ts';
import type { StopDeps } from './deps.ts';
import { untilKnown } from './outcome.ts';
import { type PartInput, type Scope, scopeGate, scopeOf, shut } from './scope.ts';

export interface CloneGateView {
  cloneId: string;
  scope: Scope['kind'];
  target: string | null;
  state: 'open' | 'paused' | 'stopped';
  epoch: string;
  /** Who holds it shut; empty when it is open. */
  holds: string[];
  /** The stop that gateways confirm; null when this shut nothing. */
  stopId: string | null;
}

/** Pause and resume: back on any time. They place and lift the owner's hold; what others hold stays theirs. */
export function makePauses(deps: StopDeps, coordination: Coordination) {
  const { runTx, clock, gates, transparency, ids } = deps;

  async function log(tx: Tx, scope: Scope, gateId: string, to: 'paused' | 'resumed', gate: { state: string; epoch: bigint }, at: Date): Promise<void> {
    const { cloneId, kind, target } = scope;
    await transparency.append(tx, {
      type: to === 'paused' ? 'gate.paused' : 'gate.resumed', subjectId: cloneId ?? gateId, at,
      document: {
        type: 'benren.gate_change', schemaVersion: 1, gateId, cloneId, scope: kind, target, holder: 'owner', state: gate.state,
        epoch: gate.epoch.toString(), at: at.toISOString(),
      },
    });
  }

  async function viewOf(tx: Tx, scope: Scope, gateId: string, gate: { state: CloneGateView['state']; epoch: bigint }, stopId: string | null): Promise<CloneGateView> {
    if (gate.state === 'stopped') throw new Refusal('stop_state', 'This was stopped for good.');
    return {
      cloneId: scope.cloneId ?? '', scope: scope.kind, target: scope.target, state: gate.state, epoch: gate.epoch.toString(),
      holds: (await gates.holds(tx, gateId)).map(({ holder }) => holder), stopId,
    };
  }

  async function pause(tx: Tx, actor: Actor, scope: Scope, stopId: string): Promise<CloneGateView> {
    const orderedAt = clock.now();
    const { gateId } = await scopeGate(deps, tx, actor, scope, 'pauseClone');
    const done = await shut(deps, tx, { stopId, kind: 'pause', scope, gateId, reason: 'owner.paused', by: actor.accountId, orderedAt, holder: 'owner' });
    if (done.changed) await log(tx, scope, gateId, 'paused', done.gate, done.at);
    return await viewOf(tx, scope, gateId, done.gate, done.releases === null ? null : stopId);
  }

  async function resume(tx: Tx, actor: Actor, scope: Scope): Promise<CloneGateView> {
    const { gateId } = await scopeGate(deps, tx, actor, scope, 'resumeClone');
    await gates.lockExclusive(tx, { gateId });
    // Read under the lock: two changes that waited for each other are dated in their order, and after the releases.
    const at = clock.now();
    const gate = await gates.lift(tx, gateId, { holder: 'owner', reason: 'owner.resumed', at, by: actor.accountId });
    if (gate.changed) await log(tx, scope, gateId, 'resumed', gate, at);
    return await viewOf(tx, scope, gateId, gate, null);
  }

  return {
    async pauseClone(actor: Actor, key: IdempotencyKey, cloneId: string, part: PartInput = {}, waitMs = 0): Promise<CloneGateView> {
      const arrived = clock.monotonic();
      const stopId = ids.next('stop');
      const view = await untilKnown(() => runTx((tx) => once(tx, key, () => pause(tx, actor, scopeOf(cloneId, part), stopId))));
      if (view.stopId !== null) await coordination.follow(view.stopId, view.stopId === stopId ? arrived : null, waitMs);
      return view;
    },
    resumeClone: (actor: Actor, key: IdempotencyKey, cloneId: string, part: PartInput = {}): Promise<CloneGateView> =>
      runTx((tx) => once(tx, key, () => resume(tx, actor, scopeOf(cloneId, part)))),
  };
}

import type { GateState } from '../consent/index.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { StopDeps } from './deps.ts';

export interface CloneGateView {
  cloneId: string;
  state: 'open' | 'paused' | 'stopped';
  epoch: string;
}

/** The clone's gate, made if it is missing, for its owner; for everybody else the clone does not exist. */
export async function ownGate(deps: StopDeps, tx: Tx, actor: Actor, cloneId: string): Promise<GateState> {
  if ((await deps.cloneOwner(tx, cloneId)) !== actor.accountId) throw notFound();
  await deps.gates.ensure(tx, { cloneId, at: deps.clock.now(), by: actor.accountId });
  const gate = await deps.gates.ofClone(tx, cloneId);
  if (gate === null) throw new Error(`Clone ${cloneId} has no gate.`);
  return gate;
}

/** Pause and resume: back on any time. */
export function makePauses(deps: StopDeps) {
  const { runTx, clock, gates, billing, transparency } = deps;

  async function change(tx: Tx, actor: Actor, cloneId: string, to: 'paused' | 'open'): Promise<CloneGateView> {
    const { gateId } = await ownGate(deps, tx, actor, cloneId);
    await gates.lockExclusive(tx, { gateId });
    // Read under the lock: two changes that waited for each other are dated in their order, and after the releases.
    const at = clock.now();
    // Read again: somebody else may have changed it while this waited for the lock.
    const now = await gates.ofClone(tx, cloneId);
    if (now === null || now.state === 'stopped') throw new Refusal('stop_state', 'This clone was stopped for good.');
    if (now.state === to) return { cloneId, state: now.state, epoch: now.epoch.toString() };
    const by = { at, by: actor.accountId };
    const epoch = to === 'paused'
      ? await gates.narrow(tx, gateId, { state: 'paused', reason: 'owner.paused', ...by })
      : await gates.reopen(tx, gateId, { reason: 'owner.resumed', ...by });
    await (to === 'paused' ? billing.onPaused(tx, cloneId, at) : billing.onResumed(tx, cloneId, at));
    await transparency.append(tx, {
      type: to === 'paused' ? 'gate.paused' : 'gate.resumed', subjectId: cloneId, at,
      document: {
        type: 'benren.gate_change', schemaVersion: 1, gateId, cloneId, state: to, epoch: epoch.toString(), at: at.toISOString(),
      },
    });
    return { cloneId, state: to, epoch: epoch.toString() };
  }

  return {
    pauseClone: (actor: Actor, key: IdempotencyKey, cloneId: string) =>
      runTx((tx) => once(tx, key, () => change(tx, actor, cloneId, 'paused'))),
    resumeClone: (actor: Actor, key: IdempotencyKey, cloneId: string) =>
      runTx((tx) => once(tx, key, () => change(tx, actor, cloneId, 'open'))),
  };
}

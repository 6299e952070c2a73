import type { Act, GateState } from '../consent/index.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { StopDeps } from './deps.ts';

export interface CloneGateView {
  cloneId: string;
  state: 'open' | 'paused' | 'stopped';
  epoch: string;
  /** Who holds it shut; empty when it is open. */
  holds: string[];
}

/** The clone's gate, made if it is missing, for its owner or an agent whom she lets do this; to everybody else it does not exist. */
export async function ownGate(deps: StopDeps, tx: Tx, actor: Actor, cloneId: string, verb: Act['verb']): Promise<GateState> {
  await deps.authority.act(tx, { actor, cloneId, verb, subjectId: cloneId, at: deps.clock.now() });
  await deps.gates.ensure(tx, { cloneId, at: deps.clock.now(), by: actor.accountId });
  const gate = await deps.gates.ofClone(tx, cloneId);
  if (gate === null) throw new Error(`Clone ${cloneId} has no gate.`);
  return gate;
}

/** Pause and resume: back on any time. They place and lift the owner's hold; what others hold stays theirs. */
export function makePauses(deps: StopDeps) {
  const { runTx, clock, gates, transparency } = deps;

  async function change(tx: Tx, actor: Actor, cloneId: string, to: 'paused' | 'resumed'): Promise<CloneGateView> {
    const { gateId } = await ownGate(deps, tx, actor, cloneId, to === 'paused' ? 'pauseClone' : 'resumeClone');
    await gates.lockExclusive(tx, { gateId });
    // Read under the lock: two changes that waited for each other are dated in their order, and after the releases.
    const at = clock.now();
    const hold = { holder: 'owner', reason: `owner.${to}`, at, by: actor.accountId };
    const gate = await (to === 'paused' ? gates.hold(tx, gateId, hold) : gates.lift(tx, gateId, hold));
    if (gate.state === 'stopped') throw new Refusal('stop_state', 'This clone was stopped for good.');
    const epoch = gate.epoch.toString();
    if (gate.changed) {
      await transparency.append(tx, {
        type: to === 'paused' ? 'gate.paused' : 'gate.resumed', subjectId: cloneId, at,
        document: {
          type: 'benren.gate_change', schemaVersion: 1, gateId, cloneId, holder: 'owner', state: gate.state, epoch, at: at.toISOString(),
        },
      });
    }
    return { cloneId, state: gate.state, epoch, holds: (await gates.holds(tx, gateId)).map(({ holder }) => holder) };
  }

  return {
    pauseClone: (actor: Actor, key: IdempotencyKey, cloneId: string) =>
      runTx((tx) => once(tx, key, () => change(tx, actor, cloneId, 'paused'))),
    resumeClone: (actor: Actor, key: IdempotencyKey, cloneId: string) =>
      runTx((tx) => once(tx, key, () => change(tx, actor, cloneId, 'resumed'))),
  };
}

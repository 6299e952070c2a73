import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import { isTakenBack } from './approval-store.ts';
import type { GatewayDeps } from './deps.ts';
import { type SeenGate, type Standing, standingOf } from './model.ts';
import type { OutputRow, ReleaseRow } from './store.ts';
import * as store from './store.ts';
import type { Ground } from './watch.ts';

type Deps = Pick<GatewayDeps, 'runTx' | 'clock' | 'clones' | 'ownership' | 'consent'>;

/** What was released: a file, or a segment of a stream. */
export type Released = Pick<ReleaseRow, 'cloneId' | 'outputId' | 'gateIds'>;

/** What decides whether a release still stands, as it was seen together. */
interface Seen {
  gates: SeenGate[];
  /** The end of the approved proof; null when there is none. */
  provenUntil: Date | null;
  /** The owner took this one output back. */
  takenBack: boolean;
  /** Something holds this one output back, whatever its clone may do. */
  held: boolean;
}

const refsOf = (release: Pick<Released, 'gateIds'>): { gateId: string }[] => release.gateIds.map((gateId) => ({ gateId }));

async function see(deps: Deps, tx: Tx, release: Released): Promise<Seen> {
  const gates = await deps.consent.gates.read(tx, refsOf(release));
  const clone = await deps.clones.clone(tx, release.cloneId);
  const proof = clone === null ? null : await deps.ownership.proof(tx, clone.ownershipProofId);
  return {
    gates, provenUntil: proof?.state === 'approved' ? proof.expiresAt : null, takenBack: await isTakenBack(tx, release.outputId),
    held: await store.isHeld(tx, release.outputId),
  };
}

function standingIn(deps: Deps, release: Released, { gates, provenUntil, takenBack, held }: Seen): Standing {
  if (takenBack || held) return 'withdrawn';
  const proven = provenUntil !== null && deps.clock.now().getTime() < provenUntil.getTime();
  return standingOf(gates, proven, release.gateIds.length);
}

export async function standing(deps: Deps, tx: Tx, release: Released): Promise<Standing> {
  return standingIn(deps, release, await see(deps, tx, release));
}

function refuse(now: Standing): void {
  if (now === 'paused') {
    throw new Refusal('stopped', 'The owner has paused this clone; the file can be had again once she resumes.', {
      extra: { clauses: ['stop.paused'] },
    });
  }
  if (now === 'withdrawn') {
    throw new Refusal('output_withdrawn', 'The consent to this was withdrawn after it was made; the file is not given out any more.');
  }
}

/**
 * Why a released file may be heard: its gates are open, whatever their epochs, and the proof holds. Whatever takes the proof
 * away raises the clone gate's epoch in the same transaction, so it is read again when an epoch moved, and its end is
 * compared with the clock before every write. Refuses `stopped`, `output_withdrawn`.
 */
export function standingGround(deps: Deps, release: Released, subjectId: string): Ground {
  return {
    kind: 'output', subjectId, outlivesEpochs: true,
    async see() {
      const seen = await deps.runTx((tx) => see(deps, tx, release));
      const stands = (): void => refuse(standingIn(deps, release, seen));
      stands();
      return { gates: seen.gates, stands };
    },
  };
}

/** The output, for who asked for it and for the clone's owner; for everybody else it does not exist. */
export async function readable(deps: Pick<GatewayDeps, 'clones'>, tx: Tx, actor: Actor, outputId: string): Promise<OutputRow> {
  const row = await store.findOutput(tx, outputId);
  if (row === null) throw notFound();
  if (row.requester === actor.accountId) return row;
  if ((await deps.clones.clone(tx, row.cloneId))?.ownerAccountId !== actor.accountId) throw notFound();
  return row;
}

import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import type { GatewayDeps } from './deps.ts';
import { type SeenGate, type Standing, standingOf } from './model.ts';
import type { OutputRow, ReleaseRow } from './store.ts';
import * as store from './store.ts';

type Deps = Pick<GatewayDeps, 'runTx' | 'clock' | 'clones' | 'ownership' | 'consent'>;

/** What decides whether a release still stands, as it was seen together. */
interface Seen {
  gates: SeenGate[];
  /** The end of the approved proof; null when there is none. */
  provenUntil: Date | null;
}

const refsOf = (release: Pick<ReleaseRow, 'gateIds'>): { gateId: string }[] => release.gateIds.map((gateId) => ({ gateId }));

async function see(deps: Deps, tx: Tx, release: ReleaseRow): Promise<Seen> {
  const gates = await deps.consent.gates.read(tx, refsOf(release));
  const clone = await deps.clones.clone(tx, release.cloneId);
  const proof = clone === null ? null : await deps.ownership.proof(tx, clone.ownershipProofId);
  return { gates, provenUntil: proof?.state === 'approved' ? proof.expiresAt : null };
}

function standingIn(deps: Deps, release: ReleaseRow, { gates, provenUntil }: Seen): Standing {
  const proven = provenUntil !== null && deps.clock.now().getTime() < provenUntil.getTime();
  return standingOf(gates, proven, release.gateIds.length);
}

export async function standing(deps: Deps, tx: Tx, release: ReleaseRow): Promise<Standing> {
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
 * Asks whether a release still stands, again and again, with one query each time: the gates. Whatever takes the proof
 * away raises the clone gate's epoch in the same transaction, so the proof is read again only when an epoch moved.
 *
 * @throws Refusal `stopped`, `output_withdrawn`
 */
export function watchStanding(deps: Deps, release: ReleaseRow): () => Promise<void> {
  let last: Seen | null = null;
  return async () => {
    const before = last;
    const seen = await deps.runTx(async (tx): Promise<Seen> => {
      if (before === null) return await see(deps, tx, release);
      const gates = await deps.consent.gates.read(tx, refsOf(release));
      const moved = gates.some(({ gateId, epoch }) => before.gates.find((gate) => gate.gateId === gateId)?.epoch !== epoch);
      return moved ? await see(deps, tx, release) : { ...before, gates };
    });
    refuse(standingIn(deps, release, seen));
    last = seen;
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

import type { Reading, ReadStanding } from '../consent/index.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import { find as findApproval } from './approval-store.ts';
import type { GatewayDeps } from './deps.ts';
import type { OutputRow, ReleaseRow } from './store.ts';
import * as store from './store.ts';
import type { Ground } from './watch.ts';

type Deps = Pick<GatewayDeps, 'runTx' | 'clock' | 'consent'>;

/** What was released: a file, or a segment of a stream. */
export type Released = Pick<ReleaseRow, 'cloneId' | 'outputId' | 'gateIds' | 'releasedAt'>;

/** What decides whether a release still stands, as it was seen together. */
interface Seen {
  reading: Reading;
  /** Every gate that the release names is there, and the owner did not take this one output back, and nothing holds it. */
  whole: boolean;
}

async function see(deps: Deps, tx: Tx, release: Released): Promise<Seen> {
  const output = await store.findOutput(tx, release.outputId);
  if (output === null || output.state === 'denied') throw new Error(`What was released has no output ${release.outputId}.`);
  const approval = await findApproval(tx, release.outputId);
  const { cloneId, gateIds } = release;
  const reading = await deps.consent.reading(tx, {
    cloneId, gateIds, capability: output.capability, grantId: output.grantId,
    output: {
      verdict: approval?.verdict ?? null, verdictAt: approval?.decidedAt?.toISOString() ?? null, releasedAt: release.releasedAt.toISOString(),
    },
  });
  const whole = reading.gates.length === gateIds.length && approval?.verdict !== 'rejected' && !(await store.isHeld(tx, release.outputId));
  return { reading, whole };
}

interface Standing {
  standing: ReadStanding;
  clauses: readonly string[];
}

/** What consent answers to reading it, unless this one output was taken back or is held. */
function standingIn(deps: Pick<Deps, 'clock'>, { reading, whole }: Seen): Standing {
  return whole ? reading.at(deps.clock.now()) : { standing: 'withdrawn', clauses: [] };
}

export async function standing(deps: Deps, tx: Tx, release: Released): Promise<ReadStanding> {
  return standingIn(deps, await see(deps, tx, release)).standing;
}

function refuse({ standing: now, clauses }: Standing): void {
  if (now === 'paused') {
    throw new Refusal('stopped', 'This clone is paused; the file can be had again once that is over.', { extra: { clauses: [...clauses] } });
  }
  if (now === 'withdrawn') {
    throw new Refusal('output_withdrawn', 'The consent to this was withdrawn after it was made; the file is not given out any more.');
  }
}

/**
 * Why a released file may be heard: `decide` says so of reading it, whatever the gates' epochs are by now. Whatever changes
 * that raises an epoch in the same transaction, so it is read again when an epoch moved; what ends by itself, the proof or
 * the grant's term, is compared with the clock before every write. A gate that is shut and yet lets this be read, such
 * as a revoked grant's whose works survive, is not watched: it never opens again. Refuses `stopped`, `output_withdrawn`.
 */
export function standingGround(deps: Deps, release: Released, subjectId: string): Ground {
  return {
    kind: 'output', subjectId, outlivesEpochs: true,
    async see() {
      const seen = await deps.runTx((tx) => see(deps, tx, release));
      const stands = (): void => refuse(standingIn(deps, seen));
      stands();
      return { gates: seen.reading.gates.filter(({ state }) => state === 'open'), stands };
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

import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import type { GatewayDeps } from './deps.ts';
import { ENDED, type Ending } from './model.ts';
import { sentOf } from './segment-store.ts';
import type { OutputRow } from './store.ts';
import * as store from './store.ts';

type InTx = Pick<GatewayDeps, 'clock' | 'billing' | 'consent'>;
type Deps = InTx & Pick<GatewayDeps, 'runTx'>;

/** Whoever asked for a stream has this long to come and listen. */
export const STREAM_FETCH_MS = 10 * 60 * 1_000;
/** A stream whose gateway tells nothing of itself for this long, beyond what it plays, has lost its gateway. */
export const STREAM_SILENCE_MS = 60_000;

/**
 * Ends an output that did not come through: what was held goes back, and its file, if it has one, is swept away. A stream of
 * which something was sent ends as `cut`, and its hold is spent only if its last segment was released. Again: nothing.
 * `only` is asked under the output's lock.
 */
export async function endOutput(deps: Deps, outputId: string, end: Ending, only: (row: OutputRow) => boolean = () => true): Promise<void> {
  await deps.runTx((tx) => endOutputIn(deps, tx, outputId, end, only));
}

/** The same, in the caller's transaction. */
export async function endOutputIn(
  deps: InTx, tx: Tx, outputId: string, end: Ending, only: (row: OutputRow) => boolean = () => true,
): Promise<void> {
  const row = await store.lockOutput(tx, outputId);
  if (row === null) throw new Refusal('not_found', 'There is no such output.');
  if (ENDED.includes(row.state) || !only(row)) return;
  const at = deps.clock.now();
  const sent = await sentOf(tx, outputId);
  // Before the hold: who is admitted takes of the volume first, and then of the quota. What was heard was used.
  if (sent.segments === 0) await deps.consent.giveVolumeBack(tx, outputId);
  if (row.holdId !== null && !sent.last) await deps.billing.void(tx, row.holdId, { reason: end.reason, at });
  await store.moveOutput(tx, outputId, { state: sent.segments > 0 ? 'cut' : end.state, reason: end.reason, at });
  if (row.file !== null) {
    const { sha256 } = row.file;
    await enqueue(tx, { topic: 'gateway.discardFile', payload: { sha256 }, runAt: at, dedupeKey: `gateway.discardFile:${sha256}` });
  }
}

/** Looks after a stream at that time; nothing is left under way by a process that died. */
export async function watchStream(tx: Tx, outputId: string, at: Date): Promise<void> {
  await enqueue(tx, { topic: 'gateway.watchStream', payload: { outputId }, runAt: at, dedupeKey: `gateway.watchStream:${outputId}:${at.getTime()}` });
}

/** When a stream counts as abandoned; null when it is none that is still to come or under way. */
function abandonedAt(row: OutputRow): Date | null {
  if (row.delivery !== 'stream') return null;
  if (row.state === 'queued') return new Date(row.requestedAt.getTime() + STREAM_FETCH_MS);
  return row.state === 'streaming' ? row.aliveUntil : null;
}

/** Job: ends a stream that nobody fetched or whose gateway died; looks again later at one that lives. */
export async function endAbandoned(deps: Deps, outputId: string): Promise<void> {
  const left = await deps.runTx(async (tx) => {
    const row = await store.lockOutput(tx, outputId);
    const at = row === null ? null : abandonedAt(row);
    if (row === null || at === null) return null;
    if (deps.clock.now().getTime() < at.getTime()) {
      await watchStream(tx, outputId, at);
      return null;
    }
    return row.state;
  });
  if (left === null) return;
  await endOutput(deps, outputId, { state: 'voided', reason: left === 'queued' ? 'not_fetched' : 'interrupted' }, (row) => {
    const at = abandonedAt(row);
    return at !== null && deps.clock.now().getTime() >= at.getTime();
  });
}

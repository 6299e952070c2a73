import type { Clock } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import { type Seal, sealDigest, sealRoot } from './seal-model.ts';
import { insertSeal, lastSeal, leavesBetween, lockSeals, unsealed } from './seal-store.ts';

/** The public log, as far as this room needs it. */
export interface SealLog {
  append(tx: Tx, leaf: { type: 'ledger.sealed'; subjectId: string; at: Date; documentSha256: string }): Promise<{ leafId: string }>;
}

/** The subject under which the log lists the ledger's seals. */
export const SEAL_SUBJECT = 'ledger';

/** Transfers of one seal, at most: it bounds what one of them must hash, and where a change is looked for. */
const SEAL_MAX = 1_000;

async function sealSome(tx: Tx, log: SealLog, at: Date, most: number): Promise<number> {
  await lockSeals(tx);
  const last = await lastSeal(tx);
  const fromPosition = last?.toPosition ?? 0n;
  const next = { number: (last?.number ?? 0) + 1, fromPosition, ...await unsealed(tx, fromPosition, most) };
  const covered = Number(next.toPosition - fromPosition) + next.holdSeqs.length;
  if (covered === 0) return 0;
  const leaves = await leavesBetween(tx, next);
  const seal: Omit<Seal, 'leafId'> = { ...next, leaves, root: sealRoot(leaves) };
  const { leafId } = await log.append(tx, { type: 'ledger.sealed', subjectId: SEAL_SUBJECT, at, documentSha256: sealDigest(seal) });
  await insertSeal(tx, { ...seal, leafId });
  return covered;
}

/** Seals everything that has a position and is not sealed; answers how many leaves that made. */
export async function sealAll(deps: { runTx: RunTx; log: SealLog; clock: Pick<Clock, 'now'> }, most = SEAL_MAX): Promise<number> {
  let sealed = 0;
  for (let covered = 1; covered > 0;) {
    covered = await deps.runTx((tx) => sealSome(tx, deps.log, deps.clock.now(), most));
    sealed += covered;
  }
  return sealed;
}

import { Refusal } from '../kernel/refusals.ts';
import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import type { Usage } from './decision.ts';
import type { VolumeCap } from './grant.ts';
import * as store from './volume-store.ts';

/** How much of a grant's caps is used. Everything under way counts, so a cap of N never lets N + 1 out. */
export interface Volume {
  /**
   * What the caps of a grant, or of a licence under it, are to be compared with, one row a cap. Under caps it takes turns with everybody
   * else who decides under the grant, until the end of the transaction.
   */
  usage(tx: Tx, of: { grantId: string; licenceId: string | null }, caps: readonly VolumeCap[], at: Date): Promise<Usage[]>;
  /** Counts one output. @throws Refusal `denied` when the database finds a cap passed */
  takeVolume(tx: Tx, use: { outputId: string; grantId: string; licenceId: string | null; capability: string; seconds: number; at: Date }): Promise<void>;
  /** Puts the measured length in the place of the expected one. @throws Refusal `denied` */
  measureVolume(tx: Tx, outputId: string, seconds: number): Promise<void>;
  /** The output came to nothing. Again: nothing. */
  giveVolumeBack(tx: Tx, outputId: string): Promise<void>;
}

const milliseconds = (seconds: number): bigint => BigInt(Math.ceil(seconds * 1_000));

async function orDenied(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!store.isOverCap(error)) throw error;
    throw new Refusal('denied', 'The owner allows no more than this.', { extra: { clauses: ['volume.measured'] }, cause: error });
  }
}

export function makeVolume(): Volume {
  return {
    async usage(tx, of, caps, at) {
      if (caps.length === 0) return [];
      await store.lockVolume(tx, of.grantId);
      const usage: Usage[] = [];
      for (const { capability, window } of caps) {
        usage.push({ capability, window, ...(await store.sumOf(tx, { ...of, capability, day: window === 'day' ? dayOf(at) : null })) });
      }
      return usage;
    },
    takeVolume: (tx, { seconds, at, outputId, ...use }) =>
      orDenied(store.insertUse(tx, { ...use, subjectId: outputId, day: dayOf(at), milliseconds: milliseconds(seconds), at })),
    measureVolume: (tx, outputId, seconds) => orDenied(store.setMilliseconds(tx, outputId, milliseconds(seconds))),
    giveVolumeBack: (tx, outputId) => store.giveBack(tx, outputId),
  };
}

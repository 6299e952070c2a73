import { Refusal } from '../kernel/refusals.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import * as store from './split-store.ts';

/** Earnings that were booked under a split keep it: a new one begins behind them. */
export async function checkStart(tx: Tx, cloneId: string, effectiveFrom: Day): Promise<void> {
  const answered = await store.answeredBefore(tx, cloneId);
  if (answered !== null && effectiveFrom < answered) {
    throw new Refusal('split_invalid', `Days before ${answered} are divided already; the split can begin on that day.`, { extra: { earliest: answered } });
  }
}

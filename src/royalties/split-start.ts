import { Refusal } from '../kernel/refusals.ts';
import { addDays, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import * as store from './split-store.ts';

/**
 * Earnings that were booked under a split keep it: a new one begins behind them. Days that were booked without one can be taken by a split
 * that begins on the first of them (`takes`), whatever came after them; never by one that begins among them, since what was
 * booked as one is divided as one.
 */
export async function checkStart(tx: Tx, cloneId: string, effectiveFrom: Day, { takes }: { takes: boolean }): Promise<void> {
  const { lastBooked, unsplitFrom } = await store.startsOf(tx, cloneId, effectiveFrom);
  if (unsplitFrom !== null && unsplitFrom < effectiveFrom) {
    throw new Refusal('split_invalid', `Days from ${unsplitFrom} on were booked without a split, and are taken together: begin on that day.`, { extra: { earliest: unsplitFrom } });
  }
  if (lastBooked === null || effectiveFrom > lastBooked || (takes && unsplitFrom === effectiveFrom)) return;
  const earliest = addDays(lastBooked, 1);
  throw new Refusal('split_invalid', `Days before ${earliest} are divided already; the split can begin on that day.`, { extra: { earliest } });
}

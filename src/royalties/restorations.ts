import { type Currency, least, mulDivFloor } from '../kernel/money.ts';
import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import { restorable } from './advances-model.ts';
import { advanceRestored } from './advance-postings.ts';
import * as store from './advance-store.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { PLATFORM } from './model.ts';
import { conversionOf, findPayout } from './payout-store.ts';

/** Recoupments of earnings that are given back: what a run would not have recouped of what is left of them is unrecouped again. */

/** How much of an advance can be outstanding: what was paid of it and did not come back from the processor. */
async function standingMinor(tx: Tx, row: store.AdvanceRow): Promise<bigint> {
  const payout = row.payoutId === null ? null : await findPayout(tx, row.payoutId);
  if (payout?.state !== 'paid') return 0n;
  if (payout.reversedMinor === 0n) return row.amountMinor;
  const sentMinor = (await conversionOf(tx, payout.id))?.amountMinor ?? payout.amountMinor;
  return row.amountMinor - mulDivFloor(row.amountMinor, payout.reversedMinor, sentMinor);
}

/**
 * Puts back into the unpaid balance what runs had recouped of earnings that the payee now returns, at most `limitMinor`; answers how
 * much. Call it under the payee's locks, behind what says how much each pot returned.
 */
export async function restoreAdvances(
  tx: Tx, deps: RoyaltiesDeps,
  order: { payee: string; currency: Currency; cloneId: string; causeId: string; runIds: readonly string[]; limitMinor: bigint },
): Promise<bigint> {
  const { payee, currency, cloneId, causeId, runIds } = order;
  if (payee === PLATFORM) return 0n;
  let leftMinor = order.limitMinor;
  for (const runId of runIds) {
    const steps = restorable(await store.recoupedOfRun(tx, { runId, payee, currency }), await store.sharesOfRun(tx, { runId, payee, currency }));
    // The last one to recoup is the first to give it back.
    for (const { advanceId, amountMinor: wantedMinor } of steps.reverse()) {
      const row = await store.lockAdvance(tx, advanceId);
      if (row === null) throw new Error(`There is no advance ${advanceId}.`);
      const openMinor = await deps.ledger.lockedBalance(tx, chart.advanceUnrecouped(advanceId, currency));
      const roomMinor = await standingMinor(tx, row) - openMinor - row.writtenOffMinor;
      const amountMinor = least(least(wantedMinor, leftMinor), roomMinor);
      if (amountMinor <= 0n) continue;
      const ended = row.state === 'ended';
      const { transferId } = await deps.ledger.post(tx, advanceRestored({
        advanceId, payee, currency, amountMinor, day: dayOf(deps.clock.now()), runId, cloneId, causeId, ended,
      }));
      if (ended) await store.putWrittenOff(tx, advanceId, row.writtenOffMinor + amountMinor);
      await store.insertRestoration(tx, { advanceId, runId, causeId, amountMinor, transferId });
      leftMinor -= amountMinor;
    }
  }
  return order.limitMinor - leftMinor;
}

import { least } from '../kernel/money.ts';
import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { owedBy } from './coin-debts.ts';
import { coinsWithin, forfeit, forfeitHeld, grossOf } from './coin-forfeits.ts';
import { partOf } from './coin-model.ts';
import { COIN_PRICE } from './coin-postings.ts';
import { restoreMonth } from './coin-restores.ts';
import * as returns from './coin-return-store.ts';
import * as coins from './coin-store.ts';
import { disputeLost } from './dispute-postings.ts';
import * as store from './dispute-store.ts';
import type { DisputeDeps, DisputedSource } from './disputes.ts';

/** The coins that a disputed payment bought. */

/** Where a lot's coins went. */
export async function spendsAsSources(tx: Tx, lotId: string): Promise<DisputedSource[]> {
  return (await store.spendsOfLot(tx, lotId)).map(({ cloneId, periodId }) => ({ cloneId, periodId }));
}

/** Freezes what is unspent of the lot; the claim is what was not paid back, and is not about to be. */
export async function claimOfLot(tx: Tx, lotId: string, amountMinor: bigint): Promise<{ minor: bigint; sources: DisputedSource[] }> {
  const [seen] = await coins.lotsById(tx, [lotId]);
  if (seen === undefined) throw new Error(`There is no lot ${lotId}.`);
  await coins.lockWallet(tx, seen.accountId);
  const minor = least(amountMinor, seen.netMinor + seen.taxMinor - await returns.returnedOfCharge(tx, seen.stripeCharge));
  if (seen.state === 'open') await coins.putLotState(tx, lotId, 'disputed');
  return { minor, sources: await spendsAsSources(tx, lotId) };
}

/** What the coins of this lot bought is asked back of those who received it, the latest first. Answers what is left of the claim. */
async function loseSpends(tx: Tx, deps: DisputeDeps, row: store.DisputeRow, lot: coins.LotRow, claimMinor: bigint): Promise<bigint> {
  let claim = claimMinor;
  for (const spent of await store.spendsOfLot(tx, lot.id)) {
    const part = (await coins.partsOf(tx, spent.spendId)).find((one) => one.lotId === lot.id);
    if (part === undefined || claim === 0n || deps.disputes === undefined) continue;
    const gone = partOf(lot, coins.readRuns(part.left));
    const taken = coinsWithin(lot, gone.taken, claim);
    if (taken === null) continue;
    await deps.disputes.loseDispute(tx, {
      disputeId: row.id, charge: row.stripeCharge, cloneId: spent.cloneId, tierId: spent.tierId, source: { cloneId: spent.cloneId, periodId: spent.periodId },
      netMinor: taken.netMinor, taxMinor: taken.taxMinor, feeMinor: taken.feeMinor, day: dayOf(deps.clock.now()), uncoveredBy: row.accountId,
    });
    await coins.insertLoss(tx, { disputeId: row.id, spendId: spent.spendId, lotId: lot.id }, taken.taken);
    claim -= grossOf(taken);
  }
  return claim;
}

/**
 * Unspent coins first: those that are free, then the unused days of prepaid months, turned back into coins, then those that outputs under way hold;
 * then the legs of what was spent; the rest is the fan's debt. The wallet is never below zero.
 */
export async function loseLot(tx: Tx, deps: DisputeDeps, row: store.DisputeRow, lotId: string): Promise<void> {
  await coins.lockWallet(tx, row.accountId);
  const charge = row.stripeCharge;
  const order = { lotId, disputeId: row.id, charge, debt: null };
  let taken = await forfeit(tx, deps, { ...order, grossMinor: row.claimMinor });
  for (const { purpose, periodId } of await store.spendsOfLot(tx, lotId)) {
    const [now] = await coins.lotsById(tx, [lotId]);
    if (purpose !== 'month' || taken === row.claimMinor || now?.leftCoins !== 0n) continue;
    await restoreMonth(tx, deps, periodId, `${row.id}:${periodId}`);
    taken += await forfeit(tx, deps, { ...order, grossMinor: row.claimMinor - taken });
  }
  taken += await forfeitHeld(tx, deps, { ...order, grossMinor: row.claimMinor - taken });
  const [lot] = await coins.lotsById(tx, [lotId]);
  if (lot === undefined) throw new Error(`There is no lot ${lotId}.`);
  const rest = await loseSpends(tx, deps, row, lot, row.claimMinor - taken);
  // A dispute of a part of the payment leaves the other coins to the fan, also where less than a coin of the claim is left.
  await coins.putLotState(tx, lotId, lot.leftCoins > 0n ? 'open' : 'lost');
  if (rest === 0n) return;
  await deps.ledger.post(tx, disputeLost(
    { disputeId: row.id, charge, currency: COIN_PRICE, amountMinor: rest, day: dayOf(deps.clock.now()), trace: { lotId } }, 'debt',
    [{ account: owedBy(row.accountId), amountMinor: rest }],
  ));
}

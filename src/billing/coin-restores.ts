import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart, type Leg } from '../ledger/index.ts';
import { countOf, partOf, type Run, sumOf, unusedCoins } from './coin-model.ts';
import { forfeitReturned } from './coin-forfeits.ts';
import { coinsRestored } from './coin-postings.ts';
import * as store from './coin-store.ts';
import type { BillingDeps } from './deps.ts';
import { earnedDays, partsOfDays } from './model.ts';
import { pausesOf } from './pause-store.ts';
import * as periods from './period-store.ts';
import { traceOf } from './postings.ts';
import { earn, lastDays } from './recognition.ts';
import * as refunds from './refund-store.ts';

type Deps = BillingDeps;

/** Whether a period was paid ahead with coins: then a spend of coins stands where a payment would. */
export function paidWithCoins(period: Pick<periods.PeriodRow, 'stripeCharge'>): boolean {
  return period.stripeCharge.startsWith('hld_');
}

/** Where a spend's coins came from, what of them can still be given back, and what a lost dispute took. */
async function spentParts(tx: Tx, spendId: string): Promise<{ lot: store.LotRow; left: Run[]; lost: Run[] }[]> {
  const spent = await store.partsOf(tx, spendId);
  const lots = new Map((await store.lotsById(tx, spent.map(({ lotId }) => lotId))).map((lot) => [lot.id, lot]));
  return spent.flatMap(({ lotId, left, lost }) => {
    const lot = lots.get(lotId);
    return lot === undefined ? [] : [{ lot, left: store.readRuns(left), lost: store.readRuns(lost) }];
  });
}

/** What a fan's bank took back of a prepaid period's delivered days: it is theirs already, and comes back as no coins. */
export async function lostOf(tx: Tx, period: Pick<periods.PeriodRow, 'stripeCharge'>): Promise<bigint> {
  if (!paidWithCoins(period)) return 0n;
  return (await spentParts(tx, period.stripeCharge)).reduce((sum, { lot, lost }) => sum + partOf(lot, lost).netMinor, 0n);
}

/**
 * What was given back of a prepaid period, the refund that is being booked included; `cause` is left out. Beside refunds only a lost dispute
 * gives back, all that was unused, and ends the period there.
 */
async function returnedBefore(tx: Tx, period: periods.PeriodRow, causeId: string): Promise<bigint> {
  const refunded = [...await refunds.goodwillOf(tx, period.id), ...await refunds.stopRefundsOf(tx, period.id)]
    .filter(({ id, state }) => state === 'succeeded' && id !== causeId).reduce((sum, { netMinor }) => sum + netMinor, 0n);
  const ended = await store.restoredByDispute(tx, period.stripeCharge);
  return refunded + (ended ? partsOfDays(period, period.recognisedDays, period.days, period.days).netMinor : 0n);
}

/**
 * Puts the coins that stand for an amount of a prepaid period back into the wallet, the same coins at the same basis. What comes back
 * to a lot that was lost meanwhile pays the fan's debt for it.
 */
export async function restoreCoins(
  tx: Tx, deps: Deps, period: periods.PeriodRow, told: { causeId: string; moneyMinor: bigint; feeMinor: bigint; from: readonly Leg[] },
): Promise<void> {
  const spend = await store.findSpend(tx, period.stripeCharge);
  if (spend?.state !== 'captured') throw new Error(`Period ${period.id} was paid with no coins.`);
  await store.lockWallet(tx, spend.accountId);
  const spent = await spentParts(tx, spend.id);
  const parts = spent.map(({ lot, left }) => ({ lot, taken: left }));
  const before = await returnedBefore(tx, period, told.causeId);
  const lostCoins = spent.reduce((sum, { lost }) => sum + countOf(lost), 0n);
  const given = unusedCoins(parts, before + told.moneyMinor, spend.netMinor, spend.coins, lostCoins);
  const { transferId } = await deps.ledger.post(tx, coinsRestored({
    key: `coins:${spend.id}:restored:${told.causeId}`, accountId: spend.accountId, given: sumOf(given), from: told.from, moneyMinor: told.moneyMinor,
    feeMinor: told.feeMinor, day: dayOf(deps.clock.now()), metadata: { ...traceOf(period), spendId: spend.id, refundId: told.causeId },
  }));
  await store.insertRestores(tx, { spendId: spend.id, refundId: told.causeId, transferId }, given);
  await forfeitReturned(tx, deps, spend);
}

/** The money of unused days that is given up for their coins: deferred revenue, and its part of the fees. */
export function unusedLegs(period: Pick<periods.PeriodRow, 'cloneId' | 'currency'>, netMinor: bigint, feeMinor: bigint): Leg[] {
  const { cloneId, currency } = period;
  return [{ account: chart.deferred(cloneId, currency), amountMinor: netMinor }, { account: chart.deferredFees(cloneId, currency), amountMinor: -feeMinor }];
}

/** Ends a prepaid period now, or on the day of the stop that it waits for, with its unused days back as coins. A period that has ended is not touched. */
export async function restoreMonth(tx: Tx, deps: Deps, periodId: string, causeId: string): Promise<void> {
  const before = await periods.lockPeriod(tx, periodId);
  if (before?.endedOn !== null) return;
  const until = (await lastDays(tx, before.cloneId, [before], dayOf(deps.clock.now())))(before);
  const pauses = (await pausesOf(tx, before.cloneId, [before.subscriptionId])).of;
  await earn(tx, deps, [before], pauses, until);
  const period = await periods.lockPeriod(tx, periodId);
  if (period === null) return;
  const used = Math.max(earnedDays(period, pauses(period), until), period.recognisedDays);
  if (used >= period.days) return;
  const { netMinor, feeMinor } = partsOfDays(period, used, period.days, period.days);
  if (netMinor > 0n) await restoreCoins(tx, deps, period, { causeId, moneyMinor: netMinor, feeMinor, from: unusedLegs(period, netMinor, feeMinor) });
  await periods.endPeriod(tx, periodId, until);
}

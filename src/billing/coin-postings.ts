import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import { chart, type Leg, type TransferDraft } from '../ledger/index.ts';
import type { Sum } from './coin-model.ts';
import { cashIn, cashOut, earnedApart, moving, type Settled } from './postings.ts';

const { coinDeferred, coinDeferredFees, coinDeferredHeld, coinLiability, coinsHeld, coinsIssued, deferred, deferredFees, disputesPending, earned, fanDebt, platformExpense, taxPayable } = chart;

/** What coins post, each as one transfer in which they move with what they cost. Positive is a debit. Pure. */

/** Coins are priced in one currency. */
export const COIN_PRICE: Currency = 'CNY';

/** Who spends, and where it leads back to: on every transfer. */
export interface SpendTrace {
  spendId: string;
  accountId: string;
  sum: Sum;
  lotIds: readonly string[];
  cloneId: string | null;
  tierId: string | null;
  outputId: string | null;
}

function traceOf({ spendId, sum, lotIds, cloneId, tierId, outputId }: SpendTrace): JsonObject {
  return {
    spendId, coins: sum.coins.toString(), lotIds: lotIds.slice(0, 100),
    ...(cloneId === null ? {} : { cloneId }), ...(tierId === null ? {} : { tierId }), ...(outputId === null ? {} : { outputId }),
  };
}

/** A pack that was paid for: coins into the wallet, their cost deferred, tax owed at once, the fee kept for later. */
export function coinsBought(lot: {
  id: string; purchaseId: string; accountId: string; stripeCharge: string; coins: bigint; netMinor: bigint; taxMinor: bigint; feeMinor: bigint; settled: Settled; day: Day;
}): TransferDraft {
  const { accountId, coins, netMinor, taxMinor, feeMinor } = lot;
  return {
    key: `stripe:charge:${lot.stripeCharge}`,
    kind: 'billing.coins_bought',
    effectiveDate: lot.day,
    legs: moving([
      ...cashIn(COIN_PRICE, netMinor + taxMinor - feeMinor, lot.settled),
      { account: coinDeferredFees(COIN_PRICE), amountMinor: feeMinor },
      { account: taxPayable(COIN_PRICE), amountMinor: -taxMinor },
      { account: coinDeferred(COIN_PRICE), amountMinor: -netMinor },
      { account: coinsIssued(), amountMinor: coins },
      { account: coinLiability(accountId), amountMinor: -coins },
    ]),
    metadata: { lotId: lot.id, purchaseId: lot.purchaseId, charge: lot.stripeCharge },
  };
}

/** Reserved for something that is not delivered yet. */
export function coinsReserved(spend: SpendTrace, day: Day): TransferDraft {
  const { accountId, sum } = spend;
  return {
    key: `coins:${spend.spendId}:held`,
    kind: 'billing.coins_held',
    effectiveDate: day,
    legs: [
      { account: coinLiability(accountId), amountMinor: sum.coins },
      { account: coinsHeld(accountId), amountMinor: -sum.coins },
      { account: coinDeferred(COIN_PRICE), amountMinor: sum.netMinor },
      { account: coinDeferredHeld(COIN_PRICE), amountMinor: -sum.netMinor },
    ],
    metadata: traceOf(spend),
  };
}

/** Given back: the same coins at the same basis. */
export function coinsReleased(spend: SpendTrace, day: Day): TransferDraft {
  const { legs } = coinsReserved(spend, day);
  return {
    key: `coins:${spend.spendId}:voided`,
    kind: 'billing.coins_released',
    effectiveDate: day,
    legs: legs.map(({ account, amountMinor }) => ({ account, amountMinor: -amountMinor })),
    metadata: traceOf(spend),
  };
}

/** Held coins leave the wallet for good; their cost goes where `legs` say. */
function gone({ accountId, sum }: SpendTrace, legs: readonly Leg[]): Leg[] {
  return moving([
    { account: coinsHeld(accountId), amountMinor: sum.coins },
    { account: coinsIssued(), amountMinor: -sum.coins },
    { account: coinDeferredHeld(COIN_PRICE), amountMinor: sum.netMinor },
    ...legs,
  ]);
}

/** An output was delivered: what its coins cost is earned on the tier, that day, less what the processor kept of it; what is worth just that as days are. */
export function outputEarned(spend: SpendTrace & { cloneId: string; tierId: string }, told: { releaseId: string; day: Day; splitId: string | null }): TransferDraft {
  const { cloneId, tierId, sum: { netMinor, taxMinor, feeMinor } } = spend;
  const into = earned(cloneId, tierId, COIN_PRICE);
  const apart = earnedApart(into, spend.sum);
  return {
    key: `coins:${spend.spendId}:spent`,
    kind: 'billing.coins_spent',
    effectiveDate: told.day,
    legs: [
      ...(apart?.legs ?? []),
      ...gone(spend, [
        { account: coinDeferredFees(COIN_PRICE), amountMinor: -feeMinor },
        ...(apart === null ? [{ account: into, amountMinor: feeMinor - netMinor }] : []),
      ]),
    ],
    metadata: {
      // Under which a run remembers it and a refund finds it again: a spend is to an output what a period is to a month.
      ...traceOf(spend), periodId: spend.spendId, releaseId: told.releaseId, fromDay: told.day, throughDay: told.day,
      ...(apart === null ? { feeMinor: feeMinor.toString(), taxMinor: taxMinor.toString() } : { earnedLegs: apart.earnedLegs }),
      ...(told.splitId === null ? {} : { splitVersionId: told.splitId }),
    },
  };
}

/** A month was paid ahead: what its coins cost is deferred revenue of the clone from now on, earned by day. */
export function monthPrepaid(spend: SpendTrace & { cloneId: string; tierId: string }, told: { subscriptionId: string; periodId: string; day: Day }): TransferDraft {
  const { cloneId, sum: { netMinor, feeMinor } } = spend;
  return {
    key: `coins:${spend.spendId}:spent`,
    kind: 'billing.month_prepaid',
    effectiveDate: told.day,
    legs: gone(spend, [
      { account: deferred(cloneId, COIN_PRICE), amountMinor: -netMinor },
      { account: deferredFees(cloneId, COIN_PRICE), amountMinor: feeMinor },
      { account: coinDeferredFees(COIN_PRICE), amountMinor: -feeMinor },
    ]),
    metadata: { ...traceOf(spend), subscriptionId: told.subscriptionId, periodId: told.periodId },
  };
}

/** Unspent coins were paid back: their cost and its tax; what the processor kept of them is the platform's expense. */
export function coinsReturned(spend: SpendTrace, told: { refundId: string; stripeRefund: string; charge: string; settled: Settled; day: Day }): TransferDraft {
  const { netMinor, taxMinor, feeMinor } = spend.sum;
  return {
    key: `stripe:refund:${told.refundId}`,
    kind: 'billing.coins_returned',
    effectiveDate: told.day,
    legs: gone(spend, [
      { account: taxPayable(COIN_PRICE), amountMinor: taxMinor },
      ...cashOut(COIN_PRICE, netMinor + taxMinor, told.settled),
      { account: platformExpense('processor_fees', COIN_PRICE), amountMinor: feeMinor },
      { account: coinDeferredFees(COIN_PRICE), amountMinor: -feeMinor },
    ]),
    metadata: { ...traceOf(spend), refundId: told.refundId, refund: told.stripeRefund, charge: told.charge },
  };
}

/** Unspent coins of a lost payment: their cost and its tax are the bank's, or pay off what the fan owed for them. */
export function coinsForfeited(spend: SpendTrace, told: { disputeId: string; charge: string; debt: string | null; day: Day }): TransferDraft {
  const { netMinor, taxMinor, feeMinor } = spend.sum;
  return {
    key: `coins:${spend.spendId}:spent`,
    kind: 'billing.coins_forfeited',
    effectiveDate: told.day,
    legs: gone(spend, [
      { account: taxPayable(COIN_PRICE), amountMinor: taxMinor },
      { account: told.debt === null ? disputesPending(COIN_PRICE) : fanDebt(told.debt, COIN_PRICE), amountMinor: -(netMinor + taxMinor) },
      { account: platformExpense('processor_fees', COIN_PRICE), amountMinor: feeMinor },
      { account: coinDeferredFees(COIN_PRICE), amountMinor: -feeMinor },
    ]),
    metadata: { ...traceOf(spend), disputeId: told.disputeId, charge: told.charge },
  };
}

/** Unused or refunded: spent coins are in the wallet again. `from` is the money that is given up for them. */
export function coinsRestored(told: {
  key: string; accountId: string; given: Sum; from: readonly Leg[]; moneyMinor: bigint; feeMinor: bigint; day: Day; metadata: JsonObject;
}): TransferDraft {
  return {
    key: told.key, kind: 'billing.coins_restored', effectiveDate: told.day,
    legs: moving([...told.from, ...restoredLegs(told.accountId, told.given, told.moneyMinor, told.feeMinor)]),
    metadata: { ...told.metadata, coins: told.given.coins.toString() },
  };
}

/**
 * Spent coins back in the wallet, and the money side of it: their cost is deferred again. Days and coins do not divide
 * alike: what the coins' cost differs from the money given up for them is the platform's.
 */
function restoredLegs(accountId: string, given: Sum, moneyMinor: bigint, feeMinor: bigint): Leg[] {
  return moving([
    { account: coinsIssued(), amountMinor: given.coins },
    { account: coinLiability(accountId), amountMinor: -given.coins },
    { account: coinDeferred(COIN_PRICE), amountMinor: -given.netMinor },
    { account: coinDeferredFees(COIN_PRICE), amountMinor: given.feeMinor },
    { account: platformExpense('coin_rounding', COIN_PRICE), amountMinor: given.netMinor - moneyMinor - (given.feeMinor - feeMinor) },
  ]);
}


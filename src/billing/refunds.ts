import { Refusal } from '../kernel/refusals.ts';
import { addDays, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { chart } from '../ledger/index.ts';
import { lostOf, paidWithCoins, restoreCoins, unusedLegs } from './coin-restores.ts';
import type { BillingDeps } from './deps.ts';
import { openOfCharges } from './dispute-store.ts';
import { earnedDays, partsOfDays, type Parts } from './model.ts';
import { pausesOf } from './pause-store.ts';
import { cameBack, checkOurs } from './owed-refunds.ts';
import * as periods from './period-store.ts';
import { unusedRefunded } from './postings.ts';
import type { RefundFacts } from './provider.ts';
import * as store from './refund-store.ts';

export interface RefundOrder {
  /** Names the reason once: the same key answers the same refund. */
  key: string;
  periodId: string;
  kind: 'stop' | 'goodwill';
  reason: string;
  /** Gross is net plus tax; what the processor keeps of it is told apart. */
  parts: Parts;
  /** `platform` or an account. */
  feeBearer: string;
  at: Date;
  /** Job topic told `{refundId}` when the refund has succeeded or failed: the room that asked posts its legs then. */
  settledTopic?: string;
}

/** Money back to fans: amounts computed here, sent by a job, each once. */
export interface Refunds {
  /**
   * Writes a refund and the job that sends it. Refuses `refund_too_large` beyond the charge; a goodwill refund also
   * beyond what the period has earned, since days that are not earned yet come back by a stop.
   */
  requestRefund: (tx: Tx, order: RefundOrder) => Promise<{ refundId: string }>;
  /** What one earned day of a period was worth. Refuses `refund_too_large` for a day that it has not earned. */
  dayParts: (tx: Tx, asked: { periodId: string; day: Day }) => Promise<Parts>;
  refund: (tx: Tx, refundId: string) => Promise<store.RefundRow | null>;
  /** Job: sends a refund, or finds that it was sent, and books the answer. */
  sendRefund: (refundId: string) => Promise<void>;
  /** Books what the processor says about a refund. Only the first final answer counts. */
  settle: (refundId: string, told: RefundFacts) => Promise<void>;
}

function tooLarge(detail: string, limitMinor: bigint): Refusal {
  return new Refusal('refund_too_large', detail, { extra: { limitMinor: (limitMinor > 0n ? limitMinor : 0n).toString() } });
}

function checkParts({ grossMinor, netMinor, taxMinor, feeMinor }: Parts): void {
  if (grossMinor < 1n || netMinor < 0n || taxMinor < 0n || feeMinor < 0n || netMinor + taxMinor !== grossMinor) {
    throw new Refusal('money_out_of_range', 'A refund is at least one minor unit, and its parts add up to it.');
  }
}

/** The limits of a refund of a locked period. */
async function checkLimits(tx: Tx, period: periods.PeriodRow, order: RefundOrder): Promise<void> {
  // Of a payment the claims of its disputes are refunds; what coins paid for is claimed by its lots.
  const lost = await lostOf(tx, period);
  const left = period.grossMinor - period.refundedMinor - period.creditedMinor - lost;
  if (order.parts.grossMinor > left) throw tooLarge('More than is left of the charge.', left);
  if (order.kind !== 'goodwill') return;
  const earned = partsOfDays(period, 0, period.recognisedDays, period.days);
  let netLeft = earned.netMinor - lost;
  let taxLeft = earned.taxMinor;
  for (const before of await store.goodwillOf(tx, period.id)) {
    netLeft -= before.netMinor;
    taxLeft -= before.taxMinor;
  }
  if (order.parts.netMinor > netLeft || order.parts.taxMinor > taxLeft) {
    throw tooLarge('More than this period has earned and not returned yet.', netLeft + taxLeft);
  }
}

/** The first final answer is booked. One that was given up moves no money, so one that then did fails aloud. */
function checkSame(booked: store.RefundRow, told: RefundFacts): void {
  if (told.state === 'succeeded' && booked.state === 'failed') {
    throw new Error(`Refund ${booked.id} was given up and has succeeded all the same: its money is gone and must be booked by hand.`);
  }
}

/** No processor is asked for coins, and no cash leaves. */
function sentAsCoins({ id: refundId, currency, grossMinor }: store.RefundRow, { stripeCharge }: periods.PeriodRow): RefundFacts {
  return {
    stripeRefundId: `coins:${refundId}`, refundId, state: 'succeeded', failure: null, chargeId: stripeCharge, amountMinor: grossMinor,
    settled: { currency, amountMinor: 0n }, returned: null,
  };
}

/**
 * What was paid with coins comes back as coins. Delivered days are given up by whoever received them, against the expense that a
 * refund of no cash leaves there.
 */
async function returnAsCoins(tx: Tx, deps: BillingDeps, period: periods.PeriodRow, refund: store.RefundRow): Promise<void> {
  const { id: causeId, kind, grossMinor, netMinor, feeMinor, currency } = refund;
  if (kind === 'stop') {
    await restoreCoins(tx, deps, period, { causeId, moneyMinor: netMinor, feeMinor, from: unusedLegs(period, netMinor, feeMinor) });
    return;
  }
  const from = [{ account: chart.platformExpense('processor_fees', currency), amountMinor: grossMinor }];
  await restoreCoins(tx, deps, period, { causeId, moneyMinor: grossMinor, feeMinor: 0n, from });
}

/** A refund that failed is not paid back: what an open dispute of its payment claims is another amount now. */
export async function askToReview(tx: Tx, { clock }: Pick<BillingDeps, 'clock'>, stripeCharge: string, refundId: string): Promise<void> {
  for (const { id: disputeId } of await openOfCharges(tx, [stripeCharge])) {
    await enqueue(tx, { topic: 'billing.reviewDispute', payload: { disputeId }, runAt: clock.now(), dedupeKey: `billing.reviewDispute:${disputeId}:${refundId}` });
  }
}

export function makeRefunds(deps: BillingDeps): Refunds {
  const { runTx, clock, ids, provider, ledger } = deps;

  async function book(tx: Tx, refundId: string, told: RefundFacts): Promise<void> {
    const refund = await store.lockRefund(tx, refundId);
    if (refund === null) throw new Error(`There is no refund ${refundId}.`);
    const period = await periods.findPeriod(tx, refund.periodId);
    if (period === null) throw new Error(`Refund ${refundId} has no period.`);
    checkOurs({ ...refund, stripeCharge: period.stripeCharge }, told);
    if (refund.state !== 'pending') {
      checkSame(refund, told);
      // Whoever gave it up did so for good: it is still the fan's.
      if (refund.state === 'succeeded' && told.state === 'failed') await cameBack(tx, deps, { ...refund, stripeCharge: period.stripeCharge }, told);
      return;
    }
    const at = clock.now();
    const { state, failure, settled } = told;
    await store.putRefund(tx, refundId, { state, failure, settled, stripeRefund: told.stripeRefundId, at });
    if (told.state === 'pending') return;
    if (told.state === 'failed') await askToReview(tx, deps, period.stripeCharge, refundId);
    if (told.state === 'succeeded') {
      if (told.settled === null) throw new Error(`Refund ${refundId} has no movement.`);
      if (paidWithCoins(period)) await returnAsCoins(tx, deps, period, refund);
      else if (refund.kind === 'stop') await ledger.post(tx, unusedRefunded(period, { ...refund, stripeRefund: told.stripeRefundId }, told.settled, at));
    }
    if (refund.settledTopic !== null) {
      const dedupeKey = `${refund.settledTopic}:${refundId}`;
      await enqueue(tx, { topic: refund.settledTopic, payload: { refundId }, runAt: at, dedupeKey });
    }
  }

  async function settle(refundId: string, told: RefundFacts): Promise<void> {
    await runTx((tx) => book(tx, refundId, told));
  }

  return {
    async requestRefund(tx, order) {
      const period = await periods.lockPeriod(tx, order.periodId);
      if (period === null) throw new Error(`There is no period ${order.periodId}.`);
      const before = await store.refundByKey(tx, order.key);
      if (before !== null) return { refundId: before.id };
      checkParts(order.parts);
      await checkLimits(tx, period, order);
      const refundId = ids.next('refund');
      await store.insertRefund(tx, {
        ...order.parts, id: refundId, cloneId: period.cloneId, periodId: period.id, key: order.key, kind: order.kind, reason: order.reason,
        currency: period.currency, feeBearer: order.feeBearer, settledTopic: order.settledTopic ?? null, requestedAt: order.at,
      });
      await enqueue(tx, { topic: 'billing.sendRefund', payload: { refundId }, runAt: order.at, dedupeKey: `billing.sendRefund:${refundId}` });
      return { refundId };
    },

    async dayParts(tx, { periodId, day }) {
      const period = await periods.findPeriod(tx, periodId);
      if (period === null) throw new Error(`There is no period ${periodId}.`);
      const pauses = (await pausesOf(tx, period.cloneId, [period.subscriptionId])).of(period);
      const before = earnedDays(period, pauses, day);
      // A day that a pause covered earned nothing: the number of earned days does not grow over it.
      const after = Math.min(earnedDays(period, pauses, addDays(day, 1)), period.recognisedDays);
      const parts = partsOfDays(period, Math.min(before, after), after, period.days);
      if (parts.grossMinor === 0n) throw tooLarge('The period has not earned that day.', 0n);
      return parts;
    },

    refund: (tx, refundId) => store.findRefund(tx, refundId),

    async sendRefund(refundId) {
      const found = await runTx(async (tx) => {
        const refund = await store.findRefund(tx, refundId);
        return refund === null ? null : { refund, period: await periods.findPeriod(tx, refund.periodId) };
      });
      if (found?.refund.state !== 'pending' || found.period === null) return;
      const { refund, period } = found;
      await settle(refundId, paidWithCoins(period) ? sentAsCoins(refund, period) : await provider.refund({ refundId, chargeId: period.stripeCharge, amountMinor: refund.grossMinor }));
    },

    settle,
  };
}

import { type Day, daysBetween } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import type { BillingDeps } from './deps.ts';
import { liftClaims } from './dispute-periods.ts';
import * as disputes from './dispute-store.ts';
import { claimAnew } from './disputes.ts';
import { pausesOf } from './pause-store.ts';
import * as periods from './period-store.ts';
import * as store from './plan-store.ts';
import { type Credit, creditsOf } from './plans-model.ts';
import { earn } from './recognition.ts';
import type { Refunds } from './refunds.ts';
import { unusedOf } from './stops.ts';
import { putPlan, type SubscriptionRow } from './subscription-store.ts';

/** What a subscription's running periods have left on a day, oldest payment first, and how a price would take it. */
export async function creditsOn(tx: Tx, subscription: Pick<SubscriptionRow, 'id' | 'cloneId'>, day: Day, limitMinor: bigint): Promise<Credit<periods.PeriodRow>[]> {
  const pauses = await pausesOf(tx, subscription.cloneId, [subscription.id]);
  const rows = await periods.lockRunning(tx, subscription.id);
  return creditsOf(rows.map((period) => ({ period, parts: unusedOf(period, pauses.of(period), day).parts })), limitMinor);
}

/** The new period's days, and the quota that its first row has when nothing was charged for it. */
interface NewDays {
  startDay: Day;
  endDay: Day;
  granted: number;
}

/** The same payment's money, over the new days: it is earned, stopped and returned as a period of its own. */
async function carryOn(tx: Tx, deps: BillingDeps, change: store.PlanChangeRow, credit: Credit<periods.PeriodRow>, { startDay, endDay, granted }: NewDays): Promise<void> {
  const { period, kept } = credit;
  await periods.insertPeriod(tx, {
    ...(await periods.settledAs(tx, period.id)), id: deps.ids.next('period'), cloneId: period.cloneId, subscriptionId: period.subscriptionId,
    accountId: period.accountId, tierId: change.tierId, offerVersion: change.offerVersion, stripeInvoice: period.stripeInvoice,
    stripeCharge: period.stripeCharge, startDay, endDay, days: daysBetween(startDay, endDay), currency: period.currency,
    grossMinor: kept.grossMinor, taxMinor: kept.taxMinor, feeMinor: kept.feeMinor, granted, paidAt: period.paidAt,
    creditedFrom: period.id, agreedAt: change.askedAt,
  });
}

/** The open disputes of what a subscription's running periods were paid with, locked as whoever decides one locks them. */
async function disputesOn(tx: Tx, deps: BillingDeps, subscription: SubscriptionRow): Promise<disputes.DisputeRow[]> {
  const charges = (await periods.periodsOfSubscription(tx, subscription.id)).filter(({ endedOn }) => endedOn === null).map(({ stripeCharge }) => stripeCharge);
  const open = await disputes.openOfCharges(tx, charges);
  if (open.length > 0) await deps.disputes?.lockClones(tx, [subscription.cloneId]);
  const locked: disputes.DisputeRow[] = [];
  for (const { id } of open) {
    const row = await disputes.lockDispute(tx, id);
    if (row?.state === 'open') locked.push(row);
  }
  return locked;
}

/**
 * A change at once, in the transaction that books what was charged for it: the old periods earn up to its day and end
 * there; what is left of them moves into the new days, up to what was promised, and the rest goes back. An old period that
 * a stop has ended meanwhile was returned by it, and moves nothing. A dispute that was opened since the change was asked for
 * claims the money where it went; the rest, which the bank holds, goes back when it is decided.
 */
export async function applyNow(
  tx: Tx, deps: BillingDeps, room: Pick<Refunds, 'requestRefund'>, subscription: SubscriptionRow,
  { change, invoiceId, days }: { change: store.PlanChangeRow; invoiceId: string; days: NewDays },
): Promise<void> {
  const at = deps.clock.now();
  const pauses = await pausesOf(tx, subscription.cloneId, [subscription.id]);
  const disputed = await disputesOn(tx, deps, subscription);
  for (const dispute of disputed) await liftClaims(tx, deps, dispute);
  const running = (await periods.lockRunning(tx, subscription.id)).filter(({ stripeInvoice }) => stripeInvoice !== invoiceId);
  await earn(tx, deps, running, pauses.of, change.day);
  const ids = new Set(running.map(({ id }) => id));
  const rows = (await periods.lockRunning(tx, subscription.id)).filter(({ id }) => ids.has(id));
  let { granted } = days;
  for (const credit of creditsOf(rows.map((period) => ({ period, parts: unusedOf(period, pauses.of(period), change.day).parts })), change.creditMinor)) {
    const { period, kept, left } = credit;
    await periods.endPeriod(tx, period.id, change.day);
    if (kept.grossMinor > 0n) {
      await carryOn(tx, deps, change, credit, { ...days, granted });
      granted = 0;
    }
    if (left.grossMinor > 0n && !disputed.some(({ stripeCharge }) => stripeCharge === period.stripeCharge)) {
      const feeBearer = deps.refundFeeBearer === undefined ? 'platform' : await deps.refundFeeBearer(tx, subscription.cloneId, change.day);
      await room.requestRefund(tx, {
        key: `plan:${change.id}:${period.id}`, periodId: period.id, kind: 'stop', reason: 'Unused days of the plan before.', parts: left, feeBearer, at,
      });
    }
  }
  for (const dispute of disputed) await claimAnew(tx, deps, dispute);
  await putPlan(tx, subscription.id, { ...change, agreedAt: change.askedAt });
  await store.settleChange(tx, change.id, { state: 'applied', stripeInvoice: invoiceId, at });
}

/** A change that was waiting for the end of what was paid: the new period is the first of it. */
export async function applyNext(tx: Tx, deps: BillingDeps, subscription: SubscriptionRow, change: store.PlanChangeRow, invoiceId: string): Promise<void> {
  await putPlan(tx, subscription.id, { ...change, agreedAt: change.askedAt });
  await store.settleChange(tx, change.id, { state: 'applied', stripeInvoice: invoiceId, at: deps.clock.now() });
}

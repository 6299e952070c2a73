import type { Currency } from '../kernel/money.ts';
import { dayOf, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import type { BillingDeps } from './deps.ts';
import { isDisputed } from './dispute-store.ts';
import { earnedDays, partsOfDays, type Parts, type Pause } from './model.ts';
import { closeCapabilityPause, pausesOf } from './pause-store.ts';
import * as periods from './period-store.ts';
import type { Covered } from './period-store.ts';
import { earn } from './recognition.ts';
import * as refunds from './refund-store.ts';
import type { Refunds } from './refunds.ts';
import { insertCapabilityStop, keptBy } from './remains-store.ts';
import * as subscriptions from './subscription-store.ts';
import { tiersWith } from './tier-store.ts';

/** What one paid period would return. The day of the stop itself is refunded. */
export interface StopQuoteLine {
  subscriptionId: string;
  periodId: string;
  accountId: string;
  days: number;
  unusedDays: number;
  /** To the fan: deferred revenue and its tax. */
  refundMinor: bigint;
  deferredMinor: bigint;
  taxMinor: bigint;
  /** What the processor keeps of the returned days. */
  feeMinor: bigint;
}

export interface StopQuote {
  cloneId: string;
  at: Date;
  day: Day;
  currency: Currency;
  /** Fans who get money back, subscriptions that stop renewing, payment pages that are closed unpaid. */
  fans: number;
  renewals: number;
  openCheckouts: number;
  refundMinor: bigint;
  deferredMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
  feeBearer: string;
  lines: StopQuoteLine[];
}

export interface StopSettlement {
  stopId: string;
  cloneId: string;
  day: Day;
  /** Nothing is left to cancel, to end or to send. */
  done: boolean;
  renewalsLeft: number;
  checkoutsLeft: number;
  refunds: { refundId: string; periodId: string; state: 'pending' | 'succeeded' | 'failed'; refundMinor: bigint; failure: string | null }[];
  /** Of the refunds that succeeded. */
  refundedMinor: bigint;
  deferredMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
  /** Why the result is not the quote; empty when it is, or while it is not done. */
  differences: ('quoted_on_another_day' | 'paid_after_quote' | 'ended_before_stop' | 'kept_by_fan' | 'payment_disputed' | 'refund_failed')[];
}

/** Of what a stop is: some tiers or all (null); for good, or of what was sold until then. */
export interface StopPart {
  tierIds: string[] | null;
  final: boolean;
  reason: string;
  /** Where it is a capability that was stopped: fans of what names it may keep what remains. */
  capability?: string;
}

/** What a stop costs the house's fans and how it is paid back. */
export interface Stops {
  quoteStop: (tx: Tx, asked: { cloneId: string; at: Date } & Partial<StopPart>) => Promise<StopQuote>;
  /**
   * In the stop's own transaction: from its commit on what it covers is not sold, and the settlement's job exists. Without a
   * part it covers the whole clone, for good.
   */
  settleStop: (tx: Tx, stop: { stopId: string; cloneId: string; at: Date } & Partial<StopPart>) => Promise<void>;
  /** In a wind-down's transaction: nothing new is sold, what was sold goes on. */
  endSales: (tx: Tx, stop: { stopId: string; cloneId: string; at: Date; tierIds: string[] | null }) => Promise<void>;
  /** The tiers that name a capability. A stop of it is, for them, a stop. */
  tiersNaming: (tx: Tx, cloneId: string, capability: string) => Promise<string[]>;
  stopSettlement: (tx: Tx, stopId: string, quoted?: Pick<StopQuote, 'day' | 'lines'>) => Promise<StopSettlement | null>;
  /** Job: earns up to the stop, ends paid periods with their refunds, and asks to end each subscription; a part, and a job for the rest. `jobId` names this run of it. */
  settle: (stopId: string, jobId: string, from?: SettlementPlace) => Promise<void>;
}

/** How far a settlement has come: the last row of the last batch. */
export interface SettlementPlace {
  stage: 'periods' | 'subscriptions';
  after: string;
}

const BATCH = 100;
/** How long fans may say whether they keep what a stop of a capability leaves. */
const ANSWER_DAYS = 3;

/** What the fan's refund says. */
const REASONS: Readonly<Record<string, string>> = {
  stop: 'The owner stopped the clone.',
  wind_down: 'The owner’s notice period has ended.',
  grant_ended: 'The owner’s consent has ended.',
  tier_removed: 'The owner’s consent does not cover this tier any more.',
  undelivered: 'The clone had nothing to deliver for too long.',
};

/** A job's claim ends after two minutes and another worker would begin beside it, so the rest is another job. */
const BATCHES_A_JOB = 10;

/** Which days of a period are still to come on a day, and their money. */
export function unusedOf(period: periods.PeriodRow, pauses: readonly Pause[], day: Day): { unusedDays: number; parts: Parts } {
  // What was recognised already stays so, even if a later pause should have covered it.
  const used = Math.max(earnedDays(period, pauses, day), period.recognisedDays);
  return { unusedDays: period.days - used, parts: partsOfDays(period, used, period.days, period.days) };
}

const sum = (lines: readonly StopQuoteLine[], of: (line: StopQuoteLine) => bigint): bigint => lines.reduce((total, line) => total + of(line), 0n);

async function bearerOf(tx: Tx, deps: BillingDeps, cloneId: string, day: Day): Promise<string> {
  return deps.refundFeeBearer === undefined ? 'platform' : await deps.refundFeeBearer(tx, cloneId, day);
}

async function quote(tx: Tx, deps: BillingDeps, of: Covered, at: Date): Promise<StopQuote> {
  const { cloneId } = of;
  const day = dayOf(at);
  const rows = await periods.unearnedPeriods(tx, of);
  const pauses = await pausesOf(tx, cloneId, rows.map(({ subscriptionId }) => subscriptionId));
  const lines = rows.flatMap((period): StopQuoteLine[] => {
    const { unusedDays, parts } = unusedOf(period, pauses.of(period), day);
    if (unusedDays === 0) return [];
    return [{
      subscriptionId: period.subscriptionId, periodId: period.id, accountId: period.accountId, days: period.days, unusedDays,
      refundMinor: parts.grossMinor, deferredMinor: parts.netMinor, taxMinor: parts.taxMinor, feeMinor: parts.feeMinor,
    }];
  });
  const live = await subscriptions.countLive(tx, of);
  return {
    cloneId, at, day, currency: 'CNY',
    fans: new Set(lines.map((line) => line.accountId)).size, renewals: live.renewing, openCheckouts: live.unpaid,
    refundMinor: sum(lines, (line) => line.refundMinor), deferredMinor: sum(lines, (line) => line.deferredMinor),
    taxMinor: sum(lines, (line) => line.taxMinor), feeMinor: sum(lines, (line) => line.feeMinor),
    feeBearer: await bearerOf(tx, deps, cloneId, day), lines,
  };
}

/** Earns the days before the stop, then ends the locked periods and asks for their refunds, in one transaction. */
async function endPeriods(tx: Tx, deps: BillingDeps, room: Pick<Refunds, 'requestRefund'>, stop: refunds.StopRow, after: string): Promise<string | null> {
  // An answer that is under way is committed first, and then seen.
  await refunds.lockSales(tx, stop.cloneId, 'alone');
  const rows = await periods.lockUnearned(tx, refunds.settledBy(stop, deps.clock.now()), after, BATCH);
  const pauses = await pausesOf(tx, stop.cloneId, rows.map(({ subscriptionId }) => subscriptionId));
  await earn(tx, deps, rows, pauses.of, stop.day);
  const feeBearer = await bearerOf(tx, deps, stop.cloneId, stop.day);
  for (const row of rows) {
    const { unusedDays, parts } = unusedOf(row, pauses.of(row), stop.day);
    if (unusedDays === 0) continue;
    // The bank holds this money: it goes to the fan if the dispute is lost, and is paid back if it is won.
    if (await isDisputed(tx, row.stripeCharge)) {
      await periods.endPeriod(tx, row.id, stop.day);
      continue;
    }
    await room.requestRefund(tx, {
      key: `stop:${stop.stopId}:${row.id}`, periodId: row.id, kind: 'stop', reason: REASONS[stop.reason] ?? 'What was paid for has ended.', parts, feeBearer,
      at: deps.clock.now(),
    });
    await periods.endPeriod(tx, row.id, stop.day);
  }
  return rows.length < BATCH ? null : (rows.at(-1)?.id ?? null);
}

async function askToEnd(tx: Tx, deps: BillingDeps, stop: refunds.StopRow, after: string): Promise<string | null> {
  const at = deps.clock.now();
  const live = await subscriptions.liveSubscriptionsOf(tx, refunds.settledBy(stop, at), after, BATCH);
  for (const { id: subscriptionId, keeps } of live) {
    // What is kept runs to the end of what is paid: nothing of the tier is sold any more.
    const topic = keeps ? 'billing.endRenewal' : 'billing.endSubscription';
    await enqueue(tx, { topic, payload: { subscriptionId }, runAt: at, dedupeKey: `${topic}:${subscriptionId}` });
  }
  return live.length < BATCH ? null : (live.at(-1)?.id ?? null);
}

async function settlementOf(
  tx: Tx, stop: refunds.StopRow, quoted: Pick<StopQuote, 'day' | 'lines'> | undefined,
): Promise<StopSettlement> {
  const { stopId, cloneId, day } = stop;
  const left = refunds.settledBy(stop, null);
  const live = await subscriptions.countLive(tx, left);
  const rows = await refunds.refundsOfStop(tx, stop, quoted?.lines.map(({ periodId }) => periodId) ?? []);
  const succeeded = rows.filter((row) => row.state === 'succeeded');
  const total = (of: (row: refunds.RefundRow) => bigint): bigint => succeeded.reduce((all, row) => all + of(row), 0n);
  const unended = await periods.countUnearned(tx, left);
  const done = live.renewing + live.unpaid + unended === 0 && rows.every((row) => row.state !== 'pending');
  const differences: StopSettlement['differences'] = [];
  if (done && quoted !== undefined) {
    const asked = new Set(quoted.lines.map((line) => line.periodId));
    const made = new Set(rows.map((row) => row.periodId));
    if (quoted.day !== day) differences.push('quoted_on_another_day');
    if ([...made].some((id) => !asked.has(id))) differences.push('paid_after_quote');
    const kept = await keptBy(tx, quoted.lines.map((line) => line.subscriptionId));
    const claimed = await refunds.claimedOf(tx, [...asked]);
    const missing = quoted.lines.filter((line) => !made.has(line.periodId) && !claimed.has(line.periodId));
    if (missing.some((line) => !kept(stopId, line.subscriptionId))) differences.push('ended_before_stop');
    if (missing.some((line) => kept(stopId, line.subscriptionId))) differences.push('kept_by_fan');
    if (claimed.size > 0) differences.push('payment_disputed');
  }
  if (done && rows.some((row) => row.state === 'failed')) differences.push('refund_failed');
  return {
    stopId, cloneId, day, done, renewalsLeft: live.renewing, checkoutsLeft: live.unpaid,
    refunds: rows.map((row) => ({
      refundId: row.id, periodId: row.periodId, state: row.state, refundMinor: row.grossMinor, failure: row.failure,
    })),
    refundedMinor: total((row) => row.grossMinor), deferredMinor: total((row) => row.netMinor),
    taxMinor: total((row) => row.taxMinor), feeMinor: total((row) => row.feeMinor), differences,
  };
}

export function makeStops(deps: BillingDeps, room: Pick<Refunds, 'requestRefund'>): Stops {
  const { runTx, clock } = deps;

  /** One batch, in a transaction of its own; null when it was the last. */
  async function settleBatch(stop: refunds.StopRow, { stage, after }: SettlementPlace): Promise<SettlementPlace | null> {
    const last = await runTx((tx) => (stage === 'periods' ? endPeriods(tx, deps, room, stop, after) : askToEnd(tx, deps, stop, after)));
    if (last !== null) return { stage, after: last };
    return stage === 'periods' ? { stage: 'subscriptions', after: '' } : null;
  }

  return {
    async quoteStop(tx, { cloneId, at, tierIds = null, final = true }) {
      return await quote(tx, deps, refunds.coveredBy({ cloneId, at, tierIds, final }), at);
    },

    async endSales(tx, stop) {
      await refunds.lockSales(tx, stop.cloneId, 'alone');
      await refunds.insertSalesEnd(tx, stop);
    },

    async tiersNaming(tx, cloneId, capability) {
      return await tiersWith(tx, cloneId, capability);
    },

    async settleStop(tx, { stopId, cloneId, at, tierIds = null, final = true, reason = 'stop', capability }) {
      // Run in this order, sent together: an owner waits for it.
      await Promise.all([
        refunds.lockSales(tx, cloneId, 'alone'),
        refunds.insertStop(tx, { stopId, cloneId, at, day: dayOf(at), tierIds, final, reason }),
        enqueue(tx, { topic: 'billing.settleStop', payload: { stopId }, runAt: at, dedupeKey: `billing.settleStop:${stopId}` }),
      ]);
      if (capability === undefined) return;
      const closesAt = new Date(at.getTime() + ANSWER_DAYS * 86_400_000);
      await insertCapabilityStop(tx, { stopId, cloneId, capability, closesAt });
      await closeCapabilityPause(tx, cloneId, capability, at);
      await enqueue(tx, { topic: 'billing.settleStop', payload: { stopId }, runAt: closesAt, dedupeKey: `billing.settleStop:${stopId}:closed` });
    },

    async stopSettlement(tx, stopId, quoted) {
      const stop = await refunds.findStop(tx, stopId);
      return stop === null ? null : await settlementOf(tx, stop, quoted);
    },

    async settle(stopId, jobId, from = { stage: 'periods', after: '' }) {
      const stop = await runTx((tx) => refunds.findStop(tx, stopId));
      if (stop === null) throw new Error(`There is no stop ${stopId}.`);
      if (clock.now() < stop.at) throw new Error(`Stop ${stopId} lies in the future.`);
      let place: SettlementPlace | null = from;
      for (let batches = 0; batches < BATCHES_A_JOB && place !== null; batches += 1) place = await settleBatch(stop, place);
      if (place === null) return;
      const rest = { stopId, ...place };
      // The rest of this run: one of days ago may have come to the same place.
      const dedupeKey = `billing.settleStop:${jobId}:rest`;
      await runTx((tx) => enqueue(tx, { topic: 'billing.settleStop', payload: rest, runAt: clock.now(), dedupeKey }));
    },
  };
}

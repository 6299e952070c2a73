import type { components } from '../../contracts/generated/api.ts';
import { coinsFor } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { PaymentProblem } from './dunning.ts';
import { endDayWithPauses, type PausesOf } from './model.ts';
import type { PeriodRow } from './period-store.ts';
import type { PlanChangeRow } from './plan-store.ts';
import type { Entitlement } from './quota.ts';
import type { RemainsRow } from './remains-store.ts';
import type { SubscriptionRow, TierRow } from './subscription-store.ts';

export type TierView = components['schemas']['Tier'];
export type SubscriptionView = components['schemas']['Subscription'];
export type PlanChangeView = components['schemas']['PlanChange'];
type RemainsCapability = components['schemas']['OutputCapability'];
export type EntitlementView = components['schemas']['Entitlement'];

export function tierView(tier: TierRow): TierView {
  return {
    tierId: tier.id, cloneId: tier.cloneId, name: tier.name, kind: tier.kind, offerVersion: tier.version, priceMinor: tier.priceMinor.toString(),
    currency: tier.currency, coins: coinsFor(tier.priceMinor).toString(), yearPriceMinor: tier.yearPriceMinor?.toString() ?? null,
    yearCoins: tier.yearPriceMinor === null ? null : coinsFor(tier.yearPriceMinor).toString(), period: 'month',
    voiceOutputsPerPeriod: tier.outputsPerPeriod, capabilities: tier.capabilities as TierView['capabilities'], instantReplies: tier.instantReplies,
    state: tier.state,
  };
}

/** What a fan reads before the first turn: null where there is no limit, or nothing to be had. */
export function entitlementView(cloneId: string, entitled: Entitlement | null): EntitlementView {
  const source = entitled?.source;
  return {
    cloneId, kind: entitled === null ? 'none' : source !== undefined && 'periodId' in source ? 'paid' : 'free', tierId: entitled?.tierId ?? null,
    tierName: entitled?.tierName ?? null, capabilities: [...(entitled?.capabilities ?? [])] as EntitlementView['capabilities'],
    unlimited: entitled !== null && entitled.voiceOutputsLeft === null, granted: entitled?.voiceOutputsGranted ?? null,
    left: entitled === null ? 0 : entitled.voiceOutputsLeft, paused: entitled?.paused ?? false,
  };
}

export function leftOf(period: Pick<PeriodRow, 'granted' | 'held' | 'captured'>): number {
  return period.granted - period.held - period.captured;
}

/**
 * The oldest period that covers today and still has something left, else the newest that covers it. The processor renews
 * at the hour of the first payment, so on the day of the renewal the last period still serves a subscription that goes on.
 */
export function currentPeriod(
  periods: readonly PeriodRow[], pauses: PausesOf, today: Day, state: SubscriptionRow['state'], graceUntil: Day | null = null,
): PeriodRow | null {
  const ends = (period: PeriodRow): Day => endDayWithPauses(period, pauses(period), today);
  const all = periods.filter((period) => period.startDay <= today && today < ends(period));
  // What a change of plan carried on stands beside the period that has the quota.
  const quota = all.filter((period) => period.granted > 0);
  const covering = quota.length > 0 ? quota : all;
  const found = covering.find((period) => leftOf(period) > 0) ?? covering.at(-1) ?? null;
  // The renewal failed: for the grace, what is left of the last paid period is still hers.
  if (found === null && state === 'past_due' && graceUntil !== null && today < graceUntil) return periods.findLast((period) => period.endedOn === null) ?? null;
  if (found !== null || state !== 'active') return found;
  return periods.findLast((period) => period.endedOn === null && ends(period) === today) ?? null;
}

export function planChangeView(row: PlanChangeRow, tierName: string): PlanChangeView {
  const { priceMinor, creditMinor, refundMinor } = row;
  return {
    changeId: row.id, subscriptionId: row.subscriptionId, tierId: row.tierId, tierName, offerVersion: row.offerVersion, interval: row.interval,
    effect: row.effect, state: row.state, day: row.day, priceMinor: priceMinor.toString(), creditMinor: creditMinor.toString(),
    // What is asked for now, as `changePlan` wants it repeated: a change at the end of what is paid costs nothing until then.
    chargeMinor: (row.effect === 'now' ? priceMinor - creditMinor : 0n).toString(), refundMinor: refundMinor.toString(),
  };
}

export interface SubscriptionState {
  period: PeriodRow | null;
  pauses: PausesOf;
  today: Day;
  pending: PlanChangeView | null;
  problem: PaymentProblem | null;
  /** What is left after a stop of one of its capabilities, and what would be returned instead. */
  remains?: (RemainsRow & { unusedDays: number; refundMinor: bigint }) | null;
}

export function subscriptionView(row: SubscriptionRow, tier: TierRow, { period, pauses, today, pending, problem, remains = null }: SubscriptionState): SubscriptionView {
  const live = row.state === 'active' || row.state === 'past_due';
  return {
    subscriptionId: row.id, cloneId: row.cloneId, tierId: row.tierId, tierName: tier.name, offerVersion: row.offerVersion, interval: row.interval,
    state: row.state, checkoutUrl: row.state === 'checkout' ? row.checkoutUrl : null,
    declaredCountry: row.declaredCountry, billingCountry: row.billingCountry,
    currentPeriod: period === null ? null : {
      periodId: period.id, startDay: period.startDay, endDay: endDayWithPauses(period, pauses(period), today),
      voiceOutputsGranted: period.granted, voiceOutputsHeld: period.held, voiceOutputsCaptured: period.captured,
      voiceOutputsLeft: leftOf(period),
    },
    payment: problem === null || !live ? null : {
      failedAt: problem.failedAt.toISOString(), attempts: problem.attempts, nextAttemptAt: problem.nextAttemptAt?.toISOString() ?? null, graceUntil: problem.graceUntil,
    },
    cancelAtPeriodEnd: row.cancelAtPeriodEnd, pendingChange: pending,
    tierRemoved: tier.removedAt !== null || row.offerVersion < tier.withdrawnBelow,
    newOffer: !live || tier.version === row.offerVersion || tier.removedAt !== null ? null : {
      offerVersion: tier.version, priceMinor: tier.priceMinor.toString(), yearPriceMinor: tier.yearPriceMinor?.toString() ?? null,
      voiceOutputsPerPeriod: tier.outputsPerPeriod ?? 0, capabilities: tier.capabilities as TierView['capabilities'],
    },
    ...(remains === null ? {} : {
      remains: {
        stopId: remains.stopId, stopped: remains.capability as RemainsCapability, remaining: remains.remaining as RemainsCapability[], closesAt: remains.closesAt.toISOString(),
        unusedDays: remains.unusedDays, refundMinor: remains.refundMinor.toString(), answer: remains.accepted === null ? 'none' : remains.accepted ? 'accepted' : 'declined',
      },
    }),
    createdAt: row.createdAt.toISOString(),
  };
}

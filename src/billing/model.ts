import { mulDivFloor, parseMinor } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import { addDays, dayOf, daysBetween, type Day } from '../kernel/time.ts';

/** Stripe takes at most eight digits of minor units in one charge. */
export const PRICE_MINOR_MAX = 99_999_999n;

/** A price from its decimal text. Zero, negative, fractional, `NaN`, `1e3` and what overflows are refused. */
export function parsePrice(text: string): bigint {
  const priceMinor = parseMinor(text);
  if (priceMinor < 1n || priceMinor > PRICE_MINOR_MAX) {
    throw new Refusal('money_out_of_range', `A price is between 1 and ${PRICE_MINOR_MAX.toString()} minor units.`);
  }
  return priceMinor;
}

/** The tax inside a price that includes it: ⌊gross × rate / (1 + rate)⌋, `rate` in basis points, 0 for none. */
export function taxIncluded(grossMinor: bigint, rateBasisPoints: number): bigint {
  const rate = BigInt(rateBasisPoints);
  return mulDivFloor(grossMinor, rate, 10_000n + rate);
}

/** From what an output is taken: a paid period, an account's free turns of a clone, or coins for this one output. */
export type QuotaSource = { subscriptionId: string; periodId: string } | { freeAccountId: string; cloneId: string }
  | { coinsAccountId: string; cloneId: string; tierId: string; coins: bigint };

/** While the owner pauses the clone; `to` is null until she resumes it. */
export interface Pause {
  from: Date;
  to: Date | null;
}

/** What earning needs to know of a paid period: days [startDay, startDay + days), cut off at `endedOn` by a stop. */
export interface EarningPeriod {
  startDay: Day;
  days: number;
  endedOn: Day | null;
}

/** The money of a paid period, in the currency of sale. `grossMinor` includes the tax. */
export interface PeriodMoney {
  grossMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
}

/** The pauses that a period's days earn nothing of. */
export type PausesOf = (period: { tierId: string; offerVersion: number; stripeInvoice: string }) => readonly Pause[];

/** The same instants without overlaps, the first one first: a day that several cover is one day. */
export function joined(pauses: readonly Pause[]): Pause[] {
  const made: Pause[] = [];
  for (const { from, to } of [...pauses].sort((a, b) => a.from.getTime() - b.from.getTime())) {
    const last = made.at(-1);
    if (last === undefined || (last.to !== null && last.to < from)) made.push({ from, to });
    else if (last.to !== null && (to === null || to > last.to)) last.to = to;
  }
  return made;
}

/** The whole calendar days [first, after) that a pause covers; `after` is null while it lasts. */
function wholeDays(pause: Pause): { first: Day; after: Day | null } {
  const day = dayOf(pause.from);
  const atMidnight = dayOf(new Date(pause.from.getTime() - 1)) !== day;
  return { first: atMidnight ? day : addDays(day, 1), after: pause.to === null ? null : dayOf(pause.to) };
}

const later = (a: Day, b: Day): Day => (a > b ? a : b);
const earlier = (a: Day, b: Day): Day => (a < b ? a : b);

/** How many whole days of [from, to) were paused. A pause shorter than a calendar day pauses none. */
export function pausedDays(pauses: readonly Pause[], from: Day, to: Day): number {
  let count = 0;
  for (const pause of pauses) {
    const { first, after } = wholeDays(pause);
    count += Math.max(0, daysBetween(later(first, from), after === null ? to : earlier(after, to)));
  }
  return count;
}

/**
 * How many days of the period have been earned before `through` (exclusive): the calendar days since its start that
 * were not wholly paused, never more than it has, and none from the day on which a stop ended it.
 */
export function earnedDays(period: EarningPeriod, pauses: readonly Pause[], through: Day): number {
  const end = period.endedOn === null ? through : earlier(period.endedOn, through);
  if (end <= period.startDay) return 0;
  const run = daysBetween(period.startDay, end) - pausedDays(pauses, period.startDay, end);
  return Math.min(run, period.days);
}

/** The first day that is not covered any more, with the days that were paused before `today` added to the end. */
export function endDayWithPauses(period: EarningPeriod, pauses: readonly Pause[], today: Day): Day {
  if (period.endedOn !== null) return period.endedOn;
  const paid = addDays(period.startDay, period.days);
  for (let end = paid; ;) {
    const next = addDays(paid, pausedDays(pauses, period.startDay, earlier(end, later(today, paid))));
    if (next === end) return end;
    end = next;
  }
}

/** The day on which the period's `k`-th day (from 1) was earned. */
export function dayOfEarning(period: EarningPeriod, pauses: readonly Pause[], k: number): Day {
  let day = addDays(period.startDay, k - 1);
  while (earnedDays(period, pauses, addDays(day, 1)) < k) day = addDays(day, 1);
  return day;
}

/** What `k` of `n` days are of an amount: ⌊amount × k / n⌋ (docs/promises.md). */
export function shareOfDays(amountMinor: bigint, k: number, n: number): bigint {
  return mulDivFloor(amountMinor, BigInt(k), BigInt(n));
}

/** The parts of some days' money. `grossMinor` = `netMinor` + `taxMinor`. */
export interface Parts {
  grossMinor: bigint;
  netMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
}

/**
 * Net and tax are each taken down on their own and gross is their sum, so every part only grows with `k` (gross taken
 * down for itself would leave a tax that steps back by one unit on some days).
 */
function partsUpTo(money: PeriodMoney, k: number, n: number): Parts {
  const netMinor = shareOfDays(money.grossMinor - money.taxMinor, k, n);
  const taxMinor = shareOfDays(money.taxMinor, k, n);
  return { grossMinor: netMinor + taxMinor, netMinor, taxMinor, feeMinor: shareOfDays(money.feeMinor, k, n) };
}

/**
 * The money of the days after `fromK` up to `toK` of a period of `n`, as the difference of what was earned: any
 * partition of a period adds up to exactly its money, and no part is negative.
 */
export function partsOfDays(money: PeriodMoney, fromK: number, toK: number, n: number): Parts {
  const to = partsUpTo(money, toK, n);
  const from = partsUpTo(money, fromK, n);
  return {
    grossMinor: to.grossMinor - from.grossMinor,
    netMinor: to.netMinor - from.netMinor,
    taxMinor: to.taxMinor - from.taxMinor,
    feeMinor: to.feeMinor - from.feeMinor,
  };
}

/** From which day on which split version applies. */
export interface SplitSegment {
  fromDay: Day;
  splitId: string | null;
}

/** One posting of earned days: after it, `toK` days are earned. */
export interface EarningStep {
  fromK: number;
  toK: number;
  /** The first and the last calendar day it pays for; the last is its effective date. */
  firstDay: Day;
  lastDay: Day;
  splitId: string | null;
}

/**
 * What is still to be earned before `through`, cut so that no step spans the start of a split version. `segments` are
 * in order and cover the days asked for; days before the first have no split.
 */
export function earningSteps(
  period: EarningPeriod & { recognisedDays: number }, pauses: readonly Pause[], through: Day, segments: readonly SplitSegment[],
): EarningStep[] {
  const steps: EarningStep[] = [];
  let fromK = period.recognisedDays;
  const cuts = [...segments.map((segment) => segment.fromDay).filter((day) => day < through), through];
  for (const cut of cuts) {
    const toK = earnedDays(period, pauses, cut);
    if (toK <= fromK) continue;
    const lastDay = dayOfEarning(period, pauses, toK);
    const splitId = segments.findLast((segment) => segment.fromDay <= lastDay)?.splitId ?? null;
    steps.push({ fromK, toK, firstDay: dayOfEarning(period, pauses, fromK + 1), lastDay, splitId });
    fromK = toK;
  }
  return steps;
}

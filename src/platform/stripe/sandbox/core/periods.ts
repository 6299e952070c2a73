/**
 * Billing periods. Each is counted from the anchor, not from the period before, so that a subscription begun on the
 * 31st bills on 28 February and again on 31 March (https://docs.stripe.com/billing/subscriptions/billing-cycle).
 */
import { DAY_SECONDS } from './world.ts';

export interface Interval {
  interval: 'day' | 'month' | 'week' | 'year';
  interval_count: number;
}

/** The nth billing instant after the anchor (n = 0 is the anchor), unix seconds, in UTC. */
export function billingInstant(anchor: number, { interval, interval_count: count }: Interval, n: number): number {
  if (interval === 'day') return anchor + n * count * DAY_SECONDS;
  if (interval === 'week') return anchor + n * count * 7 * DAY_SECONDS;
  const start = new Date(anchor * 1000);
  const months = start.getUTCFullYear() * 12 + start.getUTCMonth() + n * count * (interval === 'year' ? 12 : 1);
  const [year, month] = [Math.floor(months / 12), months % 12];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const day = Math.min(start.getUTCDate(), lastDay);
  const midnight = Date.UTC(year, month, day) / 1000;
  return midnight + (anchor % DAY_SECONDS);
}

const ROUGH_DAYS = { day: 1, week: 7, month: 31, year: 366 } as const;

/** The first billing instant strictly after `after`. */
export function nextInstant(anchor: number, interval: Interval, after: number): number {
  const stride = ROUGH_DAYS[interval.interval] * interval.interval_count * DAY_SECONDS;
  let n = Math.max(0, Math.floor((after - anchor) / stride));
  while (billingInstant(anchor, interval, n) <= after) n += 1;
  return billingInstant(anchor, interval, n);
}

/** Time is always handed in. Nothing below `compose.ts` reads the machine's clock. */
export interface Clock {
  /** Business time. In the demo and in tests it can be moved. */
  now(): Date;
  /** Monotonic nanoseconds of this process: for durations and leases, never for business time. */
  monotonic(): bigint;
}

/** The calendar in which money is earned (docs/promises.md: Asia/Shanghai, one setting). */
export const BUSINESS_ZONE = 'Asia/Shanghai';

/** A calendar day as `YYYY-MM-DD`. */
export type Day = string;

const formatters = new Map<string, Intl.DateTimeFormat>();

/** The calendar day of an instant in a time zone. */
export function dayOf(instant: Date, zone: string = BUSINESS_ZONE): Day {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
    formatters.set(zone, formatter);
  }
  return formatter.format(instant);
}

/** Whole days from `from` (inclusive) to `to` (exclusive); negative when `to` lies before. */
export function daysBetween(from: Day, to: Day): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}

/** The day `days` after `day`. */
export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

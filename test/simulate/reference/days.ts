/** Calendar days in Shanghai as numbers since 1970, and instants as seconds. */

const HOUR = 3_600;
export const DAY_SECONDS = 86_400;

/** Seconds since 1970 → day in Shanghai. */
export const dayOf = (at: number): number => Math.floor((at + 8 * HOUR) / DAY_SECONDS);
/** The instant at which a day begins there. */
export const midnight = (day: number): number => day * DAY_SECONDS - 8 * HOUR;
export const isoDay = (day: number): string => new Date(day * DAY_SECONDS * 1_000).toISOString().slice(0, 10);
export const dayOfIso = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 1_000 / DAY_SECONDS;

/** The `n`-th month after an instant, by the processor's rule: same day and time in UTC, or the month's last day. */
export function monthAfter(at: number, n: number): number {
  const start = new Date(at * 1_000);
  const first = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + n, 1);
  const days = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + n + 1, 0)).getUTCDate();
  return first / 1_000 + (Math.min(start.getUTCDate(), days) - 1) * DAY_SECONDS + (at % DAY_SECONDS);
}

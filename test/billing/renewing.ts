/**
 * When a subscription is charged, worked out from what happened to it, with nothing of `src`: monthly by the processor's rule, an
 * hour after each period began; nothing while its clone is paused, and afterwards not before what is paid has ended.
 */

const HOUR = 3_600;
const DAY = 86_400;

/** Seconds since 1970 → day in Shanghai, counted from 1970. */
const dayOf = (at: number): number => Math.floor((at + 8 * HOUR) / DAY);
const midnight = (day: number): number => day * DAY - 8 * HOUR;

/** The `n`-th month after an instant, by the processor's rule: same day and time in UTC, or the month's last day. */
function monthAfter(at: number, n: number): number {
  const start = new Date(at * 1_000);
  const first = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + n, 1);
  const days = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + n + 1, 0)).getUTCDate();
  return first / 1_000 + (Math.min(start.getUTCDate(), days) - 1) * DAY + (at % DAY);
}

export interface Sold {
  at: number;
  failsLater: boolean;
  /** The last instant at which it may be charged. */
  until: number;
}

/** In seconds; `to` is Infinity while it lasts. In order, and none touches another. */
export interface Paused {
  from: number;
  to: number;
}

export interface Charge {
  at: number;
  startDay: number;
  days: number;
}

/** The first day after `days` days from `startDay` of which none was wholly paused, as far as is known at `now`. */
function endOf(startDay: number, days: number, pauses: readonly Paused[], now: number): number {
  const paused = (day: number): boolean => pauses.some(({ from, to }) => to <= now && from <= midnight(day) && midnight(day + 1) <= to);
  let day = startDay;
  for (let left = days; left > 0; day += 1) if (!paused(day)) left -= 1;
  return day;
}

interface Place {
  /** From which months are counted, and how many were. */
  anchor: number;
  months: number;
  start: number;
  /** When it is collected. */
  at: number;
}

/** The next period that is billed, as the pauses between move it; null when none is while a pause lasts. */
function next({ anchor, months, start }: Place, days: number, pauses: readonly Paused[]): Place | null {
  let place: Place = { anchor, months: months + 1, start: monthAfter(anchor, months + 1), at: monthAfter(anchor, months + 1) + HOUR };
  for (const { from, to } of pauses) {
    if (to <= start || from >= place.start) continue;
    if (to === Infinity) return null;
    // A renewal inside the pause is void, and the processor goes on to the next one.
    const void_ = place.start <= to;
    const theirs = monthAfter(place.anchor, place.months + (void_ ? 1 : 0));
    const end = endOf(dayOf(start), days, pauses, to);
    const moved = theirs + (end - dayOf(theirs)) * DAY;
    if (end === dayOf(theirs)) place = { ...place, months: place.months + (void_ ? 1 : 0), start: theirs, at: theirs + HOUR };
    else if (moved > to) place = { anchor: moved, months: 0, start: moved, at: moved + HOUR };
    else place = { anchor: to, months: 0, start: to, at: to };
  }
  return place;
}

/** Every charge up to `now`. */
export function chargesOf({ at, failsLater, until }: Sold, pauses: readonly Paused[], now: number): Charge[] {
  const charges: Charge[] = [];
  for (let place: Place | null = { anchor: at, months: 0, start: at, at }; place !== null;) {
    if (charges.length > 0 && (failsLater || place.at > now || place.at > until)) return charges;
    const startDay = dayOf(place.start);
    const days = dayOf(monthAfter(place.anchor, place.months + 1)) - startDay;
    charges.push({ at: place.at, startDay, days });
    place = next(place, days, pauses);
  }
  return charges;
}

import { restoreUnused } from './coins.ts';
import { dayOf, midnight } from './days.ts';
import { floor, fraction } from './fraction.ts';
import type { Happening } from './happenings.ts';
import { account, type Books, type Clone, type Period, type Terms } from './state.ts';

/** Fan money, day by day: what the k-th of n days brings is ⌊amount × k / n⌋ less what the days before it brought. */

export function upTo(amountMinor: bigint, k: number, n: number): bigint {
  return floor(fraction(amountMinor * BigInt(k), BigInt(n)));
}

const ofDay = (amountMinor: bigint, k: number, n: number): bigint => upTo(amountMinor, k, n) - upTo(amountMinor, k - 1, n);

/** The split of a day: of those that have begun, the newest. */
export function termsOn(clone: Clone, day: number): Terms {
  const begun = clone.terms.filter((terms) => terms.fromDay <= day).sort((a, b) => b.number - a.number);
  if (begun[0] === undefined) throw new Error('a day has no split');
  return begun[0];
}

const wasPaused = (clone: Clone, day: number): boolean =>
  clone.pauses.some(({ from, to }) => from <= midnight(day) && (to === null || midnight(day + 1) <= to));

function earnDay(books: Books, clone: Clone, period: Period, day: number): void {
  period.earned += 1;
  period.earnedOn.push(day);
  const { cloneId, tierId, earned: k, days } = period;
  const net = ofDay(period.netMinor, k, days);
  const fee = ofDay(period.feeMinor, k, days);
  const tax = ofDay(period.taxMinor, k, days);
  books.post([account.deferred(cloneId), net], [account.deferredFees(cloneId), -fee], [account.earned(cloneId, tierId), fee - net]);
  const { splitId } = termsOn(clone, day);
  const waiting = period.waiting.find((one) => one.splitId === splitId);
  // A day that brings nothing is posted nowhere, nor is its tax.
  if (net === 0n && fee === 0n) return;
  if (waiting === undefined) period.waiting.push({ splitId, lastDay: day, amountMinor: net - fee, feeMinor: fee, taxMinor: tax });
  else {
    Object.assign(waiting, {
      lastDay: day, amountMinor: waiting.amountMinor + net - fee, feeMinor: waiting.feeMinor + fee, taxMinor: waiting.taxMinor + tax,
    });
  }
}

/** Days before `throughDay` that were not wholly paused are earned. */
export function earn(books: Books, clone: Clone, period: Period, throughDay: number): void {
  const until = clone.stoppedOn === null ? throughDay : Math.min(throughDay, clone.stoppedOn);
  for (; period.nextDay < until && period.earned < period.days && !period.ended; period.nextDay += 1) {
    if (!wasPaused(clone, period.nextDay)) earnDay(books, clone, period, period.nextDay);
  }
}

export function recognise(books: Books, { cloneId, throughDay }: Extract<Happening, { what: 'recognised' }>): void {
  const clone = books.clone(cloneId);
  for (const period of clone.periods) earn(books, clone, period, throughDay);
}

/** Unused days go back to the fan: out of deferred money and its tax alone; what the processor kept is its bearer's. */
function settle(books: Books, clone: Clone, period: Period): void {
  const day = clone.stoppedOn;
  if (day === null || period.ended) return;
  earn(books, clone, period, day);
  if (period.earned === period.days) return;
  period.ended = true;
  const left = (amountMinor: bigint): bigint => amountMinor - upTo(amountMinor, period.earned, period.days);
  const [net, fee] = [left(period.netMinor), left(period.feeMinor)];
  if (period.coins !== null) {
    restoreUnused(books, period, { net, fee });
    return;
  }
  // The bank has this money: it is paid back when the dispute is won.
  if (period.dispute !== null) period.stoppedOn = day;
  else returnUnused(books, clone, period, day);
}

/** Days that nobody used, of a period that ended. */
export function returnUnused(books: Books, clone: Clone, period: Period, day: number): void {
  const left = (amountMinor: bigint): bigint => amountMinor - upTo(amountMinor, period.earned, period.days);
  const [net, tax, fee] = [left(period.netMinor), left(period.taxMinor), left(period.feeMinor)];
  const { bearer } = termsOn(clone, day);
  const { cloneId } = period;
  books.post(
    [account.deferred(cloneId), net], [account.tax, tax], [account.cash, -net - tax],
    [bearer === 'platform' ? account.fees : account.debt(bearer), fee], [account.deferredFees(cloneId), -fee],
  );
}

export function stop(books: Books, { cloneId, at }: Extract<Happening, { what: 'stopped' }>): void {
  const clone = books.clone(cloneId);
  clone.stoppedOn = dayOf(at);
  for (const period of clone.periods) settle(books, clone, period);
}

export function pay(books: Books, paid: Extract<Happening, { what: 'paid' }>): void {
  const { period: id, cloneId, tierId, grossMinor, feeMinor, startDay, days } = paid;
  const taxMinor = floor(fraction(grossMinor * books.taxBasisPoints, 10_000n + books.taxBasisPoints));
  const netMinor = grossMinor - taxMinor;
  books.post(
    [account.cash, grossMinor - feeMinor], [account.deferredFees(cloneId), feeMinor], [account.tax, -taxMinor], [account.deferred(cloneId), -netMinor],
  );
  const clone = books.clone(cloneId);
  const period: Period = {
    id, cloneId, tierId, netMinor, taxMinor, feeMinor, days, earned: 0, nextDay: startDay, earnedOn: [], ended: false, dispute: null, stoppedOn: null, returnedDays: [], waiting: [], pots: [],
    quota: { held: 0, captured: 0 }, coins: null,
  };
  books.periods.set(id, period);
  clone.periods.push(period);
  settle(books, clone, period);
}

/** What of a period is not earned on the day before which it is counted. */
export function unusedOn(books: Books, id: string, day: number): { netMinor: bigint; taxMinor: bigint; feeMinor: bigint } {
  const period = books.period(id);
  const clone = books.clone(period.cloneId);
  let k = period.earned;
  for (let next = period.nextDay; next < day && k < period.days; next += 1) if (!wasPaused(clone, next)) k += 1;
  const left = (amountMinor: bigint): bigint => amountMinor - upTo(amountMinor, k, period.days);
  return { netMinor: left(period.netMinor), taxMinor: left(period.taxMinor), feeMinor: left(period.feeMinor) };
}

/** Unused money of a period that ends today is earned over the days of another one. */
export function carry(books: Books, { from, earlier, period: id, tierId, startDay, days }: Extract<Happening, { what: 'carried' }>): void {
  const old = books.period(from);
  const clone = books.clone(old.cloneId);
  // Whatever the subscription bought before is earned too, up to the day of the change.
  for (const before of [...earlier, from]) earn(books, clone, books.period(before), startDay);
  const period: Period = {
    ...old, ...unusedOn(books, from, startDay), id, tierId, days, nextDay: startDay, earned: 0, earnedOn: [], returnedDays: [], waiting: [], pots: [], quota: { held: 0, captured: 0 },
  };
  old.ended = true;
  books.periods.set(id, period);
  clone.periods.push(period);
}

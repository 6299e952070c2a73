import { type Currency, formatMinor } from '../kernel/money.ts';
import { addDays, type Day } from '../kernel/time.ts';

/** Figures and days as a printed statement writes them. Pure. */

/** `-123456` CNY → `−1,234.56`: a true minus, thousands grouped. */
export function amountText(amountMinor: string, currency: Currency): string {
  const [whole = '', ...fraction] = formatMinor(BigInt(amountMinor), currency).replace('-', '').split('.');
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return `${amountMinor.startsWith('-') ? '−' : ''}${[grouped, ...fraction].join('.')}`;
}

/** `7000` → `70.00 %`. */
export function percentText(basisPoints: number): string {
  return `${formatMinor(BigInt(basisPoints), 'CNY')} %`;
}

/** The last day of the period, as people say it. */
export function lastDay(document: { throughDay: Day }): Day {
  return addDays(document.throughDay, -1);
}

/** `2026-03-01 – 2026-03-31`, or the one day. */
export function daysText(firstDay: Day, last: Day): string {
  return firstDay === last ? last : `${firstDay} – ${last}`;
}

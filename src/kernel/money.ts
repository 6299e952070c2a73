import { Refusal } from './refusals.ts';

/** ISO 4217 exponents, and `COIN` (冰花, 7 to 1 CNY), whose unit is not divisible. */
export const CURRENCIES = { CNY: 2, USD: 2, EUR: 2, JPY: 0, COIN: 0 } as const;
export type Currency = keyof typeof CURRENCIES;

/** How many coins one CNY buys. */
export const COINS_PER_CNY = 7n;

/** PostgreSQL's bigint: what does not fit is refused before it reaches the database. */
export const AMOUNT_MAX = 2n ** 63n - 1n;

export interface Money {
  amountMinor: bigint;
  currency: Currency;
}

export function isCurrency(text: string): text is Currency {
  return Object.hasOwn(CURRENCIES, text);
}

/** A whole number of minor units from its decimal text. Money never passes through a JavaScript number. */
export function parseMinor(text: string): bigint {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) {
    throw new Refusal('money_malformed', 'An amount is a whole number of minor units, written as a decimal string.');
  }
  const value = BigInt(text);
  if (value > AMOUNT_MAX || value < -AMOUNT_MAX) {
    throw new Refusal('money_out_of_range', 'The amount does not fit in 64 bits of minor units.');
  }
  return value;
}

/** `1234` CNY → `12.34`; the sign first; no grouping, no currency sign. */
export function formatMinor(amountMinor: bigint, currency: Currency): string {
  const exponent = CURRENCIES[currency];
  const sign = amountMinor < 0n ? '-' : '';
  const digits = amountMinor.toString().slice(sign.length).padStart(exponent + 1, '0');
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** What a CNY price is in coins: 42 冰花 for 6 CNY. Rounded up, so that coins never buy below the price. */
export function coinsFor(amountMinorCny: bigint): bigint {
  return (amountMinorCny * COINS_PER_CNY + 99n) / 100n;
}

/** ⌊a × b / c⌋ for non-negative a and b and positive c: the one way a proportion of money is taken. */
export function mulDivFloor(a: bigint, b: bigint, c: bigint): bigint {
  if (a < 0n || b < 0n || c <= 0n) throw new RangeError('mulDivFloor takes a, b >= 0 and c > 0');
  return (a * b) / c;
}

/** The smaller one. */
export function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

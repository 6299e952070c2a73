import { AMOUNT_MAX, CURRENCIES, type Currency } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';

/** Money in another currency, exactly: by the rate's own digits, never by a floating number. */

const DECIMAL = /^([0-9]{1,12})(?:\.([0-9]{1,18}))?$/;

/**
 * `amountMinor` of one currency in minor units of another, down to the unit. `rate`: how many whole units of `to` one whole unit of
 * `from` is, as decimal text. Refuses `money_malformed`, `money_out_of_range`.
 */
export function convertMinor(amountMinor: bigint, from: Currency, to: Currency, rate: string): bigint {
  const [, whole = '', fraction = ''] = DECIMAL.exec(rate) ?? [];
  const digits = BigInt(`0${whole}${fraction}`);
  if (digits === 0n) throw new Refusal('money_malformed', 'A rate is a positive decimal number.');
  if (amountMinor < 0n) throw new RangeError('only what is paid is converted');
  const numerator = amountMinor * digits * 10n ** BigInt(CURRENCIES[to]);
  const result = numerator / (10n ** BigInt(fraction.length + CURRENCIES[from]));
  if (result > AMOUNT_MAX) throw new Refusal('money_out_of_range', 'The amount does not fit in 64 bits of minor units.');
  return result;
}

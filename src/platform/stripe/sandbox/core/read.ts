/** Parameters that several nouns read the same way. */
import { CURRENCIES } from '../../../../kernel/money.ts';
import { invalid } from './fault.ts';
import type { Params } from './form.ts';
import { NO_ADDRESS, type Address } from './objects.ts';

/** The currencies that the sandbox knows, in Stripe's lower case. Coins are no currency of a payment provider. */
const KNOWN = new Set(Object.keys(CURRENCIES).filter((code) => code !== 'COIN').map((code) => code.toLowerCase()));

/** A required currency. */
export function readCurrency(params: Params, name = 'currency'): string {
  const currency = params.need(name).toLowerCase();
  if (!KNOWN.has(currency)) throw invalid(`Invalid currency: ${currency}. The sandbox knows ${[...KNOWN].join(', ')}.`, { param: name });
  return currency;
}

/** A required whole number. */
export function alwaysWhole(params: Params, name: string, min: number, max: number): number {
  params.need(name);
  return params.whole(name, { min, max }) ?? min;
}

const PARTS = ['city', 'country', 'line1', 'line2', 'postal_code', 'state'] as const;

/** An address, or `undefined` when none was given. A country is two letters (ISO 3166-1). */
export function readAddress(params: Params): Address | undefined {
  const given = params.child('address');
  if (given === undefined) return undefined;
  const address: Address = { ...NO_ADDRESS };
  for (const part of PARTS) address[part] = given.text(part) ?? null;
  if (address.country !== null && !/^[A-Z]{2}$/.test(address.country)) {
    throw invalid(`Country '${address.country}' is unknown. Try using a 2-character alphanumeric country code.`, { param: 'address[country]' });
  }
  return address;
}

/** The provider's exchange rates: how many whole units of each currency one whole unit of another is. */
import { missing } from '../core/fault.ts';
import { pathId, type Route } from '../core/router.ts';

/** Whole units for one US dollar; the sandbox's are fixed, so that a payout's amount can be said before. */
const PER_DOLLAR: Readonly<Record<string, number>> = { usd: 1, cny: 7.1, eur: 0.8875, jpy: 142 };

export const rateRoutes: readonly Route[] = [
  ['GET', 'exchange_rates/:id', (_world, call) => {
    const id = pathId(call);
    call.params.done();
    const own = PER_DOLLAR[id];
    if (own === undefined) throw missing('exchange rate', id);
    return { id, object: 'exchange_rate', rates: Object.fromEntries(Object.entries(PER_DOLLAR).map(([code, rate]) => [code, Number((rate / own).toFixed(6))])) };
  }],
];

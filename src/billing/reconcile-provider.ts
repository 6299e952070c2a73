import type Stripe from 'stripe';

import type { Currency } from '../kernel/money.ts';
import { fromStripeAmount, type StripePort } from '../platform/stripe/index.ts';

/** The kinds of objects that are compared, and for each the news that it is handed on as. */
export type ListedKind = 'session' | 'subscription' | 'invoice' | 'charge' | 'refund' | 'dispute';

export interface Listed {
  id: string;
  /** The processor's own word; null where it has none. */
  status: string | null;
  amountMinor: bigint;
}

export interface Movement {
  id: string;
  type: string;
  source: string | null;
  currency: string;
  netMinor: bigint;
}

/** What other rooms work by the type of an event. */
export interface ListedElsewhere {
  type: 'account.updated' | 'transfer.updated' | 'payout.paid' | 'payout.failed';
  objectId: string;
  connectedAccount: string | null;
}

/** Everything that the processor lists since an instant, page by page through the SDK. */
export interface Listing {
  listed: (kind: ListedKind, since: Date) => Promise<Listed[]>;
  /** Connect: payees' accounts, our transfers to them, and their banks' payouts. */
  listedElsewhere: (since: Date) => Promise<ListedElsewhere[]>;
  movements: (since: Date) => Promise<Movement[]>;
  /** All our money at the processor, available and pending. */
  balances: () => Promise<Map<Currency, bigint>>;
}

type Pages<T> = AsyncIterable<T>;

async function collect<T, R>(pages: Pages<T>, read: (one: T) => R): Promise<R[]> {
  const found: R[] = [];
  for await (const one of pages) found.push(read(one));
  return found;
}

const seconds = (instant: Date): number => Math.floor(instant.getTime() / 1_000);
const amountOf = (amount: number | null): bigint => fromStripeAmount(amount ?? 0);

export function makeListing({ run }: StripePort, currencyOf: (code: string) => Currency): Listing {
  return {
    async listed(kind, since) {
      const page = { created: { gte: seconds(since) }, limit: 100 };
      return await run((sdk): Promise<Listed[]> => {
        switch (kind) {
          case 'session': return collect(sdk.checkout.sessions.list(page), (one) => ({ id: one.id, status: one.status, amountMinor: amountOf(one.amount_total) }));
          case 'subscription': return collect(sdk.subscriptions.list({ ...page, status: 'all' }), (one) => ({ id: one.id, status: one.status, amountMinor: 0n }));
          case 'invoice': return collect(sdk.invoices.list(page), (one: Stripe.Invoice) => ({ id: one.id, status: one.status, amountMinor: fromStripeAmount(one.amount_paid) }));
          case 'charge': return collect(sdk.charges.list(page), (one) => ({ id: one.id, status: one.status, amountMinor: fromStripeAmount(one.amount) }));
          case 'refund': return collect(sdk.refunds.list(page), (one) => ({ id: one.id, status: one.status, amountMinor: fromStripeAmount(one.amount) }));
          case 'dispute': return collect(sdk.disputes.list(page), (one) => ({ id: one.id, status: one.status, amountMinor: fromStripeAmount(one.amount) }));
        }
      });
    },

    async listedElsewhere(since) {
      const page = { created: { gte: seconds(since) }, limit: 100 };
      return await run(async (sdk) => {
        const found: ListedElsewhere[] = await collect(sdk.transfers.list(page), ({ id }) => ({ type: 'transfer.updated' as const, objectId: id, connectedAccount: null }));
        for await (const account of sdk.accounts.list({ limit: 100 })) {
          found.push({ type: 'account.updated', objectId: account.id, connectedAccount: account.id });
          for await (const payout of sdk.payouts.list(page, { stripeAccount: account.id })) {
            if (payout.status !== 'paid' && payout.status !== 'failed') continue;
            found.push({ type: `payout.${payout.status}`, objectId: payout.id, connectedAccount: account.id });
          }
        }
        return found;
      });
    },

    movements: (since) => run((sdk) => collect(sdk.balanceTransactions.list({ created: { gte: seconds(since) }, limit: 100 }), (one) => ({
      id: one.id, type: one.type, source: typeof one.source === 'string' ? one.source : (one.source?.id ?? null), currency: one.currency.toUpperCase(),
      netMinor: fromStripeAmount(one.net),
    }))),

    async balances() {
      const balance = await run((sdk) => sdk.balance.retrieve());
      const sums = new Map<Currency, bigint>();
      for (const { currency, amount } of [...balance.available, ...balance.pending]) {
        const code = currencyOf(currency);
        sums.set(code, (sums.get(code) ?? 0n) + fromStripeAmount(amount));
      }
      return sums;
    },
  };
}

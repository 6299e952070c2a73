import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { BillingDeps } from './deps.ts';
import { customerOf } from './subscription-store.ts';

/** The processor's own pages, where a fan changes her card, reads her invoices, and ends or renews what she has. */
export interface Portal {
  /** A page for the caller alone, good for a short time. What is done there comes back by webhook. Refuses `subscription_state`. */
  openBillingPortal: (actor: Actor) => Promise<{ url: string }>;
}

export function makePortal({ runTx, provider, ids }: Pick<BillingDeps, 'runTx' | 'provider' | 'ids'>): Portal {
  return {
    async openBillingPortal({ accountId }) {
      const customerId = await runTx((tx) => customerOf(tx, accountId));
      if (customerId === null) throw new Refusal('subscription_state', 'You have not bought anything yet.');
      return { url: await provider.openPortal({ customerId, requestId: ids.next('job') }) };
    },
  };
}

import { Refusal } from '../kernel/refusals.ts';
import type { Currency } from '../kernel/money.ts';
import { toStripeAmount, type StripePort } from '../platform/stripe/index.ts';

/** What is changed of a subscription at the processor; its own proration is never asked for. */
export interface PlanProvider {
  /**
   * Begins a new period of `priceId` now, billed less `creditMinor`; answers its invoice. A declined card changes nothing
   * and is refused with `payment_failed`. Again with the same change: the same invoice.
   */
  changeNow: (change: {
    changeId: string; stripeSubscription: string; priceId: string; creditMinor: bigint; currency: Currency;
  }) => Promise<string>;
  /** The next period will be of `priceId`; the running one stays as it is, also when the interval becomes another. */
  changeNext: (change: { changeId: string; stripeSubscription: string; priceId: string }) => Promise<void>;
  /** Whether it ends with what is paid instead of renewing. */
  /** A page of the processor's for one customer. */
  openPortal: (asked: { customerId: string; requestId: string }) => Promise<string>;
  setCancelAtPeriodEnd: (stripeSubscription: string, cancel: boolean, idempotencyKey: string) => Promise<void>;
}


/** Under this name the portal's configuration is found again; another content is another name. */
const PORTAL = 'benren-1';

/** What fans may do in the portal: their card, their invoices, ending at the period's end. Plans are changed here, not there. */
async function portalConfiguration({ run, withKey }: StripePort): Promise<string> {
  const known = await run(async (sdk) => {
    for await (const one of sdk.billingPortal.configurations.list({ active: true, limit: 100 })) if (one.metadata?.['name'] === PORTAL) return one.id;
    return null;
  });
  if (known !== null) return known;
  return (await run((sdk) => sdk.billingPortal.configurations.create({
    features: {
      invoice_history: { enabled: true }, payment_method_update: { enabled: true },
      subscription_cancel: { enabled: true, mode: 'at_period_end', proration_behavior: 'none' },
    },
    metadata: { name: PORTAL },
  }, withKey(`portal:${PORTAL}`)))).id;
}

function makePortalProvider(port: StripePort, publicUrl: string): Pick<PlanProvider, 'openPortal'> {
  const { run, withKey } = port;
  return {
    async openPortal({ customerId, requestId }) {
      const configuration = await portalConfiguration(port);
      const order = { customer: customerId, configuration, return_url: `${publicUrl}/subscriptions` };
      return (await run((sdk) => sdk.billingPortal.sessions.create(order, withKey(`portal-session:${requestId}`)))).url;
    },
  };
}

export function makePlanProvider(port: StripePort, publicUrl: string): PlanProvider {
  const { run, withKey } = port;
  async function present(id: string) {
    const subscription = await run((sdk) => sdk.subscriptions.retrieve(id));
    const [item] = subscription.items.data;
    if (item === undefined) throw new Error(`Subscription ${id} sells nothing at the processor.`);
    const invoice = subscription.latest_invoice;
    return {
      item, trialing: subscription.status === 'trialing', changeId: subscription.metadata['changeId'] ?? null, product: typeof item.price.product === 'string' ? item.price.product : item.price.product.id,
      latestInvoice: invoice === null ? null : typeof invoice === 'string' ? invoice : invoice.id,
    };
  }

  function invoiceOf(id: string, latestInvoice: string | null): string {
    if (latestInvoice === null) throw new Error(`Subscription ${id} was changed without an invoice.`);
    return latestInvoice;
  }

  return {
    ...makePortalProvider(port, publicUrl),
    async changeNow({ changeId, stripeSubscription, priceId, creditMinor, currency }) {
      const before = await present(stripeSubscription);
      if (before.changeId === changeId) return invoiceOf(stripeSubscription, before.latestInvoice);
      const credit = creditMinor === 0n ? {} : {
        add_invoice_items: [{ price_data: { currency: currency.toLowerCase(), product: before.product, unit_amount: -toStripeAmount(creditMinor), tax_behavior: 'inclusive' as const } }],
      };
      await run((sdk) => sdk.subscriptions.update(stripeSubscription, {
        items: [{ id: before.item.id, price: priceId }], proration_behavior: 'none',
        // A period that was run on counts as a trial there, and a trial is ended instead.
        ...(before.trialing ? { trial_end: 'now' as const } : { billing_cycle_anchor: { type: 'now' as const } }),
        payment_behavior: 'error_if_incomplete', off_session: true, metadata: { changeId }, ...credit,
      }, withKey(`plan:${changeId}`)));
      return invoiceOf(stripeSubscription, (await present(stripeSubscription)).latestInvoice);
    },

    async changeNext({ changeId, stripeSubscription, priceId }) {
      const { item, ...before } = await present(stripeSubscription);
      if (before.changeId === changeId) return;
      const price = await run((sdk) => sdk.prices.retrieve(priceId));
      // Another interval would be billed at once; a period that is "on trial" until what is paid ends is not.
      const other = price.recurring?.interval !== item.price.recurring?.interval;
      await run((sdk) => sdk.subscriptions.update(stripeSubscription, {
        items: [{ id: item.id, price: priceId }], proration_behavior: 'none', metadata: { changeId },
        ...(other ? { trial_end: item.current_period_end } : {}),
      }, withKey(`plan:${changeId}`)));
    },

    async setCancelAtPeriodEnd(stripeSubscription, cancel, idempotencyKey) {
      const subscription = await run((sdk) => sdk.subscriptions.retrieve(stripeSubscription));
      if (subscription.status === 'canceled' || subscription.status === 'incomplete_expired') {
        throw new Refusal('subscription_state', 'The subscription has ended.');
      }
      if (subscription.cancel_at_period_end === cancel) return;
      await run((sdk) => sdk.subscriptions.update(stripeSubscription, { cancel_at_period_end: cancel }, withKey(idempotencyKey)));
    },
  };
}

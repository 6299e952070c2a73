import type Stripe from 'stripe';

import { isCurrency, type Currency } from '../kernel/money.ts';
import { Refusal, type RefusalCode } from '../kernel/refusals.ts';
import type { Clock } from '../kernel/time.ts';
import { fromStripeAmount, orNull, type StripePort, toStripeAmount } from '../platform/stripe/index.ts';
import { type CollectionProvider, makeCollectionProvider } from './collection-provider.ts';
import { makePackProvider, type PackProvider } from './coin-provider.ts';
import { type DisputeProvider, makeDisputeProvider } from './dispute-provider.ts';
import { type Listing, makeListing } from './reconcile-provider.ts';
import type { ProviderEvent } from './deps.ts';
import { makePlanProvider, type PlanProvider } from './provider-plans.ts';

/**
 * The payment processor in this room's words: this file and `provider-plans.ts` alone know the shape of Stripe's objects. Every write
 * carries an idempotency key derived from our own id, so that a call whose answer was lost is simply made again.
 * An unknown id answers null; outages are refused as `unavailable`.
 */
export interface PaymentProvider extends PackProvider, CollectionProvider, PlanProvider, DisputeProvider, Listing {
  createProduct: (tier: { tierId: string; cloneId: string; name: string }) => Promise<string>;
  createPrice: (price: {
    tierId: string; cloneId: string; productId: string; version: number; interval: 'month' | 'year'; priceMinor: bigint; currency: Currency;
  }) => Promise<string>;
  createCustomer: (accountId: string) => Promise<string>;
  openCheckout: (order: {
    subscriptionId: string; cloneId: string; tierId: string; customerId: string; priceId: string;
  }) => Promise<{ sessionId: string; url: string }>;
  /** Closes an unpaid page; answers how it ended: `complete` when it had been paid already. */
  closeCheckout: (sessionId: string) => Promise<'expired' | 'complete'>;
  session: (sessionId: string) => Promise<CheckoutFacts | null>;
  subscription: (stripeSubscriptionId: string) => Promise<SubscriptionFacts | null>;
  /** Ends renewals now, without proration: what is returned is computed here. Safe to repeat. */
  cancelSubscription: (stripeSubscriptionId: string, idempotencyKey: string) => Promise<void>;
  invoice: (invoiceId: string) => Promise<InvoiceFacts | null>;
  /** The charge behind a paid invoice and what it settled in; null while the processor does not know its fee yet. */
  settlement: (invoiceId: string) => Promise<ChargeFacts | null>;
  /** The invoice that a charge paid, when it paid one. */
  invoiceOfCharge: (chargeId: string) => Promise<string | null>;
  /** Sends a refund once: looked up on the charge first, since idempotency keys are forgotten after a day. */
  refund: (order: { refundId: string; chargeId: string; amountMinor: bigint }) => Promise<RefundFacts>;
  refundById: (stripeRefundId: string) => Promise<RefundFacts | null>;
}

export interface CheckoutFacts {
  /** Ours, from the metadata; null when the session was not opened by this room. */
  subscriptionId: string | null;
  status: 'open' | 'complete' | 'expired';
  billingCountry: string | null;
  stripeSubscriptionId: string | null;
  invoiceId: string | null;
}

export interface SubscriptionFacts {
  subscriptionId: string | null;
  status: 'waiting' | 'active' | 'past_due' | 'canceled';
  cancelAtPeriodEnd: boolean;
}

export interface InvoiceFacts {
  subscriptionId: string | null;
  stripeSubscriptionId: string | null;
  paid: boolean;
  /** How often its payment was tried, when it failed; 0 for one that did not, and for the first of a subscription. */
  failedAttempts: number;
  nextAttemptAt: Date | null;
  currency: Currency;
  amountPaidMinor: bigint;
  /** What of it the processor says is tax; null where it was not asked. */
  taxMinor: bigint | null;
  /** The change of plan that was the subscription's last when this was billed. */
  changeId: string | null;
  /** The price that the subscription's line billed. */
  priceId: string | null;
  periodStart: Date;
  periodEnd: Date;
  paidAt: Date;
}

export interface ChargeFacts {
  chargeId: string;
  settledCurrency: Currency;
  /** Before the fee, in the settlement currency. */
  settledGrossMinor: bigint;
  feeMinor: bigint;
  settledNetMinor: bigint;
}

export interface RefundFacts {
  stripeRefundId: string | null;
  /** Ours, from the metadata. */
  refundId: string | null;
  state: 'pending' | 'succeeded' | 'failed';
  failure: string | null;
  /** Of which charge it is, and how much of it, in its currency. */
  chargeId: string | null;
  amountMinor: bigint;
  /** What left our account for it, in the settlement currency; null until it has. */
  settled: { currency: Currency; amountMinor: bigint } | null;
  /** What came back to our account when it failed after that; null when nothing did. */
  returned: { currency: Currency; amountMinor: bigint } | null;
}

type Reference = string | { id: string } | null | undefined;

function idOf(reference: Reference): string | null {
  if (reference === null || reference === undefined) return null;
  return typeof reference === 'string' ? reference : reference.id;
}

function currencyOf(code: string): Currency {
  const upper = code.toUpperCase();
  if (!isCurrency(upper)) throw new Error(`The processor settled in ${upper}, which the currency table lacks.`);
  return upper;
}

const instant = (seconds: number): Date => new Date(seconds * 1_000);

/** What the processor refuses now and may do later, such as a refund while our balance there is too low. */
const PASSING: readonly RefusalCode[] = ['ledger_insufficient_funds', 'idempotency_in_progress', 'unavailable'];

/** The processor understood the request and will not do it: asking again changes nothing. */
function isFinalNo(error: unknown): error is Error {
  if (error instanceof Refusal && PASSING.includes(error.code)) return false;
  return error instanceof Error && error.cause instanceof Error && 'type' in error.cause && error.cause.type === 'StripeInvalidRequestError';
}

const OURS = 'subscriptionId';

/** A page's end, or null while it may still be paid. The SDK's type lets Stripe add further states. */
function endOf(status: string | null): 'expired' | 'complete' | null {
  return status === 'complete' || status === 'expired' ? status : null;
}

/** `incomplete` waits for its first payment. `unpaid` and `paused` go on without one: nothing is had of them until it comes. */
const SUBSCRIPTION_STATUS: Readonly<Record<string, SubscriptionFacts['status']>> = {
  incomplete: 'waiting', active: 'active', trialing: 'active', past_due: 'past_due', unpaid: 'past_due', paused: 'past_due', canceled: 'canceled', incomplete_expired: 'canceled',
};

const REFUND_STATE: Readonly<Record<string, RefundFacts['state']>> = { succeeded: 'succeeded', failed: 'failed', canceled: 'failed' };

function invoiceFacts(invoice: Stripe.Invoice): InvoiceFacts | null {
  const details = invoice.parent?.subscription_details ?? null;
  // Prorations are never asked for, so one subscription item has one line; a credit of ours stands beside it.
  const line = invoice.lines.data.find((one) => one.parent?.type === 'subscription_item_details');
  if (details === null || line === undefined) return null;
  return {
    subscriptionId: details.metadata?.[OURS] ?? null,
    stripeSubscriptionId: idOf(details.subscription),
    paid: invoice.status === 'paid',
    failedAttempts: invoice.status === 'open' && invoice.billing_reason !== 'subscription_create' ? invoice.attempt_count : 0,
    nextAttemptAt: invoice.next_payment_attempt === null ? null : instant(invoice.next_payment_attempt),
    currency: currencyOf(invoice.currency),
    amountPaidMinor: fromStripeAmount(invoice.amount_paid),
    taxMinor: invoice.automatic_tax.enabled ? (invoice.total_taxes ?? []).reduce((sum, { amount }) => sum + fromStripeAmount(amount), 0n) : null,
    changeId: details.metadata?.['changeId'] ?? null,
    priceId: idOf(line.pricing?.price_details?.price),
    periodStart: instant(line.period.start),
    periodEnd: instant(line.period.end),
    paidAt: instant(invoice.status_transitions.paid_at ?? invoice.created),
  };
}

/** On a page: the processor works out what of the price is tax, by the address that is given there. */
function taxed({ automaticTax = false }: Pick<ProviderSettings, 'automaticTax'>): Pick<Stripe.Checkout.SessionCreateParams, 'automatic_tax' | 'customer_update'> {
  return automaticTax ? { automatic_tax: { enabled: true }, customer_update: { address: 'auto' } } : {};
}

/** Prices, customers and Checkout pages. */
function makeSales({ run, withKey }: StripePort, settings: ProviderSettings): Pick<PaymentProvider,
  'createProduct' | 'createPrice' | 'createCustomer' | 'openCheckout' | 'closeCheckout' | 'session'> {
  const retrieve = (id: string): Promise<Stripe.Checkout.Session> => run((sdk) => sdk.checkout.sessions.retrieve(id));

  return {
    async createProduct({ tierId, cloneId, name }) {
      return (await run((sdk) => sdk.products.create({ name, metadata: { tierId, cloneId } }, withKey(`product:${tierId}`)))).id;
    },
    async createPrice({ tierId, cloneId, productId, version, interval, priceMinor, currency }) {
      const price = await run((sdk) => sdk.prices.create({
        product: productId, currency: currency.toLowerCase(), unit_amount: toStripeAmount(priceMinor), recurring: { interval }, tax_behavior: 'inclusive',
        metadata: { tierId, cloneId, version: String(version) },
      }, withKey(`price:${tierId}:${version}:${interval}`)));
      return price.id;
    },
    async createCustomer(accountId) {
      const clock = settings.testClock === undefined ? {} : { test_clock: settings.testClock };
      const customer = await run((sdk) => sdk.customers.create({ metadata: { accountId }, ...clock }, withKey(`customer:${accountId}`)));
      return customer.id;
    },
    async openCheckout({ subscriptionId, cloneId, tierId, customerId, priceId }) {
      const metadata = { [OURS]: subscriptionId, cloneId, tierId };
      const back = `${settings.publicUrl}/subscriptions/${subscriptionId}`;
      try {
        const session = await run((sdk) => sdk.checkout.sessions.create({
          mode: 'subscription', customer: customerId, line_items: [{ price: priceId, quantity: 1 }],
          client_reference_id: subscriptionId, billing_address_collection: 'required',
          metadata, subscription_data: { metadata }, success_url: back, cancel_url: back, ...taxed(settings),
        }, withKey(`checkout:${subscriptionId}`)));
        if (session.url === null) throw new Error('The processor opened a Checkout session without a page.');
        return { sessionId: session.id, url: session.url };
      } catch (error) {
        if (!isFinalNo(error)) throw error;
        throw new Refusal('payment_failed', 'The payment processor will not sell this, for example because the price is too small.', { cause: error });
      }
    },
    async closeCheckout(sessionId) {
      const end = endOf((await retrieve(sessionId)).status);
      if (end !== null) return end;
      try {
        await run((sdk) => sdk.checkout.sessions.expire(sessionId, {}, withKey(`expire:${sessionId}`)));
        return 'expired';
      } catch (error) {
        // Paid or expired between the two calls: asked again, the page says which.
        const after = endOf((await retrieve(sessionId)).status);
        if (after !== null) return after;
        throw error;
      }
    },
    async session(sessionId) {
      const session = await orNull(retrieve(sessionId));
      if (session === null) return null;
      return {
        subscriptionId: session.metadata?.[OURS] ?? null,
        status: endOf(session.status) ?? 'open',
        billingCountry: session.customer_details?.address?.country ?? null,
        stripeSubscriptionId: idOf(session.subscription),
        invoiceId: idOf(session.invoice),
      };
    },
  };
}

/** Subscriptions, invoices and what stands behind them. */
function makePayments({ run, withKey }: StripePort): Pick<PaymentProvider,
  'subscription' | 'cancelSubscription' | 'invoice' | 'settlement' | 'invoiceOfCharge'> {
  return {
    async subscription(id) {
      const subscription = await orNull(run((sdk) => sdk.subscriptions.retrieve(id)));
      if (subscription === null) return null;
      return {
        subscriptionId: subscription.metadata[OURS] ?? null, status: SUBSCRIPTION_STATUS[subscription.status] ?? 'waiting',
        cancelAtPeriodEnd: subscription.cancel_at_period_end || subscription.cancel_at !== null,
      };
    },
    async cancelSubscription(id, idempotencyKey) {
      const subscription = await run((sdk) => sdk.subscriptions.retrieve(id));
      if (SUBSCRIPTION_STATUS[subscription.status] === 'canceled') return;
      // Null: cancelled between the two calls, which is what was wanted.
      await orNull(run((sdk) => sdk.subscriptions.cancel(id, { prorate: false, invoice_now: false }, withKey(idempotencyKey))));
    },
    async invoice(id) {
      const invoice = await orNull(run((sdk) => sdk.invoices.retrieve(id)));
      return invoice === null ? null : invoiceFacts(invoice);
    },
    async settlement(invoiceId) {
      const payments = await run((sdk) => sdk.invoicePayments.list({ invoice: invoiceId, status: 'paid', limit: 2 }));
      const [payment] = payments.data;
      if (payment === undefined) return null;
      if (payments.data.length > 1) throw new Error(`Invoice ${invoiceId} was paid in parts, which no Checkout of ours allows.`);
      const intentId = idOf(payment.payment.payment_intent);
      const intent = intentId === null ? null : await run((sdk) => sdk.paymentIntents.retrieve(intentId));
      const chargeId = idOf(payment.payment.charge) ?? idOf(intent?.latest_charge);
      if (chargeId === null) return null;
      const movementId = idOf((await run((sdk) => sdk.charges.retrieve(chargeId))).balance_transaction);
      if (movementId === null) return null;
      const movement = await run((sdk) => sdk.balanceTransactions.retrieve(movementId));
      return {
        chargeId, settledCurrency: currencyOf(movement.currency), settledGrossMinor: fromStripeAmount(movement.amount),
        feeMinor: fromStripeAmount(movement.fee), settledNetMinor: fromStripeAmount(movement.net),
      };
    },
    async invoiceOfCharge(chargeId) {
      const intent = idOf((await orNull(run((sdk) => sdk.charges.retrieve(chargeId))))?.payment_intent);
      if (intent === null) return null;
      const payments = await run((sdk) => sdk.invoicePayments.list({ payment: { type: 'payment_intent', payment_intent: intent }, limit: 1 }));
      return idOf(payments.data[0]?.invoice);
    },
  };
}

/** Refunds. */
function makeReturns({ run, withKey }: StripePort): Pick<PaymentProvider, 'refund' | 'refundById'> {
  async function factsOf(refund: Stripe.Refund): Promise<RefundFacts> {
    const state = REFUND_STATE[refund.status ?? ''] ?? 'pending';
    const movementOf = async (reference: Reference): Promise<Stripe.BalanceTransaction | null> => {
      const movementId = idOf(reference);
      return movementId === null ? null : await run((sdk) => sdk.balanceTransactions.retrieve(movementId));
    };
    const movement = await movementOf(refund.balance_transaction);
    const back = await movementOf(refund.failure_balance_transaction);
    return {
      stripeRefundId: refund.id, chargeId: idOf(refund.charge), amountMinor: fromStripeAmount(refund.amount),
      returned: back === null ? null : { currency: currencyOf(back.currency), amountMinor: fromStripeAmount(back.net) },
      refundId: refund.metadata?.['refundId'] ?? null,
      // Without its movement of money a refund is booked nowhere, so for us it is still on its way.
      state: state === 'succeeded' && movement === null ? 'pending' : state,
      failure: state === 'failed' ? (refund.failure_reason ?? refund.status) : null,
      settled: movement === null ? null : { currency: currencyOf(movement.currency), amountMinor: -fromStripeAmount(movement.net) },
    };
  }

  async function sent(chargeId: string, refundId: string): Promise<Stripe.Refund | null> {
    return await run(async (sdk) => {
      for await (const refund of sdk.refunds.list({ charge: chargeId, limit: 100 })) {
        if (refund.metadata?.['refundId'] === refundId) return refund;
      }
      return null;
    });
  }

  return {
    async refund({ refundId, chargeId, amountMinor }) {
      const before = await sent(chargeId, refundId);
      if (before !== null) return await factsOf(before);
      let refund: Stripe.Refund;
      try {
        const order = { charge: chargeId, amount: toStripeAmount(amountMinor), metadata: { refundId } };
        refund = await run((sdk) => sdk.refunds.create(order, withKey(`refund:${refundId}`)));
      } catch (error) {
        if (!isFinalNo(error)) throw error;
        // Such as a charge that was disputed or refunded by hand: kept with its reason, not tried again.
        return { stripeRefundId: null, refundId, state: 'failed', failure: error.message, chargeId, amountMinor, settled: null, returned: null };
      }
      return await factsOf(refund);
    },
    async refundById(id) {
      const refund = await orNull(run((sdk) => sdk.refunds.retrieve(id)));
      return refund === null ? null : await factsOf(refund);
    },
  };
}

export interface ProviderSettings {
  /** Where the fan comes back to from Checkout, without a slash at the end. */
  publicUrl: string;
  /** Whether the processor works out the tax that a price contains. */
  automaticTax?: boolean;
  /** In tests and the demo only: the Stripe test clock by which every new customer lives. */
  testClock?: string;
}

export function makePaymentProvider(port: StripePort, settings: ProviderSettings): PaymentProvider {
  return { ...makeSales(port, settings), ...makePackProvider(port, { publicUrl: settings.publicUrl, taxed: taxed(settings) }, currencyOf), ...makePayments(port), ...makePlanProvider(port, settings.publicUrl), ...makeReturns(port),
    ...makeCollectionProvider(port), ...makeDisputeProvider(port, currencyOf), ...makeListing(port, currencyOf) };
}

/** Reads webhooks. Deliveries are signed with wall time, so `wallClock` is the machine's, never the business's. */
export function makeEventReader(
  port: Pick<StripePort, 'verifyWebhook'>, wallClock: Pick<Clock, 'now'>,
): (rawBody: Uint8Array, signature: string | undefined) => ProviderEvent {
  return (rawBody, signature) => {
    const event = port.verifyWebhook(Buffer.from(rawBody), signature, wallClock.now());
    const { object } = event.data;
    return {
      id: event.id, type: event.type, objectId: 'id' in object && typeof object.id === 'string' ? object.id : '',
      connectedAccount: event.account ?? null, createdAt: instant(event.created),
    };
  };
}

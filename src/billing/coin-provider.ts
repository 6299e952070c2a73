import type Stripe from 'stripe';

import type { Currency } from '../kernel/money.ts';
import { fromStripeAmount, idOf, orNull, type StripePort, toStripeAmount } from '../platform/stripe/index.ts';
import type { ChargeFacts } from './provider.ts';

/** Which purchase a page or a payment is for, in its metadata. */
const OURS = 'purchaseId';

export interface PackPayment extends ChargeFacts {
  amountMinor: bigint;
  currency: string;
  billingCountry: string | null;
  paidAt: Date;
  /** What of it the processor says is tax; null where it was not asked. */
  taxMinor: bigint | null;
}

export interface PackFacts {
  /** Ours; null when the page or the payment is for something else. */
  purchaseId: string | null;
  status: 'open' | 'complete' | 'expired';
  /** The payment once it succeeded and its fee is known; null before. */
  payment: PackPayment | null;
}

/** Packs of coins at the processor: a page in payment mode, and the payment that came of it. Unknown ids answer null. */
export interface PackProvider {
  openPackCheckout: (order: { purchaseId: string; customerId: string; coins: bigint; priceMinor: bigint; currency: Currency }) => Promise<{ sessionId: string; url: string }>;
  packSession: (sessionId: string) => Promise<PackFacts | null>;
  /** By the charge, whichever page it came from. */
  packOfCharge: (chargeId: string) => Promise<PackFacts | null>;
}

const instant = (seconds: number): Date => new Date(seconds * 1_000);

function statusOf(status: string | null): PackFacts['status'] {
  return status === 'complete' || status === 'expired' ? status : 'open';
}

export function makePackProvider(
  { run, withKey }: StripePort, settings: { publicUrl: string; taxed: Pick<Stripe.Checkout.SessionCreateParams, 'automatic_tax' | 'customer_update'> }, currencyOf: (code: string) => Currency,
): PackProvider {
  async function paymentOf(chargeId: string, session: Stripe.Checkout.Session | undefined): Promise<PackPayment | null> {
    const charge = await run((sdk) => sdk.charges.retrieve(chargeId));
    const movementId = idOf(charge.balance_transaction);
    if (!charge.paid || movementId === null) return null;
    const movement = await run((sdk) => sdk.balanceTransactions.retrieve(movementId));
    return {
      chargeId, amountMinor: fromStripeAmount(charge.amount), currency: charge.currency.toUpperCase(),
      billingCountry: charge.billing_details.address?.country ?? null, paidAt: instant(charge.created),
      settledCurrency: currencyOf(movement.currency), settledGrossMinor: fromStripeAmount(movement.amount),
      feeMinor: fromStripeAmount(movement.fee), settledNetMinor: fromStripeAmount(movement.net),
      taxMinor: session?.automatic_tax.enabled === true ? fromStripeAmount(session.total_details?.amount_tax ?? 0) : null,
    };
  }

  return {
    async openPackCheckout({ purchaseId, customerId, coins, priceMinor, currency }) {
      const metadata = { [OURS]: purchaseId };
      const back = `${settings.publicUrl}/wallet`;
      const session = await run((sdk) => sdk.checkout.sessions.create({
        mode: 'payment', customer: customerId, client_reference_id: purchaseId, billing_address_collection: 'required',
        line_items: [{ price_data: { currency: currency.toLowerCase(), unit_amount: toStripeAmount(priceMinor), product_data: { name: `${coins} 冰花` }, tax_behavior: 'inclusive' }, quantity: 1 }],
        metadata, payment_intent_data: { metadata }, success_url: back, cancel_url: back, ...settings.taxed,
      }, withKey(`checkout:${purchaseId}`)));
      if (session.url === null) throw new Error('The processor opened a Checkout session without a page.');
      return { sessionId: session.id, url: session.url };
    },
    async packSession(sessionId) {
      const session = await orNull(run((sdk) => sdk.checkout.sessions.retrieve(sessionId)));
      if (session === null) return null;
      const intentId = idOf(session.payment_intent);
      const charge = intentId === null || session.payment_status !== 'paid' ? null : idOf((await run((sdk) => sdk.paymentIntents.retrieve(intentId))).latest_charge);
      return {
        purchaseId: session.metadata?.[OURS] ?? null, status: statusOf(session.status),
        payment: charge === null ? null : await paymentOf(charge, session),
      };
    },
    async packOfCharge(chargeId) {
      const charge = await orNull(run((sdk) => sdk.charges.retrieve(chargeId)));
      const intentId = idOf(charge?.payment_intent);
      if (charge === null || intentId === null) return null;
      const intent = await run((sdk) => sdk.paymentIntents.retrieve(intentId));
      if (intent.metadata[OURS] === undefined) return { purchaseId: null, status: 'open', payment: null };
      const [session] = (await run((sdk) => sdk.checkout.sessions.list({ payment_intent: intentId, limit: 1 }))).data;
      return {
        purchaseId: intent.metadata[OURS] ?? null, status: charge.paid ? 'complete' : 'open', payment: charge.paid ? await paymentOf(chargeId, session) : null,
      };
    },
  };
}

/** The full shape of a Checkout session, with what the sandbox does not model set to Stripe's empty value. */
import { LIVEMODE, type LineItem, type Price, type Session } from '../core/objects.ts';

const SESSION_UNUSED = {
  adaptive_pricing: null, after_expiration: null, allow_promotion_codes: null, allowed_payment_method_types: null, client_secret: null,
  collected_information: null, consent: null, consent_collection: null, currency_conversion: null, customer_account: null, discounts: null,
  integration_identifier: null, invoice_creation: null, managed_payments: null, origin_context: null, payment_link: null,
  payment_method_configuration_details: null, permissions: null, recovered_from: null, setup_intent: null, shipping_address_collection: null,
  shipping_cost: null, submit_type: null, wallet_options: null,
} as const;

export interface SessionFacts {
  id: string;
  at: number;
  mode: 'payment' | 'subscription';
  total: number;
  currency: string;
  customer: string | null;
  customerEmail: string | null;
  customerCreation: 'always' | 'if_required' | null;
  reference: string | null;
  successUrl: string;
  cancelUrl: string | null;
  expiresAt: number;
  locale: Session['locale'];
  metadata: Record<string, string>;
  billingAddress: 'auto' | 'required' | null;
  url: string;
}

export function sessionShape(facts: SessionFacts): Session {
  return {
    ...SESSION_UNUSED,
    id: facts.id, object: 'checkout.session', amount_subtotal: facts.total, amount_total: facts.total,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null }, billing_address_collection: facts.billingAddress,
    cancel_url: facts.cancelUrl, client_reference_id: facts.reference, created: facts.at, currency: facts.currency, custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer: facts.customer, customer_creation: facts.customerCreation, customer_details: null, customer_email: facts.customerEmail,
    expires_at: facts.expiresAt, invoice: null, livemode: LIVEMODE, locale: facts.locale, metadata: facts.metadata, mode: facts.mode,
    payment_intent: null, payment_method_collection: facts.mode === 'subscription' ? 'always' : 'if_required',
    payment_method_options: { card: { request_three_d_secure: 'automatic' } }, payment_method_types: ['card'], payment_status: 'unpaid',
    phone_number_collection: { enabled: false },
    saved_payment_method_options: facts.mode === 'subscription'
      ? { allow_redisplay_filters: ['always'], payment_method_remove: 'disabled', payment_method_save: null }
      : null,
    shipping_options: [], status: 'open', subscription: null, success_url: facts.successUrl,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 }, ui_mode: 'hosted_page', url: facts.url,
  };
}

export function lineItemShape(id: string, price: Price, quantity: number, description: string): LineItem {
  const amount = (price.unit_amount ?? 0) * quantity;
  return {
    id, object: 'item', adjustable_quantity: null, amount_discount: 0, amount_subtotal: amount, amount_tax: 0, amount_total: amount,
    currency: price.currency, description, metadata: {}, price: structuredClone(price), quantity,
  };
}

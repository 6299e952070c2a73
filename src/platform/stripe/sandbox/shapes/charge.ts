/** The full shapes of payment intents and charges, with everything that the sandbox does not model set to Stripe's empty value. */
import type Stripe from 'stripe';
import { LIVEMODE, NO_ADDRESS, type Charge, type PaymentIntent, type PaymentMethod } from '../core/objects.ts';

export interface PaymentFacts {
  amount: number;
  currency: string;
  customer: string | null;
  description: string | null;
  metadata: Record<string, string>;
  transferGroup: string | null;
  receiptEmail: string | null;
}

const INTENT_UNUSED = {
  allowed_payment_method_types: null, amount_capturable: 0, amount_details: { tip: {} }, application: null, application_fee_amount: null,
  automatic_payment_methods: null, canceled_at: null, cancellation_reason: null, capture_method: 'automatic', confirmation_method: 'automatic',
  customer_account: null, excluded_payment_method_types: null, last_payment_error: null, managed_payments: null, next_action: null,
  on_behalf_of: null, payment_method_configuration_details: null, payment_method_options: { card: {} }, payment_method_types: ['card'],
  payment_record: null, processing: null, review: null, setup_future_usage: null, shipping: null, source: null, statement_descriptor: null,
  statement_descriptor_suffix: null, transfer_data: null,
} as const;

export function intentShape(id: string, secret: string, at: number, facts: PaymentFacts): PaymentIntent {
  return {
    ...INTENT_UNUSED, payment_method_types: ['card'],
    payment_method_options: { card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' } },
    id, object: 'payment_intent', amount: facts.amount, amount_received: 0, client_secret: `${id}_secret_${secret}`, created: at,
    currency: facts.currency, customer: facts.customer, description: facts.description, latest_charge: null, livemode: LIVEMODE,
    metadata: { ...facts.metadata }, payment_method: null, receipt_email: facts.receiptEmail, status: 'requires_payment_method',
    transfer_group: facts.transferGroup,
  };
}

const CHARGE_UNUSED = {
  application: null, application_fee: null, application_fee_amount: null, disputed: false, failure_balance_transaction: null,
  fraud_details: {}, on_behalf_of: null, receipt_number: null, review: null, shipping: null, source: null, source_transfer: null,
  statement_descriptor: null, statement_descriptor_suffix: null, transfer_data: null,
} as const;

export interface ChargeOutcome {
  paid: boolean;
  failure: { code: string; declineCode: string; message: string } | null;
  receiptUrl: string | null;
}

export function chargeShape(id: string, at: number, facts: PaymentFacts & { intent: string | null }, method: PaymentMethod | null, outcome: ChargeOutcome): Charge {
  const { paid, failure } = outcome;
  return {
    ...CHARGE_UNUSED,
    id, object: 'charge', amount: facts.amount, amount_captured: paid ? facts.amount : 0, amount_refunded: 0, balance_transaction: null,
    billing_details: method?.billing_details ?? { address: NO_ADDRESS, email: null, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: 'BENREN', captured: paid, created: at, currency: facts.currency, customer: facts.customer,
    description: facts.description, failure_code: failure?.code ?? null, failure_message: failure?.message ?? null, livemode: LIVEMODE,
    metadata: { ...facts.metadata },
    outcome: {
      advice_code: failure === null ? null : 'try_again_later', network_advice_code: null, network_decline_code: failure === null ? null : '01',
      network_status: paid ? 'approved_by_network' : 'declined_by_network', reason: failure?.declineCode ?? null, risk_level: 'normal',
      risk_score: 1, seller_message: paid ? 'Payment complete.' : 'The bank did not return any further details with this decline.',
      type: paid ? 'authorized' : 'issuer_declined',
    },
    paid, payment_intent: facts.intent, payment_method: method?.id ?? null,
    payment_method_details: method === null ? { type: 'stripe_account', stripe_account: {} } : { card: chargedCard(method.card, facts.amount), type: 'card' },
    receipt_email: facts.receiptEmail, receipt_url: outcome.receiptUrl, refunded: false, status: paid ? 'succeeded' : 'failed',
    transfer_group: facts.transferGroup,
  };
}

function chargedCard(card: Stripe.PaymentMethod.Card, amount: number): Stripe.Charge.PaymentMethodDetails.Card {
  return {
    amount_authorized: amount, authorization_code: null, brand: card.brand, checks: card.checks, country: card.country,
    electronic_commerce_indicator: null, exp_month: card.exp_month, exp_year: card.exp_year, extended_authorization: { status: 'disabled' },
    ...(card.fingerprint === undefined ? {} : { fingerprint: card.fingerprint }),
    funding: card.funding, incremental_authorization: { status: 'unavailable' }, installments: null, last4: card.last4, mandate: null,
    multicapture: { status: 'unavailable' }, network: card.brand, network_token: { used: false }, network_transaction_id: null,
    overcapture: { maximum_amount_capturable: amount, status: 'unavailable' }, regulated_status: card.regulated_status,
    three_d_secure: null, transaction_link_id: null, wallet: null,
  };
}

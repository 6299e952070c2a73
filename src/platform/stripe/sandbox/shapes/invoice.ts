/** The full shapes of an invoice and its parts, with what the sandbox does not model set to Stripe's empty value. */
import { LIVEMODE, list, type Customer, type Invoice, type InvoiceLine, type InvoicePayment, type Price, type Subscription, type SubscriptionItem } from '../core/objects.ts';

const INVOICE_UNUSED = {
  account_name: null, account_tax_ids: null, amount_overpaid: 0, amount_shipping: 0, application: null, custom_fields: null,
  customer_account: null, customer_shipping: null, default_payment_method: null, default_source: null, description: null, due_date: null,
  footer: null, from_invoice: null, invoice_pdf: null, last_finalization_error: null, latest_revision: null, on_behalf_of: null,
  post_payment_credit_notes_amount: 0, pre_payment_credit_notes_amount: 0, receipt_number: null, rendering: null, shipping_cost: null,
  shipping_details: null, starting_balance: 0, statement_descriptor: null, webhooks_delivered_at: null,
} as const;

export interface InvoiceFacts {
  id: string;
  at: number;
  accountCountry: string;
  reason: Invoice['billing_reason'];
  customer: Customer;
  subscription: Subscription;
  lines: InvoiceLine[];
  period: { start: number; end: number };
  finalizesAt: number | null;
}

export function invoiceShape(facts: InvoiceFacts): Invoice {
  const { id, at, customer, subscription, lines } = facts;
  const total = lines.reduce((sum, line) => sum + line.amount, 0);
  return {
    ...INVOICE_UNUSED,
    id, object: 'invoice', account_country: facts.accountCountry, amount_due: total, amount_paid: 0, amount_remaining: total,
    attempt_count: 0, attempted: false, auto_advance: true,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at: facts.finalizesAt, billing_reason: facts.reason, collection_method: 'charge_automatically', created: at,
    currency: subscription.currency, customer: customer.id, customer_address: customer.address ?? null, customer_email: customer.email,
    customer_name: customer.name ?? null, customer_phone: customer.phone ?? null, customer_tax_exempt: 'none', customer_tax_ids: [],
    default_tax_rates: [], discounts: [], effective_at: null, ending_balance: null, hosted_invoice_url: null, issuer: { type: 'self' },
    lines: list(`/v1/invoices/${id}/lines`, lines), livemode: LIVEMODE, metadata: {}, next_payment_attempt: facts.finalizesAt, number: null,
    parent: { type: 'subscription_details', quote_details: null, subscription_details: { metadata: { ...subscription.metadata }, subscription: subscription.id } },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: facts.period.end, period_start: facts.period.start, status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal: total, subtotal_excluding_tax: total, test_clock: customer.test_clock ?? null, total, total_discount_amounts: [],
    total_excluding_tax: total, total_pretax_credit_amounts: [], total_taxes: [],
  };
}

export interface LineFacts {
  id: string;
  invoice: string;
  amount: number;
  description: string;
  item: SubscriptionItem;
  metadata: Record<string, string>;
  period: { start: number; end: number };
}

export function lineShape({ id, invoice, amount, description, item, metadata, period }: LineFacts): InvoiceLine {
  return {
    id, object: 'line_item', amount, currency: item.price.currency, description, discount_amounts: [], discountable: true, discounts: [],
    invoice, livemode: LIVEMODE, metadata: { ...metadata },
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null, proration: false, proration_details: { credited_items: null }, subscription: item.subscription, subscription_item: item.id,
      },
      type: 'subscription_item_details',
    },
    period: { ...period }, pretax_credit_amounts: [],
    pricing: {
      price_details: { price: item.price.id, product: item.price.product }, type: 'price_details', unit_amount_decimal: item.price.unit_amount_decimal,
    },
    quantity: item.quantity, quantity_decimal: String(item.quantity), subscription: item.subscription, subtotal: amount, taxes: [],
  };
}

export interface ExtraLineFacts {
  id: string;
  invoice: string;
  amount: number;
  description: string;
  price: Price;
  item: string;
  subscription: string;
  period: { start: number; end: number };
}

/** A line that an invoice item of its own makes, such as a credit. */
export function extraLineShape({ id, invoice, amount, description, price, item, subscription, period }: ExtraLineFacts): InvoiceLine {
  return {
    id, object: 'line_item', amount, currency: price.currency, description, discount_amounts: [], discountable: amount > 0, discounts: [],
    invoice, livemode: LIVEMODE, metadata: {},
    parent: {
      invoice_item_details: { invoice_item: item, proration: false, proration_details: { credited_items: null }, subscription },
      subscription_item_details: null,
      type: 'invoice_item_details',
    },
    period: { ...period }, pretax_credit_amounts: [],
    pricing: { price_details: { price: price.id, product: price.product }, type: 'price_details', unit_amount_decimal: price.unit_amount_decimal },
    quantity: 1, quantity_decimal: '1', subscription, subtotal: amount, taxes: [],
  };
}

export function invoicePaymentShape(id: string, at: number, invoice: Invoice, intent: string): InvoicePayment {
  return {
    id, object: 'invoice_payment', amount_paid: null, amount_requested: invoice.amount_due, created: at, currency: invoice.currency,
    invoice: invoice.id, is_default: true, livemode: LIVEMODE, payment: { payment_intent: intent, type: 'payment_intent' }, status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  };
}

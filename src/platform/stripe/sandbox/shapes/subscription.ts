/** The full shape of a subscription, with what the sandbox does not model set to Stripe's empty value. */
import { LIVEMODE, list, type Plan, type Price, type Subscription, type SubscriptionItem } from '../core/objects.ts';

/** The older twin of a recurring price, which subscription items still carry. */
export function planShape(price: Price): Plan {
  return {
    id: price.id, object: 'plan', active: price.active, amount: price.unit_amount, amount_decimal: price.unit_amount_decimal,
    billing_scheme: price.billing_scheme, created: price.created, currency: price.currency, interval: price.recurring?.interval ?? 'month',
    interval_count: price.recurring?.interval_count ?? 1, livemode: LIVEMODE, metadata: price.metadata, meter: null, nickname: price.nickname,
    product: price.product, tiers_mode: null, transform_usage: null, trial_period_days: null, usage_type: 'licensed',
  };
}

export function itemShape(id: string, at: number, subscription: string, price: Price, quantity: number, period: { start: number; end: number }): SubscriptionItem {
  return {
    id, object: 'subscription_item', billing_thresholds: null, created: at, current_period_end: period.end, current_period_start: period.start,
    current_trial: null, discounts: [], metadata: {}, plan: planShape(price), price: structuredClone(price), quantity, subscription, tax_rates: [],
  };
}

const SUBSCRIPTION_UNUSED = {
  application: null, application_fee_percent: null, billing_cycle_anchor_config: null, billing_thresholds: null, cancel_at: null,
  cancel_at_period_end: false, canceled_at: null, customer_account: null, days_until_due: null, default_source: null, ended_at: null,
  latest_invoice: null, managed_payments: null, next_pending_invoice_item_invoice: null, on_behalf_of: null, pause_collection: null,
  pending_invoice_item_interval: null, pending_setup_intent: null, pending_update: null, schedule: null, transfer_data: null, trial_end: null,
  trial_start: null,
} as const;

export interface SubscriptionFacts {
  id: string;
  at: number;
  customer: string;
  clock: string | null;
  currency: string;
  items: SubscriptionItem[];
  metadata: Record<string, string>;
  description: string | null;
  paymentMethod: string | null;
}

export function subscriptionShape(facts: SubscriptionFacts): Subscription {
  return {
    ...SUBSCRIPTION_UNUSED,
    id: facts.id, object: 'subscription', automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: facts.at, billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' }, billing_schedules: [],
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null }, collection_method: 'charge_automatically',
    created: facts.at, currency: facts.currency, customer: facts.customer, default_payment_method: facts.paymentMethod, default_tax_rates: [],
    description: facts.description, discounts: [],
    invoice_settings: { account_tax_ids: null, custom_fields: null, description: null, footer: null, issuer: { type: 'self' } },
    items: list(`/v1/subscription_items?subscription=${facts.id}`, facts.items), livemode: LIVEMODE, metadata: { ...facts.metadata },
    payment_settings: { payment_method_options: null, payment_method_types: null, save_default_payment_method: 'off' },
    start_date: facts.at, status: 'incomplete', test_clock: facts.clock,
    trial_settings: { end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' } },
  };
}

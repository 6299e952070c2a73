/** The full shape of a connected account, with what the sandbox does not model set to Stripe's empty value. */
import type Stripe from 'stripe';
import { list, NO_ADDRESS, type Account } from '../core/objects.ts';

/** What a person still has to give before money may move. */
export const DUE = ['business_profile.url', 'external_account', 'individual.first_name', 'individual.last_name', 'tos_acceptance.date', 'tos_acceptance.ip'];

export function requirements(due: string[]): Stripe.Account.Requirements {
  return {
    alternatives: [], current_deadline: null, currently_due: [...due], disabled_reason: due.length === 0 ? null : 'requirements.past_due',
    errors: [], eventually_due: [...due], past_due: [...due], pending_verification: [],
  };
}

function settings(interval: string): Account['settings'] {
  return {
    bacs_debit_payments: { display_name: null, service_user_number: null },
    branding: { icon: null, logo: null, primary_color: null, secondary_color: null },
    card_issuing: { tos_acceptance: { date: null, ip: null } },
    card_payments: {
      decline_on: { avs_failure: false, cvc_failure: false }, statement_descriptor_prefix: null, statement_descriptor_prefix_kana: null,
      statement_descriptor_prefix_kanji: null,
    },
    dashboard: { display_name: null, timezone: 'Etc/UTC' },
    invoices: { default_account_tax_ids: null, hosted_payment_method_save: null },
    payments: {
      statement_descriptor: null, statement_descriptor_kana: null, statement_descriptor_kanji: null, statement_descriptor_prefix_kana: null,
      statement_descriptor_prefix_kanji: null,
    },
    payouts: { debit_negative_balances: true, schedule: { delay_days: 2, interval }, statement_descriptor: null },
    sepa_debit_payments: {},
  };
}

export interface AccountFacts {
  id: string;
  at: number;
  type: 'custom' | 'express' | 'none' | 'standard';
  controller: Stripe.Account.Controller;
  country: string;
  currency: string;
  email: string | null;
  businessType: Account['business_type'];
  capabilities: string[];
  payoutInterval: string;
  profile: { name: string | null; url: string | null; productDescription: string | null };
  metadata: Record<string, string>;
}

export function accountShape(facts: AccountFacts): Account {
  const { id, at, profile } = facts;
  return {
    id, object: 'account',
    business_profile: {
      annual_revenue: null, estimated_worker_count: null, mcc: null, minority_owned_business_designation: null, name: profile.name,
      product_description: profile.productDescription, specified_commercial_transactions_act_url: null, support_address: NO_ADDRESS,
      support_email: null, support_phone: null, support_url: null, url: profile.url,
    },
    business_type: facts.businessType ?? null, capabilities: Object.fromEntries(facts.capabilities.map((name) => [name, 'inactive' as const])),
    charges_enabled: false, controller: facts.controller, country: facts.country, created: at, default_currency: facts.currency,
    details_submitted: false, email: facts.email, external_accounts: list(`/v1/accounts/${id}/external_accounts`),
    future_requirements: requirements([]), metadata: facts.metadata, payouts_enabled: false, requirements: requirements(DUE),
    settings: settings(facts.payoutInterval), tos_acceptance: { date: null, ip: null, user_agent: null }, type: facts.type,
  };
}

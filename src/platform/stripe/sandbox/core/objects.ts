/**
 * The objects as the sandbox keeps them: the SDK's own types for the pinned API version, read as they travel.
 * `Flat` narrows what may be expanded to its id (expansion happens on the way out) and writes decimals as the
 * text that is on the wire. Everything else stays as the SDK declares it, so `tsc` checks every object we build.
 */
import type Stripe from 'stripe';

type Wire<V> = [Extract<V, Stripe.Decimal>] extends [never]
  ? string extends V
    ? Extract<V, string | null | undefined>
    : V
  : string | Exclude<V, Stripe.Decimal>;

/** `deleted?: void` is how the SDK tells a living object from a deleted one; it is never on the wire. */
export type Flat<T> = { [K in keyof T as K extends 'deleted' ? never : K]: Wire<T[K]> };

export type List<T> = Stripe.ApiList<T>;
export type Address = Stripe.Address;

export type Customer = Omit<Flat<Stripe.Customer>, 'invoice_settings'> & {
  invoice_settings: Flat<Stripe.Customer.InvoiceSettings>;
};
export type Product = Flat<Stripe.Product>;
export type Price = Flat<Stripe.Price>;
export type Plan = Flat<Stripe.Plan>;
export type LineItem = Omit<Flat<Stripe.LineItem>, 'price'> & { price: Price | null; quantity: number };
export type Session = Omit<Flat<Stripe.Checkout.Session>, 'line_items'>;
export type SubscriptionItem = Omit<Flat<Stripe.SubscriptionItem>, 'price' | 'plan' | 'quantity'> & {
  price: Price;
  plan: Plan;
  quantity: number;
};
export type Subscription = Omit<Flat<Stripe.Subscription>, 'items'> & { items: List<SubscriptionItem> };
export type InvoiceLine = Omit<Flat<Stripe.InvoiceLineItem>, 'pricing'> & {
  pricing: { type: 'price_details'; price_details: { price: string; product: string }; unit_amount_decimal: string | null };
};
export type Invoice = Omit<Flat<Stripe.Invoice>, 'lines' | 'parent' | 'payments'> & {
  lines: List<InvoiceLine>;
  parent: { type: 'subscription_details'; quote_details: null; subscription_details: { metadata: Stripe.Metadata; subscription: string } } | null;
};
export type InvoicePayment = Omit<Flat<Stripe.InvoicePayment>, 'payment'> & {
  payment: { type: 'payment_intent'; payment_intent: string };
};
export type PaymentMethod = Flat<Stripe.PaymentMethod> & { card: Stripe.PaymentMethod.Card };
export type PaymentIntent = Flat<Stripe.PaymentIntent>;
export type Charge = Omit<Flat<Stripe.Charge>, 'refunds'>;
export type Refund = Flat<Stripe.Refund>;
export type Dispute = Omit<Flat<Stripe.Dispute>, 'balance_transactions'> & { balance_transactions: BalanceTransaction[] };
export type BalanceTransaction = Flat<Stripe.BalanceTransaction>;
export type Account = Omit<Flat<Stripe.Account>, 'external_accounts' | 'capabilities' | 'requirements' | 'future_requirements' | 'settings' | 'metadata'> & {
  external_accounts: List<BankAccount>;
  capabilities: Record<string, 'active' | 'inactive' | 'pending'>;
  requirements: Stripe.Account.Requirements;
  future_requirements: Stripe.Account.FutureRequirements;
  settings: Stripe.Account.Settings & { payouts: Stripe.Account.Settings.Payouts };
  metadata: Stripe.Metadata;
};
export type BankAccount = Flat<Stripe.BankAccount>;
export type AccountLink = Stripe.AccountLink;
export type TransferReversal = Flat<Stripe.TransferReversal>;
export type Transfer = Omit<Flat<Stripe.Transfer>, 'reversals'> & { reversals: List<TransferReversal> };
export type Payout = Flat<Stripe.Payout>;
export type VerificationSession = Omit<Flat<Stripe.Identity.VerificationSession>, 'verified_outputs'>;
export type PortalConfiguration = Flat<Stripe.BillingPortal.Configuration>;
export type PortalSession = Flat<Stripe.BillingPortal.Session>;
export type WebhookEndpoint = Flat<Stripe.WebhookEndpoint>;
export type TestClock = Flat<Stripe.TestHelpers.TestClock>;

/** The SDK's names of events, so that a misspelt one does not compile. */
export type EventName = Stripe.Event['type'];

/** An event on the wire. Its object is a snapshot of any kind, so it is typed only as an object here. */
export interface WireEvent {
  id: string;
  object: 'event';
  account?: string;
  api_version: string | null;
  created: number;
  data: { object: object; previous_attributes?: object };
  livemode: boolean;
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null };
  type: EventName;
}

/** Which table holds which object. */
export interface Kinds {
  customer: Customer;
  product: Product;
  price: Price;
  session: Session;
  subscription: Subscription;
  invoice: Invoice;
  invoicePayment: InvoicePayment;
  paymentMethod: PaymentMethod;
  paymentIntent: PaymentIntent;
  charge: Charge;
  refund: Refund;
  dispute: Dispute;
  balanceTransaction: BalanceTransaction;
  account: Account;
  bankAccount: BankAccount;
  transfer: Transfer;
  transferReversal: TransferReversal;
  payout: Payout;
  verificationSession: VerificationSession;
  portalConfiguration: PortalConfiguration;
  portalSession: PortalSession;
  event: WireEvent;
  webhookEndpoint: WebhookEndpoint;
  testClock: TestClock;
}

export type Kind = keyof Kinds;

/** How Stripe's messages call each kind, and how its ids begin. */
export const KINDS: { readonly [K in Kind]: { noun: string; prefixes: readonly string[] } } = {
  customer: { noun: 'customer', prefixes: ['cus'] },
  product: { noun: 'product', prefixes: ['prod'] },
  price: { noun: 'price', prefixes: ['price'] },
  session: { noun: 'checkout session', prefixes: ['cs'] },
  subscription: { noun: 'subscription', prefixes: ['sub'] },
  invoice: { noun: 'invoice', prefixes: ['in'] },
  invoicePayment: { noun: 'invoice payment', prefixes: ['inpay'] },
  paymentMethod: { noun: 'PaymentMethod', prefixes: ['pm'] },
  paymentIntent: { noun: 'payment_intent', prefixes: ['pi'] },
  charge: { noun: 'charge', prefixes: ['ch', 'py'] },
  refund: { noun: 'refund', prefixes: ['re', 'pyr'] },
  dispute: { noun: 'dispute', prefixes: ['du', 'dp'] },
  balanceTransaction: { noun: 'balance transaction', prefixes: ['txn'] },
  account: { noun: 'account', prefixes: ['acct'] },
  bankAccount: { noun: 'external account', prefixes: ['ba'] },
  transfer: { noun: 'transfer', prefixes: ['tr'] },
  transferReversal: { noun: 'transfer reversal', prefixes: ['trr'] },
  payout: { noun: 'payout', prefixes: ['po'] },
  verificationSession: { noun: 'verification session', prefixes: ['vs'] },
  portalConfiguration: { noun: 'portal configuration', prefixes: ['bpc'] },
  portalSession: { noun: 'portal session', prefixes: ['bps'] },
  event: { noun: 'event', prefixes: ['evt'] },
  webhookEndpoint: { noun: 'webhook endpoint', prefixes: ['we'] },
  testClock: { noun: 'test clock', prefixes: ['clock'] },
};

export const LIVEMODE = false;

export const NO_ADDRESS: Address = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

export function list<T>(url: string, data: T[] = [], hasMore = false): List<T> {
  return { object: 'list', data, has_more: hasMore, url };
}

/**
 * Invoices of subscriptions: draft → open → paid, void or uncollectible. What a paid or failed invoice means for its
 * subscription is told to `subscriptions.ts` through `Outcome`.
 */
import { invalid, type StripeFault } from '../core/fault.ts';
import type { Row } from '../core/memory.ts';
import { list, type Invoice, type InvoicePayment, type PaymentIntent, type PaymentMethod, type Price, type Subscription } from '../core/objects.ts';
import { lister, mergeMetadata, pageWindow, page, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import { DAY_SECONDS, type World } from '../core/world.ts';
import { extraLineShape, invoicePaymentShape, invoiceShape, lineShape } from '../shapes/invoice.ts';
import { attempt, makeIntent, methodNamed } from './payments.ts';
import { taxInvoice } from './taxes.ts';

/** What a payment attempt means for the subscription. */
export interface Outcome {
  paid: (subscription: string, at: number) => void;
  failed: (subscription: string, at: number, last: boolean) => void;
}

/** What is added to one invoice (`add_invoice_items`); an amount below zero is a credit. */
export interface ExtraLine {
  price: Price;
  amount: number;
}

/** A draft for one period of a subscription. */
export function draftInvoice(
  world: World, subscription: Row<Subscription>, at: number, reason: Invoice['billing_reason'], options: { free?: boolean; finalizesAt?: number; extras?: readonly ExtraLine[] } = {},
): Row<Invoice> {
  const { owner, clock, object } = subscription;
  const customer = world.find('customer', object.customer, owner).object;
  const id = world.id('in');
  const lines = object.items.data.map((item) => {
    const amount = options.free === true ? 0 : (item.price.unit_amount ?? 0) * item.quantity;
    const product = world.find('product', item.price.product, owner).object.name;
    return lineShape({
      id: world.id('il'), invoice: id, amount, description: `${item.quantity} × ${product}`, item, metadata: object.metadata,
      period: { start: item.current_period_start, end: item.current_period_end },
    });
  });
  const first = object.items.data[0];
  for (const { price, amount } of options.extras ?? []) {
    const product = world.find('product', price.product, owner).object.name;
    lines.push(extraLineShape({
      id: world.id('il'), invoice: id, amount, description: product, price, item: world.id('ii'), subscription: object.id,
      period: { start: first?.current_period_start ?? at, end: first?.current_period_end ?? at },
    }));
  }
  const row: Row<Invoice> = {
    owner, clock,
    object: invoiceShape({
      id, at, accountCountry: world.find('account', owner, owner).object.country ?? 'CN', reason, customer, subscription: object, lines,
      period: { start: first?.current_period_start ?? at, end: first?.current_period_end ?? at }, finalizesAt: options.finalizesAt ?? null,
    }),
  };
  if (object.automatic_tax.enabled) taxInvoice(world, row.object, customer.address?.country ?? null);
  world.put('invoice', row);
  object.latest_invoice = id;
  world.emit({ type: 'invoice.created', kind: 'invoice', object: row.object, at, owner });
  return row;
}

/** Draft → open, numbered. An invoice of nothing is paid at once. */
export function finalizeInvoice(world: World, row: Row<Invoice>, at: number): void {
  const { object, owner } = row;
  const customer = world.find('customer', object.customer ?? '', owner).object;
  const sequence = customer.next_invoice_sequence ?? 1;
  customer.next_invoice_sequence = sequence + 1;
  object.number = `${customer.invoice_prefix ?? 'BENREN'}-${String(sequence).padStart(4, '0')}`;
  object.status = 'open';
  object.effective_at = at;
  object.ending_balance = 0;
  object.automatically_finalizes_at = null;
  object.status_transitions.finalized_at = at;
  world.emit({ type: 'invoice.finalized', kind: 'invoice', object, at, owner });
}

function paymentOf(world: World, invoice: string): InvoicePayment | undefined {
  const id = world.memory.hidden.paymentOfInvoice[invoice];
  return id === undefined ? undefined : world.peek('invoicePayment', id)?.object;
}

function intentOf(world: World, row: Row<Invoice>, at: number): Row<PaymentIntent> {
  const { object, owner, clock } = row;
  const known = paymentOf(world, object.id);
  if (known !== undefined) return world.find('paymentIntent', known.payment.payment_intent, owner);
  const intent = makeIntent(world, owner, clock, at, {
    amount: object.amount_due, currency: object.currency, customer: object.customer,
    description: object.billing_reason === 'subscription_create' ? 'Subscription creation' : 'Subscription update',
    metadata: {}, transferGroup: null, receiptEmail: null,
  });
  const payment = invoicePaymentShape(world.id('inpay'), at, object, intent.object.id);
  world.put('invoicePayment', { owner, clock, object: payment });
  world.memory.hidden.paymentOfInvoice[object.id] = payment.id;
  return intent;
}

/** Tries to collect an open invoice. Returns the card's refusal, or `null` when it is paid. */
export function collect(
  world: World, row: Row<Invoice>, method: Row<PaymentMethod> | null, at: number, options: { present: boolean; outcome: Outcome },
): StripeFault | null {
  const { object } = row;
  if (object.amount_due === 0) {
    settleInvoice(world, row, at, options.outcome);
    return null;
  }
  object.attempted = true;
  object.attempt_count += 1;
  if (method === null) {
    failInvoice(world, row, at, options.outcome);
    return invalid('This customer has no attached payment source or default payment method.', { code: 'resource_missing', kept: true });
  }
  const result = attempt(world, intentOf(world, row, at), method, at, options.present);
  if (result.ok) {
    settleInvoice(world, row, at, options.outcome);
    return null;
  }
  failInvoice(world, row, at, options.outcome);
  return result.fault;
}

function subscriptionOf(invoice: Invoice): string | null {
  return invoice.parent?.subscription_details.subscription ?? null;
}

function settleInvoice(world: World, row: Row<Invoice>, at: number, outcome: Outcome): void {
  const { object, owner } = row;
  Object.assign(object, { status: 'paid', amount_paid: object.amount_due, amount_remaining: 0, next_payment_attempt: null, attempted: true, auto_advance: false });
  object.status_transitions.paid_at = at;
  const payment = paymentOf(world, object.id);
  if (payment !== undefined) {
    Object.assign(payment, { status: 'paid', amount_paid: object.amount_due });
    payment.status_transitions.paid_at = at;
    world.emit({ type: 'invoice_payment.paid', kind: 'invoicePayment', object: payment, at, owner });
  }
  const subscription = subscriptionOf(object);
  if (subscription !== null) outcome.paid(subscription, at);
  world.emit({ type: 'invoice.paid', kind: 'invoice', object, at, owner });
  world.emit({ type: 'invoice.payment_succeeded', kind: 'invoice', object, at, owner });
}

function failInvoice(world: World, row: Row<Invoice>, at: number, outcome: Outcome): void {
  const { object, owner, clock } = row;
  const wait = object.billing_reason === 'subscription_create' ? undefined : world.habits.retryDays[object.attempt_count - 1];
  object.next_payment_attempt = wait === undefined ? null : at + wait * DAY_SECONDS;
  if (wait !== undefined) world.schedule({ at: at + wait * DAY_SECONDS, clock, kind: 'retry', id: object.id });
  world.emit({ type: 'invoice.payment_failed', kind: 'invoice', object, at, owner });
  const subscription = subscriptionOf(object);
  if (subscription !== null) outcome.failed(subscription, at, wait === undefined);
}

/** Open or draft → void: nobody owes it. */
export function voidInvoice(world: World, row: Row<Invoice>, at: number): void {
  Object.assign(row.object, { status: 'void', next_payment_attempt: null, auto_advance: false });
  row.object.status_transitions.voided_at = at;
  world.emit({ type: 'invoice.voided', kind: 'invoice', object: row.object, at, owner: row.owner });
}

export function markUncollectible(world: World, row: Row<Invoice>, at: number): void {
  Object.assign(row.object, { status: 'uncollectible', next_payment_attempt: null, auto_advance: false });
  row.object.status_transitions.marked_uncollectible_at = at;
  world.emit({ type: 'invoice.marked_uncollectible', kind: 'invoice', object: row.object, at, owner: row.owner });
}

/** The card that pays for a subscription: its own, else the customer's. */
export function payingMethod(world: World, subscription: Row<Subscription>): Row<PaymentMethod> | null {
  const { owner, object } = subscription;
  const id = object.default_payment_method ?? world.find('customer', object.customer, owner).object.invoice_settings.default_payment_method;
  const row = id === null ? undefined : world.peek('paymentMethod', id);
  return row?.object.customer === object.customer ? row : null;
}

/** The payments of an invoice: the list that `expand[]=payments` adds. */
export function paymentsOf(world: World, invoice: string): object {
  const payment = paymentOf(world, invoice);
  return list('/v1/invoice_payments', payment === undefined ? [] : [payment]);
}

export function invoiceRoutes(outcome: Outcome): readonly Route[] {
  const pay = (world: World, call: Call): object => {
    const given = call.params.text('payment_method');
    const offSession = call.params.flag('off_session') ?? true;
    call.params.done();
    const row = world.find('invoice', pathId(call), call.owner);
    const { object } = row;
    if (object.status === 'paid') throw invalid('Invoice is already paid', { code: 'invoice_already_paid' });
    if (object.status !== 'open' && object.status !== 'draft') throw invalid(`A ${object.status ?? ''} invoice cannot be paid.`);
    const at = world.now(row.clock);
    const subscription = world.find('subscription', subscriptionOf(object) ?? '', call.owner);
    const method = given === undefined ? payingMethod(world, subscription) : methodNamed(world, call.owner, given, at);
    if (object.status === 'draft') finalizeInvoice(world, row, at);
    world.unschedule('retry', object.id);
    const fault = collect(world, row, method, at, { present: !offSession, outcome });
    if (fault !== null) throw fault;
    return object;
  };
  return [
    ['GET', 'invoices', lister('invoice', {
      customer: (one) => one.customer, status: (one) => one.status, subscription: subscriptionOf,
    })],
    ['GET', 'invoices/:id', retrieve('invoice')],
    ['POST', 'invoices/:id', update],
    ['POST', 'invoices/:id/pay', pay],
    ['POST', 'invoices/:id/void', (world, call) => {
      call.params.done();
      const row = world.find('invoice', pathId(call), call.owner);
      if (row.object.status !== 'open') throw invalid('You can only void an open invoice.', { kept: true });
      voidInvoice(world, row, world.now(row.clock));
      return row.object;
    }],
    ['GET', 'invoices/:id/lines', (world, call) => {
      const window = pageWindow(call.params);
      return page(world.find('invoice', pathId(call), call.owner).object.lines.data, window, call.path, 'line item');
    }],
    ['GET', 'invoice_payments', listPayments],
    ['GET', 'invoice_payments/:id', retrieve('invoicePayment')],
  ];
}

function update(world: World, call: Call): object {
  const row = world.find('invoice', pathId(call), call.owner);
  const advance = call.params.flag('auto_advance');
  const metadata = mergeMetadata(row.object.metadata ?? {}, call.params);
  call.params.done();
  const previous = { metadata: row.object.metadata, auto_advance: row.object.auto_advance };
  row.object.metadata = metadata;
  row.object.auto_advance = advance ?? row.object.auto_advance ?? false;
  world.emit({ type: 'invoice.updated', kind: 'invoice', object: row.object, at: world.now(row.clock), owner: row.owner, previous });
  return row.object;
}

function listPayments(world: World, call: Call): object {
  const payment = call.params.child('payment');
  payment?.oneOf('type', ['payment_intent']);
  const intent = payment?.text('payment_intent');
  return lister('invoicePayment', { invoice: (one) => one.invoice, status: (one) => one.status }, (one) =>
    intent === undefined || one.payment.payment_intent === intent)(world, call);
}

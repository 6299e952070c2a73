/** Checkout sessions: opened by the service, paid by a person (or a test) at the session's page, expired by the clock. */
import { invalid, type StripeFault } from '../core/fault.ts';
import type { Params } from '../core/form.ts';
import type { Row, SessionOrder } from '../core/memory.ts';
import { list, NO_ADDRESS, type LineItem, type PaymentIntent, type PaymentMethod, type Price, type Session } from '../core/objects.ts';
import { lister, mergeMetadata, page, pageWindow, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import { DAY_SECONDS, type World } from '../core/world.ts';
import { lineItemShape, sessionShape } from '../shapes/session.ts';
import { readInlinePrice } from './catalog.ts';
import { AMOUNT_MAX } from './balance.ts';
import { changeCustomer, makeCustomer } from './customers.ts';
import type { Outcome } from './invoices.ts';
import { attachMethod, attempt, makeIntent, makeMethod, type CardEntry } from './payments.ts';
import { openSubscription } from './subscriptions.ts';
import { taxSession } from './taxes.ts';

interface Line {
  price: () => Price;
  taxBehavior: Price['tax_behavior'];
  recurring: Price['recurring'] | 'inline' | null;
  amount: number;
  currency: string;
  quantity: number;
}

function readLines(world: World, { owner, params }: Call): Line[] {
  return params.children('line_items').map((given, i) => {
    const quantity = given.whole('quantity', { min: 1, max: 999_999 }) ?? 1;
    const inline = given.child('price_data');
    if (inline !== undefined) {
      const { facts, make } = readInlinePrice(world, owner, inline);
      return { price: make, taxBehavior: facts.taxBehavior, recurring: facts.recurring === null ? null : 'inline', amount: facts.amount, currency: facts.currency, quantity };
    }
    const price = world.find('price', given.need('price'), owner, `line_items[${i}][price]`).object;
    if (!price.active) throw invalid('The price specified is inactive. This field only accepts active prices.', { param: `line_items[${i}][price]` });
    return { price: () => price, taxBehavior: price.tax_behavior, recurring: price.recurring, amount: price.unit_amount ?? 0, currency: price.currency, quantity };
  });
}

function checkLines(lines: Line[], mode: 'payment' | 'subscription'): { total: number; currency: string } {
  const [first] = lines;
  if (first === undefined) throw invalid('Missing required param: line_items.', { code: 'parameter_missing', param: 'line_items' });
  if (lines.some((line) => line.currency !== first.currency)) throw invalid('All line items must have the same currency.', { param: 'line_items' });
  if (mode === 'subscription' && lines.some((line) => line.recurring === null)) {
    throw invalid('You must provide only recurring prices in `subscription` mode in this sandbox.', { param: 'line_items' });
  }
  if (mode === 'payment' && lines.some((line) => line.recurring !== null)) {
    throw invalid('You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.', { param: 'mode' });
  }
  const total = lines.reduce((sum, line) => sum + line.amount * line.quantity, 0);
  if (total > AMOUNT_MAX) throw invalid(`Amount must be no more than ${AMOUNT_MAX}.`, { code: 'amount_too_large', param: 'line_items' });
  if (total === 0) throw invalid('The Checkout Session\'s total amount must be greater than zero in this sandbox.', { code: 'amount_too_small', param: 'line_items' });
  return { total, currency: first.currency };
}

function readOrder(params: Params, mode: 'payment' | 'subscription', keepAddress: boolean): Omit<SessionOrder, 'createCustomer' | 'lines' | 'automaticTax'> {
  const data = params.child(mode === 'subscription' ? 'subscription_data' : 'payment_intent_data');
  return {
    metadata: data === undefined ? {} : mergeMetadata({}, data),
    description: data?.text('description') ?? null,
    transferGroup: mode === 'payment' ? (data?.text('transfer_group') ?? null) : null,
    savePaymentMethod: mode === 'subscription' || data?.oneOf('setup_future_usage', ['off_session', 'on_session']) !== undefined,
    keepAddress,
  };
}

const LOCALES = ['auto', 'en', 'en-GB', 'zh', 'zh-HK', 'zh-TW'] as const;

/** Switches that must be off, because the sandbox does not model what they would switch on. */
function refuseUnmodelled(params: Params): void {
  if (params.flag('allow_promotion_codes') === true) throw invalid('The sandbox does not model promotion codes.');
  params.oneOf('ui_mode', ['hosted_page']);
  params.oneOf('payment_method_collection', ['always', 'if_required']);
  params.texts('payment_method_types').forEach((type) => {
    if (type !== 'card') throw invalid('The sandbox models the payment method type card.', { param: 'payment_method_types' });
  });
}

/** As at Stripe: a price must say whether it contains the tax, and a customer's address must be the one that is given on the page. */
function readTax(params: Params, lines: readonly Line[], customer: string | null, keepAddress: boolean): boolean {
  const on = params.child('automatic_tax')?.flag('enabled') === true;
  if (!on) return false;
  if (lines.some(({ taxBehavior }) => taxBehavior !== 'inclusive')) {
    throw invalid('The sandbox models automatic tax of prices with tax_behavior=inclusive only.', { param: 'line_items' });
  }
  if (customer !== null && !keepAddress) {
    throw invalid('Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the Customer or set either `customer_update[address]` to \'auto\' or `customer_update[shipping]` to \'auto\' to save the address entered in Checkout to the Customer.', { code: 'customer_tax_location_invalid', param: 'automatic_tax' });
  }
  return true;
}

function httpUrl(text: string, param: string): string {
  if (!/^https?:\/\/\S+$/.test(text)) throw invalid('Not a valid URL', { code: 'url_invalid', param });
  return text;
}

function create(world: World, call: Call): object {
  const { owner, params } = call;
  const mode = params.oneOf('mode', ['payment', 'subscription']) ?? 'payment';
  const lines = readLines(world, call);
  const { total, currency } = checkLines(lines, mode);
  const customer = params.text('customer') ?? null;
  const clock = customer === null ? null : world.find('customer', customer, owner, 'customer').clock;
  const at = world.now(clock);
  const expiresAt = params.whole('expires_at', { min: at + 1_800, max: at + DAY_SECONDS }) ?? at + DAY_SECONDS;
  const creation = mode === 'payment' ? (params.oneOf('customer_creation', ['always', 'if_required']) ?? 'if_required') : null;
  const kept = params.child('customer_update')?.oneOf('address', ['auto', 'never']);
  const order = { ...readOrder(params, mode, kept === 'auto'), automaticTax: readTax(params, lines, customer, kept === 'auto') };
  const id = world.id('cs_test', 58);
  const cancelUrl = params.text('cancel_url');
  const facts = {
    id, at, mode, total, currency, customer, customerCreation: customer === null ? creation : null, expiresAt,
    customerEmail: params.text('customer_email') ?? null, reference: params.text('client_reference_id') ?? null,
    successUrl: httpUrl(params.need('success_url'), 'success_url'), cancelUrl: cancelUrl === undefined ? null : httpUrl(cancelUrl, 'cancel_url'),
    locale: params.oneOf('locale', LOCALES) ?? null, metadata: mergeMetadata({}, params),
    billingAddress: params.oneOf('billing_address_collection', ['auto', 'required']) ?? null, url: `${world.publicUrl}/pay/${id}`,
  };
  refuseUnmodelled(params);
  params.text('currency');
  params.done();
  if (customer !== null && facts.customerEmail !== null) throw invalid('You may only specify one of these parameters: customer, customer_email.', { param: 'customer_email' });
  const object = sessionShape(facts);
  object.automatic_tax = { ...object.automatic_tax, enabled: order.automaticTax };
  world.put('session', { owner, clock, object });
  world.memory.hidden.orders[id] = {
    ...order, createCustomer: mode === 'subscription' || creation === 'always',
    lines: lines.map((line) => ({ id: world.id('li'), price: line.price().id, quantity: line.quantity })),
  };
  world.schedule({ at: expiresAt, clock, kind: 'expireSession', id });
  return object;
}

/** What a session sells, with the prices as they are. */
export function lineItemsOf(world: World, session: string): LineItem[] {
  return (world.memory.hidden.orders[session]?.lines ?? []).map((line) => {
    const price = priceOf(world, line.price);
    return lineItemShape(line.id, price, line.quantity, world.peek('product', price.product)?.object.name ?? '');
  });
}

function priceOf(world: World, id: string): Price {
  const row = world.peek('price', id);
  if (row === undefined) throw new Error(`price ${id} of a session is gone`);
  return row.object;
}

function expire(world: World, row: Row<Session>, at: number): void {
  row.object.status = 'expired';
  row.object.url = null;
  world.emit({ type: 'checkout.session.expired', kind: 'session', object: row.object, at, owner: row.owner });
}

export function registerCheckoutTasks(world: World): void {
  world.tasks.set('expireSession', (id, at) => {
    const row = world.peek('session', id);
    if (row?.object.status === 'open') expire(world, row, at);
  });
}

/** Pays an open session with a card. Returns the card's refusal, after which the session is still open, or `null`. */
export function paySession(world: World, row: Row<Session>, entry: CardEntry, outcome: Outcome): StripeFault | null {
  const { owner, object: session } = row;
  const order = world.memory.hidden.orders[session.id];
  if (order === undefined) throw new Error(`session ${session.id} has no order`);
  const at = world.now(row.clock);
  const method = makeMethod(world, owner, row.clock, at, entry);
  if (world.memory.hidden.manners[method.object.id]?.decline != null) {
    // A refused card leaves no customer and no subscription behind: only an intent that was not paid.
    const refused = attempt(world, sessionIntent(world, row, order, at), method, at, true);
    return refused.ok ? null : refused.fault;
  }
  const customer = settleCustomer(world, row, order, entry);
  if (customer !== null && order.savePaymentMethod) attachMethod(world, method, customer, at);
  if (session.mode === 'subscription' && customer !== null) subscribe(world, row, order, { customer, method }, outcome);
  if (session.mode === 'payment') {
    const intent = sessionIntent(world, row, order, at);
    intent.object.customer = customer;
    attempt(world, intent, method, at, true);
  }
  if (order.automaticTax === true) taxSession(session, entry.billing.address?.country ?? null);
  Object.assign(session, {
    status: 'complete', payment_status: 'paid', customer, url: null,
    customer_details: { ...entry.billing, business_name: null, individual_name: null, tax_exempt: 'none', tax_ids: [] },
  });
  world.unschedule('expireSession', session.id);
  world.emit({ type: 'checkout.session.completed', kind: 'session', object: session, at, owner });
  return null;
}

function sessionIntent(world: World, row: Row<Session>, order: SessionOrder, at: number): Row<PaymentIntent> {
  const { object: session, owner } = row;
  if (session.payment_intent !== null) return world.find('paymentIntent', session.payment_intent, owner);
  const intent = makeIntent(world, owner, row.clock, at, {
    amount: session.amount_total ?? 0, currency: session.currency ?? 'cny', customer: session.customer, description: order.description,
    metadata: order.metadata, transferGroup: order.transferGroup, receiptEmail: null,
  });
  if (session.mode === 'payment') session.payment_intent = intent.object.id;
  return intent;
}

function settleCustomer(world: World, row: Row<Session>, order: SessionOrder, entry: CardEntry): string | null {
  const { object: session, owner, clock } = row;
  const { address, email, name, phone } = entry.billing;
  if (session.customer !== null) {
    const customer = world.find('customer', session.customer, owner);
    if (order.keepAddress) changeCustomer(world, customer, { address }, world.now(clock));
    return session.customer;
  }
  if (!order.createCustomer) return null;
  return makeCustomer(world, owner, clock, { email: session.customer_email ?? email, name, phone, description: null, address, locales: [], metadata: {} }).object.id;
}

function subscribe(
  world: World, row: Row<Session>, order: SessionOrder, payer: { customer: string; method: Row<PaymentMethod> }, outcome: Outcome,
): void {
  const { object: session, owner } = row;
  const { row: subscription } = openSubscription(world, {
    owner, customer: payer.customer, lines: order.lines.map((line) => ({ price: priceOf(world, line.price), quantity: line.quantity })),
    metadata: order.metadata, description: order.description, paymentMethod: payer.method.object.id, present: true, automaticTax: order.automaticTax === true,
  }, outcome);
  session.subscription = subscription.object.id;
  session.invoice = subscription.object.latest_invoice;
}

/** The billing details that the page's form gives. */
export function billingOf(country: string, email: string, name: string): CardEntry['billing'] {
  return { address: { ...NO_ADDRESS, country }, email, name, phone: null };
}

export const checkoutRoutes: readonly Route[] = [
  ['POST', 'checkout/sessions', create],
  ['GET', 'checkout/sessions', lister('session', {
    customer: (one) => one.customer, payment_intent: (one) => one.payment_intent, subscription: (one) => one.subscription, status: (one) => one.status,
  })],
  ['GET', 'checkout/sessions/:id', retrieve('session')],
  ['GET', 'checkout/sessions/:id/line_items', (world, call) => {
    const window = pageWindow(call.params);
    const { id } = world.find('session', pathId(call), call.owner).object;
    return page(lineItemsOf(world, id), window, call.path, 'line item');
  }],
  ['POST', 'checkout/sessions/:id/expire', (world, call) => {
    call.params.done();
    const row = world.find('session', pathId(call), call.owner);
    if (row.object.status !== 'open') throw invalid(`Only Checkout Sessions with a status in ["open"] can be expired. This session has a status of ${row.object.status ?? ''}.`);
    world.unschedule('expireSession', row.object.id);
    expire(world, row, world.now(row.clock));
    return row.object;
  }],
];

/** The list that `expand[]=line_items` adds. */
export function lineItemList(world: World, session: string): object {
  return list(`/v1/checkout/sessions/${session}/line_items`, lineItemsOf(world, session));
}

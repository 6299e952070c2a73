/** Payment methods, payment intents and charges: one attempt to take money from a card, and what came of it. */
import { StripeFault, invalid } from '../core/fault.ts';
import type { Row } from '../core/memory.ts';
import { LIVEMODE, NO_ADDRESS, type Charge, type PaymentIntent, type PaymentMethod } from '../core/objects.ts';
import { lister, mergeMetadata, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import { alwaysWhole, readCurrency } from '../core/read.ts';
import type { World } from '../core/world.ts';
import { chargeShape, intentShape, type PaymentFacts } from '../shapes/charge.ts';
import { AMOUNT_MAX, feeOf, midnightAfter, move } from './balance.ts';
import { cardDetails, cardOf, declineFault, READY_METHODS } from './cards.ts';

export interface CardEntry {
  number: string;
  expMonth: number;
  expYear: number;
  billing: Pick<PaymentMethod['billing_details'], 'address' | 'email' | 'name' | 'phone'>;
}

/** A new payment method from a card, with the card's manner kept where the API does not show it. */
export function makeMethod(world: World, owner: string, clock: string | null, at: number, entry: CardEntry): Row<PaymentMethod> {
  const { decline, failsLater, instant } = cardOf(entry.number);
  const object: PaymentMethod = {
    id: world.id('pm'), object: 'payment_method', allow_redisplay: 'limited',
    billing_details: { ...entry.billing, tax_id: null }, card: cardDetails(entry.number, entry.expMonth, entry.expYear), created: at,
    customer: null, customer_account: null, livemode: LIVEMODE, metadata: {}, type: 'card',
  };
  const row: Row<PaymentMethod> = { owner, clock, object };
  world.put('paymentMethod', row);
  world.memory.hidden.manners[object.id] = { decline, failsLater, instant };
  return row;
}

export function attachMethod(world: World, row: Row<PaymentMethod>, customer: string, at: number): void {
  row.object.customer = customer;
  row.clock = world.find('customer', customer, row.owner, 'customer').clock;
  world.emit({ type: 'payment_method.attached', kind: 'paymentMethod', object: row.object, at, owner: row.owner });
}

/** A payment method by id, or a fresh one from Stripe's ready-made names. */
export function methodNamed(world: World, owner: string, id: string, at: number): Row<PaymentMethod> {
  const number = READY_METHODS[id];
  if (number === undefined) return world.find('paymentMethod', id, owner, 'payment_method');
  return makeMethod(world, owner, null, at, {
    number, expMonth: 12, expYear: 2034, billing: { address: NO_ADDRESS, email: null, name: null, phone: null },
  });
}

export function makeIntent(world: World, owner: string, clock: string | null, at: number, facts: PaymentFacts): Row<PaymentIntent> {
  feeOf(world.habits.fees, facts.amount, facts.currency);
  const row: Row<PaymentIntent> = { owner, clock, object: intentShape(world.id('pi'), world.id('', 24).slice(1), at, facts) };
  world.put('paymentIntent', row);
  world.emit({ type: 'payment_intent.created', kind: 'paymentIntent', object: row.object, at, owner });
  return row;
}

export type Attempt = { ok: true; charge: Charge } | { ok: false; charge: Charge; fault: StripeFault };

/** Charges the intent's amount to a card. `present`: the card's holder is there, as at Checkout. */
export function attempt(world: World, intent: Row<PaymentIntent>, method: Row<PaymentMethod>, at: number, present: boolean): Attempt {
  const { owner, clock, object } = intent;
  const manner = world.memory.hidden.manners[method.object.id] ?? { decline: null, failsLater: false, instant: false };
  const decline = manner.decline ?? (manner.failsLater && !present ? 'generic_decline' : null);
  const failure = decline === null ? null : declineFault(decline);
  const id = world.id('ch');
  const facts = {
    amount: object.amount, currency: object.currency, customer: object.customer, description: object.description,
    metadata: object.metadata, transferGroup: object.transfer_group, receiptEmail: object.receipt_email, intent: object.id,
  };
  const charge = chargeShape(id, at, facts, method.object, {
    paid: failure === null, failure, receiptUrl: failure === null ? `${world.publicUrl}/receipts/${id}` : null,
  });
  world.put('charge', { owner, clock, object: charge });
  object.latest_charge = id;
  if (failure === null) {
    succeed(world, intent, method.object, charge, at, manner.instant);
    return { ok: true, charge };
  }
  return { ok: false, charge, fault: fail(world, intent, method.object, charge, at, failure) };
}

function succeed(world: World, intent: Row<PaymentIntent>, method: PaymentMethod, charge: Charge, at: number, instant: boolean): void {
  const { owner, clock, object } = intent;
  const settle = (): void => {
    charge.balance_transaction = move(world, {
      owner, clock, at, type: 'charge', reportingCategory: 'charge', source: charge.id, currency: charge.currency, amount: charge.amount,
      fee: feeOf(world.habits.fees, charge.amount, charge.currency), description: charge.description,
      availableOn: instant ? at : midnightAfter(at, world.habits.settlementDays),
    }).id;
  };
  // As after an asynchronous capture: the movement, with its fee, follows the payment.
  if (world.unsettled === null) settle();
  else {
    world.unsettled.push(() => {
      settle();
      world.emit({ type: 'charge.updated', kind: 'charge', object: charge, at: world.now(clock), owner, previous: { balance_transaction: null } });
    });
  }
  Object.assign(object, { status: 'succeeded', amount_received: object.amount, payment_method: method.id, last_payment_error: null });
  world.emit({ type: 'charge.succeeded', kind: 'charge', object: charge, at, owner });
  world.emit({ type: 'payment_intent.succeeded', kind: 'paymentIntent', object, at, owner });
}

function fail(
  world: World, intent: Row<PaymentIntent>, method: PaymentMethod, charge: Charge, at: number, failure: ReturnType<typeof declineFault>,
): StripeFault {
  const { owner, object } = intent;
  object.status = 'requires_payment_method';
  object.last_payment_error = {
    charge: charge.id, code: failure.code, decline_code: failure.declineCode, message: failure.message, type: 'card_error',
    doc_url: `https://stripe.com/docs/error-codes/${failure.code.replaceAll('_', '-')}`,
  };
  world.emit({ type: 'charge.failed', kind: 'charge', object: charge, at, owner });
  world.emit({ type: 'payment_intent.payment_failed', kind: 'paymentIntent', object, at, owner });
  return new StripeFault(402, {
    type: 'card_error', code: failure.code, decline_code: failure.declineCode, message: failure.message, charge: charge.id,
    payment_intent: structuredClone(object), payment_method: structuredClone(method),
  }, true);
}

function createMethod(world: World, { owner, params }: Call): object {
  params.oneOf('type', ['card']);
  const card = params.child('card');
  const billing = params.child('billing_details');
  const address = billing?.child('address');
  if (card === undefined) throw invalid('Missing required param: card.', { code: 'parameter_missing', param: 'card' });
  const entry: CardEntry = {
    number: card.need('number'), expMonth: alwaysWhole(card, 'exp_month', 1, 12), expYear: alwaysWhole(card, 'exp_year', 2000, 2100),
    billing: {
      address: { ...NO_ADDRESS, country: address?.text('country') ?? null }, email: billing?.text('email') ?? null,
      name: billing?.text('name') ?? null, phone: billing?.text('phone') ?? null,
    },
  };
  card.text('cvc');
  const metadata = mergeMetadata({}, params);
  params.done();
  const row = makeMethod(world, owner, null, world.now(null), entry);
  row.object.metadata = metadata;
  return row.object;
}

function attach(world: World, call: Call): object {
  const customer = call.params.need('customer');
  call.params.done();
  const at = world.now(world.find('customer', customer, call.owner, 'customer').clock);
  const row = methodNamed(world, call.owner, pathId(call), at);
  if (row.object.customer !== null && row.object.customer !== customer) {
    throw invalid('The payment method you provided has already been attached to a customer.', { code: 'payment_method_unexpected_state' });
  }
  attachMethod(world, row, customer, at);
  return row.object;
}

function detach(world: World, call: Call): object {
  call.params.done();
  const row = world.find('paymentMethod', pathId(call), call.owner);
  const { customer } = row.object;
  if (customer === null) throw invalid('The payment method you provided is not attached to a customer so detachment is impossible.');
  row.object.customer = null;
  const at = world.now(row.clock);
  world.emit({ type: 'payment_method.detached', kind: 'paymentMethod', object: row.object, at, owner: row.owner, previous: { customer } });
  return row.object;
}

function createIntent(world: World, { owner, params }: Call): object {
  const customer = params.text('customer') ?? null;
  const amount = alwaysWhole(params, 'amount', 1, AMOUNT_MAX);
  const method = params.text('payment_method');
  const confirm = params.flag('confirm') ?? false;
  const offSession = params.flag('off_session') ?? false;
  params.texts('payment_method_types');
  const automatic = params.child('automatic_payment_methods');
  automatic?.flag('enabled');
  automatic?.oneOf('allow_redirects', ['always', 'never']);
  const facts: PaymentFacts = {
    amount, currency: readCurrency(params), customer, description: params.text('description') ?? null, metadata: mergeMetadata({}, params),
    transferGroup: params.text('transfer_group') ?? null, receiptEmail: params.text('receipt_email') ?? null,
  };
  params.done();
  if (confirm && method === undefined) throw invalid('Confirming needs a payment_method.', { code: 'parameter_missing', param: 'payment_method' });
  const clock = customer === null ? null : world.find('customer', customer, owner, 'customer').clock;
  const at = world.now(clock);
  const row = makeIntent(world, owner, clock, at, facts);
  if (method === undefined) return row.object;
  return confirmWith(world, row, method, at, { confirm, present: !offSession });
}

function confirmWith(world: World, row: Row<PaymentIntent>, method: string, at: number, how: { confirm: boolean; present: boolean }): object {
  const card = methodNamed(world, row.owner, method, at);
  row.object.payment_method = card.object.id;
  row.object.status = 'requires_confirmation';
  if (!how.confirm) return row.object;
  const result = attempt(world, row, card, at, how.present);
  if (!result.ok) throw result.fault;
  return row.object;
}

function confirmIntent(world: World, call: Call): object {
  const given = call.params.text('payment_method');
  const offSession = call.params.flag('off_session') ?? false;
  call.params.done();
  const row = world.find('paymentIntent', pathId(call), call.owner);
  const method = given ?? row.object.payment_method;
  if (!['requires_confirmation', 'requires_payment_method'].includes(row.object.status) || method === null) {
    throw invalid(`This PaymentIntent's status is ${row.object.status}; it cannot be confirmed.`, { code: 'payment_intent_unexpected_state' });
  }
  return confirmWith(world, row, method, world.now(row.clock), { confirm: true, present: !offSession });
}

export const paymentRoutes: readonly Route[] = [
  ['POST', 'payment_methods', createMethod],
  ['GET', 'payment_methods', lister('paymentMethod', { customer: (one) => one.customer, type: (one) => one.type })],
  ['GET', 'payment_methods/:id', retrieve('paymentMethod')],
  ['POST', 'payment_methods/:id/attach', attach],
  ['POST', 'payment_methods/:id/detach', detach],
  ['GET', 'customers/:id/payment_methods', lister('paymentMethod', { type: (one) => one.type }, (one, call) => one.customer === pathId(call))],
  ['POST', 'payment_intents', createIntent],
  ['GET', 'payment_intents', lister('paymentIntent', { customer: (one) => one.customer })],
  ['GET', 'payment_intents/:id', retrieve('paymentIntent')],
  ['POST', 'payment_intents/:id/confirm', confirmIntent],
  ['GET', 'charges', lister('charge', {
    customer: (one) => one.customer, payment_intent: (one) => one.payment_intent, transfer_group: (one) => one.transfer_group,
  })],
  ['GET', 'charges/:id', retrieve('charge')],
];

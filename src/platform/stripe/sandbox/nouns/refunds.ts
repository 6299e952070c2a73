/**
 * Refunds: in full or in parts, never more than remains. The provider keeps its fee. The money leaves the balance
 * in the state in which the charge's is: out of pending while the charge is pending, out of available after.
 */
import { invalid } from '../core/fault.ts';
import type { Row } from '../core/memory.ts';
import { list, type Charge, type Refund } from '../core/objects.ts';
import { lister, mergeMetadata, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import type { World } from '../core/world.ts';
import { AMOUNT_MAX, move } from './balance.ts';
import { disputedOf } from './disputes.ts';

function chargeOf(world: World, owner: string, charge: string | undefined, intent: string | undefined): Row<Charge> {
  if (charge !== undefined && intent !== undefined) {
    throw invalid('You should pass either `charge` or `payment_intent`, not both.');
  }
  if (charge !== undefined) return world.find('charge', charge, owner, 'charge');
  if (intent === undefined) throw invalid('One of the following params should be provided for this request: payment_intent or charge.');
  const { latest_charge: latest } = world.find('paymentIntent', intent, owner, 'payment_intent').object;
  if (latest === null) throw invalid(`This PaymentIntent (${intent}) does not have a successful charge to refund.`);
  return world.find('charge', latest, owner, 'charge');
}

const SYMBOLS: Readonly<Record<string, string>> = { cny: 'CN¥', usd: '$', eur: '€', jpy: '¥' };

function shown(amount: number, currency: string): string {
  const symbol = SYMBOLS[currency] ?? currency;
  return currency === 'jpy' ? `${symbol}${amount}` : `${symbol}${(amount / 100).toFixed(2)}`;
}

function create(world: World, { owner, params }: Call): object {
  const charge = params.text('charge');
  const intent = params.text('payment_intent');
  const asked = params.whole('amount', { min: 1, max: AMOUNT_MAX });
  const reason = params.oneOf('reason', ['duplicate', 'fraudulent', 'requested_by_customer']) ?? null;
  const metadata = mergeMetadata({}, params);
  params.done();
  const row = chargeOf(world, owner, charge, intent);
  const { object } = row;
  if (!object.paid) throw invalid(`Charge ${object.id} has not succeeded and cannot be refunded.`, { code: 'charge_not_refundable', kept: true });
  const disputed = disputedOf(world, object.id);
  const left = object.amount - object.amount_refunded - disputed.lost;
  if (disputed.open > 0 || (disputed.lost > 0 && left <= 0)) {
    throw invalid(`Charge ${object.id} has been charged back and cannot be refunded.`, { code: 'charge_disputed', kept: true });
  }
  if (left === 0) throw invalid(`Charge ${object.id} has already been refunded.`, { code: 'charge_already_refunded', kept: true });
  const amount = asked ?? left;
  if (amount > left) {
    throw invalid(
      `Refund amount (${shown(amount, object.currency)}) is greater than unrefunded amount on charge (${shown(left, object.currency)})`,
      { param: 'amount', kept: true },
    );
  }
  return refund(world, row, { amount, reason, metadata });
}

function refund(world: World, row: Row<Charge>, facts: { amount: number; reason: Refund['reason']; metadata: Record<string, string> }): Refund {
  const { owner, clock, object: charge } = row;
  const at = world.now(clock);
  const settled = charge.balance_transaction === null ? at : world.find('balanceTransaction', charge.balance_transaction, owner).object.available_on;
  const id = world.id('re');
  const object: Refund = {
    id, object: 'refund', amount: facts.amount,
    balance_transaction: move(world, {
      owner, clock, at, type: 'refund', reportingCategory: 'refund', source: id, currency: charge.currency, amount: -facts.amount,
      description: charge.description === null ? 'REFUND FOR CHARGE' : `REFUND FOR CHARGE (${charge.description})`, availableOn: settled,
    }).id,
    charge: charge.id, created: at, currency: charge.currency, customer: charge.customer, customer_account: null,
    destination_details: { card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' }, type: 'card' },
    metadata: facts.metadata, payment_intent: charge.payment_intent, payment_method: charge.payment_method, reason: facts.reason,
    receipt_number: null, source_transfer_reversal: null, status: 'succeeded', transfer_reversal: null,
  };
  world.put('refund', { owner, clock, object });
  const previous = { amount_refunded: charge.amount_refunded, refunded: charge.refunded };
  charge.amount_refunded += facts.amount;
  charge.refunded = charge.amount_refunded === charge.amount;
  world.emit({ type: 'refund.created', kind: 'refund', object, at, owner });
  world.emit({ type: 'charge.refunded', kind: 'charge', object: charge, at, owner, previous });
  return object;
}

/** The fan's bank could not take it: the money is back in the balance, and the charge less refunded. */
export function failRefund(world: World, row: Row<Refund>): void {
  const { owner, clock, object } = row;
  const charge = world.find('charge', object.charge ?? '', owner).object;
  const at = world.now(clock);
  const previous = { status: object.status };
  object.status = 'failed';
  object.failure_reason = 'expired_or_canceled_card';
  object.failure_balance_transaction = move(world, {
    owner, clock, at, type: 'refund_failure', reportingCategory: 'refund_failure', source: object.id, currency: object.currency, amount: object.amount,
    description: 'REFUND FAILURE', availableOn: at,
  }).id;
  charge.amount_refunded -= object.amount;
  charge.refunded = false;
  world.emit({ type: 'refund.failed', kind: 'refund', object, at, owner, previous });
}

function update(world: World, call: Call): object {
  const row = world.find('refund', pathId(call), call.owner);
  const metadata = mergeMetadata(row.object.metadata ?? {}, call.params);
  call.params.done();
  const previous = { metadata: row.object.metadata };
  row.object.metadata = metadata;
  world.emit({ type: 'refund.updated', kind: 'refund', object: row.object, at: world.now(row.clock), owner: row.owner, previous });
  return row.object;
}

/** The refunds of a charge, newest first: the list that `expand[]=refunds` adds. */
export function refundsOf(world: World, charge: string): object {
  const found: Refund[] = [];
  for (const { object } of world.rows('refund')) if (object.charge === charge) found.push(object);
  return list(`/v1/charges/${charge}/refunds`, found.reverse().slice(0, 10), found.length > 10);
}

export const refundRoutes: readonly Route[] = [
  ['POST', 'refunds', create],
  ['GET', 'refunds', lister('refund', { charge: (one) => one.charge, payment_intent: (one) => one.payment_intent })],
  ['GET', 'refunds/:id', retrieve('refund')],
  ['POST', 'refunds/:id', update],
];

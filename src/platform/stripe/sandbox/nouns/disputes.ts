/**
 * Disputes: a cardholder's bank takes a charge back. The money and a fee leave the balance when it opens; won, the money
 * comes back and the fee does not. There is no API at Stripe that opens one: the sandbox's control does.
 */
import { invalid } from '../core/fault.ts';
import type { Row } from '../core/memory.ts';
import { LIVEMODE, type Charge, type Dispute } from '../core/objects.ts';
import { lister, mergeMetadata, pathId, retrieve, type Route } from '../core/router.ts';
import { DAY_SECONDS, type World } from '../core/world.ts';
import { move } from './balance.ts';

export type DisputeReason = 'fraudulent' | 'general' | 'product_not_received' | 'subscription_canceled' | 'unrecognized';

const NO_EVIDENCE: Dispute['evidence'] = {
  access_activity_log: null, billing_address: null, cancellation_policy: null, cancellation_policy_disclosure: null, cancellation_rebuttal: null,
  customer_communication: null, customer_email_address: null, customer_name: null, customer_purchase_ip: null, customer_signature: null,
  duplicate_charge_documentation: null, duplicate_charge_explanation: null, duplicate_charge_id: null, enhanced_evidence: {}, product_description: null,
  receipt: null, refund_policy: null, refund_policy_disclosure: null, refund_refusal_explanation: null, service_date: null, service_documentation: null,
  shipping_address: null, shipping_carrier: null, shipping_date: null, shipping_documentation: null, shipping_tracking_number: null,
  uncategorized_file: null, uncategorized_text: null,
};

const OPEN: readonly Dispute['status'][] = ['needs_response', 'under_review'];
/** The bank's answer must be in by then. */
const ANSWER_DAYS = 7;

function detailsOf(charge: Charge): Pick<Dispute, 'payment_method_details'> {
  const card = charge.payment_method_details?.card;
  if (card === undefined) return {};
  return {
    payment_method_details: {
      type: 'card', card: { brand: card.brand ?? 'unknown', case_type: 'chargeback', network: card.network ?? 'unknown', network_reason_code: '10.4' },
    },
  };
}

/** What an open or lost dispute holds of a charge, in minor units. */
export function disputedOf(world: World, charge: string): { open: number; lost: number } {
  const sums = { open: 0, lost: 0 };
  for (const { object } of world.rows('dispute')) {
    if (object.charge !== charge) continue;
    if (OPEN.includes(object.status)) sums.open += object.amount;
    if (object.status === 'lost') sums.lost += object.amount;
  }
  return sums;
}

/** What a dispute moves of our balance, where that is in another currency than the charge. */
export interface SettledElsewhere {
  currency: string;
  amount: number;
}

/** The bank takes `amount` of a charge back; by default all that was not refunded. Another dispute may follow one that is decided, up to what that one left. */
export function openDispute(world: World, row: Row<Charge>, asked: { amount?: number; reason: DisputeReason; settled?: SettledElsewhere }): Dispute {
  const { owner, clock, object: charge } = row;
  const left = charge.amount - charge.amount_refunded;
  const amount = asked.amount ?? left;
  const before = disputedOf(world, charge.id);
  if (!charge.paid || before.open > 0 || !Number.isSafeInteger(amount) || amount < 1 || amount > charge.amount - before.lost) {
    throw invalid(`Charge ${charge.id} cannot be disputed for ${amount}.`);
  }
  const at = world.now(clock);
  const id = world.id('du');
  const settled = asked.settled ?? { currency: charge.currency, amount };
  const taken = move(world, {
    owner, clock, at, type: 'adjustment', reportingCategory: 'dispute', source: id, currency: settled.currency, amount: -settled.amount,
    fee: world.habits.disputeFees[settled.currency] ?? 0, description: `Chargeback withdrawal for ${charge.id}`, availableOn: at,
  });
  const object: Dispute = {
    id, object: 'dispute', amount, balance_transactions: [taken], charge: charge.id, created: at, currency: charge.currency,
    enhanced_eligibility_types: [], evidence: { ...NO_EVIDENCE },
    evidence_details: {
      due_by: at + ANSWER_DAYS * DAY_SECONDS, enhanced_eligibility: {}, has_evidence: false, past_due: false, submission_count: 0, submission_method: 'not_submitted',
    },
    intended_submission_method: 'manual', is_charge_refundable: false, livemode: LIVEMODE, metadata: {}, network_reason_code: '10.4',
    payment_intent: charge.payment_intent, ...detailsOf(charge), reason: asked.reason, status: 'needs_response',
  };
  world.put('dispute', { owner, clock, object });
  charge.disputed = true;
  world.emit({ type: 'charge.dispute.created', kind: 'dispute', object, at, owner });
  world.emit({ type: 'charge.dispute.funds_withdrawn', kind: 'dispute', object, at, owner });
  return object;
}

/** The bank has decided. Won: the money comes back, the fee does not. */
export function closeDispute(world: World, row: Row<Dispute>, status: 'won' | 'lost', settled: SettledElsewhere = { currency: row.object.currency, amount: row.object.amount }): Dispute {
  const { owner, clock, object } = row;
  if (!OPEN.includes(object.status)) throw invalid('This dispute is already closed.', { code: 'charge_disputed' });
  const at = world.now(clock);
  const previous = { status: object.status };
  object.status = status;
  if (status === 'won') {
    object.balance_transactions.push(move(world, {
      owner, clock, at, type: 'adjustment', reportingCategory: 'dispute_reversal', source: object.id, currency: settled.currency, amount: settled.amount,
      description: `Chargeback reversal for ${object.charge}`, availableOn: at,
    }));
    world.emit({ type: 'charge.dispute.funds_reinstated', kind: 'dispute', object, at, owner });
  }
  world.emit({ type: 'charge.dispute.closed', kind: 'dispute', object, at, owner, previous });
  return object;
}

export const disputeRoutes: readonly Route[] = [
  ['GET', 'disputes', lister('dispute', { charge: (one) => one.charge, payment_intent: (one) => one.payment_intent })],
  ['GET', 'disputes/:id', retrieve('dispute')],
  ['POST', 'disputes/:id', (world, call) => {
    const row = world.find('dispute', pathId(call), call.owner);
    row.object.metadata = mergeMetadata(row.object.metadata, call.params);
    call.params.done();
    return row.object;
  }],
  ['POST', 'disputes/:id/close', (world, call) => {
    call.params.done();
    return closeDispute(world, world.find('dispute', pathId(call), call.owner), 'lost');
  }],
];

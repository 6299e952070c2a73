/** Transfers from the platform to a connected account, and their reversals. */
import { invalid } from '../core/fault.ts';
import type { Row } from '../core/memory.ts';
import { list, LIVEMODE, type Charge, type Refund, type Transfer, type TransferReversal } from '../core/objects.ts';
import { alwaysWhole, readCurrency } from '../core/read.ts';
import { lister, mergeMetadata, pathId, page, pageWindow, retrieve, type Call, type Route } from '../core/router.ts';
import type { World } from '../core/world.ts';
import { chargeShape } from '../shapes/charge.ts';
import { accountRow } from './accounts.ts';
import { AMOUNT_MAX, availableOf, move } from './balance.ts';

/** The refusal that Stripe gives when there is too little to send. */
export function tooLittle(message: string): Error {
  return invalid(message, { code: 'balance_insufficient', kept: true });
}

interface Sending {
  owner: string;
  amount: number;
  currency: string;
  destination: string;
  source: Row<Charge> | null;
  group: string | null;
  description: string | null;
  metadata: Record<string, string>;
}

function create(world: World, { owner, params }: Call): object {
  const amount = alwaysWhole(params, 'amount', 1, AMOUNT_MAX);
  const currency = readCurrency(params);
  const destination = params.need('destination');
  const sourceId = params.text('source_transaction');
  const group = params.text('transfer_group') ?? null;
  const description = params.text('description') ?? null;
  const metadata = mergeMetadata({}, params);
  params.oneOf('source_type', ['card']);
  params.done();
  const { platform } = world.memory.hidden;
  if (owner !== platform || destination === platform) throw invalid('Transfers go from the platform to a connected account.', { param: 'destination' });
  const account = accountRow(world, owner, destination, 'destination').object;
  if (account.capabilities['transfers'] !== 'active') {
    throw invalid(
      'Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments',
      { code: 'insufficient_capabilities_for_transfer', kept: true },
    );
  }
  const source = sourceId === undefined ? null : world.find('charge', sourceId, owner, 'source_transaction');
  if (source === null) {
    if (amount > availableOf(world, owner, currency)) {
      throw tooLittle('You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance by creating Charges using the 4000000000000077 test card.');
    }
  } else {
    checkSource(world, source.object, amount, currency);
  }
  return send(world, { owner, amount, currency, destination, source, group, description, metadata });
}

function checkSource(world: World, charge: Charge, amount: number, currency: string): void {
  if (!charge.paid || charge.currency !== currency) throw invalid('The source_transaction must be a paid charge in the same currency.', { param: 'source_transaction' });
  const drawn = world.memory.hidden.drawn[charge.id] ?? 0;
  if (drawn + amount > charge.amount) {
    throw invalid(`The transfers of this source_transaction would exceed its amount.`, { code: 'amount_too_large', param: 'amount', kept: true });
  }
}

function send(world: World, sending: Sending): Transfer {
  const { owner, amount, currency, destination, source, group, description, metadata } = sending;
  const at = world.now(null);
  const id = world.id('tr');
  const payment = world.id('py');
  const settles = source?.object.balance_transaction == null ? at : world.find('balanceTransaction', source.object.balance_transaction, owner).object.available_on;
  if (source !== null) world.memory.hidden.drawn[source.object.id] = (world.memory.hidden.drawn[source.object.id] ?? 0) + amount;
  const out = move(world, {
    owner, clock: null, at, type: 'transfer', reportingCategory: 'transfer', source: id, currency, amount: -amount, description, availableOn: settles,
  });
  const credited = chargeShape(payment, at, {
    amount, currency, customer: null, description, metadata: {}, transferGroup: group, receiptEmail: null, intent: null,
  }, null, { paid: true, failure: null, receiptUrl: null });
  credited.source_transfer = id;
  credited.balance_transaction = move(world, {
    owner: destination, clock: null, at, type: 'payment', reportingCategory: 'charge', source: payment, currency, amount, description, availableOn: settles,
  }).id;
  world.put('charge', { owner: destination, clock: null, object: credited });
  const object: Transfer = {
    id, object: 'transfer', amount, amount_reversed: 0, balance_transaction: out.id, created: at, currency, description, destination,
    destination_payment: payment, livemode: LIVEMODE, metadata, reversals: list(`/v1/transfers/${id}/reversals`), reversed: false,
    source_transaction: source?.object.id ?? null, source_type: 'card', transfer_group: group ?? (source === null ? null : `group_${source.object.payment_intent ?? source.object.id}`),
  };
  world.put('transfer', { owner, clock: null, object });
  world.emit({ type: 'transfer.created', kind: 'transfer', object, at, owner });
  world.emit({ type: 'charge.succeeded', kind: 'charge', object: credited, at, owner: destination });
  return object;
}

function reverse(world: World, call: Call): object {
  const row = world.find('transfer', pathId(call), call.owner);
  const { object } = row;
  const left = object.amount - object.amount_reversed;
  const amount = call.params.whole('amount', { min: 1, max: AMOUNT_MAX }) ?? left;
  const description = call.params.text('description') ?? null;
  const metadata = mergeMetadata({}, call.params);
  call.params.done();
  if (left === 0) throw invalid(`Transfer ${object.id} is already fully reversed.`, { code: 'transfer_already_reversed', kept: true });
  if (amount > left) throw invalid(`Reversal amount (${amount}) is greater than the transfer's unreversed amount (${left}).`, { param: 'amount', kept: true });
  const destination = object.destination ?? '';
  if (amount > availableOf(world, destination, object.currency)) {
    throw tooLittle('The connected account does not have enough available funds to reverse this transfer.');
  }
  return takeBack(world, row, { amount, description, metadata, destination });
}

function takeBack(world: World, row: Row<Transfer>, facts: { amount: number; description: string | null; metadata: Record<string, string>; destination: string }): TransferReversal {
  const { owner, object: transfer } = row;
  const { amount, destination, description } = facts;
  const at = world.now(null);
  const id = world.id('trr');
  const refund: Refund = {
    id: world.id('pyr'), object: 'refund', amount, balance_transaction: null, charge: transfer.destination_payment ?? null, created: at,
    currency: transfer.currency, customer: null, customer_account: null, metadata: {}, payment_intent: null, payment_method: null, reason: null,
    receipt_number: null, source_transfer_reversal: id, status: 'succeeded', transfer_reversal: null,
  };
  refund.balance_transaction = move(world, {
    owner: destination, clock: null, at, type: 'payment_refund', reportingCategory: 'refund', source: refund.id, currency: transfer.currency,
    amount: -amount, description, availableOn: at,
  }).id;
  world.put('refund', { owner: destination, clock: null, object: refund });
  const object: TransferReversal = {
    id, object: 'transfer_reversal', amount,
    balance_transaction: move(world, {
      owner, clock: null, at, type: 'transfer_refund', reportingCategory: 'transfer_reversal', source: id, currency: transfer.currency, amount, description, availableOn: at,
    }).id,
    created: at, currency: transfer.currency, destination_payment_refund: refund.id, metadata: facts.metadata, source_refund: null, transfer: transfer.id,
  };
  world.put('transferReversal', { owner, clock: null, object });
  const previous = { amount_reversed: transfer.amount_reversed, reversed: transfer.reversed };
  transfer.amount_reversed += amount;
  transfer.reversed = transfer.amount_reversed === transfer.amount;
  transfer.reversals.data.unshift(object);
  world.emit({ type: 'transfer.reversed', kind: 'transfer', object: transfer, at, owner, previous });
  return object;
}

export const transferRoutes: readonly Route[] = [
  ['POST', 'transfers', create],
  ['GET', 'transfers', lister('transfer', { destination: (one) => one.destination, transfer_group: (one) => one.transfer_group })],
  ['GET', 'transfers/:id', retrieve('transfer')],
  ['POST', 'transfers/:id/reversals', reverse],
  ['GET', 'transfers/:id/reversals', (world, call) => {
    const window = pageWindow(call.params);
    return page(world.find('transfer', pathId(call), call.owner).object.reversals.data, window, call.path, 'transfer reversal');
  }],
];

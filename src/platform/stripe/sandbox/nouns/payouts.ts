/**
 * Payouts from a connected account to its bank: `pending` → `in_transit` → `paid`, or `failed` with the money back,
 * by Stripe's test account numbers (https://docs.stripe.com/connect/testing#account-numbers).
 */
import { invalid } from '../core/fault.ts';
import type { Row } from '../core/memory.ts';
import { LIVEMODE, type BankAccount, type Payout } from '../core/objects.ts';
import { alwaysWhole, readCurrency } from '../core/read.ts';
import { lister, mergeMetadata, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import type { World } from '../core/world.ts';
import { AMOUNT_MAX, availableOf, midnightAfter, move } from './balance.ts';
import { tooLittle } from './transfers.ts';

const FAILURES: Readonly<Record<string, readonly [code: string, message: string]>> = {
  '000111111116': ['no_account', 'The bank account could not be located.'],
  '000111111113': ['account_closed', 'The bank account has been closed.'],
  '000222222227': ['insufficient_funds', 'Your Stripe account has insufficient funds to cover the payout.'],
  '000333333335': ['debit_not_authorized', 'Debit transactions are not approved on your bank account.'],
  '000444444440': ['invalid_currency', 'The bank was unable to process this payout because of its currency.'],
};

function bankFor(world: World, owner: string, currency: string, given: string | undefined): BankAccount {
  const banks = world.peek('account', owner)?.object.external_accounts.data ?? [];
  const bank = given === undefined
    ? banks.findLast((one) => one.currency === currency && one.default_for_currency === true)
    : banks.find((one) => one.id === given);
  if (bank?.currency !== currency) {
    throw invalid(`Sorry, you don't have any external accounts in that currency (${currency}).`, { code: 'invalid_request', param: 'currency', kept: true });
  }
  return bank;
}

function create(world: World, { owner, params }: Call): object {
  const amount = alwaysWhole(params, 'amount', 1, AMOUNT_MAX);
  const currency = readCurrency(params);
  const destination = params.text('destination');
  const description = params.text('description') ?? null;
  const descriptor = params.text('statement_descriptor') ?? null;
  params.oneOf('method', ['standard']);
  params.oneOf('source_type', ['card']);
  const metadata = mergeMetadata({}, params);
  params.done();
  if (world.peek('account', owner)?.object.payouts_enabled !== true) {
    throw invalid('Payouts are not enabled on this account.', { code: 'payouts_not_allowed', kept: true });
  }
  const bank = bankFor(world, owner, currency, destination);
  if (amount > availableOf(world, owner, currency)) throw tooLittle('You have insufficient funds in your Stripe account for this transfer.');
  return send(world, { owner, amount, currency, bank: bank.id, description, descriptor, metadata, automatic: false, at: world.now(null) });
}

interface Sending {
  owner: string;
  amount: number;
  currency: string;
  bank: string;
  description: string | null;
  descriptor: string | null;
  metadata: Record<string, string>;
  automatic: boolean;
  at: number;
}

function send(world: World, sending: Sending): Payout {
  const { owner, amount, currency, at } = sending;
  const id = world.id('po');
  const arrival = midnightAfter(at, world.habits.payoutDays);
  const object: Payout = {
    id, object: 'payout', amount, application_fee: null, application_fee_amount: null, arrival_date: arrival, automatic: sending.automatic,
    balance_transaction: move(world, {
      owner, clock: null, at, type: 'payout', reportingCategory: 'payout', source: id, currency, amount: -amount,
      description: sending.description ?? 'STRIPE PAYOUT', availableOn: at,
    }).id,
    created: at, currency, description: sending.description, destination: sending.bank, failure_balance_transaction: null, failure_code: null,
    failure_message: null, livemode: LIVEMODE, metadata: sending.metadata, method: 'standard', original_payout: null, payout_method: null,
    reconciliation_status: sending.automatic ? 'completed' : 'not_applicable', reversed_by: null, source_type: 'card',
    statement_descriptor: sending.descriptor, status: 'pending', trace_id: null, type: 'bank_account',
  };
  world.put('payout', { owner, clock: null, object });
  world.emit({ type: 'payout.created', kind: 'payout', object, at, owner });
  world.schedule({ at: Math.min(midnightAfter(at, 1), arrival), clock: null, kind: 'sendPayout', id });
  world.schedule({ at: arrival, clock: null, kind: 'landPayout', id });
  return object;
}

function land(world: World, { owner, object }: Row<Payout>, at: number): void {
  const failure = FAILURES[world.memory.hidden.bankNumbers[object.destination ?? ''] ?? ''];
  if (failure === undefined) {
    Object.assign(object, { status: 'paid', trace_id: { status: 'supported', value: object.id.slice(3, 19).toUpperCase() } });
    world.emit({ type: 'payout.paid', kind: 'payout', object, at, owner });
    return;
  }
  const [code, message] = failure;
  giveBack(world, owner, object, at, { status: 'failed', failure_code: code, failure_message: message }, 'payout_failure');
  const bank = world.peek('bankAccount', object.destination ?? '');
  if (bank !== undefined) bank.object.status = 'errored';
  world.emit({ type: 'payout.failed', kind: 'payout', object, at, owner });
}

function giveBack(world: World, owner: string, object: Payout, at: number, changes: Partial<Payout>, type: 'payout_cancel' | 'payout_failure'): void {
  const back = move(world, {
    owner, clock: null, at, type, reportingCategory: 'payout_reversal', source: object.id, currency: object.currency, amount: object.amount,
    description: 'STRIPE PAYOUT', availableOn: at,
  });
  Object.assign(object, changes, { failure_balance_transaction: back.id });
}

/** Registers what payouts do as time passes. */
export function registerPayoutTasks(world: World): void {
  world.tasks.set('sendPayout', (id, at) => {
    const row = world.peek('payout', id);
    if (row?.object.status !== 'pending') return;
    row.object.status = 'in_transit';
    world.emit({ type: 'payout.updated', kind: 'payout', object: row.object, at, owner: row.owner, previous: { status: 'pending' } });
  });
  world.tasks.set('landPayout', (id, at) => {
    const row = world.peek('payout', id);
    if (row?.object.status === 'in_transit' || row?.object.status === 'pending') land(world, row, at);
  });
  world.tasks.set('autoPayout', (id, at) => {
    const account = world.peek('account', id)?.object;
    if (account?.payouts_enabled !== true || account.settings.payouts.schedule.interval !== 'daily') return;
    for (const bank of account.external_accounts.data) {
      const amount = availableOf(world, id, bank.currency);
      if (bank.default_for_currency !== true || bank.status === 'errored' || amount <= 0) continue;
      send(world, { owner: id, amount, currency: bank.currency, bank: bank.id, description: 'STRIPE PAYOUT', descriptor: null, metadata: {}, automatic: true, at });
    }
  });
}

function cancel(world: World, call: Call): object {
  call.params.done();
  const { owner, object } = world.find('payout', pathId(call), call.owner);
  if (object.status !== 'pending') throw invalid('Payouts can only be cancelled while they are pending.', { code: 'payout_not_cancelable', kept: true });
  const at = world.now(null);
  giveBack(world, owner, object, at, { status: 'canceled' }, 'payout_cancel');
  world.unschedule('sendPayout', object.id);
  world.unschedule('landPayout', object.id);
  world.emit({ type: 'payout.canceled', kind: 'payout', object, at, owner });
  return object;
}

export const payoutRoutes: readonly Route[] = [
  ['POST', 'payouts', create],
  ['GET', 'payouts', lister('payout', { status: (one) => one.status, destination: (one) => one.destination })],
  ['GET', 'payouts/:id', retrieve('payout')],
  ['POST', 'payouts/:id/cancel', cancel],
];

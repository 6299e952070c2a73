/**
 * Balance transactions: every movement of money on an account, its fee, and when it becomes available; and the
 * balance, kept up to date movement by movement (`book` reads the movements, so that the two can be compared).
 */
import { invalid } from '../core/fault.ts';
import { LIVEMODE, type BalanceTransaction } from '../core/objects.ts';
import { lister, retrieve, type Route } from '../core/router.ts';
import { DAY_SECONDS, type FeeSchedule, type World } from '../core/world.ts';

/** Stripe refuses amounts of more than eight digits; sums of these stay exact in a JavaScript number. */
export const AMOUNT_MAX = 99_999_999;

/**
 * The provider's fee on a charge, in minor units: ⌊(amount × basis points + 5,000) ÷ 10,000⌋ (half up) plus the
 * currency's fixed part. 600 (6 CNY) at 2.9 % + 0.10 CNY: 17.4 → 17, + 10 = 27.
 */
export function feeOf(fees: FeeSchedule, amount: number, currency: string): number {
  const fixed = fees.fixedMinor[currency];
  if (fixed === undefined) throw invalid(`Invalid currency: ${currency}. The sandbox's fee schedule has no line for it.`, { param: 'currency' });
  return Number((BigInt(amount) * BigInt(fees.basisPoints) + 5_000n) / 10_000n) + fixed;
}

/** Midnight UTC, `days` after the day of `at`. */
export function midnightAfter(at: number, days: number): number {
  return (Math.floor(at / DAY_SECONDS) + days) * DAY_SECONDS;
}

export interface Movement {
  owner: string;
  clock: string | null;
  at: number;
  type: BalanceTransaction['type'];
  reportingCategory: string;
  source: string;
  currency: string;
  amount: number;
  fee?: number;
  description: string | null;
  /** Unix seconds; at or before `at` means available at once. */
  availableOn: number;
}

function purse(world: World, owner: string, currency: string): { available: number; pending: number } {
  const purses = (world.memory.hidden.balances[owner] ??= {});
  return (purses[currency] ??= { available: 0, pending: 0 });
}

/** What an account may send on at this moment, in minor units. */
export function availableOf(world: World, owner: string, currency: string): number {
  return world.memory.hidden.balances[owner]?.[currency]?.available ?? 0;
}

/** Books a movement. Returns the balance transaction. */
export function move(world: World, movement: Movement): BalanceTransaction {
  const { owner, clock, at, currency, amount, availableOn } = movement;
  const fee = movement.fee ?? 0;
  const pending = availableOn > at;
  const object: BalanceTransaction = {
    id: world.id('txn'), object: 'balance_transaction',
    amount, available_on: pending ? availableOn : at, balance_type: 'payments', created: at, currency,
    description: movement.description, exchange_rate: null, fee,
    fee_details: fee === 0 ? [] : [{ amount: fee, application: null, currency, description: 'Stripe processing fees', type: 'stripe_fee' }],
    net: amount - fee,
    reporting_category: movement.reportingCategory, source: movement.source, status: pending ? 'pending' : 'available', type: movement.type,
  };
  world.put('balanceTransaction', { owner, clock, object });
  purse(world, owner, currency)[pending ? 'pending' : 'available'] += object.net;
  if (pending) world.schedule({ at: availableOn, clock, kind: 'settle', id: object.id });
  else if (object.net > 0) planAutoPayout(world, owner, at);
  return object;
}

/** The task `settle`: pending money becomes available. */
export function settle(world: World, id: string): void {
  const row = world.peek('balanceTransaction', id);
  if (row?.object.status !== 'pending') return;
  row.object.status = 'available';
  const { pending, available } = purse(world, row.owner, row.object.currency);
  Object.assign(purse(world, row.owner, row.object.currency), { pending: pending - row.object.net, available: available + row.object.net });
  if (row.object.net > 0) planAutoPayout(world, row.owner, row.object.available_on);
}

/** A connected account on a daily schedule is paid out at the next midnight UTC; a manual one only when asked. */
export function planAutoPayout(world: World, owner: string, at: number): void {
  const account = world.peek('account', owner);
  if (owner === world.memory.hidden.platform || account?.object.settings.payouts.schedule.interval !== 'daily') return;
  world.unschedule('autoPayout', owner);
  world.schedule({ at: midnightAfter(at, 1), clock: null, kind: 'autoPayout', id: owner });
}

function balance(world: World, owner: string): object {
  const purses = Object.entries(world.memory.hidden.balances[owner] ?? {}).sort(([a], [b]) => a.localeCompare(b));
  const shown = purses.length === 0 ? [['cny', { available: 0, pending: 0 }] as const] : purses;
  const lines = (part: 'available' | 'pending'): object[] =>
    shown.map(([currency, held]) => ({ amount: held[part], currency, source_types: { card: held[part] } }));
  return {
    object: 'balance', available: lines('available'),
    connect_reserved: shown.map(([currency]) => ({ amount: 0, currency })),
    livemode: LIVEMODE, pending: lines('pending'),
  };
}

export const balanceRoutes: readonly Route[] = [
  ['GET', 'balance', (world, call) => {
    call.params.done();
    return balance(world, call.owner);
  }],
  ['GET', 'balance_transactions', lister('balanceTransaction', {
    type: (one) => one.type, source: (one) => one.source, currency: (one) => one.currency,
  })],
  ['GET', 'balance_transactions/:id', retrieve('balanceTransaction')],
];

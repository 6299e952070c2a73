import type { Wallets } from './coins.ts';
import { type Base, PLATFORM, type Leg } from './happenings.ts';

/** What stands in the model's books between two happenings. */

export interface Terms {
  splitId: string;
  number: number;
  fromDay: number;
  legs: readonly Leg[];
  bearer: string;
  base: Base;
  reserve: { basisPoints: number; days: number };
}

/** A share that an original's owner has of what a derivative earns. */
export interface Term {
  number: number;
  fromDay: number;
  originalCloneId: string;
  owner: string;
  basisPoints: number;
  ceilingBasisPoints: number;
}

/** Earned under one split and divided by no run yet. */
export interface Waiting {
  splitId: string;
  lastDay: number;
  amountMinor: bigint;
  /** What was taken off before: the processor's fee and the tax. */
  feeMinor: bigint;
  taxMinor: bigint;
}

export interface PotLeg {
  payee: string;
  /** Of the base. */
  share: bigint;
  /** What was posted: the platform's is less by what the base leaves in. */
  received: bigint;
  /** Of the share, so far. */
  returned: bigint;
}

/** Price without tax, tax, and the processor's fee. */
export interface Parts {
  net: bigint;
  tax: bigint;
  fee: bigint;
}

export interface Pot {
  tierId: string;
  splitId: string;
  run: number;
  lastDay: number;
  base: Base;
  amountMinor: bigint;
  /** Of the base, and of what was posted. */
  claimedMinor: bigint;
  backMinor: bigint;
  feeMinor: bigint;
  taxMinor: bigint;
  legs: PotLeg[];
}

/** A part of what a payee has coming that waits for a day, or for the end of a dispute. */
export interface Held {
  payee: string;
  cloneId: string;
  cause: string;
  dueDay: number | null;
  left: bigint;
}

/** What a run took for an advance, of which base. */
export interface Recoupment {
  run: number;
  cloneId: string;
  advance: Advance;
  baseMinor: bigint;
  amountMinor: bigint;
  restoredMinor: bigint;
}

export interface Advance {
  id: string;
  payee: string;
  cloneIds: readonly string[];
  base: 'share' | 'pot';
  rateBasisPoints: number;
  endsOn: number | null;
  paid: boolean;
}

export interface Period {
  id: string;
  cloneId: string;
  tierId: string;
  netMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
  days: number;
  /** Days earned so far, and the next calendar day that could be. */
  earned: number;
  nextDay: number;
  /** The calendar day of each earned day. */
  earnedOn: number[];
  ended: boolean;
  /** The dispute of its payment that is not decided. */
  dispute: string | null;
  /** Ended by a stop while its payment was disputed, and not paid back. */
  stoppedOn: number | null;
  /** Delivered days that went back to the fan. */
  returnedDays: number[];
  waiting: Waiting[];
  /** What of it went into which pot, what of that was claimed, and how much of the pot's base that was. */
  pots: { pot: Pot; own: Parts; claimed: Parts; baseMinor: bigint }[];
  quota: { held: number; captured: number };
  /** The spend of coins that paid it. */
  coins: string | null;
}

export interface Clone {
  terms: Terms[];
  /** What makes it a derivative. */
  above: Term[];
  pauses: { from: number; to: number | null }[];
  stoppedOn: number | null;
  periods: Period[];
  runs: number;
  divided: Pot[];
}

/** A payment that a bank took back and has not decided on. */
export interface OpenDispute {
  id: string;
  claimMinor: bigint;
  /** The periods and outputs that the payment bought, the latest first. */
  bought: () => string[];
}

export interface Books {
  taxBasisPoints: bigint;
  balances: Map<string, bigint>;
  clones: Map<string, Clone>;
  periods: Map<string, Period>;
  held: Held[];
  disputes: Map<string, OpenDispute>;
  wallets: Wallets;
  advances: Advance[];
  recoupments: Recoupment[];
  /** By payee: from which day which rate. */
  taxes: { payee: string; fromDay: number; basisPoints: number }[];
  /** By payee: the last payout of earnings. */
  payouts: Map<string, { sentMinor: bigint; withheldMinor: bigint }>;
  post: (...legs: (readonly [account: string, amountMinor: bigint])[]) => void;
  balance: (account: string) => bigint;
  clone: (cloneId: string) => Clone;
  period: (id: string) => Period;
}

/** The chart of accounts, as docs/promises.md names it. */
export const account = {
  cash: 'cash_in_transit:CNY',
  tax: 'tax_payable:CNY',
  fees: 'platform_expense:processor_fees:CNY',
  disputeFees: 'platform_expense:dispute_fees:CNY',
  deferred: (cloneId: string): string => `deferred:${cloneId}:CNY`,
  deferredFees: (cloneId: string): string => `deferred_fees:${cloneId}:CNY`,
  earned: (cloneId: string, tierId: string): string => `earned:${cloneId}:${tierId}:CNY`,
  payable: (payee: string): string => `payable:${payee}:CNY`,
  pending: (payee: string): string => `payout_pending:${payee}:CNY`,
  held: (payee: string): string => `payee_reserve:${payee}:CNY`,
  withheld: 'withholding_payable:CNY',
  advance: (id: string): string => `advance_unrecouped:${id}:CNY`,
  lostAdvances: 'platform_expense:unrecouped_advances:CNY',
  disputed: 'disputes_pending:CNY',
  debt: (payee: string): string => `payee_debt:${payee}:CNY`,
};

export function openBooks(taxBasisPoints: bigint): Books {
  const balances = new Map<string, bigint>();
  const clones = new Map<string, Clone>();
  const periods = new Map<string, Period>();
  return {
    taxBasisPoints, balances, clones, periods, held: [], disputes: new Map(), wallets: { lots: [], spends: new Map() }, advances: [], recoupments: [], taxes: [], payouts: new Map(),
    post(...legs) {
      const sum = legs.reduce((total, [, amountMinor]) => total + amountMinor, 0n);
      if (sum !== 0n) throw new Error(`the model does not balance: ${JSON.stringify(legs.map(([name, amount]) => [name, amount.toString()]))}`);
      for (const [name, amountMinor] of legs) balances.set(name, (balances.get(name) ?? 0n) + amountMinor);
    },
    balance: (name) => balances.get(name) ?? 0n,
    clone(cloneId) {
      const found = clones.get(cloneId) ?? { terms: [], above: [], pauses: [], stoppedOn: null, periods: [], runs: 0, divided: [] };
      clones.set(cloneId, found);
      return found;
    },
    period(id) {
      const found = periods.get(id);
      if (found === undefined) throw new Error(`the model knows no period ${id}`);
      return found;
    },
  };
}

/** What a payee has coming that was not paid; the platform's may be below zero. */
export const unpaid = (books: Books, payee: string): bigint => -books.balance(account.payable(payee));

/** Takes up to an amount out of what is held: what that cause held, then what a day releases, the first due first. */
function takeHeld(books: Books, payee: string, cloneId: string, amountMinor: bigint, cause: string | null): bigint {
  let rest = amountMinor;
  const lots = books.held.filter((lot) => lot.payee === payee && lot.cloneId === cloneId && (lot.dueDay !== null || lot.cause === cause));
  for (const lot of lots.sort((a, b) => (a.dueDay ?? -1) - (b.dueDay ?? -1))) {
    const part = rest < lot.left ? rest : lot.left;
    lot.left -= part;
    rest -= part;
  }
  return amountMinor - rest;
}

/** Holds up to an amount of what is unpaid; answers how much. */
export function hold(books: Books, lot: Omit<Held, 'left'>, amountMinor: bigint): bigint {
  if (lot.payee === PLATFORM) return 0n;
  const there = unpaid(books, lot.payee);
  const left = amountMinor < there ? amountMinor : there;
  if (left <= 0n) return 0n;
  books.post([account.payable(lot.payee), left], [account.held(lot.payee), -left]);
  books.held.push({ ...lot, left });
  return left;
}

/** Holds an amount for a dispute; what the unpaid balance lacks comes out of what the clone holds until a day. */
export function holdFor(books: Books, lot: Omit<Held, 'left'>, amountMinor: bigint): void {
  const there = unpaid(books, lot.payee);
  let lack = amountMinor - (there > 0n ? there : 0n);
  const dated = books.held.filter((one) => one.payee === lot.payee && one.cloneId === lot.cloneId && one.dueDay !== null && one.left > 0n);
  for (const one of dated.sort((a, b) => (a.dueDay ?? 0) - (b.dueDay ?? 0))) {
    const part = one.left < lack ? one.left : lack;
    if (part <= 0n) break;
    books.post([account.held(lot.payee), part], [account.payable(lot.payee), -part]);
    one.left -= part;
    lack -= part;
  }
  hold(books, lot, amountMinor);
}

/** What is held and `of` says is unpaid again. */
export function release(books: Books, of: (lot: Held) => boolean): void {
  for (const lot of books.held.filter((one) => one.left > 0n && of(one))) {
    books.post([account.held(lot.payee), lot.left], [account.payable(lot.payee), -lot.left]);
    lot.left = 0n;
  }
}

/** A payee gives back: out of what is held for the clone, what is unpaid, and the rest as a debt. The legs, as debits. */
export function givesBack(books: Books, cloneId: string, payee: string, amountMinor: bigint, cause: string | null = null): [string, bigint][] {
  if (payee === PLATFORM) return [[account.payable(payee), amountMinor]];
  const fromHeld = amountMinor > 0n ? takeHeld(books, payee, cloneId, amountMinor, cause) : 0n;
  const there = unpaid(books, payee);
  const covered = there < amountMinor - fromHeld ? there : amountMinor - fromHeld;
  return [[account.held(payee), fromHeld], [account.payable(payee), covered], [account.debt(payee), amountMinor - fromHeld - covered]];
}

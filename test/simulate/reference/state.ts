import { PLATFORM, type Leg } from './happenings.ts';

/** What stands in the model's books between two happenings. */

export interface Terms {
  splitId: string;
  number: number;
  fromDay: number;
  legs: readonly Leg[];
  bearer: string;
}

/** Earned under one split and divided by no run yet. */
export interface Waiting {
  splitId: string;
  lastDay: number;
  amountMinor: bigint;
}

export interface Pot {
  tierId: string;
  splitId: string;
  run: number;
  lastDay: number;
  amountMinor: bigint;
  refundedMinor: bigint;
  legs: { payee: string; received: bigint; returned: bigint }[];
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
  waiting: Waiting[];
  pots: { pot: Pot; amountMinor: bigint; returnedMinor: bigint }[];
  quota: { held: number; captured: number };
}

export interface Clone {
  terms: Terms[];
  pauses: { from: number; to: number | null }[];
  stoppedOn: number | null;
  periods: Period[];
  runs: number;
}

export interface Books {
  taxBasisPoints: bigint;
  balances: Map<string, bigint>;
  clones: Map<string, Clone>;
  periods: Map<string, Period>;
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
  debt: (payee: string): string => `payee_debt:${payee}:CNY`,
};

export function openBooks(taxBasisPoints: bigint): Books {
  const balances = new Map<string, bigint>();
  const clones = new Map<string, Clone>();
  const periods = new Map<string, Period>();
  return {
    taxBasisPoints, balances, clones, periods,
    post(...legs) {
      const sum = legs.reduce((total, [, amountMinor]) => total + amountMinor, 0n);
      if (sum !== 0n) throw new Error(`the model does not balance: ${JSON.stringify(legs.map(([name, amount]) => [name, amount.toString()]))}`);
      for (const [name, amountMinor] of legs) balances.set(name, (balances.get(name) ?? 0n) + amountMinor);
    },
    balance: (name) => balances.get(name) ?? 0n,
    clone(cloneId) {
      const found = clones.get(cloneId) ?? { terms: [], pauses: [], stoppedOn: null, periods: [], runs: 0 };
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

/** A payee gives back: out of what is unpaid, and the rest as a debt. The legs, as debits. */
export function givesBack(books: Books, payee: string, amountMinor: bigint): [string, bigint][] {
  if (payee === PLATFORM) return [[account.payable(payee), amountMinor]];
  const there = unpaid(books, payee);
  const covered = there < amountMinor ? there : amountMinor;
  return [[account.payable(payee), covered], [account.debt(payee), amountMinor - covered]];
}

import { dispute, pay, recognise, stop, termsOn } from './earning.ts';
import { giveBackDays, payOut, run } from './dividing.ts';
import { dayOf } from './days.ts';
import type { Happening } from './happenings.ts';
import { account, type Books, openBooks } from './state.ts';

/**
 * The books as they must stand, from the list of what happened alone. It shares no code with what it judges: days are
 * counted one by one, amounts are exact fractions until docs/promises.md rounds them, refunds are counted out unit by unit.
 */
export interface Reference {
  happen: (happening: Happening) => void;
  /** By account code; positive is a debit; accounts at zero are left out. */
  balances: () => Map<string, bigint>;
  books: Books;
}

function quotaOf(books: Books, { what, period }: Extract<Happening, { what: 'held' | 'voided' | 'captured' }>): void {
  const { quota } = books.period(period);
  quota.held += what === 'held' ? 1 : -1;
  if (what === 'captured') quota.captured += 1;
}

function apply(books: Books, happening: Happening): void {
  switch (happening.what) {
    case 'split': {
      const { splitId, number, fromDay, legs, bearer } = happening;
      books.clone(happening.cloneId).terms.push({ splitId, number, fromDay, legs, bearer });
      return;
    }
    case 'paused': books.clone(happening.cloneId).pauses.push({ from: happening.at, to: null }); return;
    case 'resumed': {
      const open = books.clone(happening.cloneId).pauses.find(({ to }) => to === null);
      if (open !== undefined) open.to = happening.at;
      return;
    }
    case 'paid': pay(books, happening); return;
    case 'recognised': recognise(books, happening); return;
    case 'stopped': stop(books, happening); return;
    case 'returned': {
      const clone = books.clone(books.period(happening.period).cloneId);
      giveBackDays(books, happening, termsOn(clone, dayOf(happening.at)).bearer);
      return;
    }
    case 'disputed': dispute(books, happening); return;
    case 'run': run(books, happening); return;
    case 'payouts': payOut(books, happening); return;
    case 'sent': books.post([account.pending(happening.payee), happening.amountMinor], [account.cash, -happening.amountMinor]); return;
    case 'bounced': books.post([account.cash, happening.amountMinor], [account.payable(happening.payee), -happening.amountMinor]); return;
    case 'held': case 'voided': case 'captured': quotaOf(books, happening);
  }
}

export function makeReference(taxBasisPoints: bigint): Reference {
  const books = openBooks(taxBasisPoints);
  return {
    books,
    happen: (happening) => apply(books, happening),
    balances: () => new Map([...books.balances].filter(([, amountMinor]) => amountMinor !== 0n)),
  };
}


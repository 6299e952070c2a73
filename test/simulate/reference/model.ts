import { buy, capture, decideLot, disputeLot, giveBack, payBack, prepay, reserve } from './coins.ts';
import { decide, open } from './disputing.ts';
import { giveBackDays, run } from './dividing.ts';
import { carry, pay, recognise, stop, termsOn, unusedOn } from './earning.ts';
import { advance, bounced, endAdvance, payOut, sent } from './paying.ts';
import { type Happening, PLATFORM } from './happenings.ts';
import { type Books, openBooks, release } from './state.ts';

/**
 * The books as they must stand, from the list of what happened alone. It shares no code with what it judges: days are
 * counted one by one, amounts are exact fractions until docs/promises.md rounds them, refunds are counted out unit by unit.
 */
export interface Reference {
  happen: (happening: Happening) => void;
  /** By account code; positive is a debit; accounts at zero are left out. */
  balances: () => Map<string, bigint>;
  /** What a change of plan on a day would credit of a period. */
  creditOf: (period: string, day: number) => { creditMinor: bigint };
  books: Books;
}

function quotaOf(books: Books, { what, period }: Extract<Happening, { what: 'held' | 'voided' | 'captured' }>): void {
  const { quota } = books.period(period);
  quota.held += what === 'held' ? 1 : -1;
  if (what === 'captured') quota.captured += 1;
}

function apply(books: Books, happening: Happening): void {
  switch (happening.what) {
    case 'split': books.clone(happening.cloneId).terms.push(happening); return;
    case 'derived': books.clone(happening.cloneId).above.push(happening); return;
    case 'paused': books.clone(happening.cloneId).pauses.push({ from: happening.at, to: null }); return;
    case 'resumed': {
      const since = books.clone(happening.cloneId).pauses.find(({ to }) => to === null);
      if (since !== undefined) since.to = happening.at;
      return;
    }
    case 'paid': pay(books, happening); return;
    case 'carried': carry(books, happening); return;
    case 'recognised': recognise(books, happening); return;
    case 'stopped': stop(books, happening); return;
    case 'returned': {
      const clone = books.clone(books.period(happening.period).cloneId);
      // Whom the split names that the days were earned under; days of two are asked for apart.
      const bearers = new Set(happening.days.map((day) => termsOn(clone, day).bearer));
      if (bearers.size !== 1) throw new Error('days of two bearers were returned together');
      giveBackDays(books, happening, [...bearers][0] ?? PLATFORM);
      return;
    }
    case 'disputed': open(books, happening); return;
    case 'dispute_decided': decide(books, happening); return;
    case 'run': run(books, happening); return;
    case 'held': case 'voided': case 'captured': quotaOf(books, happening); return;
    case 'payouts': case 'sent': case 'bounced': case 'advanced': case 'advance_ended': case 'taxed': case 'day_came': applyToPayees(books, happening); return;
    default: applyToCoins(books, happening);
  }
}

type ToPayees = Extract<Happening, { what: 'payouts' | 'sent' | 'bounced' | 'advanced' | 'advance_ended' | 'taxed' | 'day_came' }>;

type ToCoins = Extract<Happening, { what: 'coins_bought' | 'coins_held' | 'coins_voided' | 'coins_captured' | 'month_prepaid' | 'coins_returned' | 'lot_disputed' | 'lot_decided' }>;

function applyToCoins(books: Books, happening: ToCoins): void {
  switch (happening.what) {
    case 'coins_bought': buy(books, happening); return;
    case 'coins_held': reserve(books, happening); return;
    case 'coins_voided': giveBack(books, happening); return;
    case 'coins_captured': capture(books, happening); return;
    case 'month_prepaid': prepay(books, happening); return;
    case 'coins_returned': payBack(books, happening); return;
    case 'lot_disputed': disputeLot(books, happening); return;
    case 'lot_decided': decideLot(books, happening);
  }
}

function applyToPayees(books: Books, happening: ToPayees): void {
  switch (happening.what) {
    case 'payouts': payOut(books, happening); return;
    case 'sent': sent(books, happening); return;
    case 'bounced': bounced(books, happening); return;
    case 'advanced': advance(books, happening); return;
    case 'advance_ended': endAdvance(books, happening); return;
    case 'taxed': books.taxes.push(happening); return;
    case 'day_came': release(books, ({ dueDay }) => dueDay !== null && dueDay <= happening.day);
  }
}

export function makeReference(taxBasisPoints: bigint): Reference {
  const books = openBooks(taxBasisPoints);
  return {
    books,
    creditOf(period, day) {
      const { netMinor, taxMinor } = unusedOn(books, period, day);
      return { creditMinor: netMinor + taxMinor };
    },
    happen: (happening) => apply(books, happening),
    balances: () => new Map([...books.balances].filter(([, amountMinor]) => amountMinor !== 0n)),
  };
}


import { dayOf } from './days.ts';
import { partsOf, received, takeEarned } from './dividing.ts';
import { earn, returnUnused, upTo } from './earning.ts';
import { type Happening, PLATFORM } from './happenings.ts';
import { account, type Books, holdFor, type OpenDispute, type Period, release } from './state.ts';

/** A bank takes a payment back, and decides some day; meanwhile everything else goes on. Its fee is gone either way. */

/**
 * As much as payees would have to give back is held of what they have coming: at the beginning, after each run of what it has just divided, and
 * once more before a loss. What is held for it already counts.
 */
export function holdClaim(books: Books, dispute: OpenDispute, asks: (payee: string, cloneId: string) => boolean = () => true): void {
  const wanted = new Map<string, { payee: string; cloneId: string; amountMinor: bigint }>();
  let left = dispute.claimMinor;
  for (const id of dispute.bought()) {
    const period = books.period(id);
    const { totals, takenMinor } = received(period, left);
    left -= takenMinor;
    for (const [payee, amount] of totals) {
      if (amount <= 0n || payee === PLATFORM || !asks(payee, period.cloneId)) continue;
      const key = `${payee} ${period.cloneId}`;
      const one = wanted.get(key) ?? { payee, cloneId: period.cloneId, amountMinor: 0n };
      wanted.set(key, { ...one, amountMinor: one.amountMinor + amount });
    }
  }
  for (const { payee, cloneId, amountMinor } of wanted.values()) {
    const there = books.held.filter((lot) => lot.cause === dispute.id && lot.payee === payee && lot.cloneId === cloneId).reduce((sum, lot) => sum + lot.left, 0n);
    if (amountMinor > there) holdFor(books, { payee, cloneId, cause: dispute.id, dueDay: null }, amountMinor - there);
  }
}

/** What a run has just divided of disputed payments, of those who received something in it. */
export function holdAfterRun(books: Books, cloneId: string, payees: ReadonlySet<string>): void {
  const open = [...books.disputes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const dispute of open) holdClaim(books, dispute, (payee, of) => of === cloneId && payees.has(payee));
}

/** The money is pending: all of the payment that was not paid back before. */
export function open(books: Books, { dispute: id, period: periodId, amountMinor, feeMinor }: Extract<Happening, { what: 'disputed' }>): void {
  const period = books.period(periodId);
  books.post([account.disputed, amountMinor], [account.disputeFees, feeMinor], [account.cash, -amountMinor - feeMinor]);
  const dispute: OpenDispute = { id, claimMinor: amountMinor, bought: () => [periodId] };
  books.disputes.set(id, dispute);
  period.dispute = id;
  holdClaim(books, dispute);
}

const left = (period: Period, amountMinor: bigint): bigint => amountMinor - upTo(amountMinor, period.earned, period.days);

/** Lost: days to come first, out of what is deferred; then what was earned of the others, of who received it. */
function lose(books: Books, { dispute, period: id, at }: Extract<Happening, { what: 'dispute_decided' }>): void {
  const period = books.period(id);
  const { cloneId } = period;
  if (!period.ended) earn(books, books.clone(cloneId), period, dayOf(at));
  const unused = { net: left(period, period.netMinor), tax: left(period, period.taxMinor), fee: left(period, period.feeMinor) };
  books.post(
    [account.deferred(cloneId), unused.net], [account.tax, unused.tax], [account.fees, unused.fee], [account.deferredFees(cloneId), -unused.fee],
    [account.disputed, -unused.net - unused.tax],
  );
  if (period.earned < period.days) period.ended = true;
  const gone = partsOf(period, period.returnedDays);
  const earned = {
    net: upTo(period.netMinor, period.earned, period.days) - gone.net, tax: upTo(period.taxMinor, period.earned, period.days) - gone.tax,
    fee: upTo(period.feeMinor, period.earned, period.days) - gone.fee,
  };
  const { legs, takenMinor } = takeEarned(books, period, earned, dispute);
  books.post(...legs, [account.fees, earned.net - takenMinor], [account.tax, earned.tax], [account.disputed, -earned.net - earned.tax]);
}

export function decide(books: Books, decided: Extract<Happening, { what: 'dispute_decided' }>): void {
  const { dispute: id, period: periodId, lost } = decided;
  const dispute = books.disputes.get(id);
  const period = books.period(periodId);
  if (dispute === undefined) throw new Error(`the model knows no open dispute ${id}`);
  books.disputes.delete(id);
  period.dispute = null;
  if (lost) {
    holdClaim(books, dispute);
    lose(books, decided);
  } else {
    books.post([account.cash, dispute.claimMinor], [account.disputed, -dispute.claimMinor]);
  }
  release(books, (lot) => lot.cause === id);
  // Days that a stop ended meanwhile could not be paid back; now they are.
  if (!lost && period.stoppedOn !== null) returnUnused(books, books.clone(period.cloneId), period, period.stoppedOn);
}

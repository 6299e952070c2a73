import { dayOf } from './days.ts';
import { partsOf, received, takeEarned } from './dividing.ts';
import { earn, upTo } from './earning.ts';
import { type Happening, PLATFORM } from './happenings.ts';
import { account, type Books, holdFor, release } from './state.ts';

/** A bank takes a payment back, and decides. Its fee is gone either way. */

const grossOf = (period: { netMinor: bigint; taxMinor: bigint }): bigint => period.netMinor + period.taxMinor;

/** The money is pending; as much as payees would have to give back is held of what they have coming. */
export function open(books: Books, { dispute, period: id, feeMinor }: Extract<Happening, { what: 'disputed' }>): void {
  const period = books.period(id);
  books.post([account.disputed, grossOf(period)], [account.disputeFees, feeMinor], [account.cash, -grossOf(period) - feeMinor]);
  for (const [payee, amount] of received(period, grossOf(period)).totals) {
    if (amount > 0n && payee !== PLATFORM) holdFor(books, { payee, cloneId: period.cloneId, cause: dispute, dueDay: null }, amount);
  }
}

/** Lost: days to come first, out of what is deferred; then what was earned of the others, of who received it. */
function lose(books: Books, { dispute, period: id, at }: Extract<Happening, { what: 'dispute_decided' }>): void {
  const period = books.period(id);
  const { cloneId } = period;
  if (!period.ended) earn(books, books.clone(cloneId), period, dayOf(at));
  const left = (amountMinor: bigint): bigint => amountMinor - upTo(amountMinor, period.earned, period.days);
  const unused = { net: left(period.netMinor), tax: left(period.taxMinor), fee: left(period.feeMinor) };
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
  const { dispute, period: id, lost } = decided;
  const period = books.period(id);
  if (lost) lose(books, decided);
  else books.post([account.cash, grossOf(period)], [account.disputed, -grossOf(period)]);
  release(books, (lot) => lot.cause === dispute);
}

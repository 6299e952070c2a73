import { dayOf } from './days.ts';
import { net, pointsOf } from './dividing.ts';
import { floor, fraction } from './fraction.ts';
import type { Happening } from './happenings.ts';
import { account, type Books, unpaid } from './state.ts';

/** Money to payees: payouts, what is withheld of them, what comes back, and advances. */

function withheldOf(books: Books, payee: string, amountMinor: bigint, at: number): bigint {
  const begun = books.taxes.filter((tax) => tax.payee === payee && tax.fromDay <= dayOf(at));
  const newest = begun.reduce<Books['taxes'][number] | null>((best, one) => (best === null || one.fromDay >= best.fromDay ? one : best), null);
  return newest === null ? 0n : pointsOf(amountMinor, newest.basisPoints);
}

export function payOut(books: Books, { ready, minimumMinor, at }: Extract<Happening, { what: 'payouts' }>): void {
  for (const payee of ready) {
    const amountMinor = unpaid(books, payee) - books.balance(account.debt(payee));
    if (amountMinor < minimumMinor) continue;
    net(books, payee);
    const withheldMinor = withheldOf(books, payee, amountMinor, at);
    const sentMinor = amountMinor - withheldMinor;
    books.post([account.payable(payee), amountMinor], [account.pending(payee), -sentMinor], [account.withheld, -withheldMinor]);
    books.payouts.set(payee, { sentMinor, withheldMinor });
  }
}

export function sent(books: Books, { payee, amountMinor, advanceId }: Extract<Happening, { what: 'sent' }>): void {
  books.post([account.pending(payee), amountMinor], [account.cash, -amountMinor]);
  for (const advance of books.advances) if (advance.id === advanceId) advance.paid = true;
}

/** The processor took money back: unpaid again, with its part of the tax. */
export function bounced(books: Books, { payee, amountMinor }: Extract<Happening, { what: 'bounced' }>): void {
  const payout = books.payouts.get(payee);
  if (payout === undefined) throw new Error(`the model knows no payout to ${payee}`);
  const taxMinor = floor(fraction(payout.withheldMinor * amountMinor, payout.sentMinor));
  books.post([account.cash, amountMinor], [account.withheld, taxMinor], [account.payable(payee), -amountMinor - taxMinor]);
}

export function advance(books: Books, told: Extract<Happening, { what: 'advanced' }>): void {
  const { advanceId: id, payee, amountMinor, at, cloneIds, base, rateBasisPoints, endsOn } = told;
  const withheldMinor = withheldOf(books, payee, amountMinor, at);
  books.post([account.advance(id), amountMinor], [account.pending(payee), withheldMinor - amountMinor], [account.withheld, -withheldMinor]);
  books.advances.push({ id, payee, cloneIds, base, rateBasisPoints, endsOn, paid: false });
}

/** What was never recouped is nobody's debt. */
export function endAdvance(books: Books, { advanceId }: Extract<Happening, { what: 'advance_ended' }>): void {
  const left = books.balance(account.advance(advanceId));
  books.post([account.lostAdvances, left], [account.advance(advanceId), -left]);
  books.advances = books.advances.filter(({ id }) => id !== advanceId);
}

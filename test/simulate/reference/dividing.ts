import { upTo } from './earning.ts';
import { largestRemainder, sainteLague } from './fraction.ts';
import { type Happening, PLATFORM } from './happenings.ts';
import { account, type Books, type Clone, givesBack, type Period, type Pot, type Terms, unpaid } from './state.ts';

/** Owner money: pots, what comes back out of them, debts and payouts. */

/** Takes a debt out of what is unpaid. */
function net(books: Books, payee: string): void {
  if (payee === PLATFORM) return;
  const [owed, there] = [books.balance(account.debt(payee)), unpaid(books, payee)];
  const amount = owed < there ? owed : there;
  if (amount > 0n) books.post([account.payable(payee), amount], [account.debt(payee), -amount]);
}

function divide(books: Books, cloneId: string, pot: Pot, terms: Terms): void {
  const shares = pot.amountMinor < 0n
    ? terms.legs.map(({ payee }) => (payee === PLATFORM ? pot.amountMinor : 0n))
    : largestRemainder(pot.amountMinor, terms.legs.map(({ basisPoints }) => BigInt(basisPoints)));
  pot.legs = terms.legs.map(({ payee }, leg) => ({ payee, received: shares[leg] ?? 0n, returned: 0n }));
  books.post([account.earned(cloneId, pot.tierId), pot.amountMinor], ...pot.legs.map(({ payee, received }) => [account.payable(payee), -received] as const));
}

function potsOf(clone: Clone): Pot[] {
  const pots = new Map<string, Pot>();
  for (const period of clone.periods) {
    for (const { splitId, lastDay, amountMinor } of period.waiting) {
      const key = `${period.tierId} ${splitId}`;
      const pot = pots.get(key) ?? { tierId: period.tierId, splitId, run: clone.runs, lastDay, amountMinor: 0n, refundedMinor: 0n, legs: [] };
      pots.set(key, pot);
      pot.amountMinor += amountMinor;
      pot.lastDay = Math.max(pot.lastDay, lastDay);
      period.pots.push({ pot, amountMinor, returnedMinor: 0n });
    }
    period.waiting = [];
  }
  return [...pots.values()];
}

export function run(books: Books, { cloneId }: Extract<Happening, { what: 'run' }>): void {
  const clone = books.clone(cloneId);
  clone.runs += 1;
  const pots = potsOf(clone);
  for (const pot of pots) {
    const terms = clone.terms.find(({ splitId }) => splitId === pot.splitId);
    if (terms === undefined) throw new Error(`the model knows no split ${pot.splitId}`);
    divide(books, cloneId, pot, terms);
  }
  for (const payee of new Set(pots.flatMap((pot) => pot.legs.filter((leg) => leg.received > 0n).map((leg) => leg.payee)))) net(books, payee);
}

/** Where the rest of a claim is found after what no run has divided: the period's pots, the one of the latest days first. */
function takeFromPots(period: Period, claimMinor: bigint): { restMinor: bigint; steps: Map<string, bigint> } {
  let restMinor = claimMinor;
  const steps = new Map<string, bigint>();
  const latestFirst = [...period.pots].sort((a, b) => b.pot.lastDay - a.pot.lastDay || b.pot.run - a.pot.run);
  for (const own of latestFirst) {
    const { pot } = own;
    const limits = [own.amountMinor - own.returnedMinor, pot.amountMinor - pot.refundedMinor, restMinor];
    const part = limits.reduce((least, one) => (one < least ? one : least));
    if (part <= 0n) continue;
    own.returnedMinor += part;
    pot.refundedMinor += part;
    restMinor -= part;
    const after = sainteLague(pot.refundedMinor, pot.legs.map((leg) => leg.received), pot.legs.map((leg) => leg.returned));
    pot.legs.forEach((leg, index) => {
      const returned = after[index] ?? 0n;
      steps.set(leg.payee, (steps.get(leg.payee) ?? 0n) + returned - leg.returned);
      leg.returned = returned;
    });
  }
  return { restMinor, steps };
}

/** What is not divided yet, the latest days first. */
function takeFromWaiting(period: Period, claimMinor: bigint): bigint {
  let restMinor = claimMinor;
  for (const waiting of [...period.waiting].sort((a, b) => b.lastDay - a.lastDay)) {
    const part = waiting.amountMinor < restMinor ? waiting.amountMinor : restMinor;
    if (part <= 0n) continue;
    waiting.amountMinor -= part;
    restMinor -= part;
  }
  return restMinor;
}

/** Delivered days go back to the fan. The processor keeps its fee of them: nobody received it, so it is the platform's or its bearer's. */
export function giveBackDays(books: Books, { period: id, days }: Extract<Happening, { what: 'returned' }>, bearer: string): void {
  const period = books.period(id);
  let [netMinor, taxMinor, feeMinor] = [0n, 0n, 0n];
  for (const day of days) {
    const k = period.earnedOn.filter((earned) => earned <= day).length + (period.earnedOn.includes(day) ? 0 : 1);
    const part = (amountMinor: bigint): bigint => upTo(amountMinor, k, period.days) - upTo(amountMinor, k - 1, period.days);
    netMinor += part(period.netMinor);
    taxMinor += part(period.taxMinor);
    feeMinor += part(period.feeMinor);
  }
  const claimMinor = netMinor > feeMinor ? netMinor - feeMinor : 0n;
  const afterWaiting = takeFromWaiting(period, claimMinor);
  const { restMinor, steps } = takeFromPots(period, afterWaiting);
  const expenseMinor = netMinor - claimMinor + restMinor;
  const returned = [...steps].flatMap(([payee, amountMinor]) => givesBack(books, payee, amountMinor));
  books.post(
    [account.earned(period.cloneId, period.tierId), claimMinor - afterWaiting], ...returned, [account.fees, expenseMinor], [account.tax, taxMinor],
    [account.cash, -netMinor - taxMinor],
  );
  if (bearer !== PLATFORM && expenseMinor > 0n) books.post(...givesBack(books, bearer, expenseMinor), [account.fees, -expenseMinor]);
}

export function payOut(books: Books, { ready, minimumMinor }: Extract<Happening, { what: 'payouts' }>): void {
  for (const payee of ready) {
    const amountMinor = unpaid(books, payee) - books.balance(account.debt(payee));
    if (amountMinor < minimumMinor) continue;
    net(books, payee);
    books.post([account.payable(payee), amountMinor], [account.pending(payee), -amountMinor]);
  }
}

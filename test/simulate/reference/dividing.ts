import { dayOf } from './days.ts';
import { upTo } from './earning.ts';
import { floor, fraction, largestRemainder, sainteLague } from './fraction.ts';
import { type Base, type Happening, PLATFORM } from './happenings.ts';
import { account, type Books, type Clone, givesBack, hold, type Period, type Pot, type PotLeg, type Term, type Terms, unpaid } from './state.ts';

/** Owner money: pots, and what comes back out of them. */

/** Takes a debt out of what is unpaid; answers how much. */
export function net(books: Books, payee: string): bigint {
  if (payee === PLATFORM) return 0n;
  const [owed, there] = [books.balance(account.debt(payee)), unpaid(books, payee)];
  const amount = owed < there ? owed : there;
  if (amount > 0n) books.post([account.payable(payee), amount], [account.debt(payee), -amount]);
  return amount > 0n ? amount : 0n;
}

/** So many basis points of an amount, down to the unit. */
export const pointsOf = (amountMinor: bigint, basisPoints: number): bigint => floor(fraction(amountMinor * BigInt(basisPoints), 10_000n));

const inBase = (base: Base, of: { amountMinor: bigint; feeMinor: bigint; taxMinor: bigint }): bigint =>
  of.amountMinor + (base === 'net_of_tax_and_fees' ? 0n : of.feeMinor) + (base === 'gross' ? of.taxMinor : 0n);

/** The owners of the originals above a clone on a day, the nearest first: all of what the ceiling leaves, the farthest whole first. */
function upstream(books: Books, clone: Clone, day: number): { owner: string; basisPoints: number }[] {
  const termOf = (of: Clone): Term | undefined => of.above.filter((term) => term.fromDay <= day).sort((a, b) => b.number - a.number)[0];
  const nearest = termOf(clone);
  const levels: { owner: string; basisPoints: number }[] = [];
  for (let term = nearest; term !== undefined && levels.length < 8; term = termOf(books.clone(term.originalCloneId))) {
    levels.push({ owner: term.owner, basisPoints: term.basisPoints });
  }
  let left = nearest?.ceilingBasisPoints ?? 0;
  for (const level of [...levels].reverse()) {
    level.basisPoints = Math.min(level.basisPoints, left);
    left -= level.basisPoints;
  }
  return levels;
}

function legsOf(books: Books, clone: Clone, pot: Pot, terms: Terms): PotLeg[] {
  const whole = inBase(terms.base, pot);
  const levels = upstream(books, clone, pot.lastDay);
  const points = levels.map(({ basisPoints }) => BigInt(basisPoints));
  const sum = points.reduce((total, one) => total + one, 0n);
  const aboveMinor = whole > 0n ? pointsOf(whole, Number(sum)) : 0n;
  const above = sum === 0n ? points.map(() => 0n) : largestRemainder(aboveMinor, points);
  const own = whole - aboveMinor;
  const bornMinor = pot.amountMinor - whole;
  const shares = own < 0n ? terms.legs.map(() => 0n) : largestRemainder(own, terms.legs.map(({ basisPoints }) => BigInt(basisPoints)));
  return [
    ...levels.map(({ owner: payee }, index) => ({ payee, share: above[index] ?? 0n, received: above[index] ?? 0n, returned: 0n })),
    ...terms.legs.map(({ payee }, index): PotLeg => {
      const share = shares[index] ?? 0n;
      if (payee !== PLATFORM) return { payee, share, received: share, returned: 0n };
      return { payee, share, received: own < 0n ? pot.amountMinor - aboveMinor : share + bornMinor, returned: 0n };
    }),
  ];
}

function potsOf(clone: Clone): Pot[] {
  const pots = new Map<string, Pot>();
  for (const period of clone.periods) {
    for (const { splitId, lastDay, amountMinor, feeMinor, taxMinor } of period.waiting) {
      const key = `${period.tierId} ${splitId}`;
      const pot = pots.get(key) ?? { tierId: period.tierId, splitId, run: clone.runs, lastDay, amountMinor: 0n, refundedMinor: 0n, feeMinor: 0n, taxMinor: 0n, legs: [] };
      pots.set(key, pot);
      pot.amountMinor += amountMinor;
      pot.feeMinor += feeMinor;
      pot.taxMinor += taxMinor;
      pot.lastDay = Math.max(pot.lastDay, lastDay);
      period.pots.push({ pot, amountMinor, returnedMinor: 0n });
    }
    period.waiting = [];
  }
  return [...pots.values()];
}

/** What a run takes for advances out of what it gave a payee, the first signed first. */
function recoup(books: Books, cloneId: string, payee: string, of: { received: bigint; pots: bigint; day: number }): bigint {
  let left = of.received;
  for (const advance of books.advances) {
    if (advance.payee !== payee || !advance.paid || !advance.cloneIds.includes(cloneId) || (advance.endsOn !== null && of.day >= advance.endsOn)) continue;
    const base = advance.base === 'share' ? of.received : of.pots;
    const limits = [pointsOf(base, advance.rateBasisPoints), books.balance(account.advance(advance.id)), left];
    const amount = limits.reduce((least, one) => (one < least ? one : least));
    if (amount <= 0n) continue;
    books.post([account.payable(payee), amount], [account.advance(advance.id), -amount]);
    left -= amount;
  }
  return of.received - left;
}

export function run(books: Books, { cloneId, at }: Extract<Happening, { what: 'run' }>): void {
  const clone = books.clone(cloneId);
  clone.runs += 1;
  const received = new Map<string, { received: bigint; pots: bigint; hold: Map<number, bigint> }>();
  for (const pot of potsOf(clone)) {
    const terms = clone.terms.find(({ splitId }) => splitId === pot.splitId);
    if (terms === undefined) throw new Error(`the model knows no split ${pot.splitId}`);
    pot.legs = legsOf(books, clone, pot, terms);
    books.post([account.earned(cloneId, pot.tierId), pot.amountMinor], ...pot.legs.map((leg) => [account.payable(leg.payee), -leg.received] as const));
    for (const leg of pot.legs.filter((one) => one.payee !== PLATFORM && one.received > 0n)) {
      const mine = received.get(leg.payee) ?? { received: 0n, pots: 0n, hold: new Map<number, bigint>() };
      received.set(leg.payee, mine);
      mine.received += leg.received;
      mine.pots += pot.amountMinor > 0n ? pot.amountMinor : 0n;
      const { basisPoints, days } = terms.reserve;
      if (days > 0) mine.hold.set(days, (mine.hold.get(days) ?? 0n) + pointsOf(leg.received, basisPoints));
    }
  }
  const day = dayOf(at);
  for (const [payee, mine] of received) {
    let left = mine.received - recoup(books, cloneId, payee, { ...mine, day });
    left -= net(books, payee);
    for (const [days, wanted] of [...mine.hold].sort(([a], [b]) => a - b)) {
      left -= hold(books, { payee, cloneId, cause: `run ${clone.runs}`, dueDay: day + days }, wanted < left ? wanted : left);
    }
  }
}

/** What each leg gives back when so much more of a pot is refunded: by the shares of the base; the platform is given back what it bore. */
function stepsOf(pot: Pot, amountMinor: bigint): { payee: string; share: bigint; amount: bigint }[] {
  const whole = pot.legs.reduce((sum, leg) => sum + leg.share, 0n);
  const sharesAt = (refunded: bigint): bigint => floor(fraction(whole * refunded, pot.amountMinor));
  const [from, to] = [sharesAt(pot.refundedMinor), sharesAt(pot.refundedMinor + amountMinor)];
  const after = sainteLague(to, pot.legs.map((leg) => leg.share), pot.legs.map((leg) => leg.returned));
  return pot.legs.map((leg, index) => {
    const share = (after[index] ?? 0n) - leg.returned;
    return { payee: leg.payee, share, amount: leg.payee === PLATFORM ? share - (to - from - amountMinor) : share };
  });
}

/** How much of a claim each of a period's pots has, the one of the latest days first. */
function potParts(period: Period, claimMinor: bigint): { own: Period['pots'][number]; part: bigint }[] {
  let rest = claimMinor;
  const latestFirst = [...period.pots].sort((a, b) => b.pot.lastDay - a.pot.lastDay || b.pot.run - a.pot.run);
  return latestFirst.flatMap((own) => {
    const limits = [own.amountMinor - own.returnedMinor, own.pot.amountMinor - own.pot.refundedMinor, rest];
    const part = limits.reduce((least, one) => (one < least ? one : least));
    if (part <= 0n) return [];
    rest -= part;
    return [{ own, part }];
  });
}

/** What each payee would give back of a claim, without giving it. */
export function received(period: Period, claimMinor: bigint): { totals: Map<string, bigint>; takenMinor: bigint } {
  const totals = new Map<string, bigint>();
  let takenMinor = 0n;
  for (const { own, part } of potParts(period, claimMinor)) {
    takenMinor += part;
    for (const { payee, amount } of stepsOf(own.pot, part)) totals.set(payee, (totals.get(payee) ?? 0n) + amount);
  }
  return { totals, takenMinor };
}

/** What is not divided yet, the latest days first. */
function takeFromWaiting(period: Period, claimMinor: bigint): bigint {
  let restMinor = claimMinor;
  for (const waiting of [...period.waiting].sort((a, b) => b.lastDay - a.lastDay)) {
    const part = waiting.amountMinor < restMinor ? waiting.amountMinor : restMinor;
    if (part <= 0n) continue;
    const with_ = (of: bigint): bigint => floor(fraction(of * part, waiting.amountMinor));
    const [fee, tax] = [with_(waiting.feeMinor), with_(waiting.taxMinor)];
    waiting.amountMinor -= part;
    waiting.feeMinor -= fee;
    waiting.taxMinor -= tax;
    restMinor -= part;
  }
  return restMinor;
}

/** Takes earned money of a period back: what was not divided first, then from who received it. Answers the debits, and what nobody had. */
export function takeEarned(books: Books, period: Period, claimMinor: bigint, cause: string | null): { legs: [string, bigint][]; restMinor: bigint } {
  const afterWaiting = takeFromWaiting(period, claimMinor);
  const totals = new Map<string, bigint>();
  let restMinor = afterWaiting;
  for (const { own, part } of potParts(period, afterWaiting)) {
    const steps = stepsOf(own.pot, part);
    steps.forEach(({ payee, share, amount }, index) => {
      own.pot.legs[index]!.returned += share;
      totals.set(payee, (totals.get(payee) ?? 0n) + amount);
    });
    own.returnedMinor += part;
    own.pot.refundedMinor += part;
    restMinor -= part;
  }
  const returned = [...totals].flatMap(([payee, amountMinor]) => givesBack(books, period.cloneId, payee, amountMinor, cause));
  return { legs: [[account.earned(period.cloneId, period.tierId), claimMinor - afterWaiting], ...returned], restMinor };
}

/** Net, tax and fee of days that were earned. */
export function partsOf(period: Period, days: readonly number[]): { net: bigint; tax: bigint; fee: bigint } {
  const sum = { net: 0n, tax: 0n, fee: 0n };
  for (const day of days) {
    const k = period.earnedOn.filter((earned) => earned <= day).length + (period.earnedOn.includes(day) ? 0 : 1);
    const part = (amountMinor: bigint): bigint => upTo(amountMinor, k, period.days) - upTo(amountMinor, k - 1, period.days);
    sum.net += part(period.netMinor);
    sum.tax += part(period.taxMinor);
    sum.fee += part(period.feeMinor);
  }
  return sum;
}

/** Delivered days go back to the fan. The processor keeps its fee of them: nobody received it, so it is the platform's or its bearer's. */
export function giveBackDays(books: Books, { period: id, days }: Extract<Happening, { what: 'returned' }>, bearer: string): void {
  const period = books.period(id);
  const { net: netMinor, tax, fee } = partsOf(period, days);
  const claimMinor = netMinor > fee ? netMinor - fee : 0n;
  const { legs, restMinor } = takeEarned(books, period, claimMinor, null);
  const expenseMinor = netMinor - claimMinor + restMinor;
  books.post(...legs, [account.fees, expenseMinor], [account.tax, tax], [account.cash, -netMinor - tax]);
  period.returnedDays.push(...days);
  if (bearer !== PLATFORM && expenseMinor > 0n) books.post(...givesBack(books, period.cloneId, bearer, expenseMinor), [account.fees, -expenseMinor]);
}

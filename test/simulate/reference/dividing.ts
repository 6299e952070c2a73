import { dayOf } from './days.ts';
import { holdAfterRun } from './disputing.ts';
import { upTo } from './earning.ts';
import { floor, fraction, largestRemainder, sainteLague } from './fraction.ts';
import { type Base, type Happening, PLATFORM } from './happenings.ts';
import { account, type Books, type Clone, givesBack, hold, type Parts, type Period, type Pot, type PotLeg, type Term, type Terms, unpaid } from './state.ts';

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
      const pot = pots.get(key) ?? { tierId: period.tierId, splitId, run: clone.runs, base: clone.terms.find((one) => one.splitId === splitId)?.base ?? 'gross', lastDay, amountMinor: 0n, claimedMinor: 0n, backMinor: 0n, feeMinor: 0n, taxMinor: 0n, legs: [] };
      pots.set(key, pot);
      pot.amountMinor += amountMinor;
      pot.feeMinor += feeMinor;
      pot.taxMinor += taxMinor;
      pot.lastDay = Math.max(pot.lastDay, lastDay);
      const there = period.pots.find((one) => one.pot === pot);
      const own = there ?? { pot, own: { net: 0n, tax: 0n, fee: 0n }, claimed: { net: 0n, tax: 0n, fee: 0n }, baseMinor: 0n };
      if (there === undefined) period.pots.push(own);
      own.own = { net: own.own.net + amountMinor + feeMinor, tax: own.own.tax + taxMinor, fee: own.own.fee + feeMinor };
    }
    period.waiting = [];
  }
  clone.divided.push(...pots.values());
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
    books.recoupments.push({ run: books.clone(cloneId).runs, cloneId, advance, baseMinor: base, amountMinor: amount, restoredMinor: 0n });
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
    const own = pot.legs.length - terms.legs.length;
    for (const [index, leg] of pot.legs.entries()) {
      if (leg.payee === PLATFORM || leg.received <= 0n) continue;
      const mine = received.get(leg.payee) ?? { received: 0n, pots: 0n, hold: new Map<number, bigint>() };
      received.set(leg.payee, mine);
      mine.received += leg.received;
      const counted = pot.legs.slice(0, index).some((one) => one.payee === leg.payee && one.received > 0n);
      mine.pots += pot.amountMinor > 0n && !counted ? pot.amountMinor : 0n;
      const { basisPoints, days } = terms.reserve;
      if (days > 0 && index >= own) mine.hold.set(days, (mine.hold.get(days) ?? 0n) + pointsOf(leg.received, basisPoints));
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
  holdAfterRun(books, cloneId, new Set(received.keys()));
}

const least = (...amounts: bigint[]): bigint => amounts.reduce((a, b) => (b < a ? b : a));

/** What of a claim a source has, part by part. */
function within(claim: Parts, there: Parts): Parts {
  const part = (wanted: bigint, has: bigint): bigint => (has > 0n ? least(wanted, has) : 0n);
  return { net: part(claim.net, there.net), tax: part(claim.tax, there.tax), fee: part(claim.fee, there.fee) };
}

const without = (a: Parts, b: Parts): Parts => ({ net: a.net - b.net, tax: a.tax - b.tax, fee: a.fee - b.fee });
const baseOf = (base: Base, { net: netMinor, tax, fee }: Parts): bigint =>
  base === 'gross' ? netMinor + tax : base === 'net_of_tax' ? netMinor : netMinor - fee;

interface Step {
  payee: string;
  share: bigint;
  amount: bigint;
}

/** What a part of a payment that stands in a pot asks of the pot's legs: by their shares of what was claimed of the base in all. */
function stepsOf({ pot, own, claimed, baseMinor }: Period['pots'][number], part: Parts): { base: bigint; amount: bigint; steps: Step[] } {
  const whole = pot.legs.reduce((sum, leg) => sum + leg.share, 0n);
  const reached = baseOf(pot.base, { net: claimed.net + part.net, tax: claimed.tax + part.tax, fee: claimed.fee + part.fee });
  const limits = [reached, baseOf(pot.base, own), baseMinor + whole - pot.claimedMinor];
  const base = least(...limits) > baseMinor ? least(...limits) - baseMinor : 0n;
  const amount = pot.base === 'net_of_tax_and_fees' ? base : part.net - part.fee;
  const after = sainteLague(pot.claimedMinor + base, pot.legs.map((leg) => leg.share), pot.legs.map((leg) => leg.returned));
  const steps = pot.legs.map((leg, index) => {
    const share = (after[index] ?? 0n) - leg.returned;
    return { payee: leg.payee, share, amount: leg.payee === PLATFORM ? share - (base - amount) : share };
  });
  return { base, amount, steps };
}

/** How much of a claim each of a period's pots has, the one of the latest days first. */
function potParts(period: Period, claim: Parts): { own: Period['pots'][number]; part: Parts }[] {
  let rest = claim;
  const latestFirst = [...period.pots].sort((a, b) => b.pot.lastDay - a.pot.lastDay || b.pot.run - a.pot.run);
  return latestFirst.flatMap((own) => {
    const part = within(rest, without(own.own, own.claimed));
    rest = without(rest, part);
    return part.net === 0n && part.tax === 0n && part.fee === 0n ? [] : [{ own, part }];
  });
}

/** What each payee would give back of so much of the price, without giving it. */
export function received(period: Period, grossMinor: bigint): { totals: Map<string, bigint>; takenMinor: bigint } {
  const totals = new Map<string, bigint>();
  let left = grossMinor;
  const latestFirst = [...period.pots].sort((a, b) => b.pot.lastDay - a.pot.lastDay || b.pot.run - a.pot.run);
  for (const own of latestFirst) {
    const there = without(own.own, own.claimed);
    const whole = there.net + there.tax;
    const of = (minor: bigint): bigint => (whole <= 0n || left <= 0n ? 0n : left >= whole ? minor : floor(fraction(minor * left, whole)));
    const part = { net: of(there.net), tax: of(there.tax), fee: of(there.fee) };
    left -= part.net + part.tax;
    for (const { payee, amount } of stepsOf(own, part).steps) totals.set(payee, (totals.get(payee) ?? 0n) + amount);
  }
  return { totals, takenMinor: grossMinor - left };
}

/** What is not divided yet, the latest days first; answers what of the claim is left, and what was taken. */
function takeFromWaiting(period: Period, claim: Parts): { rest: Parts; takenMinor: bigint } {
  let rest = claim;
  let takenMinor = 0n;
  for (const waiting of [...period.waiting].sort((a, b) => b.lastDay - a.lastDay)) {
    const part = within(rest, { net: waiting.amountMinor + waiting.feeMinor, tax: waiting.taxMinor, fee: waiting.feeMinor });
    rest = without(rest, part);
    // A claim on the tax alone is posted nowhere.
    if (part.net === 0n && part.fee === 0n) continue;
    waiting.amountMinor -= part.net - part.fee;
    waiting.feeMinor -= part.fee;
    waiting.taxMinor -= part.tax;
    takenMinor += part.net - part.fee;
  }
  return { rest, takenMinor };
}

/** What runs would not have recouped of what is left of their earnings is unrecouped again; of an advance that ended it is lost. */
function restore(books: Books, cloneId: string, payee: string, runs: readonly number[], limitMinor: bigint): void {
  let limit = limitMinor;
  for (const at of runs) {
    const pots = books.clone(cloneId).divided.filter((pot) => pot.run === at && pot.legs.some((leg) => leg.payee === payee && leg.received > 0n));
    const legs = pots.flatMap((pot) => pot.legs.filter((leg) => leg.payee === payee));
    const backMinor = legs.reduce((sum, leg) => sum + leg.returned, 0n);
    let left = legs.reduce((sum, leg) => sum + leg.received, 0n) - backMinor;
    const undone = books.recoupments.filter((one) => one.run === at && one.cloneId === cloneId && one.advance.payee === payee).map((one) => {
      const rest = one.baseMinor - (one.advance.base === 'share' ? backMinor : pots.reduce((sum, pot) => sum + pot.backMinor, 0n));
      const stays = least(rest > 0n ? pointsOf(rest, one.advance.rateBasisPoints) : 0n, one.amountMinor, left > 0n ? left : 0n);
      left -= stays;
      return { one, amount: one.amountMinor - stays - one.restoredMinor };
    });
    for (const { one, amount: wanted } of undone.reverse()) {
      const amount = least(wanted, limit);
      if (amount <= 0n) continue;
      const ended = !books.advances.includes(one.advance);
      books.post([ended ? account.lostAdvances : account.advance(one.advance.id), amount], [account.payable(payee), -amount]);
      one.restoredMinor += amount;
      limit -= amount;
    }
  }
}

/** Takes earned money of a period back: what was not divided first, then from who received it. Answers the debits, and all that was found. */
export function takeEarned(books: Books, period: Period, claim: Parts, cause: string | null): { legs: [string, bigint][]; takenMinor: bigint } {
  const waiting = takeFromWaiting(period, claim);
  const totals = new Map<string, { amount: bigint; runs: number[] }>();
  let { takenMinor } = waiting;
  for (const { own, part } of potParts(period, waiting.rest)) {
    const { base, amount, steps } = stepsOf(own, part);
    steps.forEach((step, index) => {
      own.pot.legs[index]!.returned += step.share;
      const total = totals.get(step.payee) ?? { amount: 0n, runs: [] };
      totals.set(step.payee, total);
      total.amount += step.amount;
      if (!total.runs.includes(own.pot.run)) total.runs.push(own.pot.run);
    });
    own.claimed = { net: own.claimed.net + part.net, tax: own.claimed.tax + part.tax, fee: own.claimed.fee + part.fee };
    own.baseMinor += base;
    own.pot.claimedMinor += base;
    own.pot.backMinor += amount;
    takenMinor += amount;
  }
  const returned = [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([payee, { amount, runs }]) => {
    if (payee !== PLATFORM && amount > 0n) restore(books, period.cloneId, payee, runs, amount);
    return givesBack(books, period.cloneId, payee, amount, cause);
  });
  return { legs: [[account.earned(period.cloneId, period.tierId), waiting.takenMinor], ...returned], takenMinor };
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
  const { legs, takenMinor } = takeEarned(books, period, { net: netMinor, tax, fee }, null);
  const expenseMinor = netMinor - takenMinor;
  books.post(...legs, [account.fees, expenseMinor], [account.tax, tax], [account.cash, -netMinor - tax]);
  period.returnedDays.push(...days);
  if (bearer !== PLATFORM && expenseMinor > 0n) books.post(...givesBack(books, period.cloneId, bearer, expenseMinor), [account.fees, -expenseMinor]);
}

import { dayOf } from './days.ts';
import { holdClaim } from './disputing.ts';
import { takeEarned } from './dividing.ts';
import { termsOn, upTo } from './earning.ts';
import { floor, fraction } from './fraction.ts';
import type { Happening } from './happenings.ts';
import { account, type Books, type Period, release } from './state.ts';

/** Coins, one by one: each has a number in its lot, and its own part of what the lot cost. */

type Of<W extends Happening['what']> = Extract<Happening, { what: W }>;

export interface Coin {
  lot: string;
  number: number;
  net: bigint;
  tax: bigint;
  fee: bigint;
}

export interface Lot {
  id: string;
  fan: string;
  number: number;
  /** Whose payment is disputed is not spent. */
  open: boolean;
  free: Coin[];
}

export interface Spend {
  id: string;
  fan: string;
  cloneId: string;
  tierId: string;
  coins: Coin[];
  /** How many it took at first. */
  taken: number;
  number: number;
  captured: boolean;
}

export interface Wallets {
  lots: Lot[];
  spends: Map<string, Spend>;
}

const codes = {
  issued: 'coins_issued:COIN',
  deferred: 'coin_deferred:CNY',
  heldDeferred: 'coin_deferred_held:CNY',
  fees: 'coin_deferred_fees:CNY',
  rounding: 'platform_expense:coin_rounding:CNY',
  wallet: (fan: string): string => `coins:${fan}`,
  held: (fan: string): string => `coins_held:${fan}`,
  debt: (fan: string): string => `fan_debt:${fan}:CNY`,
};

type Legs = [string, bigint][];

const sum = (coins: readonly Coin[], of: 'net' | 'tax' | 'fee'): bigint => coins.reduce((total, coin) => total + coin[of], 0n);
const count = (coins: readonly Coin[]): bigint => BigInt(coins.length);

/** Coins leave the wallet for good, out of what was held for them. */
const gone = (fan: string, coins: readonly Coin[]): Legs => [
  [codes.held(fan), count(coins)], [codes.issued, -count(coins)], [codes.heldDeferred, sum(coins, 'net')], [codes.fees, -sum(coins, 'fee')],
];

export function buy(books: Books, { lot: id, fan, coins, grossMinor, feeMinor }: Of<'coins_bought'>): void {
  const taxMinor = floor(fraction(grossMinor * books.taxBasisPoints, 10_000n + books.taxBasisPoints));
  const netMinor = grossMinor - taxMinor;
  books.post(
    [account.cash, grossMinor - feeMinor], [codes.fees, feeMinor], [account.tax, -taxMinor], [codes.deferred, -netMinor], [codes.issued, BigInt(coins)],
    [codes.wallet(fan), -BigInt(coins)],
  );
  const part = (amountMinor: bigint, n: number): bigint => upTo(amountMinor, n + 1, coins) - upTo(amountMinor, n, coins);
  const free = Array.from({ length: coins }, (_none, n): Coin => ({ lot: id, number: n, net: part(netMinor, n), tax: part(taxMinor, n), fee: part(feeMinor, n) }));
  books.wallets.lots.push({ id, fan, number: books.wallets.lots.length, open: true, free });
}

/** The fan's coins that can be spent. */
/** Whoever owes two coins' worth pays that first. */
export const spendable = (books: Books, fan: string): number => books.balance(codes.debt(fan)) >= 29n ? 0 :
  books.wallets.lots.filter((lot) => lot.fan === fan && lot.open).reduce((total, lot) => total + lot.free.length, 0);

function take(books: Books, fan: string, coins: number): Coin[] {
  const taken: Coin[] = [];
  for (const lot of books.wallets.lots.filter((one) => one.fan === fan && one.open)) taken.push(...lot.free.splice(0, coins - taken.length));
  if (taken.length < coins) throw new Error('the model knows fewer coins');
  books.post([codes.wallet(fan), count(taken)], [codes.held(fan), -count(taken)], [codes.deferred, sum(taken, 'net')], [codes.heldDeferred, -sum(taken, 'net')]);
  return taken;
}

export function reserve(books: Books, { spend: id, fan, coins, cloneId, tierId }: Of<'coins_held'>): void {
  books.wallets.spends.set(id, { id, fan, cloneId, tierId, coins: take(books, fan, coins), taken: coins, number: books.wallets.spends.size, captured: false });
}

function spendOf(books: Books, id: string): Spend {
  const spend = books.wallets.spends.get(id);
  if (spend === undefined) throw new Error(`the model knows no spend ${id}`);
  return spend;
}

/** Into the lots that they came from, at their numbers. */
function putBack(books: Books, coins: readonly Coin[]): void {
  for (const lot of books.wallets.lots) {
    const back = coins.filter((coin) => coin.lot === lot.id);
    if (back.length > 0) lot.free = [...lot.free, ...back].sort((a, b) => a.number - b.number);
  }
}

export function giveBack(books: Books, { spend: id }: Of<'coins_voided'>): void {
  const { fan, coins } = spendOf(books, id);
  books.post([codes.held(fan), count(coins)], [codes.wallet(fan), -count(coins)], [codes.heldDeferred, sum(coins, 'net')], [codes.deferred, -sum(coins, 'net')]);
  putBack(books, coins);
  books.wallets.spends.delete(id);
}

function periodOf(books: Books, spend: Spend, of: Pick<Period, 'id' | 'days' | 'nextDay'>): Period {
  const { cloneId, tierId, coins } = spend;
  const period: Period = {
    ...of, cloneId, tierId, netMinor: sum(coins, 'net'), taxMinor: sum(coins, 'tax'), feeMinor: sum(coins, 'fee'), earned: 0, earnedOn: [], ended: false, dispute: null, stoppedOn: null, returnedDays: [],
    waiting: [], pots: [], quota: { held: 0, captured: 0 }, coins: spend.id,
  };
  books.periods.set(of.id, period);
  books.clone(cloneId).periods.push(period);
  return period;
}

/** Delivered: what the coins cost is earned that day, whole. */
export function capture(books: Books, { spend: id, at }: Of<'coins_captured'>): void {
  const spend = spendOf(books, id);
  const day = dayOf(at);
  const period = periodOf(books, spend, { id, days: 1, nextDay: day + 1 });
  spend.captured = true;
  spend.number = books.wallets.spends.size + books.periods.size;
  Object.assign(period, { earned: 1, earnedOn: [day] });
  const { splitId } = termsOn(books.clone(spend.cloneId), day);
  const amountMinor = period.netMinor - period.feeMinor;
  books.post(...gone(spend.fan, spend.coins), [account.earned(spend.cloneId, spend.tierId), -amountMinor]);
  period.waiting.push({ splitId, lastDay: day, amountMinor, feeMinor: period.feeMinor, taxMinor: period.taxMinor });
}

/** A month ahead: what its coins cost is the clone's deferred revenue; its tax was owed when the coins were bought. */
export function prepay(books: Books, { spend: id, period: periodId, fan, coins, cloneId, tierId, startDay, days }: Of<'month_prepaid'>): void {
  reserve(books, { what: 'coins_held', spend: id, fan, coins, cloneId, tierId });
  const spend = spendOf(books, id);
  spend.captured = true;
  const period = periodOf(books, spend, { id: periodId, days, nextDay: startDay });
  period.taxMinor = 0n;
  books.post(...gone(fan, spend.coins), [account.deferred(cloneId), -period.netMinor], [account.deferredFees(cloneId), period.feeMinor]);
}

/** Unused days of a month go back as the coins that they stand for, rounded up for the fan: the last ones that were taken. */
export function restoreUnused(books: Books, period: Period, unused: { net: bigint; fee: bigint }): void {
  const spend = spendOf(books, period.coins ?? '');
  const { fan, cloneId } = spend;
  const wanted = -floor(fraction(-BigInt(spend.taken) * unused.net, period.netMinor));
  const back = spend.coins.splice(Math.max(0, spend.coins.length - Number(wanted)));
  const [net, fee] = [sum(back, 'net'), sum(back, 'fee')];
  books.post(
    [account.deferred(cloneId), unused.net], [account.deferredFees(cloneId), -unused.fee], [codes.issued, count(back)], [codes.wallet(fan), -count(back)],
    [codes.deferred, -net], [codes.fees, fee], [codes.rounding, net - unused.net - (fee - unused.fee)],
  );
  putBack(books, back);
}

/** Unspent coins are paid back: what they cost, and its tax; what the processor keeps is the platform's expense. */
export function payBack(books: Books, { fan }: Of<'coins_returned'>): void {
  const coins = books.wallets.lots.filter((lot) => lot.fan === fan && lot.open).flatMap((lot) => lot.free.splice(0));
  const [net, tax, fee] = [sum(coins, 'net'), sum(coins, 'tax'), sum(coins, 'fee')];
  books.post(
    [codes.wallet(fan), count(coins)], [codes.issued, -count(coins)], [codes.deferred, net], [codes.fees, -fee], [account.fees, fee], [account.tax, tax],
    [account.cash, -net - tax],
  );
}

/** Where a lot's coins went, the latest first. */
const spentOf = (books: Books, lot: Lot): { spend: Spend; coins: Coin[] }[] => [...books.wallets.spends.values()]
  .filter((spend) => spend.captured).sort((a, b) => b.number - a.number)
  .map((spend) => ({ spend, coins: spend.coins.filter((coin) => coin.lot === lot.id) })).filter(({ coins }) => coins.length > 0);

function lotOf(books: Books, id: string): Lot {
  const lot = books.wallets.lots.find((one) => one.id === id);
  if (lot === undefined) throw new Error(`the model knows no lot ${id}`);
  return lot;
}

/** The bank took a pack back: its unspent coins are frozen, and what payees received for the others is held of what they have coming. */
export function disputeLot(books: Books, { dispute, lot: id, grossMinor, feeMinor }: Of<'lot_disputed'>): void {
  const lot = lotOf(books, id);
  lot.open = false;
  books.post([account.disputed, grossMinor], [account.disputeFees, feeMinor], [account.cash, -grossMinor - feeMinor]);
  const open = { id: dispute, claimMinor: grossMinor, bought: (): string[] => spentOf(books, lot).map(({ spend }) => spend.id) };
  books.disputes.set(dispute, open);
  holdClaim(books, open);
}

/** Lost: unspent coins first, then of those who received something for the others; what the processor kept of those is the fan's debt. */
export function decideLot(books: Books, { dispute, lot: id, lost, grossMinor }: Of<'lot_decided'>): void {
  const lot = lotOf(books, id);
  const open = books.disputes.get(dispute);
  if (open === undefined) throw new Error(`the model knows no open dispute ${dispute}`);
  books.disputes.delete(dispute);
  if (!lost) {
    lot.open = true;
    books.post([account.cash, grossMinor], [account.disputed, -grossMinor]);
    release(books, (held) => held.cause === dispute);
    return;
  }
  holdClaim(books, open);
  const coins = lot.free.splice(0);
  const [net, tax, fee] = [sum(coins, 'net'), sum(coins, 'tax'), sum(coins, 'fee')];
  books.post(
    [codes.wallet(lot.fan), count(coins)], [codes.issued, -count(coins)], [codes.deferred, net], [codes.fees, -fee], [account.fees, fee], [account.tax, tax],
    [account.disputed, -net - tax],
  );
  for (const { spend, coins: spent } of spentOf(books, lot)) {
    const part = { net: sum(spent, 'net'), tax: sum(spent, 'tax'), fee: sum(spent, 'fee') };
    const { legs, takenMinor } = takeEarned(books, books.period(spend.id), part, dispute);
    books.post(...legs, [codes.debt(lot.fan), part.net - takenMinor], [account.tax, part.tax], [account.disputed, -part.net - part.tax]);
  }
  release(books, (held) => held.cause === dispute);
}

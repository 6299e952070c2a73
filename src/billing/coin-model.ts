import { mulDivFloor } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';

/** Coins as lots of numbered coins: pure. Coins are counted, money is in minor units. */

/** Coins [from, to) of a lot, by their numbers. */
export interface Run {
  from: bigint;
  to: bigint;
}

/** What coins cost, net of tax (their basis), the tax on it, and what the processor kept. */
export interface CoinMoney {
  netMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
}

export interface Lot extends CoinMoney {
  id: string;
  coins: bigint;
  /** The coins that are neither held nor gone: in order, not touching each other. */
  free: readonly Run[];
}

/** Which coins of a lot, and what they cost. */
export interface Part extends CoinMoney {
  lotId: string;
  taken: readonly Run[];
  coins: bigint;
}

export function countOf(runs: readonly Run[]): bigint {
  return runs.reduce((sum, { from, to }) => sum + (to - from), 0n);
}

/**
 * What named coins are of an amount: of each run, ⌊amount × to / coins⌋ − ⌊amount × from / coins⌋. Any partition of a lot
 * adds up to exactly its money, in whatever order it is taken, given back and taken again.
 */
export function shareOfRuns(amountMinor: bigint, coins: bigint, runs: readonly Run[]): bigint {
  return runs.reduce((sum, { from, to }) => sum + mulDivFloor(amountMinor, to, coins) - mulDivFloor(amountMinor, from, coins), 0n);
}

export function partOf(lot: Lot, taken: readonly Run[]): Part {
  const share = (amountMinor: bigint): bigint => shareOfRuns(amountMinor, lot.coins, taken);
  return { lotId: lot.id, taken, coins: countOf(taken), netMinor: share(lot.netMinor), taxMinor: share(lot.taxMinor), feeMinor: share(lot.feeMinor) };
}

/** The first `count` of these coins. */
export function firstOf(runs: readonly Run[], count: bigint): Run[] {
  const found: Run[] = [];
  let left = count;
  for (const { from, to } of runs) {
    if (left === 0n) break;
    const size = to - from < left ? to - from : left;
    found.push({ from, to: from + size });
    left -= size;
  }
  if (left > 0n) throw new RangeError('there are not so many coins');
  return found;
}

/** The last `count` of these coins. */
export function lastOf(runs: readonly Run[], count: bigint): Run[] {
  const first = countOf(runs) - count;
  if (first < 0n) throw new RangeError('there are not so many coins');
  return without(runs, firstOf(runs, first));
}

/** Runs without others that lie within them. */
export function without(runs: readonly Run[], gone: readonly Run[]): Run[] {
  let rest = [...runs];
  for (const hole of gone) {
    rest = rest.flatMap(({ from, to }) => {
      if (hole.to <= from || hole.from >= to) return [{ from, to }];
      return [{ from, to: hole.from }, { from: hole.to, to }].filter((run) => run.from < run.to);
    });
  }
  return rest;
}

/** Runs with others put back, in order, joined where they touch. */
export function withAlso(runs: readonly Run[], more: readonly Run[]): Run[] {
  const joined: Run[] = [];
  for (const run of [...runs, ...more].sort((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = joined.at(-1);
    if (last?.to === run.from) joined[joined.length - 1] = { from: last.from, to: run.to };
    else joined.push({ ...run });
  }
  return joined;
}

/**
 * Coins out of lots in the order given, which is oldest first; within a lot the lowest numbers. Refuses
 * `coins_insufficient` with how many there are.
 */
export function takeCoins(lots: readonly Lot[], count: bigint): Part[] {
  const parts: Part[] = [];
  let left = count;
  for (const lot of lots) {
    if (left === 0n) break;
    const here = countOf(lot.free);
    if (here === 0n) continue;
    const size = here < left ? here : left;
    parts.push(partOf(lot, firstOf(lot.free, size)));
    left -= size;
  }
  if (left > 0n) {
    throw new Refusal('coins_insufficient', 'There are not enough coins for this.', {
      extra: { coins: count.toString(), availableCoins: (count - left).toString() },
    });
  }
  return parts;
}

export interface Sum extends CoinMoney {
  coins: bigint;
}

export function sumOf(parts: readonly Sum[]): Sum {
  return parts.reduce<Sum>((sum, part) => ({
    coins: sum.coins + part.coins, netMinor: sum.netMinor + part.netMinor, taxMinor: sum.taxMinor + part.taxMinor, feeMinor: sum.feeMinor + part.feeMinor,
  }), { coins: 0n, netMinor: 0n, taxMinor: 0n, feeMinor: 0n });
}

/**
 * The coins of a spend that are to be given back so that all that came back of it stand for `returnedMinor` of its `wholeMinor`, rounded
 * up once for the fan, in however many parts it comes. The last ones of the last lots, since those were taken last. `parts` hold what
 * can still be given back.
 */
export function unusedCoins(
  parts: readonly { lot: Lot; taken: readonly Run[] }[], returnedMinor: bigint, wholeMinor: bigint, spentCoins: bigint, lostCoins = 0n,
): Part[] {
  const left = parts.reduce((sum, { taken }) => sum + countOf(taken), 0n);
  const all = wholeMinor === 0n ? spentCoins : (spentCoins * returnedMinor + wholeMinor - 1n) / wholeMinor;
  const wanted = all - (spentCoins - lostCoins - left);
  let rest = wanted < left ? wanted : left;
  const given: Part[] = [];
  for (const { lot, taken } of [...parts].reverse()) {
    const here = countOf(taken);
    const size = here < rest ? here : rest;
    if (size <= 0n) continue;
    given.unshift(partOf(lot, lastOf(taken, size)));
    rest -= size;
  }
  return given;
}

import type { Currency } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import { addDays, type Day } from '../kernel/time.ts';

/** The decisions of owner money: pure, exact, in whole minor units. */

export const PLATFORM = 'platform';
export const PLATFORM_NAME = 'Benren · 本人';
export const WHOLE_BASIS_POINTS = 10_000;
export const LEGS_MAX = 20;

/** What of a sale is divided. One base is worked out here; `draftSplit` refuses the others by name. */
export const BASE = 'net_of_tax_and_fees';

export interface SplitLeg {
  /** An account, or `platform`. */
  payee: string;
  basisPoints: number;
}

function invalid(detail: string): Refusal {
  return new Refusal('split_invalid', detail);
}

/** Refuses with `split_invalid` what could not be divided exactly and without doubt. */
export function checkSplit(split: { legs: readonly SplitLeg[]; base: string; refundFeeBearer: string }): void {
  const { legs, base, refundFeeBearer } = split;
  if (base !== BASE) throw invalid(`A split divides ${BASE}; other bases are not offered yet.`);
  if (legs.length < 2 || legs.length > LEGS_MAX) throw invalid(`A split has 2 to ${LEGS_MAX} payees.`);
  if (legs.some(({ basisPoints }) => !Number.isInteger(basisPoints) || basisPoints < 1 || basisPoints >= WHOLE_BASIS_POINTS)) {
    throw invalid('A share is a whole number of basis points, at least 1.');
  }
  if (new Set(legs.map((leg) => leg.payee)).size !== legs.length) throw invalid('A payee stands once in a split.');
  if (!legs.some((leg) => leg.payee === PLATFORM)) throw invalid('The platform is one of the payees.');
  const sum = legs.reduce((total, leg) => total + leg.basisPoints, 0);
  if (sum !== WHOLE_BASIS_POINTS) throw invalid(`The shares sum to ${sum} basis points, not to ${WHOLE_BASIS_POINTS}.`);
  if (!legs.some((leg) => leg.payee === refundFeeBearer)) throw invalid('Only a payee of the split can bear the fees of refunds.');
}

/** Whose signatures a split needs: its owner's and each payee's, each once. */
export function signersOf(ownerAccountId: string, legs: readonly SplitLeg[]): string[] {
  return [...new Set([ownerAccountId, ...legs.map((leg) => leg.payee)])];
}

/** A signed split, as far as it decides which one applies on a day. */
export interface SplitVersion {
  splitId: string;
  number: number;
  effectiveFrom: Day;
}

/** The split of a day: the newest whose day has come. It replaces all before it from its day on. */
export function splitOn<T extends SplitVersion>(versions: readonly T[], day: Day): T | null {
  return versions.reduce<T | null>((best, one) => {
    return one.effectiveFrom <= day && (best === null || one.number > best.number) ? one : best;
  }, null);
}

/** Which split applies from which day on over [fromDay, toDay), neighbours merged; null where there is none. */
export function segmentsOf(versions: readonly SplitVersion[], fromDay: Day, toDay: Day): { fromDay: Day; splitId: string | null }[] {
  if (fromDay >= toDay) return [];
  const starts = versions.map((one) => one.effectiveFrom).filter((day) => day > fromDay && day < toDay);
  const segments: { fromDay: Day; splitId: string | null }[] = [];
  for (const day of [fromDay, ...new Set(starts.sort())]) {
    const splitId = splitOn(versions, day)?.splitId ?? null;
    if (segments.at(-1)?.splitId !== splitId || segments.length === 0) segments.push({ fromDay: day, splitId });
  }
  return segments;
}

/**
 * Shares of a pot by largest remainder: each ⌊pot × basis points / 10000⌋, what is left one unit each to the largest
 * remainders, ties in the order of the legs. They sum to the pot. `potMinor` is not negative.
 */
export function sharesOf(potMinor: bigint, basisPoints: readonly number[]): bigint[] {
  if (potMinor < 0n) throw new RangeError('a pot below zero has no shares');
  const whole = BigInt(WHOLE_BASIS_POINTS);
  const parts = basisPoints.map((points, leg) => {
    const product = potMinor * BigInt(points);
    return { leg, share: product / whole, remainder: product % whole };
  });
  let left = potMinor - parts.reduce((sum, part) => sum + part.share, 0n);
  const order = [...parts].sort((a, b) => (a.remainder === b.remainder ? a.leg - b.leg : a.remainder > b.remainder ? -1 : 1));
  for (const part of order) {
    if (left === 0n) break;
    part.share += 1n;
    left -= 1n;
  }
  if (left !== 0n) throw new RangeError('the shares do not sum to the whole');
  return parts.map((part) => part.share);
}

/**
 * How much each leg of a pot has returned once `totalMinor` of it was refunded in all: Sainte-Laguë over what the legs
 * received (each unit to the highest received / (2k + 1), k being what the leg returned so far; ties in the order of the legs).
 * It depends on the total alone, never falls as the total grows, and at the whole every leg has returned exactly
 * what it received.
 */
export function returnedOf(totalMinor: bigint, received: readonly bigint[]): bigint[] {
  const sum = received.reduce((total, one) => total + one, 0n);
  if (totalMinor < 0n || totalMinor > sum || received.some((one) => one < 0n)) {
    throw new RangeError('between nothing and what was received is returned');
  }
  if (totalMinor === 0n) return received.map(() => 0n);
  // Every leg surely has returned this much; so at most about two units a leg are left to be given one by one.
  const legs = BigInt(received.length);
  const returned = received.map((one) => {
    const twice = (2n * totalMinor - legs) * one - sum;
    return twice > 0n ? twice / (2n * sum) : 0n;
  });
  let left = totalMinor - returned.reduce((total, one) => total + one, 0n);
  for (; left > 0n; left -= 1n) {
    let best = 0;
    for (let leg = 1; leg < received.length; leg += 1) {
      const quotient = (received[leg] ?? 0n) * (2n * (returned[best] ?? 0n) + 1n);
      if (quotient > (received[best] ?? 0n) * (2n * (returned[leg] ?? 0n) + 1n)) best = leg;
    }
    returned[best] = (returned[best] ?? 0n) + 1n;
  }
  return returned;
}

/** One entry on an `earned` account, with where it belongs. Positive: more was earned. */
export interface EarnedEntry {
  transferId: string;
  leg: number;
  position: bigint | null;
  accountCode: string;
  tierId: string;
  currency: Currency;
  amountMinor: bigint;
  /** The first and last day that it is for. */
  firstDay: Day;
  lastDay: Day;
  /** The split under which it was earned, when there was one at the time of posting. */
  splitId: string | null;
  periodId: string | null;
}

/** What goes into one pot. */
export interface PotDraft {
  tierId: string;
  currency: Currency;
  accountCode: string;
  splitId: string;
  firstDay: Day;
  lastDay: Day;
  amountMinor: bigint;
  entries: EarnedEntry[];
}

/**
 * The split under which an entry is divided. An entry posted before any was signed takes one that covers all of its days;
 * without one its money cannot be divided: `split_missing`.
 */
function splitFor(entry: EarnedEntry, versions: readonly SplitVersion[]): string {
  if (entry.splitId !== null) return entry.splitId;
  const segments = segmentsOf(versions, entry.firstDay, addDays(entry.lastDay, 1));
  const [only] = segments;
  if (segments.length !== 1 || only?.splitId == null) {
    throw new Refusal('split_missing', 'There are earned days without a split. Sign one that begins on the first of them, or before.', {
      extra: { firstDay: entry.firstDay, lastDay: entry.lastDay },
    });
  }
  return only.splitId;
}

/** Sorts entries into pots: one for each (tier, currency, split version). */
export function potsOf(entries: readonly EarnedEntry[], versions: readonly SplitVersion[]): PotDraft[] {
  const pots = new Map<string, PotDraft>();
  for (const entry of entries) {
    const splitId = splitFor(entry, versions);
    const key = `${entry.tierId}\n${entry.currency}\n${splitId}`;
    const pot = pots.get(key);
    if (pot === undefined) {
      const { tierId, currency, accountCode, firstDay, lastDay, amountMinor } = entry;
      pots.set(key, { tierId, currency, accountCode, splitId, firstDay, lastDay, amountMinor, entries: [entry] });
      continue;
    }
    pot.entries.push(entry);
    pot.amountMinor += entry.amountMinor;
    if (entry.firstDay < pot.firstDay) pot.firstDay = entry.firstDay;
    if (entry.lastDay > pot.lastDay) pot.lastDay = entry.lastDay;
  }
  return [...pots.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pot]) => pot);
}

/**
 * What each leg gets of a pot. A pot below zero (fees were more than the revenue) is the platform's alone: payees signed
 * to share earnings, and no loss is hidden in somebody's later ones.
 */
export function dividePot(potMinor: bigint, legs: readonly SplitLeg[]): (SplitLeg & { amountMinor: bigint })[] {
  if (potMinor < 0n) return legs.map((leg) => ({ ...leg, amountMinor: leg.payee === PLATFORM ? potMinor : 0n }));
  const shares = sharesOf(potMinor, legs.map((leg) => leg.basisPoints));
  return legs.map((leg, index) => ({ ...leg, amountMinor: shares[index] ?? 0n }));
}

/** Somewhere that a period's earnings stand, and how much of them can still be taken from there. */
export interface Source {
  availableMinor: bigint;
}

/** Takes an amount from sources in their order; answers what each gave, and what none could give. */
export function takeFrom<T extends Source>(amountMinor: bigint, sources: readonly T[]): { taken: { source: T; amountMinor: bigint }[]; restMinor: bigint } {
  let restMinor = amountMinor;
  const taken: { source: T; amountMinor: bigint }[] = [];
  for (const source of sources) {
    const part = restMinor < source.availableMinor ? restMinor : source.availableMinor;
    if (part <= 0n) continue;
    taken.push({ source, amountMinor: part });
    restMinor -= part;
  }
  return { taken, restMinor };
}

/** The smaller one. */
export function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

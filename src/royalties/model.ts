import { type Currency, isCurrency } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import { addDays, type Day } from '../kernel/time.ts';
import { segmentsOf, type SplitDays } from './split-days-model.ts';

/** The decisions of owner money: pure, exact, in whole minor units. */

export const PLATFORM = 'platform';
export const PLATFORM_NAME = 'Benren · 本人';
export const WHOLE_BASIS_POINTS = 10_000;
export const LEGS_MAX = 20;

/** What of a sale is divided: the price, without the tax in it, or without the processor's actual fee too. */
export const BASES = ['gross', 'net_of_tax', 'net_of_tax_and_fees'] as const;
export type Base = (typeof BASES)[number];
export const DEFAULT_BASE: Base = 'net_of_tax_and_fees';

export const ROLES = ['owner', 'platform', 'agency', 'co_writer', 'charity', 'payee'] as const;
export type Role = (typeof ROLES)[number];

export interface SplitLeg {
  /** An account, or `platform`. */
  payee: string;
  basisPoints: number;
}

export interface SplitLegInput extends SplitLeg {
  role?: Role;
}

/** What is held of each run's payable, and for how many days. */
export interface ReserveTerms {
  basisPoints: number;
  days: number;
}

export const NO_RESERVE: ReserveTerms = { basisPoints: 0, days: 0 };
const RESERVE_BASIS_POINTS_MAX = 5_000;
const RESERVE_DAYS_MAX = 365;

function invalid(detail: string): Refusal {
  return new Refusal('split_invalid', detail);
}

/** The base by its name. Refuses `split_invalid`. */
export function baseOf(name: string): Base {
  const base = BASES.find((one) => one === name);
  if (base === undefined) throw invalid(`A split divides one of ${BASES.join(', ')}.`);
  return base;
}

function inWhole(value: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= maximum;
}

/** Refuses with `split_invalid` what could not be divided exactly and without doubt. */
export function checkSplit(split: { legs: readonly SplitLeg[]; base: string; refundFeeBearer: string; reserve: ReserveTerms }): void {
  const { legs, base, refundFeeBearer, reserve } = split;
  baseOf(base);
  if (legs.length < 2 || legs.length > LEGS_MAX) throw invalid(`A split has 2 to ${LEGS_MAX} payees.`);
  if (legs.some(({ basisPoints }) => !Number.isInteger(basisPoints) || basisPoints < 1 || basisPoints >= WHOLE_BASIS_POINTS)) {
    throw invalid('A share is a whole number of basis points, at least 1.');
  }
  if (new Set(legs.map((leg) => leg.payee)).size !== legs.length) throw invalid('A payee stands once in a split.');
  if (!legs.some((leg) => leg.payee === PLATFORM)) throw invalid('The platform is one of the payees.');
  const sum = legs.reduce((total, leg) => total + leg.basisPoints, 0);
  if (sum !== WHOLE_BASIS_POINTS) throw invalid(`The shares sum to ${sum} basis points, not to ${WHOLE_BASIS_POINTS}.`);
  if (!legs.some((leg) => leg.payee === refundFeeBearer)) throw invalid('Only a payee of the split can bear the fees of refunds.');
  if (!inWhole(reserve.basisPoints, RESERVE_BASIS_POINTS_MAX) || !inWhole(reserve.days, RESERVE_DAYS_MAX)) {
    throw invalid(`A reserve is at most ${RESERVE_BASIS_POINTS_MAX} basis points for at most ${RESERVE_DAYS_MAX} days.`);
  }
  if ((reserve.basisPoints === 0) !== (reserve.days === 0)) throw invalid('A reserve has a part and a time, or neither.');
}

/** What a payee is in a split. The platform's and the owner's roles are theirs alone: `split_invalid`. */
export function roleOf({ payee, role }: SplitLegInput, ownerAccountId: string): Role {
  const own: Role | null = payee === PLATFORM ? 'platform' : payee === ownerAccountId ? 'owner' : null;
  if (own !== null && role !== undefined && role !== own) throw invalid(`The role of ${payee} is ${own}.`);
  if (own === null && (role === 'owner' || role === 'platform')) throw invalid('Nobody else has the role of the owner or of the platform.');
  return own ?? role ?? 'payee';
}

/** Whose signatures a split needs: its owner's and each payee's, each once. */
export function signersOf(ownerAccountId: string, legs: readonly SplitLeg[]): string[] {
  return [...new Set([ownerAccountId, ...legs.map((leg) => leg.payee)])];
}

/**
 * Shares of a pot by largest remainder: each ⌊pot × basis points / 10000⌋, what is left one unit each to the largest
 * remainders, ties in the order of the legs. They sum to the pot. `potMinor` is not negative.
 */
export function sharesOf(potMinor: bigint, basisPoints: readonly number[]): bigint[] {
  if (potMinor < 0n) throw new RangeError('a pot below zero has no shares');
  const whole = BigInt(WHOLE_BASIS_POINTS);
  const parts = basisPoints.map((points) => {
    const product = potMinor * BigInt(points);
    return { share: product / whole, remainder: product % whole };
  });
  let left = potMinor - parts.reduce((sum, part) => sum + part.share, 0n);
  // Sorting keeps the order of equals.
  for (const part of [...parts].sort((a, b) => Number(b.remainder - a.remainder))) {
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
  /** The processor's fee and the tax that were taken off before it was earned; below zero in what a refund took back. */
  feeMinor: bigint;
  taxMinor: bigint;
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
  /** What leaves `earned`: the price without tax and fee. */
  amountMinor: bigint;
  feeMinor: bigint;
  taxMinor: bigint;
  entries: EarnedEntry[];
}

/**
 * The split under which an entry is divided. An entry posted before any was signed takes one that covers all of its days;
 * without one its money cannot be divided: `split_missing`.
 */
function splitFor(entry: EarnedEntry, { versions, booked }: SplitDays): string {
  if (entry.splitId !== null) return entry.splitId;
  const segments = segmentsOf(versions, entry.firstDay, addDays(entry.lastDay, 1), booked);
  const [only] = segments;
  if (segments.length !== 1 || only?.splitId == null) {
    throw new Refusal('split_missing', 'There are earned days without a split. Sign one that begins on the first of them.', {
      extra: { firstDay: entry.firstDay, lastDay: entry.lastDay },
    });
  }
  return only.splitId;
}

/** Sorts entries into pots: one for each (tier, currency, split version). */
export function potsOf(entries: readonly EarnedEntry[], days: SplitDays): PotDraft[] {
  const pots = new Map<string, PotDraft>();
  for (const entry of entries) {
    const splitId = splitFor(entry, days);
    const key = `${entry.tierId}\n${entry.currency}\n${splitId}`;
    const pot = pots.get(key);
    if (pot === undefined) {
      const { tierId, currency, accountCode, firstDay, lastDay, amountMinor, feeMinor, taxMinor } = entry;
      pots.set(key, { tierId, currency, accountCode, splitId, firstDay, lastDay, amountMinor, feeMinor, taxMinor, entries: [entry] });
      continue;
    }
    pot.entries.push(entry);
    pot.amountMinor += entry.amountMinor;
    pot.feeMinor += entry.feeMinor;
    pot.taxMinor += entry.taxMinor;
    if (entry.firstDay < pot.firstDay) pot.firstDay = entry.firstDay;
    if (entry.lastDay > pot.lastDay) pot.lastDay = entry.lastDay;
  }
  return [...pots.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pot]) => pot);
}

/** A pot whose entries were gone through: how many they were. */
export interface PotTotals extends Omit<PotDraft, 'entries'> {
  entries: number;
}

/** Adds a part of a pot's entries to what was gone through of it before. */
export function addToPot(total: PotTotals | null, { entries, ...part }: PotDraft): PotTotals {
  if (total === null) return { ...part, entries: entries.length };
  return {
    ...total, amountMinor: total.amountMinor + part.amountMinor, feeMinor: total.feeMinor + part.feeMinor, taxMinor: total.taxMinor + part.taxMinor,
    firstDay: part.firstDay < total.firstDay ? part.firstDay : total.firstDay, lastDay: part.lastDay > total.lastDay ? part.lastDay : total.lastDay,
    entries: total.entries + entries.length,
  };
}

/** The money of a pot: what leaves `earned`, and the fee and the tax that were taken off before. */
export interface PotMoney {
  amountMinor: bigint;
  feeMinor: bigint;
  taxMinor: bigint;
}

/** What of a pot its split divides. */
export function baseMinorOf({ amountMinor, feeMinor, taxMinor }: PotMoney, base: Base): bigint {
  if (base === 'net_of_tax_and_fees') return amountMinor;
  return base === 'net_of_tax' ? amountMinor + feeMinor : amountMinor + feeMinor + taxMinor;
}

/** A leg's share of the base, and what is posted to it: less, for the platform, by what the base leaves in. */
export interface DividedLeg extends SplitLeg {
  shareMinor: bigint;
  amountMinor: bigint;
}

/**
 * What each leg gets of a pot. The platform bears the fee and the tax that the base leaves in, also where its share is smaller: then
 * its leg is below zero and shows it. A base below zero (more was refunded than earned, or fees were more than the
 * revenue) is the platform's alone: payees signed to share earnings, and no loss is hidden in somebody's later ones.
 */
export function dividePot(pot: PotMoney, legs: readonly SplitLeg[], base: Base): DividedLeg[] {
  const baseMinor = baseMinorOf(pot, base);
  const shares = baseMinor < 0n ? legs.map(() => 0n) : sharesOf(baseMinor, legs.map((leg) => leg.basisPoints));
  const borneMinor = baseMinor < 0n ? -pot.amountMinor : baseMinor - pot.amountMinor;
  return legs.map((leg, index) => {
    const shareMinor = shares[index] ?? 0n;
    return { ...leg, shareMinor, amountMinor: leg.payee === PLATFORM ? shareMinor - borneMinor : shareMinor };
  });
}

/** One CNY, or as little of another currency: below it a transfer costs more care than it is worth, to whoever has not asked for less. */
export const LEAST_PAYOUT_MINOR = 100n;

/** A currency that payees are paid in: coins are nobody's wage. Refuses `money_malformed`. */
export function paidOutIn(code: string): Exclude<Currency, 'COIN'> {
  if (!isCurrency(code) || code === 'COIN') throw new Refusal('money_malformed', 'Payees are paid in CNY, USD, EUR or JPY.');
  return code;
}

import { least } from '../kernel/money.ts';
import { type Base, type DividedLeg, PLATFORM, returnedOf } from './model.ts';

/** What of a payment comes back out of the pots that it went into: pure, exact, in whole minor units. */

/** Money of a payment: its price without tax, the tax, and the processor's fee. */
export interface Parts {
  netMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
}

export const NO_PARTS: Parts = { netMinor: 0n, taxMinor: 0n, feeMinor: 0n };

export function plus(a: Parts, b: Parts): Parts {
  return { netMinor: a.netMinor + b.netMinor, taxMinor: a.taxMinor + b.taxMinor, feeMinor: a.feeMinor + b.feeMinor };
}

export function less(a: Parts, b: Parts): Parts {
  return { netMinor: a.netMinor - b.netMinor, taxMinor: a.taxMinor - b.taxMinor, feeMinor: a.feeMinor - b.feeMinor };
}

function smaller(left: bigint, available: bigint): bigint {
  return available > 0n ? least(left, available) : 0n;
}

/**
 * Takes each part of a claim from sources in their order, as far as the payment's own part there reaches; answers what each gave, and what
 * none could. Parts that sum to the payment therefore take exactly what it put into each source.
 */
export function takeParts(claim: Parts, available: readonly Parts[]): { taken: Parts[]; rest: Parts } {
  let rest = claim;
  const taken = available.map((source) => {
    const part = {
      netMinor: smaller(rest.netMinor, source.netMinor), taxMinor: smaller(rest.taxMinor, source.taxMinor), feeMinor: smaller(rest.feeMinor, source.feeMinor),
    };
    rest = less(rest, part);
    return part;
  });
  return { taken, rest };
}

/** So much of some money, price and tax together at most `grossMinor`; each part down to the unit. */
export function partWithin(parts: Parts, grossMinor: bigint): Parts {
  const wholeMinor = parts.netMinor + parts.taxMinor;
  if (wholeMinor <= 0n || grossMinor <= 0n) return NO_PARTS;
  if (grossMinor >= wholeMinor) return parts;
  const part = (minor: bigint): bigint => (minor * grossMinor) / wholeMinor;
  return { netMinor: part(parts.netMinor), taxMinor: part(parts.taxMinor), feeMinor: part(parts.feeMinor) };
}

/** What of a payment's money its split divides. */
export function baseOfParts({ netMinor, taxMinor, feeMinor }: Parts, base: Base): bigint {
  if (base === 'net_of_tax_and_fees') return netMinor - feeMinor;
  return base === 'net_of_tax' ? netMinor : netMinor + taxMinor;
}

/** A pot that a payment stands in: what it put there, and what was claimed of that and of the whole pot so far. */
export interface ClaimedPot {
  base: Base;
  own: Parts;
  ownClaimed: Parts;
  /** Of the base: by this payment, and by everybody. */
  ownClaimedMinor: bigint;
  claimedMinor: bigint;
  legs: readonly DividedLeg[];
}

/** What a claim is on a pot: how much of its base, and what is posted for it. */
export interface PotClaim {
  baseMinor: bigint;
  amountMinor: bigint;
}

/**
 * The claim that `taken` of a payment is on a pot. Of a base without the fee it is never below zero, since payees signed to share earnings
 * and gave none for a fee that was more than its price; the whole payment claims exactly what it put in.
 */
export function claimOn(pot: ClaimedPot, taken: Parts): PotClaim {
  const wholeMinor = pot.legs.reduce((sum, leg) => sum + leg.shareMinor, 0n);
  const reached = smaller(baseOfParts(plus(pot.ownClaimed, taken), pot.base), baseOfParts(pot.own, pot.base));
  const wanted = reached > pot.ownClaimedMinor ? reached - pot.ownClaimedMinor : 0n;
  const baseMinor = smaller(wanted, wholeMinor - pot.claimedMinor);
  return { baseMinor, amountMinor: pot.base === 'net_of_tax_and_fees' ? baseMinor : taken.netMinor - taken.feeMinor };
}

export interface ReturnedLeg {
  payee: string;
  shareMinor: bigint;
  amountMinor: bigint;
}

/**
 * What each leg returns of a claim on a pot: apportioned over the shares, on the cumulative base that was claimed. The platform is given
 * back what it bore of that, the tax and the fee that the base leaves in, so that the legs sum to the posted amount; its leg
 * may be below zero. A pot that is claimed whole leaves every leg with nothing.
 */
export function stepsOf({ legs, claimedMinor }: Pick<ClaimedPot, 'legs' | 'claimedMinor'>, { baseMinor, amountMinor }: PotClaim): ReturnedLeg[] {
  const shares = legs.map((leg) => leg.shareMinor);
  const before = returnedOf(claimedMinor, shares);
  const after = returnedOf(claimedMinor + baseMinor, shares);
  return legs.map(({ payee }, index) => {
    const shareMinor = (after[index] ?? 0n) - (before[index] ?? 0n);
    return { payee, shareMinor, amountMinor: payee === PLATFORM ? shareMinor - (baseMinor - amountMinor) : shareMinor };
  });
}

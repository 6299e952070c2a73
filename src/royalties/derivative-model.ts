import { mulDivFloor } from '../kernel/money.ts';
import { type Base, baseMinorOf, dividePot, type DividedLeg, type PotMoney, type SplitLeg, WHOLE_BASIS_POINTS } from './model.ts';

/** What of a derivative's pot goes up to the originals that it was made from: pure, exact, in whole minor units. */

/** One original above a derivative; the nearest is the one whose owner signed the derivative's own term. */
export interface Level {
  derivativeId: string;
  payee: string;
  upstreamBasisPoints: number;
}

export interface UpstreamLeg extends DividedLeg {
  derivativeId: string;
}

/**
 * The basis points of each level within the ceiling over all of them, in the order given (the nearest first). Where they would be more,
 * the farthest original has its own first: only the nearest one's owner signed this ceiling, so theirs is cut first.
 */
export function withinCeiling(levels: readonly Level[], ceilingBasisPoints: number): number[] {
  let left = ceilingBasisPoints;
  return levels.map((level) => level.upstreamBasisPoints).reverse().map((wanted) => {
    const given = Math.min(wanted, left);
    left -= given;
    return given;
  }).reverse();
}

/** What each level gets of `baseMinor`: ⌊base × their sum / 10000⌋ in all, so never more than the ceiling, by largest remainder among them. */
export function upstreamShares(baseMinor: bigint, basisPoints: readonly number[]): bigint[] {
  const sum = BigInt(basisPoints.reduce((total, one) => total + one, 0));
  if (baseMinor <= 0n || sum === 0n) return basisPoints.map(() => 0n);
  const wholeMinor = mulDivFloor(baseMinor, sum, BigInt(WHOLE_BASIS_POINTS));
  const parts = basisPoints.map((points) => ({ share: (wholeMinor * BigInt(points)) / sum, remainder: (wholeMinor * BigInt(points)) % sum }));
  let left = wholeMinor - parts.reduce((total, part) => total + part.share, 0n);
  // Sorting keeps the order of equals: ties in the order of the levels.
  for (const part of [...parts].sort((a, b) => Number(b.remainder - a.remainder))) {
    if (left === 0n) break;
    part.share += 1n;
    left -= 1n;
  }
  return parts.map((part) => part.share);
}

/** A pot of a derivative: the originals first, and the derivative's own split divides the rest. Together the legs are the pot. */
export function divideDerived(
  pot: PotMoney, upstream: { levels: readonly Level[]; ceilingBasisPoints: number }, legs: readonly SplitLeg[], base: Base,
): { upstream: UpstreamLeg[]; legs: DividedLeg[] } {
  const basisPoints = withinCeiling(upstream.levels, upstream.ceilingBasisPoints);
  const shares = upstreamShares(baseMinorOf(pot, base), basisPoints);
  const wholeMinor = shares.reduce((total, one) => total + one, 0n);
  return {
    upstream: upstream.levels.map(({ derivativeId, payee }, index) => {
      const shareMinor = shares[index] ?? 0n;
      return { derivativeId, payee, basisPoints: basisPoints[index] ?? 0, shareMinor, amountMinor: shareMinor };
    }),
    legs: dividePot({ ...pot, amountMinor: pot.amountMinor - wholeMinor }, legs, base),
  };
}

/** Exact fractions for the reference model: nothing is rounded until somebody says where. */
export interface Fraction {
  n: bigint;
  /** Positive. */
  d: bigint;
}

function divisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x === 0n ? 1n : x;
}

export function fraction(n: bigint, d = 1n): Fraction {
  if (d <= 0n) throw new RangeError('a denominator is positive');
  const by = divisor(n, d);
  return { n: n / by, d: d / by };
}

export const ZERO: Fraction = { n: 0n, d: 1n };

export const plus = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.d + b.n * a.d, a.d * b.d);
export const minus = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.d - b.n * a.d, a.d * b.d);
export const times = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.n, a.d * b.d);

/** -1, 0 or 1. */
export function compare(a: Fraction, b: Fraction): number {
  const difference = a.n * b.d - b.n * a.d;
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** The whole number at or below. */
export function floor({ n, d }: Fraction): bigint {
  return n >= 0n ? n / d : -((-n + d - 1n) / d);
}

/** Whole shares of a whole amount: each fraction's floor, what is left one each to the largest remainders, the first first. */
export function largestRemainder(amount: bigint, weights: readonly bigint[]): bigint[] {
  const whole = weights.reduce((sum, weight) => sum + weight, 0n);
  const exact = weights.map((weight) => fraction(amount * weight, whole));
  const shares = exact.map(floor);
  const left = Number(amount - shares.reduce((sum, share) => sum + share, 0n));
  const order = exact.map((share, leg) => ({ leg, rest: minus(share, fraction(floor(share))) })).sort((a, b) => compare(b.rest, a.rest) || a.leg - b.leg);
  for (const { leg } of order.slice(0, left)) shares[leg] = (shares[leg] ?? 0n) + 1n;
  return shares;
}

/** Sainte-Laguë as it is defined, unit by unit: the next goes to the highest received / (2 × returned + 1), the first first. */
export function sainteLague(total: bigint, received: readonly bigint[], from: readonly bigint[] = received.map(() => 0n)): bigint[] {
  const returned = [...from];
  for (let left = total - from.reduce((sum, one) => sum + one, 0n); left > 0n; left -= 1n) {
    let best = 0;
    for (let leg = 1; leg < received.length; leg += 1) {
      const mine = fraction(received[leg] ?? 0n, 2n * (returned[leg] ?? 0n) + 1n);
      const its = fraction(received[best] ?? 0n, 2n * (returned[best] ?? 0n) + 1n);
      if (compare(mine, its) > 0) best = leg;
    }
    returned[best] = (returned[best] ?? 0n) + 1n;
  }
  return returned;
}

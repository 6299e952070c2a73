/** The two divisions that a statement rests on, as fractions, written from their definitions alone. Pure. */

export const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, one) => total + one, 0n);

/** Largest remainder: the exact share of each is `whole × weight / Σ weights`; who lost most by rounding down gets a unit first, ties in order. */
export function sharesBy(whole: bigint, weights: readonly bigint[]): bigint[] {
  const all = sum(weights);
  const exact = weights.map((weight, place) => ({ place, numerator: whole * weight }));
  const shares = exact.map(({ numerator }) => numerator / all);
  const missing = Number(whole - sum(shares));
  // Sorting keeps the order of equals.
  const byLoss = [...exact].sort((a, b) => Number((b.numerator % all) - (a.numerator % all)));
  for (const { place } of byLoss.slice(0, missing)) shares[place] = (shares[place] ?? 0n) + 1n;
  return shares;
}

/** How many odd quotients received / 1, received / 3, received / 5 … are at least `level / 2^SCALE`. */
function unitsAt(received: bigint, level: bigint): bigint {
  return ((received << SCALE) / level + 1n) / 2n;
}

const SCALE = 80n;

/**
 * Sainte-Laguë as a level: the units given are those with the highest quotients received / (2k + 1). The level at which at most
 * `total` of them stand is searched by halves; the few that stand exactly on it go in the order of the legs.
 */
export function returnedBy(total: bigint, received: readonly bigint[]): bigint[] {
  let low = 1n;
  let high = received.reduce((a, b) => (a > b ? a : b), 0n) << (SCALE + 1n);
  if (high === 0n) return received.map(() => 0n);
  const given = (level: bigint): bigint[] => received.map((one) => unitsAt(one, level));
  while (low < high) {
    const middle = (low + high) / 2n;
    if (sum(given(middle)) <= total) high = middle;
    else low = middle + 1n;
  }
  const units = given(high);
  for (let left = total - sum(units); left > 0n; left -= 1n) {
    const next = received.map((one, place) => ({ place, one, odd: 2n * (units[place] ?? 0n) + 1n }))
      .sort((a, b) => Number(b.one * a.odd - a.one * b.odd))[0];
    if (next !== undefined) units[next.place] = (units[next.place] ?? 0n) + 1n;
  }
  return units;
}

import { returnedOf, sharesOf } from '../../src/royalties/model.ts';
import { sainteLague } from './reference/fraction.ts';

/**
 * Refunds in parts, at random: sales of 2 to 20 legs are refunded by steps until nothing is left. One step is one case. What
 * must hold of each is in docs/promises.md; every so often a step is also counted out by the definition, unit by unit.
 */
export interface Apportioned {
  cases: number;
  sales: number;
  /** Cases that were also counted out by the definition. */
  counted: number;
  /** The first case that broke, with what it needs to be seen again. */
  broken: string | null;
}

/** 32-bit mixing: a million draws must cost less than what they test. */
function makeDraw(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % bound;
  };
}

type Draw = ReturnType<typeof makeDraw>;
type Returned = typeof returnedOf;

/** Amounts as they are met: a few units, a few coins' worth, a month's earnings, and now and then a fortune. */
const SIZES = [12, 100, 3_000, 1_000_000, 2_000_000_000];

function sale(draw: Draw): bigint[] {
  // Few legs more often, as splits have them.
  const legs = 2 + Math.min(draw(19), draw(19));
  const size = SIZES[draw(SIZES.length)] ?? 100;
  if (draw(3) === 0) return Array.from({ length: legs }, () => BigInt(draw(size)));
  // As a split gives them: shares of a pot, some of them nothing.
  const weights = Array.from({ length: legs }, () => 1 + draw(1 + draw(1_000)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const points = weights.map((weight) => Math.max(1, Math.floor((weight * 10_000) / total)));
  const largest = points.indexOf(Math.max(...points));
  points[largest] = (points[largest] ?? 0) + 10_000 - points.reduce((sum, one) => sum + one, 0);
  return sharesOf(BigInt(draw(size)), points);
}

/** Why a step is wrong, or null. `before` returned `from` in all, `after` returns `to`. */
function problem(received: readonly bigint[], before: readonly bigint[], after: readonly bigint[], to: bigint, whole: bigint): string | null {
  let sum = 0n;
  for (let leg = 0; leg < received.length; leg += 1) {
    const [got = 0n, was = 0n, is = -1n] = [received[leg], before[leg], after[leg]];
    if (is < was) return `leg ${leg} is given back ${was - is}`;
    if (is > got) return `leg ${leg} returns ${is} of ${got}`;
    if (to === whole && is !== got) return `leg ${leg} keeps ${got - is} of a sale that was refunded`;
    sum += is;
  }
  return sum === to ? null : `the legs return ${sum}`;
}

const COUNTED_MAX = 150n;

export function apportionment(cases: number, seed: number, returned: Returned = returnedOf): Apportioned {
  const draw = makeDraw(seed);
  const found: Apportioned = { cases: 0, sales: 0, counted: 0, broken: null };
  while (found.cases < cases && found.broken === null) {
    const received = sale(draw);
    const whole = received.reduce((sum, one) => sum + one, 0n);
    if (whole === 0n) continue;
    found.sales += 1;
    const parts = 1 + draw(40);
    let before = received.map(() => 0n);
    for (let part = 1, total = 0n; part <= parts && total < whole && found.broken === null; part += 1) {
      const left = whole - total;
      const step = part === parts ? left : 1n + (left * BigInt(draw(1_000))) / BigInt(1_000 * (1 + draw(parts)));
      total += step < left ? step : left;
      const after = returned(total, received);
      let wrong = problem(received, before, after, total, whole);
      if (wrong === null && total <= COUNTED_MAX && draw(40) === 0) {
        found.counted += 1;
        if (sainteLague(total, received).some((one, leg) => one !== after[leg])) wrong = 'the definition says otherwise';
      }
      if (wrong !== null) found.broken = `seed ${seed}, case ${found.cases}: ${wrong}, of ${received.join('/')} at ${total}`;
      found.cases += 1;
      before = after;
    }
  }
  return found;
}

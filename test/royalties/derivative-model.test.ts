import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { divideDerived, type Level, withinCeiling } from '../../src/royalties/derivative-model.ts';
import { BASES, baseMinorOf } from '../../src/royalties/model.ts';
import { stepsOf } from '../../src/royalties/returns-model.ts';

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, one) => total + one, 0n);
const level = (upstreamBasisPoints: number, name = 'a'): Level => ({ derivativeId: `drv_${name}`, payee: `acc_${name}`, upstreamBasisPoints });

describe('what goes up to the originals of a derivative', () => {
  const legs = [{ payee: 'acc_cover', basisPoints: 8_000 }, { payee: 'platform', basisPoints: 2_000 }];

  it('is the original owner\'s share of the pot, before the split divides the rest', () => {
    const pot = { amountMinor: 1_000n, feeMinor: 0n, taxMinor: 0n };
    const divided = divideDerived(pot, { levels: [level(1_500)], ceilingBasisPoints: 3_000 }, legs, 'net_of_tax_and_fees');
    expect(divided.upstream.map((leg) => leg.amountMinor)).toEqual([150n]);
    expect(divided.legs.map((leg) => leg.amountMinor)).toEqual([680n, 170n]);
  });

  it('is cut at the ceiling, the nearest original\'s first', () => {
    expect(withinCeiling([level(2_000), level(1_500), level(1_000)], 9_000)).toEqual([2_000, 1_500, 1_000]);
    expect(withinCeiling([level(2_000), level(1_500), level(1_000)], 3_000)).toEqual([500, 1_500, 1_000]);
    expect(withinCeiling([level(2_000), level(1_500), level(1_000)], 2_000)).toEqual([0, 1_000, 1_000]);
  });

  it('never passes the ceiling over all levels, sums with the rest to the pot, and comes back whole', () => {
    const chain = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 8 });
    const money = fc.record({ amountMinor: fc.bigInt(1n, 10n ** 9n), feeMinor: fc.bigInt(0n, 10n ** 6n), taxMinor: fc.bigInt(0n, 10n ** 6n) });
    fc.assert(fc.property(money, chain, fc.integer({ min: 1, max: 9_000 }), fc.constantFrom(...BASES), fc.bigInt(1n, 10n ** 9n), (pot, wanted, ceiling, base, ask) => {
      const levels = wanted.map((points, index) => level(points, `${index}`));
      const divided = divideDerived(pot, { levels, ceilingBasisPoints: ceiling }, legs, base);
      const up = sum(divided.upstream.map((leg) => leg.amountMinor));
      expect(up * 10_000n <= baseMinorOf(pot, base) * BigInt(ceiling)).toBe(true);
      divided.upstream.forEach((leg, index) => {
        expect(leg.basisPoints <= wanted[index]!).toBe(true);
        // No level gets more than its own share, but for the last unit of a remainder.
        expect(leg.amountMinor * 10_000n < baseMinorOf(pot, base) * BigInt(leg.basisPoints) + 10_000n).toBe(true);
      });
      const all = [...divided.upstream, ...divided.legs];
      expect(sum(all.map((leg) => leg.amountMinor))).toBe(pot.amountMinor);
      const whole = baseMinorOf(pot, base);
      const first = ask < whole ? ask : whole;
      const back = [stepsOf({ claimedMinor: 0n, legs: all }, { baseMinor: first, amountMinor: 7n }), stepsOf({ claimedMinor: first, legs: all }, { baseMinor: whole - first, amountMinor: pot.amountMinor - 7n })];
      // Within the ceiling after a part was returned, too: what the originals keep is their part of the base that is left, but for the units
      // that were not whole.
      const kept = sum(divided.upstream.map((leg, index) => leg.shareMinor - back[0]![index]!.shareMinor));
      expect(kept * 10_000n <= (whole - first) * BigInt(ceiling) + 10_000n * BigInt(all.length)).toBe(true);
      all.forEach((leg, index) => {
        expect(back[0]![index]!.amountMinor + back[1]![index]!.amountMinor).toBe(leg.amountMinor);
      });
    }), { numRuns: 2_000 });
  });

  it('is nothing of a pot that is worth nothing', () => {
    for (const amountMinor of [0n, -5n]) {
      const divided = divideDerived({ amountMinor, feeMinor: 0n, taxMinor: 0n }, { levels: [level(1_000)], ceilingBasisPoints: 1_000 }, legs, 'gross');
      expect([...divided.upstream, ...divided.legs].map((leg) => leg.amountMinor)).toEqual([0n, 0n, amountMinor]);
    }
  });
});

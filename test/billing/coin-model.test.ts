import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { countOf, firstOf, lastOf, type Lot, type Part, partOf, shareOfRuns, sumOf, takeCoins, unusedCoins, withAlso, without } from '../../src/billing/coin-model.ts';
import { readPacks, loadPacks } from '../../src/billing/coin-packs.ts';
import { Refusal } from '../../src/kernel/refusals.ts';

const lotOf = (id: string, coins: bigint, netMinor: bigint, taxMinor = 0n, feeMinor = 0n): Lot => ({ id, coins, netMinor, taxMinor, feeMinor, free: [{ from: 0n, to: coins }] });

/** A lot of up to 300 coins, each of which cost at least one minor unit. */
const lots = fc.array(fc.record({ coins: fc.bigInt(1n, 300n), more: fc.bigInt(0n, 5_000n), taxMinor: fc.bigInt(0n, 400n), feeMinor: fc.bigInt(0n, 90n) }), { minLength: 1, maxLength: 5 })
  .map((all) => all.map(({ coins, more, taxMinor, feeMinor }, i) => lotOf(`lot_${i}`, coins, coins + more, taxMinor, feeMinor)));

const move = (lot: Lot, runs: (free: Lot['free']) => Lot['free']): Lot => ({ ...lot, free: runs(lot.free) });
const change = (all: readonly Lot[], parts: readonly Part[], how: (free: Lot['free'], taken: Part['taken']) => Lot['free']): Lot[] =>
  all.map((lot) => parts.filter((part) => part.lotId === lot.id).reduce((now, part) => move(now, (free) => how(free, part.taken)), lot));
const left = (all: readonly Lot[]): ReturnType<typeof sumOf> => sumOf(all.map((lot) => partOf(lot, lot.free)));

describe('coins of a lot', () => {
  it('spent in order release ⌊basis × spent / coins⌋ in all, and the last one releases the last cent', () => {
    fc.assert(fc.property(fc.bigInt(1n, 500n), fc.bigInt(0n, 100_000n), fc.array(fc.bigInt(1n, 40n), { maxLength: 40 }), (coins, more, sizes) => {
      let lot = lotOf('lot_a', coins, coins + more);
      let released = 0n;
      for (const size of [...sizes, coins]) {
        const here = size < countOf(lot.free) ? size : countOf(lot.free);
        if (here === 0n) break;
        const parts = takeCoins([lot], here);
        released += sumOf(parts).netMinor;
        lot = change([lot], parts, without)[0]!;
        const spent = coins - countOf(lot.free);
        expect(released).toBe((coins + more) * spent / coins);
      }
      expect([countOf(lot.free), released]).toEqual([0n, coins + more]);
    }));
  });

  it('taken, given back and taken again in any order never lose or make a cent', () => {
    const steps = fc.array(fc.record({ take: fc.boolean(), size: fc.bigInt(1n, 80n), which: fc.nat() }), { maxLength: 60 });
    fc.assert(fc.property(lots, steps, (begun, course) => {
      let all = begun;
      const whole = left(begun);
      const open: Part[][] = [];
      for (const { take, size, which } of course) {
        if (take && size <= left(all).coins) {
          const parts = takeCoins(all, size);
          expect(sumOf(parts).coins).toBe(size);
          // Each coin costs something, so no coin ever moves alone.
          for (const part of parts) expect(part.netMinor).toBeGreaterThanOrEqual(part.coins);
          all = change(all, parts, without);
          open.push(parts);
        } else if (!take && open.length > 0) {
          const [parts = []] = open.splice(which % open.length, 1);
          const before = left(all);
          all = change(all, parts, withAlso);
          expect(left(all)).toEqual(sumOf([before, sumOf(parts)]));
        }
        expect(sumOf([left(all), ...open.map(sumOf)])).toEqual(whole);
      }
      for (const parts of open) all = change(all, parts, withAlso);
      expect(all).toEqual(begun);
    }));
  });

  it('are taken oldest first, and a lot is emptied before the next is touched', () => {
    fc.assert(fc.property(lots, fc.bigInt(1n, 1_500n), (all, count) => {
      fc.pre(count <= left(all).coins);
      const parts = takeCoins(all, count);
      expect(parts.map((part) => part.lotId)).toEqual(all.slice(0, parts.length).map((lot) => lot.id));
      for (const [i, part] of parts.slice(0, -1).entries()) expect(part.coins).toBe(all[i]!.coins);
    }));
  });

  it('are refused beyond what there is, with what there is', () => {
    const error = (() => {
      try {
        return takeCoins([lotOf('lot_a', 5n, 5n)], 6n);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(Refusal);
    expect(error).toMatchObject({ code: 'coins_insufficient', extra: { coins: '6', availableCoins: '5' } });
  });

  it('have shares that add up over any partition', () => {
    fc.assert(fc.property(fc.bigInt(0n, 10n ** 15n), fc.uniqueArray(fc.bigInt(1n, 999n), { maxLength: 12 }), (amount, cuts) => {
      const edges = [0n, ...cuts.sort((a, b) => (a < b ? -1 : 1)), 1000n];
      const shares = edges.slice(1).map((to, i) => shareOfRuns(amount, 1000n, [{ from: edges[i]!, to }]));
      expect(shares.reduce((sum, one) => sum + one, 0n)).toBe(amount);
    }));
  });

  it('are named by their numbers: first, last, without, also', () => {
    const runs = [{ from: 2n, to: 5n }, { from: 9n, to: 12n }];
    expect(firstOf(runs, 4n)).toEqual([{ from: 2n, to: 5n }, { from: 9n, to: 10n }]);
    expect(lastOf(runs, 4n)).toEqual([{ from: 4n, to: 5n }, { from: 9n, to: 12n }]);
    expect(without(runs, [{ from: 3n, to: 4n }])).toEqual([{ from: 2n, to: 3n }, { from: 4n, to: 5n }, { from: 9n, to: 12n }]);
    expect(withAlso(runs, [{ from: 5n, to: 9n }])).toEqual([{ from: 2n, to: 12n }]);
    expect(() => firstOf(runs, 7n)).toThrow(RangeError);
    expect(() => lastOf(runs, 7n)).toThrow(RangeError);
  });
});

describe('the unused part of a spend', () => {
  it('gives back the coins that were taken last, rounded up for the fan, never more than were spent', () => {
    fc.assert(fc.property(lots, fc.bigInt(1n, 1_000n), fc.integer({ min: 0, max: 31 }), (all, count, unusedDays) => {
      fc.pre(count <= left(all).coins);
      const parts = takeCoins(all, count);
      const taken = parts.map((part) => ({ lot: all.find((lot) => lot.id === part.lotId)!, taken: part.taken }));
      const given = sumOf(unusedCoins(taken, BigInt(unusedDays), 31n, count));
      expect(given.coins).toBe((count * BigInt(unusedDays) + 30n) / 31n);
      expect(sumOf(unusedCoins(taken, 31n, 31n, count))).toEqual(sumOf(parts));
    }));
    // In however many parts: what came back in all is rounded up once.
    fc.assert(fc.property(lots, fc.bigInt(1n, 1_000n), fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 }), (all, count, steps) => {
      fc.pre(count <= left(all).coins);
      let taken = takeCoins(all, count).map((part) => ({ lot: all.find((lot) => lot.id === part.lotId)!, taken: part.taken }));
      let days = 0;
      let back = 0n;
      for (const step of steps) {
        days = Math.min(31, days + step);
        const given = unusedCoins(taken, BigInt(days), 31n, count);
        back += sumOf(given).coins;
        taken = taken.map(({ lot, taken: runs }) => ({ lot, taken: without(runs, given.filter(({ lotId }) => lotId === lot.id).flatMap((part) => part.taken)) }));
        expect(back).toBe((count * BigInt(days) + 30n) / 31n);
      }
    }));
    const first = lotOf('lot_a', 10n, 100n);
    const second = lotOf('lot_b', 10n, 200n);
    const [part] = unusedCoins([{ lot: first, taken: first.free }, { lot: second, taken: [{ from: 0n, to: 4n }] }], 1n, 14n, 14n);
    expect(part).toMatchObject({ lotId: 'lot_b', taken: [{ from: 3n, to: 4n }], netMinor: 20n });
  });
});

describe('the table of packs', () => {
  it('is seven coins to 1 CNY, whatever the house sells', () => {
    for (const { coins, priceMinor } of loadPacks()) expect(coins * 100n).toBe(priceMinor * 7n);
    expect(loadPacks().map(({ coins }) => coins)).toEqual(expect.arrayContaining([42n, 210n]));
  });

  it.each([
    ['[]'], ['{}'], ['[{"pack":"a","coins":"43"}]'], ['[{"pack":"a","coins":"0"}]'], ['[{"pack":"a","coins":"-7"}]'], ['[{"pack":"a","coins":7}]'],
    ['[{"pack":"a","coins":"7e1"}]'], ['[{"pack":"A b","coins":"7"}]'], ['[{"pack":"a","coins":"7"},{"pack":"a","coins":"14"}]'], ['[{"pack":"a","coins":"700000000"}]'],
  ])('refuses %s', (text) => {
    expect(() => readPacks(text)).toThrow(/coin packs is refused/);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AMOUNT_MAX, coinsFor, CURRENCIES, formatMinor, isCurrency, mulDivFloor, parseMinor } from '../../src/kernel/money.ts';
import type { Currency } from '../../src/kernel/money.ts';
import { Refusal } from '../../src/kernel/refusals.ts';

const amount = fc.bigInt({ min: -AMOUNT_MAX, max: AMOUNT_MAX });
const currency = fc.constantFrom(...(Object.keys(CURRENCIES) as Currency[]));

function codeOf(text: string): string {
  try {
    parseMinor(text);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('parseMinor', () => {
  it('reads back every amount that fits', () => {
    fc.assert(fc.property(amount, (value) => {
      expect(parseMinor(value.toString())).toBe(value);
    }));
  });

  it.each(['', ' 1', '1 ', '+1', '-0', '00', '01', '1.0', '1e3', '0x10', '1,000', 'NaN', 'Infinity', '١', '--1', '1\n'])(
    'refuses %j', (text) => {
      expect(codeOf(text)).toBe('money_malformed');
    });

  it('refuses what does not fit in 64 bits', () => {
    expect(codeOf((AMOUNT_MAX + 1n).toString())).toBe('money_out_of_range');
    expect(codeOf((-AMOUNT_MAX - 1n).toString())).toBe('money_out_of_range');
    expect(codeOf('9'.repeat(20))).toBe('money_malformed');
  });

  it('takes one spelling of each amount and no other text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^-?\d{1,20}(\.\d)?$/)), (text) => {
      if (codeOf(text) === 'accepted') expect(parseMinor(text).toString()).toBe(text);
    }));
  });
});

describe('formatMinor', () => {
  it('moves the point and loses nothing', () => {
    fc.assert(fc.property(amount, currency, (value, unit) => {
      const text = formatMinor(value, unit);
      expect(text).toMatch(CURRENCIES[unit] === 0 ? /^-?\d+$/ : /^-?\d+\.\d{2}$/);
      expect(BigInt(text.replace('.', ''))).toBe(value);
    }));
    expect(formatMinor(-5n, 'CNY')).toBe('-0.05');
    expect(formatMinor(600n, 'CNY')).toBe('6.00');
  });

  it('knows its currencies and no inherited names', () => {
    expect(isCurrency('CNY')).toBe(true);
    expect(isCurrency('toString')).toBe(false);
  });
});

describe('proportions', () => {
  it('42 coins are 6 CNY, and coins never buy below the price', () => {
    expect(coinsFor(600n)).toBe(42n);
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: AMOUNT_MAX / 7n }), (price) => {
      const coins = coinsFor(price);
      expect(coins * 100n).toBeGreaterThanOrEqual(price * 7n);
      expect((coins - 1n) * 100n).toBeLessThan(price * 7n);
    }));
  });

  it('mulDivFloor is the floor of the exact quotient', () => {
    fc.assert(fc.property(
      fc.bigInt({ min: 0n, max: AMOUNT_MAX }), fc.bigInt({ min: 0n, max: AMOUNT_MAX }), fc.bigInt({ min: 1n, max: AMOUNT_MAX }),
      (a, b, c) => {
        const floor = mulDivFloor(a, b, c);
        expect(floor * c).toBeLessThanOrEqual(a * b);
        expect((floor + 1n) * c).toBeGreaterThan(a * b);
      }));
    for (const [a, b, c] of [[-1n, 1n, 1n], [1n, -1n, 1n], [1n, 1n, 0n], [1n, 1n, -1n]] as const) {
      expect(() => mulDivFloor(a, b, c)).toThrow(RangeError);
    }
  });

  it('earning day by day sums to the whole', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), fc.integer({ min: 1, max: 366 }), (total, days) => {
      let sum = 0n;
      for (let day = 1n; day <= BigInt(days); day += 1n) {
        const step = mulDivFloor(total, day, BigInt(days)) - mulDivFloor(total, day - 1n, BigInt(days));
        expect(step).toBeGreaterThanOrEqual(0n);
        sum += step;
      }
      expect(sum).toBe(total);
    }), { numRuns: 30 });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  dayOfEarning, earnedDays, earningSteps, endDayWithPauses, parsePrice, partsOfDays, pausedDays, taxIncluded, type Pause,
} from '../../src/billing/model.ts';
import { AMOUNT_MAX, coinsFor } from '../../src/kernel/money.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { addDays, daysBetween } from '../../src/kernel/time.ts';

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'none';
}

describe('a price', () => {
  it('is a positive whole number of minor units that the processor takes', () => {
    expect(parsePrice('600')).toBe(600n);
    expect(parsePrice('1')).toBe(1n);
    expect(parsePrice('99999999')).toBe(99_999_999n);
    for (const text of ['NaN', '1e3', '6.00', '', ' 600', '600 ', '0x10', '+5', '-0x1', 'Infinity', '0600', '٦٠٠']) {
      expect(codeOf(() => parsePrice(text)), text).toBe('money_malformed');
    }
    for (const text of ['0', '-600', '100000000', '9223372036854775807', '9223372036854775808', '9999999999999999999']) {
      expect(codeOf(() => parsePrice(text)), text).toBe('money_out_of_range');
    }
  });

  it('includes its tax exactly, and none when tax is off', () => {
    expect(taxIncluded(600n, 600)).toBe(33n);
    expect(taxIncluded(10_600n, 600)).toBe(600n);
    expect(taxIncluded(600n, 0)).toBe(0n);
    fc.assert(fc.property(fc.bigInt(1n, 99_999_999n), fc.integer({ min: 0, max: 10_000 }), (gross, rate) => {
      const tax = taxIncluded(gross, rate);
      const net = gross - tax;
      // The tax is the greatest whole number that is not more than the rate's share.
      expect(tax * (10_000n + BigInt(rate)) <= gross * BigInt(rate)).toBe(true);
      expect((tax + 1n) * (10_000n + BigInt(rate)) > gross * BigInt(rate)).toBe(true);
      expect(net).toBeGreaterThan(0n);
    }));
  });

  it('of 6 CNY is shown as 42 coins, and one of 30 CNY as 210', () => {
    expect(coinsFor(600n)).toBe(42n);
    expect(coinsFor(3_000n)).toBe(210n);
  });
});

const money = fc.bigInt(1n, AMOUNT_MAX).chain((grossMinor) => fc.record({
  grossMinor: fc.constant(grossMinor), taxMinor: fc.bigInt(0n, grossMinor), feeMinor: fc.bigInt(0n, AMOUNT_MAX),
}));

describe('earning by day', () => {
  it('adds up to exactly the money of the period over any partition of its days', () => {
    fc.assert(fc.property(
      money, fc.integer({ min: 1, max: 400 }), fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 30 }),
      (period, n, cuts) => {
        const stops = [...new Set([0, ...cuts.filter((cut) => cut < n), n])].sort((a, b) => a - b);
        const total = { grossMinor: 0n, netMinor: 0n, taxMinor: 0n, feeMinor: 0n };
        for (let i = 1; i < stops.length; i += 1) {
          const parts = partsOfDays(period, stops[i - 1]!, stops[i]!, n);
          expect(parts.netMinor + parts.taxMinor).toBe(parts.grossMinor);
          for (const name of ['grossMinor', 'netMinor', 'taxMinor', 'feeMinor'] as const) {
            expect(parts[name]).toBeGreaterThanOrEqual(0n);
            total[name] += parts[name];
          }
        }
        expect(total).toEqual({ ...period, netMinor: period.grossMinor - period.taxMinor });
      },
    ), { numRuns: 500 });
  });

  it('is ⌊amount × k / n⌋ after k days', () => {
    const period = { grossMinor: 600n, taxMinor: 33n, feeMinor: 27n };
    expect(partsOfDays(period, 0, 15, 31)).toEqual({ grossMinor: 274n + 15n, netMinor: 274n, taxMinor: 15n, feeMinor: 13n });
    expect(partsOfDays(period, 0, 31, 31)).toEqual({ grossMinor: 600n, netMinor: 567n, taxMinor: 33n, feeMinor: 27n });
  });

  it('counts days that are over, and none after a stop', () => {
    const period = { startDay: '2026-03-01', days: 31, endedOn: null };
    expect(earnedDays(period, [], '2026-02-20')).toBe(0);
    expect(earnedDays(period, [], '2026-03-01')).toBe(0);
    expect(earnedDays(period, [], '2026-03-02')).toBe(1);
    expect(earnedDays(period, [], '2026-04-01')).toBe(31);
    expect(earnedDays(period, [], '2026-09-01')).toBe(31);
    expect(earnedDays({ ...period, endedOn: '2026-03-11' }, [], '2026-09-01')).toBe(10);
    expect(earnedDays({ ...period, endedOn: '2026-02-11' }, [], '2026-09-01')).toBe(0);
  });
});

/** An instant of a day in Shanghai. */
const at = (text: string): Date => new Date(`${text}+08:00`);

describe('pauses', () => {
  it('count only whole calendar days in Shanghai', () => {
    const pause = (from: string, to: string | null): Pause[] => [{ from: at(from), to: to === null ? null : at(to) }];
    const count = (pauses: Pause[]): number => pausedDays(pauses, '2026-03-01', '2026-04-01');
    expect(count(pause('2026-03-05T00:00:00', '2026-03-05T23:59:59'))).toBe(0);
    expect(count(pause('2026-03-05T00:00:00', '2026-03-06T00:00:00'))).toBe(1);
    expect(count(pause('2026-03-05T00:00:01', '2026-03-06T23:59:59'))).toBe(0);
    expect(count(pause('2026-03-05T00:00:01', '2026-03-07T00:00:00'))).toBe(1);
    expect(count(pause('2026-03-05T12:00:00', '2026-03-09T12:00:00'))).toBe(3);
    expect(count(pause('2026-02-01T12:00:00', '2026-03-03T12:00:00'))).toBe(2);
    expect(count(pause('2026-03-29T12:00:00', null))).toBe(2);
    expect(count(pause('2026-03-05T12:00:00', '2026-03-05T12:00:00'))).toBe(0);
  });

  it('move the end of a period by their whole days, and its earnings with it', () => {
    const period = { startDay: '2026-03-01', days: 31, endedOn: null };
    const pauses = [{ from: at('2026-03-10T12:00:00'), to: at('2026-03-14T12:00:00') }];
    expect(earnedDays(period, pauses, '2026-03-15')).toBe(11);
    expect(earnedDays(period, pauses, '2026-04-01')).toBe(28);
    expect(earnedDays(period, pauses, '2026-04-04')).toBe(31);
    expect(endDayWithPauses(period, pauses, '2026-03-20')).toBe('2026-04-04');
    // A pause in the days that an earlier pause added, and one that has not ended.
    const more = [...pauses, { from: at('2026-04-01T12:00:00'), to: null }];
    expect(endDayWithPauses(period, more, '2026-04-01')).toBe('2026-04-04');
    expect(endDayWithPauses(period, more, '2026-04-03')).toBe('2026-04-05');
    expect(endDayWithPauses({ ...period, endedOn: '2026-03-11' }, more, '2026-04-03')).toBe('2026-03-11');
  });

  it('never let earnings go back, whenever they begin and end', () => {
    const pause = fc.record({ from: fc.integer({ min: -24, max: 60 * 24 }), hours: fc.integer({ min: 0, max: 20 * 24 }) });
    fc.assert(fc.property(fc.array(pause, { maxLength: 4 }), fc.integer({ min: 1, max: 40 }), (drawn, days) => {
      const period = { startDay: '2026-03-01', days, endedOn: null };
      let free = -Infinity;
      const pauses = drawn.sort((a, b) => a.from - b.from).flatMap(({ from, hours }) => {
        const begin = Math.max(from, free);
        free = begin + hours;
        return [{ from: new Date(at('2026-03-01T00:00:00').getTime() + begin * 3_600_000), to: new Date(at('2026-03-01T00:00:00').getTime() + free * 3_600_000) }];
      });
      let before = 0;
      for (let i = 0; i <= 200; i += 1) {
        const now = earnedDays(period, pauses, addDays('2026-03-01', i));
        expect(now - before).toBeGreaterThanOrEqual(0);
        expect(now - before).toBeLessThanOrEqual(1);
        before = now;
      }
      expect(before).toBe(days);
      const end = endDayWithPauses(period, pauses, '2026-12-01');
      expect(earnedDays(period, pauses, end)).toBe(days);
      expect(daysBetween(dayOfEarning(period, pauses, days), end)).toBe(1 + pausedDays(pauses, addDays(dayOfEarning(period, pauses, days), 1), end));
    }));
  });
});

describe('split versions', () => {
  it('are never spanned by a step, wherever they begin', () => {
    fc.assert(fc.property(
      fc.integer({ min: 0, max: 31 }), fc.integer({ min: 0, max: 60 }), fc.uniqueArray(fc.integer({ min: -10, max: 50 }), { maxLength: 5 }),
      (recognisedDays, through, starts) => {
        const period = { startDay: '2026-03-01', days: 31, endedOn: null, recognisedDays };
        const segments = starts.sort((a, b) => a - b).map((start, i) => ({ fromDay: addDays('2026-03-01', start), splitId: `spl_${i}` }));
        const splitOn = (day: string): string | null => segments.findLast((segment) => segment.fromDay <= day)?.splitId ?? null;
        const steps = earningSteps(period, [], addDays('2026-03-01', through), segments);
        let k = recognisedDays;
        for (const step of steps) {
          expect(step.fromK).toBe(k);
          expect(step.toK).toBeGreaterThan(k);
          for (let day = step.firstDay; day <= step.lastDay; day = addDays(day, 1)) expect(splitOn(day)).toBe(step.splitId);
          k = step.toK;
        }
        expect(k).toBe(Math.max(recognisedDays, Math.min(31, through)));
      },
    ), { numRuns: 300 });
  });
});

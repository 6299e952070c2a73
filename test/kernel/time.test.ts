import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { addDays, dayOf, daysBetween } from '../../src/kernel/time.ts';

const day = fc.date({ min: new Date('1990-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
  .map((instant) => instant.toISOString().slice(0, 10));

describe('days', () => {
  it('begins at midnight in Shanghai, not in UTC', () => {
    expect(dayOf(new Date('2026-01-31T15:59:59.999Z'))).toBe('2026-01-31');
    expect(dayOf(new Date('2026-01-31T16:00:00.000Z'))).toBe('2026-02-01');
    expect(dayOf(new Date('2026-01-31T16:00:00.000Z'), 'UTC')).toBe('2026-01-31');
    expect(dayOf(new Date('2026-07-01T03:59:59Z'), 'America/New_York')).toBe('2026-06-30');
  });

  it('is written YYYY-MM-DD for every instant', () => {
    fc.assert(fc.property(fc.date({ min: new Date('1990-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }), (instant) => {
      expect(dayOf(instant)).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(dayOf(instant, 'UTC')).toBe(instant.toISOString().slice(0, 10));
    }));
  });

  it('adding and counting are each other\'s inverse', () => {
    fc.assert(fc.property(day, fc.integer({ min: -40_000, max: 40_000 }), (from, days) => {
      expect(daysBetween(from, addDays(from, days))).toBe(days);
      expect(addDays(addDays(from, days), -days)).toBe(from);
    }));
  });

  it('knows leap years', () => {
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
    expect(addDays('2027-02-28', 1)).toBe('2027-03-01');
    expect(daysBetween('2026-12-31', '2027-01-01')).toBe(1);
  });
});

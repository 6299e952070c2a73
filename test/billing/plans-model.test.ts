import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { creditsOf, divided, effectOf } from '../../src/billing/plans-model.ts';

describe('a change of plan', () => {
  it('acts at once when it gives more, else at the end of what is paid', () => {
    const plan = (tierId: string, monthMinor: bigint, interval: 'month' | 'year', version = 1) => ({ tierId, monthMinor, interval, version });
    const friends = plan('f', 600n, 'month');
    const works = plan('w', 3_000n, 'month');
    expect(effectOf(friends, works)).toBe('now');
    expect(effectOf(works, friends)).toBe('period_end');
    expect(effectOf(friends, plan('f', 600n, 'year'))).toBe('now');
    expect(effectOf(plan('f', 600n, 'year'), friends)).toBe('period_end');
    expect(effectOf(works, plan('f', 600n, 'year'))).toBe('period_end');
    expect(effectOf(plan('f', 600n, 'year'), works)).toBe('now');
    expect(effectOf(friends, plan('f', 900n, 'month', 2))).toBe('period_end');
    expect(effectOf(friends, friends)).toBeNull();
  });

  it('divides unused money exactly, whatever the amounts', () => {
    const amount = fc.bigInt({ min: 0n, max: 99_999_999n });
    fc.assert(fc.property(fc.array(fc.tuple(amount, amount, amount), { minLength: 1, maxLength: 5 }), amount, (list, limit) => {
      const unused = list.map(([netMinor, taxMinor, feeMinor], period) => ({ period, parts: { grossMinor: netMinor + taxMinor, netMinor, taxMinor, feeMinor } }));
      const credits = creditsOf(unused, limit);
      const total = unused.reduce((sum, { parts }) => sum + parts.grossMinor, 0n);
      expect(credits.reduce((sum, { kept }) => sum + kept.grossMinor, 0n)).toBe(total < limit ? total : limit);
      for (const [i, { kept, left }] of credits.entries()) {
        for (const part of [kept, left]) {
          expect(part.netMinor + part.taxMinor).toBe(part.grossMinor);
          expect([part.netMinor, part.taxMinor, part.feeMinor].every((minor) => minor >= 0n)).toBe(true);
        }
        for (const name of ['grossMinor', 'netMinor', 'taxMinor', 'feeMinor'] as const) expect(kept[name] + left[name]).toBe(unused[i]!.parts[name]);
      }
    }));
    expect(() => divided({ grossMinor: 1n, netMinor: 1n, taxMinor: 0n, feeMinor: 0n }, 2n)).toThrow(RangeError);
  });
});

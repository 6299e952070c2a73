import { describe, expect, it } from 'vitest';

import { convertMinor } from '../../src/royalties/conversion-model.ts';

describe('money in another currency', () => {
  it('is worked out by the rate\'s own digits, down to the unit', () => {
    expect(convertMinor(50n, 'USD', 'CNY', '7.1')).toBe(355n);
    expect(convertMinor(1n, 'USD', 'CNY', '7.199999')).toBe(7n);
    expect(convertMinor(10n ** 15n, 'USD', 'CNY', '7.123456789')).toBe(7_123_456_789_000_000n);
    expect(convertMinor(12_345n, 'USD', 'JPY', '149.5')).toBe(18_455n);
    expect(convertMinor(1_000n, 'JPY', 'USD', '0.0067')).toBe(670n);
    expect(convertMinor(0n, 'EUR', 'CNY', '8')).toBe(0n);
  });

  it('is refused for a rate that is none, and for what does not fit', () => {
    for (const rate of ['0', '0.0', '-1', '1e3', 'NaN', '', '1.', '.5', '1,5', 'Infinity']) expect(() => convertMinor(1n, 'USD', 'CNY', rate)).toThrow('A rate is');
    expect(() => convertMinor(2n ** 62n, 'USD', 'CNY', '8')).toThrow('64 bits');
    expect(() => convertMinor(-1n, 'USD', 'CNY', '8')).toThrow(RangeError);
  });
});

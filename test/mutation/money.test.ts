import { describe, expect, it } from 'vitest';

import { AMOUNT_MAX, formatMinor, mulDivFloor, parseMinor } from '../../src/kernel/money.ts';

/** The edges of money, which a changed comparison would move by one. */
describe('the edges of money', () => {
  it('are those of 64 bits', () => {
    expect(AMOUNT_MAX).toBe(9_223_372_036_854_775_807n);
    expect(parseMinor('9223372036854775807')).toBe(AMOUNT_MAX);
    expect(parseMinor('-9223372036854775807')).toBe(-AMOUNT_MAX);
    for (const beyond of ['9223372036854775808', '-9223372036854775808']) expect(() => parseMinor(beyond)).toThrow('64 bits');
  });

  it('nothing has no sign', () => {
    expect([formatMinor(0n, 'CNY'), formatMinor(0n, 'JPY'), formatMinor(-1n, 'CNY'), formatMinor(-1n, 'COIN')]).toEqual(['0.00', '0', '-0.01', '-1']);
  });

  it('a proportion of nothing is nothing, of no whole it is none', () => {
    expect([mulDivFloor(0n, 5n, 1n), mulDivFloor(5n, 0n, 1n), mulDivFloor(7n, 1n, 2n)]).toEqual([0n, 0n, 3n]);
    for (const [a, b, c] of [[-1n, 1n, 1n], [1n, -1n, 1n], [1n, 1n, 0n], [1n, 1n, -1n]] as const) expect(() => mulDivFloor(a, b, c)).toThrow(/^mulDivFloor/);
  });
});

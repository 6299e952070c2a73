import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AHEAD_BYTES, AHEAD_SECONDS, makePace } from '../../src/http/pacing.ts';
import { spanOf } from '../../src/http/range.ts';

const SECOND = 1_000_000_000n;

/** Writes as soon as it may, in pieces; answers how far each write ran ahead of an ear that plays from the first byte on. */
function run(bytesPerSecond: number, pieces: readonly number[], stallAfter = -1): { ahead: number; at: number }[] {
  const pace = makePace(bytesPerSecond, 16_384);
  let [now, sent, played, last] = [5n * SECOND, 0, 0, 5n * SECOND];
  return pieces.map((size, index) => {
    const bytes = Math.min(size, pace.writeBytes);
    if (index === stallAfter) now += 60n * SECOND;
    now += BigInt(pace.waitFor(bytes, now));
    played = Math.min(sent, played + (Number(now - last) / 1e9) * bytesPerSecond);
    last = now;
    pace.wrote(bytes, now);
    sent += bytes;
    return { ahead: sent - played, at: Number(now - 5n * SECOND) / 1e9 };
  });
}

describe('pacing', () => {
  it('never runs more than two seconds or 256 KiB ahead, whatever the rate, the pieces and the stalls', () => {
    fc.assert(fc.property(
      fc.integer({ min: 100, max: 2_000_000 }), fc.array(fc.integer({ min: 1, max: 16_384 }), { minLength: 1, maxLength: 60 }), fc.integer({ min: -1, max: 60 }),
      (rate, pieces, stall) => {
        const limit = Math.max(1, Math.min(AHEAD_SECONDS * rate, AHEAD_BYTES));
        for (const { ahead } of run(rate, pieces, stall)) expect(ahead).toBeLessThanOrEqual(limit + 1e-3);
      },
    ), { seed: 20_261_125, numRuns: 300 });
  });

  it('lets two seconds go at once and then keeps the pace of playback', () => {
    const writes = run(48_000, Array.from({ length: 60 }, () => 16_000));
    expect(writes.slice(0, 6).map(({ at }) => at)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(writes.at(-1)!.at).toBeCloseTo((60 * 16_000 - 96_000) / 48_000, 3);
  });

  it('gives no credit for a minute in which nothing was taken', () => {
    const writes = run(48_000, Array.from({ length: 30 }, () => 16_000), 10);
    // After the stall everything was played: six writes go at once again, and not a minute's worth.
    expect(new Set(writes.slice(10, 16).map(({ at }) => at)).size).toBe(1);
    expect(writes[16]!.at - writes[15]!.at).toBeGreaterThan(0.3);
  });
});

describe('one range of a file', () => {
  const TAG = '"abc"';
  const span = (range?: string, ifRange?: string) => {
    const found = spanOf({ range, ifRange }, 1_000, TAG);
    return found === null ? null : [found.from, found.to, found.partial];
  };
  it.each([
    ['bytes=0-0', [0, 1, true]], ['bytes=10-19', [10, 20, true]], ['bytes=990-', [990, 1_000, true]], ['bytes=0-', [0, 1_000, true]],
    ['bytes=990-5000', [990, 1_000, true]], ['bytes=-1', [999, 1_000, true]], ['bytes=-5000', [0, 1_000, true]], ['Bytes=1-2', [1, 3, true]],
  ])('%s', (range, expected) => expect(span(range)).toEqual(expected));

  it.each(['bytes=1000-', 'bytes=20-10', 'bytes=-0', 'bytes=-', 'bytes=', 'bytes=a-b', 'bytes=1-2x', 'bytes=0x1-2', '10-20', 'bytes', 'bytes=99999999999999999999-'])(
    '%s cannot be had', (range) => expect(span(range)).toBe(null));

  it('none, another unit, and several at once are answered with the whole', () => {
    for (const range of [undefined, 'seconds=1-2', 'bytes=0-1,5-6']) expect(span(range)).toEqual([0, 1_000, false]);
  });

  it('only for exactly this file, when the caller says so', () => {
    expect(span('bytes=1-2', TAG)).toEqual([1, 3, true]);
    for (const other of ['"abd"', 'W/"abc"', 'abc', 'Wed, 25 Nov 2026 00:00:00 GMT', '']) expect(span('bytes=1-2', other), other).toEqual([0, 1_000, false]);
  });

  it('of nothing: there is no range', () => expect(spanOf({ range: 'bytes=-1', ifRange: undefined }, 0, TAG)).toBe(null));
});

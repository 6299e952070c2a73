import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CLOCK_DRIFT_MS, distrustOf, FULL_WAIT_NS, LEASE_MS, type Reading, standingAt } from '../../src/consent/lease-model.ts';

const MS = 1_000_000n;
/** What the clocks of one process say after so many true milliseconds, its monotonic clock running at `rate`. */
const at = (trueMs: number, rate = 1): Reading => ({ monotonic: BigInt(Math.round(trueMs * rate * 1e6)), wall: 5_000 + trueMs, uptime: 9_000 + trueMs });

describe('a lease', () => {
  it('is fresh until L after its renewal was sent, and not a nanosecond longer', () => {
    const sent = at(0);
    expect(standingAt(sent, { ...at(LEASE_MS), monotonic: BigInt(LEASE_MS) * MS - 1n })).toBe('fresh');
    expect(standingAt(sent, at(LEASE_MS))).toBe('late');
    expect(standingAt(null, at(0))).toBe('none');
    expect(standingAt(at(5), { ...at(5), monotonic: 4n * MS })).toBe('jumped');
  });

  it('ends within the coordinator\'s wait on any pair of clocks that are 2 % off: what was sent before a stop is over by then', () => {
    fc.assert(fc.property(fc.double({ min: 0.98, max: 1.02, noNaN: true }), fc.double({ min: 0.98, max: 1.02, noNaN: true }), (gateway, coordinator) => {
      // The coordinator waits FULL_WAIT_NS by its own clock; the gateway's renewal was sent no later than the wait began.
      const trueWaitMs = Number(FULL_WAIT_NS) / 1e6 / Math.max(coordinator, 1);
      expect(standingAt(at(0, gateway), at(trueWaitMs, gateway))).not.toBe('fresh');
    }));
  });

  it('survives clocks at other rates, but not one that stood still or was put elsewhere', () => {
    for (const rate of [0.98, 1.02]) expect(standingAt(at(0, rate), at(900, rate))).toBe('fresh');
    // The monotonic clock stood still for ten seconds: the lease would look new.
    expect(standingAt(at(0), { ...at(10_100), monotonic: 100n * MS })).toBe('jumped');
    for (const clock of ['wall', 'uptime'] as const) {
      for (const sign of [-1, 1]) {
        const moved = (by: number): Reading => ({ ...at(300), [clock]: at(300)[clock] + sign * by });
        expect(standingAt(at(0), moved(CLOCK_DRIFT_MS - 1))).toBe('fresh');
        expect(standingAt(at(0), moved(CLOCK_DRIFT_MS + 1))).toBe('jumped');
      }
    }
  });
});

describe('a database', () => {
  const known = { systemIdentifier: '7', timeline: 2, stops: 5n };
  it.each([
    ['the same, with more stops', { ...known, stops: 9n }, null],
    ['another cluster', { ...known, systemIdentifier: '8' }, 'system'],
    ['a promoted standby', { ...known, timeline: 3 }, 'timeline'],
    ['an older timeline', { ...known, timeline: 1 }, 'timeline'],
    ['one that lost a stop', { ...known, stops: 4n }, 'stops'],
  ])('%s', (_name, seen, what) => {
    expect(distrustOf(known, seen)?.what ?? null).toBe(what);
    expect(distrustOf(null, seen)).toBeNull();
  });
});

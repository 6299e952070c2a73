/** Leases, pure: when one is fresh, how long a coordinator waits, and what a gateway remembers of its database. */

/** L: from before a renewal was sent, on the gateway's own monotonic clock. */
export const LEASE_MS = 1_000;
export const RENEW_EVERY_MS = 200;
/** How far wall clock and uptime may move away from the monotonic clock within a lease: more is a suspended machine. */
export const CLOCK_DRIFT_MS = 100;
/** Two clocks may differ by 2 %, and a timer may be late: L × 1.02 + 50 ms on the coordinator's clock is always enough. */
export const FULL_WAIT_NS = 1_070_000_000n;

/** The machine's clocks, as one process reads them. Injected, so that tests can skew, freeze and move them. */
export interface LeaseClocks {
  /** Nanoseconds that never go back; they may stand still while the machine sleeps. */
  monotonic(): bigint;
  /** Milliseconds since 1970. */
  wall(): number;
  /** Milliseconds since the machine started, its sleep included. */
  uptime(): number;
}

export interface Reading {
  monotonic: bigint;
  wall: number;
  uptime: number;
}

export function readClocks(clocks: LeaseClocks): Reading {
  return { monotonic: clocks.monotonic(), wall: clocks.wall(), uptime: clocks.uptime() };
}

/** `none`: never renewed, or the gateway trusts its database no more. */
export type LeaseStanding = 'fresh' | 'none' | 'late' | 'jumped';

/** Whether something may be handed out now under a lease that was asked for at `sent`. */
export function standingAt(sent: Reading | null, now: Reading): LeaseStanding {
  if (sent === null) return 'none';
  const passed = now.monotonic - sent.monotonic;
  if (passed < 0n) return 'jumped';
  if (passed >= BigInt(LEASE_MS) * 1_000_000n) return 'late';
  const passedMs = Number(passed) / 1e6;
  const drift = Math.max(Math.abs(now.wall - sent.wall - passedMs), Math.abs(now.uptime - sent.uptime - passedMs));
  return drift > CLOCK_DRIFT_MS ? 'jumped' : 'fresh';
}

/** Which PostgreSQL this is. Another cluster has another identifier; a promoted standby has a higher timeline. */
export interface Anchor {
  systemIdentifier: string;
  timeline: number;
}

/** What outlives a restart of the gateway. */
export interface Remembered extends Anchor {
  /** The number of the last stop that was seen. */
  stops: bigint;
}

export interface Distrust {
  what: 'system' | 'timeline' | 'epoch' | 'stops';
  remembered: string;
  seen: string;
}

/** Why this database is not the one that was known; null when it is, or is the first that is seen. */
export function distrustOf(known: Remembered | null, seen: Remembered): Distrust | null {
  if (known === null) return null;
  const found = (what: Distrust['what'], remembered: unknown, now: unknown): Distrust => ({ what, remembered: String(remembered), seen: String(now) });
  if (seen.systemIdentifier !== known.systemIdentifier) return found('system', known.systemIdentifier, seen.systemIdentifier);
  if (seen.timeline !== known.timeline) return found('timeline', known.timeline, seen.timeline);
  if (seen.stops < known.stops) return found('stops', known.stops, seen.stops);
  return null;
}

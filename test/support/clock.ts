import type { Clock } from '../../src/kernel/time.ts';

export interface TestClock extends Clock {
  advance(milliseconds: number): void;
  set(instant: Date): void;
}

/** Business time that only a test moves; the monotonic clock stays the machine's. */
export function makeTestClock(start: string): TestClock {
  let at = new Date(start).getTime();
  return {
    now: () => new Date(at),
    monotonic: () => process.hrtime.bigint(),
    advance(milliseconds) {
      at += milliseconds;
    },
    set(instant) {
      at = instant.getTime();
    },
  };
}

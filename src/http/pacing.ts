/** How far media may run ahead of the ear: what has left cannot be called back. Pure. */

/** docs/promises.md: whichever of the two is less. */
export const AHEAD_SECONDS = 2;
export const AHEAD_BYTES = 256 * 1024;

const SECOND = 1_000_000_000;

export interface Pace {
  /** The most that may be written at once. */
  readonly writeBytes: number;
  /** Nanoseconds until this many bytes more may be written. */
  waitFor(bytes: number, now: bigint): number;
  wrote(bytes: number, now: bigint): void;
}

/**
 * Playback begins with the first byte and goes on while there is something to play: a listener who did not take bytes for a
 * minute has not earned a minute's worth at once. `now` is monotonic nanoseconds.
 */
export function makePace(bytesPerSecond: number, writeBytesMax: number): Pace {
  const ahead = Math.max(1, Math.floor(Math.min(AHEAD_SECONDS * bytesPerSecond, AHEAD_BYTES)));
  let sent = 0;
  let played = 0;
  let last: bigint | null = null;
  const play = (now: bigint): void => {
    if (last !== null) played = Math.min(sent, played + (Number(now - last) / SECOND) * bytesPerSecond);
    last = now;
  };
  return {
    writeBytes: Math.min(writeBytesMax, ahead),
    waitFor(bytes, now) {
      play(now);
      const over = sent + bytes - ahead - played;
      return over <= 0 ? 0 : Math.ceil((over / bytesPerSecond) * SECOND);
    },
    wrote(bytes, now) {
      play(now);
      sent += bytes;
    },
  };
}

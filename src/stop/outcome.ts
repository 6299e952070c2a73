import { setTimeout as rest } from 'node:timers/promises';

import { Refusal } from '../kernel/refusals.ts';

const ATTEMPTS = 4;
const REST_MS = 50;

/** Errors of the connection, as Node and libpq's classes 08 (connection) and 57P (operator intervention) name them. */
const LOST = /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|08...|57P..)$/;

function code(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'driverError' in error ? code(error.driverError) : null;
}

/** Whether the connection was lost, so that nobody here knows if the COMMIT that was sent took effect. */
export function outcomeUnknown(error: unknown): boolean {
  if (error instanceof Refusal) return false;
  const known = code(error);
  if (known !== null) return LOST.test(known);
  return error instanceof Error && /connection (was |is )?(terminated|closed|ended)|connection terminated/i.test(error.message);
}

/**
 * Runs a write whose COMMIT may get lost on the way, and runs it again until it is known to have happened. `work` must
 * be the same write each time (same ids, same idempotency key). When it stays unknown the answer is `unavailable`:
 * nothing is ever acknowledged on a guess.
 */
export async function untilKnown<T>(work: () => Promise<T>): Promise<T> {
  let lost = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      // After a lost COMMIT the old session may still be committing: its key is then "in progress".
      const stillRunning = lost && error instanceof Refusal && error.code === 'idempotency_in_progress';
      lost ||= outcomeUnknown(error);
      if (!stillRunning && !outcomeUnknown(error)) throw error;
      if (attempt === ATTEMPTS) {
        throw new Refusal('unavailable', 'Whether this took effect is not known yet; send the same request again.', { cause: error });
      }
      await rest(REST_MS * attempt);
    }
  }
}

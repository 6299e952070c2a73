import type { Clock } from '../kernel/time.ts';
import type { Books } from './books.ts';
import type { Ledger } from './service.ts';

/** Fewer new positions than this are not worth a roll-up: adding them up is quicker than writing it down. */
const ROLL_UP_MINIMUM = 64;

/** Recurring work, safe in any number of processes at once: they take turns by an advisory lock, and a hold ends once. */
export function makeLedgerTicks(
  ledger: Pick<Ledger, 'rollUp' | 'expireHolds'>, books: Pick<Books, 'seal'>, clock: Pick<Clock, 'now'>,
): Record<string, { everyMs: number; run: () => Promise<void> }> {
  return {
    // Gives positions in any case.
    'ledger.rollUp': {
      everyMs: 500,
      run: async () => {
        await ledger.rollUp({ minimum: ROLL_UP_MINIMUM });
      },
    },
    'ledger.seal': {
      everyMs: 5_000,
      run: async () => {
        await books.seal();
      },
    },
    'ledger.expireHolds': {
      everyMs: 5_000,
      run: async () => {
        await ledger.expireHolds(clock.now());
      },
    },
  };
}

import type { Clock } from '../kernel/time.ts';
import type { Books } from './books.ts';
import type { Ledger } from './service.ts';

/** Recurring work, safe in any number of processes at once: they take turns by an advisory lock, and a hold ends once. */
export function makeLedgerTicks(
  ledger: Pick<Ledger, 'sequence' | 'expireHolds'>, books: Pick<Books, 'seal'>, clock: Pick<Clock, 'now'>,
): Record<string, { everyMs: number; run: () => Promise<void> }> {
  return {
    'ledger.sequence': {
      everyMs: 500,
      run: async () => {
        await ledger.sequence();
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

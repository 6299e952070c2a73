import type { Transparency } from './service.ts';

/** How long a leaf may wait for its place in the tree, at most, when nothing is wrong. */
const SEQUENCE_EVERY_MS = 1_000;

/** The sequencer, as a recurring tick. Any number of processes may run it: they take turns in the database. */
export function makeTransparencyTicks(
  transparency: Pick<Transparency, 'sequence'>,
): Record<string, { everyMs: number; run: () => Promise<void> }> {
  return {
    'transparency.sequence': {
      everyMs: SEQUENCE_EVERY_MS,
      async run() {
        await transparency.sequence();
      },
    },
  };
}

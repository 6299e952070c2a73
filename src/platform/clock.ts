import type { Clock } from '../kernel/time.ts';

/** The machine's clocks. The only file that reads them; everything else is handed a `Clock`. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => process.hrtime.bigint(),
};

import { uptime } from 'node:os';

import type { Clock } from '../kernel/time.ts';

/** The machine's clocks. The only file that reads them; everything else is handed a `Clock`. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => process.hrtime.bigint(),
};

/** What leases are counted on (src/consent/lease-model.ts). `uptime` runs on while the machine sleeps, `monotonic` does not. */
export const systemLeaseClocks = {
  monotonic: () => process.hrtime.bigint(),
  wall: () => Date.now(),
  uptime: () => uptime() * 1_000,
};

import * as fc from 'fast-check';

import type { StopFault } from '../../support/stop-faults.ts';

/** What happens, in milliseconds of true time. */
export interface Scenario {
  seed: number;
  /** Clock rates in hundredths: 98 to 102. */
  gateways: readonly { rate: number; start: number }[];
  coordinatorRate: number;
  streams: readonly { gateway: number; clone: number; at: number }[];
  releases: readonly { gateway: number; clone: number; at: number }[];
  stops: readonly { scope: number; kind: 'pause' | 'existence'; at: number }[];
  troubles: readonly { kind: TroubleKind; gateway: number; at: number; lasts: number }[];
}

export const TROUBLES = [
  'freeze', 'kill', 'silent', 'slow', 'reset', 'stand still', 'restart PostgreSQL', 'fail over', 'restore', 'coordinator dies', 'replicate', 'leave',
] as const;
export type TroubleKind = (typeof TROUBLES)[number];

/** Most things happen close together, around the stops: that is where orders differ. */
const when = fc.oneof(fc.integer({ min: 392, max: 450 }), fc.integer({ min: 5, max: 700 }));

/** Small worlds: few of each, so that a failing one shrinks to something that a person can read. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  gateways: fc.array(fc.record({
    rate: fc.constantFrom(98, 100, 102), start: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 380, max: 430 })),
  }), { minLength: 1, maxLength: 3 }),
  coordinatorRate: fc.constantFrom(98, 100, 102),
  streams: fc.array(fc.record({ gateway: fc.nat(2), clone: fc.nat(1), at: when }), { minLength: 1, maxLength: 4 }),
  releases: fc.array(fc.record({ gateway: fc.nat(2), clone: fc.nat(1), at: when }), { maxLength: 4 }),
  stops: fc.array(fc.record({ scope: fc.nat(2), kind: fc.constantFrom('pause' as const, 'existence' as const), at: fc.integer({ min: 395, max: 440 }) }), { minLength: 1, maxLength: 2 }),
  troubles: fc.array(fc.record({
    kind: fc.constantFrom(...TROUBLES), gateway: fc.nat(2), at: fc.oneof(fc.integer({ min: 100, max: 900 }), when), lasts: fc.constantFrom(50, 300, 900, 1_500),
  }), { maxLength: 3 }),
});

/** The part of all scenarios in which a fault has its chance; the rare ones would be searched for too long. */
export function scenariosFor(fault: StopFault): fc.Arbitrary<Scenario> {
  if (fault === 'registry read before COMMIT') {
    // Somebody registers and opens a stream while the stop waits for its locks.
    return scenarios.map((scenario) => ({
      ...scenario, troubles: [], stops: scenario.stops.slice(0, 1).map((stop) => ({ ...stop, at: 400 + (scenario.seed % 20) })),
      gateways: [{ rate: 100, start: 396 + (scenario.seed % 13) }], streams: scenario.streams.map((stream) => ({ ...stream, at: 398 + (stream.at % 30) })),
    }));
  }
  if (fault === 'lease counted from the reply') {
    return scenarios.map((scenario) => ({
      ...scenario, gateways: scenario.gateways.slice(0, 1).map(({ rate }) => ({ rate, start: 0 })), streams: scenario.streams.map((stream) => ({ ...stream, at: 50 + (stream.at % 300) })),
      troubles: [{ kind: 'slow' as const, gateway: 0, at: 100 + (scenario.seed % 250), lasts: 1_500 }],
    }));
  }
  return scenarios;
}

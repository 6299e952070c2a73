import type { Tick } from '../platform/jobs/index.ts';
import type { IdentityService } from './service.ts';

/** Anybody may ask for a login challenge, so the unanswered ones are swept away. */
const SWEEP_EVERY_MS = 600_000;

export function makeIdentityTicks(service: Pick<IdentityService, 'sweepChallenges'>): Record<string, Tick> {
  return {
    'identity.sweepChallenges': {
      everyMs: SWEEP_EVERY_MS,
      async run() {
        // As long as there is dead wood: whoever asks for challenges faster than one sweep removes would fill the table.
        while ((await service.sweepChallenges()) > 0);
      },
    },
  };
}

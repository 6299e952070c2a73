import { Refusal } from '../kernel/refusals.ts';
import type { JobHandlers } from '../platform/jobs/index.ts';
import type { Refusals } from './refusal-service.ts';

/** What was enrolled before somebody said "none of me" is compared after it. */
export function makeRefusalJobs(service: Pick<Refusals, 'sweepRefusal'>): JobHandlers {
  return {
    async 'ownership.sweepRefusal'(payload) {
      const { refusalId, stage, after } = (typeof payload === 'object' && payload !== null ? payload : {}) as Record<string, unknown>;
      if (typeof refusalId !== 'string' || (stage !== 'proofs' && stage !== 'clones') || typeof after !== 'string') {
        throw new Refusal('request_invalid', 'The job names no refusal.');
      }
      await service.sweepRefusal(refusalId, { stage, after });
    },
  };
}

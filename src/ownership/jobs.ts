import { Refusal } from '../kernel/refusals.ts';
import type { JobHandlers } from '../platform/jobs/index.ts';
import type { Ownership } from './service.ts';

/** The end of an approval comes by itself, a year after it. */
export function makeOwnershipJobs(service: Pick<Ownership, 'expireProof'>): JobHandlers {
  return {
    async 'ownership.expireProof'(payload) {
      const proofId = typeof payload === 'object' && payload !== null && 'proofId' in payload ? payload['proofId'] : undefined;
      if (typeof proofId !== 'string') throw new Refusal('request_invalid', 'The job names no proof.');
      await service.expireProof(proofId);
    },
  };
}

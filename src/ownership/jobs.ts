import type { Json } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { JobHandlers } from '../platform/jobs/index.ts';
import type { Ownership } from './service.ts';

function textIn(payload: Json, name: string): string {
  const value = typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? (payload as Record<string, Json>)[name] : undefined;
  if (typeof value !== 'string') throw new Refusal('request_invalid', `The job's payload lacks ${name}.`);
  return value;
}

/** What happens by itself: approvals end, live evidence is looked for again, papers are destroyed. Each may run twice. */
export function makeOwnershipJobs(service: Pick<Ownership, 'expireProof' | 'lookAgain' | 'destroyPapers'>): JobHandlers {
  return {
    'ownership.expireProof': async (payload) => await service.expireProof(textIn(payload, 'proofId')),
    'ownership.destroyPapers': async (payload) => await service.destroyPapers(textIn(payload, 'proofId')),
    'ownership.lookAgain': async (payload) => await service.lookAgain(textIn(payload, 'evidenceId'), new Date(textIn(payload, 'dueAt'))),
  };
}

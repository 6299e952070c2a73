import type { Json, JsonObject } from '../kernel/canonical-json.ts';
import type { JobHandlers } from '../platform/jobs/index.ts';
import type { Consent } from './service.ts';

function caseIdOf(payload: Json): string {
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) {
    const caseId = (payload as JsonObject)['caseId'];
    if (typeof caseId === 'string') return caseId;
  }
  throw new Error('The payload names no death report.');
}

function licenceIdOf(payload: Json): string {
  const licenceId = typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? (payload as JsonObject)['licenceId'] : null;
  if (typeof licenceId !== 'string') throw new Error('The payload names no licence.');
  return licenceId;
}

export function makeConsentJobs(consent: Pick<Consent, 'estates' | 'endNoticed'>): JobHandlers {
  return {
    'consent.settleEstate': (payload) => consent.estates.settleEstate(caseIdOf(payload)),
    'consent.sunset': (payload) => consent.estates.sunset(caseIdOf(payload)),
    'consent.endLicence': (payload) => consent.endNoticed(licenceIdOf(payload)),
    'consent.destroyPapers': (payload) => consent.estates.destroyPapers(caseIdOf(payload)),
  };
}

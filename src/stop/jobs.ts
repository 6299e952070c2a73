import type { Json, JsonObject } from '../kernel/canonical-json.ts';
import type { JobHandlers } from '../platform/jobs/index.ts';
import type { Stop } from './service.ts';

function stopIdOf(payload: Json): string {
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) {
    const stopId = (payload as JsonObject)['stopId'];
    if (typeof stopId === 'string') return stopId;
  }
  throw new Error('The payload names no stop.');
}

export function makeStopJobs(stop: Pick<Stop, 'acknowledge' | 'endWindDown'>): JobHandlers {
  return {
    'stop.acknowledge': (payload) => stop.acknowledge(stopIdOf(payload)),
    'stop.endWindDown': (payload) => stop.endWindDown(stopIdOf(payload)),
  };
}

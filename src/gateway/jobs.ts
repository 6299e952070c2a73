import type { Json } from '../kernel/canonical-json.ts';
import type { JobHandlers } from '../platform/jobs/index.ts';
import type { Gateway } from './service.ts';

function member(payload: Json, name: string): string {
  const value = typeof payload === 'object' && payload !== null && !Array.isArray(payload)
    ? (payload as Readonly<Record<string, Json>>)[name]
    : undefined;
  if (typeof value !== 'string') throw new Error(`The job names no ${name}.`);
  return value;
}

export function makeGatewayJobs(service: Pick<Gateway, 'work'>): JobHandlers {
  return {
    'gateway.render': (payload, run) => service.work.renderOutput(member(payload, 'outputId'), run.attempt),
    'gateway.watchStream': (payload) => service.work.watchStream(member(payload, 'outputId')),
    'gateway.discardFile': (payload) => service.work.discardFile(member(payload, 'sha256')),
  };
}

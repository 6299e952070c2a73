import type { ExportsDeps } from './deps.ts';
import { makeContracts } from './contracts.ts';
import { makeEvidence } from './evidence.ts';

export function makeExports(deps: ExportsDeps) {
  return { ...makeEvidence(deps), ...makeContracts(deps) };
}

export type Exports = ReturnType<typeof makeExports>;

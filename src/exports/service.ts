import type { ExportsDeps } from './deps.ts';
import { makeEvidence } from './evidence.ts';

export function makeExports(deps: ExportsDeps) {
  return { ...makeEvidence(deps) };
}

export type Exports = ReturnType<typeof makeExports>;

import type { ExportsDeps } from './deps.ts';
import { makeContracts } from './contracts.ts';
import { makeEvidence } from './evidence.ts';
import { makeFormats } from './formats.ts';

export function makeExports(deps: ExportsDeps) {
  return { ...makeEvidence(deps), ...makeContracts(deps), ...makeFormats(deps) };
}

export type Exports = ReturnType<typeof makeExports>;

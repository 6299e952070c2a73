/**
 * What leaves the house about consent, for people who do not trust the house: lawyers, courts, regulators, other platforms.
 * What is promised here: an evidence bundle verifies with two public keys and nothing else, in ten years; nobody gets one
 * who may not read the grant; and no paper or recording that proved an identity is ever in one, only its digest.
 */
export { makeExports, type Exports } from './service.ts';
export type { ExportsDeps } from './deps.ts';
export { makeExportsHandlers } from './handlers.ts';
export { contractPdf } from './contract-pdf.ts';
export type { EvidenceBundle } from './bundle.ts';

/**
 * Who it is. What this room promises: a proof is approved by two different reviewers, neither of them its submitter,
 * after a checked site and a recorded voice challenge, and in no other way, the database's included; what was decided is
 * a leaf of the log in the same transaction; an approval ends by itself after a year or by an operator's withdrawal, and
 * `isProven` says no from that instant. Measurements of voices are advice to people and decide nothing.
 */
export { makeOwnership, type Ownership, type OwnershipDeps } from './service.ts';
export { attestation, type Attestation } from './attestation.ts';
export { makeOwnershipHandlers } from './handlers.ts';
export { makeOwnershipJobs } from './jobs.ts';
export { entities } from './store.ts';
export { PROOF_STATES, stateAt as proofStateAt, type ProofState, type ProofView } from './model.ts';
export { checkVoiced, toHundredths } from './kinds/voice.ts';
export type { SubjectKind } from './levels.ts';
export { loadPolicy, readPolicy, type LoadedPolicy } from './policy.ts';
export type { EnrolledVoice, VoiceInstrument, VoiceProfile } from './voice.ts';
export { makeRefusalHandlers } from './refusal-handlers.ts';
export { makeRefusalJobs } from './refusal-jobs.ts';
export type { CloneEnrolment, Refusals } from './refusal-service.ts';

/**
 * Who it is. What this room promises:
 *
 * - Which evidence makes whom verified is one table of configuration (`policy.json`); what is not in it is never enough,
 *   and a table by which papers alone would do stops the start.
 * - A proof is approved by two different reviewers who took up the case, neither of them its submitter nor somebody who
 *   vouched for it, each naming the digest of the evidence they saw; a rejection is appealed once, to two people who did
 *   not decide it. In no other way, the database's included.
 * - Papers are sealed with a key per case, shown only to the reviewer who holds the case, each look kept, and destroyed on a
 *   schedule by forgetting the key.
 * - What was decided or destroyed is a leaf of the log in the same transaction.
 * - An approval ends by itself with its term or with the first evidence that it rests on, when what lives on the net is gone
 *   for longer than the policy's grace, or by an operator; `isProven` says no from that instant, and the clone is held
 *   until it stands on an approved proof again.
 *
 * Measurements of voices are advice to people and decide nothing.
 */
export { makeOwnership, type Ownership } from './service.ts';
export type { OwnershipDeps, ProofApproval, ProofEnd } from './deps.ts';
export { attestation, type Attestation } from './attestation.ts';
export { makeOwnershipHandlers } from './handlers.ts';
export { makeOwnershipJobs } from './jobs.ts';
export { entities } from './store.ts';
export { PROOF_STATES, stateAt as proofStateAt, type ProofState, type ProofView } from './model.ts';
export { checkVoiced, toHundredths } from './kinds/voice.ts';
export { makeIdentityProvider, type IdentityProvider } from './identity-provider.ts';
export type { SubjectKind } from './levels.ts';
export { loadPolicy, readPolicy, type LoadedPolicy } from './policy.ts';
export type { EnrolledVoice, VoiceInstrument, VoiceProfile } from './voice.ts';
export { makeRefusalHandlers } from './refusal-handlers.ts';
export { makeRefusalJobs } from './refusal-jobs.ts';
export type { CloneEnrolment, Refusals } from './refusal-service.ts';

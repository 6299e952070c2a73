/**
 * What exists. What this room promises: a clone stands on a proof of its own owner; a version freezes what it is made of
 * and serves only after its owner signed exactly that, after hearing it; an approved version without an approved proof
 * cannot be written, by any path (`clone_version_needs_proof`); and when the proof falls, its approved versions fall in
 * the same transaction. Whether a clone may speak is not answered here: that is `decide`.
 */
export { makeClones, type Clones } from './service.ts';
export type { ClonesDeps, EnrolmentInstrument } from './deps.ts';
export { makeClonesHandlers } from './handlers.ts';
export { entities } from './store.ts';
export { HOUSE_POLICY } from './policy.ts';
export type { CloneView, VersionView } from './views.ts';
export type { VersionApproval, VersionState } from './model.ts';

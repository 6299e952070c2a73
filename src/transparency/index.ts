/**
 * The public log (docs/promises.md promise 7). What is promised here: a leaf is appended in the transaction of the fact it
 * speaks of; once a head has been signed over it, no row, no place and no hash of it can change without every holder of an
 * older head being able to show it; and each leaf's proof verifies offline with one public key (`offline.ts`).
 *
 * Hashing is RFC 9162, heads are C2SP signed notes (tlog-checkpoint), proofs are `c2sp.org/tlog-proof@v1`.
 */
export { makeTransparency } from './service.ts';
export type { AppendInput, LogLeafView, LogProofView, Transparency } from './service.ts';
export type { LogAudit } from './audit.ts';
export { makeTransparencyTicks } from './jobs.ts';
export { makeTransparencyHandlers } from './handlers.ts';
export { documentDigest, LEAF_TYPES, type LeafEntry, type LeafType } from './model.ts';
export { verifyBundle, type BundleProblem, type BundleVerdict, type ProofBundle } from './offline.ts';

/**
 * Consent: what a clone may do. What is promised here: nothing is allowed that the owner did not sign (default deny,
 * every denial names all of its clauses); every decision is kept as a signed receipt that replays offline to the same
 * answer; and whatever narrows consent raises the epoch of a gate in the same transaction, so that a release which was
 * decided before commits wholly before it or not at all (docs/promises.md). The gates' SQL (`assert_gates_open`,
 * `assert_release_gates`) is in the migration and holds for raw SQL too.
 */
export { makeConsent } from './service.ts';
export type { Consent, ConsentDeps, Decision, GrantInForce, SignedDecisionReceipt } from './service.ts';
export type { AmendmentView, GrantView } from './grants.ts';
export type { Reading, ReadStanding } from './reading.ts';
export { gateRefusal, PLATFORM_GATE } from './gates.ts';
export type { GateChange, GateRef, Gates, GateState, Held, Hold, OnCloneGate, Pause } from './gates.ts';
export { loadContract } from './contract-store.ts';
export { termsOf, unrendered } from './draft.ts';
export { isUnderAge } from './legal-age.ts';
export { delegationsAt, estateProof } from './authority-facts.ts';
export { delegationEnd } from './delegations.ts';
export { estateFact } from './estates.ts';
export { grantHistory, type GrantHistory } from './history.ts';
export { makeGatewayLease } from './leases.ts';
export type { GatewayLease, LeaseDeps, StreamHandle, StreamOpening } from './leases.ts';
export { FULL_WAIT_NS, LEASE_MS, RENEW_EVERY_MS } from './lease-model.ts';
export type { LeaseClocks, LeaseStanding, Remembered } from './lease-model.ts';
export { openLeaseStore, STOP_CHANNEL } from './lease-store.ts';
export type { LeaseStore } from './lease-store.ts';
export { makeConsentHandlers } from './handlers.ts';
export { makeDelegationHandlers } from './delegation-handlers.ts';
export { makeSuccessionHandlers } from './succession-handlers.ts';
export { makeLicenceHandlers } from './licence-handlers.ts';
export { makeConsentJobs } from './jobs.ts';
export type { Act, Authority, Standing } from './authority.ts';
export { CAPABILITIES, decide, decideAll, foldText, legalReport, OWNER_PURPOSE, replay, REVIEWER_PURPOSE, wordMatcher } from './model.ts';
export type {
  Act as DecidedAct, AgeBand, Answer, Capability, ContentLabels, DecisionReceiptDocument, DecisionRequest, DecisionState, GateKind, GateStateName, GrantDocument,
  GrantTerms, Unrendered, LegalReport, Medium, PlatformFacts, Replay, Sale, Usage,
} from './model.ts';

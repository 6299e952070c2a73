/**
 * Owner money. What is promised here: nobody is paid by a split that they, the owner and every other payee did not sign; each
 * entry of what was earned is divided once, by the split in force when it was earned, into shares that sum to the pot; a
 * refund takes from each payee no more than they received of that pot; what was paid out already becomes a debt,
 * netted once; a statement covers an exact range of the ledger and never changes; a payout leaves the balance before it
 * leaves the house, once, and comes back if it was not sent, or if the payee's bank has refused it for a week (bank-failures); what rates gain or
 * lose is the platform's (positions); a signed part is held until its day (reserves); who cannot be paid is reminded (reminders); a dry run is the run itself, of which nothing stays (runs).
 */
export { makeRoyalties, type Royalties } from './service.ts';
export type { RoyaltiesDeps } from './deps.ts';
export type { Balances } from './balances.ts';
export { makeRoyaltiesHandlers } from './handlers.ts';
export { makeRoyaltiesJobs, makeRoyaltiesTicks, ROYALTY_EVENT_TOPICS } from './jobs.ts';
export type { Base, ReserveTerms, SplitLeg } from './model.ts';
export type { SplitInput } from './splits.ts';
export type { StatementDocument } from './statement-model.ts';
export { auditStatements, type StatementAudit } from './statement-audit.ts';

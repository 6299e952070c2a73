/**
 * The ledger: balanced transfers on accounts, written once and never changed. PostgreSQL itself keeps the promises
 * (zero sum per currency, floors of guarded accounts, reversals within their original, no update or delete by
 * anybody); this room adds idempotency keys, the recorded order, balances as of any point on two time axes, and a
 * replay that finds what somebody with the owner's rights could still have done; and what operators post by hand, always two
 * of them (adjustments, imports), which PostgreSQL keeps of adjusting entries too. Two ways in: one transfer in its caller's transaction (posting, store), and many that stand
 * alone (writer, batch, batch-store).
 */
export { type Books, makeBooks } from './books.ts';
export * as chart from './chart.ts';
export {
  type AccountClass, type AccountRef, type Leg, TRACE_KEYS, type TraceKey, type TransferDraft,
} from './model.ts';
export type { CaptureDraft, Held, HoldView } from './holds.ts';
export type { HoldDraft, HoldOutcome } from './hold-model.ts';
export { type EntrySum, groupedEntries, type SumsRange } from './grouping.ts';
export type { Posted } from './posting.ts';
export type { EntryRange, EntryView, Trace, TransferView } from './reading.ts';
export type { ReversalDraft } from './reversal.ts';
export { type Ledger, makeLedger, type TrialBalance } from './service.ts';
export type { VerifyProblem, VerifyReport } from './verify.ts';
export { type Adjustments, makeAdjustments } from './adjustments.ts';
export { type Imports, makeImports } from './imports.ts';
export { makeAdjustHandlers } from './adjust-handlers.ts';
export { makeLedgerHandlers } from './handlers.ts';
export { makeLedgerTicks } from './jobs.ts';

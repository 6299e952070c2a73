/**
 * The stop: the top floor, it touches all. What is promised here: no release of a clone commits after its stop's
 * commit; only the owner's own passkey stops it, for good; before, she sees what it costs, and after it, how what was
 * settled compares; an acknowledgement is given when COMMIT has returned and never on a guess. Pausing is taken back by
 * resuming, with a raised epoch.
 */
export { makeStop } from './service.ts';
export type { Stop, StopAcknowledgementView, StopQuoteView, StopView } from './service.ts';
export type { StopDeps } from './deps.ts';
export { makeStopJobs } from './jobs.ts';
export { makeStopHandlers } from './handlers.ts';

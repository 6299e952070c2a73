/**
 * Notices: anybody, with or without an account, may say that a clone or an output is theirs. What is promised here: a notice
 * stops nothing by itself. Two reviewers who are no party to it hold a clone, one holds a single output, and PostgreSQL
 * keeps that; the owner is told and may answer under her signature; who complained has a window to show that a case is
 * pending, and without one the hold is lifted on the day; only two people who agree end a clone for good. Deadlines are
 * shown to both sides and kept by jobs that may run twice. A flood is limited and changes nothing.
 */
export { makeNotices, type Notices } from './service.ts';
export type { NoticesDeps } from './deps.ts';
export { makeNoticesHandlers } from './handlers.ts';
export { makeNoticesJobs } from './jobs.ts';
export { DEADLINES as NOTICE_DEADLINES } from './model.ts';

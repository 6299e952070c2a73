import type { StatementDocument } from './statement-model.ts';

/** Statements closed before lines were grouped: nobody writes them any more, and they are read for ever. */
export type StatementV1 = Extract<StatementDocument, { schemaVersion: 1 }>;
export type LineV1 = StatementV1['lines'][number];
export type DebtLineV1 = StatementV1['debt']['lines'][number];

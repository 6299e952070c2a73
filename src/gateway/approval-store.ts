import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';

export interface ApprovalRow {
  outputId: string;
  mode: 'before' | 'after';
  undoHours: number;
  verdict: 'approved' | 'rejected' | null;
  decidedAt: Date | null;
}

const APPROVAL = `
  SELECT output_id AS "outputId", mode, undo_hours AS "undoHours", verdict, decided_at AS "decidedAt" FROM output_approval WHERE output_id = $1`;

export async function find(tx: Tx, outputId: string): Promise<ApprovalRow | null> {
  return await maybeOne<ApprovalRow>(tx, APPROVAL, [outputId]);
}

/** Two verdicts on one output take turns. */
export async function lock(tx: Tx, outputId: string): Promise<ApprovalRow | null> {
  return await maybeOne<ApprovalRow>(tx, `${APPROVAL} FOR UPDATE`, [outputId]);
}

export async function insert(
  tx: Tx, row: { outputId: string; cloneId: string; mode: 'before' | 'after'; undoHours: number },
): Promise<void> {
  await sql(tx, 'INSERT INTO output_approval (output_id, clone_id, mode, undo_hours) VALUES ($1, $2, $3, $4)',
    [row.outputId, row.cloneId, row.mode, row.undoHours]);
}

export async function setVerdict(
  tx: Tx, outputId: string, { verdict, by, at }: { verdict: 'approved' | 'rejected'; by: string; at: Date },
): Promise<void> {
  const judged = await execute(
    tx, 'UPDATE output_approval SET verdict = $2, decided_by = $3, decided_at = $4 WHERE output_id = $1', [outputId, verdict, by, at]);
  if (judged !== 1) throw new Error(`Output ${outputId} waits for nobody.`);
}

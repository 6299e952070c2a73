import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';
import type { LegInput } from './adjust-model.ts';

/** Adjusting entries and what was decided of them: facts beside each other, never changed. */

export interface AdjustmentRow {
  id: string;
  effectiveDate: Day;
  reason: string;
  evidence: string;
  legs: LegInput[];
  proposedBy: string;
  proposedAt: Date;
  verdict: 'approved' | 'rejected' | null;
  /** Why it was rejected, or its approval withdrawn. */
  note: string | null;
  decidedBy: string | null;
  decidedAt: Date | null;
  withdrawnBy: string | null;
  withdrawnAt: Date | null;
  transferId: string | null;
}

const ADJUSTMENT = `a.id, a.effective_date AS "effectiveDate", a.reason, a.evidence, a.legs, a.proposed_by AS "proposedBy", a.proposed_at AS "proposedAt",
    d.verdict, coalesce(w.note, d.note) AS note, d.decided_by AS "decidedBy", d.decided_at AS "decidedAt", w.withdrawn_by AS "withdrawnBy",
    w.withdrawn_at AS "withdrawnAt", t.id AS "transferId"
  FROM ledger_adjustment a LEFT JOIN ledger_adjustment_decision d ON d.adjustment_id = a.id
  LEFT JOIN ledger_adjustment_withdrawal w ON w.adjustment_id = a.id
  LEFT JOIN ledger_transfer t ON t.key = 'adjustment:' || a.id`;

export async function insertAdjustment(
  tx: Tx, row: Pick<AdjustmentRow, 'id' | 'effectiveDate' | 'reason' | 'evidence' | 'legs' | 'proposedBy' | 'proposedAt'>,
): Promise<void> {
  await sql(
    tx,
    `INSERT INTO ledger_adjustment (id, effective_date, reason, evidence, legs, proposed_by, proposed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [row.id, row.effectiveDate, row.reason, row.evidence, JSON.stringify(row.legs), row.proposedBy, row.proposedAt],
  );
}

export async function findAdjustment(tx: Tx, id: string): Promise<AdjustmentRow | null> {
  return await maybeOne<AdjustmentRow>(tx, `SELECT ${ADJUSTMENT} WHERE a.id = $1`, [id]);
}

/** Decisions of one adjusting entry take turns; what is read after it is what stands. */
export async function lockAdjustment(tx: Tx, id: string): Promise<AdjustmentRow | null> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 6237011))', [id]);
  return await findAdjustment(tx, id);
}

export async function insertDecision(
  tx: Tx, row: { adjustmentId: string; verdict: 'approved' | 'rejected'; note: string | null; decidedBy: string; decidedAt: Date },
): Promise<void> {
  await sql(
    tx, 'INSERT INTO ledger_adjustment_decision (adjustment_id, verdict, note, decided_by, decided_at) VALUES ($1, $2, $3, $4, $5)',
    [row.adjustmentId, row.verdict, row.note, row.decidedBy, row.decidedAt],
  );
}

export async function insertWithdrawal(tx: Tx, row: { adjustmentId: string; note: string; withdrawnBy: string; withdrawnAt: Date }): Promise<void> {
  await sql(
    tx, 'INSERT INTO ledger_adjustment_withdrawal (adjustment_id, note, withdrawn_by, withdrawn_at) VALUES ($1, $2, $3, $4)',
    [row.adjustmentId, row.note, row.withdrawnBy, row.withdrawnAt],
  );
}

export async function adjustments(tx: Tx, limit: number): Promise<AdjustmentRow[]> {
  return await sql<AdjustmentRow>(tx, `SELECT ${ADJUSTMENT} ORDER BY a.proposed_at DESC, a.id DESC LIMIT $1`, [limit]);
}

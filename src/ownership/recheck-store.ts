import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';
import type { Look } from './rechecks.ts';

/** Keeps a look; false when the one of this due time was kept already. The owner's own have none (`null`). */
export async function insertLook(tx: Tx, look: Look & { evidenceId: string; dueAt: Date | null }): Promise<boolean> {
  const inserted = await sql(
    tx,
    `INSERT INTO ownership_look (evidence_id, due_at, at, outcome) VALUES ($1, $2, $3, $4)
     ON CONFLICT (evidence_id, due_at) DO NOTHING RETURNING evidence_id`, [look.evidenceId, look.dueAt, look.at, look.outcome]);
  return inserted.length === 1;
}

/** All looks at a piece of evidence, in the order in which they were made. */
export async function looksOf(tx: Tx, evidenceId: string): Promise<Look[]> {
  return await sql<Look>(tx, 'SELECT at, outcome FROM ownership_look WHERE evidence_id = $1 ORDER BY id', [evidenceId]);
}

import type { Tx } from '../kernel/tx.ts';
import { execute, one, sql } from '../platform/postgres/index.ts';

/** Alone in its statement: only the next one sees what others committed while this waited. */
export async function lockVolume(tx: Tx, grantId: string): Promise<void> {
  await sql(tx, 'SELECT lock_consent_volume($1)', [grantId]);
}

/** What is used of a grant, or under one licence of it, by one capability or any, in one day or in all. */
export async function sumOf(
  tx: Tx, of: { grantId: string; licenceId: string | null; capability: string; day: string | null },
): Promise<{ outputs: number; seconds: number }> {
  return await one(tx, `
    SELECT count(*)::int AS outputs, (coalesce(sum(milliseconds), 0) / 1000.0)::float8 AS seconds FROM consent_volume_use
    WHERE grant_id = $1 AND state = 'taken' AND ($2 = 'any' OR capability = $2) AND ($3::date IS NULL OR day = $3)
      AND ($4::text IS NULL OR licence_id = $4)`,
  [of.grantId, of.capability, of.day, of.licenceId]);
}

export async function insertUse(
  tx: Tx, use: { subjectId: string; grantId: string; licenceId: string | null; capability: string; day: string; milliseconds: bigint; at: Date },
): Promise<void> {
  await sql(tx, `
    INSERT INTO consent_volume_use (subject_id, grant_id, capability, day, milliseconds, taken_at, licence_id) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
  [use.subjectId, use.grantId, use.capability, use.day, use.milliseconds, use.at, use.licenceId]);
}

export async function setMilliseconds(tx: Tx, subjectId: string, milliseconds: bigint): Promise<void> {
  await execute(tx, `UPDATE consent_volume_use SET milliseconds = $2 WHERE subject_id = $1 AND state = 'taken'`, [subjectId, milliseconds]);
}

export async function giveBack(tx: Tx, subjectId: string): Promise<void> {
  await execute(tx, `UPDATE consent_volume_use SET state = 'given_back' WHERE subject_id = $1 AND state = 'taken'`, [subjectId]);
}

/** The SQLSTATE of `consent_volume_within_caps`. */
export function isOverCap(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if ('code' in error && error.code === 'BN002') return true;
  return 'driverError' in error && isOverCap(error.driverError);
}

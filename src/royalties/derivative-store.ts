import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, one, sql } from '../platform/postgres/index.ts';
import { documentStore } from './document-store.ts';

/** Terms under which a clone is a derivative of another, and their signatures. */

export interface TermRow {
  id: string;
  cloneId: string;
  number: number;
  derivativeOwnerId: string;
  originalCloneId: string;
  originalOwnerId: string;
  upstreamBasisPoints: number;
  ceilingBasisPoints: number;
  effectiveFrom: Day;
  canonical: string;
  digest: string;
  state: 'draft' | 'signed';
  signedAt: Date | null;
  record: string | null;
  leafId: string | null;
  draftedAt: Date;
}

const TERM = `id, clone_id AS "cloneId", number, derivative_owner_id AS "derivativeOwnerId", original_clone_id AS "originalCloneId",
  original_owner_id AS "originalOwnerId", upstream_basis_points AS "upstreamBasisPoints", ceiling_basis_points AS "ceilingBasisPoints",
  effective_from AS "effectiveFrom", canonical, digest, state, signed_at AS "signedAt", record, leaf_id AS "leafId", drafted_at AS "draftedAt"`;

export const { find: findTerm, lock: lockTerm, signaturesOf, insertSignature } = documentStore<TermRow>({
  from: 'derivative_term', columns: TERM, signatures: 'derivative_signature', of: 'derivative_id',
});

export async function insertTerm(tx: Tx, row: Omit<TermRow, 'state' | 'signedAt' | 'record' | 'leafId'>): Promise<void> {
  await sql(
    tx,
    `INSERT INTO derivative_term (id, clone_id, number, derivative_owner_id, original_clone_id, original_owner_id, upstream_basis_points,
       ceiling_basis_points, effective_from, canonical, digest, drafted_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [row.id, row.cloneId, row.number, row.derivativeOwnerId, row.originalCloneId, row.originalOwnerId, row.upstreamBasisPoints,
      row.ceilingBasisPoints, row.effectiveFrom, row.canonical, row.digest, row.draftedAt],
  );
}

export async function nextNumber(tx: Tx, cloneId: string): Promise<number> {
  return (await one<{ next: number }>(tx, 'SELECT coalesce(max(number), 0) + 1 AS next FROM derivative_term WHERE clone_id = $1', [cloneId])).next;
}

export async function termsOf(tx: Tx, cloneId: string): Promise<TermRow[]> {
  return await sql<TermRow>(tx, `SELECT ${TERM} FROM derivative_term WHERE clone_id = $1 ORDER BY number DESC`, [cloneId]);
}

/** The newest signed term of a clone, whether its day has come or not: what a new split names. */
export async function newestSigned(tx: Tx, cloneId: string): Promise<TermRow | null> {
  return await maybeOne<TermRow>(
    tx, `SELECT ${TERM} FROM derivative_term WHERE clone_id = $1 AND state = 'signed' ORDER BY number DESC LIMIT 1`, [cloneId],
  );
}

/** The signed term that is in force for a clone on a day. */
export async function termOn(tx: Tx, cloneId: string, day: Day): Promise<TermRow | null> {
  return await maybeOne<TermRow>(
    tx,
    `SELECT ${TERM} FROM derivative_term WHERE clone_id = $1 AND state = 'signed' AND effective_from <= $2 ORDER BY number DESC LIMIT 1`,
    [cloneId, day],
  );
}

/** In force from its day on; splits that were drafted before it do not name it and divide nothing from then on. */
export async function completeTerm(tx: Tx, row: TermRow, signed: { signedAt: Date; record: string; leafId: string }): Promise<void> {
  await sql(
    tx,
    `UPDATE derivative_term SET state = 'signed', signed_at = $2, record = $3, leaf_id = $4,
       after_split = (SELECT coalesce(max(number), 0) FROM split WHERE clone_id = $5) WHERE id = $1`,
    [row.id, signed.signedAt, signed.record, signed.leafId, row.cloneId],
  );
}

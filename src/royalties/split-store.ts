import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { Base, ReserveTerms, Role, SplitLeg, SplitVersion } from './model.ts';

/** Splits, their legs and signatures. */

export interface SplitRow {
  id: string;
  cloneId: string;
  number: number;
  ownerAccountId: string;
  refundFeeBearer: string;
  effectiveFrom: Day;
  canonical: string;
  digest: string;
  state: 'draft' | 'signed';
  signedAt: Date | null;
  record: string | null;
  leafId: string | null;
  draftedAt: Date;
}

const SPLIT = `id, clone_id AS "cloneId", number, owner_account_id AS "ownerAccountId", refund_fee_bearer AS "refundFeeBearer",
  effective_from AS "effectiveFrom", canonical, digest, state, signed_at AS "signedAt", record, leaf_id AS "leafId", drafted_at AS "draftedAt"`;

export type NewSplit = Pick<SplitRow, 'id' | 'cloneId' | 'number' | 'ownerAccountId' | 'refundFeeBearer' | 'effectiveFrom' | 'canonical' | 'digest' | 'draftedAt'>;

export async function insertSplit(
  tx: Tx, row: NewSplit & { base: Base; reserve: ReserveTerms; derivativeId: string | null }, legs: readonly (SplitLeg & { role: Role })[],
): Promise<void> {
  await sql(
    tx,
    `INSERT INTO split (id, clone_id, number, owner_account_id, base, refund_fee_bearer, effective_from, canonical, digest, drafted_at,
       reserve_basis_points, reserve_days, derivative_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [row.id, row.cloneId, row.number, row.ownerAccountId, row.base, row.refundFeeBearer, row.effectiveFrom, row.canonical, row.digest, row.draftedAt,
      row.reserve.basisPoints, row.reserve.days, row.derivativeId],
  );
  await sql(
    tx,
    `INSERT INTO split_leg (split_id, leg, payee, basis_points, role)
     SELECT $1, legs.leg, legs.payee, legs.points, legs.role
     FROM unnest($2::text[], $3::int[], $4::text[]) WITH ORDINALITY AS legs (payee, points, role, leg)`,
    [row.id, legs.map((leg) => leg.payee), legs.map((leg) => leg.basisPoints), legs.map((leg) => leg.role)],
  );
}

export async function nextNumber(tx: Tx, cloneId: string): Promise<number> {
  return (await one<{ next: number }>(tx, 'SELECT coalesce(max(number), 0) + 1 AS next FROM split WHERE clone_id = $1', [cloneId])).next;
}

export async function findSplit(tx: Tx, id: string): Promise<SplitRow | null> {
  return await maybeOne<SplitRow>(tx, `SELECT ${SPLIT} FROM split WHERE id = $1`, [id]);
}

export async function lockSplit(tx: Tx, id: string): Promise<SplitRow | null> {
  return await maybeOne<SplitRow>(tx, `SELECT ${SPLIT} FROM split WHERE id = $1 FOR UPDATE`, [id]);
}

export async function splitsOf(tx: Tx, cloneId: string): Promise<SplitRow[]> {
  return await sql<SplitRow>(tx, `SELECT ${SPLIT} FROM split WHERE clone_id = $1 ORDER BY number DESC`, [cloneId]);
}

export async function legsOf(tx: Tx, splitId: string): Promise<SplitLeg[]> {
  return await sql<SplitLeg>(tx, 'SELECT payee, basis_points AS "basisPoints" FROM split_leg WHERE split_id = $1 ORDER BY leg', [splitId]);
}

/** The signed splits of a clone, and the terms that ask for new ones. */
export async function versionsOf(tx: Tx, cloneId: string): Promise<(SplitVersion & { refundFeeBearer: string })[]> {
  return await sql(
    tx,
    `SELECT id AS "splitId", number::float8 AS number, effective_from AS "effectiveFrom", refund_fee_bearer AS "refundFeeBearer"
     FROM split WHERE clone_id = $1 AND state = 'signed'
     UNION ALL
     SELECT NULL, after_split + 0.5, effective_from, 'platform' FROM derivative_term WHERE clone_id = $1 AND state = 'signed'
     ORDER BY 2`,
    [cloneId],
  );
}

/** What a split says of each pot, beside its legs. */
export interface PotTerms {
  base: Base;
  reserve: ReserveTerms;
}

export async function termsOf(tx: Tx, splitId: string): Promise<PotTerms> {
  const row = await one<{ base: Base; basisPoints: number; days: number }>(
    tx, 'SELECT base, reserve_basis_points AS "basisPoints", reserve_days AS days FROM split WHERE id = $1', [splitId],
  );
  return { base: row.base, reserve: { basisPoints: row.basisPoints, days: row.days } };
}

export async function numberOf(tx: Tx, splitId: string): Promise<number> {
  return (await one<{ number: number }>(tx, 'SELECT number FROM split WHERE id = $1', [splitId])).number;
}

export interface SignatureRow {
  signer: string;
  signedDocumentId: string;
  signedAt: Date;
}

export async function signaturesOf(tx: Tx, splitId: string): Promise<SignatureRow[]> {
  return await sql<SignatureRow>(
    tx,
    `SELECT signer, signed_document_id AS "signedDocumentId", signed_at AS "signedAt" FROM split_signature
     WHERE split_id = $1 ORDER BY signed_at, signer`,
    [splitId],
  );
}

export async function insertSignature(tx: Tx, splitId: string, row: SignatureRow): Promise<void> {
  await sql(
    tx, 'INSERT INTO split_signature (split_id, signer, signed_document_id, signed_at) VALUES ($1, $2, $3, $4)',
    [splitId, row.signer, row.signedDocumentId, row.signedAt],
  );
}

export async function completeSplit(tx: Tx, splitId: string, signed: { signedAt: Date; record: string; leafId: string }): Promise<void> {
  await sql(
    tx, `UPDATE split SET state = 'signed', signed_at = $2, record = $3, leaf_id = $4 WHERE id = $1`,
    [splitId, signed.signedAt, signed.record, signed.leafId],
  );
}

/**
 * What divides a clone's money takes turns: runs, refunds of divided money, new splits. Taken before any other lock of the same
 * transaction, so that two of them never wait in a circle.
 */
export async function lockClone(tx: Tx, cloneId: string): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 80))', [cloneId]);
}

/** Whoever books earnings under a split and whoever brings in a new one exclude each other until commit. */
export async function lockSplits(tx: Tx, cloneId: string, mode: 'shared' | 'alone'): Promise<void> {
  const call = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  await sql(tx, `SELECT ${call}(hashtextextended($1, 81))`, [cloneId]);
}

/** Remembers that days before this one were booked under the splits as they now are. */
export async function putAnswered(tx: Tx, cloneId: string, beforeDay: Day): Promise<void> {
  await sql(
    tx,
    `INSERT INTO split_answered (clone_id, before_day) VALUES ($1, $2)
     ON CONFLICT (clone_id) DO UPDATE SET before_day = excluded.before_day WHERE split_answered.before_day < excluded.before_day`,
    [cloneId, beforeDay],
  );
}

export async function answeredBefore(tx: Tx, cloneId: string): Promise<Day | null> {
  return (await maybeOne<{ day: Day }>(tx, 'SELECT before_day AS day FROM split_answered WHERE clone_id = $1', [cloneId]))?.day ?? null;
}

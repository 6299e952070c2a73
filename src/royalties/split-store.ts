import { addDays, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { one, sql } from '../platform/postgres/index.ts';
import { documentStore } from './document-store.ts';
import type { Base, ReserveTerms, Role, SplitLeg } from './model.ts';
import { segmentsOf, type SplitVersion } from './split-days-model.ts';

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

export const { find: findSplit, lock: lockSplit, signaturesOf, insertSignature } = documentStore<SplitRow>({
  from: 'split', columns: SPLIT, signatures: 'split_signature', of: 'split_id',
});

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

/** A day and the split that it was booked under; null: without one. */
export type BookedDay = { day: Day; splitId: string | null };

/** What the days of [fromDay, toDay) were booked under, as far as they were. */
export async function bookedDays(tx: Tx, cloneId: string, fromDay: Day, toDay: Day): Promise<BookedDay[]> {
  return await sql<BookedDay>(
    tx, 'SELECT day, split_id AS "splitId" FROM split_day WHERE clone_id = $1 AND day >= $2 AND day < $3 ORDER BY day', [cloneId, fromDay, toDay],
  );
}

/** Remembers under which split days are booked, for ever; call it under `lockSplits`. Whoever else books one of them says the same. */
export async function insertBooked(tx: Tx, cloneId: string, days: readonly BookedDay[]): Promise<void> {
  await sql(
    tx,
    `INSERT INTO split_day (clone_id, day, split_id) SELECT $1, d.day, d.split_id FROM unnest($2::date[], $3::text[]) AS d (day, split_id)
     ORDER BY d.day ON CONFLICT (clone_id, day) DO NOTHING`,
    [cloneId, days.map((one) => one.day), days.map((one) => one.splitId)],
  );
}

/** Gives the days that were booked without a split, from its first day on, to one that was just signed. */
export async function takeUnsplit(tx: Tx, row: Pick<SplitRow, 'id' | 'cloneId' | 'effectiveFrom'>): Promise<void> {
  await sql(tx, 'UPDATE split_day SET split_id = $1 WHERE clone_id = $2 AND day >= $3 AND split_id IS NULL', [row.id, row.cloneId, row.effectiveFrom]);
}

/** The last day that was booked under a split, and the first one of the days without one that a day is among; null: there is none. */
export async function startsOf(tx: Tx, cloneId: string, day: Day): Promise<{ lastBooked: Day | null; unsplitFrom: Day | null }> {
  return await one(
    tx,
    `SELECT (SELECT max(day) FROM split_day WHERE clone_id = $1 AND split_id IS NOT NULL) AS "lastBooked",
            (SELECT min(o.day) FROM split_day o WHERE o.clone_id = $1 AND o.split_id IS NULL AND o.day <= $2 AND (
               SELECT count(*) FROM split_day n WHERE n.clone_id = $1 AND n.split_id IS NULL AND n.day BETWEEN o.day AND $2) = $2::date - o.day + 1) AS "unsplitFrom"`,
    [cloneId, day],
  );
}

export type AppliedSplit = { splitId: string; number: number; refundFeeBearer: string };

/** What divides the days of [fromDay, toDay): the splits that they were booked under, or would be now, each from its first day there on. */
export async function appliedOver(tx: Tx, cloneId: string, fromDay: Day, toDay: Day): Promise<{ fromDay: Day; split: AppliedSplit | null }[]> {
  const versions = await versionsOf(tx, cloneId);
  const byId = new Map(versions.map(({ splitId, number, refundFeeBearer }) => [splitId, splitId === null ? null : { splitId, number, refundFeeBearer }]));
  const segments = segmentsOf(versions, fromDay, toDay, await bookedDays(tx, cloneId, fromDay, toDay));
  return segments.map((segment) => ({ fromDay: segment.fromDay, split: byId.get(segment.splitId) ?? null }));
}

/** What divides one day. */
export async function appliedOn(tx: Tx, cloneId: string, day: Day): Promise<AppliedSplit | null> {
  return (await appliedOver(tx, cloneId, day, addDays(day, 1)))[0]?.split ?? null;
}

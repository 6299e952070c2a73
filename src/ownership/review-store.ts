import type { Tx } from '../kernel/tx.ts';
import { execute, one, sql } from '../platform/postgres/index.ts';
import type { Lease } from './service-clock.ts';

export interface LeaseRow extends Lease {
  id: string;
  proofId: string;
}

const LEASE = `id, proof_id AS "proofId", reviewer_id AS "reviewerId", claimed_at AS "claimedAt", expires_at AS "expiresAt", ended_at AS "endedAt"`;

/** The claims of a case since an instant: those of the round that began then. */
export async function leasesSince(tx: Tx, proofId: string, since: Date): Promise<LeaseRow[]> {
  return await sql<LeaseRow>(
    tx, `SELECT ${LEASE} FROM ownership_lease WHERE proof_id = $1 AND claimed_at >= $2 ORDER BY claimed_at, recorded_at`, [proofId, since]);
}

export async function insertLease(tx: Tx, row: Omit<LeaseRow, 'endedAt'>): Promise<void> {
  await execute(
    tx, 'INSERT INTO ownership_lease (id, proof_id, reviewer_id, claimed_at, expires_at) VALUES ($1, $2, $3, $4, $5)',
    [row.id, row.proofId, row.reviewerId, row.claimedAt, row.expiresAt]);
}

export async function endLease(tx: Tx, leaseId: string, at: Date): Promise<void> {
  await execute(tx, 'UPDATE ownership_lease SET ended_at = $2 WHERE id = $1', [leaseId, at]);
}

/** The digest of the evidence as it lies there now; the database has the one definition. */
export async function evidenceDigest(tx: Tx, proofId: string): Promise<string> {
  return (await one<{ digest: string }>(tx, 'SELECT ownership_evidence_digest($1) AS digest', [proofId])).digest;
}

/** Whether the person submitted the case or gave their word for it. */
export async function isPartial(tx: Tx, proofId: string, accountId: string): Promise<boolean> {
  return (await one<{ partial: boolean }>(tx, 'SELECT ownership_partial($1, $2) AS partial', [proofId, accountId])).partial;
}

/** Ids of submitted proofs that this reviewer may take up now, those that wait longest first. */
export async function queueOf(tx: Tx, reviewerId: string, now: Date, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    tx,
    `SELECT p.id FROM ownership_proof p
      WHERE p.state = 'submitted' AND NOT ownership_partial(p.id, $1)
        AND NOT EXISTS (SELECT FROM ownership_review r WHERE r.proof_id = p.id AND r.reviewer_id = $1)
        AND NOT EXISTS (SELECT FROM ownership_lease l WHERE l.proof_id = p.id AND l.reviewer_id <> $1
          AND l.claimed_at <= $2 AND coalesce(l.ended_at, l.expires_at) > $2)
      ORDER BY coalesce(p.appealed_at, p.submitted_at), p.id LIMIT $3`,
    [reviewerId, now, limit]);
  return rows.map(({ id }) => id);
}

export interface OpenCase {
  proofId: string;
  round: number;
  waitingSince: Date;
  leases: Lease[];
  reviewedAt: Date[];
}

/** Every case that waits, with what its clock needs. */
export async function openCases(tx: Tx): Promise<OpenCase[]> {
  interface Raw { proofId: string; round: number; waitingSince: Date; leases: Record<keyof Lease, string | null>[]; reviewedAt: Date[] | null }
  const rows = await sql<Raw>(
    tx,
    `SELECT p.id AS "proofId", p.round, coalesce(p.appealed_at, p.submitted_at) AS "waitingSince",
        coalesce((SELECT jsonb_agg(jsonb_build_object('reviewerId', l.reviewer_id, 'claimedAt', l.claimed_at, 'expiresAt', l.expires_at,
            'endedAt', l.ended_at) ORDER BY l.claimed_at)
          FROM ownership_lease l WHERE l.proof_id = p.id AND l.claimed_at >= coalesce(p.appealed_at, p.submitted_at)), '[]') AS leases,
        (SELECT array_agg(r.at ORDER BY r.at) FROM ownership_review r WHERE r.proof_id = p.id AND r.round = p.round) AS "reviewedAt"
      FROM ownership_proof p WHERE p.state = 'submitted'`);
  return rows.map((row) => ({
    ...row,
    reviewedAt: row.reviewedAt ?? [],
    leases: row.leases.map((lease) => ({
      reviewerId: lease.reviewerId ?? '', claimedAt: new Date(lease.claimedAt ?? ''), expiresAt: new Date(lease.expiresAt ?? ''),
      endedAt: lease.endedAt === null ? null : new Date(lease.endedAt),
    })),
  }));
}

/** Seconds from the beginning of a round to its first claim and to its decision, for what was decided since. */
export async function decidedWaits(tx: Tx, since: Date): Promise<{ toClaim: number; toDecision: number }[]> {
  return await sql(
    tx,
    `SELECT greatest(0, floor(extract(epoch FROM d.at - begun.at)))::float8 AS "toDecision",
            greatest(0, floor(extract(epoch FROM coalesce(min(l.claimed_at), d.at) - begun.at)))::float8 AS "toClaim"
      FROM ownership_decision d JOIN ownership_proof p ON p.id = d.proof_id
        CROSS JOIN LATERAL (SELECT CASE d.round WHEN 2 THEN p.appealed_at ELSE p.submitted_at END AS at) AS begun
        LEFT JOIN ownership_lease l ON l.proof_id = p.id AND l.claimed_at >= begun.at AND l.claimed_at <= d.at
      WHERE d.decision IN ('approved', 'rejected') AND d.at >= $1
      GROUP BY d.leaf_id, d.at, begun.at`, [since]);
}

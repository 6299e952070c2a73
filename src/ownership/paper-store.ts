import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';

/** The wrapped key of a case: the one that is there, or this one. Null once it was destroyed. */
export async function caseKey(tx: Tx, proofId: string, fresh: Buffer, at: Date): Promise<Buffer | null> {
  await execute(
    tx, 'INSERT INTO ownership_case_key (proof_id, wrapped, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [proofId, fresh, at]);
  return (await one<{ wrapped: Buffer | null }>(tx, 'SELECT wrapped FROM ownership_case_key WHERE proof_id = $1', [proofId])).wrapped;
}

export async function findCaseKey(tx: Tx, proofId: string): Promise<Buffer | null> {
  return (await maybeOne<{ wrapped: Buffer | null }>(tx, 'SELECT wrapped FROM ownership_case_key WHERE proof_id = $1', [proofId]))?.wrapped ?? null;
}

export async function insertSealed(tx: Tx, row: { digest: string; proofId: string; evidenceId: string; at: Date }): Promise<void> {
  await execute(
    tx, 'INSERT INTO ownership_sealed (digest, proof_id, evidence_id, sealed_at) VALUES ($1, $2, $3, $4)',
    [row.digest, row.proofId, row.evidenceId, row.at]);
}

export async function sealedOf(tx: Tx, proofId: string): Promise<string[]> {
  return (await sql<{ digest: string }>(tx, 'SELECT digest FROM ownership_sealed WHERE proof_id = $1 ORDER BY digest', [proofId]))
    .map(({ digest }) => digest);
}

export async function insertView(tx: Tx, row: { evidenceId: string; leaseId: string; viewerId: string; reason: string; at: Date }): Promise<void> {
  await execute(
    tx, 'INSERT INTO ownership_paper_view (evidence_id, lease_id, viewer_id, reason, at) VALUES ($1, $2, $3, $4, $5)',
    [row.evidenceId, row.leaseId, row.viewerId, row.reason, row.at]);
}

/** Forgets the key; false when there is none to forget. */
export async function forgetKey(tx: Tx, proofId: string, at: Date): Promise<boolean> {
  return (await execute(
    tx, 'UPDATE ownership_case_key SET wrapped = NULL, destroyed_at = $2 WHERE proof_id = $1 AND wrapped IS NOT NULL', [proofId, at])) === 1;
}

export async function insertDestruction(tx: Tx, row: { proofId: string; leafId: string; document: JsonObject; at: Date }): Promise<void> {
  await execute(
    tx, 'INSERT INTO ownership_destruction (proof_id, leaf_id, document, at) VALUES ($1, $2, $3, $4)',
    [row.proofId, row.leafId, JSON.stringify(row.document), row.at]);
}

/** Every account whose word a proof rests on, itself included, however long the chain. */
export async function vouchedBy(tx: Tx, proofId: string): Promise<string[]> {
  return (await sql<{ account_id: string }>(tx, 'SELECT account_id FROM ownership_vouched_by($1)', [proofId])).map((row) => row.account_id);
}

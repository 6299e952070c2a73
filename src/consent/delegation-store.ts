import type { Tx } from '../kernel/tx.ts';
import { maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { DelegableVerb, DelegationDocument, DelegationFacts } from './delegation.ts';

export interface DelegationRow extends DelegationFacts {
  delegationId: string;
  ownerAccountId: string;
  agentAccountId: string;
  canonical: string;
  digest: string;
  endedBy: string | null;
}

export interface DelegationSignatureRow {
  signer: string;
  signedDocumentId: string;
  signedAt: Date;
}

interface Read extends Omit<DelegationRow, 'document' | 'signers'> {
  signers: string[] | null;
}

const DELEGATION = `
  SELECT d.id AS "delegationId", d.owner_account_id AS "ownerAccountId", d.agent_account_id AS "agentAccountId", d.canonical, d.digest,
    (SELECT array_agg(s.account_id) FROM delegation_signature AS s WHERE s.delegation_id = d.id) AS signers,
    e.ended_at AS "endedAt", e.ended_by AS "endedBy"
  FROM delegation AS d LEFT JOIN delegation_end AS e ON e.delegation_id = d.id`;

function row(read: Read): DelegationRow {
  return { ...read, document: JSON.parse(read.canonical) as DelegationDocument, signers: read.signers ?? [] };
}

export async function findDelegation(tx: Tx, delegationId: string): Promise<DelegationRow | null> {
  const read = await maybeOne<Read>(tx, `${DELEGATION} WHERE d.id = $1`, [delegationId]);
  return read === null ? null : row(read);
}

/** Writes about one delegation take turns. */
export async function lockDelegation(tx: Tx, delegationId: string): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 6241))', [delegationId]);
}

/** Given by or to an account, the newest first. */
export async function delegationsOf(tx: Tx, accountId: string): Promise<DelegationRow[]> {
  const rows = await sql<Read>(tx, `${DELEGATION} WHERE d.owner_account_id = $1 OR d.agent_account_id = $1 ORDER BY d.id DESC LIMIT 200`, [accountId]);
  return rows.map(row);
}

export async function delegationsBetween(tx: Tx, ownerAccountId: string, agentAccountId: string): Promise<DelegationRow[]> {
  const rows = await sql<Read>(
    tx, `${DELEGATION} WHERE d.owner_account_id = $1 AND d.agent_account_id = $2 AND e.delegation_id IS NULL ORDER BY d.id`,
    [ownerAccountId, agentAccountId],
  );
  return rows.map(row);
}

/** As `delegationsBetween`, with those that were ended. */
export async function delegationsEver(tx: Tx, ownerAccountId: string, agentAccountId: string): Promise<DelegationRow[]> {
  const rows = await sql<Read>(tx, `${DELEGATION} WHERE d.owner_account_id = $1 AND d.agent_account_id = $2 ORDER BY d.id`, [ownerAccountId, agentAccountId]);
  return rows.map(row);
}

export async function insertDelegation(tx: Tx, made: { document: DelegationDocument; canonical: string; digest: string; at: Date }): Promise<void> {
  const { document } = made;
  await sql(tx, `
    INSERT INTO delegation (id, owner_account_id, agent_account_id, canonical, digest, drafted_at) VALUES ($1, $2, $3, $4, $5, $6)`,
  [document.delegationId, document.owner.accountId, document.agent.accountId, made.canonical, made.digest, made.at]);
}

export async function insertDelegationSignature(
  tx: Tx, signed: { delegationId: string; accountId: string; signedDocumentId: string; at: Date },
): Promise<void> {
  await sql(tx, 'INSERT INTO delegation_signature (delegation_id, account_id, signed_document_id, signed_at) VALUES ($1, $2, $3, $4)',
    [signed.delegationId, signed.accountId, signed.signedDocumentId, signed.at]);
}

export async function delegationSignatures(tx: Tx, delegationId: string): Promise<DelegationSignatureRow[]> {
  return await sql<DelegationSignatureRow>(tx, `
    SELECT account_id AS signer, signed_document_id AS "signedDocumentId", signed_at AS "signedAt"
    FROM delegation_signature WHERE delegation_id = $1 ORDER BY signed_at, account_id`, [delegationId]);
}

export async function insertDelegationEnd(tx: Tx, ended: { delegationId: string; by: string; at: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO delegation_end (delegation_id, ended_by, ended_at) VALUES ($1, $2, $3)', [ended.delegationId, ended.by, ended.at]);
}

export interface ActRow {
  verb: DelegableVerb;
  cloneId: string;
  subjectId: string;
  actor: string;
  at: Date;
}

export async function insertAct(tx: Tx, act: ActRow & { delegationId: string }): Promise<void> {
  await sql(tx, 'INSERT INTO delegated_act (delegation_id, verb, clone_id, subject_id, actor, at) VALUES ($1, $2, $3, $4, $5, $6)',
    [act.delegationId, act.verb, act.cloneId, act.subjectId, act.actor, act.at]);
}

export async function actsOf(tx: Tx, delegationId: string, limit: number): Promise<ActRow[]> {
  return await sql<ActRow>(tx, `
    SELECT verb, clone_id AS "cloneId", subject_id AS "subjectId", actor, at FROM delegated_act
    WHERE delegation_id = $1 ORDER BY id DESC LIMIT $2`, [delegationId, limit]);
}

/** Acts from an instant on; asked under the delegation's lock. */
export async function countActsSince(tx: Tx, delegationId: string, since: Date): Promise<number> {
  const { count } = await one<{ count: bigint }>(
    tx, 'SELECT count(*) FROM delegated_act WHERE delegation_id = $1 AND at >= $2', [delegationId, since],
  );
  return Number(count);
}

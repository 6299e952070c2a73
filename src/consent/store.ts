import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { GrantDocument } from './grant.ts';

export type GrantRowState = 'draft' | 'signed' | 'revoked' | 'expired';

/** A grant with the version that counts: the one in force, or the latest draft while nothing is signed. */
export interface GrantRow {
  grantId: string;
  cloneId: string;
  ownerAccountId: string;
  state: GrantRowState;
  version: number;
  digest: string;
  canonical: string;
  signedDocumentId: string | null;
  signedAt: Date | null;
}

const CURRENT = `
  SELECT g.id AS "grantId", g.clone_id AS "cloneId", g.owner_account_id AS "ownerAccountId", g.state,
    d.version, d.digest, d.canonical, s.signed_document_id AS "signedDocumentId", s.signed_at AS "signedAt"
  FROM consent_grant AS g
  LEFT JOIN LATERAL (
    SELECT * FROM consent_grant_signature WHERE grant_id = g.id ORDER BY version DESC LIMIT 1) AS s ON true
  JOIN LATERAL (
    SELECT * FROM consent_grant_draft WHERE grant_id = g.id AND (s.digest IS NULL OR digest = s.digest)
    ORDER BY drafted_at DESC, digest LIMIT 1) AS d ON true`;

/** All writes about one clone's grants take turns. Taken before a gate's lock; nothing that holds a gate asks for it. */
export async function lockGrants(tx: Tx, cloneId: string): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 6238))', [cloneId]);
}

export async function loadGrant(tx: Tx, grantId: string): Promise<GrantRow | null> {
  return await maybeOne<GrantRow>(tx, `${CURRENT} WHERE g.id = $1`, [grantId]);
}

/** The clone's signed grant; without one the grant that ended last, so that a denial can say how it ended. */
export async function loadGrantOfClone(tx: Tx, cloneId: string): Promise<GrantRow | null> {
  return await maybeOne<GrantRow>(
    tx, `${CURRENT} WHERE g.clone_id = $1 AND g.state <> 'draft' ORDER BY g.state = 'signed' DESC, s.signed_at DESC, g.id DESC LIMIT 1`,
    [cloneId],
  );
}

export async function insertGrant(
  tx: Tx, grant: { grantId: string; cloneId: string; ownerAccountId: string; at: Date },
): Promise<void> {
  await sql(tx, `
    INSERT INTO consent_grant (id, clone_id, owner_account_id, licensee, drafted_at) VALUES ($1, $2, $3, 'platform', $4)`,
  [grant.grantId, grant.cloneId, grant.ownerAccountId, grant.at]);
}

/** The same draft twice is one draft. */
export async function insertDraft(
  tx: Tx, draft: { document: GrantDocument; digest: string; canonical: string; at: Date },
): Promise<void> {
  const { document } = draft;
  await sql(tx, `
    INSERT INTO consent_grant_draft (grant_id, digest, version, supersedes, canonical, drafted_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (grant_id, digest) DO NOTHING`,
  [document.grantId, draft.digest, document.version, document.supersedes, draft.canonical, draft.at]);
}

export interface DraftRow {
  version: number;
  supersedes: string | null;
  canonical: string;
}

export async function loadDraft(tx: Tx, grantId: string, digest: string): Promise<DraftRow | null> {
  return await maybeOne<DraftRow>(
    tx, 'SELECT version, supersedes, canonical FROM consent_grant_draft WHERE grant_id = $1 AND digest = $2', [grantId, digest],
  );
}

export async function insertSignature(
  tx: Tx, signed: { grantId: string; version: number; digest: string; signedDocumentId: string; at: Date },
): Promise<void> {
  await sql(tx, `
    INSERT INTO consent_grant_signature (grant_id, version, digest, signed_document_id, signed_at)
    VALUES ($1, $2, $3, $4, $5)`, [signed.grantId, signed.version, signed.digest, signed.signedDocumentId, signed.at]);
}

export async function insertRevocation(
  tx: Tx, revoked: { grantId: string; signedDocumentId: string; at: Date },
): Promise<void> {
  await sql(tx, 'INSERT INTO consent_grant_revocation (grant_id, signed_document_id, revoked_at) VALUES ($1, $2, $3)',
    [revoked.grantId, revoked.signedDocumentId, revoked.at]);
}

export async function setGrantState(tx: Tx, grantId: string, state: Exclude<GrantRowState, 'draft'>): Promise<void> {
  const changed = await execute(tx, 'UPDATE consent_grant SET state = $2 WHERE id = $1', [grantId, state]);
  if (changed !== 1) throw new Error(`Grant ${grantId} is not there.`);
}

export interface DecisionRow {
  decisionId: string;
  cloneId: string;
  requester: string;
  allowed: boolean;
  clauses: string[];
  grantId: string | null;
  grantDigest: string | null;
  versionId: string | null;
  at: Date;
  receipt: object;
}

export async function insertDecision(tx: Tx, decision: DecisionRow): Promise<void> {
  await sql(tx, `
    INSERT INTO decision (id, clone_id, requester, allowed, clauses, grant_id, grant_digest, version_id, at, receipt)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
  [decision.decisionId, decision.cloneId, decision.requester, decision.allowed, decision.clauses, decision.grantId,
    decision.grantDigest, decision.versionId, decision.at, JSON.stringify(decision.receipt)]);
}

/** The receipt is what `insertDecision` was given, word for word. */
export async function loadReceipt(
  tx: Tx, decisionId: string,
): Promise<{ cloneId: string; requester: string; receipt: unknown } | null> {
  return await maybeOne(tx, 'SELECT clone_id AS "cloneId", requester, receipt FROM decision WHERE id = $1', [decisionId]);
}

/** The last signed grant of a clone that somebody else than `accountId` signed: what a dead owner left. */
export async function lastGrantOfAnother(tx: Tx, cloneId: string, accountId: string): Promise<GrantRow | null> {
  return await maybeOne<GrantRow>(
    tx, `${CURRENT} WHERE g.clone_id = $1 AND g.owner_account_id <> $2 AND g.state <> 'draft' ORDER BY s.signed_at DESC, g.id DESC LIMIT 1`,
    [cloneId, accountId],
  );
}

/** PostgreSQL's own answer to whether an amendment takes away and adds nothing, member by member; it errs towards no. */
export async function onlyNarrows(tx: Tx, before: GrantDocument, after: GrantDocument): Promise<boolean> {
  const { narrows } = await one<{ narrows: boolean }>(tx, 'SELECT amendment_only_narrows($1::jsonb, $2::jsonb) AS narrows',
    [JSON.stringify(before), JSON.stringify(after)]);
  return narrows;
}

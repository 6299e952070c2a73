import { EntitySchema, EntitySchemaOptions } from 'typeorm';

import type { Role } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, repository, sql } from '../platform/postgres/index.ts';
import type { Locale } from './model.ts';
import type { NewCredential } from './verification.ts';

export interface AccountRow {
  id: string;
  displayName: string;
  country: string | null;
  locale: Locale;
  createdAt: Date;
}

const accountSchema = new EntitySchema<AccountRow>(Object.assign(new EntitySchemaOptions<AccountRow>(), {
  name: 'account',
  columns: {
    id: { type: 'text', primary: true },
    displayName: { type: 'text', name: 'display_name' },
    country: { type: 'text', nullable: true },
    locale: { type: 'text' },
    createdAt: { type: 'timestamptz', name: 'created_at' },
  },
} as const));

export interface CredentialRow extends NewCredential {
  accountId: string;
  createdAt: Date;
  lastUsedAt: Date;
}

const credentialSchema = new EntitySchema<CredentialRow>(Object.assign(new EntitySchemaOptions<CredentialRow>(), {
  name: 'credential',
  columns: {
    id: { type: 'text', primary: true },
    accountId: { type: 'text', name: 'account_id' },
    publicKey: { type: 'bytea', name: 'public_key' },
    algorithm: { type: 'integer' },
    signCount: { type: 'bigint', name: 'sign_count' },
    aaguid: { type: 'text' },
    transports: { type: 'text', array: true },
    backupEligible: { type: 'boolean', name: 'backup_eligible' },
    backedUp: { type: 'boolean', name: 'backed_up' },
    attestationObject: { type: 'bytea', name: 'attestation_object' },
    registrationClientData: { type: 'bytea', name: 'registration_client_data' },
    createdAt: { type: 'timestamptz', name: 'created_at' },
    lastUsedAt: { type: 'timestamptz', name: 'last_used_at' },
  },
} as const));

/** The plain tables of this room, for the connection. */
export const identityEntities = [accountSchema, credentialSchema] as EntitySchema[];

export async function insertAccount(tx: Tx, row: AccountRow): Promise<void> {
  await repository(tx, accountSchema).insert(row);
}

export async function findAccount(tx: Tx, id: string): Promise<AccountRow | null> {
  return await repository(tx, accountSchema).findOneBy({ id });
}

export async function updateAccount(tx: Tx, id: string, change: Partial<AccountRow>): Promise<void> {
  if (Object.keys(change).length > 0) await repository(tx, accountSchema).update({ id }, change);
}

/** Whether the credential was new: a passkey is registered to one account, once. */
export async function insertCredential(tx: Tx, accountId: string, made: NewCredential, at: Date): Promise<boolean> {
  const inserted = await execute(
    tx, `INSERT INTO credential
           (id, account_id, public_key, algorithm, sign_count, aaguid, transports, backup_eligible, backed_up,
            attestation_object, registration_client_data, created_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) ON CONFLICT (id) DO NOTHING`,
    [made.id, accountId, made.publicKey, made.algorithm, made.signCount, made.aaguid, made.transports, made.backupEligible,
      made.backedUp, made.attestationObject, made.registrationClientData, at],
  );
  return inserted === 1;
}

export async function findCredential(tx: Tx, id: string): Promise<CredentialRow | null> {
  return await repository(tx, credentialSchema).findOneBy({ id });
}

/** The credential, locked: of two answers at the same time the second is held against the counter of the first. */
export async function lockCredential(tx: Tx, id: string): Promise<CredentialRow | null> {
  // A row that another answer held is read again, as that one left it, when the wait for it is over.
  return await maybeOne<CredentialRow>(tx, `
    SELECT id, account_id AS "accountId", public_key AS "publicKey", algorithm, sign_count AS "signCount", aaguid, transports,
      backup_eligible AS "backupEligible", backed_up AS "backedUp", attestation_object AS "attestationObject",
      registration_client_data AS "registrationClientData", created_at AS "createdAt", last_used_at AS "lastUsedAt"
    FROM credential WHERE id = $1 FOR NO KEY UPDATE`, [id]);
}

/** Newest first. */
export async function credentialsOf(tx: Tx, accountId: string): Promise<CredentialRow[]> {
  return await repository(tx, credentialSchema).find({ where: { accountId }, order: { createdAt: 'DESC', id: 'ASC' } });
}

/** Counters only grow, also when two answers of one passkey arrive in the wrong order. */
export async function credentialUsed(tx: Tx, id: string, use: { counter: number; backedUp: boolean; at: Date }): Promise<void> {
  await sql(
    tx, `UPDATE credential SET sign_count = greatest(sign_count, $2), backed_up = $3, last_used_at = greatest(last_used_at, $4)
         WHERE id = $1`,
    [id, use.counter, use.backedUp, use.at],
  );
}

export async function rolesOf(tx: Tx, accountId: string): Promise<Role[]> {
  const rows = await sql<{ role: Role }>(tx, 'SELECT role FROM account_role WHERE account_id = $1 ORDER BY role', [accountId]);
  return rows.map((row) => row.role);
}

export async function insertSession(tx: Tx, session: {
  id: string; accountId: string; credentialId: string; tokenHash: Buffer; createdAt: Date; expiresAt: Date;
}): Promise<void> {
  await sql(
    tx, `INSERT INTO session (id, account_id, credential_id, token_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)`,
    [session.id, session.accountId, session.credentialId, session.tokenHash, session.createdAt, session.expiresAt],
  );
}

/** Who a token stands for at this time: one indexed read, since every request asks it. */
export async function findActor(
  tx: Tx, tokenHash: Buffer, at: Date,
): Promise<{ accountId: string; sessionId: string; roles: Role[] } | null> {
  return await maybeOne(
    tx, `SELECT s.account_id AS "accountId", s.id AS "sessionId",
                ARRAY(SELECT r.role FROM account_role r WHERE r.account_id = s.account_id ORDER BY r.role) AS roles
         FROM session s WHERE s.token_hash = $1 AND s.ended_at IS NULL AND s.expires_at > $2`,
    [tokenHash, at],
  );
}

export async function endSession(tx: Tx, id: string, at: Date): Promise<void> {
  await sql(tx, 'UPDATE session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL', [id, at]);
}

export interface InvitationRow {
  id: string;
  role: Role;
}

export async function insertInvitation(tx: Tx, invitation: {
  id: string; role: Role; tokenHash: Buffer; invitedBy: string | null; note: string | null; createdAt: Date; expiresAt: Date;
}): Promise<void> {
  await sql(
    tx, `INSERT INTO invitation (id, role, token_hash, invited_by, note, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [invitation.id, invitation.role, invitation.tokenHash, invitation.invitedBy, invitation.note, invitation.createdAt,
      invitation.expiresAt],
  );
}

const USABLE = 'accepted_at IS NULL AND withdrawn_at IS NULL AND expires_at > $2';

export async function findUsableInvitation(tx: Tx, tokenHash: Buffer, at: Date): Promise<InvitationRow | null> {
  return await maybeOne(tx, `SELECT id, role FROM invitation WHERE token_hash = $1 AND ${USABLE}`, [tokenHash, at]);
}

/**
 * Accepts an invitation and gives its role, once: of two at the same time the second finds nothing to accept. Null also
 * when the account has got the role meanwhile; the caller then refuses, so that the invitation stays good.
 */
export async function acceptInvitation(tx: Tx, id: string, at: Date, accountId: string): Promise<InvitationRow | null> {
  const invitation = await maybeOne<InvitationRow>(
    tx, `UPDATE invitation SET accepted_by = $3, accepted_at = $2 WHERE id = $1 AND ${USABLE} RETURNING id, role`,
    [id, at, accountId],
  );
  if (invitation === null) return null;
  const given = await execute(
    tx, `INSERT INTO account_role (account_id, role, invitation_id, granted_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, role) DO NOTHING`,
    [accountId, invitation.role, id, at],
  );
  return given === 1 ? invitation : null;
}

/** Takes the turn of whoever invites the first operator; answers whether there is an operator already. */
export async function lockFirstOperator(tx: Tx): Promise<{ exists: boolean }> {
  await sql(tx, `SELECT pg_advisory_xact_lock(hashtextextended('identity.first-operator', 0))`);
  return await one(tx, `SELECT EXISTS (SELECT FROM account_role WHERE role = 'operator') AS exists`);
}

export async function withdrawFirstInvitations(tx: Tx, at: Date): Promise<number> {
  return await execute(
    tx, 'UPDATE invitation SET withdrawn_at = $1 WHERE invited_by IS NULL AND accepted_at IS NULL AND withdrawn_at IS NULL', [at],
  );
}

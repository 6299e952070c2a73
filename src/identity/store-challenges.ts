import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';
import type { DocumentType, Locale } from './model.ts';

export type Purpose = 'registration' | 'login' | 'signing';

export interface ChallengeRow {
  id: string;
  challenge: Buffer;
  accountId: string | null;
  issuedAt: Date;
  expiresAt: Date;
  usedAt: Date | null;
}

export async function insertChallenge(tx: Tx, row: Omit<ChallengeRow, 'usedAt'> & { purpose: Purpose }): Promise<void> {
  await sql(
    tx, 'INSERT INTO challenge (id, purpose, challenge, account_id, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)',
    [row.id, row.purpose, row.challenge, row.accountId, row.issuedAt, row.expiresAt],
  );
}

/** The challenge, locked: of two answers at the same time the second waits and then finds it used. */
export async function lockChallenge(tx: Tx, id: string, purpose: Purpose): Promise<ChallengeRow | null> {
  return await maybeOne(
    tx, `SELECT id, challenge, account_id AS "accountId", issued_at AS "issuedAt", expires_at AS "expiresAt", used_at AS "usedAt"
         FROM challenge WHERE id = $1 AND purpose = $2 FOR UPDATE`,
    [id, purpose],
  );
}

export async function useChallenge(tx: Tx, id: string, at: Date): Promise<void> {
  await sql(tx, 'UPDATE challenge SET used_at = $2 WHERE id = $1', [id, at]);
}

export async function deleteChallengesBefore(tx: Tx, before: Date, limit: number): Promise<number> {
  return await execute(
    tx, `DELETE FROM challenge WHERE id IN (
           SELECT id FROM challenge WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id`,
    [before, limit],
  );
}

export interface RegistrationRequestRow {
  displayName: string;
  locale: Locale;
  invitationId: string | null;
}

export async function insertRegistrationRequest(tx: Tx, challengeId: string, row: RegistrationRequestRow): Promise<void> {
  await sql(
    tx, 'INSERT INTO registration_request (challenge_id, display_name, locale, invitation_id) VALUES ($1, $2, $3, $4)',
    [challengeId, row.displayName, row.locale, row.invitationId],
  );
}

export async function findRegistrationRequest(tx: Tx, challengeId: string): Promise<RegistrationRequestRow | null> {
  return await maybeOne(
    tx, `SELECT display_name AS "displayName", locale, invitation_id AS "invitationId" FROM registration_request
         WHERE challenge_id = $1`,
    [challengeId],
  );
}

export interface SigningRequestRow {
  accountId: string;
  credentialId: string;
  documentType: DocumentType;
  canonical: string;
  nonce: Buffer;
  context: string;
  renderedText: string;
}

export async function insertSigningRequest(tx: Tx, challengeId: string, row: SigningRequestRow): Promise<void> {
  await sql(
    tx, `INSERT INTO signing_request
           (challenge_id, account_id, credential_id, document_type, canonical, nonce, context, rendered_text)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [challengeId, row.accountId, row.credentialId, row.documentType, row.canonical, row.nonce, row.context, row.renderedText],
  );
}

export async function findSigningRequest(tx: Tx, challengeId: string): Promise<SigningRequestRow | null> {
  return await maybeOne(
    tx, `SELECT account_id AS "accountId", credential_id AS "credentialId", document_type AS "documentType", canonical, nonce,
                context, rendered_text AS "renderedText"
         FROM signing_request WHERE challenge_id = $1`,
    [challengeId],
  );
}

export interface SignedDocumentRow extends SigningRequestRow {
  id: string;
  digest: string;
  challenge: Buffer;
  authenticatorData: Buffer;
  clientDataJSON: Buffer;
  signature: Buffer;
  rpId: string;
  origin: string;
  issuedAt: Date;
  expiresAt: Date;
  signedAt: Date;
  software: string[];
  evidenceSha256: string;
}

export async function insertSignedDocument(tx: Tx, row: SignedDocumentRow): Promise<void> {
  await sql(
    tx, `INSERT INTO signed_document
           (id, document_type, account_id, credential_id, canonical, digest, nonce, context, challenge, rendered_text,
            authenticator_data, client_data_json, signature, rp_id, origin, issued_at, expires_at, signed_at, software,
            evidence_sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
    [row.id, row.documentType, row.accountId, row.credentialId, row.canonical, row.digest, row.nonce, row.context, row.challenge,
      row.renderedText, row.authenticatorData, row.clientDataJSON, row.signature, row.rpId, row.origin, row.issuedAt,
      row.expiresAt, row.signedAt, row.software, row.evidenceSha256],
  );
}

export async function findSignedDocument(tx: Tx, id: string): Promise<SignedDocumentRow | null> {
  return await maybeOne(
    tx, `SELECT id, document_type AS "documentType", account_id AS "accountId", credential_id AS "credentialId", canonical,
                digest, nonce, context, challenge, rendered_text AS "renderedText", authenticator_data AS "authenticatorData",
                client_data_json AS "clientDataJSON", signature, rp_id AS "rpId", origin, issued_at AS "issuedAt",
                expires_at AS "expiresAt", signed_at AS "signedAt", software, evidence_sha256 AS "evidenceSha256"
         FROM signed_document WHERE id = $1`,
    [id],
  );
}

import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';

/** A draft that was signed. */
export interface SignedVersionRow {
  version: number;
  digest: string;
  canonical: string;
  signedDocumentId: string;
  signedAt: Date;
}

/** Oldest first; versions have no gap. */
export async function signedVersionsOf(tx: Tx, grantId: string): Promise<SignedVersionRow[]> {
  return await sql<SignedVersionRow>(
    tx, `SELECT s.version, s.digest, d.canonical, s.signed_document_id AS "signedDocumentId", s.signed_at AS "signedAt"
         FROM consent_grant_signature AS s JOIN consent_grant_draft AS d ON d.grant_id = s.grant_id AND d.digest = s.digest
         WHERE s.grant_id = $1 ORDER BY s.version`,
    [grantId],
  );
}

export interface RevocationRow {
  signedDocumentId: string;
  revokedAt: Date;
}

export async function revocationOf(tx: Tx, grantId: string): Promise<RevocationRow | null> {
  return await maybeOne<RevocationRow>(
    tx, 'SELECT signed_document_id AS "signedDocumentId", revoked_at AS "revokedAt" FROM consent_grant_revocation WHERE grant_id = $1', [grantId],
  );
}

import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';
import type { LicenceDocument, LicenceFacts } from './licence.ts';

export interface LicenceRow extends LicenceFacts {
  licenceId: string;
  cloneId: string;
  grantId: string;
  ownerAccountId: string;
  licenseeAccountId: string;
  canonical: string;
  digest: string;
  gateId: string | null;
  endKind: string | null;
}

type Read = Omit<LicenceRow, 'document' | 'signers'> & { signers: string[] | null };

const LICENCE = `
  SELECT l.id AS "licenceId", l.clone_id AS "cloneId", l.grant_id AS "grantId", l.owner_account_id AS "ownerAccountId",
    l.licensee_account_id AS "licenseeAccountId", l.canonical, l.digest, gate.id AS "gateId", ended.kind AS "endKind",
    (SELECT array_agg(s.account_id) FROM licence_signature AS s WHERE s.licence_id = l.id) AS signers,
    notice.ends_at AS "noticeEndsAt", ended.ended_at AS "endedAt", consent.state AS "grantState",
    coalesce((SELECT c.contained FROM licence_containment AS c WHERE c.licence_id = l.id ORDER BY c.id DESC LIMIT 1), true) AS contained
  FROM licence AS l
  JOIN consent_grant AS consent ON consent.id = l.grant_id
  LEFT JOIN licence_notice AS notice ON notice.licence_id = l.id
  LEFT JOIN licence_end AS ended ON ended.licence_id = l.id
  LEFT JOIN gate ON gate.licence_id = l.id AND gate.kind = 'licence'`;

function row(read: Read): LicenceRow {
  return { ...read, document: JSON.parse(read.canonical) as LicenceDocument, signers: read.signers ?? [] };
}

export async function findLicence(tx: Tx, licenceId: string): Promise<LicenceRow | null> {
  const read = await maybeOne<Read>(tx, `${LICENCE} WHERE l.id = $1`, [licenceId]);
  return read === null ? null : row(read);
}

/** Given by or to an account, the newest first. */
export async function licencesOf(tx: Tx, accountId: string): Promise<LicenceRow[]> {
  return (await sql<Read>(tx, `${LICENCE} WHERE l.owner_account_id = $1 OR l.licensee_account_id = $1 ORDER BY l.id DESC LIMIT 200`, [accountId])).map(row);
}

/** Those that both have signed and nobody has ended. */
export async function boundUnder(tx: Tx, grantId: string): Promise<LicenceRow[]> {
  const rows = await sql<Read>(tx, `${LICENCE} WHERE l.grant_id = $1 AND ended.licence_id IS NULL AND EXISTS (
    SELECT FROM licence_signature AS s WHERE s.licence_id = l.id AND s.account_id = l.licensee_account_id) ORDER BY l.id`, [grantId]);
  return rows.map(row);
}

/** The countersigned licences of one organisation for a clone, the newest first. */
export async function licencesFor(tx: Tx, cloneId: string, licenseeAccountId: string): Promise<LicenceRow[]> {
  const rows = await sql<Read>(tx, `${LICENCE} WHERE l.clone_id = $1 AND l.licensee_account_id = $2 AND EXISTS (
    SELECT FROM licence_signature AS s WHERE s.licence_id = l.id AND s.account_id = $2) ORDER BY l.id DESC`, [cloneId, licenseeAccountId]);
  return rows.map(row);
}

export async function insertLicence(tx: Tx, made: { document: LicenceDocument; canonical: string; digest: string; at: Date }): Promise<void> {
  const { document } = made;
  await sql(tx, `
    INSERT INTO licence (id, clone_id, grant_id, owner_account_id, licensee_account_id, exclusive, canonical, digest, drafted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  [document.licenceId, document.cloneId, document.grantId, document.owner.accountId, document.licensee.accountId, document.exclusive,
    made.canonical, made.digest, made.at]);
}

export async function insertLicenceSignature(
  tx: Tx, signed: { licenceId: string; accountId: string; signedDocumentId: string; at: Date },
): Promise<void> {
  await sql(tx, 'INSERT INTO licence_signature (licence_id, account_id, signed_document_id, signed_at) VALUES ($1, $2, $3, $4)',
    [signed.licenceId, signed.accountId, signed.signedDocumentId, signed.at]);
}

/** Open at epoch 1, made with the countersignature. */
export async function insertLicenceGate(tx: Tx, gate: { gateId: string; cloneId: string; licenceId: string; by: string; at: Date }): Promise<void> {
  await execute(tx, `
    INSERT INTO gate (id, kind, clone_id, licence_id, reason, changed_by, changed_at) VALUES ($1, 'licence', $2, $3, 'made', $4, $5)`,
  [gate.gateId, gate.cloneId, gate.licenceId, gate.by, gate.at]);
}

export async function insertNotice(tx: Tx, notice: { licenceId: string; by: string; at: Date; endsAt: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO licence_notice (licence_id, given_by, given_at, ends_at) VALUES ($1, $2, $3, $4)',
    [notice.licenceId, notice.by, notice.at, notice.endsAt]);
}

export async function insertLicenceEnd(
  tx: Tx, ended: { licenceId: string; kind: 'notice' | 'cause' | 'laid_down' | 'withdrawn'; reason: string; by: string; at: Date },
): Promise<void> {
  await sql(tx, 'INSERT INTO licence_end (licence_id, kind, reason, ended_by, ended_at) VALUES ($1, $2, $3, $4, $5)',
    [ended.licenceId, ended.kind, ended.reason, ended.by, ended.at]);
}

export async function insertContainment(tx: Tx, fact: { licenceId: string; grantDigest: string; contained: boolean; at: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO licence_containment (licence_id, grant_digest, contained, at) VALUES ($1, $2, $3, $4)',
    [fact.licenceId, fact.grantDigest, fact.contained, fact.at]);
}

export interface OfferRow {
  digest: string;
  canonical: string;
  supersedes: string;
  version: number;
  signers: string[];
  ownersDocumentId: string;
  withdrawnAt: Date | null;
}

/** Amendments of a grant that somebody has signed and that have not acted, the newest first. */
export async function offersOf(tx: Tx, grantId: string): Promise<OfferRow[]> {
  return await sql<OfferRow>(tx, `
    SELECT draft.digest, draft.canonical, draft.supersedes, draft.version, gone.withdrawn_at AS "withdrawnAt",
      (SELECT array_agg(o.account_id ORDER BY o.account_id) FROM amendment_offer AS o WHERE o.grant_id = draft.grant_id AND o.digest = draft.digest) AS signers,
      first.signed_document_id AS "ownersDocumentId"
    FROM consent_grant_draft AS draft
    JOIN consent_grant AS consent ON consent.id = draft.grant_id
    JOIN amendment_offer AS first ON first.grant_id = draft.grant_id AND first.digest = draft.digest AND first.account_id = consent.owner_account_id
    LEFT JOIN amendment_withdrawal AS gone ON gone.grant_id = draft.grant_id AND gone.digest = draft.digest
    WHERE draft.grant_id = $1 AND NOT EXISTS (
      SELECT FROM consent_grant_signature AS acted WHERE acted.grant_id = draft.grant_id AND acted.digest = draft.digest)
    ORDER BY first.signed_at DESC, draft.digest`, [grantId]);
}

export async function insertOffer(
  tx: Tx, offer: { grantId: string; digest: string; accountId: string; signedDocumentId: string; at: Date },
): Promise<void> {
  await sql(tx, 'INSERT INTO amendment_offer (grant_id, digest, account_id, signed_document_id, signed_at) VALUES ($1, $2, $3, $4, $5)',
    [offer.grantId, offer.digest, offer.accountId, offer.signedDocumentId, offer.at]);
}

export async function insertAmendmentWithdrawal(tx: Tx, gone: { grantId: string; digest: string; by: string; at: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO amendment_withdrawal (grant_id, digest, withdrawn_by, withdrawn_at) VALUES ($1, $2, $3, $4)',
    [gone.grantId, gone.digest, gone.by, gone.at]);
}

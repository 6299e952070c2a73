import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';
import type { CaseReview, CaseState, SuccessionDocument } from './succession.ts';

export interface SuccessionRow {
  successionId: string;
  ownerAccountId: string;
  canonical: string;
  digest: string;
  document: SuccessionDocument;
  /** When the owner signed it; null for a draft. */
  signedAt: Date | null;
  /** Heirs who signed it too. */
  accepted: string[];
}

type Read = Omit<SuccessionRow, 'document' | 'accepted'> & { accepted: string[] | null };

const SUCCESSION = `
  SELECT s.id AS "successionId", s.owner_account_id AS "ownerAccountId", s.canonical, s.digest, named.signed_at AS "signedAt",
    (SELECT array_agg(one.account_id ORDER BY one.account_id) FROM succession_signature AS one
      WHERE one.succession_id = s.id AND one.account_id <> s.owner_account_id) AS accepted
  FROM succession AS s
  LEFT JOIN succession_signature AS named ON named.succession_id = s.id AND named.account_id = s.owner_account_id`;

function row(read: Read): SuccessionRow {
  return { ...read, document: JSON.parse(read.canonical) as SuccessionDocument, accepted: read.accepted ?? [] };
}

export async function findSuccession(tx: Tx, successionId: string): Promise<SuccessionRow | null> {
  const read = await maybeOne<Read>(tx, `${SUCCESSION} WHERE s.id = $1`, [successionId]);
  return read === null ? null : row(read);
}

/** The one in force: signed, and named by no later one that is. Not the latest by the clock, which two may share. */
export async function successionOf(tx: Tx, ownerAccountId: string): Promise<SuccessionRow | null> {
  const read = await maybeOne<Read>(
    tx, `${SUCCESSION} WHERE s.owner_account_id = $1 AND named.signed_at IS NOT NULL AND NOT EXISTS (
       SELECT FROM succession AS later JOIN succession_signature AS sign ON sign.succession_id = later.id AND sign.account_id = later.owner_account_id
         WHERE later.owner_account_id = s.owner_account_id AND later.canonical::jsonb ->> 'supersedes' = s.id)`, [ownerAccountId]);
  return read === null ? null : row(read);
}

/** Of an owner, and those that name an heir once they are signed. */
export async function successionsAbout(tx: Tx, accountId: string): Promise<SuccessionRow[]> {
  const rows = await sql<Read>(tx, `
    ${SUCCESSION} WHERE s.owner_account_id = $1
      OR (named.signed_at IS NOT NULL AND s.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', $1::text)))
    ORDER BY s.id DESC LIMIT 100`, [accountId]);
  return rows.map(row);
}

/** Everything about one person's succession takes turns. */
export async function lockSuccession(tx: Tx, ownerAccountId: string): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 6242))', [ownerAccountId]);
}

export async function insertSuccession(tx: Tx, made: { document: SuccessionDocument; canonical: string; digest: string; at: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO succession (id, owner_account_id, canonical, digest, drafted_at) VALUES ($1, $2, $3, $4, $5)',
    [made.document.successionId, made.document.owner.accountId, made.canonical, made.digest, made.at]);
}

export async function insertSuccessionSignature(
  tx: Tx, signed: { successionId: string; accountId: string; signedDocumentId: string; at: Date },
): Promise<void> {
  await sql(tx, 'INSERT INTO succession_signature (succession_id, account_id, signed_document_id, signed_at) VALUES ($1, $2, $3, $4)',
    [signed.successionId, signed.accountId, signed.signedDocumentId, signed.at]);
}

export async function successionSignatures(tx: Tx, successionId: string): Promise<{ signer: string; signedDocumentId: string }[]> {
  return await sql(tx, `
    SELECT account_id AS signer, signed_document_id AS "signedDocumentId" FROM succession_signature WHERE succession_id = $1 ORDER BY account_id`, [successionId]);
}

export interface CaseRow {
  caseId: string;
  ownerAccountId: string;
  successionId: string;
  reportedBy: string;
  signedDocumentId: string;
  state: CaseState;
  round: number;
  waitingUntil: Date | null;
  reportedAt: Date;
}

const CASE = `
  SELECT id AS "caseId", owner_account_id AS "ownerAccountId", succession_id AS "successionId", reported_by AS "reportedBy",
    signed_document_id AS "signedDocumentId", state, round, waiting_until AS "waitingUntil", reported_at AS "reportedAt" FROM death_case`;

export async function findCase(tx: Tx, caseId: string): Promise<CaseRow | null> {
  return await maybeOne<CaseRow>(tx, `${CASE} WHERE id = $1`, [caseId]);
}

/** The report that counts for a person: at most one is neither dismissed nor undone. */
export async function openCaseOf(tx: Tx, ownerAccountId: string): Promise<CaseRow | null> {
  return await maybeOne<CaseRow>(tx, `${CASE} WHERE owner_account_id = $1 AND state NOT IN ('dismissed', 'undone')`, [ownerAccountId]);
}

/** What a reviewer can look at now, the oldest first. */
export async function casesToReview(tx: Tx, reviewer: string, limit: number): Promise<CaseRow[]> {
  return await sql<CaseRow>(tx, `
    ${CASE} WHERE state IN ('reported', 'frozen', 'disputed') AND $1 NOT IN (owner_account_id, reported_by)
      AND NOT EXISTS (SELECT FROM death_review AS r WHERE r.case_id = death_case.id AND r.round = death_case.round AND r.reviewer = $1)
      AND NOT EXISTS (SELECT FROM succession AS s WHERE s.id = death_case.succession_id
        AND s.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', $1::text)))
    ORDER BY id LIMIT $2`, [reviewer, limit]);
}

export async function insertCase(tx: Tx, made: Omit<CaseRow, 'state' | 'round' | 'waitingUntil'>): Promise<void> {
  await sql(tx, `
    INSERT INTO death_case (id, owner_account_id, succession_id, reported_by, signed_document_id, reported_at, changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6)`,
  [made.caseId, made.ownerAccountId, made.successionId, made.reportedBy, made.signedDocumentId, made.reportedAt]);
}

export async function moveCase(
  tx: Tx, caseId: string, to: { state: CaseState; round: number; waitingUntil: Date | null; at: Date },
): Promise<void> {
  const changed = await execute(tx, 'UPDATE death_case SET state = $2, round = $3, waiting_until = $4, changed_at = $5 WHERE id = $1',
    [caseId, to.state, to.round, to.waitingUntil, to.at]);
  if (changed !== 1) throw new Error(`Death report ${caseId} is not there.`);
}

export async function reviewsOf(tx: Tx, caseId: string, round: number): Promise<CaseReview[]> {
  return await sql<CaseReview>(tx, 'SELECT reviewer, verdict FROM death_review WHERE case_id = $1 AND round = $2 ORDER BY recorded_at', [caseId, round]);
}

export async function insertCaseReview(
  tx: Tx, review: CaseReview & { caseId: string; round: number; reasonCode: string | null; text: string; at: Date },
): Promise<void> {
  await sql(tx, 'INSERT INTO death_review (case_id, round, reviewer, verdict, reason_code, text, at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
    [review.caseId, review.round, review.reviewer, review.verdict, review.reasonCode, review.text, review.at]);
}

export async function insertDissent(tx: Tx, dissent: { caseId: string; heir: string; text: string; at: Date }): Promise<boolean> {
  return await execute(tx, 'INSERT INTO death_dissent (case_id, heir, text, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [dissent.caseId, dissent.heir, dissent.text, dissent.at]) === 1;
}

export async function insertLife(tx: Tx, life: { caseId: string; signedDocumentId: string; at: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO death_end (case_id, life_document_id, at) VALUES ($1, $2, $3)', [life.caseId, life.signedDocumentId, life.at]);
}

export interface EstateRow {
  ownerAccountId: string;
  holderAccountId: string;
  caseId: string;
  sunset: Date;
  since: Date;
}

export async function estateOf(tx: Tx, ownerAccountId: string): Promise<EstateRow | null> {
  return await maybeOne<EstateRow>(tx, `
    SELECT owner_account_id AS "ownerAccountId", holder_account_id AS "holderAccountId", case_id AS "caseId", sunset, since
    FROM estate WHERE owner_account_id = $1`, [ownerAccountId]);
}

export async function insertEstate(tx: Tx, estate: EstateRow): Promise<void> {
  await sql(tx, 'INSERT INTO estate (owner_account_id, holder_account_id, case_id, sunset, since) VALUES ($1, $2, $3, $4, $5)',
    [estate.ownerAccountId, estate.holderAccountId, estate.caseId, estate.sunset, estate.since]);
}

export interface PaperRow {
  paperId: string;
  sha256: string;
  sealed: Buffer;
  nonce: Buffer;
  tag: Buffer;
  /** Null once it was destroyed. */
  key: Buffer | null;
}

const PAPER = `
  SELECT p.id AS "paperId", p.sha256, p.sealed, p.nonce, p.tag, k.key FROM death_paper AS p LEFT JOIN death_paper_key AS k ON k.paper_id = p.id`;

export async function insertPaper(
  tx: Tx, paper: Omit<PaperRow, 'key'> & { key: Buffer; successionId: string; uploadedBy: string; at: Date },
): Promise<void> {
  await sql(tx, `
    INSERT INTO death_paper (id, succession_id, uploaded_by, sha256, sealed, nonce, tag, uploaded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
  [paper.paperId, paper.successionId, paper.uploadedBy, paper.sha256, paper.sealed, paper.nonce, paper.tag, paper.at]);
  await sql(tx, 'INSERT INTO death_paper_key (paper_id, key) VALUES ($1, $2)', [paper.paperId, paper.key]);
}

/** Those that an heir uploaded for a succession and that can still be read. */
export async function papersOf(tx: Tx, successionId: string, uploadedBy: string): Promise<PaperRow[]> {
  return await sql<PaperRow>(tx, `${PAPER} WHERE p.succession_id = $1 AND p.uploaded_by = $2 AND k.key IS NOT NULL ORDER BY p.id`, [successionId, uploadedBy]);
}

export async function insertPaperView(tx: Tx, view: { paperId: string; viewer: string; at: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO death_paper_view (paper_id, viewer, at) VALUES ($1, $2, $3)', [view.paperId, view.viewer, view.at]);
}

/** Takes the keys away, for good, and writes down that they are gone. */
export async function destroyPapers(tx: Tx, successionId: string, at: Date): Promise<void> {
  await sql(tx, `
    WITH gone AS (
      DELETE FROM death_paper_key AS k USING death_paper AS p WHERE p.id = k.paper_id AND p.succession_id = $1 RETURNING k.paper_id)
    INSERT INTO death_paper_destruction (paper_id, at) SELECT paper_id, $2 FROM gone`, [successionId, at]);
}

/** The day of death as it was reported, once people have looked at the report; null while nobody counts as dead. */
export async function deceasedSince(tx: Tx, ownerAccountId: string): Promise<Date | null> {
  const row = await maybeOne<{ at: Date }>(tx, `
    SELECT (signed.canonical::jsonb ->> 'diedOn')::date::timestamp AT TIME ZONE 'UTC' AS at
    FROM death_case JOIN signed_document AS signed ON signed.id = death_case.signed_document_id
    WHERE death_case.owner_account_id = $1 AND death_case.state IN ('frozen', 'waiting', 'disputed', 'settled')`, [ownerAccountId]);
  return row?.at ?? null;
}

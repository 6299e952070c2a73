import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';
import type { NoticeDocument, NoticeState, ReviewFacts, TargetKind } from './model.ts';

export interface NoticeRow {
  id: string;
  complainantId: string | null;
  tokenSha256: string | null;
  document: NoticeDocument;
  digest: string;
  signedDocumentId: string | null;
  targetKind: TargetKind;
  state: NoticeState;
  actsOn: 'clone' | 'output' | null;
  cloneId: string | null;
  outputId: string | null;
  claimedBy: string | null;
  reasonCode: string | null;
  dueAt: Date | null;
  overdueAt: Date | null;
  filedAt: Date;
  verifiedAt: Date | null;
  endedAt: Date | null;
}

const NOTICE = `
  SELECT n.id, n.complainant_id AS "complainantId", n.token_sha256 AS "tokenSha256", n.document, n.digest, n.signed_document_id AS "signedDocumentId",
    n.target_kind AS "targetKind", n.state, n.acts_on AS "actsOn", n.clone_id AS "cloneId", n.output_id AS "outputId", n.claimed_by AS "claimedBy",
    n.reason_code AS "reasonCode", n.due_at AS "dueAt", n.overdue_at AS "overdueAt", n.filed_at AS "filedAt", n.verified_at AS "verifiedAt",
    n.ended_at AS "endedAt"
  FROM notice AS n`;

/** What limits and duplicates are counted by. */
export interface NoticeKeys { network: string | null; contact: string; target: string; same: string }

/** Notices that share a key take turns, in one order, so that limits are counted exactly. */
export async function lockKeys(tx: Tx, keys: NoticeKeys): Promise<void> {
  const all = [keys.network, keys.contact, keys.target].filter((key) => key !== null).sort();
  for (const key of all) await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 6241))', [key]);
}

export async function insertNotice(
  tx: Tx, row: Pick<NoticeRow, 'id' | 'complainantId' | 'tokenSha256' | 'document' | 'digest' | 'signedDocumentId' | 'targetKind' | 'cloneId' | 'outputId' | 'dueAt' | 'filedAt'>,
  keys: NoticeKeys,
): Promise<void> {
  await sql(tx, `
    INSERT INTO notice (id, complainant_id, token_sha256, document, digest, signed_document_id, target_kind, clone_id, output_id, due_at, filed_at,
      network_key, contact_key, target_key, same_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
  [row.id, row.complainantId, row.tokenSha256, JSON.stringify(row.document), row.digest, row.signedDocumentId, row.targetKind, row.cloneId, row.outputId,
    row.dueAt, row.filedAt, keys.network, keys.contact, keys.target, keys.same]);
}

export async function findNotice(tx: Tx, noticeId: string): Promise<NoticeRow | null> {
  return await maybeOne<NoticeRow>(tx, `${NOTICE} WHERE n.id = $1`, [noticeId]);
}

export async function lockNotice(tx: Tx, noticeId: string): Promise<NoticeRow | null> {
  await sql(tx, 'SELECT id FROM notice WHERE id = $1 FOR NO KEY UPDATE', [noticeId]);
  return await findNotice(tx, noticeId);
}

export async function openDuplicate(tx: Tx, sameKey: string): Promise<NoticeRow | null> {
  return await maybeOne<NoticeRow>(tx, `${NOTICE} WHERE n.same_key = $1 AND n.ended_at IS NULL`, [sameKey]);
}

/** When the count-th last notice with this key was filed; null when there are fewer since `since`. */
export async function nthLast(
  tx: Tx, by: 'network' | 'contact', key: string, of: { count: number; since: Date; complainantId?: string | null },
): Promise<Date | null> {
  const found = await maybeOne<{ at: Date }>(tx, `
    SELECT filed_at AS at FROM notice WHERE (${by}_key = $1 OR complainant_id = $4) AND filed_at > $2 ORDER BY filed_at DESC OFFSET $3 LIMIT 1`,
  [key, of.since, of.count - 1, of.complainantId ?? null]);
  return found?.at ?? null;
}

export async function wasAbusive(tx: Tx, contactKey: string, complainantId: string | null, since: Date): Promise<boolean> {
  return (await sql(tx, `
    SELECT 1 FROM notice WHERE (contact_key = $1 OR complainant_id = $2) AND reason_code = 'abusive' AND ended_at > $3 LIMIT 1`,
  [contactKey, complainantId, since])).length > 0;
}

/** The open notices on a target, oldest first, as far as the limit. */
export async function openOnTarget(tx: Tx, targetKey: string, limit: number): Promise<Date[]> {
  return (await sql<{ at: Date }>(tx, 'SELECT filed_at AS at FROM notice WHERE target_key = $1 AND ended_at IS NULL ORDER BY filed_at LIMIT $2',
    [targetKey, limit])).map(({ at }) => at);
}

type Change = Partial<Pick<NoticeRow, 'state' | 'actsOn' | 'cloneId' | 'outputId' | 'claimedBy' | 'reasonCode' | 'dueAt' | 'overdueAt' | 'verifiedAt' | 'endedAt'>>;

const COLUMNS: Readonly<Record<keyof Change, string>> = {
  state: 'state', actsOn: 'acts_on', cloneId: 'clone_id', outputId: 'output_id', claimedBy: 'claimed_by', reasonCode: 'reason_code', dueAt: 'due_at',
  overdueAt: 'overdue_at', verifiedAt: 'verified_at', endedAt: 'ended_at',
};

export async function updateNotice(tx: Tx, noticeId: string, change: Change): Promise<void> {
  const entries = Object.entries(change) as [keyof Change, unknown][];
  const set = entries.map(([name], index) => `${COLUMNS[name]} = $${index + 2}`).join(', ');
  await execute(tx, `UPDATE notice SET ${set} WHERE id = $1`, [noticeId, ...entries.map(([, value]) => value)]);
}

export async function noticesOfComplainant(tx: Tx, accountId: string, limit: number): Promise<NoticeRow[]> {
  return await sql<NoticeRow>(tx, `${NOTICE} WHERE n.complainant_id = $1 ORDER BY n.filed_at DESC, n.id DESC LIMIT $2`, [accountId, limit]);
}

/** Verified ones only: before that nobody is told of an accusation that nobody has looked at. */
export async function noticesOfOwner(tx: Tx, accountId: string, limit: number): Promise<NoticeRow[]> {
  return await sql<NoticeRow>(tx, `${NOTICE} JOIN clone AS c ON c.id = n.clone_id
    WHERE c.owner_account_id = $1 AND n.verified_at IS NOT NULL ORDER BY n.filed_at DESC, n.id DESC LIMIT $2`, [accountId, limit]);
}

/** What waits for a person: overdue first, then by deadline. */
export async function waitingNotices(tx: Tx, limit: number): Promise<NoticeRow[]> {
  return await sql<NoticeRow>(tx, `${NOTICE} WHERE n.state IN ('filed', 'claimed', 'case_pending', 'unanswered')
    ORDER BY n.overdue_at NULLS LAST, n.due_at NULLS FIRST, n.id LIMIT $1`, [limit]);
}

export interface ReviewRow extends ReviewFacts { text: string; at: Date }

export async function reviewsOf(tx: Tx, noticeId: string, stage: 'triage' | 'conclusion'): Promise<ReviewRow[]> {
  return await sql<ReviewRow>(tx, `
    SELECT reviewer_id AS "reviewerId", verdict, reason_code AS "reasonCode", text, acts_on AS "actsOn", target_id AS "targetId", at
    FROM notice_review WHERE notice_id = $1 AND stage = $2 ORDER BY at, recorded_at`, [noticeId, stage]);
}

export async function insertReview(tx: Tx, noticeId: string, stage: 'triage' | 'conclusion', row: ReviewRow): Promise<void> {
  await sql(tx, `
    INSERT INTO notice_review (notice_id, stage, reviewer_id, verdict, reason_code, text, acts_on, target_id, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  [noticeId, stage, row.reviewerId, row.verdict, row.reasonCode, row.text, row.actsOn, row.targetId, row.at]);
}

export interface CounterRow { accountId: string; signedDocumentId: string; statement: string; at: Date }

export async function counterOf(tx: Tx, noticeId: string): Promise<CounterRow | null> {
  return await maybeOne<CounterRow>(tx, `
    SELECT account_id AS "accountId", signed_document_id AS "signedDocumentId", statement, at FROM counter_notice WHERE notice_id = $1`, [noticeId]);
}

export async function insertCounter(tx: Tx, noticeId: string, row: CounterRow): Promise<void> {
  await sql(tx, 'INSERT INTO counter_notice (notice_id, account_id, signed_document_id, statement, at) VALUES ($1, $2, $3, $4, $5)',
    [noticeId, row.accountId, row.signedDocumentId, row.statement, row.at]);
}

export interface CaseRow { court: string; caseNumber: string; text: string; at: Date }

export async function caseOf(tx: Tx, noticeId: string): Promise<CaseRow | null> {
  return await maybeOne<CaseRow>(tx, `SELECT court, case_number AS "caseNumber", text, at FROM notice_pending_case WHERE notice_id = $1`, [noticeId]);
}

export async function insertCase(tx: Tx, noticeId: string, row: CaseRow): Promise<void> {
  await sql(tx, 'INSERT INTO notice_pending_case (notice_id, court, case_number, text, at) VALUES ($1, $2, $3, $4, $5)',
    [noticeId, row.court, row.caseNumber, row.text, row.at]);
}

export interface OutcomeRow { leafId: string; outcome: 'verified' | 'restored' | 'upheld'; document: JsonObject; at: Date }

export async function insertOutcome(tx: Tx, noticeId: string, row: OutcomeRow): Promise<void> {
  await sql(tx, 'INSERT INTO notice_outcome (leaf_id, notice_id, outcome, document, at) VALUES ($1, $2, $3, $4, $5)',
    [row.leafId, noticeId, row.outcome, JSON.stringify(row.document), row.at]);
}

export async function outcomesOf(tx: Tx, noticeId: string): Promise<OutcomeRow[]> {
  return await sql<OutcomeRow>(tx, `SELECT leaf_id AS "leafId", outcome, document, at FROM notice_outcome WHERE notice_id = $1 ORDER BY at, recorded_at`, [noticeId]);
}

export interface CountRow { targetKind: TargetKind; state: NoticeState; reasonCode: string | null; count: bigint }

export async function counts(tx: Tx): Promise<CountRow[]> {
  return await sql<CountRow>(tx, `
    SELECT target_kind AS "targetKind", state, reason_code AS "reasonCode", count(*) AS count FROM notice
    GROUP BY target_kind, state, reason_code ORDER BY target_kind, state, reason_code NULLS FIRST`);
}

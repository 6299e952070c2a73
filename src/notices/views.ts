import type { components } from '../../contracts/generated/api.ts';
import type { Tx } from '../kernel/tx.ts';
import type { NoticeRow } from './store.ts';
import * as store from './store.ts';

type Schemas = components['schemas'];
export type NoticeJson = Schemas['Notice'];

/** Who looks: whoever complained, the owner of what it is about, a reviewer. */
export type Viewer = 'complainant' | 'owner' | 'reviewer';

const text = (instant: Date | null): string | null => instant?.toISOString() ?? null;

/** Both sides see every deadline; how the complainant is reached is for reviewers and for themself. */
export async function noticeJson(tx: Tx, row: NoticeRow, viewer: Viewer): Promise<NoticeJson> {
  const counter = await store.counterOf(tx, row.id);
  const pending = await store.caseOf(tx, row.id);
  const reviews = [...await store.reviewsOf(tx, row.id, 'triage'), ...await store.reviewsOf(tx, row.id, 'conclusion')];
  const { document } = row;
  return {
    noticeId: row.id, as: viewer, state: row.state,
    notice: { ...document, contact: viewer === 'owner' ? null : document.contact, accountId: viewer === 'reviewer' ? document.accountId : null },
    digest: row.digest, actsOn: row.actsOn, cloneId: row.verifiedAt === null && viewer !== 'reviewer' ? null : row.cloneId,
    outputId: row.verifiedAt === null && viewer !== 'reviewer' ? null : row.outputId, reasonCode: row.reasonCode,
    claimed: row.claimedBy !== null, filedAt: row.filedAt.toISOString(), dueAt: text(row.dueAt), overdueAt: text(row.overdueAt),
    verifiedAt: text(row.verifiedAt), endedAt: text(row.endedAt),
    counterNotice: counter === null ? null : { statement: counter.statement, signedDocumentId: counter.signedDocumentId, at: counter.at.toISOString() },
    pendingCase: pending === null ? null : { court: pending.court, caseNumber: pending.caseNumber, text: pending.text, at: pending.at.toISOString() },
    reviews: reviews.map((review) => ({
      verdict: review.verdict, reasonCode: review.reasonCode, text: viewer === 'reviewer' ? review.text : null, at: review.at.toISOString(),
    })),
    outcomes: (await store.outcomesOf(tx, row.id)).map(({ leafId, outcome, document: said }) => ({ leafId, outcome, document: said })),
  };
}

import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { actingOf, holdTarget, lockedNotice, move, partiesOf, presentToReviewer, recordOutcome } from './acting.ts';
import type { NoticesDeps } from './deps.ts';
import { resolveTarget } from './filing.ts';
import { checkReview, type NoticeReason, weighTriage } from './model.ts';
import type { NoticeRow, ReviewRow } from './store.ts';
import * as store from './store.ts';
import { type NoticeJson, noticeJson } from './views.ts';

export type TriageInput =
  | { verdict: 'dismiss'; reasonCode: NoticeReason; text: string }
  | { verdict: 'verify'; reasonCode: NoticeReason; text: string; actsOn: 'clone' | 'output'; targetId: string };

export interface DecidingVerbs {
  listNoticeQueue(reviewer: Actor, limit: number): Promise<{ notices: NoticeJson[] }>;
  claimNotice(reviewer: Actor, key: IdempotencyKey, noticeId: string): Promise<NoticeJson>;
  reviewNotice(reviewer: Actor, key: IdempotencyKey, noticeId: string, input: TriageInput): Promise<NoticeJson>;
}

export function makeDeciding(deps: NoticesDeps): DecidingVerbs {
  const { runTx, clock } = deps;

  /** What a reviewer says that the notice is about. A notice that names it itself is about that, or about its clone. */
  async function targetOf(tx: Tx, row: NoticeRow, input: TriageInput): Promise<{ cloneId: string | null; outputId: string | null }> {
    if (input.verdict === 'dismiss') return { cloneId: row.cloneId, outputId: row.outputId };
    const found = await resolveTarget(deps, tx, { kind: input.actsOn, value: input.targetId });
    const other = row.cloneId !== null && (found.cloneId !== row.cloneId || (input.actsOn === 'output' && row.outputId !== null && found.outputId !== row.outputId));
    if (other) throw new Refusal('notice_target_unknown', 'The notice is about something else.');
    return found;
  }

  async function triage(tx: Tx, reviewer: Actor, noticeId: string, input: TriageInput): Promise<void> {
    const row = await lockedNotice(tx, noticeId);
    const at = clock.now();
    const target = await targetOf(tx, row, input);
    const earlier = await store.reviewsOf(tx, noticeId, 'triage');
    const review: ReviewRow = {
      reviewerId: reviewer.accountId, verdict: input.verdict, reasonCode: input.reasonCode, text: input.text, at,
      actsOn: input.verdict === 'verify' ? input.actsOn : null, targetId: input.verdict === 'verify' ? input.targetId : null,
    };
    checkReview(await partiesOf(tx, deps, row, target.cloneId), earlier, review);
    if (row.state !== 'claimed') throw new Refusal('notice_state', `A notice that is ${row.state} is not decided on; claim it first.`);
    if (earlier.length === 0 && row.claimedBy !== reviewer.accountId) throw new Refusal('notice_state', 'Another reviewer has claimed this; they speak first.');
    const outcome = weighTriage(earlier, review);
    await store.insertReview(tx, noticeId, 'triage', review);
    if (outcome === 'dismiss') await move(tx, deps, row, 'dismiss', at, { reasonCode: input.reasonCode });
    if (outcome !== 'verify') return;
    await move(tx, deps, row, 'verify', at, { ...target, actsOn: review.actsOn, reasonCode: input.reasonCode, verifiedAt: at, overdueAt: null });
    const acting = actingOf({ ...row, ...target, actsOn: review.actsOn });
    await holdTarget(tx, deps, acting, reviewer.accountId, at);
    await recordOutcome(tx, deps, row, acting, 'verified', { reasonCode: input.reasonCode, at });
  }

  return {
    listNoticeQueue: (_reviewer, limit) => runTx(async (tx) => {
      const notices: NoticeJson[] = [];
      for (const row of await store.waitingNotices(tx, limit)) notices.push(await noticeJson(tx, row, 'reviewer'));
      return { notices };
    }),
    claimNotice: (reviewer, key, noticeId) => runTx((tx) => once(tx, key, async () => {
      const row = await lockedNotice(tx, noticeId);
      checkReview(await partiesOf(tx, deps, row, row.cloneId), [], { reviewerId: reviewer.accountId, verdict: 'dismiss', reasonCode: 'incomplete', actsOn: null, targetId: null });
      await move(tx, deps, row, 'claim', clock.now(), { claimedBy: reviewer.accountId });
      return await presentToReviewer(tx, noticeId);
    })),
    reviewNotice: (reviewer, key, noticeId, input) => runTx((tx) => once(tx, key, async () => {
      await triage(tx, reviewer, noticeId, input);
      return await presentToReviewer(tx, noticeId);
    })),
  };
}

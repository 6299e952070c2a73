import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { actingOf, endTarget, liftTarget, lockedNotice, move, partiesOf, presentToReviewer, recordOutcome } from './acting.ts';
import type { NoticesDeps } from './deps.ts';
import { checkReview, type NoticeReason, WINDOW_PASSED, weighConclusion } from './model.ts';
import type { NoticeRow, ReviewRow } from './store.ts';
import * as store from './store.ts';
import type { NoticeJson } from './views.ts';

export interface ConcludingVerbs {
  concludeNotice(
    reviewer: Actor, key: IdempotencyKey, noticeId: string, input: { verdict: 'uphold' | 'restore'; reasonCode: NoticeReason; text: string },
  ): Promise<NoticeJson>;
  /** Job: does what a deadline brings, if it has come. Safe to run twice. */
  keepDeadline(noticeId: string): Promise<void>;
}

export function makeConcluding(deps: NoticesDeps): ConcludingVerbs {
  const { runTx, clock } = deps;

  async function restore(tx: Tx, row: NoticeRow, by: string, reasonCode: string, at: Date): Promise<void> {
    await move(tx, deps, row, 'restore', at, { reasonCode });
    const acting = actingOf(row);
    await liftTarget(tx, deps, acting, by, at);
    await recordOutcome(tx, deps, row, acting, 'restored', { reasonCode, at });
  }

  async function uphold(tx: Tx, row: NoticeRow, by: string, reasonCode: string, at: Date): Promise<void> {
    await move(tx, deps, row, 'uphold', at, { reasonCode });
    const acting = actingOf(row);
    await endTarget(tx, deps, acting, by);
    await recordOutcome(tx, deps, row, acting, 'upheld', { reasonCode, at });
  }

  return {
    concludeNotice: (reviewer, key, noticeId, input) => runTx((tx) => once(tx, key, async () => {
      const row = await lockedNotice(tx, noticeId);
      const at = clock.now();
      const earlier = await store.reviewsOf(tx, noticeId, 'conclusion');
      const review: ReviewRow = { ...input, reviewerId: reviewer.accountId, actsOn: null, targetId: null, at };
      checkReview(await partiesOf(tx, deps, row, row.cloneId), earlier, review);
      if (row.state !== 'case_pending' && row.state !== 'unanswered') throw new Refusal('notice_state', `A notice that is ${row.state} is not concluded now.`);
      const outcome = weighConclusion(earlier, review);
      await store.insertReview(tx, noticeId, 'conclusion', review);
      if (outcome === 'uphold') await uphold(tx, row, reviewer.accountId, input.reasonCode, at);
      if (outcome === 'restore') await restore(tx, row, reviewer.accountId, input.reasonCode, at);
      return await presentToReviewer(tx, noticeId);
    })),
    keepDeadline: (noticeId) => runTx(async (tx) => {
      const row = await lockedNotice(tx, noticeId);
      const at = clock.now();
      if (row.dueAt === null || at < row.dueAt) return;
      // What nobody took up is shown first from now on; what was claimed and not decided is anybody's again.
      if (row.state === 'filed') await store.updateNotice(tx, noticeId, { overdueAt: row.overdueAt ?? row.dueAt, dueAt: null });
      if (row.state === 'claimed') await move(tx, deps, row, 'unclaim', at, { claimedBy: null, overdueAt: row.overdueAt ?? row.dueAt });
      if (row.state === 'held') await move(tx, deps, row, 'expire', at);
      if (row.state === 'countered') await restore(tx, row, 'deadline', WINDOW_PASSED, at);
    }),
  };
}

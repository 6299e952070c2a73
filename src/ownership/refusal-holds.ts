import type { components } from '../../contracts/generated/api.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Clock } from '../kernel/time.ts';
import type { IdempotencyKey, RunTx, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { type EnrolmentFinding, type HoldReason, type HoldVerdict, weighHoldReview } from './refusal-model.ts';
import type { HoldReviewRow, HoldRow } from './refusal-store.ts';
import * as store from './refusal-store.ts';

type Schemas = components['schemas'];
export type EnrolmentHoldJson = Schemas['EnrolmentHold'];

/** What two reviewers said is of a person who refuses: a clone, or what stands on a proof. */
export type Upheld = { holdId: string; by: string; at: Date } & ({ cloneId: string; proofId: null } | { cloneId: null; proofId: string });

interface HoldDeps {
  runTx: RunTx;
  clock: Clock;
  onEnrolmentUpheld?: (tx: Tx, upheld: Upheld) => Promise<void>;
}

/** Enrolments that wait for people because they come near to a refusal. */
export interface HoldVerbs {
  /** The caller's own enrolments that are held. */
  listEnrolmentHolds(actor: Actor, limit: number): Promise<{ holds: EnrolmentHoldJson[] }>;
  contestEnrolmentHold(actor: Actor, key: IdempotencyKey, holdId: string, input: { text: string }): Promise<EnrolmentHoldJson>;
  /** What came near to the caller's own refusal. */
  listRefusalMatches(actor: Actor, refusalId: string, limit: number): Promise<{ holds: EnrolmentHoldJson[] }>;
  listHeldEnrolments(reviewer: Actor, limit: number): Promise<{ holds: EnrolmentHoldJson[] }>;
  reviewEnrolmentHold(
    reviewer: Actor, key: IdempotencyKey, holdId: string, input: { verdict: HoldVerdict; reasonCode: HoldReason; text: string },
  ): Promise<EnrolmentHoldJson>;
}

function subjectOf({ id, cloneId, proofId }: HoldRow): { cloneId: string; proofId: null } | { cloneId: null; proofId: string } {
  if (cloneId !== null) return { cloneId, proofId: null };
  if (proofId !== null) return { cloneId: null, proofId };
  throw new Error(`The hold ${id} is on nothing.`);
}

type Viewer = 'enroller' | 'registrant' | 'reviewer';

/** Whoever enrols is not told who refuses; whoever refuses is not told where an unpublished clone is. */
function findingJson(finding: EnrolmentFinding, viewer: Viewer): Schemas['EnrolmentFinding'] {
  if (finding.what === 'voice') return { what: 'voice', because: 'distance', enrolled: null, refused: null, proven: null, distance: finding.distance };
  const { what, because, enrolled, refused, proven } = finding;
  return { what, because, enrolled, refused: viewer === 'enroller' ? null : refused, proven: viewer === 'enroller' ? null : proven, distance: null };
}

function holdJson(row: HoldRow, viewer: Viewer, reviews: readonly HoldReviewRow[]): EnrolmentHoldJson {
  const located = viewer !== 'registrant';
  return {
    holdId: row.id, kind: row.kind, effect: row.effect, state: row.state, proofId: located ? row.proofId : null, cloneId: located ? row.cloneId : null,
    refusalId: viewer === 'enroller' ? null : row.refusalId, findings: row.findings.map((finding) => findingJson(finding, viewer)),
    contest: row.contest, openedAt: row.openedAt.toISOString(), contestedAt: row.contestedAt?.toISOString() ?? null,
    decidedAt: row.decidedAt?.toISOString() ?? null,
    reviews: reviews.map(({ verdict, reasonCode, text, at }) => ({ verdict, reasonCode, text: viewer === 'reviewer' ? text : null, at: at.toISOString() })),
  };
}

async function present(tx: Tx, rows: readonly HoldRow[], viewer: Viewer): Promise<EnrolmentHoldJson[]> {
  const holds: EnrolmentHoldJson[] = [];
  for (const row of rows) holds.push(holdJson(row, viewer, await store.holdReviews(tx, row.id)));
  return holds;
}

async function presentOne(tx: Tx, holdId: string, viewer: Viewer): Promise<EnrolmentHoldJson> {
  const row = await store.findHold(tx, holdId);
  if (row === null) throw notFound();
  return holdJson(row, viewer, await store.holdReviews(tx, holdId));
}

export function makeHoldVerbs(deps: HoldDeps): HoldVerbs {
  const { runTx, clock } = deps;
  return {
    listEnrolmentHolds: (actor, limit) => runTx(async (tx) => ({
      holds: await present(tx, await store.holdsOfEnroller(tx, actor.accountId, limit), 'enroller'),
    })),
    contestEnrolmentHold: (actor, key, holdId, { text }) => runTx((tx) => once(tx, key, async () => {
      const hold = await store.lockHold(tx, holdId);
      if (hold?.enrollerId !== actor.accountId) throw notFound();
      if (hold.state !== 'open') throw new Refusal('enrolment_hold_state', `This was decided already: it is ${hold.state}.`);
      if (hold.contest !== null) throw new Refusal('enrolment_hold_state', 'You have said what speaks against it already.');
      await store.contestHold(tx, holdId, { text, at: clock.now() });
      return await presentOne(tx, holdId, 'enroller');
    })),
    listRefusalMatches: (actor, refusalId, limit) => runTx(async (tx) => {
      if ((await store.findRefusal(tx, refusalId))?.accountId !== actor.accountId) throw notFound();
      return { holds: await present(tx, await store.holdsOfRefusal(tx, refusalId, limit), 'registrant') };
    }),
    listHeldEnrolments: (reviewer, limit) => runTx(async (tx) => ({
      holds: await present(tx, await store.holdsWaitingFor(tx, reviewer.accountId, limit), 'reviewer'),
    })),
    reviewEnrolmentHold: (reviewer, key, holdId, input) => runTx((tx) => once(tx, key, async () => {
      const hold = await store.lockHold(tx, holdId);
      if (hold === null) throw notFound();
      const review = { ...input, reviewerId: reviewer.accountId, at: clock.now() };
      const outcome = weighHoldReview(hold, await store.holdReviews(tx, holdId), review);
      await store.insertHoldReview(tx, holdId, review);
      if (outcome !== null) await store.decideHold(tx, holdId, outcome, review.at);
      if (outcome === 'upheld') {
        await deps.onEnrolmentUpheld?.(tx, { holdId, ...subjectOf(hold), by: reviewer.accountId, at: review.at });
      }
      return await presentOne(tx, holdId, 'reviewer');
    })),
  };
}

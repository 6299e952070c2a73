import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { recordDecision } from './decisions.ts';
import type { OwnershipDeps } from './deps.ts';
import { scheduleEnd } from './ending.ts';
import { reach } from './levels.ts';
import { approvalEnd, type RejectReason, weighReview } from './model.ts';
import { scheduleDestruction } from './papers.ts';
import { found, type Reading } from './reading.ts';
import type { Refusals } from './refusal-service.ts';
import * as reviews from './review-store.ts';
import { leaseAt, percentiles, STAGES, waiting } from './service-clock.ts';
import type { ProofRow, ReviewRow } from './store.ts';
import * as store from './store.ts';
import { adviceOn, caseJson, gather, type OwnershipProofJson, type ReviewCaseJson, type ReviewFiguresJson } from './views.ts';
import { countingAt } from './vouching.ts';

export type ReviewInput = { evidenceSha256: string; text?: string | undefined }
  & ({ verdict: 'approve' } | { verdict: 'reject'; reasonCode: RejectReason });

/** What reviewers do: take up a case, judge it by what they saw, or give it back. */
export interface ReviewVerbs {
  /** Cases that this reviewer may take up, those that wait longest first, each with its clock. */
  listReviews(reviewer: Actor, limit: number): Promise<{ proofs: OwnershipProofJson[]; cases: ReviewCaseJson[] }>;
  /** The case is this reviewer's for a while; again, for a while longer. Refuses `review_self`, `review_repeated`, `review_claimed`. */
  claimReview(reviewer: Actor, key: IdempotencyKey, proofId: string): Promise<{ proof: OwnershipProofJson; case: ReviewCaseJson }>;
  releaseReview(reviewer: Actor, key: IdempotencyKey, proofId: string): Promise<ReviewCaseJson>;
  /** Refuses `review_unclaimed`, `evidence_changed` and what `weighReview` refuses. */
  reviewOwnershipProof(reviewer: Actor, key: IdempotencyKey, proofId: string, input: ReviewInput): Promise<OwnershipProofJson>;
  /** How long cases wait, for operators. */
  getReviewFigures(): Promise<ReviewFiguresJson>;
  /** Whether this reviewer holds the case now: only then are its papers shown. */
  holdsCase(tx: Tx, reviewerId: string, proofId: string): Promise<boolean>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** When the round that is open began. */
function roundBegan(proof: ProofRow): Date {
  const at = proof.appealedAt ?? proof.submittedAt;
  if (at === null) throw new Refusal('proof_state', 'This proof was not handed in.');
  return at;
}

function makeCases(deps: OwnershipDeps) {
  const { clock } = deps;

  async function caseFor(tx: Tx, proof: ProofRow, reviewerId: string): Promise<ReviewCaseJson> {
    const began = roundBegan(proof);
    const votes = (await store.reviewsOf(tx, proof.id)).filter(({ round }) => round === proof.round);
    const clockOf = waiting(
      { waitingSince: began, leases: await reviews.leasesSince(tx, proof.id, began), reviewedAt: votes.map(({ at }) => at) }, clock.now());
    return caseJson(proof, clockOf, reviewerId);
  }

  async function leaseNow(tx: Tx, proof: ProofRow): Promise<reviews.LeaseRow | null> {
    const leases = await reviews.leasesSince(tx, proof.id, roundBegan(proof));
    const lease = leaseAt(leases, clock.now());
    return leases.find((one) => one === lease) ?? null;
  }

  return { caseFor, leaseNow };
}

type Cases = ReturnType<typeof makeCases>;

/** Refuses a reviewer who is a party to the case, or has judged it before, in whichever round. */
async function checkImpartial(tx: Tx, proof: ProofRow, reviewerId: string): Promise<void> {
  if (proof.accountId === reviewerId) throw new Refusal('review_self', 'Nobody reviews their own proof.');
  if (await reviews.isPartial(tx, proof.id, reviewerId)) throw new Refusal('review_self', 'Nobody reviews a proof that they vouched for.');
  if ((await store.reviewsOf(tx, proof.id)).some((one) => one.reviewerId === reviewerId)) {
    throw new Refusal('review_repeated', 'You have reviewed this proof; the next review is another person\'s.');
  }
  if (proof.state !== 'submitted') throw new Refusal('proof_state', `A proof that is ${proof.state} waits for no reviewer.`);
}

function makeClaiming(deps: OwnershipDeps, reading: Reading, { caseFor, leaseNow }: Cases): Pick<ReviewVerbs, 'listReviews' | 'claimReview' | 'releaseReview'> {
  const { runTx, clock, ids, policy: { policy } } = deps;
  return {
    listReviews: (reviewer, limit) => runTx(async (tx) => {
      const queue = await store.proofsOf(tx, await reviews.queueOf(tx, reviewer.accountId, clock.now(), limit));
      const proofs: OwnershipProofJson[] = [];
      const cases: ReviewCaseJson[] = [];
      for (const proof of queue) {
        proofs.push(await reading.present(tx, proof, true));
        cases.push(await caseFor(tx, proof, reviewer.accountId));
      }
      return { proofs, cases };
    }),
    claimReview: (reviewer, key, proofId) => runTx((tx) => once(tx, key, async () => {
      const proof = await found(store.lockProof(tx, proofId));
      await checkImpartial(tx, proof, reviewer.accountId);
      const now = clock.now();
      const held = await leaseNow(tx, proof);
      if (held !== null && held.reviewerId !== reviewer.accountId) {
        throw new Refusal('review_claimed', 'Another reviewer has taken up this case.', { extra: { until: held.expiresAt.toISOString() } });
      }
      if (held !== null) await reviews.endLease(tx, held.id, now);
      await reviews.insertLease(tx, {
        id: ids.next('lease'), proofId, reviewerId: reviewer.accountId, claimedAt: now,
        expiresAt: new Date(now.getTime() + policy.review.leaseMinutes * MINUTE_MS),
      });
      return { proof: await reading.present(tx, proof, true), case: await caseFor(tx, proof, reviewer.accountId) };
    })),
    releaseReview: (reviewer, key, proofId) => runTx((tx) => once(tx, key, async () => {
      const proof = await found(store.lockProof(tx, proofId));
      const held = await leaseNow(tx, proof);
      if (held?.reviewerId !== reviewer.accountId) throw new Refusal('review_unclaimed', 'You have not taken up this case.');
      await reviews.endLease(tx, held.id, clock.now());
      return await caseFor(tx, proof, reviewer.accountId);
    })),
  };
}

type Screening = Pick<Refusals, 'checkProofNotHeld'>;

function makeJudging(deps: OwnershipDeps, reading: Reading, { leaseNow }: Cases, screening: Screening): Pick<ReviewVerbs, 'reviewOwnershipProof'> {
  const { runTx, clock, ids, log, policy: { policy } } = deps;

  async function reviewed(tx: Tx, proof: ProofRow, review: ReviewRow): Promise<void> {
    const outcome = weighReview(proof, await store.reviewsOf(tx, proof.id), review);
    const evidence = await store.evidenceOf(tx, proof.id);
    const counting = await countingAt(tx, evidence, review.at);
    // What ran out while the case waited no longer counts: the level must be reached on the day of the decision.
    const reached = outcome === 'approved' ? reach(policy, proof.subjectKind, counting.kinds) : null;
    await store.insertReview(tx, review);
    if (outcome === null) return;
    await scheduleDestruction(tx, proof.id, new Date(review.at.getTime() + policy.documents.destroyDaysAfterDecision * DAY_MS));
    if (reached === null) {
      await recordDecision(tx, log, proof, { decision: 'rejected' }, review.at);
      return;
    }
    await screening.checkProofNotHeld(tx, proof.id);
    const expiresAt = approvalEnd(review.at, reached, evidence);
    await recordDecision(tx, log, proof, { decision: 'approved', expiresAt, restsOn: reached.set }, review.at);
    await scheduleEnd(tx, policy, proof.id, { approvedAt: review.at, expiresAt }, counting.rows.filter(({ kind }) => reached.set.includes(kind)));
    await deps.onProofApproved?.(tx, { proofId: proof.id, renews: proof.renewsProofId, at: review.at });
  }

  return {
    reviewOwnershipProof: (reviewer, key, proofId, input) => runTx((tx) => once(tx, key, async () => {
      const proof = await found(store.lockProof(tx, proofId));
      await checkImpartial(tx, proof, reviewer.accountId);
      const lease = await leaseNow(tx, proof);
      if (lease?.reviewerId !== reviewer.accountId) throw new Refusal('review_unclaimed', 'Take up the case first; only who holds it judges it.');
      const seen = await reviews.evidenceDigest(tx, proofId);
      if (input.evidenceSha256 !== seen || seen !== proof.evidenceSha256) {
        throw new Refusal('evidence_changed', 'The evidence that you name is not what lies here; look again.', { extra: { evidenceSha256: seen } });
      }
      const dossier = await gather(tx, proof, deps.enrolledVoice);
      const at = clock.now();
      await reviewed(tx, proof, {
        id: ids.next('review'), proofId, reviewerId: reviewer.accountId, round: proof.round, evidenceSha256: seen,
        verdict: input.verdict, reasonCode: input.verdict === 'reject' ? input.reasonCode : null, text: input.text ?? '',
        advice: adviceOn(dossier, deps.inference), at,
      });
      await reviews.endLease(tx, lease.id, at);
      return await reading.present(tx, await found(store.findProof(tx, proofId)), true);
    })),
  };
}

export function makeReviewVerbs(deps: OwnershipDeps, reading: Reading, screening: Screening): ReviewVerbs {
  const { runTx, clock, policy: { policy } } = deps;
  const cases = makeCases(deps);
  return {
    ...makeClaiming(deps, reading, cases),
    ...makeJudging(deps, reading, cases, screening),
    getReviewFigures: () => runTx(async (tx) => {
      const now = clock.now();
      const open = (await reviews.openCases(tx)).map((one) => ({ round: one.round, ...waiting(one, now) }));
      const days = policy.review.figuresOverDays;
      const decided = await reviews.decidedWaits(tx, new Date(now.getTime() - days * DAY_MS));
      return {
        at: now.toISOString(),
        overDays: days,
        waiting: percentiles(open.map(({ waitedSeconds }) => waitedSeconds)),
        onAppeal: open.filter(({ round }) => round > 1).length,
        stages: STAGES.map((stage) => ({
          stage,
          ...percentiles(open.filter((one) => one.stage === stage).map(({ since }) => Math.floor((now.getTime() - since.getTime()) / 1000))),
        })),
        untilClaimed: percentiles(decided.map(({ toClaim }) => toClaim)),
        untilDecided: percentiles(decided.map(({ toDecision }) => toDecision)),
      };
    }),
    async holdsCase(tx, reviewerId, proofId) {
      const proof = await store.findProof(tx, proofId);
      if (proof?.state !== 'submitted') return false;
      return (await cases.leaseNow(tx, proof))?.reviewerId === reviewerId;
    },
  };
}

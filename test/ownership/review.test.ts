import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { leaseAt, percentiles, waiting } from '../../src/ownership/service-clock.ts';
import { codeOf, openWorld, type Person, refusalOf, type World } from './world.ts';

let world: World;
let owner: Person;
let reviewers: Person[];

beforeAll(async () => {
  world = await openWorld('reviews');
  owner = await world.register('Lin Ya');
  reviewers = [];
  for (const name of ['R1', 'R2', 'R3', 'R4', 'R5']) reviewers.push(await world.reviewer(name));
});
afterAll(async () => await world.close());

const key = () => world.key();
const reviewer = (index: number) => reviewers[index]!.actor;
const digestOf = async (proofId: string) => (await world.ownership.getOwnershipProof(owner.actor, proofId)).evidenceSha256 ?? '';
const minutes = (count: number) => world.clock.advance(count * 60_000);

describe('a claim on a case', () => {
  it('is one reviewer\'s for an hour; then, or given back, another one\'s', async () => {
    const proofId = await world.submittedProof(owner);
    const first = await world.ownership.claimReview(reviewer(0), key(), proofId);
    expect(first.case).toMatchObject({ stage: 'in_review', round: 1, claim: { mine: true, until: new Date(world.clock.now().getTime() + 3_600_000).toISOString() } });
    expect(await refusalOf(world.ownership.claimReview(reviewer(1), key(), proofId))).toMatchObject({ code: 'review_claimed' });
    const queue = async (index: number) => (await world.ownership.listReviews(reviewer(index), 100)).cases.map((one) => one.proofId);
    expect(await queue(1)).not.toContain(proofId);
    expect(await queue(0)).toContain(proofId);
    minutes(59);
    expect(await codeOf(world.ownership.claimReview(reviewer(1), key(), proofId))).toBe('review_claimed');
    await world.ownership.claimReview(reviewer(0), key(), proofId);
    minutes(59);
    expect(await codeOf(world.ownership.claimReview(reviewer(1), key(), proofId))).toBe('review_claimed');
    minutes(1);
    expect((await world.ownership.claimReview(reviewer(1), key(), proofId)).case.claim?.mine).toBe(true);
    expect(await codeOf(world.ownership.releaseReview(reviewer(0), key(), proofId))).toBe('review_unclaimed');
    expect((await world.ownership.releaseReview(reviewer(1), key(), proofId)).stage).toBe('unclaimed');
    expect((await world.ownership.claimReview(reviewer(0), key(), proofId)).case.claim?.mine).toBe(true);
  });

  it('comes before a judgement, and runs out before one', async () => {
    const proofId = await world.submittedProof(owner);
    const approve = async (index: number) => await codeOf(world.ownership.reviewOwnershipProof(
      reviewer(index), key(), proofId, { verdict: 'approve', evidenceSha256: await digestOf(proofId) }));
    expect(await approve(0)).toBe('review_unclaimed');
    await world.ownership.claimReview(reviewer(0), key(), proofId);
    expect(await approve(1)).toBe('review_unclaimed');
    minutes(60);
    expect(await approve(0)).toBe('review_unclaimed');
  });

  it('is not to be had on one\'s own case, on a decided one, nor twice by racing', async () => {
    const mine = await world.submittedProof(reviewers[4]!);
    expect(await codeOf(world.ownership.claimReview(reviewer(4), key(), mine))).toBe('review_self');
    expect(await codeOf(world.ownership.claimReview(reviewer(0), key(), await world.openProof(owner)))).toBe('proof_state');
    const proofId = await world.submittedProof(owner);
    const race = await Promise.allSettled([0, 1, 2, 3].map((index) => world.ownership.claimReview(reviewer(index), key(), proofId)));
    expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('the evidence that was seen', () => {
  it('is named by the review; another digest is refused and nothing is kept', async () => {
    const proofId = await world.submittedProof(owner);
    await world.ownership.claimReview(reviewer(0), key(), proofId);
    const right = await digestOf(proofId);
    const refused = await refusalOf(world.ownership.reviewOwnershipProof(reviewer(0), key(), proofId, { verdict: 'approve', evidenceSha256: '0'.repeat(64) }));
    expect(refused).toMatchObject({ code: 'evidence_changed', extra: { evidenceSha256: right } });
    expect((await world.ownership.getOwnershipProof(owner.actor, proofId)).reviews).toEqual([]);
  });

  it('cannot be swapped after a review: neither the service nor PostgreSQL approves then', async () => {
    const proofId = await world.submittedProof(owner);
    const digest = await digestOf(proofId);
    await world.judge(reviewer(0), proofId, { verdict: 'approve' });
    await world.ownership.claimReview(reviewer(1), key(), proofId);
    // Whoever owns the tables can lift the rule that closes the evidence; what was seen they cannot change.
    await world.database.asOwner('ALTER TABLE ownership_evidence DISABLE TRIGGER ownership_evidence_closes');
    await world.database.asOwner(`UPDATE ownership_evidence SET blob_digest = $2 WHERE proof_id = $1 AND kind = 'voice_challenge'`, [proofId, 'a'.repeat(64)]);
    await world.database.asOwner('ALTER TABLE ownership_evidence ENABLE TRIGGER ownership_evidence_closes');
    const [now] = await world.database.asOwner<{ d: string }>('SELECT ownership_evidence_digest($1) AS d', [proofId]);
    for (const evidenceSha256 of [digest, now!.d]) {
      expect(await codeOf(world.ownership.reviewOwnershipProof(reviewer(1), key(), proofId, { verdict: 'approve', evidenceSha256 }))).toBe('evidence_changed');
    }
    for (const seen of [digest, now!.d]) {
      await expect(world.database.asOwner(
        `INSERT INTO ownership_review (id, proof_id, reviewer_id, verdict, text, evidence_sha256, at) VALUES ('swap', $1, $2, 'approve', '', $3, $4)`,
        [proofId, reviewer(1).accountId, seen, world.clock.now()])).rejects.toMatchObject({ constraint: 'ownership_review_saw_evidence' });
    }
    await expect(world.database.asOwner('UPDATE ownership_proof SET evidence_sha256 = $2 WHERE id = $1', [proofId, now!.d]))
      .rejects.toMatchObject({ constraint: 'ownership_proof_facts_stay' });
  });

  it('must still count on the day of the decision', async () => {
    const proofId = await world.submittedProof(owner);
    world.clock.advance(366 * 86_400_000);
    await world.judge(reviewer(0), proofId, { verdict: 'approve' });
    await world.ownership.claimReview(reviewer(1), key(), proofId);
    const refused = await refusalOf(world.ownership.reviewOwnershipProof(reviewer(1), key(), proofId, { verdict: 'approve', evidenceSha256: await digestOf(proofId) }));
    expect(refused).toMatchObject({ code: 'proof_incomplete', extra: { missing: ['domain', 'voice_challenge'] } });
    expect((await world.ownership.getOwnershipProof(owner.actor, proofId)).state).toBe('submitted');
  });
});

describe('an appeal', () => {
  async function rejectedProof(): Promise<string> {
    const proofId = await world.submittedProof(owner);
    await world.judge(reviewer(0), proofId, { verdict: 'approve' });
    await world.judge(reviewer(1), proofId, { verdict: 'reject', reasonCode: 'voice_differs', text: 'Two people.' });
    return proofId;
  }
  const appeal = (proofId: string) => world.ownership.appealOwnershipProof(owner.actor, key(), proofId, { text: 'I had a cold that day.' });

  it('goes to two people who did not decide, and may approve', async () => {
    const proofId = await rejectedProof();
    expect(await codeOf(world.ownership.appealOwnershipProof(reviewers[3]!.actor, key(), proofId, { text: 'x' }))).toBe('not_found');
    minutes(5);
    const waitingAgain = await appeal(proofId);
    expect(waitingAgain).toMatchObject({ state: 'submitted', round: 2, appealText: 'I had a cold that day.', appealedAt: world.clock.now().toISOString() });
    for (const decider of [0, 1]) {
      expect(await codeOf(world.ownership.claimReview(reviewer(decider), key(), proofId))).toBe('review_repeated');
      expect((await world.ownership.listReviews(reviewer(decider), 100)).cases.map((one) => one.proofId)).not.toContain(proofId);
    }
    expect((await world.judge(reviewer(2), proofId, { verdict: 'approve' })).state).toBe('submitted');
    const approved = await world.judge(reviewer(3), proofId, { verdict: 'approve' });
    expect(approved.state).toBe('approved');
    expect(approved.decisions.map(({ document }) => [document['decision'], document['round']])).toEqual([['rejected', 1], ['approved', 2]]);
    expect(approved.reviews.map(({ round }) => round)).toEqual([1, 1, 2, 2]);
  });

  it('is rejected by two who agree, and is the last word', async () => {
    const proofId = await rejectedProof();
    await appeal(proofId);
    expect((await world.judge(reviewer(2), proofId, { verdict: 'reject', reasonCode: 'voice_differs' })).state).toBe('submitted');
    expect((await world.judge(reviewer(3), proofId, { verdict: 'approve' })).state).toBe('submitted');
    expect((await world.judge(reviewer(4), proofId, { verdict: 'reject', reasonCode: 'impersonation' })).state).toBe('rejected');
    expect(await codeOf(appeal(proofId))).toBe('proof_state');
    const leaves = await world.database.runTx(async (tx) => await world.log.leavesOf(tx, proofId));
    expect(leaves).toHaveLength(2);
  });

  it('is made within thirty days, on a rejection only', async () => {
    expect(await codeOf(appeal(await world.submittedProof(owner)))).toBe('proof_state');
    const proofId = await rejectedProof();
    world.clock.advance(30 * 86_400_000);
    expect(await codeOf(appeal(proofId))).toBe('proof_state');
  });

  it.each(['asApp', 'asOwner'] as const)('is kept by PostgreSQL too, %s', async (role) => {
    const proofId = await rejectedProof();
    const raw = (text: string) => world.database[role](text, [proofId]);
    await expect(raw(`UPDATE ownership_proof SET state = 'submitted' WHERE id = $1`)).rejects.toMatchObject({ constraint: 'ownership_proof_facts_stay' });
    await appeal(proofId);
    for (const text of ['round = 1', `appeal_text = 'x'`, `appealed_at = now()`]) {
      await expect(raw(`UPDATE ownership_proof SET ${text} WHERE id = $1`)).rejects.toMatchObject({ constraint: 'ownership_proof_facts_stay' });
    }
    // One approval of the first round and one of the second are not two.
    await world.judge(reviewer(2), proofId, { verdict: 'approve' });
    await expect(raw(`UPDATE ownership_proof SET state = 'approved', approved_at = now(), expires_at = now() + interval '1 day' WHERE id = $1`))
      .rejects.toMatchObject({ constraint: 'ownership_proof_needs_two_reviewers' });
    await expect(raw(`UPDATE ownership_proof SET state = 'rejected' WHERE id = $1`)).rejects.toMatchObject({ constraint: 'ownership_proof_needs_rejection' });
    const digest = await digestOf(proofId);
    const review = (who: string, round: number) => world.database[role](
      `INSERT INTO ownership_review (id, proof_id, reviewer_id, verdict, text, round, evidence_sha256, at) VALUES ($1, $2, $3, 'approve', '', $4, $5, $6)`,
      [`raw-${role}-${round}`, proofId, who, round, digest, world.clock.now()]);
    await world.ownership.claimReview(reviewer(3), key(), proofId);
    await expect(review(reviewer(3).accountId, 1)).rejects.toMatchObject({ constraint: 'ownership_review_of_round' });
    await expect(review(reviewer(0).accountId, 2)).rejects.toMatchObject({ constraint: 'ownership_review_proof_id_reviewer_id_key' });
    const lease = (who: string) => world.database[role](
      `INSERT INTO ownership_lease (id, proof_id, reviewer_id, claimed_at, expires_at) VALUES ($1, $2, $3, $4, '2099-01-01')`,
      [`raw-${role}-${who}`, proofId, who, world.clock.now()]);
    await expect(lease(reviewer(4).accountId)).rejects.toMatchObject({ constraint: 'ownership_lease_of_one' });
    await expect(lease(owner.actor.accountId)).rejects.toMatchObject({ constraint: 'ownership_lease_impartial' });
    await expect(world.database[role](`UPDATE ownership_lease SET expires_at = '2099-01-01' WHERE proof_id = $1`, [proofId])).rejects.toThrow();
    await expect(world.database[role]('DELETE FROM ownership_lease WHERE proof_id = $1', [proofId])).rejects.toThrow();
  });
});

describe('the service clock', () => {
  it('tells the stages of a case and how long it waits', async () => {
    const proofId = await world.submittedProof(owner);
    const began = world.clock.now().toISOString();
    const seen = async (index: number) => (await world.ownership.listReviews(reviewer(index), 100)).cases.find((one) => one.proofId === proofId);
    minutes(10);
    expect(await seen(4)).toMatchObject({ stage: 'unclaimed', stageSince: began, waitingSince: began, waitedSeconds: 600, claim: null });
    const claimed = world.clock.now().toISOString();
    await world.ownership.claimReview(reviewer(0), key(), proofId);
    minutes(10);
    expect(await seen(0)).toMatchObject({ stage: 'in_review', stageSince: claimed, waitedSeconds: 1_200, claim: { mine: true } });
    await world.ownership.reviewOwnershipProof(reviewer(0), key(), proofId, { verdict: 'approve', evidenceSha256: await digestOf(proofId) });
    const reviewed = world.clock.now().toISOString();
    minutes(10);
    expect(await seen(1)).toMatchObject({ stage: 'second_unclaimed', stageSince: reviewed, waitedSeconds: 1_800 });
    const figures = await world.ownership.getReviewFigures();
    expect(figures.waiting.cases).toBe(figures.stages.reduce((sum, stage) => sum + stage.cases, 0));
    expect(figures.stages.find(({ stage }) => stage === 'second_unclaimed')?.cases).toBeGreaterThan(0);
    await world.judge(reviewer(1), proofId, { verdict: 'approve' });
    const after = await world.ownership.getReviewFigures();
    expect(after.waiting.cases).toBe(figures.waiting.cases - 1);
    expect(after.untilDecided.cases).toBe(figures.untilDecided.cases + 1);
    expect(after.untilDecided.longestSeconds).toBeGreaterThanOrEqual(1_800);
  });

  it('has percentiles that somebody waited, as a slow count says', () => {
    expect(percentiles([])).toEqual({ cases: 0, p50Seconds: 0, p90Seconds: 0, p99Seconds: 0, longestSeconds: 0 });
    fc.assert(fc.property(fc.array(fc.nat({ max: 10_000 }), { minLength: 1, maxLength: 300 }), (seconds) => {
      const answer = percentiles(seconds);
      for (const [share, value] of [[0.5, answer.p50Seconds], [0.9, answer.p90Seconds], [0.99, answer.p99Seconds]] as const) {
        expect(seconds).toContain(value);
        expect(seconds.filter((one) => one <= value).length).toBeGreaterThanOrEqual(share * seconds.length);
        expect(seconds.filter((one) => one < value).length).toBeLessThan(share * seconds.length);
      }
      expect(answer.longestSeconds).toBe(Math.max(...seconds));
    }));
  });

  it('gives a lease up to, and not at, its end', () => {
    const at = (second: number) => new Date(second * 1000);
    const lease = { reviewerId: 'r', claimedAt: at(10), expiresAt: at(20), endedAt: null };
    expect([9, 10, 19, 20].map((second) => leaseAt([lease], at(second)) !== null)).toEqual([false, true, true, false]);
    expect(leaseAt([{ ...lease, endedAt: at(15) }], at(15))).toBe(null);
    expect(waiting({ waitingSince: at(0), leases: [lease], reviewedAt: [] }, at(25))).toMatchObject({ stage: 'unclaimed', since: at(20), waitedSeconds: 25 });
  });
});

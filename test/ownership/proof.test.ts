import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { documentDigest } from '../../src/transparency/index.ts';
import { makeOwnershipHandlers, makeOwnershipJobs } from '../../src/ownership/index.ts';
import { codeOf, openWorld, OWNER_NAME, type Person, refusalOf, type World } from './world.ts';

let world: World;
let owner: Person;
let stranger: Person;
let reviewers: Person[];
let voice: Uint8Array;

beforeAll(async () => {
  world = await openWorld('proofs');
  owner = await world.register('Lin Ya');
  stranger = await world.register('Somebody else');
  reviewers = [await world.reviewer('R1'), await world.reviewer('R2'), await world.reviewer('R3')];
  voice = await world.voice(5);
});
afterAll(async () => await world.close());

const key = () => world.key();
const reviewer = (index: number) => reviewers[index]!.actor;
const leaves = async (subject: string) => await world.database.runTx(async (tx) => await world.log.leavesOf(tx, subject));

describe('opening a proof', () => {
  it('keeps the signed claim and answers the proof, open', async () => {
    const proofId = await world.openProof(owner);
    const proof = await world.ownership.getOwnershipProof(owner.actor, proofId);
    expect(proof).toMatchObject({ state: 'open', subjectName: OWNER_NAME, handle: 'lin-ya', evidence: [], approvedAt: null });
    const [signed] = await world.database.asOwner('SELECT account_id FROM signed_document WHERE id = $1', [proof.claimDocumentId]);
    expect(signed).toEqual({ account_id: owner.actor.accountId });
  });

  it('gives the same answer to the same key, and opens one proof', async () => {
    const { document } = world.ownership.draftOwnershipClaim(owner.actor, { subjectName: OWNER_NAME, handle: 'lin-ya', locale: 'en' });
    const signature = await world.sign(owner, 'ownership_claim', document);
    const one = key();
    const first = await world.ownership.openOwnershipProof(owner.actor, one, { subjectName: OWNER_NAME, signature });
    expect(await world.ownership.openOwnershipProof(owner.actor, one, { subjectName: OWNER_NAME, signature })).toEqual(first);
    expect(await codeOf(world.ownership.openOwnershipProof(owner.actor, key(), { subjectName: OWNER_NAME, signature }))).toBe('challenge_used');
  });

  it('refuses a claim of another account, of another name, and one signed too long ago; nothing is kept', async () => {
    const count = async () => (await world.database.asOwner<{ n: string }>('SELECT count(*) AS n FROM ownership_proof'))[0]?.n;
    const before = await count();
    const { document } = world.ownership.draftOwnershipClaim(owner.actor, { subjectName: OWNER_NAME, handle: 'lin-ya', locale: 'en' });
    const foreign = await world.sign(stranger, 'ownership_claim', document);
    expect(await codeOf(world.ownership.openOwnershipProof(stranger.actor, key(), { subjectName: OWNER_NAME, signature: foreign }))).toBe('signature_mismatch');
    const mine = await world.sign(owner, 'ownership_claim', document);
    expect(await codeOf(world.ownership.openOwnershipProof(owner.actor, key(), { subjectName: 'Wang Fei', signature: mine }))).toBe('signature_mismatch');
    const stale = await world.sign(owner, 'ownership_claim', { ...document, at: '2026-02-01T00:00:00.000Z' });
    expect(await codeOf(world.ownership.openOwnershipProof(owner.actor, key(), { subjectName: OWNER_NAME, signature: stale }))).toBe('signature_mismatch');
    expect(await count()).toBe(before);
  });
});

describe('somebody else\'s proof', () => {
  it('is the same 404 as one that does not exist, on every path', async () => {
    const proofId = await world.openProof(owner);
    const { evidenceId } = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'domain', site: world.site.origin });
    const none = `own_${'0'.repeat(26)}`;
    const attempts = (id: string, evidence: string) => [
      world.ownership.getOwnershipProof(stranger.actor, id),
      world.ownership.addEvidence(stranger.actor, key(), id, { kind: 'domain', site: world.site.origin }),
      world.ownership.addEvidence(stranger.actor, key(), id, { kind: 'voice_challenge', language: 'en' }),
      world.ownership.checkEvidence(stranger.actor, key(), id, evidence, {}),
      world.ownership.uploadEvidence(stranger.actor, key(), id, evidence, voice),
      world.ownership.submitOwnershipProof(stranger.actor, key(), id),
    ];
    const foreign = await Promise.all(attempts(proofId, evidenceId).map(refusalOf));
    const unknown = await Promise.all(attempts(none, evidenceId).map(refusalOf));
    const plain = (refusals: typeof foreign) => refusals.map(({ code, message, extra }) => ({ code, message, extra }));
    expect(plain(foreign)).toEqual(plain(unknown));
    expect(new Set(foreign.map(({ code }) => code))).toEqual(new Set(['not_found']));
  });

  it('evidence of one proof is not found under another of the same owner', async () => {
    const one = await world.openProof(owner);
    const other = await world.openProof(owner);
    const { evidenceId } = await world.ownership.addEvidence(owner.actor, key(), one, { kind: 'domain', site: world.site.origin });
    expect(await codeOf(world.ownership.checkEvidence(owner.actor, key(), other, evidenceId, {}))).toBe('not_found');
  });
});

describe('domain control', () => {
  it('passes when the line is served, is refused before, and is not fetched again for the same key', async () => {
    const proofId = await world.openProof(owner);
    const added = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'domain', site: world.site.origin });
    expect(added).toMatchObject({ kind: 'domain', state: 'pending', voice: null, domain: { url: `${world.site.origin}/.well-known/benren.txt` } });
    world.site.serve(`${added.domain?.line ?? ''}x\n`);
    const refused = await refusalOf(world.ownership.checkEvidence(owner.actor, key(), proofId, added.evidenceId, {}));
    expect(refused).toMatchObject({ code: 'token_absent', extra: { answeredStatus: 200 } });
    world.site.serve(`# proofs\n${added.domain?.line ?? ''}\n`);
    const one = key();
    const passed = await world.ownership.checkEvidence(owner.actor, one, proofId, added.evidenceId, {});
    expect(passed).toMatchObject({ state: 'passed', passedAt: world.clock.now().toISOString() });
    const asked = world.site.asked();
    world.site.serve('gone');
    expect(await world.ownership.checkEvidence(owner.actor, one, proofId, added.evidenceId, {})).toEqual(passed);
    expect(world.site.asked()).toBe(asked);
  });

  it('refuses a line of another proof, and a site that is not a bare origin', async () => {
    const one = await world.openProof(owner);
    const other = await world.openProof(owner);
    const first = await world.ownership.addEvidence(owner.actor, key(), one, { kind: 'domain', site: world.site.origin });
    const second = await world.ownership.addEvidence(owner.actor, key(), other, { kind: 'domain', site: world.site.origin });
    expect(first.domain?.line).not.toBe(second.domain?.line);
    world.site.serve(first.domain?.line ?? '');
    expect(await codeOf(world.ownership.checkEvidence(owner.actor, key(), other, second.evidenceId, {}))).toBe('token_absent');
    for (const site of ['https://host.example/~linya', 'https://host.example/?x=1', 'ftp://host.example', 'https://a:b@host.example', 'http://10.0.0.1', 'http://169.254.169.254']) {
      expect(await codeOf(world.ownership.addEvidence(owner.actor, key(), one, { kind: 'domain', site }))).toBe('url_refused');
    }
  });

  it('runs out after a week, and a newer one takes the place of an older', async () => {
    const proofId = await world.openProof(owner);
    const old = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'domain', site: world.site.origin });
    const asked = world.site.asked();
    world.site.serve(old.domain?.line ?? '');
    world.clock.advance(7 * 86_400_000);
    expect(await codeOf(world.ownership.checkEvidence(owner.actor, key(), proofId, old.evidenceId, {}))).toBe('evidence_state');
    expect(world.site.asked()).toBe(asked);
    const fresh = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'domain', site: world.site.origin });
    expect(await codeOf(world.ownership.checkEvidence(owner.actor, key(), proofId, old.evidenceId, {}))).toBe('evidence_state');
    const { evidence } = await world.ownership.getOwnershipProof(owner.actor, proofId);
    expect(evidence.map(({ evidenceId, state }) => [evidenceId, state])).toEqual([[old.evidenceId, 'superseded'], [fresh.evidenceId, 'pending']]);
  });
});

describe('the voice challenge', () => {
  it('keeps and measures a reading; only reviewers see advice, once an enrolment exists', async () => {
    const proofId = await world.openProof(owner, 'advice');
    const { evidenceId, voice: asked } = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'voice_challenge', language: 'zh-CN' });
    expect(asked).toMatchObject({ language: 'zh-CN', recording: null, advice: null });
    expect(asked?.sentence).toMatch(/\p{Script=Han}{5}/u);
    const done = await world.ownership.uploadEvidence(owner.actor, key(), proofId, evidenceId, voice);
    expect(done.state).toBe('uploaded');
    const recording = done.voice?.recording;
    expect(recording?.voicedSeconds).toBeGreaterThan(2);
    expect(await world.blobs.get(recording?.digest ?? '')).toEqual(Buffer.from(voice));
    const kept = await world.database.runTx(async (tx) => await world.ownership.evidenceRecording(tx, evidenceId));
    expect(kept).toEqual({ proofId, blobDigest: recording?.digest, kind: 'voice_challenge', video: null });

    const adviceFor = async (person: Person) =>
      (await world.ownership.getOwnershipProof(person.actor, proofId)).evidence[0]?.voice?.advice;
    expect(await adviceFor(reviewers[0]!)).toBe(null);
    const { cloneId } = await world.clones.createClone(owner.actor, key(), { ownershipProofId: proofId, name: OWNER_NAME, handle: 'advice' });
    await world.clones.uploadEnrolmentVoice(owner.actor, key(), cloneId, await world.voice(10));
    const same = await adviceFor(reviewers[0]!);
    expect(same).toMatchObject({ enrolment: { cloneId, mediaPath: `/v1/clones/${cloneId}/enrolment/voice/media` } });
    expect(same?.note).toContain('recognises no words');
    expect(await adviceFor(owner)).toBe(null);
    await world.clones.uploadEnrolmentVoice(owner.actor, key(), cloneId, await world.voice(10, -0.3));
    const other = await adviceFor(reviewers[0]!);
    expect(other!.distance).toBeGreaterThan(2 * same!.distance + 0.5);
  });

  it('refuses what is too short, what is no WAV, and a WAV that lies about its length', async () => {
    const proofId = await world.openProof(owner);
    const { evidenceId } = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'voice_challenge', language: 'en' });
    const upload = (bytes: Uint8Array) => refusalOf(world.ownership.uploadEvidence(owner.actor, key(), proofId, evidenceId, bytes));
    const short = Buffer.from(voice.slice(0, 44 + 48_000 * 1.5));
    short.writeUInt32LE(short.length - 8, 4);
    short.writeUInt32LE(short.length - 44, 40);
    const tooShort = await upload(short);
    expect(tooShort.code).toBe('recording_too_short');
    expect(tooShort.extra).toMatchObject({ neededVoicedSeconds: 2, seconds: 1.5 });
    expect(tooShort.extra['voicedSeconds']).toBeLessThan(2);
    const lying = Buffer.from(voice);
    lying.writeUInt32LE(lying.length * 4, 40);
    expect((await upload(lying)).code).toBe('recording_invalid');
    expect((await upload(Buffer.from('not a recording'))).code).toBe('recording_invalid');
    expect((await upload(new Uint8Array())).code).toBe('recording_invalid');
    const { evidence } = await world.ownership.getOwnershipProof(owner.actor, proofId);
    expect(evidence[0]?.state).toBe('pending');
  });

  it('runs out after half an hour; a recording is no answer to a domain challenge', async () => {
    const proofId = await world.openProof(owner);
    const { evidenceId } = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'voice_challenge', language: 'en' });
    const domain = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'domain', site: world.site.origin });
    expect(await codeOf(world.ownership.uploadEvidence(owner.actor, key(), proofId, domain.evidenceId, voice))).toBe('evidence_state');
    expect(await codeOf(world.ownership.checkEvidence(owner.actor, key(), proofId, evidenceId, {}))).toBe('evidence_state');
    world.clock.advance(30 * 60_000);
    expect(await codeOf(world.ownership.uploadEvidence(owner.actor, key(), proofId, evidenceId, voice))).toBe('evidence_state');
  });
});

describe('submission', () => {
  it('needs both kinds of evidence, and says which is missing', async () => {
    const proofId = await world.openProof(owner);
    const submit = () => refusalOf(world.ownership.submitOwnershipProof(owner.actor, key(), proofId));
    expect(await submit()).toMatchObject({ code: 'proof_incomplete', extra: { missing: ['domain', 'voice_challenge'] } });
    await world.addCheckedSite(owner, proofId);
    expect(await submit()).toMatchObject({ code: 'proof_incomplete', extra: { missing: ['voice_challenge'] } });
    await world.addRecordedVoice(owner, proofId, voice);
    // A new site takes the place of the checked one.
    await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'domain', site: world.site.origin });
    expect(await submit()).toMatchObject({ code: 'proof_incomplete', extra: { missing: ['domain'] } });
  });

  it('closes the evidence', async () => {
    const proofId = await world.submittedProof(owner);
    const { evidence } = await world.ownership.getOwnershipProof(owner.actor, proofId);
    const recorded = evidence.find(({ kind }) => kind === 'voice_challenge')!;
    expect(await codeOf(world.ownership.uploadEvidence(owner.actor, key(), proofId, recorded.evidenceId, voice))).toBe('evidence_state');
    expect(await codeOf(world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'domain', site: world.site.origin }))).toBe('proof_state');
    expect(await codeOf(world.ownership.submitOwnershipProof(owner.actor, key(), proofId))).toBe('proof_state');
  });
});

describe('reviews', () => {
  it('two different reviewers approve; the leaf stands in the log and speaks of the decision', async () => {
    const proofId = await world.submittedProof(owner);
    const queue = async (index: number) => (await world.ownership.listReviews(reviewer(index), 100)).proofs.map((proof) => proof.proofId);
    expect(await queue(0)).toContain(proofId);
    const first = await world.judge(reviewer(0), proofId, { verdict: 'approve', text: 'Listened to both.' });
    expect(first.state).toBe('submitted');
    expect(await queue(0)).not.toContain(proofId);
    expect(await queue(1)).toContain(proofId);
    expect(await codeOf(world.judge(reviewer(0), proofId, { verdict: 'approve' }))).toBe('review_repeated');
    expect(await leaves(proofId)).toEqual([]);

    const second = await world.judge(reviewer(1), proofId, { verdict: 'approve' });
    const at = world.clock.now();
    expect(second).toMatchObject({
      state: 'approved', approvedAt: at.toISOString(), expiresAt: new Date(at.getTime() + 365 * 86_400_000).toISOString(),
    });
    expect(await queue(1)).not.toContain(proofId);
    const [leaf] = await leaves(proofId);
    expect(leaf).toMatchObject({ type: 'ownership_proof.decided' });
    const { decisions } = await world.ownership.getOwnershipProof(owner.actor, proofId);
    expect(decisions).toHaveLength(1);
    expect(decisions[0]?.leafId).toBe(leaf?.leafId);
    expect(documentDigest(decisions[0]!.document as never)).toBe(leaf?.documentSha256);
    expect(JSON.stringify(decisions)).not.toContain(reviewer(0).accountId);
    const proven = (when: Date) => world.database.runTx(async (tx) => await world.ownership.isProven(tx, proofId, when));
    expect(await proven(at)).toBe(true);
    expect(await proven(new Date(at.getTime() + 365 * 86_400_000))).toBe(false);
    expect(await codeOf(world.judge(reviewer(2), proofId, { verdict: 'approve' }))).toBe('proof_state');
  });

  it('the first rejection rejects, with its reason; a new proof may be opened', async () => {
    const proofId = await world.submittedProof(owner);
    await world.judge(reviewer(0), proofId, { verdict: 'approve' });
    const rejected = await world.judge(reviewer(1), proofId, { verdict: 'reject', reasonCode: 'voice_differs', text: 'Two people.' });
    expect(rejected).toMatchObject({ state: 'rejected', approvedAt: null });
    expect(rejected.reviews.map(({ verdict, reasonCode }) => [verdict, reasonCode])).toEqual([['approve', null], ['reject', 'voice_differs']]);
    expect(await codeOf(world.judge(reviewer(2), proofId, { verdict: 'approve' }))).toBe('proof_state');
    expect((await leaves(proofId)).map(({ type }) => type)).toEqual(['ownership_proof.decided']);
    expect((await world.ownership.getOwnershipProof(owner.actor, await world.openProof(owner))).state).toBe('open');
  });

  it('a reviewer does not review their own proof, nor finds it in the queue', async () => {
    const mine = await world.submittedProof(reviewers[2]!);
    expect(await codeOf(world.judge(reviewer(2), mine, { verdict: 'approve' }))).toBe('review_self');
    const { proofs } = await world.ownership.listReviews(reviewer(2), 100);
    expect(proofs.map((proof) => proof.proofId)).not.toContain(mine);
  });

  it('two reviewers at the same instant make one decision', async () => {
    const proofId = await world.submittedProof(owner);
    await world.judge(reviewer(2), proofId, { verdict: 'approve' });
    const results = await Promise.allSettled([0, 1].map(async (index) => await world.judge(reviewer(index), proofId, { verdict: 'approve' })));
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await world.ownership.getOwnershipProof(owner.actor, proofId)).state).toBe('approved');
    expect(await leaves(proofId)).toHaveLength(1);
  });

  it('a reviewer\'s advice is kept as it stood', async () => {
    const proofId = await world.submittedProof(owner);
    const { cloneId } = await world.clones.createClone(owner.actor, key(), { ownershipProofId: proofId, name: OWNER_NAME, handle: 'kept-advice' });
    await world.clones.uploadEnrolmentVoice(owner.actor, key(), cloneId, await world.voice(10));
    await world.judge(reviewer(0), proofId, { verdict: 'approve' });
    const [row] = await world.database.asOwner<{ advice: { enrolment: { cloneId: string } } }>('SELECT advice FROM ownership_review WHERE proof_id = $1', [proofId]);
    expect(row?.advice.enrolment.cloneId).toBe(cloneId);
  });
});

describe('the end of an approval', () => {
  it('an operator withdraws it: leaf, note, and the rooms above are told', async () => {
    const proofId = await world.approvedProof(owner);
    const operator = (await world.operator()).actor;
    const withdrawn = await world.ownership.withdrawOwnershipProof(operator, key(), proofId, { reasonCode: 'fraud', text: 'The site was taken over.' });
    expect(withdrawn.state).toBe('withdrawn');
    expect(withdrawn.decisions.map(({ document }) => document['decision'])).toEqual(['approved', 'withdrawn']);
    expect(JSON.stringify(withdrawn.decisions)).not.toContain('taken over');
    expect(await leaves(proofId)).toHaveLength(2);
    expect(world.told.endedProofs).toContain(proofId);
    expect(await world.database.runTx(async (tx) => await world.ownership.isProven(tx, proofId, world.clock.now()))).toBe(false);
    expect(await codeOf(world.ownership.withdrawOwnershipProof(operator, key(), proofId, { reasonCode: 'fraud', text: 'again' }))).toBe('proof_state');
  });

  it('comes by itself after a year, by a job that may run twice', async () => {
    const proofId = await world.approvedProof(owner);
    const [job] = await world.database.asOwner<{ run_at: Date; payload: { proofId: string } }>(
      'SELECT run_at, payload FROM job WHERE topic = $1 AND dedupe_key = $2', ['ownership.expireProof', `ownership.expireProof:${proofId}`],
    );
    const jobs = makeOwnershipJobs(world.ownership);
    const run = async () => await jobs['ownership.expireProof']!(job!.payload, { jobId: 'job', attempt: 1 });
    await expect(run()).rejects.toThrow(/not run out/);
    world.clock.set(job!.run_at);
    // Before the job has run, the answer is no already.
    expect((await world.ownership.getOwnershipProof(owner.actor, proofId)).state).toBe('expired');
    await run();
    await run();
    expect(await leaves(proofId)).toHaveLength(2);
    expect(world.told.endedProofs.filter((id) => id === proofId)).toHaveLength(1);
  });
});

describe('who may call', () => {
  const context = (actor: Person['actor'] | null) => ({ requestId: 'r', actor, idempotency: key() });
  const path = { proofId: `own_${'0'.repeat(26)}` };

  it('only reviewers review, only operators withdraw, nobody unsigned', async () => {
    const handlers = makeOwnershipHandlers(world.ownership);
    const input = { path, query: {}, headers: {} };
    const review = { ...input, body: { verdict: 'approve' as const, evidenceSha256: '0'.repeat(64) } };
    const withdrawal = { ...input, body: { reasonCode: 'fraud' as const, text: 'x' } };
    expect(await codeOf(handlers.reviewOwnershipProof(review, context(owner.actor)))).toBe('role_missing');
    expect(await codeOf(handlers.listReviews({ ...input, path: {}, body: undefined }, context(owner.actor)))).toBe('role_missing');
    expect(await codeOf(handlers.withdrawOwnershipProof(withdrawal, context(reviewer(0))))).toBe('role_missing');
    expect(await codeOf(handlers.getOwnershipProof({ ...input, body: undefined }, context(null)))).toBe('session_missing');
    expect(await codeOf(handlers.reviewOwnershipProof(review, context(reviewer(0))))).toBe('not_found');
  });
});

describe('PostgreSQL itself', () => {
  const roles = ['asApp', 'asOwner'] as const;

  it.each(roles)('approves no proof without two reviewers, %s', async (role) => {
    const proofId = await world.submittedProof(owner);
    const forge = () => world.database[role](
      `UPDATE ownership_proof SET state = 'approved', approved_at = now(), expires_at = now() + interval '1 day' WHERE id = $1`, [proofId],
    );
    await expect(forge()).rejects.toMatchObject({ constraint: 'ownership_proof_needs_two_reviewers' });
    await world.judge(reviewer(0), proofId, { verdict: 'approve' });
    await expect(forge()).rejects.toMatchObject({ constraint: 'ownership_proof_needs_two_reviewers' });
  });

  it.each(roles)('takes no review of oneself, no second review, no change of a review, %s', async (role) => {
    const proofId = await world.submittedProof(owner);
    const digest = (await world.ownership.getOwnershipProof(owner.actor, proofId)).evidenceSha256;
    const review = (id: string, who: string) => world.database[role](
      `INSERT INTO ownership_review (id, proof_id, reviewer_id, verdict, text, evidence_sha256, at) VALUES ($1, $2, $3, 'approve', '', $4, $5)`,
      [id, proofId, who, digest, world.clock.now()],
    );
    await expect(review(`self-${role}`, owner.actor.accountId)).rejects.toMatchObject({ constraint: 'ownership_review_not_of_self' });
    await expect(review(`unclaimed-${role}`, reviewer(0).accountId)).rejects.toMatchObject({ constraint: 'ownership_review_needs_claim' });
    await world.judge(reviewer(0), proofId, { verdict: 'approve' });
    await expect(review(`twice-${role}`, reviewer(0).accountId)).rejects.toMatchObject({ code: '23505' });
    await expect(review(`other-${role}`, reviewer(1).accountId)).rejects.toMatchObject({ constraint: 'ownership_review_needs_claim' });
    await expect(world.database[role]('UPDATE ownership_review SET text = $2 WHERE proof_id = $1', [proofId, 'x'])).rejects.toThrow();
    await expect(world.database[role]('DELETE FROM ownership_review WHERE proof_id = $1', [proofId])).rejects.toThrow();
    await expect(world.database[role]('TRUNCATE ownership_review')).rejects.toThrow();
  });

  it.each(roles)('moves a proof only as the table of moves says, %s', async (role) => {
    const proofId = await world.approvedProof(owner);
    for (const state of ['open', 'submitted', 'rejected']) {
      await expect(world.database[role]('UPDATE ownership_proof SET state = $2 WHERE id = $1', [proofId, state])).rejects.toMatchObject({ constraint: 'ownership_proof_moves' });
    }
  });
});

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import { makeOwnershipJobs } from '../../src/ownership/index.ts';
import { paperContent } from '../../src/ownership/kinds/papers.ts';
import { makeSealer } from '../../src/platform/keys/index.ts';
import { documentDigest } from '../../src/transparency/index.ts';
import { codeOf, openWorld, type Person, type World } from './world.ts';

const DAY_MS = 86_400_000;
const SECRET_TEXT = 'Passport of Lin Ya, number E12345678';
const PDF = Buffer.from(`%PDF-1.7\n${SECRET_TEXT}\n${'x'.repeat(200)}\ntrailer\n%%EOF\n`);
const PNG = Buffer.concat([
  Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13), Buffer.from('IHDR'), Buffer.alloc(64), Buffer.of(0, 0, 0, 0), Buffer.from('IEND'), Buffer.alloc(4),
]);
const JPEG = Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.alloc(100), Buffer.of(0xff, 0xd9)]);

let world: World;
let owner: Person;
let voucher: Person;
let voucherProofId: string;
let reviewers: Person[];

beforeAll(async () => {
  world = await openWorld('papers');
  owner = await world.register('Chen Mo');
  voucher = await world.register('Lin Ya');
  voucherProofId = await world.approvedProof(voucher);
  reviewers = [await world.reviewer('P1'), await world.reviewer('P2'), await world.reviewer('P3')];
});
afterAll(async () => await world.close());

const key = () => world.key();

async function open(person: Person, input: object = {}): Promise<string> {
  const { document } = world.ownership.draftOwnershipClaim(person.actor, { subjectName: 'Chen Mo', handle: 'chen-mo', locale: 'en', ...input });
  const signature = await world.sign(person, 'ownership_claim', document);
  return (await world.ownership.openOwnershipProof(person.actor, key(), { subjectName: document.subjectName, signature })).proofId;
}

async function addPaper(person: Person, proofId: string, bytes: Uint8Array = PDF): Promise<string> {
  const { evidenceId } = await world.ownership.addEvidence(person.actor, key(), proofId, { kind: 'document', documentType: 'passport' });
  await world.ownership.uploadEvidence(person.actor, key(), proofId, evidenceId, bytes);
  return evidenceId;
}

async function vouch(by: Person, ownProofId: string, proofId: string, evidenceId: string): Promise<unknown> {
  const { document } = await world.ownership.draftVouch(by.actor, proofId, evidenceId, { voucherProofId: ownProofId, locale: 'zh-CN' });
  const signature = await world.sign(by, 'vouch', document);
  return await world.ownership.vouchForProof(by.actor, key(), proofId, evidenceId, { voucherProofId: ownProofId, signature });
}

async function addWord(person: Person, proofId: string, by = voucher, ownProofId = voucherProofId): Promise<string> {
  const { evidenceId } = await world.ownership.addEvidence(person.actor, key(), proofId, { kind: 'vouching', voucherAccountId: by.actor.accountId });
  await vouch(by, ownProofId, proofId, evidenceId);
  return evidenceId;
}

/** A private person's proof by paper, voice and somebody's word, handed in. */
async function submitted(): Promise<{ proofId: string; paperId: string }> {
  const proofId = await open(owner);
  const paperId = await addPaper(owner, proofId);
  await world.addRecordedVoice(owner, proofId, await world.voice(5));
  await addWord(owner, proofId);
  await world.ownership.submitOwnershipProof(owner.actor, key(), proofId);
  return { proofId, paperId };
}

/** Every byte that the blob store holds. */
function blobs(): Buffer[] {
  const walk = (folder: string): Buffer[] => readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [readFileSync(path)];
  });
  return walk(join(world.folder, 'blobs'));
}

describe('a paper', () => {
  it('is what its bytes say', () => {
    expect([PDF, PNG, JPEG].map(paperContent)).toEqual(['application/pdf', 'image/png', 'image/jpeg']);
    for (const bytes of [PDF.subarray(0, 100), PNG.subarray(0, 84), JPEG.subarray(0, 80), Buffer.from('<html>'.repeat(50)), Buffer.alloc(0), Buffer.from('MZ'.repeat(100))]) {
      expect(paperContent(bytes)).toBe(null);
    }
  });

  it('is refused when it is none, and lies nowhere in the clear', async () => {
    const proofId = await open(owner);
    const { evidenceId } = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'document', documentType: 'identity_card' });
    expect(await codeOf(world.ownership.uploadEvidence(owner.actor, key(), proofId, evidenceId, Buffer.from('not a paper')))).toBe('paper_unreadable');
    const kept = await world.ownership.uploadEvidence(owner.actor, key(), proofId, evidenceId, PDF);
    expect(kept).toMatchObject({ state: 'uploaded', paper: { documentType: 'identity_card', file: { contentType: 'application/pdf', byteLength: PDF.length } } });
    for (const bytes of blobs()) expect(bytes.includes(SECRET_TEXT)).toBe(false);
    const rows = await world.database.asOwner('SELECT terms::text || coalesce(finding::text, \'\') AS row FROM ownership_evidence');
    expect(JSON.stringify(rows)).not.toContain('E12345678');
  });

  it('with a selfie of a card alone hands nothing in', async () => {
    const proofId = await open(owner);
    await addPaper(owner, proofId);
    expect(await codeOf(world.ownership.submitOwnershipProof(owner.actor, key(), proofId))).toBe('proof_incomplete');
  });

  it('is shown to the reviewer who holds the case, and each look is kept', async () => {
    const { proofId, paperId } = await submitted();
    const view = (index: number, reason = 'Compare the name') => world.ownership.viewPaper(reviewers[index]!.actor, proofId, paperId, reason);
    expect(await codeOf(view(0))).toBe('review_unclaimed');
    await world.ownership.claimReview(reviewers[0]!.actor, key(), proofId);
    expect(await view(0)).toEqual(PDF);
    expect(await view(0, 'Compare the photograph')).toEqual(PDF);
    expect(await codeOf(view(1))).toBe('review_unclaimed');
    const looks = await world.database.asOwner('SELECT viewer_id, reason, at FROM ownership_paper_view WHERE evidence_id = $1 ORDER BY id', [paperId]);
    const who = reviewers[0]!.actor.accountId;
    expect(looks).toEqual([
      { viewer_id: who, reason: 'Compare the name', at: world.clock.now() }, { viewer_id: who, reason: 'Compare the photograph', at: world.clock.now() },
    ]);
    world.clock.advance(3_600_000);
    expect(await codeOf(view(0))).toBe('review_unclaimed');
    for (const role of ['asApp', 'asOwner'] as const) {
      await expect(world.database[role](
        `INSERT INTO ownership_paper_view (evidence_id, lease_id, viewer_id, reason, at) SELECT $1, id, reviewer_id, 'x', $3 FROM ownership_lease WHERE proof_id = $2`,
        [paperId, proofId, world.clock.now()])).rejects.toMatchObject({ constraint: 'ownership_paper_view_by_holder' });
      await expect(world.database[role]('DELETE FROM ownership_paper_view')).rejects.toThrow();
    }
  });

  it('is destroyed after the decision: nothing that is left decrypts, and a leaf says so', async () => {
    const { proofId, paperId } = await submitted();
    const [sealed] = await world.database.asOwner<{ digest: string }>('SELECT digest FROM ownership_sealed WHERE proof_id = $1', [proofId]);
    for (const index of [0, 1]) await world.judge(reviewers[index]!.actor, proofId, { verdict: 'approve' });
    const [job] = await world.database.asOwner<{ run_at: Date; payload: never }>(
      `SELECT run_at, payload FROM job WHERE topic = 'ownership.destroyPapers' AND payload ->> 'proofId' = $1 ORDER BY run_at LIMIT 1`, [proofId]);
    expect(job!.run_at.getTime() - world.clock.now().getTime()).toBe(45 * DAY_MS);
    const run = async () => await makeOwnershipJobs(world.ownership)['ownership.destroyPapers']!(job!.payload, { jobId: 'job', attempt: 1 });
    await run();
    expect(await world.blobs.has(sealed!.digest)).toBe(true);
    const before = await world.blobs.get(sealed!.digest);
    const [wrapped] = await world.database.asOwner<{ wrapped: Buffer }>('SELECT wrapped FROM ownership_case_key WHERE proof_id = $1', [proofId]);
    expect(world.sealer.unseal(proofId, wrapped!.wrapped, before)).toEqual(PDF);

    world.clock.set(job!.run_at);
    await run();
    await run();
    expect(await world.blobs.has(sealed!.digest)).toBe(false);
    expect(await world.database.asOwner('SELECT wrapped FROM ownership_case_key WHERE proof_id = $1', [proofId])).toEqual([{ wrapped: null }]);
    // Even with a copy of the sealed file, no key that the database still has opens it.
    const keys = await world.database.asOwner<{ proof_id: string; wrapped: Buffer }>('SELECT proof_id, wrapped FROM ownership_case_key WHERE wrapped IS NOT NULL');
    expect(keys.length).toBeGreaterThan(0);
    for (const { proof_id: other, wrapped: kept } of keys) {
      for (const caseId of [proofId, other]) expect(() => world.sealer.unseal(caseId, kept, before)).toThrow();
    }
    const leaves = await world.database.runTx(async (tx) => await world.log.leavesOf(tx, proofId));
    expect(leaves.map(({ type }) => type)).toEqual(['ownership_proof.decided', 'ownership_papers.destroyed']);
    const [record] = await world.database.asOwner<{ document: never; leaf_id: string }>('SELECT document, leaf_id FROM ownership_destruction WHERE proof_id = $1', [proofId]);
    expect(documentDigest(record!.document)).toBe(leaves[1]?.documentSha256);
    expect(record!.leaf_id).toBe(leaves[1]?.leafId);
    expect(await codeOf(world.ownership.viewPaper(reviewers[2]!.actor, proofId, paperId, 'x'))).toBe('review_unclaimed');
    for (const role of ['asApp', 'asOwner'] as const) {
      await expect(world.database[role](`UPDATE ownership_case_key SET wrapped = '\\x00', destroyed_at = NULL WHERE proof_id = $1`, [proofId]))
        .rejects.toMatchObject({ constraint: 'ownership_case_key_is_forgotten_once' });
    }
    expect((await world.ownership.getOwnershipProof(owner.actor, proofId)).state).toBe('approved');
  });

  it('of a proof that is never handed in is destroyed too; one that people judge is not', async () => {
    const idle = await open(owner);
    await addPaper(owner, idle);
    const judged = await submitted();
    world.clock.advance(181 * DAY_MS);
    for (const proofId of [idle, judged.proofId]) await world.ownership.destroyPapers(proofId);
    const left = async (proofId: string) => (await world.database.asOwner<{ wrapped: Buffer | null }>('SELECT wrapped FROM ownership_case_key WHERE proof_id = $1', [proofId]))[0]!.wrapped;
    expect(await left(idle)).toBe(null);
    expect(await left(judged.proofId)).not.toBe(null);
    const { evidenceId } = await world.ownership.addEvidence(owner.actor, key(), idle, { kind: 'document', documentType: 'passport' });
    expect(await codeOf(world.ownership.uploadEvidence(owner.actor, key(), idle, evidenceId, PDF))).toBe('evidence_state');
  });
});

describe('sealing', () => {
  const random = seededRandom('sealing');
  const sealer = makeSealer(random.bytes(32), random);
  it('opens only with the same case, key and bytes, and never seals twice alike', () => {
    const wrapped = sealer.newKey('a');
    const sealed = sealer.seal('a', wrapped, PDF);
    expect(sealer.unseal('a', wrapped, sealed)).toEqual(PDF);
    expect(sealer.seal('a', wrapped, PDF)).not.toEqual(sealed);
    expect(() => sealer.unseal('b', wrapped, sealed)).toThrow();
    expect(() => sealer.unseal('a', sealer.newKey('a'), sealed)).toThrow();
    expect(() => makeSealer(random.bytes(32), random).unseal('a', wrapped, sealed)).toThrow();
    for (let at = 0; at < sealed.length; at += 7) {
      const bent = Buffer.from(sealed);
      bent[at]! ^= 1;
      expect(() => sealer.unseal('a', wrapped, bent)).toThrow();
    }
    expect(() => sealer.unseal('a', wrapped, sealed.subarray(0, 20))).toThrow();
  });
});

describe('a word', () => {
  it('is given by signature, by the one who was named and is proven', async () => {
    world.clock.advance(365 * DAY_MS);
    const proofId = await open(owner);
    const { evidenceId } = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'vouching', voucherAccountId: voucher.actor.accountId });
    const fresh = await world.approvedProof(voucher);
    const stranger = await world.register('Stranger');
    const draft = (person: Person, own: string) => codeOf(world.ownership.draftVouch(person.actor, proofId, evidenceId, { voucherProofId: own, locale: 'en' }));
    expect(await draft(stranger, fresh)).toBe('not_found');
    expect(await draft(voucher, proofId)).toBe('vouch_refused');
    // The proof of the beginning has run out by now.
    expect(await draft(voucher, voucherProofId)).toBe('vouch_refused');
    voucherProofId = fresh;
    const { document } = await world.ownership.draftVouch(voucher.actor, proofId, evidenceId, { voucherProofId, locale: 'en' });
    const other = await world.sign(voucher, 'vouch', { ...document, subjectName: 'Wang Fei' });
    expect(await codeOf(world.ownership.vouchForProof(voucher.actor, key(), proofId, evidenceId, { voucherProofId, signature: other }))).toBe('signature_mismatch');
    expect(await codeOf(world.ownership.checkEvidence(owner.actor, key(), proofId, evidenceId, {}))).toBe('evidence_state');
    const { expiresAt } = await world.ownership.getOwnershipProof(voucher.actor, voucherProofId);
    expect(await vouch(voucher, voucherProofId, proofId, evidenceId)).toMatchObject({ validUntil: expiresAt });
  });

  it('is not one\'s own, nor does it go in a circle', async () => {
    expect(await codeOf(world.ownership.addEvidence(owner.actor, key(), await open(owner), { kind: 'vouching', voucherAccountId: owner.actor.accountId }))).toBe('vouch_refused');
    const { proofId } = await submitted();
    for (const index of [0, 1]) await world.judge(reviewers[index]!.actor, proofId, { verdict: 'approve' });
    // Chen Mo's proof rests on Lin Ya's word; for a proof of Lin Ya it does not count.
    const back = await open(voucher, { subjectName: 'Lin Ya', handle: 'lin-ya' });
    const { evidenceId } = await world.ownership.addEvidence(voucher.actor, key(), back, { kind: 'vouching', voucherAccountId: owner.actor.accountId });
    expect(await codeOf(world.ownership.draftVouch(owner.actor, back, evidenceId, { voucherProofId: proofId, locale: 'en' }))).toBe('vouch_refused');
  });

  it('counts only while its giver is proven, and its giver judges nothing of the case', async () => {
    const giver = await world.reviewer('Giver');
    const own = await world.approvedProof(giver);
    const proofId = await open(owner);
    await addPaper(owner, proofId);
    await world.addRecordedVoice(owner, proofId, await world.voice(5));
    await addWord(owner, proofId, giver, own);
    await world.ownership.submitOwnershipProof(owner.actor, key(), proofId);
    expect(await codeOf(world.ownership.claimReview(giver.actor, key(), proofId))).toBe('review_self');
    expect((await world.ownership.listReviews(giver.actor, 100)).cases.map((one) => one.proofId)).not.toContain(proofId);
    await expect(world.database.asApp(
      `INSERT INTO ownership_lease (id, proof_id, reviewer_id, claimed_at, expires_at) VALUES ('giver', $1, $2, now(), '2099-01-01')`, [proofId, giver.actor.accountId],
    )).rejects.toMatchObject({ constraint: 'ownership_lease_impartial' });
    await world.judge(reviewers[0]!.actor, proofId, { verdict: 'approve' });
    await world.ownership.withdrawOwnershipProof((await world.operator()).actor, key(), own, { reasonCode: 'fraud', text: 'Lied.' });
    expect(await codeOf(world.judge(reviewers[1]!.actor, proofId, { verdict: 'approve' }))).toBe('proof_incomplete');
  });

  it.each(['asApp', 'asOwner'] as const)('is not forged, %s', async (role) => {
    const proofId = await open(owner);
    const { evidenceId } = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'vouching', voucherAccountId: voucher.actor.accountId });
    await expect(world.database[role](
      `UPDATE ownership_evidence SET state = 'passed', passed_at = now(), valid_until = '2099-01-01', finding = jsonb_build_object('signedDocumentId',
         (SELECT claim_document_id FROM ownership_proof WHERE id = $2), 'voucherProofId', $2::text) WHERE id = $1`, [evidenceId, voucherProofId]))
      .rejects.toMatchObject({ constraint: 'ownership_vouch_is_signed' });
  });
});

describe('who acts for another', () => {
  it('signs as what, for whom and until when, and hands in the paper that says so', async () => {
    const until = new Date(world.clock.now().getTime() + 100 * DAY_MS).toISOString();
    const proofId = await open(owner, { subjectName: 'Lin Ya', handle: 'lin-ya', subjectKind: 'representative', claimantName: 'Chen Mo' });
    const { document } = await world.ownership.draftRepresentation(owner.actor, proofId, { until, locale: 'en' });
    expect(document).toMatchObject({ role: 'representative', claimantName: 'Chen Mo', subjectName: 'Lin Ya', until });
    const add = async (signed: object) => await world.ownership.addEvidence(
      owner.actor, key(), proofId, { kind: 'representation', signature: await world.sign(owner, 'representation', signed) });
    for (const change of [{ subjectName: 'Wang Fei' }, { role: 'heir' }, { until: '2090-01-01T00:00:00.000Z' }]) {
      expect(await codeOf(add({ ...document, ...change }))).toBe('signature_mismatch');
    }
    const { evidenceId } = await add(document);
    const kept = await world.ownership.uploadEvidence(owner.actor, key(), proofId, evidenceId, PDF);
    expect(kept).toMatchObject({ state: 'uploaded', validUntil: until, paper: { signed: { role: 'representative', until } } });
    await addPaper(owner, proofId, PNG);
    expect(await codeOf(world.ownership.submitOwnershipProof(owner.actor, key(), proofId))).toBe('proof_incomplete');
    await addWord(owner, proofId);
    await world.ownership.submitOwnershipProof(owner.actor, key(), proofId);
    await world.ownership.claimReview(reviewers[0]!.actor, key(), proofId);
    expect(await world.ownership.viewPaper(reviewers[0]!.actor, proofId, evidenceId, 'Read the authority')).toEqual(PDF);
    await world.judge(reviewers[0]!.actor, proofId, { verdict: 'approve' });
    // The approval ends with the authority, before its own term does.
    expect((await world.judge(reviewers[1]!.actor, proofId, { verdict: 'approve' })).expiresAt).toBe(until);
  });

  it('is nobody who claims for themself, and has an end in the future', async () => {
    const day = (days: number) => new Date(world.clock.now().getTime() + days * DAY_MS).toISOString();
    expect(await codeOf(world.ownership.draftRepresentation(owner.actor, await open(owner), { until: day(1), locale: 'en' }))).toBe('evidence_not_accepted');
    const proofId = await open(owner, { subjectName: 'Lin Ya', handle: 'lin-ya', subjectKind: 'guardian', claimantName: 'Chen Mo' });
    for (const days of [0, -1, 3_651]) expect(await codeOf(world.ownership.draftRepresentation(owner.actor, proofId, { until: day(days), locale: 'en' }))).toBe('request_invalid');
  });
});

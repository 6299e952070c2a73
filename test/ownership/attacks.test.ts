import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sha256Hex } from '../../src/kernel/digest.ts';
import { codeOf, openWorld, type Person, type World } from './world.ts';

let world: World;
let owner: Person;
beforeAll(async () => {
  world = await openWorld('ownership attacks');
  owner = await world.register('Lin Ya');
});
afterAll(async () => await world.close());

const roles = ['asApp', 'asOwner'] as const;

describe('PostgreSQL itself', () => {
  it.each(roles)('takes reviews from reviewers only, %s', async (role) => {
    const proofId = await world.submittedProof(owner);
    const fan = await world.register('Fan');
    await expect(world.database[role](
      `INSERT INTO ownership_review (id, proof_id, reviewer_id, verdict, text, evidence_sha256, at) VALUES ($1, $2, $3, 'approve', '', '', now())`,
      [`fan-${role}`, proofId, fan.actor.accountId],
    )).rejects.toMatchObject({ constraint: 'ownership_review_needs_claim' });
    await expect(world.database[role](
      `INSERT INTO ownership_lease (id, proof_id, reviewer_id, claimed_at, expires_at) VALUES ($1, $2, $3, now(), now() + interval '1 hour')`,
      [`fan-${role}`, proofId, fan.actor.accountId],
    )).rejects.toMatchObject({ constraint: 'ownership_lease_by_a_reviewer' });
  });

  it.each(roles)('prolongs no approval and moves no other time of a proof, %s', async (role) => {
    const proofId = await world.approvedProof(owner);
    for (const column of ['submitted_at', 'approved_at', 'expires_at']) {
      await expect(world.database[role](`UPDATE ownership_proof SET ${column} = '2099-01-01' WHERE id = $1`, [proofId]))
        .rejects.toMatchObject({ constraint: 'ownership_proof_times_stay' });
    }
  });

  it.each(roles)('changes and adds no evidence once the proof was handed in, %s', async (role) => {
    const proofId = await world.submittedProof(owner);
    const refused = { constraint: 'ownership_evidence_closes' };
    await expect(world.database[role](`UPDATE ownership_evidence SET blob_digest = $2 WHERE proof_id = $1 AND kind = 'voice_challenge'`, [proofId, '0'.repeat(64)]))
      .rejects.toMatchObject(refused);
    await expect(world.database[role](
      `INSERT INTO ownership_evidence (id, proof_id, kind, state, terms, created_at, expires_at)
       VALUES ($1, $2, 'domain', 'superseded', '{}', now(), now() + interval '1 day')`, [`late-${role}`, proofId],
    )).rejects.toMatchObject(refused);
  });

  it.each(roles)('stands no proof on a claim that somebody else signed, %s', async (role) => {
    const other = await world.register('Other');
    const { document } = world.ownership.draftOwnershipClaim(other.actor, { subjectName: 'Other', handle: 'other', locale: 'en' });
    const signature = await world.sign(other, 'ownership_claim', document);
    const { id } = await world.database.runTx(async (tx) =>
      await world.identity.completeSignature(tx, other.actor, signature, { documentType: 'ownership_claim' }));
    await expect(world.database[role](
      `INSERT INTO ownership_proof (id, account_id, subject_name, handle, statement, claim_document_id, state, opened_at)
       VALUES ($1, $2, 'Other', 'other', '', $3, 'open', now())`, [`stolen-${role}`, owner.actor.accountId, id],
    )).rejects.toMatchObject({ constraint: 'ownership_proof_claimed_by_its_account' });
  });
});

describe('evidence that is over', () => {
  it('takes no further recording: it is neither measured nor kept', async () => {
    const proofId = await world.submittedProof(owner);
    const { evidence } = await world.ownership.getOwnershipProof(owner.actor, proofId);
    const evidenceId = evidence.find(({ kind }) => kind === 'voice_challenge')?.evidenceId ?? '';
    const late = await world.voice(5, 0.31);
    expect(await codeOf(world.ownership.uploadEvidence(owner.actor, world.key(), proofId, evidenceId, late))).toBe('evidence_state');
    expect(await world.blobs.has(sha256Hex(late))).toBe(false);
  });

  it('answers a repeated upload as before, also after the proof was handed in', async () => {
    const proofId = await world.openProof(owner);
    await world.addCheckedSite(owner, proofId);
    const { evidenceId } = await world.ownership.addEvidence(owner.actor, world.key(), proofId, { kind: 'voice_challenge', language: 'en' });
    const key = world.key();
    const voice = await world.voice(5);
    const upload = async () => await world.ownership.uploadEvidence(owner.actor, key, proofId, evidenceId, voice);
    const first = await upload();
    await world.ownership.submitOwnershipProof(owner.actor, world.key(), proofId);
    expect(await upload()).toEqual(first);
    const other = await world.voice(5, 0.32);
    const reused = world.ownership.uploadEvidence(owner.actor, { ...key, digest: 'another' }, proofId, evidenceId, other);
    expect(await codeOf(reused)).toBe('idempotency_key_reused');
    expect(await world.blobs.has(sha256Hex(other))).toBe(false);
  });
});

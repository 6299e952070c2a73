import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sha256Hex } from '../../src/kernel/digest.ts';
import { codeOf, openWorld, OWNER_NAME, PERSONA, type Person, refusalOf, type World } from '../ownership/world.ts';

let world: World;
let owner: Person;
let voice: Uint8Array;
beforeAll(async () => {
  world = await openWorld('clones attacks');
  owner = await world.register('Lin Ya');
  voice = await world.voice(10);
});
afterAll(async () => await world.close());

const key = () => world.key();
let handles = 0;

async function draft(proofId: string): Promise<{ cloneId: string; versionId: string; document: object }> {
  handles += 1;
  const { cloneId } = await world.clones.createClone(owner.actor, key(), { ownershipProofId: proofId, name: OWNER_NAME, handle: `attacked-${handles}` });
  await world.clones.uploadEnrolmentVoice(owner.actor, key(), cloneId, voice);
  await world.clones.setPersona(owner.actor, key(), cloneId, { text: PERSONA, languages: ['zh-CN', 'en'] });
  const { versionId, document } = await world.clones.createVersion(owner.actor, key(), cloneId);
  return { cloneId, versionId, document };
}

async function approve({ versionId, document }: { versionId: string; document: object }): Promise<void> {
  world.heard.add(versionId);
  const signature = await world.sign(owner, 'version_approval', document);
  await world.clones.approveVersion(owner.actor, key(), versionId, { signature });
}

describe('a clone that was never live', () => {
  it('is for strangers the same as none, until its first approval', async () => {
    const clone = await draft(await world.approvedProof(owner));
    const stranger = await world.register('Stranger');
    const look = async (cloneId: string) => {
      const { code, message, extra } = await refusalOf(world.clones.getClone(stranger.actor, cloneId));
      return { code, message, extra };
    };
    expect(await look(clone.cloneId)).toEqual(await look(`cln_${'0'.repeat(26)}`));
    await approve(clone);
    expect(await world.clones.getClone(stranger.actor, clone.cloneId)).toEqual({ cloneId: clone.cloneId, name: OWNER_NAME, handle: `attacked-${handles}`, verified: true, owned: null });
    await world.clones.withdrawVersion(owner.actor, key(), clone.versionId);
    expect(await world.clones.getClone(stranger.actor, clone.cloneId)).toMatchObject({ cloneId: clone.cloneId, owned: null });
  });
});

describe('moving a clone to a proof that falls at the same instant', () => {
  it('is refused, not an error of ours', async () => {
    const clone = await draft(await world.approvedProof(owner));
    await approve(clone);
    const falling = await world.approvedProof(owner);
    const client = new pg.Client({ connectionString: world.database.appUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query(`UPDATE ownership_proof SET state = 'withdrawn', ended_at = now() WHERE id = $1`, [falling]);
    const moving = codeOf(world.clones.replaceCloneProof(owner.actor, key(), clone.cloneId, { ownershipProofId: falling }));
    await new Promise((done) => setTimeout(done, 150));
    await client.query('COMMIT');
    await client.end();
    expect(await moving).toBe('ownership_unproven');
  });
});

describe('enrolment', () => {
  it('with a key that stands for another recording keeps nothing', async () => {
    const { cloneId } = await draft(await world.openProof(owner));
    const one = key();
    await world.clones.uploadEnrolmentVoice(owner.actor, one, cloneId, voice);
    const other = await world.voice(10, 0.33);
    const reused = world.clones.uploadEnrolmentVoice(owner.actor, { ...one, digest: 'another' }, cloneId, other);
    expect(await codeOf(reused)).toBe('idempotency_key_reused');
    expect(await world.blobs.has(sha256Hex(other))).toBe(false);
  });
});

describe('PostgreSQL itself', () => {
  it.each(['asApp', 'asOwner'] as const)('approves a version by its own signed document and by no other, %s', async (role) => {
    const proofId = await world.approvedProof(owner);
    const [one, two] = [await draft(proofId), await draft(proofId)];
    await approve(one);
    const claim = await world.database.asOwner<{ claim_document_id: string }>('SELECT claim_document_id FROM ownership_proof WHERE id = $1', [proofId]);
    await expect(world.database[role](
      `UPDATE clone_version SET state = 'approved', approved_at = now(), signed_document_id = $2 WHERE id = $1`, [two.versionId, claim[0]?.claim_document_id],
    )).rejects.toMatchObject({ constraint: 'clone_version_signed_as_it_is' });
  });
});

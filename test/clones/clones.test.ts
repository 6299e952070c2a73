import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { readWav, writeWav } from '../../src/platform/inference.ts';
import { codeOf, openWorld, OWNER_NAME, PERSONA, type Person, refusalOf, type World } from '../ownership/world.ts';

let world: World;
let owner: Person;
let stranger: Person;
let voice: Uint8Array;

beforeAll(async () => {
  world = await openWorld('clones');
  owner = await world.register('Lin Ya');
  stranger = await world.register('Somebody else');
  voice = await world.voice(10);
});
afterAll(async () => await world.close());

const key = () => world.key();
let handles = 0;

async function newClone(proofId: string, person = owner): Promise<string> {
  handles += 1;
  const clone = await world.clones.createClone(person.actor, key(), { ownershipProofId: proofId, name: OWNER_NAME, handle: `lin-ya-${handles}` });
  return clone.cloneId;
}

/** A clone with a voice and a persona, on a fresh proof of this state. */
async function enrolledClone(proof: 'open' | 'approved' = 'open'): Promise<{ cloneId: string; proofId: string }> {
  const proofId = proof === 'approved' ? await world.approvedProof(owner) : await world.openProof(owner);
  const cloneId = await newClone(proofId);
  await world.clones.uploadEnrolmentVoice(owner.actor, key(), cloneId, voice);
  await world.clones.setPersona(owner.actor, key(), cloneId, { text: PERSONA, languages: ['zh-CN', 'en'] });
  return { cloneId, proofId };
}

async function approve(versionId: string, person = owner): Promise<unknown> {
  const { document } = await world.clones.getVersion(owner.actor, versionId);
  world.heard.add(versionId);
  return await world.clones.approveVersion(person.actor, key(), versionId, { signature: await world.sign(person, 'version_approval', document) });
}

describe('creating a clone', () => {
  it('needs a proof of one\'s own, in any state, and a free handle', async () => {
    const proofId = await world.openProof(owner);
    const clone = await world.clones.createClone(owner.actor, key(), { ownershipProofId: proofId, name: 'Lin Ya e\u0301', handle: 'first-one' });
    expect(clone).toMatchObject({ name: 'Lin Ya é', handle: 'first-one', verified: false, owned: { proofState: 'open', voice: null, persona: null, versions: [] } });
    const create = (proof: string, handle: string, person = owner) =>
      refusalOf(world.clones.createClone(person.actor, key(), { ownershipProofId: proof, name: 'X', handle }));
    expect((await create(proofId, 'first-one')).code).toBe('handle_taken');
    const foreign = await create(proofId, 'other-one', stranger);
    const unknown = await create(`own_${'0'.repeat(26)}`, 'other-one', stranger);
    expect([foreign.code, foreign.message, foreign.extra]).toEqual([unknown.code, unknown.message, unknown.extra]);
    expect(foreign.code).toBe('not_found');
    expect((await refusalOf(world.clones.createClone(owner.actor, key(), { ownershipProofId: proofId, name: '\u202e', handle: 'other-one' }))).code).toBe('request_invalid');
  });

  it('is not listed before a version is approved, and is not there for others', async () => {
    const { cloneId } = await enrolledClone();
    expect(await codeOf(world.clones.getClone(stranger.actor, cloneId))).toBe('not_found');
    expect((await world.clones.listClones({ limit: 100 })).clones.map((one) => one.cloneId)).not.toContain(cloneId);
    expect(await codeOf(world.clones.getClone(owner.actor, 'cln_unknown'))).toBe('not_found');
  });

  it('somebody else\'s clone is not there to be changed', async () => {
    const { cloneId, proofId } = await enrolledClone();
    const { versionId } = await world.clones.createVersion(owner.actor, key(), cloneId);
    const attempts = (clone: string, version: string) => [
      world.clones.uploadEnrolmentVoice(stranger.actor, key(), clone, voice),
      world.clones.setPersona(stranger.actor, key(), clone, { text: PERSONA, languages: ['en'] }),
      world.clones.createVersion(stranger.actor, key(), clone),
      world.clones.replaceCloneProof(stranger.actor, key(), clone, { ownershipProofId: proofId }),
      world.clones.getVersion(stranger.actor, version),
      world.clones.withdrawVersion(stranger.actor, key(), version),
      world.clones.approveVersion(stranger.actor, key(), version, { signature: { challengeId: 'x', credential: {} as never } }),
    ];
    const plain = async (work: Promise<unknown>[]) => (await Promise.all(work.map(refusalOf))).map(({ code, message, extra }) => ({ code, message, extra }));
    const foreign = await plain(attempts(cloneId, versionId));
    expect(foreign).toEqual(await plain(attempts('cln_unknown', 'ver_unknown')));
    expect(new Set(foreign.map(({ code }) => code))).toEqual(new Set(['not_found']));
  });
});

describe('enrolment', () => {
  it('keeps the recording, measures it, and tells the model its voice', async () => {
    const cloneId = await newClone(await world.openProof(owner));
    const one = key();
    const material = await world.clones.uploadEnrolmentVoice(owner.actor, one, cloneId, voice);
    expect(await world.clones.uploadEnrolmentVoice(owner.actor, one, cloneId, voice)).toEqual(material);
    expect(material).toMatchObject({ digest: sha256Hex(voice), mediaPath: `/v1/clones/${cloneId}/enrolment/voice/media` });
    expect(material.voicedSeconds).toBeGreaterThanOrEqual(5);
    expect(material.speaker).toHaveLength(8);
    // The recording was spoken 0.7 octaves above the reference voice, and is measured there.
    expect(material.speaker[0]).toBeGreaterThan(0.6);
    expect(material.speaker[0]).toBeLessThan(0.8);
    expect(await world.blobs.get(material.digest)).toEqual(Buffer.from(voice));
    const recording = await world.database.runTx(async (tx) => await world.clones.enrolmentRecording(tx, cloneId));
    expect(recording).toEqual({ cloneId, ownerAccountId: owner.actor.accountId, blobDigest: material.digest });
  });

  it('refuses too little voice with what was measured, and what is not the WAV it says', async () => {
    const cloneId = await newClone(await world.openProof(owner));
    const upload = (bytes: Uint8Array) => refusalOf(world.clones.uploadEnrolmentVoice(owner.actor, key(), cloneId, bytes));
    const { samples, sampleRateHz } = readWav(voice);
    const short = writeWav(Int16Array.from(samples.subarray(0, 4 * sampleRateHz), (sample) => Math.round(sample * 32_767)), sampleRateHz);
    const refusal = await upload(short);
    expect(refusal).toMatchObject({ code: 'recording_too_short', extra: { neededVoicedSeconds: 5, seconds: 4 } });
    expect(refusal.extra['voicedSeconds']).toBeGreaterThan(1);
    const silence = await upload(writeWav(new Int16Array(10 * 24_000), 24_000));
    expect(silence).toMatchObject({ code: 'recording_too_short', extra: { voicedSeconds: 0 } });
    const lying = Buffer.from(voice);
    lying.writeUInt32LE(36, 4);
    expect((await upload(lying)).code).toBe('recording_invalid');
    expect((await upload(Buffer.from('RIFFxxxxWAVE'))).code).toBe('recording_invalid');
    const { owned } = await world.clones.getClone(owner.actor, cloneId);
    expect(owned?.voice).toBe(null);
    expect(await world.blobs.has(sha256Hex(lying))).toBe(false);
  });

  it('freezes nothing until voice and persona are there', async () => {
    const cloneId = await newClone(await world.openProof(owner));
    const create = () => refusalOf(world.clones.createVersion(owner.actor, key(), cloneId));
    expect(await create()).toMatchObject({ code: 'material_missing', extra: { missing: ['voice', 'persona'] } });
    await world.clones.setPersona(owner.actor, key(), cloneId, { text: PERSONA, languages: ['en'] });
    expect(await create()).toMatchObject({ code: 'material_missing', extra: { missing: ['voice'] } });
    expect(await codeOf(world.clones.setPersona(owner.actor, key(), cloneId, { text: '短'.repeat(199), languages: ['en'] }))).toBe('persona_too_short');
  });

  it('takes a human voice through enrolment and challenge', async () => {
    const names = ['Front_Center', 'Front_Left', 'Front_Right', 'Rear_Center', 'Rear_Left', 'Rear_Right', 'Side_Left', 'Side_Right'];
    const paths = names.map((name) => `/usr/share/sounds/alsa/${name}.wav`);
    if (!paths.every((path) => existsSync(path))) {
      console.log('skipped: the spoken files of alsa-utils are not on this machine');
      return;
    }
    const joined = (some: readonly string[]) => {
      const parts = some.map((path) => readWav(readFileSync(path)));
      return writeWav(Int16Array.from(parts.flatMap(({ samples }) => Array.from(samples, (sample) => Math.round(sample * 32_767)))), parts[0]!.sampleRateHz);
    };
    const proofId = await world.openProof(owner);
    const cloneId = await newClone(proofId);
    // All of it holds just over five seconds of voice, so the challenge is taken from its end.
    const material = await world.clones.uploadEnrolmentVoice(owner.actor, key(), cloneId, joined(paths));
    expect(material.seconds).toBeGreaterThan(11);
    const evidenceId = await world.addRecordedVoice(owner, proofId, joined(paths.slice(3)));
    const reviewer = await world.reviewer('listener');
    const { evidence } = await world.ownership.getOwnershipProof(reviewer.actor, proofId);
    const human = evidence.find((one) => one.evidenceId === evidenceId)?.voice;
    expect(human?.recording?.voicedSeconds).toBeGreaterThanOrEqual(2);
    expect(human?.advice?.distance).toBeLessThan(1);
    await world.clones.uploadEnrolmentVoice(owner.actor, key(), cloneId, await world.voice(10, -0.4));
    const against = (await world.ownership.getOwnershipProof(reviewer.actor, proofId)).evidence.find((one) => one.evidenceId === evidenceId);
    expect(against?.voice?.advice?.distance).toBeGreaterThan(human!.advice!.distance + 0.5);
  });
});

describe('approving a version', () => {
  it('freezes what is enrolled, and serves after the owner signed exactly that', async () => {
    const { cloneId } = await enrolledClone('approved');
    const version = await world.clones.createVersion(owner.actor, key(), cloneId);
    const described = await world.inference.describe();
    expect(version).toMatchObject({
      number: 1, state: 'draft', approvedAt: null,
      document: {
        type: 'benren.version_approval', cloneName: OWNER_NAME, number: '1', materialDigest: sha256Hex(voice),
        lineage: { voiceSha256: described.lineage }, languages: ['en', 'zh-CN'],
      },
    });
    expect(version.digest).toBe(sha256Hex(canonicalJson(version.document)));
    expect(await world.database.runTx(async (tx) => await world.clones.approvedVersion(tx, cloneId))).toBe(null);

    const approved = await approve(version.versionId);
    expect(approved).toMatchObject({ state: 'approved', approvedAt: world.clock.now().toISOString() });
    const serving = await world.database.runTx(async (tx) => await world.clones.approvedVersion(tx, cloneId));
    expect(serving).toMatchObject({ versionId: version.versionId, number: 1, state: 'approved' });
    expect(serving?.speaker.map((value) => value.toFixed(6))).toEqual(version.document.speaker);
    const [leaf] = await world.database.runTx(async (tx) => await world.log.leavesOf(tx, cloneId));
    expect(leaf).toMatchObject({ type: 'version.approved', documentSha256: version.digest });
    const listed = (await world.clones.listClones({ limit: 100 })).clones.find((one) => one.cloneId === cloneId);
    expect(listed).toEqual({ cloneId, name: OWNER_NAME, handle: `lin-ya-${handles}`, verified: true });
    expect((await world.clones.listClones({ limit: 100, handle: listed!.handle })).clones).toEqual([listed]);
    expect((await world.clones.listClones({ limit: 100, handle: listed!.handle, after: cloneId })).clones).toEqual([]);
  });

  it('without an approved proof is refused by the service, and nothing is logged', async () => {
    const { cloneId, proofId } = await enrolledClone();
    const { versionId } = await world.clones.createVersion(owner.actor, key(), cloneId);
    expect(await codeOf(approve(versionId))).toBe('ownership_unproven');
    await world.addCheckedSite(owner, proofId);
    await world.addRecordedVoice(owner, proofId, voice);
    await world.ownership.submitOwnershipProof(owner.actor, key(), proofId);
    expect(await codeOf(approve(versionId))).toBe('ownership_unproven');
    const one = await world.reviewer('one of two');
    await world.judge(one.actor, proofId, { verdict: 'approve' });
    expect(await codeOf(approve(versionId))).toBe('ownership_unproven');
    expect(await world.database.runTx(async (tx) => await world.log.leavesOf(tx, cloneId))).toEqual([]);
    const two = await world.reviewer('two of two');
    await world.judge(two.actor, proofId, { verdict: 'approve' });
    expect(await approve(versionId)).toMatchObject({ state: 'approved' });
  });

  it('needs heard probes, the owner\'s signature over this very document, and the models it was frozen with', async () => {
    const { cloneId } = await enrolledClone('approved');
    const { versionId, document } = await world.clones.createVersion(owner.actor, key(), cloneId);
    const submit = async (signed: unknown, clones = world.clones) => {
      const signature = await world.sign(owner, 'version_approval', signed);
      return await codeOf(clones.approveVersion(owner.actor, key(), versionId, { signature }));
    };
    expect(await submit(document)).toBe('version_state');
    world.heard.add(versionId);
    const others = [
      { ...document, number: '2' }, { ...document, materialDigest: '0'.repeat(64) }, { ...document, languages: ['en'] },
      { ...document, speaker: document.speaker.map(() => '0.000000') },
    ];
    for (const other of others) expect(await submit(other)).toBe('signature_mismatch');
    const { inference } = world;
    const otherModel = world.clonesWith({ inference: { ...inference, describe: async () => ({ ...(await inference.describe()), lineage: 'f'.repeat(64) }) } });
    expect(await submit(document, otherModel)).toBe('lineage_changed');
    expect(await submit(document, world.clonesWith({ policy: { type: 'benren.house_policy', rules: 'other' } }))).toBe('lineage_changed');
    expect((await world.clones.getVersion(owner.actor, versionId)).state).toBe('draft');
    expect(await approve(versionId)).toMatchObject({ state: 'approved' });
    expect(await codeOf(approve(versionId))).toBe('version_state');
  });

  it('is refused by the database when the service was shown a proof that has fallen, and nothing is logged', async () => {
    const { cloneId, proofId } = await enrolledClone('approved');
    const { versionId, document } = await world.clones.createVersion(owner.actor, key(), cloneId);
    world.heard.add(versionId);
    const stale = await world.database.runTx(async (tx) => await world.ownership.proof(tx, proofId));
    await world.ownership.withdrawOwnershipProof((await world.operator()).actor, key(), proofId, { reasonCode: 'fraud', text: 'x' });
    const deceived = world.clonesWith({ ownership: { ...world.ownership, proof: async () => stale } });
    const signature = await world.sign(owner, 'version_approval', document);
    expect(await codeOf(deceived.approveVersion(owner.actor, key(), versionId, { signature }))).toBe('ownership_unproven');
    expect(await world.database.runTx(async (tx) => await world.log.leavesOf(tx, cloneId))).toEqual([]);
  });

  it('after the proof ran out is refused', async () => {
    const { cloneId } = await enrolledClone('approved');
    const { versionId } = await world.clones.createVersion(owner.actor, key(), cloneId);
    world.clock.advance(365 * 86_400_000);
    const again = await world.identity.createLoginOptions();
    const session = await world.identity.login({ challengeId: again.challengeId, credential: owner.passkey.sign(again.publicKey) });
    const actor = await world.identity.authenticate(session.sessionToken);
    owner = { ...owner, actor: actor! };
    expect(await codeOf(approve(versionId))).toBe('ownership_unproven');
  });

  it('N+1 replaces N; withdrawn, N serves again; withdrawn too, none does', async () => {
    const { cloneId } = await enrolledClone('approved');
    const serving = async () => (await world.database.runTx(async (tx) => await world.clones.approvedVersion(tx, cloneId)))?.number ?? null;
    const first = await world.clones.createVersion(owner.actor, key(), cloneId);
    const unused = await world.clones.createVersion(owner.actor, key(), cloneId);
    await approve(first.versionId);
    await world.clones.setPersona(owner.actor, key(), cloneId, { text: `${PERSONA} Now with a smile.`, languages: ['en'] });
    const third = await world.clones.createVersion(owner.actor, key(), cloneId);
    expect(third.document.personaDigest).not.toBe(first.document.personaDigest);
    expect(await serving()).toBe(1);
    await approve(third.versionId);
    expect(await serving()).toBe(3);
    expect(await codeOf(approve(unused.versionId))).toBe('version_state');
    await world.clones.withdrawVersion(owner.actor, key(), third.versionId);
    expect(await serving()).toBe(1);
    await world.clones.withdrawVersion(owner.actor, key(), first.versionId);
    expect(await serving()).toBe(null);
    expect(world.told.withdrawnVersions).toEqual(expect.arrayContaining([third.versionId, first.versionId]));
    expect(await codeOf(world.clones.withdrawVersion(owner.actor, key(), first.versionId))).toBe('version_state');
  });
});

describe('no proof, no clone, in PostgreSQL', () => {
  const roles = ['asApp', 'asOwner'] as const;
  const forge = `UPDATE clone_version SET state = 'approved', approved_at = now(), signed_document_id =
    (SELECT claim_document_id FROM ownership_proof p JOIN clone c ON c.ownership_proof_id = p.id WHERE c.id = clone_version.clone_id) WHERE id = $1`;
  /** Every path into another state that the tables allow; the last ones need an approval first. */
  const paths: Record<string, string[]> = {
    open: [], submitted: ['submitted'], rejected: ['submitted', 'rejected'], expired: ['approved', 'expired'], withdrawn: ['approved', 'withdrawn'],
  };

  async function versionOnProof(state: string): Promise<{ cloneId: string; versionId: string; proofId: string }> {
    const { cloneId, proofId } = await enrolledClone((paths[state] ?? []).includes('approved') ? 'approved' : 'open');
    const { versionId } = await world.clones.createVersion(owner.actor, key(), cloneId);
    for (const step of paths[state] ?? []) {
      if (step === 'approved') continue;
      if (step === 'rejected') {
        await world.judge((await world.reviewer('rejecting')).actor, proofId, { verdict: 'reject', reasonCode: 'impersonation' });
        continue;
      }
      await world.database.asOwner(
        `UPDATE ownership_proof SET state = $2, submitted_at = coalesce(submitted_at, now()), ended_at = CASE WHEN $2 IN ('expired', 'withdrawn') THEN now() END WHERE id = $1`, [proofId, step],
      );
    }
    return { cloneId, versionId, proofId };
  }

  describe.each(Object.keys(paths))('a proof that is %s', (state) => {
    it.each(roles)('carries no approved version, %s', async (role) => {
      const { cloneId, versionId } = await versionOnProof(state);
      await expect(world.database[role](forge, [versionId])).rejects.toMatchObject({ constraint: 'clone_version_needs_proof' });
      const insert = `INSERT INTO clone_version (id, clone_id, ownership_proof_id, number, state, voice_material_id, persona_material_id,
          material_digest, persona_digest, policy_digest, lineage, languages, speaker, document, document_digest, created_at, approved_at, signed_document_id)
        SELECT $1, clone_id, v.ownership_proof_id, 99, 'approved', voice_material_id, persona_material_id, material_digest, persona_digest, policy_digest,
          lineage, languages, speaker, document, document_digest, created_at, now(), p.claim_document_id
        FROM clone_version v JOIN ownership_proof p ON p.id = v.ownership_proof_id WHERE v.id = $2`;
      await expect(world.database[role](insert, [`forged-${role}-${state}`, versionId])).rejects.toMatchObject({ constraint: 'clone_version_needs_proof' });
      expect(await world.database.runTx(async (tx) => await world.clones.approvedVersion(tx, cloneId))).toBe(null);
    });
  });

  it.each(roles)('an approved version falls with its proof, %s', async (role) => {
    const approved = await enrolledClone('approved');
    const version = await world.clones.createVersion(owner.actor, key(), approved.cloneId);
    await approve(version.versionId);
    await world.database[role](`UPDATE ownership_proof SET state = 'withdrawn', ended_at = now() WHERE id = $1`, [approved.proofId]);
    expect((await world.clones.getVersion(owner.actor, version.versionId)).state).toBe('withdrawn');
    expect(await world.database.runTx(async (tx) => await world.clones.approvedVersion(tx, approved.cloneId))).toBe(null);
    await expect(world.database[role](forge, [version.versionId])).rejects.toMatchObject({ constraint: 'clone_version_moves' });
  });

  it.each(roles)('a withdrawal by an operator takes the version down in the same transaction, read %s', async (role) => {
    const { cloneId, proofId } = await enrolledClone('approved');
    const { versionId } = await world.clones.createVersion(owner.actor, key(), cloneId);
    await approve(versionId);
    const operator = (await world.operator()).actor;
    await world.ownership.withdrawOwnershipProof(operator, key(), proofId, { reasonCode: 'mistake', text: 'Wrong person.' });
    const [row] = await world.database[role]('SELECT state, withdrawn_at FROM clone_version WHERE id = $1', [versionId]);
    expect(row).toEqual({ state: 'withdrawn', withdrawn_at: world.clock.now() });
  });

  it.each(roles)('a clone cannot be put on somebody else\'s proof, %s', async (role) => {
    const { cloneId } = await enrolledClone();
    const foreign = await world.openProof(stranger);
    await expect(world.database[role]('UPDATE clone SET ownership_proof_id = $2 WHERE id = $1', [cloneId, foreign])).rejects.toMatchObject({ constraint: 'clone_stands_on_own_proof' });
  });

  it('an approved version cannot be moved to a proof that is not approved, and moves with the clone to one that is', async () => {
    const { cloneId } = await enrolledClone('approved');
    const { versionId } = await world.clones.createVersion(owner.actor, key(), cloneId);
    await approve(versionId);
    const open = await world.openProof(owner);
    expect(await codeOf(world.clones.replaceCloneProof(owner.actor, key(), cloneId, { ownershipProofId: open }))).toBe('ownership_unproven');
    for (const role of roles) {
      await expect(world.database[role]('UPDATE clone SET ownership_proof_id = $2 WHERE id = $1', [cloneId, open])).rejects.toMatchObject({ constraint: 'clone_version_needs_proof' });
    }
    const renewed = await world.approvedProof(owner);
    await world.clones.replaceCloneProof(owner.actor, key(), cloneId, { ownershipProofId: renewed });
    const [row] = await world.database.asOwner('SELECT ownership_proof_id, state FROM clone_version WHERE id = $1', [versionId]);
    expect(row).toEqual({ ownership_proof_id: renewed, state: 'approved' });
  });

  it.each(roles)('a version is frozen, %s', async (role) => {
    const { cloneId } = await enrolledClone();
    const { versionId } = await world.clones.createVersion(owner.actor, key(), cloneId);
    for (const change of [`speaker = '{1,1,1,1,1,1,1,1}'`, `languages = '{en}'`, `material_digest = 'x'`, `document = '{}'`, `lineage = '{}'`]) {
      await expect(world.database[role](`UPDATE clone_version SET ${change} WHERE id = $1`, [versionId])).rejects.toThrow(/frozen|permission denied/);
    }
  });

  it('an approval and a withdrawal of the proof at the same instant leave no approved version behind', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { cloneId, proofId } = await enrolledClone('approved');
      const { versionId, document } = await world.clones.createVersion(owner.actor, key(), cloneId);
      world.heard.add(versionId);
      const signature = await world.sign(owner, 'version_approval', document);
      const operator = (await world.operator()).actor;
      const [approval, withdrawal] = await Promise.allSettled([
        world.clones.approveVersion(owner.actor, key(), versionId, { signature }),
        world.ownership.withdrawOwnershipProof(operator, key(), proofId, { reasonCode: 'fraud', text: 'At once.' }),
      ]);
      expect(withdrawal.status).toBe('fulfilled');
      if (approval.status === 'rejected') expect(approval.reason).toMatchObject({ code: 'ownership_unproven' });
      const { state } = await world.clones.getVersion(owner.actor, versionId);
      expect(state).toBe(approval.status === 'fulfilled' ? 'withdrawn' : 'draft');
    }
  });
});

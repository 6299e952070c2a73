import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeOwnershipJobs } from '../../src/ownership/index.ts';
import { graceOf, type Look } from '../../src/ownership/rechecks.ts';
import { codeOf, openWorld, OWNER_NAME, PERSONA, type Person, type World } from './world.ts';

const DAY_MS = 86_400_000;
let world: World;
let owner: Person;
let handles = 0;

beforeAll(async () => {
  world = await openWorld('renewals');
  owner = await world.register('Lin Ya');
});
afterAll(async () => await world.close());

const key = () => world.key();

/** A clone with an approved version on an approved proof. */
async function liveClone(): Promise<{ proofId: string; cloneId: string; versionId: string }> {
  const proofId = await world.approvedProof(owner);
  handles += 1;
  const { cloneId } = await world.clones.createClone(owner.actor, key(), { ownershipProofId: proofId, name: OWNER_NAME, handle: `renewal-${handles}` });
  await world.clones.uploadEnrolmentVoice(owner.actor, key(), cloneId, await world.voice(10));
  await world.clones.setPersona(owner.actor, key(), cloneId, { text: PERSONA, languages: ['en'] });
  const { versionId, document } = await world.clones.createVersion(owner.actor, key(), cloneId);
  world.heard.add(versionId);
  await world.clones.approveVersion(owner.actor, key(), versionId, { signature: await world.sign(owner, 'version_approval', document) });
  return { proofId, cloneId, versionId };
}

async function renewal(renews: string, subjectName = OWNER_NAME): Promise<string> {
  const { document } = world.ownership.draftOwnershipClaim(owner.actor, { subjectName, handle: 'lin-ya', locale: 'en', renews });
  const signature = await world.sign(owner, 'ownership_claim', document);
  return (await world.ownership.openOwnershipProof(owner.actor, key(), { subjectName, signature })).proofId;
}

async function approve(proofId: string): Promise<void> {
  await world.addCheckedSite(owner, proofId);
  await world.addRecordedVoice(owner, proofId, await world.voice(5));
  await world.ownership.submitOwnershipProof(owner.actor, key(), proofId);
  for (const name of ['first', 'second']) await world.judge((await world.reviewer(name)).actor, proofId, { verdict: 'approve' });
}

const stateOf = async (versionId: string) => (await world.clones.getVersion(owner.actor, versionId)).state;
const serving = (cloneId: string) => world.database.runTx(async (tx) => (await world.clones.approvedVersion(tx, cloneId))?.versionId ?? null);

async function runOut(proofId: string): Promise<void> {
  const { expiresAt } = await world.ownership.getOwnershipProof(owner.actor, proofId);
  world.clock.set(new Date(expiresAt ?? ''));
  await world.ownership.expireProof(proofId);
}

describe('a proof that ran out', () => {
  it('suspends what was approved; its renewal takes the clone over and the same version serves again', async () => {
    const { proofId, cloneId, versionId } = await liveClone();
    expect(await serving(cloneId)).toBe(versionId);
    await runOut(proofId);
    expect([await stateOf(versionId), await serving(cloneId)]).toEqual(['suspended', null]);
    expect(world.told.endedProofs).toContain(proofId);
    const next = await renewal(proofId);
    expect((await world.ownership.getOwnershipProof(owner.actor, next)).renews).toBe(proofId);
    expect(world.told.provenClones).not.toContain(cloneId);
    await approve(next);
    expect([await stateOf(versionId), await serving(cloneId)]).toEqual(['approved', versionId]);
    expect(world.told.provenClones).toContain(cloneId);
    expect((await world.clones.getClone(owner.actor, cloneId)).owned?.ownershipProofId).toBe(next);
  });

  it('may be renewed before its end, and by hand', async () => {
    const early = await liveClone();
    const next = await renewal(early.proofId);
    await approve(next);
    expect(await serving(early.cloneId)).toBe(early.versionId);
    await runOut(early.proofId);
    expect(await serving(early.cloneId)).toBe(early.versionId);

    const late = await liveClone();
    await runOut(late.proofId);
    const other = await world.approvedProof(owner);
    await world.clones.replaceCloneProof(owner.actor, key(), late.cloneId, { ownershipProofId: other });
    expect(await serving(late.cloneId)).toBe(late.versionId);
  });

  it('is renewed by its own account, for the same name and kind', async () => {
    const proofId = await world.approvedProof(owner);
    const stranger = await world.register('Somebody else');
    const claim = async (person: Person, change: object) => {
      const { document } = world.ownership.draftOwnershipClaim(person.actor, { subjectName: OWNER_NAME, handle: 'lin-ya', locale: 'en', renews: proofId, ...change });
      const signature = await world.sign(person, 'ownership_claim', document);
      return await codeOf(world.ownership.openOwnershipProof(person.actor, key(), { subjectName: document.subjectName, signature }));
    };
    expect(await claim(stranger, {})).toBe('proof_state');
    expect(await claim(owner, { subjectName: 'Wang Fei' })).toBe('proof_state');
    expect(await claim(owner, { subjectKind: 'public_figure' })).toBe('proof_state');
  });

  it('is not got round: no other name, no raw SQL', async () => {
    const { proofId, cloneId, versionId } = await liveClone();
    await runOut(proofId);
    const { document } = world.ownership.draftOwnershipClaim(owner.actor, { subjectName: 'Wang Fei', handle: 'wang-fei', locale: 'en' });
    const signature = await world.sign(owner, 'ownership_claim', document);
    const { proofId: other } = await world.ownership.openOwnershipProof(owner.actor, key(), { subjectName: 'Wang Fei', signature });
    expect(await codeOf(world.clones.replaceCloneProof(owner.actor, key(), cloneId, { ownershipProofId: other }))).toBe('ownership_unproven');
    for (const role of ['asApp', 'asOwner'] as const) {
      await expect(world.database[role](`UPDATE clone_version SET state = 'approved' WHERE id = $1`, [versionId]))
        .rejects.toMatchObject({ constraint: 'clone_version_needs_proof' });
      await expect(world.database[role](`UPDATE clone_version SET state = 'approved', approved_at = now() WHERE id = $1`, [versionId])).rejects.toThrow();
    }
  });

  it('withdrawn is another thing: what stood on it is withdrawn for good', async () => {
    const { proofId, cloneId, versionId } = await liveClone();
    await world.ownership.withdrawOwnershipProof((await world.operator()).actor, key(), proofId, { reasonCode: 'fraud', text: 'Not her.' });
    expect(await stateOf(versionId)).toBe('withdrawn');
    await world.clones.replaceCloneProof(owner.actor, key(), cloneId, { ownershipProofId: await world.approvedProof(owner) });
    expect([await stateOf(versionId), await serving(cloneId)]).toEqual(['withdrawn', null]);
  });
});

describe('evidence that lives on the net', () => {
  /** An approved proof with a site of its own line, and the job that is due next. */
  async function watched(): Promise<{ proofId: string; evidenceId: string; line: string }> {
    const proofId = await world.approvedProof(owner);
    const { evidence } = await world.ownership.getOwnershipProof(owner.actor, proofId);
    const site = evidence.find(({ kind }) => kind === 'domain')!;
    return { proofId, evidenceId: site.evidenceId, line: site.domain!.line };
  }
  async function nextLook(evidenceId: string): Promise<() => Promise<void>> {
    const [job] = await world.database.asOwner<{ run_at: Date; payload: never }>(
      `SELECT run_at, payload FROM job WHERE topic = 'ownership.lookAgain' AND payload ->> 'evidenceId' = $1 ORDER BY run_at DESC LIMIT 1`, [evidenceId]);
    world.clock.set(job!.run_at);
    const jobs = makeOwnershipJobs(world.ownership);
    return async () => await jobs['ownership.lookAgain']!(job!.payload, { jobId: 'job', attempt: 1 });
  }
  const proofOf = (proofId: string) => world.ownership.getOwnershipProof(owner.actor, proofId);

  it('is looked for every thirty days; while it is there nothing changes, and a job that runs twice looks once', async () => {
    const { proofId, evidenceId, line } = await watched();
    const start = world.clock.now().getTime();
    world.site.serve(line);
    const run = await nextLook(evidenceId);
    expect(world.clock.now().getTime() - start).toBe(30 * DAY_MS);
    await run();
    await run();
    const [count] = await world.database.asOwner<{ n: number }>('SELECT count(*)::int AS n FROM ownership_look WHERE evidence_id = $1', [evidenceId]);
    expect(count!.n).toBe(1);
    await nextLook(evidenceId);
    expect(world.clock.now().getTime() - start).toBe(60 * DAY_MS);
    expect(await proofOf(proofId)).toMatchObject({ state: 'approved', missing: [] });
  });

  it('gone, asks its owner for a fortnight; put back in time, goes on', async () => {
    const { proofId, evidenceId, line } = await watched();
    world.site.serve('something else');
    await (await nextLook(evidenceId))();
    const missed = world.clock.now();
    expect((await proofOf(proofId)).missing).toEqual([
      { evidenceId, missingSince: missed.toISOString(), restoreBefore: new Date(missed.getTime() + 14 * DAY_MS).toISOString() },
    ]);
    await (await nextLook(evidenceId))();
    expect(world.clock.now().getTime() - missed.getTime()).toBe(DAY_MS);
    expect((await proofOf(proofId)).missing).toHaveLength(1);
    world.site.serve(line);
    const restored = await world.ownership.recheckEvidence(owner.actor, key(), proofId, evidenceId);
    expect(restored).toMatchObject({ state: 'approved', missing: [] });
    const stranger = await world.register('Somebody else');
    expect(await codeOf(world.ownership.recheckEvidence(stranger.actor, key(), proofId, evidenceId))).toBe('not_found');
  });

  it('gone for longer, ends the approval: leaf, and the rooms above are told', async () => {
    const { proofId, evidenceId } = await watched();
    world.site.serve('something else');
    await (await nextLook(evidenceId))();
    const missed = world.clock.now().getTime();
    for (let day = 1; day < 14; day += 1) {
      await (await nextLook(evidenceId))();
      expect((await proofOf(proofId)).state).toBe('approved');
    }
    await (await nextLook(evidenceId))();
    expect(world.clock.now().getTime() - missed).toBe(14 * DAY_MS);
    const ended = await proofOf(proofId);
    expect(ended.state).toBe('expired');
    expect(ended.decisions.at(-1)?.document).toMatchObject({ decision: 'expired', cause: 'evidence_gone', evidenceId });
    expect(world.told.endedProofs).toContain(proofId);
    expect(await world.database.runTx(async (tx) => await world.log.leavesOf(tx, proofId))).toHaveLength(2);
    // The job at its term, which is still to come, finds nothing to do.
    await world.ownership.expireProof(proofId);
    expect(await codeOf(world.ownership.recheckEvidence(owner.actor, key(), proofId, evidenceId))).toBe('evidence_state');
  });

  it('a voice is not looked for again', async () => {
    const { proofId } = await watched();
    const voice = (await proofOf(proofId)).evidence.find(({ kind }) => kind === 'voice_challenge')!;
    expect(await codeOf(world.ownership.recheckEvidence(owner.actor, key(), proofId, voice.evidenceId))).toBe('evidence_state');
  });

  it('has grace from the first miss since it was last seen', () => {
    const looks = fc.array(fc.constantFrom<Look['outcome']>('found', 'absent', 'unreachable'), { maxLength: 30 });
    fc.assert(fc.property(looks, (outcomes) => {
      const made = outcomes.map((outcome, day): Look => ({ outcome, at: new Date(day * DAY_MS) }));
      let since: number | null = null;
      for (const { outcome, at } of made) since = outcome === 'found' ? null : (since ?? at.getTime());
      expect(graceOf(made, 7)).toEqual(since === null ? null : { since: new Date(since), until: new Date(since + 7 * DAY_MS) });
    }));
  });
});

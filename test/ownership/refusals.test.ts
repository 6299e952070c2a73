import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { VOICE_NEAR } from '../../src/ownership/refusal-model.ts';
import { readWav, writeWav } from '../../src/platform/inference.ts';
import type { Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

/** The registry of refusal over HTTP, on the whole service. */
let server: TestServer;
let operator: Person;
let reviewers: Person[];
let registrant: Person;
let proofId: string;
let voiceEvidenceId: string;
let refusalId: string;
let site: Server;
let siteText = '';

const SOUNDS = ['Front_Center', 'Front_Left', 'Front_Right', 'Rear_Center', 'Rear_Left', 'Rear_Right', 'Side_Left', 'Side_Right']
  .map((name) => `/usr/share/sounds/alsa/${name}.wav`);
const spoken = SOUNDS.every((path) => existsSync(path));

function recorded(paths: readonly string[]): Uint8Array {
  const parts = paths.map((path) => readWav(readFileSync(path)));
  const samples = parts.flatMap((part) => Array.from(part.samples, (sample) => Math.round(sample * 32_767)));
  return writeWav(Int16Array.from(samples), parts[0]?.sampleRateHz ?? 0);
}

const made = new Map<number, Promise<Uint8Array>>();

function synthetic(pitch: number): Promise<Uint8Array> {
  const known = made.get(pitch) ?? speak(pitch);
  made.set(pitch, known);
  return known;
}

async function speak(pitch: number): Promise<Uint8Array> {
  const text = 'The quiet heron carried seven green lanterns over the narrow bridge and nobody was awake to see it. '.repeat(2);
  const { pcm, sampleRateHz } = await server.service.platform.inference.synthesise({ text, language: 'en', speaker: [pitch, pitch > 0 ? 0.16 : 0.1, 0, 0, 0, 0, 0, 0] });
  return writeWav(pcm, sampleRateHz);
}

async function openProof(person: Person, subjectName: string, handle: string): Promise<string> {
  const { document } = await person.client.call('draftOwnershipClaim', { body: { subjectName, handle, locale: 'en' } });
  const signature = await person.sign('ownership_claim', document);
  return (await person.client.call('openOwnershipProof', { body: { subjectName, signature } })).proofId;
}

async function submitted(person: Person, subjectName: string, handle: string, voice: Uint8Array): Promise<{ proofId: string; evidenceId: string }> {
  const path = { proofId: await openProof(person, subjectName, handle) };
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  const added = await person.client.call('addEvidence', { path, body: { kind: 'domain', site: origin } });
  siteText = `${added.domain?.line ?? ''}\n`;
  await person.client.call('checkEvidence', { path: { ...path, evidenceId: added.evidenceId } });
  const { evidenceId } = await person.client.call('addEvidence', { path, body: { kind: 'voice_challenge', language: 'en' } });
  await person.client.call('uploadEvidence', { path: { ...path, evidenceId }, body: Buffer.from(voice) });
  await person.client.call('submitOwnershipProof', { path });
  return { ...path, evidenceId };
}

/** Takes up the case and answers what a review of it names. */
const takeUp = async (person: Person, proofId: string) => {
  const { proof } = await person.client.call('claimReview', { path: { proofId } });
  return { path: { proofId }, body: { verdict: 'approve', evidenceSha256: proof.evidenceSha256 ?? '' } } as const;
};
const approve = async (person: Person, id: string): Promise<string> =>
  (await person.client.call('reviewOwnershipProof', await takeUp(person, id))).state;

async function register(person: Person, input: { proofId: string; names?: string[]; handles?: { handle: string; place: string }[]; voiceEvidenceId?: string }) {
  const { document } = await person.client.call('draftRefusal', { body: { ...input, locale: 'zh-CN' } });
  const signature = await person.sign('refusal', document, 'zh-CN');
  return await person.client.call('registerRefusal', { body: { ...input, signature } });
}

/** A clone of somebody of that name, on a fresh proof that is only open. */
async function cloneOf(person: Person, name: string, handle: string): Promise<{ proofId: string; cloneId: string }> {
  const id = await openProof(person, name, handle);
  const { cloneId } = await person.client.call('createClone', { body: { ownershipProofId: id, name, handle } });
  return { proofId: id, cloneId };
}

const holdsOf = async (person: Person) => (await person.client.call('listEnrolmentHolds', {})).holds;
const swept = () => until(async () => (await server.database.asOwner(`SELECT 1 FROM job WHERE topic = 'ownership.sweepRefusal' AND state <> 'done'`)).length === 0);

beforeAll(async () => {
  server = await startTestServer({ seed: 'refusals' });
  site = createServer((_request, response) => response.end(siteText)).listen(0, '127.0.0.1');
  await new Promise((done) => site.once('listening', done));
  operator = await server.operator();
  reviewers = [await server.invited(operator, 'reviewer', 'One'), await server.invited(operator, 'reviewer', 'Two'), await server.invited(operator, 'reviewer', 'Three')];
  registrant = await server.person('Deng Lijun');
  const voice = spoken ? recorded(SOUNDS.slice(0, 4)) : await synthetic(0.6);
  const proof = await submitted(registrant, '邓丽君', 'deng-lijun', voice);
  await approve(reviewers[0]!, proof.proofId);
  await approve(reviewers[1]!, proof.proofId);
  [proofId, voiceEvidenceId] = [proof.proofId, proof.evidenceId];
}, 60_000);
afterAll(async () => {
  site.close();
  await server.close();
});

describe('before anybody refuses', () => {
  it('names and voices are enrolled as they come', async () => {
    const early = await server.person('Early');
    await cloneOf(early, 'Teresa Teng', 'teresa-teng');
    expect(await holdsOf(early)).toEqual([]);
  });
});

describe('saying "none of me"', () => {
  it('needs a proof of one\'s own that is approved, and no clone', async () => {
    const somebody = await server.person('Somebody');
    const open = await openProof(somebody, 'Somebody', 'some-body');
    const drafted = (id: string) => somebody.client.refused('draftRefusal', { body: { proofId: id, locale: 'en' } });
    expect((await drafted(open)).code).toBe('ownership_unproven');
    expect((await drafted(proofId)).bytes).toEqual((await drafted(proofId.replace(/.{5}$/, '00000'))).bytes);
    expect((await drafted(proofId)).code).toBe('not_found');
    const others = await registrant.client.refused('draftRefusal', { body: { proofId, voiceEvidenceId: 'evd_unknown', locale: 'en' } });
    expect(others.code).toBe('not_found');
    expect((await registrant.client.refused('draftRefusal', { body: { proofId, names: ['…'], locale: 'en' } })).code).toBe('request_invalid');
  });

  it('is a signature over exactly that text', async () => {
    const { document } = await registrant.client.call('draftRefusal', { body: { proofId, names: ['Teresa Teng'], locale: 'en' } });
    expect(document.names).toEqual(['邓丽君', 'Teresa Teng']);
    const before = await server.database.asOwner('SELECT count(*)::int AS count FROM signed_document');
    const refused = async (signed: object, input: { names?: string[] }) =>
      (await registrant.client.refused('registerRefusal', { body: { proofId, ...input, signature: await registrant.sign('refusal', signed) } })).code;
    expect(await refused(document, { names: ['Somebody else'] })).toBe('signature_mismatch');
    expect(await refused({ ...document, statement: 'I want a clone.' }, { names: ['Teresa Teng'] })).toBe('signature_mismatch');
    expect(await refused({ ...document, at: '2026-01-01T00:00:00.000Z' }, { names: ['Teresa Teng'] })).toBe('signature_mismatch');
    expect(await server.database.asOwner('SELECT count(*)::int AS count FROM signed_document')).toEqual(before);
  });

  it('is kept, logged, one at a time, and shown to nobody else', async () => {
    const entry = await register(registrant, {
      proofId, names: ['Teresa Teng'], handles: [{ handle: '@Teresa.Teng', place: 'weibo.com' }], voiceEvidenceId,
    });
    ({ refusalId } = entry);
    expect(entry).toMatchObject({ document: { names: ['邓丽君', 'Teresa Teng'], voice: { evidenceId: voiceEvidenceId } }, withdrawnAt: null });
    const { leaves } = await server.client.call('listLeavesOfSubject', { path: { subjectId: refusalId } });
    expect(leaves.map(({ type, documentSha256 }) => [type, documentSha256])).toEqual([['refusal.registered', entry.digest]]);
    expect((await registrant.client.refused('draftRefusal', { body: { proofId, locale: 'en' } })).code).toBe('refusal_state');
    expect((await registrant.client.call('listRefusals', {})).refusals).toEqual([entry]);
    expect(await registrant.client.call('getRefusal', { path: { refusalId } })).toEqual(entry);
    for (const other of [reviewers[0]!, await server.person('Curious')]) {
      expect((await other.client.refused('getRefusal', { path: { refusalId } })).code).toBe('not_found');
      expect((await other.client.refused('listRefusalMatches', { path: { refusalId } })).code).toBe('not_found');
    }
  });

  it('keeps oneself from making a clone', async () => {
    const refused = await registrant.client.refused('createClone', { body: { ownershipProofId: proofId, name: '邓丽君', handle: 'deng-lijun' } });
    expect(refused.code).toBe('refusal_in_force');
    await expect(server.database.asOwner(
      `INSERT INTO clone (id, owner_account_id, ownership_proof_id, name, handle, created_at) VALUES ('cln_x', $1, $2, 'x', 'raw-clone', now())`,
      [registrant.accountId, proofId],
    )).rejects.toMatchObject({ constraint: 'clone_not_of_refuser' });
  });
});

describe('what was enrolled before', () => {
  it('is compared afterwards, by a job that may run twice', async () => {
    await swept();
    const count = () => server.database.asOwner('SELECT id FROM enrolment_hold ORDER BY id');
    const found = await count();
    expect(found).toHaveLength(2);
    await server.service.rooms.ownership.sweepRefusal(refusalId, { stage: 'proofs', after: '' });
    expect(await count()).toEqual(found);
    const { holds } = await registrant.client.call('listRefusalMatches', { path: { refusalId } });
    expect(holds.map(({ kind, effect, state, cloneId }) => [kind, effect, state, cloneId]).sort()).toEqual([
      ['clone', 'holds', 'open', null], ['proof', 'holds', 'open', null],
    ]);
  });

  it('is only flagged when it was approved, and goes on', async () => {
    const earlier = await server.person('Li Na');
    const { proofId: live } = await submitted(earlier, 'Li Nalan', 'li-nalan', await synthetic(-0.3));
    for (const reviewer of reviewers.slice(0, 2)) await approve(reviewer, live);
    const second = await server.person('Another');
    const other = await submitted(second, 'Nobody Special', 'nobody-special', await synthetic(-0.3));
    for (const reviewer of reviewers.slice(0, 2)) await approve(reviewer, other.proofId);
    const entry = await register(second, { proofId: other.proofId, names: ['Li Nalan'] });
    await swept();
    expect(await holdsOf(earlier)).toMatchObject([{ kind: 'proof', effect: 'flags', state: 'open', findings: [{ because: 'same', enrolled: 'Li Nalan', refused: null }, { what: 'handle' }] }]);
    expect((await earlier.client.call('getOwnershipProof', { path: { proofId: live } })).state).toBe('approved');
    const [found] = (await second.client.call('listRefusalMatches', { path: { refusalId: entry.refusalId } })).holds;
    expect(found?.findings[0]).toMatchObject({ refused: 'Li Nalan', proven: false });
  });
});

describe('what is enrolled near to it', () => {
  it.each([
    ['Dèng Lì Jūn', 'some-singer', [['name', 'sound']]],
    ['鄧麗君', 'another-singer', [['name', 'same']]],
    ['A Singer', 'teresa-teng-real', [['handle', 'same']]],
    ['Teresa Tenng', 'third-singer', [['name', 'spelling']]],
  ])('%s (%s) is held from the start, as claim and as clone', async (name, handle, why) => {
    const person = await server.person(name);
    const made = await cloneOf(person, name, handle);
    const holds = await holdsOf(person);
    expect(holds.map(({ kind, effect, state }) => `${kind} ${effect} ${state}`).sort()).toEqual(['clone holds open', 'proof holds open']);
    for (const { findings, refusalId: told } of holds) {
      expect(new Set(findings.map(({ what, because }) => `${what} ${because}`))).toEqual(new Set(why.map((one) => one.join(' '))));
      expect([told, ...findings.map(({ refused }) => refused)].every((value) => value === null)).toBe(true);
    }
    expect(holds.some(({ cloneId }) => cloneId === made.cloneId)).toBe(true);
  });

  it('a namesake far away is not', async () => {
    const person = await server.person('Deng Lihua');
    await cloneOf(person, 'Deng Lihua', 'deng-lihua');
    expect(await holdsOf(person)).toEqual([]);
  });

  it('by its voice, on real speech; another voice is not', async () => {
    if (!spoken) {
      console.log('skipped: the spoken files of alsa-utils are not on this machine');
      return;
    }
    const { inference } = server.service.platform;
    const challenge = await inference.profile(recorded(SOUNDS.slice(0, 4)));
    const distance = async (wav: Uint8Array) => inference.compare(challenge, await inference.profile(wav)).distance;
    const [same, halves, low] = [await distance(recorded(SOUNDS)), await distance(recorded(SOUNDS.slice(4))), await distance(await synthetic(-0.3))];
    console.log(`voice distances: same speaker ${same.toFixed(3)}, her other half ${halves.toFixed(3)}, a low voice ${low.toFixed(3)}; near up to ${VOICE_NEAR}`);
    expect(Math.max(same, halves)).toBeLessThanOrEqual(VOICE_NEAR);
    expect(low).toBeGreaterThan(VOICE_NEAR);

    const person = await server.person('Plain');
    const { cloneId } = await cloneOf(person, 'Plain Jane', 'plain-jane');
    await person.client.call('uploadEnrolmentVoice', { path: { cloneId }, body: Buffer.from(await synthetic(-0.3)) });
    expect(await holdsOf(person)).toEqual([]);
    await person.client.call('uploadEnrolmentVoice', { path: { cloneId }, body: Buffer.from(recorded(SOUNDS)) });
    expect(await holdsOf(person)).toMatchObject([{ kind: 'voice', effect: 'holds', cloneId, findings: [{ what: 'voice', distance: Math.round(same * 1_000) / 1_000 }] }]);
  }, 30_000);
});

describe('a held enrolment', () => {
  let enroller: Person;
  let held: string;
  let holdId: string;
  beforeAll(async () => {
    enroller = await server.person('Deng Li Jun');
    ({ proofId: held } = await submitted(enroller, 'Deng Li Jun', 'deng-li-jun', await synthetic(-0.3)));
    holdId = (await holdsOf(enroller))[0]?.holdId ?? '';
  }, 30_000);

  it('is not approved by two reviewers of the proof, nor by PostgreSQL', async () => {
    await approve(reviewers[0]!, held);
    const refused = await reviewers[1]!.client.refused('reviewOwnershipProof', await takeUp(reviewers[1]!, held));
    await reviewers[1]!.client.call('releaseReview', { path: { proofId: held } });
    const { body } = await takeUp(reviewers[2]!, held);
    expect([refused.status, refused.code]).toEqual([409, 'enrolment_held']);
    await server.database.asOwner(
      `INSERT INTO ownership_review (id, proof_id, reviewer_id, verdict, text, evidence_sha256, at) VALUES ('rev_x', $1, $2, 'approve', '', $3, $4)`,
      [held, reviewers[2]!.accountId, body.evidenceSha256, server.clock.now()]);
    await reviewers[2]!.client.call('releaseReview', { path: { proofId: held } });
    for (const role of ['asApp', 'asOwner'] as const) {
      await expect(server.database[role](
        `UPDATE ownership_proof SET state = 'approved', approved_at = now(), expires_at = now() + interval '1 day' WHERE id = $1`, [held],
      )).rejects.toMatchObject({ constraint: 'ownership_proof_not_held' });
    }
  });

  it('is contested once, by whoever enrolled', async () => {
    const contest = { path: { holdId }, body: { text: 'That is my own name: 邓立军.' } };
    expect((await registrant.client.refused('contestEnrolmentHold', contest)).code).toBe('not_found');
    expect((await enroller.client.refused('contestEnrolmentHold', { path: { holdId }, body: { text: 'x'.repeat(2_001) } })).code).toBe('request_invalid');
    expect(await enroller.client.call('contestEnrolmentHold', contest)).toMatchObject({ contest: contest.body.text, state: 'open' });
    expect((await enroller.client.refused('contestEnrolmentHold', contest)).code).toBe('enrolment_hold_state');
  });

  it('waits for two reviewers, none of them a party', async () => {
    const queue = (await reviewers[0]!.client.call('listHeldEnrolments', {})).holds;
    expect(queue.find((hold) => hold.holdId === holdId)).toMatchObject({ proofId: held, contest: 'That is my own name: 邓立军.', findings: [{ refused: '邓丽君', proven: true }, { what: 'handle' }] });
    const review = { path: { holdId }, body: { verdict: 'clear', reasonCode: 'different_person', text: 'Another face, another life.' } } as const;
    expect((await enroller.client.refused('reviewEnrolmentHold', review)).code).toBe('role_missing');
    const { token } = await operator.client.call('createInvitation', { body: { role: 'reviewer' } });
    await registrant.client.call('acceptInvitation', { body: { token } });
    expect((await registrant.client.refused('reviewEnrolmentHold', review)).code).toBe('review_party');
    expect((await registrant.client.call('listHeldEnrolments', {})).holds.filter((hold) => hold.refusalId === refusalId)).toEqual([]);
    await expect(server.database.asApp(
      `INSERT INTO enrolment_hold_review (hold_id, reviewer_id, verdict, reason_code, text, at) VALUES ($1, $2, 'clear', 'same_person', 'x', now())`,
      [holdId, registrant.accountId],
    )).rejects.toMatchObject({ constraint: 'enrolment_hold_review_not_of_party' });
    await expect(server.database.asApp(`UPDATE enrolment_hold SET state = 'cleared', decided_at = opened_at WHERE id = $1`, [holdId]))
      .rejects.toMatchObject({ constraint: 'enrolment_hold_needs_two' });

    const wrong = { ...review, body: { ...review.body, reasonCode: 'impersonation' } } as const;
    expect((await reviewers[0]!.client.refused('reviewEnrolmentHold', wrong)).code).toBe('request_invalid');
    expect((await reviewers[0]!.client.call('reviewEnrolmentHold', review)).state).toBe('open');
    expect((await reviewers[0]!.client.refused('reviewEnrolmentHold', review)).code).toBe('review_repeated');
    expect((await reviewers[1]!.client.refused('reviewOwnershipProof', await takeUp(reviewers[1]!, held))).code).toBe('enrolment_held');
    expect((await reviewers[1]!.client.call('reviewEnrolmentHold', review)).state).toBe('cleared');
    expect((await reviewers[2]!.client.refused('reviewEnrolmentHold', review)).code).toBe('enrolment_hold_state');
    expect(await approve(reviewers[1]!, held)).toBe('approved');
  });

  it('that two uphold is never approved, and what is live of it is paused', async () => {
    const impostor = await server.person('Impostor');
    const { cloneId, proofId: fresh } = await cloneOf(impostor, 'Teresa Teng', 'teresa-t');
    for (const hold of await holdsOf(impostor)) {
      for (const reviewer of reviewers.slice(0, 2)) {
        await reviewer.client.call('reviewEnrolmentHold', { path: { holdId: hold.holdId }, body: { verdict: 'uphold', reasonCode: 'impersonation', text: 'The site is not hers.' } });
      }
    }
    expect((await holdsOf(impostor)).map(({ state }) => state)).toEqual(['upheld', 'upheld']);
    expect(await server.database.asOwner('SELECT ownership_proof_blocked($1) AS blocked', [fresh])).toEqual([{ blocked: true }]);
    expect((await impostor.client.call('resumeClone', { path: { cloneId } })).state).toBe('paused');
  });
});

describe('taking it back', () => {
  it('is signed, once, and lets go what waited', async () => {
    const entry = await registrant.client.call('getRefusal', { path: { refusalId } });
    const { withdrawal } = entry;
    if (withdrawal === null) throw new Error('It is withdrawn already.');
    const wrong = await registrant.sign('refusal_withdrawal', { ...withdrawal, refusalSha256: '0'.repeat(64) });
    expect((await registrant.client.refused('withdrawRefusal', { path: { refusalId }, body: { signature: wrong } })).code).toBe('signature_mismatch');
    await expect(server.database.asApp('UPDATE refusal SET withdrawn_at = now(), withdrawal_document_id = signed_document_id WHERE id = $1', [refusalId]))
      .rejects.toMatchObject({ constraint: 'refusal_withdrawn_by_signature' });
    const signature = await registrant.sign('refusal_withdrawal', withdrawal);
    expect((await registrant.client.call('withdrawRefusal', { path: { refusalId }, body: { signature } })).withdrawnAt).not.toBeNull();
    const again = await registrant.sign('refusal_withdrawal', withdrawal);
    expect((await registrant.client.refused('withdrawRefusal', { path: { refusalId }, body: { signature: again } })).code).toBe('refusal_state');
    const { holds } = await registrant.client.call('listRefusalMatches', { path: { refusalId } });
    expect(holds.filter(({ state }) => state === 'open')).toEqual([]);
    expect(holds.some(({ state }) => state === 'lapsed') && holds.some(({ state }) => state === 'upheld')).toBe(true);

    const free = await server.person('Teresa Teng');
    await cloneOf(free, 'Teresa Teng', 'teresa-two');
    expect(await holdsOf(free)).toEqual([]);
    expect((await registrant.client.call('createClone', { body: { ownershipProofId: proofId, name: '邓丽君', handle: 'deng-lijun' } })).name).toBe('邓丽君');
  });
});

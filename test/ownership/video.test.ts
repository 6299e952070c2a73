import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sha256Hex } from '../../src/kernel/digest.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { challengeGesture } from '../../src/ownership/gesture.ts';
import { makeVideoVerifier } from '../../src/ownership/kinds/video.ts';
import { readVideo } from '../../src/ownership/video/index.ts';
import type { Person as Visitor } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { box, brand, element, movieHeader, mp4, track, webm, webmHead } from '../support/video.ts';
import { codeOf, openWorld, type Person, refusalOf, type World } from './world.ts';

const FILMED = new URL('../../../shared/vectors/c2pa/video1_no_manifest.mp4', import.meta.url);
if (!existsSync(FILMED)) console.log('skipped: the filmed video (../shared/vectors/c2pa/video1_no_manifest.mp4) is not on this machine');

function reasonOf(bytes: Uint8Array): unknown {
  try {
    return readVideo(bytes);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'video_refused') return error.extra['reason'];
    throw error;
  }
}

const head = (...parts: Buffer[]): Buffer => Buffer.concat([brand('isom'), ...parts]);
const size = (bytes: Buffer, at: number, value: number): Buffer => {
  const bent = Buffer.from(bytes);
  bent.writeUInt32BE(value, at);
  return bent;
};
/** A box whose size stands in 64 bits. */
const long = (type: string, length: bigint, content = Buffer.alloc(0)): Buffer => {
  const start = Buffer.alloc(16);
  start.writeUInt32BE(1, 0);
  start.write(type, 4, 'latin1');
  start.writeBigUInt64BE(length, 8);
  return Buffer.concat([start, content]);
};
const data = box('mdat', Buffer.alloc(10, 7));
const movie = (...parts: Buffer[]): Buffer => head(box('moov', ...parts), data);

describe('a video', () => {
  it('is what its bytes say, and as long', () => {
    expect(readVideo(mp4({ seconds: 5.25 }))).toEqual({ contentType: 'video/mp4', seconds: 5.25 });
    expect(readVideo(movie(movieHeader(180_000n, 90_000, 1), track('vide')))).toEqual({ contentType: 'video/mp4', seconds: 2 });
    expect(readVideo(head(box('moov', movieHeader(2_000), track('vide')), long('mdat', 26n, Buffer.alloc(10, 7))))).toMatchObject({ seconds: 2 });
    // Its last box may go on to the end.
    expect(readVideo(size(head(box('moov', movieHeader(2_000), track('vide')), data), head(box('moov', movieHeader(2_000), track('vide'))).length, 0))).toMatchObject({ seconds: 2 });
    expect(readVideo(webm())).toEqual({ contentType: 'video/webm', seconds: 5 });
    expect(readVideo(webm({ seconds: null, live: true }))).toEqual({ contentType: 'video/webm', seconds: 5 });
    // A file that declares less than it shows is as long as what it shows.
    expect(readVideo(webm({ seconds: 3, frames: [0, 9_000] }))).toMatchObject({ seconds: 9 });
  });

  it.skipIf(!existsSync(FILMED))('that was filmed is read', () => {
    const { contentType, seconds } = readVideo(readFileSync(FILMED));
    expect([contentType, Math.round(seconds * 100) / 100]).toEqual(['video/mp4', 2.03]);
  });

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'container_unknown'],
    ['a page', Buffer.from('<html>'.repeat(50)), 'container_unknown'],
    ['a sound file', Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVEfmt ')]), 'container_unknown'],
    ['QuickTime', Buffer.concat([brand('qt  '), mp4().subarray(brand('isom', 'isommp42').length)]), 'container_unknown'],
    ['a still image', Buffer.concat([brand('heic', 'mif1heic'), box('meta')]), 'container_unknown'],
    ['Matroska', webm({ docType: 'matroska' }), 'container_unknown'],
    ['sound only, MP4', mp4({ tracks: ['soun'] }), 'video_absent'],
    ['sound only, WebM', webm({ trackType: 2 }), 'video_absent'],
    ['a picture track without frames', webm({ frames: [] }), 'video_absent'],
    ['no tracks', mp4({ tracks: [] }), 'video_absent'],
    ['no movie', head(data), 'broken'],
    ['two movies', head(box('moov', movieHeader(3_000), track('vide')), box('moov', movieHeader(3_000), track('vide')), data), 'broken'],
    ['no movie header', movie(track('vide')), 'broken'],
    ['a movie header that ends early', movie(box('mvhd', Buffer.alloc(20)), track('vide')), 'truncated'],
    ['no time scale', movie(movieHeader(3_000, 0), track('vide')), 'broken'],
    ['no length', movie(movieHeader(0), track('vide')), 'duration_absent'],
    ['an unknown length', movie(movieHeader(0xffff_ffff), track('vide')), 'duration_absent'],
    ['an unknown length in 64 bits', movie(movieHeader(0xffff_ffff_ffff_ffffn, 1000, 1), track('vide')), 'duration_absent'],
    ['nothing to show', head(box('moov', movieHeader(3_000), track('vide'))), 'truncated'],
    ['an empty store', head(box('moov', movieHeader(3_000), track('vide')), box('mdat')), 'truncated'],
    ['an endless box inside another', movie(movieHeader(3_000), size(track('vide'), 0, 0)), 'broken'],
    ['a box shorter than its header', head(size(box('free', Buffer.alloc(8)), 0, 7), data), 'broken'],
    ['a long box shorter than its header', head(long('free', 15n), data), 'broken'],
    ['a long box of nothing', head(long('free', 0n), data), 'broken'],
    ['a box of 2⁶³ bytes', head(long('free', 1n << 63n), data), 'truncated'],
    ['a box of 4 GB', head(size(box('free'), 0, 0xffff_ffff)), 'truncated'],
    ['a million boxes', head(...Array.from({ length: 20_000 }, () => box('free'))), 'broken'],
    ['a stump', mp4().subarray(0, 40), 'truncated'],
    ['a WebM head alone', webmHead(), 'truncated'],
    ['a WebM of 2⁴⁷ bytes', Buffer.concat([webmHead(), Buffer.from('18538067010080000000000', 'hex'), Buffer.alloc(8)]), 'truncated'],
    ['a WebM whose tracks have no end', Buffer.concat([webmHead(), element(0x18538067, element(0x1654ae6b, Buffer.alloc(0), 'open'))]), 'broken'],
    ['a WebM with a cluster in its tracks', Buffer.concat([webmHead(), element(0x18538067, element(0x1654ae6b, element(0x1f43b675, Buffer.alloc(0))))]), 'broken'],
    ['two WebM in one', Buffer.concat([webm(), webm().subarray(webmHead().length)]), 'broken'],
    ['a WebM of zeros', Buffer.concat([webmHead(), Buffer.alloc(100)]), 'broken'],
    ['1.99 s', mp4({ seconds: 1.99 }), 'too_short'],
    ['60.01 s', mp4({ seconds: 60.01 }), 'too_long'],
    ['1 s of WebM', webm({ seconds: 1, frames: [0, 900] }), 'too_short'],
    ['a WebM that hides its length', webm({ seconds: 5, frames: [0, 61_000] }), 'too_long'],
    ['a live WebM that is too long', webm({ seconds: null, live: true, frames: [0, 30_000, 61_000] }), 'too_long'],
    ['a WebM of endless length', webm({ seconds: Infinity }), 'broken'],
  ])('is not: %s', (_what, bytes, reason) => expect(reasonOf(bytes)).toBe(reason));

  it('cut anywhere, or bent anywhere, is read or refused with a reason, and soon', () => {
    const whole = [mp4({ bytes: 40 }), webm(), webm({ live: true, seconds: null })];
    for (const bytes of whole) {
      for (let end = 0; end < bytes.length; end += 1) reasonOf(bytes.subarray(0, end));
    }
    fc.assert(fc.property(fc.constantFrom(...whole), fc.nat(), fc.nat(255), fc.nat(), fc.nat(255), (bytes, at, value, other, second) => {
      const bent = Buffer.from(bytes);
      bent[at % bent.length] = value;
      bent[other % bent.length] = second;
      reasonOf(bent);
    }), { numRuns: 3_000 });
    // A known size that is not reached is never taken for whole.
    for (const bytes of whole.slice(0, 2)) for (let end = 0; end < bytes.length; end += 1) expect(reasonOf(bytes.subarray(0, end))).toBeTypeOf('string');
  });
});

let world: World;
let owner: Person;
const key = () => world.key();

beforeAll(async () => {
  world = await openWorld('video');
  owner = await world.register('Lin Ya');
});
afterAll(async () => await world.close());

async function asked(language: 'en' | 'zh-CN' = 'en', proofId?: string) {
  const proof = proofId ?? await world.openProof(owner);
  return await world.ownership.addEvidence(owner.actor, key(), proof, { kind: 'video_challenge', language });
}

describe('a video challenge', () => {
  it('asks for a sentence and a gesture, in the language that was chosen', async () => {
    const english = await asked();
    expect(english.video).toMatchObject({ language: 'en', sentence: expect.stringMatching(/^The \w+ /) as string, gesture: expect.stringMatching(/^First .+, then .+\.$/) as string, recording: null });
    expect(english.state).toBe('pending');
    expect((await asked('zh-CN')).video).toMatchObject({ sentence: expect.stringMatching(/^\p{Script=Han}/u) as string, gesture: expect.stringMatching(/^先.+,再.+。$/) as string });
    const gestures = new Set(Array.from({ length: 2_000 }, (_one, index) => challengeGesture(index % 2 === 0 ? 'en' : 'zh-CN', seededRandom(`gesture ${index}`))));
    expect(gestures.size).toBeGreaterThan(600);
  });

  it('asks for no sentence that anybody had before, and the database lets none in', async () => {
    const issue = async (proofId: string) => await world.database.runTx(async (tx) => {
      const verifier = makeVideoVerifier({ blobs: world.blobs, random: seededRandom('the same again') });
      const about = { proofId, evidenceId: 'e', accountId: owner.actor.accountId, subjectName: 'x', subjectKind: 'private_person' as const, claimantName: null };
      return await verifier.issue(tx, { language: 'en' }, about, null);
    });
    const { evidenceId, proofId } = await asked();
    const terms = await issue(proofId);
    expect(await issue(proofId)).toEqual(terms);
    await world.database.asOwner('UPDATE ownership_evidence SET terms = $2 WHERE id = $1', [evidenceId, JSON.stringify(terms)]);
    expect((await issue(proofId)).sentence).not.toBe(terms.sentence);
    const other = await asked();
    await expect(world.database.asOwner('UPDATE ownership_evidence SET terms = $2 WHERE id = $1', [other.evidenceId, JSON.stringify(terms)]))
      .rejects.toMatchObject({ constraint: 'ownership_evidence_asked_once' });
  });

  it('is answered by a video, which is kept as it came, and may be replaced', async () => {
    const { evidenceId, proofId } = await asked();
    const upload = async (bytes: Uint8Array) => await world.ownership.uploadEvidence(owner.actor, key(), proofId, evidenceId, bytes);
    expect(await refusalOf(upload(mp4({ tracks: ['soun'] })))).toMatchObject({ code: 'video_refused', extra: { reason: 'video_absent' } });
    expect(await refusalOf(upload(mp4({ seconds: 61 })))).toMatchObject({ extra: { reason: 'too_long', seconds: 61, leastSeconds: 2, mostSeconds: 60 } });
    expect(await codeOf(upload(Buffer.alloc(52_428_801)))).toBe('request_too_large');
    expect(await codeOf(world.ownership.checkEvidence(owner.actor, key(), proofId, evidenceId, {}))).toBe('evidence_state');
    expect((await world.ownership.getOwnershipProof(owner.actor, proofId)).evidence[0]).toMatchObject({ state: 'pending', video: { recording: null } });
    const file = mp4();
    expect(await upload(file)).toMatchObject({
      state: 'uploaded',
      video: { recording: { digest: sha256Hex(file), contentType: 'video/mp4', seconds: 5, byteLength: file.length, mediaPath: `/v1/ownership-proofs/${proofId}/evidence/${evidenceId}/media` } },
    });
    expect(await world.blobs.get(sha256Hex(file))).toEqual(file);
    expect(await upload(webm())).toMatchObject({ video: { recording: { contentType: 'video/webm' } } });
    world.clock.advance(31 * 60_000);
    expect(await codeOf(upload(mp4()))).toBe('evidence_state');
  });

  it('with a site makes a person verified, and alone nobody', async () => {
    const { evidenceId, proofId } = await asked();
    await world.ownership.uploadEvidence(owner.actor, key(), proofId, evidenceId, webm());
    expect(await codeOf(world.ownership.submitOwnershipProof(owner.actor, key(), proofId))).toBe('proof_incomplete');
    await world.addCheckedSite(owner, proofId);
    expect((await world.ownership.submitOwnershipProof(owner.actor, key(), proofId)).state).toBe('submitted');
    for (const name of ['V1', 'V2']) await world.judge((await world.reviewer(name)).actor, proofId, { verdict: 'approve' });
    expect((await world.ownership.getOwnershipProof(owner.actor, proofId)).state).toBe('approved');
  });

  it.each(['asApp', 'asOwner'] as const)('is kept only as a video of a bounded length, %s', async (role) => {
    const { evidenceId } = await asked();
    for (const finding of [{ contentType: 'audio/wav', seconds: 5, byteLength: 1 }, { contentType: 'video/mp4', seconds: 61, byteLength: 1 }, { contentType: 'video/mp4', byteLength: 1 }]) {
      await expect(world.database[role](
        `UPDATE ownership_evidence SET state = 'uploaded', passed_at = now(), valid_until = '2099-01-01', blob_digest = repeat('a', 64), finding = $2 WHERE id = $1`,
        [evidenceId, JSON.stringify(finding)])).rejects.toMatchObject({ constraint: 'ownership_evidence_video_is_read' });
    }
  });
});

describe('over HTTP', () => {
  let server: TestServer;
  let person: Visitor;
  let reviewer: Visitor;
  beforeAll(async () => {
    server = await startTestServer({ seed: 'video over http' });
    person = await server.person('Lin Ya');
    reviewer = await server.invited(await server.operator(), 'reviewer', 'Reviewer');
  });
  afterAll(async () => await server.close());

  // Two seconds: what may run ahead of the eye is the whole file, and nobody waits.
  it.each([['video/mp4', mp4({ seconds: 2, bytes: 30_000 })], ['video/webm', webm({ seconds: 2, frames: [0, 2_000] })]])('reviewers look at it as it came, as %s; strangers do not', async (type, file) => {
    const { document } = await person.client.call('draftOwnershipClaim', { body: { subjectName: 'Lin Ya', handle: 'lin-ya', locale: 'zh-CN' } });
    const { proofId } = await person.client.call('openOwnershipProof', { body: { subjectName: 'Lin Ya', signature: await person.sign('ownership_claim', document) } });
    const { evidenceId } = await person.client.call('addEvidence', { path: { proofId }, body: { kind: 'video_challenge', language: 'zh-CN' } });
    const path = { proofId, evidenceId };
    const refused = await person.client.refused('uploadEvidence', { path, body: Buffer.from('<html>') });
    expect(refused.problem).toMatchObject({ status: 422, code: 'video_refused', reason: 'container_unknown' });
    const media = `${server.service.origin}/v1/ownership-proofs/${proofId}/evidence/${evidenceId}/media`;
    const get = (who: Visitor, headers: Record<string, string> = {}) => fetch(media, { headers: { authorization: `Bearer ${who.token}`, ...headers } });
    expect((await get(person)).status).toBe(404);
    await person.client.call('uploadEvidence', { path, body: file });
    for (const who of [reviewer, person]) {
      const response = await get(who);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, type]);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(file);
    }
    const part = await get(reviewer, { range: 'bytes=4-11' });
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, file.subarray(4, 12)]);
    expect((await get(await server.person('Stranger'))).status).toBe(404);
    const reads = await server.database.asOwner('SELECT purpose FROM media_read WHERE subject_id = $1 ORDER BY purpose', [evidenceId]);
    expect(reads).toEqual([{ purpose: 'own' }, { purpose: 'review' }, { purpose: 'review' }]);
  });
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeInference, writeWav } from '../../src/platform/inference.ts';
import type { Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** The whole way over real HTTP: claims, evidence, review, appeal, figures; and the gate of a clone whose proof ran out. */

let server: TestServer;
let owner: Person;
let operator: Person;
let reviewers: Person[];
let recording: Buffer;
let origin = '';
const pages = new Map<string, string>();
const site = createServer((request, response) => {
  const page = pages.get(request.url ?? '');
  if (page === undefined) response.writeHead(404).end();
  else response.end(page);
});

beforeAll(async () => {
  server = await startTestServer({ seed: 'ownership over http' });
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  operator = await server.operator();
  reviewers = [];
  for (const name of ['R1', 'R2', 'R3', 'R4']) reviewers.push(await server.invited(operator, 'reviewer', name));
  owner = await server.person('Lin Ya');
  const folder = mkdtempSync(join(tmpdir(), 'benren-microphone-'));
  const microphone = makeInference({ dataDir: folder, workers: 1 });
  const { pcm, sampleRateHz } = await microphone.synthesise({
    text: 'The quiet heron carried seven green lanterns over the narrow bridge and nobody was awake.', language: 'en', speaker: [0.7, 0.1, 0, 0, 0, 0, 0, 0],
  });
  recording = Buffer.from(writeWav(pcm, sampleRateHz));
  await microphone.close();
  rmSync(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await server.close();
  site.closeAllConnections();
  site.close();
});

async function open(renews?: string): Promise<string> {
  const { document } = await owner.client.call('draftOwnershipClaim', {
    body: { subjectName: 'Lin Ya', handle: 'lin-ya', locale: 'en', subjectKind: 'public_figure', ...(renews === undefined ? {} : { renews }) },
  });
  return (await owner.client.call('openOwnershipProof', { body: { subjectName: 'Lin Ya', signature: await owner.sign('ownership_claim', document) } })).proofId;
}

async function submitted(renews?: string): Promise<string> {
  const proofId = await open(renews);
  const path = { proofId };
  const account = await owner.client.call('addEvidence', { path, body: { kind: 'public_account', account: `${origin}/lin-ya` } });
  pages.set('/lin-ya/posts/9', `<p>New here: ${account.account?.nonce ?? ''}</p>`);
  const where = { path: { ...path, evidenceId: account.evidenceId } };
  expect((await owner.client.refused('checkEvidence', where)).code).toBe('token_absent');
  const found = await owner.client.call('checkEvidence', { ...where, body: { url: `${origin}/lin-ya/posts/9` } });
  expect(found).toMatchObject({ state: 'passed', account: { found: { url: `${origin}/lin-ya/posts/9` } } });
  const challenge = await owner.client.call('addEvidence', { path, body: { kind: 'voice_challenge', language: 'en' } });
  await owner.client.call('uploadEvidence', { path: { ...path, evidenceId: challenge.evidenceId }, body: recording });
  await owner.client.call('submitOwnershipProof', { path });
  return proofId;
}

async function judge(who: Person, proofId: string, verdict: { verdict: 'approve' } | { verdict: 'reject'; reasonCode: 'account_unrelated' }) {
  const { proof } = await who.client.call('claimReview', { path: { proofId } });
  return await who.client.call('reviewOwnershipProof', { path: { proofId }, body: { ...verdict, evidenceSha256: proof.evidenceSha256 ?? '' } });
}

describe('over HTTP', () => {
  it('a public figure is proven by an account and a voice, rejected, and approved on appeal by two others', async () => {
    const proofId = await submitted();
    const queue = await reviewers[0]!.client.call('listReviews', {});
    expect(queue.cases.map((one) => [one.proofId, one.stage])).toEqual([[proofId, 'unclaimed']]);
    await reviewers[0]!.client.call('claimReview', { path: { proofId } });
    expect((await reviewers[1]!.client.refused('claimReview', { path: { proofId } })).problem).toMatchObject({ status: 409, code: 'review_claimed' });
    expect((await reviewers[0]!.client.call('releaseReview', { path: { proofId } })).claim).toBe(null);
    expect((await judge(reviewers[1]!, proofId, { verdict: 'reject', reasonCode: 'account_unrelated' })).state).toBe('rejected');
    expect((await owner.client.call('appealOwnershipProof', { path: { proofId }, body: { text: 'It is my account.' } })).round).toBe(2);
    expect((await reviewers[1]!.client.refused('claimReview', { path: { proofId } })).code).toBe('review_repeated');
    await judge(reviewers[2]!, proofId, { verdict: 'approve' });
    expect((await judge(reviewers[3]!, proofId, { verdict: 'approve' })).state).toBe('approved');
    const figures = await operator.client.call('getReviewFigures', {});
    expect(figures).toMatchObject({ waiting: { cases: 0 }, untilDecided: { cases: 2 } });
    expect((await owner.client.refused('getReviewFigures', {})).status).toBe(403);
  });

  it('a clone whose proof ran out is held by it, and let go by its renewal', async () => {
    const proofId = await submitted();
    for (const who of reviewers.slice(0, 2)) await judge(who, proofId, { verdict: 'approve' });
    const { cloneId } = await owner.client.call('createClone', { body: { ownershipProofId: proofId, name: 'Lin Ya', handle: 'lin-ya' } });
    const { ownership, consent } = server.service.rooms;
    const { runTx } = server.database;
    const holders = () => runTx(async (tx) => {
      const gate = await consent.gates.ofClone(tx, cloneId);
      return gate === null ? null : { state: gate.state, holders: (await consent.gates.holds(tx, gate.gateId)).map(({ holder }) => holder) };
    });
    expect(await holders()).toBe(null);
    const next = await submitted(proofId);
    const { expiresAt } = await owner.client.call('getOwnershipProof', { path: { proofId } });
    server.clock.set(new Date(expiresAt ?? ''));
    await ownership.expireProof(proofId);
    await ownership.expireProof(proofId);
    expect(await holders()).toEqual({ state: 'paused', holders: ['proof'] });
    for (const person of [owner, ...reviewers]) await person.signIn();
    expect((await owner.client.call('getClone', { path: { cloneId } })).owned?.proofState).toBe('expired');
    // What was handed in a year ago counts no more: the renewal is a proof of its own day.
    expect((await reviewers[0]!.client.call('claimReview', { path: { proofId: next } })).case.waitedSeconds).toBeGreaterThan(300 * 86_400);
    const fresh = await submitted(proofId);
    for (const who of reviewers.slice(0, 2)) await judge(who, fresh, { verdict: 'approve' });
    expect(await holders()).toEqual({ state: 'open', holders: [] });
    expect((await owner.client.call('getClone', { path: { cloneId } })).owned).toMatchObject({ ownershipProofId: fresh, proofState: 'approved' });
  });
});

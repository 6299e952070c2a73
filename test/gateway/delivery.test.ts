import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeGatewayHandlers } from '../../src/gateway/index.ts';
import { makeApp } from '../../src/http/app.ts';
import { loadBundle, mediaOperations } from '../../src/http/operations.ts';
import type { AppHandlers } from '../../src/http/router.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import type { MediaSource } from '../../src/kernel/media.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import type { RequestContext } from '../../src/kernel/request.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { askMedia } from '../support/media.ts';
import { until } from '../support/until.ts';
import { codeOf, type GatewayWorld, openGatewayWorld, type Person } from './world.ts';

let own: GatewayWorld;
let reviewer: Person;
let server: Server;
let origin: string;
let proofId: string;
let evidenceId: string;
const sessions = new Map<string, Person>();
const bundle = loadBundle();

beforeAll(async () => {
  own = await openGatewayWorld('delivery');
  reviewer = await own.world.reviewer('A listener');
  const [evidence] = await own.world.database.asOwner<{ id: string; proof_id: string }>(
    `SELECT id, proof_id FROM ownership_evidence WHERE kind = 'voice_challenge' AND state = 'uploaded'`);
  [proofId, evidenceId] = [evidence!.proof_id, evidence!.id];
  // The contract's own router, with this room's handlers; the other rooms' are not there.
  const app = makeApp({
    bundle, validators: makeValidators(bundle), handlers: makeGatewayHandlers(own.gateway) as AppHandlers, validateResponses: true,
    authenticate: async (token) => sessions.get(token)?.actor ?? null, log: makeLog({ level: 'silent' }), clock: systemClock, random: systemRandom,
    // Nobody here listens: how media is paced is test/http/pacing.test.ts's and test/http/media.test.ts's.
    media: { sleep: async () => undefined },
  });
  server = createServer(app);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await own.close();
});

async function get(path: string, person?: Person): Promise<Response> {
  if (person !== undefined) sessions.set(person.actor.accountId, person);
  return await fetch(origin + path, person === undefined ? {} : { headers: { authorization: `Bearer ${person.actor.accountId}` } });
}

const problemOf = async (response: Response) => ((await response.json()) as { code: string }).code;

describe('over HTTP', () => {
  it('gives the released bytes, uncached, to who asked; the same 404 to others; nothing without a session', async () => {
    const outputId = await own.released();
    const path = `/v1/outputs/${outputId}/media`;
    const { release } = await own.gateway.getOutput(own.fan.actor, outputId);
    expect(release?.mediaPath).toBe(path);
    const response = await get(path, own.fan);
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([200, 'audio/wav', 'private, no-store']);
    expect(sha256Hex(Buffer.from(await response.arrayBuffer()))).toBe(release?.fileSha256);
    const stranger = await own.person('A stranger', 'CN');
    const [foreign, unknown] = [await get(path, stranger), await get(`/v1/outputs/out_${'0'.repeat(26)}/media`, stranger)];
    expect([foreign.status, await foreign.text()]).toEqual([404, await unknown.text()]);
    expect((await get(path)).status).toBe(401);
    expect(await own.count('media_read', `kind = 'output' AND subject_id = '${outputId}' AND account_id = '${own.fan.actor.accountId}'`)).toBe(1);
  });

  it('answers a denial with its clauses, and checks files and states without an account', async () => {
    const outputId = await own.released();
    const file = await (await get(`/v1/outputs/${outputId}/media`, own.fan)).arrayBuffer();
    const ask = (body: object) => fetch(`${origin}/v1/clones/${own.cloneId}/outputs`, {
      method: 'POST', body: JSON.stringify(body),
      headers: { authorization: `Bearer ${own.fan.actor.accountId}`, 'content-type': 'application/json', 'idempotency-key': `key-${performance.now()}` },
    });
    const denied = await ask({ capability: 'video', language: 'en', script: 'Show me.', purpose: 'fan_message' });
    const problem = (await denied.json()) as { code: string; clauses: string[]; decisionId: string };
    expect([denied.status, problem.code]).toEqual([403, 'denied']);
    expect(problem.clauses).toContain('capability.video');
    expect(problem.decisionId).toMatch(/^dec_/);
    const more = await ask({ capability: 'voice', language: 'en', script: 'Hello.', purpose: 'fan_message', disclosure: 'none' });
    expect([more.status, await problemOf(more)]).toEqual([400, 'request_invalid']);
    const status = await get(`/v1/outputs/${outputId}/status`);
    expect([status.status, await status.json()]).toMatchObject([200, { status: 'allowed_when_made' }]);
    const checked = await fetch(`${origin}/v1/file-checks`, { method: 'POST', body: file, headers: { 'content-type': 'audio/wav' } });
    expect([checked.status, await checked.json()]).toMatchObject([200, { matchedBy: 'file', output: { outputId } }]);
    const huge = await fetch(`${origin}/v1/file-checks`, { method: 'POST', body: new Uint8Array(33_554_433), headers: { 'content-type': 'audio/wav' } });
    expect(huge.status).toBe(413);
  });
});

describe('recordings of humans', () => {
  it('are played to reviewers and to whose they are, with a row for each playback', async () => {
    const evidence = `/v1/ownership-proofs/${proofId}/evidence/${evidenceId}/media`;
    const enrolment = `/v1/clones/${own.cloneId}/enrolment/voice/media`;
    const recording = await own.world.database.runTx((tx) => own.clones.enrolmentRecording(tx, own.cloneId));
    for (const person of [reviewer, own.owner]) {
      expect(sha256Hex(Buffer.from(await (await get(enrolment, person)).arrayBuffer()))).toBe(recording?.blobDigest);
      const played = await get(evidence, person);
      expect(Buffer.from(await played.arrayBuffer()).toString('latin1', 0, 4)).toBe('RIFF');
    }
    for (const path of [evidence, enrolment]) expect(await problemOf(await get(path, own.fan))).toBe('not_found');
    expect(await problemOf(await get(`/v1/ownership-proofs/own_${'0'.repeat(26)}/evidence/${evidenceId}/media`, reviewer))).toBe('not_found');
    const reads = await own.world.database.asOwner<{ kind: string; subject_id: string; account_id: string }>(
      `SELECT kind, subject_id, account_id FROM media_read WHERE kind <> 'output' ORDER BY id`);
    expect(reads).toEqual([reviewer, own.owner].flatMap(({ actor }) => [
      { kind: 'enrolment', subject_id: own.cloneId, account_id: actor.accountId },
      { kind: 'evidence', subject_id: evidenceId, account_id: actor.accountId },
    ]));
    expect(await own.count('media_read', `purpose = 'review' AND account_id = '${reviewer.actor.accountId}'`)).toBe(2);
    expect(await own.count('media_read', `purpose = 'own' AND account_id = '${own.owner.actor.accountId}'`)).toBe(2);
  });
});

describe('one way out', () => {
  /** How each operation that may send media is asked for it, and the stop that covers it. */
  const context = ({ actor }: Person): RequestContext => ({ requestId: 'r', actor, idempotency: null });
  const handlers = () => makeGatewayHandlers(own.gateway);
  const open: Record<string, { media: () => Promise<{ media: MediaSource }>; covered: 'clone' | 'platform' }> = {
    getOutputMedia: {
      media: async () => handlers().getOutputMedia({ path: { outputId: await own.released() }, query: {}, headers: {}, body: undefined }, context(own.fan)),
      covered: 'clone',
    },
    getOutputStream: {
      media: async () => handlers().getOutputStream(
        { path: { outputId: (await own.ask({ delivery: 'stream' })).outputId }, query: {}, headers: {}, body: undefined }, context(own.fan)),
      covered: 'clone',
    },
    getEvidenceMedia: {
      media: () => handlers().getEvidenceMedia({ path: { proofId, evidenceId }, query: {}, headers: {}, body: undefined }, context(reviewer)),
      covered: 'platform',
    },
    getEnrolmentMedia: {
      media: () => handlers().getEnrolmentMedia({ path: { cloneId: own.cloneId }, query: {}, headers: {}, body: undefined }, context(reviewer)),
      covered: 'platform',
    },
  };

  it('every operation of the contract that may send media is this room’s, and its source refuses after a stop', async () => {
    expect(mediaOperations(bundle).sort()).toEqual(Object.keys(open).sort());
    expect(Object.keys(handlers())).toEqual(expect.arrayContaining(mediaOperations(bundle)));
    for (const id of mediaOperations(bundle)) {
      const { media, covered } = open[id]!;
      const source = (await media()).media;
      const cuts: string[] = [];
      const lease = await source.open(({ code }) => cuts.push(code));
      lease.check();
      await own.shut(covered, 'paused');
      // Before it has been told: within one renewal it knows.
      await until(async () => cuts.length > 0, 2_000);
      expect(cuts, id).toEqual(['stopped']);
      expect(() => lease.check(), id).toThrow(expect.objectContaining({ code: 'stopped' }));
      lease.close();
      expect(await codeOf(askMedia(source)), id).toBe('stopped');
      await own.reopen(covered);
      // What was released may be had again; what was still to be made under the old decision may not.
      if (source.kind === 'stored') await askMedia(source);
      else expect(await codeOf(askMedia(source))).toBe('gate_changed');
    }
  });

  it('a revoked grant withdraws what was made under it', async () => {
    const outputId = await own.released();
    const source = await own.gateway.getOutputMedia(own.fan.actor, outputId);
    const { revocationDocument } = await own.consent.getGrant(own.owner.actor, own.grant.grantId);
    await own.consent.revokeGrant(own.owner.actor, own.world.key(), own.grant.grantId, await own.world.sign(own.owner, 'revocation', revocationDocument!));
    expect(await codeOf(askMedia(source))).toBe('output_withdrawn');
    const response = await get(`/v1/outputs/${outputId}/media`, own.fan);
    expect([response.status, await problemOf(response)]).toEqual([410, 'output_withdrawn']);
    expect(await own.gateway.getOutputStatus(outputId)).toMatchObject({ status: 'allowed_when_made_since_withdrawn' });
    expect((await own.gateway.checkFile(Buffer.from(source.bytes))).status).toBe('allowed_when_made_since_withdrawn');
  });

  it('after an existence stop nothing of the clone is played to reviewers; her own recording stays hers', async () => {
    const toReviewer = await own.gateway.getEnrolmentMedia(reviewer.actor, own.cloneId);
    const toOwner = await own.gateway.getEnrolmentMedia(own.owner.actor, own.cloneId);
    await own.shut('clone', 'stopped');
    expect(await codeOf(askMedia(toReviewer))).toBe('stopped');
    await askMedia(toOwner);
    const { outputs } = await own.gateway.listOutputs(own.owner.actor, { cloneId: own.cloneId, limit: 100 });
    const released = outputs.filter((output) => output.state === 'released');
    expect(released.length).toBeGreaterThan(4);
    for (const { outputId } of released) expect(await codeOf(own.gateway.getOutputMedia(own.owner.actor, outputId))).toBe('output_withdrawn');
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { entities as cloneEntities, HOUSE_POLICY, makeClones, type Clones, type ClonesDeps } from '../../src/clones/index.ts';
import {
  identityEntities, loadDocuments, makeIdentity, type DocumentType, type IdentityService, type SignatureInput,
} from '../../src/identity/index.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import type { Actor } from '../../src/kernel/request.ts';
import type { IdempotencyKey } from '../../src/kernel/tx.ts';
import { entities as ownershipEntities, loadPolicy, makeIdentityProvider, makeOwnership, type Ownership } from '../../src/ownership/index.ts';
import { type Blobs, makeFolderBlobs } from '../../src/platform/blobs/index.ts';
import { makeSafeFetch } from '../../src/platform/fetch/index.ts';
import { makeSealer, type Sealer } from '../../src/platform/keys/index.ts';
import { makeInference, writeWav, type Inference } from '../../src/platform/inference.ts';
import { makeStripe, type Sandbox, startSandbox } from '../../src/platform/stripe/index.ts';
import { makeTransparency, type Transparency } from '../../src/transparency/index.ts';
import { makeTestClock, type TestClock } from '../support/clock.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { makePasskey, type Passkey } from '../support/passkey.ts';

export interface Person {
  actor: Actor;
  passkey: Passkey;
  /** Of a session over HTTP. */
  token: string;
}

export const OWNER_NAME = 'Lin Ya · 林雅';
export const PERSONA = `林雅,歌手,喜欢雨天和旧书店。${'她说话慢,爱笑,不谈政治,也不给医疗建议。'.repeat(12)}`;
const SITE = { id: 'benren.example', name: 'Benren', origin: 'https://app.benren.example' };

/** The refusal's code; anything else that is thrown goes on being thrown. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await refusalOf(work)).code;
}

export async function refusalOf(work: Promise<unknown>): Promise<Refusal> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

/** A site of somebody's own on loopback. What it serves may be changed. */
async function openSite(): Promise<{ origin: string; serve(text: string): void; asked(): number; close(): Promise<void> }> {
  let body = '';
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    if (request.url === '/.well-known/benren.txt') response.end(body);
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve(text) {
      body = text;
    },
    asked: () => requests,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

type Promised = Promise<unknown>;
/** Over all worlds of this process: a model is loaded only where something new is said or measured. */
const answers = new Map<string, Promised>();

/** The real thing, asked once for each recording and each sentence: the same bytes come up in hundreds of cases. */
function remembering(inference: Inference): Inference {
  const kept = <T extends Promised>(name: string, make: () => T): T => {
    const known = answers.get(name) as T | undefined;
    if (known !== undefined) return known;
    const asked = make();
    answers.set(name, asked);
    // What failed is asked again.
    asked.catch(() => answers.delete(name));
    return asked;
  };
  return {
    ...inference,
    profile: (wav) => kept(`profile ${sha256Hex(wav)}`, () => inference.profile(wav)),
    synthesise: (request) => kept(`speech ${JSON.stringify(request)}`, () => inference.synthesise(request)),
    speakerFor: (profile) => kept(`speaker ${JSON.stringify(profile)}`, () => inference.speakerFor(profile)),
  };
}

export type Verdict =
  | { verdict: 'approve'; text?: string }
  | { verdict: 'reject'; reasonCode: 'impersonation' | 'voice_differs' | 'site_unrelated' | 'evidence_unclear' | 'subject_objects'; text?: string };

export interface World {
  database: TestDatabase;
  clock: TestClock;
  identity: IdentityService;
  ownership: Ownership;
  clones: Clones;
  log: Transparency;
  inference: Inference;
  blobs: Blobs;
  /** The identity provider's side. */
  sandbox: Sandbox;
  site: Awaited<ReturnType<typeof openSite>>;
  /** Versions whose probe sentences were heard, as the gateway would know. */
  heard: Set<string>;
  sealer: Sealer;
  /** Where this world keeps things. */
  folder: string;
  /** TXT records by name. */
  records: Map<string, string[]>;
  /** What the rooms above were told. */
  told: { endedProofs: string[]; provenClones: string[]; withdrawnVersions: string[]; upheldHolds: string[] };
  key(): IdempotencyKey;
  register(name: string, invitationToken?: string): Promise<Person>;
  operator(): Promise<Person>;
  reviewer(name: string): Promise<Person>;
  sign(person: Person, documentType: DocumentType, document: unknown): Promise<SignatureInput>;
  /** A signed claim and its proof, open. */
  openProof(person: Person, handle?: string): Promise<string>;
  addCheckedSite(person: Person, proofId: string): Promise<string>;
  addRecordedVoice(person: Person, proofId: string, recording: Uint8Array): Promise<string>;
  submittedProof(person: Person): Promise<string>;
  /** Takes up the case and judges it by the evidence that is there. */
  judge(reviewer: Actor, proofId: string, verdict: Verdict, key?: IdempotencyKey): Promise<Awaited<ReturnType<Ownership['reviewOwnershipProof']>>>;
  approvedProof(person: Person): Promise<string>;
  /** Speech of the reference voice, as WAV: at least `seconds` long. */
  voice(seconds: number, pitch?: number): Promise<Uint8Array>;
  clonesWith(change: Partial<ClonesDeps>): Clones;
  close(): Promise<void>;
}

export async function openWorld(seed: string): Promise<World> {
  const database = await openTestDatabase([...identityEntities, ...ownershipEntities, ...cloneEntities]);
  const folder = mkdtempSync(join(tmpdir(), 'benren-world-'));
  const clock = makeTestClock('2026-03-01T02:00:00Z');
  const random = seededRandom(seed);
  const ids = makeIds(clock, random);
  const { runTx } = database;
  const identity = makeIdentity({
    runTx, clock, ids, random, relyingParty: SITE, documents: loadDocuments(), secret: random.bytes(32),
  });
  const log = makeTransparency({
    runTx, clock, ids, logKey: generateKeyPairSync('ed25519').privateKey, origin: 'log.example/benren',
  });
  const inference = remembering(makeInference({ dataDir: folder, workers: 1 }));
  const blobs = makeFolderBlobs({ folder: join(folder, 'blobs'), random });
  const site = await openSite();
  // Randomness of its own: how many ids it draws must not move what the world draws.
  const sandbox = await startSandbox({ clock, random: seededRandom(`${seed}: provider`) });
  const stripe = makeStripe({ secretKey: sandbox.secretKey, apiBase: sandbox.apiBase, webhookSecret: 'whsec_unused', maxNetworkRetries: 0 });
  const heard = new Set<string>();
  const sealer = makeSealer(random.bytes(32), random);
  const records = new Map<string, string[]>();
  const told = { endedProofs: [] as string[], provenClones: [] as string[], withdrawnVersions: [] as string[], upheldHolds: [] as string[] };
  const ownership = makeOwnership({
    runTx, clock, ids, random, identity, log, blobs, inference, sealer,
    fetcher: makeSafeFetch({ allowLoopback: true }),
    dns: { txt: async (name) => records.get(name) ?? [] },
    policy: loadPolicy(), identityProvider: makeIdentityProvider(stripe, SITE.origin),
    enrolledVoice: (tx, proofId) => clones.enrolledVoice(tx, proofId),
    ownsClone: (tx, accountId) => clones.ownsClone(tx, accountId),
    cloneEnrolments: (tx, after, limit) => clones.enrolmentsAfter(tx, after, limit),
    onEnrolmentUpheld: async (_tx, { holdId }) => {
      told.upheldHolds.push(holdId);
    },
    onProofEnded: async (_tx, { proofId }) => {
      told.endedProofs.push(proofId);
    },
    onProofApproved: async (tx, { proofId, renews, at }) => {
      if (renews !== null) await clones.followProof(tx, { from: renews, to: proofId, at });
    },
  });
  const clonesDeps: ClonesDeps = {
    runTx, clock, ids, identity, ownership, log, blobs, inference, policy: HOUSE_POLICY,
    probesHeard: async (_tx, versionId) => heard.has(versionId),
    onCloneProven: async (_tx, { cloneId }) => {
      told.provenClones.push(cloneId);
    },
    onVersionWithdrawn: async (_tx, { versionId }) => {
      told.withdrawnVersions.push(versionId);
    },
  };
  const clones = makeClones(clonesDeps);
  let keys = 0;
  let firstOperator: Person | undefined;

  const world: World = {
    database, clock, identity, ownership, clones, log, inference, blobs, sandbox, site, heard, told, records, sealer, folder,
    key() {
      keys += 1;
      return { scope: 'test', key: `key-${keys}`, digest: 'd' };
    },
    async register(name, invitationToken) {
      const passkey = makePasskey({ random, origin: SITE.origin });
      const options = await identity.createRegistrationOptions({
        displayName: name, ...(invitationToken === undefined ? {} : { invitationToken }),
      });
      const session = await identity.register({ challengeId: options.challengeId, credential: passkey.register(options.publicKey) });
      const actor = await identity.authenticate(session.sessionToken);
      if (actor === null) throw new Error('A fresh session is no session.');
      return { actor, passkey, token: session.sessionToken };
    },
    async operator() {
      firstOperator ??= await world.register('Operator', await identity.operatorInvitation());
      return firstOperator;
    },
    async reviewer(name) {
      const { actor } = await world.operator();
      const { token } = await identity.createInvitation(actor, world.key(), { role: 'reviewer' });
      return await world.register(name, token);
    },
    async sign(person, documentType, document) {
      const challenge = await identity.createSigningChallenge(person.actor, world.key(), { documentType, document, locale: 'en' });
      return { challengeId: challenge.challengeId, credential: person.passkey.sign(challenge.publicKey) };
    },
    async openProof(person, handle = 'lin-ya') {
      const { document } = ownership.draftOwnershipClaim(person.actor, { subjectName: OWNER_NAME, handle, locale: 'zh-CN' });
      const signature = await world.sign(person, 'ownership_claim', document);
      return (await ownership.openOwnershipProof(person.actor, world.key(), { subjectName: OWNER_NAME, signature })).proofId;
    },
    async addCheckedSite(person, proofId) {
      const added = await ownership.addEvidence(person.actor, world.key(), proofId, { kind: 'domain', site: site.origin });
      site.serve(`${added.domain?.line ?? ''}\n`);
      await ownership.checkEvidence(person.actor, world.key(), proofId, added.evidenceId, {});
      return added.evidenceId;
    },
    async addRecordedVoice(person, proofId, recording) {
      const { evidenceId } = await ownership.addEvidence(person.actor, world.key(), proofId, { kind: 'voice_challenge', language: 'en' });
      await ownership.uploadEvidence(person.actor, world.key(), proofId, evidenceId, recording);
      return evidenceId;
    },
    async submittedProof(person) {
      const proofId = await world.openProof(person);
      await world.addCheckedSite(person, proofId);
      await world.addRecordedVoice(person, proofId, await world.voice(5));
      await ownership.submitOwnershipProof(person.actor, world.key(), proofId);
      return proofId;
    },
    async judge(reviewer, proofId, verdict, key = world.key()) {
      const { proof } = await ownership.claimReview(reviewer, world.key(), proofId);
      return await ownership.reviewOwnershipProof(reviewer, key, proofId, { ...verdict, evidenceSha256: proof.evidenceSha256 ?? '' });
    },
    async approvedProof(person) {
      const proofId = await world.submittedProof(person);
      for (const name of ['first', 'second']) {
        const { actor } = await world.reviewer(name);
        await world.judge(actor, proofId, { verdict: 'approve' });
      }
      return proofId;
    },
    async voice(seconds, pitch = 0.7) {
      const sentence = 'The quiet heron carried seven green lanterns over the narrow bridge and nobody was awake to see it. ';
      const text = sentence.repeat(Math.ceil(seconds / 5));
      const { pcm, sampleRateHz } = await inference.synthesise({ text, language: 'en', speaker: [pitch, 0.1, 0, 0, 0, 0, 0, 0] });
      return writeWav(pcm, sampleRateHz);
    },
    clonesWith: (change) => makeClones({ ...clonesDeps, ...change }),
    async close() {
      await inference.close();
      await site.close();
      await sandbox.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
}

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeApp } from '../../src/http/app.ts';
import { makeBundle } from '../../src/http/operations.ts';
import type { AppHandlers } from '../../src/http/router.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { makeIdentityHandlers, verifySignatureEvidence } from '../../src/identity/index.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { makeClient, type Client } from '../support/client.ts';
import { makePasskey } from '../support/passkey.ts';
import { registerPerson } from '../support/person.ts';
import { grantNote, openHarness, type Harness } from './harness.ts';

/** The room's own part of the contract over real HTTP, answers validated too. */
let harness: Harness;
let server: Server;
let client: Client;
const random = systemRandom;

interface Contract {
  paths: Record<string, Record<string, { tags?: string[] }>>;
}

beforeAll(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The port is known only now, and the origin is part of what passkeys sign.
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  harness = await openHarness('http', { id: 'localhost', name: 'Benren', origin });
  const { identity, clock } = harness;
  const contract = JSON.parse(readFileSync(new URL('../../contracts/generated/openapi.json', import.meta.url), 'utf8')) as Contract;
  const mine = Object.entries(contract.paths).filter(([, item]) => Object.values(item).some(({ tags }) => tags?.includes('identity')));
  const bundle = makeBundle({ ...contract, paths: Object.fromEntries(mine) });
  server.on('request', makeApp({
    bundle, validators: makeValidators(bundle), validateResponses: true, log: makeLog({ level: 'silent' }), clock, random,
    handlers: makeIdentityHandlers(identity) as AppHandlers, authenticate: async (token) => await identity.authenticate(token),
  }));
  client = makeClient(origin);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await harness.database.close();
});

describe('identity over HTTP', () => {
  it('takes people from an invitation to a signature that verifies offline', async () => {
    const operator = await registerPerson(client, random, { displayName: 'Operator', locale: 'en', invitationToken: await harness.identity.operatorInvitation() });
    const { token } = await operator.client.call('createInvitation', { body: { role: 'reviewer', note: 'desk one' } });
    const reviewer = await registerPerson(client, random, { displayName: 'Reviewer', invitationToken: token });
    expect((await reviewer.client.call('getMe', {})).account.roles).toEqual(['reviewer']);
    const second = await operator.client.call('createInvitation', { body: { role: 'operator' } });
    const accepted = await reviewer.client.call('acceptInvitation', { body: { token: second.token } });
    expect(accepted.roles).toEqual(['operator', 'reviewer']);

    const owner = await registerPerson(client, random, { displayName: 'Lin Ya · 林雅' });
    expect(await owner.client.call('updateMe', { body: { country: 'CN', locale: 'en' } })).toMatchObject({ country: 'CN', locale: 'en' });
    expect((await owner.client.refused('updateMe', { body: { country: 'XX' } })).code).toBe('country_unknown');
    expect((await owner.client.refused('createInvitation', { body: { role: 'operator' } })).code).toBe('role_missing');

    const challenge = await owner.client.call('createSigningChallenge', {
      body: { documentType: 'grant', document: grantNote('over HTTP'), locale: 'zh-CN' },
    });
    const credential = owner.passkey.sign(challenge.publicKey);
    const signed = await harness.database.runTx(async (tx) => await harness.identity.completeSignature(
      tx, { accountId: owner.accountId, sessionId: 'ses', roles: [] }, { challengeId: challenge.challengeId, credential },
      { documentType: 'grant' },
    ));
    const read = await owner.client.call('getSignedDocument', { path: { signedDocumentId: signed.id } });
    expect(read).toMatchObject({ document: grantNote('over HTTP'), signedBy: owner.accountId, digest: challenge.digest });
    expect(verifySignatureEvidence(read.evidence)).toEqual({ ok: true, problems: [] });
    expect((await operator.client.call('getSignedDocument', { path: { signedDocumentId: signed.id } })).evidence).toEqual(read.evidence);
  });

  it('a session begins with a passkey, and ends', async () => {
    const person = await registerPerson(client, random, { displayName: 'Wen' });
    const options = await client.call('createLoginOptions', {});
    const session = await client.call('login', {
      body: { challengeId: options.challengeId, credential: person.passkey.sign(options.publicKey) },
    });
    const own = client.as(session.sessionToken);
    await own.call('logout', {});
    expect((await own.refused('getMe', {})).code).toBe('session_invalid');
    expect((await client.refused('getMe', {})).code).toBe('session_missing');
    expect((await person.client.call('getMe', {})).account.accountId).toBe(person.accountId);
  });

  it('has clear problems for what is sent wrong, and the same 404 for what is not there and what is not yours', async () => {
    const person = await registerPerson(client, random, { displayName: 'Bad input' });
    const document = { ...grantNote('x'), more: 1 };
    const refusal = await person.client.refused('createSigningChallenge', { body: { documentType: 'grant', document, locale: 'en' } });
    expect(refusal).toMatchObject({ status: 422, code: 'document_invalid' });
    expect(refusal.problem['problems']).toEqual([{ path: '', message: 'must NOT have additional properties: more' }]);
    const options = await client.call('createRegistrationOptions', { body: { displayName: 'No UV' } });
    const credential = makePasskey({ random, origin: client.origin }).register(options.publicKey, { userVerified: false });
    const unverified = await client.refused('register', { body: { challengeId: options.challengeId, credential } });
    expect(unverified).toMatchObject({ status: 400, code: 'user_verification_missing' });
    const invited = await client.refused('createRegistrationOptions', { body: { displayName: 'X', invitationToken: 'inv.x' } });
    expect(invited).toMatchObject({ status: 403, code: 'invitation_invalid' });

    const signer = await harness.register('Signer');
    const { id } = await harness.sign(signer, 'theirs');
    const [theirs, nothing] = await Promise.all([id, `sgn_${'0'.repeat(26)}`].map(async (signedDocumentId) =>
      await person.client.refused('getSignedDocument', { path: { signedDocumentId } })));
    expect(theirs?.status).toBe(404);
    expect(theirs?.bytes).toEqual(nothing?.bytes);
  });

  it('refuses every operation behind a session without one, and every write without a key', async () => {
    const body = { role: 'payee' } as const;
    expect((await client.refused('getMe', {})).status).toBe(401);
    expect((await client.refused('logout', {})).status).toBe(401);
    expect((await client.refused('createInvitation', { body })).status).toBe(401);
    const person = await registerPerson(client, random, { displayName: 'No key' });
    expect((await person.client.refused('createInvitation', { body, key: '' })).code).toBe('idempotency_key_missing');
    expect((await person.client.refused('acceptInvitation', { body: { token: 'inv.x' }, key: '' })).code).toBe('idempotency_key_missing');
  });
});

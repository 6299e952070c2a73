import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeStripe } from '../../src/platform/stripe/index.ts';
import { makeIdentityProvider } from '../../src/ownership/index.ts';
import { sameName } from '../../src/ownership/kinds/identity-provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { codeOf, openWorld, type Person, refusalOf, type World } from './world.ts';

let world: World;
let owner: Person;

beforeAll(async () => {
  world = await openWorld('identity provider');
  owner = await world.register('Chen Mo');
});
afterAll(async () => await world.close());

const key = () => world.key();

async function open(input: object = {}): Promise<string> {
  const { document } = world.ownership.draftOwnershipClaim(owner.actor, { subjectName: 'Chen Mo', handle: 'chen-mo', locale: 'en', ...input });
  const signature = await world.sign(owner, 'ownership_claim', document);
  return (await world.ownership.openOwnershipProof(owner.actor, key(), { subjectName: document.subjectName, signature })).proofId;
}

async function begun(proofId: string): Promise<{ evidenceId: string; sessionId: string; url: string | null }> {
  const { evidenceId, identity } = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'identity_provider' });
  return { evidenceId, sessionId: identity?.sessionId ?? '', url: identity?.url ?? null };
}
const check = (proofId: string, evidenceId: string) => world.ownership.checkEvidence(owner.actor, key(), proofId, evidenceId, {});

describe('a name on a paper', () => {
  it.each([
    ['Chen Mo', 'Mo', 'Chen'], ['chén mò', 'MO', 'CHEN'], ['Anna Maria Weiß', 'ANNA MARIA', 'WEISS'], ['Sinéad O’Connor', 'Sinead', 'O\'Connor'], ['林雅', '雅', '林'],
    ['張學友', '学友', '张'], ['阿卜杜拉·买买提', '阿卜杜拉', '买买提'], ['Jean-Luc Marchand', 'Jean Luc', 'Marchand'], ['Madonna', '', 'MADONNA'],
  ])('%s is %s %s', (claimed, first, last) => expect(sameName(claimed, { first, last })).toBe(true));

  it.each([
    ['Chen Mo', 'Mo', 'Cheng'], ['Chen Mo', 'Chen', ''], ['Chen Mo', 'Mo Mo', 'Chen'], ['Wang Fei · Chen Mo', 'Mo', 'Chen'], ['王菲 Chen Mo', 'Mo', 'Chen'],
    ['Chen Mo', '', ''], ['···', '', ''], ['Chenmo', 'Mo', 'Chen'], ['林雅', '亚', '林'], ['林雅', 'Ya', 'Lin'],
  ])('%s is not %s %s', (claimed, first, last) => expect(sameName(claimed, { first, last })).toBe(false));
});

describe('a check by the identity provider', () => {
  it('begins with an address that is answered once and kept nowhere beside the evidence', async () => {
    const proofId = await open();
    const same = key();
    const first = await world.ownership.addEvidence(owner.actor, same, proofId, { kind: 'identity_provider' });
    expect(first).toMatchObject({ kind: 'identity_provider', state: 'pending', identity: { status: null, nameMatches: null } });
    expect(first.identity?.url).toMatch(/\/verify\/test_/);
    expect(await world.ownership.addEvidence(owner.actor, same, proofId, { kind: 'identity_provider' })).toEqual(first);
    const [shown] = (await world.ownership.getOwnershipProof(owner.actor, proofId)).evidence;
    expect(shown?.identity).toEqual({ sessionId: first.identity?.sessionId, url: null, status: null, nameMatches: null });
    const rows = await world.database.asOwner('SELECT terms FROM ownership_evidence WHERE proof_id = $1', [proofId]);
    expect(rows).toEqual([{ terms: { sessionId: first.identity?.sessionId } }]);
  });

  it('asks the provider once for one key, also when the answer was lost before it was written', async () => {
    const stripe = makeStripe({ secretKey: world.sandbox.secretKey, apiBase: world.sandbox.apiBase, webhookSecret: 'whsec_unused' });
    const provider = makeIdentityProvider(stripe, 'https://app.benren.example');
    expect(await provider.begin('own_a', 'scope:key')).toEqual(await provider.begin('own_a', 'scope:key'));
    expect((await provider.begin('own_a', 'scope:other')).sessionId).not.toBe((await provider.begin('own_a', 'scope:key')).sessionId);
  });

  it('waits with the reason and an address to go on, passes, and says the same when asked twice', async () => {
    const proofId = await open();
    const { evidenceId, sessionId } = await begun(proofId);
    expect(await refusalOf(check(proofId, evidenceId))).toMatchObject({ code: 'identity_unverified', extra: { status: 'requires_input', problem: null } });
    await world.sandbox.control.failIdentity(sessionId, 'selfie_face_mismatch');
    const refused = await refusalOf(check(proofId, evidenceId));
    expect(refused).toMatchObject({ code: 'identity_unverified', extra: { status: 'requires_input', problem: 'selfie_face_mismatch', url: expect.stringMatching(/\/verify\//) as string } });
    expect((await world.ownership.getOwnershipProof(owner.actor, proofId)).evidence[0]).toMatchObject({ state: 'pending', passedAt: null });
    await world.sandbox.control.verifyIdentity(sessionId, { firstName: 'MO', lastName: 'CHÉN' });
    const passed = await check(proofId, evidenceId);
    expect(passed).toMatchObject({ state: 'passed', identity: { status: 'verified', nameMatches: true, url: null } });
    world.clock.advance(60_000);
    expect(await check(proofId, evidenceId)).toEqual(passed);
    // What the provider read is nowhere in the house.
    const tables = await world.database.asOwner<{ name: string }>('SELECT tablename AS name FROM pg_tables WHERE schemaname = \'public\'');
    for (const { name } of tables) {
      const rows = await world.database.asOwner<{ row: string }>(`SELECT t::text AS row FROM "${name}" t WHERE t::text LIKE '%CHÉN%'`);
      expect([name, rows]).toEqual([name, []]);
    }
  });

  it('of another person, or one without a name, is refused and counts for nothing', async () => {
    const proofId = await open();
    for (const [paper, code] of [[{ firstName: 'Fei', lastName: 'Wang' }, 'identity_differs'], [{ firstName: null, lastName: null }, 'identity_differs']] as const) {
      const { evidenceId, sessionId } = await begun(proofId);
      await world.sandbox.control.verifyIdentity(sessionId, paper);
      expect(await codeOf(check(proofId, evidenceId))).toBe(code);
      const current = (await world.ownership.getOwnershipProof(owner.actor, proofId)).evidence.find((one) => one.evidenceId === evidenceId);
      expect(current).toMatchObject({ state: 'pending', validUntil: null });
    }
  });

  it('is of who acts, not of whom they act for', async () => {
    const proofId = await open({ subjectName: 'Lin Ya', handle: 'lin-ya', subjectKind: 'guardian', claimantName: 'Chen Mo' });
    const other = await begun(proofId);
    await world.sandbox.control.verifyIdentity(other.sessionId, { firstName: 'Ya', lastName: 'Lin' });
    expect(await codeOf(check(proofId, other.evidenceId))).toBe('identity_differs');
    const own = await begun(proofId);
    await world.sandbox.control.verifyIdentity(own.sessionId, { firstName: 'Mo', lastName: 'Chen' });
    expect(await check(proofId, own.evidenceId)).toMatchObject({ state: 'passed' });
  });

  it('alone, or with a paper, hands nothing in', async () => {
    const proofId = await open();
    const { evidenceId, sessionId } = await begun(proofId);
    await world.sandbox.control.verifyIdentity(sessionId, { firstName: 'Mo', lastName: 'Chen' });
    await check(proofId, evidenceId);
    expect(await codeOf(world.ownership.submitOwnershipProof(owner.actor, key(), proofId))).toBe('proof_incomplete');
    const paper = await world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'document', documentType: 'passport' });
    await world.ownership.uploadEvidence(owner.actor, key(), proofId, paper.evidenceId, Buffer.from(`%PDF-1.7\n${'x'.repeat(80)}\n%%EOF\n`));
    expect(await codeOf(world.ownership.submitOwnershipProof(owner.actor, key(), proofId))).toBe('proof_incomplete');
  });

  it.each(['asApp', 'asOwner'] as const)('keeps no more than its outcome, %s', async (role) => {
    const proofId = await open();
    const { evidenceId } = await begun(proofId);
    for (const finding of ['{"status":"verified","nameMatches":true,"firstName":"Mo"}', '{"status":"verified","nameMatches":false}', '{"status":"processing","nameMatches":true}']) {
      await expect(world.database[role](
        `UPDATE ownership_evidence SET state = 'passed', passed_at = now(), valid_until = '2099-01-01', finding = $2 WHERE id = $1`, [evidenceId, finding],
      )).rejects.toMatchObject({ constraint: 'ownership_evidence_identity_is_bare' });
    }
  });

  it('is refused as unavailable while the provider is away, and nothing is half done', async () => {
    const proofId = await open();
    const { evidenceId, sessionId } = await begun(proofId);
    await world.sandbox.control.verifyIdentity(sessionId, { firstName: 'Mo', lastName: 'Chen' });
    await world.sandbox.close();
    const before = (await world.ownership.getOwnershipProof(owner.actor, proofId)).evidence;
    expect(await codeOf(check(proofId, evidenceId))).toBe('unavailable');
    expect(await codeOf(world.ownership.addEvidence(owner.actor, key(), proofId, { kind: 'identity_provider' }))).toBe('unavailable');
    expect((await world.ownership.getOwnershipProof(owner.actor, proofId)).evidence).toEqual(before);
  });
});

describe('over HTTP', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ seed: 'identity over http' });
  });
  afterAll(async () => await server.close());

  it('a person goes to the provider and comes back verified; the news by webhook changes nothing', async () => {
    const person = await server.person('Lin Ya');
    const { document } = await person.client.call('draftOwnershipClaim', { body: { subjectName: 'Lin Ya', handle: 'lin-ya', locale: 'en' } });
    const { proofId } = await person.client.call('openOwnershipProof', { body: { subjectName: 'Lin Ya', signature: await person.sign('ownership_claim', document) } });
    const { evidenceId, identity } = await person.client.call('addEvidence', { path: { proofId }, body: { kind: 'identity_provider' } });
    const where = { path: { proofId, evidenceId } };
    const waiting = await person.client.refused('checkEvidence', where);
    expect(waiting.problem).toMatchObject({ status: 422, code: 'identity_unverified', problem: null });
    const { control } = server.service.platform.sandbox!;
    await control.verifyIdentity(identity?.sessionId ?? '', { firstName: 'Ya', lastName: 'Lin' });
    await control.idle();
    const [news] = await server.database.asOwner<{ type: string }>('SELECT type FROM stripe_event WHERE type = \'identity.verification_session.verified\'');
    expect(news).toBeDefined();
    expect(await person.client.call('getOwnershipProof', { path: { proofId } })).toMatchObject({ evidence: [{ state: 'pending' }] });
    expect(await person.client.call('checkEvidence', where)).toMatchObject({ state: 'passed', identity: { nameMatches: true } });
    const stranger = await server.person('Stranger');
    expect((await stranger.client.refused('checkEvidence', where)).status).toBe(404);
    await server.service.platform.sandbox!.close();
    expect((await person.client.refused('addEvidence', { path: { proofId }, body: { kind: 'identity_provider' } })).problem).toMatchObject({ status: 503, code: 'unavailable' });
  });
});

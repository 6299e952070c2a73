import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CHALLENGE_MS, INVITATION_MS, SESSION_MS } from '../../src/identity/model.ts';
import type { RegistrationCredential } from '../../src/identity/verification.ts';
import { makePasskey, type Tampering } from '../support/passkey.ts';
import { codeOf, openHarness, SITE, type Harness, type Person } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await openHarness('people');
});
afterAll(async () => await harness.database.close());

describe('registration', () => {
  it('makes an account without roles, signed in by a token that only its hash is kept of', async () => {
    const person = await harness.register('Lin Ya · 林雅');
    expect(person.actor).toMatchObject({ accountId: person.accountId, roles: [] });
    const { account, passkeys } = await harness.identity.getMe(person.actor);
    expect(account).toMatchObject({ displayName: 'Lin Ya · 林雅', country: null, locale: 'zh-CN', roles: [] });
    expect(passkeys).toMatchObject([{ synced: true }]);
    const dump = JSON.stringify(await harness.database.asOwner('SELECT * FROM session'));
    expect(dump).not.toContain(person.token);
    expect(dump).not.toContain(person.token.slice(4));
  });

  const wrongs: [string, Tampering, string][] = [
    ['wrong origin', { origin: 'https://evil.example' }, 'assertion_invalid'],
    ['a subdomain of ours', { origin: 'https://x.app.benren.example' }, 'assertion_invalid'],
    ['another scheme', { origin: 'http://app.benren.example' }, 'assertion_invalid'],
    ['wrong rpId', { rpId: 'evil.example' }, 'assertion_invalid'],
    ['crossOrigin', { crossOrigin: true }, 'assertion_invalid'],
    ['topOrigin', { topOrigin: 'https://app.benren.example' }, 'assertion_invalid'],
    ['no user present', { userPresent: false }, 'assertion_invalid'],
    ['no user verification', { userVerified: false }, 'user_verification_missing'],
    ['the type of an assertion', { type: 'webauthn.get' }, 'assertion_invalid'],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }, 'assertion_invalid'],
    ['backed up and not eligible', { backupEligible: false, backedUp: true }, 'assertion_invalid'],
    ['an attestation that was not asked for', { attestationFormat: 'android-key' }, 'assertion_invalid'],
    ['packed attestation without a signature', { attestationFormat: 'packed' }, 'assertion_invalid'],
    ['a format nobody knows', { attestationFormat: 'mine' }, 'assertion_invalid'],
    ['a repeated name in clientDataJSON', { clientData: (text) => text.replace('{', '{"type":"webauthn.create",') }, 'assertion_invalid'],
    ['clientDataJSON that is not UTF-8', { clientData: (text) => Buffer.from(text.replace('"crossOrigin"', '"\u00ff":1,"crossOrigin"'), 'latin1') }, 'assertion_invalid'],
    ['clientDataJSON with a BOM', { clientData: (text) => `\ufeff${text}` }, 'assertion_invalid'],
    ['clientDataJSON that is a list', { clientData: () => '[]' }, 'assertion_invalid'],
    ['crossOrigin as text', { clientData: (text) => text.replace('false', '"false"') }, 'assertion_invalid'],
  ];

  it.each(wrongs)('is refused with %s, and writes nothing', async (_name, wrong, code) => {
    const passkey = makePasskey({ random: harness.random, origin: SITE.origin });
    const options = await harness.identity.createRegistrationOptions({ displayName: 'Nobody' });
    const before = await harness.counts();
    const credential = passkey.register(options.publicKey, wrong);
    expect(await codeOf(harness.identity.register({ challengeId: options.challengeId, credential }))).toBe(code);
    expect(await harness.counts()).toEqual(before);
  });

  const breaks: [string, (good: RegistrationCredential) => RegistrationCredential][] = [
    ['an id that is not base64url', (good) => ({ ...good, id: '!!!', rawId: '!!!' })],
    ['an empty id', (good) => ({ ...good, id: '', rawId: '' })],
    ['two ids', (good) => ({ ...good, rawId: 'AAAA' })],
    ['another id than the authenticator says', (good) => ({ ...good, id: 'AAAA', rawId: 'AAAA' })],
    ['padded base64url', (good) => ({ ...good, response: { ...good.response, clientDataJSON: `${good.response.clientDataJSON}==` } })],
    ['clientDataJSON that is not base64url', (good) => ({ ...good, response: { ...good.response, clientDataJSON: '%%%' } })],
    ['CBOR that ends early', (good) => ({ ...good, response: { ...good.response, attestationObject: good.response.attestationObject.slice(0, 40) } })],
    ['CBOR of another shape', (good) => ({ ...good, response: { ...good.response, attestationObject: 'gAAA' } })],
    ['CBOR nested a thousand deep', (good) => ({ ...good, response: { ...good.response, attestationObject: Buffer.alloc(20_000, 0x81).toString('base64url') } })],
    ['CBOR that promises gigabytes', (good) => ({ ...good, response: { ...good.response, attestationObject: Buffer.from('5b7fffffffffffffff', 'hex').toString('base64url') } })],
    ['no attestation object', (good) => ({ ...good, response: { ...good.response, attestationObject: '' } })],
  ];

  it.each(breaks)('is refused with %s, and writes nothing', async (_name, breakIt) => {
    const passkey = makePasskey({ random: harness.random, origin: SITE.origin });
    const options = await harness.identity.createRegistrationOptions({ displayName: 'Nobody' });
    const before = await harness.counts();
    const credential = breakIt(passkey.register(options.publicKey));
    expect(await codeOf(harness.identity.register({ challengeId: options.challengeId, credential }))).toBe('assertion_invalid');
    expect(await harness.counts()).toEqual(before);
  });

  it('takes a challenge once, in time, and for registration only', async () => {
    const passkey = makePasskey({ random: harness.random, origin: SITE.origin });
    const options = await harness.identity.createRegistrationOptions({ displayName: 'Once' });
    const answer = { challengeId: options.challengeId, credential: passkey.register(options.publicKey) };
    await harness.identity.register(answer);
    expect(await codeOf(harness.identity.register(answer))).toBe('challenge_used');
    const late = await harness.identity.createRegistrationOptions({ displayName: 'Late' });
    harness.clock.advance(CHALLENGE_MS);
    const lateAnswer = { challengeId: late.challengeId, credential: passkey.register(late.publicKey) };
    expect(await codeOf(harness.identity.register(lateAnswer))).toBe('challenge_expired');
    const login = await harness.identity.createLoginOptions();
    expect(await codeOf(harness.identity.register({ ...answer, challengeId: login.challengeId }))).toBe('challenge_unknown');
    expect(await codeOf(harness.identity.register({ ...answer, challengeId: 'chg_x' }))).toBe('challenge_unknown');
  });

  it('of two answers to one challenge at the same time exactly one makes an account', async () => {
    const passkey = makePasskey({ random: harness.random, origin: SITE.origin });
    const options = await harness.identity.createRegistrationOptions({ displayName: 'Twice' });
    const before = await harness.counts();
    const credential = passkey.register(options.publicKey);
    const codes = await Promise.all(Array.from({ length: 6 }, async () =>
      await codeOf(harness.identity.register({ challengeId: options.challengeId, credential }))));
    expect(codes.sort()).toEqual(['accepted', ...Array.from({ length: 5 }, () => 'challenge_used')]);
    expect((await harness.counts())['account']).toBe((before['account'] ?? 0) + 1);
  });

  it('takes a passkey once, also when it is sent for a second account', async () => {
    const options = [
      await harness.identity.createRegistrationOptions({ displayName: 'One' }),
      await harness.identity.createRegistrationOptions({ displayName: 'Two' }),
    ] as const;
    const seeded = (): ReturnType<typeof makePasskey> =>
      makePasskey({ random: { bytes: (length) => new Uint8Array(length).fill(9), below: () => 0 }, origin: SITE.origin });
    const answers = options.map(({ challengeId, publicKey }) => ({ challengeId, credential: seeded().register(publicKey) }));
    const codes = await Promise.all(answers.map(async (answer) => await codeOf(harness.identity.register(answer))));
    expect(codes.sort()).toEqual(['accepted', 'credential_exists']);
  });

  it('refuses a name that is none', async () => {
    expect(await codeOf(harness.identity.createRegistrationOptions({ displayName: ' \u202e ' }))).toBe('request_invalid');
  });
});

describe('sessions', () => {
  let person: Person;
  beforeAll(async () => {
    person = await harness.register('Wen');
  });

  async function login(wrong: Tampering = {}, by: Person = person): Promise<string> {
    const options = await harness.identity.createLoginOptions();
    return await codeOf(harness.identity.login({
      challengeId: options.challengeId, credential: by.passkey.sign(options.publicKey, wrong),
    }));
  }

  it('begin with a discoverable passkey, no name asked, and end', async () => {
    const options = await harness.identity.createLoginOptions();
    expect(options.publicKey.allowCredentials).toEqual([]);
    const session = await harness.identity.login({
      challengeId: options.challengeId, credential: person.passkey.sign(options.publicKey),
    });
    expect(session.account.accountId).toBe(person.accountId);
    const actor = await harness.identity.authenticate(session.sessionToken);
    expect(actor?.accountId).toBe(person.accountId);
    if (actor !== null) await harness.identity.logout(actor);
    expect(await harness.identity.authenticate(session.sessionToken)).toBeNull();
    expect(await harness.identity.authenticate(person.token)).not.toBeNull();
  });

  it('last thirty days of business time', async () => {
    const wei = await harness.register('Wei');
    harness.clock.advance(SESSION_MS - 1);
    expect(await harness.identity.authenticate(wei.token)).not.toBeNull();
    harness.clock.advance(1);
    expect(await harness.identity.authenticate(wei.token)).toBeNull();
  });

  it('need a token of ours', async () => {
    for (const token of ['', 'ses.', person.token.slice(0, -1), `${person.token}A`, person.token.replace('ses', 'inv'),
      'ses.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', "ses.' OR true --"]) {
      expect(await harness.identity.authenticate(token)).toBeNull();
    }
  });

  const wrongs: [string, Tampering, string][] = [
    ['wrong origin', { origin: 'https://evil.example' }, 'assertion_invalid'],
    ['wrong rpId', { rpId: 'evil.example' }, 'assertion_invalid'],
    ['crossOrigin', { crossOrigin: true }, 'assertion_invalid'],
    ['topOrigin', { topOrigin: 'https://top.example', crossOrigin: true }, 'assertion_invalid'],
    ['nobody present', { userPresent: false }, 'assertion_invalid'],
    ['nobody verified', { userVerified: false }, 'user_verification_missing'],
    ['the type of a registration', { type: 'webauthn.create' }, 'assertion_invalid'],
    ['the type of a payment', { type: 'payment.get' }, 'assertion_invalid'],
    ['a synced passkey that became bound', { backupEligible: false, backedUp: false }, 'assertion_invalid'],
  ];

  it.each(wrongs)('do not begin with %s, and nothing is written', async (_name, wrong, code) => {
    const before = await harness.counts();
    expect(await login(wrong)).toBe(code);
    const after = await harness.counts();
    expect({ ...after, challenge: 0 }).toEqual({ ...before, challenge: 0 });
  });

  it('tolerate members of clientDataJSON that are not known yet', async () => {
    expect(await login({ clientData: (text) => text.replace('{', '{"extraData":"of the future",') })).toBe('accepted');
  });

  it('do not begin with a replayed, late, foreign or broken answer', async () => {
    const options = await harness.identity.createLoginOptions();
    const answer = { challengeId: options.challengeId, credential: person.passkey.sign(options.publicKey) };
    await harness.identity.login(answer);
    expect(await codeOf(harness.identity.login(answer))).toBe('challenge_used');
    const fresh = await harness.identity.createLoginOptions();
    expect(await codeOf(harness.identity.login({ ...answer, challengeId: fresh.challengeId }))).toBe('assertion_invalid');
    const late = await harness.identity.createLoginOptions();
    harness.clock.advance(CHALLENGE_MS);
    const lateAnswer = { challengeId: late.challengeId, credential: person.passkey.sign(late.publicKey) };
    expect(await codeOf(harness.identity.login(lateAnswer))).toBe('challenge_expired');

    const other = await harness.register('Other');
    const next = await harness.identity.createLoginOptions();
    const mine = person.passkey.sign(next.publicKey);
    const theirs = other.passkey.sign(next.publicKey);
    const mixed = { ...mine, response: { ...theirs.response } };
    expect(await codeOf(harness.identity.login({ challengeId: next.challengeId, credential: mixed }))).toBe('assertion_invalid');
    const handle = { ...mine, response: { ...mine.response, userHandle: theirs.response.userHandle } };
    expect(await codeOf(harness.identity.login({ challengeId: next.challengeId, credential: handle }))).toBe('assertion_invalid');
    const stranger = makePasskey({ random: harness.random, origin: SITE.origin });
    stranger.register({ ...(await harness.identity.createRegistrationOptions({ displayName: 'X' })).publicKey });
    const unknown = { challengeId: next.challengeId, credential: stranger.sign(next.publicKey) };
    expect(await codeOf(harness.identity.login(unknown))).toBe('credential_unknown');
    for (const response of [
      { ...mine.response, signature: '' }, { ...mine.response, signature: 'AA' }, { ...mine.response, authenticatorData: 'AAAA' },
      { ...mine.response, clientDataJSON: 'e30' }, { ...mine.response, clientDataJSON: '{}' },
      { ...mine.response, authenticatorData: `${mine.response.authenticatorData}AAAA` },
    ]) {
      const broken = { challengeId: next.challengeId, credential: { ...mine, response } };
      expect(await codeOf(harness.identity.login(broken))).toBe('assertion_invalid');
    }
    expect(await codeOf(harness.identity.login({ challengeId: next.challengeId, credential: mine }))).toBe('accepted');
  });

  it('a counter that stands still stops a bound key, and not a synced one', async () => {
    const bound = await harness.register('Bound', undefined, true);
    expect(await login({ counter: 5 }, bound)).toBe('accepted');
    expect(await login({ counter: 5 }, bound)).toBe('assertion_invalid');
    expect(await login({ counter: 4 }, bound)).toBe('assertion_invalid');
    expect(await login({ counter: 6 }, bound)).toBe('accepted');
    expect(await login({ counter: 9 })).toBe('accepted');
    expect(await login({ counter: 0 })).toBe('accepted');
  });
});

describe('invitations', () => {
  it('the first operator comes by one that a second one replaces, and there is only one first', async () => {
    const fresh = await openHarness('first operator');
    try {
      const [lost, good] = [await fresh.identity.operatorInvitation(), await fresh.identity.operatorInvitation()];
      expect(await codeOf(fresh.identity.createRegistrationOptions({ displayName: 'A', invitationToken: lost }))).toBe('invitation_invalid');
      const operator = await fresh.register('A', good);
      expect(operator.actor.roles).toEqual(['operator']);
      expect(await codeOf(fresh.identity.operatorInvitation())).toBe('role_missing');
      expect(await codeOf(fresh.register('B', good))).toBe('invitation_invalid');
      await expect(fresh.database.asApp(
        `INSERT INTO invitation (id, role, token_hash, created_at, expires_at) VALUES ('x', 'operator', sha256('x'), now(), now() + '1 day')`,
      )).rejects.toThrow(/there is an operator/);
      const further = await fresh.identity.createInvitation(operator.actor, fresh.key(), { role: 'operator' });
      expect((await fresh.register('C', further.token)).actor.roles).toEqual(['operator']);
    } finally {
      await fresh.database.close();
    }
  });

  it('are issued by who may, once a key, and only their hash is kept', async () => {
    const operator = await harness.operator();
    const fan = await harness.register('Fan');
    for (const role of ['operator', 'reviewer'] as const) {
      expect(await codeOf(harness.identity.createInvitation(fan.actor, harness.key(), { role }))).toBe('role_missing');
    }
    const key = harness.key();
    const invitation = await harness.identity.createInvitation(operator.actor, key, { role: 'reviewer', note: 'for the desk' });
    expect(await harness.identity.createInvitation(operator.actor, key, { role: 'reviewer', note: 'for the desk' })).toEqual(invitation);
    expect(await codeOf(harness.identity.createInvitation(operator.actor, { ...key, digest: 'other' }, { role: 'operator' })))
      .toBe('idempotency_key_reused');
    const kept = JSON.stringify([
      await harness.database.asOwner('SELECT * FROM invitation'), await harness.database.asOwner('SELECT * FROM idempotency'),
    ]);
    expect(kept).toContain(invitation.invitationId);
    expect(kept).not.toContain(invitation.token);
    expect((await harness.register('Reviewer', invitation.token)).actor.roles).toEqual(['reviewer']);
    expect((await harness.register('Agency', (await harness.identity.createInvitation(fan.actor, harness.key(), { role: 'payee' })).token))
      .actor.roles).toEqual(['payee']);
  });

  it('give an existing account its role at once; twice or late they give nothing', async () => {
    const operator = await harness.operator();
    const person = await harness.register('Liu');
    const invite = async (): Promise<string> =>
      (await harness.identity.createInvitation(operator.actor, harness.key(), { role: 'reviewer' })).token;
    const [token, spare, late] = [await invite(), await invite(), await invite()];
    expect((await harness.identity.acceptInvitation(person.actor, harness.key(), { token })).roles).toEqual(['reviewer']);
    expect((await harness.identity.authenticate(person.token))?.roles).toEqual(['reviewer']);
    const other = await harness.register('Ma');
    const accept = async (given: string, by = other): Promise<string> =>
      await codeOf(harness.identity.acceptInvitation(by.actor, harness.key(), { token: given }));
    expect(await accept(token)).toBe('invitation_invalid');
    expect(await accept(spare, person)).toBe('invitation_invalid');
    expect(await accept('inv.nothing')).toBe('invitation_invalid');
    expect(await accept(spare)).toBe('accepted');
    const third = await harness.register('Ni');
    const offered = await harness.identity.createRegistrationOptions({ displayName: 'Late', invitationToken: late });
    expect(offered.challengeId).toMatch(/^chg_/);
    harness.clock.advance(INVITATION_MS);
    expect(await accept(late, third)).toBe('invitation_invalid');
  });

  it('one token, many hands at once: one role', async () => {
    const operator = await harness.operator();
    const { token } = await harness.identity.createInvitation(operator.actor, harness.key(), { role: 'reviewer' });
    const people = await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => await harness.register(name)));
    const codes = await Promise.all(people.map(async ({ actor }) =>
      await codeOf(harness.identity.acceptInvitation(actor, harness.key(), { token }))));
    expect(codes.sort()).toEqual(['accepted', 'invitation_invalid', 'invitation_invalid', 'invitation_invalid']);
  });

  it('an invitation used between the halves of a registration leaves no account', async () => {
    const operator = await harness.operator();
    const { token } = await harness.identity.createInvitation(operator.actor, harness.key(), { role: 'reviewer' });
    const passkey = makePasskey({ random: harness.random, origin: SITE.origin });
    const options = await harness.identity.createRegistrationOptions({ displayName: 'Slow', invitationToken: token });
    await harness.register('Quick', token);
    const before = await harness.counts();
    const credential = passkey.register(options.publicKey);
    expect(await codeOf(harness.identity.register({ challengeId: options.challengeId, credential }))).toBe('invitation_invalid');
    expect(await harness.counts()).toEqual(before);
  });
});

describe('profile', () => {
  it('takes a country from the closed list, a language, a name; once a key', async () => {
    const person = await harness.register('Fan');
    const key = harness.key();
    const changed = await harness.identity.updateMe(person.actor, key, { country: 'CN', locale: 'en', displayName: ' 小冰 ' });
    expect(changed).toMatchObject({ country: 'CN', locale: 'en', displayName: '小冰' });
    expect(await codeOf(harness.identity.updateMe(person.actor, harness.key(), { country: 'XX' }))).toBe('country_unknown');
    expect(await codeOf(harness.identity.updateMe(person.actor, { ...key, digest: 'other' }, { country: 'US' })))
      .toBe('idempotency_key_reused');
    expect((await harness.identity.getMe(person.actor)).account).toEqual(changed);
  });

  it('is what other rooms read', async () => {
    const operator = await harness.operator();
    const [known, unknown] = await harness.database.runTx(async (tx) => [
      await harness.identity.account(tx, operator.accountId), await harness.identity.account(tx, 'acc_x'),
    ]);
    expect(known).toMatchObject({ accountId: operator.accountId, roles: ['operator'] });
    expect(unknown).toBeNull();
  });
});

describe('the database', () => {
  it('gives no role but that of an invitation, to nobody but who accepted it', async () => {
    const fan = await harness.register('Raw');
    const { invitationId } = await harness.identity.createInvitation(fan.actor, harness.key(), { role: 'payee' });
    for (const role of ['asApp', 'asOwner'] as const) {
      const ask = async (text: string, params: unknown[]): Promise<unknown> => await harness.database[role](text, params);
      await expect(ask(
        `INSERT INTO account_role (account_id, role, invitation_id, granted_at) VALUES ($1, 'operator', $2, now())`,
        [fan.accountId, invitationId],
      )).rejects.toThrow(/foreign key/);
      await expect(ask(
        `INSERT INTO invitation (id, role, token_hash, invited_by, created_at, expires_at)
         VALUES ('inv_raw', 'reviewer', sha256('raw'), $1, now(), now() + '1 day')`, [fan.accountId],
      )).rejects.toThrow(/invitation_from_an_operator/);
      await expect(ask('UPDATE account_role SET role = $1', ['operator'])).rejects.toThrow(/permission denied|never changed/);
    }
    await expect(harness.database.asApp('UPDATE invitation SET role = $1', ['operator'])).rejects.toThrow(/permission denied/);
  });

  it('exchanges no key', async () => {
    await expect(harness.database.asApp(`UPDATE credential SET public_key = 'x'`)).rejects.toThrow(/permission denied/);
    await expect(harness.database.asOwner(`UPDATE credential SET public_key = 'x'`)).rejects.toThrow(/never changed/);
    await expect(harness.database.asOwner('DELETE FROM credential')).rejects.toThrow(/never changed/);
  });

  it('uses no challenge twice', async () => {
    await expect(harness.database.asApp(
      `UPDATE challenge SET used_at = issued_at WHERE id = (SELECT id FROM challenge WHERE used_at IS NOT NULL LIMIT 1)`,
    )).rejects.toThrow(/used once/);
  });

  it('is swept of challenges that nobody can answer any more', async () => {
    harness.clock.advance(CHALLENGE_MS + 24 * 3_600_000 + 1);
    const { challengeId } = await harness.identity.createLoginOptions();
    expect(await harness.identity.sweepChallenges()).toBeGreaterThan(10);
    expect(await harness.identity.sweepChallenges()).toBe(0);
    expect(await harness.database.asOwner('SELECT id FROM challenge')).toEqual([{ id: challengeId }]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeIdentityTicks } from '../../src/identity/index.ts';
import { codeOf, openHarness, type Harness } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await openHarness('races');
});
afterAll(async () => await harness.database.close());

describe('at the same instant', () => {
  it('of a bound key and its copy, answering at the same instant with the same count, one gets in', async () => {
    for (let round = 0; round < 5; round += 1) {
      const bound = await harness.register('Copied', undefined, true);
      const answers = await Promise.all([1, 2].map(async () => {
        const options = await harness.identity.createLoginOptions();
        return { challengeId: options.challengeId, credential: bound.passkey.sign(options.publicKey, { counter: 7 }) };
      }));
      const codes = await Promise.all(answers.map(async (answer) => await codeOf(harness.identity.login(answer))));
      expect(codes.sort()).toEqual(['accepted', 'assertion_invalid']);
    }
  });

  it('two invitations into one role, accepted by one account at once: one is left for somebody else', async () => {
    const operator = await harness.operator();
    const invite = async (): Promise<string> =>
      (await harness.identity.createInvitation(operator.actor, harness.key(), { role: 'reviewer' })).token;
    for (let round = 0; round < 5; round += 1) {
      const person = await harness.register('Greedy');
      const codes = await Promise.all([await invite(), await invite()].map(async (token) =>
        await codeOf(harness.identity.acceptInvitation(person.actor, harness.key(), { token }))));
      expect(codes.sort()).toEqual(['accepted', 'invitation_invalid']);
    }
  });
});

describe('in great number', () => {
  it('is swept of more dead challenges than one transaction removes', async () => {
    await harness.database.asOwner(
      `INSERT INTO challenge (id, purpose, challenge, issued_at, expires_at)
       SELECT 'chg_flood_' || n, 'login', sha256(n::text::bytea), '2026-01-01', '2026-01-02' FROM generate_series(1, 2500) n`,
    );
    await makeIdentityTicks(harness.identity)['identity.sweepChallenges']?.run();
    expect(await harness.database.asOwner(`SELECT id FROM challenge WHERE id LIKE 'chg_flood_%'`)).toEqual([]);
  });
});

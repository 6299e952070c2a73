import { describe, expect, it } from 'vitest';

import { asking, licensed, releasedOutput, type RightsWorld } from './world.ts';

const SHORT = 'Good evening.';

export function licencesOverHttp(get: () => RightsWorld): void {
  describe('a licence', () => {
    it('is proposed, countersigned, spoken under, and ended for cause: what was made under it is withdrawn', async () => {
      const own = get();
      const { owner, game, grantId, cloneId } = own;
      const proposal = { licenseeAccountId: game.accountId, exclusive: false, noticeDays: 14 };
      const wider = await owner.client.refused('draftLicence', { path: { grantId }, body: { ...proposal, terms: { territories: ['CN', 'FR'] } } });
      expect([wider.code, wider.problem['members']]).toEqual(['licence_outside_grant', ['territories']]);
      const { licenceId, document } = await owner.client.call('draftLicence', { path: { grantId }, body: { ...proposal, terms: { languages: ['en'] } } });
      const path = { licenceId };
      // Not the organisation's to see before the owner has signed, nor to countersign.
      expect((await game.client.refused('getLicence', { path })).status).toBe(404);
      const sign = async (who: typeof owner) => await who.client.call('signLicence', { path, body: { signature: await who.sign('licence', document) } });
      expect((await sign(owner)).state).toBe('offered');
      expect((await game.client.refused('requestOutput', asking(own, licenceId, SHORT))).code).toBe('licence_state');
      expect((await sign(game)).state).toBe('in_force');
      expect((await game.client.call('listLicences', {})).licences.map((one) => one.licenceId)).toContain(licenceId);

      const outputId = await releasedOutput(own, licenceId, SHORT);
      const media = await game.client.call('getOutputMedia', { path: { outputId } });
      expect(media.toString('latin1', 0, 4)).toBe('RIFF');
      expect((await game.client.call('getOutputReceipt', { path: { outputId } })).document).toMatchObject({ licenceId, cloneId });
      const chinese = await game.client.refused('requestOutput', { path: { cloneId }, body: { ...asking(own, licenceId).body, language: 'zh-CN', script: '晚上好。' } });
      expect([chinese.code, chinese.problem['clauses']]).toEqual(['denied', ['language.zh-CN']]);
      // To anybody else the licence is not there.
      expect((await owner.client.refused('requestOutput', asking(own, licenceId, SHORT))).status).toBe(404);

      const ended = await owner.client.call('endLicence', { path, body: { kind: 'cause', reason: 'They let it sell what she never agreed to.' } });
      expect(ended).toMatchObject({ state: 'ended', endKind: 'cause' });
      const after = await game.client.refused('requestOutput', asking(own, licenceId, SHORT));
      expect([after.code, after.problem['clauses']]).toEqual(['denied', expect.arrayContaining(['licence.ended'])]);
      expect((await game.client.refused('getOutputMedia', { path: { outputId } })).status).toBeGreaterThanOrEqual(400);
      expect((await game.client.refused('endLicence', { path, body: { kind: 'notice' } })).code).toBe('licence_state');
    });

    it('binds a widening of the grant: it acts with the licensee’s signature and not before', async () => {
      const own = get();
      const { owner, game, grantId } = own;
      const licenceId = await licensed(own);
      const path = { grantId };
      const { document } = await owner.client.call('draftAmendment', { path, body: { territories: ['CN', 'DE', 'JP', 'KR', 'SG', 'US'] } });
      await owner.client.call('signAmendment', { path, body: { signature: await owner.sign('amendment', document) } });
      const [pending] = (await game.client.call('listAmendments', { path })).amendments;
      expect(pending).toMatchObject({ state: 'awaiting_countersignature', missing: [game.accountId] });
      const inForce = async () => ((await owner.client.call('getGrant', { path })).document as { territories: string[] }).territories.includes('KR');
      expect(await inForce()).toBe(false);
      await game.client.call('countersignAmendment', { path, body: { signature: await game.sign('amendment', document) } });
      expect(await inForce()).toBe(true);
      // Laid down by the organisation itself, at once.
      expect((await game.client.call('endLicence', { path: { licenceId }, body: { kind: 'notice' } })).endKind).toBe('laid_down');
    });
  });
}

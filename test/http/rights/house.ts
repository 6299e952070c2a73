import { describe, expect, it } from 'vitest';

import { openClaim, proveByVoice } from '../../support/claims.ts';
import { listenTo, type Listener } from '../../support/gateway-child.ts';
import type { Person } from '../../support/person.ts';
import { until } from '../../support/until.ts';
import { asking, licensed, OWNER, releasedOutput, type RightsWorld, watchStop } from './world.ts';

const CERTIFICATE = Buffer.from('%PDF-1.7 a death certificate');
const DIED_ON = '2026-03-01';

/** The last stop of the clone by the house with this reason. */
async function houseStop(own: RightsWorld, reason: string): Promise<string> {
  const read = () => own.server.database.asApp<{ id: string }>(
    'SELECT id FROM gate_stop WHERE clone_id = $1 AND reason = $2 ORDER BY number DESC LIMIT 1', [own.cloneId, reason]);
  await until(async () => (await read()).length > 0);
  return (await read())[0]?.id ?? '';
}

/** The licensee listens to what was made for them. */
async function listening(own: RightsWorld, outputId: string): Promise<Listener> {
  const listener = await listenTo(`${own.server.service.origin}/v1/outputs/${outputId}/media`, own.game.token);
  await until(async () => listener.received > 0);
  return listener;
}

/** Every gateway says that it handed out nothing more, and the listener's socket was reset before it said so. */
async function expectCut(own: RightsWorld, stopId: string, listener: Listener): Promise<void> {
  const told = await watchStop(own, stopId);
  const acknowledged = told.at(-1);
  expect(acknowledged?.name).toBe('acknowledged');
  expect((acknowledged?.data['gateways'] as { outcome: string }[]).map(({ outcome }) => outcome)).toContain('confirmed');
  expect(acknowledged?.data['streams']).toBe(1);
  await until(async () => !listener.open);
  expect(listener.received).toBeLessThanOrEqual(Number(acknowledged?.data['bytes']));
}

async function named(own: RightsWorld, heirs: readonly Person[]): Promise<string> {
  const { successionId, document } = await own.owner.client.call('draftSuccession', { body: {
    heirs: heirs.map(({ accountId }) => ({ accountId, role: 'heir' as const })), waitingDays: 30, sunset: '2060-01-01T00:00:00Z',
  } });
  for (const person of [own.owner, ...heirs]) {
    await person.client.call('signSuccession', { path: { successionId }, body: { signature: await person.sign('succession', document) } });
  }
  return successionId;
}

async function reported(heir: Person, successionId: string): Promise<string> {
  const path = { successionId };
  expect((await heir.client.refused('draftDeathReport', { path, body: { diedOn: DIED_ON } })).code).toBe('succession_invalid');
  await heir.client.call('uploadDeathPaper', { path, body: CERTIFICATE });
  const { document } = await heir.client.call('draftDeathReport', { path, body: { diedOn: DIED_ON } });
  return (await heir.client.call('reportDeath', { path, body: { diedOn: DIED_ON, signature: await heir.sign('death_report', document) } })).caseId;
}

/** What the house stops, and the gateways confirm: a death, a refusal that two reviewers upheld. And whose the estate is then. */
export function houseOverHttp(get: () => RightsWorld): void {
  let licenceId = '';
  let outputId = '';

  describe('a death', () => {
    it('that was reported and looked at once freezes; each gateway confirms it; her own word lifts it at once', async () => {
      const own = get();
      const { owner, game, reviewers } = own;
      licenceId = await licensed(own);
      outputId = await releasedOutput(own, licenceId);
      const heir = await own.server.person('Daughter');
      const caseId = await reported(heir, await named(own, [heir]));
      const path = { caseId };
      expect((await reviewers[0].client.call('listDeathReports', {})).reports.map((one) => one.caseId)).toContain(caseId);
      const { papers } = await reviewers[0].client.call('readDeathPapers', { path });
      expect(papers.map(({ base64 }) => Buffer.from(base64, 'base64'))).toEqual([CERTIFICATE]);
      const listener = await listening(own, outputId);
      expect((await reviewers[0].client.call('reviewDeathReport', { path, body: { verdict: 'approve' } })).state).toBe('frozen');
      await expectCut(own, await houseStop(own, 'death.reported'), listener);
      expect((await game.client.refused('requestOutput', asking(own, licenceId))).problem['clauses']).toContain('stop.paused');
      expect((await game.client.refused('getOutputMedia', { path: { outputId } })).code).toBe('stopped');
      expect((await owner.client.refused('draftGrant', { path: { cloneId: own.cloneId }, body: {} as never })).status).toBeGreaterThanOrEqual(400);

      const { lifeDeclaration } = await owner.client.call('getDeathReport', { path });
      expect((await owner.client.call('declareAlive', { path, body: { signature: await owner.sign('life_declaration', lifeDeclaration) } })).state).toBe('undone');
      expect((await game.client.call('requestOutput', asking(own, licenceId, 'Still here.'))).state).toBe('queued');
    });
  });

  describe('a refusal of a living clone', () => {
    it('that two reviewers uphold pauses it, and each gateway confirms it', async () => {
      const own = get();
      const { server, site, reviewers, recordings, game, owner } = own;
      const refuser = await server.person('Lin Ya the elder');
      const { proofId } = await proveByVoice(refuser, { site, reviewers: reviewers.slice(0, 2), challenge: recordings.challenge }, 'lin-ya-elder');
      const said = { proofId, names: [OWNER] };
      const { document } = await refuser.client.call('draftRefusal', { body: { ...said, locale: 'en' } });
      const { refusalId } = await refuser.client.call('registerRefusal', { body: { ...said, signature: await refuser.sign('refusal', document) } });
      const held = async () => (await reviewers[0].client.call('listHeldEnrolments', {})).holds.find((hold) => hold.cloneId === own.cloneId && hold.kind === 'clone');
      await until(async () => (await held()) !== undefined);
      // The living clone is only flagged; a new claim under that name waits.
      const { holdId, effect, state } = (await held()) ?? { holdId: '', effect: '', state: '' };
      expect([effect, state]).toEqual(['flags', 'open']);
      expect((await refuser.client.call('listRefusalMatches', { path: { refusalId } })).holds.find((hold) => hold.holdId === holdId)).toMatchObject({ cloneId: null });
      const copycat = await server.person('Somebody');
      await openClaim(copycat, 'Lin Ya the elder', { handle: 'somebody-else' });
      expect((await copycat.client.call('listEnrolmentHolds', {})).holds).toMatchObject([{ kind: 'proof', effect: 'holds', state: 'open', refusalId: null }]);
      expect((await copycat.client.refused('contestEnrolmentHold', { path: { holdId }, body: { text: 'Not mine.' } })).status).toBe(404);
      expect((await owner.client.call('contestEnrolmentHold', { path: { holdId }, body: { text: 'It is my own name.' } })).state).toBe('open');

      const listener = await listening(own, outputId);
      const verdict = { verdict: 'uphold', reasonCode: 'impersonation', text: 'The voice is hers.' } as const;
      expect((await reviewers[1].client.call('reviewEnrolmentHold', { path: { holdId }, body: verdict })).state).toBe('open');
      expect(listener.open).toBe(true);
      expect((await reviewers[2].client.call('reviewEnrolmentHold', { path: { holdId }, body: verdict })).state).toBe('upheld');
      await expectCut(own, await houseStop(own, 'refusal.upheld'), listener);
      expect((await game.client.refused('requestOutput', asking(own, licenceId))).problem['clauses']).toContain('stop.paused');
      // The owner's own resume does not lift what the house holds.
      await owner.client.call('resumeClone', { path: { cloneId: own.cloneId } }).catch(() => undefined);
      expect((await game.client.refused('requestOutput', asking(own, licenceId))).problem['clauses']).toContain('stop.paused');
    });
  });

  describe('an estate', () => {
    it('changes hands after papers, another heir’s objection, two looks and the waiting period, and is the heir’s to stop', async () => {
      const own = get();
      const { server, reviewers, owner, cloneId } = own;
      const [son, sister] = [await server.person('Son'), await server.person('Sister')];
      const path = { caseId: await reported(son, await named(own, [son, sister])) };
      const approve = (reviewer: Person) => reviewer.client.call('reviewDeathReport', { path, body: { verdict: 'approve' } });
      expect((await approve(reviewers[0])).state).toBe('frozen');
      expect((await sister.client.call('dissentFromReport', { path, body: { text: 'She only travels.' } })).state).toBe('disputed');
      expect((await approve(reviewers[0])).approvals).toBe(1);
      const waiting = await approve(reviewers[1]);
      expect(waiting.state).toBe('waiting');
      await own.days(29);
      await son.signIn();
      expect((await son.client.call('getDeathReport', { path })).state).toBe('waiting');
      expect((await son.client.refused('quoteStop', { path: { cloneId } })).status).toBe(404);
      await own.days(1);
      await until(async () => (await reviewers[0].client.call('getDeathReport', { path })).state === 'settled', 20_000);
      await son.signIn();
      expect((await son.client.call('getDeathReport', { path })).holderAccountId).toBe(son.accountId);
      expect((await owner.client.refused('quoteStop', { path: { cloneId } })).status).toBe(404);
      const quote = await son.client.call('quoteStop', { path: { cloneId } });
      const stop = await son.client.call('orderStop', {
        path: { cloneId }, body: { quoteId: quote.quoteId, signature: await son.sign('stop_order', quote.order) }, headers: { prefer: 'wait=5' },
      });
      expect(stop.acknowledgedAt).not.toBeNull();
      expect(stop.gateways.map(({ outcome }) => outcome)).toContain('confirmed');
    });
  });
}

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { GrantTerms } from '../../src/consent/index.ts';
import { replay } from '../../src/consent/index.ts';
import type { LicenceView } from '../../src/consent/licences.ts';
import { makeGateway } from '../../src/gateway/index.ts';
import type { Refusal } from '../../src/kernel/refusals.ts';
import { byHand, forgery } from './forge.ts';
import { codeOf, type GatewayWorld, openGatewayWorld, type Person, refusalOf } from './world.ts';

let own: GatewayWorld;
let game: Person;
let publisher: Person;
const key = () => own.world.key();
const CAUSE = { kind: 'cause', reason: 'They let it sell what she never agreed to.' } as const;

beforeAll(async () => {
  own = await openGatewayWorld('licensed', { terms: { sublicence: true } });
  [game, publisher] = [await own.person('A game', 'CN'), await own.person('A publisher', 'CN')];
});
afterAll(async () => await own.close());
beforeEach(() => {
  own.barrier = null;
});

/** A licence of its own for each case; the one before is laid down. */
let last: LicenceView | null = null;
async function licensed(terms: Partial<GrantTerms> = {}, noticeDays = 30): Promise<string> {
  if (last !== null) await own.consent.endLicence(game.actor, key(), last.licenceId, { kind: 'notice' }).catch(() => undefined);
  own.world.clock.advance(1_000);
  last = await own.consent.draftLicence(own.owner.actor, key(), own.grant.grantId, { licenseeAccountId: game.actor.accountId, exclusive: false, noticeDays, terms });
  const { licenceId, document } = last;
  for (const person of [own.owner, game]) {
    await own.consent.signLicence(person.actor, key(), licenceId, await own.world.sign(person, 'licence', document));
  }
  return licenceId;
}

const ask = (licenceId: string, person = game) => own.ask({ licenceId }, person);
const end = (licenceId: string) => own.consent.endLicence(own.owner.actor, key(), licenceId, CAUSE);
const look = async (outputId: string) => {
  const { state, reason } = await own.gateway.getOutput(game.actor, outputId);
  return { state, reason };
};
const clausesOf = async (work: Promise<unknown>): Promise<unknown> => (await refusalOf(work)).extra['clauses'];

/** An output that is ready to be released, and is not. */
async function ready(licenceId: string): Promise<string> {
  const { outputId } = await ask(licenceId);
  const stuck = makeGateway({ ...own.deps, at: async (step) => {
    if (step === 'release') throw new Error('stays here');
  } });
  await expect(stuck.work.renderOutput(outputId, 1)).rejects.toThrow('stays here');
  return outputId;
}

const INSERT = `
  INSERT INTO release (id, clone_id, output_id, file_sha256, file_bytes, samples_sha256, leaf_id, receipt, released_at)
  SELECT 'rel_' || substr(id, 5), clone_id, id, encode(sha256(id::bytea), 'hex'), 1, encode(sha256(id::bytea), 'hex'), 'lef_1', '{}', $2
  FROM output WHERE id = $1`;
const released = (outputId: string): [string, unknown[]][] => [
  [INSERT, [outputId, own.world.clock.now()]], [`UPDATE output SET state = 'released' WHERE id = $1`, [outputId]],
];
const roles = () => [own.world.database.appUrl, own.world.database.ownerUrl];

describe('an output under a licence', () => {
  it('is made for the licensee without a subscription, under five gates, and its receipts name both documents', async () => {
    const licenceId = await licensed();
    const [holds, wallets] = [await own.count('quota_hold'), await own.count('ledger_entry')];
    const { outputId, left, decisionId } = await ask(licenceId);
    expect(left).toBeNull();
    await own.drain();
    expect(await own.gateway.getOutput(game.actor, outputId)).toMatchObject({ state: 'released', licenceId });
    const media = await own.gateway.getOutputMedia(game.actor, outputId);
    expect(media.byteLength).toBeGreaterThan(1_000);
    const { document } = await own.gateway.getOutputReceipt(game.actor, outputId);
    expect(document).toMatchObject({ licenceId, licenceDigest: last?.digest, grantId: own.grant.grantId });
    expect(document.gates.map(({ kind }) => kind)).toEqual(['platform', 'clone', 'capability', 'grant', 'licence']);
    const [row] = await own.world.database.asOwner<{ gates: number }>('SELECT cardinality(gate_ids) AS gates FROM release WHERE output_id = $1', [outputId]);
    expect(row?.gates).toBe(5);
    const decision = await own.consent.explainDecision(game.actor, decisionId);
    expect([decision.document.state.licence?.licenceId, decision.document.request.licensee]).toEqual([licenceId, game.actor.accountId]);
    expect(replay(decision.document).same).toBe(true);
    expect([await own.count('quota_hold'), await own.count('ledger_entry')]).toEqual([holds, wallets]);
    // The same account without the licence has bought nothing, and a fan's output still names none.
    expect(await clausesOf(own.ask({}, game))).toContain('tier.none');
    expect((await own.gateway.getOutput(own.fan.actor, await own.released())).licenceId).toBeNull();
  });

  it('is nobody else\'s to ask for: another account, the owner, a licence that is not there, an ended one', async () => {
    const licenceId = await licensed();
    const outputs = await own.count('output');
    expect(await codeOf(ask(licenceId, publisher))).toBe('not_found');
    expect(await codeOf(ask(licenceId, own.fan))).toBe('not_found');
    expect(await codeOf(ask(licenceId, own.owner))).toBe('not_found');
    expect(await codeOf(ask(`lic_${'0'.repeat(26)}`))).toBe('not_found');
    expect(await own.count('output')).toBe(outputs);
    await end(licenceId);
    expect(await clausesOf(ask(licenceId))).toEqual(expect.arrayContaining(['licence.ended', 'stop.stopped']));
    await licensed();
    expect(await codeOf(ask(licenceId))).toBe('licence_state');
  });

  it('follows the narrower of grant and licence', async () => {
    const licenceId = await licensed({ languages: ['zh-CN'], outputApproval: { mode: 'before', undoHours: 0 } });
    expect(await clausesOf(ask(licenceId))).toEqual(['language.en']);
    const { outputId } = await own.ask({ licenceId, language: 'zh-CN', script: '你好。' }, game);
    await own.drain();
    expect((await look(outputId)).state).toBe('signing');
    expect(await byHand(own.world.database.appUrl, released(outputId))).toBe('release_is_approved');
    await own.gateway.approveOutput(own.owner.actor, key(), outputId);
    await own.drain();
    expect((await look(outputId)).state).toBe('released');
  });

  it('comes as a stream too, and spends nobody\'s quota', async () => {
    const licenceId = await licensed();
    const { outputId } = await own.ask({ licenceId, delivery: 'stream' }, game);
    const media = await own.gateway.getOutputStream(game.actor, outputId);
    const lease = await media.open(() => undefined);
    let pieces = 0;
    for await (const piece of media.pieces(new AbortController().signal)) pieces += piece.byteLength > 0 ? 1 : 0;
    lease.close();
    await own.drain();
    expect(pieces).toBeGreaterThan(1);
    expect((await look(outputId)).state).toBe('released');
    const { document } = await own.gateway.getSegmentReceipt(game.actor, outputId, 1);
    expect(document).toMatchObject({ licenceId, licenceDigest: last?.digest });
  });
});

describe('a licence that ends or is suspended', () => {
  it.each(['render', 'sign', 'release'] as const)('before %s voids what is in flight', async (step) => {
    const licenceId = await licensed();
    let met = false;
    own.barrier = async (at) => {
      if (at !== step || met) return;
      met = true;
      await end(licenceId);
    };
    const releases = await own.count('release');
    const { outputId } = await ask(licenceId);
    await own.drain();
    expect([met, await look(outputId), await own.count('release')]).toEqual([true, { state: 'voided', reason: 'stopped' }, releases]);
  });

  it('is compared by PostgreSQL with five gates: by raw SQL nothing is released past its end, its notice or its suspension', async () => {
    const ended = await licensed();
    const afterEnd = await ready(ended);
    await end(ended);
    for (const url of roles()) expect(await byHand(url, released(afterEnd))).toBe('gate_stopped');
    const noticed = await licensed();
    const afterNotice = await ready(noticed);
    await own.consent.endLicence(own.owner.actor, key(), noticed, { kind: 'notice' });
    // The gate is open; what was decided before the notice does not know when it ends.
    for (const url of roles()) expect(await byHand(url, released(afterNotice))).toBe('gate_changed');
    await own.drain();
    expect([await look(afterEnd), await look(afterNotice)]).toEqual([{ state: 'voided', reason: 'stopped' }, { state: 'voided', reason: 'gate_changed' }]);
  });

  it('is compared with its own rows too: an end that moved no gate lets nothing out', async () => {
    const licenceId = await licensed();
    const outputId = await ready(licenceId);
    const fact = 'INSERT INTO licence_containment (licence_id, grant_digest, contained, at) VALUES ($1, repeat(\'a\', 64), $2, now())';
    for (const url of roles()) expect(await byHand(url, [[fact, [licenceId, false]], ...released(outputId)])).toBe('gate_changed');
    for (const url of roles()) {
      expect(await byHand(url, [
        [`INSERT INTO licence_end (licence_id, kind, reason, ended_by, ended_at) VALUES ($1, 'withdrawn', '', 'acc_x', now())`, [licenceId]], ...released(outputId),
      ])).toBe('gate_changed');
    }
    await own.drain();
    expect((await look(outputId)).state).toBe('released');
  });

  it('cuts what is being read, and gives out no more of what was made', async () => {
    const licenceId = await licensed();
    const outputId = await own.released({ licenceId }, game);
    const media = await own.gateway.getOutputMedia(game.actor, outputId);
    const cuts: Refusal[] = [];
    const lease = await media.open((reason) => cuts.push(reason));
    lease.check();
    await end(licenceId);
    await expect.poll(() => cuts.map(({ code }) => code), { timeout: 5_000 }).toEqual(['stopped']);
    expect(() => lease.check()).toThrow();
    lease.close();
    expect(await codeOf(own.gateway.getOutputMedia(game.actor, outputId))).toBe('output_withdrawn');
    expect((await own.gateway.getOutputStatus(outputId)).status).toBe('allowed_when_made_since_withdrawn');
    // What a fan was given stands: it has nothing to do with the licence.
    expect((await own.gateway.getOutputMedia(own.fan.actor, await own.released())).byteLength).toBeGreaterThan(1_000);
  });

  it('is suspended with the grant\'s amendment, and voids what was decided before', async () => {
    const licenceId = await licensed();
    const outputId = await ready(licenceId);
    const amend = async (changes: Partial<GrantTerms>) => {
      const { document } = await own.consent.draftAmendment(own.owner.actor, key(), own.grant.grantId, changes);
      await own.consent.signAmendment(own.owner.actor, key(), own.grant.grantId, await own.world.sign(own.owner, 'amendment', document));
    };
    await amend({ territories: ['CN'] });
    for (const url of roles()) expect(await byHand(url, released(outputId))).toMatch(/^gate_(paused|changed)$/);
    await own.drain();
    expect((await look(outputId)).state).toBe('voided');
    expect(await clausesOf(ask(licenceId))).toEqual(expect.arrayContaining(['licence.suspended', 'stop.paused']));
  });
});

describe('the licence\'s own caps', () => {
  it('let N out and never N + 1, counted by the licence alone', async () => {
    for (let i = 0; i < 2; i += 1) await own.released();
    const licenceId = await licensed({ territories: ['CN'], volumeCaps: [{ capability: 'voice', window: 'term', outputs: 2, seconds: null }] });
    // What a fan had before does not count against it.
    const answers = await Promise.allSettled(Array.from({ length: 5 }, () => ask(licenceId)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    await own.drain();
    expect(await own.count('release', `output_id IN (SELECT id FROM output WHERE licence_id = '${licenceId}')`)).toBe(2);
    expect(await clausesOf(ask(licenceId))).toEqual(['volume.term']);
    const refused = await refusalOf(ask(licenceId));
    const { document } = await own.consent.explainDecision(game.actor, String(refused.extra['decisionId']));
    expect(document.state.licence?.usage).toMatchObject([{ capability: 'voice', window: 'term', outputs: 2 }]);
    expect(replay(document).same).toBe(true);
    await own.released();
    for (const url of roles()) {
      expect(await byHand(url, [[`INSERT INTO consent_volume_use (subject_id, grant_id, licence_id, capability, day, milliseconds, taken_at)
        VALUES ('out_x', $1, $2, 'voice', '2026-03-01', 1, now())`, [own.grant.grantId, licenceId]]])).toBe('consent_volume_within_caps');
    }
  });

  it('are counted where the release is: an output that is counted for nobody does not leave', async () => {
    const licenceId = await licensed({ territories: ['CN'], volumeCaps: [{ capability: 'any', window: 'day', outputs: 1, seconds: null }] });
    const outputId = await ready(licenceId);
    for (const url of roles()) {
      expect(await byHand(url, [[`UPDATE consent_volume_use SET state = 'given_back' WHERE subject_id = $1`, [outputId]], ...released(outputId)])).toBe('release_is_counted');
      expect(await byHand(url, [[`UPDATE consent_volume_use SET licence_id = NULL WHERE subject_id = $1`, [outputId]]])).not.toBe('committed');
    }
    await end(licenceId);
    await own.drain();
    expect(await own.count('consent_volume_use', `subject_id = '${outputId}' AND state = 'given_back'`)).toBe(1);
  });
});

describe('raw SQL', () => {
  it('cannot make an output without a hold by naming a licence that was not decided on, nor leave out one that was', async () => {
    const licenceId = await licensed({ territories: ['CN'] });
    const fans = await own.released();
    const theirs = await own.released({ licenceId }, game);
    const at = own.world.clock.now();
    const copy = `
      INSERT INTO output (id, clone_id, requester, audience, capability, language, purpose, script, territory, decision_id, version_id,
        grant_id, grant_digest, gates, expires_at, hold_id, probe, state, requested_at, changed_at, licence_id)
      SELECT 'out_' || $3, clone_id, requester, audience, capability, language, purpose, script, territory, 'dec_' || $3, version_id,
        grant_id, grant_digest, gates, expires_at, NULL, probe, 'queued', requested_at, changed_at, $2 FROM output WHERE id = $1`;
    for (const url of roles()) {
      const [decided] = forgery('free', fans, { releasedAt: at });
      expect(await byHand(url, [decided!, [copy, [fans, licenceId, 'free']]])).toBe('output_names_its_licence');
      const [licensedDecision] = forgery('bare', theirs, { releasedAt: at });
      expect(await byHand(url, [licensedDecision!, [copy, [theirs, null, 'bare']]])).toBe('output_names_its_licence');
      expect(await byHand(url, [decided!, [copy, [fans, null, 'free']]])).toBe('output_is_held');
    }
  });
});

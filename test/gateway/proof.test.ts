import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeGateway, PROBE_SENTENCES } from '../../src/gateway/index.ts';
import { findRhythm } from '../../src/provenance/index.ts';
import { byHand, forgery } from './forge.ts';
import { askMedia } from '../support/media.ts';
import { codeOf, type GatewayWorld, openGatewayWorld, refusalOf } from './world.ts';

/** One clone from before its version is approved until after its proof fell: the cases follow its life. */
let own: GatewayWorld;

beforeAll(async () => {
  own = await openGatewayWorld('proof', { approved: false });
});
afterAll(async () => await own.close());

const probes = () => own.gateway.requestProbes(own.owner.actor, own.world.key(), own.versionId);
const heard = () => own.world.database.runTx((tx) => own.gateway.probesHeard(tx, own.versionId));

async function approve(): Promise<unknown> {
  const { document } = await own.clones.getVersion(own.owner.actor, own.versionId);
  const signature = await own.world.sign(own.owner, 'version_approval', document);
  return await own.clones.approveVersion(own.owner.actor, own.world.key(), own.versionId, { signature });
}

describe('before a version is approved', () => {
  it('to a fan the clone is not there', async () => {
    expect(await codeOf(own.ask())).toBe('not_found');
  });

  it('its owner asks for its probes; to everybody else the version does not exist', async () => {
    const refused = await refusalOf(own.gateway.requestProbes(own.fan.actor, own.world.key(), own.versionId));
    const unknown = await refusalOf(own.gateway.requestProbes(own.fan.actor, own.world.key(), `ver_${'0'.repeat(26)}`));
    expect(refused.code).toBe('not_found');
    expect([refused.message, refused.extra]).toEqual([unknown.message, unknown.extra]);
    expect(await heard()).toBe(false);
    expect(await codeOf(approve())).toBe('version_state');
  });

  it('two in each of its languages, once, by the same way and without a hold', async () => {
    const before = await own.count('quota_hold');
    const { outputs } = await probes();
    expect(outputs.map(({ language, script }) => [language, script]).sort()).toEqual(
      (['en', 'zh-CN'] as const).flatMap((language) => PROBE_SENTENCES[language].map((script) => [language, script])).sort());
    expect(outputs.every(({ audience, purpose, versionId }) => audience === 'owner' && purpose === 'probe' && versionId === own.versionId)).toBe(true);
    // Asked twice at once and again: the same outputs.
    const again = await Promise.all([probes(), probes()]);
    for (const answer of again) expect(answer.outputs.map((output) => output.outputId)).toEqual(outputs.map((output) => output.outputId));
    expect(await own.count('quota_hold')).toBe(before);
  });

  it('what a pause voided is made anew when she asks again', async () => {
    await own.shut('clone', 'paused');
    await own.drain();
    expect(await own.count('output', `audience = 'owner' AND state = 'voided' AND reason = 'paused'`)).toBe(4);
    expect((await refusalOf(probes())).extra['clauses']).toEqual(['stop.paused']);
    await own.reopen('clone');
    const { outputs } = await probes();
    await own.drain();
    for (const { outputId } of outputs) expect(await own.gateway.getOutput(own.owner.actor, outputId)).toMatchObject({ state: 'released' });
  });

  it('released is not heard: she fetches each, and then may approve', async () => {
    const { outputs } = await probes();
    expect(await heard()).toBe(false);
    for (const { outputId } of outputs.slice(1)) await own.gateway.getOutputMedia(own.owner.actor, outputId);
    expect(await heard()).toBe(false);
    expect(await codeOf(approve())).toBe('version_state');
    const file = Buffer.from((await own.gateway.getOutputMedia(own.owner.actor, outputs[0]!.outputId)).bytes);
    // For no known territory: the strictest disclosure.
    const samples = Float32Array.from({ length: file.readUInt32LE(40) / 2 }, (_, i) => file.readInt16LE(44 + i * 2) / 0x8000);
    expect(findRhythm(samples, 24_000)).toBeLessThan(0.5);
    expect((await own.provenance.readMarks(file)).consent).toMatchObject({ audience: 'owner', territory: null, disclosure: 'spoken_and_rhythm', preview: true });
    // A preview says so to machines and to ears: it ends as no other file does.
    expect(findRhythm(samples.slice(-Math.round(1.2 * 24_000)), 24_000)).not.toBe(null);
    expect((await own.gateway.getOutputReceipt(own.owner.actor, outputs[0]!.outputId)).document.preview).toBe(true);
    expect(await own.count('media_read', `purpose = 'preview'`)).toBe(4);
    expect(await codeOf(own.gateway.getOutputMedia(own.fan.actor, outputs[0]!.outputId))).toBe('not_found');
    expect(await heard()).toBe(true);
    await approve();
    expect(await codeOf(probes())).toBe('version_state');
    expect(await own.released()).toMatch(/^out_/);
  });
});

describe('when the proof falls', () => {
  it('what is in flight is void, what was delivered is withdrawn, and its media stops in the middle', async () => {
    const old = await own.released();
    const media = await own.gateway.getOutputMedia(own.fan.actor, old);
    await askMedia(media);
    const { outputId } = await own.ask();
    const [proof] = await own.world.database.asOwner<{ id: string }>(`SELECT id FROM ownership_proof WHERE state = 'approved'`);
    const operator = await own.world.operator();
    const { appUrl, ownerUrl } = own.world.database;
    await own.world.ownership.withdrawOwnershipProof(operator.actor, own.world.key(), proof!.id, { reasonCode: 'subject_request', text: 'She says so.' });
    expect(await codeOf(askMedia(media))).toBe('output_withdrawn');
    await own.drain();
    expect(await own.gateway.getOutput(own.fan.actor, outputId)).toMatchObject({ state: 'voided', reason: 'gate_changed' });
    expect(await codeOf(own.gateway.getOutputMedia(own.fan.actor, old))).toBe('output_withdrawn');
    expect(await own.gateway.getOutputStatus(old)).toMatchObject({
      status: 'allowed_when_made_since_withdrawn', text: { en: 'allowed when made, since withdrawn', 'zh-CN': '制作时已获许可，其后已撤回' },
    });
    // Raw SQL that forges a decision under the present epochs: PostgreSQL asks for the proof itself.
    for (const url of [appUrl, ownerUrl]) {
      expect(await byHand(url, forgery('unproven', old, { releasedAt: own.world.clock.now() }))).toBe('gate_changed');
    }
  });
});

describe('no proof, no clone: the gateway’s own layer', () => {
  const forge = `UPDATE clone_version SET state = 'approved', approved_at = created_at WHERE id = $1`;

  it('denies with ownership.unproven where the constraint is gone and the row is forged', async () => {
    const { database } = own.world;
    for (const role of ['asApp', 'asOwner'] as const) {
      await expect(database[role](forge, [own.versionId])).rejects.toThrow(/does not go from|clone_version/);
    }
    await database.asOwner('ALTER TABLE clone_version DROP CONSTRAINT clone_version_needs_proof');
    await database.asOwner('ALTER TABLE clone_version DISABLE TRIGGER clone_version_is_frozen');
    await database.asOwner(forge, [own.versionId]);
    const version = await database.runTx((tx) => own.clones.approvedVersion(tx, own.cloneId));
    expect(version?.versionId).toBe(own.versionId);

    const refusal = await refusalOf(own.ask());
    expect(refusal).toMatchObject({ code: 'denied', extra: { clauses: ['ownership.unproven'] } });
    const releases = await own.count('release');
    await own.drain();
    expect(await own.count('release')).toBe(releases);
    // A second process, with its own memory of nothing, says the same.
    expect(await codeOf(makeGateway(own.deps).requestOutput(own.fan.actor, own.world.key(), own.cloneId, {
      capability: 'voice', language: 'zh-CN', script: '你好。', purpose: 'fan_message',
    }))).toBe('denied');
  });
});

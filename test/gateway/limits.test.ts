import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { GrantTerms } from '../../src/consent/index.ts';
import { labelsOf } from '../../src/gateway/content.ts';
import { codeOf, type GatewayWorld, openGatewayWorld, refusalOf } from './world.ts';

let own: GatewayWorld;
const key = () => own.world.key();

beforeAll(async () => {
  own = await openGatewayWorld('limits', { terms: { volumeCaps: [{ capability: 'any', window: 'day', outputs: 3, seconds: null }] } });
});
afterAll(async () => await own.close());

async function amend(changes: Partial<GrantTerms>): Promise<void> {
  const { document } = await own.consent.draftAmendment(own.owner.actor, key(), own.grant.grantId, changes);
  await own.consent.signAmendment(own.owner.actor, key(), own.grant.grantId, await own.world.sign(own.owner, 'amendment', document));
}

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'admitted';
  } catch (error) {
    return String((error as { extra?: { clauses?: string[] } }).extra?.clauses ?? error);
  }
}

const nextDay = () => own.world.clock.advance(86_400_000);

describe('a cap of three outputs a day', () => {
  it('admits three of seven that come at once, and the denials name the cap', async () => {
    const answers = await Promise.all(Array.from({ length: 7 }, () => outcome(own.ask())));
    expect(answers.filter((answer) => answer === 'admitted')).toHaveLength(3);
    expect(answers.filter((answer) => answer === 'volume.day')).toHaveLength(4);
    await own.drain();
    expect(await own.count('release', `output_id IN (SELECT id FROM output WHERE audience = 'fan')`)).toBe(3);
    expect(await outcome(own.ask())).toBe('volume.day');
  });

  it('is held by PostgreSQL for any statement, and an output that is not counted is not released', async () => {
    const [made] = await own.world.database.asOwner<{ day: string }>(`SELECT max(day)::text AS day FROM consent_volume_use`);
    await expect(own.world.database.asApp(
      `INSERT INTO consent_volume_use (subject_id, grant_id, capability, day, milliseconds, taken_at) VALUES ('out_x', $1, 'voice', $2, 1, now())`,
      [own.grant.grantId, made?.day])).rejects.toMatchObject({ constraint: 'consent_volume_within_caps' });
    nextDay();
    const { outputId } = await own.ask();
    await own.world.database.asApp(`UPDATE consent_volume_use SET state = 'given_back' WHERE subject_id = $1`, [outputId]);
    await expect(own.world.database.asApp(`
      INSERT INTO release (id, clone_id, output_id, file_sha256, file_bytes, samples_sha256, leaf_id, receipt, released_at)
      VALUES ('rel_x', $1, $2, repeat('a', 64), 1, repeat('a', 64), 'lef_x', '{}', now())`, [own.cloneId, outputId]))
      .rejects.toMatchObject({ constraint: 'release_is_counted' });
    await own.shut('clone', 'paused');
    await own.drain();
    await own.reopen('clone');
  });

  it('gives back what came to nothing', async () => {
    nextDay();
    for (let i = 0; i < 3; i += 1) await own.ask();
    expect(await outcome(own.ask())).toBe('volume.day');
    await own.shut('clone', 'paused');
    await own.drain();
    await own.reopen('clone');
    expect(await outcome(own.ask())).toBe('admitted');
    await own.drain();
  });
});

describe('a cap of twenty seconds a day', () => {
  it('voids what turns out longer than it was expected to be, at no charge and without another try', async () => {
    await amend({ volumeCaps: [{ capability: 'any', window: 'day', outputs: 3, seconds: 20 }] });
    nextDay();
    const { captured } = await own.left();
    const { outputId } = await own.ask();
    const { inference } = own.deps;
    let said = 0;
    // A voice that takes its time: twenty seconds and more for four words.
    own.deps.inference = {
      async synthesise(asked, signal) {
        said += 1;
        const { pcm, ...speech } = await inference.synthesise(asked, signal);
        const slow = new Int16Array(21 * speech.sampleRateHz);
        for (let at = 0; at < slow.length; at += 1) slow[at] = pcm[at % pcm.length] ?? 0;
        return { ...speech, pcm: slow };
      },
    };
    await own.drain();
    own.deps.inference = inference;
    expect(said).toBe(1);
    expect(await own.gateway.getOutput(own.fan.actor, outputId)).toMatchObject({ state: 'voided', reason: 'consent_ended' });
    expect(await own.left()).toEqual({ held: 0, captured });
    expect(await own.count('release', `output_id = '${outputId}'`)).toBe(0);
    expect(await own.count('consent_volume_use', `subject_id = '${outputId}' AND state <> 'given_back'`)).toBe(0);
  });
});

describe('an output that the owner approves first', () => {
  it('waits, is given to nobody, and goes with her yes', async () => {
    nextDay();
    await amend({ volumeCaps: [], outputApproval: { mode: 'before', undoHours: 0 } });
    const { outputId } = await own.ask();
    await own.drain();
    expect((await own.gateway.getOutput(own.fan.actor, outputId)).state).toBe('signing');
    expect(await codeOf(own.gateway.getOutputMedia(own.fan.actor, outputId))).toBe('output_state');
    expect(await codeOf(own.gateway.approveOutput(own.fan.actor, key(), outputId))).toBe('not_found');
    await expect(own.world.database.asApp(`
      INSERT INTO release (id, clone_id, output_id, file_sha256, file_bytes, samples_sha256, leaf_id, receipt, released_at)
      VALUES ('rel_y', $1, $2, repeat('b', 64), 1, repeat('b', 64), 'lef_y', '{}', now())`, [own.cloneId, outputId]))
      .rejects.toMatchObject({ constraint: 'release_is_approved' });
    expect(await own.gateway.approveOutput(own.owner.actor, key(), outputId)).toMatchObject({ verdict: 'approved', mode: 'before' });
    await own.drain();
    expect((await own.gateway.getOutput(own.fan.actor, outputId)).state).toBe('released');
    expect(await codeOf(own.gateway.rejectOutput(own.owner.actor, key(), outputId))).toBe('output_state');
  });

  it('ends with her no, at no charge', async () => {
    const before = await own.left();
    const { outputId } = await own.ask();
    await own.drain();
    await own.gateway.rejectOutput(own.owner.actor, key(), outputId);
    await own.drain();
    expect(await own.gateway.getOutput(own.fan.actor, outputId)).toMatchObject({ state: 'voided', reason: 'consent_ended' });
    expect(await own.left()).toEqual(before);
    expect(await codeOf(own.gateway.approveOutput(own.owner.actor, key(), outputId))).toBe('output_state');
  });

  it('is not let out by her yes after a stop', async () => {
    const { outputId } = await own.ask();
    await own.drain();
    await own.shut('clone', 'paused');
    await own.gateway.approveOutput(own.owner.actor, key(), outputId);
    await own.drain();
    await own.reopen('clone');
    expect((await own.gateway.getOutput(own.fan.actor, outputId)).state).toBe('voided');
  });
});

describe('an output that the owner may take back', () => {
  it('is served until she does, and not after; later than the window she cannot', async () => {
    await amend({ outputApproval: { mode: 'after', undoHours: 2 } });
    const [first, second] = [await own.released(), await own.released()];
    expect(await codeOf(own.gateway.approveOutput(own.owner.actor, key(), first))).toBe('output_state');
    await own.gateway.rejectOutput(own.owner.actor, key(), first);
    expect(await codeOf(own.gateway.getOutputMedia(own.fan.actor, first))).toBe('output_withdrawn');
    expect((await own.gateway.getOutputStatus(first)).status).toBe('allowed_when_made_since_withdrawn');
    own.world.clock.advance(2 * 3_600_000);
    expect(await codeOf(own.gateway.rejectOutput(own.owner.actor, key(), second))).toBe('output_state');
    expect((await own.gateway.getOutputStatus(second)).status).toBe('allowed_when_made');
  });
});

describe('what a text is about', () => {
  it.each([
    ['Good morning to you.', {}, { adult: false, political: false, endorsements: [] }],
    ['Read me something erotic.', {}, { adult: true, political: false, endorsements: [] }],
    ['请大家投票给她', {}, { adult: false, political: true, endorsements: [] }],
    ['Use my promo code!', {}, { adult: false, political: false, endorsements: ['undeclared'] }],
    ['Use my promo code!', { endorsements: ['music'] }, { adult: false, political: false, endorsements: ['music'] }],
    ['Good morning.', { adult: true }, { adult: true, political: false, endorsements: [] }],
    ['Vote for me.', { political: false }, { adult: false, political: true, endorsements: [] }],
  ])('%s %j', (text, declared, expected) => expect(labelsOf(text, declared)).toEqual(expected));

  it('decides: what is not granted is denied by its label', async () => {
    const clauses = async (asked: Parameters<GatewayWorld['ask']>[0]): Promise<unknown> => (await refusalOf(own.ask(asked))).extra['clauses'];
    expect(await clauses({ script: 'Do vote for my neighbour.' })).toEqual(['content.political']);
    expect(await clauses({ labels: { endorsements: ['cars'] } })).toEqual(['endorsement.cars']);
    expect(await clauses({ work: 'Another album' })).toEqual(['work.unreadable']);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { systemRandom } from '../../src/kernel/random.ts';
import { makeCast } from '../access/world.ts';
import { buyFriendTier, released, request } from '../demo/fan.ts';
import type { Cast } from '../demo/people.ts';
import { makeRecordings } from '../demo/recording.ts';
import { claimAndEnrol, license, type Licence } from '../demo/rights.ts';
import { makeStory } from '../demo/story.ts';
import { openWorld, type World } from '../demo/world.ts';
import { approveClaim } from '../support/claims.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Person, registerPerson } from '../support/person.ts';
import { until } from '../support/until.ts';

/** Notices over HTTP, against the whole service: a live clone, a fan who has paid, a file that was released. */
let database: TestDatabase;
let world: World;
let cast: Cast;
let licence: Licence;
let outputId: string;
let subscriptionId: string;
let complainant: Person;
let first: Person;
let second: Person;
// A renewal a month, renders and refunds happen in between.
vi.setConfig({ testTimeout: 90_000 });
const folder = mkdtempSync(join(tmpdir(), 'benren-notices-'));

beforeAll(async () => {
  database = await openTestDatabase([], 1);
  world = await openWorld(folder, database);
  const recordings = await makeRecordings(null, world.service.platform.inference);
  const story = makeStory(folder, () => undefined);
  cast = await makeCast(world);
  const made = await claimAndEnrol(world, story, cast, recordings);
  await approveClaim(cast.reviewers, made.proofId);
  licence = await license(world, story, cast, made);
  subscriptionId = await buyFriendTier(world, cast.fans[0], licence, 'SG', false);
  outputId = await request(cast.fans[0], licence, 'en', 'Good evening.');
  await released(cast.fans[0], outputId);
  [first, second] = cast.reviewers;
  complainant = await registerPerson(world.client, systemRandom, { displayName: 'Lin Ya the other' });
}, 240_000);
afterAll(async () => {
  await world.close();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const elements = (change: object = {}) => ({
  name: 'Lin Ya', contact: 'lin@example.org', represented: null, target: { kind: 'clone' as const, value: licence.cloneId },
  identification: 'My voice, as in my songs.', statement: 'Nobody asked me.', goodFaith: true as const, authorityUnderPenaltyOfPerjury: true as const, ...change,
});
const typed = (change: object = {}) => ({ body: { ...elements(change), signed: { kind: 'typed' as const, name: 'LIN YA' } } });
const gateState = async () => (await world.ask<{ state: string }>(`SELECT state FROM gate WHERE clone_id = $1 AND kind = 'clone'`, [licence.cloneId]))[0]?.state;
const kept = async () => (await world.ask<{ count: number }>('SELECT count(*)::int AS count FROM notice'))[0]?.count;
const verify = { verdict: 'verify', reasonCode: 'identity_shown', text: 'Her passport, her songs.' } as const;
const onClone = (noticeId: string) => ({ path: { noticeId }, body: { ...verify, actsOn: 'clone' as const, targetId: licence.cloneId } });
const withToken = (noticeId: string, token: string | null) => ({ path: { noticeId }, headers: { 'notice-token': token ?? '' } });

async function file(change: object = {}): Promise<{ noticeId: string; token: string }> {
  const { notice, token } = await world.client.call('fileNotice', typed(change));
  return { noticeId: notice.noticeId, token: token ?? '' };
}

/** Filed, claimed and verified by two: the clone is held. */
async function held(change: object = {}): Promise<{ noticeId: string; token: string }> {
  const filed = await file(change);
  await first.client.call('claimNotice', { path: { noticeId: filed.noticeId } });
  await first.client.call('reviewNotice', onClone(filed.noticeId));
  await second.client.call('reviewNotice', onClone(filed.noticeId));
  return filed;
}

async function counter(noticeId: string): Promise<void> {
  const statement = 'It is me, and I signed for it.';
  const { document } = await cast.owner.client.call('draftCounterNotice', { path: { noticeId }, body: { statement } });
  const signature = await cast.owner.sign('counter_notice', document);
  await cast.owner.client.call('counterNotice', { path: { noticeId }, body: { statement, signature } });
}

/** The house's stop of the clone, once the gateways' confirmations are in: what each gateway did. */
async function confirmed(kind: 'pause' | 'existence', reason: string): Promise<string[]> {
  const read = () => world.ask<{ gateways: { outcome: string }[] }>(`
    SELECT ack.gateways FROM gate_stop AS stop JOIN stop_acknowledgement AS ack ON ack.stop_id = stop.id
    WHERE stop.clone_id = $1 AND stop.kind = $2 AND stop.reason = $3 ORDER BY stop.number DESC`, [licence.cloneId, kind, reason]);
  await until(async () => (await read()).length > 0);
  return (await read())[0]?.gateways.map(({ outcome }) => outcome) ?? [];
}

const days = async (count: number): Promise<void> => {
  await world.advanceDays(count);
  for (const person of [cast.owner, cast.operator, ...cast.reviewers, ...cast.fans, complainant]) await person.signIn();
};

describe('filing', () => {
  it.each([
    ['an unknown clone', { target: { kind: 'clone', value: `cln_${'0'.repeat(26)}` } }, 422, 'notice_target_unknown'],
    ['a file that is not ours', { target: { kind: 'file', value: '0'.repeat(64) } }, 422, 'notice_target_unknown'],
    ['an address that is none', { target: { kind: 'url', value: 'javascript:alert(1)' } }, 400, 'request_invalid'],
    ['no statement of authority', { authorityUnderPenaltyOfPerjury: false }, 400, 'request_invalid'],
    ['no good faith', { goodFaith: undefined }, 400, 'request_invalid'],
    ['a text beyond its size', { statement: 'x'.repeat(4_001) }, 400, 'request_invalid'],
    ['a text of blanks', { identification: '   ' }, 400, 'request_invalid'],
    ['another\'s name as signature', { name: 'Somebody else' }, 422, 'signature_mismatch'],
  ])('%s is refused and leaves nothing', async (_what, change, status, code) => {
    const before = await kept();
    const refused = await world.client.refused('fileNotice', typed(change));
    expect([refused.status, refused.code]).toEqual([status, code]);
    expect(await kept()).toBe(before);
  });

  it('needs no account, gives a token once, and stops nothing', async () => {
    const { notice, joined, token } = await world.client.call('fileNotice', { ...typed(), key: 'the-first-notice' });
    expect([notice.state, notice.as, joined, notice.cloneId]).toEqual(['filed', 'complainant', false, null]);
    expect(await world.client.call('fileNotice', { ...typed(), key: 'the-first-notice' })).toEqual({ notice, joined, token });
    expect(JSON.stringify(await world.ask('SELECT * FROM notice'))).not.toContain(token);
    expect(JSON.stringify(await world.ask(`SELECT answer FROM idempotency WHERE key = 'the-first-notice'`))).not.toContain(token);
    expect((await world.client.call('getNotice', withToken(notice.noticeId, token))).dueAt).toBe(notice.dueAt);
    const unseen = await world.client.refused('getNotice', withToken(notice.noticeId, token?.replace(/.$/, token.endsWith('A') ? 'B' : 'A') ?? ''));
    const none = await world.client.refused('getNotice', withToken(`ntc_${'0'.repeat(26)}`, token));
    expect([unseen.status, unseen.code]).toEqual([404, 'notice_unseen']);
    expect(unseen.bytes).toEqual(none.bytes);
    expect((await cast.owner.client.refused('getNotice', { path: { noticeId: notice.noticeId } })).code).toBe('notice_unseen');
    expect(await gateState()).toBe('open');
  });

  it('what is identical joins the open notice, without its token', async () => {
    const { notice, joined, token } = await world.client.call('fileNotice', typed({ contact: 'LIN@example.org', statement: 'Nobody  asked me.' }));
    expect([joined, token, notice.state]).toEqual([true, null, 'filed']);
    expect(await kept()).toBe(1);
  });

  it('with an account it is signed by passkey', async () => {
    const mine = elements({ contact: 'other@example.org', target: { kind: 'output', value: outputId } });
    const { document } = await complainant.client.call('draftNotice', { body: mine });
    const signature = await complainant.sign('notice', document);
    const changed = { ...mine, statement: 'Something else.', signed: { kind: 'passkey' as const, signature } };
    expect((await complainant.client.refused('fileNotice', { body: changed })).code).toBe('signature_mismatch');
    expect((await complainant.client.refused('fileNotice', { body: { ...mine, signed: { kind: 'typed', name: 'Lin Ya' } } })).code).toBe('signature_mismatch');
    const again = await complainant.sign('notice', document);
    const { notice, token } = await complainant.client.call('fileNotice', { body: { ...mine, signed: { kind: 'passkey', signature: again } } });
    expect([notice.state, token]).toEqual(['filed', null]);
    expect((await complainant.client.call('listNotices', {})).filed.map(({ noticeId }) => noticeId)).toEqual([notice.noticeId]);
    expect(await complainant.client.call('getNotice', { path: { noticeId: notice.noticeId } })).toEqual(notice);
  });

  it('a flood is refused with the time to wait, and changes nothing', async () => {
    for (let at = 0; at < 5; at += 1) await file({ contact: 'flood@example.org', statement: `Again ${at}.` });
    const before = await kept();
    const response = await fetch(`${world.client.origin}/v1/notices`, {
      method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': 'flood-number-six' },
      body: JSON.stringify(typed({ contact: 'flood@example.org', statement: 'Again 6.' }).body),
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([429, 'rate_limited']);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(3_600);
    for (let at = 0; at < 3; at += 1) await file({ contact: `flood-${at}@example.org` });
    const network = await world.client.refused('fileNotice', typed({ contact: 'one-more@example.org' }));
    expect([network.code, Number(network.problem['retryAfterSeconds']) <= 3_600]).toEqual(['rate_limited', true]);
    expect(await kept()).toBe((before ?? 0) + 3);
    expect(await gateState()).toBe('open');
  });
});

describe('triage', () => {
  it('shows overdue ones first, and gives back what was claimed and not decided', async () => {
    const { noticeId } = (await world.client.call('fileNotice', typed())).notice;
    await first.client.call('claimNotice', { path: { noticeId } });
    expect((await second.client.refused('claimNotice', { path: { noticeId } })).code).toBe('notice_state');
    expect((await second.client.refused('reviewNotice', onClone(noticeId))).code).toBe('notice_state');
    await days(6);
    await until(async () => (await first.client.call('getNotice', { path: { noticeId } })).state === 'filed');
    const { notices } = await second.client.call('listNoticeQueue', {});
    expect(notices.find((one) => one.noticeId === noticeId)).toMatchObject({ claimed: false, as: 'reviewer', notice: { contact: 'lin@example.org' } });
    expect(notices.every(({ overdueAt }) => overdueAt !== null)).toBe(true);
    expect(await gateState()).toBe('open');
  });

  it('an abusive one is dismissed, and its contact may file one in thirty days', async () => {
    const flood = (await first.client.call('listNoticeQueue', {})).notices.find(({ notice }) => notice.contact === 'flood@example.org');
    const path = { noticeId: flood?.noticeId ?? '' };
    await first.client.call('claimNotice', { path });
    const done = await first.client.call('reviewNotice', { path, body: { verdict: 'dismiss', reasonCode: 'abusive', text: 'The fifth of one hour.' } });
    expect([done.state, done.reasonCode]).toEqual(['dismissed', 'abusive']);
    const refused = await world.client.refused('fileNotice', typed({ contact: 'flood@example.org', statement: 'And again.' }));
    expect([refused.code, Number(refused.problem['retryAfterSeconds']) > 86_400]).toEqual(['rate_limited', true]);
  });

  it('nobody who is a party decides, and PostgreSQL holds nothing for one reviewer', async () => {
    const { noticeId } = await file({ statement: 'Once more, to be decided.' });
    for (const person of [cast.owner, complainant]) {
      const { token } = await cast.operator.client.call('createInvitation', { body: { role: 'reviewer' } });
      await person.client.call('acceptInvitation', { body: { token } });
    }
    expect((await cast.owner.client.refused('claimNotice', { path: { noticeId } })).code).toBe('review_party');
    const own = (await complainant.client.call('listNotices', {})).filed[0]?.noticeId ?? '';
    expect((await complainant.client.refused('claimNotice', { path: { noticeId: own } })).code).toBe('review_party');
    await first.client.call('claimNotice', { path: { noticeId } });
    expect((await first.client.refused('reviewNotice', { ...onClone(noticeId), body: { ...onClone(noticeId).body, reasonCode: 'abusive' } })).code).toBe('request_invalid');
    expect((await first.client.call('reviewNotice', onClone(noticeId))).state).toBe('claimed');
    expect((await first.client.refused('reviewNotice', onClone(noticeId))).code).toBe('review_repeated');
    await expect(world.ask(`UPDATE notice SET state = 'held', acts_on = 'clone', verified_at = now() WHERE id = $1`, [noticeId]))
      .rejects.toMatchObject({ constraint: 'notice_needs_reviewers' });
    await expect(world.ask(
      `INSERT INTO notice_review (notice_id, stage, reviewer_id, verdict, reason_code, text, acts_on, target_id, at)
       VALUES ($1, 'triage', $2, 'verify', 'identity_shown', 'x', 'clone', $3, now())`, [noticeId, cast.owner.accountId, licence.cloneId],
    )).rejects.toMatchObject({ constraint: 'notice_review_not_of_party' });
    expect(await gateState()).toBe('open');
    await second.client.call('reviewNotice', { path: { noticeId }, body: { verdict: 'dismiss', reasonCode: 'not_that_person', text: 'Another voice.' } });
  });
});

describe('a verified notice', () => {
  let filed: { noticeId: string; token: string };

  it('holds the clone: what is under way is voided, and its owner cannot resume it', async () => {
    const { noticeId, token } = await file({ statement: 'This one is true.' });
    filed = { noticeId, token };
    await first.client.call('claimNotice', { path: { noticeId } });
    await first.client.call('reviewNotice', onClone(noticeId));
    const inFlight = await request(cast.fans[0], licence, 'en', 'The quiet heron carried seven green lanterns over the narrow bridge. '.repeat(3));
    expect((await second.client.call('reviewNotice', onClone(noticeId))).state).toBe('held');
    await until(async () => (await cast.fans[0].client.call('getOutput', { path: { outputId: inFlight } })).state === 'voided', 60_000);
    const resumed = await cast.owner.client.call('resumeClone', { path: { cloneId: licence.cloneId } });
    expect([resumed.state, resumed.holds]).toEqual(['paused', [`notice:${noticeId}`]]);
    expect(await confirmed('pause', 'notice.verified')).toEqual(['confirmed']);
    expect((await cast.fans[0].client.refused('getOutputMedia', { path: { outputId } })).code).toBe('stopped');
  });

  it('is told to the owner, without the complainant\'s contact, with the same deadline for both', async () => {
    const { received } = await cast.owner.client.call('listNotices', {});
    expect(received).toMatchObject([{ noticeId: filed.noticeId, as: 'owner', state: 'held', notice: { statement: 'This one is true.', contact: null } }]);
    const theirs = await world.client.call('getNotice', withToken(filed.noticeId, filed.token));
    expect(theirs).toMatchObject({ as: 'complainant', dueAt: received[0]?.dueAt, outcomes: [{ outcome: 'verified' }] });
    const { leaves } = await world.client.call('listLeavesOfSubject', { path: { subjectId: filed.noticeId } });
    expect(leaves.map(({ type, leafId }) => [type, leafId])).toEqual([['notice.verified', theirs.outcomes[0]?.leafId]]);
  });

  it('is answered by its owner alone, with a signature over just that', async () => {
    const path = { noticeId: filed.noticeId };
    const statement = 'It is me.';
    for (const person of [complainant, first, cast.fans[0]]) {
      expect((await person.client.refused('draftCounterNotice', { path, body: { statement } })).code).toBe('not_found');
    }
    const { document } = await cast.owner.client.call('draftCounterNotice', { path, body: { statement } });
    const wrong = await cast.owner.sign('counter_notice', { ...document, noticeSha256: '0'.repeat(64) });
    expect((await cast.owner.client.refused('counterNotice', { path, body: { statement, signature: wrong } })).code).toBe('signature_mismatch');
    expect((await world.client.refused('showPendingCase', { ...withToken(filed.noticeId, filed.token), body: { court: 'x', caseNumber: 'x', text: 'x' } })).code).toBe('notice_state');
    await counter(filed.noticeId);
    const after = await world.client.call('getNotice', withToken(filed.noticeId, filed.token));
    expect(after).toMatchObject({ state: 'countered', counterNotice: { statement: 'It is me, and I signed for it.' } });
    expect(Date.parse(after.dueAt ?? '') - world.clock.now().getTime()).toBeGreaterThan(13.9 * 86_400_000);
    expect((await cast.owner.client.refused('draftCounterNotice', { path, body: { statement } })).code).toBe('notice_state');
    expect((await first.client.refused('concludeNotice', { path, body: { verdict: 'uphold', reasonCode: 'settlement', text: 'x' } })).code).toBe('notice_state');
  });

  it('is lifted on the day when no case was shown, by a job that may run twice', async () => {
    await world.service.rooms.notices.keepDeadline(filed.noticeId);
    expect(await gateState()).toBe('paused');
    await days(15);
    await until(async () => (await gateState()) === 'open');
    await world.service.rooms.notices.keepDeadline(filed.noticeId);
    const after = await world.client.call('getNotice', withToken(filed.noticeId, filed.token));
    expect(after).toMatchObject({ state: 'restored', reasonCode: 'window_passed', dueAt: null, outcomes: [{ outcome: 'verified' }, { outcome: 'restored' }] });
    const late = { ...withToken(filed.noticeId, filed.token), body: { court: 'x', caseNumber: 'x', text: 'x' } };
    expect((await world.client.refused('showPendingCase', late)).code).toBe('notice_state');
    expect((await cast.fans[0].client.call('getOutputMedia', { path: { outputId } })).byteLength).toBeGreaterThan(10_000);
  });
});

describe('a notice about one output', () => {
  it('holds that file by one reviewer, and nothing else', async () => {
    const noticeId = (await complainant.client.call('listNotices', {})).filed[0]?.noticeId ?? '';
    await first.client.call('claimNotice', { path: { noticeId } });
    const path = { noticeId };
    const other = await first.client.refused('reviewNotice', { path, body: { ...verify, actsOn: 'output', targetId: `out_${'0'.repeat(26)}` } });
    expect(other.code).toBe('notice_target_unknown');
    expect((await first.client.call('reviewNotice', { path, body: { ...verify, actsOn: 'output', targetId: outputId } })).state).toBe('held');
    expect(await gateState()).toBe('open');
    expect((await cast.fans[0].client.refused('getOutputMedia', { path: { outputId } })).code).toBe('output_withdrawn');
    expect((await world.client.call('getOutputStatus', { path: { outputId } })).status).toBe('allowed_when_made_since_withdrawn');
    const another = await request(cast.fans[0], licence, 'en', 'Good night.');
    await released(cast.fans[0], another);
    expect((await cast.fans[0].client.call('getOutputMedia', { path: { outputId: another } })).byteLength).toBeGreaterThan(10_000);

    await counter(noticeId);
    const shown = await complainant.client.call('showPendingCase', { path, body: { court: 'District Court', caseNumber: '1-26-0001', text: 'Filed in time.' } });
    expect([shown.state, shown.dueAt]).toEqual(['case_pending', null]);
    const restore = { path, body: { verdict: 'restore', reasonCode: 'case_lost', text: 'Judgment of today.' } } as const;
    expect((await cast.owner.client.refused('concludeNotice', restore)).code).toBe('review_party');
    expect((await first.client.call('concludeNotice', restore)).state).toBe('case_pending');
    expect((await second.client.call('concludeNotice', restore)).state).toBe('restored');
    expect((await cast.fans[0].client.call('getOutputMedia', { path: { outputId } })).byteLength).toBeGreaterThan(10_000);
  });
});

describe('a notice that nobody answers', () => {
  it('is upheld by two people, never by a clock: the clone ends, renewals are off, unused days go back', async () => {
    const { noticeId, token } = await held({ statement: 'True, and the owner is silent.' });
    await days(15);
    await until(async () => (await world.client.call('getNotice', withToken(noticeId, token))).state === 'unanswered');
    expect(await gateState()).toBe('paused');
    expect((await cast.owner.client.refused('draftCounterNotice', { path: { noticeId }, body: { statement: 'Late.' } })).code).toBe('notice_state');
    await expect(world.ask(`UPDATE notice SET state = 'upheld', ended_at = now() WHERE id = $1`, [noticeId])).rejects.toMatchObject({ constraint: 'notice_needs_two' });
    const uphold = { path: { noticeId }, body: { verdict: 'uphold', reasonCode: 'no_counter_notice', text: 'Nobody spoke for it.' } } as const;
    expect((await first.client.call('concludeNotice', uphold)).state).toBe('unanswered');
    expect(await gateState()).toBe('paused');
    expect((await second.client.call('concludeNotice', uphold)).state).toBe('upheld');
    expect(await gateState()).toBe('stopped');
    expect(await confirmed('existence', 'notice.upheld')).toEqual(['confirmed']);
    await world.settle();
    await until(async () => (await cast.fans[0].client.call('getSubscription', { path: { subscriptionId } })).state === 'canceled', 20_000);
    const refunds = await world.ask<{ state: string }>('SELECT state FROM refund');
    expect(refunds.length).toBeGreaterThan(0);
    expect(new Set(refunds.map(({ state }) => state))).toEqual(new Set(['succeeded']));
    expect((await cast.fans[0].client.refused('getOutputMedia', { path: { outputId } })).code).toBe('output_withdrawn');
    const { leaves } = await world.client.call('listLeavesOfSubject', { path: { subjectId: noticeId } });
    expect(leaves.map(({ type }) => type).sort()).toEqual(['notice.upheld', 'notice.verified']);
  });

  it('and everybody sees how many came to what end', async () => {
    const { notices, counts } = await world.client.call('getNoticeCounts', {});
    expect(notices).toBe(await kept());
    expect(counts).toEqual(expect.arrayContaining([
      { targetKind: 'clone', state: 'upheld', reasonCode: 'no_counter_notice', count: 1 }, { targetKind: 'clone', state: 'restored', reasonCode: 'window_passed', count: 1 },
      { targetKind: 'output', state: 'restored', reasonCode: 'case_lost', count: 1 }, { targetKind: 'clone', state: 'dismissed', reasonCode: 'abusive', count: 1 },
    ]));
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Actor } from '../../src/kernel/request.ts';
import { chart } from '../../src/ledger/index.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, OWNER, type World } from './support.ts';

/** A clone whose moments are stopped: what of it does who keep? Each case goes on where the last one ended. */
let world: World;
let both: string;
const fans: Record<'keeps' | 'declines' | 'silent' | 'bare' | 'lost' | 'won', { fan: Actor; subscriptionId: string }> = {} as never;
beforeAll(async () => {
  world = await openWorld();
  world.facts.capabilities = { voice: true, moments: true };
  const create = async (name: string, priceMinor: string, capabilities: string[]): Promise<string> => {
    const { tierId } = await world.billing.createTier(OWNER, world.key('tier'), { cloneId: CLONE, name, priceMinor, capabilities });
    await world.drain();
    return tierId;
  };
  both = await create('work', '3000', ['voice', 'moments']);
  const only = await create('friend', '600', ['moments']);
  for (const [role, name, tierId] of [['keeps', 'mei', both], ['declines', 'li', both], ['silent', 'wu', both], ['bare', 'eve', only], ['lost', 'tao', both], ['won', 'bo', both]] as const) {
    const fan = world.fan(name);
    fans[role] = { fan, subscriptionId: (await world.subscribed(fan, tierId)).subscriptionId };
  }
  await world.moveTo(noon('2026-03-11'));
});
afterAll(async () => {
  await world.close();
});

const view = (role: keyof typeof fans) => world.billing.getSubscription(fans[role].fan, fans[role].subscriptionId);
const answer = (role: keyof typeof fans, accept: boolean, stopId = 'stp_1') =>
  world.billing.answerRemains(fans[role].fan, world.key('answerRemains'), fans[role].subscriptionId, { stopId, accept });
const recognise = (throughDay: string) => world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay }));
const row = async (role: keyof typeof fans) => (await world.db.asOwner<{ days: number; refunded: string; ended: string | null }>(
  `SELECT recognised_days AS days, refunded_minor AS refunded, ended_on::text AS ended FROM subscription_period WHERE subscription_id = $1`, [fans[role].subscriptionId]))[0];
async function disputed(role: keyof typeof fans): Promise<string> {
  const [{ charge } = { charge: '' }] = await world.db.asOwner<{ charge: string }>('SELECT stripe_charge AS charge FROM subscription_period WHERE subscription_id = $1', [fans[role].subscriptionId]);
  const id = await world.sandbox.control.openDispute(charge);
  await world.drain();
  return id;
}
let contested: string;
/** 21 of 31 days of 30 CNY. */
const UNUSED = 3_000n - (2_831n * 10n) / 31n - (169n * 10n) / 31n;

describe('a stop of a capability', () => {
  it('returns at once what nothing is left of, and tells the others what remains and what would be returned', async () => {
    const tierIds = await world.tx((tx) => world.billing.tiersNaming(tx, CLONE, 'moments'));
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: world.clock.now(), tierIds, capability: 'moments' }));
    await world.drain();
    expect(await view('bare')).toMatchObject({ state: 'canceled', currentPeriod: null });
    expect((await row('bare'))?.ended).toBe('2026-03-11');
    expect(await view('keeps')).toMatchObject({
      state: 'active', cancelAtPeriodEnd: true,
      remains: { stopId: 'stp_1', stopped: 'moments', remaining: ['voice'], closesAt: '2026-03-14T04:00:00.000Z', unusedDays: 21, refundMinor: UNUSED.toString(), answer: 'none' },
    });
    expect(await world.tx((tx) => world.billing.stopSettlement(tx, 'stp_1'))).toMatchObject({ done: false, renewalsLeft: 5 });
    expect(await refusal(world.billing.subscribe(world.fan('slow'), world.key('subscribe'), { cloneId: CLONE, tierId: both }))).toBe('stopped');
    expect(await refusal(world.billing.resumeSubscription(fans.keeps.fan, world.key('resume'), fans.keeps.subscriptionId))).toBe('stopped');
  });

  it('earns nothing of what waits for an answer; only its fan answers, once, and what was not asked is refused', async () => {
    await world.moveTo(noon('2026-03-13'));
    await recognise('2026-03-13');
    expect((await row('keeps'))?.days).toBe(10);
    expect(await refusal(world.billing.answerRemains(fans.silent.fan, world.key('answerRemains'), fans.keeps.subscriptionId, { stopId: 'stp_1', accept: true }))).toBe('not_found');
    expect(await refusal(answer('keeps', true, 'stp_other'))).toBe('subscription_state');
    expect(await refusal(answer('bare', true))).toBe('subscription_state');
    expect(await answer('keeps', true)).toMatchObject({ remains: { answer: 'accepted' } });
    expect(await answer('keeps', true)).toMatchObject({ remains: { answer: 'accepted' } });
    expect(await refusal(answer('keeps', false))).toBe('subscription_state');
    await recognise('2026-03-13');
    expect((await row('keeps'))?.days).toBe(12);
  });

  it('earns up to its day and no further of what a bank takes back while the answer is open; then nothing is left to answer', async () => {
    contested = await disputed('won');
    const id = await disputed('lost');
    const before = await world.balance(chart.deferred(CLONE, 'CNY'));
    await world.sandbox.control.closeDispute(id, 'lost');
    await world.drain();
    expect(await row('lost')).toEqual({ days: 10, refunded: '3000', ended: '2026-03-11' });
    // 21 of 31 days came out of what was not earned, net of tax; the ten that were had are nobody's here, and so the platform's.
    expect((await world.balance(chart.deferred(CLONE, 'CNY'))) - before).toBe(2_831n - (2_831n * 10n) / 31n);
    expect(await world.balance(chart.platformExpense('dispute_losses', 'CNY'))).toBe(3_000n - UNUSED);
    expect(await refusal(answer('lost', true))).toBe('subscription_state');
    expect((await view('lost')).state).toBe('canceled');
    await world.checkBooks();
  });

  it('returns the unused days at once to who declines, counted from the day of the stop', async () => {
    await answer('declines', false);
    await world.drain();
    expect(await row('declines')).toEqual({ days: 10, refunded: UNUSED.toString(), ended: '2026-03-11' });
    expect((await view('declines')).state).toBe('canceled');
    expect((await row('silent'))?.ended).toBeNull();
  });

  it('returns them to who says nothing when the time is over; who kept has everything to the end of what is paid, and is not renewed', async () => {
    await world.moveTo(noon('2026-03-15'));
    expect(await row('silent')).toEqual({ days: 10, refunded: UNUSED.toString(), ended: '2026-03-11' });
    expect(await refusal(answer('silent', true))).toBe('subscription_state');
    // The bank holds this money: its days end like the others', and are returned when the dispute is won.
    expect(await row('won')).toEqual({ days: 10, refunded: '3000', ended: '2026-03-11' });
    await world.sandbox.control.closeDispute(contested, 'won');
    await world.drain();
    expect(await row('won')).toEqual({ days: 10, refunded: UNUSED.toString(), ended: '2026-03-11' });
    await expect(world.db.asApp(`INSERT INTO remains_answer (stop_id, subscription_id, accepted, answered_at) VALUES ('stp_1', '${fans.silent.subscriptionId}', true, '2026-03-14T04:00:00Z')`))
      .rejects.toThrow(/the time to answer/);
    await expect(world.db.asApp('UPDATE remains_answer SET accepted = true')).rejects.toThrow();
    expect(await world.tx((tx) => world.billing.stopSettlement(tx, 'stp_1'))).toMatchObject({ done: true, renewalsLeft: 0 });
    expect((await view('keeps')).currentPeriod).toMatchObject({ endDay: '2026-04-01' });
    await world.moveTo(noon('2026-04-02'));
    await recognise('2026-04-02');
    expect(await row('keeps')).toEqual({ days: 31, refunded: '0', ended: null });
    expect((await view('keeps')).state).toBe('canceled');
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(0n);
    await world.checkBooks();
  });
});

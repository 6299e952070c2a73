import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { chart } from '../../src/ledger/index.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, type World } from './support.ts';

let world: World;
let friend: string;
let work: string;
beforeAll(async () => {
  world = await openWorld();
  friend = await world.tier('friend');
  work = await world.tier('work', '3000');
});
afterAll(async () => await world.close());

const look = async (): Promise<void> => {
  // Two workers at once, and again: it ends once.
  await Promise.all([world.billing.work.lookAround(), world.billing.work.lookAround()]);
  await world.drain();
  await world.billing.work.lookAround();
  await world.drain();
};
const stops = (): Promise<Record<string, unknown>[]> => world.db.asApp('SELECT reason, final, tier_ids FROM billing_stop ORDER BY recorded_at, reason');
const refunded = async (periodId: string): Promise<string[]> =>
  (await world.db.asApp<{ gross_minor: string }>('SELECT gross_minor FROM refund WHERE period_id = $1', [periodId])).map((row) => row.gross_minor);
const state = async (fan: string, subscriptionId: string): Promise<string> => (await world.billing.getSubscription(world.fan(fan), subscriptionId)).state;

describe('what ends', () => {
  it('is nothing while consent carries what was sold', async () => {
    await world.subscribed(world.fan('wu'), work);
    await look();
    expect(await stops()).toEqual([]);
  });

  it('ends with a tier that consent no longer names, for that tier alone, with its unused days', async () => {
    const mei = await world.subscribed(world.fan('mei'), friend);
    world.facts.tiers = ['work'];
    await world.moveTo(noon('2026-03-11'));
    await look();
    expect(await stops()).toEqual([{ reason: 'tier_removed', final: false, tier_ids: [friend] }]);
    expect(await state('mei', mei.subscriptionId)).toBe('canceled');
    // 10 of 31 days are used.
    expect(await refunded(mei.periodId)).toEqual([String(600n - (567n * 10n) / 31n - (33n * 10n) / 31n)]);
    const [other] = await world.db.asApp<{ id: string; state: string }>('SELECT id, state FROM subscription WHERE tier_id = $1', [work]);
    expect(other?.state).toBe('active');
  });

  it('may begin anew: what is sold under a later grant is not touched by the ending before', async () => {
    world.facts.tiers = ['friend', 'work'];
    await world.moveTo(noon('2026-03-12'));
    const again = await world.subscribed(world.fan('li'), friend);
    await look();
    expect(await state('li', again.subscriptionId)).toBe('active');
    expect(await stops()).toHaveLength(1);
    await world.moveTo(noon('2026-03-14'));
    await world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay: '2026-03-14' }));
    const [earned] = await world.db.asApp<{ recognised_days: number }>('SELECT recognised_days FROM subscription_period WHERE id = $1', [again.periodId]);
    expect(earned?.recognised_days).toBe(2);
  });

  it('ends thirty days after the last thing could be delivered, and not if that comes back before', async () => {
    world.facts.serves = false;
    await look();
    await world.moveTo(noon('2026-03-30'));
    world.facts.serves = true;
    await look();
    world.facts.serves = false;
    await look();
    await world.moveTo(noon('2026-04-28'));
    await look();
    expect(await stops()).toHaveLength(1);
    await world.moveTo(noon('2026-04-30'));
    await look();
    expect((await stops()).map(({ reason }) => reason)).toEqual(['tier_removed', 'undelivered']);
    expect(await world.db.asApp(`SELECT 1 FROM subscription WHERE state IN ('active', 'past_due')`)).toEqual([]);
    world.facts.serves = true;
  });

  it('ends at once with the grant: a page that is not paid yet is closed, nothing is left deferred, the books balance', async () => {
    await world.moveTo(noon('2026-05-01'));
    const paid = await world.subscribed(world.fan('late'), friend);
    const open = await world.billing.subscribe(world.fan('slow'), world.key('subscribe'), { cloneId: CLONE, tierId: friend });
    world.facts.granted = false;
    await look();
    expect((await stops()).at(-1)).toEqual({ reason: 'grant_ended', final: false, tier_ids: null });
    expect(await state('late', paid.subscriptionId)).toBe('canceled');
    expect(await refunded(paid.periodId)).toEqual(['600']);
    expect(await world.pay(open.checkoutUrl)).toBe(404);
    expect(await refusal(world.billing.subscribe(world.fan('late'), world.key('subscribe'), { cloneId: CLONE, tierId: friend }))).toBe('tier_outside_grant');
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(0n);
    await world.checkBooks();
  });
});

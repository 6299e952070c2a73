import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Entitlement } from '../../src/billing/index.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, type World } from './support.ts';

let world: World;
let tierId: string;
beforeAll(async () => {
  world = await openWorld({ poolSize: 20 });
  tierId = await world.tier();
});
afterAll(async () => {
  await world.close();
});

const hold = (of: { subscriptionId: string; periodId: string }, outputId: string): Promise<{ holdId: string; left: number | null }> =>
  world.tx((tx) => world.billing.hold(tx, { ...of, outputId, at: world.clock.now() }));
const capture = (holdId: string, releaseId: string): Promise<void> => world.tx((tx) => world.billing.capture(tx, holdId, { releaseId, at: world.clock.now() }));
const giveBack = (holdId: string): Promise<void> => world.tx((tx) => world.billing.void(tx, holdId, { reason: 'render_failed', at: world.clock.now() }));

async function counters(periodId: string): Promise<{ granted: number; held: number; captured: number }> {
  const [row] = await world.db.asOwner<{ granted: number; held: number; captured: number }>(
    'SELECT granted, held, captured FROM subscription_period WHERE id = $1', [periodId]);
  const [counted] = await world.db.asOwner<{ held: number; captured: number }>(
    `SELECT count(*) FILTER (WHERE state = 'held')::int AS held, count(*) FILTER (WHERE state = 'captured')::int AS captured
     FROM quota_hold WHERE period_id = $1`, [periodId]);
  expect(row).toMatchObject(counted!);
  return row!;
}

describe('the quota of a period', () => {
  it('gives exactly 100 of 1,000 requests at once', async () => {
    const mine = await world.subscribed(world.fan('crowd'), tierId);
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => hold(mine, `out_crowd_${i}`).then(
      (made) => made.left, (error: unknown) => refusal(Promise.reject(error as Error)))));
    const given = answers.filter((answer) => typeof answer === 'number');
    expect(given.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(answers.filter((answer) => answer === 'quota_exhausted')).toHaveLength(900);
    expect(await counters(mine.periodId)).toEqual({ granted: 100, held: 100, captured: 0 });
    // Given back and asked for again: exactly those, whatever else runs.
    const holds = await world.db.asOwner<{ id: string }>('SELECT id FROM quota_hold WHERE period_id = $1 LIMIT 60', [mine.periodId]);
    await Promise.all(holds.map(({ id }, i) => (i < 30 ? giveBack(id) : capture(id, `rel_${i}`))));
    const again = await Promise.all(Array.from({ length: 100 }, (_, i) => refusal(hold(mine, `out_again_${i}`))));
    expect(again.filter((code) => code === 'none')).toHaveLength(30);
    expect(await counters(mine.periodId)).toEqual({ granted: 100, held: 70, captured: 30 });
  });

  it('spends a hold once, gives it back once, and never both', async () => {
    const mine = await world.subscribed(world.fan('mei'), tierId);
    const first = await hold(mine, 'out_1');
    expect(first.left).toBe(99);
    expect(await hold(mine, 'out_1')).toEqual(first);
    await capture(first.holdId, 'rel_1');
    await capture(first.holdId, 'rel_1');
    expect(await refusal(capture(first.holdId, 'rel_2'))).toBe('hold_state');
    expect(await refusal(giveBack(first.holdId))).toBe('hold_state');
    expect(await refusal(hold(mine, 'out_1'))).toBe('hold_state');
    const second = await hold(mine, 'out_2');
    await giveBack(second.holdId);
    await giveBack(second.holdId);
    expect(await refusal(capture(second.holdId, 'rel_3'))).toBe('hold_state');
    expect(await refusal(capture('hld_unknown', 'rel_3'))).toBe('hold_state');
    expect(await counters(mine.periodId)).toEqual({ granted: 100, held: 0, captured: 1 });
    const both = await hold(mine, 'out_3');
    const race = await Promise.all([refusal(capture(both.holdId, 'rel_4')), refusal(giveBack(both.holdId))]);
    expect(race.sort()).toEqual(['hold_state', 'none']);
  });

  it('is not of another subscription', async () => {
    const mine = await world.subscribed(world.fan('li'), tierId);
    const other = await world.subscribed(world.fan('wu'), tierId);
    expect(await refusal(hold({ subscriptionId: mine.subscriptionId, periodId: other.periodId }, 'out_x'))).toBe('subscription_state');
    expect(await refusal(hold({ subscriptionId: mine.subscriptionId, periodId: 'per_unknown' }, 'out_x'))).toBe('subscription_state');
  });

  it('is kept by PostgreSQL too, against raw SQL in the service\'s role', async () => {
    const mine = await world.subscribed(world.fan('raw'), tierId);
    const { holdId } = await hold(mine, 'out_raw');
    await capture(holdId, 'rel_raw');
    await expect(world.db.asApp(`UPDATE subscription_period SET captured = 0 WHERE id = '${mine.periodId}'`)).rejects.toThrow(/permission denied/);
    await expect(world.db.asApp(`UPDATE subscription_period SET granted = 1000`)).rejects.toThrow(/permission denied/);
    await expect(world.db.asApp(`UPDATE quota_hold SET state = 'held', release_id = NULL, settled_at = NULL WHERE id = '${holdId}'`)).rejects.toThrow(/already captured/);
    await expect(world.db.asApp(`DELETE FROM quota_hold`)).rejects.toThrow(/permission denied/);
    await expect(world.db.asApp(`INSERT INTO quota_hold (id, clone_id, period_id, output_id, held_at)
      SELECT 'hld_' || i, '${CLONE}', '${mine.periodId}', 'out_raw_' || i, now() FROM generate_series(1, 100) i`)).rejects.toThrow(/subscription_period_quota/);
    await expect(world.db.asApp(`UPDATE subscription_period SET recognised_days = 5 WHERE id = '${mine.periodId}'; UPDATE subscription_period SET recognised_days = 4 WHERE id = '${mine.periodId}'`))
      .rejects.toThrow(/does not go back/);
    expect(await counters(mine.periodId)).toMatchObject({ held: 0, captured: 1 });
  });
});

describe('an entitlement', () => {
  it('says what is left, ends with the paid days, and moves on with the renewal without a gap', async () => {
    const fan = world.fan('days');
    const mine = await world.subscribed(fan, tierId);
    const ask = (iso: string): Promise<Entitlement | null> =>
      world.tx((tx) => world.billing.entitlement(tx, { accountId: fan.accountId, cloneId: CLONE, at: new Date(iso) }));
    await hold(mine, 'out_days');
    expect(await ask(noon('2026-03-31'))).toMatchObject({ source: { periodId: mine.periodId }, voiceOutputsLeft: 99 });
    // Renewed at the hour of the first payment: until then the last period serves on, and no day longer.
    expect(await ask(noon('2026-04-01'))).toMatchObject({ source: { periodId: mine.periodId } });
    expect(await ask(noon('2026-04-02'))).toBeNull();
    expect(await ask(noon('2026-02-28'))).toBeNull();
    await world.moveTo(noon('2026-04-02'));
    const next = await ask(noon('2026-04-02'));
    expect(next).toMatchObject({ voiceOutputsLeft: 100 });
    expect(next?.source).not.toMatchObject({ periodId: mine.periodId });
    expect(await world.tx((tx) => world.billing.entitlement(tx, { accountId: fan.accountId, cloneId: 'cln_other', at: world.clock.now() }))).toBeNull();
  });
});

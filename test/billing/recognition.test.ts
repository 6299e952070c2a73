import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { chart } from '../../src/ledger/index.ts';
import type { SplitSegment } from '../../src/billing/index.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { addDays } from '../../src/kernel/time.ts';
import { CLONE, noon, openWorld, type World } from './support.ts';

let world: World;
let tierId: string;
let segments: SplitSegment[];
beforeEach(async () => {
  segments = [];
  world = await openWorld({ deps: { splitSegments: async (_tx, _clone, fromDay, toDay) => segments.filter((one) => one.fromDay < toDay || one.fromDay <= fromDay) } });
  tierId = await world.tier();
});
afterEach(async () => {
  await world.close();
});

const recognise = (throughDay: string): Promise<{ posted: number }> => world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay }));

async function books(): Promise<{ deferred: bigint; fees: bigint; earned: bigint }> {
  return {
    deferred: -(await world.balance(chart.deferred(CLONE, 'CNY'))), fees: await world.balance(chart.deferredFees(CLONE, 'CNY')),
    earned: -(await world.balance(chart.earned(CLONE, tierId, 'CNY'))),
  };
}

describe('recognition', () => {
  it('earns ⌊amount × k / n⌋ after k days and everything after n, however often and in whatever steps it runs', async () => {
    await world.subscribed(world.fan('mei'), tierId);
    expect(await recognise('2026-03-01')).toEqual({ posted: 0 });
    for (const [day, k] of [['2026-03-02', 1n], ['2026-03-09', 8n], ['2026-03-16', 15n], ['2026-03-31', 30n]] as const) {
      await world.moveTo(noon(day));
      expect(await recognise(day)).toEqual({ posted: 1 });
      expect(await recognise(day)).toEqual({ posted: 0 });
      const net = (567n * k) / 31n;
      const fee = (27n * k) / 31n;
      expect(await books()).toEqual({ deferred: 567n - net, fees: 27n - fee, earned: net - fee });
    }
    await world.moveTo(noon('2026-04-01'));
    await recognise('2026-04-01');
    // The renewal of April is there; of March nothing is left.
    expect(await books()).toEqual({ deferred: 567n, fees: 27n, earned: 540n });
    expect(await recognise('2026-03-10')).toEqual({ posted: 0 });
    const [posting] = await world.db.asOwner<{ metadata: Record<string, unknown>; day: string }>(
      `SELECT metadata, effective_date::text AS day FROM ledger_transfer WHERE kind = 'billing.days_earned' ORDER BY effective_date LIMIT 1`);
    expect(posting).toMatchObject({ day: '2026-03-01', metadata: { cloneId: CLONE, tierId, days: 1, fromDay: '2026-03-01', throughDay: '2026-03-01' } });
    await world.checkBooks();
  });

  it('earns nothing of a day that is not over, whatever is asked', async () => {
    await world.subscribed(world.fan('mei'), tierId);
    await world.moveTo('2026-03-02T15:59:59Z');
    await recognise('2026-03-31');
    expect((await books()).earned).toBe(18n);
    await world.moveTo('2026-03-02T16:00:00Z');
    await recognise('2026-03-31');
    expect((await books()).earned).toBe(36n - 1n);
    await world.checkBooks();
  });

  it('of many subscriptions at once, run by four at the same time, posts each day once', async () => {
    for (const name of ['a', 'b', 'c']) await world.subscribed(world.fan(name), tierId);
    await world.moveTo(noon('2026-03-11'));
    const runs = await Promise.all(Array.from({ length: 4 }, () => recognise('2026-03-11')));
    expect(runs.reduce((sum, run) => sum + run.posted, 0)).toBe(3);
    const net = (567n * 10n) / 31n;
    const fee = (27n * 10n) / 31n;
    expect(await books()).toEqual({ deferred: 3n * (567n - net), fees: 3n * (27n - fee), earned: 3n * (net - fee) });
    await world.checkBooks();
  });

  it('never spans a split version: one posting for each, dated inside it', async () => {
    await world.subscribed(world.fan('mei'), tierId);
    segments = [{ fromDay: '2026-02-01', splitId: 'spl_1' }, { fromDay: '2026-03-11', splitId: 'spl_2' }, { fromDay: '2026-03-20', splitId: 'spl_3' }];
    await world.moveTo(noon('2026-04-01'));
    expect((await recognise('2026-03-25')).posted).toBe(3);
    await recognise('2026-04-01');
    const rows = await world.db.asOwner<{ day: string; split: string; days: string }>(
      `SELECT effective_date::text AS day, metadata->>'splitVersionId' AS split, metadata->>'days' AS days
       FROM ledger_transfer WHERE kind = 'billing.days_earned' ORDER BY effective_date`);
    expect(rows).toEqual([
      { day: '2026-03-10', split: 'spl_1', days: '10' }, { day: '2026-03-19', split: 'spl_2', days: '9' },
      { day: '2026-03-24', split: 'spl_3', days: '5' }, { day: '2026-03-31', split: 'spl_3', days: '7' },
    ]);
    expect((await books()).earned).toBe(540n);
    await world.checkBooks();
  });

  it('shows a fee that is larger than what it was taken from instead of hiding it', async () => {
    const cheap = await world.tier('work', '11');
    await world.subscribed(world.fan('mei'), cheap);
    await world.moveTo(noon('2026-04-01'));
    await recognise('2026-04-01');
    // 11 with no whole unit of tax inside, less the sandbox's 10 of a fixed fee.
    expect(await world.balance(chart.earned(CLONE, cheap, 'CNY'))).toBe(-1n);
    await world.checkBooks();
  });
});

describe('a pause', () => {
  it('of whole days earns nothing and is added to the end; a shorter one changes nothing', async () => {
    const fan = world.fan('mei');
    const { subscriptionId } = await world.subscribed(fan, tierId);
    const pause = (iso: string): Promise<void> => world.tx((tx) => world.billing.onPaused(tx, CLONE, new Date(iso)));
    const resume = (iso: string): Promise<void> => world.tx((tx) => world.billing.onResumed(tx, CLONE, new Date(iso)));
    await pause('2026-03-03T01:00:00Z');
    await resume('2026-03-03T09:00:00Z');
    await resume('2026-03-03T10:00:00Z');
    await world.moveTo(noon('2026-03-06'));
    await recognise('2026-03-06');
    expect((await books()).earned).toBe((567n * 5n) / 31n - (27n * 5n) / 31n);
    await pause('2026-03-06T04:00:00Z');
    await pause('2026-03-06T05:00:00Z');
    await world.moveTo(noon('2026-03-10'));
    await recognise('2026-03-10');
    expect((await books()).earned).toBe((567n * 6n) / 31n - (27n * 6n) / 31n);
    const ask = (at: Date): Promise<unknown> => world.tx((tx) => world.billing.entitlement(tx, { accountId: fan.accountId, cloneId: CLONE, at }));
    expect(await ask(world.clock.now())).toMatchObject({ paused: true });
    await expect(world.billing.subscribe(world.fan('late'), world.key('subscribe'), { cloneId: CLONE, tierId })).rejects.toMatchObject({ code: 'stopped' });
    await resume('2026-03-10T04:00:00Z');
    // Three whole days (7, 8, 9 March) were paused.
    expect((await world.billing.getSubscription(fan, subscriptionId)).currentPeriod).toMatchObject({ startDay: '2026-03-01', endDay: '2026-04-04' });
    await world.moveTo(noon('2026-04-03'));
    expect(await ask(world.clock.now())).toMatchObject({ paused: false });
    await recognise('2026-04-03');
    const [period] = await world.tx((tx) => world.billing.periodsOfSubscription(tx, subscriptionId));
    expect(period?.recognisedDays).toBe(30);
    await world.checkBooks();
  });
});

describe('any partition', () => {
  it('of the days, through the real ledger, ends with nothing of the period deferred', async () => {
    const { subscriptionId } = await world.subscribed(world.fan('mei'), tierId);
    const random = seededRandom('partition of days');
    for (let day = '2026-03-01'; day < '2026-04-06';) {
      day = addDays(day, 1 + random.below(6));
      await world.moveTo(noon(day));
      await recognise(day);
    }
    const [march] = await world.tx((tx) => world.billing.periodsOfSubscription(tx, subscriptionId));
    expect(march).toMatchObject({ recognisedDays: 31, netMinor: 567n });
    const entries = await world.tx((tx) => world.ledger.entriesFor(tx, { periodId: march!.periodId }));
    const left = (code: string): bigint => entries.filter((entry) => entry.accountCode === code).reduce((sum, entry) => sum + entry.amountMinor, 0n);
    expect(left(chart.deferred(CLONE, 'CNY').code)).toBe(0n);
    expect(left(chart.deferredFees(CLONE, 'CNY').code)).toBe(0n);
    expect(left(chart.earned(CLONE, tierId, 'CNY').code)).toBe(-540n);
    await world.checkBooks();
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Entitlement } from '../../src/billing/index.ts';
import { freeTurns, offerTerms, priceOfInterval, TIER_DEFAULTS } from '../../src/billing/tier-terms.ts';
import { COINS_PER_CNY, formatMinor } from '../../src/kernel/money.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, OWNER, type World } from './support.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ poolSize: 20 });
  world.facts.capabilities = { chat: true, voice: true, moments: true, work: true };
});
afterAll(async () => {
  await world.close();
});

const create = (input: Omit<Parameters<World['billing']['createTier']>[2], 'cloneId'>) =>
  world.billing.createTier(OWNER, world.key('createTier'), { cloneId: CLONE, ...input });
const entitled = (account: string): Promise<Entitlement | null> =>
  world.tx((tx) => world.billing.entitlement(tx, { accountId: account, cloneId: CLONE, at: world.clock.now() }));
const holdFree = (freeAccountId: string, outputId: string, capability = 'voice'): Promise<{ holdId: string; left: number | null }> =>
  world.tx((tx) => world.billing.hold(tx, { freeAccountId, cloneId: CLONE, outputId, capability, at: world.clock.now() }));

describe('the figures', () => {
  it('are the first clones\': 42 and 210 coins a month, and ten thousand subscribers by the year are 720,000 and 3,600,000 CNY', () => {
    const everything = (): boolean => true;
    const [friend, work] = (['friend', 'work'] as const).map((kind) => offerTerms(kind, {}, null, everything));
    const coins = [friend, work].map((offer) => (offer!.priceMinor * COINS_PER_CNY) / 100n);
    expect(coins).toEqual([42n, 210n]);
    const years = [friend, work].map((offer) => formatMinor(10_000n * priceOfInterval(offer!, 'year')!, 'CNY'));
    expect(years).toEqual(['720000.00', '3600000.00']);
    expect(TIER_DEFAULTS.free).toMatchObject({ priceMinor: 0n, outputsPerPeriod: 9 });
  });

  it('refuse a price for what is free, and a paid tier without a limit', async () => {
    const offer = (kind: 'free' | 'friend', input: object): Promise<string> => refusal(Promise.resolve().then(() => offerTerms(kind, input, null, () => true)));
    expect(await offer('free', { priceMinor: '600' })).toBe('money_out_of_range');
    expect(await offer('free', { yearPriceMinor: '600' })).toBe('money_out_of_range');
    expect(await offer('friend', { priceMinor: '0' })).toBe('money_out_of_range');
    expect(await offer('friend', { voiceOutputsPerPeriod: null })).toBe('request_invalid');
    expect(await offer('friend', { yearPriceMinor: '1e3' })).toBe('money_malformed');
    // Too much for one charge: then there is no price by the year.
    expect(offerTerms('friend', { priceMinor: '99999999' }, null, () => true).yearPriceMinor).toBeNull();
  });
});

describe('tiers', () => {
  it('of each kind need nothing but a name, and take from their kind what the grant allows', async () => {
    expect(await create({ name: 'free' })).toMatchObject({
      kind: 'free', priceMinor: '0', coins: '0', yearPriceMinor: null, voiceOutputsPerPeriod: 9, capabilities: ['chat', 'voice'], state: 'ready',
    });
    expect(await create({ name: 'friend' })).toMatchObject({
      kind: 'friend', priceMinor: '600', coins: '42', yearPriceMinor: '7200', yearCoins: '504', capabilities: ['chat', 'moments', 'voice'], instantReplies: true,
    });
    // The grant of this world does not allow video.
    expect(await create({ name: 'work', yearPriceMinor: '30000' })).toMatchObject({
      kind: 'work', priceMinor: '3000', coins: '210', yearPriceMinor: '30000', capabilities: ['chat', 'moments', 'voice', 'work'],
    });
    await world.drain();
    const { tiers } = await world.billing.listTiers(CLONE);
    expect(tiers.map(({ name, state }) => `${name} ${state}`)).toEqual(['free ready', 'friend ready', 'work ready']);
  });

  it('name no capability outside the grant, and a clone has one that is free', async () => {
    world.facts.tiers.push('gift', 'vip');
    expect(await refusal(create({ name: 'vip', capabilities: ['video'] }))).toBe('tier_outside_grant');
    expect(await refusal(create({ name: 'gift', kind: 'free' }))).toBe('tier_exists');
    world.facts.capabilities['voice'] = false;
    expect(await refusal(create({ name: 'vip', capabilities: ['voice'] }))).toBe('tier_outside_grant');
    world.facts.capabilities['voice'] = true;
  });

  it('get another price for those who come, which never reaches those who are there', async () => {
    const [, friend] = (await world.billing.listTiers(CLONE)).tiers;
    const early = await world.subscribed(world.fan('mei'), friend!.tierId);
    const dearer = await world.billing.changeTierOffer(OWNER, world.key('offer'), { cloneId: CLONE, tierId: friend!.tierId, priceMinor: '900' });
    expect(dearer).toMatchObject({ offerVersion: 2, priceMinor: '900', yearPriceMinor: '10800', capabilities: friend!.capabilities, state: 'creating' });
    // Until its price exists, the one before is sold.
    expect((await world.billing.listTiers(CLONE)).tiers[1]).toMatchObject({ offerVersion: 1, priceMinor: '600' });
    await world.drain();
    expect((await world.billing.listTiers(CLONE)).tiers[1]).toMatchObject({ offerVersion: 2, priceMinor: '900' });
    await world.moveTo(noon('2026-04-02'));
    const paid = async (subscriptionId: string): Promise<bigint[]> =>
      (await world.tx((tx) => world.billing.periodsOfSubscription(tx, subscriptionId))).map((period) => period.grossMinor);
    expect(await paid(early.subscriptionId)).toEqual([600n, 600n]);
    expect(await world.billing.getSubscription(world.fan('mei'), early.subscriptionId)).toMatchObject({ offerVersion: 1, interval: 'month' });
    const late = await world.subscribed(world.fan('li'), friend!.tierId);
    expect(await paid(late.subscriptionId)).toEqual([900n]);
    expect(await refusal(world.billing.changeTierOffer(world.fan('eve'), world.key('offer'), { cloneId: CLONE, tierId: friend!.tierId, priceMinor: '1' }))).toBe('not_found');
    expect(await refusal(world.billing.changeTierOffer(OWNER, world.key('offer'), { cloneId: CLONE, tierId: 'tir_unknown', priceMinor: '1' }))).toBe('not_found');
    await world.checkBooks();
  });

  it('are sold by the year, with the quota of twelve months and earned by day', async () => {
    const [, , work] = (await world.billing.listTiers(CLONE)).tiers;
    const fan = world.fan('wu');
    const opened = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId: work!.tierId, interval: 'year' });
    expect(await world.pay(opened.checkoutUrl)).toBe(303);
    await world.drain();
    expect(await world.billing.getSubscription(fan, opened.subscriptionId)).toMatchObject({
      state: 'active', interval: 'year', currentPeriod: { startDay: '2026-04-02', endDay: '2027-04-02', voiceOutputsGranted: 3_600 },
    });
    const [period] = await world.tx((tx) => world.billing.periodsOfSubscription(tx, opened.subscriptionId));
    expect(period).toMatchObject({ grossMinor: 30_000n, days: 365 });
    const free = (await world.billing.listTiers(CLONE)).tiers[0]!;
    expect(await refusal(world.billing.subscribe(world.fan('a'), world.key('subscribe'), { cloneId: CLONE, tierId: free.tierId }))).toBe('tier_unknown');
  });
});

describe('free turns', () => {
  it('are told before the first, and taken only by what comes through', async () => {
    const fan = world.fan('days');
    expect(await world.billing.getEntitlement(fan, CLONE)).toMatchObject({ kind: 'free', tierName: 'free', granted: 9, left: 9, unlimited: false });
    const { holdId, left } = await holdFree(fan.accountId, 'out_first');
    expect(left).toBe(8);
    expect(await holdFree(fan.accountId, 'out_first')).toEqual({ holdId, left: 8 });
    await world.tx((tx) => world.billing.void(tx, holdId, { reason: 'render_failed', at: world.clock.now() }));
    expect((await world.billing.getEntitlement(fan, CLONE)).left).toBe(9);
    const next = await holdFree(fan.accountId, 'out_second');
    await world.tx((tx) => world.billing.capture(tx, next.holdId, { releaseId: 'rel_second', at: world.clock.now() }));
    expect((await world.billing.getEntitlement(fan, CLONE)).left).toBe(8);
    expect(await refusal(holdFree(fan.accountId, 'out_video', 'video'))).toBe('capability_not_in_tier');
    expect(await refusal(world.billing.getEntitlement(fan, 'cln_unknown'))).toBe('not_found');
  });

  it('are 9 for 200 requests at once on one account, whatever fails among them', async () => {
    const fan = world.fan('crowd');
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => holdFree(fan.accountId, `out_crowd_${i}`).then(
      (made) => made, (error: unknown) => refusal(Promise.reject(error as Error)))));
    const given = answers.filter((answer) => typeof answer === 'object');
    expect(given.map(({ left }) => left).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(answers.filter((answer) => answer === 'quota_exhausted')).toHaveLength(191);
    await Promise.all(given.slice(0, 4).map(({ holdId }) => world.tx((tx) => world.billing.void(tx, holdId, { reason: 'stopped', at: world.clock.now() }))));
    const again = await Promise.all(Array.from({ length: 50 }, (_, i) => refusal(holdFree(fan.accountId, `out_again_${i}`))));
    expect(again.filter((code) => code === 'none')).toHaveLength(4);
    const [row] = await world.db.asOwner(`SELECT granted, held, captured FROM free_quota WHERE account_id = $1`, [fan.accountId]);
    expect(row).toEqual({ granted: 9, held: 9, captured: 0 });
    // And the paywall says what could be bought.
    const no = holdFree(fan.accountId, 'out_no');
    await expect(no).rejects.toMatchObject({ code: 'quota_exhausted', extra: { left: 0, tiers: [{ name: 'friend', coins: '63' }, { name: 'work' }], outputCoins: null } });
  });

  it('are kept by PostgreSQL too, against raw SQL in the service\'s role', async () => {
    world.fan('raw');
    await holdFree('acc_raw', 'out_raw');
    await expect(world.db.asApp(`UPDATE free_quota SET held = 0`)).rejects.toThrow(/permission denied/);
    await expect(world.db.asApp(`INSERT INTO free_quota (clone_id, account_id, tier_id, offer_version) VALUES ('${CLONE}', 'acc_b', 'x', 1)`)).rejects.toThrow(/permission denied/);
    await expect(world.db.asApp(`SELECT free_turn_held('${CLONE}', 'acc_b')`)).rejects.toThrow(/permission denied/);
    await expect(world.db.asApp(`INSERT INTO quota_hold (id, clone_id, free_account_id, output_id, held_at)
      SELECT 'hld_' || i, '${CLONE}', 'acc_raw', 'out_raw_' || i, now() FROM generate_series(1, 10) i`)).rejects.toThrow(/free_quota_limit/);
    await expect(world.db.asApp(`INSERT INTO quota_hold (id, clone_id, output_id, held_at) VALUES ('hld_x', '${CLONE}', 'out_x', now())`)).rejects.toThrow(/quota_hold_source/);
  });

  it('are never fewer than an account began with; without a limit the clone is free, and the limit may come back', async () => {
    const { tierId } = (await world.billing.listTiers(CLONE)).tiers[0]!;
    const offer = (voiceOutputsPerPeriod: number | null): Promise<unknown> =>
      world.billing.changeTierOffer(OWNER, world.key('offer'), { cloneId: CLONE, tierId, voiceOutputsPerPeriod });
    const left = async (name: string): Promise<number | null> => (await world.billing.getEntitlement(world.fan(name), CLONE)).left;
    expect(await left('days')).toBe(8);
    await offer(3);
    expect(await left('days')).toBe(8);
    expect(await left('b')).toBe(3);
    await offer(12);
    expect(await left('days')).toBe(11);
    await holdFree('acc_days', 'out_more');
    expect(await left('days')).toBe(10);
    await offer(null);
    expect(await world.billing.getEntitlement(world.fan('crowd'), CLONE)).toMatchObject({ unlimited: true, left: null, kind: 'free' });
    for (let i = 0; i < 20; i += 1) expect((await holdFree('acc_crowd', `out_free_${i}`)).left).toBeNull();
    await offer(5);
    // 29 are under way: five more from now on.
    expect(await left('crowd')).toBe(5);
    expect((await holdFree('acc_crowd', 'out_limited')).left).toBe(4);
    expect(await left('crowd')).toBe(4);
    expect(freeTurns(5, { granted: null, used: 29, current: false })).toEqual({ granted: 34, used: 29 });
  });

  it('stand behind a paid period and come back after it', async () => {
    expect((await entitled('acc_mei'))?.priceMinor).toBe('600');
    expect((await entitled('acc_b'))?.source).toEqual({ freeAccountId: 'acc_b', cloneId: CLONE });
    expect(await entitled('acc_owner')).toBeNull();
  });
});

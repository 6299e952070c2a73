import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { chart } from '../../src/ledger/index.ts';
import { refusal } from './refusal.ts';
import { CLONE, DECLINED_CARD, OWNER, noon, openWorld, type World } from './support.ts';

let world: World;
/** What the law or the grant would deny, by tier and country. */
const unlawful = new Map<string, string[]>();
beforeEach(async () => {
  world = await openWorld({ deps: { deniedSale: async (_tx, { tierName, country }) => unlawful.get(`${tierName} ${country}`) ?? [] } });
});
afterEach(async () => {
  await world.close();
});

const tierInput = { cloneId: CLONE, name: 'friend', priceMinor: '600', voiceOutputsPerPeriod: 100 };

describe('a tier', () => {
  it('is priced by the owner inside the grant, shown in coins, and ready once its price exists at the processor', async () => {
    const made = await world.billing.createTier(OWNER, world.key('createTier'), tierInput);
    expect(made).toMatchObject({
      kind: 'friend', offerVersion: 1, priceMinor: '600', coins: '42', yearPriceMinor: '7200', yearCoins: '504', currency: 'CNY', state: 'creating', voiceOutputsPerPeriod: 100,
      capabilities: ['voice'], instantReplies: true,
    });
    await world.drain();
    const { tiers } = await world.billing.listTiers(CLONE);
    expect(tiers).toEqual([{ ...made, state: 'ready' }]);
    const rows = await world.db.asOwner<{ stripe_price: string }>('SELECT stripe_price FROM tier_offer_price ORDER BY interval');
    const prices = await Promise.all(rows.map((row) => world.port.sdk.prices.retrieve(row.stripe_price)));
    expect(prices).toMatchObject([
      { unit_amount: 600, currency: 'cny', recurring: { interval: 'month' } }, { unit_amount: 7_200, currency: 'cny', recurring: { interval: 'year' } },
    ]);
    // The job again, as after a crash before its commit was seen.
    await world.billing.work.publishTier(made.tierId);
    expect((await world.port.sdk.prices.list({ limit: 10 })).data).toHaveLength(2);
  });

  it('is one product and one price when the job dies between the processor and its own commit', async () => {
    const { tierId } = await world.billing.createTier(OWNER, world.key('createTier'), tierInput);
    const productId = await world.provider.createProduct({ tierId, cloneId: CLONE, name: 'friend' });
    const first = await world.provider.createPrice({ tierId, cloneId: CLONE, productId, version: 1, interval: 'month', priceMinor: 600n, currency: 'CNY' });
    await world.drain();
    const [row] = await world.db.asOwner(`SELECT stripe_product, stripe_price FROM tier JOIN tier_offer_price ON tier_id = id WHERE interval = 'month'`);
    expect(row).toEqual({ stripe_product: productId, stripe_price: first });
    expect((await world.port.sdk.prices.list({ limit: 10 })).data).toHaveLength(2);
  });

  it('outside the grant, of somebody else, twice, or with an impossible price is refused and leaves nothing', async () => {
    const create = (input: Partial<typeof tierInput>, actor = OWNER): Promise<string> =>
      refusal(world.billing.createTier(actor, world.key('createTier'), { ...tierInput, ...input }));
    expect(await create({ name: 'vip' })).toBe('tier_outside_grant');
    world.facts.granted = false;
    expect(await create({})).toBe('tier_outside_grant');
    world.facts.granted = true;
    expect(await create({}, world.fan('eve'))).toBe('not_found');
    expect(await create({ cloneId: 'cln_unknown' })).toBe('not_found');
    for (const price of ['NaN', '1e3', '6.5', '']) expect(await create({ priceMinor: price })).toBe('money_malformed');
    for (const price of ['0', '-600', '100000000', '9223372036854775808']) expect(await create({ priceMinor: price })).toBe('money_out_of_range');
    expect(await world.db.asOwner('SELECT 1 FROM tier UNION ALL SELECT 1 FROM job UNION ALL SELECT 1 FROM ledger_transfer')).toEqual([]);
    await world.tier();
    expect(await create({ priceMinor: '700' })).toBe('tier_exists');
    // The price stays what fans agreed to, for the service's role whatever the code does.
    await expect(world.db.asApp('UPDATE tier_offer SET price_minor = 1')).rejects.toThrow(/permission denied/);
  });

  it('answers a repeated request as before', async () => {
    const key = world.key('createTier');
    const first = await world.billing.createTier(OWNER, key, tierInput);
    expect(await world.billing.createTier(OWNER, key, tierInput)).toEqual(first);
    expect(await refusal(world.billing.createTier(OWNER, { ...key, digest: 'other' }, tierInput))).toBe('idempotency_key_reused');
  });
});

describe('subscribing', () => {
  it('goes through Checkout, and is booked when the processor says that it was paid', async () => {
    const tierId = await world.tier();
    const fan = world.fan('mei');
    const opened = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId });
    expect(opened).toMatchObject({ state: 'checkout', tierName: 'friend', declaredCountry: 'CN', billingCountry: null, currentPeriod: null });
    expect(await world.pay(opened.checkoutUrl, undefined, 'SG')).toBe(303);
    await world.drain();
    const view = await world.billing.getSubscription(fan, opened.subscriptionId);
    expect(view).toMatchObject({
      state: 'active', checkoutUrl: null, billingCountry: 'SG',
      currentPeriod: { startDay: '2026-03-01', endDay: '2026-04-01', voiceOutputsGranted: 100, voiceOutputsLeft: 100 },
    });
    // 600 with 6 % tax inside: 33; the sandbox's fee on 600: 27.
    expect(await world.balance(chart.cashInTransit('CNY'))).toBe(573n);
    expect(await world.balance(chart.deferredFees(CLONE, 'CNY'))).toBe(27n);
    expect(await world.balance(chart.taxPayable('CNY'))).toBe(-33n);
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(-567n);
    await world.checkBooks();
    const entitlement = await world.tx((tx) => world.billing.entitlement(tx, { accountId: fan.accountId, cloneId: CLONE, at: world.clock.now() }));
    expect(entitlement).toMatchObject({ source: { subscriptionId: opened.subscriptionId }, tierId, tierName: 'friend', voiceOutputsLeft: 100, billingCountry: 'SG', paused: false });
  });

  it('renews by itself, with a period and a quota of its own', async () => {
    const tierId = await world.tier();
    const fan = world.fan('mei');
    const first = await world.subscribed(fan, tierId);
    await world.moveTo('2026-04-15T02:00:00Z');
    const { currentPeriod } = await world.billing.getSubscription(fan, first.subscriptionId);
    expect(currentPeriod).toMatchObject({ startDay: '2026-04-01', endDay: '2026-05-01', voiceOutputsLeft: 100 });
    const periods = await world.tx((tx) => world.billing.periodsOfSubscription(tx, first.subscriptionId));
    expect(periods.map(({ startDay, days, grossMinor, netMinor, taxMinor, feeMinor }) => ({ startDay, days, grossMinor, netMinor, taxMinor, feeMinor }))).toEqual([
      { startDay: '2026-03-01', days: 31, grossMinor: 600n, netMinor: 567n, taxMinor: 33n, feeMinor: 27n },
      { startDay: '2026-04-01', days: 30, grossMinor: 600n, netMinor: 567n, taxMinor: 33n, feeMinor: 27n },
    ]);
    expect(await world.tx((tx) => world.billing.periodsBetween(tx, { cloneId: CLONE, fromDay: '2026-03-31', toDay: '2026-04-01' }))).toHaveLength(1);
    await world.checkBooks();
  });

  it('with a declined card leaves the page open and nothing booked; the next card pays', async () => {
    const tierId = await world.tier();
    const fan = world.fan('mei');
    const opened = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId });
    expect(await world.pay(opened.checkoutUrl, DECLINED_CARD)).toBe(402);
    await world.drain();
    expect(await world.billing.getSubscription(fan, opened.subscriptionId)).toMatchObject({ state: 'checkout', currentPeriod: null });
    expect(await world.db.asOwner('SELECT 1 FROM ledger_transfer')).toEqual([]);
    expect(await world.pay(opened.checkoutUrl)).toBe(303);
    await world.drain();
    expect(await world.billing.getSubscription(fan, opened.subscriptionId)).toMatchObject({ state: 'active' });
    await world.checkBooks();
  });

  it('whose renewal is declined becomes past due and then ends, without a further period', async () => {
    const tierId = await world.tier();
    const fan = world.fan('mei');
    const opened = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId });
    await world.pay(opened.checkoutUrl, '4000000000000341');
    await world.drain();
    await world.moveTo('2026-04-02T02:00:00Z');
    expect(await world.billing.getSubscription(fan, opened.subscriptionId)).toMatchObject({ state: 'past_due', currentPeriod: { startDay: '2026-03-01' } });
    // For the grace of seven days she keeps what is left of what she paid; test/billing/running.test.ts goes on from there.
    const at = new Date('2026-04-09T02:00:00Z');
    expect(await world.tx((tx) => world.billing.entitlement(tx, { accountId: fan.accountId, cloneId: CLONE, at }))).toBeNull();
    await world.moveTo('2026-05-02T02:00:00Z');
    expect(await world.billing.getSubscription(fan, opened.subscriptionId)).toMatchObject({ state: 'canceled' });
    expect(await world.tx((tx) => world.billing.periodsOfSubscription(tx, opened.subscriptionId))).toHaveLength(1);
    // The row's end is final, also for raw SQL.
    await expect(world.db.asOwner(`UPDATE subscription SET state = 'active', ended_at = NULL`)).rejects.toThrow(/has ended/);
    await world.checkBooks();
    // A fan who comes back begins anew.
    const again = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId });
    expect(again.subscriptionId).not.toBe(opened.subscriptionId);
  });

  it('needs a declared country inside the grant, a tier of this clone, and is one for each fan and clone', async () => {
    const friend = await world.tier();
    const work = await world.tier('work', '3000');
    const fan = world.fan('mei');
    const ask = (tierId: string, cloneId = CLONE): Promise<string> => refusal(world.billing.subscribe(fan, world.key('subscribe'), { cloneId, tierId }));
    world.facts.countries.delete(fan.accountId);
    expect(await ask(friend)).toBe('country_unknown');
    world.facts.countries.set(fan.accountId, 'US');
    expect(await ask(friend)).toBe('denied');
    world.facts.countries.set(fan.accountId, 'SG');
    unlawful.set('friend SG', ['legal.EU.marking.watermark']);
    const lawless = world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId: friend });
    await expect(lawless).rejects.toMatchObject({ code: 'denied', extra: { clauses: ['legal.EU.marking.watermark'] } });
    expect(await world.db.asOwner(`SELECT id FROM subscription WHERE account_id = '${fan.accountId}'`)).toEqual([]);
    unlawful.clear();
    world.facts.countries.set(fan.accountId, 'CN');
    expect(await ask('tir_unknown')).toBe('tier_unknown');
    expect(await ask(friend, 'cln_other')).toBe('tier_unknown');
    world.facts.serves = false;
    expect(await ask(friend)).toBe('tier_unknown');
    world.facts.serves = true;
    world.facts.tiers = ['work'];
    expect(await ask(friend)).toBe('tier_outside_grant');
    world.facts.tiers = ['friend', 'work'];
    const opened = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId: friend });
    // The same page while it is open, no second one beside it.
    expect((await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId: friend })).checkoutUrl).toBe(opened.checkoutUrl);
    expect(await ask(work)).toBe('subscription_exists');
    await world.pay(opened.checkoutUrl);
    await world.drain();
    expect(await ask(friend)).toBe('subscription_exists');
    expect((await world.port.sdk.checkout.sessions.list({ limit: 10 })).data).toHaveLength(1);
    expect(await refusal(world.billing.getSubscription(world.fan('eve'), opened.subscriptionId))).toBe('not_found');
    expect(await refusal(world.billing.getSubscription(world.fan('eve'), 'sub_unknown'))).toBe('not_found');
  });

  it('asked ten times at once is one subscription with one page', async () => {
    const tierId = await world.tier();
    const fan = world.fan('mei');
    const views = await Promise.all(Array.from({ length: 10 }, () => world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId })));
    expect(new Set(views.map((view) => view.subscriptionId)).size).toBe(1);
    expect(new Set(views.map((view) => view.checkoutUrl)).size).toBe(1);
    expect((await world.port.sdk.checkout.sessions.list({ limit: 10 })).data).toHaveLength(1);
    expect((await world.port.sdk.customers.list({ limit: 10 })).data).toHaveLength(1);
  });

  it('whose request died after the processor answered goes on with the same page', async () => {
    const tierId = await world.tier();
    const fan = world.fan('mei');
    const key = world.key('subscribe');
    const opened = await world.billing.subscribe(fan, key, { cloneId: CLONE, tierId });
    // As if the process had died before it wrote the page down.
    await world.db.asOwner(`UPDATE subscription SET state = 'opening', stripe_session = NULL, checkout_url = NULL`);
    await world.db.asOwner('ALTER TABLE billing_customer DISABLE TRIGGER USER; DELETE FROM billing_customer; ALTER TABLE billing_customer ENABLE TRIGGER USER');
    expect((await world.billing.subscribe(fan, key, { cloneId: CLONE, tierId })).checkoutUrl).toBe(opened.checkoutUrl);
    await world.db.asOwner(`UPDATE subscription SET state = 'opening', stripe_session = NULL, checkout_url = NULL`);
    await world.moveTo('2026-03-01T02:10:00Z');
    expect((await world.billing.getSubscription(fan, opened.subscriptionId)).checkoutUrl).toBe(opened.checkoutUrl);
    expect((await world.port.sdk.checkout.sessions.list({ limit: 10 })).data).toHaveLength(1);
    expect((await world.port.sdk.customers.list({ limit: 10 })).data).toHaveLength(1);
  });

  it('that nobody pays expires, and may be begun again', async () => {
    const tierId = await world.tier();
    const fan = world.fan('mei');
    const opened = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId });
    await world.moveTo(noon('2026-03-03'));
    expect(await world.billing.getSubscription(fan, opened.subscriptionId)).toMatchObject({ state: 'expired', checkoutUrl: null });
    await world.subscribed(fan, tierId);
    await world.checkBooks();
  });
});

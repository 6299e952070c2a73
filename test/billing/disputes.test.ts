import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { chart } from '../../src/ledger/index.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { idOf } from '../../src/platform/stripe/index.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, type World } from './support.ts';

let world: World;
let tierId: string;
let fan: Actor;
beforeEach(async () => {
  world = await openWorld();
  tierId = await world.tier();
  fan = world.fan('mei');
});
afterEach(async () => {
  await world.close();
});

const charge = async (): Promise<string> => (await world.db.asOwner<{ id: string }>(
  `SELECT coalesce(metadata->>'charge', '') AS id FROM ledger_transfer WHERE kind IN ('billing.invoice_paid', 'billing.coins_bought') ORDER BY seq LIMIT 1`))[0]!.id;
const at = (code: { code: string }): Promise<bigint> => world.balance(code);
const losses = chart.platformExpense('dispute_losses', 'CNY');
const fees = chart.platformExpense('dispute_fees', 'CNY');

async function dispute(amountMinor?: bigint): Promise<string> {
  const id = await world.sandbox.control.openDispute(await charge(), amountMinor === undefined ? {} : { amountMinor });
  await world.drain();
  return id;
}

async function decided(id: string, status: 'won' | 'lost'): Promise<void> {
  await world.sandbox.control.closeDispute(id, status);
  await world.drain();
  await world.checkBooks();
}

describe('a disputed subscription payment', () => {
  it('is pending, with the fee the platform\'s, and won it is as before', async () => {
    await world.subscribed(fan, tierId);
    const id = await dispute();
    expect([await at(chart.disputesPending('CNY')), await at(fees)]).toEqual([600n, 1_000n]);
    await world.checkBooks();
    const events = await world.db.asOwner<{ id: string }>(`SELECT id FROM stripe_event WHERE type LIKE 'charge.dispute%'`);
    for (const event of events) world.sandbox.control.repeatEvent(event.id);
    await world.drain();
    expect((await world.billing.listDisputes(10)).disputes).toMatchObject([{ disputeId: id, state: 'open', amountMinor: '600', claimMinor: '600', lotId: null }]);
    await decided(id, 'won');
    expect([await at(chart.disputesPending('CNY')), await at(fees), await at(losses)]).toEqual([0n, 1_000n, 0n]);
    await world.moveTo(noon('2026-03-20'));
    await world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay: '2026-03-20' }));
    expect(await at(chart.earned(CLONE, tierId, 'CNY'))).toBeLessThan(0n);
  });

  it('lost takes unearned days from deferred revenue, what was earned from who received it, and ends the subscription', async () => {
    const { subscriptionId } = await world.subscribed(fan, tierId);
    await world.moveTo(noon('2026-03-11'));
    const id = await dispute();
    await decided(id, 'lost');
    // Ten of 31 days were earned; nobody divides owner money here, so they are the platform's loss.
    const earned = -(await at(chart.earned(CLONE, tierId, 'CNY')));
    const net = 567n * 10n / 31n;
    expect(earned).toBe(net - 27n * 10n / 31n);
    expect([await at(chart.deferred(CLONE, 'CNY')), await at(chart.deferredFees(CLONE, 'CNY')), await at(chart.disputesPending('CNY'))]).toEqual([0n, 0n, 0n]);
    expect(await at(losses)).toBe(net + 33n * 10n / 31n);
    expect((await world.billing.getSubscription(fan, subscriptionId)).state).toBe('canceled');
    // A stop of the clone pays nothing back of it again.
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: world.clock.now() }));
    await world.drain();
    await world.checkBooks();
    expect(await world.db.asOwner(`SELECT 1 FROM refund WHERE kind = 'stop'`)).toEqual([]);
  });

  it('that is stopped meanwhile is paid back when it is won, and not before', async () => {
    await world.subscribed(fan, tierId);
    const id = await dispute();
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: world.clock.now() }));
    await world.drain();
    expect(await world.db.asOwner(`SELECT 1 FROM refund WHERE kind = 'stop'`)).toEqual([]);
    await decided(id, 'won');
    expect(await world.db.asOwner(`SELECT gross_minor, state FROM refund WHERE kind = 'stop'`)).toEqual([{ gross_minor: '600', state: 'succeeded' }]);
    expect(await at(chart.deferred(CLONE, 'CNY'))).toBe(0n);
    await world.checkBooks();
  });

  it('of a part, lost, ends the period and pays the rest of the unused days back', async () => {
    await world.subscribed(fan, tierId);
    const id = await dispute(200n);
    await decided(id, 'lost');
    expect(await at(chart.deferred(CLONE, 'CNY'))).toBe(0n);
    expect(await world.db.asOwner(`SELECT kind, gross_minor, state FROM refund ORDER BY kind`)).toEqual([
      { kind: 'dispute', gross_minor: '200', state: 'succeeded' }, { kind: 'stop', gross_minor: '400', state: 'succeeded' },
    ]);
    await world.checkBooks();
  });

  it('of a part, lost, and of another, won, pays back no day that the first has taken', async () => {
    await world.subscribed(fan, tierId);
    await world.moveTo(noon('2026-03-11'));
    await decided(await dispute(300n), 'lost');
    const rest = await world.db.asOwner<{ gross_minor: string }>(`SELECT gross_minor FROM refund WHERE kind = 'stop'`);
    await decided(await dispute(100n), 'won');
    expect(await world.db.asOwner(`SELECT gross_minor FROM refund WHERE kind = 'stop'`)).toEqual(rest);
    expect([await at(chart.deferred(CLONE, 'CNY')), await at(chart.deferredFees(CLONE, 'CNY')), await at(losses)]).toEqual([0n, 0n, 0n]);
    // Nor does one that is lost: it takes of what was delivered.
    await decided(await dispute(100n), 'lost');
    expect([await at(chart.deferred(CLONE, 'CNY')), await at(losses)]).toEqual([0n, 100n]);
  });

  it('whose refund was sent before is not returned twice: what was refunded is the platform\'s loss', async () => {
    const { periodId } = await world.subscribed(fan, tierId);
    await world.moveTo(noon('2026-03-11'));
    await world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay: '2026-03-11' }));
    const parts = await world.tx((tx) => world.billing.dayParts(tx, { periodId, day: '2026-03-05' }));
    await world.tx((tx) => world.billing.requestRefund(tx, { key: 'g', periodId, kind: 'goodwill', reason: 'A day.', parts, feeBearer: 'platform', at: world.clock.now() }));
    await world.drain();
    const id = await world.sandbox.control.openDispute(await charge(), { amountMinor: 600n });
    await world.drain();
    expect((await world.billing.listDisputes(10)).disputes).toMatchObject([{ amountMinor: '600', claimMinor: (600n - parts.grossMinor).toString() }]);
    await world.sandbox.control.closeDispute(id, 'lost');
    await world.drain();
    expect(await at(chart.disputesPending('CNY'))).toBe(0n);
    const [excess] = await world.db.asOwner<{ key: string }>(`SELECT key FROM ledger_transfer WHERE key LIKE '%refunded_before'`);
    expect(excess).toBeDefined();
  });

  it('of what a stop left of it, lost, takes nothing a second time from deferred revenue', async () => {
    await world.subscribed(fan, tierId);
    await world.moveTo(noon('2026-03-11'));
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: world.clock.now() }));
    await world.drain();
    expect(await at(chart.deferred(CLONE, 'CNY'))).toBe(0n);
    await decided(await dispute(100n), 'lost');
    expect([await at(chart.deferred(CLONE, 'CNY')), await at(chart.deferredFees(CLONE, 'CNY')), await at(losses)]).toEqual([0n, 0n, 100n]);
  });

  it('whose unused days went into another plan is claimed once over both', async () => {
    const { subscriptionId } = await world.subscribed(fan, tierId);
    const work = await world.tier('work', '3000');
    await world.moveTo(noon('2026-03-11'));
    const { chargeMinor } = await world.billing.quotePlanChange(fan, subscriptionId, { tierId: work, interval: 'month' });
    await world.billing.changePlan(fan, world.key('changePlan'), subscriptionId, { tierId: work, interval: 'month', chargeMinor });
    await world.drain();
    const unused = 3_000n - BigInt(chargeMinor);
    // A part that is larger than what moved: the rest is what the first ten days were, not what moved once more.
    const id = await dispute(unused + 50n);
    expect((await world.billing.listDisputes(10)).disputes).toMatchObject([{ claimMinor: (unused + 50n).toString() }]);
    await decided(id, 'lost');
    const [rows] = await world.db.asOwner<{ wrong: string }>(
      'SELECT count(*) AS wrong FROM subscription_period WHERE refunded_minor + credited_minor > gross_minor');
    expect(rows?.wrong).toBe('0');
    expect(await at(losses)).toBe(50n);
    // What is left deferred is the other payment's alone.
    expect(-(await at(chart.deferred(CLONE, 'CNY')))).toBe(BigInt(chargeMinor) - (BigInt(chargeMinor) * 600n) / 10_600n);
  });

  it('is booked after its payment, whichever is told first, and one of nobody\'s is kept and changes nothing', async () => {
    world.sandbox.control.holdDeliveries();
    const { checkoutUrl } = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId });
    expect(await world.pay(checkoutUrl)).toBe(303);
    const paid = world.sandbox.control.book().find((entry) => entry.type === 'charge')!.source!;
    await world.sandbox.control.openDispute(paid);
    world.sandbox.control.dropDeliveries(({ type }) => !type.startsWith('charge.dispute.created'));
    world.sandbox.control.releaseDeliveries();
    await world.drain();
    expect((await world.db.asOwner<{ kind: string }>('SELECT kind FROM ledger_transfer ORDER BY seq')).map(({ kind }) => kind)).toEqual(['billing.invoice_paid', 'billing.dispute_opened']);
    await world.checkBooks();
    const stray = await world.port.sdk.paymentIntents.create({ amount: 500, currency: 'cny', payment_method: 'pm_card_visa', confirm: true }, world.port.withKey('stray'));
    await world.sandbox.control.openDispute(idOf(stray.latest_charge) ?? '');
    await world.drain();
    expect((await world.billing.listDisputes(10)).disputes).toHaveLength(1);
  });
});

describe('a disputed pack of coins', () => {
  async function bought(pack: string): Promise<void> {
    const { checkoutUrl } = await world.billing.buyCoins(fan, world.key('buyCoins'), { pack });
    expect(await world.pay(checkoutUrl)).toBe(303);
    await world.drain();
    world.clock.advance(1_000);
  }
  const hold = (outputId: string, coins: bigint): Promise<{ holdId: string }> =>
    world.tx((tx) => world.billing.holdCoins(tx, { accountId: fan.accountId, cloneId: CLONE, tierId, outputId, coins, at: world.clock.now() }));

  it('freezes what is unspent; won it is free again; lost it is gone, and the wallet is never below zero', async () => {
    await bought('friend');
    const id = await dispute();
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '0', disputedCoins: '42' });
    await expect(hold('out_1', 1n)).rejects.toMatchObject({ code: 'coins_insufficient' });
    await expect(world.billing.returnCoins(fan, world.key('return'), {})).rejects.toMatchObject({ code: 'coins_not_returnable' });
    await decided(id, 'won');
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '42', disputedCoins: '0' });
    await hold('out_2', 2n);
  });

  it('in part takes the coins that it paid for and leaves the others; what is less than a coin is the fan\'s debt', async () => {
    await bought('small');
    const id = await dispute(300n);
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '0', disputedCoins: '70' });
    await decided(id, 'lost');
    // 21 coins cost ⌊944 × 21 / 70⌋ + ⌊56 × 21 / 70⌋ = 299, and the 22nd would be more than 300.
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '49', disputedCoins: '0', debtMinor: '1' });
    expect(await at(chart.disputesPending('CNY'))).toBe(0n);
    expect(await at(chart.coinLiability(fan.accountId))).toBe(-49n);
    await hold('out_1', 49n);
  });

  it('in part takes all that is left, and another one that is won gives nothing and takes nothing', async () => {
    await bought('friend');
    const spent = await hold('out_1', 42n);
    await world.tx((tx) => world.billing.capture(tx, spent.holdId, { releaseId: 'rel_1', at: world.clock.now() }));
    await decided(await dispute(300n), 'lost');
    await decided(await dispute(100n), 'won');
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '0', disputedCoins: '0', debtMinor: '300', lots: [{ state: 'lost' }] });
    expect(await at(chart.disputesPending('CNY'))).toBe(0n);
  });

  it('of a prepaid month takes its unused days back as coins first, and then those coins', async () => {
    await bought('friend');
    const month = await world.billing.buyPrepaidMonth(fan, world.key('month'), { cloneId: CLONE, tierId });
    await world.moveTo(noon('2026-03-11'));
    const id = await dispute();
    await decided(id, 'lost');
    expect(await world.tx((tx) => world.billing.periodsOfSubscription(tx, month.subscriptionId))).toMatchObject([{ endedOn: '2026-03-11', recognisedDays: 10 }]);
    expect([await at(chart.deferred(CLONE, 'CNY')), await at(chart.deferredFees(CLONE, 'CNY')), await at(chart.disputesPending('CNY'))]).toEqual([0n, 0n, 0n]);
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '0', lots: [{ leftCoins: '0', state: 'lost' }] });
    // Ten days were had: nobody divides owner money here, so what they cost is the fan's debt.
    expect(await at(chart.fanDebt(fan.accountId, 'CNY'))).toBeGreaterThan(0n);
    expect(await at(chart.coinLiability(fan.accountId))).toBe(0n);
  });

  it('lost takes unspent coins first, those in holds too, then what their spends earned; the output under way costs nothing and is not had', async () => {
    await bought('friend');
    const first = await hold('out_1', 10n);
    await world.tx((tx) => world.billing.capture(tx, first.holdId, { releaseId: 'rel_1', at: world.clock.now() }));
    await bought('small');
    // 32 coins of the first pack, 3 of the second.
    const open = await hold('out_2', 35n);
    const [{ charge: pack } = { charge: '' }] = await world.db.asOwner<{ charge: string }>('SELECT stripe_charge AS charge FROM coin_lot ORDER BY bought_at LIMIT 1');
    const id = await world.sandbox.control.openDispute(pack);
    await world.drain();
    await decided(id, 'lost');
    // Ten coins were spent, of 567 net and 33 tax for 42: nobody divides owner money here, so they are the fan's debt.
    const debt = (567n * 10n) / 42n + (33n * 10n) / 42n;
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '70', heldCoins: '0', debtMinor: debt.toString() });
    expect(await at(chart.fanDebt(fan.accountId, 'CNY'))).toBe(debt);
    expect(await at(chart.coinLiability(fan.accountId))).toBe(-70n);
    expect(await refusal(world.tx((tx) => world.billing.capture(tx, open.holdId, { releaseId: 'rel_2', at: world.clock.now() })))).toBe('hold_state');
    await world.tx((tx) => world.billing.void(tx, open.holdId, { reason: 'payment_lost', at: world.clock.now() }));
    const [earned] = await world.db.asOwner<{ count: string }>(`SELECT count(*) AS count FROM ledger_transfer WHERE kind = 'billing.coins_spent'`);
    expect(earned?.count).toBe('1');
    await world.checkBooks();
  });

  it.each([
    [300n, 'no month and no output under way, while free coins are enough', { heldCoins: '120', availableCoins: '28' }, null],
    [2_000n, 'the month that is not had, then the newest output under way and not the older one', { heldCoins: '60', availableCoins: '10' }, '2026-03-01'],
  ])('in part (%s) ends %s', async (amountMinor, _what, left, endedOn) => {
    await bought('work');
    const month = await world.billing.buyPrepaidMonth(fan, world.key('month'), { cloneId: CLONE, tierId });
    // 210 coins for 3,000: 42 are the month's, 120 are held and 48 free.
    const old = await hold('out_1', 60n);
    world.clock.advance(1_000);
    const young = await hold('out_2', 60n);
    await decided(await dispute(amountMinor), 'lost');
    const [period] = await world.tx((tx) => world.billing.periodsOfSubscription(tx, month.subscriptionId));
    expect(period?.endedOn).toBe(endedOn);
    const wallet = await world.billing.getWallet(fan);
    expect(wallet).toMatchObject(left);
    expect(BigInt(wallet.debtMinor)).toBeLessThan(15n);
    await world.tx((tx) => world.billing.capture(tx, old.holdId, { releaseId: 'rel_1', at: world.clock.now() }));
    if (endedOn === null) await world.tx((tx) => world.billing.capture(tx, young.holdId, { releaseId: 'rel_2', at: world.clock.now() }));
    await world.checkBooks();
  });

  it('leaves a debt that is paid before coins buy anything else, by whoever says so, exactly once', async () => {
    await bought('friend');
    const spent = await hold('out_1', 42n);
    await world.tx((tx) => world.billing.capture(tx, spent.holdId, { releaseId: 'rel_1', at: world.clock.now() }));
    await decided(await dispute(), 'lost');
    expect((await world.billing.getWallet(fan)).debtMinor).toBe('600');
    expect(await refusal(world.billing.payDebt(fan, world.key('payDebt')))).toBe('coins_insufficient');
    await bought('small');
    await expect(hold('out_2', 1n)).rejects.toMatchObject({ code: 'debt_open', extra: { debtMinor: '600' } });
    expect(await refusal(world.billing.buyPrepaidMonth(fan, world.key('month'), { cloneId: CLONE, tierId }))).toBe('debt_open');
    // 42 of 70 coins for 1,000 cost ⌊944 × 42 / 70⌋ + ⌊56 × 42 / 70⌋ = 599; the 43rd would be more than is owed.
    const key = world.key('payDebt');
    expect(await world.billing.payDebt(fan, key)).toMatchObject({ availableCoins: '28', debtMinor: '1' });
    expect(await world.billing.payDebt(fan, key)).toMatchObject({ availableCoins: '28', debtMinor: '1' });
    expect(await world.billing.payDebt(fan, world.key('payDebt'))).toMatchObject({ availableCoins: '28', debtMinor: '1' });
    expect([await at(chart.fanDebt(fan.accountId, 'CNY')), await at(chart.coinLiability(fan.accountId))]).toEqual([1n, -28n]);
    await world.checkBooks();
    await hold('out_3', 28n);
    // What is unspent is paid back, whoever owes what.
    await world.tx(async (tx) => await world.billing.void(tx, (await world.billing.holdCoins(tx, { accountId: fan.accountId, cloneId: CLONE, tierId, outputId: 'out_3', coins: 28n, at: world.clock.now() })).holdId, { reason: 'render_failed', at: world.clock.now() }));
    await world.billing.returnCoins(fan, world.key('return'), {});
    await world.drain();
    await world.checkBooks();
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '0', debtMinor: '1' });
  });

  it('that is lost after a month was had: days returned for goodwill come back as coins, pay the debt first, and the rest is spent again', async () => {
    await bought('friend');
    const month = await world.billing.buyPrepaidMonth(fan, world.key('month'), { cloneId: CLONE, tierId });
    await world.moveTo(noon('2026-04-02'));
    await world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay: '2026-04-02' }));
    await decided(await dispute(), 'lost');
    expect((await world.billing.getWallet(fan)).debtMinor).toBe('600');
    await bought('small');
    await world.billing.payDebt(fan, world.key('payDebt'));
    const [period] = await world.tx((tx) => world.billing.periodsOfSubscription(tx, month.subscriptionId));
    const { periodId = '' } = period ?? {};
    for (const day of ['2026-03-05', '2026-03-06']) {
      const parts = await world.tx((tx) => world.billing.dayParts(tx, { periodId, day }));
      await world.tx((tx) => world.billing.requestRefund(tx, { key: day, periodId, kind: 'goodwill', reason: 'A day.', parts, feeBearer: 'platform', at: world.clock.now() }));
      await world.drain();
    }
    // 28 of the second pack were left. Two days of 567 are 36 or 37: ⌈42 × 36 / 567⌉ = 3 coins, which the one cent that is owed takes none of.
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '31', debtMinor: '1', lots: [{ leftCoins: '28' }, { leftCoins: '3', state: 'open' }] });
    await hold('out_again', 31n);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { partsOfDays } from '../../src/billing/model.ts';
import { seededRandom, systemRandom } from '../../src/kernel/random.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { addDays } from '../../src/kernel/time.ts';
import { chart } from '../../src/ledger/index.ts';
import { checkAllOf, movedAt } from './exact.ts';
import { bookGoodwill, mishaps } from './mishaps.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, OWNER, type World } from './support.ts';

const CARD_FAILS_LATER = '4000000000000341';

let world: World;
let friend: string;
let work: string;
beforeAll(async () => {
  world = await openWorld({ jobs: { 'test.goodwill': (payload) => bookGoodwill(world, (payload as { refundId: string }).refundId) } });
  friend = await world.tier('friend', '600');
  work = await world.tier('work', '3000');
});
afterAll(async () => {
  await world.close();
});

const quote = (fan: Actor, subscriptionId: string, tierId: string, interval: 'month' | 'year') =>
  world.billing.quotePlanChange(fan, subscriptionId, { tierId, interval });

/** Does what was quoted, at its price. */
async function change(fan: Actor, subscriptionId: string, tierId: string, interval: 'month' | 'year') {
  const { chargeMinor } = await quote(fan, subscriptionId, tierId, interval);
  const made = await world.billing.changePlan(fan, world.key('changePlan'), subscriptionId, { tierId, interval, chargeMinor });
  await world.drain();
  return made;
}

interface Row {
  id: string;
  gross: string;
  start_day: string;
  days: number;
  ended_on: string | null;
  credited_from: string | null;
  tier_id: string;
  granted: number;
}

const rowsOf = (subscriptionId: string): Promise<Row[]> => world.db.asOwner(
  `SELECT id, gross_minor AS gross, start_day::text, days, ended_on::text, credited_from, tier_id, granted FROM subscription_period
   WHERE subscription_id = $1 ORDER BY recorded_at, id`, [subscriptionId]);

const moved = (): { charged: bigint; refunded: bigint } => movedAt(world);
const checkExact = (): Promise<void> => checkAllOf(world);

describe('a change of plan', () => {
  it('up credits the unused days, begins a new period today and charges the rest', async () => {
    const fan = world.fan('mei');
    const { subscriptionId } = await world.subscribed(fan, friend);
    await world.moveTo(noon('2026-03-11'));
    // 10 of 31 days are used: net 567 − 182, tax 33 − 10.
    const unused = 600n - (567n * 10n) / 31n - (33n * 10n) / 31n;
    const asked = await quote(fan, subscriptionId, work, 'month');
    expect(asked).toMatchObject({ effect: 'now', priceMinor: '3000', creditMinor: String(unused), chargeMinor: String(3_000n - unused), refundMinor: '0', day: '2026-03-11' });
    const stale = world.billing.changePlan(fan, world.key('changePlan'), subscriptionId, { tierId: work, interval: 'month', chargeMinor: '3000' });
    await expect(stale).rejects.toMatchObject({ code: 'quote_stale', extra: { chargeMinor: asked.chargeMinor } });
    expect(await refusal(world.billing.quotePlanChange(world.fan('eve'), subscriptionId, { tierId: work, interval: 'month' }))).toBe('not_found');
    expect(await change(fan, subscriptionId, work, 'month')).toMatchObject({ state: 'applied' });
    const [old, ...fresh] = await rowsOf(subscriptionId);
    expect(old).toMatchObject({ ended_on: '2026-03-11', tier_id: friend });
    expect(fresh.map(({ gross, credited_from, start_day, days, tier_id }) => ({ gross: BigInt(gross), credited_from, start_day, days, tier_id })).sort((a, b) => Number(a.gross - b.gross))).toEqual([
      { gross: unused, credited_from: old!.id, start_day: '2026-03-11', days: 31, tier_id: work },
      { gross: 3_000n - unused, credited_from: null, start_day: '2026-03-11', days: 31, tier_id: work },
    ]);
    expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({
      tierName: 'work', state: 'active', pendingChange: null, currentPeriod: { startDay: '2026-03-11', endDay: '2026-04-11', voiceOutputsLeft: 100 },
    });
    // The old days are earned, to the day before, and nothing of the new.
    expect(await world.balance(chart.earned(CLONE, friend, 'CNY'))).toBe(-(567n * 10n) / 31n + (27n * 10n) / 31n);
    await checkExact();
    // It renews at the new price, on the new day.
    await world.moveTo(noon('2026-04-12'));
    expect((await rowsOf(subscriptionId)).at(-1)).toMatchObject({ start_day: '2026-04-11', tier_id: work, credited_from: null });
    await checkExact();
  });

  it('whose card is declined leaves everything as it was', async () => {
    const fan = world.fan('li');
    const opened = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId: friend });
    await world.pay(opened.checkoutUrl, CARD_FAILS_LATER);
    await world.drain();
    const { subscriptionId } = opened;
    const { chargeMinor } = await quote(fan, subscriptionId, work, 'month');
    const key = world.key('changePlan');
    const ask = (): Promise<string> => refusal(world.billing.changePlan(fan, key, subscriptionId, { tierId: work, interval: 'month', chargeMinor }));
    expect(await ask()).toBe('payment_failed');
    expect(await ask()).toBe('payment_failed');
    await world.drain();
    expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({ state: 'active', tierName: 'friend', pendingChange: null });
    expect(await rowsOf(subscriptionId)).toMatchObject([{ ended_on: null }]);
    await world.billing.cancelSubscription(fan, world.key('cancel'), subscriptionId);
    await checkExact();
  });

  it('down waits for the end of what is paid, may be taken back, and moves nothing', async () => {
    const fan = world.fan('wu');
    const { subscriptionId } = await world.subscribed(fan, work);
    expect(await change(fan, subscriptionId, friend, 'month')).toMatchObject({ effect: 'period_end', state: 'asked', creditMinor: '0', chargeMinor: '0' });
    expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({ tierName: 'work', pendingChange: { tierName: 'friend' } });
    await world.billing.withdrawPlanChange(fan, world.key('withdraw'), subscriptionId);
    expect(await refusal(world.billing.withdrawPlanChange(fan, world.key('withdraw'), subscriptionId))).toBe('subscription_state');
    await world.moveTo(noon('2026-05-13'));
    expect((await rowsOf(subscriptionId)).map(({ tier_id }) => tier_id)).toEqual([work, work]);
    await change(fan, subscriptionId, friend, 'month');
    await world.moveTo(noon('2026-06-13'));
    expect((await rowsOf(subscriptionId)).map(({ tier_id, gross }) => [tier_id, gross])).toEqual([[work, '3000'], [work, '3000'], [friend, '600']]);
    expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({ tierName: 'friend', pendingChange: null });
    await checkExact();
  });

  it('from month to year acts today, and back at the end of the year; a year that is worth more than the new price returns the rest', async () => {
    const fan = world.fan('a');
    const { subscriptionId } = await world.subscribed(fan, friend);
    expect(await change(fan, subscriptionId, friend, 'year')).toMatchObject({ effect: 'now', creditMinor: '600', chargeMinor: '6600' });
    expect(await change(fan, subscriptionId, friend, 'month')).toMatchObject({ effect: 'period_end' });
    expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({ interval: 'year', currentPeriod: { startDay: '2026-06-13', endDay: '2027-06-13' } });
    // Up from there: the year's 72 CNY pay the month of 30 CNY, and 42 come back.
    const before = moved().refunded;
    expect(await change(fan, subscriptionId, work, 'month')).toMatchObject({ state: 'applied', chargeMinor: '0', creditMinor: '3000', refundMinor: '4200' });
    expect(moved().refunded - before).toBe(4_200n);
    expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({ tierName: 'work', interval: 'month', currentPeriod: { voiceOutputsLeft: 100 } });
    await checkExact();
    await world.moveTo(noon('2026-07-14'));
    expect((await rowsOf(subscriptionId)).at(-1)).toMatchObject({ tier_id: work, start_day: '2026-07-13' });
    await checkExact();
  });

  it('is refused while the subscription ends, for what is had already, and for what is not sold', async () => {
    const fan = world.fan('b');
    const { subscriptionId } = await world.subscribed(fan, friend);
    const ask = (tierId: string, interval: 'month' | 'year' = 'month'): Promise<string> => refusal(quote(fan, subscriptionId, tierId, interval));
    expect(await ask(friend)).toBe('subscription_state');
    expect(await ask('tir_unknown')).toBe('tier_unknown');
    expect(await world.billing.cancelSubscription(fan, world.key('cancel'), subscriptionId)).toMatchObject({ cancelAtPeriodEnd: true, state: 'active' });
    expect(await refusal(world.billing.changePlan(fan, world.key('changePlan'), subscriptionId, { tierId: work, interval: 'month', chargeMinor: '2400' }))).toBe('subscription_state');
    expect(await world.billing.resumeSubscription(fan, world.key('resume'), subscriptionId)).toMatchObject({ cancelAtPeriodEnd: false });
    expect(await refusal(world.billing.cancelSubscription(world.fan('eve'), world.key('cancel'), subscriptionId))).toBe('not_found');
    await world.billing.cancelSubscription(fan, world.key('cancel'), subscriptionId);
    await world.moveTo(noon('2026-08-15'));
    expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({ state: 'canceled' });
    expect(await rowsOf(subscriptionId)).toHaveLength(1);
  });
});

describe('another price', () => {
  it('begins with the next period for whoever accepts it; an offer that was taken off ends, with notice, for who does not', async () => {
    const [one, two] = [world.fan('c'), world.fan('days')];
    const accepts = await world.subscribed(one, friend);
    const does_not = await world.subscribed(two, friend);
    await world.billing.changeTierOffer(OWNER, world.key('offer'), { cloneId: CLONE, tierId: friend, priceMinor: '900' });
    await world.drain();
    expect(await world.billing.getSubscription(one, accepts.subscriptionId)).toMatchObject({ newOffer: { offerVersion: 2, priceMinor: '900' }, tierRemoved: false });
    expect(await refusal(world.billing.acceptTierOffer(one, world.key('accept'), accepts.subscriptionId, { offerVersion: 3 }))).toBe('tier_unknown');
    await world.billing.acceptTierOffer(one, world.key('accept'), accepts.subscriptionId, { offerVersion: 2 });
    await world.drain();
    await world.billing.removeTier(OWNER, world.key('remove'), { cloneId: CLONE, tierId: friend, belowVersion: 2 });
    await world.drain();
    expect(await world.billing.getSubscription(two, does_not.subscriptionId)).toMatchObject({ tierRemoved: true, cancelAtPeriodEnd: true, state: 'active' });
    expect(await refusal(world.billing.resumeSubscription(two, world.key('resume'), does_not.subscriptionId))).toBe('tier_unknown');
    expect(await world.billing.getSubscription(one, accepts.subscriptionId)).toMatchObject({ cancelAtPeriodEnd: false });
    await world.moveTo(noon('2026-09-17'));
    expect((await rowsOf(accepts.subscriptionId)).map(({ gross }) => gross)).toEqual(['600', '900']);
    expect(await world.billing.getSubscription(one, accepts.subscriptionId)).toMatchObject({ offerVersion: 2, newOffer: null });
    expect(await world.billing.getSubscription(two, does_not.subscriptionId)).toMatchObject({ state: 'canceled' });
    expect(await rowsOf(does_not.subscriptionId)).toHaveLength(1);
    expect(await refusal(world.billing.removeTier(world.fan('eve'), world.key('remove'), { cloneId: CLONE, tierId: friend }))).toBe('not_found');
  });
});

describe('a tier that is taken off', () => {
  it('closes the pages that are open; what was paid a moment before is delivered and not renewed', async () => {
    world.facts.tiers.push('club');
    const club = await world.tier('club', '700');
    const [open, paid] = [world.fan('slow'), world.fan('crowd')];
    const ask = (fan: Actor) => world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId: club });
    const [page, other] = [await ask(open), await ask(paid)];
    world.sandbox.control.holdDeliveries();
    expect(await world.pay(other.checkoutUrl)).toBe(303);
    await world.billing.removeTier(OWNER, world.key('remove'), { cloneId: CLONE, tierId: club });
    await world.drain();
    expect(await world.pay(page.checkoutUrl)).toBe(404);
    expect(await world.billing.getSubscription(open, page.subscriptionId)).toMatchObject({ state: 'expired' });
    world.sandbox.control.releaseDeliveries();
    await world.drain();
    expect(await world.billing.getSubscription(paid, other.subscriptionId)).toMatchObject({
      state: 'active', cancelAtPeriodEnd: true, tierRemoved: true, currentPeriod: { voiceOutputsLeft: 100 },
    });
    expect(await refusal(ask(world.fan('raw')))).toBe('tier_unknown');
  });
});

/** A dispute of what a subscription's newest charge paid, told of before anything else is. */
async function disputed(subscriptionId: string, amountMinor?: bigint): Promise<string> {
  const [{ charge } = { charge: '' }] = await world.db.asOwner<{ charge: string }>(
    'SELECT stripe_charge AS charge FROM subscription_period WHERE subscription_id = $1 AND credited_from IS NULL ORDER BY recorded_at DESC LIMIT 1', [subscriptionId]);
  const id = await world.sandbox.control.openDispute(charge, amountMinor === undefined ? {} : { amountMinor });
  await world.told('charge.dispute.created', id);
  return id;
}

async function decided(id: string, status: 'won' | 'lost'): Promise<void> {
  await world.sandbox.control.closeDispute(id, status);
  await world.drain();
  await checkExact();
}

/** A change whose payment is disputed after the processor made it, and before it is booked. */
async function changeDisputed(fan: Actor, subscriptionId: string, tierId: string, interval: 'month' | 'year', amountMinor?: bigint): Promise<string> {
  const { changeNow } = world.provider;
  const told = { dispute: '' };
  world.sandbox.control.holdDeliveries();
  world.provider.changeNow = async (asked) => {
    const invoice = await changeNow(asked);
    told.dispute = await disputed(subscriptionId, amountMinor);
    return invoice;
  };
  const made = await change(fan, subscriptionId, tierId, interval);
  world.provider.changeNow = changeNow;
  world.sandbox.control.releaseDeliveries();
  await world.drain();
  expect(made).toMatchObject({ effect: 'now', state: 'applied' });
  await checkExact();
  return told.dispute;
}

describe('a change of a plan whose payment is disputed', () => {
  const claimed = (subscriptionId: string): Promise<{ gross: string }[]> => world.db.asOwner(
    `SELECT r.gross_minor AS gross FROM refund r JOIN subscription_period p ON p.id = r.period_id WHERE p.subscription_id = $1 AND r.kind = 'dispute' AND r.state = 'pending' ORDER BY 1`, [subscriptionId]);

  it('is refused until that is decided', async () => {
    const fan = world.fan('tao');
    const { subscriptionId } = await world.subscribed(fan, friend);
    const id = await disputed(subscriptionId);
    expect(await refusal(quote(fan, subscriptionId, work, 'month'))).toBe('payment_disputed');
    expect(await refusal(world.billing.changePlan(fan, world.key('changePlan'), subscriptionId, { tierId: work, interval: 'month', chargeMinor: '2400' }))).toBe('payment_disputed');
    await decided(id, 'won');
    expect(await refusal(quote(fan, subscriptionId, work, 'month'))).toBe('none');
    await world.billing.cancelSubscription(fan, world.key('cancel'), subscriptionId);
  });

  it('that was asked for before is booked: the claim follows the money into the new plan', async () => {
    const fan = world.fan('bo');
    const { subscriptionId } = await world.subscribed(fan, friend);
    await world.moveTo(noon('2026-09-22'));
    const unused = 900n - (850n * 5n) / 30n - (50n * 5n) / 30n;
    const id = await changeDisputed(fan, subscriptionId, work, 'month');
    expect((await rowsOf(subscriptionId)).map(({ gross }) => BigInt(gross)).sort((a, b) => Number(a - b))).toEqual([unused, 900n, 3_000n - unused]);
    expect((await claimed(subscriptionId)).map(({ gross }) => BigInt(gross))).toEqual([900n - unused, unused]);
    expect((await world.billing.listDisputes(10)).disputes.find(({ disputeId }) => disputeId === id)).toMatchObject({ state: 'open', claimMinor: '900' });
    expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({ tierName: 'work', pendingChange: null });
    await decided(id, 'lost');
    // The five days that were had are nobody's here, and so the platform's; the rest came out of what was not earned.
    expect(await world.balance(chart.platformExpense('dispute_losses', 'CNY'))).toBe(900n - unused);
  });

  it('and returns more than it charges sends nothing of that payment back before it is won', async () => {
    const fan = world.fan('yun');
    const { subscriptionId } = await world.subscribed(fan, friend);
    await change(fan, subscriptionId, friend, 'year');
    const before = moved().refunded;
    const id = await changeDisputed(fan, subscriptionId, work, 'month');
    const sent = await world.db.asOwner(
      `SELECT 1 FROM refund r JOIN subscription_period p ON p.id = r.period_id JOIN dispute d ON d.stripe_charge = p.stripe_charge WHERE d.id = $1 AND r.kind = 'stop'`, [id]);
    expect(sent).toEqual([]);
    expect(await world.billing.getSubscription(fan, subscriptionId)).toMatchObject({ tierName: 'work', currentPeriod: { voiceOutputsLeft: 100 } });
    await decided(id, 'won');
    // 108 CNY were paid by two charges; work's 30 stay, and the rest comes back.
    expect(moved().refunded - before).toBe(7_800n);
    await world.billing.cancelSubscription(fan, world.key('cancel'), subscriptionId);
    await checkExact();
  });

  it('is not refused for a payment whose days are all over, though the books have not earned them yet', async () => {
    const fan = world.fan('shu');
    const { subscriptionId, periodId } = await world.subscribed(fan, friend);
    const id = await disputed(subscriptionId);
    await world.moveTo(noon('2026-10-23'));
    const [over] = await world.db.asOwner<{ days: number; recognised: number }>('SELECT days, recognised_days AS recognised FROM subscription_period WHERE id = $1', [periodId]);
    expect(over?.recognised).toBeLessThan(over?.days ?? 0);
    expect(await rowsOf(subscriptionId)).toHaveLength(2);
    expect(await change(fan, subscriptionId, work, 'month')).toMatchObject({ effect: 'now', state: 'applied' });
    await checkExact();
    // What the newest payment bought moved on; what is disputed was delivered, and nothing of it did.
    expect((await rowsOf(subscriptionId)).some(({ credited_from }) => credited_from === periodId)).toBe(false);
    await decided(id, 'won');
    await world.billing.cancelSubscription(fan, world.key('cancel'), subscriptionId);
  });
});

describe('any sequence of changes, refunds, disputes, pauses and a stop', () => {
  const seed = process.env['PLANS_SEED'] ?? Buffer.from(systemRandom.bytes(6)).toString('hex');
  it(`adds up to the money that was paid (PLANS_SEED=${seed})`, async () => {
    const random = seededRandom(seed);
    const fan = world.fan('late');
    const { subscriptionId } = await world.subscribed(fan, random.below(2) === 0 ? friend : work);
    const mishap = mishaps(world, random, fan.accountId);
    let day = '2026-10-23';
    for (let step = 0; step < 7; step += 1) {
      day = addDays(day, 1 + random.below(20));
      await world.moveTo(noon(day));
      for (const name of ['goodwill', 'dispute', 'decide'] as const) if (random.below(3) === 0) await mishap[name]();
      if (random.below(3) === 0) await world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay: day }));
      if (random.below(3) === 0) {
        await world.tx((tx) => world.billing.onPaused(tx, CLONE, world.clock.now()));
        await world.drain();
        day = addDays(day, 1 + random.below(6));
        await world.moveTo(noon(day));
        await world.tx((tx) => world.billing.onResumed(tx, CLONE, world.clock.now()));
        await world.drain();
      }
      const tierId = random.below(2) === 0 ? friend : work;
      const interval = random.below(3) === 0 ? 'year' : 'month';
      if ((await refusal(quote(fan, subscriptionId, tierId, interval))) === 'none') await change(fan, subscriptionId, tierId, interval);
      await checkExact();
    }
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_plans', cloneId: CLONE, at: world.clock.now() }));
    await world.drain();
    await checkExact();
    // What a bank held when it came is decided behind it.
    await mishap.decideAll();
    await checkExact();
    expect(await world.balance(chart.disputesPending('CNY'))).toBe(0n);
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(0n);
    expect(await world.balance(chart.deferredFees(CLONE, 'CNY'))).toBe(0n);
    // Each period: what it earned, handed on and returned is what it had.
    const periods = await world.db.asOwner<{ gross: string; tax: string; fee: string; days: number; recognised: number; refunded: string; credited: string }>(
      `SELECT gross_minor AS gross, tax_minor AS tax, fee_minor AS fee, days, recognised_days AS recognised, credited_minor AS credited,
              refunded_minor - (SELECT coalesce(sum(r.gross_minor), 0) FROM refund r WHERE r.period_id = p.id AND r.kind = 'goodwill' AND r.state = 'succeeded') AS refunded
       FROM subscription_period p WHERE NOT EXISTS (SELECT FROM refund r WHERE r.period_id = p.id AND r.kind = 'dispute' AND r.state = 'succeeded')`);
    for (const { gross, tax, fee, days, recognised, refunded, credited } of periods) {
      const money = { grossMinor: BigInt(gross), taxMinor: BigInt(tax), feeMinor: BigInt(fee) };
      expect(partsOfDays(money, 0, recognised, days).grossMinor + BigInt(refunded) + BigInt(credited)).toBe(BigInt(gross));
    }
  }, 120_000);
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { partsOfDays, taxIncluded } from '../../src/billing/model.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { chart } from '../../src/ledger/index.ts';
import { CLONE, noon, openWorld, type World } from './support.ts';

/** Years with a 29th of February, another tax rate while periods are open, and rests that are too small to be charged. */
const settings = { taxRateBasisPoints: 600 };
let world: World;
let friend: string;
let work: string;
beforeAll(async () => {
  world = await openWorld({ start: '2027-06-01T02:00:00Z', deps: { settings } });
  friend = await world.tier('friend', '600');
  work = await world.tier('work', '3000');
  world.facts.tiers.push('club', 'lite', 'dime');
});
afterAll(async () => {
  await world.close();
});

async function subscribed(name: string, tierId: string, interval: 'month' | 'year' = 'month'): Promise<{ fan: Actor; subscriptionId: string }> {
  const fan = world.fan(name);
  const { subscriptionId, checkoutUrl } = await world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId, interval });
  expect(await world.pay(checkoutUrl)).toBe(303);
  await world.drain();
  return { fan, subscriptionId };
}
const rowOf = async (subscriptionId: string) => (await world.db.asOwner<{ id: string; days: number; recognised: number; gross: string; tax: string; fee: string; refunded: string; ended: string | null; end: string }>(
  `SELECT id, days, recognised_days AS recognised, gross_minor AS gross, tax_minor AS tax, fee_minor AS fee, refunded_minor AS refunded, ended_on::text AS ended, end_day::text AS end
   FROM subscription_period WHERE subscription_id = $1 ORDER BY recorded_at, id LIMIT 1`, [subscriptionId]))[0]!;
const recognise = (throughDay: string) => world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay }));
const earned = async (tierId: string): Promise<bigint> => -(await world.balance(chart.earned(CLONE, tierId, 'CNY')));
const deferred = async (): Promise<bigint[]> => [await world.balance(chart.deferred(CLONE, 'CNY')), await world.balance(chart.deferredFees(CLONE, 'CNY'))];
const moneyOf = (row: { gross: string; tax: string; fee: string }) => ({ grossMinor: BigInt(row.gross), taxMinor: BigInt(row.tax), feeMinor: BigInt(row.fee) });

describe('a year that has a 29th of February', () => {
  it('is 366 days, of which that day earns its own part, however often it is looked at; stopped on it, that day and the rest come back', async () => {
    const goes = await subscribed('mei', friend, 'year');
    const stops = await subscribed('li', work, 'year');
    // 7,200 of which 407 are tax, and the processor keeps 219; 36,000, of which 2,037 and 1,054.
    const year = { grossMinor: 7_200n, taxMinor: 407n, feeMinor: 219n };
    expect(await rowOf(goes.subscriptionId)).toMatchObject({ days: 366, end: '2028-06-01', gross: '7200', tax: '407', fee: '219' });
    await world.moveTo(noon('2028-02-29'));
    await recognise('2028-02-29');
    expect((await rowOf(goes.subscriptionId)).recognised).toBe(273);
    const upTo = (k: bigint): bigint => (6_793n * k) / 366n - (219n * k) / 366n;
    expect(await earned(friend)).toBe(upTo(273n));
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_leap', cloneId: CLONE, at: world.clock.now(), tierIds: [work], final: false, reason: 'tier_removed' }));
    await world.drain();
    const stopped = await rowOf(stops.subscriptionId);
    const rest = partsOfDays(moneyOf(stopped), 273, 366, 366);
    expect(rest.grossMinor).toBe(36_000n - (33_963n * 273n) / 366n - (2_037n * 273n) / 366n);
    expect(stopped).toMatchObject({ days: 366, recognised: 273, ended: '2028-02-29', refunded: rest.grossMinor.toString() });
    for (const [day, k] of [['2028-03-01', 274n], ['2028-03-02', 275n]] as const) {
      await world.moveTo(noon(day));
      await recognise(day);
      await recognise(day);
      expect(await earned(friend)).toBe(upTo(k));
    }
    const leap = await world.tx(async (tx) => await world.billing.dayParts(tx, { periodId: (await rowOf(goes.subscriptionId)).id, day: '2028-02-29' }));
    expect(leap).toEqual(partsOfDays(year, 273, 274, 366));
    await world.billing.cancelSubscription(goes.fan, world.key('cancel'), goes.subscriptionId);
    await world.moveTo(noon('2028-06-02'));
    await recognise('2028-06-02');
    // Exactly the whole, and nothing is left over.
    expect([(await rowOf(goes.subscriptionId)).recognised, await earned(friend), ...(await deferred())]).toEqual([366, 6_793n - 219n, 0n, 0n]);
    await world.checkBooks();
  });
});

describe('another tax rate while periods are open', () => {
  it('leaves what was paid at the rate of its day, to its end and back; what is paid from now on has the new one', async () => {
    const tax = async (): Promise<bigint> => -(await world.balance(chart.taxPayable('CNY')));
    const before = await tax();
    const old = await subscribed('wu', friend);
    const moves = await subscribed('tao', friend);
    const { checkoutUrl } = await world.billing.buyCoins(old.fan, world.key('buyCoins'), { pack: 'friend' });
    await world.pay(checkoutUrl);
    await world.drain();
    settings.taxRateBasisPoints = 900;
    const fresh = await subscribed('bo', friend);
    expect([(await rowOf(old.subscriptionId)).tax, (await rowOf(fresh.subscriptionId)).tax]).toEqual(['33', '49']);
    expect((await tax()) - before).toBe(3n * 33n + 49n);
    await world.moveTo(noon('2028-06-12'));
    // Up: the unused days carry their own tax on, and only what is charged now has the new rate.
    const asked = await world.billing.quotePlanChange(moves.fan, moves.subscriptionId, { tierId: work, interval: 'month' });
    const charge = BigInt(asked.chargeMinor);
    await world.billing.changePlan(moves.fan, world.key('changePlan'), moves.subscriptionId, { tierId: work, interval: 'month', chargeMinor: asked.chargeMinor });
    await world.drain();
    expect((await tax()) - before).toBe(3n * 33n + 49n + taxIncluded(charge, 900));
    const carried = await world.db.asOwner<{ tax: string }>('SELECT tax_minor AS tax FROM subscription_period WHERE credited_from IS NOT NULL');
    expect(carried).toEqual([{ tax: (33n - (33n * 10n) / 30n).toString() }]);
    // Coins that are returned bring back the tax that they were bought with.
    const atReturn = await tax();
    await world.billing.returnCoins(old.fan, world.key('return'), {});
    await world.drain();
    expect(atReturn - (await tax())).toBe(33n);
    await world.moveTo(noon('2028-06-17'));
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_tax', cloneId: CLONE, at: world.clock.now(), final: false, reason: 'grant_ended' }));
    await world.drain();
    expect(await deferred()).toEqual([0n, 0n]);
    // What is owed to the tax office is each period's own tax of the days that were had.
    const days = (taxMinor: bigint, k: bigint): bigint => (taxMinor * k) / 30n;
    const [mine, hers] = [taxIncluded(charge, 900), 33n - days(33n, 10n)];
    expect((await tax()) - before).toBe(days(33n, 16n - 1n) + days(49n, 15n) + days(33n, 10n) + days(mine, 5n) + days(hers, 5n));
    await world.checkBooks();
  });
});

describe('a rest that is less than the processor charges', () => {
  it.each([
    ['a', '600', 'club', '850', { creditMinor: '450', refundMinor: '150', chargeMinor: '400' }],
    ['b', '100', 'lite', '400', { creditMinor: '0', refundMinor: '100', chargeMinor: '400' }],
  ])('%s: from %s to %s of %s the least is charged, and what was too much of the credit comes back', async (name, from, to, price, expected) => {
    await world.moveTo(noon('2028-06-18'));
    const tierId = from === '600' ? friend : await world.tier('dime', from);
    const { fan, subscriptionId } = await subscribed(name, tierId);
    const dearer = await world.tier(to, price);
    const asked = await world.billing.quotePlanChange(fan, subscriptionId, { tierId: dearer, interval: 'month' });
    expect(asked).toMatchObject({ effect: 'now', priceMinor: price, ...expected });
    const book = world.sandbox.control.book().length;
    await world.billing.changePlan(fan, world.key('changePlan'), subscriptionId, { tierId: dearer, interval: 'month', chargeMinor: asked.chargeMinor });
    await world.drain();
    expect(world.sandbox.control.book().slice(book).map(({ type, amountMinor }) => [type, amountMinor])).toEqual([['charge', 400n], ['refund', -BigInt(expected.refundMinor)]]);
    const [sum] = await world.db.asOwner<{ gross: string }>(
      'SELECT sum(gross_minor) AS gross FROM subscription_period WHERE subscription_id = $1 AND ended_on IS NULL', [subscriptionId]);
    expect(sum?.gross).toBe(price);
    await world.checkBooks();
  });
});

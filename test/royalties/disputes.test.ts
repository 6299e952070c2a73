import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { chart } from '../../src/ledger/index.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
let tierId: string;
beforeAll(async () => {
  world = await openRoyalties();
  tierId = await world.newTier();
  await world.signedSplit();
});
afterAll(async () => {
  await world.close();
});

const unpaid = async (payee: string): Promise<bigint> => -(await world.balance(chart.payable(payee, 'CNY')));
const held = async (payee: string): Promise<bigint> => -(await world.balance(chart.payeeReserve(payee, 'CNY')));
const debt = (payee: string): Promise<bigint> => world.balance(chart.payeeDebt(payee, 'CNY'));
const chargeOf = async (periodId: string): Promise<string> =>
  (await world.db.asOwner<{ id: string }>('SELECT stripe_charge AS id FROM subscription_period WHERE id = $1', [periodId]))[0]!.id;

async function decided(id: string, status: 'won' | 'lost'): Promise<void> {
  await world.sandbox.control.closeDispute(id, status);
  await world.drain();
  await world.checkBooks();
}

describe('a dispute of a payment that payees had their share of', () => {
  it('holds as much of their unpaid balance while it is open, and releases it when it is won', async () => {
    const periodId = await world.paid('mei', tierId);
    await world.moveTo(noon('2026-04-02'));
    await world.run('2026-04-02');
    const before = [await unpaid(world.owner.accountId), await unpaid(world.agency.accountId)];
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.drain();
    const reserves = [await held(world.owner.accountId), await held(world.agency.accountId)];
    expect([await unpaid(world.owner.accountId), await unpaid(world.agency.accountId)]).toEqual(before.map((amount, i) => amount - reserves[i]!));
    // The whole of that month's 540 was divided: nine tenths of it are theirs.
    expect(reserves[0]! + reserves[1]!).toBe(486n);
    await decided(id, 'won');
    expect([await held(world.owner.accountId), await held(world.agency.accountId)]).toEqual([0n, 0n]);
    expect([await unpaid(world.owner.accountId), await unpaid(world.agency.accountId)]).toEqual(before);
  });

  it('lost takes what is held from each leg, and after a payout the rest is that payee\'s debt', async () => {
    const periodId = await world.paid('li', tierId);
    await world.moveTo(noon('2026-05-04'));
    await world.run('2026-05-04');
    const [pot] = await world.db.asOwner<{ id: string; amount: string }>(
      `SELECT p.id, sum(e.amount_minor)::text AS amount FROM royalty_run_entry e JOIN royalty_pot p ON p.id = e.pot_id WHERE e.period_id = $1 GROUP BY 1`, [periodId]);
    expect(pot).toBeDefined();
    const total = (await unpaid(world.owner.accountId)) + (await unpaid(world.agency.accountId)) + (await unpaid('platform'));
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.drain();
    const reserve = await held(world.agency.accountId);
    expect(reserve).toBeGreaterThan(0n);
    await decided(id, 'lost');
    const after = (await unpaid(world.owner.accountId)) + (await unpaid(world.agency.accountId)) + (await unpaid('platform'));
    // Everything that this payment brought them is gone, and nothing else; nobody owes.
    expect(total - after).toBe(BigInt(pot!.amount));
    expect([await held(world.owner.accountId), await held(world.agency.accountId), await debt(world.agency.accountId)]).toEqual([0n, 0n, 0n]);
    expect(await world.balance(chart.disputesPending('CNY'))).toBe(0n);
    // Its statement names the dispute and what was held for it.
    const { statements } = await world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay: '2026-05-03' });
    expect(statements.length).toBeGreaterThan(1);
  });

  it('that comes when everything was paid out leaves debts, netted once from later earnings', async () => {
    const periodId = await world.paid('wu', tierId);
    await world.moveTo(noon('2026-06-06'));
    await world.run('2026-06-06');
    await world.onboard(world.agency);
    const { accountId } = world.agency;
    await world.moveTo(noon('2026-06-12'));
    await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { payees: [accountId], minimumMinor: '1' });
    await world.drain();
    expect(await unpaid(accountId)).toBe(0n);
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.drain();
    expect(await held(accountId)).toBe(0n);
    await decided(id, 'lost');
    const owes = await debt(accountId);
    expect(owes).toBeGreaterThan(0n);
    await world.paid('eve', tierId);
    await world.moveTo(noon('2026-07-20'));
    await world.run('2026-07-20');
    expect(await debt(accountId)).toBe(0n);
    await world.checkBooks();
  });
});

describe('an output that coins paid for', () => {
  it('is divided by the split, and asked back of the payees when the coins\' payment is lost', async () => {
    const fan = world.fan('late');
    const { checkoutUrl } = await world.billing.buyCoins(fan, world.key('buyCoins'), { pack: 'friend' });
    expect(await world.pay(checkoutUrl)).toBe(303);
    await world.drain();
    const { holdId } = await world.tx((tx) => world.billing.holdCoins(tx, {
      accountId: fan.accountId, cloneId: world.cloneId, tierId, outputId: 'out_1', coins: 42n, at: world.clock.now(),
    }));
    await world.tx((tx) => world.billing.capture(tx, holdId, { releaseId: 'rel_1', at: world.clock.now() }));
    await world.moveTo(noon('2026-07-22'));
    await world.run('2026-07-22');
    const earned = await unpaid(world.owner.accountId);
    const [entry] = await world.db.asOwner<{ amount: string }>('SELECT amount_minor::text AS amount FROM royalty_run_entry WHERE period_id = $1', [holdId]);
    // 567 net of tax for 42 coins, less the 27 that the processor kept.
    expect(entry).toEqual({ amount: '540' });
    const [lot] = await world.db.asOwner<{ charge: string }>('SELECT stripe_charge AS charge FROM coin_lot');
    const id = await world.sandbox.control.openDispute(lot!.charge);
    await world.drain();
    await decided(id, 'lost');
    expect(await unpaid(world.owner.accountId)).toBeLessThan(earned);
    expect(await world.balance(chart.fanDebt(fan.accountId, 'CNY'))).toBe(27n);
    expect(await world.balance(chart.disputesPending('CNY'))).toBe(0n);
  });
});

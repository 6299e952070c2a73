import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { addDays, dayOf } from '../../src/kernel/time.ts';
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

describe('a payment that is disputed before anything of it was divided', () => {
  it('is held at each run that divides what it earned, so that losing it leaves no debt after a payout', async () => {
    const periodId = await world.paid('crowd', tierId);
    const from = (await world.tx((tx) => world.billing.period(tx, periodId)))!.startDay;
    const { accountId } = world.agency;
    expect(await debt(accountId)).toBe(0n);
    await world.moveTo(noon(from, 5));
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.drain();
    expect(await held(accountId)).toBe(0n);
    // Nine tenths of what was divided of it are theirs, but for the cent by which shares of a pot are rounded.
    const holds = async (): Promise<void> => {
      const [{ amount } = { amount: '' }] = await world.db.asOwner<{ amount: string }>('SELECT sum(amount_minor)::text AS amount FROM royalty_run_entry WHERE period_id = $1', [periodId]);
      const off = BigInt(amount) * 9n - 10n * ((await held(world.owner.accountId)) + (await held(accountId)));
      expect(off > -20n && off < 20n).toBe(true);
    };
    for (const days of [10, 20]) {
      await world.moveTo(noon(from, days));
      await world.run(addDays(from, days));
      await holds();
    }
    // What is unpaid of other payments is paid out; what is disputed is not.
    await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { payees: [accountId], minimumMinor: '1' });
    await world.drain();
    expect(await unpaid(accountId)).toBe(0n);
    await decided(id, 'lost');
    expect([await held(accountId), await debt(accountId)]).toEqual([0n, 0n]);
  });
});

describe('a stop whose refund is on its way when the payment is disputed', () => {
  it('fails there: lost, unused days come out of what was not earned, and delivered ones from who received them', async () => {
    const periodId = await world.paid('slow', tierId);
    const from = (await world.tx((tx) => world.billing.period(tx, periodId)))!.startDay;
    await world.moveTo(noon(from, 15));
    await world.run(addDays(from, 15));
    const total = async (): Promise<bigint> => (await unpaid(world.owner.accountId)) + (await unpaid(world.agency.accountId)) + (await unpaid('platform'));
    const losses = chart.platformExpense('dispute_losses', 'CNY');
    const before = [await total(), await world.balance(losses)] as const;
    const [got] = await world.db.asOwner<{ amount: string }>('SELECT sum(amount_minor)::text AS amount FROM royalty_run_entry WHERE period_id = $1', [periodId]);
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_soon', cloneId: world.cloneId, at: world.clock.now(), final: false, reason: 'undelivered' }));
    await world.billing.work.settleStop('stp_soon');
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.told('charge.dispute.created', id);
    const claim = async (): Promise<string | undefined> => (await world.billing.listDisputes(10)).disputes.find(({ disputeId }) => disputeId === id)?.claimMinor;
    const early = await held(world.owner.accountId);
    expect(await claim()).not.toBe('600');
    await world.drain();
    expect(await claim()).toBe('600');
    expect(await held(world.owner.accountId)).toBeGreaterThanOrEqual(early);
    await decided(id, 'lost');
    expect([await total(), await world.balance(losses)]).toEqual([before[0] - BigInt(got!.amount), before[1]]);
    expect(await held(world.owner.accountId)).toBe(0n);
    const [{ deferred } = { deferred: '' }] = await world.db.asOwner<{ deferred: string }>(
      `SELECT coalesce(sum(e.amount_minor), 0)::text AS deferred FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq JOIN ledger_account a ON a.id = e.account_id
       WHERE a.code LIKE 'deferred:%' AND t.metadata->>'periodId' = $1`, [periodId]);
    expect(deferred).toBe('0');
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
    const today = addDays(dayOf(world.clock.now()), 2);
    await world.moveTo(noon(today));
    await world.run(today);
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

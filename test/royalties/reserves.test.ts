import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { addDays } from '../../src/kernel/time.ts';
import { chart } from '../../src/ledger/index.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
let periodId: string;
beforeAll(async () => {
  world = await openRoyalties();
  const tierId = await world.newTier();
  await world.signedSplit(undefined, '2026-03-01', 'platform', { base: 'gross', reserve: { basisPoints: 1_000, days: 30 } });
  periodId = await world.paid('mei', tierId);
  await world.moveTo(noon('2026-04-01'));
});
afterAll(async () => {
  await world.close();
});

const owed = async (payee: string): Promise<bigint> => -(await world.balance(chart.payable(payee, 'CNY')));
const held = async (payee: string): Promise<bigint> => -(await world.balance(chart.payeeReserve(payee, 'CNY')));
const lots = async (): Promise<{ amountMinor: string; leftMinor: string; dueDay: string | null }[]> =>
  (await world.royalties.listReserves(world.owner.actor)).reserves.map(({ amountMinor, leftMinor, dueDay }) => ({ amountMinor, leftMinor, dueDay }));
async function refund(from: string, count: number): Promise<Awaited<ReturnType<RoyaltiesWorld['royalties']['getRefund']>>> {
  const days = Array.from({ length: count }, (_none, index) => addDays(from, index));
  const { refundId } = await world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId, days, reason: 'Goodwill.' });
  await world.drain();
  return await world.royalties.getRefund(refundId);
}

describe('a gross split with a reserve', () => {
  it('gives the payees their part of the price, and the platform bears tax and fee', async () => {
    const dry = await world.run('2026-04-01', true);
    const run = await world.run('2026-04-01');
    expect({ ...run, runId: null, toPosition: null, dryRun: true, createdAt: dry.createdAt, pots: [{ ...run.pots[0], potId: null }] }).toEqual(dry);
    expect(run.pots).toMatchObject([{ base: 'gross', grossMinor: '600', taxMinor: '33', feeMinor: '27', amountMinor: '540', baseMinor: '600' }]);
    expect(run.pots[0]?.legs.map((leg) => [leg.shareMinor, leg.amountMinor])).toEqual([['420', '420'], ['120', '120'], ['60', '0']]);
  });

  it('holds a part of each payee\'s until its day', async () => {
    expect([await held(world.owner.accountId), await owed(world.owner.accountId)]).toEqual([42n, 378n]);
    expect([await held(world.agency.accountId), await owed(world.agency.accountId)]).toEqual([12n, 108n]);
    expect(await lots()).toEqual([{ amountMinor: '42', leftMinor: '42', dueDay: '2026-05-01' }]);
    expect(await refusal(world.royalties.listReserves(world.agency.actor, world.owner.accountId))).toBe('not_found');
    expect((await world.royalties.listReserves(world.operator.actor, world.owner.accountId)).reserves).toHaveLength(1);
  });

  it('takes refunds out of the reserve first, then out of what is unpaid', async () => {
    const first = await refund('2026-03-01', 2);
    const payees = Object.fromEntries(first.payees.map(({ payee, ...rest }) => [payee, rest]));
    // Two of 31 days of a price of 600, by 70 %: all of it was held.
    expect(payees[world.owner.accountId]).toEqual({ reserveMinor: '26', unpaidMinor: '0', debtMinor: '0' });
    expect(await lots()).toEqual([{ amountMinor: '42', leftMinor: '16', dueDay: '2026-05-01' }]);
    const second = await refund('2026-03-03', 2);
    expect(second.payees.find((one) => one.payee === world.owner.accountId)).toMatchObject({ reserveMinor: '16', debtMinor: '0' });
    await world.checkBooks();
  });

  it('brings every leg to zero when all is refunded, and the fee is then an expense', async () => {
    await refund('2026-03-05', 27);
    for (const payee of [world.owner.accountId, world.agency.accountId, 'platform']) {
      expect([payee, await owed(payee), payee === 'platform' ? 0n : await held(payee)]).toEqual([payee, 0n, 0n]);
    }
    expect(await world.balance(chart.platformExpense('processor_fees', 'CNY'))).toBe(27n);
    await world.checkBooks();
  });

  it('releases on its day what is left, once', async () => {
    await world.moveTo(noon('2026-05-01'));
    await world.run('2026-05-01');
    expect((await lots())[0]).toEqual({ amountMinor: '42', leftMinor: '42', dueDay: '2026-05-31' });
    await world.moveTo(noon('2026-05-30'));
    await world.royalties.work.releaseDue();
    expect([await held(world.owner.accountId), await owed(world.owner.accountId)]).toEqual([42n, 378n]);
    await world.moveTo(noon('2026-05-31'));
    await Promise.all([world.royalties.work.releaseDue(), world.royalties.work.releaseDue()]);
    await world.royalties.work.releaseDue();
    expect([await held(world.owner.accountId), await owed(world.owner.accountId)]).toEqual([0n, 420n]);
    await world.checkBooks();
  });

  it('says on the statement what was held and released', async () => {
    await world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay: '2026-05-31' });
    expect((await world.royalties.listStatements(world.owner.actor)).statements[0]).toMatchObject({ closingMinor: '420' });
  });

  it('is a lot that nobody changes past its uses', async () => {
    for (const attack of ['UPDATE royalty_reserve SET left_minor = 1', 'UPDATE royalty_reserve SET due_day = due_day - 1', 'DELETE FROM royalty_reserve', 'DELETE FROM royalty_reserve_use',
      `INSERT INTO royalty_reserve_use SELECT id, 'attack', 43 FROM royalty_reserve LIMIT 1`]) {
      await expect(world.db.asApp(attack)).rejects.toThrow();
      await expect(world.db.asOwner(attack)).rejects.toThrow();
    }
  });
});

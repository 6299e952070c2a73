import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { chart, type Ledger } from '../../src/ledger/index.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { addDays } from '../../src/kernel/time.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
let tierId: string;
let periodId: string;
beforeEach(async () => {
  world = await openRoyalties();
  tierId = await world.newTier();
});
afterEach(async () => {
  await world.close();
});

async function sold(refundFeeBearer?: string): Promise<void> {
  await world.signedSplit(undefined, '2026-03-01', refundFeeBearer);
  periodId = await world.paid('mei', tierId);
}

type Refund = Awaited<ReturnType<RoyaltiesWorld['royalties']['refundGoodwill']>>;
const ask = (days: string[]): Promise<Refund> =>
  world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId, days, reason: 'Goodwill.' });
async function refund(days: string[]): Promise<Refund> {
  const { refundId } = await ask(days);
  await world.drain();
  return await world.royalties.getRefund(refundId);
}
const days = (from: string, count: number): string[] => Array.from({ length: count }, (_none, index) => addDays(from, index));
const owed = async (payee: string): Promise<bigint> => -(await world.balance(chart.payable(payee, 'CNY')));
const debt = (payee: string): Promise<bigint> => world.balance(chart.payeeDebt(payee, 'CNY'));
const sum = (amounts: readonly { amountMinor: string }[]): bigint => amounts.reduce((total, one) => total + BigInt(one.amountMinor), 0n);

describe('a refund of delivered days', () => {
  it('takes what was not divided yet first, then the latest pot, then the one before it', async () => {
    await sold();
    await world.moveTo(noon('2026-03-11'));
    const early = (await world.run('2026-03-11')).pots[0];
    await world.moveTo(noon('2026-03-21'));
    const late = (await world.run('2026-03-21')).pots[0];
    await world.moveTo(noon('2026-03-26'));
    // Five days are undivided when eight are returned: the other three are the latest pot's.
    const first = await refund(days('2026-03-01', 8));
    const undivided = (567n * 25n) / 31n - (27n * 25n) / 31n - ((567n * 20n) / 31n - (27n * 20n) / 31n);
    expect(first).toMatchObject({ state: 'booked', undividedMinor: `${undivided}` });
    expect(new Set(first.legs.map((leg) => leg.potId))).toEqual(new Set([late?.potId]));
    expect(sum(first.legs)).toBe(BigInt(first.netMinor) - BigInt(first.expenseMinor) - undivided);
    expect(await world.balance(chart.earned(world.cloneId, tierId, 'CNY'))).toBe(0n);
    const second = await refund(days('2026-03-09', 12));
    expect(second.undividedMinor).toBe('0');
    expect(new Set(second.legs.map((leg) => leg.potId))).toEqual(new Set([late?.potId, early?.potId]));
    await world.checkBooks();

    // The reduced pot of the days that were undivided is nothing, and is divided as nothing.
    const run = await world.run('2026-03-26');
    expect(run.pots.map((pot) => pot.amountMinor)).toEqual(['0']);
    expect(run.entries).toBe(2);
    await world.checkBooks();
  });

  it('of every day, in any number of parts and any order, brings every leg to exactly zero', async () => {
    await sold();
    await world.moveTo(noon('2026-03-16'));
    await world.run('2026-03-16');
    await world.moveTo(noon('2026-04-01'));
    await world.run('2026-04-01');
    const random = seededRandom('every day');
    const left = days('2026-03-01', 31);
    const totals = { net: 0n, tax: 0n, expense: 0n };
    while (left.length > 0) {
      const some = Array.from({ length: Math.min(1 + random.below(9), left.length) }, () => left.splice(random.below(left.length), 1)[0]!);
      const done = await refund(some);
      totals.net += BigInt(done.netMinor);
      totals.tax += BigInt(done.taxMinor);
      totals.expense += BigInt(done.expenseMinor);
    }
    expect(totals).toEqual({ net: 567n, tax: 33n, expense: 27n });
    for (const payee of [world.owner.accountId, world.agency.accountId, 'platform']) expect(`${payee} ${await owed(payee)}`).toBe(`${payee} 0`);
    const legs = await world.db.asOwner<{ off: string }>(`
      SELECT count(*)::text AS off FROM royalty_pot_leg l WHERE l.amount_minor <>
        (SELECT coalesce(sum(g.amount_minor), 0) FROM goodwill_leg g WHERE g.pot_id = l.pot_id AND g.leg = l.leg)`);
    expect(legs).toEqual([{ off: '0' }]);
    expect(await refusal(ask(['2026-03-05']))).toBe('refund_too_large');
    await world.checkBooks();
  });

  it('charges the kept fee to the payee whom the split names', async () => {
    await sold(world.owner.accountId);
    await world.moveTo(noon('2026-04-01'));
    await world.run('2026-04-01');
    const before = await owed(world.owner.accountId);
    const done = await refund(days('2026-03-01', 31));
    expect(done).toMatchObject({ feeBearer: world.owner.accountId, expenseMinor: '27' });
    expect(await world.balance(chart.platformExpense('processor_fees', 'CNY'))).toBe(0n);
    // All that she received, and the fee on top: her debt.
    expect([before, await owed(world.owner.accountId), await debt(world.owner.accountId)]).toEqual([378n, 0n, 27n]);
    // Its line leads to the payment that the fee was kept of.
    await world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay: '2026-04-01' });
    const [statement] = (await world.royalties.listStatements(world.owner.actor)).statements;
    const { document } = (await world.royalties.getStatement(world.owner.actor, statement?.statementId ?? '')).receipt;
    if (document.schemaVersion !== 2) return expect.unreachable();
    const fee = document.debt.lines.find((line) => line.kind === 'fees');
    const explained = await world.royalties.explainStatementLine(world.owner.actor, document.statementId, fee?.lineId ?? '');
    expect(explained.sources.map((one) => [one.periodId, one.charge !== null, one.fan !== null])).toContainEqual([periodId, true, true]);
    await world.checkBooks();
  });

  it('charges it by the split that the days were earned under, whatever was signed since; days of two bearers are asked for apart', async () => {
    await sold(world.owner.accountId);
    await world.moveTo(noon('2026-03-16'));
    await world.run('2026-03-16');
    await world.signedSplit(undefined, '2026-03-16', world.agency.accountId);
    await world.moveTo(noon('2026-04-01'));
    await world.run('2026-04-01');
    expect(await refusal(ask(['2026-03-15', '2026-03-16']))).toBe('refund_bearers_differ');
    expect(await refund(days('2026-03-01', 15))).toMatchObject({ feeBearer: world.owner.accountId });
    expect(await refund(days('2026-03-16', 16))).toMatchObject({ feeBearer: world.agency.accountId });
    await world.checkBooks();
  });

  it('takes the unpaid balance first, and what it does not cover is a debt', async () => {
    await sold();
    await world.onboard(world.agency);
    await world.moveTo(noon('2026-04-01'));
    await world.run('2026-04-01');
    await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), {});
    await world.drain();
    const done = await refund(days('2026-03-01', 31));
    const payees = Object.fromEntries(done.payees.map(({ payee, ...rest }) => [payee, rest]));
    expect(payees).toEqual({
      [world.owner.accountId]: { reserveMinor: '0', unpaidMinor: '378', debtMinor: '0' }, [world.agency.accountId]: { reserveMinor: '0', unpaidMinor: '0', debtMinor: '108' },
      platform: { reserveMinor: '0', unpaidMinor: '54', debtMinor: '0' },
    });
    expect(await world.tx((tx) => world.royalties.payeeBalances(tx, world.cloneId))).toContainEqual(
      { payee: world.agency.accountId, currency: 'CNY', unpaidMinor: 0n, debtMinor: 108n });
    await world.checkBooks();
  });

  it('that the processor will not send books nothing, and its days can be returned again', async () => {
    await sold();
    await world.moveTo(noon('2026-04-01'));
    await world.run('2026-04-01');
    const charge = (await world.tx((tx) => world.billing.period(tx, periodId)))?.charge ?? '';
    await world.port.sdk.refunds.create({ charge }, world.port.withKey('by hand'));
    const done = await refund(['2026-03-05']);
    expect(done).toMatchObject({ state: 'failed', legs: [], payees: [] });
    expect(done.failure).not.toBeNull();
    expect(await owed(world.owner.accountId)).toBe(378n);
    expect((await ask(['2026-03-05'])).state).toBe('pending');
  });

  it('is booked once, however often its job runs; and a day is asked for once, however many ask', async () => {
    await sold();
    await world.moveTo(noon('2026-04-01'));
    await world.run('2026-04-01');
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => ask(['2026-03-07'])));
    expect(asked.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    await world.drain();
    const [row] = await world.db.asOwner<{ refund_id: string }>('SELECT refund_id FROM goodwill_refund');
    const before = await owed(world.owner.accountId);
    await Promise.all(Array.from({ length: 4 }, () => world.royalties.work.bookRefund(row?.refund_id ?? '')));
    expect(await owed(world.owner.accountId)).toBe(before);
    await world.checkBooks();
  });

  it('that comes between the sequencer and the run makes the pot smaller, and not a later one', async () => {
    await sold();
    await world.moveTo(noon('2026-04-01'));
    await world.tx((tx) => world.billing.recognise(tx, { cloneId: world.cloneId, throughDay: '2026-04-01' }));
    let late: Refund | null = null;
    const racing: Ledger = {
      ...world.ledger,
      async sequence() {
        const position = await world.ledger.sequence();
        late ??= await refund(['2026-03-05']);
        return position;
      },
    };
    const run = await world.withStripe(world.port, racing).runRoyalties(world.operator.actor, world.key('runRoyalties'), { cloneId: world.cloneId, throughDay: '2026-04-01' });
    expect(run.pots.map((pot) => pot.amountMinor)).toEqual([`${540n - BigInt(late!.undividedMinor)}`]);
    expect(BigInt(late!.undividedMinor)).toBeGreaterThan(0n);
    await world.checkBooks();
  });

  it('is of days that the period has earned, and that no pause covered', async () => {
    await sold();
    await world.tx((tx) => world.billing.onPaused(tx, world.cloneId, new Date('2026-03-06T16:00:00Z')));
    await world.tx((tx) => world.billing.onResumed(tx, world.cloneId, new Date('2026-03-09T16:00:00Z')));
    await world.moveTo(noon('2026-03-11'));
    for (const paused of ['2026-03-07', '2026-03-08', '2026-03-09']) expect(await refusal(ask([paused]))).toBe('refund_too_large');
    for (const wrong of [['2026-03-11'], ['2026-03-31'], ['2026-02-28'], ['2026-04-01'], ['2026-03-05', '2026-03-12']]) {
      expect(await refusal(ask(wrong))).toBe('refund_too_large');
    }
    expect(await refusal(world.royalties.refundGoodwill(world.operator.actor, world.key('r'), { periodId: 'per_unknown', days: ['2026-03-05'], reason: 'x' }))).toBe('not_found');
    expect(await refusal(world.royalties.getRefund('rfd_unknown'))).toBe('not_found');
    expect(await world.db.asOwner('SELECT refund_id FROM goodwill_refund')).toEqual([]);
    // Before any run it only makes the pot smaller.
    const done = await refund(['2026-03-05']);
    expect(done).toMatchObject({ legs: [], payees: [], undividedMinor: `${BigInt(done.netMinor) - BigInt(done.expenseMinor)}` });
    // The seventh day that was earned is the tenth of the month.
    const tenth = await world.tx((tx) => world.billing.dayParts(tx, { periodId, day: '2026-03-10' }));
    expect(tenth.netMinor).toBe((567n * 7n) / 31n - (567n * 6n) / 31n);
    await world.moveTo(noon('2026-04-01'));
    const earned = (567n * 28n) / 31n - (27n * 28n) / 31n;
    expect((await world.run('2026-04-01')).pots[0]?.amountMinor).toBe(`${earned - BigInt(done.undividedMinor)}`);
    await world.checkBooks();
  });
});

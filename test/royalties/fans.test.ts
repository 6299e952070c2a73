import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import pg from 'pg';

import { makeCoinHolds } from '../../src/billing/coin-holds.ts';
import { addDays } from '../../src/kernel/time.ts';
import { chart, makeLedger } from '../../src/ledger/index.ts';
import { connect, migrate } from '../../src/platform/postgres/index.ts';
import { fanPseudonym } from '../../src/royalties/pseudonym.ts';
import { noon } from '../billing/support.ts';
import { fillFrom, openOlderDatabase, rowsText } from '../support/older.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

/** Fifteen migrations and more of fan and owner money came behind it. */
const BEFORE_DISPUTES_WERE_CLAIMED_ANEW = 1766110000000;

/** What fans' money does on its way to owners. Each case goes on where the last one ended. */
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
const periodOf = async (name: string): Promise<string | undefined> =>
  (await world.db.asOwner<{ id: string }>('SELECT id FROM subscription_period WHERE account_id = $1', [`acc_${name}`]))[0]?.id;
const divided = async (periodId = ''): Promise<bigint> =>
  BigInt((await world.db.asOwner<{ sum: string }>('SELECT coalesce(sum(amount_minor), 0)::text AS sum FROM royalty_run_entry WHERE period_id = $1', [periodId]))[0]!.sum);
/** Of 600 the tax is 33 and the processor keeps 27; a month of 31 days. */
const daysOf = (k: bigint): bigint => (567n * k) / 31n - (27n * k) / 31n;

/** Jobs as far as they come: some cannot be done yet, and try again later. */
async function work(): Promise<void> {
  await world.sandbox.control.idle();
  while (await world.runner.runNext()) await world.sandbox.control.idle();
}
async function payAs(name: string): Promise<void> {
  const { checkoutUrl } = await world.billing.subscribe(world.fan(name), world.key('subscribe'), { cloneId: world.cloneId, tierId });
  expect(await world.pay(checkoutUrl)).toBe(303);
  await work();
}
async function reconciled(): Promise<{ differences: object[]; mended: object[] }> {
  await world.billing.reconcile(world.operator.actor, world.key('reconcile'));
  await work();
  return (await world.billing.listReconciliations(1)).reconciliations[0]!;
}

describe('a payment whose fee is not known yet', () => {
  it('is not earned and not divided; with the fee it is, from its first day, less exactly that fee', async () => {
    world.sandbox.control.holdFees();
    await payAs('mei');
    await world.moveTo(noon('2026-03-06')).catch(() => undefined);
    // The bank has the money, the processor says so, and nothing of it is anybody's revenue: not even what nobody would take a fee of.
    expect(await world.db.asOwner(`SELECT 1 FROM ledger_transfer WHERE kind IN ('billing.invoice_paid', 'billing.days_earned')`)).toEqual([]);
    expect((await world.run('2026-03-06')).pots).toEqual([]);
    expect(await reconciled()).toMatchObject({ mended: [], differences: expect.arrayContaining([expect.objectContaining({ kind: 'not_settled' })]) as object[] });
    expect(await periodOf('mei')).toBeUndefined();
    expect(await world.sandbox.control.releaseFees()).toBe(1);
    await work();
    await world.db.asOwner(`DELETE FROM job WHERE state <> 'done' AND last_error IS NOT NULL`);
    await world.moveTo(noon('2026-03-11'));
    const { pots } = await world.run('2026-03-11');
    expect(pots).toMatchObject([{ firstDay: '2026-03-01', lastDay: '2026-03-10', amountMinor: daysOf(10n).toString() }]);
    expect(await divided(await periodOf('mei'))).toBe(daysOf(10n));
    await world.checkBooks();
  });

  it('and of which no webhook tells is found by comparing, and divided by the next run', async () => {
    const { control } = world.sandbox;
    control.holdFees();
    control.holdDeliveries();
    await payAs('li');
    control.dropDeliveries(() => true);
    await world.moveTo(noon('2026-03-16'));
    await world.run('2026-03-16');
    expect(await reconciled()).toMatchObject({ differences: expect.arrayContaining([expect.objectContaining({ kind: 'not_settled' })]) as object[] });
    expect(await periodOf('li')).toBeUndefined();
    await control.releaseFees();
    control.dropDeliveries(() => true);
    control.releaseDeliveries();
    expect((await reconciled()).mended).toEqual(expect.arrayContaining([expect.objectContaining({ kind: 'invoice' })]));
    expect(await divided(await periodOf('li'))).toBe(0n);
    await world.moveTo(noon('2026-03-21'));
    await world.run('2026-03-21');
    expect([await divided(await periodOf('mei')), await divided(await periodOf('li'))]).toEqual([daysOf(20n), daysOf(10n)]);
    expect((await reconciled()).differences).toEqual([]);
    await world.checkBooks();
  });
});

describe('a dispute that is settled in another currency than the payment', () => {
  const at = (account: { code: string }): Promise<bigint> => world.balance(account);
  const usd = async (): Promise<bigint[]> => [await at(chart.cashInTransit('USD')), await at(chart.platformExpense('dispute_fees', 'USD')), await at(chart.conversionPosition('USD'))];
  async function disputed(name: string): Promise<string> {
    const [{ charge } = { charge: '' }] = await world.db.asOwner<{ charge: string }>('SELECT stripe_charge AS charge FROM subscription_period WHERE account_id = $1', [`acc_${name}`]);
    const id = await world.sandbox.control.openDispute(charge, { settled: { currency: 'usd', amount: 85 } });
    await world.drain();
    return id;
  }

  it('claims the price in its own currency; won, payees have what they had, and what the rates make of it is the platform\'s', async () => {
    const before = [await at(chart.cashInTransit('CNY')), await unpaid(world.owner.accountId)];
    const id = await disputed('mei');
    expect(await at(chart.disputesPending('CNY'))).toBe(600n);
    expect(await at(chart.cashInTransit('CNY'))).toBe(before[0]);
    // 600 CNY fen were 85 cents, and the bank's fee is 1.50 USD.
    expect(await usd()).toEqual([-235n, 150n, 85n]);
    expect(await at(chart.payeeReserve(world.owner.accountId, 'CNY'))).toBeLessThan(0n);
    await world.sandbox.control.closeDispute(id, 'won', { currency: 'usd', amount: 83 });
    await world.drain();
    expect(await usd()).toEqual([-152n, 150n, 2n]);
    expect([await at(chart.cashInTransit('CNY')), await unpaid(world.owner.accountId)]).toEqual(before);
    expect([await at(chart.disputesPending('CNY')), await at(chart.conversionPosition('CNY')), await at(chart.payeeReserve(world.owner.accountId, 'CNY'))]).toEqual([0n, 0n, 0n]);
    await world.checkBooks();
    expect((await reconciled()).differences).toEqual([]);
  });

  it('lost, takes from each the part of the price that they had, in its own currency', async () => {
    const [owner, agency] = [world.owner.accountId, world.agency.accountId];
    const total = async (): Promise<bigint> => (await unpaid(owner)) + (await unpaid(agency)) + (await unpaid('platform'));
    const before = await total();
    const had = await divided(await periodOf('li'));
    const id = await disputed('li');
    await world.sandbox.control.closeDispute(id, 'lost');
    await world.drain();
    expect(before - (await total())).toBe(had);
    expect(await at(chart.disputesPending('CNY'))).toBe(0n);
    expect(await usd()).toEqual([-152n - 235n, 300n, 2n + 85n]);
    expect(await at(chart.conversionPosition('CNY'))).toBe(-600n);
    await world.checkBooks();
    expect((await reconciled()).differences).toEqual([]);
  });
});

describe('coins on a statement', () => {
  const charges = async (): Promise<string[]> => (await world.db.asOwner<{ charge: string }>(`SELECT stripe_charge AS charge FROM coin_lot WHERE account_id = 'acc_wu' ORDER BY bought_at`)).map(({ charge }) => charge);
  async function bought(pack: string): Promise<void> {
    const { checkoutUrl } = await world.billing.buyCoins(world.fan('wu'), world.key('buyCoins'), { pack });
    expect(await world.pay(checkoutUrl)).toBe(303);
    await world.drain();
    world.clock.advance(1_000);
  }
  /** What stands behind every line of the owner's newest statement. */
  async function sources(): Promise<{ kind: string; outputId: string | null; fan: string | null; charge: string | null; charges: string[]; splitId: string | null; tierName: string | null; subscriptionId: string | null }[]> {
    const { royalties, owner } = world;
    const [{ statementId } = { statementId: '' }] = (await royalties.listStatements(owner.actor)).statements;
    const { document } = (await royalties.getStatement(owner.actor, statementId)).receipt;
    if (document.schemaVersion !== 2) throw new Error('an old statement');
    const found = [];
    for (const { lineId } of document.lines) found.push(...(await royalties.explainStatementLine(owner.actor, statementId, lineId)).sources);
    return found;
  }

  it('lead from what an output earned to the payments of its coins, the fan, the tier, the split and the output', async () => {
    const { accountId } = world.fan('wu');
    await bought('friend');
    await bought('small');
    // 42 coins of the first pack, 8 of the second; the other 62 are left.
    const { holdId } = await world.tx((tx) => world.billing.holdCoins(tx, { accountId, cloneId: world.cloneId, tierId, outputId: 'out_coins', coins: 50n, at: world.clock.now() }));
    await world.tx((tx) => world.billing.capture(tx, holdId, { releaseId: 'rel_coins', at: world.clock.now() }));
    const month = await world.billing.buyPrepaidMonth(world.fan('wu'), world.key('month'), { cloneId: world.cloneId, tierId });
    await world.moveTo(noon('2026-03-31'));
    await world.run('2026-03-31');
    await world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay: '2026-03-31' });
    const all = await sources();
    const fan = fanPseudonym(Buffer.from('pseudonyms of this test'), world.owner.accountId, accountId);
    const paid = await charges();
    expect(all.filter(({ outputId }) => outputId !== null)).toMatchObject([
      { kind: 'billing.coins_spent', outputId: 'out_coins', fan, charge: paid[0], charges: paid, tierName: 'friend', splitId: expect.stringMatching(/^spl_/) as string },
    ]);
    expect(all.filter(({ subscriptionId }) => subscriptionId === month.subscriptionId)).toMatchObject([{ kind: 'billing.days_earned', fan, charge: paid[1], charges: [paid[1]] }]);
    // Nothing that was earned names nobody.
    expect(all.filter((one) => one.fan === null || one.charges.length === 0)).toEqual([]);
    const [{ statementId } = { statementId: '' }] = (await world.royalties.listStatements(world.owner.actor)).statements;
    const events = await world.royalties.exportStatementEvents(world.owner.actor, statementId);
    expect(events.earned.filter(({ outputId }) => outputId !== null)).toMatchObject([{ fan, charge: paid[0] }]);
    expect(JSON.stringify(events)).not.toContain(accountId);
  });

  it('come back for days of a month paid ahead that are returned: by whoever had them, as the same coins, and no cash moves', async () => {
    const fan = world.fan('wu');
    const [period] = await world.db.asOwner<{ id: string; net: string; fee: string; start: string; days: number }>(
      `SELECT id, gross_minor AS net, fee_minor AS fee, start_day::text AS start, days FROM subscription_period WHERE account_id = 'acc_wu'`);
    const { id: periodId, start, days } = period!;
    const [net, fee] = [BigInt(period!.net), BigInt(period!.fee)];
    const coins = async (): Promise<bigint> => BigInt((await world.billing.getWallet(fan)).availableCoins);
    const payees = async (): Promise<bigint> => (await unpaid(world.owner.accountId)) + (await unpaid(world.agency.accountId)) + (await unpaid('platform'));
    const expense = (): Promise<bigint> => world.balance(chart.platformExpense('processor_fees', 'CNY'));
    const cash = await world.balance(chart.cashInTransit('CNY'));
    const before = { coins: await coins(), payees: await payees(), expense: await expense() };
    const on = (k: number): string => addDays(start, k);
    const part = (money: bigint): bigint => (money * 3n) / BigInt(days);
    const { refundId } = await world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId, days: [on(0), on(1), on(2)], reason: 'Silent for three days.' });
    await world.drain();
    expect(await world.royalties.getRefund(refundId)).toMatchObject({ state: 'booked', grossMinor: part(net).toString(), taxMinor: '0' });
    // 42 coins for the whole, rounded up for the fan.
    expect((await coins()) - before.coins).toBe((42n * part(net) + net - 1n) / net);
    expect(before.payees - (await payees())).toBe(part(net) - part(fee));
    expect((await expense()) - before.expense).toBe(part(fee));
    expect(await world.balance(chart.cashInTransit('CNY'))).toBe(cash);
    expect(world.sandbox.control.book().filter(({ type }) => type === 'refund')).toEqual([]);
    await world.checkBooks();
    // Once: the same days again are refused.
    await expect(world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId, days: [on(1)], reason: 'Again.' })).rejects.toMatchObject({ code: 'refund_too_large' });
    await world.moveTo(noon('2026-04-01'));
    await world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay: '2026-04-01' });
    expect([...new Set((await sources()).map(({ charge }) => charge))]).toEqual([(await charges())[1]]);
  });

  it('of a month whose pack a bank took back, whole or in part, come back for no day that the bank has given', async () => {
    const months: { name: string; periodId: string; start: string; charge: string }[] = [];
    for (const name of ['tao', 'bo']) {
      const fan = world.fan(name);
      const { checkoutUrl } = await world.billing.buyCoins(fan, world.key('buyCoins'), { pack: 'friend' });
      expect(await world.pay(checkoutUrl)).toBe(303);
      await world.drain();
      await world.billing.buyPrepaidMonth(fan, world.key('month'), { cloneId: world.cloneId, tierId });
      const [period] = await world.db.asOwner<{ id: string; start: string; charge: string }>(
        `SELECT p.id, start_day::text AS start, l.stripe_charge AS charge FROM subscription_period p JOIN coin_lot l USING (account_id) WHERE account_id = $1`, [fan.accountId]);
      months.push({ name, periodId: period!.id, start: period!.start, charge: period!.charge });
    }
    await world.moveTo(noon(months[0]!.start, 40));
    await world.run(addDays(months[0]!.start, 40));
    const [whole, half] = months;
    for (const [month, amountMinor] of [[whole, 600n], [half, 300n]] as const) {
      await world.sandbox.control.closeDispute(await world.sandbox.control.openDispute(month!.charge, { amountMinor }), 'lost');
      await world.drain();
    }
    const coins = async (name: string): Promise<string> => (await world.billing.getWallet(world.fan(name))).availableCoins;
    const returned = (month: typeof whole, days: number): Promise<unknown> => world.royalties.refundGoodwill(
      world.operator.actor, world.key('refundGoodwill'), { periodId: month!.periodId, days: Array.from({ length: days }, (_, day) => addDays(month!.start, day)), reason: 'Silent.' });
    await expect(returned(whole, 1)).rejects.toMatchObject({ code: 'refund_too_large' });
    expect([await coins('tao'), (await world.billing.getWallet(world.fan('tao'))).debtMinor]).toEqual(['0', '27']);
    // 21 of 42 coins cost 299 of the 300 that the bank took, 283 of them the price: of 567 the other 284 are the fan's to get back.
    const losses = await world.balance(chart.platformExpense('dispute_losses', 'CNY'));
    await expect(returned(half, 16)).rejects.toMatchObject({ code: 'refund_too_large', extra: { limitMinor: '284' } });
    await returned(half, 15);
    await world.drain();
    // ⌈42 × 274 / 567⌉ = 21 coins. The fee of the lost ones and the cent beyond them are owed, less than a coin.
    expect([await coins('bo'), (await world.billing.getWallet(world.fan('bo'))).debtMinor]).toEqual(['21', '14']);
    expect(await world.balance(chart.platformExpense('dispute_losses', 'CNY'))).toBe(losses);
    await world.checkBooks();
    await expect(world.db.asApp(`UPDATE coin_loss SET dispute_id = dispute_id`)).rejects.toThrow(/permission denied/);
    const again = `INSERT INTO coin_loss (dispute_id, spend_id, lot_id, coins_lost) SELECT d.id, spend_id, p.lot_id, p.given FROM coin_spend_part p JOIN dispute d USING (lot_id) WHERE p.given <> '{}'`;
    await expect(world.db.asApp(again)).rejects.toThrow(/not spent by|duplicate key/);
  });
});

describe('money that was there before', () => {
  it('stands as it stood after today\'s migrations, and goes on', async () => {
    const older = await openOlderDatabase(`upgrade_money_${process.pid}`, BEFORE_DISPUTES_WERE_CLAIMED_ANEW);
    try {
      await older.source.destroy();
      const filled = await fillFrom(world.db.superuserUrl, older.superuserUrl);
      expect(filled.map(({ table }) => table)).toEqual(expect.arrayContaining([
        'account', 'clone', 'coin_lot', 'coin_restore', 'coin_spend', 'coin_spend_part', 'dispute', 'goodwill_refund', 'ledger_entry', 'ledger_transfer', 'refund', 'royalty_pot',
        'royalty_pot_leg', 'royalty_run_entry', 'split', 'statement', 'statement_line', 'subscription', 'subscription_period', 'tier',
      ]));
      expect((await migrate(older.ownerUrl)).length).toBeGreaterThan(15);
      const [then, now] = [new pg.Client({ connectionString: world.db.superuserUrl }), new pg.Client({ connectionString: older.superuserUrl })];
      await Promise.all([then.connect(), now.connect()]);
      try {
        for (const common of filled) expect([common.table, await rowsText(now, common)]).toEqual([common.table, await rowsText(then, common)]);
      } finally {
        await Promise.all([then.end(), now.end()]);
      }
      const database = await connect({ url: older.appUrl, poolSize: 4 });
      const { runTx } = database;
      try {
        const ledger = makeLedger({ runTx, ids: world.ids });
        const trial = await ledger.getTrialBalance();
        expect(trial.currencies).toEqual((await world.ledger.getTrialBalance()).currencies);
        // Coins that were bought then are held, given back and spent now.
        const { accountId } = world.fan('wu');
        const holds = makeCoinHolds({ ids: world.ids, ledger });
        const held = (outputId: string): Promise<{ holdId: string; leftCoins: bigint }> =>
          runTx((tx) => holds.holdCoins(tx, { accountId, cloneId: world.cloneId, tierId, outputId, coins: 2n, at: world.clock.now() }));
        const { holdId, leftCoins } = await held('out_after_1');
        await runTx((tx) => holds.voidCoins(tx, holdId, { reason: 'render_failed', at: world.clock.now() }));
        const again = await held('out_after_2');
        expect(again.leftCoins).toBe(leftCoins);
        await runTx((tx) => holds.captureCoins(tx, again.holdId, { releaseId: 'rel_after', at: world.clock.now() }));
        await ledger.sequence();
        expect((await ledger.verify()).problems).toEqual([]);
      } finally {
        await database.close();
      }
    } finally {
      await older.drop();
    }
  });
});

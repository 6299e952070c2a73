import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { chart } from '../../src/ledger/index.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { refusal } from './refusal.ts';
import { CLONE, openWorld, type World } from './support.ts';

let world: World;
let tierId: string;
beforeAll(async () => {
  world = await openWorld({ poolSize: 20 });
  tierId = await world.tier();
});
afterAll(async () => {
  await world.close();
});

/** A pack that was paid for at the page. */
async function bought(fan: Actor, pack = 'friend'): Promise<void> {
  const { checkoutUrl } = await world.billing.buyCoins(fan, world.key('buyCoins'), { pack });
  expect(await world.pay(checkoutUrl)).toBe(303);
  await world.drain();
  // Lots are told apart by the second in which they were bought.
  world.clock.advance(1_000);
}

const hold = (fan: Actor, outputId: string, coins: bigint): Promise<{ holdId: string; leftCoins: bigint }> =>
  world.tx((tx) => world.billing.holdCoins(tx, { accountId: fan.accountId, cloneId: CLONE, tierId, outputId, coins, at: world.clock.now() }));
const capture = (holdId: string, releaseId: string): Promise<void> => world.tx((tx) => world.billing.capture(tx, holdId, { releaseId, at: world.clock.now() }));
const giveBack = (holdId: string): Promise<void> => world.tx((tx) => world.billing.void(tx, holdId, { reason: 'render_failed', at: world.clock.now() }));

/** Wallets and lots say what the ledger says, coin by coin and cent by cent. */
async function checkCoins(): Promise<void> {
  await world.checkBooks();
  const [sums] = await world.db.asOwner<Record<string, string>>(`
    SELECT coalesce(sum(left_net_minor), 0)::bigint AS net, coalesce(sum(left_fee_minor), 0)::bigint AS fee, coalesce(sum(left_coins), 0)::bigint AS coins,
      (SELECT coalesce(sum(net_minor), 0)::bigint FROM coin_spend WHERE state = 'held') AS held_net,
      (SELECT coalesce(sum(fee_minor), 0)::bigint FROM coin_spend WHERE state = 'held') AS held_fee,
      (SELECT coalesce(sum(coins), 0)::bigint FROM coin_spend WHERE state = 'held') AS held_coins FROM coin_lot`);
  const [net, fee, coins, heldNet, heldFee, heldCoins] = ['net', 'fee', 'coins', 'held_net', 'held_fee', 'held_coins'].map((name) => BigInt(sums![name]!));
  expect(await world.balance(chart.coinDeferred('CNY'))).toBe(-net!);
  expect(await world.balance(chart.coinDeferredHeld('CNY'))).toBe(-heldNet!);
  expect(await world.balance(chart.coinDeferredFees('CNY'))).toBe(fee! + heldFee!);
  expect(await world.balance(chart.coinsIssued())).toBe(coins! + heldCoins!);
  for (const row of await world.db.asOwner<{ account: string; left: string }>('SELECT account_id AS account, sum(left_coins)::bigint AS left FROM coin_lot GROUP BY 1')) {
    expect(await world.balance(chart.coinLiability(row.account))).toBe(-BigInt(row.left));
  }
}

describe('a pack', () => {
  it('becomes a lot once, however often and in whatever order the processor tells of it', async () => {
    const fan = world.fan('mei');
    world.sandbox.control.holdDeliveries();
    const purchase = await world.billing.buyCoins(fan, world.key('buyCoins'), { pack: 'friend' });
    expect(purchase).toMatchObject({ coins: '42', priceMinor: '600', currency: 'CNY', state: 'checkout' });
    expect((await world.billing.getWallet(fan)).purchases).toMatchObject([{ purchaseId: purchase.purchaseId }]);
    expect(await world.pay(purchase.checkoutUrl)).toBe(303);
    world.sandbox.control.releaseDeliveries({ order: 'reverse', times: 3 });
    await world.drain();
    // Of 600 the tax is ⌊600 × 600 / 10600⌋ = 33; the processor kept 27.
    expect(await world.billing.getWallet(fan)).toMatchObject({
      availableCoins: '42', heldCoins: '0', debtMinor: '0', purchases: [], lots: [{ coins: '42', leftCoins: '42', costMinor: '600', leftMinor: '600', state: 'open' }],
    });
    expect(await world.balance(chart.coinLiability(fan.accountId))).toBe(-42n);
    expect(await world.balance(chart.coinDeferred('CNY'))).toBe(-567n);
    expect(await world.balance(chart.taxPayable('CNY'))).toBe(-33n);
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(0n);
    await checkCoins();
  });

  it.each(['charge.succeeded', 'checkout.session.completed'])('is booked when only %s arrives', async (only) => {
    const fan = world.fan('li');
    const before = BigInt((await world.billing.getWallet(fan)).availableCoins);
    const { checkoutUrl } = await world.billing.buyCoins(fan, world.key('buyCoins'), { pack: 'small' });
    world.sandbox.control.holdDeliveries();
    await world.pay(checkoutUrl);
    world.sandbox.control.releaseDeliveries();
    await world.sandbox.control.idle();
    await world.db.asOwner(`DELETE FROM job WHERE topic = 'billing.applyEvent' AND payload->>'type' <> $1`, [only]);
    await world.drain();
    expect((await world.billing.getWallet(fan)).availableCoins).toBe((before + 70n).toString());
  });

  it('that nobody sells is refused, and one that nobody pays is nobody\'s', async () => {
    const fan = world.fan('eve');
    expect(await refusal(world.billing.buyCoins(fan, world.key('buyCoins'), { pack: 'huge' }))).toBe('pack_unknown');
    await world.billing.buyCoins(fan, world.key('buyCoins'), { pack: 'friend' });
    await world.moveTo('2026-03-03T02:00:00Z');
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '0', lots: [] });
  });
});

describe('a hold', () => {
  it('takes named coins oldest lot first, gives the same back at the same basis, and is spent once', async () => {
    const fan = world.fan('wu');
    await bought(fan);
    await bought(fan, 'small');
    const first = await hold(fan, 'out_1', 40n);
    expect(first.leftCoins).toBe(72n);
    expect(await hold(fan, 'out_1', 40n)).toEqual(first);
    const second = await hold(fan, 'out_2', 10n);
    const lots = (await world.billing.getWallet(fan)).lots;
    expect(lots.map((lot) => lot.leftCoins).sort()).toEqual(['0', '62']);
    const spends = (await world.billing.getWallet(fan)).spends;
    expect(spends.find((one) => one.spendId === second.holdId)?.lots.map((lot) => lot.coins)).toEqual(['2', '8']);
    const parts = (id: string): Promise<unknown[]> => world.db.asOwner('SELECT lot_id, taken::text, net_minor FROM coin_spend_part WHERE spend_id = $1 ORDER BY 1', [id]);
    const taken = await parts(first.holdId);
    await giveBack(first.holdId);
    await giveBack(first.holdId);
    await checkCoins();
    const again = await hold(fan, 'out_3', 40n);
    expect(await parts(again.holdId)).toEqual(taken);
    await capture(second.holdId, 'rel_2');
    await capture(second.holdId, 'rel_2');
    expect(await refusal(capture(second.holdId, 'rel_3'))).toBe('hold_state');
    expect(await refusal(giveBack(second.holdId))).toBe('hold_state');
    expect(await refusal(hold(fan, 'out_2', 10n))).toBe('hold_state');
    expect(await refusal(capture(first.holdId, 'rel_1'))).toBe('hold_state');
    expect(await refusal(hold(fan, 'out_4', 1_000n))).toBe('coins_insufficient');
    await checkCoins();
    // Of 567 for 42 coins the last two are 567 − ⌊567 × 40 / 42⌋ = 27; of 944 for 70 the first eight are ⌊944 × 8 / 70⌋ = 107. The fee's share goes along.
    const earned = await world.balance(chart.earned(CLONE, tierId, 'CNY'));
    const [spent] = await world.db.asOwner<{ net: string; fee: string }>('SELECT net_minor AS net, fee_minor AS fee FROM coin_spend WHERE id = $1', [second.holdId]);
    expect(spent!.net).toBe('134');
    expect(earned).toBe(BigInt(spent!.fee) - BigInt(spent!.net));
    const [entry] = await world.db.asOwner<{ metadata: Record<string, string> }>(`SELECT metadata FROM ledger_transfer WHERE kind = 'billing.coins_spent'`);
    expect(entry!.metadata).toMatchObject({ cloneId: CLONE, tierId, outputId: 'out_2', releaseId: 'rel_2', fromDay: '2026-03-03', throughDay: '2026-03-03', feeMinor: spent!.fee });
  });

  it('never spends a coin twice of 1,000 requests at once on one wallet', async () => {
    const fan = world.fan('crowd');
    await bought(fan, 'work');
    await bought(fan, 'small');
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => refusal(hold(fan, `out_crowd_${i}`, 3n))));
    expect(answers.filter((code) => code === 'none')).toHaveLength(93);
    expect(answers.filter((code) => code === 'coins_insufficient')).toHaveLength(907);
    const [twice] = await world.db.asOwner<{ count: number }>(`
      SELECT count(*)::int AS count FROM coin_spend_part a JOIN coin_spend_part b ON a.lot_id = b.lot_id AND a.spend_id < b.spend_id AND a.taken && b.taken
      JOIN coin_spend s ON s.id = a.spend_id JOIN coin_spend t ON t.id = b.spend_id WHERE s.state <> 'voided' AND t.state <> 'voided'`);
    expect(twice!.count).toBe(0);
    const holds = await world.db.asOwner<{ id: string }>(`SELECT id FROM coin_spend WHERE account_id = $1`, [fan.accountId]);
    await Promise.all(holds.map(({ id }, i) => (i % 3 === 0 ? giveBack(id) : capture(id, `rel_c${i}`))));
    expect((await world.billing.getWallet(fan)).availableCoins).toBe('94');
    await checkCoins();
  }, 60_000);
});

describe('unspent coins', () => {
  it('are paid back, each lot by its own charge, never more than what is left of it', async () => {
    const fan = world.fan('a');
    await bought(fan);
    await bought(fan, 'small');
    const { holdId } = await hold(fan, 'out_a', 50n);
    const other = world.fan('b');
    await bought(other);
    const [foreign] = (await world.billing.getWallet(other)).lots;
    expect(await refusal(world.billing.returnCoins(fan, world.key('return'), { lotIds: [foreign!.lotId] }))).toBe('not_found');
    const key = world.key('return');
    const { returns } = await world.billing.returnCoins(fan, key, {});
    expect(await world.billing.returnCoins(fan, key, {})).toEqual({ returns });
    // 8 of the 70 are held: the other 62 cost 1000 less ⌊944 × 8 / 70⌋ and ⌊56 × 8 / 70⌋.
    expect(returns).toMatchObject([{ coins: '62', amountMinor: (1000n - 107n - 6n).toString(), state: 'pending' }]);
    expect(await refusal(world.billing.returnCoins(fan, world.key('return'), {}))).toBe('coins_not_returnable');
    await world.drain();
    expect((await world.billing.getWallet(fan)).returns).toMatchObject([{ state: 'succeeded', amountMinor: '887' }]);
    await giveBack(holdId);
    await world.billing.returnCoins(fan, world.key('return'), {});
    await world.drain();
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '0', heldCoins: '0' });
    const paid = world.sandbox.control.book().filter((entry) => entry.type === 'refund').reduce((sum, entry) => sum - entry.amountMinor, 0n);
    expect(paid).toBe(1600n);
    await checkCoins();
  });

  it('are in the wallet again when the processor will not pay them back', async () => {
    const fan = world.fan('c');
    await bought(fan);
    const { refund } = world.provider;
    world.provider.refund = async ({ refundId, chargeId, amountMinor }) => ({ stripeRefundId: null, refundId, state: 'failed', failure: 'charge_disputed', chargeId, amountMinor, settled: null, returned: null });
    await world.billing.returnCoins(fan, world.key('return'), {});
    await world.drain();
    world.provider.refund = refund;
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '42', returns: [{ state: 'failed', failure: 'charge_disputed' }] });
    await checkCoins();
  });
});

describe('a return that is on its way when its payment is disputed', () => {
  it.each([
    ['slow', 'and fails: its coins are claimed with the rest'], ['raw', 'and has not been sent when it is lost: that is found out first'],
  ])('%s: %s', async (name) => {
    const fan = world.fan(name);
    await bought(fan, 'small');
    const losses = (): Promise<bigint> => world.balance(chart.platformExpense('dispute_losses', 'CNY'));
    const before = await losses();
    const [{ charge } = { charge: '' }] = await world.db.asOwner<{ charge: string }>('SELECT stripe_charge AS charge FROM coin_lot WHERE account_id = $1', [fan.accountId]);
    const { control } = world.sandbox;
    control.holdDeliveries();
    await world.billing.returnCoins(fan, world.key('return'), {});
    const id = await control.openDispute(charge, { amountMinor: 1_000n });
    await world.told('charge.dispute.created', id);
    const claim = async (): Promise<string | undefined> => (await world.billing.listDisputes(10)).disputes.find(({ disputeId }) => disputeId === id)?.claimMinor;
    expect(await claim()).toBe('0');
    if (name === 'slow') {
      await world.drain();
      expect(await claim()).toBe('1000');
      expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '0', disputedCoins: '70', returns: [{ state: 'failed' }] });
    }
    await control.closeDispute(id, 'lost');
    await world.told('charge.dispute.closed', id);
    control.releaseDeliveries();
    await world.drain();
    expect(await world.billing.getWallet(fan)).toMatchObject({ availableCoins: '0', disputedCoins: '0', heldCoins: '0', debtMinor: '0', lots: [{ state: 'lost', leftCoins: '0' }] });
    expect([await losses(), await world.balance(chart.disputesPending('CNY'))]).toEqual([before, 0n]);
    await checkCoins();
  });
});

describe('PostgreSQL refuses', () => {
  const someLot = async (): Promise<string> => (await world.db.asOwner<{ id: string }>(`SELECT id FROM coin_lot WHERE left_coins > 5 LIMIT 1`))[0]!.id;

  it('a lot below zero, basis in an empty lot, and coins of nowhere, also to the owner of the tables', async () => {
    const id = await someLot();
    const set = (text: string): Promise<unknown> => world.db.asOwner(`UPDATE coin_lot SET ${text} WHERE id = '${id}'`);
    await expect(set('left_coins = -1')).rejects.toThrow(/coin_lot_/);
    await expect(set(`left_coins = 0, free = '{}'`)).rejects.toThrow(/coin_lot_/);
    await expect(set(`left_coins = 0, free = '{}', left_net_minor = 1, left_tax_minor = 0, left_fee_minor = 0`)).rejects.toThrow(/coin_lot_/);
    await expect(set('left_net_minor = left_net_minor + 1')).rejects.toThrow(/coin_lot_adds_up/);
    await expect(set(`free = int8multirange(int8range(0, coins + 1))`)).rejects.toThrow(/coin_lot_adds_up/);
    for (const text of ['left_coins = 0', 'coins = 9999', `free = '{}'`]) await expect(world.db.asApp(`UPDATE coin_lot SET ${text}`)).rejects.toThrow(/permission denied/);
    for (const table of ['coin_lot', 'coin_spend', 'coin_spend_part', 'coin_restore', 'coin_loss', 'coin_return']) {
      await expect(world.db.asApp(`DELETE FROM ${table}`)).rejects.toThrow(/permission denied/);
    }
    await expect(world.db.asOwner(`DELETE FROM coin_lot`)).rejects.toThrow(/refused/);
  });

  it('coins in the ledger without their money', async () => {
    const alone = world.tx((tx) => world.ledger.post(tx, {
      key: 'coins alone', kind: 'test.alone', effectiveDate: '2026-03-03', metadata: {},
      legs: [{ account: chart.coinsIssued(), amountMinor: 7n }, { account: chart.coinLiability('acc_eve'), amountMinor: -7n }],
    }));
    await expect(alone).rejects.toThrow(/only with their money/);
  });

  it('a spend without its twin, of other coins than it says, or of coins that are gone', async () => {
    const id = await someLot();
    const [{ account } = { account: '' }] = await world.db.asOwner<{ account: string }>('SELECT account_id AS account FROM coin_lot WHERE id = $1', [id]);
    const [{ transfer } = { transfer: '' }] = await world.db.asOwner<{ transfer: string }>(`SELECT id AS transfer FROM ledger_transfer WHERE kind = 'billing.invoice_paid' OR kind = 'billing.coins_bought' ORDER BY seq DESC LIMIT 1`);
    const spend = (net: string, parts: string): string => `BEGIN;
      INSERT INTO coin_spend (id, account_id, purpose, coins, net_minor, tax_minor, fee_minor, held_transfer, held_at) VALUES ('hld_x', '${account}', 'return', 1, ${net}, 0, 0, '${transfer}', now());
      ${parts}; COMMIT`;
    const part = (taken: string, net: string): string => `INSERT INTO coin_spend_part (spend_id, lot_id, taken, coins, net_minor, tax_minor, fee_minor)
      SELECT 'hld_x', id, ${taken}, 1, ${net}, coin_share(tax_minor, coins, ${taken}), coin_share(fee_minor, coins, ${taken}) FROM coin_lot WHERE id = '${id}'`;
    const last = `(SELECT int8multirange(int8range(max(upper(r)) - 1, max(upper(r)))) FROM coin_lot l, unnest(l.free) r WHERE l.id = '${id}')`;
    await expect(world.db.asApp(spend('1', 'SELECT 1'))).rejects.toThrow(/not what it took/);
    await expect(world.db.asApp(spend('99', part(last, '99')))).rejects.toThrow(/another basis/);
    await expect(world.db.asApp(spend('13', part(`'{[900,901)}'::int8multirange`, '13')))).rejects.toThrow(/has not these coins/);
    const [{ net } = { net: '' }] = await world.db.asOwner<{ net: string }>(`SELECT coin_share(net_minor, coins, ${last}) AS net FROM coin_lot WHERE id = '${id}'`);
    await expect(world.db.asApp(spend(net, part(last, net)))).rejects.toThrow(/not what it took|without their money/);
    await expect(world.db.asApp(`INSERT INTO coin_lot (id, account_id, purchase_id, stripe_charge, coins, currency, net_minor, tax_minor, fee_minor, settled_currency, settled_net_minor, bought_at)
      SELECT 'lot_x', account_id, id, 'ch_x', 42, 'CNY', 567, 33, 27, 'CNY', 573, now() FROM coin_purchase WHERE state = 'checkout' OR state = 'expired' LIMIT 1`)).rejects.toThrow(/no purchase in the ledger/);
    await expect(world.db.asApp(`UPDATE coin_spend SET state = 'held' WHERE state = 'captured'`)).rejects.toThrow(/already|check/);
    await checkCoins();
  });
});

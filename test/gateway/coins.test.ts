import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { coinsBought } from '../../src/billing/coin-postings.ts';
import * as store from '../../src/billing/coin-store.ts';
import { makeLedger } from '../../src/ledger/index.ts';
import { codeOf, type GatewayWorld, openGatewayWorld, type Person } from './world.ts';

let own: GatewayWorld;
let stranger: Person;
let tierId: string;

/** A pack that was paid for. The page and its webhook are billing's own tests. */
async function coins(person: Person, count: bigint): Promise<void> {
  const { clock, database: { runTx } } = own.world;
  const { ids } = own.deps;
  const { accountId } = person.actor;
  const priceMinor = count * 100n / 7n;
  const purchase = { id: ids.next('coinPurchase'), accountId, pack: 'test', coins: count, priceMinor, currency: 'CNY', createdAt: clock.now() } as const;
  const lot = {
    id: ids.next('coinLot'), accountId, purchaseId: purchase.id, stripeCharge: `ch_${purchase.id}`, coins: count, netMinor: priceMinor - 10n, taxMinor: 10n, feeMinor: 27n,
    billingCountry: 'CN', boughtAt: clock.now(),
  };
  await runTx(async (tx) => {
    await store.insertPurchase(tx, purchase);
    await makeLedger({ runTx, ids }).post(tx, coinsBought({ ...lot, settled: { currency: 'CNY', amountMinor: priceMinor - 27n }, day: '2026-03-01' }));
    await store.insertLot(tx, { ...lot, settledCurrency: 'CNY', settledNetMinor: priceMinor - 27n });
  });
}

const wallet = async (person: Person): Promise<[available: string, held: string]> => {
  const { availableCoins, heldCoins } = await own.billing.getWallet(person.actor);
  return [availableCoins, heldCoins];
};
const price = (count: string, withoutSubscription: boolean): Promise<unknown> =>
  own.billing.priceOutput(own.owner.actor, own.world.key(), { cloneId: own.cloneId, tierId, coins: count, withoutSubscription });

beforeAll(async () => {
  own = await openGatewayWorld('coins');
  stranger = await own.person('A stranger', 'CN');
  ({ id: tierId } = (await own.world.database.asOwner<{ id: string }>(`SELECT id FROM tier WHERE clone_id = $1 AND name = 'friend'`, [own.cloneId]))[0]!);
  await coins(stranger, 42n);
});
afterAll(async () => await own.close());

describe('an output for coins', () => {
  it('is nobody\'s where the owner asks for none, and only she prices it', async () => {
    expect(await codeOf(own.ask({ maxCoins: '10' }, stranger))).toBe('denied');
    expect(await codeOf(own.billing.priceOutput(stranger.actor, own.world.key(), { cloneId: own.cloneId, tierId, coins: '5', withoutSubscription: true }))).toBe('not_found');
    for (const [coinsAsked, code] of [['-1', 'money_out_of_range'], ['1.5', 'money_malformed'], ['1e3', 'money_malformed'], ['1000001', 'money_out_of_range']] as const) {
      expect(await codeOf(price(coinsAsked, true))).toBe(code);
    }
    await price('5', true);
    expect((await own.billing.listOutputPrices(own.cloneId)).prices).toMatchObject([{ tierId, tierName: 'friend', coins: '5', withoutSubscription: true }]);
  });

  it('is held for what the fan would pay and no more, spent with the release, and earned that day', async () => {
    expect(await codeOf(own.ask({}, stranger))).toBe('denied');
    expect(await codeOf(own.ask({ maxCoins: '4' }, stranger))).toBe('denied');
    const { outputId, left } = await own.ask({ maxCoins: '5' }, stranger);
    expect([left, ...await wallet(stranger)]).toEqual([null, '37', '5']);
    await own.drain();
    expect((await own.gateway.getOutput(stranger.actor, outputId)).state).toBe('released');
    expect(await wallet(stranger)).toEqual(['37', '0']);
    const [earned] = await own.world.database.asOwner<{ metadata: { outputId: string } }>(`SELECT metadata FROM ledger_transfer WHERE kind = 'billing.coins_spent'`);
    expect(earned!.metadata.outputId).toBe(outputId);
  });

  it('gives the same coins back when it is stopped, refused or cannot be made', async () => {
    const free = (): Promise<unknown> => own.world.database.asOwner('SELECT id, free::text FROM coin_lot ORDER BY id');
    const before = await free();
    const { outputId } = await own.ask({ maxCoins: '5' }, stranger);
    expect(await free()).not.toEqual(before);
    await own.shut('clone', 'paused');
    await own.drain();
    expect((await own.gateway.getOutput(stranger.actor, outputId)).state).toBe('voided');
    expect(await free()).toEqual(before);
    await own.reopen('clone');
    expect(await codeOf(own.ask({ maxCoins: '5', purpose: 'advertising' }, stranger))).toBe('denied');
    expect(await free()).toEqual(before);
  });

  it('is taken only where the quota is used up', async () => {
    const fan = await own.person('A fan of one output', 'CN');
    await own.subscribe(fan, 1);
    await coins(fan, 7n);
    expect((await own.ask({ maxCoins: '5' }, fan)).left).toBe(0);
    expect(await wallet(fan)).toEqual(['7', '0']);
    expect((await own.ask({ maxCoins: '5' }, fan)).left).toBeNull();
    expect(await wallet(fan)).toEqual(['2', '5']);
    expect(await codeOf(own.ask({ maxCoins: '5' }, fan))).toBe('coins_insufficient');
    expect(await codeOf(own.ask({}, fan))).toBe('quota_exhausted');
    await price('0', true);
    expect(await codeOf(own.ask({ maxCoins: '5' }, fan))).toBe('quota_exhausted');
    await own.drain();
  });
});

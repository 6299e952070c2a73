import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { COIN_PRICE } from './coin-postings.ts';
import { type CoinHolds, makeCoinHolds } from './coin-holds.ts';
import { type CoinMonths, makeCoinMonths } from './coin-months.ts';
import { makeOutputPrices, type OutputPrices } from './output-prices.ts';
import { payDebtOf } from './coin-debt-payments.ts';
import { owedBy } from './coin-debts.ts';
import { type CoinPack, loadPacks } from './coin-packs.ts';
import { type CoinPurchases, makeCoinPurchases } from './coin-purchases.ts';
import * as returns from './coin-return-store.ts';
import { type CoinReturns, makeCoinReturns, returnView } from './coin-returns.ts';
import * as store from './coin-store.ts';
import { lotView, purchaseView, spendView, type WalletView } from './coin-views.ts';
import type { BillingDeps } from './deps.ts';

/** Coins (冰花): bought in packs, kept as lots, spent oldest first, returned where unspent. */
export interface Coins extends CoinPurchases, CoinHolds, CoinReturns, CoinMonths, OutputPrices {
  getWallet: (actor: Actor) => Promise<WalletView>;
  /** Unspent coins pay what a lost dispute left owing, oldest first. Refuses `coins_insufficient`. */
  payDebt: (actor: Actor, key: IdempotencyKey) => Promise<WalletView>;
}

const SHOWN = 100;

function makeWallet(deps: BillingDeps): Pick<Coins, 'getWallet' | 'payDebt'> {
  const { runTx, ledger } = deps;
  const getWallet: Coins['getWallet'] = ({ accountId }) => runTx(async (tx) => {
    const sums = await store.walletSums(tx, accountId);
    const spends: WalletView['spends'] = [];
    for (const spend of await store.spendsOf(tx, accountId, SHOWN)) spends.push(spendView(spend, await store.partsOf(tx, spend.id)));
    const back: WalletView['returns'] = [];
    for (const row of await returns.returnsOf(tx, accountId, SHOWN)) back.push(returnView(row, (await store.findSpend(tx, row.spendId))?.coins ?? 0n));
    return {
      availableCoins: sums.availableCoins.toString(), heldCoins: sums.heldCoins.toString(), disputedCoins: sums.disputedCoins.toString(),
      debtMinor: (await ledger.balance(tx, owedBy(accountId))).toString(), currency: COIN_PRICE,
      lots: (await store.lotsOf(tx, accountId, SHOWN)).map(lotView), spends, returns: back,
      purchases: (await store.openPurchases(tx, accountId)).map(purchaseView),
    };
  });
  return {
    getWallet,
    async payDebt(actor, key) {
      await payDebtOf(deps, actor, key);
      return await getWallet(actor);
    },
  };
}

/** `onVoided` is told of coins that came back from a hold, in the same transaction. */
export function makeCoins(deps: BillingDeps, onVoided: (tx: Tx, spend: store.SpendRow) => Promise<void>, packs: readonly CoinPack[] = loadPacks()): Coins {
  return { ...makeCoinPurchases(deps, packs), ...makeCoinHolds({ ...deps, onVoided }), ...makeCoinReturns({ ...deps, onVoided }), ...makeCoinMonths(deps), ...makeOutputPrices(deps), ...makeWallet(deps) };
}

import type { components } from '../../contracts/generated/api.ts';
import type { LotRow, PurchaseRow, SpendRow } from './coin-store.ts';
import type { CoinPack } from './coin-packs.ts';

export type CoinPackView = components['schemas']['CoinPack'];
export type CoinPurchaseView = components['schemas']['CoinPurchase'];
export type WalletView = components['schemas']['Wallet'];
export type OutputPriceView = components['schemas']['OutputPrice'];
export type CoinReturnView = components['schemas']['CoinReturn'];

export function packView({ pack, coins, priceMinor, currency }: CoinPack): CoinPackView {
  return { pack, coins: coins.toString(), priceMinor: priceMinor.toString(), currency };
}

export function purchaseView(row: PurchaseRow): CoinPurchaseView {
  return {
    purchaseId: row.id, pack: row.pack, coins: row.coins.toString(), priceMinor: row.priceMinor.toString(), currency: row.currency, state: row.state,
    checkoutUrl: row.state === 'checkout' ? row.checkoutUrl : null, createdAt: row.createdAt.toISOString(),
  };
}

export function lotView(lot: LotRow): WalletView['lots'][number] {
  return {
    lotId: lot.id, coins: lot.coins.toString(), leftCoins: lot.leftCoins.toString(), costMinor: (lot.netMinor + lot.taxMinor).toString(),
    leftMinor: (lot.leftNetMinor + lot.leftTaxMinor).toString(), state: lot.state, boughtAt: lot.boughtAt.toISOString(),
  };
}

export function spendView(row: SpendRow, lots: readonly { lotId: string; coins: bigint }[]): WalletView['spends'][number] {
  return {
    spendId: row.id, purpose: row.purpose, state: row.state, coins: row.coins.toString(), cloneId: row.cloneId, tierId: row.tierId, outputId: row.outputId,
    lots: lots.map(({ lotId, coins }) => ({ lotId, coins: coins.toString() })), heldAt: row.heldAt.toISOString(), settledAt: row.settledAt?.toISOString() ?? null,
  };
}

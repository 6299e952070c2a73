import { mulDivFloor } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import { COIN_PRICE, coinsBought } from './coin-postings.ts';
import type { PackFacts, PackPayment } from './coin-provider.ts';
import type { CoinPack } from './coin-packs.ts';
import * as store from './coin-store.ts';
import { type CoinPackView, type CoinPurchaseView, packView, purchaseView } from './coin-views.ts';
import { customerFor } from './customers.ts';
import type { BillingDeps } from './deps.ts';
import { taxIncluded } from './model.ts';
import type { ChargeFacts } from './provider.ts';

/** Packs, and the way from one to a lot of coins. */
export interface CoinPurchases {
  listCoinPacks: () => Promise<{ packs: CoinPackView[] }>;
  /** Opens a page to pay at. Refuses `pack_unknown`, `payment_failed`. */
  buyCoins: (actor: Actor, key: IdempotencyKey, input: { pack: string }) => Promise<CoinPurchaseView>;
  /** Job: opens the page of a purchase whose request died before it did. */
  openPackCheckout: (purchaseId: string) => Promise<void>;
  /** Books what the processor says of a page or a payment; answers false when it is not of coins. */
  applyPack: (sessionId: string | null, facts: PackFacts | null) => Promise<boolean>;
}

/** A request that still lives has opened its own page by then. */
const CHECKOUT_FALLBACK_MS = 60_000;

/** The fee in the currency of sale; when it was settled in another one, its share of the sale rounded up, so never understated. */
export function feeInSaleCurrency(sale: { currency: string; amountMinor: bigint }, charge: ChargeFacts): bigint {
  if (charge.settledCurrency === sale.currency) return charge.feeMinor;
  if (charge.settledGrossMinor <= 0n) throw new Error('A charge settled to nothing.');
  return mulDivFloor(charge.feeMinor, sale.amountMinor, charge.settledGrossMinor)
    + (charge.feeMinor * sale.amountMinor % charge.settledGrossMinor === 0n ? 0n : 1n);
}

/** Books a paid pack once: its lot, and its ledger transfer. */
async function bookPack(tx: Tx, deps: BillingDeps, purchaseId: string, payment: PackPayment): Promise<boolean> {
  const purchase = await store.lockPurchase(tx, purchaseId);
  if (purchase === null) return false;
  if (payment.currency !== purchase.currency || payment.amountMinor !== purchase.priceMinor) {
    throw new Error(`Purchase ${purchaseId} was paid with ${payment.amountMinor} ${payment.currency} and costs ${purchase.priceMinor}.`);
  }
  const { id, accountId, coins, priceMinor } = purchase;
  const taxMinor = payment.taxMinor ?? taxIncluded(priceMinor, deps.settings.taxRateBasisPoints);
  const lot = {
    id: deps.ids.next('coinLot'), accountId, purchaseId: id, stripeCharge: payment.chargeId, coins, netMinor: priceMinor - taxMinor, taxMinor,
    feeMinor: feeInSaleCurrency(payment, payment), billingCountry: payment.billingCountry, boughtAt: payment.paidAt,
  };
  const settled = { currency: payment.settledCurrency, amountMinor: payment.settledNetMinor };
  if (!(await store.insertLot(tx, { ...lot, settledCurrency: settled.currency, settledNetMinor: settled.amountMinor }))) return true;
  await deps.ledger.post(tx, coinsBought({ ...lot, settled, day: dayOf(payment.paidAt) }));
  await store.endPurchase(tx, id, 'paid');
  return true;
}

export function makeCoinPurchases(deps: BillingDeps, packs: readonly CoinPack[]): CoinPurchases {
  const { runTx, clock, ids, provider } = deps;

  async function openPackCheckout(purchaseId: string): Promise<void> {
    const purchase = await runTx((tx) => store.findPurchase(tx, purchaseId));
    if (purchase?.state !== 'opening') return;
    const customerId = await customerFor(deps, purchase.accountId);
    const { coins, priceMinor, currency } = purchase;
    const session = await provider.openPackCheckout({ purchaseId, customerId, coins, priceMinor, currency });
    await runTx((tx) => store.putPage(tx, purchaseId, session));
  }

  async function begin(tx: Tx, actor: Actor, input: { pack: string }): Promise<{ purchaseId: string }> {
    const pack = packs.find((one) => one.pack === input.pack);
    if (pack === undefined) throw new Refusal('pack_unknown', 'There is no pack of coins of this name.');
    const at = clock.now();
    const purchaseId = ids.next('coinPurchase');
    await store.insertPurchase(tx, {
      id: purchaseId, accountId: actor.accountId, pack: pack.pack, coins: pack.coins, priceMinor: pack.priceMinor, currency: COIN_PRICE, createdAt: at,
    });
    await enqueue(tx, {
      topic: 'billing.openPackCheckout', payload: { purchaseId }, runAt: new Date(at.getTime() + CHECKOUT_FALLBACK_MS), dedupeKey: `billing.openPackCheckout:${purchaseId}`,
    });
    return { purchaseId };
  }

  return {
    listCoinPacks: async () => ({ packs: packs.map(packView) }),

    async buyCoins(actor, key, input) {
      // Kept under the key is which purchase it made; its page is opened after the commit, with one idempotency key of ours.
      const { purchaseId } = await runTx((tx) => once(tx, key, () => begin(tx, actor, input)));
      await openPackCheckout(purchaseId);
      const row = await runTx((tx) => store.findPurchase(tx, purchaseId));
      if (row === null) throw new Error(`Purchase ${purchaseId} is gone.`);
      return purchaseView(row);
    },

    openPackCheckout,

    async applyPack(sessionId, facts) {
      const purchaseId = facts?.purchaseId ?? null;
      if (facts === null || purchaseId === null) return false;
      const row = await runTx((tx) => store.findPurchase(tx, purchaseId));
      if (row === null) return false;
      const { payment } = facts;
      if (payment !== null) return await runTx((tx) => bookPack(tx, deps, purchaseId, payment));
      // A page that is not this purchase's own was opened by a try whose answer was lost; its end means nothing.
      if (facts.status === 'expired' && row.stripeSession === sessionId) await runTx((tx) => store.endPurchase(tx, purchaseId, 'expired'));
      // Paid, and the fee not known yet: tried again.
      if (facts.status === 'complete') throw new Refusal('unavailable', 'The processor has not settled this payment yet.');
      return true;
    },
  };
}

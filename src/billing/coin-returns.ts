import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import { giveBack, reserve, traceOf } from './coin-holds.ts';
import { partOf } from './coin-model.ts';
import { coinsReturned } from './coin-postings.ts';
import * as returns from './coin-return-store.ts';
import * as store from './coin-store.ts';
import type { CoinReturnView } from './coin-views.ts';
import type { BillingDeps } from './deps.ts';
import { cameBack, checkOurs } from './owed-refunds.ts';
import type { RefundFacts } from './provider.ts';
import { askToReview } from './refunds.ts';

/** Unspent coins back to money: each lot by a refund of its own charge, never more than is left of it. */
export interface CoinReturns {
  /** All unspent coins, or those of the named lots. Refuses `coins_not_returnable`, and `not_found` for another's lot. */
  returnCoins: (actor: Actor, key: IdempotencyKey, input: { lotIds?: readonly string[] }) => Promise<{ returns: CoinReturnView[] }>;
  /** Job. */
  sendCoinReturn: (refundId: string) => Promise<void>;
  /** Books what the processor says; answers false when no return of coins has this id. Only the first final answer counts. */
  settleCoinReturn: (refundId: string, told: RefundFacts) => Promise<boolean>;
}

export function returnView(row: returns.CoinReturnRow, coins: bigint): CoinReturnView {
  return {
    refundId: row.id, lotId: row.lotId, coins: coins.toString(), amountMinor: row.grossMinor.toString(), currency: 'CNY', state: row.state,
    failure: row.failure, requestedAt: row.requestedAt.toISOString(),
  };
}

async function returnLot(tx: Tx, deps: BillingDeps, lot: store.LotRow, at: Date): Promise<CoinReturnView> {
  const part = partOf(lot, lot.free);
  const spend = await reserve(tx, deps, { accountId: lot.accountId, purpose: 'return', cloneId: null, tierId: null, outputId: null, at }, [part]);
  const row = {
    id: deps.ids.next('refund'), accountId: lot.accountId, spendId: spend.id, lotId: lot.id, stripeCharge: lot.stripeCharge,
    grossMinor: part.netMinor + part.taxMinor, requestedAt: at,
  };
  await returns.insertReturn(tx, row);
  await enqueue(tx, { topic: 'billing.sendCoinReturn', payload: { refundId: row.id }, runAt: at, dedupeKey: `billing.sendCoinReturn:${row.id}` });
  return returnView({ ...row, state: 'pending', stripeRefund: null, failure: null }, part.coins);
}

async function request(tx: Tx, deps: BillingDeps, actor: Actor, lotIds: readonly string[] | undefined): Promise<{ returns: CoinReturnView[] }> {
  await store.lockWallet(tx, actor.accountId);
  if (lotIds !== undefined) {
    const named = await store.lotsById(tx, lotIds);
    if (named.length !== new Set(lotIds).size || named.some((lot) => lot.accountId !== actor.accountId)) throw notFound();
  }
  const lots = (await store.openLots(tx, actor.accountId)).filter((lot) => lotIds?.includes(lot.id) ?? true);
  if (lots.length === 0) throw new Refusal('coins_not_returnable', 'There are no unspent coins here, or their payment is disputed.');
  const made: CoinReturnView[] = [];
  for (const lot of lots) made.push(await returnLot(tx, deps, lot, deps.clock.now()));
  return { returns: made };
}

export function makeCoinReturns(deps: BillingDeps & { onVoided: (tx: Tx, spend: store.SpendRow) => Promise<void> }): CoinReturns {
  const { runTx, clock, provider, ledger } = deps;

  async function book(tx: Tx, refundId: string, told: RefundFacts): Promise<boolean> {
    const row = await returns.lockReturn(tx, refundId);
    if (row === null) return false;
    checkOurs(row, told);
    if (row.state === 'succeeded' && told.state === 'failed') {
      await cameBack(tx, deps, { ...row, currency: 'CNY' }, told);
      return true;
    }
    if (row.state !== 'pending') {
      if (told.state !== 'pending' && told.state !== row.state) throw new Error(`Return ${row.id} is booked as ${row.state} and now ${told.state}: it must be put right by hand.`);
      return true;
    }
    if (told.state === 'pending') return true;
    const at = clock.now();
    const spend = await store.lockSpend(tx, row.spendId);
    if (spend === null) throw new Error(`Return ${row.id} has no coins.`);
    const { state, failure, settled, stripeRefundId: stripeRefund } = told;
    await returns.settleReturn(tx, row.id, { state, stripeRefund, failure, settled, at });
    if (state === 'failed') {
      await giveBack(tx, deps, spend, { reason: 'refund_failed', at });
      await deps.onVoided(tx, spend);
      await askToReview(tx, deps, row.stripeCharge, refundId);
      return true;
    }
    if (settled === null || stripeRefund === null) throw new Error(`Return ${row.id} succeeded without a movement of money.`);
    const parts = await store.partsOf(tx, spend.id);
    const { transferId } = await ledger.post(tx, coinsReturned(traceOf(spend, parts), {
      refundId, stripeRefund, charge: row.stripeCharge, settled, day: dayOf(at),
    }));
    await store.settleSpend(tx, spend.id, { state: 'captured', capturedFor: refundId, voidReason: null, transferId, at });
    return true;
  }

  const settleCoinReturn = (refundId: string, told: RefundFacts): Promise<boolean> => runTx((tx) => book(tx, refundId, told));

  return {
    returnCoins: (actor, key, { lotIds }) => runTx((tx) => once(tx, key, () => request(tx, deps, actor, lotIds))),

    async sendCoinReturn(refundId) {
      const row = await runTx((tx) => returns.findReturn(tx, refundId));
      if (row?.state !== 'pending') return;
      await settleCoinReturn(refundId, await provider.refund({ refundId, chargeId: row.stripeCharge, amountMinor: row.grossMinor }));
    },

    settleCoinReturn,
  };
}

import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { owedBy } from './coin-debts.ts';
import { giveBack, reserve, traceOf } from './coin-holds.ts';
import { countOf, firstOf, type Part, partOf, type Run } from './coin-model.ts';
import { coinsForfeited } from './coin-postings.ts';
import * as coins from './coin-store.ts';
import type { BillingDeps } from './deps.ts';

/** Unspent coins of a payment that was lost. */

type Deps = Pick<BillingDeps, 'ids' | 'ledger' | 'clock'>;

export const grossOf = (part: Pick<Part, 'netMinor' | 'taxMinor'>): bigint => part.netMinor + part.taxMinor;

/** The most of these coins that cost no more than an amount. */
export function coinsWithin(lot: coins.LotRow, runs: readonly Run[], grossMinor: bigint): Part | null {
  let low = 0n;
  let high = countOf(runs);
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (grossOf(partOf(lot, firstOf(runs, middle))) <= grossMinor) low = middle;
    else high = middle - 1n;
  }
  return low === 0n ? null : partOf(lot, firstOf(runs, low));
}

/** Takes unspent coins of a lot out of the wallet for good; answers what they had cost, tax included. */
export async function forfeit(
  tx: Tx, deps: Deps, order: { lotId: string; disputeId: string; charge: string; grossMinor: bigint; debt: string | null },
): Promise<bigint> {
  const [lot] = await coins.lotsById(tx, [order.lotId]);
  const part = lot === undefined ? null : coinsWithin(lot, lot.free, order.grossMinor);
  if (lot === undefined || part === null) return 0n;
  const at = deps.clock.now();
  const spend = await reserve(tx, deps, { accountId: lot.accountId, purpose: 'dispute', cloneId: null, tierId: null, outputId: null, at }, [part]);
  const { transferId } = await deps.ledger.post(tx, coinsForfeited(traceOf(spend, [part]), { ...order, day: dayOf(at) }));
  await coins.settleSpend(tx, spend.id, { state: 'captured', capturedFor: order.disputeId, voidReason: null, transferId, at });
  return grossOf(part);
}

/**
 * Unspent are also the coins that outputs under way hold: these are given up, the newest first, as far as a claim asks, and cost nothing. Call it
 * when nothing is free of the lot. Answers what of the claim was taken. The spends are locked before the wallet, as by whoever settles one.
 */
export async function forfeitHeld(
  tx: Tx, deps: Deps, order: { lotId: string; disputeId: string; charge: string; grossMinor: bigint; debt: string | null },
): Promise<bigint> {
  let takenMinor = 0n;
  for (const spend of await coins.lockHeldOfLot(tx, order.lotId)) {
    const [lot] = await coins.lotsById(tx, [order.lotId]);
    const part = (await coins.partsOf(tx, spend.id)).find(({ lotId }) => lotId === order.lotId);
    const restMinor = order.grossMinor - takenMinor;
    if (lot === undefined || part === undefined || lot.leftCoins > 0n || coinsWithin(lot, part.taken, restMinor) === null) break;
    await giveBack(tx, deps, spend, { reason: 'payment_lost', at: deps.clock.now() });
    takenMinor += await forfeit(tx, deps, { ...order, grossMinor: restMinor });
    // Coins of another lot that was lost before came back with these.
    await forfeitReturned(tx, deps, spend);
  }
  return takenMinor;
}

/** Coins that come back to a lot that was lost pay off the fan's debt for them; what they are worth beyond it is the fan's again. */
export async function forfeitReturned(tx: Tx, deps: Deps, spend: coins.SpendRow): Promise<void> {
  for (const { lotId } of await coins.partsOf(tx, spend.id)) {
    const [lot] = await coins.lotsById(tx, [lotId]);
    if (lot?.state !== 'lost') continue;
    const debtMinor = await deps.ledger.lockedBalance(tx, owedBy(spend.accountId));
    if (debtMinor > 0n) await forfeit(tx, deps, { lotId, disputeId: `lost:${lotId}`, charge: lot.stripeCharge, grossMinor: debtMinor, debt: spend.accountId });
    const [left] = await coins.lotsById(tx, [lotId]);
    if (left !== undefined && left.leftCoins > 0n) await coins.putLotState(tx, lotId, 'open');
  }
}

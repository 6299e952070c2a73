import { Refusal } from '../kernel/refusals.ts';
import { addDays, dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { checkNothingOwed } from './coin-debts.ts';
import { type Part, sumOf, takeCoins } from './coin-model.ts';
import { coinsReleased, coinsReserved, outputEarned, type SpendTrace } from './coin-postings.ts';
import * as store from './coin-store.ts';
import type { BillingDeps } from './deps.ts';
import type { Quota } from './quota.ts';

/** Coins for one thing, from their hold to their end. */
export interface CoinHolds {
  /** Reserves coins for an output, oldest lots first; again for the same output: the same hold. Refuses `coins_insufficient`, `debt_open`, `hold_state`. */
  holdCoins: (tx: Tx, asked: { accountId: string; cloneId: string; tierId: string; outputId: string; coins: bigint; at: Date }) => Promise<{ holdId: string; leftCoins: bigint }>;
  /** Whether a hold is one of coins. */
  isCoinHold: (tx: Tx, holdId: string) => Promise<boolean>;
  /** Spends them, in the release's own transaction. Again with the same release: nothing. Refuses `hold_state`. */
  captureCoins: Quota['capture'];
  /** Gives the same coins back at the same basis. Again: nothing. Refuses `hold_state` when they were spent. */
  voidCoins: Quota['void'];
}

type Deps = Pick<BillingDeps, 'ids' | 'ledger' | 'splitSegments'>;

export function traceOf(spend: Pick<store.SpendRow, 'id' | 'accountId' | 'cloneId' | 'tierId' | 'outputId'>, parts: readonly Part[]): SpendTrace {
  const { id: spendId, accountId, cloneId, tierId, outputId } = spend;
  return { spendId, accountId, sum: sumOf(parts), lotIds: parts.map((part) => part.lotId), cloneId, tierId, outputId };
}

/** Takes named coins out of their lots and books the hold. The wallet is locked by the caller. */
export async function reserve(
  tx: Tx, deps: Pick<Deps, 'ids' | 'ledger'>, order: Pick<store.SpendRow, 'accountId' | 'purpose' | 'cloneId' | 'tierId' | 'outputId'> & { at: Date }, parts: readonly Part[],
): Promise<store.SpendRow> {
  const { at, ...of } = order;
  const row = { ...of, ...sumOf(parts), id: deps.ids.next('hold'), heldAt: at };
  const { transferId: heldTransfer } = await deps.ledger.post(tx, coinsReserved(traceOf(row, parts), dayOf(at)));
  await store.insertSpend(tx, { ...row, heldTransfer }, parts);
  return { ...row, heldTransfer, state: 'held', capturedFor: null, voidReason: null, settledTransfer: null, settledAt: null };
}

/** Books the way back of a hold that is locked and still held. */
export async function giveBack(tx: Tx, deps: Pick<Deps, 'ledger'>, spend: store.SpendRow, given: { reason: string; at: Date }): Promise<void> {
  await store.lockWallet(tx, spend.accountId);
  const parts = await store.partsOf(tx, spend.id);
  const { transferId } = await deps.ledger.post(tx, coinsReleased(traceOf(spend, parts), dayOf(given.at)));
  await store.settleSpend(tx, spend.id, { state: 'voided', capturedFor: null, voidReason: given.reason, transferId, at: given.at });
}

function holdState(state: string): Refusal {
  return new Refusal('hold_state', `The hold is ${state}.`);
}

export function makeCoinHolds(deps: Deps & { onVoided?: (tx: Tx, spend: store.SpendRow) => Promise<void> }): CoinHolds {
  return {
    async holdCoins(tx, { accountId, cloneId, tierId, outputId, coins, at }) {
      await store.lockWallet(tx, accountId);
      const before = await store.spendOfOutput(tx, outputId);
      if (before !== null) {
        if (before.accountId !== accountId || before.state !== 'held') throw holdState(before.state);
        return { holdId: before.id, leftCoins: (await store.walletSums(tx, accountId)).availableCoins };
      }
      await checkNothingOwed(tx, deps, accountId);
      const lots = await store.openLots(tx, accountId);
      const parts = takeCoins(lots, coins);
      const spend = await reserve(tx, deps, { accountId, purpose: 'output', cloneId, tierId, outputId, at }, parts);
      return { holdId: spend.id, leftCoins: lots.reduce((sum, lot) => sum + lot.leftCoins, 0n) - coins };
    },

    isCoinHold: async (tx, holdId) => (await store.findSpend(tx, holdId)) !== null,

    async captureCoins(tx, holdId, { releaseId, at }) {
      const spend = await store.lockSpend(tx, holdId);
      if (spend?.state === 'captured' && spend.capturedFor === releaseId) return;
      if (spend?.state !== 'held' || spend.purpose !== 'output') throw holdState(spend?.state ?? 'unknown');
      const { cloneId, tierId } = spend;
      if (cloneId === null || tierId === null) throw new Error(`Spend ${spend.id} is for no clone.`);
      const day = dayOf(at);
      const segments = (await deps.splitSegments?.(tx, cloneId, day, addDays(day, 1))) ?? [];
      const parts = await store.partsOf(tx, spend.id);
      const { transferId } = await deps.ledger.post(tx, outputEarned(
        { ...traceOf(spend, parts), cloneId, tierId }, { releaseId, day, splitId: segments.at(-1)?.splitId ?? null },
      ));
      await store.settleSpend(tx, spend.id, { state: 'captured', capturedFor: releaseId, voidReason: null, transferId, at });
    },

    async voidCoins(tx, holdId, given) {
      const spend = await store.lockSpend(tx, holdId);
      if (spend?.state === 'voided') return;
      if (spend?.state !== 'held') throw holdState(spend?.state ?? 'unknown');
      await giveBack(tx, deps, spend, given);
      await deps.onVoided?.(tx, spend);
    },
  };
}

/** Holds of either kind by their id: the gateway need not know what an output is paid with. */
export function holdsOfBoth(quota: Quota, coins: CoinHolds): Quota {
  return {
    async hold(tx, asked) {
      if (!('coinsAccountId' in asked)) return await quota.hold(tx, asked);
      const { coinsAccountId: accountId, cloneId, tierId, coins: count, outputId, at } = asked;
      const { holdId } = await coins.holdCoins(tx, { accountId, cloneId, tierId, outputId, coins: count, at });
      return { holdId, left: null };
    },
    capture: async (tx, holdId, spent) => await (await coins.isCoinHold(tx, holdId) ? coins.captureCoins : quota.capture)(tx, holdId, spent),
    void: async (tx, holdId, given) => await (await coins.isCoinHold(tx, holdId) ? coins.voidCoins : quota.void)(tx, holdId, given),
  };
}


import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { HINDERS_FROM_MINOR, owedBy } from './coin-debts.ts';
import { forfeit } from './coin-forfeits.ts';
import * as store from './coin-store.ts';
import type { BillingDeps } from './deps.ts';

async function pay(tx: Tx, deps: BillingDeps, { accountId }: Actor): Promise<void> {
  await store.lockWallet(tx, accountId);
  const owedMinor = await deps.ledger.lockedBalance(tx, owedBy(accountId));
  let restMinor = owedMinor;
  for (const { id: lotId, stripeCharge: charge } of await store.openLots(tx, accountId)) {
    if (restMinor > 0n) restMinor -= await forfeit(tx, deps, { lotId, disputeId: `debt:${accountId}`, charge, grossMinor: restMinor, debt: accountId });
  }
  if (owedMinor >= HINDERS_FROM_MINOR && restMinor === owedMinor) {
    throw new Refusal('coins_insufficient', 'There is no coin to pay it with.', { extra: { debtMinor: owedMinor.toString(), availableCoins: '0' } });
  }
}

/** Unspent coins pay what is owed, the oldest first, at what they cost; again under the same key: nothing. Refuses `coins_insufficient`. */
export async function payDebtOf(deps: BillingDeps, actor: Actor, key: IdempotencyKey): Promise<void> {
  await deps.runTx((tx) => once(tx, key, async () => {
    await pay(tx, deps, actor);
    return {};
  }));
}

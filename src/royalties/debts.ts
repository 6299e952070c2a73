import { least, type Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { lockPayee } from './balances.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { PLATFORM } from './model.ts';
import { debtNetted, type Returned } from './postings.ts';
import { takeReserve } from './reserves.ts';

/**
 * Nets what a payee owes out of what is unpaid. Both accounts are locked and guarded, so no debt is netted twice.
 * Answers the amount, 0 when there was nothing to net.
 */
export async function netDebt(
  tx: Tx, deps: RoyaltiesDeps,
  order: { payee: string; currency: Currency; cause: { runId: string } | { payoutId: string }; day: Day },
): Promise<bigint> {
  const { payee, currency } = order;
  if (payee === PLATFORM) return 0n;
  const { debtMinor, unpaidMinor } = await lockPayee(tx, deps, payee, currency);
  const amountMinor = least(debtMinor, unpaidMinor);
  if (amountMinor <= 0n) return 0n;
  await deps.ledger.post(tx, debtNetted({ ...order, amountMinor }));
  return amountMinor;
}

/**
 * How a payee returns an amount: out of what is held for the clone, out of what is unpaid, and the rest as a debt. The platform's
 * share may go below zero, and is given back what it bore (an amount below zero).
 */
export async function returnedBy(
  tx: Tx, deps: RoyaltiesDeps, order: { payee: string; currency: Currency; cloneId: string; amountMinor: bigint; causeId: string; heldBy?: string },
): Promise<Returned> {
  const { payee, currency, amountMinor } = order;
  if (payee === PLATFORM) return { payee, reserveMinor: 0n, unpaidMinor: amountMinor, debtMinor: 0n };
  const { unpaidMinor: there } = await lockPayee(tx, deps, payee, currency);
  const reserveMinor = await takeReserve(tx, order);
  const unpaidMinor = least(amountMinor - reserveMinor, there > 0n ? there : 0n);
  return { payee, reserveMinor, unpaidMinor, debtMinor: amountMinor - reserveMinor - unpaidMinor };
}

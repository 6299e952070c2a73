import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { least, PLATFORM } from './model.ts';
import { debtNetted, type Returned } from './postings.ts';

/** What is owed to a payee and not paid, and what the payee owes back. Both natural: not negative for accounts. */
export interface Balances {
  payee: string;
  currency: Currency;
  unpaidMinor: bigint;
  debtMinor: bigint;
}

export async function balancesOf(tx: Tx, deps: RoyaltiesDeps, payee: string, currency: Currency): Promise<Balances> {
  return {
    payee, currency,
    unpaidMinor: -(await deps.ledger.balance(tx, chart.payable(payee, currency))),
    debtMinor: payee === PLATFORM ? 0n : await deps.ledger.balance(tx, chart.payeeDebt(payee, currency)),
  };
}

/**
 * Nets what a payee owes out of what is unpaid. Both accounts are locked and guarded, so no debt is netted twice.
 * Answers the amount, 0 when there was nothing to net.
 */
export async function netDebt(
  tx: Tx, deps: RoyaltiesDeps, order: { payee: string; currency: Currency; cause: { runId: string } | { payoutId: string }; day: Day },
): Promise<bigint> {
  const { payee, currency } = order;
  if (payee === PLATFORM || await deps.ledger.balance(tx, chart.payeeDebt(payee, currency)) === 0n) return 0n;
  const debtMinor = await deps.ledger.lockedBalance(tx, chart.payeeDebt(payee, currency));
  const unpaidMinor = -(await deps.ledger.lockedBalance(tx, chart.payable(payee, currency)));
  const amountMinor = least(debtMinor, unpaidMinor);
  if (amountMinor <= 0n) return 0n;
  await deps.ledger.post(tx, debtNetted({ ...order, amountMinor }));
  return amountMinor;
}

/** How a payee returns an amount: what is unpaid covers it as far as it goes, the rest is a debt. The platform's share may go below zero. */
export async function returnedBy(tx: Tx, deps: RoyaltiesDeps, payee: string, currency: Currency, amountMinor: bigint): Promise<Returned> {
  if (payee === PLATFORM) return { payee, unpaidMinor: amountMinor, debtMinor: 0n };
  const unpaidMinor = -(await deps.ledger.lockedBalance(tx, chart.payable(payee, currency)));
  const covered = least(amountMinor, unpaidMinor > 0n ? unpaidMinor : 0n);
  return { payee, unpaidMinor: covered, debtMinor: amountMinor - covered };
}

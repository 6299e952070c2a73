import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import { type AccountRef, chart } from '../ledger/index.ts';
import { COIN_PRICE } from './coin-postings.ts';
import type { BillingDeps } from './deps.ts';

/** What a fan owes whose bank took back what was spent already. */

/** In minor units, about two coins: of less no coin may be left that pays it, and nobody is kept from anything by a rest that cannot be paid. */
export const HINDERS_FROM_MINOR = 29n;

export const owedBy = (accountId: string): AccountRef => chart.fanDebt(accountId, COIN_PRICE);

/** Whoever owes pays that first: with coins it is the fan who says so, and no output or month takes more than it costs. Refuses `debt_open`. */
export async function checkNothingOwed(tx: Tx, { ledger }: Pick<BillingDeps, 'ledger'>, accountId: string): Promise<void> {
  const debtMinor = await ledger.balance(tx, owedBy(accountId));
  if (debtMinor < HINDERS_FROM_MINOR) return;
  throw new Refusal('debt_open', 'Your bank took back a payment of which something was spent. Pay that first; coins can.', { extra: { debtMinor: debtMinor.toString() } });
}

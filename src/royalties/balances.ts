import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { PLATFORM } from './model.ts';

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

const UNPAID = 'payable:';

/** A payee as the code of their unpaid account names them. */
function payeeOf({ code, currency }: { code: string; currency: Currency }): { payee: string; currency: Currency } {
  return { payee: code.slice(UNPAID.length, -currency.length - 1), currency };
}

/**
 * Everybody who ever had something unpaid, whatever it came from, at most `limit` after the account `after`; and the account to go on
 * after, null when these were the last.
 */
export async function payeesAfter(
  tx: Tx, deps: Pick<RoyaltiesDeps, 'ledger'>, after: string, limit: number,
): Promise<{ payees: { payee: string; currency: Currency }[]; next: string | null }> {
  const accounts = await deps.ledger.accountsAfter(tx, UNPAID, after, limit);
  return { payees: accounts.map(payeeOf).filter(({ payee }) => payee !== PLATFORM), next: accounts.length < limit ? null : (accounts.at(-1)?.code ?? null) };
}

/** The currencies in which somebody ever had something unpaid. */
export async function currenciesOf(tx: Tx, deps: Pick<RoyaltiesDeps, 'ledger'>, payee: string): Promise<Currency[]> {
  return (await deps.ledger.accountsAfter(tx, `${UNPAID}${payee}:`, '', 100)).map(({ currency }) => currency);
}

/**
 * Locks a payee's guarded accounts, everywhere in this order, so that two postings never wait for each other in a circle; answers what
 * stands on them. The platform has none that is guarded.
 */
export async function lockPayee(tx: Tx, deps: RoyaltiesDeps, payee: string, currency: Currency): Promise<Balances> {
  if (payee === PLATFORM) return await balancesOf(tx, deps, payee, currency);
  const debtMinor = await deps.ledger.lockedBalance(tx, chart.payeeDebt(payee, currency));
  await deps.ledger.lockedBalance(tx, chart.payeeReserve(payee, currency));
  const unpaidMinor = -(await deps.ledger.lockedBalance(tx, chart.payable(payee, currency)));
  return { payee, currency, unpaidMinor, debtMinor };
}

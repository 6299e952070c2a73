import type { DisputeHooks } from '../billing/index.ts';
import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { type Advances, makeAdvances } from './advances.ts';
import { type Derivatives, makeDerivatives } from './derivatives.ts';
import { balancesOf, type Balances } from './balances.ts';
import { type BankFailures, makeBankFailures } from './bank-failures.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { makeDisputeSide } from './disputes.ts';
import { makePayeeProvider } from './payee-provider.ts';
import { makePayees, type Payees } from './payees.ts';
import { makePayoutSending, type PayoutSending } from './payout-sending.ts';
import { makePayouts, type Payouts } from './payouts.ts';
import { makePositions, type Positions } from './positions.ts';
import { type GoodwillRefunds, makeGoodwillRefunds } from './refunds.ts';
import { makeReminders, type Reminders } from './reminders.ts';
import { makeReserves, type Reserves } from './reserves.ts';
import { makeRuns, type Runs } from './runs.ts';
import * as runs from './run-store.ts';
import { makeSplits, type Splits } from './splits.ts';
import { makeStatements, type Statements } from './statements.ts';
import { makeWithholding, type Withholding } from './withholding.ts';

/** The door of the room. What takes `tx` is part of the caller's transaction; the rest opens its own. */
export interface Royalties extends Splits, Runs, Statements, Omit<GoodwillRefunds, 'bookRefund'>, Omit<Reserves, 'releaseDue'>,
  Omit<Payees, 'syncPayoutAccount'>, Omit<Payouts, 'payScheduled'>, Omit<PayoutSending, 'sendPayout' | 'syncTransfer'>,
  Advances, Withholding, Derivatives, DisputeHooks {
  /** What is unpaid to everybody who ever had a share of a clone, and what they owe back: a stop shows it and moves none of it. */
  payeeBalances(tx: Tx, cloneId: string): Promise<Balances[]>;
  /** What is unpaid to one payee, and what they owe back. */
  balancesOfPayee(tx: Tx, payee: string, currency: Currency): Promise<Balances>;
  /** The work that jobs do; each may run twice. */
  work: Pick<GoodwillRefunds, 'bookRefund'> & Pick<Payees, 'syncPayoutAccount'> & BankFailures & Pick<PayoutSending, 'sendPayout' | 'syncTransfer'>
    & Pick<Reserves, 'releaseDue'> & Pick<Payouts, 'payScheduled'> & Positions & Reminders;
}

export function makeRoyalties(deps: RoyaltiesDeps): Royalties {
  const provider = makePayeeProvider(deps.stripe, deps.publicUrl);
  const { bookRefund, ...refunds } = makeGoodwillRefunds(deps);
  const { syncPayoutAccount, ...payees } = makePayees(deps, provider);
  const { payScheduled, ...payouts } = makePayouts(deps, { syncPayoutAccount });
  const { sendPayout, syncTransfer, ...sending } = makePayoutSending(deps, provider);
  const { releaseDue, ...reserves } = makeReserves(deps);
  return {
    ...makeSplits(deps), ...makeRuns(deps), ...makeStatements(deps), ...refunds, ...payees, ...payouts, ...sending, ...reserves,
    ...makeAdvances(deps), ...makeWithholding(deps), ...makeDerivatives(deps), ...makeDisputeSide(deps),
    async payeeBalances(tx, cloneId) {
      const found: Balances[] = [];
      for (const { payee, currency } of await runs.payeesOfClone(tx, cloneId)) found.push(await balancesOf(tx, deps, payee, currency));
      return found;
    },
    balancesOfPayee: (tx, payee, currency) => balancesOf(tx, deps, payee, currency),
    work: { bookRefund, syncPayoutAccount, sendPayout, syncTransfer, releaseDue, payScheduled, ...makePositions(deps), ...makeReminders(deps),
      ...makeBankFailures(deps, provider, { syncPayoutAccount, syncTransfer }),
    },
  };
}

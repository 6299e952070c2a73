import { least } from '../kernel/money.ts';
import type { RoyaltiesDeps } from './deps.ts';
import * as store from './bank-store.ts';
import type { PayeeProvider } from './payee-provider.ts';
import type { Payees } from './payees.ts';
import type { PayoutSending } from './payout-sending.ts';

/**
 * A payee's bank that gives money back. It then lies in the payee's own balance at the processor, who sends nothing more to that bank; neither do
 * we. A payee who names another bank gets it there. When the failure stands for a week it is taken back and unpaid again, so that nobody's
 * earnings lie where neither they nor we see them.
 */
export interface BankFailures {
  /** Job: keeps how a payout to a payee's bank ended. */
  syncBankPayout: (stripeAccount: string, stripePayout: string) => Promise<void>;
  /** Tick: takes back what a bank has refused for a week. */
  takeBackFailed: () => Promise<void>;
}

const STANDS_MS = 7 * 24 * 3_600_000;
const AT_ONCE = 50;

export function makeBankFailures(
  deps: RoyaltiesDeps, provider: PayeeProvider, work: Pick<Payees, 'syncPayoutAccount'> & Pick<PayoutSending, 'syncTransfer'>,
): BankFailures {
  const { runTx, clock } = deps;

  /** Writes down what will be taken back for one failure: of the newest transfers, never more than the bank gave back. */
  async function decide(failed: store.FailedPayout): Promise<void> {
    await runTx(async (tx) => {
      if (!(await store.takeFailure(tx, failed.stripePayout, clock.now()))) return;
      let leftMinor = failed.amountMinor;
      for (const transfer of await store.standingTransfers(tx, failed.stripeAccount, failed.currency)) {
        const amountMinor = least(leftMinor, transfer.leftMinor);
        if (amountMinor <= 0n) continue;
        await store.insertTakeBack(tx, { stripePayout: failed.stripePayout, payoutId: transfer.payoutId, stripeTransfer: transfer.stripeTransfer, amountMinor });
        leftMinor -= amountMinor;
      }
    });
  }

  async function ask(row: store.TakeBack): Promise<void> {
    const outcome = await provider.takeBack(row);
    // Asked again at the next tick: by the same key while it may have happened, by another where it did not for certain.
    if (outcome === 'unknown') return;
    if (outcome === 'later') {
      await runTx((tx) => store.refuseTakeBack(tx, row));
      return;
    }
    // Also where somebody else took it back before us: what the processor says is what is booked.
    await work.syncTransfer(row.stripeTransfer);
    await runTx((tx) => store.endTakeBack(tx, row, clock.now()));
  }

  return {
    async syncBankPayout(stripeAccount, stripePayout) {
      const facts = await provider.bankPayout(stripeAccount, stripePayout);
      if (facts === null) return;
      await runTx((tx) => store.putBankPayout(tx, facts, clock.now()));
      await work.syncPayoutAccount(stripeAccount);
    },

    async takeBackFailed() {
      for (const failed of await runTx((tx) => store.failuresSince(tx, new Date(clock.now().getTime() - STANDS_MS), AT_ONCE))) {
        // The payee may have named another bank since, and its event be late.
        await work.syncPayoutAccount(failed.stripeAccount);
        await decide(failed);
      }
      for (const row of await runTx((tx) => store.openTakeBacks(tx, AT_ONCE))) await ask(row);
    },
  };
}

import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import { chart, type TransferDraft } from '../ledger/index.ts';

const { advanceUnrecouped, payable, platformExpense } = chart;

/** What becomes of an advance, each as one transfer. Positive is a debit. Pure. */

export const ADVANCE_KINDS = {
  paid: 'royalties.advance_paid',
  returned: 'royalties.advance_returned',
  recouped: 'royalties.advance_recouped',
  restored: 'royalties.advance_restored',
  writtenOff: 'royalties.advance_written_off',
} as const;

interface AdvanceFacts {
  advanceId: string;
  payee: string;
  currency: Currency;
  amountMinor: bigint;
  day: Day;
}

/** A part of what the payee received of a run, taken for the advance. */
export function advanceRecouped(recoupment: AdvanceFacts & { runId: string; cloneId: string }): TransferDraft {
  const { advanceId, runId, cloneId, payee, currency, amountMinor, day } = recoupment;
  return {
    key: `recoup:${runId}:${advanceId}`,
    kind: ADVANCE_KINDS.recouped,
    effectiveDate: day,
    legs: [{ account: payable(payee, currency), amountMinor }, { account: advanceUnrecouped(advanceId, currency), amountMinor: -amountMinor }],
    metadata: { runId, cloneId, advanceId, payee },
  };
}

/** A recoupment undone: the earnings that it was taken from were given back. Of an advance that has ended it is the platform's loss. */
export function advanceRestored(restoration: AdvanceFacts & { runId: string; cloneId: string; causeId: string; ended: boolean }): TransferDraft {
  const { advanceId, runId, cloneId, causeId, payee, currency, amountMinor, day, ended } = restoration;
  const account = ended ? platformExpense('unrecouped_advances', currency) : advanceUnrecouped(advanceId, currency);
  return {
    key: `restore:${causeId}:${runId}:${advanceId}`,
    kind: ADVANCE_KINDS.restored,
    effectiveDate: day,
    legs: [{ account, amountMinor }, { account: payable(payee, currency), amountMinor: -amountMinor }],
    metadata: { runId, cloneId, advanceId, payee, causeId },
  };
}

/** What was never recouped is lost to the platform; nobody owes it. */
export function advanceWrittenOff({ advanceId, payee, currency, amountMinor, day }: AdvanceFacts): TransferDraft {
  return {
    key: `advance:${advanceId}:written_off`,
    kind: ADVANCE_KINDS.writtenOff,
    effectiveDate: day,
    legs: [
      { account: platformExpense('unrecouped_advances', currency), amountMinor }, { account: advanceUnrecouped(advanceId, currency), amountMinor: -amountMinor },
    ],
    metadata: { advanceId, payee },
  };
}

import type { TransferDraft } from '../../src/ledger/model.ts';
import { checkTransfer } from '../../src/ledger/model.ts';

/**
 * What a transfer moves, by account, debits positive. It is one that the ledger takes: balanced in each currency, and no
 * leg without an amount.
 */
export function booked(draft: TransferDraft | null): Record<string, bigint> {
  if (draft === null) return {};
  checkTransfer(draft);
  const moved: Record<string, bigint> = {};
  for (const { account, amountMinor } of draft.legs) moved[account.code] = (moved[account.code] ?? 0n) + amountMinor;
  return moved;
}

/** All of a transfer but its legs. */
export function named({ legs: _legs, ...rest }: TransferDraft): Omit<TransferDraft, 'legs'> {
  return rest;
}

import type { JsonObject } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Day } from '../kernel/time.ts';
import type { AccountRef, Leg } from './model.ts';

export interface ReversalDraft {
  key: string;
  effectiveDate: Day;
  /** Default: the original's kind and `.reversal`. */
  kind?: string;
  /** Laid over the original's metadata, so that the reversal is found by the same traces. */
  metadata?: JsonObject;
  /**
   * Undo just this much: signed as it will be posted, so opposite to the original. Left out: all that no earlier
   * reversal took back.
   */
  legs?: readonly { accountCode: string; amountMinor: bigint }[];
}

/** One account of the original: what it moved there, and what reversals took back so far (opposite sign or 0). */
export interface Reversible {
  account: AccountRef;
  movedMinor: bigint;
  undoneMinor: bigint;
}

function tooLarge(detail: string): Refusal {
  return new Refusal('ledger_reversal_too_large', detail);
}

/**
 * The legs of a reversal. A part is bounded account by account by what is left of the original; the whole is what is
 * left, so any number of parts and one whole bring every account to zero. Refuses with `ledger_reversal_too_large`.
 */
export function reversalLegs(accounts: readonly Reversible[], parts: ReversalDraft['legs']): Leg[] {
  if (parts === undefined) {
    const rest = accounts
      .map(({ account, movedMinor, undoneMinor }) => ({ account, amountMinor: -(movedMinor + undoneMinor) }))
      .filter(({ amountMinor }) => amountMinor !== 0n);
    if (rest.length === 0) throw tooLarge('Nothing is left of this transfer to reverse.');
    return rest;
  }
  const left = new Map(accounts.map(({ account, movedMinor, undoneMinor }) => [account.code, movedMinor + undoneMinor]));
  return parts.map(({ accountCode, amountMinor }) => {
    const found = accounts.find(({ account }) => account.code === accountCode);
    if (found === undefined || amountMinor * found.movedMinor >= 0n) {
      throw tooLarge(`The transfer moved nothing on ${accountCode} that this would take back.`);
    }
    const rest = (left.get(accountCode) ?? 0n) + amountMinor;
    if (rest * found.movedMinor < 0n) throw tooLarge(`Less than that is left to reverse on ${accountCode}.`);
    left.set(accountCode, rest);
    return { account: found.account, amountMinor };
  });
}

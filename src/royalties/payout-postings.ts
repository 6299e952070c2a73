import { type Currency, least } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import { chart, type EntryView, type Leg, type TransferDraft } from '../ledger/index.ts';
import { ADVANCE_KINDS } from './advance-postings.ts';
import { KINDS } from './postings.ts';

const { advanceUnrecouped, cashInTransit, conversionPosition, payable, payoutPending, platformExpense, withholdingPayable } = chart;

/** Money on its way to a payee, each step as one transfer. Positive is a debit. Pure. */

export interface PayoutFacts {
  payoutId: string;
  accountId: string;
  currency: Currency;
  /** What is sent, after the tax. */
  amountMinor: bigint;
  withheldMinor: bigint;
  advanceId: string | null;
}

const moving = (legs: readonly Leg[]): Leg[] => legs.filter((leg) => leg.amountMinor !== 0n);

function traceOf({ payoutId, accountId, advanceId }: PayoutFacts): Record<string, string> {
  return { payoutId, ...(advanceId === null ? {} : { advanceId, payee: accountId }) };
}

/** First phase: the money leaves the payee's unpaid balance, or is advanced. The tax of an advance is withheld with it. */
export function payoutBegun(payout: PayoutFacts, day: Day): TransferDraft {
  const { payoutId, accountId, currency, amountMinor, withheldMinor, advanceId } = payout;
  const pending = { account: payoutPending(accountId, currency), amountMinor: -amountMinor };
  return {
    key: `payout:${payoutId}`,
    kind: advanceId === null ? KINDS.payout : ADVANCE_KINDS.paid,
    effectiveDate: day,
    legs: advanceId === null ? [{ account: payable(accountId, currency), amountMinor }, pending] : moving([
      { account: advanceUnrecouped(advanceId, currency), amountMinor: amountMinor + withheldMinor }, pending,
      { account: withholdingPayable(currency), amountMinor: -withheldMinor },
    ]),
    metadata: traceOf(payout),
  };
}

/** The tax on a payout of earnings, a line of its own beside it. */
export function taxWithheld(payout: PayoutFacts, profile: { taxProfileId: string }, day: Day): TransferDraft {
  const { payoutId, accountId, currency, withheldMinor } = payout;
  return {
    key: `payout:${payoutId}:tax`,
    kind: KINDS.withheld,
    effectiveDate: day,
    legs: [
      { account: payable(accountId, currency), amountMinor: withheldMinor }, { account: withholdingPayable(currency), amountMinor: -withheldMinor },
    ],
    metadata: { ...traceOf(payout), ...profile },
  };
}

/** What the processor sent for a claim of another currency. */
export interface Sent {
  currency: Currency;
  amountMinor: bigint;
}

/** Second phase: it left our cash, in the claim's own currency or through the positions of both. */
export function payoutPaid(payout: PayoutFacts, stripeTransfer: string, sent: (Sent & { conversionId: string }) | null, day: Day): TransferDraft {
  const { payoutId, accountId, currency, amountMinor } = payout;
  return {
    key: `payout:${payoutId}:paid`,
    kind: KINDS.paid,
    effectiveDate: day,
    legs: [
      { account: payoutPending(accountId, currency), amountMinor },
      ...(sent === null ? [{ account: cashInTransit(currency), amountMinor: -amountMinor }] : [
        { account: conversionPosition(currency), amountMinor: -amountMinor },
        { account: conversionPosition(sent.currency), amountMinor: sent.amountMinor },
        { account: cashInTransit(sent.currency), amountMinor: -sent.amountMinor },
      ]),
    ],
    metadata: { ...traceOf(payout), stripeTransfer, ...(sent === null ? {} : { conversionId: sent.conversionId }) },
  };
}

/** What the platform lost by the rates of one transfer (below zero: gained), in the currency that we are settled in. Booked once for each. */
export function differenceBooked({ of, claim, settled, lossMinor }: { of: EntryView; claim: Currency; settled: Currency; lossMinor: bigint }): TransferDraft {
  return {
    key: `conversion_difference:${of.transferId}:${claim}`,
    kind: KINDS.difference,
    effectiveDate: of.effectiveDate,
    legs: [
      { account: platformExpense('conversion', settled), amountMinor: lossMinor }, { account: conversionPosition(settled), amountMinor: -lossMinor },
    ],
    metadata: { transferId: of.transferId, claim },
  };
}

/** What is unrecouped of an advance, or was lost of one that has ended. */
export interface Outstanding {
  amountMinor: bigint;
  writtenOff: boolean;
}

/** How much of a payout came back, in the claim's currency and in the one that was sent. */
export interface CameBack {
  amountMinor: bigint;
  withheldMinor: bigint;
  sent: Sent | null;
  /** All that came back so far, for the transfer's key. */
  totalMinor: bigint;
  /** Of an advance: what can still be taken off it. */
  outstanding: Outstanding;
}

function cashBack(currency: Currency, { amountMinor, sent }: CameBack): Leg[] {
  if (sent === null) return [{ account: cashInTransit(currency), amountMinor }];
  return [
    { account: conversionPosition(currency), amountMinor },
    { account: conversionPosition(sent.currency), amountMinor: -sent.amountMinor },
    { account: cashInTransit(sent.currency), amountMinor: sent.amountMinor },
  ];
}

/**
 * The processor took paid money back: it is our cash and the payee's unpaid balance again, and so is its tax. Of an advance it
 * is as if it had not been paid; what was recouped of that meanwhile is the payee's.
 */
export function payoutReversed(payout: PayoutFacts, back: CameBack, day: Day): TransferDraft[] {
  const { payoutId, accountId, currency, advanceId } = payout;
  const key = `payout:${payoutId}:reversed:${back.totalMinor}`;
  const metadata = traceOf(payout);
  const tax = { account: withholdingPayable(currency), amountMinor: back.withheldMinor };
  if (advanceId !== null) {
    const grossMinor = back.amountMinor + back.withheldMinor;
    const { amountMinor: outMinor, writtenOff } = back.outstanding;
    const unrecoupedMinor = least(grossMinor, outMinor);
    const from = writtenOff ? platformExpense('unrecouped_advances', currency) : advanceUnrecouped(advanceId, currency);
    return [{
      key, kind: ADVANCE_KINDS.returned, effectiveDate: day, metadata,
      legs: moving([
        ...cashBack(currency, back), tax, { account: from, amountMinor: -unrecoupedMinor },
        { account: payable(accountId, currency), amountMinor: unrecoupedMinor - grossMinor },
      ]),
    }];
  }
  const returned: TransferDraft = {
    key, kind: KINDS.returned, effectiveDate: day, metadata,
    legs: [...cashBack(currency, back), { account: payable(accountId, currency), amountMinor: -back.amountMinor }],
  };
  if (back.withheldMinor === 0n) return [returned];
  return [returned, {
    key: `${key}:tax`, kind: KINDS.taxReturned, effectiveDate: day, metadata,
    legs: [tax, { account: payable(accountId, currency), amountMinor: -back.withheldMinor }],
  }];
}

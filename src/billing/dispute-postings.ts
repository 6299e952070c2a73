import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import { chart, type Leg, type TransferDraft } from '../ledger/index.ts';
import type { DisputeMovement } from './dispute-provider.ts';
import { moving } from './postings.ts';

const { cashInTransit, conversionPosition, disputesPending, platformExpense } = chart;

/** What a dispute posts about the cash. Positive is a debit. Pure. */

/** Kept by the processor, however it ends: the platform's. */
export const DISPUTE_FEES = 'dispute_fees';
/** What a lost dispute took and nobody returned. */
export const DISPUTE_LOSSES = 'dispute_losses';

interface Disputed {
  disputeId: string;
  charge: string;
  currency: Currency;
  amountMinor: bigint;
  day: Day;
  trace: JsonObject;
}

/** The cash side of a movement of `amountMinor` of the sale's currency (positive: it came). */
function cash(currency: Currency, amountMinor: bigint, movement: DisputeMovement): Leg[] {
  const legs: Leg[] = [
    { account: cashInTransit(movement.currency), amountMinor: movement.netMinor },
    { account: platformExpense(DISPUTE_FEES, movement.currency), amountMinor: movement.feeMinor },
  ];
  if (movement.currency === currency) return legs;
  return [
    ...legs, { account: conversionPosition(movement.currency), amountMinor: -movement.amountMinor },
    { account: conversionPosition(currency), amountMinor },
  ];
}

/** The bank has taken the money: it is pending, and its fee is gone. */
export function disputeOpened(dispute: Disputed, movement: DisputeMovement): TransferDraft {
  const { disputeId, charge, currency, amountMinor, day, trace } = dispute;
  return {
    key: `stripe:dispute:${disputeId}:opened`, kind: 'billing.dispute_opened', effectiveDate: day,
    legs: moving([{ account: disputesPending(currency), amountMinor }, ...cash(currency, -amountMinor, movement)]),
    metadata: { ...trace, disputeId, charge, movement: movement.id },
  };
}

/** The bank has given the money back. */
export function disputeWon(dispute: Disputed, movement: DisputeMovement): TransferDraft {
  const { disputeId, charge, currency, amountMinor, day, trace } = dispute;
  return {
    key: `stripe:dispute:${disputeId}:won`, kind: 'billing.dispute_won', effectiveDate: day,
    legs: moving([{ account: disputesPending(currency), amountMinor: -amountMinor }, ...cash(currency, amountMinor, movement)]),
    metadata: { ...trace, disputeId, charge, movement: movement.id },
  };
}

/** The bank keeps the money: `from` says who bears which part of `amountMinor`. `part` tells the parts of one dispute apart. */
export function disputeLost(dispute: Disputed, part: string, from: readonly Leg[]): TransferDraft {
  const { disputeId, charge, currency, amountMinor, day, trace } = dispute;
  return {
    key: `stripe:dispute:${disputeId}:lost:${part}`, kind: 'billing.dispute_lost', effectiveDate: day,
    legs: moving([...from, { account: disputesPending(currency), amountMinor: -amountMinor }]),
    metadata: { ...trace, disputeId, charge },
  };
}

/** A refund came back of a payment that the bank had taken besides: the fan has its money, and the platform's loss is none. */
export function lossRecovered(back: { owedId: string; refundId: string; charge: string; currency: Currency; amountMinor: bigint; day: Day }): TransferDraft {
  const { owedId, refundId, charge, currency, amountMinor, day } = back;
  return {
    key: `dispute_loss:recovered:${owedId}`, kind: 'billing.dispute_loss_recovered', effectiveDate: day,
    legs: [{ account: chart.refundsOwed(currency), amountMinor }, { account: platformExpense(DISPUTE_LOSSES, currency), amountMinor: -amountMinor }],
    metadata: { refundId, charge },
  };
}

import type { Json, JsonObject } from '../kernel/canonical-json.ts';
import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import { chart, type EntryView, type Leg, type TransferDraft } from '../ledger/index.ts';
import { type EarnedEntry, PLATFORM, type PotDraft, type SplitLeg } from './model.ts';

const { cashInTransit, earned, payable, payeeDebt, payoutPending, platformExpense, taxPayable } = chart;

/** What this room posts, each as one transfer. Positive is a debit. Pure. */

export const KINDS = {
  pot: 'royalties.pot_divided',
  debt: 'royalties.debt_netted',
  refund: 'royalties.days_refunded',
  refundFee: 'royalties.refund_fee',
  payout: 'royalties.payout_begun',
  paid: 'royalties.payout_paid',
  returned: 'royalties.payout_returned',
} as const;

const FEES = 'processor_fees';

const moving = (legs: Leg[]): Leg[] => legs.filter((leg) => leg.amountMinor !== 0n);

/** A member of a transfer's metadata, when it is text. */
export function textIn(metadata: JsonObject, name: string): string | null {
  const value = metadata[name];
  return typeof value === 'string' ? value : null;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where each leg on an `earned` account belongs, when a transfer has several for several splits. */
function detailsOf(entry: EntryView): JsonObject {
  const legs = entry.metadata['earnedLegs'];
  const own: Json | undefined = Array.isArray(legs) ? (legs as readonly Json[])[entry.leg - 1] : undefined;
  return isObject(own) ? { ...entry.metadata, ...own } : entry.metadata;
}

/** An entry on an `earned` account as what can be divided; null for what a run itself took from there. */
export function earnedEntry(entry: EntryView): EarnedEntry | null {
  if (!entry.accountCode.startsWith('earned:') || entry.kind === KINDS.pot) return null;
  const [, , tierId] = entry.accountCode.split(':');
  if (tierId === undefined) throw new Error(`The account ${entry.accountCode} names no tier.`);
  const details = detailsOf(entry);
  return {
    transferId: entry.transferId, leg: entry.leg, position: entry.position, accountCode: entry.accountCode, tierId, currency: entry.currency,
    amountMinor: -entry.amountMinor, firstDay: textIn(details, 'fromDay') ?? entry.effectiveDate,
    lastDay: textIn(details, 'throughDay') ?? entry.effectiveDate, splitId: textIn(details, 'splitVersionId'), periodId: textIn(details, 'periodId'),
  };
}

/** A pot out of what was earned, to each of its legs. */
export function potDivided(
  ids: { potId: string; runId: string; cloneId: string }, pot: PotDraft, legs: readonly (SplitLeg & { amountMinor: bigint })[],
): TransferDraft {
  const { tierId, currency, splitId, amountMinor, lastDay } = pot;
  return {
    key: `pot:${ids.potId}`,
    kind: KINDS.pot,
    effectiveDate: lastDay,
    legs: moving([
      { account: earned(ids.cloneId, tierId, currency), amountMinor },
      ...legs.map((leg) => ({ account: payable(leg.payee, currency), amountMinor: -leg.amountMinor })),
    ]),
    metadata: { ...ids, tierId, splitVersionId: splitId },
  };
}

/** A debt taken out of the unpaid balance. `cause` is what brought it about, such as a run; it is netted once for each. */
export function debtNetted(order: {
  payee: string; currency: Currency; amountMinor: bigint; cause: { runId: string } | { payoutId: string }; day: Day;
}): TransferDraft {
  const { payee, currency, amountMinor, cause, day } = order;
  return {
    key: `debt:${Object.values(cause).join('')}:${payee}:${currency}`,
    kind: KINDS.debt,
    effectiveDate: day,
    legs: [
      { account: payable(payee, currency), amountMinor },
      { account: payeeDebt(payee, currency), amountMinor: -amountMinor },
    ],
    metadata: { ...cause },
  };
}

/** What one payee returns of a refund: out of the unpaid balance, and the rest as a debt. */
export interface Returned {
  payee: string;
  unpaidMinor: bigint;
  debtMinor: bigint;
}

/** Which part of what was earned and not yet divided is returned. */
export interface UndividedLeg {
  tierId: string;
  splitId: string | null;
  firstDay: Day;
  lastDay: Day;
  amountMinor: bigint;
}

/**
 * Delivered days returned to the fan: undivided earnings first, then each payee's part, the tax, and what nobody received
 * because the processor had kept it.
 */
export function daysRefunded(refund: {
  refundId: string; cloneId: string; tierId: string; trace: JsonObject; currency: Currency; day: Day; taxMinor: bigint; expenseMinor: bigint;
  undivided: readonly UndividedLeg[]; returned: readonly Returned[]; cash: readonly Leg[];
}): TransferDraft {
  const { currency, cloneId } = refund;
  return {
    key: `refund:${refund.refundId}`,
    kind: KINDS.refund,
    effectiveDate: refund.day,
    // First, so that the places in `earnedLegs` are those of the legs.
    legs: moving([
      ...refund.undivided.map((part) => ({ account: earned(cloneId, part.tierId, currency), amountMinor: part.amountMinor })),
      ...refund.returned.map((part) => ({ account: payable(part.payee, currency), amountMinor: part.unpaidMinor })),
      ...refund.returned.filter((part) => part.payee !== PLATFORM).map((part) => ({ account: payeeDebt(part.payee, currency), amountMinor: part.debtMinor })),
      { account: platformExpense(FEES, currency), amountMinor: refund.expenseMinor },
      { account: taxPayable(currency), amountMinor: refund.taxMinor },
      ...refund.cash,
    ]),
    metadata: {
      ...refund.trace, refundId: refund.refundId, cloneId, tierId: refund.tierId,
      ...(refund.undivided.length === 0 ? {} : {
        earnedLegs: refund.undivided.map((part) => ({ splitVersionId: part.splitId, fromDay: part.firstDay, throughDay: part.lastDay })),
      }),
    },
  };
}

/** The processor's kept fee, charged to the payee whom the split names. */
export function refundFeeCharged(refund: { refundId: string; cloneId: string; currency: Currency; day: Day; feeMinor: bigint; from: Returned }): TransferDraft {
  const { currency, from } = refund;
  return {
    key: `refund_fee:${refund.refundId}`,
    kind: KINDS.refundFee,
    effectiveDate: refund.day,
    legs: moving([
      { account: payable(from.payee, currency), amountMinor: from.unpaidMinor },
      { account: payeeDebt(from.payee, currency), amountMinor: from.debtMinor },
      { account: platformExpense(FEES, currency), amountMinor: -refund.feeMinor },
    ]),
    metadata: { refundId: refund.refundId, cloneId: refund.cloneId },
  };
}

interface PayoutFacts {
  payoutId: string;
  accountId: string;
  currency: Currency;
  amountMinor: bigint;
}

/** First phase: the money leaves the payee's unpaid balance. */
export function payoutBegun(payout: PayoutFacts, day: Day): TransferDraft {
  const { payoutId, accountId, currency, amountMinor } = payout;
  return {
    key: `payout:${payoutId}`,
    kind: KINDS.payout,
    effectiveDate: day,
    legs: [
      { account: payable(accountId, currency), amountMinor },
      { account: payoutPending(accountId, currency), amountMinor: -amountMinor },
    ],
    metadata: { payoutId },
  };
}

/** Second phase: it left our cash. */
export function payoutPaid(payout: PayoutFacts, stripeTransfer: string, day: Day): TransferDraft {
  const { payoutId, accountId, currency, amountMinor } = payout;
  return {
    key: `payout:${payoutId}:paid`,
    kind: KINDS.paid,
    effectiveDate: day,
    legs: [
      { account: payoutPending(accountId, currency), amountMinor },
      { account: cashInTransit(currency), amountMinor: -amountMinor },
    ],
    metadata: { payoutId, stripeTransfer },
  };
}

/** The processor took paid money back: it is our cash and the payee's unpaid balance again. `totalMinor`: all that came back. */
export function payoutReversed(payout: PayoutFacts, amountMinor: bigint, totalMinor: bigint, day: Day): TransferDraft {
  const { payoutId, accountId, currency } = payout;
  return {
    key: `payout:${payoutId}:reversed:${totalMinor}`,
    kind: KINDS.returned,
    effectiveDate: day,
    legs: [
      { account: cashInTransit(currency), amountMinor },
      { account: payable(accountId, currency), amountMinor: -amountMinor },
    ],
    metadata: { payoutId },
  };
}

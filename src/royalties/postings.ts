import type { Json, JsonObject } from '../kernel/canonical-json.ts';
import { type Currency, parseMinor } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import { chart, type EntryView, type Leg, type TransferDraft } from '../ledger/index.ts';
import { type DividedLeg, type EarnedEntry, PLATFORM, type PotDraft } from './model.ts';

const { earned, payable, payeeDebt, payeeReserve, platformExpense, taxPayable } = chart;

/** What this room posts, each as one transfer. Positive is a debit. Pure. */

export const KINDS = {
  pot: 'royalties.pot_divided',
  derivative: 'royalties.derivative_divided',
  debt: 'royalties.debt_netted',
  refund: 'royalties.days_refunded',
  refundFee: 'royalties.refund_fee',
  payout: 'royalties.payout_begun',
  paid: 'royalties.payout_paid',
  returned: 'royalties.payout_returned',
  difference: 'royalties.conversion_difference',
  withheld: 'royalties.tax_withheld',
  taxReturned: 'royalties.tax_returned',
  held: 'royalties.reserve_held',
  released: 'royalties.reserve_released',
} as const;

const FEES = 'processor_fees';

const moving = (legs: Leg[]): Leg[] => legs.filter((leg) => leg.amountMinor !== 0n);

/** A member of a transfer's metadata, when it is text. */
export function textIn(metadata: JsonObject, name: string): string | null {
  const value = metadata[name];
  return typeof value === 'string' ? value : null;
}

/** An amount in a transfer's metadata; nothing where there is none. */
function minorIn(metadata: JsonObject, name: string): bigint {
  const text = textIn(metadata, name);
  return text === null ? 0n : parseMinor(text);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where each leg on an `earned` account belongs, when a transfer has several for several splits. */
export function detailsOf(entry: EntryView): JsonObject {
  const legs = entry.metadata['earnedLegs'];
  const own: Json | undefined = Array.isArray(legs) ? (legs as readonly Json[])[entry.leg - 1] : undefined;
  return isObject(own) ? { ...entry.metadata, ...own } : entry.metadata;
}

/** An entry on an `earned` account as what can be divided; null for what a run itself took from there. */
export function earnedEntry(entry: EntryView): EarnedEntry | null {
  if (!entry.accountCode.startsWith('earned:') || entry.kind === KINDS.pot || entry.kind === KINDS.derivative) return null;
  const [, , tierId] = entry.accountCode.split(':');
  if (tierId === undefined) throw new Error(`The account ${entry.accountCode} names no tier.`);
  const details = detailsOf(entry);
  return {
    transferId: entry.transferId, leg: entry.leg, position: entry.position, accountCode: entry.accountCode, tierId, currency: entry.currency,
    amountMinor: -entry.amountMinor, feeMinor: minorIn(details, 'feeMinor'), taxMinor: minorIn(details, 'taxMinor'),
    firstDay: textIn(details, 'fromDay') ?? entry.effectiveDate,
    lastDay: textIn(details, 'throughDay') ?? entry.effectiveDate, splitId: textIn(details, 'splitVersionId'), periodId: textIn(details, 'periodId'),
  };
}

/**
 * A pot out of what was earned: to the originals above a derivative, and to each leg of the split. Two transfers, so that the payees' statements
 * tell them apart; the split's comes last.
 */
export function potDivided(
  ids: { potId: string; runId: string; cloneId: string }, pot: Omit<PotDraft, 'entries'>, legs: readonly (DividedLeg & { derivativeId: string | null })[],
): TransferDraft[] {
  const { tierId, currency, splitId, lastDay } = pot;
  const draftOf = (key: string, kind: string, own: typeof legs): TransferDraft => ({
    key,
    kind,
    effectiveDate: lastDay,
    legs: moving([
      { account: earned(ids.cloneId, tierId, currency), amountMinor: own.reduce((sum, leg) => sum + leg.amountMinor, 0n) },
      ...own.map((leg) => ({ account: payable(leg.payee, currency), amountMinor: -leg.amountMinor })),
    ]),
    metadata: { ...ids, tierId, splitVersionId: splitId },
  });
  return [
    draftOf(`pot:${ids.potId}:derivative`, KINDS.derivative, legs.filter((leg) => leg.derivativeId !== null)),
    draftOf(`pot:${ids.potId}`, KINDS.pot, legs.filter((leg) => leg.derivativeId === null)),
  ].filter((draft) => draft.legs.length > 0);
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

/** What one payee returns of a refund: out of what is held, out of the unpaid balance, and the rest as a debt. */
export interface Returned {
  payee: string;
  reserveMinor: bigint;
  unpaidMinor: bigint;
  debtMinor: bigint;
}

/** The payees' side of money that goes back. */
export function returnedLegs(returned: readonly Returned[], currency: Currency): Leg[] {
  return moving(returned.flatMap(({ payee, reserveMinor, unpaidMinor, debtMinor }) => [
    { account: payable(payee, currency), amountMinor: unpaidMinor },
    ...(payee === PLATFORM ? [] : [
      { account: payeeReserve(payee, currency), amountMinor: reserveMinor }, { account: payeeDebt(payee, currency), amountMinor: debtMinor },
    ]),
  ]));
}

/** Which part of what was earned and not yet divided is returned. */
export interface UndividedLeg {
  tierId: string;
  splitId: string | null;
  firstDay: Day;
  lastDay: Day;
  amountMinor: bigint;
  feeMinor: bigint;
  taxMinor: bigint;
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
      ...returnedLegs(refund.returned, currency),
      { account: platformExpense(FEES, currency), amountMinor: refund.expenseMinor },
      { account: taxPayable(currency), amountMinor: refund.taxMinor },
      ...refund.cash,
    ]),
    metadata: {
      ...refund.trace, refundId: refund.refundId, cloneId, tierId: refund.tierId,
      ...(refund.undivided.length === 0 ? {} : {
        earnedLegs: refund.undivided.map((part) => ({
          splitVersionId: part.splitId, fromDay: part.firstDay, throughDay: part.lastDay, feeMinor: (-part.feeMinor).toString(),
          taxMinor: (-part.taxMinor).toString(),
        })),
      }),
    },
  };
}

/** The processor's kept fee, charged to the payee whom the split names. */
export function refundFeeCharged(refund: { refundId: string; periodId: string; cloneId: string; currency: Currency; day: Day; feeMinor: bigint; from: Returned }): TransferDraft {
  const { currency, from } = refund;
  return {
    key: `refund_fee:${refund.refundId}`,
    kind: KINDS.refundFee,
    effectiveDate: refund.day,
    legs: moving([
      ...returnedLegs([from], currency),
      { account: platformExpense(FEES, currency), amountMinor: -refund.feeMinor },
    ]),
    metadata: { refundId: refund.refundId, periodId: refund.periodId, cloneId: refund.cloneId },
  };
}

/** What took from pots, by a posting's metadata: a refund, or a dispute and which of its things. */
export function causeIn(metadata: JsonObject): string | null {
  const [refundId, disputeId, periodId] = [textIn(metadata, 'refundId'), textIn(metadata, 'disputeId'), textIn(metadata, 'periodId')];
  return refundId ?? (disputeId === null || periodId === null ? null : `${disputeId}:${periodId}`);
}

interface ReservePosting {
  reserveId: string;
  payee: string;
  currency: Currency;
  cloneId: string;
  causeId: string;
  amountMinor: bigint;
  day: Day;
  kind: string;
  metadata: JsonObject;
}

/** A part of what is unpaid, held until its day. */
export function reserveHeld({ reserveId, payee, currency, cloneId, amountMinor, day, kind, metadata }: ReservePosting): TransferDraft {
  return {
    key: `reserve:${reserveId}`,
    kind,
    effectiveDate: day,
    legs: [{ account: payable(payee, currency), amountMinor }, { account: payeeReserve(payee, currency), amountMinor: -amountMinor }],
    metadata: { ...metadata, cloneId, reserveId },
  };
}

/** What is left of a lot, unpaid again. */
export function reserveReleased({ reserveId, payee, currency, cloneId, causeId, amountMinor, day, kind, metadata }: ReservePosting): TransferDraft {
  return {
    key: `reserve:${reserveId}:released:${causeId}`,
    kind,
    effectiveDate: day,
    legs: [{ account: payeeReserve(payee, currency), amountMinor }, { account: payable(payee, currency), amountMinor: -amountMinor }],
    metadata: { ...metadata, cloneId, reserveId },
  };
}

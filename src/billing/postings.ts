import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Currency } from '../kernel/money.ts';
import { dayOf } from '../kernel/time.ts';
import { type AccountRef, chart, type Leg, type TransferDraft } from '../ledger/index.ts';
import type { EarningStep, Parts } from './model.ts';
import type { NewPeriod, PeriodRow } from './period-store.ts';
import type { RefundRow } from './refund-store.ts';

const { cashInTransit, conversionPosition: position, deferred, deferredFees, earned, payeeDebt, platformExpense, taxPayable } = chart;

/** What this room posts, each as one transfer. Positive is a debit. Pure. */

export interface Settled {
  currency: Currency;
  amountMinor: bigint;
}

/** Our cash at the processor grows by what it settled for `amountMinor` of the sale's currency. */
export function cashIn(currency: Currency, amountMinor: bigint, settled: Settled): Leg[] {
  if (settled.currency === currency) return [{ account: cashInTransit(currency), amountMinor }];
  return [
    { account: position(currency), amountMinor },
    { account: cashInTransit(settled.currency), amountMinor: settled.amountMinor },
    { account: position(settled.currency), amountMinor: -settled.amountMinor },
  ];
}

/**
 * Our cash at the processor shrinks by what a refund of `amountMinor` of the sale's currency took from it. What it took
 * beyond the refund is the platform's expense, so that our cash stays what the processor's book says.
 */
export function cashOut(currency: Currency, amountMinor: bigint, settled: Settled): Leg[] {
  if (settled.currency === currency) {
    return [
      { account: cashInTransit(currency), amountMinor: -settled.amountMinor },
      { account: platformExpense('processor_fees', currency), amountMinor: settled.amountMinor - amountMinor },
    ];
  }
  return cashIn(currency, -amountMinor, { currency: settled.currency, amountMinor: -settled.amountMinor });
}

export const moving = (legs: Leg[]): Leg[] => legs.filter((leg) => leg.amountMinor !== 0n);

/** Where a period's money comes from: on every transfer, so that each cent leads back to its payment. */
export function traceOf(period: Pick<PeriodRow, 'cloneId' | 'tierId' | 'subscriptionId' | 'id' | 'stripeInvoice' | 'stripeCharge'>): JsonObject {
  return {
    cloneId: period.cloneId, tierId: period.tierId, subscriptionId: period.subscriptionId, periodId: period.id,
    invoice: period.stripeInvoice, charge: period.stripeCharge,
  };
}

/** A paid invoice: cash less the fee, the fee kept for later, tax owed, the rest not earned yet. */
export function invoicePaid(period: NewPeriod): TransferDraft {
  const { currency, cloneId, grossMinor, taxMinor, feeMinor } = period;
  return {
    key: `stripe:invoice:${period.stripeInvoice}`,
    kind: 'billing.invoice_paid',
    effectiveDate: dayOf(period.paidAt),
    legs: moving([
      ...cashIn(currency, grossMinor - feeMinor, { currency: period.settledCurrency, amountMinor: period.settledNetMinor }),
      { account: deferredFees(cloneId, currency), amountMinor: feeMinor },
      { account: taxPayable(currency), amountMinor: -taxMinor },
      { account: deferred(cloneId, currency), amountMinor: taxMinor - grossMinor },
    ]),
    metadata: traceOf(period),
  };
}

/**
 * What is worth just its fee earns nothing, and a split may still divide its price: it stands in the earnings twice, as price and as fee. Null for
 * everything else. The legs come first in their transfer, so that the places in `earnedLegs` are theirs.
 */
export function earnedApart(
  into: AccountRef, { netMinor, feeMinor, taxMinor }: Pick<Parts, 'netMinor' | 'feeMinor' | 'taxMinor'>,
): { legs: Leg[]; earnedLegs: JsonObject[] } | null {
  if (netMinor !== feeMinor || netMinor === 0n) return null;
  return {
    legs: [{ account: into, amountMinor: -netMinor }, { account: into, amountMinor: feeMinor }],
    earnedLegs: [{ feeMinor: '0', taxMinor: taxMinor.toString() }, { feeMinor: feeMinor.toString(), taxMinor: '0' }],
  };
}

/**
 * Days earned: out of deferred revenue into the tier's earnings, with their share of the fee. Null when these days'
 * share is less than one minor unit: it comes with a later day.
 */
export function daysEarned(period: PeriodRow, step: EarningStep, parts: Parts): TransferDraft | null {
  const { currency, cloneId, tierId } = period;
  const { netMinor, feeMinor, taxMinor } = parts;
  const into = earned(cloneId, tierId, currency);
  const apart = earnedApart(into, parts);
  const legs = moving([
    ...(apart?.legs ?? []),
    { account: deferred(cloneId, currency), amountMinor: netMinor },
    { account: deferredFees(cloneId, currency), amountMinor: -feeMinor },
    ...(apart === null ? [{ account: into, amountMinor: feeMinor - netMinor }] : []),
  ]);
  if (legs.length === 0) return null;
  return {
    key: `earn:${period.id}:${step.toK}`,
    kind: 'billing.days_earned',
    effectiveDate: step.lastDay,
    legs,
    metadata: {
      ...traceOf(period), fromDay: step.firstDay, throughDay: step.lastDay,
      // What stands between the price and the earned entry: a split may divide either.
      ...(apart === null
        ? { days: step.toK - step.fromK, earnedDays: step.toK, feeMinor: feeMinor.toString(), taxMinor: taxMinor.toString() }
        : { earnedLegs: apart.earnedLegs }),
      ...(step.splitId === null ? {} : { splitVersionId: step.splitId }),
    },
  };
}

/** Unused days returned at a stop: out of deferred revenue and its tax alone. The kept fee is its bearer's. */
export function unusedRefunded(period: PeriodRow, refund: RefundRow, settled: Settled, at: Date): TransferDraft {
  const { currency, cloneId } = period;
  const bearer = refund.feeBearer === 'platform' ? platformExpense('processor_fees', currency) : payeeDebt(refund.feeBearer, currency);
  return {
    key: `stripe:refund:${refund.id}`,
    kind: 'billing.unused_refunded',
    effectiveDate: dayOf(at),
    legs: moving([
      { account: deferred(cloneId, currency), amountMinor: refund.netMinor },
      { account: taxPayable(currency), amountMinor: refund.taxMinor },
      ...cashOut(currency, refund.grossMinor, settled),
      { account: bearer, amountMinor: refund.feeMinor },
      { account: deferredFees(cloneId, currency), amountMinor: -refund.feeMinor },
    ]),
    metadata: { ...traceOf(period), refundId: refund.id, refund: refund.stripeRefund },
  };
}

/** A refund that had succeeded came back: its money is ours to hold again, and the fan's to have. */
export function refundCameBack(back: { refundId: string; stripeRefund: string; charge: string; currency: Currency; amountMinor: bigint; returned: Settled; at: Date }): TransferDraft {
  const { refundId, stripeRefund: refund, charge, currency, amountMinor, returned } = back;
  return {
    key: `stripe:refund:${refund}:returned`, kind: 'billing.refund_returned', effectiveDate: dayOf(back.at),
    legs: moving([
      ...cashOut(currency, -amountMinor, { currency: returned.currency, amountMinor: -returned.amountMinor }), { account: chart.refundsOwed(currency), amountMinor: -amountMinor },
    ]),
    metadata: { refundId, refund, charge },
  };
}

/** What was owed was sent again, and has arrived. */
export function refundSentAgain(sent: { owedId: string; refundId: string; stripeRefund: string; charge: string; currency: Currency; amountMinor: bigint; settled: Settled; at: Date }): TransferDraft {
  const { owedId, refundId, stripeRefund: refund, charge, currency, amountMinor, settled } = sent;
  return {
    key: `stripe:refund:${owedId}`, kind: 'billing.refund_sent_again', effectiveDate: dayOf(sent.at),
    legs: moving([{ account: chart.refundsOwed(currency), amountMinor }, ...cashOut(currency, amountMinor, settled)]),
    metadata: { refundId, refund, charge },
  };
}

/** Something owed to a fan was paid out of an account that these books do not keep: what came back of a refund. */
export function owedPaidOtherwise(paid: { owedId: string; refundId: string; charge: string; currency: Currency; amountMinor: bigint; reference: string; at: Date }): TransferDraft {
  const { owedId, refundId, charge, currency, amountMinor, reference } = paid;
  return {
    key: `paid_otherwise:${owedId}`, kind: 'billing.refund_paid_otherwise', effectiveDate: dayOf(paid.at),
    legs: [{ account: chart.refundsOwed(currency), amountMinor }, { account: chart.paidOutside(currency), amountMinor: -amountMinor }],
    metadata: { refundId, charge, reference },
  };
}

/** The same of unused days that the processor would not return: out of deferred revenue and its tax, as at any stop. */
export function unusedPaidOtherwise(period: PeriodRow, refund: RefundRow, reference: string, at: Date): TransferDraft {
  const draft = unusedRefunded(period, refund, { currency: refund.currency, amountMinor: refund.grossMinor }, at);
  const { code } = cashInTransit(refund.currency);
  return {
    ...draft, key: `paid_otherwise:${refund.id}`, kind: 'billing.refund_paid_otherwise',
    legs: draft.legs.map((leg) => (leg.account.code === code ? { ...leg, account: chart.paidOutside(refund.currency) } : leg)),
    metadata: { ...draft.metadata, reference },
  };
}

/** The cash side of a refund whose other legs a higher room posts (credits, and a conversion where there was one). */
export function refundCashLegs(refund: Pick<RefundRow, 'currency' | 'grossMinor' | 'settledCurrency' | 'settledMinor'>): Leg[] {
  const { currency, grossMinor, settledCurrency, settledMinor } = refund;
  if (settledCurrency === null || settledMinor === null) throw new Error('A refund has no cash side before it succeeded.');
  return moving(cashOut(currency, grossMinor, { currency: settledCurrency, amountMinor: settledMinor }));
}

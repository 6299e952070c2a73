import { describe, expect, it } from 'vitest';

import { partsOfDays } from '../../src/billing/model.ts';
import {
  cashIn, cashOut, daysEarned, invoicePaid, owedPaidOtherwise, refundCameBack, refundCashLegs, refundSentAgain, unusedPaidOtherwise, unusedRefunded,
} from '../../src/billing/postings.ts';
import { DISPUTE_FEES, DISPUTE_LOSSES, disputeLost, disputeOpened, disputeWon, lossRecovered } from '../../src/billing/dispute-postings.ts';
import type { NewPeriod, PeriodRow } from '../../src/billing/period-store.ts';
import type { RefundRow } from '../../src/billing/refund-store.ts';
import * as chart from '../../src/ledger/chart.ts';
import { booked, named } from './legs.ts';

/** What a subscription books: a month of 6.00 with 0.34 tax and 0.20 fee, from the payment to the last day. */

const TRACE = { cloneId: 'cln', tierId: 'tir', subscriptionId: 'sub', periodId: 'per', invoice: 'in_1', charge: 'ch_1' };
const MONEY = { grossMinor: 600n, taxMinor: 34n, feeMinor: 20n };
const at = (day: string): Date => new Date(`${day}T04:00:00Z`);
const period = {
  id: 'per', cloneId: 'cln', tierId: 'tir', subscriptionId: 'sub', accountId: 'acc', stripeInvoice: 'in_1', stripeCharge: 'ch_1', currency: 'CNY' as const, ...MONEY,
  paidAt: at('2026-03-01'), settledCurrency: 'CNY' as const, settledNetMinor: 580n,
} as unknown as NewPeriod & PeriodRow;

const metadataOf = (day: string): Date => new Date(`${day}T20:00:00Z`);

describe('a paid invoice', () => {
  it('creates no coins: cash, tax payable, deferred revenue, and the fee kept for later', () => {
    const paid = invoicePaid(period);
    expect(booked(paid)).toEqual({ 'cash_in_transit:CNY': 580n, 'deferred_fees:cln:CNY': 20n, 'tax_payable:CNY': -34n, 'deferred:cln:CNY': -566n });
    expect(named(paid)).toEqual({ key: 'stripe:invoice:in_1', kind: 'billing.invoice_paid', effectiveDate: '2026-03-01', metadata: TRACE });
    // A day is one of Asia/Shanghai.
    expect(invoicePaid({ ...period, paidAt: metadataOf('2026-03-01') }).effectiveDate).toBe('2026-03-02');
  });

  it('has no leg for a tax or a fee that there is not', () => {
    expect(booked(invoicePaid({ ...period, taxMinor: 0n, feeMinor: 0n, settledNetMinor: 600n }))).toEqual({ 'cash_in_transit:CNY': 600n, 'deferred:cln:CNY': -600n });
  });

  it('settled in another currency passes through the positions of both', () => {
    expect(booked(invoicePaid({ ...period, settledCurrency: 'USD', settledNetMinor: 81n }))).toEqual({
      'currency_position:CNY': 580n, 'cash_in_transit:USD': 81n, 'currency_position:USD': -81n, 'deferred_fees:cln:CNY': 20n, 'tax_payable:CNY': -34n, 'deferred:cln:CNY': -566n,
    });
  });
});

describe('earned days', () => {
  const step = { fromK: 0, toK: 10, firstDay: '2026-03-01', lastDay: '2026-03-10', splitId: 'spl' as string | null };

  it('move net of tax out of deferred revenue, less their share of the fee', () => {
    const draft = daysEarned(period, step, partsOfDays(MONEY, 0, 10, 30));
    expect(booked(draft)).toEqual({ 'deferred:cln:CNY': 188n, 'deferred_fees:cln:CNY': -6n, 'earned:cln:tir:CNY': -182n });
    expect(named(draft!)).toEqual({
      key: 'earn:per:10', kind: 'billing.days_earned', effectiveDate: '2026-03-10',
      metadata: { ...TRACE, fromDay: '2026-03-01', throughDay: '2026-03-10', days: 10, earnedDays: 10, feeMinor: '6', taxMinor: '11', splitVersionId: 'spl' },
    });
  });

  it('are named as days of the period, and name a split only where there is one', () => {
    const draft = daysEarned(period, { ...step, fromK: 10, toK: 12, splitId: null }, partsOfDays(MONEY, 10, 12, 30));
    expect(draft).toMatchObject({ key: 'earn:per:12', metadata: { days: 2, earnedDays: 12 } });
    expect(draft?.metadata).not.toHaveProperty('splitVersionId');
  });

  it('worth less than one unit are not posted: they come with a later day', () => {
    expect(daysEarned(period, step, { grossMinor: 0n, netMinor: 0n, taxMinor: 0n, feeMinor: 0n })).toBeNull();
  });

  it('whose fee is larger than their price take from what was earned', () => {
    expect(booked(daysEarned(period, step, { grossMinor: 5n, netMinor: 5n, taxMinor: 0n, feeMinor: 7n }))).toEqual({ 'deferred:cln:CNY': 5n, 'deferred_fees:cln:CNY': -7n, 'earned:cln:tir:CNY': 2n });
  });

  it('that are worth just their fee stand in the earnings as price and as fee: a split of the price divides it', () => {
    const draft = daysEarned(period, step, { grossMinor: 8n, netMinor: 7n, taxMinor: 1n, feeMinor: 7n });
    expect(draft?.legs.map(({ account, amountMinor }) => [account.code, amountMinor])).toEqual([
      ['earned:cln:tir:CNY', -7n], ['earned:cln:tir:CNY', 7n], ['deferred:cln:CNY', 7n], ['deferred_fees:cln:CNY', -7n],
    ]);
    expect(draft?.metadata).toEqual({
      ...TRACE, fromDay: '2026-03-01', throughDay: '2026-03-10', splitVersionId: 'spl', earnedLegs: [{ feeMinor: '0', taxMinor: '1' }, { feeMinor: '7', taxMinor: '0' }],
    });
  });
});

const refund = {
  id: 'rfd', currency: 'CNY', grossMinor: 400n, netMinor: 377n, taxMinor: 23n, feeMinor: 14n, feeBearer: 'platform', stripeRefund: 're_1', settledCurrency: 'CNY', settledMinor: 400n,
} as unknown as RefundRow;

describe('unused days that are returned', () => {
  it('come out of deferred revenue and its tax alone; the kept fee is the platform\'s expense', () => {
    const draft = unusedRefunded(period, refund, { currency: 'CNY', amountMinor: 400n }, at('2026-03-11'));
    expect(booked(draft)).toEqual({ 'deferred:cln:CNY': 377n, 'tax_payable:CNY': 23n, 'cash_in_transit:CNY': -400n, 'platform_expense:processor_fees:CNY': 14n, 'deferred_fees:cln:CNY': -14n });
    expect(named(draft)).toEqual({
      key: 'stripe:refund:rfd', kind: 'billing.unused_refunded', effectiveDate: '2026-03-11', metadata: { ...TRACE, refundId: 'rfd', refund: 're_1' },
    });
  });

  it('charge the kept fee to the payee whom the split names', () => {
    expect(booked(unusedRefunded(period, { ...refund, feeBearer: 'acc_owner' }, { currency: 'CNY', amountMinor: 400n }, at('2026-03-11')))).toEqual({
      'deferred:cln:CNY': 377n, 'tax_payable:CNY': 23n, 'cash_in_transit:CNY': -400n, 'payee_debt:acc_owner:CNY': 14n, 'deferred_fees:cln:CNY': -14n,
    });
  });

  it('show what the processor took beyond the refund as an expense, so that our cash stays what its book says', () => {
    expect(booked(unusedRefunded(period, { ...refund, feeMinor: 0n, feeBearer: 'acc_owner' }, { currency: 'CNY', amountMinor: 403n }, at('2026-03-11')))).toEqual({
      'deferred:cln:CNY': 377n, 'tax_payable:CNY': 23n, 'cash_in_transit:CNY': -403n, 'platform_expense:processor_fees:CNY': 3n,
    });
  });
});

describe('what came back of a refund', () => {
  const back = { refundId: 'rfd', stripeRefund: 're_1', charge: 'ch_1', currency: 'CNY' as const, amountMinor: 400n };
  const owed = { ...back, owedId: 'owd' };

  it('is our cash again, and the fan\'s to have, each in its own currency', () => {
    const draft = refundCameBack({ ...back, returned: { currency: 'CNY', amountMinor: 400n }, at: at('2026-03-20') });
    expect(booked(draft)).toEqual({ 'cash_in_transit:CNY': 400n, [chart.refundsOwed('CNY').code]: -400n });
    expect(named(draft)).toEqual({
      key: 'stripe:refund:re_1:returned', kind: 'billing.refund_returned', effectiveDate: '2026-03-20', metadata: { refundId: 'rfd', refund: 're_1', charge: 'ch_1' },
    });
    expect(booked(refundCameBack({ ...back, returned: { currency: 'USD', amountMinor: 55n }, at: at('2026-03-20') }))).toEqual({
      'currency_position:CNY': 400n, 'cash_in_transit:USD': 55n, 'currency_position:USD': -55n, [chart.refundsOwed('CNY').code]: -400n,
    });
  });

  it('is sent again out of our cash', () => {
    const draft = refundSentAgain({ ...owed, stripeRefund: 're_2', settled: { currency: 'CNY', amountMinor: 403n }, at: at('2026-03-21') });
    expect(booked(draft)).toEqual({ [chart.refundsOwed('CNY').code]: 400n, 'cash_in_transit:CNY': -403n, 'platform_expense:processor_fees:CNY': 3n });
    expect(named(draft)).toEqual({
      key: 'stripe:refund:owd', kind: 'billing.refund_sent_again', effectiveDate: '2026-03-21', metadata: { refundId: 'rfd', refund: 're_2', charge: 'ch_1' },
    });
  });

  it('is paid out of an account that these books do not keep, with what it is found by', () => {
    const draft = owedPaidOtherwise({ ...owed, reference: 'transfer 7', at: at('2026-03-22') });
    expect(booked(draft)).toEqual({ [chart.refundsOwed('CNY').code]: 400n, [chart.paidOutside('CNY').code]: -400n });
    expect(named(draft)).toEqual({
      key: 'paid_otherwise:owd', kind: 'billing.refund_paid_otherwise', effectiveDate: '2026-03-22', metadata: { refundId: 'rfd', charge: 'ch_1', reference: 'transfer 7' },
    });
  });

  it('or was never sent: unused days leave deferred revenue all the same, and none of our cash', () => {
    const draft = unusedPaidOtherwise(period, refund, 'transfer 8', at('2026-03-22'));
    expect(booked(draft)).toEqual({
      'deferred:cln:CNY': 377n, 'tax_payable:CNY': 23n, [chart.paidOutside('CNY').code]: -400n, 'platform_expense:processor_fees:CNY': 14n, 'deferred_fees:cln:CNY': -14n,
    });
    expect(named(draft)).toEqual({
      key: 'paid_otherwise:rfd', kind: 'billing.refund_paid_otherwise', effectiveDate: '2026-03-22', metadata: { ...TRACE, refundId: 'rfd', refund: 're_1', reference: 'transfer 8' },
    });
  });

  it('of a payment that the bank took besides is the platform\'s loss no more', () => {
    const draft = lossRecovered({ ...owed, day: '2026-03-23' });
    expect(booked(draft)).toEqual({ [chart.refundsOwed('CNY').code]: 400n, [`platform_expense:${DISPUTE_LOSSES}:CNY`]: -400n });
    expect(named(draft)).toEqual({
      key: 'dispute_loss:recovered:owd', kind: 'billing.dispute_loss_recovered', effectiveDate: '2026-03-23', metadata: { refundId: 'rfd', charge: 'ch_1' },
    });
  });
});

describe('our cash at the processor', () => {
  const moved = (legs: ReturnType<typeof cashIn>): [string, bigint][] => legs.filter((leg) => leg.amountMinor !== 0n).map(({ account, amountMinor }) => [account.code, amountMinor]);

  it('comes and goes in the settlement currency', () => {
    expect(moved(cashIn('CNY', 5n, { currency: 'CNY', amountMinor: 5n }))).toEqual([['cash_in_transit:CNY', 5n]]);
    expect(moved(cashIn('CNY', 70n, { currency: 'USD', amountMinor: 10n }))).toEqual([['currency_position:CNY', 70n], ['cash_in_transit:USD', 10n], ['currency_position:USD', -10n]]);
    expect(moved(cashOut('CNY', 5n, { currency: 'CNY', amountMinor: 5n }))).toEqual([['cash_in_transit:CNY', -5n]]);
    expect(moved(cashOut('CNY', 70n, { currency: 'USD', amountMinor: 11n }))).toEqual([['currency_position:CNY', -70n], ['cash_in_transit:USD', -11n], ['currency_position:USD', 11n]]);
  });

  it('knows what a refund took only when it has succeeded', () => {
    expect(moved(refundCashLegs(refund))).toEqual([['cash_in_transit:CNY', -400n]]);
    expect(refundCashLegs(refund)).toHaveLength(1);
    expect(moved(refundCashLegs({ ...refund, settledCurrency: 'USD', settledMinor: 56n }))).toEqual([['currency_position:CNY', -400n], ['cash_in_transit:USD', -56n], ['currency_position:USD', 56n]]);
    for (const open of [{ settledCurrency: null }, { settledMinor: null }]) expect(() => refundCashLegs({ ...refund, ...open })).toThrow(Error);
  });
});

describe('a dispute', () => {
  const dispute = { disputeId: 'dsp', charge: 'ch_1', currency: 'CNY' as const, amountMinor: 600n, day: '2026-03-05', trace: { cloneId: 'cln' } };
  const taken = { id: 'txn_1', currency: 'CNY' as const, amountMinor: -600n, feeMinor: 105n, netMinor: -705n };
  const metadata = { cloneId: 'cln', disputeId: 'dsp', charge: 'ch_1' };

  it('opened holds the disputed cash pending; its fee is the platform\'s', () => {
    const draft = disputeOpened(dispute, taken);
    expect(booked(draft)).toEqual({ 'disputes_pending:CNY': 600n, 'cash_in_transit:CNY': -705n, 'platform_expense:dispute_fees:CNY': 105n });
    expect(named(draft)).toEqual({ key: 'stripe:dispute:dsp:opened', kind: 'billing.dispute_opened', effectiveDate: '2026-03-05', metadata: { ...metadata, movement: 'txn_1' } });
    expect(booked(disputeOpened(dispute, { id: 'txn_1', currency: 'USD', amountMinor: -84n, feeMinor: 15n, netMinor: -99n }))).toEqual({
      'disputes_pending:CNY': 600n, 'cash_in_transit:USD': -99n, 'platform_expense:dispute_fees:USD': 15n, 'currency_position:USD': 84n, 'currency_position:CNY': -600n,
    });
  });

  it('won gives the cash back, and no fee', () => {
    const draft = disputeWon(dispute, { id: 'txn_2', currency: 'CNY', amountMinor: 600n, feeMinor: 0n, netMinor: 600n });
    expect(booked(draft)).toEqual({ 'disputes_pending:CNY': -600n, 'cash_in_transit:CNY': 600n });
    expect(named(draft)).toEqual({ key: 'stripe:dispute:dsp:won', kind: 'billing.dispute_won', effectiveDate: '2026-03-05', metadata: { ...metadata, movement: 'txn_2' } });
    expect(booked(disputeWon(dispute, { id: 'txn_2', currency: 'USD', amountMinor: 83n, feeMinor: 0n, netMinor: 83n }))).toEqual({
      'disputes_pending:CNY': -600n, 'cash_in_transit:USD': 83n, 'currency_position:USD': -83n, 'currency_position:CNY': 600n,
    });
  });

  it('lost is borne by whom the legs name, part by part', () => {
    const draft = disputeLost(dispute, 'coins', [
      { account: chart.platformExpense(DISPUTE_LOSSES, 'CNY'), amountMinor: 600n }, { account: chart.platformExpense(DISPUTE_FEES, 'CNY'), amountMinor: 0n },
    ]);
    expect(booked(draft)).toEqual({ 'platform_expense:dispute_losses:CNY': 600n, 'disputes_pending:CNY': -600n });
    expect(named(draft)).toEqual({ key: 'stripe:dispute:dsp:lost:coins', kind: 'billing.dispute_lost', effectiveDate: '2026-03-05', metadata });
  });
});

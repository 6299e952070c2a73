import { describe, expect, it } from 'vitest';

import * as chart from '../../src/ledger/chart.ts';

/** The chart as a table: what each account is, and whether PostgreSQL keeps it from being overdrawn. */

const GUARDED = true;
const TABLE: [ReturnType<typeof chart.payable>, string, string, boolean?][] = [
  [chart.cashInTransit('CNY'), 'cash_in_transit:CNY', 'asset'],
  [chart.taxPayable('CNY'), 'tax_payable:CNY', 'liability'],
  [chart.deferred('cln', 'CNY'), 'deferred:cln:CNY', 'liability'],
  [chart.deferredFees('cln', 'CNY'), 'deferred_fees:cln:CNY', 'asset'],
  [chart.earned('cln', 'tir', 'CNY'), 'earned:cln:tir:CNY', 'liability'],
  [chart.payable('acc', 'CNY'), 'payable:acc:CNY', 'liability', GUARDED],
  // The platform's own share may go below zero, and takes no lock.
  [chart.payable('platform', 'CNY'), 'payable:platform:CNY', 'liability'],
  [chart.payeeDebt('acc', 'CNY'), 'payee_debt:acc:CNY', 'asset', GUARDED],
  [chart.payeeReserve('acc', 'CNY'), 'payee_reserve:acc:CNY', 'liability', GUARDED],
  [chart.advanceUnrecouped('adv', 'CNY'), 'advance_unrecouped:adv:CNY', 'asset', GUARDED],
  [chart.withholdingPayable('CNY'), 'withholding_payable:CNY', 'liability'],
  [chart.conversionPosition('CNY'), 'currency_position:CNY', 'asset'],
  [chart.payoutPending('acc', 'CNY'), 'payout_pending:acc:CNY', 'liability', GUARDED],
  [chart.refundsOwed('CNY'), 'refunds_owed:CNY', 'liability'],
  [chart.paidOutside('CNY'), 'paid_outside:CNY', 'liability'],
  [chart.platformExpense('fees', 'CNY'), 'platform_expense:fees:CNY', 'expense'],
  [chart.disputesPending('CNY'), 'disputes_pending:CNY', 'asset'],
  [chart.coinLiability('acc'), 'coins:acc', 'liability', GUARDED],
  [chart.coinsHeld('acc'), 'coins_held:acc', 'liability', GUARDED],
  [chart.coinsIssued(), 'coins_issued:COIN', 'asset'],
  [chart.coinDeferred('CNY'), 'coin_deferred:CNY', 'liability'],
  [chart.coinDeferredHeld('CNY'), 'coin_deferred_held:CNY', 'liability'],
  [chart.coinDeferredFees('CNY'), 'coin_deferred_fees:CNY', 'asset'],
  [chart.openingBalances('CNY'), 'opening_balances:CNY', 'liability'],
  [chart.fanDebt('acc', 'CNY'), 'fan_debt:acc:CNY', 'asset', GUARDED],
];

describe('the chart of accounts', () => {
  it('names each account by what it is, whose it is and its currency', () => {
    expect(TABLE.map(([account]) => ({ ...account, guarded: account.guarded ?? false }))).toEqual(TABLE.map(([, code, accountClass, guarded = false]) => (
      { code, class: accountClass, guarded, currency: code.startsWith('coins') ? 'COIN' : 'CNY' }
    )));
  });

  it('has no account beside these', () => {
    // Two of the table are `payable`.
    expect(Object.keys(chart)).toHaveLength(TABLE.length - 1);
  });
});

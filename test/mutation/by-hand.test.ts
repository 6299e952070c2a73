import { describe, expect, it } from 'vitest';

import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { adjustableAccount, type AdjustmentFacts, adjustmentDraft, type LegInput, openingDraft, payeesIn } from '../../src/ledger/adjust-model.ts';
import * as chart from '../../src/ledger/chart.ts';
import { makeTestClock } from '../support/clock.ts';
import { booked, named } from './legs.ts';

/** What operators post by hand: on few accounts, on days that have come, and balanced as everything else. */

const ACCOUNT = makeIds(makeTestClock('2026-03-01T00:00:00Z'), seededRandom('by hand')).next('account');

function code(work: () => unknown): string {
  try {
    work();
    return 'accepted';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describe('an account that may be adjusted', () => {
  it('is unpaid to a payee or owed back by one, an expense, tax, or an opening balance', () => {
    for (const account of [
      chart.payable(ACCOUNT, 'CNY'), chart.payable('platform', 'USD'), chart.payeeDebt(ACCOUNT, 'JPY'), chart.platformExpense('fees', 'EUR'), chart.platformExpense('a'.repeat(40), 'CNY'),
      chart.platformExpense('ab', 'CNY'), chart.taxPayable('CNY'), chart.withholdingPayable('CNY'), chart.openingBalances('CNY'),
    ]) expect(adjustableAccount(account.code)).toEqual(account);
  });

  it('is no other, in no other form, and never in coins', () => {
    for (const barred of [
      'cash_in_transit:CNY', 'earned:a:b:CNY', 'constructor:CNY', '', 'payable', 'payable:CNY', `payable:${ACCOUNT}`, `payable:${ACCOUNT}:GBP`, `payable:${ACCOUNT}:COIN`, `payable:${ACCOUNT}:x:CNY`,
      'payable:nobody:CNY', 'payee_debt:platform:CNY', 'platform_expense:CNY', 'platform_expense:Fees:CNY', 'platform_expense:a:CNY', `platform_expense:${'a'.repeat(41)}:CNY`, 'platform_expense:1a:CNY',
      'platform_expense:ab1:CNY', 'tax_payable:x:CNY', 'tax_payable::CNY', 'withholding_payable:x:CNY', 'withholding_payable::CNY', 'opening_balances:x:CNY', 'opening_balances::CNY', 'tax_payable',
    ]) {
      expect([barred, code(() => adjustableAccount(barred))]).toEqual([barred, 'ledger_account_barred']);
    }
    try {
      adjustableAccount('earned:a:b:CNY');
      expect.unreachable();
    } catch (error) {
      expect((error as Refusal).extra).toEqual({ account: 'earned:a:b:CNY' });
    }
  });
});

describe('an adjusting entry', () => {
  const legs: LegInput[] = [{ account: chart.payable(ACCOUNT, 'CNY').code, amountMinor: '-5' }, { account: 'platform_expense:goodwill:CNY', amountMinor: '5' }];
  const facts: AdjustmentFacts = { adjustmentId: 'adj', effectiveDate: '2026-03-01', reason: 'Why.', legs, proposedBy: 'acc_one' };

  it('says who proposed and who approved it, and why', () => {
    const draft = adjustmentDraft(facts, 'acc_two', '2026-03-01');
    expect(booked(draft)).toEqual({ [chart.payable(ACCOUNT, 'CNY').code]: -5n, 'platform_expense:goodwill:CNY': 5n });
    expect(named(draft)).toEqual({ key: 'adjustment:adj', kind: 'ledger.adjusted', effectiveDate: '2026-03-01', metadata: { adjustmentId: 'adj', reason: 'Why.', proposedBy: 'acc_one', approvedBy: 'acc_two' } });
  });

  it('is of a day that has come, balanced, and in whole units', () => {
    expect(code(() => adjustmentDraft(facts, '', '2026-03-02'))).toBe('accepted');
    for (const effectiveDate of ['2026-03-03', '1999-12-31', '2026-02-30', 'x']) expect(code(() => adjustmentDraft({ ...facts, effectiveDate }, '', '2026-03-02'))).toBe('request_invalid');
    expect(code(() => adjustmentDraft({ ...facts, legs: [legs[0]!, { ...legs[1]!, amountMinor: '4' }] }, '', '2026-03-02'))).toBe('ledger_unbalanced');
    expect(code(() => adjustmentDraft({ ...facts, legs: [legs[0]!, { ...legs[1]!, amountMinor: '5.0' }] }, '', '2026-03-02'))).toBe('money_malformed');
    expect(code(() => adjustmentDraft({ ...facts, legs: [] }, '', '2026-03-02'))).toBe('ledger_transfer_invalid');
  });

  it('touches the balances of people, each once, and the platform is none', () => {
    const on = (...accounts: ReturnType<typeof chart.payable>[]): string[] => payeesIn(accounts.map((account) => ({ account, amountMinor: 1n })));
    expect(on(chart.payable('b', 'CNY'), chart.payeeDebt('a', 'CNY'), chart.payable('a', 'CNY'), chart.payable('platform', 'CNY'), chart.platformExpense('c', 'CNY'))).toEqual(['a', 'b']);
    expect(on(chart.taxPayable('CNY'))).toEqual([]);
  });
});

describe('an opening balance', () => {
  const legs: LegInput[] = [{ account: chart.payable(ACCOUNT, 'CNY').code, amountMinor: '-5' }, { account: 'opening_balances:CNY', amountMinor: '5' }];

  it('is the same in every file', () => {
    const draft = openingDraft({ key: 'k', effectiveDate: '2026-03-01', legs }, '2026-03-01');
    expect(booked(draft)).toEqual({ [chart.payable(ACCOUNT, 'CNY').code]: -5n, 'opening_balances:CNY': 5n });
    expect(named(draft)).toEqual({ key: 'opening:k', kind: 'ledger.opened', effectiveDate: '2026-03-01', metadata: { openingKey: 'k' } });
    expect(code(() => openingDraft({ key: 'k', effectiveDate: '2026-03-02', legs }, '2026-03-01'))).toBe('request_invalid');
    expect(code(() => openingDraft({ key: 'k', effectiveDate: '2026-03-01', legs: legs.slice(0, 1) }, '2026-03-01'))).toBe('ledger_transfer_invalid');
  });
});

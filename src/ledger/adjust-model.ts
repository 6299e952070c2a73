import { isId } from '../kernel/ids.ts';
import { type Currency, isCurrency, parseMinor } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Day } from '../kernel/time.ts';
import * as chart from './chart.ts';
import { type AccountRef, checkTransfer, isLedgerDay, type Leg, type TransferDraft } from './model.ts';

/** What operators post by hand, as transfers. Pure. */

/** An adjusting entry, proposed by one operator and approved by another. */
export const ADJUSTED = 'ledger.adjusted';
/** An opening balance, brought in from older books. */
export const OPENED = 'ledger.opened';

/** A leg as it is asked for: an account by its code, and a signed amount as text. */
export interface LegInput {
  account: string;
  amountMinor: string;
}

function barred(code: string): Refusal {
  return new Refusal(
    'ledger_account_barred',
    'By hand an operator moves only what is unpaid to a payee or owed back by one, expenses of the platform, tax, and opening balances. Everything else stands on facts of its own.',
    { extra: { account: code } },
  );
}

/** By the first part of a code, what may stand between it and the currency, and the account. */
const ADJUSTABLE: Readonly<Record<string, { named: (name: string) => boolean; account: (name: string, currency: Currency) => AccountRef }>> = {
  payable: { named: (name) => name === 'platform' || isId('account', name), account: chart.payable },
  payee_debt: { named: (name) => isId('account', name), account: chart.payeeDebt },
  platform_expense: { named: (name) => /^[a-z][a-z_]{1,39}$/.test(name), account: chart.platformExpense },
  tax_payable: { named: (name) => name === '', account: (_name, currency) => chart.taxPayable(currency) },
  withholding_payable: { named: (name) => name === '', account: (_name, currency) => chart.withholdingPayable(currency) },
  opening_balances: { named: (name) => name === '', account: (_name, currency) => chart.openingBalances(currency) },
};

/** The account of a code, where an operator may post to it by hand. Refuses `ledger_account_barred`. */
export function adjustableAccount(code: string): AccountRef {
  const [first = '', ...rest] = code.split(':');
  const currency = rest.pop() ?? '';
  const rule = Object.hasOwn(ADJUSTABLE, first) ? ADJUSTABLE[first] : undefined;
  if (rule === undefined || rest.length > 1 || !isCurrency(currency) || currency === 'COIN' || !rule.named(rest[0] ?? '')) throw barred(code);
  const account = rule.account(rest[0] ?? '', currency);
  if (account.code !== code) throw barred(code);
  return account;
}

/** Whose balances legs touch, each once: accounts of people, never the platform. */
export function payeesIn(legs: readonly Leg[]): string[] {
  const names = legs.map(({ account }) => account.code.split(':')).filter(([first]) => first === 'payable' || first === 'payee_debt').map(([, name]) => name ?? '');
  return [...new Set(names)].filter((name) => name !== 'platform').sort();
}

function legsOf(inputs: readonly LegInput[]): Leg[] {
  return inputs.map(({ account, amountMinor }) => ({ account: adjustableAccount(account), amountMinor: parseMinor(amountMinor) }));
}

/** A day on which something can have counted: one of the ledger's, today at the latest. Refuses `request_invalid`. */
function checkDay(day: Day, today: Day): void {
  if (!isLedgerDay(day) || day > today) throw new Refusal('request_invalid', 'The effective date is today or a day before, from 2000 on.');
}

export interface AdjustmentFacts {
  adjustmentId: string;
  effectiveDate: Day;
  reason: string;
  legs: readonly LegInput[];
  proposedBy: string;
}

/** The transfer of an adjusting entry. `approvedBy` is empty while nobody has approved it. Refuses as `checkTransfer` does. */
export function adjustmentDraft(facts: AdjustmentFacts, approvedBy: string, today: Day): TransferDraft {
  checkDay(facts.effectiveDate, today);
  const { adjustmentId, effectiveDate, reason, proposedBy } = facts;
  const draft: TransferDraft = {
    key: `adjustment:${adjustmentId}`, kind: ADJUSTED, effectiveDate, legs: legsOf(facts.legs), metadata: { adjustmentId, reason, proposedBy, approvedBy },
  };
  checkTransfer(draft);
  return draft;
}

/** One transfer of a file of opening balances. */
export interface OpeningInput {
  /** Names it for ever, in whichever file it comes. */
  key: string;
  effectiveDate: Day;
  legs: readonly LegInput[];
}

/** The transfer of an opening balance: the same in every file, so that one that comes again changes nothing. */
export function openingDraft({ key, effectiveDate, legs }: OpeningInput, today: Day): TransferDraft {
  checkDay(effectiveDate, today);
  const draft: TransferDraft = { key: `opening:${key}`, kind: OPENED, effectiveDate, legs: legsOf(legs), metadata: { openingKey: key } };
  checkTransfer(draft);
  return draft;
}

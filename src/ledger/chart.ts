import type { Currency } from '../kernel/money.ts';
import type { AccountRef } from './model.ts';

/**
 * The chart of accounts. Codes begin with what the account is and end with its currency, so that a prefix finds all
 * accounts of a clone or a payee. Amounts on them: positive = debit, negative = credit.
 */

/** Asset: our money at the payment processor. */
export function cashInTransit(currency: Currency): AccountRef {
  return { code: `cash_in_transit:${currency}`, currency, class: 'asset' };
}

/** Liability: tax collected with a price, owed to a tax office; it never enters a pot. */
export function taxPayable(currency: Currency): AccountRef {
  return { code: `tax_payable:${currency}`, currency, class: 'liability' };
}

/** Liability: subscription money not yet earned, net of tax. One hot account a clone, so it takes no lock. */
export function deferred(cloneId: string, currency: Currency): AccountRef {
  return { code: `deferred:${cloneId}:${currency}`, currency, class: 'liability' };
}

/** Asset: processor fees not yet charged to what was earned. */
export function deferredFees(cloneId: string, currency: Currency): AccountRef {
  return { code: `deferred_fees:${cloneId}:${currency}`, currency, class: 'asset' };
}

/** Liability: earned on a tier and not yet run, net of tax and fees. */
export function earned(cloneId: string, tierId: string, currency: Currency): AccountRef {
  return { code: `earned:${cloneId}:${tierId}:${currency}`, currency, class: 'liability' };
}

/**
 * Liability: what a payee has coming. Guarded: a payout or a clawback takes at most what is there, the rest of a
 * clawback is `payeeDebt`. The platform's own share may go below zero and takes no lock.
 */
export function payable(payee: string, currency: Currency): AccountRef {
  const account = { code: `payable:${payee}:${currency}`, currency, class: 'liability' } as const;
  return payee === 'platform' ? account : { ...account, guarded: true };
}

/** Asset: what a payee owes back after a payout. Guarded, so that no clawback is netted twice. */
export function payeeDebt(accountId: string, currency: Currency): AccountRef {
  return { code: `payee_debt:${accountId}:${currency}`, currency, class: 'asset', guarded: true };
}

/** Liability: a part of what a payee has coming, held back against refunds until its day. Guarded: nothing is taken from it twice. */
export function payeeReserve(accountId: string, currency: Currency): AccountRef {
  return { code: `payee_reserve:${accountId}:${currency}`, currency, class: 'liability', guarded: true };
}

/**
 * Asset: what of an advance is still to be recouped from later earnings. It is never owed by the payee: what is left at its
 * end is the platform's expense. Guarded, so that no more is recouped than was paid.
 */
export function advanceUnrecouped(advanceId: string, currency: Currency): AccountRef {
  return { code: `advance_unrecouped:${advanceId}:${currency}`, currency, class: 'asset', guarded: true };
}

/** Liability: tax withheld from payments to payees, owed to a tax office. */
export function withholdingPayable(currency: Currency): AccountRef {
  return { code: `withholding_payable:${currency}`, currency, class: 'liability' };
}

/**
 * Position: money that changed its currency passes through one account for each, so that every transfer is balanced in each
 * currency and what stays here is what the platform gained or lost by the rates.
 */
export function conversionPosition(currency: Currency): AccountRef {
  return { code: `currency_position:${currency}`, currency, class: 'asset' };
}

/** Liability: a payout on its way, between its two phases. */
export function payoutPending(accountId: string, currency: Currency): AccountRef {
  return { code: `payout_pending:${accountId}:${currency}`, currency, class: 'liability', guarded: true };
}

/** Liability: refunds whose money came back because it could not reach the fan, who is owed it. */
export function refundsOwed(currency: Currency): AccountRef {
  return { code: `refunds_owed:${currency}`, currency, class: 'liability' };
}

/** Liability: what was paid to fans out of accounts that these books do not keep, owed to whoever keeps those. */
export function paidOutside(currency: Currency): AccountRef {
  return { code: `paid_outside:${currency}`, currency, class: 'liability' };
}

/** Expense of the platform, by kind, such as `processor_fees`. */
export function platformExpense(kind: string, currency: Currency): AccountRef {
  return { code: `platform_expense:${kind}:${currency}`, currency, class: 'expense' };
}

/** Asset: money that a processor holds back while a payment is disputed. */
export function disputesPending(currency: Currency): AccountRef {
  return { code: `disputes_pending:${currency}`, currency, class: 'asset' };
}

/**
 * Liability: a fan's coins that are neither spent nor held. Guarded, so a wallet never stands below zero. Coins are a
 * currency of their own; each transfer that moves them moves what they cost in the same breath.
 */
export function coinLiability(accountId: string): AccountRef {
  return { code: `coins:${accountId}`, currency: 'COIN', class: 'liability', guarded: true };
}

/** Liability: a fan's coins that are held for something not yet delivered. */
export function coinsHeld(accountId: string): AccountRef {
  return { code: `coins_held:${accountId}`, currency: 'COIN', class: 'liability', guarded: true };
}

/** The other side of every coin that is out: as many as all wallets hold. */
export function coinsIssued(): AccountRef {
  return { code: 'coins_issued:COIN', currency: 'COIN', class: 'asset' };
}

/** Liability: what unspent coins cost, net of tax. It is nobody's revenue until they are spent. */
export function coinDeferred(currency: Currency): AccountRef {
  return { code: `coin_deferred:${currency}`, currency, class: 'liability' };
}

/** Liability: what held coins cost. */
export function coinDeferredHeld(currency: Currency): AccountRef {
  return { code: `coin_deferred_held:${currency}`, currency, class: 'liability' };
}

/** Asset: the processor's fees on coins that are not spent; they follow the coins to what these buy. */
export function coinDeferredFees(currency: Currency): AccountRef {
  return { code: `coin_deferred_fees:${currency}`, currency, class: 'asset' };
}

/** Asset: what a fan owes whose lost dispute took money for coins that were spent. Guarded: paid back at most once. */
export function fanDebt(accountId: string, currency: Currency): AccountRef {
  return { code: `fan_debt:${accountId}:${currency}`, currency, class: 'asset', guarded: true };
}

/**
 * Liability: the other side of balances that are brought in from older books. Once both sides of those books are in, nothing
 * stands here.
 */
export function openingBalances(currency: Currency): AccountRef {
  return { code: `opening_balances:${currency}`, currency, class: 'liability' };
}

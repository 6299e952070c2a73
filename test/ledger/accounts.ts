import type { Currency } from '../../src/kernel/money.ts';
import type { AccountRef, TransferDraft } from '../../src/ledger/model.ts';

/** Accounts that need no database: what the tests of the ledger move money between. */

export function house(name: string, currency: Currency = 'CNY'): AccountRef {
  return { code: `house:${name}:${currency}`, currency, class: 'asset' };
}

export function wallet(name: string, currency: Currency = 'CNY'): AccountRef {
  return { code: `wallet:${name}:${currency}`, currency, class: 'liability', guarded: true };
}

/** `amountMinor` from the house into a wallet (a credit of it), or out of it when negative. */
export function into(account: AccountRef, amountMinor: bigint): TransferDraft['legs'] {
  return [{ account: house('cash', account.currency), amountMinor }, { account, amountMinor: -amountMinor }];
}

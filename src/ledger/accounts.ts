import type { Refusal } from '../kernel/refusals.ts';
import { invalid, type AccountRef, type Leg, sameAccount } from './model.ts';
import type { Tx } from '../kernel/tx.ts';
import { connectionsOpened } from '../platform/postgres/index.ts';
import { findAccounts, type OpenAccount, openAccounts } from './account-store.ts';

const KEPT_MAX = 50_000;

/** Legs by the numbers of their accounts, as columns of a statement. */
export interface LegColumns {
  accountIds: string[];
  currencies: string[];
  amounts: string[];
}

/**
 * The numbers of accounts by their codes. An account never changes once it is opened, so what was committed is looked up
 * once; what this transaction opened itself is not kept, since it may still be rolled back. All of it is forgotten when a connection is opened: an
 * older backup may have taken the database's place, where the same numbers name other accounts.
 */
export class Accounts {
  #known = new Map<string, OpenAccount>();
  #opened = 0;

  /** What is known of the database that this transaction is in. */
  #knownIn(tx: Tx): Map<string, OpenAccount> {
    const opened = connectionsOpened(tx);
    if (opened > this.#opened || this.#known.size > KEPT_MAX) {
      this.#known = new Map();
      this.#opened = Math.max(opened, this.#opened);
    }
    return this.#known;
  }

  /** Finds accounts and opens those that are new, as they are described. Those that stand may be described otherwise. */
  async resolve(tx: Tx, refs: Iterable<AccountRef>): Promise<ReadonlyMap<string, OpenAccount>> {
    const known = this.#knownIn(tx);
    const all = new Map<string, OpenAccount>();
    const unknown = new Map<string, AccountRef>();
    for (const account of refs) {
      const found = known.get(account.code);
      if (found !== undefined) all.set(account.code, found);
      else if (!unknown.has(account.code)) unknown.set(account.code, account);
    }
    if (unknown.size === 0) return all;
    const codes = [...unknown.keys()];
    let found = await findAccounts(tx, codes);
    if (found.length < codes.length) {
      await openAccounts(tx, [...unknown.values()]);
      found = await findAccounts(tx, codes);
    }
    // What an older transaction learned may be of a database that is no more.
    const keeps = connectionsOpened(tx) === this.#opened;
    for (const open of found) {
      all.set(open.account.code, open);
      if (open.committed && keeps) known.set(open.account.code, open);
    }
    return all;
  }

  /** As `resolve`, where every leg must describe its account as it was opened. Refuses `ledger_transfer_invalid`. */
  async columns(tx: Tx, legs: readonly Leg[]): Promise<LegColumns> {
    // Nothing is awaited where all are known: the statement then leaves together with the one that begins the transaction.
    const known = this.#knownIn(tx);
    return legColumns(legs, legs.every(({ account }) => known.has(account.code)) ? known : await this.resolve(tx, legs.map(({ account }) => account)));
  }
}

/** Whether every leg describes its account as it was opened; whoever does not is refused as `misdescribed`. */
export function fits(legs: readonly Leg[], known: ReadonlyMap<string, OpenAccount>): boolean {
  return legs.every(({ account }) => {
    const open = known.get(account.code);
    return open !== undefined && sameAccount(open.account, account);
  });
}

export function misdescribed(): Refusal {
  return invalid('An account of this transfer was opened with another currency, class or guard.');
}

function legColumns(legs: readonly Leg[], known: ReadonlyMap<string, OpenAccount>): LegColumns {
  if (!fits(legs, known)) throw misdescribed();
  return {
    accountIds: legs.map(({ account }) => known.get(account.code)?.id ?? ''),
    currencies: legs.map(({ account }) => account.currency),
    amounts: legs.map(({ amountMinor }) => amountMinor.toString()),
  };
}

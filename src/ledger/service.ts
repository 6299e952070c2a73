import type { Ids } from '../kernel/ids.ts';
import { type Currency, parseMinor } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import { Accounts } from './accounts.ts';
import { accountsAfter } from './account-store.ts';
import { type EntrySum, entrySums, type SumsRange } from './grouping.ts';
import { type CaptureDraft, captureHold, type Held, hold, type HoldView, readHold, voidHold } from './holds.ts';
import type { HoldDraft } from './hold-model.ts';
import { expireSome } from './hold-store.ts';
import { ACCOUNT_CLASSES, type AccountClass, type AccountRef, availableOf, inRange, NOTHING, type TransferDraft } from './model.ts';
import { type Posted, post, reverse } from './posting.ts';
import {
  classTotals, entriesIn, entriesTraced, type EntryRange, type EntryView, lastPosition, type Trace, transferById,
  transfersAfter, type TransferView,
} from './reading.ts';
import type { ReversalDraft } from './reversal.ts';
import { balancesOf, lockAccounts, type RollUpOptions, sequenceSome, standingsOf, takeRollUp } from './store.ts';
import { makeWriter } from './writer.ts';
import { verifyLedger, type VerifyReport } from './verify.ts';
import type { Anchored } from './verify-seals.ts';

export interface TrialBalance {
  position: bigint;
  currencies: { currency: Currency; totalMinor: bigint; classes: { class: AccountClass; balanceMinor: bigint }[] }[];
}

/** The door of the room. What takes `tx` is part of the caller's transaction; the rest opens its own. */
export interface Ledger {
  /**
   * Books a balanced transfer. Refuses `ledger_unbalanced`, `ledger_transfer_invalid`, `money_malformed`,
   * `money_out_of_range`, `ledger_insufficient_funds`, `ledger_key_reused`; after a refusal the transaction is usable.
   * Guarded debits need READ COMMITTED (the default).
   */
  post: (tx: Tx, draft: TransferDraft) => Promise<Posted>;
  /**
   * Books a transfer that stands alone, in a transaction that it shares with others, and answers after its COMMIT. Refuses
   * as `post` does, and `overloaded` when too many wait. After any other error the same key may be submitted again.
   */
  submit: (draft: TransferDraft) => Promise<Posted>;
  /** When nothing that was submitted waits any more. */
  idle: () => Promise<void>;
  /**
   * Books the opposite of a transfer, or the named part of it. All reversals together never take more than it moved:
   * `ledger_reversal_too_large`.
   */
  reverse: (tx: Tx, transferId: string, draft: ReversalDraft) => Promise<Posted>;
  /**
   * Keeps a transfer pending: what it takes from guarded accounts nobody else can take until it ends, once, by
   * `captureHold`, `voidHold` or `expireHolds`. Refuses as `post` does.
   */
  hold: (tx: Tx, draft: HoldDraft) => Promise<Held>;
  /**
   * Posts a hold in full or in part; what a part leaves is free again. Refuses `hold_state` for one that has ended or run
   * out, `ledger_capture_too_large`, `ledger_key_reused`, `not_found`.
   */
  captureHold: (tx: Tx, holdId: string, draft: CaptureDraft) => Promise<Posted>;
  /** Lets a hold go. Refuses `hold_state` when it was captured or ran out, `not_found`. */
  voidHold: (tx: Tx, holdId: string, at: Date) => Promise<Held>;
  readHold: (tx: Tx, holdId: string) => Promise<HoldView | null>;
  /** Ends every open hold whose time is over at `at`; answers how many. */
  expireHolds: (at: Date) => Promise<number>;
  /** What a guarded account has to give: its natural balance above its floor, less what open holds keep. */
  available: (tx: Tx, account: AccountRef) => Promise<bigint>;
  /** Signed balance (debit positive) of everything this transaction sees. 0 for an account never used. */
  balance: (tx: Tx, account: Pick<AccountRef, 'code'>) => Promise<bigint>;
  /** As `balance`, with the account's row locked first: nothing can take from a guarded account until this commits. */
  lockedBalance: (tx: Tx, account: Pick<AccountRef, 'code'>) => Promise<bigint>;
  /** The balance of what had been recorded up to a position, of what counts up to a day, or both. */
  balanceAsOf: (
    tx: Tx, account: Pick<AccountRef, 'code'>, at: { position?: bigint; effectiveDate?: Day },
  ) => Promise<bigint>;
  /** Entries in (fromPosition, toPosition], in recorded order: the same range answers the same for ever. */
  entries: (tx: Tx, range: EntryRange) => Promise<EntryView[]>;
  /** A range summed up by account, kind and origin: what a statement's lines are made of. */
  sums: (tx: Tx, range: SumsRange) => Promise<EntrySum[]>;
  /** Entries of all transfers whose metadata carry this id. */
  entriesFor: (tx: Tx, trace: Trace) => Promise<EntryView[]>;
  transfer: (tx: Tx, transferId: string) => Promise<TransferView | null>;
  /** Accounts that were ever used, by code, at most `limit` after one of them. */
  accountsAfter: (tx: Tx, prefix: string, after: string, limit: number) => Promise<{ code: string; currency: Currency }[]>;
  /** The last position given. What commits later stands behind it. */
  position: (tx: Tx) => Promise<bigint>;
  /**
   * Gives positions to everything committed so far, sums up what is worth it, and answers the last one. Call it before a close, outside of tx.
   */
  sequence: () => Promise<bigint>;
  /** Sums up what was sequenced, so that balances stay quick. Answers how many positions it covered. */
  rollUp: (options?: Partial<RollUpOptions>) => Promise<bigint>;
  /** Adds everything up again from the entries and names what does not fit. Nothing is proven by that alone. */
  verify: () => Promise<VerifyReport>;
  /** As `verify`, within a transaction that must be REPEATABLE READ, against seals that a checkpoint held elsewhere proves. */
  verifyAgainst: (tx: Tx, anchored: Anchored | null) => Promise<VerifyReport>;
  /** Per currency and class, added up from the entries; each currency's total is zero. */
  getTrialBalance: () => Promise<TrialBalance>;
  /** Transfers behind a position, at most `limit`. */
  listTransfers: (options: { after: bigint; limit: number; accountCode?: string }) => Promise<TransferView[]>;
}

/** Transfers that one transaction of the sequencer takes, so that it never holds its lock for long. */
const SEQUENCE_BATCH = 10_000;
const EXPIRY_BATCH = 500;
/** What is not rolled up is added up at each question: these bound it to what takes a fraction of a millisecond. */
const ROLL_UP: RollUpOptions = { minimum: 1, stride: 64, worth: 64, daysWorth: 128 };

async function balanceAt(
  tx: Tx, { code }: Pick<AccountRef, 'code'>, at: { position?: bigint; effectiveDate?: Day } = {},
): Promise<bigint> {
  return inRange((await balancesOf(tx, [code], at)).get(code) ?? 0n);
}

async function trialBalance(tx: Tx): Promise<TrialBalance> {
  const currencies = new Map<Currency, Map<AccountClass, bigint>>();
  for (const row of await classTotals(tx)) {
    const classes = currencies.get(row.currency) ?? new Map<AccountClass, bigint>();
    currencies.set(row.currency, classes.set(row.class, parseMinor(row.total)));
  }
  return {
    position: await lastPosition(tx),
    currencies: [...currencies].map(([currency, classes]) => ({
      currency,
      totalMinor: [...classes.values()].reduce((sum, balance) => sum + balance, 0n),
      classes: ACCOUNT_CLASSES.map((name) => ({ class: name, balanceMinor: classes.get(name) ?? 0n })),
    })),
  };
}

export function makeLedger({ runTx, ids }: { runTx: RunTx; ids: Ids }): Ledger {
  const posting = { ids, accounts: new Accounts() };
  const writer = makeWriter({ runTx, ...posting });
  return {
    ...writer,
    post: (tx, draft) => post(tx, posting, draft),
    reverse: (tx, transferId, draft) => reverse(tx, posting, transferId, draft),
    hold: (tx, draft) => hold(tx, ids, draft),
    captureHold: (tx, holdId, draft) => captureHold(tx, posting, holdId, draft),
    voidHold,
    readHold,
    async expireHolds(at) {
      let ended = 0;
      for (let more = true; more;) {
        const some = await runTx((tx) => expireSome(tx, at, EXPIRY_BATCH));
        ended += some;
        more = some === EXPIRY_BATCH;
      }
      return ended;
    },
    available: async (tx, account) => availableOf(account, (await standingsOf(tx, [account.code], null)).get(account.code) ?? NOTHING),
    balance: (tx, account) => balanceAt(tx, account),
    async lockedBalance(tx, account) {
      await lockAccounts(tx, [account.code]);
      return await balanceAt(tx, account);
    },
    balanceAsOf: balanceAt,
    entries: entriesIn,
    sums: entrySums,
    entriesFor: entriesTraced,
    transfer: transferById,
    accountsAfter,
    position: lastPosition,
    async sequence() {
      while ((await runTx((tx) => sequenceSome(tx, SEQUENCE_BATCH))) === BigInt(SEQUENCE_BATCH));
      // So that no question about a position ever adds up more than a stride.
      return await runTx(async (tx) => {
        await takeRollUp(tx, { ...ROLL_UP, minimum: ROLL_UP.stride });
        return await lastPosition(tx);
      });
    },
    rollUp: (options = {}) => runTx((tx) => takeRollUp(tx, { ...ROLL_UP, ...options })),
    verify: () => runTx((tx) => verifyLedger(tx), { isolation: 'REPEATABLE READ' }),
    verifyAgainst: verifyLedger,
    getTrialBalance: () => runTx(trialBalance, { isolation: 'REPEATABLE READ' }),
    listTransfers: (options) => runTx((tx) => transfersAfter(tx, options)),
  };
}

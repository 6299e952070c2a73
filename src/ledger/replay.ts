import type { JsonObject } from '../kernel/canonical-json.ts';
import { AMOUNT_MAX, type Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import { accountHash, type AccountRef, contentHash, natural } from './model.ts';

/** Adds the whole ledger up again from what is stored, believing no sum of it. Pure: rows in, problems out. */

export type ProblemCode =
  | 'trigger_disabled' | 'account_changed' | 'transfer_changed' | 'transfer_unbalanced' | 'transfer_legs'
  | 'entry_without_transfer' | 'entry_without_account' | 'entry_currency' | 'position_gap' | 'position_without_transfer'
  | 'account_below_floor' | 'balance_out_of_range' | 'balance_wrong' | 'roll_up_wrong' | 'snapshot_wrong'
  | 'day_total_wrong' | 'reversal_exceeds'
  | 'close_wrong' | 'seal_wrong' | 'seal_missing' | 'sealed_missing' | 'leaf_wrong'
  | 'hold_changed' | 'hold_legs' | 'hold_unbalanced' | 'hold_state' | 'hold_exceeded' | 'hold_missing' | 'hold_uncovered';

export interface VerifyProblem {
  code: ProblemCode;
  /** What is wrong: a transfer id, an account code, a position. */
  id: string;
  detail: string;
}

export interface StoredAccount extends AccountRef {
  /** Internal number, as text. */
  id: string;
  contentHash: Buffer;
}

export interface StoredTransferRow {
  position: bigint | null;
  seq: bigint;
  /** Null when a position names a transfer that is not there. */
  id: string | null;
  key: string;
  kind: string;
  effectiveDate: Day;
  legCount: number;
  reverses: string | null;
  captures: string | null;
  contentHash: Buffer;
  metadata: JsonObject;
  legs: { accountId: string; currency: Currency; amountMinor: bigint }[];
}

export interface StoredRollUp {
  position: bigint;
  settledSeq: bigint;
  highSeq: bigint;
}

export interface StoredSnapshot extends StoredRollUp {
  accountId: string;
  balanceMinor: bigint;
  /** What it added by effective date; null where it keeps no sums by day. */
  days: ReadonlyMap<Day, bigint> | null;
}

/** A close as it was written down; sums by `currency class`. */
export interface StoredClose {
  number: number;
  throughDay: Day;
  position: bigint;
  totals: ReadonlyMap<string, { movement: bigint; adjustments: bigint; balance: bigint }>;
}

export interface Replay {
  apply: (row: StoredTransferRow) => void;
  /** Compares what the period moved and how it stood with what its close says; call it after the row of its position. */
  close: (row: StoredClose) => void;
  /** Compares the sums after the row of this position with what was written down there. */
  compare: (rollUp: StoredRollUp, snapshots: readonly StoredSnapshot[]) => void;
  balances: ReadonlyMap<string, bigint>;
}

interface State {
  accounts: ReadonlyMap<string, StoredAccount>;
  balances: Map<string, bigint>;
  /** Sums by effective date since the account's last ones that were kept. */
  days: Map<string, Map<Day, bigint>>;
  /** Accounts already reported, so that one wrong amount is one problem and not thousands. */
  reported: Set<string>;
  position: bigint;
  highSeq: bigint;
  settledSeq: bigint;
  /** Sums by `currency class`: all, since the last close, and of those what belongs to days closed before. */
  period: { balance: Map<string, bigint>; movement: Map<string, bigint>; adjustments: Map<string, bigint>; number: number; throughDay: Day };
  report: (code: ProblemCode, id: string, detail: string) => void;
}

function checkPlace(state: State, row: StoredTransferRow): void {
  const name = row.id ?? `position ${String(row.position)}`;
  if (row.position !== null) {
    if (row.position !== state.position + 1n) {
      state.report('position_gap', String(row.position), `The position before it is ${String(state.position)}.`);
    }
    state.position = row.position;
    if (row.seq > state.highSeq) state.highSeq = row.seq;
  }
  // A roll-up promised that nothing at or below its settled place would come later; balances rely on it.
  if (row.seq <= state.settledSeq && row.legs.length > 0) {
    state.report('roll_up_wrong', name, `It came after a roll-up that had settled everything up to ${String(state.settledSeq)}.`);
  }
}

function checkContent(state: State, row: StoredTransferRow, id: string): void {
  const legs = row.legs.map(({ accountId, currency, amountMinor }) => ({
    account: state.accounts.get(accountId)?.code ?? '', currency, amountMinor,
  }));
  if (legs.length !== row.legCount || legs.length < 2) {
    state.report('transfer_legs', id, `It has ${legs.length} legs and was posted with ${row.legCount}.`);
  }
  if (!contentHash({ ...row, legs }).equals(row.contentHash)) {
    state.report('transfer_changed', id, 'Its content is not what was posted.');
  }
  const sums = new Map<string, bigint>();
  for (const { currency, amountMinor } of legs) sums.set(currency, (sums.get(currency) ?? 0n) + amountMinor);
  for (const [currency, sum] of sums) {
    if (sum !== 0n) state.report('transfer_unbalanced', id, `Its legs in ${currency} sum to ${String(sum)}.`);
  }
}

function addToPeriod(state: State, name: string, amount: bigint, day: Day): void {
  const { balance, movement, adjustments, throughDay } = state.period;
  for (const sums of day < throughDay ? [balance, movement, adjustments] : [balance, movement]) {
    sums.set(name, (sums.get(name) ?? 0n) + amount);
  }
}

function compareClose(state: State, row: StoredClose): void {
  const { period } = state;
  const name = `close ${row.number}`;
  if (row.number !== period.number + 1 || row.throughDay <= period.throughDay) {
    state.report('close_wrong', name, 'It does not follow the one before it.');
  }
  if (row.position !== state.position) state.report('close_wrong', name, 'It stands at a position that is not there.');
  for (const key of new Set([...period.balance.keys(), ...row.totals.keys()])) {
    const kept = row.totals.get(key) ?? { movement: 0n, adjustments: 0n, balance: 0n };
    const found = { movement: period.movement.get(key) ?? 0n, adjustments: period.adjustments.get(key) ?? 0n, balance: period.balance.get(key) ?? 0n };
    if (kept.movement !== found.movement || kept.adjustments !== found.adjustments || kept.balance !== found.balance) {
      state.report('close_wrong', name, `Its sums of ${key} are not those of its entries.`);
    }
  }
  state.period = { ...period, movement: new Map(), adjustments: new Map(), number: row.number, throughDay: row.throughDay };
}

function addLegs(state: State, row: StoredTransferRow, id: string): void {
  const changes = new Map<string, bigint>();
  for (const { accountId, currency, amountMinor } of row.legs) {
    const account = state.accounts.get(accountId);
    if (account === undefined) {
      state.report('entry_without_account', id, `A leg stands on account number ${accountId}, which is not there.`);
    } else if (account.currency !== currency) {
      state.report('entry_currency', id, `A leg in ${currency} stands on ${account.code}.`);
    }
    changes.set(accountId, (changes.get(accountId) ?? 0n) + amountMinor);
    if (account !== undefined) addToPeriod(state, `${currency} ${account.class}`, amountMinor, row.effectiveDate);
    const days = state.days.get(accountId) ?? new Map<Day, bigint>();
    state.days.set(accountId, days.set(row.effectiveDate, (days.get(row.effectiveDate) ?? 0n) + amountMinor));
  }
  for (const [accountId, change] of changes) {
    const after = (state.balances.get(accountId) ?? 0n) + change;
    state.balances.set(accountId, after);
    const account = state.accounts.get(accountId);
    if (account === undefined || state.reported.has(accountId)) continue;
    if (account.guarded === true && natural(account, after) < (account.floorMinor ?? 0n)) {
      state.reported.add(accountId);
      state.report('account_below_floor', account.code, `Transfer ${id} leaves it at ${String(natural(account, after))}.`);
    }
    if (after > AMOUNT_MAX || after < -AMOUNT_MAX) {
      state.reported.add(accountId);
      state.report('balance_out_of_range', account.code, `Transfer ${id} brings it beyond 64 bits.`);
    }
  }
}

/** A day that nothing is left of is as good as none. */
function sameDays(found: ReadonlyMap<Day, bigint>, kept: ReadonlyMap<Day, bigint>): boolean {
  return [...found.keys(), ...kept.keys()].every((day) => (found.get(day) ?? 0n) === (kept.get(day) ?? 0n));
}

function compareAt(state: State, rollUp: StoredRollUp, snapshots: readonly StoredSnapshot[]): void {
  const at = String(rollUp.position);
  if (rollUp.position !== state.position) state.report('roll_up_wrong', at, 'It stands at a position that is not there.');
  if (rollUp.highSeq !== state.highSeq) state.report('roll_up_wrong', at, `The highest place up to it is ${String(state.highSeq)}.`);
  if (rollUp.settledSeq < state.settledSeq) state.report('roll_up_wrong', at, 'It settles less than the one before it.');
  state.settledSeq = rollUp.settledSeq;
  for (const snapshot of snapshots) {
    const name = `${state.accounts.get(snapshot.accountId)?.code ?? snapshot.accountId}@${at}`;
    const balance = state.balances.get(snapshot.accountId) ?? 0n;
    if (snapshot.balanceMinor !== balance) {
      state.report('snapshot_wrong', name, `It says ${String(snapshot.balanceMinor)}, the entries sum to ${String(balance)}.`);
    }
    if (snapshot.settledSeq !== rollUp.settledSeq || snapshot.highSeq !== rollUp.highSeq) {
      state.report('snapshot_wrong', name, 'Its places are not those of its roll-up.');
    }
    if (snapshot.days === null) continue;
    if (!sameDays(state.days.get(snapshot.accountId) ?? new Map(), snapshot.days)) {
      state.report('day_total_wrong', name, 'Its sums by effective date are not those of its entries.');
    }
    state.days.delete(snapshot.accountId);
  }
}

/** A replay over these accounts; rows must come in the order of positions, then those without one in order of seq. */
export function makeReplay(
  accounts: ReadonlyMap<string, StoredAccount>, report: (code: ProblemCode, id: string, detail: string) => void,
): Replay {
  const state: State = {
    accounts, report, balances: new Map(), days: new Map(), reported: new Set(), position: 0n, highSeq: 0n, settledSeq: 0n,
    // Before the first close no day is closed: the empty text comes before all of them.
    period: { balance: new Map(), movement: new Map(), adjustments: new Map(), number: 0, throughDay: '' },
  };
  for (const account of accounts.values()) {
    if (!accountHash(account).equals(account.contentHash)) {
      report('account_changed', account.code, 'It is not what it was opened as.');
    }
  }
  return {
    balances: state.balances,
    apply(row) {
      checkPlace(state, row);
      if (row.id === null) {
        report('position_without_transfer', String(row.position), 'Its transfer is not there.');
        return;
      }
      checkContent(state, row, row.id);
      addLegs(state, row, row.id);
    },
    close: (row) => compareClose(state, row),
    compare: (rollUp, snapshots) => compareAt(state, rollUp, snapshots),
  };
}

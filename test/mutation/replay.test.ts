import { beforeEach, describe, expect, it } from 'vitest';

import { AMOUNT_MAX } from '../../src/kernel/money.ts';
import { accountHash, type AccountRef, contentHash } from '../../src/ledger/model.ts';
import { makeReplay, type Replay, type StoredAccount, type StoredClose, type StoredSnapshot, type StoredTransferRow } from '../../src/ledger/replay.ts';
import { house, wallet } from '../ledger/accounts.ts';

/** A ledger that is added up again: what fits is silent, and each thing that was changed is named. */

const stand = (id: string, account: AccountRef): [string, StoredAccount] => [id, { ...account, id, contentHash: accountHash(account) }];
const ACCOUNTS = new Map([
  stand('1', house('cash')), stand('2', wallet('a')), stand('3', { ...wallet('b'), floorMinor: -2n }), stand('4', { ...house('vault'), guarded: true }), stand('5', house('cash', 'USD')),
]);

let problems: string[];
let details: string[];
let replay: Replay;
let place: bigint;

function open(accounts: ReadonlyMap<string, StoredAccount> = ACCOUNTS): void {
  problems = [];
  details = [];
  place = 0n;
  replay = makeReplay(accounts, (code, id, detail) => {
    problems.push(`${code} ${id}`);
    details.push(detail);
  });
}
beforeEach(() => {
  open();
});

type Move = [accountId: string, amountMinor: bigint, currency?: 'CNY' | 'USD'];

/** The next transfer as it would be stored, changed; its hash is that of its content unless it is given. */
function row(moves: Move[], change: Partial<StoredTransferRow> = {}): StoredTransferRow {
  place += 1n;
  const legs = moves.map(([accountId, amountMinor, currency = 'CNY']) => ({ accountId, currency, amountMinor }));
  const stored = {
    position: place as bigint | null, seq: place, id: `trf_${place}` as string | null, key: `k${place}`, kind: 'test.move', effectiveDate: '2026-01-01', legCount: legs.length,
    reverses: null, captures: null, metadata: {}, legs, ...change,
  };
  const named = stored.legs.map((leg) => ({ ...leg, account: ACCOUNTS.get(leg.accountId)?.code ?? '' }));
  return { contentHash: contentHash({ ...stored, legs: named }), ...stored };
}
const apply = (moves: Move[], change: Partial<StoredTransferRow> = {}): void => {
  replay.apply(row(moves, change));
};

describe('a ledger that nobody changed', () => {
  it('is added up in silence', () => {
    apply([['1', 5n], ['2', -5n]]);
    apply([['1', -2n], ['2', 2n]], { metadata: { note: 'x' } });
    apply([['1', 1n], ['4', 3n], ['3', -4n], ['5', 7n, 'USD'], ['5', -7n, 'USD']]);
    // Not sequenced yet.
    apply([['1', 1n], ['2', -1n]], { position: null, seq: 99n });
    expect(problems).toEqual([]);
    expect(Object.fromEntries(replay.balances)).toEqual({ 1: 5n, 2: -4n, 3: -4n, 4: 3n, 5: 0n });
  });
});

describe('a changed account', () => {
  it('is found before any transfer', () => {
    open(new Map([['1', { ...house('cash'), id: '1', contentHash: accountHash(wallet('a')) }], stand('2', wallet('a'))]));
    expect(problems).toEqual([`account_changed ${house('cash').code}`]);
  });
});

describe('a changed transfer', () => {
  it('has other content than was posted', () => {
    replay.apply({ ...row([['1', 5n], ['2', -5n]]), key: 'other' });
    expect(problems).toEqual(['transfer_changed trf_1']);
  });

  it('has lost legs, or has one alone', () => {
    apply([['1', 5n], ['2', -5n]], { legCount: 3 });
    apply([['1', 0n]]);
    expect(problems).toEqual(['transfer_legs trf_1', 'transfer_legs trf_2']);
  });

  it('does not balance in the currency that is named', () => {
    apply([['1', 5n], ['2', -4n], ['5', 1n, 'USD'], ['5', -1n, 'USD']]);
    apply([['1', 5n], ['2', -5n], ['5', 1n, 'USD'], ['5', -2n, 'USD']]);
    expect(problems).toEqual(['transfer_unbalanced trf_1', 'transfer_unbalanced trf_2']);
    expect(details).toEqual(['Its legs in CNY sum to 1.', 'Its legs in USD sum to -1.']);
  });

  it('stands on an account that is not there, or in another currency than its account', () => {
    apply([['9', 5n], ['2', -5n]]);
    apply([['5', 5n], ['2', -5n]]);
    expect(problems).toEqual(['entry_without_account trf_1', 'entry_currency trf_2']);
  });
});

describe('the recorded order', () => {
  it('has no gap, and goes on behind one', () => {
    apply([['1', 5n], ['2', -5n]]);
    replay.apply({ ...row([['1', 5n], ['2', -5n]]), position: 3n });
    replay.apply({ ...row([['1', 5n], ['2', -5n]]), position: 4n });
    replay.apply({ ...row([['1', 5n], ['2', -5n]]), position: 4n });
    expect(problems).toEqual(['position_gap 3', 'position_gap 4']);
  });

  it('names transfers that are there', () => {
    apply([], { id: null, legs: [] });
    expect(problems).toEqual(['position_without_transfer 1']);
    expect(replay.balances.size).toBe(0);
  });
});

describe('a guarded account', () => {
  it('goes down to its floor and not below, and is reported once', () => {
    apply([['1', 5n], ['2', -5n]]);
    apply([['1', -5n], ['2', 5n]]);
    expect(problems).toEqual([]);
    apply([['1', -1n], ['2', 1n]]);
    apply([['1', -1n], ['2', 1n]]);
    expect(problems).toEqual([`account_below_floor ${wallet('a').code}`]);
  });

  it('has its own floor, on its own side', () => {
    apply([['1', -2n], ['3', 2n]]);
    expect(problems).toEqual([]);
    apply([['1', -1n], ['3', 1n]]);
    apply([['1', -3n], ['4', 3n]]);
    apply([['1', 3n], ['4', -3n]]);
    expect(problems).toEqual([`account_below_floor ${wallet('b').code}`]);
    apply([['1', 1n], ['4', -1n]]);
    expect(problems).toEqual([`account_below_floor ${wallet('b').code}`, `account_below_floor ${house('vault').code}`]);
  });

  it('is asked for what a transfer leaves, not for each of its legs', () => {
    apply([['2', 4n], ['2', -5n], ['1', 1n]]);
    expect(problems).toEqual([]);
  });
});

describe('a balance', () => {
  it('fits in 64 bits on both sides, and is reported once when it does not', () => {
    apply([['1', AMOUNT_MAX], ['5', 0n, 'USD'], ['2', -AMOUNT_MAX]]);
    expect(problems).toEqual([]);
    apply([['1', 1n], ['2', -1n]]);
    apply([['1', 1n], ['2', -1n]]);
    expect(problems).toEqual([`balance_out_of_range ${house('cash').code}`, `balance_out_of_range ${wallet('a').code}`]);
  });
});

const rollUp = (change: Partial<StoredSnapshot> = {}): { position: bigint; settledSeq: bigint; highSeq: bigint } => ({ position: 2n, settledSeq: 2n, highSeq: 2n, ...change });
const snapshot = (accountId: string, balanceMinor: bigint, days: [string, bigint][], change: Partial<StoredSnapshot> = {}): StoredSnapshot =>
  ({ ...rollUp(), accountId, balanceMinor, days: new Map(days), ...change });

describe('a roll-up', () => {
  beforeEach(() => {
    apply([['1', 5n], ['2', -5n]]);
    apply([['1', 2n], ['2', -2n]], { effectiveDate: '2026-01-02' });
  });
  const fits = (): StoredSnapshot[] => [snapshot('1', 7n, [['2026-01-01', 5n], ['2026-01-02', 2n]]), snapshot('2', -7n, [['2026-01-01', -5n], ['2026-01-02', -2n]])];

  it('has the sums of the entries, by account and by day since the one before it', () => {
    replay.compare(rollUp(), fits());
    apply([['1', 1n], ['2', -1n]], { effectiveDate: '2026-01-02' });
    const next = { position: 3n, settledSeq: 2n, highSeq: 3n };
    replay.compare(next, [snapshot('1', 8n, [['2026-01-02', 1n], ['2026-01-03', 0n]], next), snapshot('5', 0n, [], next)]);
    expect(problems).toEqual([]);
  });

  it('may keep no sums by day: then they are compared with the next ones that are', () => {
    replay.compare(rollUp(), fits().map((kept) => ({ ...kept, days: null })));
    apply([['1', 1n], ['2', -1n]], { effectiveDate: '2026-01-02' });
    const next = { position: 3n, settledSeq: 2n, highSeq: 3n };
    replay.compare(next, [snapshot('1', 8n, [['2026-01-01', 5n], ['2026-01-02', 3n]], next)]);
    expect(problems).toEqual([]);
    replay.compare(next, [snapshot('2', -8n, [['2026-01-02', -1n]], next)]);
    expect(problems).toEqual([`day_total_wrong ${wallet('a').code}@3`]);
  });

  it('stands where its positions end, over what they reach', () => {
    replay.compare(rollUp({ position: 1n }), []);
    replay.compare(rollUp({ highSeq: 3n }), []);
    expect(problems).toEqual(['roll_up_wrong 1', 'roll_up_wrong 2']);
  });

  it('settles no less than the one before it, and nothing comes at or below what it settled', () => {
    replay.compare(rollUp(), []);
    replay.compare(rollUp(), []);
    expect(problems).toEqual([]);
    replay.compare(rollUp({ settledSeq: 1n }), []);
    expect(problems).toEqual(['roll_up_wrong 2']);
    replay.compare(rollUp(), []);
    apply([['1', 1n], ['2', -1n]], { seq: 3n });
    expect(problems).toHaveLength(1);
    apply([['1', 1n], ['2', -1n]], { seq: 2n });
    apply([], { seq: 2n, id: null, legs: [] });
    expect(problems.slice(1)).toEqual(['roll_up_wrong trf_4', 'position_without_transfer 5']);
  });

  it('reaches as far as the highest place, in whatever order they came', () => {
    apply([['1', 1n], ['2', -1n]], { seq: 9n });
    apply([['1', 1n], ['2', -1n]], { seq: 8n });
    replay.compare({ position: 4n, settledSeq: 2n, highSeq: 9n }, []);
    expect(problems).toEqual([]);
  });

  it('has a wrong sum, a wrong place, or wrong days: each is named with its account', () => {
    const [cash, purse] = [`${house('cash').code}@2`, `${wallet('a').code}@2`];
    const [first, second] = fits() as [StoredSnapshot, StoredSnapshot];
    for (const [changed, problem] of [
      [[{ ...first, balanceMinor: 8n }, second], `snapshot_wrong ${cash}`], [[first, { ...second, balanceMinor: -6n }], `snapshot_wrong ${purse}`],
      [[{ ...first, settledSeq: 1n }, second], `snapshot_wrong ${cash}`], [[{ ...first, highSeq: 1n }, second], `snapshot_wrong ${cash}`],
      [[{ ...first, days: new Map([['2026-01-01', 7n]]) }, second], `day_total_wrong ${cash}`],
      [[{ ...first, days: new Map([['2026-01-01', 5n], ['2026-01-02', 3n]]) }, second], `day_total_wrong ${cash}`],
      [[{ ...first, days: new Map([['2026-01-01', 5n], ['2026-01-02', 2n], ['2026-01-03', 1n]]) }, second], `day_total_wrong ${cash}`],
      [[snapshot('9', 1n, [])], 'snapshot_wrong 9@2'],
    ] as [StoredSnapshot[], string][]) {
      open();
      apply([['1', 5n], ['2', -5n]]);
      apply([['1', 2n], ['2', -2n]], { effectiveDate: '2026-01-02' });
      replay.compare(rollUp(), changed);
      expect(problems).toEqual([problem]);
    }
  });
});

describe('a close', () => {
  type Totals = Record<string, [movement: bigint, adjustments: bigint, balance: bigint]>;
  const close = (number: number, throughDay: string, position: bigint, totals: Totals): StoredClose => ({
    number, throughDay, position, totals: new Map(Object.entries(totals).map(([key, [movement, adjustments, balance]]) => [key, { movement, adjustments, balance }])),
  });
  const FIRST: Totals = { 'CNY asset': [5n, 0n, 5n], 'CNY liability': [-5n, 0n, -5n] };
  const SECOND: Totals = { 'CNY asset': [3n, 1n, 8n], 'CNY liability': [-3n, -1n, -8n] };

  /** Two periods: the second has one entry that belongs to the first. */
  function twoPeriods(first: StoredClose, second: StoredClose): void {
    open();
    apply([['1', 5n], ['2', -5n]]);
    replay.close(first);
    apply([['1', 1n], ['2', -1n]], { effectiveDate: '2026-01-31' });
    apply([['1', 2n], ['2', -2n]], { effectiveDate: '2026-02-01' });
    replay.close(second);
  }
  const good = close(1, '2026-02-01', 1n, FIRST);

  it('says what its period moved, what of it belongs to earlier days, and how all stands', () => {
    twoPeriods(good, close(2, '2026-03-01', 3n, SECOND));
    expect(problems).toEqual([]);
    twoPeriods(good, close(2, '2026-03-01', 3n, { ...SECOND, 'USD asset': [0n, 0n, 0n] }));
    expect(problems).toEqual([]);
  });

  it('is found when one of its sums was changed, left out or put in', () => {
    const wrong = ['close_wrong close 2'];
    for (const totals of [
      { ...SECOND, 'CNY asset': [4n, 1n, 8n] }, { ...SECOND, 'CNY asset': [3n, 0n, 8n] }, { ...SECOND, 'CNY asset': [3n, 1n, 9n] },
      { 'CNY asset': SECOND['CNY asset'] }, { ...SECOND, 'USD asset': [0n, 0n, 1n] },
    ] as Totals[]) {
      twoPeriods(good, close(2, '2026-03-01', 3n, totals));
      expect(problems).toEqual(wrong);
    }
  });

  it('follows the one before it by number, day and position', () => {
    for (const second of [close(3, '2026-03-01', 3n, SECOND), close(2, '2026-02-01', 3n, SECOND), close(2, '2026-01-31', 3n, SECOND), close(2, '2026-03-01', 2n, SECOND)]) {
      twoPeriods(good, second);
      expect(problems).toEqual([`close_wrong close ${second.number}`]);
    }
    twoPeriods(close(2, '2026-02-01', 1n, FIRST), close(3, '2026-03-01', 3n, SECOND));
    expect(problems).toEqual(['close_wrong close 2']);
  });

  it('counts legs in their own currency and class', () => {
    apply([['5', 7n, 'USD'], ['5', -3n, 'USD'], ['1', 4n], ['2', -4n], ['9', 0n]]);
    replay.close(close(1, '2026-02-01', 1n, { 'USD asset': [4n, 0n, 4n], 'CNY asset': [4n, 0n, 4n], 'CNY liability': [-4n, 0n, -4n] }));
    expect(problems).toEqual(['transfer_unbalanced trf_1', 'entry_without_account trf_1']);
  });

  it('may leave out what moved nothing', () => {
    apply([['5', 7n, 'USD'], ['5', -7n, 'USD']]);
    replay.close(close(1, '2026-02-01', 1n, {}));
    expect(problems).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';

import { AMOUNT_MAX } from '../../src/kernel/money.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import {
  accountHash, type AccountRef, checkChange, checkTransfer, contentHash, inRange, isLedgerDay, LARGE_MINOR, type Leg, LEGS_MAX, natural, type TransferDraft, watchedChanges,
} from '../../src/ledger/model.ts';
import { type Reversible, reversalLegs } from '../../src/ledger/reversal.ts';

/** The edges of the ledger's pure part, each from both sides. */

function account(code: string, more: Partial<AccountRef> = {}): AccountRef {
  return { code, currency: 'CNY', class: 'asset', ...more };
}

const balanced = (amountMinor = 5n, more: Partial<AccountRef> = {}): Leg[] => [
  { account: account('a', more), amountMinor }, { account: account('b', { class: 'liability' }), amountMinor: -amountMinor },
];

function draft(change: Partial<TransferDraft> = {}): TransferDraft {
  return { key: 'k', kind: 'test.move', effectiveDate: '2026-01-01', metadata: {}, legs: balanced(), ...change };
}

function refusal(work: () => unknown): Refusal | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

const code = (change: Partial<TransferDraft>): string => refusal(() => checkTransfer(draft(change)))?.code ?? 'accepted';

describe('the sides of accounts', () => {
  it('a debit adds to what is owned and spent, a credit to what is owed and earned', () => {
    expect((['asset', 'expense', 'liability', 'income'] as const).map((one) => natural({ class: one }, 3n))).toEqual([3n, 3n, -3n, -3n]);
  });
});

describe('a day of the ledger', () => {
  it('is a whole date and nothing around it', () => {
    for (const day of ['2000-01-01', '2199-12-31', '2024-02-29']) expect(isLedgerDay(day)).toBe(true);
    for (const none of ['1999-12-31', '2200-01-01', '2026-02-29', '12026-01-01', ' 2026-01-01', '2026-01-01 ', '2026-01-01T00', '2026-13-01', '']) expect(isLedgerDay(none)).toBe(false);
  });
});

describe('an amount', () => {
  it('fits in 64 bits on both sides', () => {
    expect([inRange(AMOUNT_MAX), inRange(-AMOUNT_MAX)]).toEqual([AMOUNT_MAX, -AMOUNT_MAX]);
    for (const beyond of [AMOUNT_MAX + 1n, -AMOUNT_MAX - 1n]) expect(refusal(() => inRange(beyond))?.code).toBe('money_out_of_range');
  });
});

describe('an account', () => {
  const withAccount = (more: Partial<AccountRef>): string => code({ legs: balanced(5n, more) });

  it('has a code of known letters and length', () => {
    for (const good of ['a', 'A-z_0.9:x', 'x'.repeat(200)]) expect(withAccount({ code: good })).toBe('accepted');
    for (const bad of ['', 'x'.repeat(201), 'a b', ' a', 'a ', 'ä', 'a\n']) expect(withAccount({ code: bad })).toBe('ledger_transfer_invalid');
  });

  it('has a known currency and class', () => {
    expect(withAccount({ currency: 'XXX' as never })).toBe('ledger_transfer_invalid');
    expect(withAccount({ class: 'equity' as never })).toBe('ledger_transfer_invalid');
  });

  it('has a floor at or below zero, and only when it is guarded', () => {
    expect(withAccount({ guarded: true, floorMinor: 0n })).toBe('accepted');
    expect(withAccount({ guarded: true, floorMinor: -1n })).toBe('accepted');
    expect(withAccount({ guarded: false, floorMinor: 0n })).toBe('accepted');
    expect(withAccount({ guarded: true, floorMinor: 1n })).toBe('ledger_transfer_invalid');
    expect(withAccount({ guarded: false, floorMinor: -1n })).toBe('ledger_transfer_invalid');
    expect(withAccount({ floorMinor: -1n })).toBe('ledger_transfer_invalid');
  });

  it('is the same in all legs, in each of its parts', () => {
    const twice = (one: Partial<AccountRef>, other: Partial<AccountRef>): string => code({ legs: [
      { account: account('a', one), amountMinor: 2n }, { account: account('a', other), amountMinor: 1n }, { account: account('b'), amountMinor: -3n },
    ] });
    expect(twice({}, {})).toBe('accepted');
    expect(twice({}, { guarded: false, floorMinor: 0n })).toBe('accepted');
    expect(twice({ guarded: true }, { guarded: true, floorMinor: 0n })).toBe('accepted');
    expect(twice({ guarded: false, floorMinor: 0n }, {})).toBe('accepted');
    expect(twice({ guarded: true }, {})).toBe('ledger_transfer_invalid');
    expect(twice({}, { guarded: true })).toBe('ledger_transfer_invalid');
    expect(twice({ class: 'expense' }, {})).toBe('ledger_transfer_invalid');
    expect(twice({ guarded: true, floorMinor: -1n }, { guarded: true })).toBe('ledger_transfer_invalid');
    expect(twice({ guarded: true, floorMinor: -1n }, { guarded: true, floorMinor: -2n })).toBe('ledger_transfer_invalid');
    expect(twice({ guarded: true }, { guarded: true, floorMinor: -1n })).toBe('ledger_transfer_invalid');
    // Balanced in each currency, and still one code for two of them.
    expect(code({ legs: [
      { account: account('a'), amountMinor: 2n }, { account: account('b'), amountMinor: -2n },
      { account: account('a', { currency: 'USD' }), amountMinor: 2n }, { account: account('c', { currency: 'USD' }), amountMinor: -2n },
    ] })).toBe('ledger_transfer_invalid');
  });

  it('is hashed whole, with what is left out said', () => {
    const plain = accountHash(account('a'));
    expect(plain).toHaveLength(32);
    expect(accountHash(account('a', { guarded: false, floorMinor: 0n })).equals(plain)).toBe(true);
    const others = [account('b'), account('a', { currency: 'USD' }), account('a', { class: 'expense' }), account('a', { guarded: true }), account('a', { guarded: true, floorMinor: -1n })];
    const hashes = [account('a'), ...others].map((one) => accountHash(one).toString('hex'));
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(accountHash(account('a', { guarded: true, floorMinor: 0n })).equals(accountHash(account('a', { guarded: true })))).toBe(true);
  });
});

describe('a transfer', () => {
  it('has two to a thousand legs', () => {
    const many = (count: number): Leg[] => Array.from({ length: count }, (_none, index) => ({
      account: account(`a${index}`), amountMinor: index === 0 ? BigInt(count - 1) : -1n,
    }));
    expect(code({ legs: [{ account: account('a'), amountMinor: 1n }] })).toBe('ledger_transfer_invalid');
    expect([many(2), many(LEGS_MAX)].map((legs) => code({ legs }))).toEqual(['accepted', 'accepted']);
    expect(code({ legs: many(LEGS_MAX + 1) })).toBe('ledger_transfer_invalid');
  });

  it('names the currency that does not balance, and by how much', () => {
    const found = refusal(() => checkTransfer(draft({ legs: [
      { account: account('a'), amountMinor: 7n }, { account: account('b'), amountMinor: -3n }, { account: account('c'), amountMinor: 2n },
    ] })));
    expect([found?.code, found?.extra]).toEqual(['ledger_unbalanced', { currency: 'CNY', excessMinor: '6' }]);
  });

  it('has a key of 1 to 255 characters', () => {
    for (const key of ['k', 'k'.repeat(255)]) expect(code({ key })).toBe('accepted');
    for (const key of ['', 'k'.repeat(256), 'a\0b', '\ud800']) expect(code({ key })).toBe('ledger_transfer_invalid');
  });

  it('has a kind in lower case and at most 64 characters', () => {
    for (const kind of ['a', 'billing.invoice_paid', 'k'.repeat(64)]) expect(code({ kind })).toBe('accepted');
    for (const kind of ['', 'Billing', '1a', 'k'.repeat(65), 'a b', ' a', 'a-b', 'a\n']) expect(code({ kind })).toBe('ledger_transfer_invalid');
  });

  it('has metadata of at most 8192 characters, whose traces are ids', () => {
    const around = JSON.stringify({ note: '' }).length;
    expect(code({ metadata: { note: 'x'.repeat(8_192 - around) } })).toBe('accepted');
    expect(code({ metadata: { note: 'x'.repeat(8_193 - around) } })).toBe('ledger_transfer_invalid');
    expect(code({ metadata: [] as never })).toBe('ledger_transfer_invalid');
    for (const charge of ['c', 'c'.repeat(255)]) expect(code({ metadata: { charge } })).toBe('accepted');
    for (const charge of ['', 'c'.repeat(256), 5, null, ['c']]) expect(code({ metadata: { charge } })).toBe('ledger_transfer_invalid');
    expect(code({ metadata: { note: 5 } })).toBe('accepted');
    expect(code({ metadata: { note: 'a\0b' } })).toBe('ledger_transfer_invalid');
    expect(code({ metadata: { note: String.raw`a\u0000b` } })).toBe('accepted');
  });

  it('is hashed over each of its parts', () => {
    const content = { key: 'k', kind: 'a.b', effectiveDate: '2026-01-01' as const, reverses: null, captures: null, metadata: {}, legs: [{ account: 'a', currency: 'CNY', amountMinor: 1n }] };
    const others = [
      content, { ...content, key: 'l' }, { ...content, kind: 'a.c' }, { ...content, effectiveDate: '2026-01-02' as const }, { ...content, reverses: 'trf_1' }, { ...content, captures: 'trf_1' },
      { ...content, metadata: { a: 1 } }, { ...content, legs: [{ account: 'b', currency: 'CNY', amountMinor: 1n }] },
      { ...content, legs: [{ account: 'a', currency: 'USD', amountMinor: 1n }] }, { ...content, legs: [{ account: 'a', currency: 'CNY', amountMinor: 2n }] }, { ...content, legs: [] },
    ];
    expect(new Set(others.map((one) => contentHash(one).toString('hex'))).size).toBe(others.length);
  });
});

describe('what is locked and looked at', () => {
  const watched = (legs: Leg[]): string[] => watchedChanges(legs).map((change) => `${change.account.code} ${change.changeMinor}`);
  const guarded = (side: AccountRef['class'], amountMinor: bigint): Leg => ({ account: account('g', { class: side, guarded: true }), amountMinor });

  it('is what takes from a guarded account, on its own side', () => {
    expect(watched([guarded('liability', 5n)])).toEqual(['g 5']);
    expect(watched([guarded('liability', -5n)])).toEqual([]);
    expect(watched([guarded('asset', -5n)])).toEqual(['g -5']);
    expect(watched([guarded('asset', 5n)])).toEqual([]);
    // Given and taken: nothing changes there.
    expect(watched([guarded('asset', 5n), guarded('asset', -5n)])).toEqual([]);
    expect(watched([{ account: account('open'), amountMinor: -5n }])).toEqual([]);
  });

  it('is every account that a large amount moves', () => {
    for (const amountMinor of [LARGE_MINOR, -LARGE_MINOR]) expect(watched([{ account: account('a'), amountMinor }])).toEqual([`a ${amountMinor}`]);
    for (const amountMinor of [LARGE_MINOR - 1n, 1n - LARGE_MINOR]) expect(watched([{ account: account('a'), amountMinor }])).toEqual([]);
    expect(watched([{ account: account('a'), amountMinor: LARGE_MINOR }, { account: account('a'), amountMinor: -1n }])).toEqual([`a ${LARGE_MINOR - 1n}`]);
  });

  it('may be taken down to its floor and not below, and says how much there was', () => {
    const take = (more: Partial<AccountRef>, changeMinor: bigint, balanceMinor: bigint, heldMinor = 0n): Refusal | null =>
      refusal(() => checkChange({ account: account('g', { guarded: true, ...more }), changeMinor }, { balanceMinor, heldMinor }));
    // What an open hold keeps is not there to be taken.
    expect(take({}, -3n, 5n, 2n)).toBeNull();
    expect(take({}, -4n, 5n, 2n)).toMatchObject({ extra: { availableMinor: '3' } });
    expect(checkChange({ account: account('g', { guarded: true }), changeMinor: -3n }, { balanceMinor: 5n, heldMinor: 2n })).toEqual({ balanceMinor: 2n, heldMinor: 2n });
    expect(take({}, -5n, 5n)).toBeNull();
    expect(take({}, -6n, 5n)).toMatchObject({ code: 'ledger_insufficient_funds', extra: { currency: 'CNY', availableMinor: '5' } });
    expect(take({ floorMinor: -3n }, -8n, 5n)).toBeNull();
    expect(take({ floorMinor: -3n }, -9n, 5n)).toMatchObject({ extra: { availableMinor: '8' } });
    expect(take({ class: 'liability' }, 5n, -5n)).toBeNull();
    expect(take({ class: 'liability' }, 6n, -5n)).toMatchObject({ extra: { availableMinor: '5' } });
    // Below already, and given to: not refused. Untouched: not refused.
    expect(take({}, 1n, -5n)).toBeNull();
    expect(take({}, 0n, -5n)).toBeNull();
    expect(refusal(() => checkChange({ account: account('open'), changeMinor: -6n }, { balanceMinor: 5n, heldMinor: 0n }))).toBeNull();
    expect(refusal(() => checkChange({ account: account('open'), changeMinor: 1n }, { balanceMinor: AMOUNT_MAX, heldMinor: 0n }))?.code).toBe('money_out_of_range');
  });
});

describe('a reversal', () => {
  const moved = (codeOf: string, movedMinor: bigint, undoneMinor = 0n): Reversible => ({ account: account(codeOf), movedMinor, undoneMinor });

  it('of the whole leaves out what is undone already, and refuses when nothing is left', () => {
    expect(reversalLegs([moved('a', 5n), moved('b', -5n)], undefined)).toEqual([{ account: account('a'), amountMinor: -5n }, { account: account('b'), amountMinor: 5n }]);
    expect(reversalLegs([moved('a', 5n, -5n), moved('b', -5n, 2n), moved('c', 0n)], undefined)).toEqual([{ account: account('b'), amountMinor: 3n }]);
    expect(refusal(() => reversalLegs([moved('a', 5n, -5n)], undefined))?.code).toBe('ledger_reversal_too_large');
    expect(refusal(() => reversalLegs([], undefined))?.code).toBe('ledger_reversal_too_large');
  });

  it('of a part is bounded account by account, over all its legs', () => {
    const part = (...parts: [string, bigint][]): string => refusal(() => reversalLegs(
      [moved('a', 5n, -1n), moved('b', -5n), moved('c', 0n)], parts.map(([accountCode, amountMinor]) => ({ accountCode, amountMinor }))))?.code ?? 'accepted';
    expect(part(['a', -4n], ['b', 5n])).toBe('accepted');
    for (const parts of [[['a', -5n]], [['b', 6n]], [['a', -2n], ['a', -3n]], [['a', 1n]], [['b', -1n]], [['a', 0n]], [['c', 1n]], [['none', 1n]]] as [string, bigint][][]) {
      expect(part(...parts)).toBe('ledger_reversal_too_large');
    }
    expect(reversalLegs([moved('a', 5n)], [{ accountCode: 'a', amountMinor: -2n }])).toEqual([{ account: account('a'), amountMinor: -2n }]);
  });
});

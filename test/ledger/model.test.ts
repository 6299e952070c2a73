import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { AMOUNT_MAX } from '../../src/kernel/money.ts';
import type { RefusalCode } from '../../src/kernel/refusals.ts';
import * as chart from '../../src/ledger/chart.ts';
import {
  checkChange, checkTransfer, isLedgerDay, LARGE_MINOR, NOTHING, type Leg, type TransferDraft, watchedChanges,
} from '../../src/ledger/model.ts';
import { reversalLegs } from '../../src/ledger/reversal.ts';
import { house, into, wallet } from './accounts.ts';

function draft(change: Partial<TransferDraft> = {}): TransferDraft {
  return { key: 'k', kind: 'test.move', effectiveDate: '2026-01-01', metadata: {}, legs: into(wallet('a'), 5n), ...change };
}

function refusal(work: () => unknown): RefusalCode | 'accepted' {
  try {
    work();
    return 'accepted';
  } catch (error) {
    return (error as { code: RefusalCode }).code;
  }
}

describe('checkTransfer', () => {
  const a = house('a');
  const b = house('b');
  const dollars = house('d', 'USD');
  const cases: [string, Partial<TransferDraft>, RefusalCode | 'accepted'][] = [
    ['two legs that balance', {}, 'accepted'],
    ['no legs', { legs: [] }, 'ledger_transfer_invalid'],
    ['one leg', { legs: [{ account: a, amountMinor: 1n }] }, 'ledger_transfer_invalid'],
    ['a zero leg', { legs: [{ account: a, amountMinor: 0n }, { account: b, amountMinor: 0n }] }, 'ledger_transfer_invalid'],
    ['unbalanced legs', { legs: [{ account: a, amountMinor: 2n }, { account: b, amountMinor: -1n }] }, 'ledger_unbalanced'],
    ['a sum of zero across currencies', { legs: [{ account: a, amountMinor: 2n }, { account: dollars, amountMinor: -2n }] }, 'ledger_unbalanced'],
    ['2^63', { legs: [{ account: a, amountMinor: AMOUNT_MAX + 1n }, { account: b, amountMinor: -AMOUNT_MAX - 1n }] }, 'money_out_of_range'],
    ['2^63 - 1', { legs: [{ account: a, amountMinor: AMOUNT_MAX }, { account: b, amountMinor: -AMOUNT_MAX }] }, 'accepted'],
    ['a number instead of a bigint', { legs: [{ account: a, amountMinor: NaN as unknown as bigint }, { account: b, amountMinor: 1n }] }, 'money_malformed'],
    ['an unknown currency', { legs: into({ ...a, currency: 'XXX' as 'CNY' }, 1n) }, 'ledger_transfer_invalid'],
    ['an unknown class', { legs: into({ ...a, class: 'equity' as 'asset' }, 1n) }, 'ledger_transfer_invalid'],
    ['a floor without a guard', { legs: into({ ...a, floorMinor: -5n }, 1n) }, 'ledger_transfer_invalid'],
    ['a floor above zero', { legs: into({ ...a, guarded: true, floorMinor: 5n }, 1n) }, 'ledger_transfer_invalid'],
    ['one code described in two ways', { legs: [{ account: a, amountMinor: 1n }, { account: { ...a, class: 'income' }, amountMinor: -1n }] }, 'ledger_transfer_invalid'],
    ['too many legs', { legs: Array.from({ length: 1002 }, (_, i): Leg => ({ account: a, amountMinor: i % 2 === 0 ? 1n : -1n })) }, 'ledger_transfer_invalid'],
    ['an empty key', { key: '' }, 'ledger_transfer_invalid'],
    ['a kind in capitals', { kind: 'Invoice' }, 'ledger_transfer_invalid'],
    ['30 February', { effectiveDate: '2026-02-30' }, 'ledger_transfer_invalid'],
    ['a day of another century', { effectiveDate: '1999-12-31' }, 'ledger_transfer_invalid'],
    ['an instant for a day', { effectiveDate: '2026-01-01T00:00:00Z' }, 'ledger_transfer_invalid'],
    ['a NUL in metadata', { metadata: { note: 'a\0b' } }, 'ledger_transfer_invalid'],
    ['a backslash before u0000 in metadata', { metadata: { note: '\\u0000' } }, 'accepted'],
    ['a trace that is no text', { metadata: { periodId: 5 } }, 'ledger_transfer_invalid'],
    ['metadata without end', { metadata: { note: 'x'.repeat(9000) } }, 'ledger_transfer_invalid'],
    ['metadata with NaN', { metadata: { note: NaN } }, 'json_malformed'],
  ];
  it.each(cases)('%s', (_name, change, expected) => {
    expect(refusal(() => checkTransfer(draft(change)))).toBe(expected);
  });

  it('hashes everything that a transfer says', () => {
    const hash = (change: Partial<TransferDraft>, origin: { reverses?: string; captures?: string } = {}): string => {
      return checkTransfer(draft(change), origin).contentHash.toString('hex');
    };
    const same = hash({});
    expect(hash({ metadata: {} })).toBe(same);
    const others = [
      hash({ key: 'l' }), hash({ kind: 'test.other' }), hash({ effectiveDate: '2026-01-02' }), hash({ metadata: { a: 1 } }),
      hash({ legs: into(wallet('a'), 6n) }), hash({ legs: into(wallet('b'), 5n) }), hash({}, { reverses: 'trf_1' }), hash({}, { captures: 'lhd_1' }),
    ];
    expect(new Set([same, ...others]).size).toBe(others.length + 1);
  });

  it.each([{}, { reverses: 'trf_1' }, { captures: 'lhd_1' }])('hashes the canonical JSON of all that it says: %j', (origin) => {
    const said = draft({ key: 'k "ü" \\ \u2028', metadata: { b: ['ß', null, true, 7], a: { z: 'x', y: '"' } }, legs: into(wallet('a'), 6n) });
    const legs = said.legs.map(({ account, amountMinor }) => ({ account: account.code, currency: account.currency, amountMinor: amountMinor.toString() }));
    const { key, kind, effectiveDate, metadata } = said;
    const whole = canonicalJson({ key, kind, effectiveDate, metadata, legs, reverses: null, ...origin });
    expect(checkTransfer(said, origin).contentHash.toString('hex')).toBe(sha256Hex(whole));
  });
});

describe('guards', () => {
  it('watch what lessens a guarded account, on its net, and what is very large', () => {
    const a = wallet('a');
    expect(watchedChanges(into(a, 5n))).toEqual([]);
    expect(watchedChanges(into(a, -5n))).toEqual([{ account: a, changeMinor: 5n }]);
    const net: Leg[] = [{ account: a, amountMinor: 5n }, { account: a, amountMinor: -7n }, { account: house('x'), amountMinor: 2n }];
    expect(watchedChanges(net)).toEqual([]);
    const debt = chart.payeeDebt('acc_1', 'CNY');
    expect(watchedChanges([{ account: debt, amountMinor: -1n }, { account: house('x'), amountMinor: 1n }])).toHaveLength(1);
    expect(watchedChanges(into(house('y'), LARGE_MINOR)).map((change) => change.account.code)).toEqual([
      'house:cash:CNY', 'house:y:CNY',
    ]);
  });

  it('refuse exactly below the floor', () => {
    fc.assert(fc.property(
      fc.bigInt(-1000n, 1000n), fc.bigInt(-1000n, 1000n), fc.bigInt(-50n, 0n), fc.bigInt(0n, 50n), fc.boolean(),
      (before, change, floorMinor, heldMinor, debitSide) => {
        const account = { ...wallet('a'), class: debitSide ? 'asset' as const : 'liability' as const, floorMinor };
        const natural = debitSide ? before + change : -before - change;
        const lessens = debitSide ? change < 0n : change > 0n;
        expect(refusal(() => checkChange({ account, changeMinor: change }, { balanceMinor: before, heldMinor })))
          .toBe(lessens && natural - heldMinor < floorMinor ? 'ledger_insufficient_funds' : 'accepted');
      },
    ));
  });

  it('refuse a sum beyond 64 bits on any account', () => {
    expect(refusal(() => checkChange({ account: house('a'), changeMinor: 1n }, { ...NOTHING, balanceMinor: AMOUNT_MAX }))).toBe('money_out_of_range');
    expect(refusal(() => checkChange({ account: house('a'), changeMinor: -1n }, { ...NOTHING, balanceMinor: -AMOUNT_MAX }))).toBe('money_out_of_range');
  });
});

describe('reversalLegs', () => {
  it('any parts that are accepted, then the rest, bring every account to zero and never past it', () => {
    const moves = fc.array(fc.bigInt(-50n, 50n).filter((amount) => amount !== 0n), { minLength: 1, maxLength: 6 });
    fc.assert(fc.property(moves, fc.array(fc.tuple(fc.nat(5), fc.bigInt(-60n, 60n)), { maxLength: 12 }), (amounts, attempts) => {
      const accounts = amounts.map((movedMinor, i) => ({ account: house(`r${i}`), movedMinor, undoneMinor: 0n }));
      for (const [place, amountMinor] of attempts) {
        const target = accounts[place % accounts.length]!;
        const after = target.undoneMinor + amountMinor;
        const fits = target.movedMinor > 0n ? amountMinor < 0n && after >= -target.movedMinor
          : amountMinor > 0n && after <= -target.movedMinor;
        const parts = [{ accountCode: target.account.code, amountMinor }];
        expect(refusal(() => reversalLegs(accounts, parts))).toBe(fits ? 'accepted' : 'ledger_reversal_too_large');
        if (fits) target.undoneMinor = after;
      }
      const open = accounts.some(({ movedMinor, undoneMinor }) => movedMinor + undoneMinor !== 0n);
      expect(refusal(() => reversalLegs(accounts, undefined))).toBe(open ? 'accepted' : 'ledger_reversal_too_large');
      if (!open) return;
      for (const { account, amountMinor } of reversalLegs(accounts, undefined)) {
        accounts.find((candidate) => candidate.account.code === account.code)!.undoneMinor += amountMinor;
      }
      expect(accounts.every(({ movedMinor, undoneMinor }) => movedMinor + undoneMinor === 0n)).toBe(true);
    }));
  });

  it('a part that names one account twice counts both', () => {
    const accounts = [{ account: house('a'), movedMinor: 10n, undoneMinor: -4n }];
    const part = { accountCode: house('a').code, amountMinor: -3n };
    expect(refusal(() => reversalLegs(accounts, [part, part]))).toBe('accepted');
    expect(refusal(() => reversalLegs(accounts, [part, part, part]))).toBe('ledger_reversal_too_large');
  });
});

describe('days and the chart', () => {
  it('knows the calendar', () => {
    expect(['2024-02-29', '2000-01-01', '2199-12-31'].map(isLedgerDay)).toEqual([true, true, true]);
    expect(['2023-02-29', '2026-13-01', '2200-01-01', '26-01-01', ''].map(isLedgerDay)).toEqual(Array(5).fill(false));
  });

  it('gives every account a code of its own, ending in its currency', () => {
    const accounts = [
      chart.cashInTransit('CNY'), chart.taxPayable('CNY'), chart.deferred('cln_1', 'CNY'), chart.deferredFees('cln_1', 'CNY'),
      chart.earned('cln_1', 'tir_1', 'CNY'), chart.payable('acc_1', 'CNY'), chart.payable('platform', 'CNY'),
      chart.payeeDebt('acc_1', 'CNY'), chart.payoutPending('acc_1', 'CNY'), chart.platformExpense('processor_fees', 'CNY'),
      chart.disputesPending('CNY'), chart.cashInTransit('USD'),
    ];
    expect(new Set(accounts.map(({ code }) => code)).size).toBe(accounts.length);
    for (const account of accounts) {
      expect(account.code.endsWith(`:${account.currency}`)).toBe(true);
      expect(refusal(() => checkTransfer(draft({ legs: into(account, 1n) })))).toBe('accepted');
    }
    expect(chart.payable('platform', 'CNY').guarded).toBeUndefined();
    expect(chart.payable('acc_1', 'CNY').guarded).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { captureLegs, checkHold, HOLD_OUTCOMES, type HoldDraft, holdHash } from '../../src/ledger/hold-model.ts';
import { makeHoldReplay, type StoredHold } from '../../src/ledger/hold-replay.ts';
import { type AccountRef, namedLegs } from '../../src/ledger/model.ts';
import type { ProblemCode, StoredAccount } from '../../src/ledger/replay.ts';
import { house, into, wallet } from '../ledger/accounts.ts';

/** Money that is held: what it may become, and what tells that somebody changed it. */

function code(work: () => unknown): string {
  try {
    work();
    return 'accepted';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

const draft = (change: Partial<HoldDraft> = {}): HoldDraft => ({ key: 'k', kind: 'test.hold', expiresAt: null, metadata: {}, legs: into(wallet('a'), -5n), ...change });

describe('a hold', () => {
  it('is checked as what it would post', () => {
    expect(code(() => checkHold(draft()))).toBe('accepted');
    expect(code(() => checkHold(draft({ expiresAt: new Date('2026-01-01T00:00:00Z') })))).toBe('accepted');
    expect(code(() => checkHold(draft({ legs: [{ account: wallet('a'), amountMinor: 5n }, { account: house('cash'), amountMinor: -4n }] })))).toBe('ledger_unbalanced');
    for (const change of [{ key: '' }, { kind: 'Hold' }, { legs: [] }, { metadata: [] as never }, { expiresAt: new Date(Number.NaN) }]) {
      expect(code(() => checkHold(draft(change)))).toBe('ledger_transfer_invalid');
    }
  });

  it('is hashed over each of its parts, as it was drafted', () => {
    const hold = { key: 'k', kind: 'a.b', expiresAt: null as Date | null, metadata: {}, legs: [{ account: 'a', currency: 'CNY', amountMinor: 1n }] };
    const others = [
      hold, { ...hold, key: 'l' }, { ...hold, kind: 'a.c' }, { ...hold, expiresAt: new Date('2026-01-01T00:00:00Z') }, { ...hold, expiresAt: new Date('2026-01-01T00:00:01Z') },
      { ...hold, metadata: { a: 1 } }, { ...hold, legs: [{ account: 'b', currency: 'CNY', amountMinor: 1n }] }, { ...hold, legs: [{ account: 'a', currency: 'CNY', amountMinor: 2n }] },
    ];
    expect(new Set(others.map((one) => holdHash(one).toString('hex'))).size).toBe(others.length);
    const checked = checkHold(draft({ metadata: { b: 1, a: 2 } }));
    expect(checked).toMatchObject({ key: 'k', kind: 'test.hold', metadataText: '{"a":2,"b":1}' });
    expect(checked.contentHash).toEqual(holdHash({ key: 'k', kind: 'test.hold', expiresAt: null, metadata: { a: 2, b: 1 }, legs: namedLegs(draft().legs) }));
  });

  it('is captured, voided or expires', () => {
    expect(HOLD_OUTCOMES).toEqual(['captured', 'voided', 'expired']);
  });
});

describe('a capture', () => {
  const held = [{ account: wallet('a'), amountMinor: 3n }, { account: wallet('a'), amountMinor: 2n }, { account: house('cash'), amountMinor: -5n }];
  const part = (...parts: [AccountRef, bigint][]): string => code(() => captureLegs(held, parts.map(([account, amountMinor]) => ({ accountCode: account.code, amountMinor }))));

  it('of the whole is what was held', () => {
    expect(captureLegs(held.map((leg) => ({ ...leg, id: 1 })), undefined)).toEqual(held);
  });

  it('of a part is bounded by what the account keeps in all, in its own direction', () => {
    expect(captureLegs(held, [{ accountCode: wallet('a').code, amountMinor: 4n }, { accountCode: house('cash').code, amountMinor: -4n }]))
      .toEqual([{ account: wallet('a'), amountMinor: 4n }, { account: house('cash'), amountMinor: -4n }]);
    expect(part([wallet('a'), 5n], [house('cash'), -5n])).toBe('accepted');
    expect(part([wallet('a'), 2n], [wallet('a'), 3n])).toBe('accepted');
    for (const parts of [
      [[wallet('a'), 6n]], [[house('cash'), -6n]], [[wallet('a'), 3n], [wallet('a'), 3n]], [[house('cash'), -3n], [house('cash'), -3n]],
      [[wallet('a'), -1n]], [[house('cash'), 1n]], [[wallet('a'), 0n]], [[wallet('b'), 1n]],
    ] as [AccountRef, bigint][][]) expect(part(...parts)).toBe('ledger_capture_too_large');
  });
});

const ACCOUNTS: [string, AccountRef][] = [['1', wallet('a')], ['2', house('cash')], ['3', { ...wallet('b'), floorMinor: -2n }], ['4', { ...house('vault'), guarded: true }]];
const accounts = new Map(ACCOUNTS.map(([id, account]): [string, StoredAccount] => [id, { ...account, id, contentHash: Buffer.alloc(0) }]));

/** A stored hold of 5 on wallet `a`, changed; the hash is that of its content unless it is given. */
function stored(change: Partial<StoredHold> = {}): StoredHold {
  const hold = {
    seq: 1n, id: 'hld_1', key: 'k', kind: 'test.hold', expiresAt: null, legCount: 2, metadata: {},
    legs: [{ accountId: '1', currency: 'CNY' as const, amountMinor: 5n }, { accountId: '2', currency: 'CNY' as const, amountMinor: -5n }],
    outcome: null, resolvedAt: null, transfer: null, open: true, claims: new Map([['1', 5n]]), ...change,
  };
  const legs = hold.legs.map((leg) => ({ ...leg, account: accounts.get(leg.accountId)?.code ?? '' }));
  return { contentHash: holdHash({ ...hold, legs }), ...hold };
}

/** What is found wrong with these holds, when accounts stand so at the end (debit positive). */
function found(holds: StoredHold[], balances: Record<string, bigint> = { 1: -5n }, details: string[] = []): string[] {
  const problems: string[] = [];
  const replay = makeHoldReplay(accounts, (problem: ProblemCode, id, detail) => {
    problems.push(`${problem} ${id}`);
    details.push(detail);
  });
  for (const hold of holds) replay.apply(hold);
  replay.finish(new Map(Object.entries(balances)));
  return problems;
}

const at = (text: string): Date => new Date(`2026-01-01T${text}Z`);
const captured = (change: Partial<StoredHold> = {}, sums: [string, bigint][] = [['1', 5n], ['2', -5n]]): StoredHold => stored({
  outcome: 'captured', resolvedAt: at('10:00:00'), open: false, claims: new Map(), transfer: { id: 'trf_1', captures: 'hld_1', sums: new Map(sums) }, ...change,
});
const ended = (outcome: 'voided' | 'expired', change: Partial<StoredHold> = {}): StoredHold => captured({ outcome, transfer: null, ...change });

describe('a hold that is read again', () => {
  it('fits when nobody changed it', () => {
    expect(found([stored(), captured(), captured({}, [['1', 2n], ['2', -2n]]), ended('voided'), ended('expired', { expiresAt: at('10:00:00') })])).toEqual([]);
    expect(found([captured({ expiresAt: at('10:00:01') }), ended('voided', { expiresAt: at('10:00:00') }), ended('voided', { expiresAt: at('10:00:01') })])).toEqual([]);
    expect(found([])).toEqual([]);
  });

  it('has all the legs that it was held with, two at least, and its content', () => {
    expect(found([stored({ legCount: 3 })])).toEqual(['hold_legs hld_1']);
    expect(found([stored({ legCount: 1, legs: [{ accountId: '1', currency: 'CNY', amountMinor: 5n }] })])).toEqual(['hold_legs hld_1', 'hold_unbalanced hld_1']);
    expect(found([{ ...stored(), key: 'other' }])).toEqual(['hold_changed hld_1']);
    expect(found([{ ...stored(), contentHash: Buffer.alloc(32) }])).toEqual(['hold_changed hld_1']);
  });

  it('balances in each currency', () => {
    const more = [{ accountId: '9', currency: 'USD' as const, amountMinor: 2n }, { accountId: '9', currency: 'USD' as const, amountMinor: -1n }];
    const details: string[] = [];
    expect(found([stored({ legs: [...stored().legs, ...more], legCount: 4 })], undefined, details)).toEqual(['hold_unbalanced hld_1']);
    expect(details).toEqual(['Its legs in USD sum to 1.']);
  });

  it('is among the open ones exactly while nothing ended it', () => {
    expect(found([stored({ open: false })])).toEqual(['hold_state hld_1']);
    expect(found([captured({ open: true })])).toEqual(['hold_state hld_1']);
  });

  it('is captured by the transfer that says so, and by none when it was not', () => {
    expect(found([captured({ transfer: null })])).toEqual(['hold_state hld_1']);
    expect(found([captured({ transfer: { id: 'trf_1', captures: 'hld_2', sums: new Map() } })])).toEqual(['hold_state hld_1']);
    expect(found([captured({ transfer: { id: 'trf_1', captures: null, sums: new Map() } })])).toEqual(['hold_state hld_1']);
    expect(found([stored({ transfer: { id: 'trf_1', captures: 'hld_1', sums: new Map() } })])).toEqual(['hold_state hld_1']);
    expect(found([ended('voided', { transfer: { id: 'trf_1', captures: 'hld_1', sums: new Map() } })])).toEqual(['hold_state hld_1']);
  });

  it('is captured before its instant and expires at it or after it', () => {
    expect(found([captured({ expiresAt: at('10:00:00') })])).toEqual(['hold_state hld_1']);
    expect(found([captured({ expiresAt: at('09:59:59') })])).toEqual(['hold_state hld_1']);
    expect(found([ended('expired', { expiresAt: at('10:00:01') })])).toEqual(['hold_state hld_1']);
    expect(found([ended('expired')])).toEqual(['hold_state hld_1']);
  });

  it('gave no more than it kept, on no account the other way, and nothing elsewhere', () => {
    for (const sums of [[['1', 6n]], [['2', -6n]], [['1', -1n]], [['2', 1n]], [['3', 1n]]] as [string, bigint][][]) {
      expect(found([captured({}, sums)])).toEqual(['hold_exceeded hld_1']);
    }
    const twice = [{ accountId: '1', currency: 'CNY' as const, amountMinor: 2n }, { accountId: '1', currency: 'CNY' as const, amountMinor: 3n }, { accountId: '2', currency: 'CNY' as const, amountMinor: -5n }];
    expect(found([captured({ legs: twice, legCount: 3 })])).toEqual([]);
    expect(found([captured({}, [['1', 0n], ['3', 0n]])])).toEqual([]);
  });

  it('claims of each guarded account what it would take, and of no other', () => {
    for (const claims of [[], [['1', 4n]], [['1', 5n], ['2', 5n]], [['2', 5n]]] as [string, bigint][][]) {
      expect(found([stored({ claims: new Map(claims) })])).toEqual(['hold_state hld_1']);
    }
    expect(found([captured({ claims: new Map([['1', 5n]]) })])).toEqual(['hold_state hld_1']);
    const netted = [{ accountId: '1', currency: 'CNY' as const, amountMinor: -5n }, ...stored().legs, { accountId: '2', currency: 'CNY' as const, amountMinor: 5n }];
    expect(found([stored({ legs: netted, legCount: 4, claims: new Map() })], {})).toEqual([]);
    // Given to, not taken from.
    const gift = [{ accountId: '1', currency: 'CNY' as const, amountMinor: -5n }, { accountId: '2', currency: 'CNY' as const, amountMinor: 5n }];
    expect(found([stored({ legs: gift, claims: new Map() })], {})).toEqual([]);
    // An asset gives by a credit.
    const vault = [{ accountId: '4', currency: 'CNY' as const, amountMinor: -5n }, { accountId: '2', currency: 'CNY' as const, amountMinor: 5n }];
    expect(found([stored({ legs: vault, claims: new Map([['4', 5n]]) })], { 4: 5n })).toEqual([]);
    expect(found([stored({ legs: vault, claims: new Map([['4', 5n]]) })], { 4: 4n })).toEqual([`hold_uncovered ${house('vault').code}`]);
  });

  it('is covered, with all the others, by what is on the account above its floor', () => {
    const second = { ...stored({ key: 'l' }), id: 'hld_2' };
    expect(found([stored(), second], { 1: -10n })).toEqual([]);
    expect(found([stored(), second], { 1: -9n })).toEqual([`hold_uncovered ${wallet('a').code}`]);
    expect(found([stored()], {})).toEqual([`hold_uncovered ${wallet('a').code}`]);
    const credit = stored({ legs: [{ accountId: '3', currency: 'CNY', amountMinor: 5n }, { accountId: '2', currency: 'CNY', amountMinor: -5n }], claims: new Map([['3', 5n]]) });
    expect(found([credit], { 3: -3n })).toEqual([]);
    expect(found([credit], { 3: -2n })).toEqual([`hold_uncovered ${wallet('b').code}`]);
  });
});

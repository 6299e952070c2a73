import { describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { type Decided, decideBatch, type Item, watchedCodes } from '../../src/ledger/batch.ts';
import { checkTransfer, type Leg, type Standing } from '../../src/ledger/model.ts';
import { house, into, wallet } from '../ledger/accounts.ts';

/** A batch decides item by item in the order of arrival, as if each had come alone. */

const item = (key: string, legs: readonly Leg[]): Item => ({
  transfer: checkTransfer({ key, kind: 'test.move', effectiveDate: '2026-01-01', metadata: {}, legs }), id: `trf_${key}`,
});
const spend = (key: string, amountMinor: bigint, name = 'a'): Item => item(key, into(wallet(name), -amountMinor));

/** Wallets by name with what is in them and what open holds keep of it. */
const standing = (wallets: Record<string, { has: bigint; held?: bigint }>): Map<string, Standing> =>
  new Map(Object.entries(wallets).map(([name, { has, held = 0n }]) => [wallet(name).code, { balanceMinor: -has, heldMinor: held }]));

const told = ({ verdicts }: Decided): string[] => verdicts.map((verdict) => {
  if ('posted' in verdict) return `${verdict.posted.transferId} ${verdict.posted.created ? 'posted' : 'again'}`;
  return verdict.refused instanceof Refusal ? verdict.refused.code : 'error';
});
const POOR = 'ledger_insufficient_funds';

describe('a batch', () => {
  it('of debits 100, 10 and 1 on a wallet of 10: refused, posted, refused', () => {
    const items = [spend('one', 100n), spend('two', 10n), spend('three', 1n)];
    const decided = decideBatch(items, standing({ a: { has: 10n } }), new Map());
    expect(told(decided)).toEqual([POOR, 'trf_two posted', POOR]);
    expect(decided.accepted).toEqual([items[1]]);
  });

  it('of one key twice writes it once, and refuses another content under it', () => {
    const items = [spend('k', 3n), spend('k', 3n), spend('k', 4n)];
    const decided = decideBatch(items, standing({ a: { has: 3n } }), new Map());
    expect(told(decided)).toEqual(['trf_k posted', 'trf_k again', 'ledger_key_reused']);
    expect(decided.accepted).toEqual([items[0]]);
  });

  it('knows what earlier transfers posted under a key, also when it could not be paid today', () => {
    const before = spend('k', 9n);
    const kept = new Map([['k', { id: 'trf_old', contentHash: before.transfer.contentHash }]]);
    const decided = decideBatch([before, spend('k', 1n)], standing({ a: { has: 1n } }), kept);
    expect(told(decided)).toEqual(['trf_old again', 'ledger_key_reused']);
    expect(decided.accepted).toEqual([]);
    expect(kept.size).toBe(1);
  });

  it('lets what comes in early be spent later, and not the other way round', () => {
    const give = item('give', into(wallet('a'), 5n));
    expect(told(decideBatch([give, spend('take', 5n), spend('more', 1n)], standing({ a: { has: 0n } }), new Map()))).toEqual(['trf_give posted', 'trf_take posted', POOR]);
    expect(told(decideBatch([spend('take', 5n), give], standing({ a: { has: 0n } }), new Map()))).toEqual([POOR, 'trf_give posted']);
  });

  it('counts a refused item as if it had not been there, on every account of it', () => {
    const both = item('both', [
      { account: wallet('a'), amountMinor: 4n }, { account: wallet('b'), amountMinor: 4n }, { account: house('cash'), amountMinor: -8n },
    ]);
    const decided = decideBatch([both, spend('a', 4n), spend('b', 3n, 'b'), spend('rest', 1n, 'b')], standing({ a: { has: 4n }, b: { has: 3n } }), new Map());
    expect(told(decided)).toEqual([POOR, 'trf_a posted', 'trf_b posted', POOR]);
  });

  it('spends nothing that a hold keeps, and nothing of an account that nobody opened', () => {
    expect(told(decideBatch([spend('k', 3n), spend('l', 2n)], standing({ a: { has: 5n, held: 3n } }), new Map()))).toEqual([POOR, 'trf_l posted']);
    expect(told(decideBatch([spend('k', 1n)], new Map(), new Map()))).toEqual([POOR]);
  });

  it('nets several legs on one account before it asks for its balance', () => {
    const netted = item('k', [{ account: wallet('a'), amountMinor: 9n }, { account: wallet('a'), amountMinor: -7n }, { account: house('cash'), amountMinor: -2n }]);
    expect(told(decideBatch([netted, spend('l', 1n), spend('m', 1n)], standing({ a: { has: 3n } }), new Map()))).toEqual(['trf_k posted', 'trf_l posted', POOR]);
  });

  it('changes nothing of what it was given', () => {
    const standings = standing({ a: { has: 5n } });
    decideBatch([spend('k', 5n)], standings, new Map());
    expect(standings).toEqual(standing({ a: { has: 5n } }));
  });

  it('locks each account once that something is taken from, and none that is only given to', () => {
    expect(watchedCodes([spend('k', 1n), spend('l', 1n), spend('m', 1n, 'b'), item('n', into(wallet('c'), 1n))])).toEqual([wallet('a').code, wallet('b').code]);
    expect(watchedCodes([])).toEqual([]);
  });
});

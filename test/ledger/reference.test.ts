import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AccountRef, Posted } from '../../src/ledger/index.ts';
import { type PaperAnswer, PaperLedger } from './reference.ts';
import { house, openTestLedger, type TestLedger, wallet } from './support.ts';

let t: TestLedger;
beforeAll(async () => {
  t = await openTestLedger('reference');
});
afterAll(() => t.close());

type Step =
  | { do: 'post'; key: number; from: number; to: number; amount: bigint; day: number }
  | { do: 'reverse'; of: number; part: bigint | null; day: number }
  | { do: 'sequence' }
  | { do: 'rollUp'; stride: number; worth: number }
  | { do: 'ask'; account: number; day: number; first: number };

const day = (n: number): string => `2026-01-${String(n).padStart(2, '0')}`;
const days = fc.integer({ min: 1, max: 28 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('post' as const), key: fc.nat(60), from: fc.nat(4), to: fc.nat(4), amount: fc.bigInt(1n, 30n), day: days }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('reverse' as const), of: fc.nat(40), part: fc.option(fc.bigInt(1n, 30n)), day: days }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sequence' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rollUp' as const), stride: fc.integer({ min: 1, max: 9 }), worth: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), account: fc.nat(4), day: days, first: fc.nat(60) }) },
);

const seen = new Map<string, number>();

async function answerOf(work: Promise<Posted>): Promise<{ answer: string; transferId: string | null }> {
  try {
    const { created, transferId } = await work;
    return { answer: created ? 'booked' : 'repeated', transferId };
  } catch (error) {
    return { answer: (error as { code: string }).code, transferId: null };
  }
}

/** Walks both ledgers through the same steps; they must agree on every answer and every sum. */
async function walk(run: number, steps: readonly Step[]): Promise<void> {
  const accounts: AccountRef[] = [0, 1, 2].map((n) => wallet(`ref${run}_${n}`)).concat([3, 4].map((n) => house(`ref${run}_${n}`)));
  const account = (n: number): AccountRef => accounts[n]!;
  const paper = new PaperLedger();
  const start = await t.ledger.sequence();
  const ids = new Map<string, string>();
  let sequenced = 0;
  let reversals = 0;
  const agree = (kind: string, found: { answer: string; transferId: string | null }, expected: PaperAnswer, key: string): void => {
    expect(found.answer).toBe(expected);
    seen.set(`${kind} ${expected}`, (seen.get(`${kind} ${expected}`) ?? 0) + 1);
    if (found.transferId !== null) ids.set(key, found.transferId);
  };
  for (const s of steps) {
    if (s.do === 'post') {
      const key = `ref/${run}/${s.key}`;
      const legs = [{ account: account(s.from), amountMinor: s.amount }, { account: account(s.to), amountMinor: -s.amount }];
      const expected = paper.post(key, day(s.day), legs.map((leg) => ({
        code: leg.account.code, amountMinor: leg.amountMinor, guarded: leg.account.guarded === true,
      })));
      agree('post', await answerOf(t.post({ key, effectiveDate: day(s.day), legs })), expected, key);
    } else if (s.do === 'reverse') {
      const originals = paper.booked.filter((transfer) => transfer.reverses === null && transfer.legs[0]!.code !== transfer.legs[1]!.code);
      if (originals.length === 0) continue;
      const original = originals[s.of % originals.length]!;
      reversals += 1;
      const key = `ref/${run}/undo/${reversals}`;
      const expected = paper.reverse(original.key, key, day(s.day), s.part);
      const legs = s.part === null ? {} : {
        legs: original.legs.map((leg) => ({ accountCode: leg.code, amountMinor: leg.amountMinor > 0n ? -s.part! : s.part! })),
      };
      agree('reverse', await answerOf(t.database.runTx((tx) => {
        return t.ledger.reverse(tx, ids.get(original.key)!, { key, effectiveDate: day(s.day), ...legs });
      })), expected, key);
    } else if (s.do === 'sequence') {
      expect(await t.ledger.sequence()).toBe(start + BigInt(paper.booked.length));
      sequenced = paper.booked.length;
    } else if (s.do === 'rollUp') {
      await t.ledger.rollUp({ minimum: 1, stride: s.stride, worth: s.worth, daysWorth: s.worth });
      sequenced = paper.booked.length;
    } else {
      const asked = account(s.account);
      const first = Math.min(s.first, sequenced);
      const position = start + BigInt(first);
      const found = await t.database.runTx(async (tx) => [
        await t.ledger.balance(tx, asked), await t.ledger.balanceAsOf(tx, asked, { position }),
        await t.ledger.balanceAsOf(tx, asked, { effectiveDate: day(s.day) }),
        await t.ledger.balanceAsOf(tx, asked, { position, effectiveDate: day(s.day) }),
      ]);
      expect(found).toEqual([
        paper.balance(asked.code), paper.balance(asked.code, { first }), paper.balance(asked.code, { day: day(s.day) }),
        paper.balance(asked.code, { first, day: day(s.day) }),
      ]);
    }
  }
}

describe('against a ledger on paper', () => {
  it('agrees on every answer and every balance, on both time axes', async () => {
    let run = 0;
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120 }), async (steps) => {
      run += 1;
      await walk(run, steps);
    }), { numRuns: 25, endOnFailure: true });
    const report = await t.ledger.verify();
    expect(report.problems).toEqual([]);
    expect(report.transfers).toBeGreaterThan(200);
    for (const kind of [
      'post booked', 'post ledger_key_reused', 'post ledger_insufficient_funds', 'reverse booked',
      'reverse ledger_reversal_too_large', 'reverse ledger_insufficient_funds',
    ]) expect([kind, (seen.get(kind) ?? 0) > 0]).toEqual([kind, true]);
  });
});

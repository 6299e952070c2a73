import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { VerifyProblem } from '../../src/ledger/index.ts';
import { verifyLedger } from '../../src/ledger/verify.ts';
import { connect, type Database, sql } from '../../src/platform/postgres/index.ts';
import { house, into, openTestLedger, type TestLedger, wallet } from './support.ts';

/** What somebody who may switch triggers off can still do; each in a transaction that is rolled back after verify read it. */

let t: TestLedger;
let vandal: Database;
let last = '';

beforeAll(async () => {
  t = await openTestLedger('verify');
  vandal = await connect({ url: t.database.superuserUrl, poolSize: 1 });
  for (let i = 0; i < 40; i += 1) {
    await t.post({ key: `v/${i}`, effectiveDate: `2026-01-${String(1 + (i % 28)).padStart(2, '0')}`, legs: into(wallet('v'), 10n), metadata: { outputId: `out_${i}` } });
  }
  const { transferId } = await t.post({ key: 'v/reversed', legs: into(wallet('v'), 10n) });
  await t.database.runTx((tx) => t.ledger.reverse(tx, transferId, {
    key: 'v/reversal', effectiveDate: '2026-02-01',
    legs: [{ accountCode: wallet('v').code, amountMinor: 4n }, { accountCode: house('cash').code, amountMinor: -4n }],
  }));
  await t.ledger.rollUp({ stride: 10, worth: 5, daysWorth: 5 });
  last = (await t.post({ key: 'v/tail', legs: into(wallet('v'), 10n) })).transferId;
});
afterAll(async () => {
  await vandal.close();
  await t.close();
});

/** Corrupts with triggers off and answers what verify says of it; nothing of it stays. */
async function corrupted(statement: string): Promise<VerifyProblem[]> {
  let problems: VerifyProblem[] = [];
  const undo = new Error('undo');
  await expect(vandal.runTx(async (tx) => {
    await sql(tx, `SET LOCAL session_replication_role = 'replica'`);
    await sql(tx, statement);
    problems = (await verifyLedger(tx)).problems;
    throw undo;
  })).rejects.toBe(undo);
  return problems;
}

const seq = (key: string): string => `(SELECT seq FROM ledger_transfer WHERE key = '${key}')`;
const walletId = `(SELECT id FROM ledger_account WHERE code = 'wallet:v:CNY')`;

const CASES: [name: string, statement: string, code: VerifyProblem['code'], id?: () => string | RegExp][] = [
  ['one amount', `UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE transfer_seq = ${seq('v/3')} AND leg = 1`, 'transfer_unbalanced', () => /^trf_/],
  ['a balanced pair', `UPDATE ledger_entry SET amount_minor = amount_minor * 2 WHERE transfer_seq = ${seq('v/3')}`, 'transfer_changed', () => /^trf_/],
  ['a whole transfer deleted', `WITH d AS (DELETE FROM ledger_entry WHERE transfer_seq = ${seq('v/3')}), p AS (DELETE FROM ledger_position WHERE transfer_seq = ${seq('v/3')})
     DELETE FROM ledger_transfer WHERE key = 'v/3'`, 'position_gap', () => '5'],
  ['a transfer deleted under its position', `WITH d AS (DELETE FROM ledger_entry WHERE transfer_seq = ${seq('v/3')}) DELETE FROM ledger_transfer WHERE key = 'v/3'`, 'position_without_transfer', () => '4'],
  ['a transfer deleted under its legs', `DELETE FROM ledger_transfer WHERE key = 'v/3'`, 'entry_without_transfer'],
  ['the tail cut back behind a roll-up', `WITH d AS (DELETE FROM ledger_entry WHERE transfer_seq > 38), p AS (DELETE FROM ledger_position WHERE transfer_seq > 38) DELETE FROM ledger_transfer WHERE seq > 38`, 'roll_up_wrong'],
  ['a leg deleted', `DELETE FROM ledger_entry WHERE transfer_seq = ${seq('v/3')} AND leg = 2`, 'transfer_legs', () => /^trf_/],
  ['an effective date', `UPDATE ledger_transfer SET effective_date = '2026-01-20' WHERE key = 'v/3'`, 'transfer_changed'],
  ['an effective date, against the day sums', `UPDATE ledger_transfer SET effective_date = '2026-01-20' WHERE key = 'v/3'`, 'day_total_wrong'],
  ['an output id', `UPDATE ledger_transfer SET metadata = '{"outputId": "out_9999"}' WHERE key = 'v/3'`, 'transfer_changed'],
  ['a kind', `UPDATE ledger_transfer SET kind = 'other' WHERE key = 'v/3'`, 'transfer_changed'],
  ['a key', `UPDATE ledger_transfer SET key = 'v/stolen' WHERE key = 'v/3'`, 'transfer_changed'],
  ['legs moved to another account', `UPDATE ledger_entry SET account_id = (SELECT id FROM ledger_account WHERE code = 'house:cash:CNY') WHERE transfer_seq = ${seq('v/3')} AND leg = 2`, 'transfer_changed'],
  ['a currency', `UPDATE ledger_entry SET currency = 'USD' WHERE transfer_seq = ${seq('v/3')}`, 'entry_currency'],
  ['an account that is gone', `DELETE FROM ledger_account WHERE code = 'wallet:v:CNY'`, 'entry_without_account'],
  ['a guard taken off', `UPDATE ledger_account SET guarded = false WHERE code = 'wallet:v:CNY'`, 'account_changed', () => 'wallet:v:CNY'],
  ['a wallet overdrawn', `UPDATE ledger_entry SET amount_minor = amount_minor * -100 WHERE transfer_seq = ${seq('v/39')}`, 'account_below_floor', () => 'wallet:v:CNY'],
  ['a balance beyond 64 bits', `UPDATE ledger_entry SET amount_minor = CASE WHEN amount_minor > 0 THEN 1 ELSE -1 END * 9223372036854775807 WHERE transfer_seq IN (${seq('v/3')}, ${seq('v/4')})`, 'balance_out_of_range'],
  ['a snapshot', `UPDATE ledger_balance_snapshot SET balance_minor = balance_minor - 1 WHERE account_id = ${walletId} AND position = 20`, 'snapshot_wrong', () => 'wallet:v:CNY@20'],
  ['the snapshot that is read', `UPDATE ledger_balance_snapshot SET balance_minor = balance_minor - 1 WHERE account_id = ${walletId} AND position = 40`, 'balance_wrong', () => 'wallet:v:CNY'],
  ['a day sum', `UPDATE ledger_balance_day SET sums_minor[1] = sums_minor[1] - 1 WHERE account_id = ${walletId} AND place = (SELECT place FROM ledger_balance_snapshot WHERE account_id = ${walletId} AND position = 20)`, 'day_total_wrong', () => 'wallet:v:CNY@20'],
  ['a day', `UPDATE ledger_balance_day SET days[1] = days[1] - 1 WHERE account_id = ${walletId} AND place = 1`, 'day_total_wrong', () => /^wallet:v:CNY@/],
  ['sums by day that are gone', `DELETE FROM ledger_balance_day WHERE account_id = ${walletId} AND place = 4`, 'day_total_wrong', () => 'wallet:v:CNY@40'],
  ['sums by day that are not asked for', `UPDATE ledger_balance_snapshot SET since = 5 WHERE account_id = ${walletId} AND place = 4`, 'day_total_wrong', () => 'wallet:v:CNY@40'],
  ['a settled place', 'UPDATE ledger_roll_up SET settled_seq = 25 WHERE position = 10', 'roll_up_wrong'],
  ['a highest place', 'UPDATE ledger_roll_up SET high_seq = 5 WHERE position = 10', 'roll_up_wrong', () => '10'],
  ['a swapped order', `UPDATE ledger_position SET position = 100 WHERE position = 4`, 'position_gap'],
  ['a reversal grown', `UPDATE ledger_entry SET amount_minor = amount_minor * 3 WHERE transfer_seq = ${seq('v/reversal')}`, 'reversal_exceeds'],
  ['a reversal loosened from its original', `UPDATE ledger_transfer SET reverses = NULL WHERE key = 'v/reversal'`, 'transfer_changed'],
  ['what has no position yet', `UPDATE ledger_entry SET amount_minor = amount_minor * 2 WHERE transfer_seq = ${seq('v/tail')}`, 'transfer_changed', () => last],
  ['a trigger left off', 'ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_never_changes', 'trigger_disabled', () => 'ledger_entry_never_changes'],
];

describe('verify', () => {
  it('finds nothing in a ledger that nobody touched, and says what it read', async () => {
    expect(await t.ledger.verify()).toEqual({
      position: 42n, transfers: 43, entries: 86, accounts: 2, holds: 0, unpositioned: 1, problems: [], more: 0,
      proven: { position: 0n, transfers: 0, holdFacts: 0 }, unprovable: { transfers: 43, holdFacts: 0 },
    });
  });

  it.each(CASES)('finds %s', async (_name, statement, code, id) => {
    const problems = await corrupted(statement);
    const found = problems.filter((problem) => problem.code === code);
    expect(found, JSON.stringify(problems)).not.toEqual([]);
    const expected = id?.();
    if (expected instanceof RegExp) expect(found[0]?.id).toMatch(expected);
    else if (expected !== undefined) expect(found[0]?.id).toBe(expected);
  });

  it('names at most a thousand and counts the rest', async () => {
    const service = await openTestLedger('many');
    try {
      for (let i = 0; i < 60; i += 1) {
        await service.post({ legs: Array.from({ length: 40 }, (_, leg) => ({ account: house(`m${leg}`), amountMinor: leg % 2 === 0 ? 1n : -1n })) });
      }
      const client = new pg.Client({ connectionString: service.database.superuserUrl });
      await client.connect();
      await client.query(`SET session_replication_role = 'replica'`);
      await client.query(`UPDATE ledger_entry SET currency = 'USD'`);
      await client.end();
      const report = await service.ledger.verify();
      expect(report.problems).toHaveLength(1000);
      // 2,400 legs in a wrong currency and 60 hashes.
      expect(report.more).toBe(2460 - 1000);
    } finally {
      await service.close();
    }
  });
});

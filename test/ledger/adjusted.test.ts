import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import type { Actor } from '../../src/kernel/request.ts';
import type { IdempotencyKey } from '../../src/kernel/tx.ts';
import { type Adjustments, chart, type Ledger, makeAdjustments, type TransferDraft } from '../../src/ledger/index.ts';
import { refusal } from '../billing/refusal.ts';
import { makeTestClock } from '../support/clock.ts';
import { attack, openTestLedger, type TestLedger } from './support.ts';

/** What two operators post by hand: PostgreSQL books nothing that another person did not approve, whoever writes it and in whichever role. */

let t: TestLedger;
let adjustments: Adjustments;
/** What approving does behind the approval; the writer unless a test takes its place. */
let submit: Ledger['submit'];
const operator = (name: string): Actor => ({ accountId: `acc_${name}`, sessionId: 'ses_1', roles: ['operator'] });
const [one, other] = [operator('one'), operator('other')];
let keys = 0;
const key = (): IdempotencyKey => {
  keys += 1;
  return { scope: 'adjusted', key: `key-${keys}`, digest: '' };
};
const LEGS = [{ account: 'platform_expense:goodwill:CNY', amountMinor: '5' }, { account: 'payable:platform:CNY', amountMinor: '-5' }];
type Adjustment = Awaited<ReturnType<Adjustments['proposeAdjustment']>>;
const propose = (): Promise<Adjustment> =>
  adjustments.proposeAdjustment(one, key(), { effectiveDate: '2026-01-01', reason: 'A fan was charged twice.', evidence: 'Ticket 1', legs: LEGS });
const draftOf = (adjustmentId: string, changes: Partial<TransferDraft> = {}): TransferDraft => ({
  key: `adjustment:${adjustmentId}`, kind: 'ledger.adjusted', effectiveDate: '2026-01-01', metadata: {},
  legs: [{ account: chart.platformExpense('goodwill', 'CNY'), amountMinor: 5n }, { account: chart.payable('platform', 'CNY'), amountMinor: -5n }], ...changes,
});

beforeAll(async () => {
  t = await openTestLedger('adjusted');
  submit = t.ledger.submit;
  const { runTx } = t.database;
  adjustments = makeAdjustments({
    runTx, clock: makeTestClock('2026-01-02T00:00:00Z'), ids: makeIds(makeTestClock('2026-01-02T00:00:00Z'), seededRandom('adjustments')),
    ledger: { submit: (draft) => submit(draft), post: t.ledger.post }, knowsAccount: () => Promise.resolve(true),
  });
  await t.post({ legs: draftOf('').legs });
});
afterAll(() => t.close());

/** The transfer and its legs as somebody writes them who goes past all of our code. */
function raw(id: string, adjustmentKey: string, options: { day?: string; amount?: number } = {}): string[] {
  const { day = '2026-01-01', amount = 5 } = options;
  return [`WITH t AS (INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata)
      VALUES ('trf_${id.padStart(26, '0')}', '${adjustmentKey}', 'ledger.adjusted', '${day}', 2, sha256(''), '{}') RETURNING seq)
    INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor) SELECT t.seq, v.leg, a.id, 'CNY', v.amount
      FROM t CROSS JOIN (VALUES (1, 'platform_expense:goodwill:CNY', ${amount}), (2, 'payable:platform:CNY', ${-amount})) v (leg, code, amount) JOIN ledger_account a USING (code)`];
}
const approval = (adjustmentId: string, by: string): string =>
  `INSERT INTO ledger_adjustment_decision (adjustment_id, verdict, decided_by, decided_at) VALUES ('${adjustmentId}', 'approved', '${by}', now())`;

describe('an adjusting entry written past our code', () => {
  it('is refused in both roles unless it is what one person proposed and another approved', async () => {
    const { appUrl, superuserUrl } = t.database;
    const [silent, approved] = [await propose(), await propose()];
    await t.database.asApp(approval(approved.adjustmentId, other.accountId));
    const before = await t.balance(chart.payable('platform', 'CNY'));
    for (const url of [appUrl, superuserUrl]) {
      for (const statements of [
        raw('1', 'nothing'), raw('1', 'adjustment:adj_unknown'), raw('1', `adjustment:${silent.adjustmentId}`), raw('1', `adjustment:${approved.adjustmentId}`, { day: '2026-01-02' }),
        raw('1', `adjustment:${approved.adjustmentId}`, { amount: 50 }), [...raw('1', `adjustment:${silent.adjustmentId}`), approval(silent.adjustmentId, one.accountId)],
      ]) {
        expect((await attack(url, statements)).state).toBe('23514');
      }
      expect(await attack(url, raw('1', `adjustment:${silent.adjustmentId}`))).toEqual({ state: '23514', constraint: 'ledger_adjusted_is_approved' });
    }
    expect(await t.balance(chart.payable('platform', 'CNY'))).toBe(before);
    expect(await attack(appUrl, raw('2', `adjustment:${approved.adjustmentId}`))).toEqual({ state: '00000' });
    expect(await t.balance(chart.payable('platform', 'CNY'))).toBe(before - 5n);
  });

  it('is neither booked nor withdrawn by whoever looks at what stood before: the other may have been first', async () => {
    const { adjustmentId } = await propose();
    await t.database.asApp(approval(adjustmentId, other.accountId));
    const before = await t.balance(chart.payable('platform', 'CNY'));
    const client = new pg.Client({ connectionString: t.database.appUrl });
    await client.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await client.query('SELECT 1 FROM ledger_adjustment');
      await adjustments.withdrawAdjustment(one, key(), adjustmentId, { note: 'The wrong month.' });
      for (const statement of raw('4', `adjustment:${adjustmentId}`)) await client.query(statement);
      await expect(client.query('COMMIT')).rejects.toMatchObject({ code: '25000' });
      const withdrawal = `INSERT INTO ledger_adjustment_withdrawal (adjustment_id, note, withdrawn_by, withdrawn_at) VALUES ('${adjustmentId}', 'x', 'acc_x', now())`;
      expect((await attack(t.database.appUrl, ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', withdrawal])).state).toBe('25000');
    } finally {
      await client.end();
    }
    expect(await t.balance(chart.payable('platform', 'CNY'))).toBe(before);
  });

  it('fails alone in the batch that it came in', async () => {
    const silent = await propose();
    const legs = draftOf('').legs;
    const answers = await Promise.allSettled([
      t.ledger.submit({ ...draftOf('a'), key: 'beside/1', kind: 'test.move', legs }), t.ledger.submit(draftOf(silent.adjustmentId)), t.ledger.submit({ ...draftOf('b'), key: 'beside/2', kind: 'test.move', legs }),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('an opening balance written past our code', () => {
  it('is refused in both roles unless it stands so in a file that one person checked and another posted', async () => {
    const { appUrl, superuserUrl } = t.database;
    const file = (id: string, items: object[], by = other.accountId): string[] => [
      `INSERT INTO ledger_import (id, transfers, digest, checked_by, checked_at) VALUES ('${id}', '${JSON.stringify(items)}', '${'0'.repeat(64)}', '${one.accountId}', now())`,
      ...(by === '' ? [] : [`INSERT INTO ledger_import_posting (import_id, posted_by, posted_at) VALUES ('${id}', '${by}', now())`]),
    ];
    const item = (name: string, changes: object = {}): object => ({ key: name, effectiveDate: '2026-01-01', legs: LEGS, ...changes });
    const opened = (id: string, name: string, options = {}): string[] => raw(id, `opening:${name}`, options).map((text) => text.replace('ledger.adjusted', 'ledger.opened'));
    for (const statement of [...file('imp_posted', [item('other'), item('old.1')]), ...file('imp_checked', [item('old.2')], '')]) await t.database.asApp(statement);
    for (const url of [appUrl, superuserUrl]) {
      for (const statements of [
        opened('5', 'nowhere'), opened('5', 'old.2'), opened('5', 'old.1', { day: '2026-01-02' }), opened('5', 'old.1', { amount: 6 }), [...file('imp_own', [item('old.3')], one.accountId), ...opened('5', 'old.3')],
      ]) expect((await attack(url, statements)).state).toBe('23514');
      expect(await attack(url, opened('5', 'old.2'))).toEqual({ state: '23514', constraint: 'ledger_by_hand_is_approved' });
    }
    expect(await attack(appUrl, opened('6', 'old.1'))).toEqual({ state: '00000' });
  });
});

describe('an approval', () => {
  it('is withdrawn by one while nothing is booked by it, also while somebody books it', async () => {
    const { adjustmentId } = await propose();
    const before = await t.balance(chart.payable('platform', 'CNY'));
    submit = async (draft) => await t.database.runTx(async (tx) => {
      const posted = await t.ledger.post(tx, draft);
      // Written and not committed: whoever withdraws sees nothing of it.
      expect((await adjustments.withdrawAdjustment(one, key(), adjustmentId, { note: 'The wrong month.' })).state).toBe('withdrawn');
      return posted;
    });
    expect(await refusal(adjustments.approveAdjustment(other, key(), adjustmentId))).toBe('adjustment_state');
    submit = t.ledger.submit;
    expect(await refusal(adjustments.approveAdjustment(other, key(), adjustmentId))).toBe('adjustment_state');
    expect(await t.balance(chart.payable('platform', 'CNY'))).toBe(before);
    expect((await adjustments.listAdjustments()).adjustments.find((row) => row.adjustmentId === adjustmentId))
      .toMatchObject({ state: 'withdrawn', note: 'The wrong month.', withdrawnBy: one.accountId, decidedBy: other.accountId, transferId: null });
    expect(await attack(t.database.superuserUrl, raw('3', `adjustment:${adjustmentId}`))).toEqual({ state: '23514', constraint: 'ledger_adjusted_is_approved' });
  });

  it('by which something was booked, or that there is none of, is not withdrawn', async () => {
    const [booked, silent] = [await propose(), await propose()];
    expect((await adjustments.approveAdjustment(other, key(), booked.adjustmentId)).state).toBe('posted');
    for (const { adjustmentId } of [booked, silent]) {
      expect(await refusal(adjustments.withdrawAdjustment(one, key(), adjustmentId, { note: 'No.' }))).toBe('adjustment_state');
      const statement = `INSERT INTO ledger_adjustment_withdrawal (adjustment_id, note, withdrawn_by, withdrawn_at) VALUES ('${adjustmentId}', 'No.', 'acc_one', now())`;
      for (const url of [t.database.appUrl, t.database.superuserUrl]) expect((await attack(url, [statement])).constraint).toBe('ledger_adjustment_not_booked');
    }
    for (const change of ['UPDATE ledger_adjustment_withdrawal SET note = note', 'DELETE FROM ledger_adjustment_withdrawal']) {
      await expect(t.database.asApp(change)).rejects.toThrow();
      await expect(t.database.asOwner(change)).rejects.toThrow();
    }
  });
});

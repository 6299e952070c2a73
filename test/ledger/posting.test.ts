import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { AMOUNT_MAX } from '../../src/kernel/money.ts';
import { chart, TRACE_KEYS } from '../../src/ledger/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { house, into, openTestLedger, type TestLedger, wallet } from './support.ts';

let t: TestLedger;
beforeAll(async () => {
  t = await openTestLedger('posting');
});
afterAll(() => t.close());

async function rows(): Promise<unknown> {
  return await t.database.asOwner(`SELECT (SELECT count(*) FROM ledger_transfer) AS transfers,
    (SELECT count(*) FROM ledger_entry) AS entries`);
}

describe('post', () => {
  it('books a payment over many legs and reads it back', async () => {
    const draft = {
      key: 'invoice/in_1', kind: 'billing.invoice_paid', effectiveDate: '2026-03-05',
      metadata: { cloneId: 'cln_1', subscriptionId: 'sub_1', periodId: 'per_1', invoice: 'in_1', charge: 'ch_1', days: 31 },
      legs: [
        { account: chart.cashInTransit('CNY'), amountMinor: 577n }, { account: chart.deferredFees('cln_1', 'CNY'), amountMinor: 23n },
        { account: chart.taxPayable('CNY'), amountMinor: -34n }, { account: chart.deferred('cln_1', 'CNY'), amountMinor: -566n },
      ],
    };
    const posted = await t.post(draft);
    expect(posted).toEqual({ transferId: expect.stringMatching(/^trf_[0-9a-z]{26}$/) as string, created: true });
    expect(await t.balance(chart.deferred('cln_1', 'CNY'))).toBe(-566n);
    expect(await t.balance(chart.cashInTransit('CNY'))).toBe(577n);
    const view = await t.database.runTx((tx) => t.ledger.transfer(tx, posted.transferId));
    expect(view).toMatchObject({
      key: draft.key, kind: draft.kind, effectiveDate: draft.effectiveDate, metadata: draft.metadata, position: null, reverses: null,
      entries: draft.legs.map(({ account, amountMinor }) => ({ accountCode: account.code, currency: 'CNY', amountMinor })),
    });
    for (const trace of [{ subscriptionId: 'sub_1' }, { periodId: 'per_1' }, { charge: 'ch_1' }]) {
      const entries = await t.database.runTx((tx) => t.ledger.entriesFor(tx, trace));
      expect(entries.map((entry) => [entry.transferId, entry.leg, entry.accountCode, entry.amountMinor])).toEqual(
        draft.legs.map(({ account, amountMinor }, i) => [posted.transferId, i + 1, account.code, amountMinor]),
      );
    }
    expect(await t.database.runTx((tx) => t.ledger.entriesFor(tx, { runId: 'per_1' }))).toEqual([]);
  });

  it('can find by every trace through an index', async () => {
    for (const key of TRACE_KEYS) {
      const plan = await t.database.runTx(async (tx) => {
        await sql(tx, 'SET LOCAL enable_seqscan = off');
        return await sql<{ 'QUERY PLAN': string }>(
          tx, `EXPLAIN SELECT id FROM ledger_transfer t WHERE (t.metadata ->> '${key}') = $1`, ['x'],
        );
      });
      const index = `ledger_transfer_by_${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
      expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain(index);
    }
  });

  it('answers a repeat with the first, and refuses other content under the key', async () => {
    const legs = into(wallet('repeat'), 100n);
    const first = await t.post({ key: 'repeat/1', legs });
    const before = await rows();
    expect(await t.post({ key: 'repeat/1', legs })).toEqual({ transferId: first.transferId, created: false });
    await expect(t.post({ key: 'repeat/1', legs: into(wallet('repeat'), 101n) })).rejects.toMatchObject({ code: 'ledger_key_reused' });
    await expect(t.post({ key: 'repeat/1', legs, metadata: { note: 'x' } })).rejects.toMatchObject({ code: 'ledger_key_reused' });
    // A debit that emptied the wallet is answered again too, not refused for want of money.
    const spent = await t.post({ key: 'repeat/2', legs: into(wallet('repeat'), -100n) });
    expect(await t.post({ key: 'repeat/2', legs: into(wallet('repeat'), -100n) })).toEqual({ ...spent, created: false });
    expect(await t.balance(wallet('repeat'))).toBe(0n);
    expect(before).not.toEqual(await rows());
  });

  it('never takes a guarded account below its floor, and leaves the transaction usable', async () => {
    const account = wallet('floor');
    await t.post({ legs: into(account, 10n) });
    const result = await t.database.runTx(async (tx) => {
      const base = { kind: 'test.move', effectiveDate: '2026-01-01', metadata: {} };
      await expect(t.ledger.post(tx, { ...base, key: 'floor/11', legs: into(account, -11n) })).rejects.toMatchObject({
        code: 'ledger_insufficient_funds', extra: { availableMinor: '10', currency: 'CNY' },
      });
      return await t.ledger.post(tx, { ...base, key: 'floor/10', legs: into(account, -10n) });
    });
    expect(result.created).toBe(true);
    expect(await t.balance(account)).toBe(0n);
    await expect(t.post({ legs: into(wallet('never_used'), -1n) })).rejects.toMatchObject({ code: 'ledger_insufficient_funds' });
    const credit = { ...wallet('overdraft'), floorMinor: -5n };
    await t.post({ legs: into(credit, -5n) });
    await expect(t.post({ legs: into(credit, -1n) })).rejects.toMatchObject({ code: 'ledger_insufficient_funds' });
    const debt = chart.payeeDebt('acc_floor', 'CNY');
    await t.post({ legs: [{ account: debt, amountMinor: 7n }, { account: house('cash'), amountMinor: -7n }] });
    await expect(t.post({ legs: [{ account: debt, amountMinor: -8n }, { account: house('cash'), amountMinor: 8n }] }))
      .rejects.toMatchObject({ code: 'ledger_insufficient_funds' });
  });

  it('moves several currencies in one transfer, each balanced', async () => {
    await t.post({ legs: [...into(wallet('fx', 'USD'), 3n), ...into(wallet('fx', 'COIN'), 21n)] });
    expect(await t.balance(wallet('fx', 'USD'))).toBe(-3n);
    expect(await t.balance(wallet('fx', 'COIN'))).toBe(-21n);
  });

  it('refuses a balance beyond 64 bits, also on accounts that take no lock', async () => {
    const legs = [{ account: house('huge_a'), amountMinor: AMOUNT_MAX }, { account: house('huge_b'), amountMinor: -AMOUNT_MAX }];
    await t.post({ legs });
    const before = await rows();
    await expect(t.post({ legs })).rejects.toMatchObject({ code: 'money_out_of_range' });
    await expect(Promise.all([1, 2, 3].map(() => t.post({
      legs: [{ account: house('huge_a'), amountMinor: 2n ** 48n }, { account: house('c'), amountMinor: -(2n ** 48n) }],
    })))).rejects.toMatchObject({ code: 'money_out_of_range' });
    expect(await rows()).toEqual(before);
    expect(await t.balance(house('huge_a'))).toBe(AMOUNT_MAX);
  });

  it('refuses an account that was opened as something else', async () => {
    await t.post({ legs: into(house('fixed'), 1n) });
    await expect(t.post({ legs: into({ ...house('fixed'), class: 'expense' }, 1n) })).rejects.toThrow(/opened with another/);
  });

  it('leaves nothing behind when the transaction rolls back', async () => {
    const before = await rows();
    await expect(t.database.runTx(async (tx) => {
      await t.ledger.post(tx, { key: 'rolled', kind: 'test.move', effectiveDate: '2026-01-01', metadata: {}, legs: into(wallet('rolled'), 1n) });
      throw new Error('changed my mind');
    })).rejects.toThrow('changed my mind');
    expect(await rows()).toEqual(before);
    expect(await t.database.asOwner(`SELECT 1 FROM ledger_account WHERE code = 'wallet:rolled:CNY'`)).toEqual([]);
    expect((await t.post({ key: 'rolled', legs: into(wallet('rolled'), 2n) })).created).toBe(true);
  });

  it('keeps any metadata as it was, to the byte that its hash needs', async () => {
    const metadata = { a: 1.5e-7, big: 1e21, text: '林雅 \u2028 \ud83c\udf38 \\u0000', deep: [{ z: null, a: true }], zero: -0, exact: 2 ** 53 - 1 };
    const { transferId } = await t.post({ legs: into(house('meta'), 1n), metadata });
    const view = await t.database.runTx((tx) => t.ledger.transfer(tx, transferId));
    expect(view?.metadata).toEqual({ ...metadata, zero: 0 });
    expect((await t.ledger.verify()).problems).toEqual([]);
  });
});

describe('reverse', () => {
  const reverseIn = (id: string, draft: Parameters<typeof t.ledger.reverse>[2]): ReturnType<typeof t.ledger.reverse> => {
    return t.database.runTx((tx) => t.ledger.reverse(tx, id, draft));
  };

  it('undoes the whole once', async () => {
    const account = wallet('whole');
    const { transferId } = await t.post({ legs: into(account, 40n), metadata: { payoutId: 'pay_1' } });
    const undone = await reverseIn(transferId, { key: 'whole/undo', effectiveDate: '2026-02-01' });
    expect(undone.created).toBe(true);
    expect(await reverseIn(transferId, { key: 'whole/undo', effectiveDate: '2026-02-01' })).toEqual({ ...undone, created: false });
    await expect(reverseIn(transferId, { key: 'whole/undo', effectiveDate: '2026-02-02' })).rejects.toMatchObject({ code: 'ledger_key_reused' });
    await expect(reverseIn(transferId, { key: 'whole/again', effectiveDate: '2026-02-01' })).rejects.toMatchObject({ code: 'ledger_reversal_too_large' });
    expect(await t.balance(account)).toBe(0n);
    const view = await t.database.runTx((tx) => t.ledger.transfer(tx, undone.transferId));
    expect(view).toMatchObject({ reverses: transferId, kind: 'test.move.reversal', metadata: { payoutId: 'pay_1', reversal: 'whole' } });
    await expect(reverseIn(undone.transferId, { key: 'whole/back', effectiveDate: '2026-02-01' })).rejects.toMatchObject({ code: 'ledger_transfer_invalid' });
  });

  it('undoes parts, never more than is left, and then the rest', async () => {
    const account = wallet('parts');
    const { transferId } = await t.post({ legs: into(account, 40n) });
    const part = (minor: bigint): { accountCode: string; amountMinor: bigint }[] => [
      { accountCode: account.code, amountMinor: minor }, { accountCode: house('cash').code, amountMinor: -minor },
    ];
    const first = await reverseIn(transferId, { key: 'parts/1', effectiveDate: '2026-02-01', legs: part(15n) });
    expect(await reverseIn(transferId, { key: 'parts/1', effectiveDate: '2026-02-01', legs: part(15n) })).toEqual({ ...first, created: false });
    await expect(reverseIn(transferId, { key: 'parts/1', effectiveDate: '2026-02-01', legs: part(16n) })).rejects.toMatchObject({ code: 'ledger_key_reused' });
    await expect(reverseIn(transferId, { key: 'parts/1', effectiveDate: '2026-02-01' })).rejects.toMatchObject({ code: 'ledger_key_reused' });
    await expect(reverseIn(transferId, { key: 'parts/2', effectiveDate: '2026-02-01', legs: part(26n) })).rejects.toMatchObject({ code: 'ledger_reversal_too_large' });
    await expect(reverseIn(transferId, { key: 'parts/2', effectiveDate: '2026-02-01', legs: part(-1n) })).rejects.toMatchObject({ code: 'ledger_reversal_too_large' });
    await expect(reverseIn(transferId, { key: 'parts/2', effectiveDate: '2026-02-01', legs: part(5n).slice(0, 1) })).rejects.toMatchObject({ code: 'ledger_transfer_invalid' });
    await reverseIn(transferId, { key: 'parts/3', effectiveDate: '2026-02-01' });
    expect(await t.balance(account)).toBe(0n);
  });

  it('is refused where the money is spent, and for a transfer that is not there', async () => {
    const account = wallet('spent');
    const { transferId } = await t.post({ legs: into(account, 40n) });
    await t.post({ legs: into(account, -1n) });
    await expect(reverseIn(transferId, { key: 'spent/1', effectiveDate: '2026-02-01' })).rejects.toMatchObject({ code: 'ledger_insufficient_funds' });
    await expect(reverseIn('trf_none', { key: 'none/1', effectiveDate: '2026-02-01' })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('never undoes more than the whole, also when many try at once', async () => {
    const account = wallet('race');
    const { transferId } = await t.post({ legs: into(account, 10n) });
    const tries = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => reverseIn(transferId, {
      key: `race/${i}`, effectiveDate: '2026-02-01',
      legs: [{ accountCode: account.code, amountMinor: 3n }, { accountCode: house('cash').code, amountMinor: -3n }],
    })));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await t.balance(account)).toBe(-1n);
  });
});

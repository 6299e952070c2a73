import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadBundle } from '../../src/http/operations.ts';
import { makeValidators } from '../../src/http/validation.ts';
import type { RequestContext } from '../../src/kernel/request.ts';
import { makeLedgerHandlers } from '../../src/ledger/handlers.ts';
import { type Books, makeBooks } from '../../src/ledger/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { attack, house, into, NO_LOG, openTestLedger, type TestLedger, wallet } from './support.ts';

let t: TestLedger;
let books: Books;
let handlers: ReturnType<typeof makeLedgerHandlers>;
const clock = makeTestClock('2026-04-01T02:00:00Z');
const bundle = loadBundle();
const validators = makeValidators(bundle);

beforeAll(async () => {
  t = await openTestLedger('closes');
  books = makeBooks({ runTx: t.database.runTx, clock, log: NO_LOG });
  handlers = makeLedgerHandlers(t.ledger, books);
});
afterAll(() => t.close());

let count = 0;
function as(role: 'operator' | 'payee', key = `close/${(count += 1)}`): RequestContext {
  return {
    requestId: 'req', actor: { accountId: 'acc_1', sessionId: 'ses_1', roles: [role] },
    idempotency: { scope: 'acc_1:closeLedgerPeriod', key, digest: 'd' },
  };
}
const close = (throughDay: string, context = as('operator')): ReturnType<typeof handlers.closeLedgerPeriod> => {
  return handlers.closeLedgerPeriod({ path: {}, query: {}, headers: {}, body: { throughDay } }, context);
};
const liability = (body: { totals: readonly { class: string }[] }): unknown => body.totals.find((total) => total.class === 'liability');
/** `adjustment` by key, of all that was recorded. */
async function adjustments(): Promise<Record<string, boolean>> {
  const toPosition = await t.ledger.sequence();
  const found = await t.database.runTx((tx) => t.ledger.entries(tx, { fromPosition: 0n, toPosition }));
  return Object.fromEntries(found.map(({ key, adjustment }) => [key, adjustment]));
}

describe('closing a period', () => {
  it('keeps what was recorded, and what comes later stands in the open one with its own date', async () => {
    await t.post({ key: 'c/feb', effectiveDate: '2026-02-10', legs: into(wallet('c'), 100n) });
    await t.post({ key: 'c/mar', effectiveDate: '2026-03-10', legs: into(wallet('c'), 10n) });
    const { status, body } = await close('2026-03-01');
    expect(status).toBe(201);
    const pointer = bundle.operations.find(({ id }) => id === 'closeLedgerPeriod')!.responses['201']!.pointer!;
    expect(validators.at(pointer)(body)).toBe(true);
    expect(body).toMatchObject({ number: 1, throughDay: '2026-03-01', position: '2', closedBy: 'acc_1', closedAt: '2026-04-01T02:00:00.000Z' });
    expect(liability(body)).toEqual({ currency: 'CNY', class: 'liability', movementMinor: '-110', adjustmentsMinor: '0', balanceMinor: '-110' });

    await t.post({ key: 'c/late', effectiveDate: '2026-02-20', legs: into(wallet('c'), 5n) });
    // Before it has its position too: it can only come behind the close.
    await t.post({ key: 'c/on', effectiveDate: '2026-03-01', legs: into(wallet('c'), 1n) });
    expect(await adjustments()).toEqual({ 'c/feb': false, 'c/mar': false, 'c/late': true, 'c/on': false });
    const { body: listed } = await handlers.listTransfers({ path: {}, query: {}, headers: {}, body: undefined }, as('operator'));
    expect(listed.transfers.map(({ key, adjustment, effectiveDate }) => [key, adjustment, effectiveDate])).toEqual([
      ['c/feb', false, '2026-02-10'], ['c/mar', false, '2026-03-10'], ['c/late', true, '2026-02-20'], ['c/on', false, '2026-03-01'],
    ]);
    const second = await close('2026-04-01');
    expect(liability(second.body)).toEqual({ currency: 'CNY', class: 'liability', movementMinor: '-6', adjustmentsMinor: '-5', balanceMinor: '-116' });
    expect(await adjustments()).toEqual({ 'c/feb': false, 'c/mar': false, 'c/late': true, 'c/on': false });
  });

  it('comes once, never for a day that is not over, and never backwards', async () => {
    await expect(close('2026-04-02')).rejects.toMatchObject({ code: 'ledger_period_open' });
    for (const day of ['2026-04-01', '2026-03-15', '2000-02-01']) await expect(close(day)).rejects.toMatchObject({ code: 'ledger_period_closed' });
    for (const day of ['1999-12-31', '2000-01-01', '2200-01-01']) await expect(close(day)).rejects.toMatchObject({ code: 'request_invalid' });
    await expect(close('2026-04-01', as('payee'))).rejects.toMatchObject({ code: 'role_missing' });
    clock.set(new Date('2026-05-01T02:00:00Z'));
    const context = as('operator', 'same');
    const first = await close('2026-05-01', context);
    expect(await close('2026-05-01', context)).toEqual(first);
    clock.set(new Date('2026-06-01T02:00:00Z'));
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => close('2026-06-01')));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code: string }).code] : []))).toEqual(Array(11).fill('ledger_period_closed'));
    const { body } = await handlers.listLedgerCloses({ path: {}, query: {}, headers: {}, body: undefined }, as('operator'));
    expect(body.closes.map(({ number, throughDay }) => [number, throughDay])).toEqual([[4, '2026-06-01'], [3, '2026-05-01'], [2, '2026-04-01'], [1, '2026-03-01']]);
    await expect(handlers.listLedgerCloses({ path: {}, query: {} as never, headers: {}, body: undefined }, as('payee'))).rejects.toMatchObject({ code: 'role_missing' });
  });

  it('leaves what was opened before it and committed after it to the open period', async () => {
    clock.set(new Date('2026-07-01T02:00:00Z'));
    const client = new pg.Client({ connectionString: t.database.appUrl });
    await client.connect();
    await client.query('BEGIN');
    const [cash, purse] = await Promise.all([house('cash').code, wallet('c').code].map(async (code) => {
      return (await t.database.asOwner<{ id: string }>('SELECT id FROM ledger_account WHERE code = $1', [code]))[0]!.id;
    }));
    await client.query(`WITH t AS (INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata)
        VALUES ('trf_00000000000000000000000c1s', 'c/open', 'test.move', '2026-06-30', 2, sha256(''), '{}') RETURNING seq)
      INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor)
        SELECT t.seq, v.leg, v.account, 'CNY', v.amount FROM t CROSS JOIN (VALUES (1, ${cash!}, 7), (2, ${purse!}, -7)) v (leg, account, amount)`);
    const { body } = await close('2026-07-01');
    await client.query('COMMIT');
    await client.end();
    expect(liability(body)).toMatchObject({ movementMinor: '0' });
    expect((await adjustments())['c/open']).toBe(true);
    clock.set(new Date('2026-08-01T02:00:00Z'));
    expect(liability((await close('2026-08-01')).body)).toMatchObject({ movementMinor: '-7', adjustmentsMinor: '-7', balanceMinor: '-123' });
    // By hand, so without a hash that fits; the closes themselves add up.
    expect((await t.ledger.verify()).problems.map(({ code }) => code)).toEqual(['transfer_changed']);
  });
});

describe.each(['benren_app', 'benren_owner'] as const)('raw SQL as %s', (role) => {
  const url = (): string => (role === 'benren_app' ? t.database.appUrl : t.database.ownerUrl);
  const insert = (number: number, day: string, position: string): string => `INSERT INTO ledger_close (number, through_day, position, closed_by, closed_at) VALUES (${number}, '${day}', ${position}, 'acc_1', now())`;
  const top = '(SELECT max(position) FROM ledger_position)';

  it.each([
    ['a day twice', insert(7, '2026-08-01', top)], ['a day before', insert(7, '2026-07-15', top)], ['a number twice', insert(6, '2026-09-01', top)],
    ['a gap in the numbers', insert(8, '2026-09-01', top)], ['a place in the past', insert(7, '2026-09-01', '2')], ['a place to come', insert(7, '2026-09-01', `${top} + 1`)],
  ])('refuses a close of %s', async (_name, statement) => {
    expect((await attack(url(), [statement])).state).toBe(role === 'benren_app' ? '42501' : '23514');
  });

  it('refuses a second close through the function, and to change one', async () => {
    expect(await attack(url(), [`SELECT ledger_close_through('2026-08-01', 'acc_1', now())`])).toEqual({ state: '23514', constraint: 'ledger_close_follows' });
    for (const table of ['ledger_close', 'ledger_close_total']) {
      for (const statement of [`UPDATE ${table} SET number = number`, `DELETE FROM ${table}`, `TRUNCATE ${table} CASCADE`]) {
        expect([statement, (await attack(url(), [statement])).state]).toEqual([statement, role === 'benren_app' ? '42501' : '23001']);
      }
    }
    if (role === 'benren_app') expect((await attack(url(), [`INSERT INTO ledger_close_total VALUES (1, 'USD', 'asset', 1, 1, 1)`])).state).toBe('42501');
  });
});

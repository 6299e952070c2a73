import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { RequestContext, Role } from '../../src/kernel/request.ts';
import { loadBundle } from '../../src/http/operations.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { makeBooks } from '../../src/ledger/index.ts';
import { makeLedgerHandlers } from '../../src/ledger/handlers.ts';
import { makeTestClock } from '../support/clock.ts';
import { house, into, NO_LOG, openTestLedger, type TestLedger, wallet } from './support.ts';

let t: TestLedger;
let handlers: ReturnType<typeof makeLedgerHandlers>;
const bundle = loadBundle();
const validators = makeValidators(bundle);

beforeAll(async () => {
  t = await openTestLedger('operations');
  handlers = makeLedgerHandlers(t.ledger, makeBooks({ runTx: t.database.runTx, clock: makeTestClock('2026-02-01T00:00:00Z'), log: NO_LOG }));
  for (let i = 1; i <= 120; i += 1) {
    await t.post({ key: `op/${i}`, legs: into(wallet(i % 2 === 0 ? 'even' : 'odd'), BigInt(i)), metadata: { n: i } });
  }
  await t.post({ key: 'op/dollars', legs: into(wallet('even', 'USD'), 5n) });
  await t.ledger.sequence();
});
afterAll(() => t.close());

function as(...roles: Role[]): RequestContext {
  return { requestId: 'req', actor: { accountId: 'acc_1', sessionId: 'ses_1', roles }, idempotency: null };
}

const page = (query: { account?: string; after?: string }): ReturnType<typeof handlers.listTransfers> => {
  return handlers.listTransfers({ path: {}, query, headers: {}, body: undefined }, as('operator'));
};

// The operation has no parameters; its generated type has no value for them.
const nothing = { path: {}, query: {} as never, headers: {}, body: undefined };

function promised(operationId: string, body: unknown): boolean {
  const operation = bundle.operations.find(({ id }) => id === operationId);
  return validators.at(operation!.responses['200']!.pointer!)(body);
}

describe('getTrialBalance', () => {
  it('is zero per currency', async () => {
    const { body } = await handlers.getTrialBalance(nothing, as('operator'));
    expect(promised('getTrialBalance', body)).toBe(true);
    expect(body).toEqual({
      position: '121',
      currencies: [['CNY', '7260'], ['USD', '5']].map(([currency, amount]) => ({
        currency, totalMinor: '0',
        classes: [
          { class: 'asset', balanceMinor: amount }, { class: 'liability', balanceMinor: `-${amount!}` },
          { class: 'income', balanceMinor: '0' }, { class: 'expense', balanceMinor: '0' },
        ],
      })),
    });
  });

  it('is for operators', async () => {
    await expect(handlers.getTrialBalance(nothing, as('payee', 'reviewer'))).rejects.toMatchObject({ code: 'role_missing' });
    await expect(handlers.getTrialBalance(nothing, { ...as(), actor: null })).rejects.toMatchObject({ code: 'session_missing' });
  });
});

describe('listTransfers', () => {
  it('walks the recorded order page by page', async () => {
    const first = await page({});
    expect(promised('listTransfers', first.body)).toBe(true);
    expect(first.body.transfers.map(({ key }) => key)).toEqual(Array.from({ length: 100 }, (_, i) => `op/${i + 1}`));
    expect(first.body.next).toBe('100');
    const second = await page({ after: '100' });
    expect(second.body.transfers).toHaveLength(21);
    expect(second.body.next).toBeNull();
    expect(second.body.transfers.at(-1)).toMatchObject({
      key: 'op/dollars', position: '121', reverses: null, effectiveDate: '2026-01-01',
      entries: [
        { account: house('cash', 'USD').code, currency: 'USD', amountMinor: '5' },
        { account: wallet('even', 'USD').code, currency: 'USD', amountMinor: '-5' },
      ],
    });
  });

  it('filters by account', async () => {
    const { body } = await page({ account: wallet('odd').code, after: '50' });
    expect(body.transfers.map(({ key }) => key)).toEqual(Array.from({ length: 35 }, (_, i) => `op/${51 + 2 * i}`));
    expect((await page({ account: 'unknown:account' })).body).toEqual({ transfers: [], next: null });
  });

  it('is for operators', async () => {
    await expect(handlers.listTransfers({ path: {}, query: {}, headers: {}, body: undefined }, as('payee')))
      .rejects.toMatchObject({ code: 'role_missing' });
  });
});

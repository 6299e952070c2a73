import { describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { equalsQuote, isOrderFor, type QuoteDocument, type StopCost, stopOrderFor } from '../../src/stop/model.ts';
import { outcomeUnknown, untilKnown } from '../../src/stop/outcome.ts';

const cost: StopCost = {
  day: '2026-03-01', currency: 'CNY', fans: 1, renewals: 1, openCheckouts: 0, openOutputs: 0, refundMinor: '600', deferredMinor: '567',
  taxMinor: '33', feeMinor: '27', feeBearer: 'platform',
};
const quote: QuoteDocument = {
  type: 'benren.stop_quote', schemaVersion: 1, quoteId: 'quo_1', cloneId: 'cln_1', ownerAccountId: 'acc_1',
  at: '2026-03-01T00:00:00.000Z', expiresAt: '2026-03-01T01:00:00.000Z', cost, linesSha256: 'a'.repeat(64),
};
const settled = {
  done: true, renewalsLeft: 0, checkoutsLeft: 0, refundsPending: 0, refundsSucceeded: 1, refundsFailed: 0, refundedMinor: '600',
  deferredMinor: '567', taxMinor: '33', feeMinor: '27', differences: [],
};

describe('a stop order', () => {
  it('is the one for its quote whatever the reason, and no other', () => {
    const order = { ...stopOrderFor(quote, 'digest') };
    expect(isOrderFor(order, quote, 'digest')).toBe(true);
    expect(isOrderFor({ ...order, reason: 'enough' }, quote, 'digest')).toBe(true);
    for (const change of [
      { kind: 'pause' }, { cloneId: 'cln_2' }, { ownerAccountId: 'acc_2' }, { quoteId: 'quo_2' }, { quoteDigest: 'x' }, { reason: null },
      { schemaVersion: 2 }, { unless: 'never' },
    ]) expect(isOrderFor({ ...order, ...change }, quote, 'digest')).toBe(false);
  });
});

describe('a settlement', () => {
  it('equals its quote in every figure or not, and is not judged before it is done', () => {
    expect(equalsQuote(settled, cost)).toBe(true);
    expect(equalsQuote({ ...settled, done: false }, cost)).toBeNull();
    for (const change of [{ refundedMinor: '599' }, { deferredMinor: '0' }, { taxMinor: '34' }, { feeMinor: '0' }]) {
      expect(equalsQuote({ ...settled, ...change }, cost)).toBe(false);
    }
    expect(equalsQuote({ ...settled, differences: ['refund_failed'] }, cost)).toBe(false);
  });
});

describe('an outcome', () => {
  it.each<[unknown, boolean]>([
    [Object.assign(new Error('read'), { code: 'ECONNRESET' }), true],
    [Object.assign(new Error('query'), { driverError: { code: '57P01' } }), true],
    [Object.assign(new Error('query'), { driverError: { code: '08006' } }), true],
    [new Error('Connection terminated unexpectedly'), true],
    [Object.assign(new Error('unique'), { code: '23505' }), false],
    [Object.assign(new Error('closed by a rule'), { driverError: { code: 'BN001' } }), false],
    [new Error('a fault'), false],
    [new Refusal('stop_state', 'x'), false],
    ['text', false],
  ])('%s is unknown: %s', (error, unknown) => expect(outcomeUnknown(error)).toBe(unknown));

  it('of an older session that still commits is waited for, but only after a loss', async () => {
    const answers: (Error | string)[] = [
      Object.assign(new Error('read'), { code: 'ECONNRESET' }), new Refusal('idempotency_in_progress', 'x'), 'done',
    ];
    const next = async (): Promise<string> => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer ?? 'empty';
    };
    expect(await untilKnown(next)).toBe('done');
    answers.push(new Refusal('idempotency_in_progress', 'x'), 'done');
    await expect(untilKnown(next)).rejects.toMatchObject({ code: 'idempotency_in_progress' });
  });
});

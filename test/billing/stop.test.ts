import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { StopQuote, StopSettlement } from '../../src/billing/index.ts';
import { chart } from '../../src/ledger/index.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, type World } from './support.ts';

let world: World;
let tierId: string;
beforeEach(async () => {
  world = await openWorld();
  tierId = await world.tier();
});
afterEach(async () => {
  await world.close();
});

const quote = (): Promise<StopQuote> => world.tx((tx) => world.billing.quoteStop(tx, { cloneId: CLONE, at: world.clock.now() }));
const order = (stopId = 'stp_1'): Promise<void> => world.tx((tx) => world.billing.settleStop(tx, { stopId, cloneId: CLONE, at: world.clock.now() }));
async function settlement(quoted?: StopQuote): Promise<StopSettlement> {
  const found = await world.tx((tx) => world.billing.stopSettlement(tx, 'stp_1', quoted));
  if (found === null) throw new Error('there is no settlement');
  return found;
}

async function checkNothingDeferred(): Promise<void> {
  expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(0n);
  expect(await world.balance(chart.deferredFees(CLONE, 'CNY'))).toBe(0n);
  // No payee leg was touched: no such account was ever opened.
  expect(await world.db.asOwner(`SELECT code FROM ledger_account WHERE code LIKE 'payable:%' OR code LIKE 'payee_debt:%'`)).toEqual([]);
  await world.checkBooks();
}

describe('a stop', () => {
  it('returns unused days, the day of the stop among them, out of deferred revenue and its tax, exactly as quoted', async () => {
    const first = await world.subscribed(world.fan('mei'), tierId);
    await world.moveTo(noon('2026-03-11'));
    await world.subscribed(world.fan('li'), tierId);
    await world.moveTo(noon('2026-03-12'));
    const open = await world.billing.subscribe(world.fan('slow'), world.key('subscribe'), { cloneId: CLONE, tierId });
    const quoted = await quote();
    // Mei: 11 of 31 days used; Li: 1 of 31. Net 567, tax 33, fee 27.
    const mei = { net: 567n - (567n * 11n) / 31n, tax: 33n - (33n * 11n) / 31n, fee: 27n - (27n * 11n) / 31n };
    const li = { net: 567n - 567n / 31n, tax: 33n - 33n / 31n, fee: 27n };
    expect(quoted).toMatchObject({
      day: '2026-03-12', fans: 2, renewals: 2, openCheckouts: 1, feeBearer: 'platform', deferredMinor: mei.net + li.net,
      taxMinor: mei.tax + li.tax, refundMinor: mei.net + mei.tax + li.net + li.tax, feeMinor: mei.fee + li.fee,
    });
    expect(quoted.lines.find((line) => line.periodId === first.periodId)).toMatchObject({ days: 31, unusedDays: 20 });
    await order();
    expect((await settlement(quoted)).done).toBe(false);
    await world.drain();
    const result = await settlement(quoted);
    expect(result).toMatchObject({
      done: true, renewalsLeft: 0, checkoutsLeft: 0, refundedMinor: quoted.refundMinor, deferredMinor: quoted.deferredMinor, taxMinor: quoted.taxMinor,
      feeMinor: quoted.feeMinor, differences: [],
    });
    expect(await world.balance(chart.platformExpense('processor_fees', 'CNY'))).toBe(quoted.feeMinor);
    await checkNothingDeferred();
    // At the processor: renewals off, the unpaid page closed, each charge refunded once.
    expect((await world.port.sdk.subscriptions.list({ status: 'all' })).data.map((one) => one.status)).toEqual(['canceled', 'canceled']);
    expect(await world.pay(open.checkoutUrl)).toBe(404);
    expect((await world.port.sdk.refunds.list({})).data.map((one) => BigInt(one.amount)).sort()).toEqual([mei.net + mei.tax, li.net + li.tax].sort());
    expect(await world.billing.getSubscription(world.fan('mei'), first.subscriptionId)).toMatchObject({ state: 'canceled', currentPeriod: null });
    expect(await refusal(world.tx((tx) => world.billing.hold(tx, { ...first, outputId: 'out_late', at: world.clock.now() })))).toBe('subscription_state');
    expect(await refusal(world.billing.subscribe(world.fan('late'), world.key('subscribe'), { cloneId: CLONE, tierId }))).toBe('stopped');
    // Later nothing more happens: no renewal, no earning, no second refund.
    await world.moveTo(noon('2026-05-01'));
    expect(await world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay: '2026-05-01' }))).toEqual({ posted: 0 });
    expect(await settlement(quoted)).toEqual(result);
    await checkNothingDeferred();
  });

  it('on the day of the payment returns everything', async () => {
    await world.subscribed(world.fan('mei'), tierId);
    const quoted = await quote();
    expect(quoted).toMatchObject({ refundMinor: 600n, deferredMinor: 567n, taxMinor: 33n, feeMinor: 27n });
    await order();
    await world.drain();
    expect((await settlement(quoted)).refundedMinor).toBe(600n);
    expect(await world.balance(chart.taxPayable('CNY'))).toBe(0n);
    expect(await world.balance(chart.cashInTransit('CNY'))).toBe(-27n);
    await checkNothingDeferred();
  });

  it('whose jobs each run twice, at once, and die after the processor\'s answer, refunds and cancels once', async () => {
    for (const name of ['a', 'b', 'c']) await world.subscribed(world.fan(name), tierId);
    await world.moveTo(noon('2026-03-20'));
    const quoted = await quote();
    await order();
    await order();
    await Promise.all([world.billing.work.settleStop('stp_1', 'job_1'), world.billing.work.settleStop('stp_1', 'job_2')]);
    const refunds = (await settlement()).refunds;
    expect(refunds).toHaveLength(3);
    const charge = async (periodId: string): Promise<string> => (await world.tx((tx) => world.billing.period(tx, periodId)))?.charge ?? '';
    // Sent, and the process died before it wrote the answer down.
    for (const refund of refunds) {
      await world.provider.refund({ refundId: refund.refundId, chargeId: await charge(refund.periodId), amountMinor: refund.refundMinor });
    }
    await Promise.all(refunds.flatMap(({ refundId }) => [world.billing.work.sendRefund(refundId), world.billing.work.sendRefund(refundId)]));
    await world.drain();
    expect((await world.port.sdk.refunds.list({})).data).toHaveLength(3);
    expect(await settlement(quoted)).toMatchObject({ done: true, refundedMinor: quoted.refundMinor, differences: [] });
    expect(await world.db.asOwner(`SELECT 1 FROM ledger_transfer WHERE kind = 'billing.unused_refunded'`)).toHaveLength(3);
    await checkNothingDeferred();
  });

  it('returns also what was paid while it came: booked after it, refunded in full, and told apart from the quote', async () => {
    await world.subscribed(world.fan('mei'), tierId);
    const late = await world.billing.subscribe(world.fan('late'), world.key('subscribe'), { cloneId: CLONE, tierId });
    await world.moveTo(noon('2026-03-01', 0).replace('04:00', '05:00'));
    const quoted = await quote();
    world.sandbox.control.holdDeliveries();
    expect(await world.pay(late.checkoutUrl)).toBe(303);
    await order();
    // The settlement finds the page paid before the webhook says so.
    while (await world.runner.runNext());
    world.sandbox.control.releaseDeliveries({ order: 'reverse', times: 2 });
    await world.drain();
    const result = await settlement(quoted);
    expect(result).toMatchObject({ done: true, renewalsLeft: 0, refundedMinor: 1_200n, differences: ['paid_after_quote'] });
    expect(await world.balance(chart.cashInTransit('CNY'))).toBe(-54n);
    await checkNothingDeferred();
  });

  it('after a refund that the processor will not make says so, and keeps the money where it was', async () => {
    const { periodId } = await world.subscribed(world.fan('mei'), tierId);
    const period = await world.tx((tx) => world.billing.period(tx, periodId));
    // Somebody refunded the whole charge by hand, at the processor.
    await world.port.sdk.refunds.create({ charge: period!.charge }, world.port.withKey('by hand'));
    await world.drain();
    const quoted = await quote();
    await order();
    await world.drain();
    const result = await settlement(quoted);
    expect(result).toMatchObject({ done: true, refundedMinor: 0n, differences: ['refund_failed'], refunds: [{ state: 'failed' }] });
    expect(result.refunds[0]?.failure).not.toBeNull();
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(-567n);
    // It is not forgotten: an operator sees it, may try again, and may say how it was paid instead.
    const operator = { accountId: 'acc_owner', sessionId: 'ses_1', roles: ['operator' as const] };
    const other = { ...operator, accountId: 'acc_bo' };
    const listed = async () => (await world.billing.listOwedRefunds({ limit: 10 })).refunds;
    const [first] = await listed();
    expect(await listed()).toMatchObject([{ state: 'refused', amountMinor: '600', charge: period!.charge, refundId: result.refunds[0]!.refundId }]);
    expect(await world.billing.sendOwedRefund(operator, world.key('send'), first!.owedId)).toMatchObject({ state: 'pending' });
    await world.drain();
    const [second, ...others] = await listed();
    expect([second?.state, others, second?.owedId === first!.owedId]).toEqual(['refused', [], false]);
    const key = world.key('settle');
    const reference = 'by hand at the processor';
    expect(await world.billing.proposeOwedSettlement(operator, world.key('said'), second!.owedId, { reference })).toMatchObject({ state: 'refused' });
    expect(await refusal(world.billing.approveOwedSettlement(operator, world.key('settle'), second!.owedId, { reference }))).toBe('two_people_needed');
    expect(await listed()).toMatchObject([{ state: 'refused', settlement: { reference, proposedBy: operator.accountId, approvedBy: null } }]);
    const settled = () => world.billing.approveOwedSettlement(other, key, second!.owedId, { reference });
    expect(await settled()).toMatchObject({ state: 'paid_otherwise' });
    expect(await settled()).toMatchObject({ state: 'paid_otherwise' });
    expect(await world.billing.approveOwedSettlement(other, world.key('settle'), second!.owedId, { reference })).toMatchObject({ state: 'paid_otherwise' });
    expect(await world.billing.proposeOwedSettlement(operator, world.key('said'), second!.owedId, { reference: 'twice' })).toMatchObject({ state: 'paid_otherwise' });
    expect(await world.billing.sendOwedRefund(operator, world.key('send'), second!.owedId)).toMatchObject({ state: 'succeeded' });
    await world.drain();
    expect(await listed()).toEqual([]);
    // Whoever ordered the stop sees that the fan has the money after all.
    expect(await settlement(quoted)).toMatchObject({ done: true, refundedMinor: 600n, differences: [], refunds: [{ state: 'succeeded', periodId }] });
    expect([await world.balance(chart.deferred(CLONE, 'CNY')), await world.balance(chart.deferredFees(CLONE, 'CNY'))]).toEqual([0n, 0n]);
    // The processor's own cash differs by what was sent by hand: the comparison tells that, and who looks at it finds the reference.
    expect([await world.balance(chart.paidOutside('CNY')), await world.balance(chart.taxPayable('CNY'))]).toEqual([-600n, 0n]);
    await expect(world.billing.proposeOwedSettlement(operator, world.key('settle'), periodId, { reference: 'unknown' })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('of a period whose payment a bank asks back says so, and what it returned when that is decided', async () => {
    const { periodId } = await world.subscribed(world.fan('mei'), tierId);
    const dispute = await world.sandbox.control.openDispute((await world.tx((tx) => world.billing.period(tx, periodId)))!.charge);
    await world.drain();
    const quoted = await quote();
    await order();
    await world.drain();
    expect(await settlement(quoted)).toMatchObject({ done: true, refundedMinor: 0n, differences: ['payment_disputed'], refunds: [] });
    await world.sandbox.control.closeDispute(dispute, 'won');
    await world.drain();
    expect(await settlement(quoted)).toMatchObject({ done: true, refundedMinor: 600n, differences: [], refunds: [{ periodId, state: 'succeeded' }] });
    await checkNothingDeferred();
  });

  it('whose refund was refused owes no more what a lost dispute has taken since, and what that left', async () => {
    const { periodId } = await world.subscribed(world.fan('mei'), tierId);
    const charge = (await world.tx((tx) => world.billing.period(tx, periodId)))!.charge;
    await world.port.sdk.refunds.create({ charge, amount: 100 }, world.port.withKey('a part by hand'));
    await world.drain();
    await quote();
    await order();
    await world.drain();
    const listed = async () => (await world.billing.listOwedRefunds({ limit: 10 })).refunds;
    const [whole] = await listed();
    expect(whole).toMatchObject({ state: 'refused', amountMinor: '600' });
    const dispute = await world.sandbox.control.openDispute(charge, { amountMinor: 500n });
    await world.drain();
    expect(await listed()).toEqual([]);
    await world.sandbox.control.closeDispute(dispute, 'lost');
    await world.drain();
    expect(await listed()).toMatchObject([{ state: 'refused', amountMinor: '100' }]);
    const operator = { accountId: 'acc_owner', sessionId: 'ses_1', roles: ['operator' as const] };
    expect(await refusal(world.billing.sendOwedRefund(operator, world.key('send'), whole!.owedId))).toBe('refund_too_large');
    expect(await refusal(world.billing.proposeOwedSettlement(operator, world.key('settle'), whole!.owedId, { reference: 'twice' }))).toBe('refund_too_large');
  });

  it('whose refunds were refused are listed page by page, without a hole where one is claimed meanwhile', async () => {
    for (const name of ['a', 'b', 'c', 'mei']) {
      const { periodId } = await world.subscribed(world.fan(name), tierId);
      await world.port.sdk.refunds.create({ charge: (await world.tx((tx) => world.billing.period(tx, periodId)))!.charge, amount: 1 }, world.port.withKey(`a part by hand of ${name}`));
    }
    await world.subscribed(world.fan('li'), tierId);
    await quote();
    await order();
    await world.drain();
    // Li's arrived, and came back: it is owed as well, and shown after those that were refused.
    await world.sandbox.control.failRefund(world.sandbox.control.book().filter(({ type }) => type === 'refund').at(-1)!.source!);
    await world.drain();
    const all = (await world.billing.listOwedRefunds({})).refunds;
    expect(all.map(({ state }) => state)).toEqual(['refused', 'refused', 'refused', 'refused', 'owed']);
    const paged = async (limit: number): Promise<string[][]> => {
      const pages: string[][] = [];
      for (let after: string | undefined; ;) {
        const page = await world.billing.listOwedRefunds({ limit, ...(after === undefined ? {} : { after }) });
        pages.push(page.refunds.map(({ owedId }) => owedId));
        if (page.next === null) return pages;
        after = page.next;
      }
    };
    const ids = all.map(({ owedId }) => owedId);
    expect(await paged(2)).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
    expect(await paged(5)).toEqual([ids]);
    // The newest two are the bank's to decide: the page is as full as before.
    for (const { charge } of all.slice(0, 2)) await world.sandbox.control.openDispute(charge);
    await world.drain();
    expect(await paged(2)).toEqual([ids.slice(2, 4), ids.slice(4)]);
    expect(await refusal(world.billing.listOwedRefunds({ after: 'the last one' }))).toBe('request_invalid');
  });

  it('whose refund was refused shows its money once, also where a dispute that was won asked for it again', async () => {
    const { periodId } = await world.subscribed(world.fan('mei'), tierId);
    const charge = (await world.tx((tx) => world.billing.period(tx, periodId)))!.charge;
    await world.port.sdk.refunds.create({ charge, amount: 100 }, world.port.withKey('a part by hand'));
    await world.drain();
    await quote();
    await order();
    await world.drain();
    const listed = async () => (await world.billing.listOwedRefunds({})).refunds;
    const [before] = await listed();
    await world.sandbox.control.closeDispute(await world.sandbox.control.openDispute(charge, { amountMinor: 500n }), 'won');
    await world.drain();
    const [after, ...others] = await listed();
    expect([before?.amountMinor, after?.amountMinor, others, before?.owedId === after?.owedId]).toEqual(['600', '600', [], false]);
    // Paid by the older name, it is gone under both.
    const operator = { accountId: 'acc_owner', sessionId: 'ses_1', roles: ['operator' as const] };
    const other = { ...operator, accountId: 'acc_bo' };
    for (const { owedId } of [before!, after!]) await world.billing.proposeOwedSettlement(operator, world.key('said'), owedId, { reference: 'by hand' });
    await world.billing.approveOwedSettlement(other, world.key('settle'), before!.owedId, { reference: 'by hand' });
    expect(await listed()).toEqual([]);
    expect(await refusal(world.billing.approveOwedSettlement(other, world.key('settle'), after!.owedId, { reference: 'by hand' }))).toBe('refund_too_large');
    expect(await world.balance(chart.deferred(CLONE, 'CNY'))).toBe(0n);
  });

  it('with another bearer of the fee in the signed split charges that payee\'s debt', async () => {
    const other = await openWorld({ deps: { refundFeeBearer: async () => 'acc_agency' } });
    try {
      await other.subscribed(other.fan('mei'), await other.tier());
      const quoted = await other.tx((tx) => other.billing.quoteStop(tx, { cloneId: CLONE, at: other.clock.now() }));
      expect(quoted.feeBearer).toBe('acc_agency');
      await other.tx((tx) => other.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: other.clock.now() }));
      await other.drain();
      expect(await other.balance(chart.payeeDebt('acc_agency', 'CNY'))).toBe(27n);
      expect(await other.balance(chart.platformExpense('processor_fees', 'CNY'))).toBe(0n);
      await other.checkBooks();
    } finally {
      await other.close();
    }
  });
});

describe('a goodwill refund', () => {
  it('returns one earned day, tells the room that asked, and never exceeds what was earned or paid', async () => {
    const told: unknown[] = [];
    const other = await openWorld({ jobs: { 'test.settled': async (payload) => void told.push(payload) } });
    try {
      const { periodId } = await other.subscribed(other.fan('mei'), await other.tier());
      const ask = async (key: string, day: string, times = 1n): Promise<string> => await refusal(other.tx(async (tx) => {
        const parts = await other.billing.dayParts(tx, { periodId, day });
        const many = { grossMinor: parts.grossMinor * times, netMinor: parts.netMinor * times, taxMinor: parts.taxMinor * times, feeMinor: 0n };
        await other.billing.requestRefund(tx, {
          key, periodId, kind: 'goodwill', reason: 'a bad day', parts: many, feeBearer: 'platform', at: other.clock.now(), settledTopic: 'test.settled',
        });
      }));
      expect(await ask('day 5', '2026-03-05')).toBe('refund_too_large');
      await other.moveTo(noon('2026-04-05'));
      await other.tx((tx) => other.billing.recognise(tx, { cloneId: CLONE, throughDay: '2026-04-05' }));
      expect(await ask('before', '2026-02-28')).toBe('refund_too_large');
      expect(await ask('after', '2026-04-01')).toBe('refund_too_large');
      expect(await ask('day 5', '2026-03-05')).toBe('none');
      expect(await ask('day 5', '2026-03-05')).toBe('none');
      await other.drain();
      expect(told).toHaveLength(1);
      const { refundId } = told[0] as { refundId: string };
      expect(await other.tx((tx) => other.billing.refund(tx, refundId))).toMatchObject({
        state: 'succeeded', grossMinor: 19n, netMinor: 18n, taxMinor: 1n, settledCurrency: 'CNY', settledMinor: 19n,
      });
      expect((await other.port.sdk.refunds.list({})).data.map((one) => one.amount)).toEqual([19]);
      expect(await ask('thirty', '2026-03-05', 40n)).toBe('refund_too_large');
      const zero = { grossMinor: 0n, netMinor: 0n, taxMinor: 0n, feeMinor: 0n };
      for (const parts of [zero, { ...zero, grossMinor: -1n, netMinor: -1n }, { ...zero, grossMinor: 5n, netMinor: 4n }]) {
        expect(await refusal(other.tx((tx) => other.billing.requestRefund(tx, {
          key: 'odd', periodId, kind: 'goodwill', reason: 'x', parts, feeBearer: 'platform', at: other.clock.now(),
        })))).toBe('money_out_of_range');
      }
      // And for raw SQL in the service's role the sum of refunds stays within the charge.
      await expect(other.db.asApp(`INSERT INTO refund (id, clone_id, period_id, key, kind, reason, currency, gross_minor, net_minor, tax_minor, fee_minor, fee_bearer, requested_at)
        VALUES ('rfd_raw', '${CLONE}', '${periodId}', 'raw', 'goodwill', 'x', 'CNY', 600, 600, 0, 0, 'platform', now())`)).rejects.toThrow(/subscription_period_refunds/);
      await expect(other.db.asApp(`UPDATE refund SET state = 'failed', failure = 'x' WHERE id = '${refundId}'`)).rejects.toThrow(/already succeeded/);
    } finally {
      await other.close();
    }
  });
});

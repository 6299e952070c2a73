import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTestClock } from '../../support/clock.ts';
import { id, advance, card, chargeOf, onboarded, startBench, submit, subscribe, seconds, type Bench } from './harness.ts';

/** The default clock is moved by hand here: transfers and payouts live by it. */
const clock = makeTestClock('2026-03-02T09:00:00Z');
let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ clock });
});
afterAll(() => bench.close());

/** The platform's balance as the API says it, and as the book sums to. They must always agree. */
async function agreed(account?: string): Promise<{ available: number; pending: number }> {
  const balance = await bench.sdk.balance.retrieve({}, account === undefined ? {} : { stripeAccount: account });
  const of = (part: { amount: number; currency: string }[]): number => part.find((one) => one.currency === 'cny')?.amount ?? 0;
  const said = { available: of(balance.available), pending: of(balance.pending) };
  const summed = { available: 0n, pending: 0n };
  for (const entry of bench.sandbox.control.book()) {
    if ((account === undefined ? entry.platform : entry.account === account) && entry.currency === 'CNY') {
      expect(entry.netMinor).toBe(entry.amountMinor - entry.feeMinor);
      summed[entry.available ? 'available' : 'pending'] += entry.netMinor;
    }
  }
  expect({ available: BigInt(said.available), pending: BigInt(said.pending) }).toEqual(summed);
  return said;
}

async function fund(amount: number): Promise<void> {
  await bench.sdk.paymentIntents.create({ amount, currency: 'cny', payment_method: 'pm_card_bypassPending', confirm: true }, bench.key());
}

describe('refunds', () => {
  it('come in parts, never to more than was paid, and leave the fee with the provider', async () => {
    const { session } = await subscribe(bench, '2026-03-02T09:00:00Z');
    const charge = await chargeOf(bench, id(session.invoice));
    const before = await agreed();
    const first = await bench.sdk.refunds.create({ charge: charge.id, amount: 199, metadata: { why: 'stop' } }, bench.key());
    expect(first).toMatchObject({ amount: 199, status: 'succeeded', charge: charge.id, metadata: { why: 'stop' } });
    const moved = await bench.sdk.balanceTransactions.retrieve(id(first.balance_transaction));
    expect(moved).toMatchObject({ amount: -199, fee: 0, net: -199, type: 'refund', status: 'pending' });
    expect(await agreed()).toEqual({ ...before, pending: before.pending - 199 });

    const tooLarge = bench.sdk.refunds.create({ charge: charge.id, amount: 402 }, bench.key());
    await expect(tooLarge).rejects.toMatchObject({ param: 'amount', message: expect.stringContaining('greater than unrefunded amount on charge (CN¥4.01)') as string });
    await expect(bench.port.run((sdk) => sdk.refunds.create({ charge: charge.id, amount: 402 }, bench.key()))).rejects.toMatchObject({ code: 'refund_too_large' });
    await bench.sdk.refunds.create({ payment_intent: id(charge.payment_intent), amount: 400 }, bench.key());
    const last = await bench.sdk.refunds.create({ charge: charge.id }, bench.key());
    expect(last.amount).toBe(1);
    const done = await bench.sdk.charges.retrieve(charge.id, { expand: ['refunds'] });
    expect(done).toMatchObject({ amount_refunded: 600, refunded: true });
    expect(done.refunds?.data.map((one) => one.amount)).toEqual([1, 400, 199]);
    await expect(bench.sdk.refunds.create({ charge: charge.id }, bench.key())).rejects.toMatchObject({ code: 'charge_already_refunded' });
    // Paid 600, refunded 600: what is gone is the fee.
    expect((await agreed()).pending - (before.pending - 573)).toBe(-27);
    await bench.sandbox.control.idle();
    expect(bench.types().filter((type) => type === 'charge.refunded')).toHaveLength(3);
  });

  it.each(['0', '-5', '1.5', 'NaN', '1e3', '9223372036854775808', '100000000'])('refuses the amount %s', async (amount) => {
    const response = await fetch(`${bench.sandbox.url}/v1/refunds`, {
      method: 'POST', headers: { authorization: `Bearer ${bench.sandbox.secretKey}` }, body: new URLSearchParams({ charge: 'ch_1', amount }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param: 'amount' } });
  });

  it('refuses a charge that failed, and one of nobody', async () => {
    const declined = bench.sdk.paymentIntents.create({
      amount: 500, currency: 'cny', payment_method: 'pm_card_visa_chargeDeclined', confirm: true,
    }, bench.key());
    const error = await declined.catch((caught: unknown) => caught as Stripe.errors.StripeCardError);
    expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(error).toMatchObject({ code: 'card_declined', decline_code: 'generic_decline', statusCode: 402 });
    const { charge } = error as Stripe.errors.StripeCardError;
    await expect(bench.sdk.refunds.create({ charge: String(charge) }, bench.key())).rejects.toMatchObject({ statusCode: 400 });
    await expect(bench.sdk.refunds.create({ charge: 'ch_nobody' }, bench.key())).rejects.toMatchObject({ code: 'resource_missing', statusCode: 400 });
    await expect(bench.sdk.refunds.retrieve('re_nobody')).rejects.toMatchObject({ code: 'resource_missing', statusCode: 404 });
  });
});

describe('a default clock that follows a test clock', () => {
  it('is brought up with it, in order of time: renewals, settlements, transfers and payouts', async () => {
    const following: { clock?: string; bench?: Bench } = {};
    const together = await startBench({
      clock: {
        now: () => (following.bench === undefined || following.clock === undefined ? new Date('2026-01-01T00:00:00Z') : following.bench.sandbox.control.now(following.clock)),
        monotonic: () => process.hrtime.bigint(),
      },
    });
    following.bench = together;
    const fan = await subscribe(together, '2026-01-01T00:00:00Z');
    following.clock = fan.clock;
    const account = await onboarded(together);
    await advance(together, fan.clock, '2026-01-05T00:00:00Z');
    await together.sdk.transfers.create({ amount: 400, currency: 'cny', destination: account }, together.key());
    const payout = await together.sdk.payouts.create({ amount: 400, currency: 'cny' }, { ...together.key(), stripeAccount: account });
    await advance(together, fan.clock, '2026-02-15T00:00:00Z');
    expect((await together.sdk.payouts.retrieve(payout.id, {}, { stripeAccount: account })).status).toBe('paid');
    expect(together.sandbox.control.now()).toEqual(new Date('2026-02-15T00:00:00Z'));
    const [early, late] = ['payout.paid', 'invoice.paid'].map((type) => together.received.findLast((event) => event.type === type)!);
    expect([early!.created, late!.created]).toEqual([seconds('2026-01-07T00:00:00Z'), seconds('2026-02-01T01:00:00Z')]);
    const made = (await together.sdk.events.list({ limit: 100 })).data.map((event) => event.created);
    expect(made).toEqual(made.toSorted((a, b) => b - a));
    await together.close();
  });
});

describe('one-time payments through Checkout', () => {
  it('charge a guest, in several currencies, with their own fees', async () => {
    for (const [currency, amount, fee] of [['usd', 1000, 31], ['jpy', 500, 17], ['eur', 999, 31]] as const) {
      const open = await bench.sdk.checkout.sessions.create({
        mode: 'payment', success_url: 'http://127.0.0.1/done', payment_intent_data: { metadata: { pack: '70' }, transfer_group: 'g' },
        line_items: [{ price_data: { currency, unit_amount: amount, product_data: { name: 'Coins' } }, quantity: 1 }],
      }, bench.key());
      expect((await submit(open.url!, card())).status).toBe(303);
      const session = await bench.sdk.checkout.sessions.retrieve(open.id, { expand: ['payment_intent.latest_charge.balance_transaction', 'line_items'] });
      const intent = session.payment_intent as Stripe.PaymentIntent;
      expect(intent).toMatchObject({ status: 'succeeded', metadata: { pack: '70' }, transfer_group: 'g', customer: null });
      expect((intent.latest_charge as Stripe.Charge).balance_transaction).toMatchObject({ amount, fee, currency });
      expect(session.line_items?.data[0]).toMatchObject({ amount_total: amount, description: 'Coins' });
    }
  });

  it('become available by the clock', async () => {
    const fan = await subscribe(bench, '2026-03-02T09:00:00Z');
    const charge = await chargeOf(bench, id(fan.session.invoice));
    const before = await agreed();
    await advance(bench, fan.clock, '2026-03-03T23:59:59Z');
    expect((await bench.sdk.balanceTransactions.retrieve(id(charge.balance_transaction))).status).toBe('pending');
    await advance(bench, fan.clock, '2026-03-04T00:00:00Z');
    expect((await bench.sdk.balanceTransactions.retrieve(id(charge.balance_transaction))).status).toBe('available');
    expect(await agreed()).toEqual({ available: before.available + 573, pending: before.pending - 573 });
  });
});

describe('Connect', () => {
  it('onboards on a page, transfers, pays out when the clock has moved, and the book agrees at each step', async () => {
    const account = await bench.sdk.accounts.create({
      controller: { fees: { payer: 'application' }, losses: { payments: 'application' }, stripe_dashboard: { type: 'express' } },
      country: 'CN', capabilities: { transfers: { requested: true } }, settings: { payouts: { schedule: { interval: 'manual' } } }, metadata: { payee: 'acc_2' },
    }, bench.key());
    expect(account).toMatchObject({ charges_enabled: false, payouts_enabled: false, details_submitted: false, type: 'none' });
    await fund(100_000);
    const early = bench.sdk.transfers.create({ amount: 1, currency: 'cny', destination: account.id }, bench.key());
    await expect(early).rejects.toMatchObject({ code: 'insufficient_capabilities_for_transfer' });

    const link = await bench.sdk.accountLinks.create({
      account: account.id, type: 'account_onboarding', return_url: 'http://127.0.0.1/back', refresh_url: 'http://127.0.0.1/again',
    }, bench.key());
    expect(await (await fetch(`${link.url}?lang=zh`)).text()).toContain('银行账号');
    expect((await submit(link.url, { name: 'Agency', country: 'CN', account_number: 'x' })).status).toBe(422);
    const back = await submit(link.url, { name: 'Agency', country: 'CN', currency: 'CNY', account_number: '000123456789' });
    expect([back.status, back.headers.get('location')]).toEqual([303, 'http://127.0.0.1/back']);
    expect((await fetch(link.url)).status).toBe(404);
    const ready = await bench.sdk.accounts.retrieve(account.id);
    expect(ready).toMatchObject({ charges_enabled: true, payouts_enabled: true, details_submitted: true, capabilities: { transfers: 'active' } });

    const before = await agreed();
    const transfer = await bench.sdk.transfers.create({ amount: 12_345, currency: 'cny', destination: account.id, transfer_group: 'pay_1' }, bench.key());
    expect((await agreed()).available).toBe(before.available - 12_345);
    expect(await agreed(account.id)).toEqual({ available: 12_345, pending: 0 });
    expect((await bench.sdk.transfers.list({ transfer_group: 'pay_1' })).data.map((one) => one.id)).toEqual([transfer.id]);

    const onAccount = { stripeAccount: account.id };
    const payout = await bench.sdk.payouts.create({ amount: 12_000, currency: 'cny' }, { ...bench.key(), ...onAccount });
    expect(payout).toMatchObject({ status: 'pending', arrival_date: seconds('2026-03-04T00:00:00Z') });
    expect(await agreed(account.id)).toEqual({ available: 345, pending: 0 });
    await expect(bench.sdk.payouts.create({ amount: 346, currency: 'cny' }, { ...bench.key(), ...onAccount })).rejects.toMatchObject({ code: 'balance_insufficient' });
    clock.set(new Date('2026-03-03T12:00:00Z'));
    expect((await bench.sdk.payouts.retrieve(payout.id, {}, onAccount)).status).toBe('in_transit');
    clock.set(new Date('2026-03-04T12:00:00Z'));
    expect((await bench.sdk.payouts.retrieve(payout.id, {}, onAccount)).status).toBe('paid');
    await bench.sandbox.control.idle();
    const paid = bench.received.find((event) => event.type === 'payout.paid');
    expect(paid).toMatchObject({ account: account.id, created: seconds('2026-03-04T00:00:00Z') });
    expect(bench.received.find((event) => event.type === 'account.updated')).toMatchObject({ account: account.id });
    // What is on another account cannot be seen from this one.
    await expect(bench.sdk.payouts.retrieve(payout.id)).rejects.toMatchObject({ code: 'resource_missing' });

    const reversal = await bench.sdk.transfers.createReversal(transfer.id, { amount: 345 }, bench.key());
    expect(reversal.amount).toBe(345);
    await expect(bench.sdk.transfers.createReversal(transfer.id, { amount: 1 }, bench.key())).rejects.toMatchObject({ code: 'balance_insufficient' });
    expect(await bench.sdk.transfers.retrieve(transfer.id)).toMatchObject({ amount_reversed: 345, reversed: false });
    expect(await agreed(account.id)).toEqual({ available: 0, pending: 0 });
    expect((await agreed()).available).toBe(before.available - 12_000);
  });

  it('refuses what the platform does not have, and draws on a charge that is still pending', async () => {
    const account = await onboarded(bench);
    const { available } = await agreed();
    await expect(bench.sdk.transfers.create({ amount: available + 1, currency: 'cny', destination: account }, bench.key()))
      .rejects.toMatchObject({ code: 'balance_insufficient' });
    const intent = await bench.sdk.paymentIntents.create({ amount: 5000, currency: 'cny', payment_method: 'pm_card_visa', confirm: true }, bench.key());
    const source = { currency: 'cny', destination: account, source_transaction: id(intent.latest_charge) };
    await bench.sdk.transfers.create({ ...source, amount: 3000 }, bench.key());
    expect(await agreed(account)).toEqual({ available: 0, pending: 3000 });
    await expect(bench.sdk.transfers.create({ ...source, amount: 2001 }, bench.key())).rejects.toMatchObject({ code: 'amount_too_large' });
    clock.set(new Date('2026-03-08T00:00:00Z'));
    expect(await agreed(account)).toEqual({ available: 3000, pending: 0 });
    await agreed();
  });

  it('returns the money when the bank refuses it', async () => {
    const account = await onboarded(bench, '000111111116');
    const onAccount = { stripeAccount: account };
    await fund(10_000);
    await bench.sdk.transfers.create({ amount: 1000, currency: 'cny', destination: account }, bench.key());
    const payout = await bench.sdk.payouts.create({ amount: 1000, currency: 'cny' }, { ...bench.key(), ...onAccount });
    clock.advance(4 * 86_400_000);
    const failed = await bench.sdk.payouts.retrieve(payout.id, {}, onAccount);
    expect(failed).toMatchObject({ status: 'failed', failure_code: 'no_account' });
    expect(await agreed(account)).toEqual({ available: 1000, pending: 0 });
    await bench.sandbox.control.idle();
    expect(bench.types()).toContain('payout.failed');
    await bench.sdk.accounts.createExternalAccount(account, {
      external_account: { object: 'bank_account', country: 'CN', currency: 'cny', account_number: '000123456789' },
    } as unknown as Stripe.AccountCreateExternalAccountParams, bench.key());
    const again = await bench.sdk.payouts.create({ amount: 400, currency: 'cny' }, { ...bench.key(), ...onAccount });
    await bench.sdk.payouts.cancel(again.id, {}, { ...bench.key(), ...onAccount });
    expect(await agreed(account)).toEqual({ available: 1000, pending: 0 });
    const third = await bench.sdk.payouts.create({ amount: 1000, currency: 'cny' }, { ...bench.key(), ...onAccount });
    clock.advance(4 * 86_400_000);
    expect((await bench.sdk.payouts.retrieve(third.id, {}, onAccount)).status).toBe('paid');
  });

  it('pays a daily account out by itself, and needs a bank in the currency', async () => {
    const account = await onboarded(bench);
    const onAccount = { stripeAccount: account };
    await bench.sdk.accounts.update(account, { settings: { payouts: { schedule: { interval: 'daily' } } } }, bench.key());
    await fund(10_000);
    await bench.sdk.transfers.create({ amount: 700, currency: 'cny', destination: account }, bench.key());
    await expect(bench.sdk.payouts.create({ amount: 1, currency: 'usd' }, { ...bench.key(), ...onAccount })).rejects.toMatchObject({ param: 'currency' });
    clock.advance(4 * 86_400_000);
    const [payout] = (await bench.sdk.payouts.list({}, onAccount)).data;
    expect(payout).toMatchObject({ amount: 700, automatic: true, status: 'paid' });
    expect(await agreed(account)).toEqual({ available: 0, pending: 0 });
  });

  it('sends an expired onboarding link back for a new one', async () => {
    const account = await bench.sdk.accounts.create({ type: 'express' }, bench.key());
    const link = await bench.sdk.accountLinks.create({
      account: account.id, type: 'account_onboarding', return_url: 'http://127.0.0.1/back', refresh_url: 'http://127.0.0.1/again',
    }, bench.key());
    clock.advance(301_000);
    const answer = await fetch(link.url, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, 'http://127.0.0.1/again']);
  });
});

import Stripe from 'stripe';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { chart } from '../../src/ledger/index.ts';
import type { StripePort } from '../../src/platform/stripe/index.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type Person, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
let tierId: string;
let day = '2026-03-01';
beforeAll(async () => {
  world = await openRoyalties();
  tierId = await world.newTier();
  await world.signedSplit();
  await world.paid('mei', tierId);
  await world.onboard(world.agency);
});
afterAll(async () => {
  await world.close();
});
// Every test begins with a month's share unpaid.
beforeEach(async () => {
  day = day === '2026-12-01' ? '2027-01-01' : `${day.slice(0, 5)}${String(Number(day.slice(5, 7)) + 1).padStart(2, '0')}-01`;
  await world.moveTo(noon(day));
  await world.run(day);
});

type Royalties = RoyaltiesWorld['royalties'];
const pay = (person: Person = world.agency): ReturnType<Royalties['createPayouts']> =>
  world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { payees: [person.accountId], minimumMinor: '1' });
const payout = (id: string): ReturnType<Royalties['getPayout']> => world.royalties.getPayout(world.agency.actor, id);
const unpaid = async (): Promise<bigint> => -(await world.balance(chart.payable(world.agency.accountId, 'CNY')));
const resolve = (id: string, stripeTransfer?: string): ReturnType<Royalties['resolvePayout']> => world.royalties.resolvePayout(
  world.operator.actor, world.key('resolvePayout'), id, { reference: 'The dashboard, ticket 7', ...(stripeTransfer === undefined ? {} : { stripeTransfer }) },
);
const daysOld = (id: string, days: number): Promise<unknown> => world.db.asOwner(`UPDATE payout SET created_at = created_at - $2::int * interval '1 day' WHERE id = $1`, [id, days]);
async function begun(): Promise<{ id: string; amount: number }> {
  const [one] = (await pay()).payouts;
  if (one === undefined) throw new Error('nothing was begun');
  return { id: one.payoutId, amount: Number(one.amountMinor) };
}

/** A processor that looks and never answers whether it sent. */
const silent = (): Pick<StripePort, 'run' | 'withKey'> => ({
  withKey: world.port.withKey,
  run: async (work) => {
    if (String(work).includes('transfers.create')) {
      throw new Refusal('unavailable', 'No answer.', { cause: new Stripe.errors.StripeConnectionError({ message: 'reset', type: 'api_error' }) });
    }
    return await world.port.run(work);
  },
});

describe('one balance', () => {
  it('asked for by a thousand at once is paid once', async () => {
    const before = await unpaid();
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => pay()));
    expect(answers.flatMap((one) => one.payouts).map((one) => one.amountMinor)).toEqual([`${before}`]);
    expect(await unpaid()).toBe(0n);
    await world.drain();
    expect((await world.port.sdk.transfers.list({ limit: 100 })).data.map((one) => one.amount)).toEqual([Number(before)]);
    await world.checkBooks();
  }, 60_000);
});

describe('a payout of unknown outcome', () => {
  it('stays pending, and after days is left to a person, who says that nothing was sent', async () => {
    const { id } = await begun();
    await world.withStripe(silent()).work.sendPayout(id);
    expect(await payout(id)).toMatchObject({ state: 'pending', needsPerson: false, problem: 'No answer.' });
    expect(await refusal(resolve(id))).toBe('payout_state');
    expect((await world.royalties.listUnsettledPayouts()).payouts).toEqual([]);
    await daysOld(id, 4);
    await world.withStripe(silent()).work.sendPayout(id);
    expect((await world.royalties.listUnsettledPayouts()).payouts).toMatchObject([{ payoutId: id, needsPerson: true }]);
    // Nobody tries it again, nor takes the balance twice.
    await world.drain();
    expect([(await payout(id)).state, await unpaid()]).toEqual(['pending', 0n]);
    expect(await refusal(resolve(id, 'tr_unknown'))).toBe('payout_state');
    const key = world.key('resolvePayout');
    const decide = (): ReturnType<Royalties['resolvePayout']> => world.royalties.resolvePayout(world.operator.actor, key, id, { reference: 'The dashboard, ticket 7' });
    const decided = await decide();
    expect(decided).toMatchObject({ state: 'returned' });
    // The answer was lost, and it is asked again by the same key.
    expect(await decide()).toEqual(decided);
    expect(await unpaid()).toBe(108n);
    expect(await refusal(resolve(id))).toBe('payout_state');
    await world.checkBooks();
  });

  it('under whose name something else stands is not sent; the transfer that is it can be named', async () => {
    const { id, amount } = await begun();
    const destination = (await world.db.asOwner<{ stripe_account: string }>('SELECT stripe_account FROM payout WHERE id = $1', [id]))[0]?.stripe_account ?? '';
    const other = await world.port.sdk.transfers.create(
      { amount: 1, currency: 'cny', destination, transfer_group: id, metadata: { payoutId: id } }, world.port.withKey('other'));
    await world.royalties.work.sendPayout(id);
    expect(await payout(id)).toMatchObject({ state: 'pending', needsPerson: true });
    expect(await refusal(resolve(id))).toBe('payout_state');
    expect(await refusal(resolve(id, other.id))).toBe('payout_state');
    const right = await world.port.sdk.transfers.create(
      { amount, currency: 'cny', destination, transfer_group: id, metadata: { payoutId: id } }, world.port.withKey('right'));
    expect(await resolve(id, right.id)).toMatchObject({ state: 'paid', stripeTransfer: right.id });
    await world.port.sdk.transfers.createReversal(other.id, {}, world.port.withKey('undo'));
    await world.drain();
    await world.checkBooks();
  });
});

describe('a payee\'s own wish', () => {
  const wish = (input: { currency: string; minimumMinor: string; schedule: 'manual' | 'weekly' | 'monthly' }): ReturnType<Royalties['setPayoutSetting']> =>
    world.royalties.setPayoutSetting(world.agency.actor, world.key('setPayoutSetting'), input);

  it('is a smallest payout and a schedule, which pays by itself and not before its day', async () => {
    for (const minimumMinor of ['0', '-1', '1e3', 'NaN', '9223372036854775808']) {
      expect(await refusal(wish({ currency: 'CNY', minimumMinor, schedule: 'manual' }))).toMatch(/^money_/);
    }
    expect(await refusal(wish({ currency: 'COIN', minimumMinor: '1', schedule: 'manual' }))).toBe('money_malformed');
    await wish({ currency: 'CNY', minimumMinor: '100000', schedule: 'monthly' });
    expect((await pay()).skipped).toMatchObject([{ reason: 'payout_below_minimum' }]);
    await world.royalties.work.payScheduled();
    expect((await world.royalties.listPayouts(world.agency.actor)).payouts.every((one) => one.state !== 'pending')).toBe(true);
    await wish({ currency: 'CNY', minimumMinor: '1', schedule: 'monthly' });
    await Promise.all([world.royalties.work.payScheduled(), world.royalties.work.payScheduled()]);
    expect((await world.royalties.listPayouts(world.agency.actor)).payouts.filter((one) => one.state === 'pending')).toHaveLength(1);
    await world.drain();
    expect(await unpaid()).toBe(0n);
    // A run in the same month: the balance waits for the next.
    await world.moveTo(noon(`${day.slice(0, 8)}20`));
    await world.run(`${day.slice(0, 8)}20`);
    expect((await pay()).skipped).toMatchObject([{ reason: 'payout_not_due' }]);
    await world.royalties.work.payScheduled();
    expect(await unpaid()).toBeGreaterThan(0n);
    await wish({ currency: 'CNY', minimumMinor: '1', schedule: 'manual' });
    expect((await world.royalties.listPayoutSettings(world.agency.actor)).settings).toEqual([{ currency: 'CNY', minimumMinor: '1', schedule: 'manual' }]);
  });

  it('does not help who never onboards: the balance waits, and says why', async () => {
    const before = await world.balance(chart.payable(world.owner.accountId, 'CNY'));
    await world.royalties.setPayoutSetting(world.owner.actor, world.key('setPayoutSetting'), { currency: 'CNY', minimumMinor: '1', schedule: 'weekly' });
    await world.royalties.work.payScheduled();
    expect((await pay(world.owner)).skipped).toMatchObject([{ reason: 'payee_not_onboarded', unpaidMinor: `${-before}` }]);
    expect(await world.balance(chart.payable(world.owner.accountId, 'CNY'))).toBe(before);
  });
});

describe('a claim in another currency', () => {
  it('is converted once, at the processor\'s rate, through one position a currency', async () => {
    const draft = await world.royalties.draftAdvance(world.operator.actor, world.key('draftAdvance'), {
      payee: world.agency.accountId, currency: 'USD', amountMinor: '50', rateBasisPoints: 1_000, cloneIds: [world.cloneId],
    });
    for (const person of [world.agency, world.operator]) {
      await world.royalties.signAdvance(person.actor, world.key('signAdvance'), draft.advanceId, { signature: await world.signature(person, draft.document, 'advance') });
    }
    const { payoutId } = await world.royalties.payAdvance(world.operator.actor, world.key('payAdvance'), draft.advanceId);
    const id = payoutId ?? '';
    await world.withStripe(silent()).work.sendPayout(id);
    expect((await payout(id)).conversion).toEqual({ currency: 'CNY', amountMinor: '355', rate: '7.1', source: 'stripe.exchange_rates' });
    await world.drain();
    expect(await payout(id)).toMatchObject({ state: 'paid', currency: 'USD', amountMinor: '50', conversion: { amountMinor: '355' } });
    expect([await world.balance(chart.conversionPosition('USD')), await world.balance(chart.conversionPosition('CNY'))]).toEqual([-50n, 355n]);
    const { stripeTransfer } = await payout(id);
    await world.port.sdk.transfers.createReversal(stripeTransfer ?? '', { amount: 100 }, world.port.withKey('back'));
    await world.port.sdk.transfers.createReversal(stripeTransfer ?? '', {}, world.port.withKey('all'));
    await world.drain();
    expect([(await payout(id)).state, (await world.royalties.getAdvance(world.agency.actor, draft.advanceId)).unrecoupedMinor]).toEqual(['returned', '0']);
    expect([await world.balance(chart.conversionPosition('USD')), await world.balance(chart.conversionPosition('CNY'))]).toEqual([0n, 0n]);
    await world.checkBooks();
  });
});

describe('what rates gain or lose', () => {
  /** A sale in dollars that was settled in yuan; what it brought is owed to the agency, by no pot. */
  async function soldFor(yuan: bigint, dollars: bigint): Promise<void> {
    sales += 1;
    await world.tx((tx) => world.ledger.post(tx, {
      key: `sale/${sales}`, kind: 'royalties.adjusted', effectiveDate: '2026-03-01', metadata: {},
      legs: [
        { account: chart.cashInTransit('CNY'), amountMinor: yuan }, { account: chart.conversionPosition('CNY'), amountMinor: -yuan },
        { account: chart.conversionPosition('USD'), amountMinor: dollars }, { account: chart.payable(world.agency.accountId, 'USD'), amountMinor: -dollars },
      ],
    }));
  }
  let sales = 0;
  const stands = async (): Promise<bigint[]> => [
    await world.balance(chart.conversionPosition('USD')), await world.balance(chart.conversionPosition('CNY')), await world.balance(chart.platformExpense('conversion', 'CNY')),
  ];

  it('is the platform\'s, explicit, in both directions, and nothing stays on the positions', async () => {
    // What no pot gave is found and paid too. Ten at 7.00 were sold, and are sent at 7.10.
    await soldFor(70n, 10n);
    const begun = await pay();
    expect(begun.payouts.filter((one) => one.currency === 'USD').map((one) => one.amountMinor)).toEqual(['10']);
    await world.drain();
    expect(await stands()).toEqual([0n, 0n, 1n]);
    // At 7.30: now it gains, and that is shown as less of the expense.
    await soldFor(73n, 10n);
    await pay();
    await world.drain();
    expect(await stands()).toEqual([0n, 0n, -1n]);
    // Sold at two rates, sent in one; once more changes nothing.
    await soldFor(35n, 5n);
    await soldFor(38n, 5n);
    await pay();
    await world.drain();
    await Promise.all([world.royalties.work.bookDifferences(), world.royalties.work.bookDifferences()]);
    expect(await stands()).toEqual([0n, 0n, -3n]);
    expect((await world.ledger.verify()).problems).toEqual([]);
  });
});

describe('a payout that cannot be sent yet', () => {
  async function usdAdvance(): Promise<{ id: string }> {
    const draft = await world.royalties.draftAdvance(world.operator.actor, world.key('draftAdvance'), {
      payee: world.agency.accountId, currency: 'USD', amountMinor: '50', rateBasisPoints: 1_000, cloneIds: [world.cloneId],
    });
    for (const person of [world.agency, world.operator]) {
      await world.royalties.signAdvance(person.actor, world.key('signAdvance'), draft.advanceId, { signature: await world.signature(person, draft.document, 'advance') });
    }
    return { id: (await world.royalties.payAdvance(world.operator.actor, world.key('payAdvance'), draft.advanceId)).payoutId ?? '' };
  }

  it('waits for the rate that it is converted at, and asks for it again', async () => {
    const { id } = await usdAdvance();
    const rateless: Pick<StripePort, 'run' | 'withKey'> = {
      withKey: world.port.withKey,
      run: async (work) => {
        if (String(work).includes('exchange_rates')) throw new Refusal('unavailable', 'No rate.');
        return await world.port.run(work);
      },
    };
    for (let tries = 0; tries < 2; tries += 1) await Promise.all([world.withStripe(rateless).work.sendPayout(id), world.withStripe(rateless).work.sendPayout(id)]);
    expect(await payout(id)).toMatchObject({ state: 'pending', conversion: null, problem: 'No rate.' });
    await world.royalties.work.sendPayout(id);
    expect(await payout(id)).toMatchObject({ state: 'paid', conversion: { currency: 'CNY', amountMinor: '355' } });
    expect((await world.ledger.verify()).problems).toEqual([]);
  });

  it('for want of money or of a rate is left to a person after two weeks', async () => {
    const { id } = await usdAdvance();
    const poor: Pick<StripePort, 'run' | 'withKey'> = {
      withKey: world.port.withKey,
      run: async (work) => {
        if (String(work).includes('transfers.create')) throw new Refusal('ledger_insufficient_funds', 'No money.');
        return await world.port.run(work);
      },
    };
    await daysOld(id, 13);
    await world.withStripe(poor).work.sendPayout(id);
    expect(await payout(id)).toMatchObject({ state: 'pending', needsPerson: false });
    await daysOld(id, 1);
    await world.withStripe(poor).work.sendPayout(id);
    expect(await payout(id)).toMatchObject({ state: 'pending', needsPerson: true, problem: 'No money.' });
    expect(await resolve(id)).toMatchObject({ state: 'returned' });
  });
});

describe('everybody who is paid at once', () => {
  it('is paid in each of their currencies once, also where a page of five hundred ends between two of them', async () => {
    const { accountId } = world.agency;
    const usd = chart.payable(accountId, 'USD');
    const before = await world.tx((tx) => world.ledger.accountsAfter(tx, 'payable:', '', 1_000));
    const own = before.findIndex(({ code }) => code === chart.payable(accountId, 'CNY').code);
    const crowd = Array.from({ length: 499 - own }, (_none, index) => chart.payable(`acc_${String(index).padStart(26, '0')}`, 'CNY'));
    await world.tx(async (tx) => {
      for (let at = 0; at < crowd.length; at += 50) {
        const some = crowd.slice(at, at + 50);
        await world.ledger.post(tx, {
          key: `crowd/${at}`, kind: 'royalties.adjusted', effectiveDate: '2026-03-01', metadata: {},
          legs: [{ account: chart.platformExpense('goodwill', 'CNY'), amountMinor: BigInt(some.length) }, ...some.map((account) => ({ account, amountMinor: -1n }))],
        });
      }
      await world.ledger.post(tx, {
        key: 'dollars', kind: 'royalties.adjusted', effectiveDate: '2026-03-01', metadata: {},
        legs: [{ account: chart.platformExpense('goodwill', 'USD'), amountMinor: 7n }, { account: usd, amountMinor: -7n }],
      });
    });
    const after = await world.tx((tx) => world.ledger.accountsAfter(tx, 'payable:', '', 1_000));
    expect([after[499]?.code, after[500]?.code]).toEqual([chart.payable(accountId, 'CNY').code, usd.code]);
    const here = await unpaid();
    const answer = await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { minimumMinor: '1' });
    expect(answer.payouts.filter((one) => one.payee === accountId).map((one) => [one.currency, one.grossMinor])).toEqual([['CNY', `${here}`], ['USD', '7']]);
    const told = [...answer.payouts, ...answer.skipped].map((one) => `${one.payee}:${one.currency}`);
    expect([told.length, new Set(told).size]).toEqual([told.length, told.length]);
    expect(crowd.filter(({ code }) => !told.includes(code.slice('payable:'.length)))).toEqual([]);
  });
});

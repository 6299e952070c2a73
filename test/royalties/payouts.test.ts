import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { chart } from '../../src/ledger/index.ts';
import type { StripePort } from '../../src/platform/stripe/index.ts';
import { makeRoyaltiesTicks } from '../../src/royalties/index.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
beforeEach(async () => {
  world = await openRoyalties();
  const tierId = await world.newTier();
  await world.signedSplit();
  await world.paid('mei', tierId);
  await world.onboard(world.agency);
  await world.moveTo(noon('2026-04-01'));
  await world.run('2026-04-01');
});
afterEach(async () => {
  await world.close();
});

type Royalties = RoyaltiesWorld['royalties'];
const pay = (input: Parameters<Royalties['createPayouts']>[2] = {}): ReturnType<Royalties['createPayouts']> =>
  world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { payees: [world.agency.accountId], ...input });
const payout = (payoutId: string): ReturnType<Royalties['getPayout']> => world.royalties.getPayout(world.agency.actor, payoutId);
const unpaid = async (): Promise<bigint> => -(await world.balance(chart.payable(world.agency.accountId, 'CNY')));
const pending = async (): Promise<bigint> => -(await world.balance(chart.payoutPending(world.agency.accountId, 'CNY')));
const transfers = async (): Promise<number[]> => (await world.port.sdk.transfers.list({})).data.map((one) => one.amount);
async function begun(): Promise<string> {
  const [one] = (await pay()).payouts;
  if (one === undefined) throw new Error('nothing was begun');
  return one.payoutId;
}

describe('a payout', () => {
  it('asked for 50 times at once is one payout', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => pay()));
    expect(answers.flatMap((one) => one.payouts).map((one) => one.amountMinor)).toEqual(['108']);
    expect([await unpaid(), await pending()]).toEqual([0n, 108n]);
    await world.drain();
    expect(await transfers()).toEqual([108]);
    expect((await world.royalties.listPayouts(world.agency.actor)).payouts).toMatchObject([{ amountMinor: '108', state: 'paid' }]);
    await world.checkBooks();
  });

  it('whose job runs twice at once, or died after the processor\'s answer, is sent once', async () => {
    const payoutId = await begun();
    const [row] = await world.db.asOwner<{ stripe_account: string }>('SELECT stripe_account FROM payout');
    await world.port.sdk.transfers.create({
      amount: 108, currency: 'cny', destination: row?.stripe_account ?? '', transfer_group: payoutId, metadata: { payoutId },
    }, world.port.withKey(`payout:${payoutId}`));
    await Promise.all([world.royalties.work.sendPayout(payoutId), world.royalties.work.sendPayout(payoutId)]);
    await world.drain();
    expect(await transfers()).toEqual([108]);
    expect(await payout(payoutId)).toMatchObject({ state: 'paid' });
    await world.checkBooks();
  });

  it('with an unknown outcome stays pending, and the same key is tried again', async () => {
    const payoutId = await begun();
    let lost = 0;
    const unlucky: Pick<StripePort, 'run' | 'withKey'> = {
      withKey: world.port.withKey,
      async run(work) {
        const answer = await world.port.run(work);
        if (JSON.stringify(answer).includes('"object":"transfer"') && lost === 0) {
          lost += 1;
          throw new Refusal('unavailable', 'The answer was lost.', { cause: new Stripe.errors.StripeConnectionError({ message: 'reset', type: 'api_error' }) });
        }
        return answer;
      },
    };
    await world.withStripe(unlucky).work.sendPayout(payoutId);
    expect(lost).toBe(1);
    expect(await payout(payoutId)).toMatchObject({ state: 'pending', problem: 'The answer was lost.' });
    expect([await unpaid(), await pending()]).toEqual([0n, 108n]);
    expect((await pay()).payouts).toEqual([]);
    await world.drain();
    expect(await transfers()).toEqual([108]);
    expect(await payout(payoutId)).toMatchObject({ state: 'paid' });
    await world.checkBooks();
  });

  it('waits while the money is not available at the processor', async () => {
    const [row] = await world.db.asOwner<{ stripe_account: string }>('SELECT stripe_account FROM payout_account');
    const available = (await world.port.sdk.balance.retrieve()).available.find((one) => one.currency === 'cny')?.amount ?? 0;
    const elsewhere = await world.port.sdk.transfers.create(
      { amount: available, currency: 'cny', destination: row?.stripe_account ?? '' }, world.port.withKey('elsewhere'));
    const payoutId = await begun();
    await world.drain();
    expect(await payout(payoutId)).toMatchObject({ state: 'pending', stripeTransfer: null });
    expect(await pending()).toBe(108n);
    await world.moveTo(noon('2026-04-05'));
    expect(await payout(payoutId)).toMatchObject({ state: 'paid', problem: null });
    expect(await transfers()).toEqual([108, elsewhere.amount]);
  });

  it('that the processor refuses for good is unpaid again', async () => {
    await world.db.asOwner(`UPDATE payout_account SET stripe_account = 'acct_gone' WHERE account_id = $1`, [world.agency.accountId]);
    const payoutId = await begun();
    await world.drain();
    expect(await payout(payoutId)).toMatchObject({ state: 'returned', stripeTransfer: null });
    expect([await unpaid(), await pending()]).toEqual([108n, 0n]);
    await world.royalties.work.sendPayout(payoutId);
    expect(await unpaid()).toBe(108n);
    await world.checkBooks();
  });

  it('that was taken back at the processor is unpaid again, as far as it came back', async () => {
    const payoutId = await begun();
    await world.drain();
    const { stripeTransfer } = await payout(payoutId);
    await world.port.sdk.transfers.createReversal(stripeTransfer ?? '', { amount: 8 }, world.port.withKey('part'));
    await world.drain();
    expect([(await payout(payoutId)).state, await unpaid()]).toEqual(['paid', 8n]);
    await world.port.sdk.transfers.createReversal(stripeTransfer ?? '', {}, world.port.withKey('rest'));
    await world.drain();
    expect([(await payout(payoutId)).state, await unpaid()]).toEqual(['returned', 108n]);
    await world.checkBooks();
  });

  it('is for payees who reach the minimum and are ready; the platform is not paid', async () => {
    expect(await pay({ minimumMinor: '109' })).toEqual({
      payouts: [], skipped: [{ payee: world.agency.accountId, currency: 'CNY', unpaidMinor: '108', reason: 'payout_below_minimum' }],
    });
    expect(await pay({ payees: [world.owner.accountId] })).toMatchObject({ payouts: [], skipped: [{ reason: 'payee_not_onboarded' }] });
    expect(await refusal(pay({ payees: ['platform'] }))).toBe('payout_state');
    expect(await refusal(pay({ minimumMinor: '0' }))).toBe('money_out_of_range');
    for (const bad of ['NaN', '1e3', '1.5', '-0', '99999999999999999999']) expect(await refusal(pay({ minimumMinor: bad }))).toMatch(/^money_/);
    const payoutId = await begun();
    expect(await refusal(world.royalties.getPayout(world.owner.actor, payoutId))).toBe('not_found');
    expect(await refusal(world.royalties.getPayout(world.owner.actor, 'pay_unknown'))).toBe('not_found');
    expect(await refusal(world.royalties.listPayouts(world.owner.actor, world.agency.accountId))).toBe('not_found');
  });
});

describe('onboarding', () => {
  it('makes one account however often it is asked for, also when the answer was lost', async () => {
    const person = await world.person('Writer 作词人');
    const lossy: Pick<StripePort, 'run' | 'withKey'> = {
      withKey: world.port.withKey,
      async run(work) {
        const answer = await world.port.run(work);
        if (JSON.stringify(answer).includes('"object":"account"')) throw new Refusal('unavailable', 'The answer was lost.');
        return answer;
      },
    };
    expect(await refusal(world.withStripe(lossy).onboardPayee(person.actor, world.key('onboardPayee')))).toBe('unavailable');
    const key = world.key('onboardPayee');
    const first = await world.royalties.onboardPayee(person.actor, key);
    expect(first.payoutAccount.state).toBe('onboarding');
    expect(await world.royalties.onboardPayee(person.actor, key)).toEqual(first);
    const accounts = await world.port.sdk.accounts.list({ limit: 100 });
    expect(accounts.data.filter((one) => one.metadata?.['accountId'] === person.accountId)).toHaveLength(1);
    await world.onboard(person);
    expect((await world.royalties.getPayoutAccount(person.actor)).state).toBe('ready');
  });
});

describe('a payee who never onboards', () => {
  it('is reminded once in thirty days while enough waits, where their account is shown, and no more once they can be paid', async () => {
    const { owner, agency, royalties } = world;
    const { run } = makeRoyaltiesTicks(royalties)['royalties.remindUnready']!;
    const reminder = async (): Promise<unknown> => (await royalties.getPayoutAccount(owner.actor)).reminder;
    const told = (): Promise<{ who: string }[]> => world.db.asOwner('SELECT account_id AS who FROM payout_reminder ORDER BY reminded_at');
    expect(await reminder()).toBeNull();
    // 540 were divided: 378 are the owner's. The agency has 108 waiting and an account that can be paid.
    await Promise.all([run(), run(), run()]);
    expect(await reminder()).toEqual({ number: 1, remindedAt: '2026-04-01T04:00:00.000Z', waiting: [{ currency: 'CNY', unpaidMinor: '378' }] });
    world.clock.set(new Date('2026-05-01T03:59:59Z'));
    await run();
    expect(await told()).toEqual([{ who: owner.accountId }]);
    // Not before its time, whoever asks PostgreSQL.
    await expect(world.db.asApp(`INSERT INTO payout_reminder SELECT account_id, 2, waiting, reminded_at + interval '29 days' FROM payout_reminder`)).rejects.toThrow(/permission denied|was reminded/);
    world.clock.advance(1_000);
    await Promise.all([run(), run()]);
    expect(await reminder()).toMatchObject({ number: 2, remindedAt: '2026-05-01T04:00:00.000Z' });
    // Begun is not done; less than they want to be sent does not wait.
    await royalties.onboardPayee(owner.actor, world.key('onboardPayee'));
    expect(await reminder()).toMatchObject({ number: 2 });
    await royalties.setPayoutSetting(owner.actor, world.key('setPayoutSetting'), { currency: 'CNY', minimumMinor: '379', schedule: 'manual' });
    world.clock.advance(31 * 86_400_000);
    await run();
    expect(await told()).toHaveLength(2);
    await royalties.setPayoutSetting(owner.actor, world.key('setPayoutSetting'), { currency: 'CNY', minimumMinor: '378', schedule: 'manual' });
    await world.onboard(owner);
    await run();
    expect([await reminder(), (await told()).length, (await royalties.getPayoutAccount(agency.actor)).reminder]).toEqual([null, 2, null]);
  });
});

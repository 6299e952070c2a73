import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { addDays } from '../../src/kernel/time.ts';
import { chart } from '../../src/ledger/index.ts';
import { endTakeBack, insertTakeBack, standingTransfers } from '../../src/royalties/bank-store.ts';
import { makePayeeProvider } from '../../src/royalties/payee-provider.ts';
import { noon } from '../billing/support.ts';
import { until } from '../support/until.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

/** The processor's number of an account that its bank does not find. */
const NOWHERE = '000111111116';
const SOMEWHERE = '000123456789';

let world: RoyaltiesWorld;
let tierId: string;
beforeAll(async () => {
  world = await openRoyalties();
  tierId = await world.newTier();
  await world.signedSplit();
  await world.paid('mei', tierId);
  await world.onboard(world.agency, NOWHERE);
});
afterAll(async () => {
  await world.close();
});

const pay = (): ReturnType<RoyaltiesWorld['royalties']['createPayouts']> =>
  world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { payees: [world.agency.accountId], minimumMinor: '1' });
const unpaid = async (): Promise<bigint> => -(await world.balance(chart.payable(world.agency.accountId, 'CNY')));
const debt = (): Promise<bigint> => world.balance(chart.payeeDebt(world.agency.accountId, 'CNY'));
type Receipt = Awaited<ReturnType<RoyaltiesWorld['royalties']['getStatement']>>['receipt'];
async function closed(throughDay: string): Promise<Receipt> {
  const { statements } = await world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay });
  return (await world.royalties.getStatement(world.agency.actor, statements.find((one) => one.payee === world.agency.accountId)?.statementId ?? '')).receipt;
}
const linesOf = ({ document: { lines } }: Receipt): string[] => lines.map((line) => `${'kind' in line ? line.kind : ''} ${line.amountMinor}`).sort();
const failure = async (): Promise<string | null> => (await world.royalties.getPayoutAccount(world.agency.actor)).bankFailure;
/** Asking is what lets the sandbox's own time go on where no test clock holds it. */
const bankPayouts = async (): Promise<Stripe.Payout[]> => (await world.port.sdk.payouts.list({}, { stripeAccount: await stripeAccount() })).data;
const stripeAccount = async (): Promise<string> =>
  (await world.db.asOwner<{ id: string }>('SELECT stripe_account AS id FROM payout_account WHERE account_id = $1', [world.agency.accountId]))[0]?.id ?? '';

describe('a bank that gives the money back', () => {
  let payoutId = '';

  it('is told to the payee; nothing more is sent there, and for a week the money waits for another bank', async () => {
    await world.moveTo(noon('2026-04-01'));
    await world.run('2026-04-01');
    const [sent] = (await pay()).payouts;
    payoutId = sent?.payoutId ?? '';
    await world.drain();
    // The processor pays out by itself on the next day; its bank answers two days later.
    await world.moveTo(noon('2026-04-08'));
    await bankPayouts();
    await world.drain();
    expect(await failure()).toBe('no_account');
    expect(await unpaid()).toBe(0n);
    await world.moveTo(noon('2026-04-11'));
    await world.run('2026-04-11');
    expect(await pay()).toMatchObject({ payouts: [], skipped: [{ reason: 'payee_bank_failed' }] });
    await world.royalties.work.takeBackFailed();
    expect(await world.royalties.getPayout(world.agency.actor, payoutId)).toMatchObject({ state: 'paid' });
  });

  it('is not asked again whatever order its answers come in', async () => {
    const account = await stripeAccount();
    const all = await bankPayouts();
    expect(all.map((one) => one.status)).toEqual(['failed']);
    // An earlier payout's good news, late: the newest decides.
    const [failed] = all;
    await world.db.asOwner(
      `INSERT INTO bank_payout (stripe_payout, stripe_account, destination, currency, amount_minor, sent_at, failure, seen_at)
       VALUES ('po_before', $1, $2, 'CNY', 1, to_timestamp($3) - interval '1 day', NULL, now())`, [account, typeof failed?.destination === 'string' ? failed.destination : '', failed?.created]);
    await world.royalties.work.syncBankPayout(account, failed?.id ?? '');
    await world.royalties.work.syncBankPayout(account, failed?.id ?? '');
    expect(await failure()).toBe('no_account');
  });

  it('is taken back by two at once as by one after the other: each counts what the other took', async () => {
    const account = await stripeAccount();
    const taken = { stripePayout: 'po_before', payoutId, stripeTransfer: 'tr_x', amountMinor: 30n, refusals: 0 };
    const { first, second } = await world.tx(async (tx) => {
      const [found] = await standingTransfers(tx, account, 'CNY');
      const other = world.tx((later) => standingTransfers(later, account, 'CNY'));
      await until(async () => (await world.db.asOwner(`SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`)).length > 0);
      await insertTakeBack(tx, taken);
      return { first: found, second: { other } };
    });
    expect((await second.other)[0]).toEqual({ ...first, leftMinor: (first?.leftMinor ?? 0n) - 30n });
    await world.tx((tx) => endTakeBack(tx, taken, world.clock.now()));
  });

  it('for a week: what it gave back is unpaid again, once, however often and at once it is asked for, on the statement of then', async () => {
    // After the payout a later run was divided, and what it paid for was refunded: more than that run gave is owed back.
    const [period] = await world.tx((tx) => world.billing.periodsBetween(tx, { cloneId: world.cloneId, fromDay: '2026-03-01', toDay: '2026-03-31' }));
    const days = Array.from({ length: 25 }, (_none, index) => addDays('2026-03-01', index));
    await world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId: period?.periodId ?? '', days, reason: 'Goodwill.' });
    await world.drain();
    const owed = await debt();
    expect([owed > 0n, await unpaid()]).toEqual([true, 0n]);
    const first = await closed('2026-04-11');
    expect(linesOf(first)).toContain('payout -108');
    const before = await unpaid();
    const paid = BigInt((await world.royalties.getPayout(world.agency.actor, payoutId)).amountMinor);
    await world.moveTo(noon('2026-04-16'));
    await Promise.all([1, 2, 3].map(() => world.royalties.work.takeBackFailed()));
    await world.drain();
    await world.royalties.work.takeBackFailed();
    expect(await world.royalties.getPayout(world.agency.actor, payoutId)).toMatchObject({ state: 'returned' });
    expect([await unpaid(), await debt()]).toEqual([before + paid, owed]);
    const second = await closed('2026-04-16');
    expect(linesOf(second)).toEqual(['payout_returned 108']);
    expect((await world.royalties.getStatement(world.agency.actor, first.document.statementId)).receipt).toEqual(first);
    await world.checkBooks();
  });

  it('no longer stands when the payee names another bank: all of it is paid there, less what was owed meanwhile', async () => {
    await world.onboard(world.agency, SOMEWHERE);
    const before = (await unpaid()) - (await debt());
    const [sent] = (await pay()).payouts;
    expect(sent?.amountMinor).toBe(String(before));
    expect(await failure()).toBe(null);
    await world.drain();
    await world.moveTo(noon('2026-04-20'));
    await world.drain();
    const arrived = (await bankPayouts()).filter((one) => one.status === 'paid');
    expect(arrived.reduce((sum, one) => sum + one.amount, 0)).toBe(Number(before));
    await world.moveTo(noon(addDays('2026-04-20', 10)));
    await world.royalties.work.takeBackFailed();
    expect([await failure(), await unpaid(), await debt()]).toEqual([null, 0n, 0n]);
    await world.checkBooks();
  });

  it('that was another one, long ago and healed, is nothing that the next failure takes back', async () => {
    const gaveBack = async (day: string): Promise<string> => {
      await world.paid(day === '2026-05-02' ? 'wu' : 'li', tierId);
      await world.onboard(world.agency, NOWHERE);
      await world.moveTo(noon(day));
      await world.run(day);
      const [sent] = (await pay()).payouts;
      await world.drain();
      await world.moveTo(noon(addDays(day, 7)));
      await bankPayouts();
      await world.drain();
      expect(await failure()).toBe('no_account');
      return sent?.payoutId ?? '';
    };
    const healed = await gaveBack('2026-05-02');
    await world.onboard(world.agency, SOMEWHERE);
    await world.moveTo(noon('2026-05-14'));
    await bankPayouts();
    await world.drain();
    // By itself, on the day after the other bank was named.
    expect((await bankPayouts())[0]).toMatchObject({ status: 'paid', amount: Number((await world.royalties.getPayout(world.agency.actor, healed)).amountMinor) });
    expect(await failure()).toBe(null);
    const standing = await gaveBack('2026-05-20');
    await world.moveTo(noon('2026-06-05'));
    for (let tick = 0; tick < 2; tick += 1) {
      await world.royalties.work.takeBackFailed();
      await world.drain();
    }
    const [one, other] = [await world.royalties.getPayout(world.agency.actor, healed), await world.royalties.getPayout(world.agency.actor, standing)];
    expect([one.state, other.state]).toEqual(['paid', 'returned']);
    expect(await unpaid()).toBe(BigInt(other.amountMinor));
    expect(await world.db.asOwner('SELECT payout_id FROM bank_take_back t JOIN bank_take_back_try y USING (stripe_payout, payout_id) WHERE y.done_at IS NULL')).toEqual([]);
    await world.checkBooks();
  });

  it('is asked of once, also when the answer was lost and the processor has forgotten the key', async () => {
    // A transfer that is none of ours: what is booked of one is asked above.
    const transfer = await world.port.sdk.transfers.create({ amount: 10, currency: 'cny', destination: await stripeAccount() }, world.port.withKey('strange transfer'));
    const sent = { stripePayout: 'po_lost', payoutId: 'pay_lost', stripeTransfer: transfer.id, amountMinor: 3n, refusals: 0 };
    const lossy = makePayeeProvider({
      withKey: world.port.withKey,
      async run(work) {
        const answer = await world.port.run(work);
        if (String(work).includes('createReversal')) throw new Refusal('unavailable', 'No answer.', { cause: new Stripe.errors.StripeConnectionError({ message: 'reset', type: 'api_error' }) });
        return answer;
      },
    }, '');
    expect(await lossy.takeBack(sent)).toBe('unknown');
    const forgotten = makePayeeProvider({ run: world.port.run, withKey: (key) => world.port.withKey(`${key}:a day later`) }, '');
    expect(await forgotten.takeBack(sent)).toBe('taken');
    expect((await world.port.sdk.transfers.listReversals(sent.stripeTransfer)).data.map((one) => one.amount)).toEqual([3]);
  });
});

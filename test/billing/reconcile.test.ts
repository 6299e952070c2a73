import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import { chart } from '../../src/ledger/index.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { refusal } from './refusal.ts';
import { CLONE, noon, openWorld, type World } from './support.ts';

const SEED = process.env['RECONCILE_SEED'] ?? 'autumn';

let world: World;
let tierId: string;
beforeAll(async () => {
  world = await openWorld();
  tierId = await world.tier();
});
afterAll(async () => {
  await world.close();
});

async function reconciled(name: string): Promise<{ mended: { kind: string; object: string }[]; differences: { kind: string }[] }> {
  await world.billing.reconcile({ accountId: 'acc_owner', sessionId: 'ses_1', roles: ['operator'] }, world.key(name));
  await world.drain();
  world.clock.advance(1_000);
  return (await world.billing.listReconciliations(1)).reconciliations[0]!;
}

async function buys(fan: Actor, pack: string): Promise<void> {
  const { checkoutUrl } = await world.billing.buyCoins(fan, world.key('buyCoins'), { pack });
  expect(await world.pay(checkoutUrl)).toBe(303);
}

describe('a comparison with the processor', () => {
  it('finds nothing where nothing was missed', async () => {
    await world.subscribed(world.fan('mei'), tierId);
    await world.drain();
    expect(await reconciled('quiet')).toMatchObject({ mended: [], differences: [] });
  });

  it(`books what lost webhooks did not tell, so that the books equal the processor's (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    const { control } = world.sandbox;
    control.holdDeliveries();
    const [li, wu, eve] = ['li', 'wu', 'eve'].map((name) => world.fan(name)) as [Actor, Actor, Actor];
    const subscribed = await Promise.all([li, wu].map((fan) => world.billing.subscribe(fan, world.key('subscribe'), { cloneId: CLONE, tierId })));
    for (const { checkoutUrl } of subscribed) expect(await world.pay(checkoutUrl)).toBe(303);
    await buys(eve, 'friend');
    await buys(li, 'small');
    let lost = control.dropDeliveries(() => random.below(100) < 70);
    control.releaseDeliveries();
    await world.drain();
    await reconciled('first');
    await world.checkBooks();
    // The second month, a refund whose answer and a dispute whose news are lost.
    control.holdDeliveries();
    await world.moveTo(noon('2026-04-03'));
    await world.billing.returnCoins(eve, world.key('return'), {});
    const charges = control.book().filter((entry) => entry.type === 'charge').map((entry) => entry.source!);
    const disputed = await control.openDispute(charges[1]!);
    const other = await control.openDispute(charges[2]!);
    await control.closeDispute(other, 'won');
    lost += control.dropDeliveries(() => random.below(100) < 85);
    control.releaseDeliveries();
    await world.drain();
    const { differences } = await reconciled('second');
    expect(differences).toEqual([]);
    expect(lost).toBeGreaterThan(20);
    await world.checkBooks();
    expect((await world.billing.listDisputes(10)).disputes.map(({ disputeId, state }) => [disputeId, state]).sort()).toEqual([[disputed, 'open'], [other, 'won']].sort());
    const paid = (await world.db.asOwner('SELECT 1 FROM subscription_period')).length + (await world.db.asOwner('SELECT 1 FROM coin_lot')).length;
    expect(paid).toBe(control.book().filter((entry) => entry.type === 'charge').length);
    // Again: nothing is left to mend, and nothing is booked twice.
    expect(await reconciled('third')).toMatchObject({ mended: [], differences: [] });
    const balance = await world.port.sdk.balance.retrieve();
    const theirs = [...balance.available, ...balance.pending].reduce((sum, { amount }) => sum + BigInt(amount), 0n);
    expect(await world.balance(chart.cashInTransit('CNY'))).toBe(theirs);
  }, 60_000);

  it('books what came back of a refund that had succeeded, and it is owed until it is sent again and arrives', async () => {
    const { control } = world.sandbox;
    const operator = { accountId: 'acc_owner', sessionId: 'ses_1', roles: ['operator' as const] };
    const owed = async (): Promise<bigint> => -(await world.balance(chart.refundsOwed('CNY')));
    const refundOf = (lotOf: string): Promise<{ id: string; gross: string }[]> => world.db.asOwner(
      'SELECT stripe_refund AS id, gross_minor AS gross FROM coin_return WHERE account_id = $1 ORDER BY requested_at DESC LIMIT 1', [lotOf]);
    const li = world.fan('li');
    await world.billing.returnCoins(li, world.key('return'), {});
    await world.drain();
    const [{ id, gross } = { id: '', gross: '0' }] = await refundOf(li.accountId);
    // Its news is lost; the comparison finds it, since it compares states.
    control.holdDeliveries();
    await control.failRefund(id);
    control.dropDeliveries(() => true);
    control.releaseDeliveries();
    expect(await reconciled('returned')).toMatchObject({ mended: [{ kind: 'refund', object: id }], differences: [] });
    expect(await owed()).toBe(BigInt(gross));
    await world.checkBooks();
    expect(await reconciled('returned again')).toMatchObject({ mended: [], differences: [] });
    const [first] = (await world.billing.listOwedRefunds({ limit: 10 })).refunds;
    expect(first).toMatchObject({ state: 'owed', amountMinor: gross, failure: 'expired_or_canceled_card' });
    // Sent again, it fails once more, and then arrives. Told twice, it is sent and booked once.
    await world.billing.sendOwedRefund(operator, world.key('send'), first!.owedId);
    await world.drain();
    expect(await owed()).toBe(0n);
    const again = control.book().filter(({ type }) => type === 'refund').at(-1)!.source!;
    await control.failRefund(again);
    await world.drain();
    expect(await owed()).toBe(BigInt(gross));
    const second = (await world.billing.listOwedRefunds({ limit: 10 })).refunds[0]!;
    expect(second).toMatchObject({ state: 'owed', refundId: first!.refundId });
    await Promise.all([1, 2].map((one) => world.billing.sendOwedRefund(operator, world.key(`send ${one}`), second.owedId)));
    await world.drain();
    expect(await world.billing.sendOwedRefund(operator, world.key('send'), second.owedId)).toMatchObject({ state: 'succeeded' });
    expect(await owed()).toBe(0n);
    await world.checkBooks();
    expect(await reconciled('sent again')).toMatchObject({ mended: [], differences: [] });
    // It comes back once more, and the card is gone for good: it is paid from a bank, which the books say too.
    await control.failRefund(control.book().filter(({ type }) => type === 'refund').at(-1)!.source!);
    await world.drain();
    const { owedId } = (await world.billing.listOwedRefunds({ limit: 10 })).refunds[0]!;
    const reference = 'CMB 2026-0311';
    const other = { ...operator, accountId: 'acc_bo' };
    expect(await refusal(world.billing.approveOwedSettlement(other, world.key('early'), owedId, { reference }))).toBe('settlement_differs');
    expect(await refusal(world.billing.approveOwedSettlement(other, world.key('nothing'), 'rfd_none', { reference }))).toBe('not_found');
    expect(await refusal(world.billing.proposeOwedSettlement({ ...operator, accountId: li.accountId }, world.key('own'), owedId, { reference }))).toBe('review_party');
    // A slip of the pen is said anew. What one says books nothing, and only another who found the same payment confirms it.
    await world.billing.proposeOwedSettlement(operator, world.key('slip'), owedId, { reference: 'CMB 2026-0311?' });
    expect(await world.billing.proposeOwedSettlement(operator, world.key('said'), owedId, { reference })).toMatchObject({ state: 'owed', settlement: { reference, proposedBy: 'acc_owner', approvedBy: null } });
    expect(await owed()).toBe(BigInt(gross));
    expect(await refusal(world.billing.approveOwedSettlement(operator, world.key('alone'), owedId, { reference }))).toBe('two_people_needed');
    expect(await refusal(world.billing.approveOwedSettlement({ ...operator, accountId: li.accountId }, world.key('own'), owedId, { reference }))).toBe('review_party');
    await expect(world.billing.approveOwedSettlement(other, world.key('differs'), owedId, { reference: 'CMB 2026-0311?' })).rejects.toMatchObject({ code: 'settlement_differs', extra: { reference } });
    // PostgreSQL says the same to whoever goes past this.
    const paid = (by: string, ref: string): Promise<unknown> => world.db.asApp(`INSERT INTO refund_paid_otherwise (owed_id, reference, recorded_by, paid_at, transfer_id)
      SELECT '${owedId}', '${ref}', '${by}', now(), id FROM ledger_transfer LIMIT 1`);
    for (const [by, ref] of [['acc_owner', reference], ['acc_bo', 'CMB 2026-0311?']] as const) await expect(paid(by, ref)).rejects.toThrow(/confirmed by another person/);
    const past = world.tx((tx) => world.ledger.post(tx, {
      key: `paid_otherwise:${owedId}`, kind: 'billing.refund_paid_otherwise', effectiveDate: '2026-03-11', metadata: {},
      legs: [{ account: chart.refundsOwed('CNY'), amountMinor: 1n }, { account: chart.paidOutside('CNY'), amountMinor: -1n }],
    }));
    await expect(past).rejects.toThrow(/another approved it/);
    for (const name of ['once', 'twice']) {
      expect(await world.billing.approveOwedSettlement(other, world.key(name), owedId, { reference })).toMatchObject({ state: 'paid_otherwise', settlement: { approvedBy: 'acc_bo' } });
    }
    expect(await world.billing.proposeOwedSettlement(operator, world.key('late'), owedId, { reference: 'another' })).toMatchObject({ state: 'paid_otherwise', settlement: { reference } });
    expect([await owed(), await world.balance(chart.paidOutside('CNY'))]).toEqual([0n, -BigInt(gross)]);
    await expect(world.db.asApp(`UPDATE owed_refund SET state = 'owed'`)).rejects.toThrow(/what is owed under/);
    await world.checkBooks();
    expect(await reconciled('paid otherwise')).toMatchObject({ mended: [], differences: [] });
  });

  it('tells what it cannot mend: money that moved for nothing of ours', async () => {
    const { port } = world;
    await port.sdk.paymentIntents.create({ amount: 500, currency: 'cny', payment_method: 'pm_card_visa', confirm: true }, port.withKey('stray'));
    await world.drain();
    const { differences } = await reconciled('stray');
    const ours = await world.balance(chart.cashInTransit('CNY'));
    expect(differences).toEqual([
      expect.objectContaining({ kind: 'unknown_movement', currency: 'CNY', theirsMinor: '475' }),
      { kind: 'cash', currency: 'CNY', oursMinor: ours.toString(), theirsMinor: (ours + 475n).toString() },
    ]);
  });

  it('is done once an hour, however many processes tick, and an event of another version of the API is worked as any', async () => {
    await Promise.all([world.billing.work.reconcileSometimes(), world.billing.work.reconcileSometimes()]);
    await world.billing.work.reconcileSometimes();
    expect(await world.db.asOwner(`SELECT 1 FROM job WHERE topic = 'billing.reconcile' AND state <> 'done'`)).toHaveLength(1);
    await world.drain();
    const before = await world.db.asOwner('SELECT count(*) FROM ledger_transfer');
    const [{ invoice } = { invoice: '' }] = await world.db.asOwner<{ invoice: string }>(`SELECT stripe_invoice AS invoice FROM subscription_period LIMIT 1`);
    const body = JSON.stringify({ id: 'evt_old', object: 'event', api_version: '2019-05-16', type: 'invoice.paid', created: 1, data: { object: { id: invoice, paid: true, total: 99_999 } } });
    const [secret = ''] = await world.sandbox.webhookSecrets(world.webhookUrl);
    // A month later, signed anew as Stripe does when somebody sends it again: kept, worked, and nothing is booked.
    const sent = (): Promise<unknown> => world.billing.receiveStripeEvent(Buffer.from(body), world.port.sdk.webhooks.generateTestHeaderString({ payload: body, secret }));
    expect([await sent(), await sent()]).toEqual([{ received: true }, { received: true }]);
    await world.drain();
    expect(await world.db.asOwner(`SELECT outcome FROM stripe_event_applied WHERE event_id = 'evt_old'`)).toEqual([{ outcome: 'applied' }]);
    expect(await world.db.asOwner('SELECT count(*) FROM ledger_transfer')).toEqual(before);
  });

  it('books no refund by its metadata alone: of another charge or amount it is told and not booked', async () => {
    const { port } = world;
    const [ours] = await world.db.asOwner<{ id: string; charge: string }>('SELECT id, stripe_charge AS charge FROM coin_return ORDER BY requested_at DESC LIMIT 1');
    const [other] = await world.db.asOwner<{ charge: string }>(`SELECT stripe_charge AS charge FROM subscription_period p
      WHERE NOT EXISTS (SELECT FROM dispute d WHERE d.stripe_charge = p.stripe_charge) LIMIT 1`);
    world.sandbox.control.holdDeliveries();
    const stray = await port.sdk.refunds.create({ charge: other!.charge, amount: 100, metadata: { refundId: ours!.id } }, port.withKey('stray refund'));
    await expect(world.told('refund.updated', stray.id)).rejects.toThrow(/another payment or amount/);
    world.sandbox.control.dropDeliveries(() => true);
    world.sandbox.control.releaseDeliveries();
    await world.billing.work.runReconciliation(world.ids.next('reconciliation'));
    expect((await world.billing.listReconciliations(1)).reconciliations[0]!.differences).toEqual(expect.arrayContaining([
      expect.objectContaining({ kind: 'not_bookable', object: stray.id }), expect.objectContaining({ kind: 'unknown_movement', source: stray.id }),
    ]));
    expect(await world.db.asOwner('SELECT 1 FROM coin_return WHERE stripe_refund = $1', [stray.id])).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { recomputeFiles } from '../../src/compose/recompute.ts';
import { addDays, type Day, dayOf } from '../../src/kernel/time.ts';
import { chart } from '../../src/ledger/index.ts';
import type { SplitInput } from '../../src/royalties/index.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
let tierId: string;
beforeAll(async () => {
  world = await openRoyalties();
  tierId = await world.newTier();
  await world.signedSplit();
});
afterAll(async () => {
  await world.close();
});

const unpaid = async (payee: string): Promise<bigint> => -(await world.balance(chart.payable(payee, 'CNY')));
const held = async (payee: string): Promise<bigint> => -(await world.balance(chart.payeeReserve(payee, 'CNY')));
const debt = (payee: string): Promise<bigint> => world.balance(chart.payeeDebt(payee, 'CNY'));
const chargeOf = async (periodId: string): Promise<string> =>
  (await world.db.asOwner<{ id: string }>('SELECT stripe_charge AS id FROM subscription_period WHERE id = $1', [periodId]))[0]!.id;

async function decided(id: string, status: 'won' | 'lost'): Promise<void> {
  await world.sandbox.control.closeDispute(id, status);
  await world.drain();
  await world.checkBooks();
}

describe('a dispute of a payment that payees had their share of', () => {
  it('holds as much of their unpaid balance while it is open, and releases it when it is won', async () => {
    const periodId = await world.paid('mei', tierId);
    await world.moveTo(noon('2026-04-02'));
    await world.run('2026-04-02');
    const before = [await unpaid(world.owner.accountId), await unpaid(world.agency.accountId)];
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.drain();
    const reserves = [await held(world.owner.accountId), await held(world.agency.accountId)];
    expect([await unpaid(world.owner.accountId), await unpaid(world.agency.accountId)]).toEqual(before.map((amount, i) => amount - reserves[i]!));
    // The whole of that month's 540 was divided: nine tenths of it are theirs.
    expect(reserves[0]! + reserves[1]!).toBe(486n);
    await decided(id, 'won');
    expect([await held(world.owner.accountId), await held(world.agency.accountId)]).toEqual([0n, 0n]);
    expect([await unpaid(world.owner.accountId), await unpaid(world.agency.accountId)]).toEqual(before);
  });

  it('lost takes what is held from each leg, and after a payout the rest is that payee\'s debt', async () => {
    const periodId = await world.paid('li', tierId);
    await world.moveTo(noon('2026-05-04'));
    await world.run('2026-05-04');
    const [pot] = await world.db.asOwner<{ id: string; amount: string }>(
      `SELECT p.id, sum(e.amount_minor)::text AS amount FROM royalty_run_entry e JOIN royalty_pot p ON p.id = e.pot_id WHERE e.period_id = $1 GROUP BY 1`, [periodId]);
    expect(pot).toBeDefined();
    const total = (await unpaid(world.owner.accountId)) + (await unpaid(world.agency.accountId)) + (await unpaid('platform'));
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.drain();
    const reserve = await held(world.agency.accountId);
    expect(reserve).toBeGreaterThan(0n);
    await decided(id, 'lost');
    const after = (await unpaid(world.owner.accountId)) + (await unpaid(world.agency.accountId)) + (await unpaid('platform'));
    // Everything that this payment brought them is gone, and nothing else; nobody owes.
    expect(total - after).toBe(BigInt(pot!.amount));
    expect([await held(world.owner.accountId), await held(world.agency.accountId), await debt(world.agency.accountId)]).toEqual([0n, 0n, 0n]);
    expect(await world.balance(chart.disputesPending('CNY'))).toBe(0n);
    // Its statement names the dispute and what was held for it.
    const { statements } = await world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay: '2026-05-03' });
    expect(statements.length).toBeGreaterThan(1);
  });

  it('that comes when everything was paid out leaves debts, netted once from later earnings', async () => {
    const periodId = await world.paid('wu', tierId);
    await world.moveTo(noon('2026-06-06'));
    await world.run('2026-06-06');
    await world.onboard(world.agency);
    const { accountId } = world.agency;
    await world.moveTo(noon('2026-06-12'));
    await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { payees: [accountId], minimumMinor: '1' });
    await world.drain();
    expect(await unpaid(accountId)).toBe(0n);
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.drain();
    expect(await held(accountId)).toBe(0n);
    await decided(id, 'lost');
    const owes = await debt(accountId);
    expect(owes).toBeGreaterThan(0n);
    await world.paid('eve', tierId);
    await world.moveTo(noon('2026-07-20'));
    await world.run('2026-07-20');
    expect(await debt(accountId)).toBe(0n);
    await world.checkBooks();
  });
});

describe('a payment that is disputed before anything of it was divided', () => {
  it('is held at each run that divides what it earned, so that losing it leaves no debt after a payout', async () => {
    const periodId = await world.paid('crowd', tierId);
    const from = (await world.tx((tx) => world.billing.period(tx, periodId)))!.startDay;
    const { accountId } = world.agency;
    expect(await debt(accountId)).toBe(0n);
    await world.moveTo(noon(from, 5));
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.drain();
    expect(await held(accountId)).toBe(0n);
    // Nine tenths of what was divided of it are theirs, but for the cent by which shares of a pot are rounded.
    const holds = async (): Promise<void> => {
      const [{ amount } = { amount: '' }] = await world.db.asOwner<{ amount: string }>('SELECT sum(amount_minor)::text AS amount FROM royalty_run_entry WHERE period_id = $1', [periodId]);
      const off = BigInt(amount) * 9n - 10n * ((await held(world.owner.accountId)) + (await held(accountId)));
      expect(off > -20n && off < 20n).toBe(true);
    };
    for (const days of [10, 20]) {
      await world.moveTo(noon(from, days));
      const before = [await held(world.owner.accountId), await held(accountId)];
      const dry = await world.run(addDays(from, days), true);
      expect([await held(world.owner.accountId), await held(accountId)]).toEqual(before);
      const run = await world.run(addDays(from, days));
      await holds();
      // The dry run had said what would be held, and both name the dispute.
      expect(run.heldForDisputes).toEqual(dry.heldForDisputes);
      const heldNow = new Map(run.heldForDisputes.map((one) => [one.payee, one.amountMinor]));
      expect(run.heldForDisputes.map((one) => one.disputeId)).toEqual([id, id]);
      expect([heldNow.get(world.owner.accountId), heldNow.get(accountId)]).toEqual([`${await held(world.owner.accountId) - before[0]!}`, `${await held(accountId) - before[1]!}`]);
    }
    // What is unpaid of other payments is paid out; what is disputed is not.
    await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { payees: [accountId], minimumMinor: '1' });
    await world.drain();
    expect(await unpaid(accountId)).toBe(0n);
    await decided(id, 'lost');
    expect([await held(accountId), await debt(accountId)]).toEqual([0n, 0n]);
  });
});

describe('a stop whose refund is on its way when the payment is disputed', () => {
  it('fails there: lost, unused days come out of what was not earned, and delivered ones from who received them', async () => {
    const periodId = await world.paid('slow', tierId);
    const from = (await world.tx((tx) => world.billing.period(tx, periodId)))!.startDay;
    await world.moveTo(noon(from, 15));
    await world.run(addDays(from, 15));
    const total = async (): Promise<bigint> => (await unpaid(world.owner.accountId)) + (await unpaid(world.agency.accountId)) + (await unpaid('platform'));
    const losses = chart.platformExpense('dispute_losses', 'CNY');
    const before = [await total(), await world.balance(losses)] as const;
    const [got] = await world.db.asOwner<{ amount: string }>('SELECT sum(amount_minor)::text AS amount FROM royalty_run_entry WHERE period_id = $1', [periodId]);
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_soon', cloneId: world.cloneId, at: world.clock.now(), final: false, reason: 'undelivered' }));
    await world.billing.work.settleStop('stp_soon', 'job_soon');
    const id = await world.sandbox.control.openDispute(await chargeOf(periodId));
    await world.told('charge.dispute.created', id);
    const claim = async (): Promise<string | undefined> => (await world.billing.listDisputes(10)).disputes.find(({ disputeId }) => disputeId === id)?.claimMinor;
    const early = await held(world.owner.accountId);
    expect(await claim()).not.toBe('600');
    await world.drain();
    expect(await claim()).toBe('600');
    expect(await held(world.owner.accountId)).toBeGreaterThanOrEqual(early);
    await decided(id, 'lost');
    expect([await total(), await world.balance(losses)]).toEqual([before[0] - BigInt(got!.amount), before[1]]);
    expect(await held(world.owner.accountId)).toBe(0n);
    const [{ deferred } = { deferred: '' }] = await world.db.asOwner<{ deferred: string }>(
      `SELECT coalesce(sum(e.amount_minor), 0)::text AS deferred FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq JOIN ledger_account a ON a.id = e.account_id
       WHERE a.code LIKE 'deferred:%' AND t.metadata->>'periodId' = $1`, [periodId]);
    expect(deferred).toBe('0');
  });
});

describe('an output that coins paid for', () => {
  it('is divided by the split, and asked back of the payees when the coins\' payment is lost', async () => {
    const fan = world.fan('late');
    const { checkoutUrl } = await world.billing.buyCoins(fan, world.key('buyCoins'), { pack: 'friend' });
    expect(await world.pay(checkoutUrl)).toBe(303);
    await world.drain();
    const { holdId } = await world.tx((tx) => world.billing.holdCoins(tx, {
      accountId: fan.accountId, cloneId: world.cloneId, tierId, outputId: 'out_1', coins: 42n, at: world.clock.now(),
    }));
    await world.tx((tx) => world.billing.capture(tx, holdId, { releaseId: 'rel_1', at: world.clock.now() }));
    const today = addDays(dayOf(world.clock.now()), 2);
    await world.moveTo(noon(today));
    await world.run(today);
    const earned = await unpaid(world.owner.accountId);
    const [entry] = await world.db.asOwner<{ amount: string }>('SELECT amount_minor::text AS amount FROM royalty_run_entry WHERE period_id = $1', [holdId]);
    // 567 net of tax for 42 coins, less the 27 that the processor kept.
    expect(entry).toEqual({ amount: '540' });
    const [lot] = await world.db.asOwner<{ charge: string }>('SELECT stripe_charge AS charge FROM coin_lot');
    const id = await world.sandbox.control.openDispute(lot!.charge);
    await world.drain();
    await decided(id, 'lost');
    expect(await unpaid(world.owner.accountId)).toBeLessThan(earned);
    expect(await world.balance(chart.fanDebt(fan.accountId, 'CNY'))).toBe(27n);
    expect(await world.balance(chart.disputesPending('CNY'))).toBe(0n);
  });
});

describe('a dispute', () => {
  let first: Day;
  const on = (days: number): Day => addDays(first, days);
  let clone: string;
  let own: string;
  async function signed(effectiveFrom: string, terms: Pick<SplitInput, 'base' | 'reserve'> = {}): Promise<void> {
    const legs = [{ payee: world.owner.accountId, basisPoints: 7_000 }, { payee: world.agency.accountId, basisPoints: 2_000 }, { payee: 'platform', basisPoints: 1_000 }];
    const draft = await world.royalties.draftSplit(world.owner.actor, world.key('draftSplit'), clone, { legs, effectiveFrom, ...terms });
    for (const person of [world.owner, world.agency, world.operator]) {
      await world.royalties.signSplit(person.actor, world.key('signSplit'), draft.splitId, { signature: await world.signature(person, draft.document) });
    }
  }
  const run = (throughDay: string): ReturnType<RoyaltiesWorld['run']> =>
    world.royalties.runRoyalties(world.operator.actor, world.key('runRoyalties'), { cloneId: clone, throughDay });
  async function paidOut(): Promise<void> {
    await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { minimumMinor: '1' });
    await world.drain();
  }
  /** A pack of 42 coins for 600, spent on two outputs. */
  async function packOf(name: string): Promise<string> {
    const fan = world.fan(name);
    const { checkoutUrl } = await world.billing.buyCoins(fan, world.key('buyCoins'), { pack: 'friend' });
    expect(await world.pay(checkoutUrl)).toBe(303);
    await world.drain();
    for (const outputId of [`out_${name}_1`, `out_${name}_2`]) {
      const { holdId } = await world.tx((tx) => world.billing.holdCoins(tx, { accountId: fan.accountId, cloneId: clone, tierId: own, outputId, coins: 21n, at: world.clock.now() }));
      await world.tx((tx) => world.billing.capture(tx, holdId, { releaseId: `rel_${outputId}`, at: world.clock.now() }));
    }
    return (await world.db.asOwner<{ charge: string }>('SELECT stripe_charge AS charge FROM coin_lot WHERE account_id = $1 ORDER BY id DESC LIMIT 1', [fan.accountId]))[0]!.charge;
  }
  async function disputed(charge: string): Promise<string> {
    const id = await world.sandbox.control.openDispute(charge);
    await world.drain();
    return id;
  }

  it('of a pack that bought two divided outputs holds the shares of both', async () => {
    first = dayOf(world.clock.now());
    clone = await world.newClone(world.owner, 'lin-ya-3');
    own = (await world.billing.createTier(world.owner.actor, world.key('createTier'), { cloneId: clone, name: 'friend', priceMinor: '600', voiceOutputsPerPeriod: 100 })).tierId;
    await world.drain();
    await signed(on(0));
    await world.onboard(world.owner);
    await paidOut();
    const charge = await packOf('a');
    await world.moveTo(noon(on(2)));
    await run(on(2));
    const id = await disputed(charge);
    // Two outputs of 270 by 70 % and 20 %.
    expect([await held(world.owner.accountId), await held(world.agency.accountId), await unpaid(world.owner.accountId)]).toEqual([378n, 108n, 0n]);
    await decided(id, 'won');
    expect([await held(world.owner.accountId), await unpaid(world.owner.accountId), await unpaid(world.agency.accountId)]).toEqual([0n, 378n, 108n]);
    await paidOut();
  });

  it('from before the first run holds what that run divides; what the unpaid balance lacks comes out of the clone\'s own reserve', async () => {
    // From now on a tenth of each run is held for a month, and the shares are of the price.
    await signed(on(3), { base: 'gross', reserve: { basisPoints: 1_000, days: 30 } });
    await world.moveTo(noon(on(3)));
    const [charge, other] = [await packOf('b'), await packOf('c')];
    const id = await disputed(charge);
    expect(await held(world.owner.accountId)).toBe(0n);
    await world.moveTo(noon(on(4)));
    await run(on(4));
    // Two payments of 600 by 70 %: 840, of which 84 are reserved and 420 disputed.
    expect([await held(world.owner.accountId), await unpaid(world.owner.accountId)]).toEqual([504n, 336n]);
    expect([await held(world.agency.accountId), await unpaid(world.agency.accountId)]).toEqual([144n, 96n]);
    await paidOut();
    // The other payment: nothing is unpaid any more, so the reserve is what can be held for it, and no day gives it back.
    const second = await disputed(other);
    const lots = await world.db.asOwner<{ dated: boolean; sum: string }>(
      `SELECT due_day IS NOT NULL AS dated, sum(left_minor)::text AS sum FROM royalty_reserve WHERE payee = $1 AND left_minor > 0 GROUP BY 1`, [world.owner.accountId]);
    expect(lots).toEqual([{ dated: false, sum: '504' }]);
    await decided(id, 'lost');
    expect([await held(world.owner.accountId), await debt(world.owner.accountId)]).toEqual([84n, 0n]);
    await decided(second, 'lost');
    // Of the 420 that it brought her, 84 were held; the rest she was paid, and owes.
    expect([await held(world.owner.accountId), await unpaid(world.owner.accountId), await debt(world.owner.accountId)]).toEqual([0n, 0n, 336n]);
  });

  it('is worked out again from the files, and led back to the payments behind it', async () => {
    const { royalties, owner, operator } = world;
    await royalties.closeStatements(operator.actor, world.key('closeStatements'), { throughDay: on(4) });
    const [{ statementId } = { statementId: '' }] = (await royalties.listStatements(owner.actor)).statements;
    const statement = await royalties.getStatement(owner.actor, statementId);
    const events = await royalties.exportStatementEvents(owner.actor, statementId);
    const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
    expect(recomputeFiles(bytes(statement), [bytes(events)]).lines.filter((line) => !line.startsWith('same'))).toEqual([expect.stringMatching(/^All \d+ figures/)]);
    const lost = events.entries.filter((entry) => entry.transferKind === 'royalties.dispute_lost');
    expect(lost.length).toBeGreaterThan(3);
    expect(lost.every((entry) => (entry.returns ?? []).length > 0)).toBe(true);
    // A cent moved from one leg to another in a lost dispute is seen.
    const forged = structuredClone(events);
    const [entry] = forged.entries.filter((one) => one.transferKind === 'royalties.dispute_lost');
    entry!.amountMinor = (BigInt(entry!.amountMinor) + 1n).toString();
    expect(recomputeFiles(bytes(statement), [bytes(forged)]).lines).toContainEqual(expect.stringMatching(/^DIFFERENT {2}refund \S+: returned/));
    const { document } = statement.receipt;
    if (document.schemaVersion !== 2) return expect.unreachable();
    const lines = [...document.lines, ...document.debt.lines, ...document.reserve.lines].filter((one) => one.transferKind.startsWith('royalties.dispute_'));
    expect(new Set(lines.map((one) => one.kind))).toEqual(new Set(['disputes', 'reserve_held', 'reserve_released']));
    for (const line of lines) {
      const explained = await royalties.explainStatementLine(owner.actor, statementId, line.lineId);
      expect([line.transferKind, explained.sources.length > 0, explained.sources.every((one) => (one.outputId !== null || one.charge !== null) && one.tierName === 'friend')]).toEqual([line.transferKind, true, true]);
      if (line.kind === 'disputes') expect(explained.pots.length).toBeGreaterThan(0);
    }
  });

  it('that is lost takes the run\'s reserve before it makes a debt', async () => {
    await world.moveTo(noon(on(5)));
    const charge = await packOf('eve');
    await world.moveTo(noon(on(6)));
    await run(on(6));
    // Her debt of 336 was netted from the 420; a tenth was held of what was left to hold.
    expect([await debt(world.owner.accountId), await held(world.owner.accountId), await unpaid(world.owner.accountId)]).toEqual([0n, 42n, 42n]);
    await paidOut();
    await decided(await disputed(charge), 'lost');
    expect([await held(world.owner.accountId), await unpaid(world.owner.accountId), await debt(world.owner.accountId)]).toEqual([0n, 0n, 378n]);
  });
});

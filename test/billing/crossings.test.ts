import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { chart } from '../../src/ledger/index.ts';
import { until } from '../support/until.ts';
import { refusal } from './refusal.ts';
import { CLONE, openWorld, type World } from './support.ts';

describe('coins that an output under way holds, whose payment is lost while it is released', () => {
  /** A moment that a test decides. */
  function moment(): { come: () => void; comes: Promise<void> } {
    let come = (): void => undefined;
    const comes = new Promise<void>((done) => {
      come = done;
    });
    return { come, comes };
  }

  it.each(['the release', 'the loss'])('are had once: by whoever came first, here %s', async (first) => {
    const inside = moment();
    const goOn = moment();
    let stays = first === 'the loss';
    const other = await openWorld({
      deps: {
        disputes: {
          lockClones: async () => undefined, holdForDispute: async () => undefined, loseDispute: async () => undefined,
          // The end of the loss: the coins are taken, and nothing is committed yet.
          releaseDispute: async () => {
            if (!stays) return;
            stays = false;
            inside.come();
            await goOn.comes;
          },
        },
      },
    });
    try {
      const { accountId } = other.fan('mei');
      const tier = await other.tier();
      const { checkoutUrl } = await other.billing.buyCoins(other.fan('mei'), other.key('buyCoins'), { pack: 'friend' });
      await other.pay(checkoutUrl);
      await other.drain();
      const { holdId } = await other.tx((tx) => other.billing.holdCoins(tx, { accountId, cloneId: CLONE, tierId: tier, outputId: 'out_race', coins: 42n, at: other.clock.now() }));
      const [{ id: paid } = { id: '' }] = await other.db.asOwner<{ id: string }>('SELECT stripe_charge AS id FROM coin_lot');
      const id = await other.sandbox.control.openDispute(paid);
      await other.drain();
      other.sandbox.control.holdDeliveries();
      await other.sandbox.control.closeDispute(id, 'lost');
      const released = (): Promise<string> => refusal(other.tx(async (tx) => {
        await other.billing.capture(tx, holdId, { releaseId: 'rel_race', at: other.clock.now() });
        if (first !== 'the release') return;
        inside.come();
        await goOn.comes;
      }));
      const lost = (): Promise<string> => refusal(other.told('charge.dispute.closed', id));
      const [one, two] = first === 'the release' ? [released, lost] : [lost, released];
      const begun = one();
      await inside.comes;
      const follows = two();
      // The other one stands before the same row, in PostgreSQL.
      await until(async () => (await other.db.asOwner('SELECT 1 FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()')).length > 0);
      goOn.come();
      const answers = [await begun, await follows];
      expect(answers).toEqual(first === 'the release' ? ['none', 'none'] : ['none', 'hold_state']);
      const [{ state } = { state: '' }] = await other.db.asOwner<{ state: string }>('SELECT state FROM coin_spend WHERE id = $1', [holdId]);
      expect(state).toBe(first === 'the release' ? 'captured' : 'voided');
      // Either way nothing is left of them, and the output was earned only where it was had.
      expect(await other.billing.getWallet(other.fan('mei'))).toMatchObject({ availableCoins: '0', heldCoins: '0', debtMinor: '0', lots: [{ state: 'lost', leftCoins: '0' }] });
      expect(-(await other.balance(chart.earned(CLONE, tier, 'CNY')))).toBe(first === 'the release' ? 540n : 0n);
      other.sandbox.control.releaseDeliveries();
      await other.drain();
      await other.checkBooks();
    } finally {
      goOn.come();
      await other.close();
    }
  });
});

describe('a payment that was returned, and that the fan\'s bank asks for besides,', () => {
  let world: World;
  const at = (account: { code: string }): Promise<bigint> => world.balance(account);
  const losses = chart.platformExpense('dispute_losses', 'CNY');
  const charge = async (): Promise<string> => (await world.db.asOwner<{ id: string }>('SELECT stripe_charge AS id FROM subscription_period'))[0]!.id;
  async function dispute(amountMinor: bigint): Promise<string> {
    const id = await world.sandbox.control.openDispute(await charge(), { amountMinor });
    await world.drain();
    return id;
  }
  async function decided(id: string, status: 'won' | 'lost'): Promise<void> {
    await world.sandbox.control.closeDispute(id, status);
    await world.drain();
    await world.checkBooks();
  }
  beforeEach(async () => {
    world = await openWorld();
    await world.subscribed(world.fan('mei'), await world.tier());
    await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: world.clock.now() }));
    await world.drain();
  });
  afterEach(() => world.close());

  it('whose refund came back pays what is owed for it, and nobody pays that once more', async () => {
    await world.sandbox.control.failRefund(world.sandbox.control.book().filter(({ type }) => type === 'refund').at(-1)!.source!);
    await world.drain();
    const owedNow = async () => (await world.billing.listOwedRefunds({})).refunds;
    const [{ owedId } = { owedId: '' }] = await owedNow();
    const operator = { accountId: 'acc_owner', sessionId: 'ses_1', roles: ['operator' as const] };
    const id = await dispute(400n);
    // While the bank asks, nobody knows what will be owed.
    expect(await refusal(world.billing.sendOwedRefund(operator, world.key('send'), owedId))).toBe('payment_disputed');
    expect(await refusal(world.billing.proposeOwedSettlement(operator, world.key('said'), owedId, { reference: 'by hand' }))).toBe('payment_disputed');
    await decided(id, 'lost');
    expect(await owedNow()).toMatchObject([{ state: 'owed', amountMinor: '200' }, { owedId, state: 'taken_by_bank', amountMinor: '600' }]);
    expect([await at(losses), await at(chart.refundsOwed('CNY')), await at(chart.disputesPending('CNY')), await at(chart.deferred(CLONE, 'CNY'))]).toEqual([0n, -200n, 0n, 0n]);
    await expect(world.db.asApp(`UPDATE owed_refund SET state = 'owed', settled_at = NULL WHERE id = '${owedId}'`)).rejects.toThrow(/is taken_by_bank/);
  });

  it('whose refund comes back after it was lost is the platform\'s loss no more, and owed to nobody', async () => {
    await decided(await dispute(400n), 'lost');
    expect(await at(losses)).toBe(400n);
    await world.sandbox.control.failRefund(world.sandbox.control.book().filter(({ type }) => type === 'refund').at(-1)!.source!);
    await world.drain();
    // The bank has given 400 of the 600: the fan is owed the others.
    expect((await world.billing.listOwedRefunds({})).refunds).toMatchObject([{ state: 'owed', amountMinor: '200' }, { state: 'taken_by_bank', amountMinor: '600' }]);
    expect([await at(losses), await at(chart.refundsOwed('CNY'))]).toEqual([0n, -200n]);
    await world.checkBooks();
  });
});

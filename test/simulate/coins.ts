import { expectRefusal } from './attacks.ts';
import { open, pay, people } from './fans.ts';
import { spendable } from './reference/coins.ts';
import { dayOf, isoDay, monthAfter } from './reference/days.ts';
import { feeOf, GOOD_CARD, type OpenDispute, type Story } from './story.ts';

/** What fans do with coins. Each answers false when it is not possible just now. */

const PACKS = [{ pack: 'friend', coins: 42, minor: 600n }, { pack: 'small', coins: 70, minor: 1_000n }, { pack: 'work', coins: 210, minor: 3_000n }] as const;

const actorOf = (fan: string): { accountId: string; sessionId: string; roles: [] } => ({ accountId: fan, sessionId: `ses_${fan}`, roles: [] });

/** A pack, by a new fan or by one who has coins already. */
async function buy(story: Story): Promise<boolean> {
  const { stage } = story;
  if (story.late) return false;
  const old = [...new Set(story.lots.map(({ fan }) => fan))];
  const fan = old.length > 0 && story.random.below(2) === 0 ? story.pick(old) : await people(story);
  const { pack, coins, minor } = story.pick(PACKS);
  const { purchaseId, checkoutUrl } = await stage.rooms.billing.buyCoins(actorOf(fan), stage.key('buyCoins'), { pack });
  if ((await pay(checkoutUrl ?? '', GOOD_CARD)) !== 303) throw new Error('a good card has not paid for coins');
  await story.settle({ mortal: story.random.below(2) === 0 });
  const [row] = await stage.ask<{ id: string }>('SELECT id FROM coin_lot WHERE purchase_id = $1', [purchaseId]);
  if (row === undefined) throw new Error('a pack that was paid for is no lot');
  story.lots.push({ lot: row.id, fan, grossMinor: minor, disputed: false, returned: false });
  story.happen({ what: 'coins_bought', lot: row.id, fan, coins, grossMinor: minor, feeMinor: feeOf(stage, minor) });
  return true;
}

/** Coins for outputs: one delivered, one not, one that there are not enough for. */
async function spend(story: Story): Promise<boolean> {
  const { stage } = story;
  const { billing } = stage.rooms;
  const rich = story.lots.map(({ fan }) => fan).filter((fan) => spendable(story.reference.books, fan) >= 3);
  const clones = open(story);
  if (rich.length === 0 || clones.length === 0) return false;
  const [fan, clone] = [story.pick(rich), story.pick(clones)];
  const { tierId } = story.pick(clone.tiers);
  const at = stage.clock.now();
  const number = story.counts.get('spend_coins') ?? 0;
  const most = Math.floor(spendable(story.reference.books, fan) / 2);
  const hold = async (name: string, coins: number): Promise<string> => (await stage.tx((tx) => billing.holdCoins(tx, {
    accountId: fan, cloneId: clone.cloneId, tierId, outputId: `out_coins_${name}_${number}`, coins: BigInt(coins), at,
  }))).holdId;
  const held: { spend: string; coins: number }[] = [];
  for (const name of ['a', 'b']) {
    const coins = 1 + story.random.below(most);
    const id = await hold(name, coins);
    held.push({ spend: id, coins });
    story.happen({ what: 'coins_held', spend: id, fan, coins, cloneId: clone.cloneId, tierId });
  }
  if ((await expectRefusal(hold('c', spendable(story.reference.books, fan) + 1))) !== 'coins_insufficient') throw new Error('coins were spent that nobody has');
  const [given, kept] = story.random.below(2) === 0 ? [held[0]!, held[1]!] : [held[1]!, held[0]!];
  await stage.tx((tx) => billing.void(tx, given.spend, { reason: 'render_failed', at }));
  story.happen({ what: 'coins_voided', spend: given.spend });
  await stage.tx((tx) => billing.capture(tx, kept.spend, { releaseId: `rel_${kept.spend}`, at }));
  story.happen({ what: 'coins_captured', spend: kept.spend, at: story.now });
  return true;
}

/** A month of a tier paid ahead; it does not renew. */
async function prepay(story: Story): Promise<boolean> {
  const { stage } = story;
  const choices = story.lots.flatMap(({ fan }) => open(story).flatMap((clone) => clone.tiers.map((tier) => ({ fan, clone, tier, coins: Number((tier.priceMinor * 7n + 99n) / 100n) }))))
    .filter(({ fan, clone, coins }) => spendable(story.reference.books, fan) >= coins && !story.prepaid.has(`${fan} ${clone.cloneId}`));
  if (choices.length === 0) return false;
  const { fan, clone, tier, coins } = story.pick(choices);
  story.prepaid.add(`${fan} ${clone.cloneId}`);
  await stage.rooms.billing.buyPrepaidMonth(actorOf(fan), stage.key('buyPrepaidMonth'), { cloneId: clone.cloneId, tierId: tier.tierId });
  const [row] = await stage.ask<{ spend: string; days: number }>(
    'SELECT stripe_charge AS spend, days FROM subscription_period WHERE account_id = $1 AND clone_id = $2', [fan, clone.cloneId]);
  const startDay = story.today;
  const days = dayOf(monthAfter(startDay * 86_400, 1) - 8 * 3_600) - startDay;
  if (row === undefined || row.days !== days) throw new Error(`a prepaid month has ${row?.days ?? 'no'} days, the calendar says ${days}`);
  story.happen({ what: 'month_prepaid', spend: row.spend, period: `${fan} ${clone.cloneId} ${isoDay(startDay)}`, fan, coins, cloneId: clone.cloneId, tierId: tier.tierId, startDay, days });
  for (const lot of story.lots) if (lot.fan === fan) lot.returned = true;
  return true;
}

/** All that a fan has not spent goes back to money. */
async function giveBack(story: Story): Promise<boolean> {
  const { stage } = story;
  if (story.late) return false;
  const possible = story.lots.filter(({ fan }) => spendable(story.reference.books, fan) > 0);
  if (possible.length === 0) return false;
  const { fan } = story.pick(possible);
  await stage.rooms.billing.returnCoins(actorOf(fan), stage.key('returnCoins'), {});
  await story.settle({ mortal: true });
  story.happen({ what: 'coins_returned', fan });
  for (const lot of story.lots) if (lot.fan === fan) lot.returned = true;
  return true;
}

/** A bank takes a pack back, whose coins are spent in part. */
async function openOn(story: Story): Promise<OpenDispute | null> {
  const { stage } = story;
  const possible = story.lots.filter((lot) => !lot.disputed && !lot.returned);
  if (possible.length === 0) return null;
  const spent = possible.filter(({ lot }) => [...story.reference.books.wallets.spends.values()].some(({ coins }) => coins.some((coin) => coin.lot === lot)));
  const pack = story.pick(spent.length > 0 ? spent : possible);
  const [row] = await stage.ask<{ charge: string }>('SELECT stripe_charge AS charge FROM coin_lot WHERE id = $1', [pack.lot]);
  const { openDispute, closeDispute, book } = stage.sandbox.control;
  const id = await openDispute(row?.charge ?? '');
  await story.settle({ mortal: true });
  const taken = book().find((entry) => entry.platform && entry.type === 'adjustment' && entry.source === id);
  pack.disputed = true;
  story.happen({ what: 'lot_disputed', dispute: id, lot: pack.lot, grossMinor: pack.grossMinor, feeMinor: taken?.feeMinor ?? 0n });
  return {
    id, since: story.now, clone: null, across: new Set(),
    async decide(outcome) {
      await closeDispute(id, outcome);
      await story.settle({ mortal: true });
      story.happen({ what: 'lot_decided', dispute: id, lot: pack.lot, lost: outcome === 'lost', grossMinor: pack.grossMinor });
    },
  };
}

async function dispute(story: Story, outcome: 'won' | 'lost'): Promise<boolean> {
  const one = story.late ? null : await openOn(story);
  await one?.decide(outcome);
  return one !== null;
}

/** It is decided some day, with the other disputes that were left open. */
async function leaveOpen(story: Story): Promise<boolean> {
  const one = story.late ? null : await openOn(story);
  if (one !== null) story.disputes.push(one);
  return one !== null;
}

export const COINS: Readonly<Record<string, (story: Story) => Promise<boolean>>> = {
  buy_coins: buy, spend_coins: spend, prepaid_month: prepay, return_coins: giveBack,
  coin_dispute_won: (story) => dispute(story, 'won'), coin_dispute_lost: (story) => dispute(story, 'lost'), coin_dispute_left_open: leaveOpen,
};

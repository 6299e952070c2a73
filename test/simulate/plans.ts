import { expectRefusal } from './attacks.ts';
import { living, open, people } from './fans.ts';
import { dayOf, isoDay, monthAfter } from './reference/days.ts';
import { feeOf, GOOD_CARD, HOUR, type Sale, type Story } from './story.ts';

/** What becomes of a subscription that runs: dearer plans, other prices, late payments; and turns that cost nothing. */

async function subscriptionOf(story: Story, sale: Sale): Promise<{ id: string; stripe: string }> {
  const [row] = await story.stage.ask<{ id: string; stripe: string }>(
    `SELECT id, stripe_subscription AS stripe FROM subscription WHERE account_id = $1 AND clone_id = $2 AND stripe_subscription IS NOT NULL`, [sale.fan, sale.clone.cloneId]);
  if (row === undefined) throw new Error(`the books have no subscription of ${sale.fan}`);
  return row;
}

const actorOf = (sale: Sale): { accountId: string; sessionId: string; roles: [] } => ({ accountId: sale.fan, sessionId: `ses_${sale.fan}`, roles: [] });

/** The only running period of a sale; null when it is not as simple as that. */
function running(story: Story, sale: Sale): Story['periods'][number] | null {
  const all = story.periods.filter((period) => period.sale === sale);
  const last = all.at(-1);
  if (last === undefined || last.disputed !== 'never' || last.shared || last.returned.size > 0 || story.reference.books.period(last.key).ended) return null;
  const renewal = monthAfter(sale.at, sale.booked);
  return story.now > renewal - 2 * HOUR || story.today <= last.startDay ? null : last;
}

/** A dearer tier at once: unused days are credited, and a new period begins today. */
async function upgrade(story: Story): Promise<boolean> {
  const { stage } = story;
  if (story.late) return false;
  await story.settle();
  const possible = living(story).filter((sale) => sale.interval === 'month' && sale.clone.pausedAt === null
    && sale.clone.tiers[0]!.tierId === sale.tierId && sale.agreed.length === 0 && running(story, sale) !== null);
  if (possible.length === 0) return false;
  const sale = story.pick(possible);
  const old = running(story, sale)!;
  const { tierId, priceMinor } = sale.clone.tiers[1]!;
  const { id } = await subscriptionOf(story, sale);
  const shown = await stage.rooms.billing.quotePlanChange(actorOf(sale), id, { tierId, interval: 'month' });
  const startDay = story.today;
  const days = dayOf(monthAfter(story.now, 1)) - startDay;
  const key = `${sale.fan} ${sale.clone.cloneId} ${isoDay(startDay)}`;
  const { creditMinor } = story.reference.creditOf(old.key, startDay);
  if (shown.creditMinor !== String(creditMinor)) throw new Error(`a change credits ${shown.creditMinor}, the model says ${creditMinor}`);
  const chargeMinor = priceMinor - creditMinor;
  await stage.rooms.billing.changePlan(actorOf(sale), stage.key('changePlan'), id, { tierId, interval: 'month', chargeMinor: String(chargeMinor) });
  await story.settle({ mortal: true });
  sale.endedAt = story.now;
  const next: Sale = { ...sale, tierId, priceMinor, at: story.now, endedAt: Infinity, booked: 1 };
  story.sales.push(next);
  story.periods.push({ key, sale: next, startDay, days, returned: new Set(), disputed: 'never', shared: true });
  story.happen({ what: 'carried', from: old.key, earlier: story.periods.filter((one) => one.sale === sale && one !== old).map((one) => one.key), period: `${key} carried`, tierId, startDay, days });
  story.happen({ what: 'paid', period: key, cloneId: sale.clone.cloneId, tierId, grossMinor: chargeMinor, feeMinor: feeOf(stage, chargeMinor), startDay, days });
  return true;
}

/** A cheaper tier waits for the end of what is paid; some think again. */
async function downgrade(story: Story): Promise<boolean> {
  const { stage } = story;
  if (story.late) return false;
  await story.settle();
  const possible = living(story).filter((sale) => sale.interval === 'month' && sale.clone.pausedAt === null && sale.agreed.length === 0
    && sale.clone.tiers[1]!.tierId === sale.tierId && running(story, sale) !== null);
  if (possible.length === 0) return false;
  const sale = story.pick(possible);
  const { tierId, priceMinor } = sale.clone.tiers[0]!;
  const { id } = await subscriptionOf(story, sale);
  const to = { tierId, interval: 'month' } as const;
  const shown = await stage.rooms.billing.quotePlanChange(actorOf(sale), id, to);
  if (shown.effect !== 'period_end' || shown.chargeMinor !== '0' || shown.creditMinor !== '0') throw new Error(`a cheaper plan is ${JSON.stringify(shown)}`);
  await stage.rooms.billing.changePlan(actorOf(sale), stage.key('changePlan'), id, { ...to, chargeMinor: shown.chargeMinor });
  await story.settle({ mortal: true });
  if (story.random.below(5) > 0) sale.agreed = [{ from: sale.booked, priceMinor, tierId }];
  else await stage.rooms.billing.withdrawPlanChange(actorOf(sale), stage.key('withdrawPlanChange'), id);
  await story.settle();
  return true;
}

/** The owner asks another price: whoever agrees pays it from the next renewal on, and nobody else does. */
async function changePrice(story: Story): Promise<boolean> {
  const { stage } = story;
  if (story.late || open(story).length === 0) return false;
  await story.settle();
  const clone = story.pick(open(story));
  const tier = story.pick(clone.tiers);
  const priceMinor = tier.priceMinor + BigInt(1 + story.random.below(90));
  const offer = await stage.rooms.billing.changeTierOffer(clone.owner.actor, stage.key('changeTierOffer'), { cloneId: clone.cloneId, tierId: tier.tierId, priceMinor: String(priceMinor) });
  tier.priceMinor = priceMinor;
  await story.settle();
  const fans = living(story).filter((sale) => sale.tierId === tier.tierId && sale.interval === 'month' && story.now < monthAfter(sale.at, sale.booked) - 2 * HOUR);
  if (fans.length === 0) return true;
  const sale = story.pick(fans);
  await stage.rooms.billing.acceptTierOffer(actorOf(sale), stage.key('acceptTierOffer'), (await subscriptionOf(story, sale)).id, { offerVersion: offer.offerVersion });
  sale.agreed = [...sale.agreed.filter(({ from }) => from < sale.booked), { from: sale.booked, priceMinor }];
  story.count('price_accepted');
  await story.settle();
  return true;
}

/** A renewal that was declined, and is paid within the grace with another card. */
async function recover(story: Story): Promise<boolean> {
  const { stage } = story;
  if (story.late) return false;
  await story.settle();
  const due = (sale: Sale): number => monthAfter(sale.at, 1) + HOUR;
  // A long story waits for it a few days at most: its months are thirty days.
  const soon = story.scale.long === true ? story.now + 3 * 86_400 : Infinity;
  const sale = story.sales.find((one) => one.failsLater && one.booked === 1 && one.endedAt === Infinity && one.clone.stoppedAt === Infinity && one.clone.pausedAt === null
    && one.clone.pauses.length === 0 && due(one) > story.now - 5 * 86_400 && due(one) < soon);
  if (sale === undefined) return false;
  if (story.now < due(sale) + 60) await story.goTo(due(sale) + HOUR);
  await story.settle();
  const { stripe } = await subscriptionOf(story, sale);
  const fields = async (form: Record<string, string>): Promise<void> => {
    const { url } = await stage.rooms.billing.openBillingPortal(actorOf(sale));
    const { status } = await fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
    if (status !== 303) throw new Error(`the portal answered ${status}`);
    await stage.sandbox.control.idle();
  };
  await fields({ action: 'card', card_number: GOOD_CARD, exp: '12 / 34' });
  const [bill] = (await stage.port.sdk.invoices.list({ subscription: stripe, status: 'open' })).data;
  if (bill !== undefined) await fields({ action: 'pay', invoice: bill.id });
  sale.failsLater = false;
  delete sale.nextAt;
  await story.settle({ mortal: true });
  return true;
}

/** Two turns are free; a third is not, until one of them was not delivered. */
async function freeTurns(story: Story): Promise<boolean> {
  const { stage } = story;
  const { billing } = stage.rooms;
  if (open(story).length === 0) return false;
  const { cloneId } = story.pick(open(story));
  const fan = await people(story);
  const at = stage.clock.now();
  const turn = async (name: string): Promise<string> => (await stage.tx((tx) => billing.hold(tx, { freeAccountId: fan, cloneId, outputId: `out_free_${name}_${fan}`, at }))).holdId;
  const none = async (name: string): Promise<void> => {
    const code = await expectRefusal(turn(name));
    if (code !== 'quota_exhausted') throw new Error(`a third turn of two was ${code}`);
  };
  const [first, second] = [await turn('a'), await turn('b')];
  await none('c');
  await stage.tx((tx) => billing.capture(tx, first, { releaseId: `rel_${first}`, at }));
  await stage.tx((tx) => billing.void(tx, second, { reason: 'render_failed', at }));
  await turn('d');
  await none('e');
  return true;
}

export const PLANS: Readonly<Record<string, (story: Story) => Promise<boolean>>> = { upgrade, downgrade, change_price: changePrice, dunning_recovers: recover, free_turns: freeTurns };

import { Refusal } from '../../src/kernel/refusals.ts';
import { dayOf, isoDay } from './reference/days.ts';
import { CARD_FAILS_LATER, type CloneFacts, DECLINED_CARD, GOOD_CARD, learnOf, type PaidPeriod, renewals, type Sale, type Story } from './story.ts';
import { expectRefusal } from './attacks.ts';

/** What fans and time do. Each answers false when it is not possible just now. */

export const open = (story: Story): CloneFacts[] => story.clones.filter((clone) => clone.stoppedAt === Infinity && clone.pausedAt === null);

/** A new fan; named by the story alone, so that a seed has the same ones whenever it is played. */
export async function people(story: Story): Promise<string> {
  story.people += 1;
  const fan = `acc_fan_${story.people}`;
  await story.stage.accounts([fan]);
  return fan;
}

async function page(story: Story, clone: CloneFacts, tierId: string, interval: 'month' | 'year' = 'month'): Promise<{ fan: string; url: string }> {
  const fan = await people(story);
  const { checkoutUrl } = await story.stage.rooms.billing.subscribe(
    { accountId: fan, sessionId: `ses_${fan}`, roles: [] }, story.stage.key('subscribe'), { cloneId: clone.cloneId, tierId, interval });
  if (checkoutUrl === null) throw new Error('there is no page to pay at');
  return { fan, url: checkoutUrl };
}

export async function pay(url: string, card: string): Promise<number> {
  const body = new URLSearchParams({ email: 'fan@example.com', name: 'A Fan', country: 'CN', card_number: card, exp: '12 / 34', cvc: '123' });
  const response = await fetch(url, { method: 'POST', body, redirect: 'manual' });
  await response.arrayBuffer();
  return response.status;
}

export async function sell(story: Story, card = GOOD_CARD, before?: string, interval: 'month' | 'year' = 'month'): Promise<boolean> {
  if (open(story).length === 0) return false;
  const clone = story.pick(open(story));
  const { tierId, priceMinor } = story.pick(clone.tiers);
  const { fan, url } = await page(story, clone, tierId, interval);
  if (before !== undefined && (await pay(url, before)) === 303) throw new Error('a declined card has paid');
  if ((await pay(url, card)) !== 303) throw new Error('a good card has not paid');
  const price = interval === 'year' ? priceMinor * 12n : priceMinor;
  story.sales.push({ fan, clone, tierId, priceMinor: price, at: story.now, failsLater: card === CARD_FAILS_LATER, interval, agreed: [], endedAt: Infinity, booked: 0 });
  return true;
}

export const living = (story: Story): Sale[] => story.sales.filter((sale) => sale.endedAt === Infinity && !sale.failsLater && sale.booked > 0 && sale.clone.stoppedAt === Infinity);

/** A subscription is over, whichever plans it had: after a change of plan the same one lives on as another sale of its fan. */
export function endSubscription(story: Story, { fan, clone }: Sale): void {
  for (const sale of story.sales) if (sale.fan === fan && sale.clone === clone) sale.endedAt = Math.min(sale.endedAt, story.now);
}

/** By hand, at the processor: the service hears of it by webhook alone. */
async function cancel(story: Story): Promise<boolean> {
  if (living(story).length === 0) return false;
  // In a long story many leave each month, as fans do.
  const leaving = story.scale.long === true ? 1 + Math.floor(living(story).length / 3) : 1;
  for (let n = 0; n < leaving; n += 1) await leave(story, story.pick(living(story)));
  return true;
}

async function leave(story: Story, sale: Sale): Promise<void> {
  const { stage } = story;
  const [row] = await stage.ask<{ id: string }>('SELECT stripe_subscription AS id FROM subscription WHERE account_id = $1 AND clone_id = $2', [sale.fan, sale.clone.cloneId]);
  await stage.port.sdk.subscriptions.cancel(row?.id ?? '', {}, stage.port.withKey(`by hand ${sale.fan}`));
  endSubscription(story, sale);
}

async function pause(story: Story): Promise<boolean> {
  const quiet = open(story).filter((clone) => story.sales.some((sale) => sale.clone === clone)
    && story.sales.every((sale) => sale.clone !== clone || renewals(sale, story.now - 7_200, story.now + 8 * 86_400).length === 0));
  if (quiet.length === 0) return false;
  const clone = story.pick(quiet);
  await story.stage.tx((tx) => story.stage.rooms.billing.onPaused(tx, clone.cloneId, new Date(story.now * 1_000)));
  clone.pausedAt = story.now;
  const lasting = { from: story.now, to: Infinity };
  clone.pauses.push(lasting);
  story.happen({ what: 'paused', cloneId: clone.cloneId, at: story.now });
  await story.stage.drain();
  const refused = await expectRefusal(page(story, clone, clone.tiers[0]!.tierId));
  if (refused !== 'stopped') throw new Error(`a paused clone was sold: ${refused}`);
  await story.wait(6);
  await story.stage.tx((tx) => story.stage.rooms.billing.onResumed(tx, clone.cloneId, new Date(story.now * 1_000)));
  clone.pausedAt = null;
  lasting.to = story.now;
  await story.stage.drain();
  story.happen({ what: 'resumed', cloneId: clone.cloneId, at: story.now });
  story.count('resumed');
  return true;
}

export async function periodId(story: Story, period: PaidPeriod): Promise<string> {
  const [row] = await story.stage.ask<{ id: string }>(
    'SELECT id FROM subscription_period WHERE account_id = $1 AND clone_id = $2 AND start_day = $3', [period.sale.fan, period.sale.clone.cloneId, isoDay(period.startDay)]);
  if (row === undefined) throw new Error(`the books have no period ${period.key}`);
  return row.id;
}

/** Reserves, spends and gives back outputs of paid periods. */
async function quota(story: Story): Promise<boolean> {
  const { billing } = story.stage.rooms;
  const possible = story.periods.filter((period) => !period.shared && period.sale.interval === 'month' && story.reference.books.period(period.key).quota.captured === 0
    && !story.reference.books.period(period.key).ended && story.reference.books.period(period.key).quota.held === 0);
  if (possible.length === 0) return false;
  const period = story.pick(possible);
  const id = await periodId(story, period);
  const [row] = await story.stage.ask<{ subscription: string }>('SELECT subscription_id AS subscription FROM subscription_period WHERE id = $1', [id]);
  const at = story.stage.clock.now();
  const hold = async (name: string): Promise<string> => (await story.stage.tx((tx) => billing.hold(tx, {
    subscriptionId: row?.subscription ?? '', periodId: id, outputId: `out_${name}_${id}`, at,
  }))).holdId;
  const holds = [await hold('a'), await hold('b'), await hold('c')];
  holds.forEach(() => story.happen({ what: 'held', period: period.key }));
  if ((await expectRefusal(hold('d'))) !== 'quota_exhausted') throw new Error('a fourth of three was given');
  await story.stage.tx((tx) => billing.capture(tx, holds[0]!, { releaseId: `rel_${id}`, at }));
  story.happen({ what: 'captured', period: period.key });
  await story.stage.tx((tx) => billing.void(tx, holds[1]!, { reason: 'render_failed', at }));
  story.happen({ what: 'voided', period: period.key });
  story.count('captured');
  story.count('voided');
  return true;
}

/** Nothing of what the processor tells arrives; an hour later somebody compares, and nothing is missing. */
async function lostWebhooks(story: Story): Promise<boolean> {
  const { stage, payees } = story;
  if (story.late || open(story).length === 0) return false;
  await story.settle();
  stage.sandbox.control.holdDeliveries();
  await sell(story);
  await stage.drain();
  if (stage.sandbox.control.dropDeliveries(() => true) === 0) throw new Error('there was nothing to lose');
  stage.sandbox.control.releaseDeliveries();
  await stage.drain();
  await stage.rooms.billing.reconcile(payees.operator.actor, stage.key('reconcile'));
  await story.settle();
  const [{ mended, differences } = { mended: [], differences: [] }] = (await stage.rooms.billing.listReconciliations(1)).reconciliations;
  if (mended.length === 0 || differences.length > 0) throw new Error(`a reconciliation mended ${mended.length} and found ${JSON.stringify(differences)}`);
  return true;
}

/** Days of a period that are earned and were not returned; booked before today. */
export function returnable(story: Story, period: PaidPeriod): number[] {
  const { earnedOn } = story.reference.books.period(period.key);
  return [...new Set(earnedOn)].filter((day) => day < story.today && !period.returned.has(day));
}

/** The books are brought up to today, so that it is known what is earned. */
export async function recognise(story: Story, cloneId: string, throughDay = story.today): Promise<void> {
  await story.stage.tx((tx) => story.stage.rooms.billing.recognise(tx, { cloneId, throughDay: isoDay(throughDay) }));
  story.happen({ what: 'recognised', cloneId, throughDay });
}

async function recogniseSome(story: Story): Promise<boolean> {
  await recognise(story, story.pick(story.clones).cloneId, story.today - story.random.below(8));
  return true;
}

/** At once and to the end: fans of the last clones get their unused days back. */
export async function stop(story: Story): Promise<boolean> {
  const going = open(story);
  if (going.length < 2) return false;
  // Rather one of whose payments one is disputed: its days are paid back when the bank has decided.
  const asked = going.filter((clone) => story.disputes.some((dispute) => dispute.clone === clone));
  const clone = story.pick(asked.length > 0 ? asked : going);
  const { billing } = story.stage.rooms;
  // What is charged and not told yet belongs to the stop all the same.
  await story.stage.tx((tx) => billing.settleStop(tx, { stopId: `stp_${clone.cloneId}`, cloneId: clone.cloneId, at: new Date(story.now * 1_000) }));
  clone.stoppedAt = story.now;
  story.happen({ what: 'stopped', cloneId: clone.cloneId, at: story.now });
  await story.settle();
  if (story.late) await learnOf(story, clone);
  if ((await expectRefusal(page(story, clone, clone.tiers[0]!.tierId))) !== 'stopped') throw new Error('a stopped clone was sold');
  return true;
}

export const FANS: Readonly<Record<string, (story: Story) => Promise<boolean>>> = {
  async subscribe(story) {
    for (let fan = 0; fan < story.scale.batch; fan += 1) if (!(await sell(story))) return false;
    return true;
  },
  subscribe_year: async (story) => story.scale.long !== true && await sell(story, GOOD_CARD, undefined, 'year'),
  fails_later: (story) => sell(story, CARD_FAILS_LATER),
  declined: (story) => sell(story, GOOD_CARD, DECLINED_CARD),
  async abandoned(story) {
    if (open(story).length === 0) return false;
    const clone = story.pick(open(story));
    await page(story, clone, story.pick(clone.tiers).tierId);
    return true;
  },
  lost_webhooks: lostWebhooks, cancel, pause, quota, recognise: recogniseSome, stop,
};

export const refusalOf = (error: unknown): string => (error instanceof Refusal ? error.code : String(error));
export const dayNow = (story: Story): number => dayOf(story.now);

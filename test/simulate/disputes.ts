import { expectRefusal } from './attacks.ts';
import { endSubscription, periodId, returnable, sell } from './fans.ts';
import { isoDay } from './reference/days.ts';
import type { Happening } from './reference/happenings.ts';
import type { OpenDispute, PaidPeriod, Story } from './story.ts';

/** A bank takes a payment back, and decides within the hour or weeks later; the processor keeps its fee either way. */

type Outcome = 'won' | 'lost';

/** What is refused while a payment is disputed: to give days of it back. */
async function refuseRefund(story: Story, period: PaidPeriod): Promise<void> {
  const day = returnable(story, period)[0];
  if (day === undefined) return;
  const { stage, payees } = story;
  const code = await expectRefusal(stage.rooms.royalties.refundGoodwill(
    payees.operator.actor, stage.key('refundGoodwill'), { periodId: await periodId(story, period), days: [isoDay(day)], reason: 'Disputed.' }));
  if (code !== 'refund_too_large') throw new Error(`a day of a disputed payment was ${code}`);
  story.count('refund_of_disputed_refused');
}

/** Nor does the subscription change to another plan at once. */
async function refusePlan(story: Story, { sale, shared }: PaidPeriod): Promise<void> {
  const { stage } = story;
  const other = sale.clone.tiers.find(({ tierId }) => tierId !== sale.tierId);
  const newest = story.periods.findLast((period) => period.sale === sale);
  const running = newest?.disputed === 'open' && !story.reference.books.period(newest.key).ended && sale.endedAt === Infinity && !sale.failsLater;
  if (!running || other === undefined || shared || sale.interval === 'year' || sale.clone.pausedAt !== null || sale.clone.stoppedAt !== Infinity) return;
  const [row] = await stage.ask<{ id: string; state: string; due: boolean }>(
    `SELECT id, state FROM subscription WHERE account_id = $1 AND clone_id = $2 AND stripe_subscription IS NOT NULL`, [sale.fan, sale.clone.cloneId]);
  const code = await expectRefusal(stage.rooms.billing.quotePlanChange({ accountId: sale.fan, sessionId: `ses_${sale.fan}`, roles: [] }, row?.id ?? '', { tierId: other.tierId, interval: 'month' }));
  // A cheaper plan waits for the end of what is paid.
  if (code === 'accepted' && other.priceMinor < sale.priceMinor) return;
  // Where its days are over, a change would take nothing out of it.
  const over = story.reference.creditOf(newest.key, story.today).creditMinor === 0n;
  if (code !== (over ? 'accepted' : 'payment_disputed')) throw new Error(`a dearer plan of a disputed payment${over ? ' that is over' : ''} was ${code}`);
  story.count(over ? 'plan_of_disputed_over' : 'plan_of_disputed_refused');
}

async function openOn(story: Story, period: PaidPeriod): Promise<OpenDispute> {
  const { stage } = story;
  const [row] = await stage.ask<{ charge: string }>('SELECT stripe_charge AS charge FROM subscription_period WHERE id = $1', [await periodId(story, period)]);
  const { openDispute, closeDispute, book } = stage.sandbox.control;
  const id = await openDispute(row?.charge ?? '');
  await story.settle({ mortal: true });
  const taken = book().find((entry) => entry.platform && entry.type === 'adjustment' && entry.source === id);
  if (taken === undefined) throw new Error('the processor has no movement of a dispute');
  period.disputed = 'open';
  story.happen({ what: 'disputed', dispute: id, period: period.key, amountMinor: -taken.amountMinor, feeMinor: taken.feeMinor, at: story.now });
  return {
    id, since: story.now, clone: period.sale.clone, across: new Set(),
    async decide(outcome) {
      await closeDispute(id, outcome);
      await story.settle({ mortal: true });
      period.disputed = outcome;
      if (outcome === 'lost') endSubscription(story, period.sale);
      story.happen({ what: 'dispute_decided', dispute: id, period: period.key, lost: outcome === 'lost', at: story.now });
      await story.settle();
    },
  };
}

/** Of what was paid today. */
async function dispute(story: Story, outcome: Outcome): Promise<boolean> {
  if (story.late || !(await sell(story))) return false;
  await story.settle();
  await (await openOn(story, story.periods.at(-1)!)).decide(outcome);
  return true;
}

const disputable = (story: Story): PaidPeriod[] => story.periods.filter((period) => {
  const known = story.reference.books.period(period.key);
  return period.disputed === 'never' && !period.shared && !known.ended && known.earned > 0 && period.returned.size < period.days;
});

/** Of what is delivered in part, and divided perhaps. */
async function disputeEarned(story: Story, outcome: Outcome): Promise<boolean> {
  if (story.late) return false;
  await story.settle();
  const possible = disputable(story);
  const divided = possible.filter((period) => story.reference.books.period(period.key).pots.length > 0);
  if (possible.length === 0 || (divided.length === 0 && outcome === 'lost')) return false;
  await (await openOn(story, story.pick(divided.length > 0 ? divided : possible))).decide(outcome);
  return true;
}

/** The bank takes its time: the dispute stays open, across runs, renewals, pauses, stops and whatever else happens. */
async function leaveOpen(story: Story): Promise<boolean> {
  if (story.late || story.disputes.length > 3) return false;
  await story.settle();
  const possible = disputable(story);
  if (possible.length === 0) return false;
  const period = story.pick(possible);
  story.disputes.push(await openOn(story, period));
  await refuseRefund(story, period);
  await refusePlan(story, period);
  return true;
}

/** The bank decides on one that was left open. */
export async function decide(story: Story, outcome: Outcome, atOnce = false): Promise<boolean> {
  if (story.late) return false;
  await story.settle();
  const waiting = story.disputes.filter(({ since, across }) => atOnce || (story.now - since > 2 * 86_400 && across.has('run')));
  if (waiting.length === 0) return false;
  const one = story.pick(waiting);
  await one.decide(outcome);
  story.disputes = story.disputes.filter((other) => other !== one);
  for (const what of one.across) story.count(`open_across_${what}_${outcome}`);
  return true;
}

const NOTED: Readonly<Partial<Record<Happening['what'], string>>> = {
  run: 'run', payouts: 'payout', stopped: 'stop', paused: 'pause', split: 'split', returned: 'refund', paid: 'payment', coins_captured: 'spending',
};

/** What happens while a dispute is open is noted with it, where it touches its clone. */
export function note(disputes: readonly OpenDispute[], happening: Happening): void {
  const what = NOTED[happening.what];
  if (what === undefined) return;
  for (const { clone, across } of disputes) {
    if (!('cloneId' in happening) || clone === null || clone.cloneId === happening.cloneId) across.add(what);
  }
}

export const DISPUTES: Readonly<Record<string, (story: Story) => Promise<boolean>>> = {
  dispute_won: (story) => dispute(story, 'won'),
  dispute_lost: (story) => dispute(story, 'lost'),
  dispute_earned_won: (story) => disputeEarned(story, 'won'),
  dispute_earned_lost: (story) => disputeEarned(story, 'lost'),
  dispute_left_open: leaveOpen,
  open_dispute_won: (story) => decide(story, 'won'),
  open_dispute_lost: (story) => decide(story, 'lost'),
};

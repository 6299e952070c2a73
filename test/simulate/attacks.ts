import { Refusal } from '../../src/kernel/refusals.ts';
import { periodId, recognise, returnable } from './fans.ts';
import { fingerprint } from './oracles.ts';
import { isoDay } from './reference/days.ts';
import { MINIMUM_MINOR, type Story } from './story.ts';

/** What must be refused and leave no trace, what comes twice, and what is asked for by many at once. */

export async function expectRefusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'accepted';
}

/** Each with the codes that it may be refused with. */
async function refused(story: Story): Promise<boolean> {
  const { stage, payees } = story;
  const { royalties, billing } = stage.rooms;
  const { operator } = payees;
  const clone = story.pick(story.clones);
  const tomorrow = isoDay(story.today + 1);
  const before = await fingerprint(story);
  const legs = (first: number): { payee: string; basisPoints: number }[] => [{ payee: clone.owner.accountId, basisPoints: first }, { payee: 'platform', basisPoints: 1_000 }];
  const draft = (of: { payee: string; basisPoints: number }[]): Promise<unknown> =>
    royalties.draftSplit(clone.owner.actor, stage.key('draftSplit'), clone.cloneId, { legs: of, effectiveFrom: tomorrow, refundFeeBearer: 'platform' });
  const tier = (priceMinor: string): Promise<unknown> =>
    billing.createTier(clone.owner.actor, stage.key('createTier'), { cloneId: clone.cloneId, name: 'other', priceMinor, voiceOutputsPerPeriod: 1 });
  const goodwill = async (days: readonly string[], period = story.periods[0]): Promise<unknown> =>
    royalties.refundGoodwill(operator.actor, stage.key('refundGoodwill'), { periodId: period === undefined ? 'per_unknown' : await periodId(story, period), days, reason: 'x' });
  const payouts = (minimumMinor: string): Promise<unknown> => royalties.createPayouts(operator.actor, stage.key('createPayouts'), { minimumMinor });
  const cases: [string, () => Promise<unknown>, RegExp][] = [
    ['a split of 9,999', () => draft(legs(8_999)), /^split_invalid$/],
    ['a split of 10,001', () => draft(legs(9_001)), /^split_invalid$/],
    ['a payee twice', () => draft([...legs(4_500), { payee: clone.owner.accountId, basisPoints: 4_500 }]), /^split_invalid$/],
    ...['0', '-600', '6.00', '1e3', 'NaN', '9223372036854775808'].map((price): [string, () => Promise<unknown>, RegExp] => [`a price of ${price}`, () => tier(price), clone.stoppedAt === Infinity ? /^money_/ : /^(money_.*|stopped)$/]),
    ['a day that is not over', () => goodwill([tomorrow]), /^(refund_too_large|not_found)$/],
    ['a day of another year', () => goodwill(['2025-01-01']), /^(refund_too_large|not_found)$/],
    ['a run of tomorrow', () => royalties.runRoyalties(operator.actor, stage.key('run'), { cloneId: clone.cloneId, throughDay: tomorrow }), /^run_range$/],
    ['a close of tomorrow', () => royalties.closeStatements(operator.actor, stage.key('close'), { throughDay: tomorrow }), /^statement_open$/],
    ...['0', '-1', '1.5', 'NaN', '99999999999999999999'].map((minimum): [string, () => Promise<unknown>, RegExp] => [`payouts from ${minimum}`, () => payouts(minimum), /^money_/]),
    ['a payout to the platform', () => royalties.createPayouts(operator.actor, stage.key('createPayouts'), { payees: ['platform'] }), /^payout_state$/],
  ];
  for (const [what, work, codes] of cases) {
    const code = await expectRefusal(work());
    if (!codes.test(code)) throw new Error(`${what} was answered with ${code}`);
  }
  const after = await fingerprint(story);
  if (before !== after) throw new Error(`what was refused left a trace: ${before} → ${after}`);
  return true;
}

/** Webhooks that were worked long ago come again. */
async function repeatWebhooks(story: Story): Promise<boolean> {
  const { stage } = story;
  if (story.late) return false;
  const events = await stage.ask<{ id: string }>('SELECT id FROM stripe_event ORDER BY id');
  if (events.length === 0) return false;
  await story.settle();
  const before = await fingerprint(story);
  for (let times = 0; times < 6; times += 1) stage.sandbox.control.repeatEvent(story.pick(events).id);
  await stage.drain();
  if ((await fingerprint(story)) !== before) throw new Error('a webhook that came again changed the books');
  return true;
}

/** From now on nobody is told anything, until they are let go. */
async function hold(story: Story): Promise<boolean> {
  if (story.late) return false;
  await story.settle();
  story.stage.sandbox.control.holdDeliveries();
  story.late = true;
  return true;
}

export async function letGo(story: Story): Promise<boolean> {
  if (!story.late) return false;
  const order = story.pick(['asIs', 'reverse'] as const);
  const times = 1 + story.random.below(2);
  story.stage.sandbox.control.releaseDeliveries({ order, times });
  story.late = false;
  if (order === 'reverse') story.count('webhooks_reversed');
  if (times > 1) story.count('webhooks_doubled');
  await story.settle({ mortal: true });
  return true;
}

/** Of many who ask for the same at once, one is served. */
async function race(story: Story): Promise<boolean> {
  const { stage, payees } = story;
  const { operator } = payees;
  for (const clone of story.clones) await recognise(story, clone.cloneId);
  const period = story.periods.find((one) => ['never', 'won'].includes(one.disputed) && !one.shared && returnable(story, one).length > 0);
  if (period === undefined) return false;
  const day = returnable(story, period)[0]!;
  const id = await periodId(story, period);
  const ask = (): Promise<string> => expectRefusal(stage.rooms.royalties.refundGoodwill(
    operator.actor, stage.key('refundGoodwill'), { periodId: id, days: [isoDay(day)], reason: 'Race.' }));
  const answers = await Promise.all(Array.from({ length: 5 }, ask));
  if (answers.filter((one) => one === 'accepted').length !== 1) throw new Error(`of five at once: ${answers.join()}`);
  period.returned.add(day);
  await story.settle();
  story.happen({ what: 'returned', period: period.key, days: [day], at: story.now });
  const paid = await Promise.all(Array.from({ length: 5 }, () =>
    stage.rooms.royalties.createPayouts(operator.actor, stage.key('createPayouts'), { minimumMinor: String(MINIMUM_MINOR) })));
  const begun = paid.flatMap((one) => one.payouts);
  if (new Set(begun.map((one) => one.payee)).size !== begun.length) throw new Error('one balance was paid twice');
  story.happen({ what: 'payouts', ready: [...payees.ready].sort(), minimumMinor: MINIMUM_MINOR, at: story.now });
  for (const { payoutId, payee, amountMinor } of begun) story.underway.set(payoutId, { payee, amountMinor: BigInt(amountMinor), advanceId: null });
  await story.settle();
  return true;
}

export const ATTACKS: Readonly<Record<string, (story: Story) => Promise<boolean>>> = {
  refused, repeat_webhooks: repeatWebhooks, hold_webhooks: hold, late_webhooks: letGo, race,
};

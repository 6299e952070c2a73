import { createHash } from 'node:crypto';

import { ATTACKS, letGo } from './attacks.ts';
import { FANS } from './fans.ts';
import { BANKS } from './banks.ts';
import { COINS } from './coins.ts';
import { decide, DISPUTES } from './disputes.ts';
import { check } from './oracles.ts';
import { OWNERS, runRoyalties, signSplit, close } from './owners.ts';
import { PAPERS } from './papers.ts';
import { PLANS } from './plans.ts';
import { openStory, type Scale, type Story, type StoryOptions } from './story.ts';

/** One seed: a shuffled life in which everything happens, held against the model after every step. */

type Verbs = Readonly<Record<string, (story: Story) => Promise<boolean>>>;

/** What each month holds; the order is drawn. */
const MONTH: readonly string[] = [
  'subscribe', 'subscribe', 'abandoned', 'declined', 'fails_later', 'cancel', 'quota', 'pause', 'recognise', 'change_split', 'hold_webhooks', 'late_webhooks',
  'repeat_webhooks', 'lost_webhooks', 'dispute_won', 'dispute_lost', 'dispute_earned_won', 'dispute_earned_lost', 'dispute_left_open', 'dispute_left_open', 'coin_dispute_left_open', 'open_dispute_won', 'open_dispute_lost', 'advance', 'tax', 'buy_coins', 'buy_coins', 'spend_coins', 'spend_coins', 'prepaid_month', 'return_coins', 'coin_dispute_won', 'coin_dispute_lost', 'subscribe_year', 'change_price', 'free_turns', 'refused', 'run', 'dry_run', 'payout', 'refund_before_run', 'refund_after_run', 'refund_after_payout', 'close',
];
/** What is done once, after something was earned. */
const ONCE: readonly string[] = ['race', 'bounce', 'stop', 'end_advance'];
/** What is tried and needs more luck than one month has. */
const RARE: readonly string[] = ['upgrade', 'downgrade', 'derive', 'dunning_recovers', 'bank_fails', 'bank_failure_ends'];
/** What none of the above names by itself and must have happened all the same. */
const ALONG: readonly string[] = [
  'subscribed', 'renewed', 'resumed', 'captured', 'voided', 'webhooks_reversed', 'webhooks_doubled', 'payee_never_onboards', 'process_died_in_jobs',
  'process_died_in_run', 'process_died_in_refund', 'process_died_in_payout', 'process_died_in_close',
];
/** In every seed; what of ALONG is left to the dice must have happened somewhere in a range of seeds. */
export const EVERY_SEED: readonly string[] = [...new Set([...MONTH, ...ONCE, 'subscribed', 'renewed', 'captured', 'voided'])].filter((kind) => kind !== 'pause');
/** A clone is paused where no renewal is near, which a seed may never have. */
export const SOMEWHERE: readonly string[] = [...ALONG, ...RARE, 'pause',
  ...['run', 'payout', 'stop', 'split', 'refund'].flatMap((what) => [`open_across_${what}_won`, `open_across_${what}_lost`])];

export interface LifeOptions extends Omit<StoryOptions, 'scale'> {
  months: number;
  scale?: Scale;
  /** What else can be done, and is done every month; such as killing PostgreSQL. */
  more?: Verbs;
  /** Just this, in this order, instead of whole months in which everything happens. */
  script?: readonly string[];
  /** At most so many days between two lines of a script; 2 when absent. */
  wait?: number;
  /** Told each step, for a seed that is looked at. */
  log?: (line: string) => void;
}

export interface LifeReport {
  seed: number;
  /** The first thing that broke, with where. */
  broken: string | null;
  steps: number;
  fans: number;
  charges: number;
  transfers: number;
  counts: Record<string, number>;
}

function shuffled<T>(story: Story, list: readonly T[]): T[] {
  const rest = [...list];
  return Array.from({ length: rest.length }, () => rest.splice(story.random.below(rest.length), 1)).flat();
}

/** How far a life has come, and what it can do. */
interface Course {
  step: number;
  last: string;
  verbs: Verbs;
  script: readonly string[];
  months: number;
  log: (line: string) => void;
}

/** What the model's books print of themselves: two lives of one seed have the same, step for step. */
function printOf(story: Story): string {
  const amounts = [...story.reference.balances().values()].map(String).sort();
  return createHash('sha256').update(amounts.join()).digest('hex').slice(0, 8);
}

/** In a long story the steps between look at what is new in the ledger; each so many, and each month's end, at all of it. */
const WHOLE_EACH = 20;

async function act(story: Story, kind: string, course: Course): Promise<boolean> {
  course.step += 1;
  course.last = kind;
  const verb = course.verbs[kind];
  if (verb === undefined) throw new Error(`nobody knows how to ${kind}`);
  const done = await verb(story);
  course.log(`${course.step} ${new Date(story.now * 1_000).toISOString()} ${kind}${done ? '' : ' (not possible now)'} ${printOf(story)}`);
  if (!done) return false;
  story.count(kind);
  if (story.random.below(3) > 0 || kind === 'subscribe') await story.settle({ mortal: story.random.below(6) === 0 });
  await story.settle();
  const found = await check(story, course.step % WHOLE_EACH === 0 || story.scale.long !== true ? 'whole' : 'new');
  if (found.length > 0) throw new Error(found.join('\n  '));
  return true;
}

/** A list of verbs in some order; what is not possible yet is tried again when something else has happened. */
async function play(story: Story, script: readonly string[], course: Course, most: number, until?: number): Promise<void> {
  let waiting = [...script];
  let left = script.length;
  // Twice the mean, so that what is left to do takes what is left of the month.
  const pause = (): number => (until === undefined ? most : Math.min(4, Math.max(1 / 24, 2 * (until - story.now) / 86_400 / Math.max(1, left))));
  for (let rounds = 0; waiting.length > 0 && rounds < 6; rounds += 1) {
    const next: string[] = [];
    for (const kind of waiting) {
      if (await act(story, kind, course)) {
        left -= 1;
        await story.wait(pause());
        await story.settle();
      } else next.push(kind);
    }
    if (next.length > 0) {
      await story.wait(until === undefined ? 2 * most : pause());
      await story.settle();
    }
    waiting = next;
  }
}

/** The books are closed on what happened, and replayed from the first entry. */
async function endMonth(story: Story, course: Course, month: number): Promise<void> {
  course.last = `the end of month ${month}`;
  await letGo(story);
  for (const clone of story.clones) await runRoyalties(story, clone);
  await close(story);
  await story.settle();
  const started = performance.now();
  // A long story's ledger is replayed each sixth month and at the end: each time from its first entry.
  const found = await check(story, story.scale.long !== true || month % 6 === 0 || month === course.months ? 'replayed' : 'whole');
  if (found.length > 0) throw new Error(found.join('\n  '));
  course.log(`month ${month}: ${story.sales.length} fans, ${story.periods.length} charges; looked at all of it in ${((performance.now() - started) / 1_000).toFixed(1)} s`);
}

/** Most of what is still disputed at the end is decided; a bank may take longer than a life. */
async function decideRest(story: Story, course: Course): Promise<void> {
  course.last = 'the last decisions';
  await letGo(story);
  while (story.disputes.length > 0 && story.random.below(5) > 0) {
    const outcomes = (['won', 'lost'] as const).filter((outcome) => !story.counts.has(`open_dispute_${outcome}`));
    const outcome = story.pick(outcomes.length > 0 ? outcomes : ['won', 'lost'] as const);
    await decide(story, outcome, true);
    story.count(`open_dispute_${outcome}`);
    const found = await check(story);
    if (found.length > 0) throw new Error(found.join('\n  '));
  }
}

async function live(story: Story, months: number, course: Course): Promise<void> {
  // A month or more for the list of one; in a long story, thirty days and what somebody has to wait for.
  for (let month = 1; month <= months; month += 1) {
    const until = story.scale.long === true ? story.now + 30 * 86_400 : undefined;
    const rare = until === undefined || month % 4 === 0 ? RARE : RARE.filter((kind) => !kind.startsWith('bank'));
    await play(story, shuffled(story, [...course.script, ...rare, ...(month === months ? ONCE : [])]), course, 2, until);
    if (month === months) await decideRest(story, course);
    await endMonth(story, course, month);
  }
  const every = EVERY_SEED.filter((kind) => story.scale.long !== true || kind !== 'subscribe_year');
  for (let tries = 0; every.some((kind) => !story.counts.has(kind)) && tries < 5; tries += 1) {
    const missing = every.filter((kind) => !story.counts.has(kind) && kind in course.verbs);
    const open = missing.some((kind) => kind.startsWith('open_dispute')) ? ['dispute_left_open', 'run'] : [];
    await play(story, ['subscribe', 'buy_coins', ...(missing.includes('prepaid_month') ? ['buy_coins', 'prepaid_month'] : []), 'spend_coins', 'run', ...open, ...missing, 'payout', ...missing], course, 6);
  }
  course.last = 'the count of what happened';
  const missing = every.filter((kind) => !story.counts.has(kind));
  if (missing.length > 0) throw new Error(`never happened: ${missing.join(', ')}`);
}

export const SMALL: Scale = { clones: 2, batch: 1 };

/** Lives a seed. Does not throw for what it finds: it is in the report. */
export async function lifeOf({ months, script, wait = 2, scale = SMALL, log = () => undefined, more = {}, ...options }: LifeOptions): Promise<LifeReport> {
  const story = await openStory({ ...options, scale });
  const verbs = { ...FANS, ...PLANS, ...COINS, ...OWNERS, ...PAPERS, ...DISPUTES, ...BANKS, ...ATTACKS, ...more };
  const course: Course = { step: 0, last: 'the beginning', verbs, script: [...MONTH, ...Object.keys(more)], months, log };
  let broken: string | null = null;
  try {
    for (const clone of story.clones) await signSplit(story, clone, story.today);
    await play(story, ['subscribe', 'subscribe'], course, 2);
    if (script === undefined) await live(story, months, course);
    else {
      await play(story, script, course, wait);
      await endMonth(story, course, 1);
    }
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    broken = `seed ${options.seed}, step ${course.step}, ${course.last}: ${what}`;
  }
  const [row] = await story.stage.ask<{ transfers: number }>('SELECT count(*)::int AS transfers FROM ledger_transfer');
  await story.stage.close();
  return {
    seed: options.seed, broken, steps: course.step, fans: story.sales.length, charges: story.periods.length, transfers: row?.transfers ?? 0,
    counts: Object.fromEntries([...story.counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

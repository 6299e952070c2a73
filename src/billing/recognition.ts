import { dayOf, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import type { BillingDeps } from './deps.ts';
import { earnedDays, earningSteps, partsOfDays, type PausesOf, type SplitSegment } from './model.ts';
import { pausesOf } from './pause-store.ts';
import * as store from './period-store.ts';
import { daysEarned } from './postings.ts';
import { changingSince } from './plan-store.ts';
import { keptBy } from './remains-store.ts';
import { covers, stopsOfClone, type StopRow } from './refund-store.ts';

/** Periods worked in one go: bounds memory; the whole recognition is still the caller's one transaction. */
const BATCH = 500;

/** Turns days that are over into earnings, exactly (docs/promises.md: ⌊amount × k / n⌋ after k of n days). */
export interface Recognition {
  /**
   * Posts what the clone's periods have earned in the days before `throughDay` (exclusive) that were not posted yet.
   * A day that is not over yet by our clock has earned nothing, whatever is asked, nor has the day of a stop and what
   * follows it, though its settlement has yet to come. Running it twice posts nothing new.
   */
  recognise: (tx: Tx, asked: { cloneId: string; throughDay: Day }) => Promise<{ posted: number }>;
}

async function segmentsOf(
  tx: Tx, deps: BillingDeps, cloneId: string, rows: readonly store.PeriodRow[], through: Day,
): Promise<SplitSegment[]> {
  const first = rows.reduce<Day | null>((day, row) => (day === null || row.startDay < day ? row.startDay : day), null);
  if (deps.splitSegments === undefined || first === null || first >= through) return [];
  return await deps.splitSegments(tx, cloneId, first, through);
}

/** Posts the earned days of locked periods before `through`. */
export async function earn(
  tx: Tx, deps: BillingDeps, rows: readonly store.PeriodRow[], pausesFor: PausesOf, through: Day,
): Promise<number> {
  const [some] = rows;
  if (some === undefined) return 0;
  const segments = await segmentsOf(tx, deps, some.cloneId, rows, through);
  let posted = 0;
  for (const period of rows) {
    const pauses = pausesFor(period);
    if (earnedDays(period, pauses, through) <= period.recognisedDays) continue;
    const steps = earningSteps(period, pauses, through, segments);
    for (const step of steps) {
      const draft = daysEarned(period, step, partsOfDays(period, step.fromK, step.toK, period.days));
      if (draft !== null) {
        await deps.ledger.post(tx, draft);
        posted += 1;
      }
    }
    await store.putRecognisedDays(tx, period.id, steps.at(-1)?.toK ?? period.recognisedDays);
  }
  return posted;
}

/** Of each period the day before which it may earn: `through`, or the day of the first stop or change of plan that ends it. */
export async function lastDays(
  tx: Tx, cloneId: string, rows: readonly store.PeriodRow[], through: Day, known?: { stops: readonly StopRow[]; changing: ReadonlyMap<string, Day> },
): Promise<(row: store.PeriodRow) => Day> {
  const { stops, changing } = known ?? { stops: await stopsOfClone(tx, cloneId), changing: await changingSince(tx, cloneId) };
  const kept = await keptBy(tx, rows.map(({ subscriptionId }) => subscriptionId));
  return (row) => {
    const stop = stops.find((one) => covers(one, { tierId: row.tierId, at: row.subscribedAt }) && !kept(one.stopId, row.subscriptionId));
    // A change of plan that is under way: the days from it on may move into the new period.
    const until = [stop?.day, changing.get(row.subscriptionId)].filter((day) => day !== undefined);
    return until.reduce((first, one) => (one < first ? one : first), through);
  };
}

function grouped(rows: readonly store.PeriodRow[], lastDay: (row: store.PeriodRow) => Day): Map<Day, store.PeriodRow[]> {
  const groups = new Map<Day, store.PeriodRow[]>();
  for (const row of rows) {
    const day = lastDay(row);
    groups.set(day, [...(groups.get(day) ?? []), row]);
  }
  return groups;
}

export function makeRecognition(deps: BillingDeps): Recognition {
  return {
    async recognise(tx, { cloneId, throughDay }) {
      const today = dayOf(deps.clock.now());
      const through = throughDay < today ? throughDay : today;
      const known = { stops: await stopsOfClone(tx, cloneId), changing: await changingSince(tx, cloneId) };
      const all = { cloneId, tierIds: null, before: null };
      let posted = 0;
      for (let after = ''; ;) {
        const rows = await store.lockUnearned(tx, all, after, BATCH);
        const subscriptionIds = rows.map(({ subscriptionId }) => subscriptionId);
        const pauses = await pausesOf(tx, cloneId, subscriptionIds);
        for (const [day, group] of grouped(rows, await lastDays(tx, cloneId, rows, through, known))) posted += await earn(tx, deps, group, pauses.of, day);
        const last = rows.at(-1);
        if (last === undefined || rows.length < BATCH) return { posted };
        after = last.id;
      }
    },
  };
}

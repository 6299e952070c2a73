import { addDays, type Day } from '../kernel/time.ts';

/** Which split applies on which day: pure. */

/**
 * A signed split, as far as it decides which one applies on a day. A signed term of a derivative stands here without a split, behind
 * the splits that were drafted before it: from its day on those divide nothing, until one that names it is signed.
 */
export interface SplitVersion {
  splitId: string | null;
  number: number;
  effectiveFrom: Day;
}

/** The split of a day: the newest whose day has come. It replaces all before it from its day on. */
export function splitOn<T extends SplitVersion>(versions: readonly T[], day: Day): T | null {
  return versions.reduce<T | null>((best, one) => {
    return one.effectiveFrom <= day && (best === null || one.number > best.number) ? one : best;
  }, null);
}

/** Days in a row that were booked under one split, up to `toDay` without it. */
interface Booked {
  fromDay: Day;
  toDay: Day;
  splitId: string;
}

function inRows(booked: readonly { day: Day; splitId: string | null }[]): Booked[] {
  const rows: Booked[] = [];
  for (const { day, splitId } of booked) {
    if (splitId === null) continue;
    const last = rows.at(-1);
    if (last?.splitId === splitId && last.toDay === day) last.toDay = addDays(day, 1);
    else rows.push({ fromDay: day, toDay: addDays(day, 1), splitId });
  }
  return rows;
}

/**
 * Which split applies from which day on over [fromDay, toDay), neighbours merged; null where there is none. A day that was booked under a
 * split keeps it (`booked`, in order); on all others the newest applies whose day has come.
 */
export function segmentsOf(
  versions: readonly SplitVersion[], fromDay: Day, toDay: Day, booked: readonly { day: Day; splitId: string | null }[] = [],
): { fromDay: Day; splitId: string | null }[] {
  if (fromDay >= toDay) return [];
  const rows = inRows(booked);
  const starts = [...versions.map((one) => one.effectiveFrom), ...rows.flatMap((row) => [row.fromDay, row.toDay])].filter((day) => day > fromDay && day < toDay);
  const segments: { fromDay: Day; splitId: string | null }[] = [];
  for (const day of [fromDay, ...new Set(starts.sort())]) {
    const kept = rows.find((row) => row.fromDay <= day && day < row.toDay);
    const splitId = kept?.splitId ?? splitOn(versions, day)?.splitId ?? null;
    if (segments.at(-1)?.splitId !== splitId || segments.length === 0) segments.push({ fromDay: day, splitId });
  }
  return segments;
}

/** The splits that entries without one may take: signed versions, and what days were booked under. */
export interface SplitDays {
  versions: readonly SplitVersion[];
  booked: readonly { day: Day; splitId: string | null }[];
}

/** Evidence that lives on the net, looked for again: pure. */

export interface Look {
  at: Date;
  outcome: 'found' | 'absent' | 'unreachable';
}

const DAY_MS = 86_400_000;

/**
 * The time its owner has to put it back: from the first look that missed it since it was last seen. Null while it is
 * there. `looks` in the order in which they were made.
 */
export function graceOf(looks: readonly Look[], graceDays: number): { since: Date; until: Date } | null {
  const seen = looks.findLastIndex(({ outcome }) => outcome === 'found');
  const first = looks[seen + 1];
  return first === undefined ? null : { since: first.at, until: new Date(first.at.getTime() + graceDays * DAY_MS) };
}

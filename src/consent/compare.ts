import type { GrantTerms } from './grant.ts';
import { foldWord } from './words.ts';

/** How a later grant stands to an earlier one: what it allows beside what the earlier allowed. */
export type Change = 'same' | 'narrower' | 'wider' | 'mixed';

interface Direction {
  narrows: boolean;
  widens: boolean;
}

/** More members allow more. */
function bySet(before: Iterable<string>, after: Iterable<string>): Direction {
  const [old, now] = [new Set(before), new Set(after)];
  return { narrows: [...old].some((item) => !now.has(item)), widens: [...now].some((item) => !old.has(item)) };
}

function flip({ narrows, widens }: Direction): Direction {
  return { narrows: widens, widens: narrows };
}

function forbidden(terms: GrantTerms): string[] {
  return terms.forbiddenTopics.flatMap((topic) => [...topic.words.zh, ...topic.words.en]).map(foldWord);
}

function given(flags: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(flags).filter((name) => flags[name] === true);
}

function directions(before: GrantTerms, after: GrantTerms): Direction[] {
  const earlier = Date.parse(before.validFrom) - Date.parse(after.validFrom);
  const longer = Date.parse(after.validUntil) - Date.parse(before.validUntil);
  const consent = ({ separateConsent: { voice, face } }: GrantTerms): string[] => given({ voice, face });
  const purposes = (terms: GrantTerms): string[] => terms.purposes.map((p) => JSON.stringify([p.name, p.intendedUses]));
  return [
    bySet(given(before.capabilities), given(after.capabilities)),
    bySet(before.languages, after.languages),
    bySet(before.territories, after.territories),
    bySet(before.audiences, after.audiences),
    bySet(before.ageBands, after.ageBands),
    bySet(before.tiers, after.tiers),
    // A purpose described in other words is another purpose: the old text is gone, the new one has come.
    bySet(purposes(before), purposes(after)),
    flip(bySet(forbidden(before), forbidden(after))),
    bySet(consent(before), consent(after)),
    { narrows: earlier < 0, widens: earlier > 0 },
    { narrows: longer < 0, widens: longer > 0 },
  ];
}

/**
 * Compares two grants member by member. Sound for `decide`: `narrower` allows nothing that the earlier one denied,
 * `wider` denies nothing that the earlier one allowed. It errs towards `mixed`, which is treated as narrowing.
 */
export function compareGrants(before: GrantTerms, after: GrantTerms): Change {
  const all = directions(before, after);
  const narrows = all.some((direction) => direction.narrows);
  const widens = all.some((direction) => direction.widens);
  if (narrows) return widens ? 'mixed' : 'narrower';
  return widens ? 'wider' : 'same';
}

/** Whether what was decided under the earlier grant must be decided again. */
export function narrows(change: Change): boolean {
  return change === 'narrower' || change === 'mixed';
}

import { least, mulDivFloor } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Day } from '../kernel/time.ts';
import { WHOLE_BASIS_POINTS } from './model.ts';

/** How an advance is recouped: pure, exact, in whole minor units. */

export type RecoupBase = 'pot' | 'share';

export interface AdvanceTerms {
  base: RecoupBase;
  rateBasisPoints: number;
  endsOn: Day | null;
}

const CLONES_MAX = 20;

/** Refuses with `advance_invalid` what nobody could recoup as it is written. */
export function checkAdvance(advance: { cloneIds: readonly string[]; crossCollateral: boolean; rateBasisPoints: number; endsOn: Day | null; today: Day }): void {
  const invalid = (detail: string): Refusal => new Refusal('advance_invalid', detail);
  const { cloneIds, crossCollateral, rateBasisPoints, endsOn, today } = advance;
  if (cloneIds.length < 1 || cloneIds.length > CLONES_MAX || new Set(cloneIds).size !== cloneIds.length) {
    throw invalid(`An advance names 1 to ${CLONES_MAX} different clones.`);
  }
  if (cloneIds.length > 1 && !crossCollateral) throw invalid('Several clones recoup one advance only where that is said: `crossCollateral`.');
  if (!Number.isInteger(rateBasisPoints) || rateBasisPoints < 1 || rateBasisPoints > WHOLE_BASIS_POINTS) {
    throw invalid(`The rate is a whole number of basis points, 1 to ${WHOLE_BASIS_POINTS}.`);
  }
  if (endsOn !== null && endsOn <= today) throw invalid('The advance would have ended before it was paid.');
}

/** What a payee got of a run, and of which pots. */
export interface RunShare {
  receivedMinor: bigint;
  /** The whole of the pots that paid it, as far as they are above zero. */
  potsMinor: bigint;
}

/** What a run took for one advance, by the terms of that advance, and what of it was undone since. In the order in which the run did it. */
export interface Recoupment {
  advanceId: string;
  base: RecoupBase;
  rateBasisPoints: number;
  baseMinor: bigint;
  amountMinor: bigint;
  restoredMinor: bigint;
}

/** What a run gave a payee, and what of that they have returned; of the pots that gave it, what was posted back. */
export interface RunReturns {
  receivedMinor: bigint;
  returnedMinor: bigint;
  potsReturnedMinor: bigint;
}

/**
 * What of a run's recoupments is to be undone once some of its earnings were returned: each is worked out again on what is left of them, by
 * the same rate, in the same order, and never more than it was. So a sale that was undone recouped nothing, and half a sale recoups as half a
 * sale would have; it depends on the totals alone, and never falls as more is returned.
 */
export function restorable(recoupments: readonly Recoupment[], run: RunReturns): { advanceId: string; amountMinor: bigint }[] {
  let leftMinor = run.receivedMinor - run.returnedMinor;
  return recoupments.map(({ advanceId, base, rateBasisPoints, baseMinor, amountMinor, restoredMinor }) => {
    const rest = baseMinor - (base === 'share' ? run.returnedMinor : run.potsReturnedMinor);
    const wantedMinor = rest > 0n ? mulDivFloor(rest, BigInt(rateBasisPoints), BigInt(WHOLE_BASIS_POINTS)) : 0n;
    const stays = least(least(wantedMinor, amountMinor), leftMinor > 0n ? leftMinor : 0n);
    leftMinor -= stays;
    const undone = amountMinor - stays - restoredMinor;
    return { advanceId, amountMinor: undone > 0n ? undone : 0n };
  });
}

/**
 * What a run recoups of an advance: ⌊rate × base⌋, at most what is still unrecouped and at most `leftMinor`, what is left of
 * the payee's own share of the run after earlier advances. Nothing from the day on which it ends.
 */
export function recouped(terms: AdvanceTerms, run: RunShare & { leftMinor: bigint; unrecoupedMinor: bigint; day: Day }): bigint {
  if (terms.endsOn !== null && run.day >= terms.endsOn) return 0n;
  const baseMinor = terms.base === 'share' ? run.receivedMinor : run.potsMinor;
  if (baseMinor <= 0n) return 0n;
  const wantedMinor = mulDivFloor(baseMinor, BigInt(terms.rateBasisPoints), BigInt(WHOLE_BASIS_POINTS));
  const amountMinor = least(least(wantedMinor, run.unrecoupedMinor), run.leftMinor);
  return amountMinor > 0n ? amountMinor : 0n;
}

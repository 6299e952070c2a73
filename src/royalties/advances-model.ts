import { mulDivFloor } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Day } from '../kernel/time.ts';
import { least, WHOLE_BASIS_POINTS } from './model.ts';

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

import { least } from '../kernel/money.ts';
import type { RoyaltiesDeps } from './deps.ts';

const POSITIONS_AT_ONCE = 10_000n;

/** The positions of (fromPosition, toPosition], part after part: whoever goes through them holds the entries of one part, and no more. */
export function* positionParts(
  { positionsAtOnce = POSITIONS_AT_ONCE }: Pick<RoyaltiesDeps, 'positionsAtOnce'>, fromPosition: bigint, toPosition: bigint,
): Generator<{ fromPosition: bigint; toPosition: bigint }> {
  for (let from = fromPosition; from < toPosition; from += positionsAtOnce) yield { fromPosition: from, toPosition: least(from + positionsAtOnce, toPosition) };
}

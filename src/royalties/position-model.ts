/**
 * What the platform gains or loses by rates. A claim in one currency and its worth in the one that we are settled in stand open on two
 * position accounts; whatever lessens the claim is held against the average worth of what stood open. Pure.
 */

/** What stands open of a pair: the claim's currency, and the one that we are settled in. Debit positive, so the two have opposite signs. */
export interface OpenPair {
  claimMinor: bigint;
  worthMinor: bigint;
}

export const NOTHING_OPEN: OpenPair = { claimMinor: 0n, worthMinor: 0n };

const size = (amountMinor: bigint): bigint => (amountMinor < 0n ? -amountMinor : amountMinor);

/** The part `some` of `all` of an amount, towards zero; the whole of it for all. */
function partOf(amountMinor: bigint, some: bigint, all: bigint): bigint {
  return some === all ? amountMinor : (amountMinor * some) / all;
}

/**
 * One movement on the positions. `lossMinor`: what of it is the platform's loss (below zero: gain), in the currency that we are settled in; taken off the
 * position, nothing stands there once the claim is gone.
 */
export function moved(open: OpenPair, movement: OpenPair): { open: OpenPair; lossMinor: bigint } {
  const lessens = open.claimMinor * movement.claimMinor < 0n;
  const [stood, came] = [size(open.claimMinor), size(movement.claimMinor)];
  const covered = !lessens ? 0n : stood < came ? stood : came;
  const claimMinor = open.claimMinor + movement.claimMinor;
  const worthMinor = open.worthMinor + movement.worthMinor;
  const partMinor = lessens ? partOf(open.worthMinor, covered, stood) + partOf(movement.worthMinor, covered, came) : 0n;
  // What is left when no claim is open is all of it.
  const lossMinor = claimMinor === 0n ? worthMinor : partMinor;
  return { open: { claimMinor, worthMinor: worthMinor - lossMinor }, lossMinor };
}

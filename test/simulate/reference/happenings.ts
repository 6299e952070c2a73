/** What happened, as the story acknowledges it, in the order in which the books learn of it. Instants in seconds, days as numbers. */
export type Happening =
  | { what: 'split'; cloneId: string; splitId: string; number: number; fromDay: number; legs: readonly Leg[]; bearer: string; base: Base; reserve: { basisPoints: number; days: number } }
  | { what: 'derived'; cloneId: string; number: number; fromDay: number; originalCloneId: string; owner: string; basisPoints: number; ceilingBasisPoints: number }
  | { what: 'paid'; period: string; cloneId: string; tierId: string; grossMinor: bigint; feeMinor: bigint; startDay: number; days: number }
  | { what: 'carried'; from: string; earlier: readonly string[]; period: string; tierId: string; startDay: number; days: number }
  | { what: 'paused' | 'resumed'; cloneId: string; at: number }
  | { what: 'recognised'; cloneId: string; throughDay: number }
  | { what: 'stopped'; cloneId: string; at: number }
  | { what: 'returned'; period: string; days: readonly number[]; at: number }
  | { what: 'disputed'; dispute: string; period: string; amountMinor: bigint; feeMinor: bigint; at: number }
  | { what: 'dispute_decided'; dispute: string; period: string; lost: boolean; at: number }
  | { what: 'advanced'; advanceId: string; payee: string; amountMinor: bigint; cloneIds: readonly string[]; base: 'share' | 'pot'; rateBasisPoints: number; endsOn: number | null; at: number }
  | { what: 'advance_ended'; advanceId: string }
  | { what: 'taxed'; payee: string; fromDay: number; basisPoints: number }
  | { what: 'day_came'; day: number }
  | { what: 'coins_bought'; lot: string; fan: string; coins: number; grossMinor: bigint; feeMinor: bigint }
  | { what: 'coins_held'; spend: string; fan: string; coins: number; cloneId: string; tierId: string }
  | { what: 'coins_voided'; spend: string }
  | { what: 'coins_captured'; spend: string; at: number }
  | { what: 'month_prepaid'; spend: string; period: string; fan: string; coins: number; cloneId: string; tierId: string; startDay: number; days: number }
  | { what: 'coins_returned'; fan: string }
  | { what: 'lot_disputed'; dispute: string; lot: string; grossMinor: bigint; feeMinor: bigint }
  | { what: 'lot_decided'; dispute: string; lot: string; lost: boolean; grossMinor: bigint }
  | { what: 'run'; cloneId: string; at: number }
  | { what: 'payouts'; ready: readonly string[]; minimumMinor: bigint; at: number }
  | { what: 'sent'; payee: string; amountMinor: bigint; advanceId: string | null }
  | { what: 'bounced'; payee: string; amountMinor: bigint }
  | { what: 'held' | 'voided' | 'captured'; period: string };

/** What of a sale is divided: the price, without the tax in it, or without the processor's fee too. */
export type Base = 'gross' | 'net_of_tax' | 'net_of_tax_and_fees';

export interface Leg {
  payee: string;
  basisPoints: number;
}

export const PLATFORM = 'platform';

/** What happened, as the story acknowledges it, in the order in which the books learn of it. Instants in seconds, days as numbers. */
export type Happening =
  | { what: 'split'; cloneId: string; splitId: string; number: number; fromDay: number; legs: readonly Leg[]; bearer: string }
  | { what: 'paid'; period: string; cloneId: string; tierId: string; grossMinor: bigint; feeMinor: bigint; startDay: number; days: number }
  | { what: 'paused' | 'resumed'; cloneId: string; at: number }
  | { what: 'recognised'; cloneId: string; throughDay: number }
  | { what: 'stopped'; cloneId: string; at: number }
  | { what: 'returned'; period: string; days: readonly number[]; at: number }
  | { what: 'disputed'; period: string; lost: boolean; feeMinor: bigint }
  | { what: 'run'; cloneId: string; at: number }
  | { what: 'payouts'; ready: readonly string[]; minimumMinor: bigint }
  | { what: 'sent'; payee: string; amountMinor: bigint }
  | { what: 'bounced'; payee: string; amountMinor: bigint }
  | { what: 'held' | 'voided' | 'captured'; period: string };

export interface Leg {
  payee: string;
  basisPoints: number;
}

export const PLATFORM = 'platform';

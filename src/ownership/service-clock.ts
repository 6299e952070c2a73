/** How long a case waits, and for what: pure. */

export const STAGES = ['unclaimed', 'in_review', 'second_unclaimed', 'second_in_review'] as const;
export type Stage = (typeof STAGES)[number];

export interface Lease {
  reviewerId: string;
  claimedAt: Date;
  expiresAt: Date;
  endedAt: Date | null;
}

/** When a lease is over: given back, used up by a review, or run out. */
export function leaseEnd(lease: Lease): Date {
  return lease.endedAt ?? lease.expiresAt;
}

/** The lease that holds at an instant. */
export function leaseAt(leases: readonly Lease[], at: Date): Lease | null {
  return leases.find((lease) => lease.claimedAt.getTime() <= at.getTime() && at.getTime() < leaseEnd(lease).getTime()) ?? null;
}

export interface Waiting {
  stage: Stage;
  /** Since when it is in this stage. */
  since: Date;
  /** Since when it waits in this round. */
  waitingSince: Date;
  waitedSeconds: number;
  lease: Lease | null;
}

const secondsBetween = (from: Date, to: Date): number => Math.max(0, Math.floor((to.getTime() - from.getTime()) / 1000));

/**
 * Where a case stands. `waitingSince` is its submission or its appeal; `leases` and `reviewedAt` are of the round that is
 * open.
 */
export function waiting(round: { waitingSince: Date; leases: readonly Lease[]; reviewedAt: readonly Date[] }, now: Date): Waiting {
  const lease = leaseAt(round.leases, now);
  const second = round.reviewedAt.length > 0;
  const before = [round.waitingSince, ...round.reviewedAt, ...round.leases.map(leaseEnd).filter((end) => end.getTime() <= now.getTime())];
  const free = new Date(Math.max(...before.map((at) => at.getTime())));
  const stage: Stage = lease === null ? (second ? 'second_unclaimed' : 'unclaimed') : (second ? 'second_in_review' : 'in_review');
  return {
    stage, since: lease?.claimedAt ?? free, waitingSince: round.waitingSince, waitedSeconds: secondsBetween(round.waitingSince, now), lease,
  };
}

export interface Percentiles {
  cases: number;
  p50Seconds: number;
  p90Seconds: number;
  p99Seconds: number;
  longestSeconds: number;
}

/** Nearest-rank percentiles: each is a wait that somebody had. Zeros when there is none. */
export function percentiles(seconds: readonly number[]): Percentiles {
  const sorted = seconds.toSorted((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { cases: sorted.length, p50Seconds: rank(0.5), p90Seconds: rank(0.9), p99Seconds: rank(0.99), longestSeconds: sorted.at(-1) ?? 0 };
}

import type { Json } from '../kernel/canonical-json.ts';
import type { JobHandlers } from '../platform/jobs/index.ts';
import { BOOK_DIFFERENCES_TOPIC } from './positions.ts';
import { SEND_PAYOUT_TOPIC } from './payout-phases.ts';
import { BOOK_REFUND_TOPIC } from './refunds.ts';
import type { Royalties } from './service.ts';

/** Which of the processor's events this room works: type → job topic. */
export const ROYALTY_EVENT_TOPICS: Readonly<Record<string, string>> = {
  'account.updated': 'royalties.syncPayoutAccount',
  'transfer.created': 'royalties.syncTransfer',
  'transfer.updated': 'royalties.syncTransfer',
  'transfer.reversed': 'royalties.syncTransfer',
  'payout.paid': 'royalties.syncBankPayout',
  'payout.failed': 'royalties.syncBankPayout',
};

function member(payload: Json, name: string): Json {
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? ((payload as { [key: string]: Json })[name] ?? null) : null;
}

function idIn(payload: Json, name: string): string {
  const id = member(payload, name);
  if (typeof id !== 'string') throw new Error(`The job's payload lacks ${name}.`);
  return id;
}

/** Topic → work. Each may run twice, and goes on where a run that died left off. */
export function makeRoyaltiesJobs({ work }: Pick<Royalties, 'work'>): JobHandlers {
  return {
    [BOOK_REFUND_TOPIC]: async (payload) => await work.bookRefund(idIn(payload, 'refundId')),
    [SEND_PAYOUT_TOPIC]: async (payload) => await work.sendPayout(idIn(payload, 'payoutId')),
    [BOOK_DIFFERENCES_TOPIC]: async () => await work.bookDifferences(),
    'royalties.syncPayoutAccount': async (payload) => await work.syncPayoutAccount(idIn(payload, 'objectId')),
    'royalties.syncTransfer': async (payload) => await work.syncTransfer(idIn(payload, 'objectId')),
    // A payout of our own account to our own bank is no payee's.
    'royalties.syncBankPayout': async (payload) => {
      if (member(payload, 'connectedAccount') !== null) await work.syncBankPayout(idIn(payload, 'connectedAccount'), idIn(payload, 'objectId'));
    },
  };
}

const HOUR_MS = 3_600_000;

/**
 * Reserves are given back, and payees with a schedule paid, within the hour after their day has begun; what rates gained or lost in refunds and disputes is
 * booked within the hour; what a payee's bank refused for a week is taken back; who
 * cannot be paid is reminded every thirty days. Safe in any number of processes at once.
 */
export function makeRoyaltiesTicks({ work }: Pick<Royalties, 'work'>): Record<string, { everyMs: number; run: () => Promise<void> }> {
  return {
    'royalties.releaseDue': { everyMs: HOUR_MS, run: () => work.releaseDue() },
    [BOOK_DIFFERENCES_TOPIC]: { everyMs: HOUR_MS, run: () => work.bookDifferences() },
    'royalties.takeBackFailed': { everyMs: HOUR_MS, run: () => work.takeBackFailed() },
    'royalties.payScheduled': { everyMs: HOUR_MS, run: () => work.payScheduled() },
    'royalties.remindUnready': { everyMs: HOUR_MS, run: () => work.remindUnready() },
  };
}

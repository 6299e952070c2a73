import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { type Clock, type Day, dayOf } from '../kernel/time.ts';
import type { IdempotencyKey, RunTx, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { closes, closeThrough, lastCloseDay, lockCloses, type CloseRow } from './close-store.ts';
import { isLedgerDay } from './model.ts';
import { sealAll, type SealLog } from './sealing.ts';

export interface CloseJson {
  number: number;
  throughDay: Day;
  position: string;
  closedBy: string;
  closedAt: string;
  totals: { currency: CloseRow['totals'][number]['currency']; class: CloseRow['totals'][number]['class']; movementMinor: string; adjustmentsMinor: string; balanceMinor: string }[];
}

/** What bookkeepers do with a ledger, beside posting to it. */
export interface Books {
  /**
   * Closes the days before `throughDay`, for good. Refuses `ledger_period_open` for a day that is not over,
   * `ledger_period_closed` for one that is closed already.
   */
  closeLedgerPeriod: (actor: Actor, key: IdempotencyKey, asked: { throughDay: Day }) => Promise<CloseJson>;
  /** Hashes what was recorded since the last time into the public log; answers how many leaves that made. */
  seal: (options?: { most?: number }) => Promise<number>;
  /** The newest first. */
  listLedgerCloses: () => Promise<{ closes: CloseJson[] }>;
}

function closeJson({ position, closedAt, totals, ...row }: CloseRow): CloseJson {
  return {
    ...row, position: position.toString(), closedAt: closedAt.toISOString(),
    totals: totals.map((total) => ({
      currency: total.currency, class: total.class, movementMinor: total.movementMinor.toString(),
      adjustmentsMinor: total.adjustmentsMinor.toString(), balanceMinor: total.balanceMinor.toString(),
    })),
  };
}

async function close(tx: Tx, actor: Actor, throughDay: Day, at: Date): Promise<CloseJson> {
  await lockCloses(tx);
  const last = await lastCloseDay(tx);
  if (last !== null && throughDay <= last) {
    throw new Refusal('ledger_period_closed', `Days before ${last} are closed; what belongs to them is recorded from now on with its own date.`);
  }
  const number = await closeThrough(tx, throughDay, actor.accountId, at);
  const [row] = await closes(tx, number);
  if (row === undefined) throw new Error('A close is not there.');
  return closeJson(row);
}

export function makeBooks(deps: { runTx: RunTx; clock: Pick<Clock, 'now'>; log: SealLog }): Books {
  const { runTx, clock } = deps;
  return {
    seal: ({ most } = {}) => sealAll(deps, most),
    async closeLedgerPeriod(actor, key, { throughDay }) {
      if (!isLedgerDay(throughDay) || throughDay === '2000-01-01') {
        throw new Refusal('request_invalid', 'The ledger keeps the days from 2000 to 2199.');
      }
      const at = clock.now();
      if (throughDay > dayOf(at)) throw new Refusal('ledger_period_open', 'Only days that are over are closed: `throughDay` is today at the latest.');
      return await runTx((tx) => once(tx, key, () => close(tx, actor, throughDay, at)));
    },
    listLedgerCloses: () => runTx(async (tx) => ({ closes: (await closes(tx)).map(closeJson) })),
  };
}

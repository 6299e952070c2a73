import { Refusal } from '../kernel/refusals.ts';
import { dayOf, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { chart } from '../ledger/index.ts';
import type { BillingDeps } from './deps.ts';
import { type DisputeView, disputeView } from './dispute-views.ts';
import { claimOfLot, loseLot, spendsAsSources } from './dispute-coins.ts';
import { claimPeriods, losePeriods, periodsAsSources, winPeriods } from './dispute-periods.ts';
import { DISPUTE_LOSSES, disputeLost, disputeOpened, disputeWon } from './dispute-postings.ts';
import type { DisputeFacts } from './dispute-provider.ts';
import * as store from './dispute-store.ts';
import type { CoinReturns } from './coin-returns.ts';
import * as coins from './coin-store.ts';
import { loseOwed } from './owed-losses.ts';
import * as periods from './period-store.ts';
import { pendingOfCharge } from './refund-store.ts';
import type { Refunds } from './refunds.ts';

/** A part of what a payment bought, as whoever divides owner money finds it again. */
export interface DisputedSource {
  cloneId: string;
  /** The paid period; of an output that was paid with coins, their spend. */
  periodId: string;
}

/** What a lost dispute asks back of delivered things; `netMinor` + `taxMinor` is what the fan gets. */
export interface LostPart {
  disputeId: string;
  charge: string;
  cloneId: string;
  tierId: string;
  source: DisputedSource;
  netMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
  day: Day;
  /** Who owes what no payee received, because the processor had kept it: the platform, or a fan. */
  uncoveredBy: string | null;
}

/** Owner money's side of a dispute (royalties has it). */
export interface DisputeHooks {
  /** Taken first, as by everybody who books owner money of these clones. */
  lockClones: (tx: Tx, cloneIds: readonly string[]) => Promise<void>;
  /** Holds a reserve from the payees' unpaid balance, as much as they would have to return. */
  holdForDispute: (tx: Tx, asked: { disputeId: string; charge: string; claimMinor: bigint; sources: readonly DisputedSource[]; day: Day }) => Promise<void>;
  releaseDispute: (tx: Tx, asked: { disputeId: string; day: Day }) => Promise<void>;
  /** Posts who returns what, against `disputesPending`. */
  loseDispute: (tx: Tx, part: LostPart) => Promise<void>;
}

export interface OpenDispute {
  disputeId: string;
  charge: string;
  claimMinor: bigint;
  sources: DisputedSource[];
}

export interface Disputes {
  /** Job: claims anew what an open dispute asks for, after a refund of its payment failed. */
  reviewDispute: (disputeId: string) => Promise<void>;
  /** Books how a dispute stands now; again: nothing. Answers false when its payment is none of ours. */
  applyDispute: (facts: DisputeFacts) => Promise<boolean>;
  /** Those that are not decided and whose payment went to a clone, with what of it went where, the latest first. */
  openDisputes: (tx: Tx, cloneId: string) => Promise<OpenDispute[]>;
  listDisputes: (limit: number) => Promise<{ disputes: DisputeView[] }>;
}

export type DisputeDeps = BillingDeps & { requestRefund: Refunds['requestRefund'] };

/** Sends what is on its way back of a payment, or finds out how it ended. */
interface Sending extends Pick<Refunds, 'sendRefund'>, Pick<CoinReturns, 'sendCoinReturn'> {
  sendOwed: (owedId: string) => Promise<void>;
}

/** Whose payment it was; null when it is not booked. */
async function payerOf(tx: Tx, chargeId: string): Promise<{ accountId: string; lotId: string | null; subscriptionId: string | null } | null> {
  const lot = await coins.lotOfCharge(tx, chargeId);
  if (lot !== null) return { accountId: lot.accountId, lotId: lot.id, subscriptionId: null };
  const [periodId] = await store.periodsOfCharge(tx, chargeId);
  const period = periodId === undefined ? null : await periods.findPeriod(tx, periodId);
  return period === null ? null : { accountId: period.accountId, lotId: null, subscriptionId: period.subscriptionId };
}

/** What a dispute asks back that was not paid back already, by what stands now; claims it. */
async function claimOf(
  tx: Tx, deps: Pick<BillingDeps, 'ids' | 'clock'>, row: Pick<store.DisputeRow, 'id' | 'stripeCharge' | 'lotId' | 'amountMinor'>,
): Promise<{ minor: bigint; sources: DisputedSource[] }> {
  return row.lotId === null ? await claimPeriods(tx, deps, row) : await claimOfLot(tx, row.lotId, row.amountMinor);
}

/** Claims anew: what was on its way back when the dispute opened may have failed, and money may have moved into another plan. */
export async function claimAnew(tx: Tx, deps: Pick<BillingDeps, 'ids' | 'clock' | 'disputes'>, row: store.DisputeRow): Promise<store.DisputeRow> {
  const claim = await claimOf(tx, deps, row);
  if (claim.minor !== row.claimMinor) await store.putClaim(tx, row.id, claim.minor);
  await deps.disputes?.holdForDispute(tx, { disputeId: row.id, charge: row.stripeCharge, claimMinor: claim.minor, sources: claim.sources, day: dayOf(deps.clock.now()) });
  return { ...row, claimMinor: claim.minor };
}

async function open(tx: Tx, deps: DisputeDeps, facts: DisputeFacts): Promise<void> {
  const { disputeId: id, chargeId, amountMinor } = facts;
  const [taken] = facts.movements;
  const payer = await payerOf(tx, chargeId);
  if (payer === null || taken === undefined) throw new Refusal('unavailable', 'The disputed payment is not booked yet.');
  const at = deps.clock.now();
  const claim = await claimOf(tx, deps, { id, stripeCharge: chargeId, lotId: payer.lotId, amountMinor });
  const row = { id, stripeCharge: chargeId, accountId: payer.accountId, lotId: payer.lotId, currency: 'CNY', amountMinor, claimMinor: claim.minor, reason: facts.reason, openedAt: at } as const;
  if (!(await store.insertDispute(tx, row))) return;
  if (facts.currency !== row.currency) throw new Error(`Dispute ${id} is in ${facts.currency}, in which nothing is sold.`);
  const day = dayOf(at);
  await deps.ledger.post(tx, disputeOpened({ disputeId: id, charge: chargeId, currency: row.currency, amountMinor, day, trace: {} }, taken));
  await deps.disputes?.holdForDispute(tx, { disputeId: id, charge: chargeId, claimMinor: claim.minor, sources: claim.sources, day });
}

/** Everybody who takes part returns theirs; what nobody returns is the platform's loss. */
async function lose(tx: Tx, deps: DisputeDeps, before: store.DisputeRow, subscriptionId: string | null): Promise<void> {
  if ((await pendingOfCharge(tx, before.stripeCharge, before.lotId)).length > 0) {
    throw new Refusal('unavailable', 'A refund of the disputed payment is still on its way; who returns what is known when it has arrived or failed.');
  }
  const row = await claimAnew(tx, deps, before);
  const { id, stripeCharge, currency, amountMinor, claimMinor } = row;
  const at = deps.clock.now();
  if (row.lotId === null) await losePeriods(tx, deps, row);
  else await loseLot(tx, deps, row, row.lotId);
  await deps.disputes?.releaseDispute(tx, { disputeId: id, day: dayOf(at) });
  const restMinor = amountMinor - claimMinor - await loseOwed(tx, deps, row, amountMinor - claimMinor);
  if (restMinor > 0n) {
    const legs = [{ account: chart.platformExpense(DISPUTE_LOSSES, currency), amountMinor: restMinor }];
    await deps.ledger.post(tx, disputeLost({ disputeId: id, charge: stripeCharge, currency, amountMinor: restMinor, day: dayOf(at), trace: {} }, 'refunded_before', legs));
  }
  if (subscriptionId === null) return;
  await enqueue(tx, {
    topic: 'billing.endSubscription', payload: { subscriptionId }, runAt: at, dedupeKey: `billing.endSubscription:${subscriptionId}:${id}`,
  });
}

/** What another dispute has emptied for good stays lost. */
async function freeLot(tx: Tx, lotId: string): Promise<void> {
  const [lot] = await coins.lotsById(tx, [lotId]);
  if (lot?.state === 'disputed') await coins.putLotState(tx, lotId, 'open');
}

async function win(tx: Tx, deps: DisputeDeps, row: store.DisputeRow, facts: DisputeFacts): Promise<boolean> {
  const given = facts.movements[1];
  // Decided, and the money is still on its way: its event comes.
  if (given === undefined) return false;
  const at = deps.clock.now();
  const { id: disputeId, stripeCharge: charge, currency, amountMinor } = row;
  await deps.ledger.post(tx, disputeWon({ disputeId, charge, currency, amountMinor, day: dayOf(at), trace: {} }, given));
  await deps.disputes?.releaseDispute(tx, { disputeId, day: dayOf(at) });
  if (row.lotId === null) await winPeriods(tx, deps, row);
  else await freeLot(tx, row.lotId);
  return true;
}

export function makeDisputes(deps: DisputeDeps, { sendRefund, sendCoinReturn, sendOwed }: Sending): Disputes {
  const { runTx, clock } = deps;
  const sent = { period: sendRefund, coins: sendCoinReturn, owed: sendOwed };

  /** A lost dispute counts what was paid back before: so that is settled first. */
  async function settlePending({ chargeId }: DisputeFacts): Promise<void> {
    const pending = await runTx(async (tx) => pendingOfCharge(tx, chargeId, (await coins.lotOfCharge(tx, chargeId))?.id ?? null));
    for (const { id, of } of pending) await sent[of](id);
  }

  return {
    async reviewDispute(disputeId) {
      await runTx(async (tx) => {
        const seen = await store.findDispute(tx, disputeId);
        if (seen?.state !== 'open') return;
        await deps.disputes?.lockClones(tx, await store.clonesOfCharge(tx, seen.stripeCharge));
        const row = await store.lockDispute(tx, disputeId);
        if (row?.state === 'open') await claimAnew(tx, deps, row);
      });
    },

    async applyDispute(facts) {
      // An inquiry moves no money; what is asked there is answered at the processor.
      if (facts.state === 'inquiry') return true;
      if (facts.state === 'lost') await settlePending(facts);
      return await runTx(async (tx) => {
        const payer = await payerOf(tx, facts.chargeId);
        if (payer === null) return false;
        await deps.disputes?.lockClones(tx, await store.clonesOfCharge(tx, facts.chargeId));
        // Before the wallet, in the order of whoever captures or voids one.
        if (payer.lotId !== null && facts.state === 'lost') await coins.lockHeldOfLot(tx, payer.lotId);
        if ((await store.lockDispute(tx, facts.disputeId)) === null) await open(tx, deps, facts);
        const row = await store.lockDispute(tx, facts.disputeId);
        if (row === null) throw new Error(`Dispute ${facts.disputeId} is gone.`);
        if (row.state !== 'open') {
          if (facts.state !== row.state) throw new Error(`Dispute ${row.id} was booked as ${row.state} and is now ${facts.state}: it must be put right by hand.`);
          return true;
        }
        if (facts.state === 'open') return true;
        if (facts.state === 'won') {
          if (await win(tx, deps, row, facts)) await store.endDispute(tx, row.id, 'won', clock.now());
          return true;
        }
        await lose(tx, deps, row, payer.subscriptionId);
        await store.endDispute(tx, row.id, 'lost', clock.now());
        return true;
      });
    },

    async openDisputes(tx, cloneId) {
      const found: OpenDispute[] = [];
      for (const row of await store.openOfClone(tx, cloneId)) {
        const sources = row.lotId === null ? await periodsAsSources(tx, row) : await spendsAsSources(tx, row.lotId);
        found.push({ disputeId: row.id, charge: row.stripeCharge, claimMinor: row.claimMinor, sources });
      }
      return found;
    },

    listDisputes: (limit) => runTx(async (tx) => ({ disputes: (await store.listDisputes(tx, limit)).map(disputeView) })),
  };
}

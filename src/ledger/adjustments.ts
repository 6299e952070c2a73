import type { components } from '../../contracts/generated/api.ts';
import type { Ids } from '../kernel/ids.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { type Clock, type Day, dayOf } from '../kernel/time.ts';
import type { IdempotencyKey, RunTx, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { adjustmentDraft, type LegInput, payeesIn } from './adjust-model.ts';
import * as store from './adjust-store.ts';
import { checkChange, NOTHING, type TransferDraft, watchedChanges } from './model.ts';
import type { Ledger } from './service.ts';
import { standingsOf } from './store.ts';

export type AdjustmentJson = components['schemas']['LedgerAdjustment'];

export interface AdjustDeps {
  runTx: RunTx;
  clock: Pick<Clock, 'now'>;
  ids: Ids;
  ledger: Pick<Ledger, 'submit' | 'post'>;
  /** Whether somebody is an account of this service. */
  knowsAccount: (tx: Tx, accountId: string) => Promise<boolean>;
}

/** Corrections by hand, by two operators: what no other room's verb can put right. */
export interface Adjustments {
  /**
   * Refuses `ledger_account_barred` for what is not adjusted by hand, `ledger_unbalanced`, `payee_unknown`, and `review_party` to
   * an operator whose own money it is.
   */
  proposeAdjustment: (actor: Actor, key: IdempotencyKey, input: { effectiveDate: Day; reason: string; evidence: string; legs: readonly LegInput[] }) => Promise<AdjustmentJson>;
  /**
   * By another operator: the decision is kept, then the transfer is submitted. Refuses `two_people_needed`, `review_party`, `adjustment_state`,
   * `ledger_insufficient_funds`; `overloaded` when too much waits to be written, and then the same call books it later.
   */
  approveAdjustment: (actor: Actor, key: IdempotencyKey, adjustmentId: string) => Promise<AdjustmentJson>;
  rejectAdjustment: (actor: Actor, key: IdempotencyKey, adjustmentId: string, input: { note: string }) => Promise<AdjustmentJson>;
  /** Takes an approval back by which nothing was booked yet; one person is enough to stop. Refuses `adjustment_state`. */
  withdrawAdjustment: (actor: Actor, key: IdempotencyKey, adjustmentId: string, input: { note: string }) => Promise<AdjustmentJson>;
  /** The newest first. */
  listAdjustments: () => Promise<{ adjustments: AdjustmentJson[] }>;
}

const LISTED = 200;

function viewOf(row: store.AdjustmentRow): AdjustmentJson {
  const state = row.transferId !== null ? 'posted' : row.withdrawnAt !== null ? 'withdrawn' : (row.verdict ?? 'proposed');
  return {
    adjustmentId: row.id, state, effectiveDate: row.effectiveDate, reason: row.reason, evidence: row.evidence, legs: row.legs, proposedBy: row.proposedBy,
    proposedAt: row.proposedAt.toISOString(), decidedBy: row.decidedBy, decidedAt: row.decidedAt?.toISOString() ?? null, note: row.note,
    withdrawnBy: row.withdrawnBy, withdrawnAt: row.withdrawnAt?.toISOString() ?? null, transferId: row.transferId,
  };
}

/** Refuses what names nobody, and what is somebody's own. */
export async function checkParties(tx: Tx, deps: Pick<AdjustDeps, 'knowsAccount'>, operators: readonly string[], draft: TransferDraft): Promise<void> {
  for (const payee of payeesIn(draft.legs)) {
    if (operators.includes(payee)) throw new Refusal('review_party', 'Nobody moves their own money by hand.');
    if (!(await deps.knowsAccount(tx, payee))) throw new Refusal('payee_unknown', 'The payee is no account of this service.', { extra: { payee } });
  }
}

/** Refuses what is not there to be taken, while nothing is decided yet, as posting it would. */
async function checkFunds(tx: Tx, draft: TransferDraft): Promise<void> {
  const changes = watchedChanges(draft.legs);
  const standings = await standingsOf(tx, changes.map(({ account }) => account.code), null);
  for (const change of changes) checkChange(change, standings.get(change.account.code) ?? NOTHING);
}

function withdrawn(): Refusal {
  return new Refusal('adjustment_state', 'The approval of this adjusting entry was withdrawn.');
}

async function locked(tx: Tx, adjustmentId: string): Promise<store.AdjustmentRow> {
  const row = await store.lockAdjustment(tx, adjustmentId);
  if (row === null) throw notFound();
  return row;
}

/** The approval, kept once. Repeated by any operator it changes nothing: what is left is to book it. */
async function approve(tx: Tx, deps: AdjustDeps, actor: Actor, adjustmentId: string): Promise<{ adjustmentId: string }> {
  const row = await locked(tx, adjustmentId);
  if (row.verdict === 'rejected') throw new Refusal('adjustment_state', 'This adjusting entry was rejected.');
  if (row.withdrawnAt !== null) throw withdrawn();
  if (row.verdict === 'approved') return { adjustmentId };
  if (row.proposedBy === actor.accountId) throw new Refusal('two_people_needed', 'Another operator must approve what you proposed.');
  const at = deps.clock.now();
  const draft = draftOf(row, actor.accountId);
  await checkParties(tx, deps, [actor.accountId], draft);
  await checkFunds(tx, draft);
  await store.insertDecision(tx, { adjustmentId, verdict: 'approved', note: null, decidedBy: actor.accountId, decidedAt: at });
  return { adjustmentId };
}

/** Its day was checked when it was proposed. */
function draftOf(row: store.AdjustmentRow, approvedBy: string): TransferDraft {
  return adjustmentDraft({ ...row, adjustmentId: row.id }, approvedBy, dayOf(row.proposedAt));
}

export function makeAdjustments(deps: AdjustDeps): Adjustments {
  const { runTx, clock, ids, ledger } = deps;

  async function read(tx: Tx, adjustmentId: string): Promise<store.AdjustmentRow> {
    const row = await store.findAdjustment(tx, adjustmentId);
    if (row === null) throw notFound();
    return row;
  }

  async function book(row: store.AdjustmentRow): Promise<void> {
    try {
      await ledger.submit(draftOf(row, row.decidedBy ?? ''));
    } catch (error) {
      // PostgreSQL does not book what was withdrawn meanwhile.
      if ((await runTx((tx) => read(tx, row.id))).withdrawnAt !== null) throw withdrawn();
      throw error;
    }
  }

  return {
    proposeAdjustment: (actor, key, { effectiveDate, reason, evidence, legs }) => runTx((tx) => once(tx, key, async () => {
      const at = clock.now();
      const row = { id: ids.next('adjustment'), effectiveDate, reason, evidence, legs: [...legs], proposedBy: actor.accountId, proposedAt: at };
      await checkParties(tx, deps, [actor.accountId], adjustmentDraft({ ...row, adjustmentId: row.id }, '', dayOf(at)));
      await store.insertAdjustment(tx, row);
      return viewOf(await read(tx, row.id));
    })),

    async approveAdjustment(actor, key, adjustmentId) {
      await runTx((tx) => once(tx, key, () => approve(tx, deps, actor, adjustmentId)));
      const row = await runTx((tx) => read(tx, adjustmentId));
      // Whoever died here calls again: the same transfer is written once, whoever asks.
      if (row.transferId === null) await book(row);
      return viewOf(await runTx((tx) => read(tx, adjustmentId)));
    },

    rejectAdjustment: (actor, key, adjustmentId, { note }) => runTx((tx) => once(tx, key, async () => {
      const row = await locked(tx, adjustmentId);
      if (row.verdict !== null) throw new Refusal('adjustment_state', `This adjusting entry is ${row.verdict} already.`);
      await store.insertDecision(tx, { adjustmentId, verdict: 'rejected', note, decidedBy: actor.accountId, decidedAt: clock.now() });
      return viewOf(await read(tx, adjustmentId));
    })),

    withdrawAdjustment: (actor, key, adjustmentId, { note }) => runTx((tx) => once(tx, key, async () => {
      const row = await locked(tx, adjustmentId);
      if (row.verdict !== 'approved' || row.withdrawnAt !== null || row.transferId !== null) {
        throw new Refusal('adjustment_state', 'Only an approval by which nothing was booked yet is withdrawn.');
      }
      await store.insertWithdrawal(tx, { adjustmentId, note, withdrawnBy: actor.accountId, withdrawnAt: clock.now() });
      return viewOf(await read(tx, adjustmentId));
    })),

    listAdjustments: () => runTx(async (tx) => ({ adjustments: (await store.adjustments(tx, LISTED)).map(viewOf) })),
  };
}

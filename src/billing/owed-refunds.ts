import type { components } from '../../contracts/generated/api.ts';
import type { Currency } from '../kernel/money.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { BillingDeps } from './deps.ts';
import { isDisputed } from './dispute-store.ts';
import { recoverLosses } from './owed-losses.ts';
import * as store from './owed-store.ts';
import type { DisputeDeps } from './disputes.ts';
import { owedPaidOtherwise, refundCameBack, refundSentAgain } from './postings.ts';
import type { RefundFacts } from './provider.ts';
import type { Place } from './refund-store.ts';
import { listRefused, refusedNow, sendRefused, settleRefused } from './refused-refunds.ts';

export type OwedRefundView = components['schemas']['OwedRefund'];

/** Refunds that had succeeded and came back, or that the processor would not make: owed to the fan until they are sent again and arrive, or are paid otherwise. */
export interface OwedRefunds {
  /** A page: those that were refused, then what came back and nobody has received yet, then what was settled; each the newest first. Refuses `request_invalid`. */
  listOwedRefunds: (page: { after?: string; limit?: number }) => Promise<{ refunds: OwedRefundView[]; next: string | null }>;
  /** Sends it to the same payment once more; one that is on its way, or has arrived, is answered as it is. Refuses `not_found`, `refund_too_large`. */
  sendOwedRefund: (actor: Actor, key: IdempotencyKey, owedId: string) => Promise<OwedRefundView>;
  /** Says that it was paid outside the processor; nothing is booked yet, and what was said before is no more. Refuses `not_found`, `refund_too_large`, `review_party`. */
  proposeOwedSettlement: (actor: Actor, key: IdempotencyKey, owedId: string, input: { reference: string }) => Promise<OwedRefundView>;
  /** Another operator, who has looked the payment up, says the same: it is booked. Refuses `not_found`, `two_people_needed`, `settlement_differs`, `refund_too_large`, `review_party`. */
  approveOwedSettlement: (actor: Actor, key: IdempotencyKey, owedId: string, input: { reference: string }) => Promise<OwedRefundView>;
  /** Job. */
  sendOwed: (owedId: string) => Promise<void>;
  /** Books what the processor says of a try; answers false when none has this id. */
  settleOwed: (owedId: string, told: RefundFacts) => Promise<boolean>;
}

type Seen = Omit<store.OwedRow, 'state' | 'returnedRefund'> & { state: OwedRefundView['state'] };

async function viewOf(tx: Tx, row: Seen): Promise<OwedRefundView> {
  const [view] = await viewsOf(tx, [row]);
  if (view === undefined) throw new Error(`Nothing shows ${row.id}.`);
  return view;
}

async function viewsOf(tx: Tx, rows: readonly Seen[]): Promise<OwedRefundView[]> {
  const settlements = await store.settlementsOf(tx, rows.map(({ id }) => id));
  return rows.map((row) => ownView(row, settlements.get(row.id) ?? null));
}

function ownView(row: Seen, settlement: store.SettlementRow | null): OwedRefundView {
  return {
    owedId: row.id, refundId: row.refundId, charge: row.stripeCharge, currency: row.currency, amountMinor: row.grossMinor.toString(), failure: row.failure,
    state: row.state, owedAt: row.owedAt.toISOString(), settlement: settlement === null ? null : {
      reference: settlement.reference, proposedBy: settlement.proposedBy, proposedAt: settlement.proposedAt.toISOString(), approvedBy: settlement.approvedBy,
    },
  };
}

const SHOWN = 100;

/** The parts of the list, one behind the other. */
const PARTS: readonly ((tx: Tx, after: Place | null, limit: number) => Promise<OwedRefundView[]>)[] = [
  async (tx, after, limit) => await viewsOf(tx, (await listRefused(tx, after, limit)).map((row) => ({ ...row, state: 'refused' }))),
  async (tx, after, limit) => await viewsOf(tx, await store.listOwed(tx, false, after, limit)),
  async (tx, after, limit) => await viewsOf(tx, await store.listOwed(tx, true, after, limit)),
];

/** `part.milliseconds.id` of the last page's last row. */
function readPlace(after: string | undefined): { part: number; place: Place | null } {
  if (after === undefined) return { part: 0, place: null };
  const [, part, at, id] = /^([012])\.(\d{1,14})\.(rfd_[0-9a-z]{26})$/.exec(after) ?? [];
  if (part === undefined || at === undefined || id === undefined) throw new Refusal('request_invalid', '`after` is what the last page named as `next`.');
  return { part: Number(part), place: { at: new Date(Number(at)), id } };
}

async function page(tx: Tx, from: { part: number; place: Place | null }, limit: number): Promise<{ refunds: OwedRefundView[]; next: string | null }> {
  const found: { part: number; row: OwedRefundView }[] = [];
  for (let part = from.part; part < PARTS.length && found.length <= limit; part += 1) {
    const rows = await PARTS[part]?.(tx, part === from.part ? from.place : null, limit + 1 - found.length) ?? [];
    found.push(...rows.map((row) => ({ part, row })));
  }
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const next = found.length > limit && last !== undefined ? `${last.part}.${new Date(last.row.owedAt).getTime()}.${last.row.owedId}` : null;
  return { refunds: shown.map(({ row }) => row), next };
}

/** What the processor says must be of the payment and the amount that were asked for: metadata are not enough to be booked by. */
export function checkOurs(asked: { id: string; stripeCharge: string; grossMinor: bigint }, told: RefundFacts): void {
  if (told.chargeId !== asked.stripeCharge || told.amountMinor !== asked.grossMinor) {
    throw new Error(`What the processor calls refund ${asked.id} is of another payment or amount, and is not booked: ${told.stripeRefundId ?? 'refused'}.`);
  }
}

/** Books that a refund came back, once. */
export async function cameBack(
  tx: Tx, deps: Pick<BillingDeps, 'ids' | 'clock' | 'ledger'>, refund: { id: string; stripeCharge: string; currency: Currency; grossMinor: bigint }, told: RefundFacts,
): Promise<void> {
  const { stripeRefundId: stripeRefund, returned } = told;
  if (stripeRefund === null || returned === null) throw new Refusal('unavailable', 'The processor has not given the money of this refund back yet.');
  const at = deps.clock.now();
  const { id: refundId, stripeCharge, currency, grossMinor } = refund;
  const row = { id: deps.ids.next('refund'), refundId, stripeCharge, returnedRefund: stripeRefund, failure: told.failure ?? 'failed', currency, grossMinor, owedAt: at };
  if (!(await store.insertOwed(tx, row))) return;
  await deps.ledger.post(tx, refundCameBack({ refundId, stripeRefund, charge: stripeCharge, currency, amountMinor: grossMinor, returned, at }));
  await recoverLosses(tx, deps, stripeCharge);
}

/** While a bank asks for a payment nothing of it is paid by us: it may have been given by then. */
async function checkUndisputed(tx: Tx, { stripeCharge, state }: Pick<Seen, 'stripeCharge' | 'state'>): Promise<void> {
  if (state === 'owed' && await isDisputed(tx, stripeCharge)) throw new Refusal('payment_disputed', 'The fan’s bank asks for this payment. What is still owed is known when it has decided.');
}

/** Nobody says of their own money that it was paid. */
async function checkParty(tx: Tx, { accountId }: Actor, refundId: string): Promise<void> {
  if (await store.fanOwed(tx, refundId) === accountId) throw new Refusal('review_party', 'This is owed to yourself: two others say that it was paid.');
}

function makeSettlements(deps: DisputeDeps): Pick<OwedRefunds, 'proposeOwedSettlement' | 'approveOwedSettlement'> {
  const { runTx, clock, ledger } = deps;

  async function book(tx: Tx, row: store.OwedRow, told: { reference: string; recordedBy: string }): Promise<void> {
    const at = clock.now();
    const { id: owedId, refundId, stripeCharge: charge, currency, grossMinor: amountMinor } = row;
    const { transferId } = await ledger.post(tx, owedPaidOtherwise({ owedId, refundId, charge, currency, amountMinor, reference: told.reference, at }));
    await store.insertPaidOtherwise(tx, { ...told, owedId, paidAt: at, transferId });
    await store.putOwed(tx, owedId, { state: 'paid_otherwise', stripeRefund: null, settled: null, at });
  }

  return {
    proposeOwedSettlement: (actor, key, owedId, { reference }) => runTx((tx) => once(tx, key, async () => {
      await store.lockSettlement(tx, owedId);
      const row = await store.lockOwed(tx, owedId);
      const refused = row === null ? await refusedNow(tx, owedId) : null;
      const seen = row ?? refused;
      if (seen === null) throw notFound();
      await checkParty(tx, actor, seen.refundId);
      await checkUndisputed(tx, seen);
      const open = seen.state === 'owed' || seen.state === 'refused';
      if (open) await store.insertProposal(tx, { owedId, reference, proposedBy: actor.accountId, proposedAt: clock.now() });
      return await viewOf(tx, seen);
    })),

    approveOwedSettlement: (actor, key, owedId, { reference }) => runTx((tx) => once(tx, key, async () => {
      const proposed = await store.lockSettlement(tx, owedId);
      if (proposed === null) {
        if (await store.findOwed(tx, owedId) === null && await refusedNow(tx, owedId) === null) throw notFound();
        throw new Refusal('settlement_differs', 'Nobody has said yet that it was paid.');
      }
      const told = { reference, recordedBy: actor.accountId };
      if (proposed.approvedBy === null) {
        if (proposed.proposedBy === actor.accountId) throw new Refusal('two_people_needed', 'Another operator must confirm what you said.');
        if (proposed.reference !== reference) throw new Refusal('settlement_differs', 'It was said to be paid under another reference: look both up.', { extra: { reference: proposed.reference } });
      }
      const row = await store.lockOwed(tx, owedId);
      await checkParty(tx, actor, row?.refundId ?? owedId);
      if (row === null) {
        const settled = await settleRefused(tx, deps, owedId, told);
        if (settled === null) throw notFound();
        return await viewOf(tx, settled);
      }
      if (row.state !== 'owed') return await viewOf(tx, row);
      await checkUndisputed(tx, row);
      await book(tx, row, told);
      return await viewOf(tx, { ...row, state: 'paid_otherwise' });
    })),
  };
}

export function makeOwedRefunds(deps: DisputeDeps): OwedRefunds {
  const { runTx, clock, ids, ledger, provider } = deps;

  async function book(tx: Tx, owedId: string, told: RefundFacts): Promise<boolean> {
    const row = await store.lockOwed(tx, owedId);
    if (row === null) return false;
    checkOurs(row, told);
    const { refundId, stripeCharge, currency, grossMinor } = row;
    const at = clock.now();
    const { stripeRefundId: stripeRefund, settled } = told;
    if (row.state === 'succeeded' && told.state === 'failed') await cameBack(tx, deps, { ...row, id: refundId }, told);
    if (row.state !== 'pending' || told.state === 'pending') return true;
    await store.putOwed(tx, owedId, { state: told.state, stripeRefund, settled, at });
    if (told.state === 'failed') {
      // It is owed as before, and may be tried anew.
      const returnedRefund = stripeRefund ?? `refused:${owedId}`;
      await store.insertOwed(tx, { id: ids.next('refund'), refundId, stripeCharge, returnedRefund, failure: told.failure ?? 'failed', currency, grossMinor, owedAt: at });
      return true;
    }
    if (settled === null || stripeRefund === null) throw new Error(`Refund ${owedId} succeeded without a movement of money.`);
    await ledger.post(tx, refundSentAgain({ owedId, refundId, stripeRefund, charge: stripeCharge, currency, amountMinor: grossMinor, settled, at }));
    return true;
  }

  const settleOwed = (owedId: string, told: RefundFacts): Promise<boolean> => runTx((tx) => book(tx, owedId, told));

  return {
    listOwedRefunds: ({ after, limit = SHOWN }) => runTx((tx) => page(tx, readPlace(after), limit)),

    ...makeSettlements(deps),

    sendOwedRefund: (_actor, key, owedId) => runTx((tx) => once(tx, key, async () => {
      const row = await store.lockOwed(tx, owedId);
      if (row === null) {
        const refused = await sendRefused(tx, deps, owedId);
        if (refused === null) throw notFound();
        return await viewOf(tx, refused);
      }
      if (row.state !== 'owed') return await viewOf(tx, row);
      await checkUndisputed(tx, row);
      const at = clock.now();
      await store.putOwed(tx, owedId, { state: 'pending', stripeRefund: null, settled: null, at });
      await enqueue(tx, { topic: 'billing.sendOwed', payload: { owedId }, runAt: at, dedupeKey: `billing.sendOwed:${owedId}` });
      return await viewOf(tx, { ...row, state: 'pending' });
    })),

    async sendOwed(owedId) {
      const row = await runTx((tx) => store.findOwed(tx, owedId));
      if (row?.state !== 'pending') return;
      await settleOwed(owedId, await provider.refund({ refundId: owedId, chargeId: row.stripeCharge, amountMinor: row.grossMinor }));
    },

    settleOwed,
  };
}

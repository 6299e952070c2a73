import { notFound } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { EventSource } from '../kernel/server-event.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import type { SignatureInput } from '../identity/index.ts';
import { once } from '../platform/postgres/index.ts';
import { makeCoordination } from './coordinator.ts';
import type { StopDeps } from './deps.ts';
import { equalsQuote, type QuotedKind, recordOf, type Settlement, type StopCost, type StopRecord } from './model.ts';
import { endWindDown, order, stopByHouse } from './orders.ts';
import { untilKnown } from './outcome.ts';
import { makePauses } from './pauses.ts';
import { makePlatformStops } from './platform.ts';
import { gateStop, placeOf, watch } from './progress.ts';
import { lineOf, quote, quoteOf, type StopQuoteView } from './quotes.ts';
import { type Acknowledgement, type GatewayOutcome, loadAcknowledgement } from './registry-store.ts';
import type { PartInput, Scope } from './scope.ts';
import * as store from './store.ts';

export type { StopQuoteView } from './quotes.ts';

/** How far a stop has come; what the gateways did stands in it once it is acknowledged. */
export interface StopAcknowledgementView {
  stopId: string;
  cloneId: string;
  kind: QuotedKind;
  scope: Scope['kind'];
  target: string | null;
  /** The end of a wind-down's notice period. */
  endsAt: string | null;
  orderedAt: string;
  /** Null while a wind-down runs: its gate is open. */
  epoch: string | null;
  releases: string | null;
  acknowledgedAt: string | null;
  milliseconds: number | null;
  gateways: GatewayOutcome[];
  streams: number;
  bytes: string;
}

export interface StopView extends StopAcknowledgementView {
  state: 'winding_down' | 'ordered' | 'acknowledged' | 'settled';
  quoteId: string;
  quoted: StopCost;
  signedDocumentId: string;
  settlement: Settlement;
  record: StopRecord;
  leafId: string;
}

export interface Stop extends ReturnType<typeof makePauses>, ReturnType<typeof makePlatformStops> {
  /** Keeps what it answers: an order names the quote that was read. */
  quoteStop(actor: Actor, cloneId: string, asked?: PartInput & { kind?: QuotedKind | undefined }): Promise<StopQuoteView>;
  /** Answers when COMMIT has returned; with `waitMs`, when it is acknowledged or that time has passed. */
  orderStop(
    actor: Actor, key: IdempotencyKey, cloneId: string, order: { quoteId: string; signature: SignatureInput }, waitMs?: number,
  ): Promise<StopAcknowledgementView>;
  /** The house's own stop of a clone, in the caller's transaction; null when it was shut already. A job acknowledges it. */
  stopByHouse(tx: Tx, asked: Parameters<typeof stopByHouse>[2]): Promise<{ stopId: string } | null>;
  /** Job: a notice period is over. */
  endWindDown(stopId: string): Promise<void>;
  /** Stops that this process is waiting for. */
  idle(): Promise<void>;
  getStop(actor: Actor, stopId: string): Promise<StopView>;
  /** The stop, live, behind the event whose id a reader saw last; from its beginning without one. */
  watchStop(actor: Actor, stopId: string, lastEventId?: string): Promise<EventSource>;
  /** Job: a stop whose caller died between its COMMIT and the acknowledgement is acknowledged all the same. */
  acknowledge(stopId: string): Promise<void>;
}

const milliseconds = (nanoseconds: bigint | null): number | null => (nanoseconds === null ? null : Number(nanoseconds / 1_000n) / 1_000);

function acknowledgementView(stop: store.StopRow, acknowledged: Acknowledgement | null): StopAcknowledgementView {
  const { kind, scope, target } = stop;
  return {
    stopId: stop.stopId, cloneId: stop.cloneId, kind, scope, target, endsAt: stop.endsAt?.toISOString() ?? null, orderedAt: stop.orderedAt.toISOString(),
    epoch: stop.epoch?.toString() ?? null, releases: stop.releases?.toString() ?? null,
    acknowledgedAt: acknowledged?.at.toISOString() ?? null, milliseconds: milliseconds(acknowledged?.nanoseconds ?? null),
    gateways: acknowledged?.gateways ?? [], streams: acknowledged?.streams ?? 0, bytes: (acknowledged?.bytes ?? 0n).toString(),
  };
}

/** A wind-down settles at its end: until then nothing is returned, and nothing is left undone either. */
const NOT_YET: Settlement = {
  done: false, renewalsLeft: 0, checkoutsLeft: 0, refundsPending: 0, refundsSucceeded: 0, refundsFailed: 0, refundedMinor: '0', deferredMinor: '0',
  taxMinor: '0', feeMinor: '0', equalsQuote: null, differences: [],
};

async function settlementOf(deps: StopDeps, tx: Tx, stop: store.StopRow, row: store.QuoteRow): Promise<Settlement> {
  const { cost } = quoteOf(row);
  const settled = await deps.billing.stopSettlement(tx, stop.stopId, { day: cost.day, lines: row.lines.map(lineOf) });
  if (settled === null) return NOT_YET;
  const count = (state: string): number => settled.refunds.filter((refund) => refund.state === state).length;
  const settlement = {
    done: settled.done, renewalsLeft: settled.renewalsLeft, checkoutsLeft: settled.checkoutsLeft,
    refundsPending: count('pending'), refundsSucceeded: count('succeeded'), refundsFailed: count('failed'),
    refundedMinor: settled.refundedMinor.toString(), deferredMinor: settled.deferredMinor.toString(),
    taxMinor: settled.taxMinor.toString(), feeMinor: settled.feeMinor.toString(), differences: settled.differences,
  };
  return { ...settlement, equalsQuote: equalsQuote(settlement, cost) };
}

function stateOf(stop: store.StopRow, acknowledged: Acknowledgement | null, settlement: Settlement): StopView['state'] {
  if (stop.epoch === null) return 'winding_down';
  if (acknowledged === null) return 'ordered';
  return settlement.done ? 'settled' : 'acknowledged';
}

async function view(deps: StopDeps, tx: Tx, stop: store.StopRow): Promise<StopView> {
  const row = await store.loadQuote(tx, stop.quoteId);
  const signed = await deps.identity.signedDocument(tx, stop.signedDocumentId);
  if (row === null || signed === null) throw new Error(`Stop ${stop.stopId} has lost its papers.`);
  const settlement = await settlementOf(deps, tx, stop, row);
  const acknowledged = await loadAcknowledgement(tx, stop.stopId);
  return {
    ...acknowledgementView(stop, acknowledged), state: stateOf(stop, acknowledged, settlement),
    quoteId: stop.quoteId, quoted: quoteOf(row).cost, signedDocumentId: stop.signedDocumentId, settlement, record: recordOf(stop, signed), leafId: stop.leafId,
  };
}

async function readAcknowledgement(deps: StopDeps, stopId: string): Promise<StopAcknowledgementView> {
  return await deps.runTx(async (tx) => {
    const [stop, acknowledged] = await Promise.all([store.loadStop(tx, stopId), loadAcknowledgement(tx, stopId)]);
    if (stop === null) throw new Error(`There is no stop ${stopId}.`);
    return acknowledgementView(stop, acknowledged);
  });
}

export function makeStop(deps: StopDeps): Stop {
  const { runTx, clock, ids } = deps;
  const coordination = makeCoordination(deps);
  return {
    ...makePauses(deps, coordination),
    ...makePlatformStops(deps, coordination),

    quoteStop: (actor, cloneId, asked = {}) => runTx((tx) => quote(deps, tx, actor, cloneId, asked)),

    async orderStop(actor, key, cloneId, { quoteId, signature }, waitMs = 0) {
      const arrived = clock.monotonic();
      const asked = { stopId: ids.next('stop'), cloneId, quoteId, signature };
      const ordered = await untilKnown(() => runTx((tx) => once(tx, key, () => order(deps, tx, actor, asked))));
      // Another call's stop was not measured here: whoever ordered it knows how long it took, or nobody does.
      if (ordered.shut) await coordination.follow(ordered.stopId, ordered.stopId === asked.stopId ? arrived : null, waitMs);
      return await readAcknowledgement(deps, ordered.stopId);
    },

    stopByHouse: (tx, asked) => stopByHouse(deps, tx, asked),

    async endWindDown(stopId) {
      const arrived = clock.monotonic();
      if (await runTx((tx) => endWindDown(deps, tx, stopId))) await coordination.follow(stopId, arrived, 0);
    },

    idle: () => coordination.idle(),

    getStop: (actor, stopId) => runTx(async (tx) => {
      const stop = await store.loadStop(tx, stopId);
      if (stop === null || (await deps.cloneOwner(tx, stop.cloneId)) !== actor.accountId) throw notFound();
      return await view(deps, tx, stop);
    }),

    watchStop: (actor, stopId, lastEventId) => runTx(async (tx) => {
      const stop = await gateStop(tx, stopId);
      const owner = stop.cloneId === null ? null : await deps.cloneOwner(tx, stop.cloneId);
      // A stop of the whole house is the operators' to watch.
      if (stop.cloneId === null ? !actor.roles.includes('operator') : owner !== actor.accountId) throw notFound();
      return watch(runTx, stop, placeOf(lastEventId));
    }),

    acknowledge: (stopId) => coordination.takeOver(stopId),
  };
}

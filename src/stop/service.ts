import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { EventSource } from '../kernel/server-event.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import type { SignatureInput } from '../identity/index.ts';
import { STOP_CHANNEL } from '../consent/index.ts';
import type { StopQuote as Quoted } from '../billing/index.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { notify, once } from '../platform/postgres/index.ts';
import { makeCoordination } from './coordinator.ts';
import type { StopDeps } from './deps.ts';
import {
  equalsQuote, isOrderFor, linesDigest, type QuoteDocument, QUOTE_VALID_MS, type Settlement, type StopCost, type StopOrderDocument,
  stopOrderFor, type StopRecord,
} from './model.ts';
import { untilKnown } from './outcome.ts';
import { makePauses, ownGate } from './pauses.ts';
import { gateStop, watch } from './progress.ts';
import { type Acknowledgement, type GatewayOutcome, loadAcknowledgement } from './registry-store.ts';
import * as store from './store.ts';

/** How long the ordering call has before a job makes sure of the acknowledgement. */
const TAKE_OVER_MS = 2_000;

export interface StopQuoteView {
  quoteId: string;
  cloneId: string;
  at: string;
  expiresAt: string;
  cost: StopCost;
  digest: string;
  order: StopOrderDocument;
}

/** How far a stop has come; what the gateways did stands in it once it is acknowledged. */
export interface StopAcknowledgementView {
  stopId: string;
  cloneId: string;
  orderedAt: string;
  epoch: string;
  releases: string;
  acknowledgedAt: string | null;
  milliseconds: number | null;
  gateways: GatewayOutcome[];
  streams: number;
  bytes: string;
}

export interface StopView extends StopAcknowledgementView {
  state: 'ordered' | 'acknowledged' | 'settled';
  quoteId: string;
  quoted: StopCost;
  signedDocumentId: string;
  settlement: Settlement;
  record: StopRecord;
  leafId: string;
}

export interface Stop extends ReturnType<typeof makePauses> {
  /** Keeps what it answers: an order names the quote that was read. */
  quoteStop(actor: Actor, cloneId: string): Promise<StopQuoteView>;
  /** Answers when COMMIT has returned; with `waitMs`, when it is acknowledged or that time has passed. */
  orderStop(
    actor: Actor, key: IdempotencyKey, cloneId: string, order: { quoteId: string; signature: SignatureInput }, waitMs?: number,
  ): Promise<StopAcknowledgementView>;
  /** Stops that this process is waiting for. */
  idle(): Promise<void>;
  getStop(actor: Actor, stopId: string): Promise<StopView>;
  /** The stop, live, behind the event numbered `after`. */
  watchStop(actor: Actor, stopId: string, after: number): Promise<EventSource>;
  /** Job: a stop whose caller died between its COMMIT and the acknowledgement is acknowledged all the same. */
  acknowledge(stopId: string): Promise<void>;
}

const milliseconds = (nanoseconds: bigint | null): number | null => (nanoseconds === null ? null : Number(nanoseconds / 1_000n) / 1_000);

function costOf(quoted: Quoted, openOutputs: number): StopCost {
  return {
    day: quoted.day, currency: quoted.currency, fans: quoted.fans, renewals: quoted.renewals, openCheckouts: quoted.openCheckouts,
    openOutputs, refundMinor: quoted.refundMinor.toString(), deferredMinor: quoted.deferredMinor.toString(),
    taxMinor: quoted.taxMinor.toString(), feeMinor: quoted.feeMinor.toString(), feeBearer: quoted.feeBearer,
  };
}

type QuoteLine = Quoted['lines'][number];

function lineJson(line: QuoteLine): JsonObject {
  const { refundMinor, deferredMinor, taxMinor, feeMinor, ...rest } = line;
  return {
    ...rest, refundMinor: refundMinor.toString(), deferredMinor: deferredMinor.toString(), taxMinor: taxMinor.toString(),
    feeMinor: feeMinor.toString(),
  };
}

function lineOf(json: JsonObject): QuoteLine {
  const text = json as unknown as Record<'subscriptionId' | 'periodId' | 'accountId' | 'refundMinor' | 'deferredMinor' | 'taxMinor' | 'feeMinor', string>;
  const count = json as unknown as Record<'days' | 'unusedDays', number>;
  return {
    subscriptionId: text.subscriptionId, periodId: text.periodId, accountId: text.accountId, days: count.days, unusedDays: count.unusedDays,
    refundMinor: BigInt(text.refundMinor), deferredMinor: BigInt(text.deferredMinor), taxMinor: BigInt(text.taxMinor), feeMinor: BigInt(text.feeMinor),
  };
}

function quoteOf(row: store.QuoteRow): QuoteDocument {
  return JSON.parse(row.canonical) as QuoteDocument;
}

async function quote(deps: StopDeps, tx: Tx, actor: Actor, cloneId: string): Promise<StopQuoteView> {
  const at = deps.clock.now();
  const gate = await ownGate(deps, tx, actor, cloneId, 'orderStop');
  if (gate.state === 'stopped') throw new Refusal('stop_state', 'This clone was stopped already.');
  const quoted = await deps.billing.quoteStop(tx, { cloneId, at });
  const lines = quoted.lines.map(lineJson);
  const document: QuoteDocument = {
    type: 'benren.stop_quote', schemaVersion: 1, quoteId: deps.ids.next('quote'), cloneId, ownerAccountId: actor.accountId,
    at: at.toISOString(), expiresAt: new Date(at.getTime() + QUOTE_VALID_MS).toISOString(),
    cost: costOf(quoted, await deps.countOpenOutputs(tx, cloneId)), linesSha256: linesDigest(lines),
  };
  const canonical = canonicalJson(document);
  const digest = sha256Hex(canonical);
  await store.insertQuote(tx, { document, canonical, digest, lines });
  const { quoteId, expiresAt, cost } = document;
  return { quoteId, cloneId, at: document.at, expiresAt, cost, digest, order: stopOrderFor(document, digest) };
}

/**
 * The stop's transaction: signature, then all stops one after the other, then the gate alone. Under its exclusive lock
 * no release is in flight, so the releases that are counted are all that there will ever be.
 */
async function order(
  deps: StopDeps, tx: Tx, actor: Actor, asked: { stopId: string; cloneId: string; quoteId: string; signature: SignatureInput },
): Promise<{ stopId: string }> {
  const at = deps.clock.now();
  const { stopId, cloneId } = asked;
  const { gateId } = await ownGate(deps, tx, actor, cloneId, 'orderStop');
  await store.lockStops(tx);
  const already = await store.loadStopOfClone(tx, cloneId);
  if (already !== null) return { stopId: already.stopId };

  const row = await store.loadQuote(tx, asked.quoteId);
  const quoted = row === null ? null : quoteOf(row);
  if (row === null || quoted?.cloneId !== cloneId || quoted.ownerAccountId !== actor.accountId) throw notFound();
  if (at.getTime() >= Date.parse(quoted.expiresAt)) throw new Refusal('quote_stale', 'This quote is too old; read a new one and sign that.');
  const signed = await deps.identity.completeSignature(tx, actor, asked.signature, { documentType: 'stop_order' });
  if (!isOrderFor(signed.document, quoted, row.digest)) {
    throw new Refusal('signature_mismatch', 'What was signed is not the order for this quote.');
  }

  // Ordered when it arrived, shut when the releases in flight are through: none of them is dated after the gate.
  await deps.gates.lockExclusive(tx, { gateId });
  const epoch = await deps.gates.narrow(tx, gateId, { state: 'stopped', reason: 'stop.ordered', at: deps.clock.now(), by: actor.accountId });
  const releases = await deps.countReleases(tx, cloneId);
  await deps.billing.settleStop(tx, { stopId, cloneId, at });
  const record = recordOf({ stopId, cloneId, epoch, releases, orderedAt: at }, signed);
  const { leafId } = await deps.transparency.append(tx, { type: 'stop.ordered', subjectId: cloneId, at, document: { ...record } });
  await store.insertGateStop(tx, {
    stopId, kind: 'existence', scope: 'clone', cloneId, gateId, epoch, releases, reason: 'stop.ordered', orderedBy: actor.accountId, orderedAt: at,
  });
  await store.insertStop(tx, {
    stopId, cloneId, orderedBy: actor.accountId, quoteId: quoted.quoteId, signedDocumentId: signed.id, epoch, releases, leafId, orderedAt: at,
  });
  await enqueue(tx, {
    topic: 'stop.acknowledge', payload: { stopId }, runAt: new Date(at.getTime() + TAKE_OVER_MS), dedupeKey: `stop.acknowledge:${stopId}`,
  });
  await notify(tx, STOP_CHANNEL, JSON.stringify({ stopId, cloneId, gateId, epoch: epoch.toString() }));
  return { stopId };
}

function recordOf(
  stop: Pick<store.StopRow, 'stopId' | 'cloneId' | 'epoch' | 'releases' | 'orderedAt'>, signed: { digest: string; evidenceSha256: string },
): StopRecord {
  return {
    type: 'benren.stop_record', schemaVersion: 1, stopId: stop.stopId, cloneId: stop.cloneId, epoch: stop.epoch.toString(),
    releases: stop.releases.toString(), orderedAt: stop.orderedAt.toISOString(), orderSha256: signed.digest, evidenceSha256: signed.evidenceSha256,
  };
}

function acknowledgementView(stop: store.StopRow, acknowledged: Acknowledgement | null): StopAcknowledgementView {
  return {
    stopId: stop.stopId, cloneId: stop.cloneId, orderedAt: stop.orderedAt.toISOString(), epoch: stop.epoch.toString(),
    releases: stop.releases.toString(), acknowledgedAt: acknowledged?.at.toISOString() ?? null, milliseconds: milliseconds(acknowledged?.nanoseconds ?? null),
    gateways: acknowledged?.gateways ?? [], streams: acknowledged?.streams ?? 0, bytes: (acknowledged?.bytes ?? 0n).toString(),
  };
}

async function settlementOf(deps: StopDeps, tx: Tx, stop: store.StopRow, row: store.QuoteRow): Promise<Settlement> {
  const { cost } = quoteOf(row);
  const settled = await deps.billing.stopSettlement(tx, stop.stopId, { day: cost.day, lines: row.lines.map(lineOf) });
  if (settled === null) throw new Error(`Billing does not know stop ${stop.stopId}.`);
  const count = (state: string): number => settled.refunds.filter((refund) => refund.state === state).length;
  const settlement = {
    done: settled.done, renewalsLeft: settled.renewalsLeft, checkoutsLeft: settled.checkoutsLeft,
    refundsPending: count('pending'), refundsSucceeded: count('succeeded'), refundsFailed: count('failed'),
    refundedMinor: settled.refundedMinor.toString(), deferredMinor: settled.deferredMinor.toString(),
    taxMinor: settled.taxMinor.toString(), feeMinor: settled.feeMinor.toString(), differences: settled.differences,
  };
  return { ...settlement, equalsQuote: equalsQuote(settlement, cost) };
}

async function view(deps: StopDeps, tx: Tx, stop: store.StopRow): Promise<StopView> {
  const row = await store.loadQuote(tx, stop.quoteId);
  const signed = await deps.identity.signedDocument(tx, stop.signedDocumentId);
  if (row === null || signed === null) throw new Error(`Stop ${stop.stopId} has lost its papers.`);
  const settlement = await settlementOf(deps, tx, stop, row);
  const acknowledged = await loadAcknowledgement(tx, stop.stopId);
  return {
    ...acknowledgementView(stop, acknowledged), state: acknowledged === null ? 'ordered' : settlement.done ? 'settled' : 'acknowledged',
    quoteId: stop.quoteId, quoted: quoteOf(row).cost, signedDocumentId: stop.signedDocumentId, settlement, record: recordOf(stop, signed), leafId: stop.leafId,
  };
}

async function readAcknowledgement(deps: StopDeps, stopId: string): Promise<StopAcknowledgementView> {
  return await deps.runTx(async (tx) => {
    const stop = await store.loadStop(tx, stopId);
    if (stop === null) throw new Error(`There is no stop ${stopId}.`);
    return acknowledgementView(stop, await loadAcknowledgement(tx, stopId));
  });
}

export function makeStop(deps: StopDeps): Stop {
  const { runTx, clock, ids } = deps;
  const coordination = makeCoordination(deps);
  return {
    ...makePauses(deps),

    quoteStop: (actor, cloneId) => runTx((tx) => quote(deps, tx, actor, cloneId)),

    async orderStop(actor, key, cloneId, { quoteId, signature }, waitMs = 0) {
      const arrived = clock.monotonic();
      const asked = { stopId: ids.next('stop'), cloneId, quoteId, signature };
      const ordered = await untilKnown(() => runTx((tx) => once(tx, key, () => order(deps, tx, actor, asked))));
      // Another call's stop was not measured here: whoever ordered it knows how long it took, or nobody does.
      await coordination.follow(ordered.stopId, ordered.stopId === asked.stopId ? arrived : null, waitMs);
      return await readAcknowledgement(deps, ordered.stopId);
    },

    idle: () => coordination.idle(),

    getStop: (actor, stopId) => runTx(async (tx) => {
      const stop = await store.loadStop(tx, stopId);
      if (stop === null || (await deps.cloneOwner(tx, stop.cloneId)) !== actor.accountId) throw notFound();
      return await view(deps, tx, stop);
    }),

    watchStop: (actor, stopId, after) => runTx(async (tx) => {
      const stop = await gateStop(tx, stopId);
      if (stop.cloneId === null || (await deps.cloneOwner(tx, stop.cloneId)) !== actor.accountId) throw notFound();
      return watch(runTx, stop, after);
    }),

    acknowledge: (stopId) => coordination.takeOver(stopId),
  };
}

import { setTimeout as rest } from 'node:timers/promises';

import type { Json } from '../kernel/canonical-json.ts';
import { notFound } from '../kernel/refusals.ts';
import type { EventSource, ServerEvent } from '../kernel/server-event.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import * as registry from './registry-store.ts';
import * as store from './store.ts';

/** A stop is over within little more than a second; whoever watches longer waits for a process that takes over. */
const LOOK_MS = 25;
const LATER_LOOK_MS = 250;
const QUICK_LOOKS = 120;
/** In looks of `LATER_LOOK_MS`: a comment every five seconds, and an end after ten minutes; a reader then comes back. */
const HEARTBEAT_LOOKS = 20;
const LOOKS_MAX = 2_520;

const ORDERED = 1;
const COMMITTED = 2;
/** Behind every gateway's event. */
const ACKNOWLEDGED = 1_000_000;
/** Enough of a gateway's id to tell it from the others of one stop. */
const TAIL = 6;

/** Where a reader is: the last of the three steps that was told, and the gateways that were. */
export interface Place {
  step: number;
  gateways: readonly string[];
}

/**
 * Gateways confirm in an order that no two readers need to see alike, so an event's id carries everybody who was told of.
 * What is no id of ours is the beginning.
 */
export function placeOf(lastEventId: string | undefined): Place {
  const [, step, tails] = /^(\d{1,9})((?:\.[0-9a-z]+)*)$/.exec(lastEventId ?? '') ?? [];
  return { step: Number(step ?? 0), gateways: (tails ?? '').split('.').filter((tail) => tail !== '') };
}

const idOf = ({ step, gateways }: Place): string => [step, ...gateways].join('.');
const tailOf = (gatewayId: string): string => gatewayId.slice(-TAIL);

interface Seen {
  confirmations: registry.Confirmation[];
  acknowledged: registry.Acknowledgement | null;
}

async function see(tx: Tx, stopId: string): Promise<Seen> {
  return { confirmations: await registry.confirmationsOf(tx, stopId), acknowledged: await registry.loadAcknowledgement(tx, stopId) };
}

function beginning(stop: store.GateStopRow): ServerEvent[] {
  const { stopId, kind, scope, cloneId } = stop;
  return [
    { id: String(ORDERED), name: 'ordered', data: { stopId, kind, scope, cloneId, orderedAt: stop.orderedAt.toISOString() } },
    { id: String(COMMITTED), name: 'committed', data: { stopId, epoch: stop.epoch.toString(), releases: stop.releases.toString() } },
  ];
}

function outcomeData({ gatewayId, outcome, streams, bytes }: Omit<registry.GatewayOutcome, 'process' | 'milliseconds'>): Json {
  return { gatewayId, outcome, streams, bytes };
}

/** Gateways not told of yet, as their confirmations come in; those that were silent, with the acknowledgement. */
function fresh(seen: Seen, told: ReadonlySet<string>): { gatewayId: string; data: Json }[] {
  const confirmed = seen.confirmations.map(({ gatewayId, streams, bytes }) => ({
    gatewayId, data: outcomeData({ gatewayId, outcome: 'confirmed', streams: streams.length, bytes: bytes.toString() }),
  }));
  const ended = (seen.acknowledged?.gateways ?? []).map((gateway) => ({ gatewayId: gateway.gatewayId, data: outcomeData(gateway) }));
  const found = new Map([...ended, ...confirmed].map((one) => [one.gatewayId, one]));
  return [...found.values()].filter(({ gatewayId }) => !told.has(tailOf(gatewayId)));
}

function acknowledgedEvent(stopId: string, acknowledged: registry.Acknowledgement): ServerEvent {
  const { at, nanoseconds, streams, bytes, gateways } = acknowledged;
  return {
    id: String(ACKNOWLEDGED), name: 'acknowledged',
    data: {
      stopId, acknowledgedAt: at.toISOString(), milliseconds: nanoseconds === null ? null : Number(nanoseconds / 1_000n) / 1_000, streams,
      bytes: bytes.toString(), gateways: gateways.map((gateway) => ({ ...gateway })),
    },
  };
}

/**
 * What happens to a stop, from the tables alone: any process can tell it, and one that dies is replaced by the next. Behind
 * `after` nothing is told twice and nothing is left out.
 */
export function watch(runTx: RunTx, stop: store.GateStopRow, after: Place): EventSource {
  return async function* events(gone) {
    for (const event of beginning(stop)) if (Number(event.id) > after.step) yield event;
    if (after.step >= ACKNOWLEDGED) return;
    const told = new Set(after.gateways);
    for (let look = 0; look < LOOKS_MAX && !gone.aborted; look += 1) {
      const seen = await runTx((tx) => see(tx, stop.stopId));
      for (const { gatewayId, data } of fresh(seen, told)) {
        told.add(tailOf(gatewayId));
        yield { id: idOf({ step: COMMITTED, gateways: [...told] }), name: 'gateway', data };
      }
      if (seen.acknowledged !== null) {
        yield acknowledgedEvent(stop.stopId, seen.acknowledged);
        return;
      }
      if (look >= QUICK_LOOKS && look % HEARTBEAT_LOOKS === 0) yield null;
      await rest(look < QUICK_LOOKS ? LOOK_MS : LATER_LOOK_MS, undefined, { signal: gone }).catch(() => undefined);
    }
  };
}

/** @throws Refusal `not_found` for an unknown stop. */
export async function gateStop(tx: Tx, stopId: string): Promise<store.GateStopRow> {
  const stop = await store.loadGateStop(tx, stopId);
  if (stop === null) throw notFound();
  return stop;
}

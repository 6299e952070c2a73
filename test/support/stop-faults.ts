/**
 * Nine ways to get the stop wrong, as switches. Nothing here is in the service: a fault is given to the real parts from
 * outside, as other SQL, another store, another clock or another socket. A suite that does not fail on each of them proves
 * nothing (`mutants 9/9 caught`).
 */
import type { LeaseClocks } from '../../src/consent/lease-model.ts';
import type { LeaseStore, SeenGate } from '../../src/consent/lease-store.ts';
import type { GatewayLease, StreamHandle, StreamOpening } from '../../src/consent/leases.ts';
import type { Refusal } from '../../src/kernel/refusals.ts';

export const STOP_FAULTS = [
  'check without lock', 'lock and read in one statement', 'FOR KEY SHARE', 'lease counted from the reply', 'confirm before sockets are reset',
  'registry read before COMMIT', 'feed by seq > last', 'read-only renewal against a replica', 'end() instead of reset',
] as const;

export type StopFault = (typeof STOP_FAULTS)[number];

/**
 * Clocks under which the lease seems to have been asked for when its answer came. `counted` tells when a renewal was sent and
 * when it was answered; the clocks go back by what passed between.
 */
export function countedFromReply(clocks: LeaseClocks): { clocks: LeaseClocks; sent: () => void; replied: () => void } {
  let behind = 0n;
  let sentAt = 0n;
  const behindMs = (): number => Number(behind) / 1e6;
  return {
    clocks: { monotonic: () => clocks.monotonic() - behind, wall: () => clocks.wall() - behindMs(), uptime: () => clocks.uptime() - behindMs() },
    sent() {
      sentAt = clocks.monotonic();
    },
    replied() {
      behind += clocks.monotonic() - sentAt;
    },
  };
}

/** The store with its renewals watched. */
export function watchingRenewals(store: LeaseStore, watch: { sent: () => void; replied: () => void }): LeaseStore {
  return overriding(store, {
    async renew(gatewayId) {
      watch.sent();
      return await store.renew(gatewayId);
    },
    async see(asked) {
      const sight = await store.see(asked);
      watch.replied();
      return sight;
    },
  });
}

/** Renewals write nothing and everything is read from a standby, which may be behind. */
export function renewingFromReplica(store: LeaseStore, replica: Pick<LeaseStore, 'see' | 'gates'>): LeaseStore {
  return overriding(store, { renew: async () => true, see: (asked) => replica.see(asked), gates: (ids) => replica.gates(ids) });
}

/**
 * Only stops with a higher number than any that was read are looked at, and nothing else says that a gate was shut.
 * `numberOf` knows the sequence that numbered them when they began.
 */
export function feedBySequence(store: LeaseStore, numberOf: (stopId: string) => bigint | Promise<bigint>): LeaseStore {
  let last = 0n;
  const shown = new Map<string, SeenGate>();
  return overriding(store, {
    async see(asked) {
      const sight = await store.see(asked);
      const fresh: typeof sight.open = [];
      let highest = last;
      for (const stop of sight.open) {
        const number = await numberOf(stop.stopId);
        if (number > last) fresh.push(stop);
        if (number > highest) highest = number;
      }
      last = highest;
      for (const gate of sight.gates) {
        if (!shown.has(gate.gateId) || fresh.some(({ gateId }) => gateId === gate.gateId)) shown.set(gate.gateId, gate);
      }
      return { ...sight, open: fresh, gates: sight.gates.map(({ gateId }) => shown.get(gateId)!) };
    },
  });
}

/** A stop is confirmed first, and what it cuts goes on until the confirmation was answered. */
export function confirmingFirst(lease: GatewayLease): { lease: GatewayLease; confirmed: () => void } {
  const waiting = new Set<() => void>();
  return {
    lease: facing(lease, async (opening) => {
      let pending = false;
      const handle = await lease.open({
        ...opening,
        cut(refusal) {
          pending = true;
          const cutAfterwards = (): void => {
            waiting.delete(cutAfterwards);
            pending = false;
            opening.cut(refusal);
          };
          waiting.add(cutAfterwards);
        },
      });
      return { ...handleOf(handle), check: () => pending || handle.check() };
    }),
    confirmed() {
      for (const cut of [...waiting]) cut();
    },
  };
}

/** What a cut does to a socket: `end` is the fault. */
export function cutBy(way: 'reset' | 'end', socket: { reset(): void; end(): void }): (refusal: Refusal) => void {
  return () => {
    if (way === 'end') socket.end();
    else socket.reset();
  };
}

export function overriding(store: LeaseStore, with_: Partial<LeaseStore>): LeaseStore {
  return {
    register: (...given) => store.register(...given), renew: (...given) => store.renew(...given), see: (...given) => store.see(...given),
    gates: (...given) => store.gates(...given), confirm: (...given) => store.confirm(...given), report: (...given) => store.report(...given),
    leave: (...given) => store.leave(...given), close: () => store.close(), destroy: () => store.destroy(), ...with_,
    get alive() {
      return store.alive;
    },
  };
}

function handleOf(handle: StreamHandle): StreamHandle {
  return { check: () => handle.check(), wrote: (bytes) => handle.wrote(bytes), close: () => handle.close() };
}

function facing(lease: GatewayLease, open: (stream: StreamOpening) => Promise<StreamHandle>): GatewayLease {
  return {
    get gatewayId() {
      return lease.gatewayId;
    },
    start: () => lease.start(), standing: () => lease.standing(), open, witness: (gates) => lease.witness(gates), close: () => lease.close(),
  };
}

/**
 * Gateways, a coordinator, releases and stops in one simulated second or three. The lease is the real one; PostgreSQL, the
 * network, the clocks and the sockets are models that may do everything the real ones may.
 */
import { FULL_WAIT_NS } from '../../../src/consent/lease-model.ts';
import type { LeaseStore } from '../../../src/consent/lease-store.ts';
import { type GatewayLease, makeGatewayLease } from '../../../src/consent/leases.ts';
import {
  confirmingFirst, countedFromReply, feedBySequence, overriding, renewingFromReplica, type StopFault, watchingRenewals,
} from '../../support/stop-faults.ts';
import { Connection, type Committed, LostConnection, Network, Postgres, type StopRow } from './postgres.ts';
import { openMachineStore, sightOf } from './store.ts';
import type { Scenario, TroubleKind } from './scenario.ts';
import { type Dice, makeDice, Process, Time } from './time.ts';

export const CLONES = ['gat_a', 'gat_b'] as const;
const PLATFORM = 'gat_platform';
const MS = 1_000;
const FULL_WAIT_MS = Number(FULL_WAIT_NS / 1_000_000n);

interface StreamState {
  gateway: Gateway;
  gates: readonly { gateId: string; epoch: bigint }[];
  /** Given to the socket and not yet taken by the operating system. */
  pending: number;
  /** Of that, what a frozen process had already handed to its socket: the one write that may complete when it thaws. */
  excused: number;
  taken: number;
  closed: boolean;
}

interface Gateway {
  process: Process;
  network: Network;
  lease: GatewayLease;
  /** Statements outside the lease: decisions and releases. */
  open(): Connection;
  streams: StreamState[];
  left: boolean;
  /** When it first knew a database: what it did not see there before the database was replaced, it cannot know (README, limits). */
  servesFrom: number;
}

/** What is known of a stop from outside: the law that the world is held to. */
interface KnownStop extends StopRow {
  acknowledgedAt: number | null;
  committedAt: number;
}

export interface Result {
  violations: string[];
  acknowledged: number;
  releases: number;
  refused: number;
  bytes: number;
  cut: number;
}

export class World {
  readonly time = new Time();
  readonly dice: Dice;
  readonly postgres: Postgres;
  readonly gateways: Gateway[] = [];
  readonly result: Result = { violations: [], acknowledged: 0, releases: 0, refused: 0, bytes: 0, cut: 0 };
  private readonly stops = new Map<string, KnownStop>();
  private readonly listeners = new Set<() => void>();
  private readonly server: Process;
  private sequence = 0n;
  private readonly sequenceOf = new Map<string, bigint>();
  private disturbed = false;
  private readonly quietFrom: number;
  /** After a failover or a restore the database no longer is what the law is about: streams are, releases are not. */
  private replacedAt = Number.POSITIVE_INFINITY;

  constructor(private readonly scenario: Scenario, private readonly fault: StopFault | null) {
    this.dice = makeDice(scenario.seed);
    this.quietFrom = Math.max(1_000, ...scenario.troubles.map(({ at, lasts }) => at + lasts + 200));
    this.server = new Process('postgres', this.time, 1);
    this.postgres = new Postgres(this.time, this.server, this.dice, [PLATFORM, ...CLONES]);
  }

  // ── gateways ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private addGateway(rate: number, start: number, index: number): void {
    const process = new Process(`gateway ${index}`, this.time, rate / 100);
    const network = new Network(this.time, this.dice, process, 60 * MS);
    const fromReply = countedFromReply(process);
    const stores = { told: (): void => undefined };
    let numbers = 0;
    const lease = makeGatewayLease({
      openStore: (heard) => this.openStore(process, network, heard, stores, fromReply),
      clocks: this.fault === 'lease counted from the reply' ? fromReply.clocks : process,
      ids: { next: () => `gwy_${index}_${(numbers += 1)}` },
      process: process.name,
    });
    const late = confirmingFirst(lease);
    stores.told = () => late.confirmed();
    const gateway: Gateway = {
      process, network, streams: [], left: false, servesFrom: Number.POSITIVE_INFINITY, lease: this.fault === 'confirm before sockets are reset' ? late.lease : lease,
      open: () => new Connection(this.postgres, process, network),
    };
    this.gateways.push(gateway);
    this.time.at(process, start * MS, () => this.begin(gateway));
  }

  /** A gateway whose first renewal fails is started again, as a supervisor would. */
  private begin(gateway: Gateway): void {
    if (gateway.left) return;
    gateway.lease.start().then(() => {
      gateway.servesFrom = Math.min(gateway.servesFrom, this.time.now);
    }).catch(() => gateway.process.after(100, () => this.begin(gateway)));
  }

  private async openStore(
    process: Process, network: Network, heard: () => void, stores: { told: () => void }, fromReply: ReturnType<typeof countedFromReply>,
  ): Promise<LeaseStore> {
    await new Promise<void>((done, fail) => {
      process.after(1_000, () => fail(new LostConnection('connect timed out')));
      network.carry(this.server, () => network.carry(process, done));
    });
    const plain = openMachineStore(this.postgres, process, network);
    const tell = (): void => {
      if (plain.alive) network.carry(process, () => plain.alive && heard());
      else this.listeners.delete(tell);
    };
    this.listeners.add(tell);
    return this.faulty(overriding(plain, {
      async confirm(...given) {
        await plain.confirm(...given);
        stores.told();
      },
    }), process, network, fromReply);
  }

  private faulty(store: LeaseStore, process: Process, network: Network, fromReply: ReturnType<typeof countedFromReply>): LeaseStore {
    switch (this.fault) {
      case 'lease counted from the reply': return watchingRenewals(store, fromReply);
      case 'feed by seq > last': return feedBySequence(store, (stopId) => this.sequenceOf.get(stopId) ?? 0n);
      case 'read-only renewal against a replica': {
        const replica = new Connection(this.postgres, process, network);
        return renewingFromReplica(store, {
          see: (asked) => replica.statement(() => sightOf(this.postgres.standby, asked)),
          gates: (ids) => replica.statement(() => sightOf(this.postgres.standby, { gatewayId: '', gates: ids }).gates),
        });
      }
      default: return store;
    }
  }

  // ── streams ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Decided under some epochs, opened through the lease, and written to until something says no. */
  private async stream(gateway: Gateway, gateIds: readonly string[]): Promise<void> {
    const { process, lease } = gateway;
    const gates = await gateway.open().statement(({ gates: all }) => gateIds.map((gateId) => ({ gateId, ...all.get(gateId)! })));
    if (gates.some(({ state }) => state !== 'open')) return;
    const stream: StreamState = { gateway, gates, pending: 0, excused: 0, taken: 0, closed: false };
    const handle = await lease.open({
      kind: 'output', subjectId: `out_${gateway.streams.length}`, gates,
      cut: () => {
        stream.closed = true;
        this.result.cut += 1;
        if (this.fault !== 'end() instead of reset') stream.pending = 0;
        if (!this.disturbed && !this.shut(gates)) this.violation('a stream was cut without a stop');
      },
    });
    gateway.streams.push(stream);
    const write = (): void => {
      if (stream.closed) return;
      try {
        handle.check();
      } catch {
        stream.closed = true;
        handle.close();
        return;
      }
      stream.pending += 1;
      handle.wrote(1);
      // A slow listener's system takes it later; the next write waits for that.
      process.after(this.dice.one(4) ? 10 + this.dice.below(this.dice.one(6) ? 1_500 : 200) : 1, () => {
        if (stream.pending > 0) this.taken(stream);
        process.after(5 + this.dice.below(60), write);
      });
    };
    write();
  }

  private taken(stream: StreamState): void {
    this.result.bytes += stream.pending;
    stream.taken += stream.pending;
    stream.pending = 0;
    const excused = stream.excused > 0 || stream.gateway.servesFrom > this.replacedAt;
    stream.excused = 0;
    if (excused) return;
    for (const stop of this.stops.values()) {
      if (stop.acknowledgedAt !== null && covers(stop, stream.gates)) this.violation(`a byte was handed out after ${stop.id} was acknowledged`);
    }
  }

  // ── releases ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private async release(gateway: Gateway, gateIds: readonly string[], id: string): Promise<void> {
    const connection = gateway.open();
    const decided = await connection.statement(({ gates }) => gateIds.map((gateId) => ({ gateId, ...gates.get(gateId)! })));
    if (decided.some(({ state }) => state !== 'open')) return;
    const snapshots: Committed['gates'][] = [];
    if (this.fault !== 'check without lock' && this.fault !== 'FOR KEY SHARE') {
      for (const gateId of gateIds) {
        await connection.lock(gateId, 'shared', ({ gates }) => {
          if (this.fault === 'lock and read in one statement') snapshots.push(new Map(gates));
        });
      }
    }
    const now = snapshots[0] ?? await connection.statement(({ gates }) => new Map(gates));
    gateway.lease.witness(decided.map(({ gateId }) => ({ gateId, epoch: now.get(gateId)!.epoch })));
    if (decided.some(({ gateId, epoch }) => now.get(gateId)?.epoch !== epoch || now.get(gateId)?.state !== 'open')) {
      this.result.refused += 1;
      await connection.rollback();
      return;
    }
    await connection.commit(({ releases }) => {
      releases.push({ id, gates: decided });
      this.result.releases += 1;
      for (const stop of this.stops.values()) {
        if (this.time.now < this.replacedAt && covers(stop, decided)) this.violation(`${id} was released after ${stop.id}`);
      }
    });
  }

  // ── stops ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The stop's transaction under one stop id, tried again until its outcome is known; then the wait, then the acknowledgement. */
  private async order(process: Process, network: Network, order: { stopId: string; gateId: string; kind: 'pause' | 'existence' }): Promise<void> {
    let early: string[] | null = null;
    for (;;) {
      const connection = new Connection(this.postgres, process, network);
      try {
        const there = await connection.statement(({ stops }) => stops.some(({ id }) => id === order.stopId));
        if (!there) early = await this.shutGate(connection, order);
        if (early !== null || there) await this.acknowledge(process, connection, order.stopId, early);
        connection.lose();
        return;
      } catch (error) {
        connection.lose();
        if (!(error instanceof LostConnection)) throw error;
        await new Promise<void>((done) => void process.after(50, done));
      }
    }
  }

  /** Answers the registry as it was read before the COMMIT, for the fault that believes it; null when there was nothing to stop. */
  private async shutGate(connection: Connection, { stopId, gateId, kind }: { stopId: string; gateId: string; kind: 'pause' | 'existence' }): Promise<string[] | null> {
    this.sequence += 1n;
    if (!this.sequenceOf.has(stopId)) this.sequenceOf.set(stopId, this.sequence);
    const registry = await connection.statement(serving);
    if (this.fault !== 'feed by seq > last') await connection.lock('stops', 'exclusive');
    await connection.lock(gateId, 'exclusive');
    const { gate, releases, number } = await connection.statement((committed) => ({
      gate: committed.gates.get(gateId)!, number: Postgres.remembered(committed).stops + 1n,
      releases: committed.releases.filter((release) => release.gates.some((one) => one.gateId === gateId)).length,
    }));
    if (gate.state === 'stopped') {
      await connection.rollback();
      return null;
    }
    const row: StopRow = { id: stopId, gateId, kind, epoch: gate.epoch + 1n, number, releases };
    await connection.commit(({ gates, stops }) => {
      gates.set(gateId, { state: kind === 'pause' ? 'paused' : 'stopped', epoch: row.epoch });
      stops.push(row);
      this.stops.set(stopId, { ...row, acknowledgedAt: null, committedAt: this.time.now });
      for (const tell of [...this.listeners]) tell();
    });
    return registry;
  }

  private async acknowledge(process: Process, connection: Connection, stopId: string, early: string[] | null): Promise<void> {
    // Counted from here, on this process's own clock: COMMIT has returned.
    const began = process.monotonic();
    const registered = this.fault === 'registry read before COMMIT' && early !== null ? early : await connection.statement(serving);
    let pause = 2;
    const strange = await connection.statement(() => this.time.now - this.postgres.since < FULL_WAIT_MS * MS);
    for (;;) {
      const confirmed = await connection.statement(({ confirmations }) => confirmations.filter((row) => row.stopId === stopId).map(({ gatewayId }) => gatewayId));
      const silent = registered.filter((gatewayId) => !confirmed.includes(gatewayId));
      const full = process.monotonic() - began >= FULL_WAIT_NS;
      if ((silent.length === 0 && !strange) || full) {
        await connection.commit(({ acknowledged, registry, stops }) => {
          if (!stops.some(({ id }) => id === stopId)) return;
          for (const gatewayId of silent) registry.set(gatewayId, 'expired');
          acknowledged.add(stopId);
          const known = this.stops.get(stopId);
          if (known?.acknowledgedAt === null) known.acknowledgedAt = this.time.now;
        });
        return;
      }
      await new Promise<void>((done) => void process.after(pause = Math.min(40, pause * 2), done));
    }
  }

  // ── the course of things ──────────────────────────────────────────────────────────────────────────────────────────

  prepare(): void {
    const { gateways, streams, releases, stops, troubles, coordinatorRate } = this.scenario;
    gateways.forEach(({ rate, start }, index) => this.addGateway(rate, start, index));
    const coordinators = [new Process('coordinator', this.time, coordinatorRate / 100), new Process('second coordinator', this.time, (200 - coordinatorRate) / 100)];
    const [near, far] = coordinators.map((process) => new Network(this.time, this.dice, process, 20 * MS)) as [Network, Network];
    const swallow = (work: Promise<void>): void => void work.catch(() => undefined);
    for (const { gateway, clone, at } of streams) {
      const of = this.gateways[gateway % this.gateways.length]!;
      this.time.at(of.process, at * MS, () => swallow(this.stream(of, [PLATFORM, CLONES[clone]!])));
    }
    releases.forEach(({ gateway, clone, at }, index) => {
      const of = this.gateways[gateway % this.gateways.length]!;
      this.time.at(of.process, at * MS, () => swallow(this.release(of, [PLATFORM, CLONES[clone]!], `release ${index}`)));
    });
    stops.forEach(({ scope, kind, at }, index) => {
      const order = { stopId: `stop ${index}`, gateId: [...CLONES, PLATFORM][scope]!, kind };
      this.time.at(coordinators[0]!, at * MS, () => swallow(this.order(coordinators[0]!, near, order)));
      // Whoever takes a stop over starts again, under its id: it waits anew.
      if (troubles.some((trouble) => trouble.kind === 'coordinator dies')) {
        this.time.at(coordinators[1]!, (at + 400) * MS, () => coordinators[0]!.dead && swallow(this.order(coordinators[1]!, far, order)));
      }
    });
    for (const trouble of troubles) this.time.at(this.server, trouble.at * MS, () => this.trouble(trouble, coordinators[0]!));
  }

  private trouble({ kind, gateway, lasts }: Scenario['troubles'][number], coordinator: Process): void {
    const gatewayOf = this.gateways[gateway % this.gateways.length]!;
    const { process, network, lease, streams } = gatewayOf;
    const later = (undo: () => void): void => void this.time.at(this.server, this.time.now + lasts * MS, undo);
    if (kind !== 'replicate') this.disturbed = true;
    const lose = (): void => {
      for (const connection of [...this.postgres.connections]) if (connection.owner === process) connection.lose();
    };
    // One such catastrophe at a time: what a gateway knew before the first says nothing after the second.
    if ((kind === 'fail over' || kind === 'restore') && this.replacedAt < this.time.now) return;
    const happen: Record<TroubleKind, () => void> = {
      freeze: () => {
        process.freeze();
        for (const stream of streams) stream.excused = stream.pending;
        later(() => process.thaw());
      },
      kill: () => { process.kill(); lose(); },
      silent: () => { network.silent = true; later(() => network.mend()); },
      slow: () => { network.slow = true; later(() => { network.slow = false; }); },
      reset: lose,
      'stand still': () => { process.stand(true); later(() => process.stand(false)); },
      'restart PostgreSQL': () => this.postgres.restart(),
      'fail over': () => { this.replacedAt = Math.min(this.replacedAt, this.time.now); this.postgres.failOver(); },
      restore: () => { this.replacedAt = Math.min(this.replacedAt, this.time.now); this.postgres.restore(); },
      'coordinator dies': () => { coordinator.kill(); for (const one of [...this.postgres.connections]) if (one.owner === coordinator) one.lose(); },
      replicate: () => this.postgres.replicate(),
      leave: () => this.time.at(process, this.time.now, () => {
        gatewayOf.left = true;
        void lease.close().catch(() => undefined);
      }),
    };
    happen[kind]();
  }

  /** Whether anything that the law speaks of can still happen: every stop was acknowledged a while ago and no trouble lasts. */
  settled(): boolean {
    if (this.time.now < this.quietFrom * MS || this.stops.size < this.scenario.stops.length) return false;
    for (const { acknowledgedAt } of this.stops.values()) {
      if (acknowledgedAt === null || this.time.now < acknowledgedAt + 300 * MS) return false;
    }
    return true;
  }

  /** Called at the end: what can only be said of the whole. */
  conclude(): Result {
    for (const stop of this.stops.values()) {
      if (stop.acknowledgedAt !== null) this.result.acknowledged += 1;
      if (this.replacedAt < this.time.now) continue;
      const scope = this.postgres.committed.releases.filter(({ gates }) => gates.some(({ gateId, epoch }) => gateId === stop.gateId && epoch < stop.epoch));
      if (scope.length !== stop.releases) this.violation(`${stop.id} counted ${stop.releases} releases, and there are ${scope.length}`);
      if (!this.disturbed && stop.acknowledgedAt === null) this.violation(`${stop.id} was never acknowledged`);
    }
    return this.result;
  }

  private shut(gates: StreamState['gates']): boolean {
    return gates.some(({ gateId, epoch }) => this.postgres.committed.gates.get(gateId)!.epoch !== epoch);
  }

  private violation(what: string): void {
    if (this.result.violations.length < 5) this.result.violations.push(`${(this.time.now / MS).toFixed(1)} ms: ${what}`);
  }
}

function covers(stop: StopRow, gates: readonly { gateId: string; epoch: bigint }[]): boolean {
  return gates.some(({ gateId, epoch }) => gateId === stop.gateId && epoch < stop.epoch);
}

function serving({ registry }: Committed): string[] {
  return [...registry].filter(([, state]) => state === 'serving').map(([gatewayId]) => gatewayId);
}

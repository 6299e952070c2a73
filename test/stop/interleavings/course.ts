import { gateRefusal, type Gates } from '../../../src/consent/gates.ts';
import { FULL_WAIT_NS, LEASE_MS } from '../../../src/consent/lease-model.ts';
import type { LeaseStore } from '../../../src/consent/lease-store.ts';
import type { Random } from '../../../src/kernel/random.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import type { RunTx } from '../../../src/kernel/tx.ts';
import { execute, one, sql } from '../../../src/platform/postgres/index.ts';
import { confirmationsOf, goneGateways, insertAcknowledgement, servingGateways } from '../../../src/stop/registry-store.ts';
import { insertGateStop, lockStops } from '../../../src/stop/store.ts';
import type { Script, Turn } from './turns.ts';

const FULL_WAIT_MS = Number(FULL_WAIT_NS) / 1e6;

export const FAULTS = ['releases check without locks', 'acknowledgements are not guarded', 'registry read before COMMIT'] as const;
export type Fault = (typeof FAULTS)[number];

export interface Counts {
  releases: number;
  refused: number;
  stops: number;
  confirmed: number;
  ranOut: number;
  tooEarly: number;
  bytes: number;
  fellOut: number;
}

export const noCounts = (): Counts => ({ releases: 0, refused: 0, stops: 0, confirmed: 0, ranOut: 0, tooEarly: 0, bytes: 0, fellOut: 0 });

export interface Target {
  cloneId: string;
  grantId: string;
  gates: string[];
}

export interface Tools {
  runTx: RunTx;
  gates: Gates;
  stores: readonly LeaseStore[];
  clock: SharedClock;
}

/** Milliseconds of one clock for gateways, coordinator and PostgreSQL; skewed ones are `npm run chaos -- model` and `stop`. */
export interface SharedClock {
  now(): number;
  advance(milliseconds: number): Promise<void>;
}

type Epochs = readonly { gateId: string; epoch: bigint }[];

/** One row of the registry, as its gateway knows it. */
interface Entry {
  id: string;
  /** Before the last renewal that succeeded was sent. */
  sent: number;
  confirmed: Set<string>;
  left: boolean;
}

interface Gateway {
  store: LeaseStore;
  entry: Entry | null;
  /** Null until everything that was seen after a renewal was applied and confirmed. */
  sent: number | null;
  streams: Epochs[];
}

interface Stopped {
  stopId: string;
  gateId: string;
  epoch: bigint;
  /** Whether everything was waited for; a hasty one is held by PostgreSQL alone. */
  acknowledged: 'no' | 'hasty' | 'waited';
}

const ACTS = ['renew', 'renew', 'renew', 'open', 'write', 'write', 'freeze', 'leave'] as const;
type Act = (typeof ACTS)[number];

const constraintOf = (error: unknown): unknown => {
  if (typeof error !== 'object' || error === null) return undefined;
  return 'constraint' in error && error.constraint !== undefined ? error.constraint : 'driverError' in error ? constraintOf(error.driverError) : undefined;
};

/** One clone, two or three gateways, releases, stops and a resume; what they do is drawn, and the law is held against it. */
export class Course {
  readonly violations: string[] = [];
  readonly counts = noCounts();
  private readonly registry: Entry[] = [];
  private readonly released: string[] = [];
  private readonly stops: Stopped[] = [];
  private readonly gateways: Gateway[];
  private names = 0;

  constructor(
    private readonly name: string, private readonly target: Target, private readonly tools: Tools, private readonly random: Random,
    private readonly fault: Fault | null,
  ) {
    this.gateways = tools.stores.slice(0, 2 + random.below(2)).map((store) => ({ store, entry: null, sent: null, streams: [] }));
  }

  private now(): number {
    return this.tools.clock.now();
  }

  scripts(): Script[] {
    const { random } = this;
    const gateways = this.gateways.map((gateway): Script => {
      const plan: Act[] = ['renew', 'open', 'write', ...Array.from({ length: 2 + random.below(4) }, () => ACTS[random.below(ACTS.length)] ?? 'renew'), 'write'];
      return async (turn) => {
        for (const act of plan) {
          await turn();
          if (random.below(3) === 0) await this.tools.clock.advance(random.below(400));
          await this[act](gateway, turn);
        }
      };
    });
    const releases = Array.from({ length: 2 }, (_none, at): Script => (turn) => this.release(`${this.name}r${at}`, turn));
    const stops = Array.from({ length: 1 + (random.below(3) === 0 ? 1 : 0) }, (_none, at): Script => {
      const order = {
        stopId: `stp_${this.name}s${at}`, gate: 1 + random.below(3), pause: random.below(2) === 0, hasty: random.below(3), looks: 1 + random.below(5),
      };
      return (turn) => this.stop(order, turn);
    });
    return [...gateways, ...releases, ...stops, ...(random.below(3) === 0 ? [(turn: Turn) => this.resume(turn)] : [])];
  }

  /** Ends the course: nobody stays in the registry, and what is kept is what was answered. */
  async conclude(): Promise<void> {
    for (const { store, entry } of this.gateways) if (entry !== null) await store.leave(entry.id);
    const { ids } = await this.tools.runTx((tx) => one<{ ids: string[] }>(
      tx, `SELECT coalesce(array_agg(id ORDER BY id), '{}') AS ids FROM probe WHERE clone_id = $1`, [this.target.cloneId]));
    if (ids.join() !== [...this.released].sort().join()) this.violations.push(`kept ${ids.join()}, answered ${this.released.join()}`);
    for (const { stopId, acknowledged } of this.stops) if (acknowledged === 'no') this.violations.push(`${stopId} was never acknowledged`);
  }

  // ── releases ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private async release(id: string, turn: Turn): Promise<void> {
    const { runTx, gates } = this.tools;
    await turn();
    const decided = await runTx((tx) => gates.read(tx, this.target.gates.map((gateId) => ({ gateId }))));
    await turn();
    try {
      await runTx(async (tx) => {
        await turn();
        await sql(tx, 'INSERT INTO probe (id, clone_id, grant_id, gate_ids, epochs) VALUES ($1, $2, $3, $4, $5)',
          [id, this.target.cloneId, this.target.grantId, decided.map(({ gateId }) => gateId), decided.map(({ epoch }) => String(epoch))]);
        await turn();
      });
    } catch (error) {
      if (gateRefusal(error) === null) throw error;
      this.counts.refused += 1;
      return;
    }
    this.released.push(id);
    this.counts.releases += 1;
    for (const stop of this.stops) if (covers(stop, decided)) this.violations.push(`${id} was released after ${stop.stopId}`);
  }

  // ── stops ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  private async resume(turn: Turn): Promise<void> {
    await turn();
    await this.tools.runTx(async (tx) => {
      await turn();
      await this.tools.gates.lift(tx, this.target.gates[1]!, { holder: 'owner', at: new Date(0), by: 'test' });
      await turn();
    });
  }

  private async stop(order: { stopId: string; gate: number; pause: boolean; hasty: number; looks: number }, turn: Turn): Promise<void> {
    const { stopId } = order;
    await turn();
    const shut = await this.shut(order, turn);
    if (shut === null) return;
    const stop: Stopped = { stopId, gateId: this.target.gates[order.gate]!, epoch: shut.epoch, acknowledged: 'no' };
    this.stops.push(stop);
    this.counts.stops += 1;
    if (shut.counted !== this.released.length) this.violations.push(`${stopId} counted ${shut.counted} releases of ${this.released.length}`);
    const began = this.now();
    for (let tries = 0; tries < order.hasty; tries += 1) {
      await turn();
      if (!(await this.acknowledge(stopId, [], turn))) continue;
      this.judge(stop, 'hasty', shut.known, shut.at);
      return;
    }
    await turn();
    const known = [...this.registry];
    const serving = shut.early ?? await this.tools.runTx((tx) => servingGateways(tx));
    const silent = await this.silent(stopId, serving.map(({ gatewayId }) => gatewayId), { began, looks: order.looks }, turn);
    await turn();
    while (!(await this.acknowledge(stopId, silent, turn))) await turn();
    this.counts[silent.length === 0 ? 'confirmed' : 'ranOut'] += 1;
    this.judge(stop, 'waited', known, shut.at);
  }

  /** The stop's transaction; null when the gate was shut already. */
  private async shut({ stopId, gate, pause }: { stopId: string; gate: number; pause: boolean }, turn: Turn) {
    const { runTx, gates } = this.tools;
    const gateId = this.target.gates[gate]!;
    const change = { reason: 'x', by: 'test', at: new Date(0) };
    try {
      return await runTx(async (tx) => {
        await lockStops(tx);
        await turn();
        const held = pause ? await gates.hold(tx, gateId, { holder: 'owner', ...change }) : null;
        if (held?.moved === false) throw new Refusal('stop_state', 'shut already');
        const epoch = held?.epoch ?? await gates.narrow(tx, gateId, { state: 'stopped', ...change });
        await turn();
        const { counted } = await one<{ counted: number }>(tx, 'SELECT count(*)::int AS counted FROM probe WHERE clone_id = $1', [this.target.cloneId]);
        await turn();
        const [known, at] = [[...this.registry], this.now()];
        await insertGateStop(tx, {
          stopId, kind: pause ? 'pause' : 'existence', scope: (['platform', 'clone', 'capability', 'grant'] as const)[gate]!, cloneId: this.target.cloneId,
          gateId, epoch, releases: BigInt(counted), reason: 'x', orderedBy: 'test', orderedAt: new Date(0),
        });
        const early = this.fault === 'registry read before COMMIT' ? await servingGateways(tx) : null;
        await turn();
        return { epoch, counted, known, at, early };
      });
    } catch (error) {
      if (error instanceof Refusal && error.code === 'stop_state') return null;
      throw error;
    }
  }

  /** Waits as the coordinator does, and answers who had to run out. After its looks it sleeps, and everybody with it. */
  private async silent(stopId: string, serving: readonly string[], { began, looks }: { began: number; looks: number }, turn: Turn): Promise<string[]> {
    const ended = new Set<string>();
    const missing = (): string[] => serving.filter((id) => !ended.has(id));
    for (let look = 1; missing().length > 0 && this.now() - began < FULL_WAIT_MS; look += 1) {
      await turn();
      const { confirmed, gone } = await this.tools.runTx(async (tx) => ({ confirmed: await confirmationsOf(tx, stopId), gone: await goneGateways(tx, missing()) }));
      for (const { gatewayId } of confirmed) ended.add(gatewayId);
      for (const gatewayId of gone) ended.add(gatewayId);
      if (look >= looks && missing().length > 0) await this.tools.clock.advance(Math.max(0, FULL_WAIT_MS - (this.now() - began)));
    }
    return missing();
  }

  /** False where PostgreSQL finds it too early. */
  private async acknowledge(stopId: string, silent: readonly string[], turn: Turn): Promise<boolean> {
    try {
      await this.tools.runTx(async (tx) => {
        // The statement of src/stop/registry-store.ts with the clock of the courses.
        await execute(tx, `UPDATE gateway_lease SET state = 'expired'
          WHERE id = ANY ($1) AND state = 'serving' AND shared_clock() - renewed_at >= interval '1020 milliseconds'`, [silent]);
        await insertAcknowledgement(tx, { stopId, at: new Date(0), nanoseconds: null, waitedNanoseconds: 0n, gateways: [], streams: 0, bytes: 0n });
        await turn();
      });
      return true;
    } catch (error) {
      if (constraintOf(error) !== 'stop_acknowledged_too_early') throw error;
      this.counts.tooEarly += 1;
      return false;
    }
  }

  private judge(stop: Stopped, how: 'hasty' | 'waited', known: readonly Entry[], from: number): void {
    stop.acknowledged = how;
    const now = this.now();
    if (now - from >= LEASE_MS) return;
    for (const { id, confirmed, left, sent } of known) {
      if (!left && !confirmed.has(stop.stopId) && now - sent < LEASE_MS) this.violations.push(`${stop.stopId} was acknowledged while ${id} had neither confirmed nor run out`);
    }
  }

  // ── gateways ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private fresh({ sent }: Gateway): boolean {
    return sent !== null && this.now() - sent < LEASE_MS;
  }

  private async renew(gateway: Gateway, turn: Turn): Promise<void> {
    const { store } = gateway;
    if (gateway.entry === null) {
      this.names += 1;
      const entry: Entry = { id: `gwy_${this.name}g${this.names}`, sent: this.now(), confirmed: new Set(), left: false };
      await store.register(entry.id, 'interleavings');
      gateway.entry = entry;
      this.registry.push(entry);
      await turn();
    }
    const { entry } = gateway;
    const sent = this.now();
    if (!(await store.renew(entry.id))) {
      this.counts.fellOut += 1;
      Object.assign(gateway, { entry: null, sent: null, streams: [] });
      return;
    }
    entry.sent = sent;
    await turn();
    const sight = await store.see({ gatewayId: entry.id, gates: [...new Set(gateway.streams.flat().map(({ gateId }) => gateId))], incidents: [] });
    gateway.streams = gateway.streams.filter((stream) => !sight.open.some((stop) => covers(stop, stream))
      && stream.every(({ gateId, epoch }) => sight.gates.some((seen) => seen.gateId === gateId && seen.state === 'open' && seen.epoch === epoch)));
    for (const { stopId } of sight.open) {
      await turn();
      entry.confirmed.add(stopId);
      await store.confirm(entry.id, stopId, []);
    }
    gateway.sent = sent;
  }

  private async open(gateway: Gateway): Promise<void> {
    if (!this.fresh(gateway)) return;
    const seen = await gateway.store.gates(this.target.gates);
    if (seen.length === this.target.gates.length && seen.every(({ state }) => state === 'open')) gateway.streams.push(seen);
  }

  private async write(gateway: Gateway): Promise<void> {
    if (!this.fresh(gateway)) return;
    for (const stream of gateway.streams) {
      this.counts.bytes += 1;
      const late = this.stops.find((stop) => stop.acknowledged === 'waited' && covers(stop, stream));
      if (late !== undefined) this.violations.push(`a byte was handed out after ${late.stopId} was acknowledged`);
    }
  }

  /** Silent for longer than its lease: whoever waits may take it out meanwhile, and it must notice by its own clock. */
  private async freeze(_gateway: Gateway, turn: Turn): Promise<void> {
    for (let turns = 0; turns < 6; turns += 1) await turn();
  }

  private async leave(gateway: Gateway): Promise<void> {
    const { entry } = gateway;
    if (entry === null) return;
    entry.left = true;
    Object.assign(gateway, { entry: null, sent: null, streams: [] });
    await gateway.store.leave(entry.id);
  }
}

function covers({ gateId, epoch }: { gateId: string; epoch: bigint }, gates: Epochs): boolean {
  return gates.some((gate) => gate.gateId === gateId && gate.epoch < epoch);
}

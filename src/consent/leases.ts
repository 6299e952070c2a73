import type { Ids } from '../kernel/ids.ts';
import { Refusal } from '../kernel/refusals.ts';
import { sha256Hex } from '../kernel/digest.ts';
import type { Log } from '../platform/telemetry/index.ts';
import {
  type Distrust, distrustOf, LEASE_MS, type LeaseClocks, type LeaseStanding, readClocks, type Reading, type Remembered, RENEW_EVERY_MS, standingAt,
} from './lease-model.ts';
import type { CutStream, LeaseStore, OpenStop, SeenGate, Sight } from './lease-store.ts';

/** One transfer of media that is about to begin. */
export interface StreamOpening {
  /** What flows, for the confirmation: `output`, `evidence`, … and whose it is. */
  kind: string;
  subjectId: string;
  /** Every gate that applies, at the epoch under which this was allowed. */
  gates: readonly { gateId: string; epoch: bigint }[];
  /** Resets the socket. Called once, synchronously, before the stop is confirmed. */
  cut(refusal: Refusal): void;
}

export interface StreamHandle {
  /**
   * Right before each write, with no await between the two.
   *
   * @throws Refusal `stopped`, `gate_changed`, `unavailable` (the lease is not fresh), `database_untrusted`
   */
  check(): void;
  /** Bytes that were handed to the operating system. */
  wrote(bytes: number): void;
  /** The transfer is over and its socket is done with. */
  close(): void;
}

/**
 * What lets one process hand out media. It registers, renews every 200 ms, and refuses everything as soon as it cannot
 * know that nothing was stopped. On a stop it cuts the streams concerned first and confirms afterwards.
 */
export interface GatewayLease {
  /** Changes when the process was taken out of the registry and came back. */
  readonly gatewayId: string;
  /** Registers, commits that, reads in a transaction of its own; only then anything may be opened. */
  start(): Promise<void>;
  standing(): LeaseStanding;
  /** Asks each gate once more. @throws as `check` */
  open(stream: StreamOpening): Promise<StreamHandle>;
  /**
   * Whether gates that were read under their locks, which are still held, may be believed: never lower than what this
   * process has seen. For releases.
   *
   * @throws Refusal `database_untrusted`
   */
  witness(gates: readonly { gateId: string; epoch: bigint }[]): void;
  /** Cuts every stream, then leaves the registry. */
  close(): Promise<void>;
}

export interface LeaseDeps {
  /** Connects; asked again after a loss. `heard` is to be called when a stop was told of. */
  openStore(heard: () => void): Promise<LeaseStore>;
  clocks: LeaseClocks;
  ids: Pick<Ids, 'next'>;
  /** For people who read the registry: host and process. */
  process: string;
  /** What this gateway knew before it was restarted, and where to keep what it knows now. */
  memory?: { load(): Remembered | null; save(known: Remembered): void };
  log?: Pick<Log, 'warn'>;
}

interface Stream extends StreamOpening {
  /** Until then there is no socket to reset: a refusal is thrown by `open`. */
  opened: boolean;
  bytes: number;
  refusal: Refusal | null;
}

const unavailable = (cause?: unknown): Refusal => new Refusal('unavailable', 'Nothing is handed out while it is not certain that it may be.', { cause });
const untrusted = (): Refusal => new Refusal('database_untrusted', 'The database knows less than this gateway has seen; two operators must confirm it.');

function refusalOf(seen: SeenGate | undefined, epoch: bigint): Refusal | null {
  if (seen?.state === 'open' && seen.epoch === epoch) return null;
  if (seen === undefined || seen.state === 'open') return new Refusal('gate_changed', 'What was allowed changed; ask again.');
  return new Refusal('stopped', 'The owner stopped this.', { extra: { clauses: [`stop.${seen.state}`] } });
}

/** Fails after a lease's length: what takes longer is of no use, and its connection is given up. */
async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_done, fail) => {
    timer = setTimeout(() => fail(new Error(`PostgreSQL did not answer within ${LEASE_MS} ms.`)), LEASE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

class Lease implements GatewayLease {
  gatewayId: string;
  private readonly streams = new Set<Stream>();
  /** The highest epoch that was seen of each gate, and how many such sights there had been by then. */
  private readonly highest = new Map<string, { epoch: bigint; sight: number }>();
  private sights = 0;
  /** Streams that a stop cut, until that is confirmed. */
  private readonly unconfirmed = new Map<string, CutStream[]>();
  private readonly incidents = new Map<string, Distrust>();
  private known: Remembered | null;
  private store: LeaseStore | null = null;
  private connecting: Promise<LeaseStore> | null = null;
  private registered = false;
  private sent: Reading | null = null;
  private timer: NodeJS.Timeout | undefined;
  private expiry: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private looks = 0;
  private closing = false;

  constructor(private readonly deps: LeaseDeps) {
    this.gatewayId = deps.ids.next('gateway');
    this.known = deps.memory?.load() ?? null;
  }

  async start(): Promise<void> {
    await this.renew();
    this.schedule(RENEW_EVERY_MS);
  }

  standing(): LeaseStanding {
    return this.incidents.size > 0 ? 'none' : standingAt(this.sent, readClocks(this.deps.clocks));
  }

  async open(opening: StreamOpening): Promise<StreamHandle> {
    if (opening.gates.length === 0) throw new Error('A stream names the gates that apply to it.');
    this.refuseUnlessFresh();
    const stream: Stream = { ...opening, opened: false, bytes: 0, refusal: null };
    // Watched before its gates are read: a stop that this read does not see finds the stream in the list.
    this.streams.add(stream);
    try {
      if (this.store?.alive !== true) throw unavailable();
      const asked = this.sights;
      this.judge(await within(this.store.gates(opening.gates.map(({ gateId }) => gateId))), [stream], asked);
      this.refuse(stream);
      stream.opened = true;
    } catch (error) {
      this.streams.delete(stream);
      throw error instanceof Refusal ? error : unavailable(error);
    }
    return {
      check: () => {
        if (stream.refusal === null && !this.streams.has(stream)) throw new Error('This stream was closed.');
        this.refuse(stream);
      },
      wrote: (bytes) => {
        stream.bytes += bytes;
      },
      close: () => {
        this.streams.delete(stream);
      },
    };
  }

  witness(gates: readonly { gateId: string; epoch: bigint }[]): void {
    for (const gate of gates) this.remember(gate, this.sights);
    if (this.incidents.size > 0) throw untrusted();
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    clearTimeout(this.timer);
    clearTimeout(this.expiry);
    await this.running;
    this.sent = null;
    this.cutAll(unavailable());
    try {
      if (this.registered) await within((await this.connected()).leave(this.gatewayId));
    } catch (error) {
      // The row stays; the next stop waits for a whole lease and takes it out.
      this.warn(error, 'the gateway could not leave the registry');
    }
    const { store } = this;
    this.store = null;
    try {
      await (store === null ? undefined : within(store.close()));
    } catch {
      store?.destroy();
    }
  }

  private refuse(stream: Stream): void {
    if (stream.refusal !== null) throw stream.refusal;
    this.refuseUnlessFresh();
  }

  private refuseUnlessFresh(): void {
    if (this.incidents.size > 0) throw untrusted();
    if (this.standing() !== 'fresh') throw unavailable();
  }

  private warn(error: unknown, said: string): void {
    this.deps.log?.warn({ err: error, gatewayId: this.gatewayId }, said);
  }

  private schedule(milliseconds: number): void {
    if (this.closing) return;
    this.timer = setTimeout(() => {
      const began = this.deps.clocks.monotonic();
      void this.renew().catch((error: unknown) => this.warn(error, 'the lease was not renewed')).finally(() => {
        const took = Number(this.deps.clocks.monotonic() - began) / 1e6;
        this.schedule(Math.min(RENEW_EVERY_MS, Math.max(0, RENEW_EVERY_MS - took)));
      });
    }, milliseconds);
  }

  private async connected(): Promise<LeaseStore> {
    if (this.store?.alive === true) return this.store;
    this.connecting ??= this.deps.openStore(() => this.heard()).finally(() => {
      this.connecting = null;
    });
    this.store = await this.connecting;
    return this.store;
  }

  /** One after the other, renewals and looks alike: what is applied is then never older than what was. */
  private async inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.running;
    const mine = before.then(async () => {
      try {
        await work();
      } catch (error) {
        this.store?.destroy();
        throw error;
      }
    });
    this.running = mine.catch(() => undefined);
    await mine;
  }

  /** A stop was told of. The table is asked, not the message: whoever may NOTIFY cannot cut a stream. */
  private heard(): void {
    if (this.closing || this.looks > 1) return;
    this.looks += 1;
    void this.inTurn(async () => {
      this.looks -= 1;
      if (this.registered && !this.closing) await this.look(await this.connected());
    }).catch((error: unknown) => this.warn(error, 'a stop was told of and could not be read'));
  }

  private async renew(): Promise<void> {
    await this.inTurn(async () => {
      const store = await within(this.connected());
      if (!this.registered) {
        await within(store.register(this.gatewayId, this.deps.process));
        this.registered = true;
      }
      // Before it is sent: however late the answer comes, the lease ends L after this.
      const sent = readClocks(this.deps.clocks);
      if (!(await within(store.renew(this.gatewayId)))) {
        this.fallOut();
        return;
      }
      // A statement after the renewal's commit, and only when its answer was applied does the lease count.
      if (!(await this.look(store))) return;
      this.sent = sent;
      this.expire();
    });
  }

  /** What a slow listener's socket still holds must not leave after the lease either: then the sockets are reset. */
  private expire(): void {
    clearTimeout(this.expiry);
    if (this.closing || this.sent === null) return;
    const left = LEASE_MS - Number(this.deps.clocks.monotonic() - this.sent.monotonic) / 1e6;
    this.expiry = setTimeout(() => {
      if (this.standing() === 'fresh') this.expire();
      else this.cutAll(unavailable());
    }, Math.max(1, Math.ceil(left)));
    this.expiry.unref();
  }

  /** Taken out of the registry while it was silent: nothing that flowed under the old row goes on. */
  private fallOut(): void {
    this.sent = null;
    this.registered = false;
    this.cutAll(unavailable());
    this.unconfirmed.clear();
    this.gatewayId = this.deps.ids.next('gateway');
    this.warn(null, 'the gateway had left the registry and comes back under another name');
  }

  /** Reads, applies, confirms. Answers whether the database is trusted. */
  private async look(store: LeaseStore): Promise<boolean> {
    const streams = [...this.streams];
    const watched = new Set(streams.flatMap(({ gates }) => gates.map(({ gateId }) => gateId)));
    const asked = this.sights;
    const sight = await within(store.see({ gatewayId: this.gatewayId, gates: [...watched], incidents: [...this.incidents.keys()] }));
    this.settle(sight);
    this.recognise(sight);
    for (const stop of sight.open) this.obey(stop);
    // Only those whose gates were asked about: whoever was added meanwhile reads its own.
    this.judge(sight.gates, streams, asked);
    if (this.incidents.size > 0) await this.report(store);
    for (const [stopId, streams] of [...this.unconfirmed]) {
      await within(store.confirm(this.gatewayId, stopId, streams));
      this.unconfirmed.delete(stopId);
    }
    return this.incidents.size === 0;
  }

  /** What two operators have confirmed is the truth from now on. */
  private settle(sight: Sight): void {
    for (const id of sight.confirmed) {
      const incident = this.incidents.get(id);
      if (incident === undefined) continue;
      this.incidents.delete(id);
      if (incident.what === 'epoch') this.highest.clear();
      else this.known = null;
    }
  }

  private recognise(sight: Sight): void {
    const { systemIdentifier, timeline, stops } = sight;
    const distrust = distrustOf(this.known, sight);
    if (distrust !== null) {
      this.distrust(distrust);
      return;
    }
    const same = this.known?.stops === stops && this.known.timeline === timeline && this.known.systemIdentifier === systemIdentifier;
    if (same || this.incidents.size > 0) return;
    this.known = { systemIdentifier, timeline, stops };
    this.deps.memory?.save(this.known);
  }

  /**
   * A lower epoch is a database that went back, unless it was asked for before the higher one was seen: answers of two
   * connections overtake each other. `asked` is how many sights there had been then.
   */
  private remember({ gateId, epoch }: { gateId: string; epoch: bigint }, asked: number): void {
    const highest = this.highest.get(gateId);
    if (highest === undefined || epoch > highest.epoch) {
      this.sights += 1;
      this.highest.set(gateId, { epoch, sight: this.sights });
    } else if (epoch < highest.epoch && highest.sight <= asked) {
      this.distrust({ what: 'epoch', remembered: `${gateId} ${highest.epoch}`, seen: `${gateId} ${epoch}` });
    }
  }

  private distrust(incident: Distrust): void {
    // What every gateway has seen alike is one thing to confirm; more of the same needs no second look.
    if ([...this.incidents.values()].some(({ what }) => what === incident.what)) return;
    const id = `dtr_${sha256Hex(`${incident.what}\n${incident.remembered}\n${incident.seen}`).slice(0, 26)}`;
    this.incidents.set(id, incident);
    this.sent = null;
    this.cutAll(untrusted());
    this.warn(null, `the database is not trusted: ${incident.what} was ${incident.remembered} and is ${incident.seen}`);
  }

  private async report(store: LeaseStore): Promise<void> {
    for (const [id, incident] of this.incidents) await within(store.report({ id, ...incident, by: this.gatewayId }));
  }

  /** Cuts what flows under an older epoch of the stopped gate, and keeps the count for the confirmation. */
  private obey(stop: OpenStop): void {
    const affected = [...this.streams].filter(({ gates }) => gates.some(({ gateId, epoch }) => gateId === stop.gateId && epoch < stop.epoch));
    const state = stop.kind === 'pause' ? 'paused' : 'stopped';
    for (const stream of affected) this.cut(stream, new Refusal('stopped', 'The owner stopped this.', { extra: { clauses: [`stop.${state}`] } }));
    const cut = affected.map(({ kind, subjectId, bytes }) => ({ kind, subjectId, bytes: String(bytes) }));
    this.unconfirmed.set(stop.stopId, [...(this.unconfirmed.get(stop.stopId) ?? []), ...cut]);
    // An older stop of the same gate may be listed beside a newer one: never a reason to distrust.
    this.remember({ gateId: stop.gateId, epoch: stop.epoch }, -1);
  }

  private judge(seen: readonly SeenGate[], streams: readonly Stream[], asked: number): void {
    for (const gate of seen) this.remember(gate, asked);
    const byId = new Map(seen.map((gate) => [gate.gateId, gate]));
    for (const stream of streams) {
      const refusals = stream.gates.flatMap(({ gateId, epoch }) => refusalOf(byId.get(gateId), epoch) ?? []);
      const refusal = refusals.find(({ code }) => code === 'stopped') ?? refusals[0];
      if (refusal !== undefined) this.cut(stream, refusal);
    }
  }

  private cut(stream: Stream, refusal: Refusal): void {
    if (!this.streams.delete(stream)) return;
    stream.refusal = refusal;
    try {
      if (stream.opened) stream.cut(refusal);
    } catch (error) {
      this.warn(error, 'a stream could not be cut');
    }
  }

  private cutAll(refusal: Refusal): void {
    for (const stream of [...this.streams]) this.cut(stream, refusal);
  }
}

export function makeGatewayLease(deps: LeaseDeps): GatewayLease {
  return new Lease(deps);
}

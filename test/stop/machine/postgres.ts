/**
 * A small PostgreSQL: what leases, gates, stops and releases rely on, and nothing else. A statement reads what is committed when
 * it begins; advisory locks wait in line and are held to the end of a transaction; a COMMIT is visible at one instant,
 * lets go of its locks after that, and is answered later still, or never.
 */
import type { Remembered } from '../../../src/consent/lease-model.ts';
import type { CutStream } from '../../../src/consent/lease-store.ts';
import type { Dice, Process, Time } from './time.ts';

export interface Gate {
  state: 'open' | 'paused' | 'stopped';
  epoch: bigint;
}

export interface StopRow {
  id: string;
  gateId: string;
  kind: string;
  epoch: bigint;
  number: bigint;
  /** Releases of its scope, counted under the exclusive lock. */
  releases: number;
}

export interface ReleaseRow {
  id: string;
  gates: readonly { gateId: string; epoch: bigint }[];
}

export interface Confirmation {
  stopId: string;
  gatewayId: string;
  streams: readonly CutStream[];
}

/** Everything that is committed. Rows never change, so a copy of the lists is a copy of the world. */
export interface Committed {
  gates: Map<string, Gate>;
  registry: Map<string, 'serving' | 'left' | 'expired'>;
  stops: StopRow[];
  acknowledged: Set<string>;
  confirmations: Confirmation[];
  releases: ReleaseRow[];
  anchor: { systemIdentifier: string; timeline: number };
}

function copyOf(world: Committed): Committed {
  return {
    gates: new Map(world.gates), registry: new Map(world.registry), stops: [...world.stops], acknowledged: new Set(world.acknowledged),
    confirmations: [...world.confirmations], releases: [...world.releases], anchor: world.anchor,
  };
}

type Mode = 'shared' | 'exclusive';

interface Lock {
  held: { by: Connection; mode: Mode }[];
  queue: { by: Connection; mode: Mode; granted: () => void }[];
}

export class LostConnection extends Error {
  readonly code = 'ECONNRESET';
}

export class Postgres {
  committed: Committed;
  /** Where an asynchronous standby is, and a base backup from the beginning. */
  standby: Committed;
  readonly backup: Committed;
  /** When this server began, or became the primary. */
  since = Number.NEGATIVE_INFINITY;
  readonly connections = new Set<Connection>();
  private readonly locks = new Map<string, Lock>();
  /** Called at the instant in which a transaction becomes visible. */
  onVisible: (committed: Committed) => void = () => undefined;

  constructor(readonly time: Time, readonly process: Process, readonly dice: Dice, gates: readonly string[]) {
    this.committed = {
      gates: new Map(gates.map((id) => [id, { state: 'open', epoch: 1n }])), registry: new Map(), stops: [], acknowledged: new Set(),
      confirmations: [], releases: [], anchor: { systemIdentifier: '7001', timeline: 1 },
    };
    this.standby = copyOf(this.committed);
    this.backup = copyOf(this.committed);
  }

  replicate(): void {
    this.standby = copyOf(this.committed);
  }

  /** Crash and recovery: what is committed stays, everything else is gone. */
  restart(): void {
    this.since = this.time.now;
    for (const connection of this.connections) connection.lose();
    this.locks.clear();
  }

  /** The standby becomes the primary with what it has, on a timeline of its own. */
  failOver(): void {
    this.restart();
    const { systemIdentifier, timeline } = this.committed.anchor;
    this.committed = { ...copyOf(this.standby), anchor: { systemIdentifier, timeline: timeline + 1 } };
    this.onVisible(this.committed);
  }

  restore(): void {
    this.restart();
    this.committed = copyOf(this.backup);
    this.onVisible(this.committed);
  }

  apply(write: (committed: Committed) => void): void {
    write(this.committed);
    this.onVisible(this.committed);
  }

  /** Advisory locks are fair: a request waits behind every request before it that it conflicts with. */
  acquire(by: Connection, key: string, mode: Mode, granted: () => void): void {
    const lock = this.locks.get(key) ?? { held: [], queue: [] };
    this.locks.set(key, lock);
    lock.queue.push({ by, mode, granted });
    this.grant(lock);
  }

  release(by: Connection): void {
    for (const lock of this.locks.values()) {
      lock.held = lock.held.filter((holder) => holder.by !== by);
      lock.queue = lock.queue.filter((waiter) => waiter.by !== by);
      this.grant(lock);
    }
  }

  private grant(lock: Lock): void {
    for (;;) {
      const [first] = lock.queue;
      if (first === undefined) return;
      const others = lock.held.filter(({ by }) => by !== first.by);
      const free = first.mode === 'exclusive' ? others.length === 0 : others.every(({ mode }) => mode === 'shared');
      if (!free) return;
      lock.queue.shift();
      lock.held.push({ by: first.by, mode: first.mode });
      first.granted();
    }
  }

  /** What a gateway's one statement sees. */
  static remembered({ anchor, stops }: Committed): Remembered {
    return { ...anchor, stops: stops.reduce((most, { number }) => (number > most ? number : most), 0n) };
  }
}

/** One session. Statements run one after the other; the way there and back takes a while, or for ever. */
export class Connection {
  alive = true;
  private tail: Promise<unknown> = Promise.resolve();
  private readonly pending = new Set<(error: Error) => void>();

  constructor(private readonly postgres: Postgres, readonly owner: Process, private readonly network: Network) {
    postgres.connections.add(this);
  }

  /** One statement: `work` runs at one instant inside PostgreSQL. */
  statement<T>(work: (committed: Committed) => T): Promise<T> {
    return this.ask((answer) => answer(work(this.postgres.committed)));
  }

  /** A statement that waits for a lock and answers once it has it. `before` is what it saw when it began. */
  lock(key: string, mode: Mode, before?: (committed: Committed) => void): Promise<void> {
    return this.ask((answer) => {
      before?.(this.postgres.committed);
      this.postgres.acquire(this, key, mode, () => answer());
    });
  }

  /** Visible at one instant, unlocked a little later, answered after that. */
  commit(write: (committed: Committed) => void): Promise<void> {
    return this.ask((answer) => {
      this.postgres.apply(write);
      const { time, process, dice } = this.postgres;
      time.at(process, time.now + dice.below(200), () => {
        this.postgres.release(this);
        answer();
      });
    });
  }

  rollback(): Promise<void> {
    return this.ask((answer) => {
      this.postgres.release(this);
      answer();
    });
  }

  /** The server or the network ended it: whatever waits for an answer never gets one. */
  lose(): void {
    if (!this.alive) return;
    this.alive = false;
    this.postgres.connections.delete(this);
    this.postgres.release(this);
    const { time } = this.postgres;
    for (const fail of [...this.pending]) time.at(this.owner, time.now, () => fail(new LostConnection('connection terminated')));
  }

  private ask<T>(run: (answer: (value: T) => void) => void): Promise<T> {
    const { process } = this.postgres;
    const once = (): Promise<T> => new Promise<T>((done, fail) => {
      if (!this.alive) {
        fail(new LostConnection('connection is closed'));
        return;
      }
      this.pending.add(fail);
      const back = (value: T): void => this.network.carry(this.owner, () => {
        if (!this.pending.delete(fail)) return;
        done(value);
      });
      this.network.carry(process, () => {
        if (!this.alive) return;
        run(back);
      });
    });
    const mine = this.tail.then(once, once);
    this.tail = mine.catch(() => undefined);
    return mine;
  }
}

/** The way between one process and PostgreSQL: slow, silent for a while, or gone. */
export class Network {
  silent = false;
  /** Half of what goes to the process, answers and notifications alike, takes most of a lease longer. */
  slow = false;
  private readonly held: (() => void)[] = [];

  constructor(private readonly time: Time, private readonly dice: Dice, private readonly owner: Process, private readonly slowest: number) {}

  /** Delivers into a process after a while; what is sent into silence arrives when the cable is mended. */
  carry(to: Process, run: () => void): void {
    const lag = this.slow && to === this.owner && this.dice.one(2) ? 500_000 + this.dice.below(450_000) : 0;
    const send = (): void => void this.time.at(to, this.time.now + lag + 20 + this.dice.below(this.dice.one(8) ? this.slowest : 400), run);
    if (this.silent) this.held.push(send);
    else send();
  }

  mend(): void {
    this.silent = false;
    for (const send of this.held.splice(0)) send();
  }
}

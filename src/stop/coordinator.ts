import { setTimeout as rest } from 'node:timers/promises';

import { FULL_WAIT_NS } from '../consent/index.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import type { Log } from '../platform/telemetry/index.ts';
import * as registry from './registry-store.ts';

/**
 * Between looks at the confirmations. Healthy gateways confirm within a few milliseconds of being told, so for that long the
 * transaction stays open and looks again as soon as a timer can; NOTIFY from each of them would wake all the others and make
 * their commits take turns. Whoever is still silent then is rarely a few milliseconds late: the wait lets its connection go.
 */
const LOOK_SOON_MS = 2;
const SOON_NS = 100_000_000n;
const LOOK_MS = 10;

export interface CoordinatorDeps {
  runTx: RunTx;
  clock: Clock;
  log?: Pick<Log, 'warn'>;
}

const millisecondsSince = (from: bigint, now: bigint): number => Number((now - from) / 1_000n) / 1_000;

/** Follows the gateways that were registered when the wait began; fills in what each of them did. */
class Waiting {
  readonly outcomes = new Map<string, registry.GatewayOutcome>();

  constructor(private readonly gateways: readonly registry.RegisteredGateway[], private readonly from: bigint) {}

  get missing(): registry.RegisteredGateway[] {
    return this.gateways.filter(({ gatewayId }) => !this.outcomes.has(gatewayId));
  }

  end(gatewayId: string, now: bigint, how: Pick<registry.GatewayOutcome, 'outcome' | 'streams' | 'bytes'>): void {
    const gateway = this.missing.find((one) => one.gatewayId === gatewayId);
    if (gateway !== undefined) this.outcomes.set(gatewayId, { ...gateway, ...how, milliseconds: millisecondsSince(this.from, now) });
  }
}

const NOTHING = { streams: 0, bytes: '0' };

interface Course {
  stopId: string;
  arrived: bigint | null;
  from: bigint;
  waiting: Waiting;
  /** Who is not in the registry cannot confirm: then only the whole wait is enough. */
  mayLack: boolean;
}

/** A statement begun after the stop's COMMIT has returned: whoever registers later reads the gates after this stop. */
async function begin(tx: Tx, stopId: string, from: bigint, arrived: bigint | null): Promise<Course | registry.Acknowledgement> {
  const [kept, serving, mayLack] = await Promise.all([
    registry.loadAcknowledgement(tx, stopId), registry.servingGateways(tx), registry.registryMayLack(tx),
  ]);
  return kept ?? { stopId, arrived, from, waiting: new Waiting(serving, from), mayLack };
}

async function look({ clock }: CoordinatorDeps, tx: Tx, { stopId, waiting }: Course): Promise<void> {
  const [confirmed, gone] = await Promise.all([
    registry.confirmationsOf(tx, stopId), registry.goneGateways(tx, waiting.missing.map(({ gatewayId }) => gatewayId)),
  ]);
  const now = clock.monotonic();
  for (const { gatewayId, streams, bytes } of confirmed) {
    waiting.end(gatewayId, now, { outcome: 'confirmed', streams: streams.length, bytes: bytes.toString() });
  }
  for (const gatewayId of gone) waiting.end(gatewayId, now, { outcome: 'left', ...NOTHING });
}

const waits = (course: Course): boolean => course.waiting.missing.length > 0 || course.mayLack;

async function write({ clock }: CoordinatorDeps, tx: Tx, { stopId, arrived, from, waiting }: Course): Promise<registry.Acknowledgement> {
  const silent = waiting.missing.map(({ gatewayId }) => gatewayId);
  for (const gatewayId of silent) waiting.end(gatewayId, clock.monotonic(), { outcome: 'lease_ran_out', ...NOTHING });
  const outcomes = [...waiting.outcomes.values()];
  if (silent.length > 0) await registry.expireGateways(tx, silent);
  const now = clock.monotonic();
  return await registry.insertAcknowledgement(tx, {
    stopId, at: clock.now(), nanoseconds: arrived === null ? null : now - arrived, waitedNanoseconds: now - from, gateways: outcomes,
    streams: outcomes.reduce((sum, { streams }) => sum + streams, 0), bytes: outcomes.reduce((sum, { bytes }) => sum + BigInt(bytes), 0n),
  });
}

/**
 * Waits until nobody can hand out a byte of what a stop shut, and acknowledges it. To be called when the stop's COMMIT
 * has returned, by whoever ordered it or by whoever takes over: the wait then begins anew. What it waits for is every
 * gateway's confirmation, or L × 1.02 + 50 ms on its own monotonic clock, which is always enough.
 *
 * `arrived` is when the order came in, on the same clock; null where another process took it.
 */
export async function acknowledge(deps: CoordinatorDeps, stopId: string, arrived: bigint | null): Promise<registry.Acknowledgement> {
  const { runTx, clock } = deps;
  const from = clock.monotonic();
  const soon = await runTx(async (tx) => {
    const course = await begin(tx, stopId, from, arrived);
    if (!('waiting' in course)) return course;
    while (waits(course) && clock.monotonic() - from < SOON_NS) {
      await look(deps, tx, course);
      if (waits(course)) await rest(LOOK_SOON_MS);
    }
    return waits(course) ? course : await write(deps, tx, course);
  });
  if (!('waiting' in soon)) return soon;
  while (waits(soon) && clock.monotonic() - from < FULL_WAIT_NS) {
    await runTx((tx) => look(deps, tx, soon));
    // Never past the end: from there on nobody has to be waited for.
    if (waits(soon)) await rest(Math.min(LOOK_MS, Math.max(0, Math.ceil(Number(FULL_WAIT_NS - (clock.monotonic() - from)) / 1e6))));
  }
  return await runTx((tx) => write(deps, tx, soon));
}

export interface Coordination {
  /**
   * Sees a committed stop through to its acknowledgement, in the background; answers when that is written or `waitMs`
   * have passed. What fails here, or dies with this process, is taken over by the job.
   */
  follow(stopId: string, arrived: bigint | null, waitMs: number): Promise<void>;
  /** The job: whoever ordered it did not come to the end. */
  takeOver(stopId: string): Promise<void>;
  /** When nothing is waited for any more. */
  idle(): Promise<void>;
}

export function makeCoordination(deps: CoordinatorDeps): Coordination {
  const running = new Map<string, Promise<unknown>>();

  function start(stopId: string, arrived: bigint | null): Promise<unknown> {
    const already = running.get(stopId);
    if (already !== undefined) return already;
    const work = acknowledge(deps, stopId, arrived).finally(() => running.delete(stopId));
    running.set(stopId, work);
    return work;
  }

  return {
    async follow(stopId, arrived, waitMs) {
      const work = start(stopId, arrived).catch((error: unknown) => deps.log?.warn({ err: error, stopId }, 'a stop waits to be taken over'));
      if (waitMs <= 0) return;
      const enough = new AbortController();
      await Promise.race([work, rest(waitMs, undefined, { signal: enough.signal }).catch(() => undefined)]);
      enough.abort();
    },
    async takeOver(stopId) {
      await start(stopId, null);
    },
    async idle() {
      await Promise.allSettled(running.values());
    },
  };
}

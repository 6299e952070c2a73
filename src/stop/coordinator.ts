import { setTimeout as rest } from 'node:timers/promises';

import { FULL_WAIT_NS } from '../consent/index.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx } from '../kernel/tx.ts';
import type { Log } from '../platform/telemetry/index.ts';
import * as registry from './registry-store.ts';

/** Between looks at the confirmations. Gateways confirm within a few milliseconds of the NOTIFY. */
const LOOK_MS = 5;

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
  // A transaction of its own, begun after the COMMIT: whoever registers later reads the gates after this stop.
  const before = await runTx(async (tx) => ({
    kept: await registry.loadAcknowledgement(tx, stopId), serving: await registry.servingGateways(tx), mayLack: await registry.registryMayLack(tx),
  }));
  if (before.kept !== null) return before.kept;
  const waiting = new Waiting(before.serving, from);
  // Who is not in the registry cannot confirm: then only the whole wait is enough.
  while ((waiting.missing.length > 0 || before.mayLack) && clock.monotonic() - from < FULL_WAIT_NS) {
    const missing = waiting.missing.map(({ gatewayId }) => gatewayId);
    const { confirmed, gone } = await runTx(async (tx) => ({
      confirmed: await registry.confirmationsOf(tx, stopId), gone: await registry.goneGateways(tx, missing),
    }));
    const now = clock.monotonic();
    for (const { gatewayId, streams, bytes } of confirmed) {
      waiting.end(gatewayId, now, { outcome: 'confirmed', streams: streams.length, bytes: bytes.toString() });
    }
    for (const gatewayId of gone) waiting.end(gatewayId, now, { outcome: 'left', ...NOTHING });
    if (waiting.missing.length > 0 || before.mayLack) await rest(LOOK_MS);
  }
  const silent = waiting.missing.map(({ gatewayId }) => gatewayId);
  for (const gatewayId of silent) waiting.end(gatewayId, clock.monotonic(), { outcome: 'lease_ran_out', ...NOTHING });
  return await write(deps, stopId, { arrived, from, silent, outcomes: [...waiting.outcomes.values()] });
}

async function write(
  { runTx, clock }: CoordinatorDeps, stopId: string,
  { arrived, from, silent, outcomes }: { arrived: bigint | null; from: bigint; silent: readonly string[]; outcomes: registry.GatewayOutcome[] },
): Promise<registry.Acknowledgement> {
  return await runTx(async (tx) => {
    if (silent.length > 0) await registry.expireGateways(tx, silent);
    const now = clock.monotonic();
    await registry.insertAcknowledgement(tx, {
      stopId, at: clock.now(), nanoseconds: arrived === null ? null : now - arrived, waitedNanoseconds: now - from, gateways: outcomes,
      streams: outcomes.reduce((sum, { streams }) => sum + streams, 0), bytes: outcomes.reduce((sum, { bytes }) => sum + BigInt(bytes), 0n),
    });
    const kept = await registry.loadAcknowledgement(tx, stopId);
    if (kept === null) throw new Error(`Stop ${stopId} lost its acknowledgement.`);
    return kept;
  });
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

  function begin(stopId: string, arrived: bigint | null): Promise<unknown> {
    const already = running.get(stopId);
    if (already !== undefined) return already;
    const work = acknowledge(deps, stopId, arrived).finally(() => running.delete(stopId));
    running.set(stopId, work);
    return work;
  }

  return {
    async follow(stopId, arrived, waitMs) {
      const work = begin(stopId, arrived).catch((error: unknown) => deps.log?.warn({ err: error, stopId }, 'a stop waits to be taken over'));
      if (waitMs <= 0) return;
      const enough = new AbortController();
      await Promise.race([work, rest(waitMs, undefined, { signal: enough.signal }).catch(() => undefined)]);
      enough.abort();
    },
    async takeOver(stopId) {
      await begin(stopId, null);
    },
    async idle() {
      await Promise.allSettled(running.values());
    },
  };
}

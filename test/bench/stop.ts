import { openStage, type Stage } from '../chaos/stage.ts';
import type { GatewayFigures, Target } from '../chaos/messages.ts';
import { type GatewayProcess, type Listeners, startListeners } from '../chaos/processes.ts';
import type { BenchReport } from './report.ts';

const GATEWAYS = 8;
const STREAMS_EACH = 3;
const RELEASES_EACH = 3;
const BYTES_PER_SECOND = 65_536;
/** 1.02 L + 150 ms. */
const FROZEN_GOAL_MS = 1_170;

interface Stopped {
  milliseconds: number;
  acknowledgedAt: bigint;
  stopId: string;
  streams: string[];
}

interface World {
  stage: Stage;
  gateways: GatewayProcess[];
  listeners: Listeners;
  bystander: Target;
  bystanders: string[];
}

const rest = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0) * 10) / 10;
}

function open({ gateways, listeners }: World, target: Target, name: string, each: number): string[] {
  const gates = target.gates.map((gateId) => `${gateId}:1`).join(',');
  const streams = gateways.flatMap((gateway, at) => Array.from({ length: each }, (_none, index) => {
    const id = `${name}.${at}.${index}`;
    return { id, url: `${gateway.origin}/stream?id=${id}&bps=${BYTES_PER_SECOND}&gates=${gates}` };
  }));
  listeners.open(streams);
  return streams.map(({ id }) => id);
}

async function flowing({ listeners }: World, ids: readonly string[]): Promise<void> {
  for (const end = performance.now() + 20_000; ;) {
    const heard = await listeners.counts(ids);
    if (ids.every((id) => (heard[id]?.bytes ?? 0) > 0)) return;
    if (performance.now() > end) throw new Error('The streams do not flow.');
    await rest(5);
  }
}

async function openWorld(): Promise<World> {
  const stage = await openStage();
  const [bystander] = await stage.clones(1);
  if (bystander === undefined) throw new Error('no clone');
  const gateways = await Promise.all(Array.from({ length: GATEWAYS }, (_none, index) => stage.gateway(`gateway ${index}`, { releasePauseMs: 0 })));
  const world: World = { stage, gateways, listeners: startListeners(), bystander, bystanders: [] };
  world.bystanders = open(world, bystander, 'bystander', 1);
  await flowing(world, world.bystanders);
  return world;
}

/** One stop of a clone whose streams flow over every gateway, while all of them release. */
async function stopOne(world: World, target: Target, name: string): Promise<Stopped> {
  const streams = open(world, target, name, STREAMS_EACH);
  const order = await world.stage.prepare(target);
  for (const gateway of world.gateways) gateway.tell({ kind: 'release', clones: [target, world.bystander], atOnce: RELEASES_EACH });
  await flowing(world, streams);
  const answer = await world.stage.order(order);
  const acknowledgedAt = process.hrtime.bigint();
  if (answer.milliseconds === null) throw new Error('nobody measured the stop');
  return { milliseconds: answer.milliseconds, acknowledgedAt, stopId: answer.stopId, streams };
}

async function frozen(world: World, targets: readonly Target[]): Promise<Stopped[]> {
  const stopped: Stopped[] = [];
  for (const [index, target] of targets.entries()) {
    const gateway = world.gateways[index % GATEWAYS]!;
    const streams = open(world, target, `frozen ${index}`, STREAMS_EACH);
    const order = await world.stage.prepare(target);
    await flowing(world, streams);
    gateway.signal('SIGSTOP');
    const answer = await world.stage.order(order);
    const acknowledgedAt = process.hrtime.bigint();
    gateway.signal('SIGCONT');
    stopped.push({ milliseconds: answer.milliseconds ?? Number.POSITIVE_INFINITY, acknowledgedAt, stopId: answer.stopId, streams });
    // It comes back, registers again, and serves on.
    await rest(1_000);
  }
  return stopped;
}

/** Bytes that listeners had beyond what was confirmed, and writes that were made after an acknowledgement. */
async function late(world: World, stopped: readonly Stopped[], figures: readonly GatewayFigures[]): Promise<{ bytes: number; writes: number }> {
  let [bytes, writes] = [0, 0];
  for (const { stopId, streams, acknowledgedAt } of stopped) {
    const rows = await world.stage.ask<{ streams: { subjectId: string; bytes: string }[] }>('SELECT streams FROM gate_stop_confirmation WHERE stop_id = $1', [stopId]);
    const confirmed = new Map(rows.flatMap((row) => row.streams).map((stream) => [stream.subjectId, Number(stream.bytes)]));
    const heard = await world.listeners.counts(streams);
    for (const id of streams) {
      const most = confirmed.get(id);
      if (most !== undefined) bytes += Math.max(0, (heard[id]?.bytes ?? 0) - most);
      for (const { lastWrite } of figures) if (BigInt(lastWrite[id] ?? '0') > acknowledgedAt) writes += 1;
    }
  }
  return { bytes, writes };
}

/** Releases a second, with the gates asked and with the trigger taken away, one after the other and again. */
async function rates(world: World, seconds: number): Promise<{ on: number; off: number; inFlight: number }> {
  const total = async (): Promise<number> => Number((await world.stage.ask<{ n: string }>('SELECT count(*) AS n FROM probe'))[0]?.n ?? 0);
  const sums = { on: 0, off: 0 };
  const flights: number[] = [];
  for (const mode of ['on', 'off', 'off', 'on'] as const) {
    await world.stage.ask(`ALTER TABLE probe ${mode === 'on' ? 'ENABLE' : 'DISABLE'} TRIGGER probe_gates`);
    for (const gateway of world.gateways) gateway.tell({ kind: 'release', clones: [world.bystander], atOnce: RELEASES_EACH });
    await rest(200);
    const [from, began] = [await total(), performance.now()];
    await rest(seconds * 500);
    const [flight] = await world.stage.ask<{ n: number }>(`SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = 'benren_app' AND xact_start IS NOT NULL`);
    flights.push(flight?.n ?? 0);
    await rest(seconds * 500);
    sums[mode] += ((await total()) - from) / ((performance.now() - began) / 1000) / 2;
  }
  await world.stage.ask('ALTER TABLE probe ENABLE TRIGGER probe_gates');
  return { on: Math.round(sums.on), off: Math.round(sums.off), inFlight: Math.max(...flights) };
}

/** From an order's arrival to its acknowledgement, over eight gateway processes that stream and release all the while. */
export async function stop(options: { quick: boolean }): Promise<BenchReport> {
  const [stops, freezes, seconds] = options.quick ? [8, 1, 0.6] : [200, 5, 4];
  const world = await openWorld();
  try {
    const targets = await world.stage.clones(stops + freezes);
    const stopped: Stopped[] = [];
    for (const [index, target] of targets.slice(0, stops).entries()) stopped.push(await stopOne(world, target, `stop ${index}`));
    const rate = await rates(world, seconds);
    const thawed = await frozen(world, targets.slice(stops));
    await rest(300);
    const figures = (await Promise.all(world.gateways.map((gateway) => gateway.figures()))).flatMap((answer) => (answer === null ? [] : [answer.figures]));
    const after = await late(world, [...stopped, ...thawed], figures);
    const times = stopped.map(({ milliseconds }) => milliseconds);
    const frozenMs = Math.max(...thawed.map(({ milliseconds }) => milliseconds));
    // A gateway that was frozen for longer than its lease cuts everything that flowed over it, and says so.
    const spared = figures.flatMap((one) => one.cut)
      .filter(({ id }) => id.startsWith('bystander') && !thawed.some((_one, index) => id.startsWith(`bystander.${index % GATEWAYS}.`))).length;
    const ratio = Math.round((rate.on / rate.off) * 1_000) / 1_000;
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
    return {
      bench: 'stop',
      figures: {
        gateways: GATEWAYS, stops, streamsPerStop: GATEWAYS * STREAMS_EACH, releasesInFlight: rate.inFlight, p50Ms: p50, p99Ms: p99, frozenMaxMs: Math.round(frozenMs),
        bytesBeyondConfirmation: after.bytes, writesAfterAcknowledgement: after.writes, streamsCutWithoutStop: spared,
        releasesPerSecond: rate.on, releasesPerSecondGatesOff: rate.off, released: figures.reduce((sum, one) => sum + one.released, 0),
        refused: figures.reduce((sum, one) => sum + one.refused, 0),
      },
      goals: {
        p50Ms: { goal: '≤ 30', met: p50 <= 30 }, p99Ms: { goal: '≤ 250', met: p99 <= 250 }, frozenMaxMs: { goal: `≤ ${FROZEN_GOAL_MS}`, met: frozenMs <= FROZEN_GOAL_MS },
        bytesAfterAcknowledgement: { goal: '0', met: after.bytes + after.writes === 0 }, streamsCutWithoutStop: { goal: '0', met: spared === 0 },
        releasesWithGates: { goal: '≥ 0.9 of gates off', met: ratio >= 0.9 },
      },
    };
  } finally {
    await world.listeners.close();
    await world.stage.close();
  }
}

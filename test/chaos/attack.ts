import type { Random } from '../../src/kernel/random.ts';
import type { Target } from './messages.ts';
import type { GatewayProcess, Listeners } from './processes.ts';
import type { Acknowledged, Stage } from './stage.ts';

const STREAMS_EACH = 2;
const RATES = [98, 100, 102];
const rest = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

/** What befalls the stops of one round. The last three are of PostgreSQL itself and take long, so they come seldom. */
export const TROUBLES = [
  'nothing', 'a gateway frozen', 'a gateway killed', 'a gateway cut off in silence', 'a gateway reset', 'a gateway deaf to answers', 'a slow network',
  'a clock that stands still', 'the coordinator dies', 'PostgreSQL restarted', 'PostgreSQL failed over', 'PostgreSQL restored old',
] as const;
export type Trouble = (typeof TROUBLES)[number];

interface Stopped {
  target: Target;
  streams: string[];
  stopId: string;
  /** Counted under the exclusive lock. */
  releases: number;
  /** What listeners had when everything that was on its way had arrived. */
  atAcknowledgement: Record<string, number>;
}

interface World {
  stage: Stage;
  gateways: GatewayProcess[];
  listeners: Listeners;
  random: Random;
  names: number;
  bad: string[];
  figures: AttackFigures;
}

export interface AttackFigures {
  stops: number;
  bytes: number;
  releasesCounted: number;
  longestMs: number;
  rounds: Record<string, number>;
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!;

async function serveAgain(world: World): Promise<void> {
  const { stage, gateways } = world;
  for (const [index, gateway] of gateways.entries()) {
    gateway.proxy.weather({ kind: 'clear' });
    const news = gateway.alive ? await gateway.figures() : null;
    if (news !== null && news.standing === 'fresh') continue;
    if (news !== null) {
      // It registers again by itself within a renewal or two, unless it has reason not to.
      await rest(600);
      if ((await gateway.figures())?.standing === 'fresh') continue;
    }
    await gateway.close();
    world.names += 1;
    gateways[index] = await stage.gateway(`gateway ${world.names}`, { rate: pick(world.random, RATES) });
  }
}

/** A stream of a clone from one gateway. Fast enough that every few milliseconds something is written. */
function openOne(world: World, target: Target, at: number): string {
  world.names += 1;
  const id = `s${world.names}.${at}`;
  const gates = target.gates.map((gateId) => `${gateId}:1`).join(',');
  world.listeners.open([{ id, url: `${world.gateways[at]!.origin}/stream?id=${id}&bps=${pick(world.random, [100_000, 400_000])}&gates=${gates}` }]);
  return id;
}

function open(world: World, target: Target): string[] {
  return world.gateways.flatMap((_gateway, at) => Array.from({ length: STREAMS_EACH }, () => openOne(world, target, at)));
}

async function bytesOf(world: World, ids: readonly string[]): Promise<Record<string, number>> {
  const heard = await world.listeners.counts(ids);
  return Object.fromEntries(ids.map((id) => [id, heard[id]?.bytes ?? 0]));
}

/** Streams of a clone that all flow. On a busy machine a lease may be late and refuse or cut one: that one is asked for again. */
async function flowing(world: World, target: Target): Promise<string[]> {
  const ids = open(world, target);
  for (const end = performance.now() + 30_000; performance.now() < end;) {
    const heard = await world.listeners.counts(ids);
    if (ids.every((id) => heard[id]?.ended === false && heard[id].bytes > 0)) return ids;
    for (const [place, id] of ids.entries()) if (heard[id]?.ended === true) ids[place] = openOne(world, target, Number(id.split('.')[1]));
    await rest(20);
  }
  throw new Error('The streams of a healthy round do not flow.');
}

/** Begins a trouble; answers what ends it. */
async function befall(world: World, trouble: Trouble): Promise<() => Promise<void>> {
  const { stage, random } = world;
  const gateway = pick(random, world.gateways);
  const weather = (kind: 'silent' | 'reset' | 'deaf') => {
    gateway.proxy.weather({ kind });
    return async () => gateway.proxy.weather({ kind: 'clear' });
  };
  switch (trouble) {
    case 'a gateway frozen':
      gateway.signal('SIGSTOP');
      return async () => gateway.signal('SIGCONT');
    case 'a gateway killed':
      gateway.signal('SIGKILL');
      return async () => undefined;
    case 'a gateway cut off in silence': return weather('silent');
    case 'a gateway reset': return weather('reset');
    case 'a gateway deaf to answers': return weather('deaf');
    case 'a slow network':
      gateway.proxy.weather({ kind: 'slow', milliseconds: 20 + random.below(400) });
      return async () => gateway.proxy.weather({ kind: 'clear' });
    case 'a clock that stands still':
      gateway.tell({ kind: 'stand', still: true });
      return async () => gateway.tell({ kind: 'stand', still: false });
    case 'PostgreSQL restarted': {
      const down = stage.primary.stop(random.below(2) === 0 ? 'immediate' : 'fast').then(() => stage.primary.start());
      return async () => await down;
    }
    default: return async () => undefined;
  }
}

async function acknowledged(world: World, target: Target, streams: string[], answer: Pick<Acknowledged, 'stopId' | 'releases' | 'milliseconds'>): Promise<Stopped> {
  // What kernels held is read by now: these listeners are prompt.
  await rest(100);
  world.figures.stops += 1;
  world.figures.longestMs = Math.max(world.figures.longestMs, Math.round(answer.milliseconds ?? 0));
  return { target, streams, stopId: answer.stopId, releases: Number(answer.releases), atAcknowledgement: await bytesOf(world, streams) };
}

/** Nobody has more than was there at the acknowledgement, nor more than was confirmed; and no release came after. */
async function judge(world: World, stopped: readonly Stopped[], round: string): Promise<void> {
  for (const { target, streams, stopId, releases, atAcknowledgement } of stopped) {
    const now = await bytesOf(world, streams);
    const rows = await world.stage.ask<{ streams: { subjectId: string; bytes: string }[] }>('SELECT streams FROM gate_stop_confirmation WHERE stop_id = $1', [stopId]);
    const confirmed = new Map(rows.flatMap((row) => row.streams).map((stream) => [stream.subjectId, Number(stream.bytes)]));
    for (const id of streams) {
      world.figures.bytes += now[id] ?? 0;
      const late = (now[id] ?? 0) - (atAcknowledgement[id] ?? 0);
      if (late > 0) world.bad.push(`${round}: ${late} bytes of ${id} after ${stopId}`);
      const beyond = (now[id] ?? 0) - (confirmed.get(id) ?? Number.POSITIVE_INFINITY);
      if (beyond > 0) world.bad.push(`${round}: ${beyond} bytes of ${id} more than confirmed for ${stopId}`);
    }
    const [row] = await world.stage.ask<{ n: number }>('SELECT count(*)::int AS n FROM probe WHERE clone_id = $1', [target.cloneId]);
    world.figures.releasesCounted += releases;
    if (row !== undefined && row.n !== releases) world.bad.push(`${round}: ${row.n} releases of ${target.cloneId}, and ${releases} when it was stopped`);
  }
}

async function round(world: World, trouble: Trouble, targets: readonly Target[]): Promise<void> {
  const { stage, random, figures } = world;
  figures.rounds[trouble] = (figures.rounds[trouble] ?? 0) + 1;
  const orders = [];
  for (const target of targets) orders.push(await stage.prepare(target));
  for (const gateway of world.gateways) gateway.tell({ kind: 'release', clones: [...targets], atOnce: 2 });
  const streams = await Promise.all(targets.map((target) => flowing(world, target)));
  const end = await befall(world, trouble);
  await rest(random.below(40));
  const stopped = await Promise.all(orders.map(async (order, index) => {
    if (trouble === 'the coordinator dies') await stage.orderAndDie(order);
    return await acknowledged(world, order.target, streams[index]!, await stage.order(order));
  }));
  await end();
  // What a frozen or cut-off process would still hand out, it would hand out now.
  await rest(250);
  await judge(world, stopped, trouble);
  alive(world, trouble);
}

/** A process that died by itself would hand out nothing, and prove nothing. */
function alive(world: World, trouble: Trouble): void {
  const dead = world.gateways.filter((gateway) => !gateway.alive).length;
  if (dead > (trouble === 'a gateway killed' ? 1 : 0)) world.bad.push(`${trouble}: ${dead} gateways died`);
}

/** The standby lacks the stops, or the backup is older than they are: gateways that saw them believe neither. */
async function replace(world: World, trouble: 'PostgreSQL failed over' | 'PostgreSQL restored old', targets: readonly Target[]): Promise<void> {
  const { stage } = world;
  const real = stage.primary;
  await real.stop('fast');
  const other = await real.copy(trouble === 'PostgreSQL failed over' ? 'standby' : 'backup');
  await real.start();
  await serveAgain(world);
  await round(world, trouble, targets);
  const released = async (): Promise<number> => (await stage.ask<{ n: number }>('SELECT count(*)::int AS n FROM probe WHERE clone_id = ANY ($1)', [targets.map(({ cloneId }) => cloneId)]))[0]?.n ?? 0;
  await real.stop('immediate');
  await other.start();
  if (trouble === 'PostgreSQL failed over') await other.promote();
  stage.lead(other);
  const before = await released();
  // The gates are open there. Everybody tries, from the first moment on.
  const streams: string[] = [];
  for (let tries = 0; tries < 8; tries += 1) {
    for (const target of targets) streams.push(...open(world, target));
    await rest(200);
  }
  const bytes = Object.values(await bytesOf(world, streams)).reduce((sum, one) => sum + one, 0);
  if (bytes > 0) world.bad.push(`${trouble}: ${bytes} bytes of stopped clones`);
  const after = await released();
  if (after !== before) world.bad.push(`${trouble}: ${after - before} releases of stopped clones`);
  alive(world, trouble);
  await other.stop('immediate');
  await real.start();
  stage.lead(real);
  await other.remove();
}

export interface Attack {
  stage: Stage;
  listeners: Listeners;
  random: Random;
  /** What befalls each round of stops, in this order, and how many are ordered at once in each. */
  plan: readonly Trouble[];
  atOnce: number;
  /** Told after each round, with what broke so far. */
  told?: (round: number, bad: readonly string[], figures: AttackFigures) => void;
}

/** Stops clones while each trouble befalls gateways or PostgreSQL, and ends with the first round in which something broke. */
export async function attack({ stage, listeners, random, plan, atOnce, told }: Attack): Promise<{ figures: AttackFigures; bad: string[] }> {
  const world: World = {
    stage, random, gateways: [], listeners, names: RATES.length, bad: [], figures: { stops: 0, bytes: 0, releasesCounted: 0, longestMs: 0, rounds: {} },
  };
  try {
    world.gateways.push(...await Promise.all(RATES.map((rate, index) => stage.gateway(`gateway ${index}`, { rate }))));
    for (const [index, trouble] of plan.entries()) {
      await serveAgain(world);
      const targets = await stage.clones(atOnce);
      if (trouble === 'PostgreSQL failed over' || trouble === 'PostgreSQL restored old') await replace(world, trouble, targets);
      else await round(world, trouble, targets);
      world.listeners.forget();
      told?.(index, world.bad, world.figures);
      if (world.bad.length > 0) break;
    }
    return { figures: world.figures, bad: world.bad };
  } finally {
    await Promise.all(world.gateways.map((gateway) => gateway.close()));
  }
}

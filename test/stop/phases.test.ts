import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Gateway, makeGateway } from '../../src/gateway/index.ts';
import { serve, type Served, type Transfer } from '../gateway/serve.ts';
import { type GatewayWorld, openGatewayWorld } from '../gateway/world.ts';
import { until } from '../support/until.ts';

/**
 * Outputs in every phase when an order of the owner lands. The table in docs/stop-phases.md is what is expected: a row
 * that is missing there, or that is not true, fails here.
 */
const PHASES = ['queued', 'holding', 'rendering', 'signing', 'releasing', 'streaming', 'stored', 'being read', 'delivered'] as const;
const ORDERS = ['stop', 'pause', 'revoke', 'narrow'] as const;
const COLUMNS = ['bytes', 'hold', 'file', 'answer', 'state', 'check'] as const;
type Phase = (typeof PHASES)[number];
type Order = (typeof ORDERS)[number];
type Cell = Record<(typeof COLUMNS)[number], string>;

const documented = new Map(readFileSync(new URL('../../docs/stop-phases.md', import.meta.url), 'utf8').split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Phase') && !line.startsWith('| ---'))
  .map((line) => line.slice(2, -2).split(' | '))
  .map(([phase = '', order = '', ...cells]): [string, Cell] => [`${phase} × ${order}`, Object.fromEntries(COLUMNS.map((name, i) => [name, cells[i]])) as Cell]));

const STREAMED = 'Good morning. I walked along the river today and thought about the song that we wrote last winter, in the old house by the sea.';
const LONG = 'The quiet heron carried seven green lanterns over the narrow bridge and nobody was awake to see it.';

/** A gateway of its own that waits before one step until it is let go. */
interface Parked {
  gateway: Gateway;
  /** Fulfilled when it waits there. */
  arrived: Promise<void>;
  letGo(): void;
}

function park(own: GatewayWorld, step: string, passing = 1): Parked {
  let [passed, arrive, go] = [0, (): void => undefined, (): void => undefined];
  const arrived = new Promise<void>((done) => {
    arrive = done;
  });
  const gone = new Promise<void>((done) => {
    go = done;
  });
  const gateway = makeGateway({ ...own.deps, at: async (at) => {
    if (at === step) passed += 1;
    if (at !== step || passed !== passing) return;
    arrive();
    await gone;
  } });
  return { gateway, arrived, letGo: go };
}

/** An output in one phase, what it does when it is let go, and how many of its bytes arrived. */
interface Standing {
  outputId: () => string;
  goOn(): Promise<void>;
  bytes(): Promise<string>;
}

const NONE = async (): Promise<string> => 'none';

/** Asked for, and its job stands before this step. */
async function inJob(own: GatewayWorld, step: string): Promise<Standing & { parked: Parked }> {
  const { outputId } = await own.ask({ script: `I stand before ${step}.` });
  const parked = park(own, step);
  const working = parked.gateway.work.renderOutput(outputId, 1);
  await parked.arrived;
  return { parked, outputId: () => outputId, bytes: NONE, async goOn() {
    parked.letGo();
    await working;
  } };
}

async function holding(own: GatewayWorld): Promise<Standing> {
  const parked = park(own, 'hold');
  own.world.clock.advance(1);
  const asking = parked.gateway.requestOutput(own.fan.actor, own.world.key(), own.cloneId, {
    capability: 'voice', language: 'en', script: 'I am about to be held.', purpose: 'fan_message',
  });
  await parked.arrived;
  let outputId = '';
  return { outputId: () => outputId, bytes: NONE, async goOn() {
    parked.letGo();
    ({ outputId } = await asking);
  } };
}

const bytesOf = (transfer: Transfer) => async (): Promise<string> => {
  const whole = await transfer.ended;
  if (whole) return 'all';
  return transfer.received().length > 0 ? 'cut' : 'none';
};

async function streaming(own: GatewayWorld, opened: Served[]): Promise<Standing> {
  const { outputId } = await own.ask({ script: STREAMED, delivery: 'stream' });
  const parked = park(own, 'release', 2);
  const served = await serve({ ...own, gateway: parked.gateway }, { sleep: async () => undefined });
  opened.push(served);
  const transfer = await served.open(`/v1/outputs/${outputId}/stream`, own.fan);
  await parked.arrived;
  return { outputId: () => outputId, bytes: bytesOf(transfer), goOn: async () => parked.letGo() };
}

async function beingRead(own: GatewayWorld, opened: Served[]): Promise<Standing> {
  const outputId = await own.released({ script: LONG });
  let waits = true;
  // The writer waits for the listener's ear after two seconds of it.
  const served = await serve(own, { sleep: async (_milliseconds, gone) => await until(async () => !waits || gone.aborted, 60_000) });
  opened.push(served);
  const transfer = await served.open(`/v1/outputs/${outputId}/media`, own.fan);
  await until(async () => transfer.received().length > 64_000);
  return { outputId: () => outputId, bytes: bytesOf(transfer), async goOn() {
    // Longer than it takes to renew the lease: the gateway has seen what changed.
    await new Promise((done) => setTimeout(done, 500));
    waits = false;
  } };
}

async function put(own: GatewayWorld, served: Served, opened: Served[]): Promise<Record<Phase, Standing>> {
  const stored = await own.released({ script: 'I lie in the store.' });
  const delivered = await own.released({ script: 'I was delivered.' });
  const heard = await (await served.get(`/v1/outputs/${delivered}/media`, own.fan)).arrayBuffer();
  const read = await beingRead(own, opened);
  const signing = await inJob(own, 'keep');
  const rendering = await inJob(own, 'disclose');
  const live = await streaming(own, opened);
  const queued = (await own.ask({ script: 'I wait.' })).outputId;
  const held = await holding(own);
  return {
    queued: { outputId: () => queued, bytes: NONE, goOn: async () => undefined }, holding: held, rendering, signing,
    releasing: await inJob(own, 'locked'), streaming: live, stored: { outputId: () => stored, bytes: NONE, goOn: async () => undefined },
    'being read': read, delivered: { outputId: () => delivered, bytes: async () => (heard.byteLength > 1_000 ? 'all' : 'none'), goOn: async () => undefined },
  };
}

async function give(own: GatewayWorld, order: Order): Promise<void> {
  const { world, consent, owner, grant: { grantId } } = own;
  if (order === 'stop') await own.shut('clone', 'stopped');
  if (order === 'pause') await own.shut('clone', 'paused');
  if (order === 'revoke') {
    const { revocationDocument } = await consent.getGrant(owner.actor, grantId);
    await consent.revokeGrant(owner.actor, world.key(), grantId, await world.sign(owner, 'revocation', revocationDocument));
  }
  if (order === 'narrow') {
    const { document } = await consent.draftAmendment(owner.actor, world.key(), grantId, { territories: ['CN'] });
    await consent.signAmendment(owner.actor, world.key(), grantId, await world.sign(owner, 'amendment', document));
  }
}

async function see(own: GatewayWorld, served: Served, standing: Standing): Promise<Cell> {
  const id = standing.outputId();
  const { state, reason, release } = await own.gateway.getOutput(own.fan.actor, id);
  const [row] = await own.world.database.asOwner<{ hold: string; file: { sha256: string } | null }>(
    'SELECT hold.state AS hold, output.file FROM output JOIN quota_hold AS hold ON hold.id = output.hold_id WHERE output.id = $1', [id]);
  const kept = row?.file !== null && row?.file !== undefined && await own.deps.blobs.has(row.file.sha256);
  const answer = await served.get(`/v1/outputs/${id}/media`, own.fan);
  const code = answer.status === 200 ? '' : ` ${((await answer.json()) as { code: string }).code}`;
  if (answer.status === 200) await answer.arrayBuffer();
  return {
    bytes: await standing.bytes(), hold: { captured: 'spent', voided: 'given back' }[row?.hold ?? ''] ?? String(row?.hold),
    file: release !== null && kept ? 'kept' : release === null && !kept ? 'none' : 'half', answer: `${answer.status}${code}`,
    state: reason === null ? state : `${state}, ${reason}`, check: (await own.gateway.getOutputStatus(id)).status,
  };
}

it('the table has a row for each phase and order, and no other', () => {
  expect([...documented.keys()]).toEqual(PHASES.flatMap((phase) => ORDERS.map((order) => `${phase} × ${order}`)));
});

describe.each(ORDERS)('%s', (order) => {
  const seen = new Map<Phase, Cell>();
  let own: GatewayWorld;
  const opened: Served[] = [];

  beforeAll(async () => {
    own = await openGatewayWorld(`phases ${order}`);
    const served = await serve(own, { sleep: async () => undefined });
    opened.push(served);
    const standing = await put(own, served, opened);
    const given = give(own, order);
    // It waits for the release that holds the gates, and for nothing else.
    await until(async () => (await own.count('pg_locks', `locktype = 'advisory' AND NOT granted`)) > 0);
    await standing.releasing.goOn();
    await given;
    for (const phase of PHASES) if (phase !== 'releasing') await standing[phase].goOn();
    await own.drain();
    await until(async () => (await own.gateway.getOutput(own.fan.actor, standing.streaming.outputId())).state !== 'streaming');
    for (const phase of PHASES) seen.set(phase, await see(own, served, standing[phase]));
  }, 120_000);
  afterAll(async () => {
    for (const served of opened) await served.close();
    await own.close();
  });

  it.each(PHASES)('%s', (phase) => {
    expect(seen.get(phase)).toEqual(documented.get(`${phase} × ${order}`));
  });
});

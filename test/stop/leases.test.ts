import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { codeOf } from '../ownership/world.ts';
import { until } from '../support/until.ts';
import { openStopWorld, type Person, type StopWorld } from './world.ts';

let world: StopWorld;
let owner: Person;
const children: GatewayProcess[] = [];

interface GatewayProcess {
  child: ChildProcess;
  gatewayId: string;
  lines: Record<string, unknown>[];
  /** Opens a stream on a clone's gates and waits for its first bytes. */
  open(of: { gates: string[] }): Promise<void>;
  wrote(): number;
  end(): Promise<void>;
}

async function gatewayProcess(): Promise<GatewayProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', new URL('gateway-process.ts', import.meta.url).pathname, world.money.db.appUrl], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Record<string, unknown>));
  const own: GatewayProcess = {
    child, lines, gatewayId: '',
    async open(of) {
      child.stdin.write(`${JSON.stringify({ open: of.gates.map((gateId) => [gateId, '1']) })}\n`);
      await until(async () => own.wrote() > 0);
    },
    wrote: () => Number(lines.findLast((line) => 'wrote' in line)?.['wrote'] ?? 0),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGCONT');
      child.stdin.end();
      await new Promise((done) => child.once('close', done));
    },
  };
  children.push(own);
  await until(async () => lines.length > 0, 30_000);
  own.gatewayId = String(lines[0]?.['gatewayId']);
  return own;
}

beforeAll(async () => {
  world = await openStopWorld('leases');
  owner = await world.register('Lin Ya');
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((own) => own.end()));
});
afterAll(async () => await world.close());

describe('a stop with gateways in other processes', () => {
  it('is acknowledged when each has reset its streams and counted them', async () => {
    const [of, spared] = [await world.makeClone(owner), await world.makeClone(owner)];
    const [one, two] = await Promise.all([gatewayProcess(), gatewayProcess()]);
    await Promise.all([one.open(of), two.open(spared)]);
    const answer = await world.order(owner, of.cloneId, await world.stop.quoteStop(owner.actor, of.cloneId));
    expect(answer.gateways.map(({ gatewayId, outcome }) => [gatewayId, outcome]).sort())
      .toEqual([one.gatewayId, two.gatewayId].sort().map((id) => [id, 'confirmed']));
    expect(answer.milliseconds).toBeLessThan(1_000);
    expect(answer).toMatchObject({ streams: 1 });
    await until(async () => one.lines.some((line) => line['ended'] === 'stopped'));
    // The count in the acknowledgement is everything that process ever handed out of it.
    expect(Number(answer.bytes)).toBe(one.lines.find((line) => 'ended' in line)?.['bytes']);
    const before = two.wrote();
    await until(async () => two.wrote() > before);
  });

  it('is told live, from the tables, behind the event that a reader saw last', async () => {
    const of = await world.makeClone(owner);
    const one = await gatewayProcess();
    await one.open(of);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    const order = { quoteId: quote.quoteId, signature: await world.sign(owner, 'stop_order', quote.order) };
    const { stopId } = await world.stop.orderStop(owner.actor, world.key(), of.cloneId, order);
    const read = async (after?: string): Promise<[string, string, unknown][]> => {
      const events: [string, string, unknown][] = [];
      for await (const event of (await world.stop.watchStop(owner.actor, stopId, after))(new AbortController().signal)) {
        if (event !== null) events.push([event.id, event.name, event.data]);
      }
      return events;
    };
    const all = await read();
    expect(all.map(([, name]) => name)).toEqual(['ordered', 'committed', 'gateway', 'acknowledged']);
    expect(all[1]?.[2]).toEqual({ stopId, epoch: '2', releases: '0' });
    expect(all[2]?.[2]).toMatchObject({ gatewayId: one.gatewayId, outcome: 'confirmed', streams: 1 });
    expect(all[3]?.[2]).toMatchObject({ stopId, streams: 1, bytes: (all[2]?.[2] as { bytes: string }).bytes, gateways: [{ outcome: 'confirmed' }] });
    for (const [place, [id]] of all.entries()) expect(await read(id), id).toEqual(all.slice(place + 1));
    const stranger = await world.register('A stranger');
    expect(await codeOf(world.stop.watchStop(stranger.actor, stopId))).toBe('not_found');
    expect(await codeOf(world.stop.watchStop(owner.actor, 'stp_unknown'))).toBe('not_found');
  });

  it('with a frozen one waits for its lease to run out, and no byte comes when it thaws', async () => {
    const of = await world.makeClone(owner);
    const frozen = await gatewayProcess();
    await frozen.open(of);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    frozen.child.kill('SIGSTOP');
    const answer = await world.order(owner, of.cloneId, quote);
    expect(answer.gateways).toMatchObject([{ gatewayId: frozen.gatewayId, outcome: 'lease_ran_out', streams: 0 }]);
    expect(answer.milliseconds).toBeGreaterThan(1_020);
    const waited = await world.money.db.asApp<{ ns: string }>('SELECT waited_nanoseconds AS ns FROM stop_acknowledgement WHERE stop_id = $1', [answer.stopId]);
    expect(Number(waited[0]?.ns) / 1e6).toBeLessThan(1_020 + 150);
    const handed = frozen.wrote();
    frozen.child.kill('SIGCONT');
    await until(async () => frozen.lines.some((line) => 'ended' in line));
    expect(frozen.lines.find((line) => 'ended' in line)?.['bytes']).toBe(handed);
    // It comes back under another name, and the next stop does not wait for the old one.
    const next = await world.makeClone(owner);
    await until(async () => (await world.money.db.asApp(`SELECT 1 FROM gateway_lease WHERE process = $1 AND state = 'serving'`, [`test ${String(frozen.child.pid)}`])).length === 1);
    const quick = await world.order(owner, next.cloneId, await world.stop.quoteStop(owner.actor, next.cloneId));
    expect(quick.gateways).toMatchObject([{ outcome: 'confirmed' }]);
    expect(quick.gateways[0]?.gatewayId).not.toBe(frozen.gatewayId);
  });

  it('whose coordinator died is taken over by the job, which waits anew for whoever is silent', async () => {
    const of = await world.makeClone(owner);
    const killed = await gatewayProcess();
    await killed.open(of);
    killed.child.kill('SIGKILL');
    await new Promise((done) => killed.child.once('close', done));
    // This order's process comes to the COMMIT and no further.
    const dying = world.stopWith({ runTx: world.dyingAfterCommit() });
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    const signature = await world.sign(owner, 'stop_order', quote.order);
    await expect(dying.orderStop(owner.actor, world.key(), of.cloneId, { quoteId: quote.quoteId, signature })).rejects.toThrow('died');
    const [stopped] = await world.money.db.asApp<{ id: string }>('SELECT id FROM stop_order WHERE clone_id = $1', [of.cloneId]);
    const stopId = stopped?.id ?? '';
    expect(await world.stop.getStop(owner.actor, stopId)).toMatchObject({ state: 'ordered', acknowledgedAt: null });
    world.money.clock.advance(2_000);
    const from = performance.now();
    await world.money.drain();
    expect(performance.now() - from).toBeGreaterThan(1_020);
    expect(await world.stop.getStop(owner.actor, stopId)).toMatchObject({
      acknowledgedAt: expect.any(String) as string, milliseconds: null, gateways: [{ gatewayId: killed.gatewayId, outcome: 'lease_ran_out' }],
    });
  });
});

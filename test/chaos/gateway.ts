/**
 * A gateway in a process of its own, without voice and without the rest of the house: the real lease, the real media writer,
 * releases through the real trigger. For chaos and the bench: it is frozen, killed, cut off and given wrong clocks.
 */
import express from 'express';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

import type { LeaseClocks } from '../../src/consent/lease-model.ts';
import { type LeaseStore, openLeaseStore } from '../../src/consent/lease-store.ts';
import { makeGatewayLease } from '../../src/consent/leases.ts';
import { writeMedia } from '../../src/http/media.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { systemClock, systemLeaseClocks } from '../../src/platform/clock.ts';
import {
  confirmingFirst, countedFromReply, feedBySequence, overriding, renewingFromReplica, type StopFault, watchingRenewals,
} from '../support/stop-faults.ts';
import type { GatewayFigures, GatewayOrder, GatewaySettings, Target } from './messages.ts';
import { type Outcome, probeReleases, realReleases, type Releaser } from './releases.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as GatewaySettings;
const fault: StopFault | null = settings.fault;
const PIECE = Buffer.alloc(16 * 1024, 7);

/** The machine's monotonic clock at another rate, and standing still on demand. Wall clock and uptime stay right. */
function skewed(rate: number): LeaseClocks & { stand(still: boolean): void } {
  const began = process.hrtime.bigint();
  let stoppedAt: bigint | null = null;
  let lost = 0n;
  const real = (): bigint => process.hrtime.bigint();
  return {
    monotonic: () => ((stoppedAt ?? real()) - began - lost) * BigInt(rate) / 100n,
    wall: systemLeaseClocks.wall, uptime: systemLeaseClocks.uptime,
    stand(still) {
      if (still) stoppedAt ??= real();
      else if (stoppedAt !== null) {
        lost += real() - stoppedAt;
        stoppedAt = null;
      }
    },
  };
}

const clocks = skewed(settings.rate);
const fromReply = countedFromReply(clocks);
const late = { confirmed: (): void => undefined };

async function openStore(heard: () => void): Promise<LeaseStore> {
  const plain = await openLeaseStore(settings.url, settings.deafToNotify ? () => undefined : heard);
  const store = overriding(plain, {
    async see(asked) {
      const sight = await plain.see(asked);
      process.send?.({ kind: 'renewed' });
      return sight;
    },
    async confirm(...given) {
      await plain.confirm(...given);
      late.confirmed();
    },
  });
  if (fault === 'lease counted from the reply') return watchingRenewals(store, fromReply);
  if (fault === 'feed by seq > last') {
    return feedBySequence(store, async (stopId) => {
      const { rows } = await pool.query<{ number: string }>('SELECT number FROM probe_sequence WHERE stop_id = $1', [stopId]);
      return BigInt(rows[0]?.number ?? 0);
    });
  }
  if (fault !== 'read-only renewal against a replica' || settings.replicaUrl === null) return store;
  const replica = new pg.Client({ connectionString: settings.replicaUrl });
  replica.on('error', () => undefined);
  await replica.connect();
  const gates = async (ids: readonly string[]) => (await replica.query<{ gateId: string; state: 'open'; epoch: string }>(
    'SELECT id AS "gateId", state, epoch FROM gate WHERE id = ANY ($1)', [ids])).rows.map((gate) => ({ ...gate, epoch: BigInt(gate.epoch) }));
  return renewingFromReplica(store, {
    gates, see: async (asked) => ({ systemIdentifier: 'replica', timeline: 1, stops: 0n, gates: await gates(asked.gates), open: [], confirmed: [] }),
  });
}

const pool = new pg.Pool({ connectionString: settings.url, max: 6, connectionTimeoutMillis: 2_000 });
// Also of those that are in use: a lost connection is this process's daily bread.
pool.on('connect', (client) => client.on('error', () => undefined));
pool.on('error', () => undefined);
const plainLease = makeGatewayLease({
  openStore, clocks: fault === 'lease counted from the reply' ? fromReply.clocks : clocks, ids: makeIds(systemClock, systemRandom),
  process: `${settings.name} ${process.pid}`,
});
const first = confirmingFirst(plainLease);
late.confirmed = () => first.confirmed();
const lease = fault === 'confirm before sockets are reset' ? first.lease : plainLease;

const figures: GatewayFigures = { released: 0, refused: 0, failed: 0, inFlight: 0, cut: [], lastWrite: {} };

const app = express();
app.get('/stream', async (request, response) => {
  const { id = '', gates = '', bps = '65536' } = request.query as Record<string, string>;
  try {
    await writeMedia(request, response, {
      kind: 'live', contentType: 'application/octet-stream', bytesPerSecond: Number(bps),
      async open(cut) {
        const handle = await lease.open({
          kind: 'output', subjectId: id, gates: gates.split(',').map((one) => ({ gateId: one.split(':')[0] ?? '', epoch: BigInt(one.split(':')[1] ?? '0') })),
          cut(refusal) {
            figures.cut.push({ id, code: refusal.code, at: process.hrtime.bigint().toString() });
            if (fault === 'end() instead of reset') request.socket.end();
            else cut(refusal);
          },
        });
        return {
          ready: async () => undefined, check: () => handle.check(), close: () => handle.close(),
          wrote(bytes) {
            figures.lastWrite[id] = process.hrtime.bigint().toString();
            handle.wrote(bytes);
          },
        };
      },
      async* pieces(gone) {
        while (!gone.aborted) yield PIECE;
      },
    }, { clock: systemClock });
  } catch (error) {
    if (!response.headersSent) response.status(503).end(error instanceof Refusal ? error.code : String(error));
  }
});

let releasing: Target[] = [];
const releaser: Releaser = settings.outputs === null
  ? probeReleases({ pool, lease, name: settings.name })
  : await realReleases({ url: settings.url, lease, ...settings.outputs });

/** The last order to release; loops of an earlier one end. */
let turn = 0;

async function releaseLoop(own: number, first: number, pauseMs: number): Promise<void> {
  for (let round = first; turn === own && releasing.length > 0; round += 1) {
    figures.inFlight += 1;
    const outcome = await releaser.release(releasing[round % releasing.length]!).catch((): Outcome => 'failed');
    figures.inFlight -= 1;
    if (outcome !== 'none') figures[outcome] += 1;
    await new Promise((done) => setTimeout(done, pauseMs));
  }
}

process.on('message', (order: GatewayOrder) => {
  if (order.kind === 'stand') clocks.stand(order.still);
  else if (order.kind === 'release') {
    releasing = order.clones;
    turn += 1;
    for (let first = 0; first < order.atOnce; first += 1) void releaseLoop(turn, first, order.pauseMs ?? settings.releasePauseMs);
  } else if (order.kind === 'gates') releaser.asking(order.asked);
  else if (order.kind === 'figures') process.send?.({ kind: 'figures', figures, standing: lease.standing() });
  else process.exit(0);
});
process.on('disconnect', () => process.exit(0));

async function begin(): Promise<void> {
  for (;;) {
    try {
      await lease.start();
      return;
    } catch {
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

const server = app.listen(0, '127.0.0.1');
await new Promise((done) => server.once('listening', done));
process.send?.({ kind: 'listening', port: (server.address() as AddressInfo).port });
await begin();
process.send?.({ kind: 'serving', gatewayId: lease.gatewayId });

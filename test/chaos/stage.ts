import { generateKeyPairSync } from 'node:crypto';
import pg from 'pg';

import { makeBilling, type PaymentProvider } from '../../src/billing/index.ts';
import { makeGates } from '../../src/consent/gates.ts';
import { identityEntities, loadDocuments, makeIdentity, type SignatureInput } from '../../src/identity/index.ts';
import { countReleases } from '../../src/gateway/store.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { notFound } from '../../src/kernel/refusals.ts';
import type { Actor } from '../../src/kernel/request.ts';
import type { RunTx } from '../../src/kernel/tx.ts';
import { makeLedger } from '../../src/ledger/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { connect, type Database, one } from '../../src/platform/postgres/index.ts';
import { makeStop, type Stop, type StopDeps } from '../../src/stop/index.ts';
import { makeTransparency } from '../../src/transparency/index.ts';
import { plantOutputs } from '../bench/stop-outputs.ts';
import { type GateBench, makeGateBench } from '../consent/gate-bench.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { makePasskey } from '../support/passkey.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import type { StopFault } from '../support/stop-faults.ts';
import type { Target } from './messages.ts';
import { type GatewayProcess, startGateway } from './processes.ts';

const DATABASE = 'chaos';
const SITE = { id: 'benren.example', name: 'Benren', origin: 'https://app.benren.example' };

/** A stop that is signed and only needs to be sent. */
export interface Order {
  target: Target;
  quoteId: string;
  signature: SignatureInput;
  key: string;
}

export type Acknowledged = Awaited<ReturnType<Stop['orderStop']>>;

/** PostgreSQL in a test's hands, the real stop service before it, and gateways to be started. */
export interface Stage {
  readonly primary: Cluster;
  readonly runTx: RunTx;
  /** The service's role on the present primary. */
  readonly appUrl: string;
  /** Makes clones with their gates, all of one owner. */
  clones(count: number): Promise<Target[]>;
  /** Plants outputs of clones that gateways may then release in truth. */
  outputs(wanted: readonly { target: Target; count: number }[]): Promise<Target[]>;
  prepare(target: Target): Promise<Order>;
  /** The real order, acknowledged; sent again under its key while the database is away. */
  order(order: Order): Promise<Acknowledged>;
  /** As somebody who dies when the COMMIT has returned, and somebody else who takes over. */
  orderAndDie(order: Order): Promise<void>;
  gateway(name: string, options?: { rate?: number; fault?: StopFault; replicaUrl?: string; deafToNotify?: boolean; releasePauseMs?: number; outputs?: { at: number; of: number } }): Promise<GatewayProcess>;
  /** Asks the present primary as its superuser. */
  ask<Row extends pg.QueryResultRow>(text: string, params?: unknown[]): Promise<Row[]>;
  /** Everybody is led to another server from now on. */
  lead(to: Cluster): void;
  close(): Promise<void>;
}

/** Nothing here sells: whoever asks for money fails by name. */
const NO_PROVIDER = new globalThis.Proxy({}, {
  get: (_target, name) => {
    throw new Error(`the payment processor was asked for ${String(name)}`);
  },
}) as PaymentProvider;

/** Waits that a person would wait: a stop is sent again until it is known to hold. */
async function untilDone<T>(work: () => Promise<T>, timeoutMs = 30_000): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

function makeParts(database: Database) {
  const { runTx } = database;
  const clock = systemClock;
  const ids = makeIds(clock, systemRandom);
  const identity = makeIdentity({ runTx, clock, ids, random: systemRandom, relyingParty: SITE, documents: loadDocuments(), secret: systemRandom.bytes(32) });
  const transparency = makeTransparency({ runTx, clock, ids, logKey: generateKeyPairSync('ed25519').privateKey, origin: 'log.example/benren' });
  const owners = new Map<string, string>();
  const billing = makeBilling({
    runTx, clock, ids, provider: NO_PROVIDER, ledger: makeLedger({ runTx, ids }), readEvent: () => { throw new Error('no webhook comes here'); },
    serves: async () => true, cloneOwner: async (_tx, cloneId) => owners.get(cloneId) ?? null, accountCountry: async () => null, grantInForce: async () => null,
    settings: { taxRateBasisPoints: 600 },
  });
  const deps: StopDeps = {
    runTx, clock, ids, identity, billing, transparency, gates: makeGates({ ids }),
    noticeDays: async () => null,
    // What gateways really released, and the probes of those that only try their gates.
    countReleases: async (tx, scope) => {
      const [released, probes] = await Promise.all([
        countReleases(tx, scope), one<{ count: bigint }>(tx, 'SELECT count(*) FROM probe WHERE clone_id = $1', [scope.cloneId]),
      ]);
      return released + probes.count;
    },
    countOpenOutputs: async () => 0,
    cloneOwner: async (_tx, cloneId) => owners.get(cloneId) ?? null,
    authority: {
      async act(_tx, { actor, cloneId }) {
        const ownerAccountId = owners.get(cloneId);
        if (ownerAccountId !== actor.accountId) throw notFound();
        return { ownerAccountId, delegationId: null, estate: null };
      },
    },
  };
  return { identity, ids, owners, deps };
}

async function register(identity: ReturnType<typeof makeParts>['identity']) {
  const passkey = makePasskey({ random: systemRandom, origin: SITE.origin });
  const options = await identity.createRegistrationOptions({ displayName: 'Lin Ya' });
  const session = await identity.register({ challengeId: options.challengeId, credential: passkey.register(options.publicKey) });
  const actor = await identity.authenticate(session.sessionToken);
  if (actor === null) throw new Error('A fresh session is no session.');
  return { actor, passkey };
}

/** The first COMMIT returns, and nothing after it ever happens. */
function dyingAfterCommit(runTx: RunTx): RunTx {
  let alive = true;
  return async (work, options) => {
    if (!alive) throw new Error('died');
    const answer = await runTx(work, options);
    alive = false;
    return answer;
  };
}

/** `proxied: false` leads everybody straight to the first PostgreSQL: for a bench, where a proxy would be measured along. */
export async function openStage(flags: readonly string[] = [], { proxied = true } = {}): Promise<Stage> {
  let primary = await openCluster(DATABASE, flags);
  const proxies: Proxy[] = [];
  const near = await openProxy(primary.port);
  const database = await connect({ url: primary.appUrl(DATABASE, proxied ? near.port : primary.port), entities: identityEntities, poolSize: 12 });
  const { identity, ids, owners, deps } = makeParts(database);
  const stop = makeStop(deps);
  const owner: { actor: Actor; passkey: ReturnType<typeof makePasskey> } = await register(identity);
  const gateways: GatewayProcess[] = [];
  let numbers = 0;
  const key = (name: string): { scope: string; key: string; digest: string } => ({ scope: 'chaos', key: name, digest: 'd' });
  const send = (by: Stop, { target, quoteId, signature, key: name }: Order): Promise<Acknowledged> =>
    by.orderStop(owner.actor, key(name), target.cloneId, { quoteId, signature }, 5_000);
  const bench: GateBench = await makeGateBench({ superuserUrl: primary.superuserUrl(DATABASE) });
  await bench.plant('CREATE TABLE probe_sequence (stop_id text PRIMARY KEY, number bigint NOT NULL); GRANT SELECT, INSERT ON probe_sequence TO benren_app');
  await bench.close();

  const stage: Stage = {
    get primary() {
      return primary;
    },
    runTx: database.runTx,
    get appUrl() {
      return primary.appUrl(DATABASE);
    },
    async clones(count) {
      const maker = await makeGateBench({ superuserUrl: primary.superuserUrl(DATABASE) }, { table: false });
      const made: Target[] = [];
      for (let index = 0; index < count; index += 1) {
        const target = await maker.makeClone(ids.next('clone').slice(4), owner.actor.accountId);
        owners.set(target.cloneId, owner.actor.accountId);
        made.push(target);
      }
      await maker.close();
      return made;
    },
    async outputs(wanted) {
      const planter = await makeGateBench({ superuserUrl: primary.superuserUrl(DATABASE) }, { table: false });
      await plantOutputs(planter, owner.actor.accountId, wanted);
      await planter.close();
      return wanted.map(({ target, count }) => ({ ...target, outputs: count }));
    },
    async prepare(target) {
      const quote = await stop.quoteStop(owner.actor, target.cloneId);
      numbers += 1;
      const challenge = await identity.createSigningChallenge(owner.actor, key(`challenge ${numbers}`), { documentType: 'stop_order', document: quote.order, locale: 'en' });
      return { target, quoteId: quote.quoteId, key: `order ${numbers}`, signature: { challengeId: challenge.challengeId, credential: owner.passkey.sign(challenge.publicKey) } };
    },
    order: (order) => untilDone(async () => {
      const answer = await send(stop, order);
      if (answer.acknowledgedAt === null) throw new Error('not acknowledged yet');
      return answer;
    }),
    async orderAndDie(order) {
      await send(makeStop({ ...deps, runTx: dyingAfterCommit(database.runTx) }), order).catch(() => undefined);
    },
    async gateway(name, { rate = 100, fault = null, replicaUrl = null, deafToNotify = false, releasePauseMs = 20, outputs } = {}) {
      const own = await startGateway(primary.port, (port) => primary.appUrl(DATABASE, port), {
        name, rate, fault, replicaUrl, deafToNotify, releasePauseMs, outputs: outputs === undefined ? null : { account: owner.actor.accountId, ...outputs },
      }, proxied);
      gateways.push(own);
      proxies.push(own.proxy);
      return own;
    },
    async ask<Row extends pg.QueryResultRow>(text: string, params: unknown[] = []) {
      const client = new pg.Client({ connectionString: primary.superuserUrl(DATABASE) });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query<Row>(text, params)).rows;
      } finally {
        await client.end();
      }
    },
    lead(to) {
      primary = to;
      for (const proxy of [near, ...proxies]) proxy.target(to.port);
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await stop.idle().catch(() => undefined);
      await database.close();
      await near.close();
      await primary.remove();
    },
  };
  return stage;
}

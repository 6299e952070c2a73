import { generateKeyPairSync } from 'node:crypto';
import pg from 'pg';

import { makeGates, type Gates } from '../../src/consent/gates.ts';
import { identityEntities, loadDocuments, makeIdentity, type DocumentType, type SignatureInput } from '../../src/identity/index.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { notFound } from '../../src/kernel/refusals.ts';
import type { Actor } from '../../src/kernel/request.ts';
import type { IdempotencyKey, RunTx } from '../../src/kernel/tx.ts';
import { connect, one } from '../../src/platform/postgres/index.ts';
import { makeStop, type Stop, type StopDeps, type StopQuoteView } from '../../src/stop/index.ts';
import { makeTransparency, type Transparency } from '../../src/transparency/index.ts';
import { openWorld as openBillingWorld, type World as BillingWorld } from '../billing/support.ts';
import { type GateBench, makeGateBench } from '../consent/gate-bench.ts';
import { makePasskey, type Passkey } from '../support/passkey.ts';

export interface Person {
  actor: Actor;
  passkey: Passkey;
}

const SITE = { id: 'benren.example', name: 'Benren', origin: 'https://app.benren.example' };

/** The stop on real gates, identity, log, billing and sandbox; a probe table stands for the gateway's releases. */
export interface StopWorld {
  money: BillingWorld;
  stop: Stop;
  gates: Gates;
  bench: GateBench;
  log: Transparency;
  runTx: RunTx;
  key(): IdempotencyKey;
  register(name: string, invitationToken?: string): Promise<Person>;
  operator(): Promise<Person>;
  /** A token with which somebody registers as one. */
  invite(by: Person, role: 'operator'): Promise<string>;
  sign(person: Person, documentType: DocumentType, document: object): Promise<SignatureInput>;
  /** A clone of this person, with its gates and a tier that fans can buy. */
  makeClone(owner: Person): Promise<{ cloneId: string; grantId: string; gates: string[]; tierId: string }>;
  /** A release that is decided and inserted now, at the epochs of now. */
  release(of: { cloneId: string; grantId: string; gates: string[] }, id: string): Promise<void>;
  order(owner: Person, cloneId: string, quote: StopQuoteView, key?: IdempotencyKey, waitMs?: number): ReturnType<Stop['orderStop']>;
  stopWith(changes: Partial<StopDeps>): Stop;
  /** A process that lives until its first COMMIT has returned. */
  dyingAfterCommit(): RunTx;
  close(): Promise<void>;
}

export async function openStopWorld(seed: string): Promise<StopWorld> {
  let stop: Stop | null = null;
  const money = await openBillingWorld({
    jobs: {
      'stop.acknowledge': async (payload) => {
        if (stop === null) throw new Error('not ready');
        await stop.acknowledge((payload as { stopId: string }).stopId);
      },
      'stop.endWindDown': async (payload) => await stop?.endWindDown((payload as { stopId: string }).stopId),
    },
  });
  const database = await connect({ url: money.db.appUrl, entities: identityEntities });
  const { runTx } = database;
  const { clock, ids } = money;
  const random = seededRandom(seed);
  const identity = makeIdentity({ runTx, clock, ids, random, relyingParty: SITE, documents: loadDocuments(), secret: random.bytes(32) });
  const log = makeTransparency({ runTx, clock, ids, logKey: generateKeyPairSync('ed25519').privateKey, origin: 'log.example/benren' });
  const bench = await makeGateBench(money.db);
  const gates = makeGates({
    ids, onCloneGate: (tx, { cloneId, capability, state, at }) => money.billing[state === 'paused' ? 'onPaused' : 'onResumed'](tx, cloneId, at, capability),
  });
  const count: StopDeps['countReleases'] = async (tx, { cloneId }) =>
    (await one<{ count: bigint }>(tx, 'SELECT count(*) FROM probe WHERE $1::text IS NULL OR clone_id = $1', [cloneId])).count;
  const deps: StopDeps = {
    runTx, clock, ids, identity, gates, billing: money.billing, transparency: log, countReleases: count, countOpenOutputs: async () => 3,
    noticeDays: async () => 10,
    cloneOwner: async (_tx, cloneId) => money.facts.owners.get(cloneId) ?? null,
    authority: {
      async act(_tx, { actor, cloneId }) {
        const ownerAccountId = money.facts.owners.get(cloneId);
        if (ownerAccountId !== actor.accountId) throw notFound();
        return { ownerAccountId, delegationId: null, estate: null };
      },
    },
  };
  stop = makeStop(deps);
  let keys = 0;

  const world: StopWorld = {
    money, stop, gates, bench, log, runTx,
    key() {
      keys += 1;
      return { scope: 'stop', key: `key-${keys}`, digest: 'd' };
    },
    async register(name, invitationToken) {
      const passkey = makePasskey({ random, origin: SITE.origin });
      const options = await identity.createRegistrationOptions({ displayName: name, ...(invitationToken === undefined ? {} : { invitationToken }) });
      const session = await identity.register({ challengeId: options.challengeId, credential: passkey.register(options.publicKey) });
      const actor = await identity.authenticate(session.sessionToken);
      if (actor === null) throw new Error('A fresh session is no session.');
      return { actor, passkey };
    },
    operator: async () => await world.register('Operator', await identity.operatorInvitation()),
    invite: async (by, role) => (await identity.createInvitation(by.actor, world.key(), { role })).token,
    async sign(person, documentType, document) {
      const challenge = await identity.createSigningChallenge(person.actor, world.key(), { documentType, document, locale: 'en' });
      return { challengeId: challenge.challengeId, credential: person.passkey.sign(challenge.publicKey) };
    },
    async makeClone(owner) {
      const made = await bench.makeClone(ids.next('clone').slice(4), owner.actor.accountId);
      money.facts.owners.set(made.cloneId, owner.actor.accountId);
      const { tierId } = await money.billing.createTier(owner.actor, world.key(), {
        cloneId: made.cloneId, name: 'friend', priceMinor: '600', voiceOutputsPerPeriod: 100,
      });
      await money.drain();
      return { ...made, tierId };
    },
    async release(of, id) {
      const [epochs] = await money.db.asApp<{ epochs: string[] }>(
        'SELECT array_agg(epoch ORDER BY array_position($1, id)) AS epochs FROM gate WHERE id = ANY ($1)', [of.gates]);
      await money.db.asApp('INSERT INTO probe (id, clone_id, grant_id, gate_ids, epochs) VALUES ($1, $2, $3, $4, $5)',
        [id, of.cloneId, of.grantId, of.gates, epochs?.epochs]);
    },
    async order(owner, cloneId, quote, key = world.key(), waitMs = 5_000) {
      const signature = await world.sign(owner, 'stop_order', quote.order);
      return await world.stop.orderStop(owner.actor, key, cloneId, { quoteId: quote.quoteId, signature }, waitMs);
    },
    stopWith: (changes) => makeStop({ ...deps, ...changes }),
    dyingAfterCommit() {
      let alive = true;
      return async (work, options) => {
        if (!alive) throw new Error('died');
        const answer = await runTx(work, options);
        alive = false;
        return answer;
      };
    },
    async close() {
      await world.stop.idle();
      await Promise.all([bench.close(), database.close()]);
      await money.close();
    },
  };
  return world;
}

/** A session that listens. Answers what it heard so far. */
export async function listen(url: string, channel: string): Promise<{ heard: string[]; close(): Promise<void> }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const heard: string[] = [];
  client.on('notification', ({ payload }) => {
    heard.push(payload ?? '');
  });
  await client.query(`LISTEN ${channel}`);
  return { heard, close: () => client.end() };
}

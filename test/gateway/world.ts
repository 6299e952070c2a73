import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeBilling, type Billing, type PaymentProvider } from '../../src/billing/index.ts';
import { HOUSE_POLICY, type Clones } from '../../src/clones/index.ts';
import { makeConsent, makeGatewayLease, openLeaseStore, type Consent, type GatewayLease, type GrantTerms, type GrantView } from '../../src/consent/index.ts';
import { contractPdf } from '../../src/exports/index.ts';
import { type Gateway, type GatewayDeps, makeGateway, makeGatewayJobs, type Step } from '../../src/gateway/index.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { addDays, dayOf } from '../../src/kernel/time.ts';
import { makeLedger } from '../../src/ledger/index.ts';
import { systemClock, systemLeaseClocks } from '../../src/platform/clock.ts';
import { makeRunner } from '../../src/platform/jobs/index.ts';
import { type KeyRing, loadOrMakeKeys } from '../../src/platform/keys/index.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { makeProvenance, type Provenance } from '../../src/provenance/index.ts';
import { terms } from '../consent/samples.ts';
import { openWorld, OWNER_NAME, PERSONA, type Person, type World } from '../ownership/world.ts';

export type Barrier = (step: Step | 'locked') => Promise<void>;

/** The gateway on the real rooms below it: a proven owner, her clone, the grant she signed, and a fan who has paid. */
export interface GatewayWorld {
  world: World;
  clones: Clones;
  consent: Consent;
  billing: Billing;
  provenance: Provenance;
  gateway: Gateway;
  deps: GatewayDeps;
  lease: GatewayLease;
  keys: KeyRing;
  owner: Person;
  fan: Person;
  cloneId: string;
  versionId: string;
  grant: GrantView;
  /** Called before every step, until it is set back. */
  barrier: Barrier | null;
  /** Registers somebody who declares this country. */
  person(name: string, country: string | null): Promise<Person>;
  /** A paid period with this quota, from today. Checkout and its webhook are billing's own tests. */
  subscribe(person: Person, quota?: number, billingCountry?: string | null): Promise<string>;
  ask(change?: Partial<Parameters<Gateway['requestOutput']>[3]>, person?: Person): ReturnType<Gateway['requestOutput']>;
  /** Runs one due job, the next in its turn; answers false when none is due. */
  runNext(): Promise<boolean>;
  /** Runs every due job; throws when one of them failed. */
  drain(): Promise<void>;
  /** Asks and waits: the released output. */
  released(change?: Partial<Parameters<Gateway['requestOutput']>[3]>, person?: Person): Promise<string>;
  left(person?: Person): Promise<{ held: number; captured: number }>;
  shut(kind: 'clone' | 'platform', state: 'paused' | 'stopped'): Promise<void>;
  reopen(kind: 'clone' | 'platform'): Promise<void>;
  count(table: string, where?: string): Promise<number>;
  close(): Promise<void>;
}

/** What the rooms of money would need for selling; nothing here sells. */
const NO_PROVIDER = new Proxy({}, {
  get: (_target, name) => {
    throw new Error(`the payment processor was asked for ${String(name)}`);
  },
}) as PaymentProvider;

/** A clone whose version was approved after its probes were heard: the way every clone goes live. */
async function approve(own: Pick<GatewayWorld, 'world' | 'clones' | 'gateway' | 'owner' | 'drain'>, versionId: string): Promise<void> {
  const { world, clones, gateway, owner } = own;
  const { outputs } = await gateway.requestProbes(owner.actor, world.key(), versionId);
  await own.drain();
  for (const { outputId } of outputs) await gateway.getOutputMedia(owner.actor, outputId);
  const { document } = await clones.getVersion(owner.actor, versionId);
  await clones.approveVersion(owner.actor, world.key(), versionId, { signature: await world.sign(owner, 'version_approval', document) });
}

export async function openGatewayWorld(seed: string, options: { approved?: boolean; terms?: Partial<GrantTerms> } = {}): Promise<GatewayWorld> {
  const world = await openWorld(seed);
  const { database: { runTx }, clock, identity, ownership, inference, blobs } = world;
  const ids = makeIds(clock, seededRandom(`${seed} gateway`));
  const folder = mkdtempSync(join(tmpdir(), 'benren-gateway-'));
  const keys = await loadOrMakeKeys({ dir: join(folder, 'keys'), clock: systemClock, production: false });
  const provenance = makeProvenance(keys);
  const clones = world.clonesWith({ policy: HOUSE_POLICY, probesHeard: (tx, versionId) => gateway.probesHeard(tx, versionId) });
  const consent = makeConsent({ runTx, clock, ids, random: seededRandom(`${seed} papers`), identity, clones, ownership, provenance, transparency: world.log, contract: contractPdf });
  const billing = makeBilling({
    runTx, clock, ids, provider: NO_PROVIDER, ledger: makeLedger({ runTx, ids }),
    readEvent: () => { throw new Error('no webhook comes here'); },
    serves: async (tx, cloneId) => (await clones.approvedVersion(tx, cloneId)) !== null,
    cloneOwner: async (tx, cloneId) => (await clones.clone(tx, cloneId))?.ownerAccountId ?? null,
    accountCountry: async (tx, accountId) => (await identity.account(tx, accountId))?.country ?? null,
    grantInForce: (tx, cloneId, at) => consent.grantInForce(tx, cloneId, at),
    settings: { taxRateBasisPoints: 600 },
  });
  const lease = makeGatewayLease({
    openStore: (heard) => openLeaseStore(world.database.appUrl, heard), clocks: systemLeaseClocks, ids: makeIds(clock, seededRandom(`${seed} lease`)), process: 'test',
  });
  await lease.start();
  const deps: GatewayDeps = {
    runTx, clock, ids, blobs, inference, identity, ownership, clones, consent, billing, provenance, transparency: world.log, lease,
    settings: { contentProducer: 'BENREN-TEST', generator: { name: 'Benren', version: '0.1.0' } },
    at: async (step) => await own.barrier?.(step),
  };
  const gateway: Gateway = makeGateway(deps);
  const runner = makeRunner({ runTx, clock, handlers: makeGatewayJobs(gateway), log: makeLog({ level: 'silent' }) });
  const gateOf = (kind: 'clone' | 'platform') => runTx(async (tx) =>
    kind === 'platform' ? 'gat_platform' : ((await consent.gates.ofClone(tx, own.cloneId))?.gateId ?? ''));
  const change = () => ({ reason: 'test', at: clock.now(), by: own.owner.actor.accountId });

  const own: GatewayWorld = {
    world, clones, consent, billing, provenance, gateway, deps, lease, keys, barrier: null,
    owner: undefined as never, fan: undefined as never, cloneId: '', versionId: '', grant: undefined as never,
    async person(name, country) {
      const person = await world.register(name);
      if (country !== null) await identity.updateMe(person.actor, world.key(), { country });
      return person;
    },
    async subscribe(person, quota = 100, billingCountry = 'CN') {
      const { accountId } = person.actor;
      const [tierId, subscriptionId, periodId] = [ids.next('tier'), ids.next('subscription'), ids.next('period')];
      const today = dayOf(clock.now());
      await world.database.asOwner(`
        WITH made AS (
          INSERT INTO tier (id, clone_id, name, kind, stripe_product, created_by, created_at)
          VALUES ($1, $2, 'friend', 'friend', 'prod_1', $3, $4) ON CONFLICT DO NOTHING RETURNING *)
        INSERT INTO tier_offer (clone_id, tier_id, kind, version, currency, price_minor, outputs_per_period, capabilities, instant_replies, created_by, created_at)
        SELECT clone_id, id, kind, 1, 'CNY', 600, 100, '{voice}', true, created_by, created_at FROM made`,
      [tierId, own.cloneId, own.owner.actor.accountId, clock.now()]);
      const [tier] = await world.database.asOwner<{ id: string }>(`SELECT id FROM tier WHERE clone_id = $1 AND name = 'friend'`, [own.cloneId]);
      await world.database.asOwner(`
        INSERT INTO subscription (id, clone_id, account_id, tier_id, state, declared_country, billing_country, stripe_session, stripe_subscription, checkout_url, created_at)
        VALUES ($1, $2, $3, $4, 'active', 'CN', $5, $1 || 's', $1 || 'u', 'https://pay.example/', $6)`,
      [subscriptionId, own.cloneId, accountId, tier?.id, billingCountry, clock.now()]);
      await world.database.asOwner(`
        INSERT INTO subscription_period (id, clone_id, subscription_id, account_id, tier_id, stripe_invoice, stripe_charge, start_day, end_day, days,
          currency, gross_minor, tax_minor, tax_rate_basis_points, fee_minor, settled_currency, settled_net_minor, granted, paid_at)
        VALUES ($1, $2, $3, $4, $5, $1 || 'i', $1 || 'c', $6, $7, 31, 'CNY', 600, 33, 600, 20, 'CNY', 580, $8, $9)`,
      [periodId, own.cloneId, subscriptionId, accountId, tier?.id, today, addDays(today, 31), quota, clock.now()]);
      return periodId;
    },
    ask(asked = {}, person = own.fan) {
      // Ids are ordered by time, and this clock stands still.
      clock.advance(1);
      return gateway.requestOutput(person.actor, world.key(), own.cloneId, {
        capability: 'voice', language: 'en', script: 'Good morning to you.', purpose: 'fan_message', ...asked,
      });
    },
    runNext: () => runner.runNext(),
    async drain() {
      while (await runner.runNext());
      const failed = await world.database.asOwner(`SELECT topic, last_error FROM job WHERE state <> 'done' AND last_error IS NOT NULL`);
      if (failed.length > 0) throw new Error(`jobs failed: ${JSON.stringify(failed)}`);
    },
    async released(asked, person = own.fan) {
      const { outputId } = await own.ask(asked, person);
      await own.drain();
      const { state, reason } = await gateway.getOutput(person.actor, outputId);
      if (state !== 'released') throw new Error(`the output is ${state}: ${String(reason)}`);
      return outputId;
    },
    async left(person = own.fan) {
      const [row] = await world.database.asOwner<{ held: number; captured: number }>(
        'SELECT held, captured FROM subscription_period WHERE account_id = $1', [person.actor.accountId]);
      if (row === undefined) throw new Error('there is no paid period');
      return row;
    },
    async shut(kind, state) {
      const gateId = await gateOf(kind);
      await runTx(async (tx) => {
        if (state === 'paused') await consent.gates.hold(tx, gateId, { ...change(), holder: 'test' });
        else await consent.gates.narrow(tx, gateId, { ...change(), state });
      });
    },
    async reopen(kind) {
      const gateId = await gateOf(kind);
      await runTx((tx) => consent.gates.lift(tx, gateId, { ...change(), holder: 'test' }));
    },
    async count(table, where = 'true') {
      const [row] = await world.database.asOwner<{ count: number }>(`SELECT count(*)::int AS count FROM ${table} WHERE ${where}`);
      return row?.count ?? -1;
    },
    async close() {
      await lease.close();
      await world.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };

  own.owner = await world.register('Lin Ya');
  const ownershipProofId = await world.approvedProof(own.owner);
  const { actor } = own.owner;
  own.cloneId = (await clones.createClone(actor, world.key(), { ownershipProofId, name: OWNER_NAME, handle: 'lin-ya' })).cloneId;
  await clones.uploadEnrolmentVoice(actor, world.key(), own.cloneId, await world.voice(10));
  await clones.setPersona(actor, world.key(), own.cloneId, { text: PERSONA, languages: ['zh-CN', 'en'] });
  own.versionId = (await clones.createVersion(actor, world.key(), own.cloneId)).versionId;
  const draft = await consent.draftGrant(actor, world.key(), own.cloneId, terms(options.terms));
  own.grant = await consent.signGrant(actor, world.key(), draft.grantId, await world.sign(own.owner, 'grant', draft.document));
  own.fan = await own.person('A fan', 'CN');
  await own.subscribe(own.fan);
  if (options.approved !== false) await approve(own, own.versionId);
  return own;
}

export { approve };
export { codeOf, refusalOf, type Person } from '../ownership/world.ts';

export const publicKeyOf = (keys: KeyRing) => createPublicKey(keys.receipts);

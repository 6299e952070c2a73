import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Billing, type BillingDeps, makeBilling, makeBillingJobs, makeEventReader, makePaymentProvider } from '../../src/billing/index.ts';
import { identityEntities, loadDocuments, makeIdentity, type IdentityService } from '../../src/identity/index.ts';
import type { Ids } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import type { Clock } from '../../src/kernel/time.ts';
import type { RunTx } from '../../src/kernel/tx.ts';
import { makeLedger, type Ledger } from '../../src/ledger/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { makeRunner, type JobRunner } from '../../src/platform/jobs/index.ts';
import { openKeys } from '../../src/platform/keys/index.ts';
import { connect, type Database } from '../../src/platform/postgres/index.ts';
import type { StripePort } from '../../src/platform/stripe/index.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { makeProvenance } from '../../src/provenance/index.ts';
import { makeRoyalties, makeRoyaltiesJobs, ROYALTY_EVENT_TOPICS, type Royalties } from '../../src/royalties/index.ts';
import { makeTransparency } from '../../src/transparency/index.ts';

type RoyaltiesDeps = Parameters<typeof makeRoyalties>[0];

export const SITE = { id: 'benren.example', name: 'Benren', origin: 'https://app.benren.example' };

/** What the rooms below money would answer. */
export interface Facts {
  owners: Map<string, string>;
  countries: Map<string, string>;
}

export interface Rooms {
  identity: IdentityService;
  ledger: Ledger;
  billing: Billing;
  royalties: Royalties;
  runner: JobRunner;
}

export interface RoomParts {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  port: StripePort;
  testClock: string;
  facts: Facts;
  taxRateBasisPoints: number;
  keys: Awaited<ReturnType<typeof openKeys>>;
  plant?: Planting;
}

/** Where a mistake can be planted. */
export interface Planting {
  ledger?: (ledger: Ledger) => Ledger;
  billing?: (deps: BillingDeps) => BillingDeps;
  royalties?: (deps: RoyaltiesDeps) => RoyaltiesDeps;
  port?: (port: StripePort) => StripePort;
  rooms?: (rooms: Rooms) => Rooms;
}

/** Fan money and owner money as the service composes them (compose/rooms.ts); only rights are facts. */
export function makeRooms(parts: RoomParts): Rooms {
  const { runTx, clock, ids, facts, keys, plant = {} } = parts;
  const whole = makeLedger({ runTx, ids });
  const ledger = plant.ledger?.(whole) ?? whole;
  const port = plant.port?.(parts.port) ?? parts.port;
  const identity = makeIdentity({
    runTx, clock, ids, random: seededRandom('identity'), relyingParty: SITE, documents: loadDocuments(), secret: seededRandom('secret').bytes(32),
  });
  const deps: BillingDeps = {
    runTx, clock, ids, ledger,
    provider: makePaymentProvider(port, { publicUrl: 'http://127.0.0.1:1', testClock: parts.testClock }),
    readEvent: makeEventReader(port, systemClock),
    serves: async () => true,
    cloneOwner: async (_tx, cloneId) => facts.owners.get(cloneId) ?? null,
    accountCountry: async (_tx, accountId) => facts.countries.get(accountId) ?? 'CN',
    grantInForce: async () => ({ document: { tiers: ['friend', 'work'], territories: ['CN'], capabilities: { voice: true } } }),
    splitSegments: (tx, cloneId, fromDay, toDay) => royalties.splitSegments(tx, cloneId, fromDay, toDay),
    refundFeeBearer: (tx, cloneId, day) => royalties.refundFeeBearer(tx, cloneId, day),
    settings: { taxRateBasisPoints: parts.taxRateBasisPoints, otherTopics: ROYALTY_EVENT_TOPICS },
  };
  const billing = makeBilling(plant.billing?.(deps) ?? deps);
  const clones = {
    clone: async (_tx: unknown, cloneId: string) => {
      const ownerAccountId = facts.owners.get(cloneId);
      return ownerAccountId === undefined ? null
        : { cloneId, ownerAccountId, ownershipProofId: 'own_1', name: cloneId, handle: cloneId.slice(4), createdAt: clock.now() };
    },
  };
  const above: RoyaltiesDeps = {
    runTx, clock, ids, identity, ledger, provenance: makeProvenance(keys), clones, billing, stripe: port, publicUrl: 'http://127.0.0.1:1',
    pseudonymSecret: seededRandom('pseudonyms').bytes(32), statementKeys: () => Promise.reject(new Error('Nothing is printed here.')),
    transparency: makeTransparency({ runTx, clock, ids, logKey: keys.log, origin: 'log.benren.example' }),
  };
  const royalties: Royalties = makeRoyalties(plant.royalties?.(above) ?? above);
  const runner = makeRunner({ runTx, clock, handlers: { ...makeBillingJobs(billing), ...makeRoyaltiesJobs(royalties) }, log: makeLog({ level: 'silent' }) });
  const rooms = { identity, ledger, billing, royalties, runner };
  return plant.rooms?.(rooms) ?? rooms;
}

let keys: RoomParts['keys'] | null = null;

/** Keys of the run: what they sign is not what is simulated, and making them is slow. */
export async function simulationKeys(): Promise<RoomParts['keys']> {
  if (keys !== null) return keys;
  const folder = mkdtempSync(join(tmpdir(), 'simulate-keys-'));
  keys = await openKeys({ c2pa: null, logKeyPath: null, receiptsKeyPath: null, dir: folder, clock: systemClock, production: false });
  rmSync(folder, { recursive: true });
  return keys;
}

export async function openDatabase(url: string, poolSize: number): Promise<Database> {
  return await connect({ url, entities: identityEntities, poolSize });
}

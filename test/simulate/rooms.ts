import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Billing, makeBillingJobs, makeBillingTicks } from '../../src/billing/index.ts';
import { type BelowMoney, makeMoney } from '../../src/compose/rooms.ts';
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
import { makeRoyaltiesJobs, makeRoyaltiesTicks, type Royalties } from '../../src/royalties/index.ts';
import { makeTransparency } from '../../src/transparency/index.ts';

export const SITE = { id: 'benren.example', name: 'Benren', origin: 'https://app.benren.example' };

/** What the rooms below money would answer. */
export interface Facts {
  owners: Map<string, string>;
}

export interface Rooms {
  identity: IdentityService;
  ledger: Ledger;
  billing: Billing;
  royalties: Royalties;
  runner: JobRunner;
  /** What the service does by itself as time passes. */
  ticks: Readonly<Record<string, () => Promise<void>>>;
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
export interface Planting extends NonNullable<BelowMoney['between']> {
  ledger?: (ledger: Ledger) => Ledger;
  port?: (port: StripePort) => StripePort;
  rooms?: (rooms: Rooms) => Rooms;
}

/** Consent and what is below it, as far as money asks: everything is allowed, proven and approved, and each clone has its owner. */
function rightsOf({ facts, clock }: RoomParts): BelowMoney['rights'] {
  const rights = {
    clones: {
      clone: async (_tx: unknown, cloneId: string) => {
        const ownerAccountId = facts.owners.get(cloneId);
        return ownerAccountId === undefined ? null
          : { cloneId, ownerAccountId, ownershipProofId: 'own_1', name: cloneId, handle: cloneId.slice(4), createdAt: clock.now() };
      },
      approvedVersion: async () => ({}),
    },
    consent: {
      grantInForce: async () => ({ document: { tiers: ['free', 'friend', 'work'], territories: ['CN'], capabilities: { voice: true } } }),
      deniedSale: async () => [],
    },
    ownership: { proof: async () => ({ state: 'approved', expiresAt: new Date('2100-01-01T00:00:00Z') }) },
  };
  return rights as unknown as BelowMoney['rights'];
}

/** Fan money and owner money by the service's own composition, with its jobs and what it does by itself; only rights are facts. */
export function makeRooms(parts: RoomParts): Rooms {
  const { runTx, clock, ids, keys, plant = {} } = parts;
  const whole = makeLedger({ runTx, ids });
  const ledger = plant.ledger?.(whole) ?? whole;
  const stripe = plant.port?.(parts.port) ?? parts.port;
  const identity = makeIdentity({
    runTx, clock, ids, random: seededRandom('identity'), relyingParty: SITE, documents: loadDocuments(), secret: seededRandom('secret').bytes(32),
  });
  const transparency = makeTransparency({ runTx, clock, ids, logKey: keys.log, origin: 'log.benren.example' });
  const { billing, royalties } = makeMoney({
    platform: {
      clock, wall: systemClock, ids, stripe, origin: 'http://127.0.0.1:1', database: { runTx }, keys, overrides: { testClock: parts.testClock },
      config: { taxBasisPoints: parts.taxRateBasisPoints, automaticTax: false, paymentGraceDays: 7, coinPacksPath: null }, statementKeys: () => Promise.reject(new Error('Nothing is printed here.')),
    },
    ground: { identity, ledger, provenance: makeProvenance(keys), transparency }, rights: rightsOf(parts), between: plant,
  });
  const runner = makeRunner({ runTx, clock, handlers: { ...makeBillingJobs(billing), ...makeRoyaltiesJobs(royalties) }, log: makeLog({ level: 'silent' }) });
  const ticks = Object.fromEntries(Object.entries({ ...makeBillingTicks(billing), ...makeRoyaltiesTicks(royalties) }).map(([name, { run }]) => [name, run]));
  const rooms = { identity, ledger, billing, royalties, runner, ticks };
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

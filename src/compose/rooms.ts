import { createRequire } from 'node:module';

import { type Billing, type BillingDeps, loadPacks, makeBilling, makeEventReader, makePaymentProvider } from '../billing/index.ts';
import { type Clones, entities as cloneEntities, HOUSE_POLICY, makeClones } from '../clones/index.ts';
import { type Consent, makeConsent, type PlatformFacts } from '../consent/index.ts';
import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { contractPdf, type Exports, makeExports } from '../exports/index.ts';
import { type Gateway, makeGateway } from '../gateway/index.ts';
import { type IdentityService, identityEntities, loadDocuments, makeIdentity } from '../identity/index.ts';
import { type Adjustments, type Books, type Imports, type Ledger, makeAdjustments, makeBooks, makeImports, makeLedger } from '../ledger/index.ts';
import type { EntitySchema } from '../platform/postgres/index.ts';
import { entities as ownershipEntities, loadPolicy, makeIdentityProvider, makeOwnership, type Ownership } from '../ownership/index.ts';
import { makeProvenance, type Provenance } from '../provenance/index.ts';
import { makeNotices, NOTICE_DEADLINES, type Notices } from '../notices/index.ts';
import { deriveSecret } from '../platform/keys/index.ts';
import { makeRoyalties, ROYALTY_EVENT_TOPICS, type Royalties, type RoyaltiesDeps } from '../royalties/index.ts';
import { makeStop, type Stop } from '../stop/index.ts';
import { makeTransparency, type Transparency } from '../transparency/index.ts';
import type { Platform } from './platform.ts';
import { liftProofHold, proofHooks } from './proof-holds.ts';

/** Stands in every manifest as the version of what made the claim. */
const { version: VERSION } = createRequire(import.meta.url)('../../package.json') as { version: string };

/**
 * What files really carry: a signed manifest, and neither a trusted time nor a watermark yet. Mainland chat waits for
 * counsel. Whoever builds the missing layers adds them here, and the territories that ask for them open by themselves.
 */
const PLATFORM_FACTS: PlatformFacts = { markingLayers: ['signed_metadata'], mainlandChat: false };

/** The plain tables of all rooms. */
export const ENTITIES: EntitySchema[] = [...identityEntities, ...ownershipEntities, ...cloneEntities] as EntitySchema[];

export interface Rooms {
  identity: IdentityService;
  ledger: Ledger;
  books: Books;
  adjustments: Adjustments & Imports;
  provenance: Provenance;
  transparency: Transparency;
  ownership: Ownership;
  clones: Clones;
  consent: Consent;
  exports: Exports;
  billing: Billing;
  royalties: Royalties;
  gateway: Gateway;
  stop: Stop;
  notices: Notices;
}

type Ground = Pick<Rooms, 'identity' | 'ledger' | 'books' | 'adjustments' | 'provenance' | 'transparency'>;

function makeGround(platform: Platform): Ground {
  const { clock, config, ids, keys, origin, random, secret } = platform;
  const { runTx } = platform.database;
  const transparency = makeTransparency({ runTx, clock, ids, logKey: keys.log, origin: config.logOrigin });
  const identity = makeIdentity({
    runTx, clock, ids, random, secret, documents: loadDocuments(), relyingParty: { id: config.rpId, name: 'Benren', origin },
  });
  const ledger = makeLedger({ runTx, ids });
  const adjusting = { runTx, clock, ids, ledger, knowsAccount: async (tx: Tx, accountId: string) => (await identity.account(tx, accountId)) !== null };
  return {
    identity, ledger,
    books: makeBooks({ runTx, clock, log: transparency }),
    adjustments: { ...makeAdjustments(adjusting), ...makeImports(adjusting) },
    provenance: makeProvenance(keys),
    transparency,
  };
}

/**
 * Who it is, what exists, what it may do. Hooks go upwards by late calls, so that imports only go down. That a withdrawn
 * proof or version narrows the clone's gate needs no hook: PostgreSQL does it (`clone_gate_narrows`).
 */
function makeRights(platform: Platform, ground: Ground, above: () => Pick<Rooms, 'gateway' | 'billing' | 'stop'>): Pick<Rooms, 'ownership' | 'clones' | 'consent'> {
  const { clock, ids, random, fetcher, dns, blobs, sealer, inference, config, stripe, origin } = platform;
  const { runTx } = platform.database;
  const { identity, provenance, transparency } = ground;

  const ownership: Ownership = makeOwnership({
    runTx, clock, ids, random, identity, log: transparency, fetcher, dns, blobs, sealer, inference,
    policy: loadPolicy(config.ownershipPolicyPath), identityProvider: makeIdentityProvider(stripe, origin),
    enrolledVoice: (tx, proofId) => clones.enrolledVoice(tx, proofId),
    ownsClone: (tx, accountId) => clones.ownsClone(tx, accountId),
    cloneEnrolments: (tx, after, limit) => clones.enrolmentsAfter(tx, after, limit),
    onEnrolmentUpheld: async (tx, { holdId, cloneId, proofId, by }) => {
      // Two people said whose likeness it is: what is live is paused, and what is not never gets there.
      for (const id of cloneId === null ? await clones.clonesOfProof(tx, proofId) : [cloneId]) {
        await above().stop.stopByHouse(tx, { cloneId: id, kind: 'pause', holder: `refusal:${holdId}`, reason: 'refusal.upheld', by });
      }
    },
    ...proofHooks(() => ({ clones, gates: consent.gates })),
  });
  const clones: Clones = makeClones({
    runTx, clock, ids, identity, ownership, log: transparency, blobs, inference, policy: HOUSE_POLICY,
    probesHeard: (tx, versionId) => above().gateway.probesHeard(tx, versionId),
    onCloneProven: liftProofHold(() => consent.gates),
  });
  const consent: Consent = makeConsent({
    runTx, clock, ids, random, identity, clones, ownership, provenance, transparency, facts: PLATFORM_FACTS, contract: contractPdf,
    pauseByHouse: (tx, asked) => above().stop.stopByHouse(tx, { ...asked, kind: 'pause' }),
    onCloneGate: (tx, { cloneId, capability, state, at }) => above().billing[state === 'paused' ? 'onPaused' : 'onResumed'](tx, cloneId, at, capability),
  });
  return { ownership, clones, consent };
}

/** What fan money and owner money stand on. */
export interface BelowMoney {
  platform: Pick<Platform, 'clock' | 'wall' | 'ids' | 'stripe' | 'origin' | 'statementKeys'> & {
    database: Pick<Platform['database'], 'runTx'>; keys: Pick<Platform['keys'], 'receipts'>;
    config: Pick<Platform['config'], 'taxBasisPoints' | 'automaticTax' | 'paymentGraceDays' | 'coinPacksPath'>; overrides: Pick<Platform['overrides'], 'testClock'>;
  };
  ground: Omit<Ground, 'books' | 'adjustments'>;
  rights: { clones: Pick<Clones, 'clone' | 'approvedVersion'>; consent: Pick<Consent, 'grantInForce' | 'deniedSale'>; ownership: Pick<Ownership, 'proof'> };
  /** Where a simulation plants a mistake between the rooms. */
  between?: { billing?: (deps: BillingDeps) => BillingDeps; royalties?: (deps: RoyaltiesDeps) => RoyaltiesDeps };
}

/** Fan money and owner money, each with its hooks into the other; also what a simulation of money lives on. */
export function makeMoney({ platform, ground, rights, between }: BelowMoney): Pick<Rooms, 'billing' | 'royalties'> {
  const { clock, ids, config, stripe, origin, overrides, wall } = platform;
  const { runTx } = platform.database;
  const { identity, ledger, provenance, transparency } = ground;
  const { clones, consent, ownership } = rights;
  const fans: BillingDeps = {
    runTx, clock, ids, ledger,
    provider: makePaymentProvider(stripe, { publicUrl: origin, automaticTax: config.automaticTax, ...(overrides.testClock === undefined ? {} : { testClock: overrides.testClock }) }),
    readEvent: makeEventReader(stripe, wall),
    serves: async (tx, cloneId) => (await clones.approvedVersion(tx, cloneId)) !== null,
    proven: async (tx, cloneId, at) => {
      const clone = await clones.clone(tx, cloneId);
      const proof = clone === null ? null : await ownership.proof(tx, clone.ownershipProofId);
      return proof?.state === 'approved' && proof.expiresAt !== null && at.getTime() < proof.expiresAt.getTime();
    },
    cloneOwner: async (tx, cloneId) => (await clones.clone(tx, cloneId))?.ownerAccountId ?? null,
    accountCountry: async (tx, accountId) => (await identity.account(tx, accountId))?.country ?? null,
    grantInForce: (tx, cloneId, at) => consent.grantInForce(tx, cloneId, at),
    deniedSale: (tx, sale) => consent.deniedSale(tx, sale),
    splitSegments: (tx, cloneId, fromDay, toDay) => royalties.splitSegments(tx, cloneId, fromDay, toDay),
    refundFeeBearer: (tx, cloneId, day) => royalties.refundFeeBearer(tx, cloneId, day),
    disputes: {
      lockClones: (tx, cloneIds) => royalties.lockClones(tx, cloneIds), holdForDispute: (tx, asked) => royalties.holdForDispute(tx, asked),
      releaseDispute: (tx, asked) => royalties.releaseDispute(tx, asked), loseDispute: (tx, part) => royalties.loseDispute(tx, part),
    },
    settings: { taxRateBasisPoints: config.taxBasisPoints, paymentGraceDays: config.paymentGraceDays, coinPacks: loadPacks(config.coinPacksPath), otherTopics: ROYALTY_EVENT_TOPICS },
  };
  const billing: Billing = makeBilling(between?.billing?.(fans) ?? fans);
  const owners: RoyaltiesDeps = {
    runTx, clock, ids, identity, ledger, provenance, transparency, clones, billing, stripe, publicUrl: origin,
    statementKeys: platform.statementKeys, pseudonymSecret: deriveSecret(platform.keys.receipts, 'statements/fans/v1'),
  };
  const royalties: Royalties = makeRoyalties(between?.royalties?.(owners) ?? owners);
  return { billing, royalties };
}

/** Makes the rooms from the ground up. */
export function makeRooms(platform: Platform): Rooms {
  const ground = makeGround(platform);
  const rights = makeRights(platform, ground, () => ({ gateway, stop, billing: money.billing }));
  const money = makeMoney({ platform, ground, rights });
  const { runTx } = platform.database;
  const gateway: Gateway = makeGateway({
    ...platform, ...ground, ...rights, ...money, runTx,
    async ownerShare(tx, cloneId, at) {
      const owner = (await rights.clones.clone(tx, cloneId))?.ownerAccountId;
      const split = await money.royalties.splitInForce(tx, cloneId, dayOf(at));
      return split?.legs.find((leg) => leg.payee === owner)?.basisPoints ?? null;
    },
    settings: { contentProducer: platform.config.aigcProducer, generator: { name: 'Benren', version: VERSION } },
  });
  const stop: Stop = makeStop({
    ...platform, ...ground, ...money, runTx, gates: rights.consent.gates, authority: rights.consent,
    cloneOwner: (tx, cloneId) => rights.consent.rightsHolder(tx, cloneId),
    noticeDays: async (tx, { kind, cloneId, target }, at) => (kind === 'licence' && target !== null
      ? await rights.consent.licenceNoticeDays(tx, target)
      : (await rights.consent.grantInForce(tx, cloneId, at))?.document.withdrawal.noticeDays ?? null),
    countReleases: (tx, scope) => gateway.countReleases(tx, scope),
    countOpenOutputs: (tx, cloneId) => gateway.countOpenOutputs(tx, cloneId),
  });
  const notices: Notices = makeNotices({
    ...platform, ...ground, ...rights, runTx, gates: rights.consent.gates, gateway, deadlines: NOTICE_DEADLINES,
    secret: deriveSecret(platform.keys.receipts, 'notices/v1'),
    isProven: (tx, accountId, at) => rights.ownership.isProvenPerson(tx, accountId, at),
    stopByHouse: (tx, asked) => stop.stopByHouse(tx, asked),
  });
  const exports: Exports = makeExports({
    ...platform, ...ground, ...rights, runTx, software: [`benren@${VERSION}`, `node@${process.versions.node}`],
  });
  return { ...ground, ...rights, ...money, gateway, stop, notices, exports };
}

/**
 * The one composition root: opens the platform by its settings, makes the rooms from the ground up, hands their verbs
 * to the router and their work to the workers. Everything that runs is started and stopped here.
 */
import { makeBillingHandlers, makeCoinHandlers, makeBillingJobs, makeBillingTicks } from './billing/index.ts';
import { makeClonesHandlers } from './clones/index.ts';
import { openPlatform, type Overrides, type Platform } from './compose/platform.ts';
import { ENTITIES, makeRooms, type Rooms } from './compose/rooms.ts';
import { makeServiceHandlers } from './compose/service.ts';
import type { Config } from './config.ts';
import { makeConsentHandlers, makeConsentJobs, makeDelegationHandlers, makeLicenceHandlers, makeSuccessionHandlers } from './consent/index.ts';
import { makeExportsHandlers } from './exports/index.ts';
import { makeGatewayHandlers, makeGatewayJobs } from './gateway/index.ts';
import { makeApp } from './http/app.ts';
import { type Bundle, loadBundle, mediaOperations } from './http/operations.ts';
import type { AppHandlers } from './http/router.ts';
import { makeValidators } from './http/validation.ts';
import { makeIdentityHandlers, makeIdentityTicks } from './identity/index.ts';

import { makeAdjustHandlers, makeLedgerHandlers, makeLedgerTicks } from './ledger/index.ts';
import { makeNoticesHandlers, makeNoticesJobs } from './notices/index.ts';
import { makeOwnershipHandlers, makeOwnershipJobs, makeRefusalHandlers, makeRefusalJobs } from './ownership/index.ts';
import {
  type JobHandlers, type JobRunner, makeInProcessWorker, makeRedisRelay, makeRedisWorker, makeRunner, makeTicks, type Worker,
} from './platform/jobs/index.ts';
import { makeRoyaltiesHandlers, makeRoyaltiesJobs, makeRoyaltiesTicks } from './royalties/index.ts';
import { makeStopHandlers, makeStopJobs } from './stop/index.ts';
import { makeTransparencyHandlers, makeTransparencyTicks } from './transparency/index.ts';

export type { Overrides } from './compose/platform.ts';

/** What a process does: everything, or one part of it. */
export type ProcessRole = 'start' | 'api' | 'worker' | 'gateway';

export interface Service {
  platform: Platform;
  rooms: Rooms;
  origin: string;
  /** Stops taking requests, lets work under way finish, closes everything. Safe to call twice. */
  close(): Promise<void>;
}

/** Waiting this long between looks at an empty outbox keeps an idle process idle and a busy one prompt. */
const POLL_MS = 50;

function makeHandlers(platform: Platform, rooms: Rooms): AppHandlers {
  return {
    ...makeServiceHandlers(platform, rooms.transparency.verifierKey),
    ...makeIdentityHandlers(rooms.identity),
    ...makeLedgerHandlers(rooms.ledger, rooms.books),
    ...makeAdjustHandlers(rooms.adjustments),
    ...makeTransparencyHandlers(rooms.transparency),
    ...makeOwnershipHandlers(rooms.ownership),
    ...makeRefusalHandlers(rooms.ownership),
    ...makeClonesHandlers(rooms.clones),
    ...makeConsentHandlers(rooms.consent),
    ...makeDelegationHandlers(rooms.consent),
    ...makeExportsHandlers(rooms.exports),
    ...makeSuccessionHandlers(rooms.consent),
    ...makeLicenceHandlers(rooms.consent),
    ...makeBillingHandlers(rooms.billing),
    ...makeCoinHandlers(rooms.billing),
    ...makeRoyaltiesHandlers(rooms.royalties),
    ...makeGatewayHandlers(rooms.gateway),
    ...makeStopHandlers(rooms.stop),
    ...makeNoticesHandlers(rooms.notices),
  };
}

function makeJobHandlers(rooms: Rooms): JobHandlers {
  return {
    ...makeOwnershipJobs(rooms.ownership),
    ...makeRefusalJobs(rooms.ownership),
    ...makeConsentJobs(rooms.consent),
    ...makeBillingJobs(rooms.billing),
    ...makeRoyaltiesJobs(rooms.royalties),
    ...makeGatewayJobs(rooms.gateway),
    ...makeNoticesJobs(rooms.notices),
    ...makeStopJobs(rooms.stop),
  };
}

function makeWorkers(platform: Platform, runner: JobRunner): Worker[] {
  const { config, log } = platform;
  if (config.redisUrl === null) {
    return [makeInProcessWorker({ runner, log, concurrency: config.jobConcurrency, pollMilliseconds: POLL_MS })];
  }
  const { redisUrl } = config;
  return [
    makeRedisRelay({ redisUrl, runner, log, pollMilliseconds: POLL_MS }),
    makeRedisWorker({ redisUrl, runner, log, concurrency: config.jobConcurrency }),
  ];
}

/** The operations that a role serves: media leaves only by `gateway`, everything else only by `api`. */
function operationsOf(bundle: Bundle, role: ProcessRole): Bundle {
  const media = new Set<string>(mediaOperations(bundle));
  const health = new Set<string>(['getHealth', 'getReadiness']);
  const keep: Record<ProcessRole, (id: string) => boolean> = {
    start: () => true,
    api: (id) => !media.has(id),
    gateway: (id) => media.has(id) || health.has(id),
    worker: (id) => health.has(id),
  };
  return { ...bundle, operations: bundle.operations.filter((operation) => keep[role](operation.id)) };
}

function mount(platform: Platform, rooms: Rooms, role: ProcessRole): void {
  const bundle = operationsOf(loadBundle(), role);
  const { log, clock, random, overrides } = platform;
  platform.server.on('request', makeApp({
    bundle, log, clock, random, trustedProxies: platform.config.trustedProxies, handlers: makeHandlers(platform, rooms), validators: makeValidators(bundle),
    authenticate: (token) => rooms.identity.authenticate(token), validateResponses: overrides.validateResponses ?? false,
    ...(overrides.media === undefined ? {} : { media: overrides.media }),
  }));
}

/** Opens, composes and starts a process. When this answers, it serves. */
export async function compose(config: Config, role: ProcessRole = 'start', overrides: Overrides = {}): Promise<Service> {
  const platform = await openPlatform(config, overrides, ENTITIES);
  try {
    const rooms = makeRooms(platform);
    const jobs = makeRunner({ runTx: platform.database.runTx, clock: platform.clock, handlers: makeJobHandlers(rooms), log: platform.log });
    const ticks = makeTicks({
      ...makeIdentityTicks(rooms.identity), ...makeLedgerTicks(rooms.ledger, rooms.books, platform.clock), ...makeBillingTicks(rooms.billing),
      ...makeRoyaltiesTicks(rooms.royalties), ...makeTransparencyTicks(rooms.transparency),
    }, platform.log);
    const workers = role === 'start' || role === 'worker' ? makeWorkers(platform, jobs) : [];
    // Registered, and its gates read, before the first request can be served.
    if (role !== 'api') await platform.lease.start();
    mount(platform, rooms, role);
    for (const worker of workers) worker.start();
    if (workers.length > 0) ticks.start();
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await ticks.stop();
      await Promise.all(workers.map((worker) => worker.stop()));
      await rooms.stop.idle();
      await rooms.ledger.idle();
      await platform.close();
    };
    return { platform, rooms, origin: platform.origin, close: () => (closing ??= close()) };
  } catch (error) {
    await platform.close();
    throw error;
  }
}

/**
 * A local stand-in for Stripe that the unmodified `stripe` SDK talks to: customers, Checkout with a page, subscriptions,
 * invoices, refunds, balance transactions, Connect, transfers, payouts, identity checks, test clocks, signed webhooks. Its objects have
 * the SDK's types; what it does not model it refuses instead of ignoring. Amounts are whole minor units.
 */
import type { Random } from '../../../kernel/random.ts';
import type { Clock } from '../../../kernel/time.ts';
import { answer, type ApiRequest } from './core/answer.ts';
import type { Include } from './core/expand.ts';
import { emptyMemory } from './core/memory.ts';
import { makeRouter, type Router } from './core/router.ts';
import { runDefault } from './core/timeline.ts';
import { alphanumeric, makeWorld, seconds, type FeeSchedule, type Habits, type World } from './core/world.ts';
import { makeControl, makeIdle, type Idle, type SandboxControl } from './control.ts';
import { makeDeliveries, type DeliveryHabits, type SandboxLog } from './deliveries.ts';
import { accountRoutes } from './nouns/accounts.ts';
import { balanceRoutes, settle } from './nouns/balance.ts';
import { catalogRoutes } from './nouns/catalog.ts';
import { checkoutRoutes, lineItemList, registerCheckoutTasks } from './nouns/checkout.ts';
import { clockRoutes, finishAdvance } from './nouns/clocks.ts';
import { disputeRoutes } from './nouns/disputes.ts';
import { customerRoutes } from './nouns/customers.ts';
import { identityRoutes, verifiedOutputs } from './nouns/identity.ts';
import { invoiceRoutes, paymentsOf, type Outcome } from './nouns/invoices.ts';
import { paymentRoutes } from './nouns/payments.ts';
import { portalRoutes } from './nouns/portal.ts';
import { payoutRoutes, registerPayoutTasks } from './nouns/payouts.ts';
import { rateRoutes } from './nouns/rates.ts';
import { refundRoutes, refundsOf } from './nouns/refunds.ts';
import { subscriptionRoutes } from './nouns/subscription-requests.ts';
import { makeOutcome, registerSubscriptionTasks } from './nouns/subscriptions.ts';
import { transferRoutes } from './nouns/transfers.ts';
import { makeEndpoint, webhookRoutes } from './nouns/webhooks.ts';
import { checkoutPage } from './pages/checkout-page.ts';
import { portalPage } from './pages/portal-page.ts';
import { onboardingPage } from './pages/onboarding-page.ts';
import { loadMemory, makeSaver } from './persist.ts';
import { listen } from './server.ts';
import { accountShape, requirements } from './shapes/account.ts';

export interface SandboxOptions {
  /** The time of everything that is on no test clock. */
  clock: Clock;
  /** The time with which deliveries are signed; who verifies must use the same. Default: `clock`. */
  wall?: Pick<Clock, 'now'>;
  /** The source of ids and secrets: a seed gives the same ids again. */
  random: Random;
  fees?: FeeSchedule;
  habits?: Partial<Omit<Habits, 'fees'>>;
  deliveries?: Partial<DeliveryHabits>;
  host?: string;
  /** Default: any free port. */
  port?: number;
  /** Where browsers reach the pages. Default: the address it listens on. */
  publicUrl?: string;
  /** A file that keeps the state across restarts. A change is on disk before it is answered. */
  persist?: string;
  log?: SandboxLog;
}

export interface Sandbox {
  /** For the SDK's constructor: `new Stripe(secretKey, { ...apiBase })`. */
  readonly apiBase: { host: string; port: number; protocol: 'http' };
  readonly secretKey: string;
  readonly url: string;
  /**
   * Has events sent to `url`, the platform's own and those of connected accounts: every one, or those of the types that are named. As at Stripe these are two
   * endpoints with a secret each. Calling again with the same URL and types answers the same secrets.
   */
  readonly webhookSecrets: (url: string, events?: readonly string[]) => Promise<readonly string[]>;
  readonly control: SandboxControl;
  readonly close: () => Promise<void>;
}

/** 2.9 % and a small fixed part, so that a charge of 6 CNY keeps money. */
export const DEFAULT_FEES: FeeSchedule = { basisPoints: 290, fixedMinor: { cny: 10, usd: 2, eur: 2, jpy: 2 } };

const DEFAULT_HABITS: Omit<Habits, 'fees'> = { settlementDays: 2, payoutDays: 2, draftSeconds: 3_600, retryDays: [3, 5, 7], afterRetries: 'cancel', disputeFees: { cny: 1_000, usd: 150, eur: 150, jpy: 150 } };
const DEFAULT_DELIVERIES: DeliveryHabits = { attempts: 8, firstPauseMs: 200, longestPauseMs: 10_000, timeoutMs: 10_000 };
/** How often the default clock is looked at when nobody asks anything. */
const TICK_MS = 500;
const SILENT: SandboxLog = { debug: () => undefined, warn: () => undefined };

/** Starts the sandbox on a loopback port. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, random, log = SILENT } = options;
  const wall = options.wall ?? clock;
  const kept = options.persist === undefined ? null : await loadMemory(options.persist);
  const memory = kept ?? emptyMemory(`sk_test_${alphanumeric(random, 24)}`, `acct_${alphanumeric(random, 16)}`);
  const world = makeWorld({ memory, habits: { ...DEFAULT_HABITS, ...options.habits, fees: options.fees ?? DEFAULT_FEES }, clock, random });
  if (kept === null) foundPlatform(world);
  const idle: Idle = makeIdle(() => deliveries.busy());
  const deliveries = makeDeliveries({ world, wall, habits: { ...DEFAULT_DELIVERIES, ...options.deliveries }, log, changed: () => idle.changed() });
  world.deliver = deliveries.enqueue;
  const saver = options.persist === undefined ? null : makeSaver(options.persist, () => memory);
  const save = async (): Promise<void> => saver?.save();
  const broken = (error: unknown): void => log.warn({ err: error }, 'stripe sandbox: a request failed');
  const later = makeLater(idle, save, broken);
  const outcome = makeOutcome(world);
  registerTasks(world, outcome);
  const bringUp = (): void => runDefault(world);
  const router = makeRoutes(outcome, later);
  const server = await listen(makeDoors({ world, router, outcome, wall, bringUp, save, broken }), options.host ?? '127.0.0.1', options.port ?? 0);
  const url = `http://${options.host ?? '127.0.0.1'}:${server.port}`;
  world.publicUrl = (options.publicUrl ?? url).replace(/\/$/, '');
  resume(world, later);
  deliveries.resume();
  const ticking = setInterval(() => tick(bringUp, broken), TICK_MS).unref();
  await save();
  return {
    apiBase: { host: options.host ?? '127.0.0.1', port: server.port, protocol: 'http' },
    secretKey: memory.hidden.secretKey,
    url,
    async webhookSecrets(target, events = ['*']) {
      const secrets = [false, true].map((connect) => endpointSecret(world, { url: target, connect, events: [...events] }));
      await save();
      return secrets;
    },
    control: makeControl({ world, deliveries, idle, bringUp, save }),
    async close() {
      clearInterval(ticking);
      await server.close();
      await deliveries.close();
      await save();
    },
  };
}

function tick(bringUp: () => void, broken: (error: unknown) => void): void {
  try {
    bringUp();
  } catch (error) {
    broken(error);
  }
}

function makeLater(idle: Idle, save: () => Promise<void>, broken: (error: unknown) => void): (work: () => void) => void {
  return (work) => {
    idle.begin();
    setImmediate(() => {
      try {
        work();
      } catch (error) {
        broken(error);
      }
      save().catch(broken).finally(idle.end);
    });
  };
}

function foundPlatform(world: World): void {
  const { platform } = world.memory.hidden;
  const object = accountShape({
    id: platform, at: world.now(null), type: 'standard', controller: { type: 'account' }, country: 'CN', currency: 'cny', email: null, businessType: 'company',
    capabilities: ['card_payments', 'transfers'], payoutInterval: 'manual', profile: { name: 'Benren', url: null, productDescription: null }, metadata: {},
  });
  Object.assign(object, {
    charges_enabled: true, payouts_enabled: true, details_submitted: true, requirements: requirements([]), capabilities: { card_payments: 'active', transfers: 'active' },
  });
  world.put('account', { owner: platform, clock: null, object });
}

function endpointSecret(world: World, { url, connect, events }: { url: string; connect: boolean; events: string[] }): string {
  const { hidden } = world.memory;
  for (const { object } of world.rows('webhookEndpoint')) {
    const known = hidden.endpoints[object.id];
    if (object.url === url && events.every((type) => object.enabled_events.includes(type)) && known?.connect === connect) return known.secret;
  }
  return makeEndpoint(world, hidden.platform, { url, events, connect, description: null, metadata: {} }).secret;
}

function registerTasks(world: World, outcome: Outcome): void {
  world.tasks.set('settle', (id) => settle(world, id));
  registerSubscriptionTasks(world, outcome);
  registerCheckoutTasks(world);
  registerPayoutTasks(world);
}

function makeRoutes(outcome: Outcome, later: (work: () => void) => void): Router {
  return makeRouter([
    ...accountRoutes, ...balanceRoutes, ...catalogRoutes, ...checkoutRoutes, ...clockRoutes(later), ...customerRoutes, ...disputeRoutes, ...identityRoutes, ...invoiceRoutes(outcome),
    ...paymentRoutes, ...payoutRoutes, ...portalRoutes, ...rateRoutes, ...refundRoutes, ...subscriptionRoutes(outcome), ...transferRoutes, ...webhookRoutes,
  ]);
}

/** What Stripe leaves out of an object unless it is asked for. */
const include: Include = (world, object, key) => {
  const id = typeof object['id'] === 'string' ? object['id'] : '';
  if (object['object'] === 'charge' && key === 'refunds') return refundsOf(world, id);
  if (object['object'] === 'invoice' && key === 'payments') return paymentsOf(world, id);
  if (object['object'] === 'checkout.session' && key === 'line_items') return lineItemList(world, id);
  if (object['object'] === 'identity.verification_session' && key === 'verified_outputs') return verifiedOutputs(world, id);
  return undefined;
};

interface DoorParts {
  world: World;
  router: Router;
  outcome: Outcome;
  wall: Pick<Clock, 'now'>;
  bringUp: () => void;
  save: () => Promise<void>;
  broken: (error: unknown) => void;
}

function makeDoors({ world, router, outcome, wall, bringUp, save, broken }: DoorParts): Parameters<typeof listen>[0] {
  return {
    broken,
    async api(request: Omit<ApiRequest, 'wallSeconds'>) {
      bringUp();
      const answered = answer(world, router, include, { ...request, wallSeconds: seconds(wall.now()) }, broken);
      if (request.method !== 'GET') await save();
      return answered;
    },
    async checkout(id, request) {
      bringUp();
      const answered = checkoutPage(world, outcome, id, request);
      if (request.method === 'POST') await save();
      return answered;
    },
    async portal(id, request) {
      bringUp();
      const answered = portalPage(world, outcome, id, request);
      if (request.method === 'POST') await save();
      return answered;
    },
    async onboarding(token, request) {
      bringUp();
      const answered = onboardingPage(world, token, request);
      if (request.method === 'POST') await save();
      return answered;
    },
  };
}

/** Clocks that were advancing when the former process ended are brought to their target. */
function resume(world: World, later: (work: () => void) => void): void {
  for (const { object, owner } of world.rows('testClock')) {
    const target = object.status_details.advancing?.target_frozen_time;
    if (object.status === 'advancing' && target !== undefined) later(() => finishAdvance(world, object, owner, target));
  }
}

export type { BookEntry, SandboxControl } from './control.ts';
export type { FeeSchedule, SandboxLog };

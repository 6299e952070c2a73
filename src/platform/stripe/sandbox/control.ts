/** What a test or a demo may do with the sandbox from within the process. None of it is reachable over HTTP. */
import type Stripe from 'stripe';
import type { RecordedRequest, World } from './core/world.ts';
import type { Deliveries } from './deliveries.ts';
import { closeDispute, openDispute, type DisputeReason, type SettledElsewhere } from './nouns/disputes.ts';
import { failRefund } from './nouns/refunds.ts';
import { requireInput, type PaperFacts, verify } from './nouns/identity.ts';

/** One movement in the sandbox's own book: the oracle that the service's cash accounts are compared with. */
export interface BookEntry {
  id: string;
  /** The account it stands on, and whether that is the platform's own. */
  account: string;
  platform: boolean;
  type: string;
  source: string | null;
  currency: string;
  /** Minor units; `net` = `amount` − `fee`. */
  amountMinor: bigint;
  feeMinor: bigint;
  netMinor: bigint;
  createdAt: Date;
  availableAt: Date;
  available: boolean;
}

export interface SandboxControl {
  /** Delivers an event again to every endpoint that wants it. */
  readonly repeatEvent: (id: string) => void;
  /** From now on deliveries wait. */
  readonly holdDeliveries: () => void;
  /** Lets the waiting deliveries go: as they came or in reverse, each once or several times. */
  readonly releaseDeliveries: (options?: { order?: 'asIs' | 'reverse'; times?: number }) => void;
  /** Every balance transaction on every account, in the order in which they were booked. */
  readonly book: () => BookEntry[];
  /** From now on the fees of payments are not known at once. */
  readonly holdFees: () => void;
  /** They are known now; answers of how many payments. */
  readonly releaseFees: () => Promise<number>;
  /**
   * A cardholder's bank takes a charge back: all that was not refunded, or `amountMinor`. Answers the dispute's id. `settled` is what it moves of our
   * balance, where that is in another currency.
   */
  readonly openDispute: (chargeId: string, options?: { amountMinor?: bigint; reason?: DisputeReason; settled?: SettledElsewhere }) => Promise<string>;
  /** The bank has decided. */
  readonly closeDispute: (disputeId: string, status: 'won' | 'lost', settled?: SettledElsewhere) => Promise<void>;
  /** A refund that had succeeded fails at the fan's bank. */
  readonly failRefund: (refundId: string) => Promise<void>;
  /** Held deliveries that never arrive, as if the network had eaten them. Answers how many. */
  readonly dropDeliveries: (lost: (event: { id: string; type: string }) => boolean) => number;
  /** A person showed a paper and a face, and the provider read this from the paper. */
  readonly verifyIdentity: (sessionId: string, paper: PaperFacts) => Promise<void>;
  /** A person showed something that the provider does not take, for one of Stripe's reasons. */
  readonly failIdentity: (sessionId: string, code: Stripe.Identity.VerificationSession.LastError.Code) => Promise<void>;
  /** From now on every request of the API is kept, in this list. */
  readonly record: () => readonly RecordedRequest[];
  /** The time of a test clock, or of the default clock. */
  readonly now: (clockId?: string) => Date;
  /** Resolves when no clock is advancing and every delivery that is not held was made or given up. */
  readonly idle: () => Promise<void>;
}

export interface Idle {
  readonly begin: () => void;
  readonly end: () => void;
  /** To be called whenever something has finished. */
  readonly changed: () => void;
  readonly wait: () => Promise<void>;
}

/** Counts running work and lets others wait for none. */
export function makeIdle(busy: () => boolean): Idle {
  let running = 0;
  let waiters: (() => void)[] = [];
  const quiet = (): boolean => running === 0 && !busy();
  const changed = (): void => {
    if (!quiet()) return;
    const ready = waiters;
    waiters = [];
    for (const wake of ready) wake();
  };
  return {
    begin() {
      running += 1;
    },
    end() {
      running -= 1;
      changed();
    },
    changed,
    wait: () => (quiet() ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
  };
}

export function makeControl(options: { world: World; deliveries: Deliveries; idle: Idle; bringUp: () => void; save: () => Promise<void> }): SandboxControl {
  const { world, deliveries, idle, bringUp, save } = options;
  const { platform } = world.memory.hidden;
  return {
    repeatEvent(id) {
      const row = world.peek('event', id);
      if (row === undefined) throw new Error(`the sandbox has no event ${id}`);
      const connected = row.owner !== platform;
      for (const { object } of world.rows('webhookEndpoint')) {
        const wants = object.enabled_events.includes('*') || object.enabled_events.includes(row.object.type);
        if (wants && world.memory.hidden.endpoints[object.id]?.connect === connected) deliveries.enqueue(id, object.id);
      }
    },
    holdDeliveries: deliveries.hold,
    releaseDeliveries: (how = {}) => deliveries.release({ order: how.order ?? 'asIs', times: how.times ?? 1 }),
    book() {
      bringUp();
      return [...world.rows('balanceTransaction')].map(({ owner, object }) => ({
        id: object.id, account: owner, platform: owner === platform, type: object.type, source: object.source, currency: object.currency.toUpperCase(),
        amountMinor: BigInt(object.amount), feeMinor: BigInt(object.fee), netMinor: BigInt(object.net),
        createdAt: new Date(object.created * 1000), availableAt: new Date(object.available_on * 1000), available: object.status === 'available',
      }));
    },
    holdFees() {
      world.unsettled ??= [];
    },
    async releaseFees() {
      bringUp();
      const settling = world.unsettled ?? [];
      world.unsettled = null;
      for (const settle of settling) settle();
      await save();
      return settling.length;
    },
    async openDispute(chargeId, { amountMinor, reason = 'fraudulent', settled } = {}) {
      bringUp();
      const { id } = openDispute(world, world.find('charge', chargeId, platform), {
        reason, ...(amountMinor === undefined ? {} : { amount: Number(amountMinor) }), ...(settled === undefined ? {} : { settled }),
      });
      await save();
      return id;
    },
    async closeDispute(disputeId, status, settled) {
      bringUp();
      closeDispute(world, world.find('dispute', disputeId, platform), status, settled);
      await save();
    },
    async failRefund(refundId) {
      bringUp();
      failRefund(world, world.find('refund', refundId, platform));
      await save();
    },
    dropDeliveries: (lost) => deliveries.drop((id) => lost({ id, type: world.peek('event', id)?.object.type ?? '' })),
    async verifyIdentity(sessionId, paper) {
      verify(world, sessionId, paper);
      await save();
    },
    async failIdentity(sessionId, code) {
      requireInput(world, sessionId, code);
      await save();
    },
    record: () => (world.recorded ??= []),
    now: (clockId) => new Date(world.now(clockId ?? null) * 1000),
    idle: idle.wait,
  };
}

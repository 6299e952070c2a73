/**
 * Webhook deliveries: each endpoint's events one after the other, signed by Stripe's scheme with the wall clock, tried
 * again with a growing pause in real time when the answer is not 2xx, and given up after a bounded number of tries.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../../../kernel/time.ts';
import type { Delivery } from './core/memory.ts';
import { seconds, type World } from './core/world.ts';

export interface DeliveryHabits {
  attempts: number;
  /** The pause before the second try; it doubles with each. */
  firstPauseMs: number;
  longestPauseMs: number;
  timeoutMs: number;
}

export interface SandboxLog {
  debug: (fields: object, message: string) => void;
  warn: (fields: object, message: string) => void;
}

export interface Deliveries {
  readonly enqueue: (eventId: string, endpointId: string) => void;
  readonly hold: () => void;
  /** Forgets held deliveries of the events that are named; answers how many. */
  readonly drop: (lost: (event: string) => boolean) => number;
  /** Lets go of what was held, in this order, each `times` times. */
  readonly release: (options: { order: 'asIs' | 'reverse'; times: number }) => void;
  /** Takes up again what a former process left undelivered. */
  readonly resume: () => void;
  readonly busy: () => boolean;
  readonly close: () => Promise<void>;
}

/** `Stripe-Signature` of a payload (https://docs.stripe.com/webhooks/signature). `at` is in unix seconds. */
export function signatureHeader(payload: string, secret: string, at: number): string {
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${payload}`).digest('hex')}`;
}

export interface DeliveryParts {
  world: World;
  wall: Pick<Clock, 'now'>;
  habits: DeliveryHabits;
  log: SandboxLog;
  changed: () => void;
}

export function makeDeliveries(parts: DeliveryParts): Deliveries {
  const { world } = parts;
  const { hidden } = world.memory;
  const pump = makePump(parts);
  let held: Delivery[] | null = null;
  return {
    enqueue(event, endpoint) {
      const delivery: Delivery = { id: world.id('del'), event, endpoint, attempts: 0 };
      hidden.deliveries.push(delivery);
      if (held === null) pump.push(delivery);
      else held.push(delivery);
    },
    hold() {
      held ??= [];
    },
    drop(lost) {
      const gone = (held ?? []).filter(({ event }) => lost(event));
      held = (held ?? []).filter((delivery) => !gone.includes(delivery));
      for (const delivery of gone) forget(world, delivery);
      return gone.length;
    },
    release({ order, times }) {
      const waiting = held ?? [];
      held = null;
      for (const delivery of order === 'reverse' ? waiting.reverse() : waiting) {
        pump.push(delivery);
        for (let i = 1; i < times; i += 1) {
          const again: Delivery = { ...delivery, id: world.id('del'), attempts: 0 };
          hidden.deliveries.push(again);
          pump.push(again);
        }
      }
    },
    resume: () => hidden.deliveries.forEach(pump.push),
    busy: pump.busy,
    close: pump.close,
  };
}

interface Pump {
  push: (delivery: Delivery) => void;
  busy: () => boolean;
  close: () => Promise<void>;
}

/** One queue an endpoint; a delivery that failed comes back at the queue's end after its pause. */
function makePump(parts: DeliveryParts): Pump {
  const queues = new Map<string, Delivery[]>();
  const running = new Map<string, Promise<void>>();
  const pauses = new Map<string, NodeJS.Timeout>();
  const stopping = new AbortController();

  const push = (delivery: Delivery): void => {
    const queue = queues.get(delivery.endpoint) ?? [];
    queues.set(delivery.endpoint, queue);
    queue.push(delivery);
    if (!running.has(delivery.endpoint)) running.set(delivery.endpoint, drain(delivery.endpoint, queue));
  };
  const drain = async (endpoint: string, queue: Delivery[]): Promise<void> => {
    // Never inside the request that caused the event: its answer goes first.
    await new Promise((resolve) => setImmediate(resolve));
    while (!stopping.signal.aborted) {
      const next = queue.shift();
      if (next === undefined) break;
      const pause = await deliverOnce(parts, next, stopping.signal);
      if (pause !== null) pauses.set(next.id, setTimeout(() => {
        pauses.delete(next.id);
        push(next);
      }, pause).unref());
    }
    running.delete(endpoint);
    parts.changed();
  };
  return {
    push,
    busy: () => running.size > 0 || pauses.size > 0,
    async close() {
      stopping.abort();
      for (const pause of pauses.values()) clearTimeout(pause);
      pauses.clear();
      await Promise.all(running.values());
    },
  };
}

/** Tries once. Returns the milliseconds until the next try, or `null` when there is none. */
async function deliverOnce({ world, wall, habits, log }: DeliveryParts, delivery: Delivery, stopped: AbortSignal): Promise<number | null> {
  const endpoint = world.peek('webhookEndpoint', delivery.endpoint)?.object;
  const secret = world.memory.hidden.endpoints[delivery.endpoint]?.secret;
  const event = world.peek('event', delivery.event)?.object;
  if (endpoint?.status !== 'enabled' || secret === undefined || event === undefined) {
    forget(world, delivery);
    return null;
  }
  delivery.attempts += 1;
  const payload = JSON.stringify(event, null, 2);
  const signature = signatureHeader(payload, secret, seconds(wall.now()));
  const problem = await send(endpoint.url, payload, signature, AbortSignal.any([stopped, AbortSignal.timeout(habits.timeoutMs)]));
  if (problem === null) {
    forget(world, delivery);
    event.pending_webhooks = Math.max(0, event.pending_webhooks - 1);
    return null;
  }
  // Stopped in the middle: it stays among the undelivered, for the next start.
  if (stopped.aborted) return null;
  const facts = { event: event.id, type: event.type, url: endpoint.url, attempts: delivery.attempts, problem };
  if (delivery.attempts >= habits.attempts) {
    log.warn(facts, 'stripe sandbox: delivery given up');
    forget(world, delivery);
    return null;
  }
  log.debug(facts, 'stripe sandbox: delivery will be tried again');
  return Math.min(habits.longestPauseMs, habits.firstPauseMs * 2 ** (delivery.attempts - 1));
}

function forget(world: World, delivery: Delivery): void {
  const { hidden } = world.memory;
  hidden.deliveries = hidden.deliveries.filter((one) => one.id !== delivery.id);
}

/** `null` when the endpoint answered 2xx, else what went wrong. */
async function send(url: string, payload: string, signature: string, signal: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch(url, {
      method: 'POST', body: payload, redirect: 'manual', signal,
      headers: {
        'content-type': 'application/json; charset=utf-8', 'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)', 'stripe-signature': signature,
      },
    });
    await response.arrayBuffer();
    return response.ok ? null : `status ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : 'unreachable';
  }
}

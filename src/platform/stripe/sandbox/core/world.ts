/**
 * The sandbox's world: its tables, ids, clocks and events. Everything in here is synchronous, so one request or
 * one task happens wholly before the next. Times are unix seconds, amounts are whole minor units, as in Stripe's API.
 */
import Stripe from 'stripe';
import type { Random } from '../../../../kernel/random.ts';
import type { Clock } from '../../../../kernel/time.ts';
import { missing } from './fault.ts';
import { KINDS, LIVEMODE, type EventName, type Kind, type Kinds } from './objects.ts';
import type { Memory, Row, Task, TaskKind } from './memory.ts';

export const API_VERSION = Stripe.API_VERSION;
export const DAY_SECONDS = 86_400;

/** What the provider keeps of a charge: basis points of the amount, rounded half up, and a fixed part per currency. */
export interface FeeSchedule {
  basisPoints: number;
  /** Minor units by lower-case ISO 4217 code. A currency that is not here cannot be charged. */
  fixedMinor: Readonly<Record<string, number>>;
}

/** The habits of the sandbox where a real account's settings or contract would decide. */
export interface Habits {
  fees: FeeSchedule;
  /** Days from a charge until its money is available (at midnight UTC). */
  settlementDays: number;
  /** Days from a payout's creation until it is at the bank. */
  payoutDays: number;
  /** A renewal invoice stays a draft for this long; Stripe's is about an hour. */
  draftSeconds: number;
  /** What the provider keeps of a dispute, however it ends, in minor units by lower-case ISO 4217 code. */
  disputeFees: Readonly<Record<string, number>>;
  /** Days after each failed renewal payment until the next try; after the last `afterRetries` says what becomes of the subscription. */
  retryDays: readonly number[];
  afterRetries: 'cancel' | 'unpaid';
}

export interface Emission<K extends Kind> {
  type: EventName;
  kind: K;
  object: Kinds[K];
  at: number;
  /** The account on which it happened. */
  owner: string;
  previous?: object;
}

/** One request of the API, repeats of a key among them. */
export interface RecordedRequest {
  method: string;
  path: string;
  body: string;
  /** The account that it acts on. */
  account: string;
  idempotencyKey: string | null;
}

export interface World {
  readonly memory: Memory;
  readonly habits: Habits;
  /** Where browsers reach the sandbox's pages. Known once the server listens. */
  publicUrl: string;
  /** The request being answered, or `null` while the clock moves. */
  request: { id: string; idempotencyKey: string | null } | null;
  /** Requests as they came, while somebody asked for them to be kept; null otherwise. */
  recorded: RecordedRequest[] | null;
  /** Payments whose fee is not known yet, while somebody asked for it to come late; null otherwise. */
  unsettled: (() => void)[] | null;
  /** What each kind of task does; filled by the nouns when the sandbox is put together. */
  readonly tasks: Map<TaskKind, (id: string, at: number) => void>;
  /** Called for each (event, endpoint) that is to be delivered. */
  deliver: (eventId: string, endpointId: string) => void;
  readonly id: (prefix: string, length?: number) => string;
  /** Unix seconds of a test clock, or of the default clock. */
  readonly now: (clock: string | null) => number;
  readonly put: <K extends Kind>(kind: K, row: Row<Kinds[K]> & { object: { id: string } }) => void;
  readonly peek: <K extends Kind>(kind: K, id: string) => Row<Kinds[K]> | undefined;
  /** The row, when it is on this account. Refuses with `resource_missing` otherwise. */
  readonly find: <K extends Kind>(kind: K, id: string, owner: string, param?: string) => Row<Kinds[K]>;
  readonly rows: <K extends Kind>(kind: K) => IterableIterator<Row<Kinds[K]>>;
  readonly schedule: (task: Omit<Task, 'sequence'>) => void;
  readonly unschedule: (kind: TaskKind, id: string) => void;
  readonly emit: <K extends Kind>(emission: Emission<K>) => string;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Text of `length` letters and digits, as Stripe's ids and secrets are made. */
export function alphanumeric(random: Random, length: number): string {
  let text = '';
  for (let i = 0; i < length; i += 1) text += ALPHABET.charAt(random.below(ALPHABET.length));
  return text;
}

/** Unix seconds, as Stripe counts. */
export function seconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000);
}

export function makeWorld(options: { memory: Memory; habits: Habits; clock: Clock; random: Random }): World {
  const { memory, habits, clock, random } = options;
  const world: World = {
    memory,
    habits,
    publicUrl: '',
    request: null,
    recorded: null,
    unsettled: null,
    tasks: new Map(),
    deliver: () => undefined,
    id: (prefix, length = 24) => `${prefix}_${alphanumeric(random, length)}`,
    now(clockId) {
      if (clockId === null) return seconds(clock.now());
      return world.find('testClock', clockId, memory.hidden.platform).object.frozen_time;
    },
    put: (kind, row) => void memory.tables[kind].set(row.object.id, row),
    peek: (kind, id) => memory.tables[kind].get(id),
    find(kind, id, owner, param) {
      const row = memory.tables[kind].get(id);
      if (row?.owner !== owner) throw missing(KINDS[kind].noun, id, param);
      return row;
    },
    rows: (kind) => memory.tables[kind].values(),
    schedule: (task) => schedule(memory, task),
    unschedule(kind, id) {
      memory.hidden.tasks = memory.hidden.tasks.filter((task) => task.kind !== kind || task.id !== id);
    },
    emit: (emission) => emit(world, emission),
  };
  return world;
}

function schedule(memory: Memory, task: Omit<Task, 'sequence'>): void {
  const { tasks } = memory.hidden;
  memory.hidden.sequence += 1;
  let low = 0;
  let high = tasks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tasks[middle]?.at ?? Infinity) <= task.at) low = middle + 1;
    else high = middle;
  }
  tasks.splice(low, 0, { ...task, sequence: memory.hidden.sequence });
}

/** Records an event with a snapshot of its object and hands it to every endpoint that asked for its type. */
function emit<K extends Kind>(world: World, { type, object, at, owner, previous }: Emission<K>): string {
  const { hidden, tables } = world.memory;
  const connected = owner !== hidden.platform;
  const endpoints = [...tables.webhookEndpoint.values()].filter(
    ({ object: endpoint }) =>
      endpoint.status === 'enabled' &&
      hidden.endpoints[endpoint.id]?.connect === connected &&
      (endpoint.enabled_events.includes('*') || endpoint.enabled_events.includes(type)),
  );
  const id = world.id('evt');
  world.put('event', {
    owner,
    clock: null,
    object: {
      id, object: 'event', api_version: API_VERSION, created: at,
      ...(connected ? { account: owner } : {}),
      data: { object: structuredClone(object), ...(previous === undefined ? {} : { previous_attributes: structuredClone(previous) }) },
      livemode: LIVEMODE,
      pending_webhooks: endpoints.length,
      request: { id: world.request?.id ?? null, idempotency_key: world.request?.idempotencyKey ?? null },
      type,
    },
  });
  for (const endpoint of endpoints) world.deliver(id, endpoint.object.id);
  return id;
}

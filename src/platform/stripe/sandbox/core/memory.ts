/**
 * Everything the sandbox knows, as plain data: what `persist` writes and reads again. No behaviour in here.
 */
import type Stripe from 'stripe';
import { KINDS, type Kind, type Kinds } from './objects.ts';

/** An object, whose account it is on, and which clock it lives by (`null`: the default clock). */
export interface Row<T> {
  owner: string;
  clock: string | null;
  object: T;
}

export type Tables = { [K in Kind]: Map<string, Row<Kinds[K]>> };

/** What happens at an instant of a clock. `at` is in unix seconds. */
export interface Task {
  at: number;
  clock: string | null;
  /** Ties at one second are settled by the order in which the tasks were made. */
  sequence: number;
  kind: TaskKind;
  id: string;
}

export const TASK_KINDS = [
  'settle', 'renew', 'finalize', 'retry', 'trialEnd', 'resume', 'expireSession', 'expireIncomplete', 'sendPayout', 'landPayout', 'autoPayout',
] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** How a card behaves. Kept beside the payment method, where no API reader sees it. */
export interface CardManner {
  /** Refused at once, with this decline code. */
  decline: string | null;
  /** Pays while its holder is present; every later charge without them is declined. */
  failsLater: boolean;
  /** Its money is available at once (Stripe's 4000…0077). */
  instant: boolean;
}

export interface KeptAnswer {
  digest: string;
  status: number;
  body: string;
  requestId: string;
  /** Wall-clock seconds, for pruning after 24 hours. */
  at: number;
}

export interface Delivery {
  id: string;
  event: string;
  endpoint: string;
  attempts: number;
}

export interface Hidden {
  secretKey: string;
  platform: string;
  sequence: number;
  manners: Record<string, CardManner>;
  endpoints: Record<string, { secret: string; connect: boolean }>;
  /** One-time onboarding links: token → account and the way back. */
  links: Record<string, { account: string; returnUrl: string; refreshUrl: string; expiresAt: number }>;
  /** Bank accounts by their full number, which the API never shows. */
  bankNumbers: Record<string, string>;
  /** What a Checkout session sells and what it will pass on, which its object does not carry. */
  orders: Record<string, SessionOrder>;
  /** Idempotency keys: `<account> <key>` → the answer given. */
  answers: Record<string, KeptAnswer>;
  deliveries: Delivery[];
  tasks: Task[];
  /** account → currency → minor units */
  balances: Record<string, Record<string, { available: number; pending: number }>>;
  /** invoice → its one invoice payment */
  paymentOfInvoice: Record<string, string>;
  /** charge → minor units that transfers already drew on through `source_transaction` */
  drawn: Record<string, number>;
  /** verification session → what was read from the person's paper, answered only when it is asked for */
  identities: Record<string, Stripe.Identity.VerificationSession.VerifiedOutputs>;
}

export interface SessionOrder {
  lines: { id: string; price: string; quantity: number }[];
  metadata: Record<string, string>;
  description: string | null;
  transferGroup: string | null;
  createCustomer: boolean;
  savePaymentMethod: boolean;
  keepAddress: boolean;
  /** Absent in a file from before there was tax. */
  automaticTax?: boolean;
}

export interface Memory {
  tables: Tables;
  hidden: Hidden;
}

const FORMAT = 1;

const kindNames = Object.keys(KINDS).filter((name): name is Kind => Object.hasOwn(KINDS, name));

function emptyTables(): Tables {
  return {
    customer: new Map(), product: new Map(), price: new Map(), session: new Map(), subscription: new Map(), invoice: new Map(),
    invoicePayment: new Map(), paymentMethod: new Map(), paymentIntent: new Map(), charge: new Map(), refund: new Map(), dispute: new Map(),
    balanceTransaction: new Map(), account: new Map(), bankAccount: new Map(), transfer: new Map(), transferReversal: new Map(),
    payout: new Map(), verificationSession: new Map(), portalConfiguration: new Map(), portalSession: new Map(), event: new Map(), webhookEndpoint: new Map(), testClock: new Map(),
  };
}

export function emptyMemory(secretKey: string, platform: string): Memory {
  return {
    tables: emptyTables(),
    hidden: {
      secretKey, platform, sequence: 0, manners: {}, endpoints: {}, links: {}, bankNumbers: {}, orders: {}, answers: {},
      deliveries: [], tasks: [], balances: {}, paymentOfInvoice: {}, drawn: {}, identities: {},
    },
  };
}

export function writeMemory(memory: Memory): string {
  const tables = Object.fromEntries(kindNames.map((kind) => [kind, [...memory.tables[kind]]]));
  return JSON.stringify({ format: FORMAT, tables, hidden: memory.hidden });
}

/** Reads what `writeMemory` wrote. The file is our own; its format number says whether this code can read it. */
export function readMemory(text: string): Memory {
  const kept = JSON.parse(text) as { format: unknown; tables: { [K in Kind]: [string, Row<Kinds[K]>][] }; hidden: Omit<Hidden, 'identities'> & Partial<Pick<Hidden, 'identities'>> };
  if (kept.format !== FORMAT) throw new Error('The Stripe sandbox\'s file is of another format; remove it to start afresh.');
  const tables = emptyTables();
  // A file from before there was a kind has none of it.
  for (const kind of kindNames) Object.assign(tables, { [kind]: new Map<string, unknown>((kept.tables as Partial<typeof kept.tables>)[kind] ?? []) });
  return { tables, hidden: { ...kept.hidden, identities: kept.hidden.identities ?? {} } };
}

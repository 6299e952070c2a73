/**
 * Subscriptions, as they live: opened by Checkout or the API, renewed when the clock passes the period's end, paused,
 * changed, cancelled. The requests that change one are in `subscription-requests.ts`.
 */
import type { StripeFault } from '../core/fault.ts';
import type { Row } from '../core/memory.ts';
import type { Price, Subscription } from '../core/objects.ts';
import { nextInstant, type Interval } from '../core/periods.ts';
import type { World } from '../core/world.ts';
import { itemShape, subscriptionShape } from '../shapes/subscription.ts';
import { changed } from './catalog.ts';
import { collect, draftInvoice, finalizeInvoice, markUncollectible, payingMethod, voidInvoice, type Outcome } from './invoices.ts';

/** A first payment must come within this time, or the subscription expires. */
const INCOMPLETE_SECONDS = 23 * 3_600;

export const CANCEL_REASONS = { asked: 'cancellation_requested', unpaid: 'payment_failed' } as const;

/** Changes a subscription and tells of it, when anything changed. */
export function changeSubscription(world: World, row: Row<Subscription>, changes: Partial<Subscription>, at: number): void {
  const previous = changed(row.object, changes);
  if (Object.keys(previous).length === 0) return;
  Object.assign(row.object, changes);
  world.emit({ type: 'customer.subscription.updated', kind: 'subscription', object: row.object, at, owner: row.owner, previous });
}

/** What a payment of an invoice does to its subscription. */
export function makeOutcome(world: World): Outcome {
  const get = (id: string): Row<Subscription> | undefined => {
    const row = world.peek('subscription', id);
    return row === undefined || isOver(row.object) ? undefined : row;
  };
  return {
    paid(id, at) {
      const row = get(id);
      if (row === undefined || row.object.status === 'trialing') return;
      // A subscription that begins is told of by its own event; it is not yet "updated".
      if (row.object.status === 'incomplete') row.object.status = 'active';
      else changeSubscription(world, row, { status: 'active' }, at);
    },
    failed(id, at, last) {
      const row = get(id);
      if (row === undefined || row.object.status === 'incomplete') return;
      const unpaid = last && world.habits.afterRetries === 'unpaid';
      changeSubscription(world, row, { status: unpaid ? 'unpaid' : 'past_due' }, at);
      if (last && !unpaid) endSubscription(world, row, at, CANCEL_REASONS.unpaid);
    },
  };
}

export function isOver(subscription: Subscription): boolean {
  return subscription.status === 'canceled' || subscription.status === 'incomplete_expired';
}

/** The billing interval, which all items of a subscription share. */
export function intervalOf(subscription: Subscription): Interval {
  const recurring = subscription.items.data[0]?.price.recurring;
  if (recurring === null || recurring === undefined) throw new Error(`${subscription.id} has no recurring price`);
  return { interval: asInterval(recurring.interval), interval_count: recurring.interval_count };
}

/** The SDK's type allows any text where Stripe may add intervals; the catalogue makes only these four. */
export function asInterval(text: string): Interval['interval'] {
  if (text === 'day' || text === 'week' || text === 'year' || text === 'month') return text;
  throw new Error(`unknown interval ${text}`);
}

export interface Opening {
  owner: string;
  customer: string;
  lines: { price: Price; quantity: number }[];
  metadata: Record<string, string>;
  description: string | null;
  paymentMethod: string | null;
  /** The card's holder is there (Checkout) or not (the API). */
  present: boolean;
  automaticTax?: boolean;
}

/** Opens a subscription, bills its first period and tries to collect it. */
export function openSubscription(world: World, opening: Opening, outcome: Outcome): { row: Row<Subscription>; fault: StripeFault | null } {
  const { owner, customer: customerId, lines } = opening;
  const customer = world.find('customer', customerId, owner, 'customer');
  const { clock } = customer;
  const at = world.now(clock);
  const id = world.id('sub');
  const [first] = lines;
  if (first?.price.recurring == null) throw new Error('a subscription needs a recurring price');
  const interval: Interval = { interval: asInterval(first.price.recurring.interval), interval_count: first.price.recurring.interval_count };
  const period = { start: at, end: nextInstant(at, interval, at) };
  const row: Row<Subscription> = {
    owner, clock,
    object: subscriptionShape({
      id, at, customer: customerId, clock, currency: first.price.currency,
      items: lines.map((line) => itemShape(world.id('si', 14), at, id, line.price, line.quantity, period)),
      metadata: opening.metadata, description: opening.description, paymentMethod: opening.paymentMethod,
    }),
  };
  row.object.automatic_tax = { ...row.object.automatic_tax, enabled: opening.automaticTax === true };
  world.put('subscription', row);
  customer.object.currency = first.price.currency;
  const invoice = draftInvoice(world, row, at, 'subscription_create');
  finalizeInvoice(world, invoice, at);
  const fault = collect(world, invoice, payingMethod(world, row), at, { present: opening.present, outcome });
  world.emit({ type: 'customer.subscription.created', kind: 'subscription', object: row.object, at, owner });
  if (fault === null) world.schedule({ at: period.end, clock, kind: 'renew', id });
  else world.schedule({ at: at + INCOMPLETE_SECONDS, clock, kind: 'expireIncomplete', id });
  return { row, fault };
}

/** Ends a subscription now. What was billed stays billed: refunds are computed and sent by the service. */
export function endSubscription(world: World, row: Row<Subscription>, at: number, reason: string): void {
  const { object, owner } = row;
  Object.assign(object, {
    status: 'canceled', ended_at: at, canceled_at: object.canceled_at ?? at, pause_collection: null,
    cancellation_details: { ...object.cancellation_details, reason },
  });
  for (const kind of ['renew', 'trialEnd', 'resume', 'expireIncomplete'] as const) world.unschedule(kind, object.id);
  for (const invoice of world.rows('invoice')) {
    const { object: bill } = invoice;
    if (bill.parent?.subscription_details.subscription !== object.id || (bill.status !== 'draft' && bill.status !== 'open')) continue;
    bill.auto_advance = false;
    bill.next_payment_attempt = null;
    world.unschedule('finalize', bill.id);
    world.unschedule('retry', bill.id);
  }
  world.emit({ type: 'customer.subscription.deleted', kind: 'subscription', object, at, owner });
}

/** Moves every item to a new period. */
export function movePeriod(row: Row<Subscription>, start: number, end: number): void {
  for (const item of row.object.items.data) Object.assign(item, { current_period_start: start, current_period_end: end });
}

/** The task `renew`: the period has ended. Cancels, or opens the next period with its invoice. */
function renew(world: World, row: Row<Subscription>, at: number): void {
  const { object, clock } = row;
  if (object.cancel_at_period_end) {
    endSubscription(world, row, at, CANCEL_REASONS.asked);
    return;
  }
  const before = structuredClone(object.items);
  const end = nextInstant(object.billing_cycle_anchor, intervalOf(object), at);
  movePeriod(row, at, end);
  const previous: Record<string, unknown> = { items: before, latest_invoice: object.latest_invoice };
  if (object.status === 'trialing') {
    previous['status'] = object.status;
    object.status = 'active';
  }
  world.schedule({ at: end, clock, kind: 'renew', id: object.id });
  const held = object.pause_collection?.behavior === 'keep_as_draft';
  const invoice = draftInvoice(world, row, at, 'subscription_cycle', held ? {} : { finalizesAt: at + world.habits.draftSeconds });
  world.emit({ type: 'customer.subscription.updated', kind: 'subscription', object, at, owner: row.owner, previous });
  // Nobody pays for it at present: its invoices wait, and nothing tries to collect them.
  if (object.status === 'unpaid') invoice.object.auto_advance = false;
  else if (object.pause_collection !== null) pausedInvoice(world, row, invoice.object.id, at);
  else world.schedule({ at: at + world.habits.draftSeconds, clock, kind: 'finalize', id: invoice.object.id });
}

function pausedInvoice(world: World, row: Row<Subscription>, id: string, at: number): void {
  const invoice = world.find('invoice', id, row.owner);
  if (row.object.pause_collection?.behavior === 'void') voidInvoice(world, invoice, at);
  else if (row.object.pause_collection?.behavior === 'mark_uncollectible') markUncollectible(world, invoice, at);
  else invoice.object.auto_advance = false;
}

/** Registers what subscriptions and their invoices do as time passes. */
export function registerSubscriptionTasks(world: World, outcome: Outcome): void {
  const living = (id: string): Row<Subscription> | undefined => {
    const row = world.peek('subscription', id);
    return row === undefined || isOver(row.object) ? undefined : row;
  };
  const bill = (id: string, at: number): void => {
    const invoice = world.peek('invoice', id);
    const subscription = living(invoice?.object.parent?.subscription_details.subscription ?? '');
    if (invoice === undefined || subscription === undefined || invoice.object.auto_advance !== true) return;
    if (invoice.object.status === 'draft') finalizeInvoice(world, invoice, at);
    if (invoice.object.status === 'open') collect(world, invoice, payingMethod(world, subscription), at, { present: false, outcome });
  };
  const whenLiving = (work: (row: Row<Subscription>, at: number) => void) => (id: string, at: number) => {
    const row = living(id);
    if (row !== undefined) work(row, at);
  };
  world.tasks.set('renew', whenLiving((row, at) => renew(world, row, at)));
  world.tasks.set('trialEnd', whenLiving((row, at) => renew(world, row, at)));
  world.tasks.set('resume', whenLiving((row, at) => changeSubscription(world, row, { pause_collection: null }, at)));
  world.tasks.set('finalize', bill);
  world.tasks.set('retry', bill);
  world.tasks.set('expireIncomplete', whenLiving((row, at) => {
    if (row.object.status !== 'incomplete') return;
    const invoice = row.object.latest_invoice === null ? undefined : world.peek('invoice', row.object.latest_invoice);
    if (invoice !== undefined) voidInvoice(world, invoice, at);
    changeSubscription(world, row, { status: 'incomplete_expired', ended_at: at }, at);
  }));
}

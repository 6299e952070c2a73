/** The requests on subscriptions. Prorations are refused unless `none`: the service computes every proration itself. */
import { invalid } from '../core/fault.ts';
import type { Params } from '../core/form.ts';
import type { Row } from '../core/memory.ts';
import type { Price, Subscription, SubscriptionItem } from '../core/objects.ts';
import { nextInstant } from '../core/periods.ts';
import { lister, mergeMetadata, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import type { World } from '../core/world.ts';
import { planShape } from '../shapes/subscription.ts';
import { AMOUNT_MAX } from './balance.ts';
import { changed, readInlinePrice } from './catalog.ts';
import { collect, draftInvoice, type ExtraLine, finalizeInvoice, payingMethod, voidInvoice, type Outcome } from './invoices.ts';
import { CANCEL_REASONS, changeSubscription, endSubscription, intervalOf, isOver, movePeriod, openSubscription } from './subscriptions.ts';

const BEHAVIORS = ['allow_incomplete', 'error_if_incomplete'] as const;

function recurringPrice(world: World, owner: string, id: string, param: string): Price {
  const price = world.find('price', id, owner, param).object;
  if (price.recurring === null) {
    throw invalid('The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.', { param });
  }
  if (!price.active) throw invalid(`The price specified is inactive. This field only accepts active prices.`, { param });
  return price;
}

function readItems(world: World, { owner, params }: Call): (() => { price: Price; quantity: number })[] {
  const items = params.children('items');
  if (items.length === 0) throw invalid('Missing required param: items.', { code: 'parameter_missing', param: 'items' });
  return items.map((item, i) => {
    const quantity = item.whole('quantity', { min: 1, max: 999_999 }) ?? 1;
    const inline = item.child('price_data');
    if (inline === undefined) {
      const price = recurringPrice(world, owner, item.need('price'), `items[${i}][price]`);
      return () => ({ price, quantity });
    }
    const { facts, make } = readInlinePrice(world, owner, inline);
    if (facts.recurring === null) throw invalid('price_data needs recurring here.', { code: 'parameter_missing', param: `items[${i}][price_data][recurring]` });
    return () => ({ price: make(), quantity });
  });
}

function create(world: World, call: Call, outcome: Outcome): object {
  const { owner, params } = call;
  const customer = params.need('customer');
  world.find('customer', customer, owner, 'customer');
  const items = readItems(world, call);
  const behavior = params.oneOf('payment_behavior', BEHAVIORS) ?? 'allow_incomplete';
  const paymentMethod = params.text('default_payment_method') ?? null;
  const description = params.text('description') ?? null;
  params.oneOf('proration_behavior', ['none']);
  params.oneOf('collection_method', ['charge_automatically']);
  params.flag('off_session');
  const metadata = mergeMetadata({}, params);
  params.done();
  const opening = { owner, customer, metadata, description, paymentMethod, present: false };
  const method = payingPreview(world, call, customer, paymentMethod);
  if (behavior === 'error_if_incomplete' && method === null) {
    throw invalid('This customer has no attached payment source or default payment method.', { code: 'resource_missing' });
  }
  const { row, fault } = openSubscription(world, { ...opening, lines: items.map((make) => make()) }, outcome);
  if (fault !== null && behavior === 'error_if_incomplete') {
    changeSubscription(world, row, { status: 'incomplete_expired', ended_at: world.now(row.clock) }, world.now(row.clock));
    throw fault;
  }
  return row.object;
}

function payingPreview(world: World, call: Call, customer: string, given: string | null): string | null {
  if (given === null) return world.find('customer', customer, call.owner).object.invoice_settings.default_payment_method;
  if (world.find('paymentMethod', given, call.owner, 'default_payment_method').object.customer !== customer) {
    throw invalid('The customer does not have that payment method attached.', { code: 'resource_missing', param: 'default_payment_method' });
  }
  return given;
}

type ItemChange = () => { item: SubscriptionItem; price: Price; quantity: number };

function readItemChanges(world: World, row: Row<Subscription>, params: Params): ItemChange[] {
  return params.children('items').map((given, i) => {
    const id = given.text('id') ?? (row.object.items.data.length === 1 ? row.object.items.data[0]?.id : undefined);
    const item = row.object.items.data.find((one) => one.id === id);
    if (item === undefined) throw invalid(`No such subscription item: '${id ?? ''}'`, { code: 'resource_missing', param: `items[${i}][id]` });
    const quantity = given.whole('quantity', { min: 1, max: 999_999 }) ?? item.quantity;
    const named = given.text('price');
    const inline = given.child('price_data');
    if (inline !== undefined) {
      const { make } = readInlinePrice(world, row.owner, inline);
      return () => ({ item, price: make(), quantity });
    }
    const price = named === undefined ? item.price : recurringPrice(world, row.owner, named, `items[${i}][price]`);
    return () => ({ item, price, quantity });
  });
}

function readPause(params: Params, current: Subscription['pause_collection']): Subscription['pause_collection'] {
  if (params.cleared('pause_collection')) return null;
  const given = params.child('pause_collection');
  if (given === undefined) return current;
  const behavior = given.oneOf('behavior', ['keep_as_draft', 'mark_uncollectible', 'void']);
  if (behavior === undefined) throw invalid('Missing required param: pause_collection[behavior].', { code: 'parameter_missing', param: 'pause_collection[behavior]' });
  return { behavior, resumes_at: given.whole('resumes_at', { min: 0 }) ?? null };
}

interface Change {
  /** `billing_cycle_anchor[type]=now`, or `trial_end=now`: a new period begins at once and is billed. */
  anchorNow: boolean;
  behavior: (typeof BEHAVIORS)[number];
  extras: { amount: number; make: () => ExtraLine }[];
  items: ItemChange[];
  trialEnd: number | undefined;
  fields: Partial<Subscription>;
}

function readChange(world: World, row: Row<Subscription>, call: Call): Change {
  const { object } = row;
  const { params } = call;
  const items = readItemChanges(world, row, params);
  const endsTrial = params.text('trial_end') === 'now';
  if (endsTrial && object.status !== 'trialing') throw invalid('The subscription is not on trial.', { param: 'trial_end' });
  const trialEnd = endsTrial ? undefined : params.whole('trial_end', { min: 0 });
  const proration = params.oneOf('proration_behavior', ['always_invoice', 'create_prorations', 'none']) ?? 'create_prorations';
  if ((items.length > 0 || trialEnd !== undefined) && proration !== 'none') {
    throw invalid('The sandbox models changes of items and periods only with proration_behavior=none.', { param: 'proration_behavior' });
  }
  const behavior = params.oneOf('payment_behavior', BEHAVIORS) ?? 'allow_incomplete';
  const anchorNow = params.child('billing_cycle_anchor')?.oneOf('type', ['now', 'unchanged']) === 'now' || endsTrial;
  const extras = readExtras(world, row, params);
  if (extras.length > 0 && !anchorNow) throw invalid('The sandbox models add_invoice_items only with billing_cycle_anchor[type]=now.', { param: 'add_invoice_items' });
  if (anchorNow && (trialEnd !== undefined || proration !== 'none')) {
    throw invalid('The sandbox models billing_cycle_anchor[type]=now only with proration_behavior=none and without trial_end.', { param: 'billing_cycle_anchor' });
  }
  params.flag('off_session');
  const details = readCancellation(params, object);
  const atEnd = params.flag('cancel_at_period_end') ?? object.cancel_at_period_end;
  const end = object.items.data[0]?.current_period_end ?? null;
  const paymentMethod = params.text('default_payment_method') ?? object.default_payment_method;
  const fields: Partial<Subscription> = {
    metadata: mergeMetadata(object.metadata, params), description: params.text('description') ?? object.description,
    pause_collection: readPause(params, object.pause_collection), default_payment_method: paymentMethod,
    cancel_at_period_end: atEnd, cancellation_details: details,
    ...(atEnd === object.cancel_at_period_end ? {} : { cancel_at: atEnd ? end : null, canceled_at: atEnd ? world.now(row.clock) : null }),
  };
  params.done();
  payingPreview(world, call, object.customer, paymentMethod);
  if (trialEnd !== undefined && trialEnd <= world.now(row.clock)) throw invalid('Timestamp must be in the future.', { param: 'trial_end' });
  return { anchorNow, behavior, extras, items, trialEnd, fields };
}

function readCancellation(params: Params, object: Subscription): Subscription['cancellation_details'] {
  const given = params.child('cancellation_details');
  const current = object.cancellation_details ?? { comment: null, feedback: null, feedback_option: null, reason: null };
  const feedback = given?.oneOf('feedback', ['customer_service', 'low_quality', 'missing_features', 'other', 'switched_service', 'too_complex', 'too_expensive', 'unused']);
  return { ...current, comment: given?.text('comment') ?? current.comment, feedback: feedback ?? current.feedback };
}

function update(world: World, call: Call, outcome: Outcome): object {
  const row = world.find('subscription', pathId(call), call.owner);
  const { object, clock } = row;
  if (isOver(object)) throw invalid(`A ${object.status} subscription can only update its cancellation_details and metadata.`);
  const change = readChange(world, row, call);
  const at = world.now(clock);
  const interval = intervalOf(object);
  const items = structuredClone(object.items);
  for (const make of change.items) {
    const { item, price, quantity } = make();
    const target = items.data.find((one) => one.id === item.id);
    if (target !== undefined) Object.assign(target, { price: structuredClone(price), plan: planShape(price), quantity });
  }
  if (change.anchorNow) rebill(world, row, { ...change.fields, items }, change, at, outcome);
  else changeSubscription(world, row, { ...change.fields, items }, at);
  world.unschedule('resume', object.id);
  const resumes = object.pause_collection?.resumes_at ?? null;
  if (resumes !== null) world.schedule({ at: resumes, clock, kind: 'resume', id: object.id });
  if (change.anchorNow) return object;
  if (change.trialEnd !== undefined) extend(world, row, change.trialEnd, at, outcome);
  else if (JSON.stringify(intervalOf(object)) !== JSON.stringify(interval)) restart(world, row, at, outcome);
  return object;
}

function readExtras(world: World, row: Row<Subscription>, params: Params): Change['extras'] {
  return params.children('add_invoice_items').map((given, i) => {
    const inline = given.child('price_data');
    if (inline === undefined) throw invalid('The sandbox models add_invoice_items with price_data only.', { param: `add_invoice_items[${i}][price]` });
    const { facts, make } = readInlinePrice(world, row.owner, inline, -AMOUNT_MAX);
    given.whole('quantity', { min: 1, max: 1 });
    return { amount: facts.amount, make: () => ({ price: make(), amount: facts.amount }) };
  });
}

/**
 * `billing_cycle_anchor[type]=now`: the running period ends, the next begins and is billed, less what is credited on its invoice.
 * With `error_if_incomplete` a declined card leaves the subscription as it was.
 */
function rebill(world: World, row: Row<Subscription>, fields: Partial<Subscription>, change: Change, at: number, outcome: Outcome): void {
  const { object, clock, owner } = row;
  const billed = (fields.items ?? object.items).data.reduce((sum, item) => sum + (item.price.unit_amount ?? 0) * item.quantity, 0);
  if (billed + change.extras.reduce((sum, { amount }) => sum + amount, 0) < 0) {
    throw invalid('The sandbox does not model invoices below zero, which would become a balance of the customer.');
  }
  const before = structuredClone(object);
  const strict = change.behavior === 'error_if_incomplete';
  Object.assign(object, fields, { billing_cycle_anchor: at, trial_end: null, trial_start: null, status: object.status === 'trialing' ? 'active' : object.status });
  const end = nextInstant(at, intervalOf(object), at);
  movePeriod(row, at, end);
  const invoice = draftInvoice(world, row, at, 'subscription_update', { extras: change.extras.map(({ make }) => make()) });
  finalizeInvoice(world, invoice, at);
  const heard = strict ? { ...outcome, failed: () => undefined } : outcome;
  const fault = collect(world, invoice, payingMethod(world, row), at, { present: false, outcome: heard });
  if (fault !== null && strict) {
    world.unschedule('retry', invoice.object.id);
    voidInvoice(world, invoice, at);
    Object.assign(object, before);
    throw fault;
  }
  for (const kind of ['renew', 'trialEnd'] as const) world.unschedule(kind, object.id);
  world.schedule({ at: end, clock, kind: 'renew', id: object.id });
  const previous = changed(before, object);
  world.emit({ type: 'customer.subscription.updated', kind: 'subscription', object, at, owner, previous });
}

/** `trial_end`: the paid period runs on to a new end, which becomes the anchor; Stripe sends an invoice of nothing. */
function extend(world: World, row: Row<Subscription>, trialEnd: number, at: number, outcome: Outcome): void {
  const { object, clock } = row;
  const items = structuredClone(object.items);
  for (const item of items.data) item.current_period_end = trialEnd;
  world.unschedule('renew', object.id);
  world.unschedule('trialEnd', object.id);
  world.schedule({ at: trialEnd, clock, kind: 'trialEnd', id: object.id });
  changeSubscription(world, row, { items, status: 'trialing', trial_start: at, trial_end: trialEnd, billing_cycle_anchor: trialEnd }, at);
  const invoice = draftInvoice(world, row, at, 'subscription_update', { free: true });
  finalizeInvoice(world, invoice, at);
  collect(world, invoice, null, at, { present: false, outcome });
}

/** Another interval begins a new cycle at once, billed in full (`proration_behavior: none` returns nothing of the old one). */
function restart(world: World, row: Row<Subscription>, at: number, outcome: Outcome): void {
  const { object, clock } = row;
  const end = nextInstant(at, intervalOf(object), at);
  world.unschedule('renew', object.id);
  world.schedule({ at: end, clock, kind: 'renew', id: object.id });
  const items = structuredClone(object.items);
  changeSubscription(world, row, { billing_cycle_anchor: at }, at);
  movePeriod(row, at, end);
  world.emit({ type: 'customer.subscription.updated', kind: 'subscription', object, at, owner: row.owner, previous: { items } });
  const invoice = draftInvoice(world, row, at, 'subscription_update');
  finalizeInvoice(world, invoice, at);
  collect(world, invoice, payingMethod(world, row), at, { present: false, outcome });
}

function cancel(world: World, call: Call): object {
  const row = world.find('subscription', pathId(call), call.owner);
  const details = readCancellation(call.params, row.object);
  if (call.params.flag('prorate') === true || call.params.flag('invoice_now') === true) {
    throw invalid('The sandbox models cancelling without prorate and invoice_now: the service computes what is returned.');
  }
  call.params.done();
  if (isOver(row.object)) throw invalid(`No such subscription: '${row.object.id}'`, { code: 'resource_missing', param: 'id' });
  row.object.cancellation_details = details;
  endSubscription(world, row, world.now(row.clock), CANCEL_REASONS.asked);
  return row.object;
}

export function subscriptionRoutes(outcome: Outcome): readonly Route[] {
  return [
    ['POST', 'subscriptions', (world, call) => create(world, call, outcome)],
    ['GET', 'subscriptions', listSubscriptions],
    ['GET', 'subscriptions/:id', retrieve('subscription')],
    ['POST', 'subscriptions/:id', (world, call) => update(world, call, outcome)],
    ['DELETE', 'subscriptions/:id', cancel],
  ];
}

/** Without a `status` the cancelled ones are left out; `all` shows every one. */
function listSubscriptions(world: World, call: Call): object {
  const status = call.params.text('status');
  const shown = (one: Subscription): boolean =>
    status === 'all' || (status === undefined ? one.status !== 'canceled' : status === 'ended' ? isOver(one) : one.status === status);
  return lister('subscription', {
    customer: (one) => one.customer, price: (one) => one.items.data[0]?.price.id, test_clock: (one) => one.test_clock,
  }, shown)(world, call);
}

/** Products and prices. A price never changes its amount: a new one is made, and subscriptions are moved to it. */
import { invalid } from '../core/fault.ts';
import type { Params } from '../core/form.ts';
import { LIVEMODE, type Price, type Product } from '../core/objects.ts';
import { alwaysWhole, readCurrency } from '../core/read.ts';
import { lister, mergeMetadata, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import type { World } from '../core/world.ts';
import { AMOUNT_MAX } from './balance.ts';

interface ProductFacts {
  name: string;
  description: string | null;
  metadata: Record<string, string>;
  images: string[];
}

export function readProductFacts(params: Params): ProductFacts {
  return {
    name: params.need('name'), description: params.text('description') ?? null, metadata: mergeMetadata({}, params), images: params.texts('images'),
  };
}

export function makeProduct(world: World, owner: string, facts: ProductFacts, options: { id?: string; active?: boolean } = {}): Product {
  const at = world.now(null);
  const object: Product = {
    id: options.id ?? world.id('prod', 14), object: 'product', active: options.active ?? true, created: at, default_price: null, ...facts,
    livemode: LIVEMODE, marketing_features: [], package_dimensions: null, shippable: null, statement_descriptor: null, tax_code: null,
    tax_details: null, type: 'service', unit_label: null, updated: at, url: null,
  };
  world.put('product', { owner, clock: null, object });
  world.emit({ type: 'product.created', kind: 'product', object, at, owner });
  return object;
}

function createProduct(world: World, { owner, params }: Call): object {
  const id = params.text('id');
  const active = params.flag('active');
  params.oneOf('type', ['service', 'good']);
  const facts = readProductFacts(params);
  params.done();
  if (id !== undefined && world.peek('product', id) !== undefined) {
    throw invalid('Product already exists.', { code: 'resource_already_exists', param: 'id' });
  }
  return makeProduct(world, owner, facts, { ...(id === undefined ? {} : { id }), ...(active === undefined ? {} : { active }) });
}

function updateProduct(world: World, call: Call): object {
  const { params } = call;
  const { object, owner } = world.find('product', pathId(call), call.owner);
  const changes = {
    name: params.text('name') ?? object.name, active: params.flag('active') ?? object.active,
    description: params.cleared('description') ? null : (params.text('description') ?? object.description),
    metadata: mergeMetadata(object.metadata, params),
  };
  params.done();
  const previous = changed(object, changes);
  Object.assign(object, changes, { updated: world.now(null) });
  world.emit({ type: 'product.updated', kind: 'product', object, at: object.updated, owner, previous });
  return object;
}

/** What of `before` differs from `changes`: an event's `previous_attributes`. */
export function changed(before: object, changes: object): object {
  const old = new Map(Object.entries(before));
  return Object.fromEntries(
    Object.entries(changes)
      .filter(([key, value]) => JSON.stringify(old.get(key)) !== JSON.stringify(value))
      .map(([key]) => [key, old.get(key) as unknown]),
  );
}

interface PriceFacts {
  currency: string;
  amount: number;
  recurring: { interval: 'day' | 'month' | 'week' | 'year'; count: number } | null;
  metadata: Record<string, string>;
  nickname: string | null;
  lookupKey: string | null;
  taxBehavior: Price['tax_behavior'];
}

export function readPriceFacts(params: Params, least = 0): PriceFacts {
  const recurring = params.child('recurring');
  params.oneOf('billing_scheme', ['per_unit']);
  recurring?.oneOf('usage_type', ['licensed']);
  return {
    currency: readCurrency(params),
    amount: alwaysWhole(params, 'unit_amount', least, AMOUNT_MAX),
    recurring:
      recurring === undefined
        ? null
        : {
            interval: recurring.oneOf('interval', ['day', 'month', 'week', 'year']) ?? neededInterval(),
            count: recurring.whole('interval_count', { min: 1, max: 36 }) ?? 1,
          },
    metadata: mergeMetadata({}, params),
    nickname: params.text('nickname') ?? null,
    lookupKey: params.text('lookup_key') ?? null,
    taxBehavior: params.oneOf('tax_behavior', ['exclusive', 'inclusive', 'unspecified']) ?? 'unspecified',
  };
}

function neededInterval(): never {
  throw invalid('Missing required param: recurring[interval].', { code: 'parameter_missing', param: 'recurring[interval]' });
}

export function makePrice(world: World, owner: string, product: string, facts: PriceFacts, active = true): Price {
  const at = world.now(null);
  const object: Price = {
    id: world.id('price'), object: 'price', active, billing_scheme: 'per_unit', created: at, currency: facts.currency, custom_unit_amount: null,
    livemode: LIVEMODE, lookup_key: facts.lookupKey, metadata: facts.metadata, nickname: facts.nickname, product,
    recurring: facts.recurring === null ? null : {
      interval: facts.recurring.interval, interval_count: facts.recurring.count, meter: null, trial_period_days: null, usage_type: 'licensed',
    },
    tax_behavior: facts.taxBehavior, tiers_mode: null, transform_quantity: null, type: facts.recurring === null ? 'one_time' : 'recurring',
    unit_amount: facts.amount, unit_amount_decimal: String(facts.amount),
  };
  world.put('price', { owner, clock: null, object });
  world.emit({ type: 'price.created', kind: 'price', object, at, owner });
  return object;
}

/** A price's product: one that exists, or one to be made together with the price. Read now, made when called. */
function readProduct(world: World, owner: string, params: Params): () => string {
  const product = params.text('product');
  const given = params.child('product_data');
  const facts = given === undefined ? undefined : readProductFacts(given);
  if (product !== undefined) {
    const { id } = world.find('product', product, owner, 'product').object;
    return () => id;
  }
  if (facts === undefined) throw invalid('You must specify either `product` or `product_data`.', { code: 'parameter_missing', param: 'product' });
  return () => makeProduct(world, owner, facts).id;
}

/** A price made for one line (`price_data`). Read now, made when called. */
export function readInlinePrice(world: World, owner: string, params: Params, least = 0): { facts: PriceFacts; make: () => Price } {
  const facts = readPriceFacts(params, least);
  const product = readProduct(world, owner, params);
  return { facts, make: () => makePrice(world, owner, product(), facts, false) };
}

function createPrice(world: World, { owner, params }: Call): object {
  const active = params.flag('active') ?? true;
  const facts = readPriceFacts(params);
  const product = readProduct(world, owner, params);
  params.done();
  if (facts.lookupKey !== null && [...world.rows('price')].some((row) => row.owner === owner && row.object.lookup_key === facts.lookupKey)) {
    throw invalid(`A price already uses that lookup key: ${facts.lookupKey}`, { code: 'resource_already_exists', param: 'lookup_key' });
  }
  return makePrice(world, owner, product(), facts, active);
}

function updatePrice(world: World, call: Call): object {
  const { params } = call;
  const { object, owner } = world.find('price', pathId(call), call.owner);
  const changes = {
    active: params.flag('active') ?? object.active, nickname: params.text('nickname') ?? object.nickname,
    lookup_key: params.text('lookup_key') ?? object.lookup_key, metadata: mergeMetadata(object.metadata, params),
  };
  params.done();
  const previous = changed(object, changes);
  Object.assign(object, changes);
  world.emit({ type: 'price.updated', kind: 'price', object, at: world.now(null), owner, previous });
  return object;
}

export const catalogRoutes: readonly Route[] = [
  ['POST', 'products', createProduct],
  ['GET', 'products', lister('product', { active: (one) => String(one.active) })],
  ['GET', 'products/:id', retrieve('product')],
  ['POST', 'products/:id', updateProduct],
  ['POST', 'prices', createPrice],
  ['GET', 'prices', lister('price', {
    product: (one) => one.product, active: (one) => String(one.active), currency: (one) => one.currency, type: (one) => one.type,
  })],
  ['GET', 'prices/:id', retrieve('price')],
  ['POST', 'prices/:id', updatePrice],
];

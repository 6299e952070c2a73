/** Customers: who pays. A customer made on a test clock lives by that clock, with all that belongs to it. */
import { invalid } from '../core/fault.ts';
import type { Row } from '../core/memory.ts';
import { LIVEMODE, type Address, type Customer } from '../core/objects.ts';
import { readAddress } from '../core/read.ts';
import { lister, mergeMetadata, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import type { World } from '../core/world.ts';
import { changed } from './catalog.ts';

export interface CustomerFacts {
  email: string | null;
  name: string | null;
  phone: string | null;
  description: string | null;
  address: Address | null;
  locales: string[];
  metadata: Record<string, string>;
}

export function makeCustomer(world: World, owner: string, clock: string | null, facts: CustomerFacts): Row<Customer> {
  const at = world.now(clock);
  const object: Customer = {
    id: world.id('cus', 14), object: 'customer', address: facts.address, balance: 0, created: at, currency: null, customer_account: null,
    default_source: null, delinquent: false, description: facts.description, discount: null, email: facts.email,
    invoice_prefix: world.id('', 8).slice(1).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: LIVEMODE, metadata: facts.metadata, name: facts.name, next_invoice_sequence: 1, phone: facts.phone, preferred_locales: facts.locales,
    shipping: null, tax_exempt: 'none', test_clock: clock,
  };
  const row: Row<Customer> = { owner, clock, object };
  world.put('customer', row);
  world.emit({ type: 'customer.created', kind: 'customer', object, at, owner });
  return row;
}

/** Applies changes and tells of them, when there are any. */
export function changeCustomer(world: World, row: Row<Customer>, changes: Partial<Customer>, at: number): void {
  const previous = changed(row.object, changes);
  if (Object.keys(previous).length === 0) return;
  Object.assign(row.object, changes);
  world.emit({ type: 'customer.updated', kind: 'customer', object: row.object, at, owner: row.owner, previous });
}

function create(world: World, { owner, params }: Call): object {
  const clock = params.text('test_clock') ?? null;
  const facts: CustomerFacts = {
    email: params.text('email') ?? null, name: params.text('name') ?? null, phone: params.text('phone') ?? null,
    description: params.text('description') ?? null, address: readAddress(params) ?? null, locales: params.texts('preferred_locales'),
    metadata: mergeMetadata({}, params),
  };
  params.done();
  if (clock !== null) world.find('testClock', clock, owner, 'test_clock');
  if (facts.email !== null && !facts.email.includes('@')) throw invalid(`Invalid email address: ${facts.email}`, { code: 'email_invalid', param: 'email' });
  return makeCustomer(world, owner, clock, facts).object;
}

function update(world: World, call: Call): object {
  const { params } = call;
  const row = world.find('customer', pathId(call), call.owner);
  const { object } = row;
  const settings = params.child('invoice_settings');
  const method = settings?.text('default_payment_method') ?? object.invoice_settings.default_payment_method;
  const kept = (name: 'description' | 'email' | 'name' | 'phone'): string | null =>
    params.cleared(name) ? null : (params.text(name) ?? object[name] ?? null);
  const changes: Partial<Customer> = {
    email: kept('email'), name: kept('name'), phone: kept('phone'), description: kept('description'),
    address: readAddress(params) ?? object.address ?? null, metadata: mergeMetadata(object.metadata, params),
    invoice_settings: { ...object.invoice_settings, default_payment_method: method },
  };
  params.done();
  if (method !== null && world.find('paymentMethod', method, call.owner, 'invoice_settings[default_payment_method]').object.customer !== object.id) {
    throw invalid('The customer does not have that payment method attached.', { code: 'resource_missing', param: 'invoice_settings[default_payment_method]' });
  }
  changeCustomer(world, row, changes, world.now(row.clock));
  return object;
}

export const customerRoutes: readonly Route[] = [
  ['POST', 'customers', create],
  ['GET', 'customers', lister('customer', { email: (one) => one.email, test_clock: (one) => one.test_clock })],
  ['GET', 'customers/:id', retrieve('customer')],
  ['POST', 'customers/:id', update],
];

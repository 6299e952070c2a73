/** Connected accounts, their onboarding links and bank accounts. */
import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { invalid, missing } from '../core/fault.ts';
import type { Params } from '../core/form.ts';
import type { Row } from '../core/memory.ts';
import { type Account, type AccountLink, type BankAccount } from '../core/objects.ts';
import { readCurrency } from '../core/read.ts';
import { lister, mergeMetadata, page, pageWindow, pathId, type Call, type Route } from '../core/router.ts';
import type { World } from '../core/world.ts';
import { accountShape, requirements, type AccountFacts } from '../shapes/account.ts';
import { availableOf, planAutoPayout } from './balance.ts';
import { changed } from './catalog.ts';

const LINK_SECONDS = 300;
const CURRENCY_OF: Readonly<Record<string, string>> = { CN: 'cny', US: 'usd', JP: 'jpy', DE: 'eur', FR: 'eur', IT: 'eur', ES: 'eur', NL: 'eur' };

/** An account by id, as seen from `owner`: the platform sees every connected account, an account sees itself. */
export function accountRow(world: World, owner: string, id: string, param = 'id'): Row<Account> {
  const row = world.peek('account', id);
  if (row === undefined || (owner !== world.memory.hidden.platform && owner !== id)) throw missing('account', id, param);
  return row;
}

function readController(params: Params): { type: AccountFacts['type']; controller: Stripe.Account.Controller } {
  const type = params.oneOf('type', ['custom', 'express', 'standard']);
  const given = params.child('controller');
  if (type !== undefined && given !== undefined) throw invalid('You may not provide the `type` parameter and `controller` parameters simultaneously.');
  if (given !== undefined) {
    const dashboard = given.child('stripe_dashboard')?.oneOf('type', ['express', 'full', 'none']) ?? 'full';
    return {
      type: 'none',
      controller: {
        fees: { payer: given.child('fees')?.oneOf('payer', ['account', 'application']) ?? 'account' }, is_controller: true,
        losses: { payments: given.child('losses')?.oneOf('payments', ['application', 'stripe']) ?? 'stripe' },
        requirement_collection: given.oneOf('requirement_collection', ['application', 'stripe']) ?? 'stripe',
        stripe_dashboard: { type: dashboard }, type: 'application',
      },
    };
  }
  const chosen = type ?? 'standard';
  const dashboards = { custom: 'none', express: 'express', standard: 'full' } as const;
  return {
    type: chosen,
    controller: {
      fees: { payer: chosen === 'standard' ? 'account' : 'application_express' }, is_controller: true,
      losses: { payments: chosen === 'standard' ? 'stripe' : 'application' },
      requirement_collection: chosen === 'custom' ? 'application' : 'stripe', stripe_dashboard: { type: dashboards[chosen] }, type: 'application',
    },
  };
}

function readCapabilities(params: Params): string[] {
  const given = params.child('capabilities');
  return ['card_payments', 'transfers'].filter((name) => given?.child(name)?.flag('requested') === true);
}

function readInterval(params: Params): string | undefined {
  return params.child('settings')?.child('payouts')?.child('schedule')?.oneOf('interval', ['daily', 'manual']);
}

function readProfile(params: Params): Partial<AccountFacts['profile']> {
  const given = params.child('business_profile');
  const [name, url, product] = [given?.text('name'), given?.text('url'), given?.text('product_description')];
  return {
    ...(name === undefined ? {} : { name }), ...(url === undefined ? {} : { url }), ...(product === undefined ? {} : { productDescription: product }),
  };
}

function create(world: World, { params, owner }: Call): object {
  const { platform } = world.memory.hidden;
  const country = (params.text('country') ?? 'CN').toUpperCase();
  const facts: AccountFacts = {
    ...readController(params), id: world.id('acct', 16), at: world.now(null), country,
    currency: params.has('default_currency') ? readCurrency(params, 'default_currency') : (CURRENCY_OF[country] ?? 'usd'),
    email: params.text('email') ?? null, businessType: params.oneOf('business_type', ['company', 'individual', 'non_profit']) ?? null,
    capabilities: readCapabilities(params), payoutInterval: readInterval(params) ?? 'daily',
    profile: { name: null, url: null, productDescription: null, ...readProfile(params) }, metadata: mergeMetadata({}, params),
  };
  params.done();
  if (owner !== platform) throw invalid('Only the platform creates connected accounts.');
  if (!/^[A-Z]{2}$/.test(country)) throw invalid(`Country '${country}' is unknown.`, { code: 'country_unsupported', param: 'country' });
  const object = accountShape(facts);
  world.put('account', { owner: object.id, clock: null, object });
  return object;
}

/** Applies changes to an account and tells of them. */
export function changeAccount(world: World, row: Row<Account>, changes: Partial<Account>, at: number): void {
  const previous = changed(row.object, changes);
  if (Object.keys(previous).length === 0) return;
  Object.assign(row.object, changes);
  world.emit({ type: 'account.updated', kind: 'account', object: row.object, at, owner: row.owner, previous });
}

function update(world: World, call: Call): object {
  const row = accountRow(world, call.owner, pathId(call));
  const { object } = row;
  const { params } = call;
  const interval = readInterval(params);
  const asked = readCapabilities(params);
  const profile = readProfile(params);
  const changes: Partial<Account> = {
    email: params.text('email') ?? object.email, metadata: mergeMetadata(object.metadata, params),
    capabilities: {
      ...Object.fromEntries(asked.map((name) => [name, object.details_submitted ? ('active' as const) : ('inactive' as const)])), ...object.capabilities,
    },
  };
  params.done();
  if (interval !== undefined) {
    const { payouts } = object.settings;
    changes.settings = { ...object.settings, payouts: { ...payouts, schedule: { ...payouts.schedule, interval } } };
  }
  if (object.business_profile != null && Object.keys(profile).length > 0) {
    const { name = object.business_profile.name, url = object.business_profile.url, productDescription = object.business_profile.product_description ?? null } = profile;
    changes.business_profile = { ...object.business_profile, name, url, product_description: productDescription };
  }
  changeAccount(world, row, changes, world.now(null));
  return object;
}

function createLink(world: World, { params, owner }: Call): object {
  const account = params.need('account');
  params.oneOf('type', ['account_onboarding', 'account_update']);
  const returnUrl = params.need('return_url');
  const refreshUrl = params.need('refresh_url');
  params.child('collection_options')?.oneOf('fields', ['currently_due', 'eventually_due']);
  params.done();
  accountRow(world, owner, account, 'account');
  for (const [url, param] of [[returnUrl, 'return_url'], [refreshUrl, 'refresh_url']] as const) {
    if (!/^https?:\/\/\S+$/.test(url)) throw invalid('Not a valid URL', { code: 'url_invalid', param });
  }
  const at = world.now(null);
  const token = world.id('', 24).slice(1);
  world.memory.hidden.links[token] = { account, returnUrl, refreshUrl, expiresAt: at + LINK_SECONDS };
  const link: AccountLink = { object: 'account_link', created: at, expires_at: at + LINK_SECONDS, url: `${world.publicUrl}/onboard/${token}` };
  return link;
}

export interface BankFacts {
  holder: string | null;
  country: string;
  currency: string;
  number: string;
  routing: string | null;
}

/** Puts a bank account on a connected account; it becomes the one for its currency. */
export function addBank(world: World, row: Row<Account>, facts: BankFacts): BankAccount {
  const { object } = row;
  const bank: BankAccount = {
    id: world.id('ba'), object: 'bank_account', account: object.id, account_holder_name: facts.holder, account_holder_type: 'individual',
    account_type: null, available_payout_methods: ['standard'], bank_name: 'SANDBOX TEST BANK', country: facts.country, currency: facts.currency,
    customer: null, default_for_currency: true, fingerprint: createHash('sha256').update(facts.number).digest('hex').slice(0, 16),
    last4: facts.number.slice(-4), metadata: {}, routing_number: facts.routing, status: 'new',
  };
  for (const other of object.external_accounts.data) {
    if (other.currency === facts.currency && 'default_for_currency' in other) other.default_for_currency = false;
  }
  object.external_accounts.data.push(bank);
  world.put('bankAccount', { owner: object.id, clock: null, object: bank });
  world.memory.hidden.bankNumbers[bank.id] = facts.number;
  world.emit({ type: 'account.external_account.created', kind: 'bankAccount', object: bank, at: world.now(null), owner: object.id });
  // What another bank gave back, and nobody was there to take.
  if (availableOf(world, object.id, facts.currency) > 0) planAutoPayout(world, object.id, world.now(null));
  return bank;
}

/** What the onboarding form completes: the person is known, the bank is there, capabilities become active. */
export function completeOnboarding(world: World, row: Row<Account>, bank: BankFacts, businessType: 'company' | 'individual'): void {
  addBank(world, row, bank);
  const { object } = row;
  const names = Object.keys(object.capabilities);
  const at = world.now(null);
  changeAccount(world, row, {
    details_submitted: true, charges_enabled: names.length === 0 || names.includes('card_payments') || names.includes('transfers'), payouts_enabled: true,
    business_type: object.business_type ?? businessType, country: bank.country,
    capabilities: Object.fromEntries(names.map((name) => [name, 'active' as const])),
    requirements: requirements([]), tos_acceptance: { date: at, ip: '127.0.0.1', user_agent: null },
  }, at);
}

function addExternal(world: World, call: Call): object {
  const row = accountRow(world, call.owner, pathId(call));
  const given = call.params.child('external_account');
  if (given === undefined) throw invalid('Missing required param: external_account.', { code: 'parameter_missing', param: 'external_account' });
  given.oneOf('object', ['bank_account']);
  given.oneOf('account_holder_type', ['company', 'individual']);
  const facts: BankFacts = {
    holder: given.text('account_holder_name') ?? null, country: given.need('country').toUpperCase(), currency: readCurrency(given),
    number: given.need('account_number'), routing: given.text('routing_number') ?? null,
  };
  call.params.flag('default_for_currency');
  call.params.done();
  return addBank(world, row, facts);
}

function listBanks(world: World, call: Call): object {
  const id = accountRow(world, call.owner, pathId(call)).object.id;
  return lister('bankAccount', { object: (one) => one.object })(world, { ...call, owner: id });
}

function listAccounts(world: World, call: Call): object {
  const { platform } = world.memory.hidden;
  if (call.owner !== platform) throw invalid('Only the platform lists connected accounts.');
  // Each account owns itself; the list is the platform's view over all of them.
  const owned = [...world.rows('account')].filter((row) => row.object.id !== platform).map((row) => row.object);
  const window = pageWindow(call.params);
  return page(owned.reverse(), window, call.path, 'account');
}

export const accountRoutes: readonly Route[] = [
  ['GET', 'account', (world, call) => {
    call.params.done();
    return accountRow(world, call.owner, call.owner).object;
  }],
  ['POST', 'accounts', create],
  ['GET', 'accounts', listAccounts],
  ['GET', 'accounts/:id', (world, call) => {
    call.params.done();
    return accountRow(world, call.owner, pathId(call)).object;
  }],
  ['POST', 'accounts/:id', update],
  ['POST', 'account_links', createLink],
  ['POST', 'accounts/:id/external_accounts', addExternal],
  ['GET', 'accounts/:id/external_accounts', listBanks],
];

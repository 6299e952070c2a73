/** Events to be read again, and the endpoints that they are delivered to. */
import { invalid } from '../core/fault.ts';
import { LIVEMODE, type WebhookEndpoint } from '../core/objects.ts';
import { lister, mergeMetadata, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import { API_VERSION, type World } from '../core/world.ts';

export interface EndpointFacts {
  url: string;
  events: string[];
  /** `true`: receives what happens on connected accounts; `false`: what happens on the platform's own. */
  connect: boolean;
  description: string | null;
  metadata: Record<string, string>;
}

export function makeEndpoint(world: World, owner: string, facts: EndpointFacts): { object: WebhookEndpoint; secret: string } {
  const object: WebhookEndpoint = {
    id: world.id('we'), object: 'webhook_endpoint', api_version: API_VERSION, application: null, created: world.now(null),
    description: facts.description, enabled_events: facts.events, livemode: LIVEMODE, metadata: facts.metadata, status: 'enabled', url: facts.url,
  };
  const secret = world.id('whsec', 32);
  world.put('webhookEndpoint', { owner, clock: null, object });
  world.memory.hidden.endpoints[object.id] = { secret, connect: facts.connect };
  return { object, secret };
}

function create(world: World, { owner, params }: Call): object {
  const facts: EndpointFacts = {
    url: params.need('url'), events: params.texts('enabled_events'), connect: params.flag('connect') ?? false,
    description: params.text('description') ?? null, metadata: mergeMetadata({}, params),
  };
  const version = params.text('api_version');
  params.done();
  checkUrl(facts.url);
  if (facts.events.length === 0) throw invalid('Missing required param: enabled_events.', { code: 'parameter_missing', param: 'enabled_events' });
  if (version !== undefined && version !== API_VERSION) {
    throw invalid(`The sandbox sends events of API version ${API_VERSION}.`, { param: 'api_version' });
  }
  const { object, secret } = makeEndpoint(world, owner, facts);
  // The secret is shown once, in this answer; the object that is kept does not have it.
  return { ...object, secret };
}

function checkUrl(url: string): void {
  if (!/^https?:\/\/\S+$/.test(url)) throw invalid('Invalid URL: An explicit scheme (such as https) must be provided.', { code: 'url_invalid', param: 'url' });
}

function update(world: World, call: Call): object {
  const { params } = call;
  const { object } = world.find('webhookEndpoint', pathId(call), call.owner);
  const url = params.text('url') ?? object.url;
  const events = params.texts('enabled_events');
  const disabled = params.flag('disabled');
  const metadata = mergeMetadata(object.metadata, params);
  params.done();
  checkUrl(url);
  Object.assign(object, {
    url, metadata, enabled_events: events.length === 0 ? object.enabled_events : events,
    status: disabled === undefined ? object.status : disabled ? 'disabled' : 'enabled',
  });
  return object;
}

function remove(world: World, call: Call): object {
  call.params.done();
  const { object } = world.find('webhookEndpoint', pathId(call), call.owner);
  world.memory.tables.webhookEndpoint.delete(object.id);
  return { id: object.id, object: 'webhook_endpoint', deleted: true };
}

/** `type`, and `types[]` for several. A type that ends in `*` matches its beginning. */
function listEvents(world: World, call: Call): object {
  const types = call.params.texts('types');
  const one = call.params.text('type');
  if (one !== undefined) types.push(one);
  const shown = (type: string): boolean =>
    types.length === 0 || types.some((wanted) => (wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted));
  return lister('event', {}, (event) => shown(event.type))(world, call);
}

export const webhookRoutes: readonly Route[] = [
  ['GET', 'events', listEvents],
  ['GET', 'events/:id', retrieve('event')],
  ['POST', 'webhook_endpoints', create],
  ['GET', 'webhook_endpoints', lister('webhookEndpoint')],
  ['GET', 'webhook_endpoints/:id', retrieve('webhookEndpoint')],
  ['POST', 'webhook_endpoints/:id', update],
  ['DELETE', 'webhook_endpoints/:id', remove],
];

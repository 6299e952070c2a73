/**
 * One API request from its headers to its answer: key, version, account, idempotency, handler, expansion. Pure of HTTP
 * sockets, synchronous, so that a request happens wholly or not at all.
 */
import { createHash } from 'node:crypto';
import { invalid, StripeFault } from './fault.ts';
import { expand, type Include } from './expand.ts';
import { makeParams, parseForm } from './form.ts';
import type { Router } from './router.ts';
import { API_VERSION, DAY_SECONDS, type World } from './world.ts';

export interface ApiRequest {
  method: string;
  path: string;
  query: string;
  body: string;
  header: (name: string) => string | undefined;
  /** Wall-clock unix seconds, by which kept answers are forgotten. */
  wallSeconds: number;
}

export interface ApiAnswer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

const KEY_MAX = 255;

/** Answers one request. Never throws: what is not a `StripeFault` becomes a 500 `api_error` and is handed to `broken`. */
export function answer(world: World, router: Router, include: Include, request: ApiRequest, broken: (error: unknown) => void): ApiAnswer {
  const requestId = world.id('req', 14);
  const headers: Record<string, string> = { 'request-id': requestId, 'stripe-version': API_VERSION };
  const key = request.method === 'POST' ? request.header('idempotency-key') : undefined;
  try {
    const owner = admit(world, request);
    world.recorded?.push({ method: request.method, path: request.path, body: request.body, account: owner, idempotencyKey: request.header('idempotency-key') ?? null });
    if (owner !== world.memory.hidden.platform) headers['stripe-account'] = owner;
    if (key === undefined) return { status: 200, headers, body: perform(world, router, include, request, owner, { requestId, key: null }) };
    headers['idempotency-key'] = key;
    return withKey(world, request, { owner, key, requestId, headers }, () =>
      perform(world, router, include, request, owner, { requestId, key }));
  } catch (error) {
    if (error instanceof StripeFault) return { status: error.status, headers, body: faultBody(error, requestId) };
    broken(error);
    const fault = new StripeFault(500, { type: 'api_error', message: 'The sandbox failed. This is a defect of the sandbox.' });
    return { status: 500, headers: { ...headers, 'stripe-should-retry': 'false' }, body: faultBody(fault, requestId) };
  } finally {
    world.request = null;
  }
}

function faultBody(fault: StripeFault, requestId: string): string {
  return JSON.stringify({ error: { ...fault.body, request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}` } }, null, 2);
}

/** Checks key, version and account. Returns the account that the request acts on. */
function admit(world: World, request: ApiRequest): string {
  const { secretKey, platform } = world.memory.hidden;
  const authorization = request.header('authorization');
  const given = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
  if (given === undefined) {
    throw new StripeFault(401, { type: 'invalid_request_error', message: 'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.' });
  }
  if (given !== secretKey) {
    throw new StripeFault(401, { type: 'invalid_request_error', message: `Invalid API Key provided: ${given.slice(0, 8)}****` });
  }
  const version = request.header('stripe-version');
  if (version !== undefined && version !== API_VERSION) {
    throw invalid(`Invalid Stripe API version: ${version}. The sandbox speaks ${API_VERSION} only.`);
  }
  const account = request.header('stripe-account');
  if (account === undefined || account === platform) return platform;
  if (world.peek('account', account) === undefined) {
    throw new StripeFault(403, {
      type: 'invalid_request_error', code: 'account_invalid',
      message: `The provided key does not have access to account '${account}' (or that account does not exist).`,
    });
  }
  return account;
}

function perform(world: World, router: Router, include: Include, request: ApiRequest, owner: string, by: { requestId: string; key: string | null }): string {
  const { handler, ids } = router.match(request.method, request.path);
  const form = request.method === 'POST' ? request.body : request.query;
  const params = makeParams(parseForm(form));
  const paths = params.texts('expand');
  world.request = { id: by.requestId, idempotencyKey: by.key };
  const result = handler(world, { owner, params, ids, path: request.path });
  return JSON.stringify(paths.length === 0 ? result : expand(world, result, paths, include), null, 2);
}

interface Keyed {
  owner: string;
  key: string;
  requestId: string;
  headers: Record<string, string>;
}

function withKey(world: World, request: ApiRequest, keyed: Keyed, work: () => string): ApiAnswer {
  const { owner, key, requestId, headers } = keyed;
  if (key === '' || key.length > KEY_MAX) throw invalid(`Idempotency keys have between 1 and ${KEY_MAX} characters.`);
  const { answers } = world.memory.hidden;
  const name = `${owner} ${key}`;
  const digest = createHash('sha256').update(`${request.path}\n${request.body}`).digest('hex');
  const kept = answers[name];
  if (kept !== undefined && request.wallSeconds - kept.at < DAY_SECONDS) {
    if (kept.digest !== digest) {
      throw new StripeFault(400, {
        type: 'idempotency_error',
        message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      });
    }
    return { status: kept.status, body: kept.body, headers: { ...headers, 'idempotent-replayed': 'true', 'original-request': kept.requestId } };
  }
  const keep = (status: number, body: string): ApiAnswer => {
    answers[name] = { digest, status, body, requestId, at: request.wallSeconds };
    return { status, body, headers: { ...headers, 'original-request': requestId } };
  };
  try {
    return keep(200, work());
  } catch (error) {
    if (error instanceof StripeFault && error.kept) return keep(error.status, faultBody(error, requestId));
    throw error;
  }
}

import { type NextFunction, type Request, type Response, Router } from 'express';

import type { Handlers } from '../../contracts/generated/contract.ts';
import type { MediaSource } from '../kernel/media.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor, RequestContext } from '../kernel/request.ts';
import type { EventSource } from '../kernel/server-event.ts';
import { writeEvents } from './events.ts';
import { type MediaIo, writeMedia } from './media.ts';
import { networkOf } from './network.ts';
import type { Bundle, Operation } from './operations.ts';
import { bodyReader, type RawInput, readIdempotencyKey, readInput } from './request-input.ts';
import type { Validators } from './validation.ts';

export type AppHandlers = Handlers<RequestContext>;
type AnyHandler = (input: RawInput, context: RequestContext) => Promise<AnyOutput>;

interface AnyOutput {
  status: number;
  body?: unknown;
  media?: MediaSource;
  events?: EventSource;
}

export interface RouterDeps {
  bundle: Bundle;
  validators: Validators;
  handlers: AppHandlers;
  authenticate: (token: string) => Promise<Actor | null>;
  /** By which media is paced. */
  clock: MediaIo['clock'];
  media?: Omit<MediaIo, 'clock'>;
  /** In tests every answer is held against the contract as well. */
  validateResponses: boolean;
}

function bearer(request: Request): string | null {
  const match = /^Bearer ([\x21-\x7e]{1,512})$/.exec(request.headers.authorization ?? '');
  return match?.[1] ?? null;
}

async function actorOf(request: Request, operation: Operation, deps: RouterDeps): Promise<Actor | null> {
  const token = bearer(request);
  const actor = token === null ? null : await deps.authenticate(token);
  if (operation.public) return actor;
  if (token === null) throw new Refusal('session_missing', 'Sign in with your passkey and send Authorization: Bearer <token>.');
  if (actor === null) throw new Refusal('session_invalid', 'Sign in again: this session has ended.');
  if (operation.roles.length > 0 && !operation.roles.some((role) => actor.roles.includes(role))) {
    throw new Refusal('role_missing', `This needs the role ${operation.roles.join(' or ')}, which comes by invitation.`);
  }
  return actor;
}

async function send(request: Request, response: Response, operation: Operation, output: AnyOutput, deps: RouterDeps): Promise<void> {
  const promised = operation.responses[String(output.status)];
  if (promised === undefined) throw new Error(`${operation.id} answered ${output.status}, which its contract does not promise.`);
  if (output.media !== undefined) {
    if (!operation.media) throw new Error(`${operation.id} may not send media.`);
    await writeMedia(request, response, output.media, { ...deps.media, clock: deps.clock });
    return;
  }
  if (output.events !== undefined) {
    await writeEvents(response, output.events);
    return;
  }
  if (promised.contentType === null || promised.pointer === null) {
    response.status(output.status).end();
    return;
  }
  response.status(output.status).set({ 'Content-Type': promised.contentType, 'Cache-Control': 'no-store' });
  if (promised.contentType !== 'application/json') {
    response.end(output.body);
    return;
  }
  const text = JSON.stringify(output.body);
  if (deps.validateResponses) {
    const validate = deps.validators.at(promised.pointer);
    if (!validate(JSON.parse(text))) {
      throw new Error(`${operation.id} broke its contract: ${JSON.stringify(validate.errors?.slice(0, 3))}`);
    }
  }
  response.end(text);
}

/** Who sent a request, found out before its body is read: nobody's megabytes stay in the socket. */
const askers = new WeakMap<Request, Actor | null>();

function identify(operation: Operation, deps: RouterDeps) {
  return async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
    askers.set(request, await actorOf(request, operation, deps));
    next();
  };
}

function serve(operation: Operation, deps: RouterDeps) {
  // The table of handlers is complete and typed by the contract; inside the router one operation is like another.
  const handler = deps.handlers[operation.id] as unknown as AnyHandler;
  return async (request: Request, response: Response): Promise<void> => {
    const actor = askers.get(request) ?? null;
    const input = readInput(request, operation, deps.validators);
    const idempotency = readIdempotencyKey(operation, input, actor, deps.validators);
    const requestId = String(response.getHeader('X-Request-Id'));
    await send(request, response, operation, await handler(input, { requestId, actor, idempotency, network: networkOf(request.ip) }), deps);
  };
}

/** Mounts every operation of the bundle; no route is written by hand. */
export function makeRouter(deps: RouterDeps): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const methods = new Map<string, string[]>();
  for (const operation of deps.bundle.operations) {
    router[operation.method](operation.path, identify(operation, deps), bodyReader(operation), serve(operation, deps));
    methods.set(operation.path, [...(methods.get(operation.path) ?? []), operation.method.toUpperCase()]);
  }
  for (const [path, allowed] of methods) {
    router.all(path, (_request: Request, response: Response, next: NextFunction) => {
      response.set('Allow', allowed.join(', '));
      next(new Refusal('method_not_allowed', `Use ${allowed.join(' or ')}.`));
    });
  }
  router.use((_request: Request, _response: Response, next: NextFunction) => next(notFound()));
  return router;
}

import express, { type Express, type NextFunction, type Request, type Response } from 'express';

import type { Random } from '../kernel/random.ts';
import type { Clock } from '../kernel/time.ts';
import type { Log } from '../platform/telemetry/index.ts';
import { INTERNAL_PROBLEM, problemOf, refusalOf } from './problems.ts';
import { mountReference } from './reference.ts';
import { makeRouter, type RouterDeps } from './router.ts';

export interface AppDeps extends RouterDeps {
  log: Log;
  clock: Clock;
  random: Random;
  /** How many proxies of ours stand in front. */
  trustedProxies?: number;
}

/** An id for each request, a line for each answer. The query is left out of the log: it may hold what was searched. */
function observe(deps: AppDeps) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const requestId = Buffer.from(deps.random.bytes(12)).toString('base64url');
    const started = deps.clock.monotonic();
    response.set('X-Request-Id', requestId);
    response.once('close', () => {
      deps.log.info({
        requestId, method: request.method, path: request.path, status: response.statusCode, finished: response.writableFinished,
        milliseconds: Number(deps.clock.monotonic() - started) / 1e6,
      }, 'answered');
    });
    next();
  };
}

/** Four parameters, or Express takes it for a plain middleware. */
function answerErrors(deps: AppDeps) {
  return (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const refusal = refusalOf(error);
    const requestId = response.getHeader('X-Request-Id');
    const { path } = request;
    if (refusal === null) deps.log.error({ requestId, path, err: error }, 'an error of ours');
    else deps.log.info({ requestId, path, code: refusal.code, cause: refusal.cause }, 'refused');
    if (response.headersSent) {
      // Too late for a problem: only a reset tells the caller that what came is not all.
      response.socket?.resetAndDestroy();
      return;
    }
    const problem = refusal === null ? INTERNAL_PROBLEM : problemOf(refusal);
    if (problem.status === 429 || problem.status === 503) response.set('Retry-After', typeof problem['retryAfterSeconds'] === 'number' ? String(problem['retryAfterSeconds']) : '1');
    response.status(problem.status).set({ 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' });
    response.end(JSON.stringify(problem));
  };
}

/** The whole HTTP surface: the contract's operations, and the page that shows them. */
export function makeApp(deps: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('etag', false);
  // Behind proxies of ours the address is the one that the outermost of them saw; anything further left anybody can write.
  app.set('trust proxy', deps.trustedProxies ?? 0);
  app.use(observe(deps));
  mountReference(app, deps.bundle);
  app.use(makeRouter(deps));
  app.use(answerErrors(deps));
  return app;
}

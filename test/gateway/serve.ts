import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

import { makeGatewayHandlers } from '../../src/gateway/index.ts';
import { makeApp } from '../../src/http/app.ts';
import { loadBundle } from '../../src/http/operations.ts';
import type { AppHandlers, RouterDeps } from '../../src/http/router.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import type { GatewayWorld, Person } from './world.ts';

/** A transfer that a test reads at its own pace. */
export interface Transfer {
  response: IncomingMessage;
  received(): Buffer;
  /** When it ended: true when it was complete, false when it was reset. */
  ended: Promise<boolean>;
  leave(): void;
}

export interface Served {
  origin: string;
  get(path: string, person?: Person, headers?: Record<string, string>): Promise<Response>;
  post(path: string, person: Person, key: string, body: object): Promise<Response>;
  /** Begins to read; answers once the headers are there. */
  open(path: string, person: Person): Promise<Transfer>;
  close(): Promise<void>;
}

/** The contract's own router over real HTTP, with this room's handlers; the other rooms' are not there. A session's token is its account. */
export async function serve(own: GatewayWorld, media: RouterDeps['media'] = {}): Promise<Served> {
  const sessions = new Map<string, Person>();
  const bundle = loadBundle();
  const server = createServer(makeApp({
    bundle, validators: makeValidators(bundle), handlers: makeGatewayHandlers(own.gateway) as AppHandlers, validateResponses: true, media,
    authenticate: async (token) => sessions.get(token)?.actor ?? null, log: makeLog({ level: 'silent' }), clock: systemClock, random: systemRandom,
  }));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const authorization = (person: Person): string => {
    sessions.set(person.actor.accountId, person);
    return `Bearer ${person.actor.accountId}`;
  };
  return {
    origin,
    get: async (path, person, headers = {}) =>
      await fetch(origin + path, { headers: { ...headers, ...(person === undefined ? {} : { authorization: authorization(person) }) } }),
    post: async (path, person, key, body) => await fetch(origin + path, {
      method: 'POST', headers: { authorization: authorization(person), 'content-type': 'application/json', 'idempotency-key': `"${key}"` }, body: JSON.stringify(body),
    }),
    async open(path, person) {
      const request = httpRequest(origin + path, { agent: false, headers: { authorization: authorization(person) } });
      request.on('error', () => undefined);
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const parts: Buffer[] = [];
      response.on('data', (chunk: Buffer) => parts.push(chunk));
      response.on('error', () => undefined);
      return {
        response, received: () => Buffer.concat(parts), leave: () => request.destroy(),
        ended: new Promise((done) => response.once('close', () => done(response.complete))),
      };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

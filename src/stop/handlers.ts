import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Stop } from './service.ts';

/** RFC 7240: `Prefer: wait=N` in seconds. Anything else is a preference that is not kept. */
function waitOf(prefer: string | undefined): number {
  return Number(/^wait=(\d|10)$/.exec(prefer ?? '')?.[1] ?? 0) * 1_000;
}

type Mine = Pick<
  Handlers<RequestContext>,
  'pauseClone' | 'resumeClone' | 'quoteStop' | 'orderStop' | 'getStop' | 'watchStop' | 'orderPlatform' | 'confirmPlatform' | 'listGateways'
  | 'confirmDatabase'
>;

export function makeStopHandlers(stop: Stop): Mine {
  return {
    async pauseClone({ path, body, headers }, context) {
      return { status: 202, body: await stop.pauseClone(signedIn(context), writeKey(context), path.cloneId, body, waitOf(headers['prefer'])) };
    },
    async resumeClone({ path, body }, context) {
      return { status: 200, body: await stop.resumeClone(signedIn(context), writeKey(context), path.cloneId, body) };
    },
    async quoteStop({ path, query }, context) {
      return { status: 200, body: await stop.quoteStop(signedIn(context), path.cloneId, query) };
    },
    async orderPlatform({ body }, context) {
      return { status: 201, body: await stop.orderPlatform(signedIn(context), writeKey(context), body) };
    },
    async confirmPlatform({ path }, context) {
      return { status: 202, body: await stop.confirmPlatform(signedIn(context), writeKey(context), path.orderId) };
    },
    async listGateways() {
      return { status: 200, body: await stop.listGateways() };
    },
    async confirmDatabase({ path, body }, context) {
      return { status: 200, body: await stop.confirmDatabase(signedIn(context), writeKey(context), path.distrustId, body) };
    },
    async orderStop({ path, body, headers }, context) {
      const ordered = await stop.orderStop(signedIn(context), writeKey(context), path.cloneId, body, waitOf(headers['prefer']));
      return { status: 202, body: ordered };
    },
    async watchStop({ path, headers }, context) {
      return { status: 200, events: await stop.watchStop(signedIn(context), path.stopId, headers['last-event-id']) };
    },
    async getStop({ path }, context) {
      return { status: 200, body: await stop.getStop(signedIn(context), path.stopId) };
    },
  };
}

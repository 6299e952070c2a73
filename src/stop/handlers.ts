import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Stop } from './service.ts';

type Mine = Pick<Handlers<RequestContext>, 'pauseClone' | 'resumeClone' | 'quoteStop' | 'orderStop' | 'getStop'>;

export function makeStopHandlers(stop: Stop): Mine {
  return {
    async pauseClone({ path }, context) {
      return { status: 200, body: await stop.pauseClone(signedIn(context), writeKey(context), path.cloneId) };
    },
    async resumeClone({ path }, context) {
      return { status: 200, body: await stop.resumeClone(signedIn(context), writeKey(context), path.cloneId) };
    },
    async quoteStop({ path }, context) {
      return { status: 200, body: await stop.quoteStop(signedIn(context), path.cloneId) };
    },
    async orderStop({ path, body }, context) {
      return { status: 202, body: await stop.orderStop(signedIn(context), writeKey(context), path.cloneId, body) };
    },
    async getStop({ path }, context) {
      return { status: 200, body: await stop.getStop(signedIn(context), path.stopId) };
    },
  };
}

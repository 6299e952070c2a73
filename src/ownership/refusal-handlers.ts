import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Refusals } from './refusal-service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'draftRefusal' | 'registerRefusal' | 'listRefusals' | 'getRefusal' | 'withdrawRefusal' | 'listRefusalMatches' | 'listEnrolmentHolds'
  | 'contestEnrolmentHold' | 'listHeldEnrolments' | 'reviewEnrolmentHold'
>;

const LISTED = 50;

export function makeRefusalHandlers(service: Refusals): Mine {
  return {
    async draftRefusal({ body }, context) {
      return { status: 200, body: await service.draftRefusal(signedIn(context), body) };
    },
    async registerRefusal({ body }, context) {
      return { status: 201, body: await service.registerRefusal(signedIn(context), writeKey(context), body) };
    },
    async listRefusals(_input, context) {
      return { status: 200, body: await service.listRefusals(signedIn(context)) };
    },
    async getRefusal({ path }, context) {
      return { status: 200, body: await service.getRefusal(signedIn(context), path.refusalId) };
    },
    async withdrawRefusal({ path, body }, context) {
      return { status: 200, body: await service.withdrawRefusal(signedIn(context), writeKey(context), path.refusalId, body) };
    },
    async listRefusalMatches({ path, query }, context) {
      return { status: 200, body: await service.listRefusalMatches(signedIn(context), path.refusalId, query.limit ?? LISTED) };
    },
    async listEnrolmentHolds({ query }, context) {
      return { status: 200, body: await service.listEnrolmentHolds(signedIn(context), query.limit ?? LISTED) };
    },
    async contestEnrolmentHold({ path, body }, context) {
      return { status: 200, body: await service.contestEnrolmentHold(signedIn(context), writeKey(context), path.holdId, body) };
    },
    async listHeldEnrolments({ query }, context) {
      return { status: 200, body: await service.listHeldEnrolments(withRole(context, 'reviewer'), query.limit ?? LISTED) };
    },
    async reviewEnrolmentHold({ path, body }, context) {
      const reviewer = withRole(context, 'reviewer');
      return { status: 201, body: await service.reviewEnrolmentHold(reviewer, writeKey(context), path.holdId, body) };
    },
  };
}

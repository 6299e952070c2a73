import type { Handlers } from '../../contracts/generated/contract.ts';
import { withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Adjustments } from './adjustments.ts';
import type { Imports } from './imports.ts';

type Mine = Pick<Handlers<RequestContext>, 'proposeAdjustment' | 'approveAdjustment' | 'rejectAdjustment' | 'withdrawAdjustment' | 'listAdjustments' | 'checkImport' | 'postImport'>;

/** What operators post by hand. */
export function makeAdjustHandlers(adjustments: Adjustments & Imports): Mine {
  return {
    async proposeAdjustment({ body }, context) {
      return { status: 201, body: await adjustments.proposeAdjustment(withRole(context, 'operator'), writeKey(context), body) };
    },
    async approveAdjustment({ path }, context) {
      return { status: 200, body: await adjustments.approveAdjustment(withRole(context, 'operator'), writeKey(context), path.adjustmentId) };
    },
    async rejectAdjustment({ path, body }, context) {
      return { status: 200, body: await adjustments.rejectAdjustment(withRole(context, 'operator'), writeKey(context), path.adjustmentId, body) };
    },
    async withdrawAdjustment({ path, body }, context) {
      return { status: 200, body: await adjustments.withdrawAdjustment(withRole(context, 'operator'), writeKey(context), path.adjustmentId, body) };
    },
    async listAdjustments(_input, context) {
      withRole(context, 'operator');
      return { status: 200, body: await adjustments.listAdjustments() };
    },
    async checkImport({ body }, context) {
      return { status: 201, body: await adjustments.checkImport(withRole(context, 'operator'), writeKey(context), body) };
    },
    async postImport({ path }, context) {
      return { status: 200, body: await adjustments.postImport(withRole(context, 'operator'), writeKey(context), path.importId) };
    },
  };
}

import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Consent } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  'draftDelegation' | 'listDelegations' | 'getDelegation' | 'signDelegation' | 'endDelegation' | 'listDelegatedActs'
>;

const ACTS_SHOWN = 50;

export function makeDelegationHandlers(consent: Consent): Mine {
  return {
    async draftDelegation({ body }, context) {
      return { status: 201, body: await consent.draftDelegation(signedIn(context), writeKey(context), body) };
    },
    async listDelegations(_input, context) {
      return { status: 200, body: await consent.listDelegations(signedIn(context)) };
    },
    async getDelegation({ path }, context) {
      return { status: 200, body: await consent.getDelegation(signedIn(context), path.delegationId) };
    },
    async signDelegation({ path, body }, context) {
      return { status: 200, body: await consent.signDelegation(signedIn(context), writeKey(context), path.delegationId, body.signature) };
    },
    async endDelegation({ path }, context) {
      return { status: 200, body: await consent.endDelegation(signedIn(context), writeKey(context), path.delegationId) };
    },
    async listDelegatedActs({ path, query }, context) {
      return { status: 200, body: await consent.listDelegatedActs(signedIn(context), path.delegationId, query.limit ?? ACTS_SHOWN) };
    },
  };
}

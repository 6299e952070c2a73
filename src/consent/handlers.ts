import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Consent } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  'draftGrant' | 'getGrant' | 'signGrant' | 'draftAmendment' | 'signAmendment' | 'revokeGrant' | 'explainDecision'
  | 'dryRunDecision' | 'getGrantMatrix' | 'getLegalReport'
>;

export function makeConsentHandlers(consent: Consent): Mine {
  return {
    async draftGrant({ path, body }, context) {
      return { status: 201, body: await consent.draftGrant(signedIn(context), writeKey(context), path.cloneId, body) };
    },
    async getGrant({ path }, context) {
      return { status: 200, body: await consent.getGrant(signedIn(context), path.grantId) };
    },
    async signGrant({ path, body }, context) {
      return { status: 200, body: await consent.signGrant(signedIn(context), writeKey(context), path.grantId, body.signature) };
    },
    async draftAmendment({ path, body }, context) {
      return { status: 201, body: await consent.draftAmendment(signedIn(context), writeKey(context), path.grantId, body) };
    },
    async signAmendment({ path, body }, context) {
      return { status: 200, body: await consent.signAmendment(signedIn(context), writeKey(context), path.grantId, body.signature) };
    },
    async revokeGrant({ path, body }, context) {
      return { status: 200, body: await consent.revokeGrant(signedIn(context), writeKey(context), path.grantId, body.signature) };
    },
    async dryRunDecision({ path, query }, context) {
      return { status: 200, body: await consent.dryRunDecision(signedIn(context), path.cloneId, query) };
    },
    async getGrantMatrix({ path }, context) {
      return { status: 200, body: await consent.getGrantMatrix(signedIn(context), path.grantId) };
    },
    async getLegalReport({ path }, context) {
      return { status: 200, body: await consent.getLegalReport(signedIn(context), path.grantId) };
    },
    async explainDecision({ path }, context) {
      return { status: 200, body: await consent.explainDecision(signedIn(context), path.decisionId) };
    },
  };
}

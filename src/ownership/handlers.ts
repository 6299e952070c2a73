import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Ownership } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'draftOwnershipClaim' | 'openOwnershipProof' | 'getOwnershipProof' | 'addDomainEvidence' | 'checkDomainEvidence'
  | 'addVoiceChallenge' | 'uploadVoiceChallenge' | 'submitOwnershipProof' | 'listReviews' | 'reviewOwnershipProof'
  | 'withdrawOwnershipProof'
>;

export function makeOwnershipHandlers(service: Ownership): Mine {
  return {
    async draftOwnershipClaim({ body }, context) {
      return { status: 200, body: service.draftOwnershipClaim(signedIn(context), body) };
    },
    async openOwnershipProof({ body }, context) {
      return { status: 201, body: await service.openOwnershipProof(signedIn(context), writeKey(context), body) };
    },
    async getOwnershipProof({ path }, context) {
      return { status: 200, body: await service.getOwnershipProof(signedIn(context), path.proofId) };
    },
    async addDomainEvidence({ path, body }, context) {
      return { status: 201, body: await service.addDomainEvidence(signedIn(context), writeKey(context), path.proofId, body) };
    },
    async checkDomainEvidence({ path }, context) {
      const { proofId, evidenceId } = path;
      return { status: 200, body: await service.checkDomainEvidence(signedIn(context), writeKey(context), proofId, evidenceId) };
    },
    async addVoiceChallenge({ path, body }, context) {
      return { status: 201, body: await service.addVoiceChallenge(signedIn(context), writeKey(context), path.proofId, body) };
    },
    async uploadVoiceChallenge({ path, body }, context) {
      const { proofId, evidenceId } = path;
      return { status: 200, body: await service.uploadVoiceChallenge(signedIn(context), writeKey(context), proofId, evidenceId, body) };
    },
    async submitOwnershipProof({ path }, context) {
      return { status: 200, body: await service.submitOwnershipProof(signedIn(context), writeKey(context), path.proofId) };
    },
    async listReviews({ query }, context) {
      return { status: 200, body: await service.listReviews(withRole(context, 'reviewer'), query.limit ?? 50) };
    },
    async reviewOwnershipProof({ path, body }, context) {
      const reviewer = withRole(context, 'reviewer');
      return { status: 201, body: await service.reviewOwnershipProof(reviewer, writeKey(context), path.proofId, body) };
    },
    async withdrawOwnershipProof({ path, body }, context) {
      const operator = withRole(context, 'operator');
      return { status: 200, body: await service.withdrawOwnershipProof(operator, writeKey(context), path.proofId, body) };
    },
  };
}

import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Ownership } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'draftOwnershipClaim' | 'openOwnershipProof' | 'getOwnershipProof' | 'addEvidence' | 'checkEvidence' | 'uploadEvidence' | 'submitOwnershipProof' | 'listReviews' | 'reviewOwnershipProof'
  | 'withdrawOwnershipProof' | 'appealOwnershipProof' | 'claimReview' | 'releaseReview' | 'getReviewFigures' | 'recheckEvidence' | 'draftRepresentation'
  | 'draftVouch' | 'vouchForProof' | 'viewPaper'
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
    async addEvidence({ path, body }, context) {
      return { status: 201, body: await service.addEvidence(signedIn(context), writeKey(context), path.proofId, body) };
    },
    async checkEvidence({ path, body }, context) {
      const { proofId, evidenceId } = path;
      return { status: 200, body: await service.checkEvidence(signedIn(context), writeKey(context), proofId, evidenceId, body ?? {}) };
    },
    async uploadEvidence({ path, body }, context) {
      const { proofId, evidenceId } = path;
      return { status: 200, body: await service.uploadEvidence(signedIn(context), writeKey(context), proofId, evidenceId, body) };
    },
    async submitOwnershipProof({ path }, context) {
      return { status: 200, body: await service.submitOwnershipProof(signedIn(context), writeKey(context), path.proofId) };
    },
    async appealOwnershipProof({ path, body }, context) {
      return { status: 200, body: await service.appealOwnershipProof(signedIn(context), writeKey(context), path.proofId, body) };
    },
    async recheckEvidence({ path }, context) {
      const { proofId, evidenceId } = path;
      return { status: 200, body: await service.recheckEvidence(signedIn(context), writeKey(context), proofId, evidenceId) };
    },
    async draftRepresentation({ path, body }, context) {
      return { status: 200, body: await service.draftRepresentation(signedIn(context), path.proofId, body) };
    },
    async draftVouch({ path, body }, context) {
      return { status: 200, body: await service.draftVouch(signedIn(context), path.proofId, path.evidenceId, body) };
    },
    async vouchForProof({ path, body }, context) {
      return { status: 200, body: await service.vouchForProof(signedIn(context), writeKey(context), path.proofId, path.evidenceId, body) };
    },
    async viewPaper({ path, query }, context) {
      return { status: 200, body: await service.viewPaper(withRole(context, 'reviewer'), path.proofId, path.evidenceId, query.reason) };
    },
    async claimReview({ path }, context) {
      return { status: 201, body: await service.claimReview(withRole(context, 'reviewer'), writeKey(context), path.proofId) };
    },
    async releaseReview({ path }, context) {
      return { status: 200, body: await service.releaseReview(withRole(context, 'reviewer'), writeKey(context), path.proofId) };
    },
    async getReviewFigures(_input, context) {
      withRole(context, 'operator');
      return { status: 200, body: await service.getReviewFigures() };
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

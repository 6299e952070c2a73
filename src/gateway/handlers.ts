import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Gateway } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'requestOutput' | 'listOutputs' | 'getOutput' | 'getOutputReceipt' | 'getOutputMedia' | 'getOutputStream' | 'getSegmentReceipt' | 'getOutputStatus' | 'checkFile'
  | 'getOutputApproval' | 'approveOutput' | 'rejectOutput' | 'requestProbes' | 'getEvidenceMedia' | 'getEnrolmentMedia'
>;

export function makeGatewayHandlers(service: Gateway): Mine {
  return {
    async requestOutput({ path, body }, context) {
      return { status: 202, body: await service.requestOutput(signedIn(context), writeKey(context), path.cloneId, body) };
    },
    async listOutputs({ query }, context) {
      return { status: 200, body: await service.listOutputs(signedIn(context), { ...query, limit: query.limit ?? 50 }) };
    },
    async getOutput({ path }, context) {
      return { status: 200, body: await service.getOutput(signedIn(context), path.outputId) };
    },
    async getOutputReceipt({ path }, context) {
      return { status: 200, body: await service.getOutputReceipt(signedIn(context), path.outputId) };
    },
    async getOutputMedia({ path }, context) {
      return { status: 200, media: await service.getOutputMedia(signedIn(context), path.outputId) };
    },
    async getOutputStream({ path }, context) {
      return { status: 200, media: await service.getOutputStream(signedIn(context), path.outputId) };
    },
    async getSegmentReceipt({ path }, context) {
      return { status: 200, body: await service.getSegmentReceipt(signedIn(context), path.outputId, path.sequence) };
    },
    async getOutputApproval({ path }, context) {
      return { status: 200, body: await service.getOutputApproval(signedIn(context), path.outputId) };
    },
    async approveOutput({ path }, context) {
      return { status: 200, body: await service.approveOutput(signedIn(context), writeKey(context), path.outputId) };
    },
    async rejectOutput({ path }, context) {
      return { status: 200, body: await service.rejectOutput(signedIn(context), writeKey(context), path.outputId) };
    },
    async getOutputStatus({ path }) {
      return { status: 200, body: await service.getOutputStatus(path.outputId) };
    },
    async checkFile({ body }) {
      return { status: 200, body: await service.checkFile(body) };
    },
    async requestProbes({ path }, context) {
      return { status: 202, body: await service.requestProbes(signedIn(context), writeKey(context), path.versionId) };
    },
    async getEvidenceMedia({ path }, context) {
      return { status: 200, media: await service.getEvidenceMedia(signedIn(context), path.proofId, path.evidenceId) };
    },
    async getEnrolmentMedia({ path }, context) {
      return { status: 200, media: await service.getEnrolmentMedia(signedIn(context), path.cloneId) };
    },
  };
}

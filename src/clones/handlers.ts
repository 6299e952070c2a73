import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Clones } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'listClones' | 'createClone' | 'getClone' | 'replaceCloneProof' | 'uploadEnrolmentVoice' | 'setPersona' | 'createVersion'
  | 'getVersion' | 'approveVersion' | 'withdrawVersion'
>;

export function makeClonesHandlers(service: Clones): Mine {
  return {
    async listClones({ query }) {
      return { status: 200, body: await service.listClones({ ...query, limit: query.limit ?? 50 }) };
    },
    async createClone({ body }, context) {
      return { status: 201, body: await service.createClone(signedIn(context), writeKey(context), body) };
    },
    async getClone({ path }, context) {
      return { status: 200, body: await service.getClone(signedIn(context), path.cloneId) };
    },
    async replaceCloneProof({ path, body }, context) {
      return { status: 200, body: await service.replaceCloneProof(signedIn(context), writeKey(context), path.cloneId, body) };
    },
    async uploadEnrolmentVoice({ path, body }, context) {
      return { status: 200, body: await service.uploadEnrolmentVoice(signedIn(context), writeKey(context), path.cloneId, body) };
    },
    async setPersona({ path, body }, context) {
      return { status: 200, body: await service.setPersona(signedIn(context), writeKey(context), path.cloneId, body) };
    },
    async createVersion({ path }, context) {
      return { status: 201, body: await service.createVersion(signedIn(context), writeKey(context), path.cloneId) };
    },
    async getVersion({ path }, context) {
      return { status: 200, body: await service.getVersion(signedIn(context), path.versionId) };
    },
    async approveVersion({ path, body }, context) {
      return { status: 200, body: await service.approveVersion(signedIn(context), writeKey(context), path.versionId, body) };
    },
    async withdrawVersion({ path }, context) {
      return { status: 200, body: await service.withdrawVersion(signedIn(context), writeKey(context), path.versionId) };
    },
  };
}

import type { Handlers, Output } from '../../contracts/generated/contract.ts';
import { signedIn } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Exports } from './service.ts';

type Mine = Pick<Handlers<RequestContext>, 'getGrantEvidence' | 'getGrantContract' | 'getGrantOdrl' | 'getConsentReceipt' | 'getOdrlProfile'>;

export function makeExportsHandlers(exports: Exports): Mine {
  return {
    async getGrantOdrl({ path, query }, context) {
      return { status: 200, body: await exports.getGrantOdrl(signedIn(context), path.grantId, query.version) };
    },
    async getConsentReceipt({ path, query }, context) {
      return { status: 200, body: await exports.getConsentReceipt(signedIn(context), path.grantId, query.version) };
    },
    async getOdrlProfile() {
      return { status: 200, body: await exports.getOdrlProfile() };
    },
    async getGrantContract({ path, query }, context) {
      return { status: 200, body: await exports.getGrantContract(signedIn(context), path.grantId, query.digest) };
    },
    async getGrantEvidence({ path }, context) {
      const body = await exports.getGrantEvidence(signedIn(context), path.grantId);
      return { status: 200, body: body as Extract<Output<'getGrantEvidence'>, { status: 200 }>['body'] };
    },
  };
}

import type { Handlers, Output } from '../../contracts/generated/contract.ts';
import { signedIn } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Exports } from './service.ts';

type Mine = Pick<Handlers<RequestContext>, 'getGrantEvidence' | 'getGrantContract'>;

export function makeExportsHandlers(exports: Exports): Mine {
  return {
    async getGrantContract({ path, query }, context) {
      return { status: 200, body: await exports.getGrantContract(signedIn(context), path.grantId, query.digest) };
    },
    async getGrantEvidence({ path }, context) {
      const body = await exports.getGrantEvidence(signedIn(context), path.grantId);
      return { status: 200, body: body as Extract<Output<'getGrantEvidence'>, { status: 200 }>['body'] };
    },
  };
}

import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Consent } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'draftLicence' | 'listLicences' | 'getLicence' | 'signLicence' | 'endLicence' | 'listAmendments' | 'countersignAmendment' | 'withdrawAmendment'
>;

export function makeLicenceHandlers(consent: Consent): Mine {
  return {
    async draftLicence({ path, body }, context) {
      return { status: 201, body: await consent.draftLicence(signedIn(context), writeKey(context), path.grantId, body) };
    },
    async listLicences(_input, context) {
      return { status: 200, body: await consent.listLicences(signedIn(context)) };
    },
    async getLicence({ path }, context) {
      return { status: 200, body: await consent.getLicence(signedIn(context), path.licenceId) };
    },
    async signLicence({ path, body }, context) {
      return { status: 200, body: await consent.signLicence(signedIn(context), writeKey(context), path.licenceId, body.signature) };
    },
    async endLicence({ path, body }, context) {
      return { status: 200, body: await consent.endLicence(signedIn(context), writeKey(context), path.licenceId, body) };
    },
    async listAmendments({ path }, context) {
      return { status: 200, body: await consent.listAmendments(signedIn(context), path.grantId) };
    },
    async countersignAmendment({ path, body }, context) {
      return { status: 200, body: await consent.countersignAmendment(signedIn(context), writeKey(context), path.grantId, body.signature) };
    },
    async withdrawAmendment({ path, body }, context) {
      return { status: 200, body: await consent.withdrawAmendment(signedIn(context), writeKey(context), path.grantId, body.digest) };
    },
  };
}

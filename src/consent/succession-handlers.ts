import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Consent } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'draftSuccession' | 'listSuccessions' | 'getSuccession' | 'signSuccession' | 'uploadDeathPaper' | 'draftDeathReport' | 'reportDeath'
  | 'listDeathReports' | 'getDeathReport' | 'readDeathPapers' | 'reviewDeathReport' | 'dissentFromReport' | 'declareAlive'
>;

const REPORTS_SHOWN = 20;

export function makeSuccessionHandlers(consent: Consent): Mine {
  return {
    async draftSuccession({ body }, context) {
      return { status: 201, body: await consent.draftSuccession(signedIn(context), writeKey(context), body) };
    },
    async listSuccessions(_input, context) {
      return { status: 200, body: await consent.listSuccessions(signedIn(context)) };
    },
    async getSuccession({ path }, context) {
      return { status: 200, body: await consent.getSuccession(signedIn(context), path.successionId) };
    },
    async signSuccession({ path, body }, context) {
      return { status: 200, body: await consent.signSuccession(signedIn(context), writeKey(context), path.successionId, body.signature) };
    },
    async uploadDeathPaper({ path, body }, context) {
      return { status: 201, body: await consent.uploadDeathPaper(signedIn(context), writeKey(context), path.successionId, body) };
    },
    async draftDeathReport({ path, body }, context) {
      return { status: 200, body: await consent.draftDeathReport(signedIn(context), path.successionId, body.diedOn) };
    },
    async reportDeath({ path, body }, context) {
      return { status: 201, body: await consent.reportDeath(signedIn(context), writeKey(context), path.successionId, body) };
    },
    async listDeathReports({ query }, context) {
      return { status: 200, body: await consent.listDeathReports(withRole(context, 'reviewer'), query.limit ?? REPORTS_SHOWN) };
    },
    async getDeathReport({ path }, context) {
      return { status: 200, body: await consent.getDeathReport(signedIn(context), path.caseId) };
    },
    async readDeathPapers({ path }, context) {
      return { status: 200, body: await consent.readDeathPapers(withRole(context, 'reviewer'), writeKey(context), path.caseId) };
    },
    async reviewDeathReport({ path, body }, context) {
      return { status: 200, body: await consent.reviewDeathReport(withRole(context, 'reviewer'), writeKey(context), path.caseId, body) };
    },
    async dissentFromReport({ path, body }, context) {
      return { status: 200, body: await consent.dissentFromReport(signedIn(context), writeKey(context), path.caseId, body.text) };
    },
    async declareAlive({ path, body }, context) {
      return { status: 200, body: await consent.declareAlive(signedIn(context), writeKey(context), path.caseId, body.signature) };
    },
  };
}

import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Royalties } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'draftSplit' | 'listSplits' | 'getSplit' | 'signSplit' | 'onboardPayee' | 'getPayoutAccount' | 'runRoyalties' | 'getRoyaltyRun'
  | 'refundGoodwill' | 'getRefund' | 'closeStatements' | 'listStatements' | 'getStatement' | 'getStatementPdf' | 'explainStatementLine'
  | 'createPayouts' | 'listPayouts' | 'getPayout'
>;
type Some<Name extends keyof Mine> = Pick<Mine, Name>;

function makeShares(service: Royalties): Some<'draftSplit' | 'listSplits' | 'getSplit' | 'signSplit' | 'runRoyalties' | 'getRoyaltyRun' | 'refundGoodwill' | 'getRefund'> {
  return {
    async draftSplit({ path, body }, context) {
      return { status: 201, body: await service.draftSplit(signedIn(context), writeKey(context), path.cloneId, body) };
    },
    async listSplits({ path }, context) {
      return { status: 200, body: await service.listSplits(signedIn(context), path.cloneId) };
    },
    async getSplit({ path }, context) {
      return { status: 200, body: await service.getSplit(signedIn(context), path.splitId) };
    },
    async signSplit({ path, body }, context) {
      return { status: 200, body: await service.signSplit(signedIn(context), writeKey(context), path.splitId, body) };
    },
    async runRoyalties({ body }, context) {
      return { status: 201, body: await service.runRoyalties(withRole(context, 'operator'), writeKey(context), body) };
    },
    async getRoyaltyRun({ path }, context) {
      withRole(context, 'operator');
      return { status: 200, body: await service.getRoyaltyRun(path.runId) };
    },
    async refundGoodwill({ body }, context) {
      return { status: 201, body: await service.refundGoodwill(withRole(context, 'operator'), writeKey(context), body) };
    },
    async getRefund({ path }, context) {
      withRole(context, 'operator');
      return { status: 200, body: await service.getRefund(path.refundId) };
    },
  };
}

function makeAccounts(service: Royalties): Omit<Mine, keyof ReturnType<typeof makeShares>> {
  return {
    async onboardPayee(_input, context) {
      return { status: 201, body: await service.onboardPayee(signedIn(context), writeKey(context)) };
    },
    async getPayoutAccount(_input, context) {
      return { status: 200, body: await service.getPayoutAccount(signedIn(context)) };
    },
    async closeStatements({ body }, context) {
      return { status: 201, body: await service.closeStatements(withRole(context, 'operator'), writeKey(context), body) };
    },
    async listStatements({ query }, context) {
      return { status: 200, body: await service.listStatements(signedIn(context), query.payee) };
    },
    async getStatement({ path }, context) {
      return { status: 200, body: await service.getStatement(signedIn(context), path.statementId) };
    },
    async getStatementPdf({ path, query }, context) {
      return { status: 200, body: await service.getStatementPdf(signedIn(context), path.statementId, query.language) };
    },
    async explainStatementLine({ path, query }, context) {
      return { status: 200, body: await service.explainStatementLine(signedIn(context), path.statementId, path.lineId, query) };
    },
    async createPayouts({ body }, context) {
      return { status: 201, body: await service.createPayouts(withRole(context, 'operator'), writeKey(context), body) };
    },
    async listPayouts({ query }, context) {
      return { status: 200, body: await service.listPayouts(signedIn(context), query.payee) };
    },
    async getPayout({ path }, context) {
      return { status: 200, body: await service.getPayout(signedIn(context), path.payoutId) };
    },
  };
}

export function makeRoyaltiesHandlers(service: Royalties): Mine {
  return { ...makeShares(service), ...makeAccounts(service) };
}

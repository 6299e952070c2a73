import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Royalties } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'draftSplit' | 'listSplits' | 'getSplit' | 'signSplit' | 'onboardPayee' | 'getPayoutAccount' | 'runRoyalties' | 'getRoyaltyRun'
  | 'refundGoodwill' | 'getRefund' | 'closeStatements' | 'listStatements' | 'getStatement' | 'getStatementPdf'
  | 'getStatementCsv' | 'getStatementProof' | 'exportStatementEvents' | 'explainStatementLine'
  | 'createPayouts' | 'listPayouts' | 'getPayout' | 'listReserves' | 'listUnsettledPayouts' | 'resolvePayout'
  | 'setPayoutSetting' | 'listPayoutSettings' | 'setTaxProfile' | 'listTaxProfiles' | 'draftAdvance' | 'listAdvances' | 'getAdvance' | 'signAdvance'
  | 'payAdvance' | 'endAdvance' | 'draftDerivativeTerm' | 'listDerivativeTerms' | 'getDerivativeTerm' | 'signDerivativeTerm'
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

function makeDerivatives(service: Royalties): Some<'draftDerivativeTerm' | 'listDerivativeTerms' | 'getDerivativeTerm' | 'signDerivativeTerm'> {
  return {
    async draftDerivativeTerm({ path, body }, context) {
      return { status: 201, body: await service.draftDerivativeTerm(signedIn(context), writeKey(context), path.cloneId, body) };
    },
    async listDerivativeTerms({ path }, context) {
      return { status: 200, body: await service.listDerivativeTerms(signedIn(context), path.cloneId) };
    },
    async getDerivativeTerm({ path }, context) {
      return { status: 200, body: await service.getDerivativeTerm(signedIn(context), path.derivativeId) };
    },
    async signDerivativeTerm({ path, body }, context) {
      return { status: 200, body: await service.signDerivativeTerm(signedIn(context), writeKey(context), path.derivativeId, body) };
    },
  };
}

function makeAdvances(service: Royalties): Some<'draftAdvance' | 'listAdvances' | 'getAdvance' | 'signAdvance' | 'payAdvance' | 'endAdvance'> {
  return {
    async draftAdvance({ body }, context) {
      return { status: 201, body: await service.draftAdvance(withRole(context, 'operator'), writeKey(context), body) };
    },
    async listAdvances({ query }, context) {
      return { status: 200, body: await service.listAdvances(signedIn(context), query.payee) };
    },
    async getAdvance({ path }, context) {
      return { status: 200, body: await service.getAdvance(signedIn(context), path.advanceId) };
    },
    async signAdvance({ path, body }, context) {
      return { status: 200, body: await service.signAdvance(signedIn(context), writeKey(context), path.advanceId, body) };
    },
    async payAdvance({ path }, context) {
      return { status: 200, body: await service.payAdvance(withRole(context, 'operator'), writeKey(context), path.advanceId) };
    },
    async endAdvance({ path }, context) {
      withRole(context, 'operator');
      return { status: 200, body: await service.endAdvance(writeKey(context), path.advanceId) };
    },
  };
}

function makePaying(service: Royalties): Some<
  'createPayouts' | 'listPayouts' | 'getPayout' | 'listUnsettledPayouts' | 'resolvePayout' | 'setPayoutSetting' | 'listPayoutSettings' | 'setTaxProfile'
  | 'listTaxProfiles'
> {
  return {
    async createPayouts({ body }, context) {
      return { status: 201, body: await service.createPayouts(withRole(context, 'operator'), writeKey(context), body) };
    },
    async listPayouts({ query }, context) {
      return { status: 200, body: await service.listPayouts(signedIn(context), query.payee) };
    },
    async getPayout({ path }, context) {
      return { status: 200, body: await service.getPayout(signedIn(context), path.payoutId) };
    },
    async listUnsettledPayouts(_input, context) {
      withRole(context, 'operator');
      return { status: 200, body: await service.listUnsettledPayouts() };
    },
    async resolvePayout({ path, body }, context) {
      return { status: 200, body: await service.resolvePayout(withRole(context, 'operator'), writeKey(context), path.payoutId, body) };
    },
    async setPayoutSetting({ body }, context) {
      return { status: 200, body: await service.setPayoutSetting(signedIn(context), writeKey(context), body) };
    },
    async listPayoutSettings(_input, context) {
      return { status: 200, body: await service.listPayoutSettings(signedIn(context)) };
    },
    async setTaxProfile({ body }, context) {
      return { status: 201, body: await service.setTaxProfile(withRole(context, 'operator'), writeKey(context), body) };
    },
    async listTaxProfiles({ query }, context) {
      return { status: 200, body: await service.listTaxProfiles(signedIn(context), query.payee) };
    },
  };
}

function makeAccounts(
  service: Royalties,
): Omit<Mine, keyof ReturnType<typeof makeShares> | keyof ReturnType<typeof makeAdvances> | keyof ReturnType<typeof makeDerivatives> | keyof ReturnType<typeof makePaying>> {
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
    async getStatementCsv({ path, query }, context) {
      return { status: 200, body: await service.getStatementCsv(signedIn(context), path.statementId, query.language) };
    },
    async getStatementProof({ path }, context) {
      return { status: 200, body: await service.getStatementProof(signedIn(context), path.statementId) };
    },
    async exportStatementEvents({ path, query }, context) {
      return { status: 200, body: await service.exportStatementEvents(signedIn(context), path.statementId, query) };
    },
    async explainStatementLine({ path, query }, context) {
      return { status: 200, body: await service.explainStatementLine(signedIn(context), path.statementId, path.lineId, query) };
    },
    async listReserves({ query }, context) {
      return { status: 200, body: await service.listReserves(signedIn(context), query.payee) };
    },
  };
}

export function makeRoyaltiesHandlers(service: Royalties): Mine {
  return { ...makeShares(service), ...makeAdvances(service), ...makeDerivatives(service), ...makePaying(service), ...makeAccounts(service) };
}

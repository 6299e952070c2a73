import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Billing } from './service.ts';

const SHOWN = 100;

type Mine = Pick<Handlers<RequestContext>, 'listCoinPacks' | 'buyCoins' | 'getWallet' | 'payDebt' | 'returnCoins' | 'buyPrepaidMonth' | 'listOutputPrices' | 'priceOutput' | 'listDisputes' | 'listReconciliations' | 'reconcile' | 'listOwedRefunds' | 'sendOwedRefund' | 'proposeOwedSettlement' | 'approveOwedSettlement'>;

export function makeCoinHandlers(billing: Billing): Mine {
  return {
    async listCoinPacks() {
      return { status: 200, body: await billing.listCoinPacks() };
    },
    async buyCoins(input, context) {
      return { status: 201, body: await billing.buyCoins(signedIn(context), writeKey(context), input.body) };
    },
    async getWallet(_input, context) {
      return { status: 200, body: await billing.getWallet(signedIn(context)) };
    },
    async payDebt(_input, context) {
      return { status: 200, body: await billing.payDebt(signedIn(context), writeKey(context)) };
    },
    async buyPrepaidMonth(input, context) {
      return { status: 201, body: await billing.buyPrepaidMonth(signedIn(context), writeKey(context), { cloneId: input.path.cloneId, tierId: input.body.tierId }) };
    },
    async listOutputPrices(input) {
      return { status: 200, body: await billing.listOutputPrices(input.path.cloneId) };
    },
    async priceOutput(input, context) {
      return { status: 201, body: await billing.priceOutput(signedIn(context), writeKey(context), { cloneId: input.path.cloneId, ...input.body }) };
    },
    async listDisputes(_input, context) {
      withRole(context, 'operator');
      return { status: 200, body: await billing.listDisputes(SHOWN) };
    },
    async listOwedRefunds({ query }, context) {
      withRole(context, 'operator');
      return { status: 200, body: await billing.listOwedRefunds(query) };
    },
    async sendOwedRefund(input, context) {
      return { status: 202, body: await billing.sendOwedRefund(withRole(context, 'operator'), writeKey(context), input.path.owedId) };
    },
    async proposeOwedSettlement(input, context) {
      return { status: 200, body: await billing.proposeOwedSettlement(withRole(context, 'operator'), writeKey(context), input.path.owedId, input.body) };
    },
    async approveOwedSettlement(input, context) {
      return { status: 200, body: await billing.approveOwedSettlement(withRole(context, 'operator'), writeKey(context), input.path.owedId, input.body) };
    },
    async listReconciliations(_input, context) {
      withRole(context, 'operator');
      return { status: 200, body: await billing.listReconciliations(SHOWN) };
    },
    async reconcile(_input, context) {
      return { status: 202, body: await billing.reconcile(withRole(context, 'operator'), writeKey(context)) };
    },
    async returnCoins(input, context) {
      return { status: 202, body: await billing.returnCoins(signedIn(context), writeKey(context), input.body) };
    },
  };
}

import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Billing } from './service.ts';

type Mine = Pick<Handlers<RequestContext>, 'listCoinPacks' | 'buyCoins' | 'getWallet' | 'returnCoins'>;

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
    async returnCoins(input, context) {
      return { status: 202, body: await billing.returnCoins(signedIn(context), writeKey(context), input.body) };
    },
  };
}

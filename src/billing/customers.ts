import type { BillingDeps } from './deps.ts';
import * as store from './subscription-store.ts';

/** The processor's customer of an account, made at the first need. */
export async function customerFor({ runTx, provider }: Pick<BillingDeps, 'runTx' | 'provider'>, accountId: string): Promise<string> {
  const known = await runTx((tx) => store.customerOf(tx, accountId));
  if (known !== null) return known;
  const made = await provider.createCustomer(accountId);
  return await runTx((tx) => store.keepCustomer(tx, accountId, made));
}

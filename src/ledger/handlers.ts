import type { Handlers } from '../../contracts/generated/contract.ts';
import { withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Books } from './books.ts';
import type { Ledger } from './service.ts';

type Mine = Pick<Handlers<RequestContext>, 'getTrialBalance' | 'listTransfers' | 'closeLedgerPeriod' | 'listLedgerCloses'>;

const PAGE = 100;

export function makeLedgerHandlers(ledger: Pick<Ledger, 'getTrialBalance' | 'listTransfers'>, books: Books): Mine {
  return {
    async closeLedgerPeriod({ body }, context) {
      return { status: 201, body: await books.closeLedgerPeriod(withRole(context, 'operator'), writeKey(context), body) };
    },
    async listLedgerCloses(_input, context) {
      withRole(context, 'operator');
      return { status: 200, body: await books.listLedgerCloses() };
    },
    async getTrialBalance(_input, context) {
      withRole(context, 'operator');
      const { position, currencies } = await ledger.getTrialBalance();
      return {
        status: 200,
        body: {
          position: position.toString(),
          currencies: currencies.map(({ currency, totalMinor, classes }) => ({
            currency,
            totalMinor: totalMinor.toString(),
            classes: classes.map((row) => ({ class: row.class, balanceMinor: row.balanceMinor.toString() })),
          })),
        },
      };
    },
    async listTransfers({ query }, context) {
      withRole(context, 'operator');
      const { account, after = '0' } = query;
      const found = await ledger.listTransfers({
        after: BigInt(after), limit: PAGE, ...(account === undefined ? {} : { accountCode: account }),
      });
      const transfers = found.map(({ position, recordedAt, metadata, entries, ...transfer }) => {
        if (position === null) throw new Error('A page of the recorded order holds a transfer without a position.');
        return {
          ...transfer,
          position: position.toString(),
          recordedAt: recordedAt.toISOString(),
          metadata: { ...metadata },
          entries: entries.map((entry) => ({
            account: entry.accountCode, currency: entry.currency, amountMinor: entry.amountMinor.toString(),
          })),
        };
      });
      return { status: 200, body: { transfers, next: found.length < PAGE ? null : (transfers.at(-1)?.position ?? null) } };
    },
  };
}

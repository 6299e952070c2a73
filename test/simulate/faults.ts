import type { Ledger, TransferDraft } from '../../src/ledger/index.ts';
import { chart } from '../../src/ledger/index.ts';
import type { StripePort } from '../../src/platform/stripe/index.ts';
import { lifeOf } from './life-of-seed.ts';
import type { Planting } from './rooms.ts';

/** Mistakes as they are made in code like this, planted one at a time. A simulation that does not see one proves nothing. */
export interface Fault {
  name: string;
  plant: Planting;
}

/** Where a transfer of this kind is about to be posted, these are posted instead. */
function posting(kind: string, instead: (draft: TransferDraft) => TransferDraft[]): Planting {
  return {
    ledger: (ledger): Ledger => ({
      ...ledger,
      async post(tx, draft) {
        if (draft.kind !== kind) return await ledger.post(tx, draft);
        const posted = [];
        for (const one of instead(draft)) posted.push(await ledger.post(tx, one));
        return posted[0] ?? { transferId: 'trf_none' } as Awaited<ReturnType<Ledger['post']>>;
      },
    }),
  };
}

const twice = (draft: TransferDraft): TransferDraft[] => [draft, { ...draft, key: `${draft.key}:again` }];

/** The same transfer with what stands on accounts of one beginning moved to another account. */
function moved(draft: TransferDraft, from: string, to: Parameters<typeof chart.payable> | (() => TransferDraft['legs'][number]['account'])): TransferDraft {
  const account = typeof to === 'function' ? to() : chart.payable(...to);
  return { ...draft, legs: draft.legs.map((leg) => (leg.account.code.startsWith(from) ? { ...leg, account } : leg)) };
}

/** One unit of the second leg of a kind is the third's. */
function nudged(draft: TransferDraft, prefix: string): TransferDraft {
  const own = draft.legs.filter((leg) => leg.account.code.startsWith(prefix));
  const [first, second] = own;
  if (first === undefined || second === undefined || second.amountMinor + 1n === 0n) return draft;
  return {
    ...draft,
    legs: draft.legs.map((leg) => (leg === first ? { ...leg, amountMinor: leg.amountMinor - 1n } : leg === second ? { ...leg, amountMinor: leg.amountMinor + 1n } : leg)),
  };
}

/** A call of the processor is made again under another key. */
function again(noun: 'refunds' | 'transfers'): Planting {
  return {
    port: (port): StripePort => ({
      ...port,
      run: async (work) => await port.run(async (sdk) => {
        const doubled = Object.create(sdk, {
          [noun]: {
            value: Object.create(sdk[noun], {
              create: {
                async value(params: { amount?: number }, options: { idempotencyKey?: string }) {
                  const answer: unknown = await sdk[noun].create(params as never, options);
                  if ((params.amount ?? 0) > 1) await sdk[noun].create({ ...params, amount: 1 } as never, { ...options, idempotencyKey: `${options.idempotencyKey}:again` }).catch(() => undefined);
                  return answer;
                },
              },
            }) as unknown,
          },
        }) as typeof sdk;
        return await work(doubled);
      }),
    }),
  };
}

const days = (n: number, at: Date): Date => new Date(at.getTime() + n * 86_400_000);

export const FAULTS: readonly Fault[] = [
  { name: 'a refund is sent twice', plant: again('refunds') },
  { name: 'a payout is sent twice', plant: again('transfers') },
  {
    name: 'a day is earned before it is over',
    plant: { billing: (deps) => ({ ...deps, clock: { now: () => days(1, deps.clock.now()) } }) },
  },
  {
    name: 'the split of the day before is taken',
    plant: { billing: (deps) => ({
      ...deps,
      splitSegments: async (tx, cloneId, from, to) => ((await deps.splitSegments?.(tx, cloneId, from, to)) ?? []).map((segment, index, all) => ({ ...segment, splitId: all[index - 1]?.splitId ?? segment.splitId })),
    }) },
  },
  {
    name: 'the processor\'s fee is ignored',
    plant: posting('billing.invoice_paid', (draft) => [moved(draft, 'deferred_fees:', () => chart.cashInTransit('CNY'))]),
  },
  { name: 'the tax is ignored', plant: { billing: (deps) => ({ ...deps, settings: { ...deps.settings, taxRateBasisPoints: 0 } }) } },
  { name: 'the tax of a refund is kept', plant: posting('billing.unused_refunded', (draft) => [moved(draft, 'tax_payable:', () => chart.platformExpense('processor_fees', 'CNY'))]) },
  { name: 'an invoice is booked twice', plant: posting('billing.invoice_paid', twice) },
  { name: 'a pot is divided twice', plant: posting('royalties.pot_divided', twice) },
  { name: 'shares are rounded to the wrong payee', plant: posting('royalties.pot_divided', (draft) => [nudged(draft, 'payable:')]) },
  { name: 'a refund is taken back from payees twice', plant: posting('royalties.days_refunded', twice) },
  { name: 'a refund takes a unit from the wrong payee', plant: posting('royalties.days_refunded', (draft) => [nudged(draft, 'payable:')]) },
  { name: 'a debt is netted twice', plant: posting('royalties.debt_netted', (draft) => [draft, { ...draft, key: `${draft.key}:again`, legs: [
    { account: chart.payable('platform', 'CNY'), amountMinor: 1n }, { account: chart.platformExpense('processor_fees', 'CNY'), amountMinor: -1n },
  ] }]) },
  { name: 'a debt is never netted', plant: posting('royalties.debt_netted', () => []) },
  { name: 'a debt is absorbed by the platform', plant: posting('royalties.days_refunded', (draft) => [moved(draft, 'payee_debt:', () => chart.platformExpense('processor_fees', 'CNY'))]) },
  { name: 'the fee of a refund falls on the wrong party', plant: { billing: (deps) => ({ ...deps, refundFeeBearer: async () => 'platform' }) } },
  { name: 'a pause is forgotten', plant: { rooms: (rooms) => ({ ...rooms, billing: { ...rooms.billing, onPaused: async () => undefined } }) } },
  {
    name: 'the day of a stop is kept',
    plant: { rooms: (rooms) => ({ ...rooms, billing: { ...rooms.billing, settleStop: (tx, stop) => rooms.billing.settleStop(tx, { ...stop, at: days(-1, stop.at) }) } }) },
  },
  {
    name: 'an output is captured without a release',
    plant: { rooms: (rooms) => ({ ...rooms, billing: { ...rooms.billing, void: (tx, holdId, given) => rooms.billing.capture(tx, holdId, { releaseId: `rel_none_${holdId}`, at: given.at }) } }) },
  },
  {
    name: 'a statement forgets its last entry',
    plant: { royalties: (deps) => ({
      ...deps, ledger: { ...deps.ledger, entries: async (tx, range) => {
        const found = await deps.ledger.entries(tx, range);
        return range.accountPrefix === 'payable:' ? found.slice(0, -1) : found;
      } },
    }) },
  },
  { name: 'money that was taken back is not booked', plant: posting('royalties.payout_returned', () => []) },
  { name: 'a kept balance is off by one', plant: { ledger: (ledger) => ({ ...ledger, balance: async (tx, account) => (await ledger.balance(tx, account)) + (account.code.startsWith('tax_payable') ? 1n : 0n) }) } },
];

export interface Caught {
  name: string;
  /** What saw it; null when nothing did. */
  by: string | null;
}

export async function catchFault(fault: Fault, seed: number): Promise<Caught> {
  const { broken } = await lifeOf({ seed, months: 1, plant: fault.plant });
  return { name: fault.name, by: broken };
}

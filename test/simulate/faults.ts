import { addDays } from '../../src/kernel/time.ts';
import type { Ledger, TransferDraft } from '../../src/ledger/index.ts';
import { chart } from '../../src/ledger/index.ts';
import type { StripePort } from '../../src/platform/stripe/index.ts';
import { lifeOf } from './life-of-seed.ts';
import type { Planting } from './rooms.ts';

/** Mistakes as they are made in code like this, planted one at a time. A simulation that does not see one proves nothing. */
export interface Fault {
  name: string;
  /** What has to happen for it to show, after two fans have paid. */
  script: readonly string[];
  /** At most so many days between two lines of it. */
  wait?: number;
  plant: Planting;
}

/** Parts of what payees get are held, in some of the seeds. */
const HELD = ['change_split', 'change_split', 'recognise', 'run', 'recognise', 'recognise', 'run', 'recognise'];
const SPENT = ['buy_coins', 'spend_coins'];
const RUN = ['run'];
const STOP = ['stop'];
const RETURNED = ['run', 'refund_after_run'];
/** After a payout a refund of many days is a debt, which the next run nets: while little was earned since. */
const DEBT = [...Array.from({ length: 8 }, () => 'recognise'), 'run', 'payout', 'refund_after_payout', 'recognise', 'run', 'run'];

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
                async value(params: { amount?: number }, options: { idempotencyKey: string }) {
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
  { name: 'a refund is sent twice', script: STOP, plant: again('refunds') },
  { name: 'a payout is sent twice', script: ['recognise', 'run', 'payout', 'run', 'payout'], wait: 8, plant: again('transfers') },
  {
    name: 'a day more is earned than was asked for', script: ['recognise', 'recognise'],
    plant: { rooms: (rooms) => ({ ...rooms, billing: { ...rooms.billing, recognise: (tx, { cloneId, throughDay }) => rooms.billing.recognise(tx, { cloneId, throughDay: addDays(throughDay, 1) }) } }) },
  },
  {
    name: 'the split of the day before is taken', script: ['change_split', 'change_split', 'recognise', 'run'],
    plant: { billing: (deps) => ({
      ...deps,
      splitSegments: async (tx, cloneId, from, to) => ((await deps.splitSegments?.(tx, cloneId, from, to)) ?? []).map((segment, index, all) => ({ ...segment, splitId: all[index - 1]?.splitId ?? segment.splitId })),
    }) },
  },
  {
    name: 'the processor\'s fee is ignored', script: [],
    plant: posting('billing.invoice_paid', (draft) => [moved(draft, 'deferred_fees:', () => chart.cashInTransit('CNY'))]),
  },
  { name: 'the tax is ignored', script: [], plant: { billing: (deps) => ({ ...deps, settings: { ...deps.settings, taxRateBasisPoints: 0 } }) } },
  { name: 'the tax of a refund is kept', script: STOP, plant: posting('billing.unused_refunded', (draft) => [moved(draft, 'tax_payable:', () => chart.platformExpense('processor_fees', 'CNY'))]) },
  { name: 'an invoice is booked twice', script: [], plant: posting('billing.invoice_paid', twice) },
  { name: 'a pot is divided twice', script: RUN, plant: posting('royalties.pot_divided', twice) },
  { name: 'shares are rounded to the wrong payee', script: RUN, plant: posting('royalties.pot_divided', (draft) => [nudged(draft, 'payable:')]) },
  { name: 'a refund is taken back from payees twice', script: RETURNED, plant: posting('royalties.days_refunded', twice) },
  { name: 'a refund takes a unit from the wrong payee', script: RETURNED, plant: posting('royalties.days_refunded', (draft) => [nudged(draft, 'payable:')]) },
  { name: 'a debt is netted twice', script: DEBT, plant: posting('royalties.debt_netted', (draft) => [draft, { ...draft, key: `${draft.key}:again`, legs: [
    { account: chart.payable('platform', 'CNY'), amountMinor: 1n }, { account: chart.platformExpense('processor_fees', 'CNY'), amountMinor: -1n },
  ] }]) },
  { name: 'a debt is never netted', script: DEBT, plant: posting('royalties.debt_netted', () => []) },
  { name: 'a debt is absorbed by the platform', script: DEBT, plant: posting('royalties.days_refunded', (draft) => [moved(draft, 'payee_debt:', () => chart.platformExpense('processor_fees', 'CNY'))]) },
  { name: 'the fee of a refund falls on the wrong party', script: ['change_split', 'change_split', 'change_split', 'stop'], plant: { billing: (deps) => ({ ...deps, refundFeeBearer: async () => 'platform' }) } },
  { name: 'a pause is forgotten', script: ['pause', 'recognise', 'run'], plant: { rooms: (rooms) => ({ ...rooms, billing: { ...rooms.billing, onPaused: async () => undefined } }) } },
  {
    name: 'the day of a stop is kept', script: STOP,
    plant: { rooms: (rooms) => ({ ...rooms, billing: { ...rooms.billing, settleStop: (tx, stop) => rooms.billing.settleStop(tx, { ...stop, at: days(-1, stop.at) }) } }) },
  },
  {
    name: 'an output is captured without a release', script: ['quota'],
    plant: { rooms: (rooms) => ({ ...rooms, billing: { ...rooms.billing, void: (tx, holdId, given) => rooms.billing.capture(tx, holdId, { releaseId: `rel_none_${holdId}`, at: given.at }) } }) },
  },
  {
    name: 'a statement forgets its last entry', script: ['run', 'close'],
    plant: { royalties: (deps) => ({
      ...deps, ledger: { ...deps.ledger, sums: async (tx, range) => (await deps.ledger.sums(tx, range)).slice(0, -1) },
    }) },
  },
  { name: 'money that was taken back is not booked', script: ['bounce'], plant: posting('royalties.payout_returned', () => []) },
  { name: 'what is held is never given back', script: HELD, wait: 12, plant: { rooms: (rooms) => ({ ...rooms, ticks: { ...rooms.ticks, 'royalties.releaseDue': async () => undefined } }) } },
  { name: 'what is held is not taken from what is unpaid', script: HELD, wait: 12, plant: posting('royalties.reserve_held', () => []) },
  { name: 'an advance is never recouped', script: ['advance', 'recognise', 'run'], plant: posting('royalties.advance_recouped', () => []) },
  { name: 'an advance is recouped twice', script: ['advance', 'recognise', 'run'], plant: posting('royalties.advance_recouped', twice) },
  { name: 'the tax of a payout is kept by nobody', script: ['tax', 'tax', 'tax', 'recognise', 'run', 'payout'], wait: 6, plant: posting('royalties.tax_withheld', () => []) },
  { name: 'what a run divides of a disputed payment is not held', script: ['recognise', 'dispute_left_open', 'recognise', 'run'], wait: 6, plant: { royalties: (deps) => ({ ...deps, billing: { ...deps.billing, openDisputes: () => Promise.resolve([]) } }) } },
  { name: 'the end of a dispute releases nothing', script: ['recognise', 'run', 'dispute_earned_won'], wait: 6, plant: posting('royalties.dispute_released', () => []) },
  {
    name: 'a lost dispute is the platform\'s alone', script: ['recognise', 'run', 'dispute_earned_lost'], wait: 6,
    plant: posting('royalties.dispute_lost', (draft) => [moved(draft, 'payable:', () => chart.platformExpense('dispute_losses', 'CNY'))]),
  },
  { name: 'the fee of a dispute is ignored', script: ['dispute_won'], plant: posting('billing.dispute_opened', (draft) => [moved(draft, 'platform_expense:', () => chart.cashInTransit('CNY'))]) },
  { name: 'the fee of a pack is ignored', script: ['buy_coins'], plant: posting('billing.coins_bought', (draft) => [moved(draft, 'coin_deferred_fees:', () => chart.cashInTransit('CNY'))]) },
  { name: 'spent coins are nobody\'s earnings', script: SPENT, plant: posting('billing.coins_spent', (draft) => [moved(draft, 'earned:', () => chart.coinDeferred('CNY'))]) },
  { name: 'coins come back without their cost', script: SPENT, plant: posting('billing.coins_released', (draft) => [{ ...draft, legs: draft.legs.filter((leg) => leg.account.currency === 'COIN') }]) },
  { name: 'unspent coins are paid back twice', script: ['buy_coins', 'spend_coins', 'return_coins'], plant: again('refunds') },
  { name: 'the tax of coins that went back is kept', script: ['buy_coins', 'return_coins'], plant: posting('billing.coins_returned', (draft) => [moved(draft, 'tax_payable:', () => chart.platformExpense('processor_fees', 'CNY'))]) },
  { name: 'a month paid ahead is nobody\'s', script: ['buy_coins', 'buy_coins', 'buy_coins', 'prepaid_month'], plant: posting('billing.month_prepaid', (draft) => [moved(draft, 'deferred:', () => chart.coinDeferred('CNY'))]) },
  { name: 'a kept balance is off by one', script: RUN, plant: { ledger: (ledger) => ({ ...ledger, balance: async (tx, account) => (await ledger.balance(tx, account)) + (account.code.startsWith('tax_payable') ? 1n : 0n) }) } },
];

export interface Caught {
  name: string;
  /** What saw it; null when nothing did. */
  by: string | null;
}

/** Lives some seeds with the fault until one of them breaks. */
export async function catchFault(fault: Fault, seeds: readonly number[] = [1, 2, 3, 4, 5]): Promise<Caught> {
  for (const seed of seeds) {
    const { broken } = await lifeOf({ seed, months: 1, script: fault.script, plant: fault.plant, ...(fault.wait === undefined ? {} : { wait: fault.wait }) });
    if (broken !== null) return { name: fault.name, by: broken };
  }
  return { name: fault.name, by: null };
}

/** What each of these scripts is without a fault: whole. */
export async function control(seed: number): Promise<string | null> {
  const scripts = new Map(FAULTS.map((fault) => [`${fault.script.join()} ${fault.wait ?? ''}`, fault]));
  for (const { script, wait } of scripts.values()) {
    const { broken } = await lifeOf({ seed, months: 1, script, ...(wait === undefined ? {} : { wait }) });
    if (broken !== null) return broken;
  }
  return null;
}

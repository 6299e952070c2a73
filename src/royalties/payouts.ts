import type { components } from '../../contracts/generated/api.ts';
import { parseMinor } from '../kernel/money.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import { netDebt } from './debts.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { PLATFORM } from './model.ts';
import type { PayeeProvider, TransferFacts } from './payee-provider.ts';
import type { Payees } from './payees.ts';
import * as store from './payout-store.ts';
import { KINDS, payoutBegun, payoutPaid, payoutReversed } from './postings.ts';
import * as runs from './run-store.ts';

export type PayoutJson = components['schemas']['Payout'];
type Skipped = { payee: string; currency: PayoutJson['currency']; unpaidMinor: string; reason: 'payee_not_onboarded' | 'payout_below_minimum' };
export interface PayoutsJson {
  payouts: PayoutJson[];
  skipped: Skipped[];
}

/** Money to payees, in two phases: out of the balance in one transaction with the order, out of our cash once it was sent. */
export interface Payouts {
  createPayouts: (actor: Actor, key: IdempotencyKey, input: { minimumMinor?: string; payees?: readonly string[] }) => Promise<PayoutsJson>;
  getPayout: (actor: Actor, payoutId: string) => Promise<PayoutJson>;
  listPayouts: (actor: Actor, payee?: string) => Promise<{ payouts: PayoutJson[] }>;
  /** Job: sends a payout, or finds that it was sent, and books the answer. */
  sendPayout: (payoutId: string) => Promise<void>;
  /** Job: books what became of a transfer at the processor. */
  syncTransfer: (stripeTransfer: string) => Promise<void>;
}

export const SEND_PAYOUT_TOPIC = 'royalties.sendPayout';

/** One CNY: below it the transfer costs more care than it is worth. */
const MINIMUM_MINOR = '100';
const PAYEES_AT_ONCE = 500;
const UNREADY_ASKED = 50;
/** Minutes until the next try: doubled from this up to six hours. */
const FIRST_WAIT_MINUTES = 5;
const WAIT_MINUTES_MAX = 360;

function viewOf(row: store.PayoutRow): PayoutJson {
  return {
    payoutId: row.id, payee: row.accountId, currency: row.currency, amountMinor: row.amountMinor.toString(), state: row.state,
    stripeTransfer: row.stripeTransfer, problem: row.problem, createdAt: row.createdAt.toISOString(), settledAt: row.settledAt?.toISOString() ?? null,
  };
}

/** Begins a payout of everything unpaid, or says why not. The guarded account's lock lets one of any number of calls through. */
async function begin(
  tx: Tx, deps: RoyaltiesDeps, actor: Actor, payee: { payee: string; currency: PayoutJson['currency'] }, minimumMinor: bigint,
): Promise<PayoutJson | Skipped | null> {
  const { payee: accountId, currency } = payee;
  if (-(await deps.ledger.balance(tx, chart.payable(accountId, currency))) <= 0n) return null;
  const at = deps.clock.now();
  const day = dayOf(at);
  const payoutId = deps.ids.next('payout');
  // Debt before balance, as everywhere.
  const debtMinor = await deps.ledger.lockedBalance(tx, chart.payeeDebt(accountId, currency));
  const unpaidMinor = -(await deps.ledger.lockedBalance(tx, chart.payable(accountId, currency)));
  const amountMinor = unpaidMinor - debtMinor;
  if (unpaidMinor <= 0n) return null;
  const skipped = (reason: Skipped['reason']): Skipped => ({ payee: accountId, currency, unpaidMinor: unpaidMinor.toString(), reason });
  if (amountMinor < minimumMinor) return skipped('payout_below_minimum');
  const account = await store.findAccount(tx, accountId);
  if (account?.stripeAccount == null || !account.transfersActive) return skipped('payee_not_onboarded');
  await netDebt(tx, deps, { payee: accountId, currency, cause: { payoutId }, day });
  const { transferId } = await deps.ledger.post(tx, payoutBegun({ payoutId, accountId, currency, amountMinor }, day));
  await store.insertPayout(tx, {
    id: payoutId, accountId, currency, amountMinor, stripeAccount: account.stripeAccount, transferId, createdBy: actor.accountId, createdAt: at,
  });
  await enqueue(tx, { topic: SEND_PAYOUT_TOPIC, payload: { payoutId }, runAt: at, dedupeKey: `${SEND_PAYOUT_TOPIC}:${payoutId}` });
  return await readPayout(tx, payoutId);
}

async function readPayout(tx: Tx, payoutId: string): Promise<PayoutJson> {
  const row = await store.findPayout(tx, payoutId);
  if (row === null) throw notFound();
  return viewOf(row);
}

async function beginAll(tx: Tx, deps: RoyaltiesDeps, actor: Actor, minimumMinor: bigint, only: ReadonlySet<string> | null): Promise<PayoutsJson> {
  const answer: PayoutsJson = { payouts: [], skipped: [] };
  for (let after = ''; ;) {
    const payees = await runs.payeesAfter(tx, after, PAYEES_AT_ONCE);
    for (const payee of payees) {
      if (only !== null && !only.has(payee.payee)) continue;
      const begun = await begin(tx, deps, actor, payee, minimumMinor);
      if (begun === null) continue;
      if ('payoutId' in begun) answer.payouts.push(begun);
      else answer.skipped.push(begun);
    }
    const last = payees.at(-1);
    if (last === undefined || payees.length < PAYEES_AT_ONCE) return answer;
    after = last.payee;
  }
}

/** Books the second phase, once. */
async function settleSent(tx: Tx, deps: RoyaltiesDeps, payoutId: string, stripeTransfer: string): Promise<void> {
  const row = await store.lockPayout(tx, payoutId);
  if (row?.state !== 'pending') return;
  const at = deps.clock.now();
  await deps.ledger.post(tx, payoutPaid({ ...row, payoutId }, stripeTransfer, dayOf(at)));
  await store.settlePayout(tx, payoutId, { state: 'paid', stripeTransfer, problem: null, at });
}

/** What was not sent and never will be is unpaid again. */
async function settleRefused(tx: Tx, deps: RoyaltiesDeps, payoutId: string, problem: string): Promise<void> {
  const row = await store.lockPayout(tx, payoutId);
  if (row?.state !== 'pending') return;
  const at = deps.clock.now();
  await deps.ledger.reverse(tx, row.transferId, { key: `payout:${payoutId}:returned`, kind: KINDS.returned, effectiveDate: dayOf(at) });
  await store.settlePayout(tx, payoutId, { state: 'returned', stripeTransfer: null, problem: problem.slice(0, 500), at });
}

async function tryLater(tx: Tx, deps: RoyaltiesDeps, payoutId: string, problem: string, refused: number | null): Promise<void> {
  const tries = await store.countTry(tx, payoutId, problem.slice(0, 500), refused);
  if (tries === null) return;
  const minutes = Math.min(FIRST_WAIT_MINUTES * 2 ** Math.min(tries - 1, 16), WAIT_MINUTES_MAX);
  await enqueue(tx, {
    topic: SEND_PAYOUT_TOPIC, payload: { payoutId }, runAt: new Date(deps.clock.now().getTime() + minutes * 60_000),
    dedupeKey: `${SEND_PAYOUT_TOPIC}:${payoutId}:${tries}`,
  });
}

/** Money that the processor took back after it was paid is unpaid again, as far as it came back. */
async function bookReversal(tx: Tx, deps: RoyaltiesDeps, payoutId: string, facts: TransferFacts): Promise<void> {
  const row = await store.lockPayout(tx, payoutId);
  if (row === null || row.state === 'pending' || row.stripeTransfer !== facts.stripeTransfer || facts.reversedMinor <= row.reversedMinor) return;
  const totalMinor = facts.reversedMinor;
  await deps.ledger.post(tx, payoutReversed({ ...row, payoutId }, totalMinor - row.reversedMinor, totalMinor, dayOf(deps.clock.now())));
  await store.putReversed(tx, payoutId, {
    totalMinor, state: totalMinor === row.amountMinor ? 'returned' : 'paid', problem: 'The payment processor took money back.',
  });
}

export function makePayouts(deps: RoyaltiesDeps, provider: PayeeProvider, payees: Pick<Payees, 'syncPayoutAccount'>): Payouts {
  const { runTx } = deps;

  function mayRead(actor: Actor, payee: string): boolean {
    return payee === actor.accountId || actor.roles.includes('operator');
  }

  return {
    async createPayouts(actor, key, { minimumMinor = MINIMUM_MINOR, payees: only }) {
      const minimum = parseMinor(minimumMinor);
      if (minimum < 1n) throw new Refusal('money_out_of_range', 'The minimum is at least one minor unit.');
      if (only?.includes(PLATFORM) === true) throw new Refusal('payout_state', 'The platform is not paid out to itself.');
      // A webhook may be late: whoever is not ready by our last knowledge is asked for again.
      for (const stripeAccount of await runTx((tx) => store.unreadyAccounts(tx, only ?? null, UNREADY_ASKED))) {
        await payees.syncPayoutAccount(stripeAccount);
      }
      return await runTx((tx) => once(tx, key, () => beginAll(tx, deps, actor, minimum, only === undefined ? null : new Set(only))));
    },

    getPayout: (actor, payoutId) => runTx(async (tx) => {
      const row = await store.findPayout(tx, payoutId);
      if (row === null || !mayRead(actor, row.accountId)) throw notFound();
      return viewOf(row);
    }),

    listPayouts: (actor, payee = actor.accountId) => runTx(async (tx) => {
      if (!mayRead(actor, payee)) throw notFound();
      return { payouts: (await store.payoutsOf(tx, payee)).map(viewOf) };
    }),

    async sendPayout(payoutId) {
      const row = await runTx((tx) => store.findPayout(tx, payoutId));
      if (row === null) throw new Error(`There is no payout ${payoutId}.`);
      if (row.state !== 'pending') return;
      const sent = await provider.send({ ...row, payoutId });
      await runTx(async (tx) => {
        if (sent.outcome === 'sent') await settleSent(tx, deps, payoutId, sent.stripeTransfer);
        else if (sent.outcome === 'refused') await settleRefused(tx, deps, payoutId, sent.problem);
        else await tryLater(tx, deps, payoutId, sent.problem, sent.outcome === 'later' ? row.refusals : null);
      });
    },

    async syncTransfer(stripeTransfer) {
      const facts = await provider.transfer(stripeTransfer);
      const payoutId = facts?.payoutId ?? null;
      if (facts === null || payoutId === null) return;
      await runTx(async (tx) => {
        if ((await store.findPayout(tx, payoutId)) === null) return;
        await settleSent(tx, deps, payoutId, facts.stripeTransfer);
        await bookReversal(tx, deps, payoutId, facts);
      });
    },
  };
}

import { type Currency, least, mulDivFloor } from '../kernel/money.ts';
import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { ADVANCE_KINDS } from './advance-postings.ts';
import { lockAdvance, putWrittenOff } from './advance-store.ts';
import { lockPayee } from './balances.ts';
import type { RoyaltiesDeps } from './deps.ts';
import type { TransferFacts } from './payee-provider.ts';
import { type Outstanding, payoutBegun, type PayoutFacts, payoutPaid, payoutReversed, taxWithheld } from './payout-postings.ts';
import * as store from './payout-store.ts';
import { KINDS } from './postings.ts';
import { BOOK_DIFFERENCES_TOPIC } from './positions.ts';
import { withheldOf } from './withholding.ts';

/** The phases of one payout. What takes `tx` books and changes its row together. */

export const SEND_PAYOUT_TOPIC = 'royalties.sendPayout';

/** Minutes until the next try: doubled from this up to six hours. */
const FIRST_WAIT_MINUTES = 5;
const WAIT_MINUTES_MAX = 360;

const factsOf = (row: store.PayoutRow): PayoutFacts => ({ ...row, payoutId: row.id });

/** First phase. Null when the payee has no account that can be sent to. `payoutId` where it stands on other postings already. */
export async function beginPayout(
  tx: Tx, deps: RoyaltiesDeps,
  order: { actor: { accountId: string }; payee: string; currency: Currency; grossMinor: bigint; advanceId: string | null; payoutId?: string },
): Promise<{ payoutId: string } | null> {
  const { actor, payee: accountId, currency, grossMinor, advanceId } = order;
  const account = await store.findAccount(tx, accountId);
  if (account?.stripeAccount == null || !account.transfersActive) return null;
  const at = deps.clock.now();
  const day = dayOf(at);
  const payoutId = order.payoutId ?? deps.ids.next('payout');
  const { withheldMinor, taxProfileId } = await withheldOf(tx, accountId, grossMinor, day);
  const payout: PayoutFacts = { payoutId, accountId, currency, amountMinor: grossMinor - withheldMinor, withheldMinor, advanceId };
  const { transferId } = await deps.ledger.post(tx, payoutBegun(payout, day));
  const ownTax = advanceId === null && taxProfileId !== null && withheldMinor > 0n;
  const taxTransferId = ownTax ? (await deps.ledger.post(tx, taxWithheld(payout, { taxProfileId }, day))).transferId : null;
  await store.insertPayout(tx, {
    id: payoutId, accountId, currency, amountMinor: payout.amountMinor, withheldMinor, taxProfileId, taxTransferId, advanceId,
    stripeAccount: account.stripeAccount, transferId, createdBy: actor.accountId, createdAt: at,
  });
  await enqueue(tx, { topic: SEND_PAYOUT_TOPIC, payload: { payoutId }, runAt: at, dedupeKey: `${SEND_PAYOUT_TOPIC}:${payoutId}` });
  return { payoutId };
}

/** Books the second phase, once. */
export async function settleSent(tx: Tx, deps: RoyaltiesDeps, payoutId: string, stripeTransfer: string): Promise<void> {
  const row = await store.lockPayout(tx, payoutId);
  if (row?.state !== 'pending') return;
  const at = deps.clock.now();
  const conversion = await store.conversionOf(tx, payoutId);
  await deps.ledger.post(tx, payoutPaid(factsOf(row), stripeTransfer, conversion, dayOf(at)));
  if (conversion !== null) {
    await enqueue(tx, { topic: BOOK_DIFFERENCES_TOPIC, payload: { payoutId }, runAt: at, dedupeKey: `${BOOK_DIFFERENCES_TOPIC}:${payoutId}` });
  }
  await store.settlePayout(tx, payoutId, { state: 'paid', stripeTransfer, problem: null, at });
}

/** What was not sent and never will be is unpaid again, or not advanced, and its tax not withheld. */
export async function settleRefused(tx: Tx, deps: RoyaltiesDeps, payoutId: string, problem: string): Promise<void> {
  const row = await store.lockPayout(tx, payoutId);
  if (row?.state !== 'pending') return;
  const at = deps.clock.now();
  const effectiveDate = dayOf(at);
  await lockPayee(tx, deps, row.accountId, row.currency);
  const kind = row.advanceId === null ? KINDS.returned : ADVANCE_KINDS.returned;
  await deps.ledger.reverse(tx, row.transferId, { key: `payout:${payoutId}:returned`, kind, effectiveDate });
  if (row.taxTransferId !== null) {
    await deps.ledger.reverse(tx, row.taxTransferId, { key: `payout:${payoutId}:tax_returned`, kind: KINDS.taxReturned, effectiveDate });
  }
  await store.settlePayout(tx, payoutId, { state: 'returned', stripeTransfer: null, problem: problem.slice(0, 500), at });
}

/** Puts the next try off; none of them counts as an answer. */
export async function tryLater(tx: Tx, deps: RoyaltiesDeps, payoutId: string, problem: string, refused: number | null): Promise<void> {
  const tries = await store.countTry(tx, payoutId, problem.slice(0, 500), refused);
  if (tries === null) return;
  const minutes = Math.min(FIRST_WAIT_MINUTES * 2 ** Math.min(tries - 1, 16), WAIT_MINUTES_MAX);
  await enqueue(tx, {
    topic: SEND_PAYOUT_TOPIC, payload: { payoutId }, runAt: new Date(deps.clock.now().getTime() + minutes * 60_000),
    dedupeKey: `${SEND_PAYOUT_TOPIC}:${payoutId}:${tries}`,
  });
}

const NOTHING_OUT: Outstanding = { amountMinor: 0n, writtenOff: false };

/** What can be taken off an advance when its money comes back: what is unrecouped, or once it has ended, what was lost of it. */
async function outstandingOf(tx: Tx, deps: RoyaltiesDeps, advanceId: string, currency: Currency): Promise<Outstanding> {
  const advance = await lockAdvance(tx, advanceId);
  if (advance === null) throw new Error(`There is no advance ${advanceId}.`);
  if (advance.state === 'ended') return { amountMinor: advance.writtenOffMinor, writtenOff: true };
  return { amountMinor: await deps.ledger.lockedBalance(tx, chart.advanceUnrecouped(advanceId, currency)), writtenOff: false };
}

/**
 * Money that the processor took back after it was paid is unpaid again, as far as it came back, with its part of the tax. The
 * processor says it in the currency that it had sent: the last part brings the claim back whole.
 */
export async function bookReversal(tx: Tx, deps: RoyaltiesDeps, payoutId: string, facts: TransferFacts): Promise<void> {
  const row = await store.lockPayout(tx, payoutId);
  if (row === null || row.state === 'pending' || row.stripeTransfer !== facts.stripeTransfer || facts.reversedMinor <= row.reversedMinor) return;
  const converted = await store.conversionOf(tx, payoutId);
  const sentMinor = converted?.amountMinor ?? row.amountMinor;
  const { reversedMinor: totalMinor } = facts;
  const part = (wholeMinor: bigint): bigint => mulDivFloor(wholeMinor, totalMinor, sentMinor) - mulDivFloor(wholeMinor, row.reversedMinor, sentMinor);
  await lockPayee(tx, deps, row.accountId, row.currency);
  const outstanding = row.advanceId === null ? NOTHING_OUT : await outstandingOf(tx, deps, row.advanceId, row.currency);
  const drafts = payoutReversed(factsOf(row), {
    amountMinor: part(row.amountMinor), withheldMinor: part(row.withheldMinor), totalMinor, outstanding,
    sent: converted === null ? null : { currency: converted.currency, amountMinor: totalMinor - row.reversedMinor },
  }, dayOf(deps.clock.now()));
  for (const draft of drafts) await deps.ledger.post(tx, draft);
  if (row.advanceId !== null && outstanding.writtenOff) {
    const grossMinor = part(row.amountMinor) + part(row.withheldMinor);
    await putWrittenOff(tx, row.advanceId, outstanding.amountMinor - least(grossMinor, outstanding.amountMinor));
  }
  await store.putReversed(tx, payoutId, {
    totalMinor, state: totalMinor === sentMinor ? 'returned' : 'paid', problem: 'The payment processor took money back.',
  });
}

/** Whether it is not known yet what became of a payout. */
export async function payoutPending(tx: Tx, payoutId: string): Promise<boolean> {
  return (await store.findPayout(tx, payoutId))?.state === 'pending';
}

/** Whether a payout came back whole: what it was for may be paid again. */
export async function payoutReturned(tx: Tx, payoutId: string): Promise<boolean> {
  return (await store.findPayout(tx, payoutId))?.state === 'returned';
}

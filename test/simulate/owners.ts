import { expectRefusal } from './attacks.ts';
import { periodId, recognise, returnable } from './fans.ts';
import { isoDay } from './reference/days.ts';
import { unpaid } from './reference/state.ts';
import { type CloneFacts, MINIMUM_MINOR, type PaidPeriod, split, type Story } from './story.ts';
import type { Person } from './stage.ts';

/** What owners, payees and the operator do. */

/** What a person signs a document with. */
export async function signatureOf(story: Story, person: Person, documentType: 'split' | 'advance' | 'derivative', document: object): Promise<{ challengeId: string; credential: ReturnType<Person['passkey']['sign']> }> {
  const { identity } = story.stage.rooms;
  const asked = await identity.createSigningChallenge(person.actor, story.stage.key('challenge'), { documentType, document, locale: 'en' });
  return { challengeId: asked.challengeId, credential: person.passkey.sign(asked.publicKey) };
}

export async function signSplit(story: Story, clone: CloneFacts, fromDay: number): Promise<void> {
  const { payees, stage } = story;
  const legs = split(story.random, clone, payees);
  const bearer = story.pick(['platform', 'platform', clone.owner.accountId]);
  const base = story.pick(['net_of_tax_and_fees', 'net_of_tax_and_fees', 'net_of_tax', 'gross'] as const);
  const reserve = story.pick([{ basisPoints: 0, days: 0 }, { basisPoints: 500 + story.random.below(2_000), days: 3 + story.random.below(20) }]);
  const draft = await stage.rooms.royalties.draftSplit(clone.owner.actor, stage.key('draftSplit'), clone.cloneId, {
    legs, effectiveFrom: isoDay(fromDay), refundFeeBearer: bearer, base, reserve,
  });
  for (const person of [clone.owner, payees.agency, payees.writer, payees.operator]) {
    if (person !== payees.operator && !legs.some((leg) => leg.payee === person.accountId)) continue;
    await stage.rooms.royalties.signSplit(person.actor, stage.key('signSplit'), draft.splitId, { signature: await signatureOf(story, person, 'split', draft.document) });
  }
  clone.splits += 1;
  clone.bearers.push({ fromDay, bearer });
  story.happen({ what: 'split', cloneId: clone.cloneId, splitId: draft.splitId, number: clone.splits, fromDay, legs, bearer, base, reserve });
  story.count(`base_${base}`);
  if (reserve.days > 0) story.count('reserve_signed');
}

/** Everybody signs another division, which begins in the middle of paid periods. */
async function changeSplit(story: Story): Promise<boolean> {
  await signSplit(story, story.pick(story.clones), story.today + 1 + story.random.below(6));
  return true;
}

export async function runRoyalties(story: Story, clone: CloneFacts, mortal = false): Promise<void> {
  const { stage, payees } = story;
  await story.settle();
  const throughDay = story.today - story.random.below(3);
  const key = stage.key('runRoyalties');
  const ask = (): Promise<unknown> => stage.rooms.royalties.runRoyalties(payees.operator.actor, key, { cloneId: clone.cloneId, throughDay: isoDay(throughDay) });
  if (mortal) await dying(story, ask, 'process_died_in_run');
  const first = await ask();
  const again = await ask();
  if (JSON.stringify(first) !== JSON.stringify(again)) throw new Error('the same key was answered twice in two ways');
  story.happen({ what: 'recognised', cloneId: clone.cloneId, throughDay });
  story.happen({ what: 'run', cloneId: clone.cloneId, at: story.now });
}

/** Does a thing as somebody who dies on the way; whoever takes over does it again. */
export async function dying(story: Story, work: () => Promise<unknown>, kind: string): Promise<void> {
  const { life } = story.stage;
  life.dieAfter(1 + story.random.below(8));
  await work().catch((error: unknown) => {
    if (!life.dead) throw error;
  });
  if (life.dead) story.count(kind);
  life.revive();
}

async function run(story: Story): Promise<boolean> {
  for (const clone of story.clones) await runRoyalties(story, clone, story.random.below(3) === 0);
  return true;
}

async function dryRun(story: Story): Promise<boolean> {
  const clone = story.pick(story.clones);
  const answer = await story.stage.rooms.royalties.runRoyalties(story.payees.operator.actor, story.stage.key('dryRun'), {
    cloneId: clone.cloneId, throughDay: isoDay(story.today), dryRun: true,
  });
  if (!answer.dryRun) throw new Error('a dry run was wet');
  return true;
}

type Where = 'before_run' | 'after_run' | 'after_payout';

/** Where a period's money stands: undivided, in pots, or paid out already to somebody who got a part of it. */
function where(story: Story, period: PaidPeriod): Where {
  const { waiting, pots } = story.reference.books.period(period.key);
  if (waiting.some((one) => one.amountMinor > 0n) || pots.length === 0) return 'before_run';
  return pots.some(({ pot }) => pot.legs.some((leg) => leg.received > 0n && leg.payee !== 'platform' && unpaid(story.reference.books, leg.payee) === 0n)) ? 'after_payout' : 'after_run';
}

/** Delivered days go back to a fan whose money stands where it is asked for. */
async function goodwill(story: Story, at: Where): Promise<boolean> {
  const { stage, payees } = story;
  if (at === 'before_run') for (const clone of story.clones) await recognise(story, clone.cloneId);
  const candidates = story.periods.filter((period) => where(story, period) === at && ['never', 'won'].includes(period.disputed) && !period.shared && returnable(story, period).length > 0);
  if (candidates.length === 0) return false;
  const period = story.pick(candidates);
  const all = returnable(story, period);
  // Days of two bearers of the fee are asked for apart.
  const bearer = (day: number): string | undefined => period.sale.clone.bearers.findLast((one) => one.fromDay <= day)?.bearer;
  const first = bearer(story.pick(all));
  const left = all.filter((day) => bearer(day) === first);
  const most = at === 'before_run' ? 3 : left.length;
  const days = Array.from({ length: Math.min(left.length, 1 + story.random.below(most)) }, () => left.splice(story.random.below(left.length), 1)[0]!);
  const input = { periodId: await periodId(story, period), days: days.map(isoDay), reason: 'Goodwill.' };
  await recognise(story, period.sale.clone.cloneId);
  const key = stage.key('refundGoodwill');
  const ask = (): Promise<{ refundId: string }> => stage.rooms.royalties.refundGoodwill(payees.operator.actor, key, input);
  await dying(story, ask, 'process_died_in_refund');
  const { refundId } = await ask();
  const twice = await expectRefusal(stage.rooms.royalties.refundGoodwill(payees.operator.actor, stage.key('refundGoodwill'), input));
  if (twice !== 'refund_too_large') throw new Error(`a day was returned twice: ${twice}`);
  const was = story.late;
  await story.settle({ mortal: story.random.below(2) === 0 });
  story.late = was;
  const { state } = await stage.rooms.royalties.getRefund(refundId);
  if (state !== 'booked') throw new Error(`a refund is ${state}`);
  for (const day of days) period.returned.add(day);
  story.happen({ what: 'returned', period: period.key, days, at: story.now });
  return true;
}

export async function payOut(story: Story): Promise<boolean> {
  const { stage, payees } = story;
  const key = stage.key('createPayouts');
  const ask = (): ReturnType<typeof stage.rooms.royalties.createPayouts> => stage.rooms.royalties.createPayouts(payees.operator.actor, key, { minimumMinor: String(MINIMUM_MINOR) });
  await dying(story, ask, 'process_died_in_payout');
  const { payouts, skipped } = await ask();
  if (payouts.length === 0) return false;
  if (skipped.some((one) => one.reason === 'payee_not_onboarded')) story.count('payee_never_onboards');
  story.happen({ what: 'payouts', ready: [...payees.ready].sort(), minimumMinor: MINIMUM_MINOR, at: story.now });
  for (const { payoutId, payee, amountMinor } of payouts) story.underway.set(payoutId, { payee, amountMinor: BigInt(amountMinor), advanceId: null });
  await story.settle({ mortal: true });
  return true;
}

/** The processor takes a transfer back, in part or in full, before the payee's bank has it. */
async function bounce(story: Story): Promise<boolean> {
  const { stage } = story;
  if (story.late) return false;
  for (const clone of story.clones) await runRoyalties(story, clone);
  if (!(await payOut(story))) return false;
  // Which of several was sent last is the workers' race; of whom it is taken back, the seed's choice.
  const sent = await stage.ask<{ payee: string; transferId: string }>(`
    SELECT account_id AS payee, stripe_transfer AS "transferId" FROM payout
    WHERE advance_id IS NULL AND stripe_transfer IS NOT NULL AND created_at = $1 ORDER BY account_id`, [stage.clock.now()]);
  if (sent.length === 0) return false;
  const { payee, transferId } = story.pick(sent);
  const transfer = await stage.port.sdk.transfers.retrieve(transferId);
  const amount = story.random.below(2) === 0 ? transfer.amount : 1 + story.random.below(transfer.amount);
  const back = await stage.port.sdk.transfers.createReversal(transfer.id, { amount }, stage.port.withKey(`bounce ${transfer.id}`)).catch((error: unknown) => {
    // The payee's bank has it already.
    if (error instanceof Error && error.message.includes('enough available funds')) return null;
    throw error;
  });
  if (back === null) return false;
  story.happen({ what: 'bounced', payee, amountMinor: BigInt(amount) });
  await story.settle();
  return true;
}

/** Closes a period; what each payee is owed stands on a statement, and nothing else does. */
export async function close(story: Story): Promise<boolean> {
  const { stage, payees } = story;
  const throughDay = isoDay(story.today);
  const [last] = await stage.ask<{ through: string }>('SELECT through_day::text AS through FROM statement_close ORDER BY number DESC LIMIT 1');
  if (last !== undefined && last.through >= throughDay) return false;
  const key = stage.key('closeStatements');
  const ask = (): ReturnType<typeof stage.rooms.royalties.closeStatements> => stage.rooms.royalties.closeStatements(payees.operator.actor, key, { throughDay });
  await dying(story, ask, 'process_died_in_close');
  await ask();
  const again = await expectRefusal(stage.rooms.royalties.closeStatements(payees.operator.actor, stage.key('closeStatements'), { throughDay }));
  if (again !== 'statement_closed') throw new Error(`a period was closed twice: ${again}`);
  const newest = await stage.ask<{ payee: string; closing: string }>('SELECT DISTINCT ON (payee) payee, closing_minor::text AS closing FROM statement ORDER BY payee, number DESC');
  const off = newest.filter(({ payee, closing }) => BigInt(closing) !== unpaid(story.reference.books, payee));
  if (off.length > 0) throw new Error(`statements are off: ${JSON.stringify(off)}`);
  const sum = newest.reduce((total, { closing }) => total + BigInt(closing), 0n);
  const [ledger] = await stage.ask<{ owed: string }>(
    `SELECT coalesce(-sum(e.amount_minor), 0)::text AS owed FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE a.code LIKE 'payable:%'`);
  if (sum !== BigInt(ledger?.owed ?? '0')) throw new Error(`statements sum to ${sum}, the ledger owes ${ledger?.owed ?? 'nothing'}`);
  return true;
}

export const OWNERS: Readonly<Record<string, (story: Story) => Promise<boolean>>> = {
  change_split: changeSplit, run, dry_run: dryRun, payout: payOut, bounce, close,
  refund_before_run: (story) => goodwill(story, 'before_run'),
  refund_after_run: (story) => goodwill(story, 'after_run'),
  refund_after_payout: (story) => goodwill(story, 'after_payout'),
};

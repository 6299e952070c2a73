import { dying, payOut, runRoyalties } from './owners.ts';
import { account, unpaid } from './reference/state.ts';
import { GOOD_BANK, MINIMUM_MINOR, onboard, type Story } from './story.ts';

/** A payee's bank that gives money back: they name another one within the week, or what lies at the processor is taken back. */

/** The processor's number of an account that its bank does not find. */
const NOWHERE = '000111111116';
const DAY = 86_400;

/** Asking is what lets the processor's own time go on. */
async function asked(story: Story, payee: string): Promise<void> {
  const { stage } = story;
  const [row] = await stage.ask<{ id: string }>('SELECT stripe_account AS id FROM payout_account WHERE account_id = $1', [payee]);
  await stage.port.sdk.payouts.list({}, { stripeAccount: row?.id ?? '' });
  await story.settle();
}

async function failureOf(story: Story, person: Story['payees']['agency']): Promise<string | null> {
  return (await story.stage.rooms.royalties.getPayoutAccount(person.actor)).bankFailure;
}

async function fails(story: Story): Promise<boolean> {
  const { stage, payees, reference: { books } } = story;
  if (story.late || story.failing !== null) return false;
  for (const clone of story.clones) await runRoyalties(story, clone);
  // What waited for money, or was sent a moment ago, would go to that bank together with the next.
  const quiet = new Set((await stage.ask<{ payee: string }>(`SELECT account_id AS payee FROM payout GROUP BY 1 HAVING bool_or(state = 'pending') OR max(coalesce(settled_at, created_at)) > $1`, [
    new Date((story.now - 3 * DAY) * 1_000)])).map(({ payee }) => payee));
  const possible = [payees.agency, payees.writer, story.clones[0]!.owner].filter(({ accountId }) => payees.ready.has(accountId) && !quiet.has(accountId)
    && unpaid(books, accountId) - books.balance(account.debt(accountId)) >= MINIMUM_MINOR);
  if (possible.length === 0) return false;
  const person = story.pick(possible);
  const payee = person.accountId;
  await onboard(stage, person, NOWHERE);
  await story.settle();
  if (!(await payOut(story))) throw new Error('a payee who can be paid was not');
  if ([...story.underway.values()].some((one) => one.payee === payee)) {
    // There was no money at the processor to send.
    await onboard(stage, person, GOOD_BANK);
    await story.settle();
    return false;
  }
  const sentMinor = books.payouts.get(payee)?.sentMinor ?? 0n;
  await story.goTo(story.now + 4 * DAY);
  await asked(story, payee);
  if ((await failureOf(story, person)) === null) throw new Error('nobody noticed that a bank gave money back');
  story.failing = { person, amountMinor: sentMinor, since: story.now };
  payees.ready.delete(payee);
  return true;
}

/** Before the week is over; the processor sends it there, and the books have nothing to say. */
async function another(story: Story): Promise<boolean> {
  const { failing, payees } = story;
  if (story.late || failing === null) return false;
  await onboard(story.stage, failing.person, GOOD_BANK);
  await story.settle();
  await story.goTo(story.now + 4 * DAY);
  await asked(story, failing.person.accountId);
  if ((await failureOf(story, failing.person)) !== null) throw new Error('a bank that is gone still fails');
  await story.stage.rooms.royalties.work.takeBackFailed();
  payees.ready.add(failing.person.accountId);
  story.failing = null;
  return true;
}

/** It stood for a week: what the bank gave back is unpaid again, with its part of the tax. */
async function takeBack(story: Story): Promise<boolean> {
  const { failing, payees, stage } = story;
  if (story.late || failing === null) return false;
  if (story.now < failing.since + 7 * DAY) await story.goTo(failing.since + 7 * DAY + story.random.below(DAY));
  await story.settle();
  await dying(story, () => stage.rooms.royalties.work.takeBackFailed(), 'process_died_in_take_back');
  await stage.rooms.royalties.work.takeBackFailed();
  await story.settle();
  story.happen({ what: 'bounced', payee: failing.person.accountId, amountMinor: failing.amountMinor });
  failing.amountMinor = 0n;
  if (story.random.below(3) === 0) return true;
  await onboard(stage, failing.person, GOOD_BANK);
  await story.settle();
  payees.ready.add(failing.person.accountId);
  story.failing = null;
  return true;
}

/** Whichever comes first. */
const ends = (story: Story): Promise<boolean> => (story.failing?.amountMinor === 0n || story.random.below(3) === 0 ? another(story) : takeBack(story));

export const BANKS: Readonly<Record<string, (story: Story) => Promise<boolean>>> = { bank_fails: fails, bank_failure_ends: ends };

import { recomputeFiles } from '../../src/compose/recompute.ts';
import { dayOf, daysBetween } from '../../src/kernel/time.ts';
import type { Person } from '../support/person.ts';
import type { Delivered } from './fan.ts';
import type { Cast } from './people.ts';
import type { Licence } from './rights.ts';
import { must, type Story, type Telling, yuan } from './story.ts';
import type { World } from './world.ts';

/** Sessions end after thirty days. */
async function everybodySignsInAgain(cast: Cast): Promise<void> {
  for (const person of [cast.operator, ...cast.reviewers, cast.owner, cast.agency, ...cast.fans]) await person.signIn();
}

interface Reader {
  name: string;
  client: Person['client'];
  payee: string;
}

function readers(cast: Cast): Reader[] {
  return [
    { name: 'owner', client: cast.owner.client, payee: cast.owner.accountId },
    { name: 'agency', client: cast.agency.client, payee: cast.agency.accountId },
    { name: 'platform', client: cast.operator.client, payee: 'platform' },
  ];
}

/** Fetches everybody's newest statement, keeps it as JSON and PDF, and adds it up again. */
async function readStatements(cast: Cast, label: string, { checked, keep }: Telling): Promise<Map<string, { closing: bigint; lines: number; debt: bigint }>> {
  const closings = new Map<string, { closing: bigint; lines: number; debt: bigint }>();
  for (const { name, client, payee } of readers(cast)) {
    const { statements } = await client.call('listStatements', { query: name === 'platform' ? { payee } : {} });
    const [newest] = statements;
    must(newest !== undefined, `${name} has a statement`);
    const path = { statementId: newest.statementId };
    const { receipt } = await client.call('getStatement', { path });
    const { openingMinor, closingMinor, lines, debt } = receipt.document;
    const sum = lines.reduce((total, line) => total + BigInt(line.amountMinor), BigInt(openingMinor));
    must(sum === BigInt(closingMinor), `${name}: opening + lines = closing`);
    const pdf = await client.call('getStatementPdf', { path });
    must(Buffer.from(pdf).equals(Buffer.from(await client.call('getStatementPdf', { path }))), `${name}: the same statement gives the same bytes`);
    keep(`statement-${label}-${name}.json`, JSON.stringify(receipt, null, 1));
    keep(`statement-${label}-${name}.pdf`, pdf);
    keep(`statement-${label}-${name}.csv`, await client.call('getStatementCsv', { path }));
    const events = JSON.stringify(await client.call('exportStatementEvents', { path, query: { limit: 5_000 } }));
    keep(`statement-${label}-${name}-events.json`, events);
    const worked = recomputeFiles(Buffer.from(JSON.stringify(receipt)), [Buffer.from(events)]);
    must(worked.ok, `${name}: benren recompute comes to the same cents: ${worked.lines.filter((line) => !line.startsWith('same')).join('; ')}`);
    checked(`${name}: opening ${yuan(openingMinor)} ${lines.map((line) => `${line.amountMinor.startsWith('-') ? '−' : '+'} ${line.kind} ${yuan(line.amountMinor.replace('-', ''))} `).join('')}= closing ${yuan(closingMinor)} CNY; debt ${yuan(debt.closingMinor)}`);
    closings.set(name, { closing: BigInt(closingMinor), lines: lines.length, debt: BigInt(debt.closingMinor) });
  }
  return closings;
}

/** Each cent leads back: from the first line of her statement to the fans' payments. */
async function explainFirstLine(cast: Cast, checked: (fact: string) => void): Promise<void> {
  const { statements } = await cast.owner.client.call('listStatements', {});
  const { receipt } = await cast.owner.client.call('getStatement', { path: { statementId: statements[0]?.statementId ?? '' } });
  const { document } = receipt;
  must(document.schemaVersion === 2, 'her statement is of today\'s version');
  const line = document.lines.find((candidate) => candidate.kind === 'earnings');
  const pot = document.pots.find((candidate) => candidate.potId === line?.potId);
  const leg = pot?.legs.find((candidate) => candidate.payee === document.payee);
  must(line !== undefined && pot !== undefined && leg !== undefined, 'her statement has earnings, the share of a pot');
  const explained = await cast.owner.client.call('explainStatementLine', { path: { statementId: document.statementId, lineId: line.lineId } });
  must(explained.sourceCount > 0 && explained.sources.every((source) => source.charge !== null), 'the line leads to payments');
  checked(`line ${line.lineId} (${yuan(line.amountMinor)} CNY, ${leg.basisPoints / 100} % of a pot of ${yuan(pot.baseMinor)}) leads to ${explained.sourceCount} postings of ${new Set(explained.sources.map((source) => source.charge)).size} payments`);
}

/** Step 8: forty-five days later the first month is earned, divided, stated and paid. */
export async function earnAndPay(world: World, story: Story, cast: Cast, licence: Licence, delivered: Delivered): Promise<void> {
  await story.tell('8 45 days later: earned, run, split, closed and paid', async (telling) => {
    const { checked } = telling;
    const before = await cast.fans[0].client.call('getSubscription', { path: { subscriptionId: delivered.subscriptionId } });
    const endOfOne = before.currentPeriod?.endDay ?? '';
    await world.advanceDays(45);
    await everybodySignsInAgain(cast);
    const { currentPeriod } = await cast.fans[0].client.call('getSubscription', { path: { subscriptionId: delivered.subscriptionId } });
    must(currentPeriod?.startDay === endOfOne, 'the subscription renewed itself');
    checked(`period two runs from ${currentPeriod.startDay} to ${currentPeriod.endDay}: day ${daysBetween(currentPeriod.startDay, dayOf(world.clock.now()))} of ${daysBetween(currentPeriod.startDay, currentPeriod.endDay)}`);
    const run = await cast.operator.client.call('runRoyalties', { body: { cloneId: licence.cloneId, throughDay: endOfOne } });
    for (const pot of run.pots) {
      const legs = pot.legs.reduce((sum, leg) => sum + BigInt(leg.amountMinor), 0n);
      must(legs === BigInt(pot.amountMinor), 'the legs are exactly the pot');
      checked(`pot of ${yuan(pot.amountMinor)} CNY (${pot.firstDay} to ${pot.lastDay}) → ${pot.legs.map((leg) => yuan(leg.amountMinor)).join(' + ')}`);
    }
    must(run.pots.length === 1, 'one tier and one split make one pot');
    await cast.operator.client.call('closeStatements', { body: { throughDay: endOfOne } });
    await readStatements(cast, '1', telling);
    await explainFirstLine(cast, checked);
    const { payouts, skipped } = await cast.operator.client.call('createPayouts', { body: {} });
    must(payouts.length === 2 && skipped.length === 0, `owner and agency are paid: ${JSON.stringify(skipped)}`);
    await world.settle();
    for (const { payoutId } of payouts) {
      const payout = await cast.operator.client.call('getPayout', { path: { payoutId } });
      must(payout.state === 'paid' && payout.stripeTransfer !== null, `payout ${payoutId} is paid, not ${payout.state} (${payout.problem ?? ''})`);
      checked(`payout of ${yuan(payout.amountMinor)} ${payout.currency}: ${payout.state}, ${payout.stripeTransfer}`);
    }
    const again = await cast.operator.client.call('createPayouts', { body: {} });
    must(again.payouts.length === 0, 'nobody is paid twice');
  });
}

/** Step 9, its end: a day given back after the payout is each payee's debt, on a line of its own. */
export async function refundDay(world: World, story: Story, cast: Cast, delivered: Delivered): Promise<void> {
  await story.tell('9b One day of period one is refunded as goodwill, after the payout', async (telling) => {
    const { checked } = telling;
    const [period] = await world.ask<{ id: string; day: string }>(
      'SELECT id, start_day::text AS day FROM subscription_period WHERE subscription_id = $1 ORDER BY start_day LIMIT 1', [delivered.subscriptionId]);
    must(period !== undefined, 'period one is known');
    const asked = await cast.operator.client.call('refundGoodwill', { body: { periodId: period.id, days: [period.day], reason: 'A bad day.' } });
    await world.settle();
    const refund = await cast.operator.client.call('getRefund', { path: { refundId: asked.refundId } });
    must(refund.state === 'booked', `the refund is booked, not ${refund.state} (${refund.failure ?? ''})`);
    checked(`${yuan(refund.grossMinor)} CNY back to the fan, what the day was worth when it was earned: tax ${yuan(refund.taxMinor)}, legs ${refund.legs.map((leg) => yuan(leg.amountMinor)).join(' + ')}; kept fee borne by the platform: ${yuan(refund.expenseMinor)}`);
    await cast.operator.client.call('closeStatements', { body: { throughDay: dayOf(world.clock.now()) } });
    const closings = await readStatements(cast, '2', telling);
    for (const name of ['owner', 'agency']) must((closings.get(name)?.debt ?? 0n) > 0n, `${name} has a debt line`);
    const [waiting] = await world.ask<{ minor: string }>(
      `SELECT (-sum(e.amount_minor))::text AS minor FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE a.code LIKE 'earned:%'`);
    checked(`what the 15 delivered days of period two earned, ${yuan(waiting?.minor ?? '0')} CNY, waits for the next run`);
    checked('owner and agency carry their part as a debt of its own; it is netted once, from later earnings');
  });
}

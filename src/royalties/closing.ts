import { canonicalJson } from '../kernel/canonical-json.ts';
import { type Currency, isCurrency } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart, type EntrySum, type SumsRange } from '../ledger/index.ts';
import { advancesOf } from './advance-store.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { PLATFORM, PLATFORM_NAME } from './model.ts';
import { potFacts, type PotFacts } from './pot-store.ts';
import { checkKinds } from './statement-lines.ts';
import { type AccountInput, type AccountName, ACCOUNTS, linesOf, type Statement, statementDocument, type StatementInput } from './statement-model.ts';
import * as store from './statement-store.ts';

/** A period closed: the sums of a range of the ledger, a statement for each payee, and the range locked behind them. */

/** The accounts of a payee, by the first part of their codes. */
const PREFIXES: Readonly<Record<AccountName, string>> = { balance: 'payable:', debt: 'payee_debt:', reserve: 'payee_reserve:' };
const NAMES = Object.keys(ACCOUNTS) as AccountName[];

/** One payee's sums of a range. */
interface Group {
  payee: string;
  currency: Currency;
  sums: Record<AccountName, EntrySum[]>;
}

function grouped(sums: readonly EntrySum[]): Group[] {
  const groups = new Map<string, Group>();
  for (const sum of sums) {
    const [, payee, currency] = sum.accountCode.split(':');
    const account = NAMES.find((name) => sum.accountCode.startsWith(PREFIXES[name]));
    if (payee === undefined || currency === undefined || !isCurrency(currency) || account === undefined) {
      throw new Error(`The account ${sum.accountCode} names no payee.`);
    }
    const key = `${payee}:${currency}`;
    const group = groups.get(key) ?? { payee, currency, sums: { balance: [], debt: [], reserve: [] } };
    groups.set(key, group);
    group.sums[account].push(sum);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** What the lines of a close speak of. */
interface Facts {
  pots: Map<string, PotFacts>;
  names: Map<string, string>;
}

async function factsFor(tx: Tx, deps: RoyaltiesDeps, sums: readonly EntrySum[]): Promise<Facts> {
  const ids = (key: 'cloneId' | 'tierId' | 'potId'): string[] => [...new Set(sums.map((sum) => sum[key]).filter((id) => id !== null))].sort();
  const pots = new Map((await potFacts(tx, ids('potId'))).map((pot) => [pot.potId, pot]));
  const names = new Map<string, string>();
  for (const cloneId of ids('cloneId')) {
    const clone = await deps.clones.clone(tx, cloneId);
    if (clone !== null) names.set(cloneId, clone.name);
  }
  for (const tierId of ids('tierId')) {
    const tier = await deps.billing.tier(tx, tierId);
    if (tier !== null) names.set(tierId, tier.name);
  }
  return { pots, names };
}

async function nameOf(tx: Tx, deps: RoyaltiesDeps, payee: string): Promise<string> {
  if (payee === PLATFORM) return PLATFORM_NAME;
  const account = await deps.identity.account(tx, payee);
  if (account === null) throw new Error(`There is no account ${payee}.`);
  return account.displayName;
}

/** What stood on a payee's accounts before the range, as people read it. */
async function accountsOf(tx: Tx, deps: RoyaltiesDeps, group: Group, position: bigint): Promise<Record<AccountName, AccountInput>> {
  const { payee, currency, sums } = group;
  const opening = (code: string): Promise<bigint> => deps.ledger.balanceAsOf(tx, { code }, { position });
  return {
    balance: { openingMinor: -(await opening(chart.payable(payee, currency).code)), sums: sums.balance },
    debt: { openingMinor: await opening(chart.payeeDebt(payee, currency).code), sums: sums.debt },
    reserve: { openingMinor: -(await opening(chart.payeeReserve(payee, currency).code)), sums: sums.reserve },
  };
}

/** What was still to be recouped of each of the payee's advances, before the range and after it. */
async function advancesIn(tx: Tx, deps: RoyaltiesDeps, group: Group, close: store.CloseRow): Promise<StatementInput['advances']> {
  const { payee, currency } = group;
  const found = [];
  for (const advance of (await advancesOf(tx, payee)).filter((one) => one.currency === currency && one.state !== 'draft')) {
    const account = chart.advanceUnrecouped(advance.id, currency);
    const [openingMinor, closingMinor] = [
      await deps.ledger.balanceAsOf(tx, account, { position: close.fromPosition }), await deps.ledger.balanceAsOf(tx, account, { position: close.toPosition }),
    ];
    if (openingMinor !== 0n || closingMinor !== 0n) found.push({ advanceId: advance.id, openingMinor, closingMinor });
  }
  return found;
}

async function writeStatement(tx: Tx, deps: RoyaltiesDeps, close: store.CloseRow, group: Group, facts: Facts): Promise<store.LineGroup[]> {
  const { payee, currency } = group;
  const before = await store.newestStatement(tx, payee, currency);
  const input: StatementInput = {
    statementId: deps.ids.next('statement'), number: (before?.number ?? 0) + 1, payee, payeeName: await nameOf(tx, deps, payee), currency, close,
    accounts: await accountsOf(tx, deps, group, close.fromPosition), advances: await advancesIn(tx, deps, group, close), ...facts,
    previousStatementSha256: before?.digest ?? null, closedAt: close.closedAt,
  };
  const document = statementDocument(input);
  await keep(tx, deps, close, document);
  return NAMES.flatMap((account) => linesOf(input, account).map(({ groupKey, line }) => ({
    groupKey, statementId: document.statementId, lineId: line.lineId, sign: account === 'debt' ? 1 as const : -1 as const,
  })));
}

async function keep(tx: Tx, deps: RoyaltiesDeps, close: store.CloseRow, document: Statement): Promise<void> {
  const { digest, keyId, signature } = deps.provenance.signReceipt('statement', document);
  const { statementId, payee, payeeName, currency, debt, reserve } = document;
  const { leafId } = await deps.transparency.append(tx, { type: 'statement.closed', subjectId: statementId, at: close.closedAt, documentSha256: digest });
  await store.insertStatement(tx, {
    id: statementId, closeNumber: close.number, payee, payeeName, currency, number: Number(document.number), openingMinor: BigInt(document.openingMinor),
    closingMinor: BigInt(document.closingMinor), debtOpeningMinor: BigInt(debt.openingMinor), debtClosingMinor: BigInt(debt.closingMinor),
    reserveOpeningMinor: BigInt(reserve.openingMinor), reserveClosingMinor: BigInt(reserve.closingMinor), canonical: canonicalJson(document), digest, keyId,
    signature, leafId, closedAt: close.closedAt,
  });
}

/** The earliest day that anything in the first close is for; later closes begin where the last one ended. */
function firstDay(sums: readonly EntrySum[], pots: ReadonlyMap<string, PotFacts>, throughDay: Day): Day {
  const days = [...sums, ...pots.values()].map((one) => one.firstDay);
  return days.reduce((first, day) => (day < first ? day : first), addDays(throughDay, -1));
}

/** Closes what was sequenced since the last close. In one transaction: all statements, or none. */
export async function closePeriod(tx: Tx, deps: RoyaltiesDeps, actor: Actor, throughDay: Day): Promise<store.CloseRow> {
  await store.lockCloses(tx);
  const last = await store.lastClose(tx);
  if (last !== null && throughDay <= last.throughDay) {
    throw new Refusal('statement_closed', `Days before ${last.throughDay} are closed; what was recorded since stands in a later period.`);
  }
  const range: SumsRange = {
    prefixes: Object.values(PREFIXES), fromPosition: last?.toPosition ?? 0n, toPosition: await deps.ledger.position(tx), beforeDay: last?.throughDay ?? null,
  };
  const sums = await deps.ledger.sums(tx, range);
  checkKinds(sums.map((sum) => sum.kind));
  const facts = await factsFor(tx, deps, sums);
  const row: store.CloseRow = {
    number: (last?.number ?? 0) + 1, fromPosition: range.fromPosition, toPosition: range.toPosition,
    fromDay: last?.throughDay ?? firstDay(sums, facts.pots, throughDay), throughDay, closedBy: actor.accountId, closedAt: deps.clock.now(),
  };
  await store.insertClose(tx, row);
  const lines: store.LineGroup[] = [];
  for (const group of grouped(sums)) lines.push(...await writeStatement(tx, deps, row, group, facts));
  if (lines.length > 0) await store.insertLines(tx, range, lines);
  return row;
}

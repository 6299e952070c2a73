import type { components } from '../../contracts/generated/api.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { type Currency, isCurrency } from '../kernel/money.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, dayOf, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { chart, type EntryView } from '../ledger/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { type ExplainedJson, explainLine } from './explain.ts';
import { PLATFORM, PLATFORM_NAME } from './model.ts';
import { statementPdf } from './pdf.ts';
import { textIn } from './postings.ts';
import * as runs from './run-store.ts';
import * as splits from './split-store.ts';
import { checkKinds } from './statement-lines.ts';
import { type PotFacts, type StatementDocument, statementDocument, type StatementNames } from './statement-model.ts';
import * as store from './statement-store.ts';

export type StatementListJson = components['schemas']['StatementList'];
export type SignedStatementJson = components['schemas']['SignedStatement'];

/** Closed periods, one statement for each payee. */
export interface Statements {
  closeStatements(actor: Actor, key: IdempotencyKey, input: { throughDay: Day }): Promise<StatementListJson>;
  listStatements(actor: Actor, payee?: string): Promise<StatementListJson>;
  getStatement(actor: Actor, statementId: string): Promise<{ receipt: SignedStatementJson; leafId: string }>;
  /** The same statement is always the same bytes. */
  getStatementPdf(actor: Actor, statementId: string): Promise<Uint8Array>;
  explainStatementLine(actor: Actor, statementId: string, lineId: string): Promise<ExplainedJson>;
}

function listed(row: store.StatementWithDays): StatementListJson['statements'][number] {
  return {
    statementId: row.id, payee: row.payee, payeeName: row.payeeName, currency: row.currency, number: row.number, fromDay: row.fromDay,
    throughDay: row.throughDay, openingMinor: row.openingMinor.toString(), closingMinor: row.closingMinor.toString(),
    debtMinor: row.debtClosingMinor.toString(), digest: row.digest, leafId: row.leafId, closedAt: row.closedAt.toISOString(),
  };
}

/** One payee's entries of a range. */
interface Group {
  payee: string;
  currency: Currency;
  entries: EntryView[];
  debtEntries: EntryView[];
}

function grouped(balances: readonly EntryView[], debts: readonly EntryView[]): Group[] {
  const groups = new Map<string, Group>();
  const groupOf = ({ accountCode }: EntryView): Group => {
    const [, payee, currency] = accountCode.split(':');
    if (payee === undefined || currency === undefined || !isCurrency(currency)) throw new Error(`The account ${accountCode} names no payee.`);
    const key = `${payee}:${currency}`;
    const group = groups.get(key) ?? { payee, currency, entries: [], debtEntries: [] };
    groups.set(key, group);
    return group;
  };
  for (const entry of balances) groupOf(entry).entries.push(entry);
  for (const entry of debts) groupOf(entry).debtEntries.push(entry);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

async function potFacts(tx: Tx, potId: string): Promise<PotFacts | null> {
  const pot = await runs.findPot(tx, potId);
  if (pot === null) return null;
  const { runId, amountMinor, splitId, firstDay } = pot;
  const legs = await runs.legsOfPot(tx, potId);
  return {
    firstDay, runId, amountMinor, splitId, splitNumber: await splits.numberOf(tx, splitId),
    basisPointsOf: new Map(legs.map((leg) => [leg.payee, leg.basisPoints])),
  };
}

/** Everything that the lines of these entries name. */
async function namesFor(tx: Tx, deps: RoyaltiesDeps, entries: readonly EntryView[]): Promise<StatementNames> {
  const clones = new Map<string, string>();
  const tiers = new Map<string, string>();
  const pots = new Map<string, PotFacts>();
  for (const { metadata } of entries) {
    const cloneId = textIn(metadata, 'cloneId');
    const clone = cloneId === null || clones.has(cloneId) ? null : await deps.clones.clone(tx, cloneId);
    if (clone !== null) clones.set(clone.cloneId, clone.name);
    const tierId = textIn(metadata, 'tierId');
    const tier = tierId === null || tiers.has(tierId) ? null : await deps.billing.tier(tx, tierId);
    if (tier !== null) tiers.set(tier.tierId, tier.name);
    const potId = textIn(metadata, 'potId');
    const pot = potId === null || pots.has(potId) ? null : await potFacts(tx, potId);
    if (potId !== null && pot !== null) pots.set(potId, pot);
  }
  return { clones, tiers, pots };
}

async function nameOf(tx: Tx, deps: RoyaltiesDeps, payee: string): Promise<string> {
  if (payee === PLATFORM) return PLATFORM_NAME;
  const account = await deps.identity.account(tx, payee);
  if (account === null) throw new Error(`There is no account ${payee}.`);
  return account.displayName;
}

function linesOf(document: StatementDocument, group: Group): store.LineRow[] {
  const row = (prefix: string, entry: EntryView, index: number, amountMinor: string): store.LineRow => {
    return { lineId: `${prefix}${index + 1}`, transferId: entry.transferId, leg: entry.leg, amountMinor: BigInt(amountMinor) };
  };
  return [
    ...group.entries.map((entry, index) => row('', entry, index, document.lines[index]?.amountMinor ?? '0')),
    ...group.debtEntries.map((entry, index) => row('d', entry, index, document.debt.lines[index]?.amountMinor ?? '0')),
  ];
}

async function writeStatement(tx: Tx, deps: RoyaltiesDeps, close: store.CloseRow, group: Group, names: StatementNames): Promise<void> {
  const { payee, currency } = group;
  const { ledger, provenance, transparency, ids } = deps;
  const before = await store.newestStatement(tx, payee, currency);
  const at = { position: close.fromPosition };
  const payeeName = await nameOf(tx, deps, payee);
  const document = statementDocument({
    statementId: ids.next('statement'), number: (before?.number ?? 0) + 1, payee, payeeName, currency, close,
    openingMinor: -(await ledger.balanceAsOf(tx, chart.payable(payee, currency), at)), entries: group.entries,
    debtOpeningMinor: payee === PLATFORM ? 0n : await ledger.balanceAsOf(tx, chart.payeeDebt(payee, currency), at), debtEntries: group.debtEntries,
    names, previousStatementSha256: before?.digest ?? null, closedAt: close.closedAt,
  });
  const { digest, keyId, signature } = provenance.signReceipt('statement', document);
  const { statementId } = document;
  const { leafId } = await transparency.append(tx, { type: 'statement.closed', subjectId: statementId, at: close.closedAt, documentSha256: digest });
  await store.insertStatement(tx, {
    id: statementId, closeNumber: close.number, payee, payeeName, currency, number: Number(document.number), openingMinor: BigInt(document.openingMinor),
    closingMinor: BigInt(document.closingMinor), debtOpeningMinor: BigInt(document.debt.openingMinor),
    debtClosingMinor: BigInt(document.debt.closingMinor), canonical: canonicalJson(document), digest, keyId, signature, leafId, closedAt: close.closedAt,
  });
  await store.insertLines(tx, statementId, linesOf(document, group));
}

/** The earliest day that anything in the first close is for; later closes begin where the last one ended. */
function firstDay(entries: readonly EntryView[], names: StatementNames, throughDay: Day): Day {
  const days = [...entries.map((entry) => entry.effectiveDate), ...[...names.pots.values()].map((pot) => pot.firstDay)];
  return days.reduce((first, day) => (day < first ? day : first), addDays(throughDay, -1));
}

async function close(tx: Tx, deps: RoyaltiesDeps, actor: Actor, throughDay: Day): Promise<StatementListJson> {
  await store.lockCloses(tx);
  const last = await store.lastClose(tx);
  if (last !== null && throughDay <= last.throughDay) {
    throw new Refusal('statement_closed', `Days before ${last.throughDay} are closed; what was recorded since stands in a later period.`);
  }
  const range = { fromPosition: last?.toPosition ?? 0n, toPosition: await deps.ledger.position(tx) };
  const balances = await deps.ledger.entries(tx, { accountPrefix: 'payable:', ...range });
  const debts = await deps.ledger.entries(tx, { accountPrefix: 'payee_debt:', ...range });
  const all = [...balances, ...debts];
  checkKinds(all.map((entry) => entry.kind));
  const names = await namesFor(tx, deps, all);
  const row: store.CloseRow = {
    number: (last?.number ?? 0) + 1, ...range, fromDay: last?.throughDay ?? firstDay(all, names, throughDay), throughDay, closedBy: actor.accountId,
    closedAt: deps.clock.now(),
  };
  await store.insertClose(tx, row);
  for (const group of grouped(balances, debts)) await writeStatement(tx, deps, row, group, names);
  return { statements: (await store.statementsOf(tx, { closeNumber: row.number })).map(listed) };
}

export function makeStatements(deps: RoyaltiesDeps): Statements {
  const { runTx, clock, ledger } = deps;

  async function readable(tx: Tx, actor: Actor, statementId: string): Promise<store.StatementRow> {
    const row = await store.findStatement(tx, statementId);
    if (row === null || (row.payee !== actor.accountId && !actor.roles.includes('operator'))) throw notFound();
    return row;
  }

  return {
    async closeStatements(actor, key, { throughDay }) {
      // PostgreSQL's calendar has no year 0, and a period needs a day before its end.
      if (throughDay <= '0001-01-01') throw new Refusal('request_invalid', 'No day lies before 0001-01-01, so no period ends there.');
      if (throughDay > dayOf(clock.now())) throw new Refusal('statement_open', 'Only days that are over are closed: `throughDay` is today at the latest.');
      await ledger.sequence();
      return await runTx((tx) => once(tx, key, () => close(tx, deps, actor, throughDay)));
    },

    listStatements: (actor, payee = actor.accountId) => runTx(async (tx) => {
      if (payee !== actor.accountId && !actor.roles.includes('operator')) throw notFound();
      return { statements: (await store.statementsOf(tx, { payee })).map(listed) };
    }),

    getStatement: (actor, statementId) => runTx(async (tx) => {
      const { canonical, digest, keyId, signature, leafId } = await readable(tx, actor, statementId);
      const document = JSON.parse(canonical) as StatementDocument;
      return { receipt: { kind: 'benren-receipt', type: 'statement', document, digest, keyId, algorithm: 'Ed25519', signature }, leafId };
    }),

    async getStatementPdf(actor, statementId) {
      const row = await runTx((tx) => readable(tx, actor, statementId));
      return await statementPdf(JSON.parse(row.canonical) as StatementDocument, row);
    },

    explainStatementLine: (actor, statementId, lineId) => runTx(async (tx) => {
      const statement = await readable(tx, actor, statementId);
      const line = await store.findLine(tx, statementId, lineId);
      if (line === null) throw notFound();
      return await explainLine(tx, deps, statement, line);
    }),
  };
}

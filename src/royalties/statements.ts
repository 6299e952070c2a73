import type { components } from '../../contracts/generated/api.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { closePeriod } from './closing.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { type ExplainedJson, explainLine, type Page, PAGE_DEFAULT } from './explain.ts';
import { statementCsv } from './statement-csv.ts';
import { EVENTS_PAGE, type EventsJson, statementEvents } from './statement-events.ts';
import type { StatementDocument } from './statement-model.ts';
import { statementPaper } from './statement-paper.ts';
import * as store from './statement-store.ts';
import type { Language } from './statement-words.ts';

export type StatementListJson = components['schemas']['StatementList'];
export type SignedStatementJson = components['schemas']['SignedStatement'];
export type StatementProofJson = components['schemas']['StatementProof'];

/** Closed periods, one statement for each payee. */
export interface Statements {
  closeStatements(actor: Actor, key: IdempotencyKey, input: { throughDay: Day }): Promise<StatementListJson>;
  listStatements(actor: Actor, payee?: string): Promise<StatementListJson>;
  getStatement(actor: Actor, statementId: string): Promise<{ receipt: SignedStatementJson; leafId: string }>;
  /** The same statement is always the same bytes. */
  getStatementPdf(actor: Actor, statementId: string, language?: Language): Promise<Uint8Array>;
  /** For spreadsheets; the same statement is always the same bytes. */
  getStatementCsv(actor: Actor, statementId: string, language?: Language): Promise<string>;
  /** The signed statement with its place in the log, and that of the one before it under the same head. */
  getStatementProof(actor: Actor, statementId: string): Promise<StatementProofJson>;
  /** What `benren recompute` works the statement out again from, a page at a time. */
  exportStatementEvents(actor: Actor, statementId: string, page?: Partial<Page>): Promise<EventsJson>;
  /** Where a line comes from, a page at a time. */
  explainStatementLine(actor: Actor, statementId: string, lineId: string, page?: Partial<Page>): Promise<ExplainedJson>;
}

function listed(row: store.StatementWithDays): StatementListJson['statements'][number] {
  return {
    statementId: row.id, payee: row.payee, payeeName: row.payeeName, currency: row.currency, number: row.number, fromDay: row.fromDay,
    throughDay: row.throughDay, openingMinor: row.openingMinor.toString(), closingMinor: row.closingMinor.toString(),
    debtMinor: row.debtClosingMinor.toString(), digest: row.digest, leafId: row.leafId, closedAt: row.closedAt.toISOString(),
  };
}

function receiptOf({ canonical, digest, keyId, signature }: store.StatementRow): SignedStatementJson {
  return { kind: 'benren-receipt', type: 'statement', document: JSON.parse(canonical) as StatementDocument, digest, keyId, algorithm: 'Ed25519', signature };
}

/** One of a statement's lines, on whichever of its accounts; undefined when there is none. */
function lineOf(document: StatementDocument, lineId: string): { amountMinor: string } | undefined {
  if (document.schemaVersion === 1) {
    const lines: readonly { lineId: string; amountMinor: string }[] = lineId.startsWith('d') ? document.debt.lines : document.lines;
    return lines.find((line) => line.lineId === lineId.replace('d', ''));
  }
  return [...document.lines, ...document.debt.lines, ...document.reserve.lines].find((line) => line.lineId === lineId);
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
      return await runTx((tx) => once(tx, key, async () => {
        const { number } = await closePeriod(tx, deps, actor, throughDay);
        return { statements: (await store.statementsOf(tx, { closeNumber: number })).map(listed) };
      }));
    },

    listStatements: (actor, payee = actor.accountId) => runTx(async (tx) => {
      if (payee !== actor.accountId && !actor.roles.includes('operator')) throw notFound();
      return { statements: (await store.statementsOf(tx, { payee })).map(listed) };
    }),

    getStatement: (actor, statementId) => runTx(async (tx) => {
      const row = await readable(tx, actor, statementId);
      return { receipt: receiptOf(row), leafId: row.leafId };
    }),

    async getStatementPdf(actor, statementId, language = 'zh-CN') {
      const { row, paper } = await runTx(async (tx) => ({ row: await readable(tx, actor, statementId), paper: await store.findPaper(tx, statementId, language) }));
      if (paper !== null) return paper;
      const drawn = await statementPaper(JSON.parse(row.canonical) as StatementDocument, row, language, await deps.statementKeys());
      // Whoever printed it first decided its bytes.
      return await runTx(async (tx) => {
        await store.keepPaper(tx, { statementId, language, pdf: drawn, at: clock.now() });
        return await store.findPaper(tx, statementId, language) ?? drawn;
      });
    },

    async getStatementCsv(actor, statementId, language = 'zh-CN') {
      const row = await runTx((tx) => readable(tx, actor, statementId));
      return statementCsv(JSON.parse(row.canonical) as StatementDocument, language);
    },

    async getStatementProof(actor, statementId) {
      const { row, before } = await runTx(async (tx) => {
        const found = await readable(tx, actor, statementId);
        return { row: found, before: await store.statementBefore(tx, found) };
      });
      const [proof, previous = null] = await deps.transparency.bundles(before === null ? [row.leafId] : [row.leafId, before.leafId]);
      if (proof === undefined) throw new Error(`Statement ${statementId} has no proof.`);
      return { kind: 'benren-statement-proof', receipt: receiptOf(row), proof, previous };
    },

    exportStatementEvents: (actor, statementId, { limit = EVENTS_PAGE, ...page } = {}) => runTx(async (tx) => {
      const row = await readable(tx, actor, statementId);
      const document = JSON.parse(row.canonical) as StatementDocument;
      if (document.schemaVersion === 1) throw notFound();
      return await statementEvents(tx, deps, row, document, { limit, ...page });
    }),

    explainStatementLine: (actor, statementId, lineId, { limit = PAGE_DEFAULT, ...page } = {}) => runTx(async (tx) => {
      const statement = await readable(tx, actor, statementId);
      const line = lineOf(JSON.parse(statement.canonical) as StatementDocument, lineId);
      const explained = line === undefined ? null : await explainLine(tx, deps, { statement, lineId, amountMinor: line.amountMinor }, { limit, ...page });
      if (explained === null) throw notFound();
      return explained;
    }),
  };
}

import { canonicalJson, type JsonObject, parseStrictJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import type { Tx } from '../kernel/tx.ts';
import type { EntryView, Ledger } from '../ledger/index.ts';
import { sql } from '../platform/postgres/index.ts';

/** Holds what is stored of statements against the ledger, against itself, and against leaves that are proven elsewhere. */

export interface StatementProblem {
  code: 'statement_changed' | 'statement_line_wrong' | 'statement_line_missing' | 'statement_broken' | 'statement_missing';
  /** A statement's id, or that of the transfer which no statement shows. */
  id: string;
  detail: string;
}

export interface StatementAudit {
  statements: number;
  /** Of them, those that a checkpoint held elsewhere speaks of. */
  proven: number;
  problems: StatementProblem[];
}

interface Stored {
  id: string;
  closeNumber: number;
  payee: string;
  currency: string;
  openingMinor: bigint;
  closingMinor: bigint;
  canonical: string;
  digest: string;
  leafId: string;
}

interface LineEntry {
  statementId: string;
  lineId: string;
  transferId: string;
  leg: number;
  amountMinor: bigint;
}

interface Account {
  openingMinor: string;
  closingMinor: string;
  lines: readonly { lineId: string; amountMinor: string; entries?: string }[];
}

/** The accounts of a payee by how their lines' ids begin; a debt grows by debits, the others by credits. */
const ACCOUNTS = [['', 'payable', -1n], ['d', 'payee_debt', 1n], ['r', 'payee_reserve', -1n]] as const;

function accountsOf(document: JsonObject): (Account | undefined)[] {
  const shown = document as unknown as Account & { debt?: Account; reserve?: Account };
  return [shown, shown.debt, shown.reserve];
}

function checkDocument(row: Stored, proven: string | undefined, report: (code: StatementProblem['code'], id: string, detail: string) => void): (Account | undefined)[] {
  if (sha256Hex(row.canonical) !== row.digest) report('statement_changed', row.id, 'Its text does not have its digest.');
  if (proven !== undefined && proven !== sha256Hex(row.canonical)) report('statement_changed', row.id, 'The public log names another text of it.');
  const document = parseStrictJson(row.canonical) as JsonObject;
  if (canonicalJson(document) !== row.canonical) report('statement_changed', row.id, 'Its text is not in its one form.');
  const accounts = accountsOf(document);
  for (const account of accounts) {
    if (account === undefined) continue;
    const sum = account.lines.reduce((total, line) => total + BigInt(line.amountMinor), BigInt(account.openingMinor));
    if (sum !== BigInt(account.closingMinor)) report('statement_broken', row.id, 'Opening and lines are not closing.');
  }
  const [balance] = accounts;
  if (balance !== undefined && (BigInt(balance.openingMinor) !== row.openingMinor || BigInt(balance.closingMinor) !== row.closingMinor)) {
    report('statement_broken', row.id, 'It is kept with other balances than it shows.');
  }
  return accounts;
}

/** Each line's rows sum to what the document says, and each row is the entry that it names. */
function checkLines(
  row: Stored, accounts: readonly (Account | undefined)[], rows: readonly LineEntry[], entries: Map<string, EntryView>,
  report: (code: StatementProblem['code'], id: string, detail: string) => void,
): void {
  const sums = new Map<string, { amount: bigint; entries: number }>();
  for (const { lineId, transferId, leg, amountMinor } of rows) {
    const sum = sums.get(lineId) ?? { amount: 0n, entries: 0 };
    sums.set(lineId, { amount: sum.amount + amountMinor, entries: sum.entries + 1 });
    const [, name, sign] = ACCOUNTS.find(([prefix]) => prefix === lineId.replace(/\d+$/, '')) ?? ACCOUNTS[0];
    const key = `${transferId} ${String(leg)}`;
    const entry = entries.get(key);
    if (entry?.accountCode !== `${name}:${row.payee}:${row.currency}` || entry.amountMinor * sign !== amountMinor) {
      report('statement_line_wrong', row.id, `Line ${lineId} shows ${transferId}, leg ${String(leg)}, as it does not stand in the ledger.`);
    }
    entries.delete(key);
  }
  for (const line of accounts.flatMap((account) => account?.lines ?? [])) {
    const sum = sums.get(line.lineId);
    sums.delete(line.lineId);
    if (sum?.amount !== BigInt(line.amountMinor) || (line.entries !== undefined && Number(line.entries) !== sum.entries)) {
      report('statement_line_wrong', row.id, `Line ${line.lineId} is not the sum of its entries.`);
    }
  }
  for (const lineId of sums.keys()) report('statement_line_wrong', row.id, `There are entries for line ${lineId}, which it does not have.`);
}

async function readClose(tx: Tx, number: number): Promise<{ statements: Stored[]; lines: Map<string, LineEntry[]> }> {
  const statements = await sql<Stored>(
    tx,
    `SELECT id, close_number AS "closeNumber", payee, currency, opening_minor AS "openingMinor", closing_minor AS "closingMinor", canonical, digest,
            leaf_id AS "leafId" FROM statement WHERE close_number = $1 ORDER BY id`,
    [number],
  );
  const rows = await sql<LineEntry>(
    tx,
    `SELECT l.statement_id AS "statementId", l.line_id AS "lineId", l.transfer_id AS "transferId", l.leg, l.amount_minor AS "amountMinor"
       FROM statement_line l JOIN statement s ON s.id = l.statement_id WHERE s.close_number = $1`,
    [number],
  );
  const lines = new Map<string, LineEntry[]>();
  for (const row of rows) lines.set(row.statementId, [...lines.get(row.statementId) ?? [], row]);
  return { statements, lines };
}

/** `proven`: digests by leaf id, of statements that a checkpoint held elsewhere speaks of. */
export async function auditStatements(tx: Tx, ledger: Pick<Ledger, 'entries'>, proven: ReadonlyMap<string, string>): Promise<StatementAudit> {
  const problems: StatementProblem[] = [];
  const report = (code: StatementProblem['code'], id: string, detail: string): void => void problems.push({ code, id, detail });
  const open = new Set(proven.keys());
  const closing = new Map<string, bigint>();
  const audit = { statements: 0, proven: 0 };
  const closes = await sql<{ number: number; fromPosition: bigint; toPosition: bigint }>(
    tx, 'SELECT number, from_position AS "fromPosition", to_position AS "toPosition" FROM statement_close ORDER BY number',
  );
  for (const { number, ...range } of closes) {
    const entries = new Map<string, EntryView>();
    for (const [, name] of ACCOUNTS) {
      for (const entry of await ledger.entries(tx, { accountPrefix: `${name}:`, ...range })) entries.set(`${entry.transferId} ${entry.leg}`, entry);
    }
    const { statements, lines } = await readClose(tx, number);
    const withReserve = new Set<string>();
    for (const row of statements) {
      audit.statements += 1;
      if (open.delete(row.leafId)) audit.proven += 1;
      const accounts = checkDocument(row, proven.get(row.leafId), report);
      if (accounts[2] !== undefined) withReserve.add(`payee_reserve:${row.payee}:${row.currency}`);
      const name = `${row.payee} ${row.currency}`;
      if (row.openingMinor !== (closing.get(name) ?? 0n)) report('statement_broken', row.id, 'It does not open as the one before it closed.');
      closing.set(name, row.closingMinor);
      checkLines(row, accounts, lines.get(row.id) ?? [], entries, report);
    }
    for (const { transferId, accountCode } of entries.values()) {
      if (accountCode.startsWith('payee_reserve:') && !withReserve.has(accountCode)) continue;
      report('statement_line_missing', transferId, `No statement of close ${number} shows what it did to ${accountCode}.`);
    }
  }
  for (const leafId of open) report('statement_missing', leafId, 'The public log speaks of a statement that is not there.');
  return { ...audit, problems };
}

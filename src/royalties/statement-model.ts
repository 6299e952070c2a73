import type { components } from '../../contracts/generated/api.ts';
import { groupBy } from '../kernel/groups.ts';
import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { EntrySum } from '../ledger/index.ts';
import type { PotFacts } from './pot-store.ts';
import { LINE_KINDS, type LineKind, lineKindOf } from './statement-lines.ts';

/** A statement as a document, from the sums of its range. Pure: the same sums give the same bytes. */

/** Any statement that was ever closed: of the first version, or of today's. */
export type StatementDocument = components['schemas']['StatementDocument'];
export type Statement = Extract<StatementDocument, { schemaVersion: 2 }>;
export type StatementLine = Statement['lines'][number];
export type StatementAccount = Statement['debt'];
type PotLine = Statement['pots'][number];

/** The accounts of a payee that a statement speaks of, by the letter that its lines' ids begin with. */
export const ACCOUNTS = { balance: '', debt: 'd', reserve: 'r' } as const;
export type AccountName = keyof typeof ACCOUNTS;

/** One account over the range. Natural: positive is what there is of it. */
export interface AccountInput {
  openingMinor: bigint;
  sums: readonly EntrySum[];
}

export interface StatementInput {
  statementId: string;
  number: number;
  payee: string;
  payeeName: string;
  currency: Currency;
  close: { fromDay: Day; throughDay: Day; fromPosition: bigint; toPosition: bigint };
  accounts: Record<AccountName, AccountInput>;
  advances: readonly { advanceId: string; openingMinor: bigint; closingMinor: bigint }[];
  /** By id; every pot that a line names is among them. */
  pots: ReadonlyMap<string, PotFacts>;
  /** Of clones and tiers, by id. */
  names: ReadonlyMap<string, string>;
  previousStatementSha256: string | null;
  closedAt: Date;
}

/** A line with the group of entries that it stands for. */
export interface GroupedLine {
  groupKey: string;
  line: StatementLine;
}

/** What an entry does to the account as people read it: debt grows by debits, the others by credits. */
export function natural(account: AccountName, amountMinor: bigint): bigint {
  return account === 'debt' ? amountMinor : -amountMinor;
}

function kindOf(sum: EntrySum): LineKind {
  const kind = lineKindOf(sum.kind);
  if (kind === null) throw new Error(`No line is named for ${sum.kind}.`);
  return kind;
}

/** In the order of the kinds, then of what they are from, then as recorded. */
function inOrder(sums: readonly EntrySum[]): EntrySum[] {
  const place = (sum: EntrySum): string => {
    const kind = LINE_KINDS.indexOf(kindOf(sum)).toString().padStart(2, '0');
    return [kind, sum.cloneId ?? '', sum.tierId ?? '', sum.early ? 'b' : 'a', sum.firstPosition.toString().padStart(19, '0'), sum.groupKey].join('\n');
  };
  return [...sums].map((sum) => [place(sum), sum] as const).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}

/** The lines of one account, in their order, each with its group. */
export function linesOf(input: Pick<StatementInput, 'accounts' | 'pots'>, account: AccountName): GroupedLine[] {
  return inOrder(input.accounts[account].sums).map((sum, index) => {
    const pot = sum.potId === null ? undefined : input.pots.get(sum.potId);
    const line: StatementLine = {
      lineId: `${ACCOUNTS[account]}${index + 1}`, kind: kindOf(sum), transferKind: sum.kind, adjustment: sum.early, cloneId: sum.cloneId, tierId: sum.tierId,
      potId: sum.potId, payoutId: sum.payoutId, advanceId: sum.advanceId, firstDay: pot?.firstDay ?? sum.firstDay, lastDay: sum.lastDay,
      entries: sum.entries.toString(), fromPosition: sum.firstPosition.toString(), toPosition: sum.lastPosition.toString(),
      amountMinor: natural(account, sum.amountMinor).toString(),
    };
    return { groupKey: sum.groupKey, line };
  });
}

const sumOf = (lines: readonly StatementLine[]): bigint => lines.reduce((sum, line) => sum + BigInt(line.amountMinor), 0n);

function accountOf(input: StatementInput, account: AccountName): StatementAccount {
  const { openingMinor } = input.accounts[account];
  const lines = linesOf(input, account).map(({ line }) => line);
  return { openingMinor: openingMinor.toString(), lines, closingMinor: (openingMinor + sumOf(lines)).toString() };
}

function totalsOf(lines: readonly StatementLine[]): Statement['totals'] {
  return LINE_KINDS.flatMap((kind) => {
    const own = lines.filter((line) => line.kind === kind);
    if (own.length === 0) return [];
    const adjustments = sumOf(own.filter((line) => line.adjustment));
    const total = sumOf(own);
    return [{
      kind, entries: own.reduce((sum, line) => sum + BigInt(line.entries), 0n).toString(), inPeriodMinor: (total - adjustments).toString(),
      adjustmentsMinor: adjustments.toString(), totalMinor: total.toString(),
    }];
  });
}

const EARNING: readonly LineKind[] = ['earnings', 'derivative'];
const RETURNING: readonly LineKind[] = ['refunds', 'disputes'];

/** What each clone and tier brought, and what of it went back. */
function earningsOf(lines: readonly StatementLine[], names: ReadonlyMap<string, string>): Statement['earnings'] {
  const own = lines.filter((line) => line.cloneId !== null && [...EARNING, ...RETURNING].includes(line.kind));
  const groups = groupBy(own, (line) => `${line.cloneId ?? ''}\n${line.tierId ?? ''}`);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, some]) => {
    const [cloneId = '', tierId = ''] = key.split('\n');
    const earned = some.filter((line) => EARNING.includes(line.kind));
    const total = sumOf(some);
    const adjustments = sumOf(earned.filter((line) => line.adjustment));
    return {
      cloneId, cloneName: names.get(cloneId) ?? cloneId, tierId: tierId === '' ? null : tierId, tierName: tierId === '' ? null : (names.get(tierId) ?? tierId),
      inPeriodMinor: (sumOf(earned) - adjustments).toString(), adjustmentsMinor: adjustments.toString(),
      refundsMinor: (total - sumOf(earned)).toString(), totalMinor: total.toString(),
    };
  });
}

/** The payee's part of a pot: as a leg of its split, as the owner of an original above it, or both. Null when they have none. */
export function ownPart(pot: PotLine, payee: string): { amountMinor: string; basisPoints: number[] } | null {
  const own = pot.legs.filter((leg) => leg.payee === payee);
  if (own.length === 0) return null;
  return { amountMinor: own.reduce((sum, leg) => sum + BigInt(leg.amountMinor), 0n).toString(), basisPoints: own.map((leg) => leg.basisPoints) };
}

/** What the shares of a pot sum to. */
function baseMinor(pot: PotFacts): bigint {
  return pot.legs.reduce((sum, leg) => sum + leg.shareMinor, 0n);
}

function potLine(pot: PotFacts): PotLine {
  const { potId, runId, cloneId, tierId, firstDay, lastDay, splitId, splitSha256, base, legs } = pot;
  return {
    potId, runId, cloneId, tierId, firstDay, lastDay, splitId, splitNumber: `${pot.splitNumber}`, splitSha256, base, entries: pot.entries.toString(),
    grossMinor: pot.grossMinor?.toString() ?? null, taxMinor: pot.taxMinor?.toString() ?? null, feeMinor: pot.feeMinor?.toString() ?? null,
    earnedMinor: pot.earnedMinor.toString(), baseMinor: baseMinor(pot).toString(),
    legs: legs.map((leg) => ({
      payee: leg.payee, basisPoints: leg.basisPoints, derivativeId: leg.derivativeId, shareMinor: leg.shareMinor.toString(), amountMinor: leg.amountMinor.toString(),
    })),
  };
}

/** A currency that a statement can be in: coins are never owed to a payee. */
function currencyOf(currency: Currency): Statement['currency'] {
  if (currency === 'COIN') throw new Error('Nobody is owed coins.');
  return currency;
}

function namesIn(input: StatementInput, lines: readonly StatementLine[]): Statement['names'] {
  const ids = new Set(lines.flatMap((line) => [line.cloneId, line.tierId]).filter((id) => id !== null));
  return [...ids].sort().flatMap((id) => {
    const name = input.names.get(id);
    return name === undefined ? [] : [{ id, name }];
  });
}

/** Opening, lines and closing of each account. That they add up is not asserted here but follows; PostgreSQL asks again. */
export function statementDocument(input: StatementInput): Statement {
  const { close } = input;
  const balance = accountOf(input, 'balance');
  const [debt, reserve] = [accountOf(input, 'debt'), accountOf(input, 'reserve')];
  const lines = [...balance.lines, ...debt.lines, ...reserve.lines];
  const potIds = new Set(lines.map((line) => line.potId));
  return {
    type: 'benren.statement', schemaVersion: 2, statementId: input.statementId, number: `${input.number}`, payee: input.payee, payeeName: input.payeeName,
    currency: currencyOf(input.currency), fromDay: close.fromDay, throughDay: close.throughDay, timeZone: 'Asia/Shanghai',
    fromPosition: close.fromPosition.toString(), toPosition: close.toPosition.toString(), openingMinor: balance.openingMinor, lines: balance.lines,
    closingMinor: balance.closingMinor, totals: totalsOf(balance.lines), earnings: earningsOf(balance.lines, input.names),
    pots: [...input.pots.values()].filter((pot) => potIds.has(pot.potId)).map(potLine), debt, reserve,
    advances: input.advances.map((advance) => ({
      advanceId: advance.advanceId, openingMinor: advance.openingMinor.toString(), closingMinor: advance.closingMinor.toString(),
    })),
    names: namesIn(input, lines), previousStatementSha256: input.previousStatementSha256, closedAt: input.closedAt.toISOString(),
  };
}

import type { components } from '../../contracts/generated/api.ts';
import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { EntryView } from '../ledger/index.ts';
import { KINDS, textIn } from './postings.ts';

/** A statement as a document, from the entries of its range. Pure: the same entries give the same bytes. */

export type StatementDocument = components['schemas']['StatementDocument'];
export type StatementLine = StatementDocument['lines'][number];
export type DebtLine = StatementDocument['debt']['lines'][number];

const LINE_KINDS: Readonly<Record<string, StatementLine['kind']>> = {
  [KINDS.refund]: 'refund', [KINDS.refundFee]: 'refund_fee', [KINDS.debt]: 'debt_netted', [KINDS.payout]: 'payout', [KINDS.returned]: 'payout_returned',
};

function lineKind(entry: EntryView): StatementLine['kind'] {
  if (entry.kind === KINDS.pot) return entry.amountMinor < 0n ? 'earning' : 'loss';
  return LINE_KINDS[entry.kind] ?? 'other';
}

const DEBT_KINDS: Readonly<Record<string, DebtLine['kind']>> = {
  [KINDS.refund]: 'refund', [KINDS.refundFee]: 'refund_fee', [KINDS.debt]: 'debt_netted', 'billing.unused_refunded': 'refund_fee',
};

/** What a line says beside the entry. */
export interface PotFacts {
  firstDay: Day;
  runId: string;
  amountMinor: bigint;
  splitId: string;
  splitNumber: number;
  basisPointsOf: ReadonlyMap<string, number>;
}

/** Names, by id. */
export interface StatementNames {
  clones: ReadonlyMap<string, string>;
  tiers: ReadonlyMap<string, string>;
  pots: ReadonlyMap<string, PotFacts>;
}

export interface StatementInput {
  statementId: string;
  number: number;
  payee: string;
  payeeName: string;
  currency: Currency;
  close: { fromDay: Day; throughDay: Day; fromPosition: bigint; toPosition: bigint };
  openingMinor: bigint;
  /** On the payee's balance, in recorded order. */
  entries: readonly EntryView[];
  debtOpeningMinor: bigint;
  debtEntries: readonly EntryView[];
  names: StatementNames;
  previousStatementSha256: string | null;
  closedAt: Date;
}

function positionOf(entry: EntryView): string {
  if (entry.position === null) throw new Error(`Transfer ${entry.transferId} has no place in the recorded order.`);
  return entry.position.toString();
}

function lineOf(input: StatementInput, entry: EntryView, index: number, balanceMinor: bigint): StatementLine {
  const { names, payee } = input;
  const kind = lineKind(entry);
  const cloneId = textIn(entry.metadata, 'cloneId');
  const tierId = textIn(entry.metadata, 'tierId');
  const potId = textIn(entry.metadata, 'potId');
  const pot = potId === null ? undefined : names.pots.get(potId);
  return {
    lineId: `${index + 1}`, kind, adjustment: (kind === 'earning' || kind === 'loss') && entry.effectiveDate < input.close.fromDay,
    firstDay: pot?.firstDay ?? null, effectiveDate: entry.effectiveDate, amountMinor: (-entry.amountMinor).toString(), balanceMinor: balanceMinor.toString(),
    transferId: entry.transferId, position: positionOf(entry), cloneId, cloneName: cloneId === null ? null : (names.clones.get(cloneId) ?? null),
    tierId, tierName: tierId === null ? null : (names.tiers.get(tierId) ?? null), runId: textIn(entry.metadata, 'runId'), potId,
    potMinor: pot?.amountMinor.toString() ?? null, splitId: pot?.splitId ?? null, splitNumber: pot === undefined ? null : `${pot.splitNumber}`,
    basisPoints: pot?.basisPointsOf.get(payee) ?? null, refundId: textIn(entry.metadata, 'refundId'), payoutId: textIn(entry.metadata, 'payoutId'),
  };
}

function debtLineOf(input: StatementInput, entry: EntryView, index: number): DebtLine {
  const cloneId = textIn(entry.metadata, 'cloneId');
  return {
    lineId: `${index + 1}`, kind: DEBT_KINDS[entry.kind] ?? 'other', effectiveDate: entry.effectiveDate, amountMinor: entry.amountMinor.toString(),
    transferId: entry.transferId, position: positionOf(entry), cloneId, cloneName: cloneId === null ? null : (input.names.clones.get(cloneId) ?? null),
    refundId: textIn(entry.metadata, 'refundId'), runId: textIn(entry.metadata, 'runId'),
  };
}

const TOTAL_OF: Readonly<Record<StatementLine['kind'], 'earnings' | 'refunds' | 'debtNetted' | 'payouts' | 'other'>> = {
  earning: 'earnings', loss: 'earnings', refund: 'refunds', refund_fee: 'refunds', debt_netted: 'debtNetted', payout: 'payouts',
  payout_returned: 'payouts', other: 'other',
};

function totalsOf(lines: readonly StatementLine[]): StatementDocument['totals'] {
  const sums = { earnings: 0n, refunds: 0n, debtNetted: 0n, payouts: 0n, adjustments: 0n, other: 0n, lines: 0n };
  for (const line of lines) {
    const amountMinor = BigInt(line.amountMinor);
    sums[line.adjustment ? 'adjustments' : TOTAL_OF[line.kind]] += amountMinor;
    sums.lines += amountMinor;
  }
  return {
    earningsMinor: sums.earnings.toString(), refundsMinor: sums.refunds.toString(), debtNettedMinor: sums.debtNetted.toString(),
    payoutsMinor: sums.payouts.toString(), adjustmentsMinor: sums.adjustments.toString(), otherMinor: sums.other.toString(),
    linesMinor: sums.lines.toString(),
  };
}

/** A currency that a statement can be in: coins are never owed to a payee. */
function currencyOf(currency: Currency): StatementDocument['currency'] {
  if (currency === 'COIN') throw new Error('Nobody is owed coins.');
  return currency;
}

/** Opening, lines and closing. That they add up is not asserted here but follows: closing is opening and the lines. */
export function statementDocument(input: StatementInput): StatementDocument {
  const { close } = input;
  let balanceMinor = input.openingMinor;
  const lines = input.entries.map((entry, index) => {
    balanceMinor -= entry.amountMinor;
    return lineOf(input, entry, index, balanceMinor);
  });
  const debtLines = input.debtEntries.map((entry, index) => debtLineOf(input, entry, index));
  const debtClosingMinor = input.debtEntries.reduce((sum, entry) => sum + entry.amountMinor, input.debtOpeningMinor);
  return {
    type: 'benren.statement', schemaVersion: 1, statementId: input.statementId, number: `${input.number}`, payee: input.payee, payeeName: input.payeeName,
    currency: currencyOf(input.currency), fromDay: close.fromDay, throughDay: close.throughDay, timeZone: 'Asia/Shanghai',
    fromPosition: close.fromPosition.toString(), toPosition: close.toPosition.toString(), openingMinor: input.openingMinor.toString(), lines,
    totals: totalsOf(lines), closingMinor: balanceMinor.toString(),
    debt: { openingMinor: input.debtOpeningMinor.toString(), lines: debtLines, closingMinor: debtClosingMinor.toString() },
    previousStatementSha256: input.previousStatementSha256, closedAt: input.closedAt.toISOString(),
  };
}

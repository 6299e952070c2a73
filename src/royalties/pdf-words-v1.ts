import type { Currency } from '../kernel/money.ts';
import type { Bilingual } from '../platform/pdf/index.ts';
import { amountText, percentText } from './paper-text.ts';
import type { DebtLineV1 as DebtLine, LineV1 as StatementLine, StatementV1 as StatementDocument } from './statement-v1.ts';

/** Everything that a printed statement says, in Chinese and English side by side. Pure. */

const LINES: Readonly<Record<StatementLine['kind'], Bilingual>> = {
  earning: { zh: '分成收入', en: 'Earnings' },
  loss: { zh: '负分成池（由平台承担）', en: 'Pot below zero (the platform\'s alone)' },
  refund: { zh: '粉丝退款', en: 'Refund to a fan' },
  refund_fee: { zh: '退款手续费', en: 'Processor\'s fee of a refund' },
  debt_netted: { zh: '抵扣欠款', en: 'Debt netted' },
  payout: { zh: '付款', en: 'Payout' },
  payout_returned: { zh: '付款退回', en: 'Payout returned' },
  other: { zh: '其他', en: 'Other' },
};

const ADJUSTMENT: Bilingual = { zh: '以前期间调整', en: 'Adjustment to earlier periods' };

function named(...parts: (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join(' · ');
}

/** What a line is, in a heading and a second, smaller line with where it comes from. */
export function lineText(line: StatementLine, currency: Currency): { title: Bilingual; detail: string } {
  const kind = LINES[line.kind];
  const prefix = line.adjustment ? ADJUSTMENT : null;
  const title = {
    zh: named(prefix?.zh ?? null, kind.zh, line.cloneName, line.tierName === null ? null : `${line.tierName} 档`),
    en: named(prefix?.en ?? null, kind.en, line.tierName === null ? null : `tier ${line.tierName}`),
  };
  if (line.potMinor !== null && line.basisPoints !== null) {
    const share = `${percentText(line.basisPoints)} × ${amountText(line.potMinor, currency)}`;
    const days = line.firstDay === null || line.firstDay === line.effectiveDate ? line.effectiveDate : `${line.firstDay} – ${line.effectiveDate}`;
    return { title, detail: named(days, share, `分成协议 split v${line.splitNumber ?? ''}`) };
  }
  return { title, detail: line.payoutId ?? line.refundId ?? line.runId ?? line.transferId };
}

const DEBTS: Readonly<Record<DebtLine['kind'], Bilingual>> = {
  refund: { zh: '付款后退款', en: 'Refund after the payout' },
  refund_fee: { zh: '退款手续费', en: 'Processor\'s fee of a refund' },
  debt_netted: { zh: '从收入中抵扣', en: 'Netted from earnings' },
  other: { zh: '其他', en: 'Other' },
};

export function debtText(line: DebtLine): { title: Bilingual; detail: string } {
  const kind = DEBTS[line.kind];
  return { title: { zh: named(kind.zh, line.cloneName), en: kind.en }, detail: line.refundId ?? line.runId ?? line.transferId };
}

export interface SummaryRow {
  label: Bilingual;
  amountMinor: string;
  strong?: boolean;
}

/** Opening, what happened, closing: the column adds up. A kind without lines is left out. */
export function summaryRows(document: StatementDocument): SummaryRow[] {
  const { totals } = document;
  const between: SummaryRow[] = [
    { label: { zh: '分成收入', en: 'Earnings' }, amountMinor: totals.earningsMinor },
    { label: ADJUSTMENT, amountMinor: totals.adjustmentsMinor },
    { label: { zh: '退款', en: 'Refunds' }, amountMinor: totals.refundsMinor },
    { label: { zh: '抵扣欠款', en: 'Debt netted' }, amountMinor: totals.debtNettedMinor },
    { label: { zh: '付款', en: 'Payouts' }, amountMinor: totals.payoutsMinor },
    { label: { zh: '其他', en: 'Other' }, amountMinor: totals.otherMinor },
  ];
  return [
    { label: { zh: '期初未付余额', en: 'Opening balance, unpaid' }, amountMinor: document.openingMinor, strong: true },
    ...between.filter((row, index) => index === 0 || row.amountMinor !== '0'),
    { label: { zh: '期末未付余额', en: 'Closing balance, unpaid' }, amountMinor: document.closingMinor, strong: true },
  ];
}

export const WORDS = {
  title: { zh: '分成结算单', en: 'Royalty statement' },
  payee: { zh: '收款方', en: 'Payee' },
  number: { zh: '结算单号', en: 'Statement' },
  period: { zh: '结算期间', en: 'Period' },
  currency: { zh: '币种', en: 'Currency' },
  closed: { zh: '结账时间', en: 'Closed' },
  account: { zh: '账户', en: 'Account' },
  summary: { zh: '汇总', en: 'Summary' },
  lines: { zh: '明细', en: 'Lines' },
  noLines: { zh: '本期无明细。', en: 'Nothing was recorded in this period.' },
  debt: { zh: '应退还欠款', en: 'Owed back by the payee' },
  debtOpening: { zh: '期初欠款', en: 'Opening debt' },
  debtClosing: { zh: '期末欠款', en: 'Closing debt' },
  opening: { zh: '期初余额', en: 'Opening balance' },
  closing: { zh: '期末余额', en: 'Closing balance' },
  notes: { zh: '说明', en: 'Notes' },
  proof: { zh: '核验', en: 'Verification' },
  continued: { zh: '续', en: 'continued' },
} as const satisfies Record<string, Bilingual>;

export const COLUMNS = {
  line: { zh: '行', en: 'Line' },
  day: { zh: '归属日', en: 'Day' },
  what: { zh: '摘要', en: 'Description' },
  amount: { zh: '金额', en: 'Amount' },
  balance: { zh: '余额', en: 'Balance' },
} as const satisfies Record<string, Bilingual>;

/** How to read the figures. */
export function notesOf(document: StatementDocument): Bilingual[] {
  const range = `(${document.fromPosition}, ${document.toPosition}]`;
  return [
    {
      zh: `本单列出账本位置 ${range} 内记入收款方的全部分录；之后记录的事项列入下一期，本单不再改变。期初余额加各行等于期末余额。`,
      en: `Every entry on the payee's account at ledger positions ${range} is a line here; what is recorded later stands in the next statement and this one never changes. Opening plus lines is closing.`,
    },
    {
      zh: '分成基数为已实现收入扣除税费与支付手续费；每个分成池按签署的分成协议以最大余数法分到分，合计等于该池。日期为亚洲／上海时区的自然日。',
      en: 'What is divided is earned revenue less tax and the processor\'s actual fees; each pot is divided to the cent by the signed split with the largest remainder, so that the shares sum to the pot. Days are calendar days in Asia/Shanghai.',
    },
    {
      zh: '已付款后发生的退款记为收款方欠款，单独列示，从以后的收入中抵扣一次，抵扣另列一行。',
      en: 'A refund of money that was paid out already is a debt of the payee, shown apart; it is netted once from later earnings, on a line of its own.',
    },
  ];
}

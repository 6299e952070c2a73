import type { LineKind } from './statement-lines.ts';
import type { Statement } from './statement-model.ts';

/** Everything that a statement says to people, in each of its languages. Pure. */

export const LANGUAGES = ['zh-CN', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

type Words = Readonly<Record<Language, string>>;
const words = (zh: string, en: string): Words => ({ 'zh-CN': zh, en });

export const KIND_WORDS: Readonly<Record<LineKind, Words>> = {
  earnings: words('分成收入', 'Earnings'),
  derivative: words('衍生分成', 'Derivative royalties'),
  refunds: words('粉丝退款', 'Refunds to fans'),
  disputes: words('支付争议', 'Disputed payments'),
  fees: words('手续费', 'Fees'),
  tax: words('税费', 'Tax'),
  withholding: words('代扣税款', 'Tax withheld'),
  recoupment: words('预付款抵扣', 'Advance recouped'),
  advance: words('预付款', 'Advances'),
  reserve_held: words('转入准备金', 'Held in reserve'),
  reserve_released: words('准备金释放', 'Released from reserve'),
  debt: words('抵扣欠款', 'Debt netted'),
  conversion: words('货币兑换', 'Currency conversion'),
  adjustment: words('更正', 'Corrections'),
  payout: words('付款', 'Payouts'),
  payout_returned: words('付款退回', 'Payouts returned'),
};

export const BASE_WORDS: Readonly<Record<Statement['pots'][number]['base'], Words>> = {
  gross: words('粉丝支付总额', 'what fans paid'),
  net_of_tax: words('总额减税费', 'less tax'),
  net_of_tax_and_fees: words('总额减税费与手续费', 'less tax and fees'),
};

export const TEXT = {
  brand: words('本人 Benren', 'Benren 本人'),
  title: words('分成结算单', 'Royalty statement'),
  payee: words('收款方', 'Payee'),
  account: words('账户', 'Account'),
  currency: words('币种', 'Currency'),
  period: words('结算期间', 'Period'),
  statement: words('结算单编号', 'Statement'),
  closed: words('结账时间', 'Closed'),
  opening: words('期初未付余额', 'Opening balance, unpaid'),
  closing: words('期末未付余额', 'Closing balance, unpaid'),
  change: words('本期变动', 'Change'),
  adjustments: words('以前期间调整', 'Adjustments to earlier periods'),
  summary: words('汇总', 'Summary'),
  waterfall: words('从粉丝付款到您的余额', 'From what fans paid to your balance'),
  byTier: words('按分身与档位的收入', 'Earnings by clone and tier'),
  pots: words('分成池：每一份额如何算出', 'Pots: how each share was worked out'),
  lines: words('明细', 'Lines'),
  debt: words('应退还欠款', 'Owed back by the payee'),
  reserve: words('准备金', 'Reserve'),
  advances: words('未抵扣的预付款（不是欠款）', 'Advances still to be recouped (not a debt)'),
  notes: words('说明', 'Notes'),
  proof: words('核验', 'Verification'),
  none: words('本期无记录。', 'Nothing was recorded in this period.'),
  // columns
  line: words('行', 'Line'),
  days: words('日期', 'Days'),
  what: words('摘要', 'Description'),
  entries: words('笔数', 'Entries'),
  amount: words('金额', 'Amount'),
  clone: words('分身', 'Clone'),
  tier: words('档位', 'Tier'),
  inPeriod: words('本期', 'This period'),
  earlier: words('以前期间', 'Earlier'),
  returned: words('退回', 'Returned'),
  total: words('合计', 'Total'),
  paid: words('粉丝支付', 'Paid'),
  tax: words('税费', 'Tax'),
  fee: words('手续费', 'Fees'),
  divided: words('分成基数', 'Divided'),
  share: words('比例', 'Share'),
  yours: words('您的份额', 'Yours'),
  others: words('其他各方份额', 'Shares of the others'),
  potsSum: words('分成基数合计', 'Divided in all'),
  yourShares: words('您的份额', 'Your shares'),
  balanceAfter: words('期末余额', 'Closing balance'),
  openingShort: words('期初', 'Opening'),
  closingShort: words('期末', 'Closing'),
  leaf: words('日志条目', 'Log leaf'),
  previous: words('前一期', 'Previous'),
  split: words('分成协议', 'split'),
} as const satisfies Record<string, Words>;

export type TextName = keyof typeof TEXT;

/** How to read the figures. */
export function notesOf(document: Statement, language: Language): string[] {
  const range = `(${document.fromPosition}, ${document.toPosition}]`;
  const notes: Words[] = [
    words(
      `本单列出账本位置 ${range} 内记入收款方账户的全部分录，同类同源的分录合为一行；之后记录的事项列入下一期，本单不再改变。期初加各行等于期末。`,
      `Every entry on the payee's accounts at ledger positions ${range} is in a line here, entries of one kind and origin on one line; what is recorded later stands in the next statement and this one never changes. Opening plus lines is closing.`,
    ),
    words(
      '归属日在本期之前、但在本期记录的事项标为“以前期间调整”。日期为亚洲／上海时区的自然日。',
      'What was effective before this period and recorded in it is marked as an adjustment to earlier periods. Days are calendar days in Asia/Shanghai.',
    ),
    words(
      '每个分成池按各方签署的分成协议以最大余数法分到最小货币单位：各份额先舍去尾数，余下的单位依余数从大到小逐一分给，余数相同者依协议顺序；合计等于该池。',
      'Each pot is divided to the smallest unit of the currency by the signed split: shares are rounded down, what is left goes one unit each to the largest remainders, ties in the order of the split, so that the shares sum to the pot.',
    ),
    words(
      '已付款后发生的退款记为收款方欠款，单独列示，从以后的收入中抵扣一次；准备金与未抵扣的预付款不在余额之内。',
      'A refund of money that was paid out already is a debt of the payee, shown apart and netted once from later earnings. Reserve and unrecouped advances are not in the balance.',
    ),
    words(
      '本单的 JSON 文件由平台签名并载入公开日志；任何人可用 benren verify 离线核验，用 benren recompute 离线重算。',
      'The JSON file of this statement is signed and in the public log; anyone checks it offline with benren verify, and works it out again offline with benren recompute.',
    ),
  ];
  return notes.map((note) => note[language]);
}

import { formatMinor } from '../kernel/money.ts';
import { csvText } from './csv.ts';
import { ownPart, type Statement, type StatementDocument, type StatementLine } from './statement-model.ts';
import type { StatementV1 } from './statement-v1.ts';
import { KIND_WORDS, type Language } from './statement-words.ts';

/** A statement as one table for spreadsheets: a row for each opening, line, closing and pot. */

const COLUMNS: readonly (readonly [name: string, zh: string, en: string])[] = [
  ['section', '部分', 'Section'], ['lineId', '行', 'Line'], ['kind', '类别', 'Kind'], ['adjustment', '以前期间', 'Earlier period'], ['firstDay', '起始日', 'First day'],
  ['lastDay', '截止日', 'Last day'], ['clone', '分身', 'Clone'], ['tier', '档位', 'Tier'], ['entries', '笔数', 'Entries'], ['amount', '金额', 'Amount'],
  ['currency', '币种', 'Currency'], ['paid', '粉丝支付', 'Paid'], ['tax', '税费', 'Tax'], ['fees', '手续费', 'Fees'], ['base', '分成基数', 'Divided'],
  ['basisPoints', '基点', 'Basis points'], ['splitNumber', '协议版本', 'Split version'], ['reference', '编号', 'Reference'],
];

type Row = Partial<Record<string, string>>;

const SECTIONS = {
  opening: { 'zh-CN': '期初', en: 'Opening' }, line: { 'zh-CN': '明细', en: 'Line' }, closing: { 'zh-CN': '期末', en: 'Closing' },
  pot: { 'zh-CN': '分成池', en: 'Pot' }, debt: { 'zh-CN': '欠款', en: 'Debt' }, reserve: { 'zh-CN': '准备金', en: 'Reserve' }, advance: { 'zh-CN': '预付款', en: 'Advance' },
} as const;

type Section = keyof typeof SECTIONS;

interface Writing {
  document: Statement;
  language: Language;
  money: (amountMinor: string) => string;
  name: (id: string | null) => string;
}

function sectionName({ language }: Writing, ...parts: Section[]): string {
  return parts.map((part) => SECTIONS[part][language]).join(' · ');
}

function lineRow(writing: Writing, section: string, line: StatementLine): Row {
  const { language, money, name } = writing;
  return {
    section, lineId: line.lineId, kind: KIND_WORDS[line.kind][language], adjustment: line.adjustment ? '1' : '0', firstDay: line.firstDay, lastDay: line.lastDay,
    clone: name(line.cloneId), tier: name(line.tierId), entries: line.entries, amount: money(line.amountMinor),
    reference: line.potId ?? line.payoutId ?? line.advanceId ?? '',
  };
}

function accountRows(writing: Writing, account: 'debt' | 'reserve'): Row[] {
  const { openingMinor, lines, closingMinor } = writing.document[account];
  if (openingMinor === '0' && closingMinor === '0' && lines.length === 0) return [];
  return [
    { section: sectionName(writing, account, 'opening'), amount: writing.money(openingMinor) },
    ...lines.map((line) => lineRow(writing, sectionName(writing, account, 'line'), line)),
    { section: sectionName(writing, account, 'closing'), amount: writing.money(closingMinor) },
  ];
}

function potRows(writing: Writing): Row[] {
  const { document, money, name } = writing;
  const known = (amountMinor: string | null): string => (amountMinor === null ? '' : money(amountMinor));
  return document.pots.map((pot) => {
    const own = ownPart(pot, document.payee);
    return {
      section: sectionName(writing, 'pot'), firstDay: pot.firstDay, lastDay: pot.lastDay, clone: name(pot.cloneId), tier: name(pot.tierId), entries: pot.entries,
      amount: own === null ? '' : money(own.amountMinor), paid: known(pot.grossMinor), tax: known(pot.taxMinor), fees: known(pot.feeMinor),
      base: money(pot.baseMinor), basisPoints: own?.basisPoints.join(' + ') ?? '', splitNumber: pot.splitNumber, reference: pot.potId,
    };
  });
}

function rowsOf(document: Statement, language: Language): Row[] {
  const names = new Map(document.names.map(({ id, name }) => [id, name]));
  const money = (amountMinor: string): string => formatMinor(BigInt(amountMinor), document.currency);
  const writing: Writing = { document, language, money, name: (id) => (id === null ? '' : (names.get(id) ?? id)) };
  return [
    { section: sectionName(writing, 'opening'), firstDay: document.fromDay, amount: money(document.openingMinor), reference: document.statementId },
    ...document.lines.map((line) => lineRow(writing, sectionName(writing, 'line'), line)),
    { section: sectionName(writing, 'closing'), lastDay: document.throughDay, amount: money(document.closingMinor), reference: document.statementId },
    ...potRows(writing), ...accountRows(writing, 'debt'), ...accountRows(writing, 'reserve'),
    ...document.advances.flatMap((advance) => [
      { section: sectionName(writing, 'advance', 'opening'), amount: money(advance.openingMinor), reference: advance.advanceId },
      { section: sectionName(writing, 'advance', 'closing'), amount: money(advance.closingMinor), reference: advance.advanceId },
    ]),
  ].map((row) => ({ ...row, currency: document.currency }));
}

/** Of the first version: the lines as they are. */
function rowsOfV1(document: StatementV1): Row[] {
  const money = (amountMinor: string): string => formatMinor(BigInt(amountMinor), document.currency);
  const { currency, statementId: reference } = document;
  return [
    { section: 'Opening', firstDay: document.fromDay, amount: money(document.openingMinor), currency, reference },
    ...document.lines.map((line): Row => ({
      section: 'Line', lineId: line.lineId, kind: line.kind, adjustment: line.adjustment ? '1' : '0', firstDay: line.firstDay ?? line.effectiveDate,
      lastDay: line.effectiveDate, clone: line.cloneName ?? '', tier: line.tierName ?? '', entries: '1', amount: money(line.amountMinor), currency,
      basisPoints: line.basisPoints === null ? '' : `${line.basisPoints}`, splitNumber: line.splitNumber ?? '', reference: line.transferId,
    })),
    { section: 'Closing', lastDay: document.throughDay, amount: money(document.closingMinor), currency, reference },
    ...document.debt.lines.map((line): Row => ({
      section: 'Debt · Line', lineId: `d${line.lineId}`, kind: line.kind, lastDay: line.effectiveDate, amount: money(line.amountMinor), currency, reference: line.transferId,
    })),
  ];
}

/** The whole file. Heads are in the language asked for; amounts are decimals with a point, in units of the currency. */
export function statementCsv(document: StatementDocument, language: Language): string {
  const rows = document.schemaVersion === 1 ? rowsOfV1(document) : rowsOf(document, language);
  const head = COLUMNS.map(([, zh, en]) => (language === 'en' ? en : zh));
  return csvText([head, ...rows.map((row) => COLUMNS.map(([name]) => row[name] ?? ''))]);
}

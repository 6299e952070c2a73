import { type Bilingual, both, GREY, INK, openPdf, PAGE, RULE, type Sheet, TINT } from '../platform/pdf/index.ts';
import { amountText, lastDay } from './paper-text.ts';
import { COLUMNS, debtText, lineText, notesOf, summaryRows, WORDS } from './pdf-words-v1.ts';
import type { StatementV1 as StatementDocument } from './statement-v1.ts';

/** A statement on paper: Chinese and English side by side, made from the signed document alone. */

export interface Seal {
  digest: string;
  keyId: string;
  leafId: string;
}

const BODY = { size: 9 } as const;
const SMALL = { size: 7, color: GREY } as const;
const X = { line: PAGE.left + 4, day: PAGE.left + 32, what: PAGE.left + 92, amount: PAGE.right - 84, balance: PAGE.right - 4 } as const;

function heading(sheet: Sheet, words: Bilingual): void {
  sheet.need(60);
  sheet.y -= 26;
  sheet.text(words.zh, PAGE.left, { size: 11, bold: true });
  sheet.text(words.en, PAGE.left + sheet.width(words.zh, { size: 11, bold: true }) + 7, { size: 9, color: GREY });
  sheet.y -= 8;
}

function masthead(sheet: Sheet, document: StatementDocument): void {
  sheet.text('本人 Benren', PAGE.left, { size: 9, color: GREY });
  sheet.textRight(`No. ${document.number}`, PAGE.right, { size: 9, color: GREY });
  sheet.y -= 30;
  sheet.text(WORDS.title.zh, PAGE.left, { size: 20, bold: true });
  sheet.text(WORDS.title.en, PAGE.left + sheet.width(WORDS.title.zh, { size: 20, bold: true }) + 12, { size: 14, color: GREY });
  sheet.y -= 14;
  sheet.rule({ color: INK, thickness: 1.2 });
}

function facts(sheet: Sheet, document: StatementDocument): void {
  const closed = `${document.closedAt.slice(0, 19).replace('T', ' ')} UTC`;
  const left: [Bilingual, string][] = [
    [WORDS.payee, document.payeeName], [WORDS.account, document.payee], [WORDS.currency, document.currency],
  ];
  const right: [Bilingual, string][] = [
    [WORDS.period, `${document.fromDay} – ${lastDay(document)}`], [WORDS.number, document.statementId], [WORDS.closed, closed],
  ];
  const top = sheet.y - 20;
  let lowest = top;
  for (const [column, x] of [[left, PAGE.left], [right, PAGE.left + 250]] as const) {
    sheet.y = top;
    for (const [label, value] of column) {
      sheet.text(both(label), x, SMALL);
      const lines = sheet.wrap(value, 168, { ...BODY, bold: label === WORDS.payee });
      for (const [index, line] of lines.entries()) {
        sheet.text(line, x + 72, { ...BODY, bold: label === WORDS.payee });
        if (index < lines.length - 1) sheet.y -= 12;
      }
      sheet.y -= 16;
    }
    lowest = Math.min(lowest, sheet.y);
  }
  sheet.y = lowest + 6;
}

function summary(sheet: Sheet, document: StatementDocument): void {
  heading(sheet, WORDS.summary);
  const rows = summaryRows(document);
  const height = 18;
  for (const row of rows) {
    sheet.need(height);
    if (row.strong === true) sheet.box(PAGE.left, sheet.y - height + 4, PAGE.right - PAGE.left, height, TINT);
    sheet.y -= height - 9;
    sheet.text(row.label.zh, PAGE.left + 8, { ...BODY, bold: row.strong === true });
    sheet.text(row.label.en, PAGE.left + 118, { size: 8, color: GREY });
    sheet.textRight(amountText(row.amountMinor, document.currency), X.balance, { size: row.strong === true ? 10 : 9, bold: row.strong === true });
    sheet.y -= 9;
  }
  sheet.y += 4;
  sheet.rule({ color: INK, thickness: 0.8 });
}

function tableHead(sheet: Sheet, document: StatementDocument, withBalance: boolean): void {
  sheet.y -= 14;
  const style = { size: 7, color: GREY } as const;
  sheet.text(COLUMNS.line.zh, X.line, style);
  sheet.text(both(COLUMNS.day), X.day, style);
  sheet.text(both(COLUMNS.what), X.what, style);
  sheet.textRight(`${both(COLUMNS.amount)} ${document.currency}`, withBalance ? X.amount : X.balance, style);
  if (withBalance) sheet.textRight(both(COLUMNS.balance), X.balance, style);
  sheet.y -= 5;
  sheet.rule({ color: INK, thickness: 0.6 });
}

interface TableRow {
  lineId: string;
  day: string;
  title: Bilingual;
  detail: string;
  amount: string;
  balance: string | null;
}

function tableRow(sheet: Sheet, row: TableRow): void {
  const right = row.balance === null ? X.balance : X.amount;
  const width = right - 66 - X.what;
  const zh = sheet.wrap(row.title.zh, width, BODY);
  const en = sheet.wrap(row.title.en, width, { size: 7.5 });
  const detail = sheet.wrap(row.detail, width, { size: 7 });
  sheet.need(zh.length * 12 + (en.length + detail.length) * 10 + 10);
  sheet.y -= 14;
  sheet.text(row.lineId, X.line, { size: 8, color: GREY });
  sheet.text(row.day, X.day, { size: 8.5 });
  sheet.textRight(row.amount, right, BODY);
  if (row.balance !== null) sheet.textRight(row.balance, X.balance, BODY);
  for (const [lines, style, leading] of [[zh, BODY, 12], [en, { size: 7.5, color: GREY }, 10], [detail, { size: 7, color: GREY }, 10]] as const) {
    for (const line of lines) {
      sheet.text(line, X.what, style);
      sheet.y -= leading;
    }
  }
  sheet.y += 5;
  sheet.rule({ color: RULE });
}

/** A row of the table that is no line: what it began with, what it ended with. */
function balanceRow(sheet: Sheet, words: Bilingual, amount: string, strong: boolean): void {
  sheet.need(20);
  sheet.box(PAGE.left, sheet.y - 18, PAGE.right - PAGE.left, 18, TINT);
  sheet.y -= 12.5;
  sheet.text(words.zh, X.what, { ...BODY, bold: strong });
  sheet.text(words.en, X.what + sheet.width(words.zh, { ...BODY, bold: strong }) + 6, { size: 7.5, color: GREY });
  sheet.textRight(amount, X.balance, { ...BODY, bold: strong });
  sheet.y -= 5.5;
}

function lines(sheet: Sheet, document: StatementDocument): void {
  const { currency } = document;
  heading(sheet, WORDS.lines);
  if (document.lines.length === 0) {
    sheet.y -= 12;
    sheet.text(both(WORDS.noLines), PAGE.left, BODY);
    sheet.y -= 6;
    return;
  }
  tableHead(sheet, document, true);
  sheet.onNewPage = () => tableHead(sheet, document, true);
  balanceRow(sheet, WORDS.opening, amountText(document.openingMinor, currency), false);
  for (const line of document.lines) {
    const { title, detail } = lineText(line, currency);
    tableRow(sheet, {
      lineId: line.lineId, day: line.effectiveDate, title, detail, amount: amountText(line.amountMinor, currency),
      balance: amountText(line.balanceMinor, currency),
    });
  }
  balanceRow(sheet, WORDS.closing, amountText(document.closingMinor, currency), true);
  sheet.rule({ color: INK, thickness: 0.8 });
  sheet.onNewPage = null;
}

function debt(sheet: Sheet, document: StatementDocument): void {
  const { currency } = document;
  const { openingMinor, closingMinor, lines: entries } = document.debt;
  if (openingMinor === '0' && closingMinor === '0' && entries.length === 0) return;
  heading(sheet, WORDS.debt);
  tableHead(sheet, document, false);
  sheet.onNewPage = () => tableHead(sheet, document, false);
  balanceRow(sheet, WORDS.debtOpening, amountText(openingMinor, currency), false);
  for (const line of entries) {
    const { title, detail } = debtText(line);
    const amount = amountText(line.amountMinor, currency);
    tableRow(sheet, { lineId: `d${line.lineId}`, day: line.effectiveDate, title, detail, amount, balance: null });
  }
  balanceRow(sheet, WORDS.debtClosing, amountText(closingMinor, currency), true);
  sheet.rule({ color: INK, thickness: 0.8 });
  sheet.onNewPage = null;
}

function notes(sheet: Sheet, document: StatementDocument, seal: Seal): void {
  heading(sheet, WORDS.notes);
  sheet.y -= 6;
  for (const [index, note] of notesOf(document).entries()) {
    sheet.need(40);
    sheet.text(`${index + 1}`, PAGE.left, { size: 7.5, color: GREY });
    sheet.paragraph(note.zh, { size: 7.5 }, { x: PAGE.left + 14, width: PAGE.right - PAGE.left - 14 });
    sheet.paragraph(note.en, { size: 7, color: GREY }, { x: PAGE.left + 14, width: PAGE.right - PAGE.left - 14 });
    sheet.y -= 4;
  }
  heading(sheet, WORDS.proof);
  sheet.y -= 6;
  const previous = document.previousStatementSha256;
  const rows = [
    ['SHA-256', seal.digest], ['Ed25519', `key ${seal.keyId}`], ['日志 Log leaf', seal.leafId],
    ...(previous === null ? [] : [['前一期 Previous', previous]]),
  ];
  for (const [label = '', value = ''] of rows) {
    sheet.need(11);
    sheet.text(label, PAGE.left, SMALL);
    sheet.text(value, PAGE.left + 72, { size: 7.5 });
    sheet.y -= 11;
  }
}

function footers(sheet: Sheet, document: StatementDocument): void {
  const count = sheet.pages.length;
  for (const [index, page] of sheet.pages.entries()) {
    page.drawLine({ start: { x: PAGE.left, y: 46 }, end: { x: PAGE.right, y: 46 }, color: RULE, thickness: 0.6 });
    sheet.text(document.statementId, PAGE.left, SMALL, { y: 34, page });
    sheet.textRight(`第 ${index + 1} 页，共 ${count} 页   Page ${index + 1} of ${count}`, PAGE.right, SMALL, { y: 34, page });
  }
}

/** The same document and seal are always the same bytes. */
export async function statementPdfV1(document: StatementDocument, seal: Seal): Promise<Uint8Array> {
  const { pdf, sheet } = await openPdf({
    title: `${both(WORDS.title)} ${document.number} · ${document.payeeName}`, subject: document.statementId, author: 'Benren', at: new Date(document.closedAt),
  });
  masthead(sheet, document);
  facts(sheet, document);
  summary(sheet, document);
  lines(sheet, document);
  debt(sheet, document);
  notes(sheet, document, seal);
  footers(sheet, document);
  return await pdf.save();
}

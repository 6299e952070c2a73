import { groupBy } from '../kernel/groups.ts';
import { GREY, INK, openPdf, PAGE, RULE, type Sheet, TINT } from '../platform/pdf/index.ts';
import { amountText, daysText, lastDay, percentText } from './paper-text.ts';
import { drawWaterfall, waterfallHeight } from './statement-chart.ts';
import { ownPart, type Statement, type StatementAccount, type StatementLine } from './statement-model.ts';
import { figure, openTable } from './statement-tables.ts';
import { BASE_WORDS, KIND_WORDS, type Language, notesOf, TEXT, type TextName } from './statement-words.ts';

/** A statement on paper, in one language, made from the signed document alone: the same document is always the same bytes. */

export interface Seal {
  digest: string;
  keyId: string;
  leafId: string;
}

/** What every part of the paper needs. */
interface Paper {
  sheet: Sheet;
  document: Statement;
  language: Language;
  say: (name: TextName) => string;
  money: (amountMinor: string) => string;
  name: (id: string | null) => string;
}

const BODY = { size: 9 } as const;
const SMALL = { size: 7, color: GREY } as const;
const LEFT = PAGE.left + 4;
const RIGHT = PAGE.right - 4;
const COMMA: Readonly<Record<Language, string>> = { 'zh-CN': '，', en: ', ' };

function heading({ sheet, say }: Paper, name: TextName): void {
  // With it at least the head and a row of what follows.
  sheet.need(90);
  sheet.y -= 26;
  sheet.text(say(name), PAGE.left, { size: 11.5, bold: true });
  sheet.y -= 6;
}

function masthead({ sheet, document, say }: Paper): void {
  sheet.text(say('brand'), PAGE.left, { size: 9, color: GREY });
  sheet.textRight(`No. ${document.number}`, PAGE.right, { size: 9, color: GREY });
  sheet.y -= 32;
  sheet.text(say('title'), PAGE.left, { size: 21, bold: true });
  sheet.textRight(daysText(document.fromDay, lastDay(document)), PAGE.right, { size: 12 });
  sheet.y -= 14;
  sheet.rule({ color: INK, thickness: 1.2 });
}

function facts({ sheet, document, say }: Paper): void {
  const closed = `${document.closedAt.slice(0, 19).replace('T', ' ')} UTC`;
  const left: [TextName, string][] = [['payee', document.payeeName], ['account', document.payee]];
  const right: [TextName, string][] = [['statement', document.statementId], ['closed', closed], ['currency', document.currency]];
  const top = sheet.y - 18;
  let lowest = top;
  for (const [column, x, width] of [[left, PAGE.left, 176], [right, PAGE.left + 262, 176]] as const) {
    sheet.y = top;
    for (const [label, value] of column) {
      const style = { ...BODY, bold: label === 'payee' };
      sheet.text(say(label), x, SMALL);
      for (const line of sheet.wrap(sheet.readable(value), width, style)) {
        sheet.text(line, x + 62, style);
        sheet.y -= 12;
      }
      sheet.y -= 3;
    }
    lowest = Math.min(lowest, sheet.y);
  }
  sheet.y = lowest;
}

/** Opening, change, closing, large: what most readers came for. */
function headline({ sheet, document, say, money }: Paper): void {
  const change = (BigInt(document.closingMinor) - BigInt(document.openingMinor)).toString();
  const figures: [TextName, string][] = [['opening', document.openingMinor], ['change', change], ['closing', document.closingMinor]];
  const width = (PAGE.right - PAGE.left) / figures.length;
  sheet.box(PAGE.left, sheet.y - 44, PAGE.right - PAGE.left, 48, TINT);
  for (const [index, [label, amountMinor]] of figures.entries()) {
    const x = PAGE.left + width * (index + 1) - 12;
    sheet.y -= 14;
    sheet.textRight(say(label), x, { size: 7.5, color: GREY });
    sheet.y -= 19;
    figure(sheet, money(amountMinor), { x, width: width - 24 }, { size: 16, bold: index === 2 });
    sheet.y += 33;
  }
  sheet.y -= 46;
}

function summary(paper: Paper): void {
  const { sheet, document, language, say, money } = paper;
  heading(paper, 'summary');
  const table = openTable(sheet, [
    { head: say('what'), x: LEFT, width: 300 }, { head: say('entries'), x: RIGHT - 120, width: 60, figures: true },
    { head: `${say('amount')} ${document.currency}`, x: RIGHT, width: 112, figures: true },
  ]);
  table.band([say('opening'), '', money(document.openingMinor)], true);
  for (const total of document.totals.filter((one) => one.inPeriodMinor !== '0')) {
    table.row([KIND_WORDS[total.kind][language], total.entries, money(total.inPeriodMinor)]);
  }
  const adjustments = document.totals.reduce((sum, total) => sum + BigInt(total.adjustmentsMinor), 0n);
  if (adjustments !== 0n) table.row([say('adjustments'), '', money(adjustments.toString())]);
  table.band([say('closing'), '', money(document.closingMinor)], true);
  table.end();
}

function chart(paper: Paper): void {
  if (paper.document.lines.length === 0) return;
  // On one page with its heading.
  paper.sheet.need(waterfallHeight(paper.document, paper.language) + 36);
  heading(paper, 'waterfall');
  drawWaterfall(paper.sheet, paper.document, paper.language);
}

function earnings(paper: Paper): void {
  const { sheet, document, say, money } = paper;
  if (document.earnings.length === 0) return;
  heading(paper, 'byTier');
  const at = (place: number): { x: number; width: number; figures: true } => ({ x: RIGHT - (3 - place) * 76, width: 70, figures: true });
  const table = openTable(sheet, [
    { head: `${say('clone')} · ${say('tier')}`, x: LEFT, width: 180 }, { head: say('inPeriod'), ...at(0) }, { head: say('earlier'), ...at(1) },
    { head: say('returned'), ...at(2) }, { head: say('total'), ...at(3) },
  ]);
  for (const row of document.earnings) {
    const title = [row.cloneName, row.tierName].filter((part) => part !== null).map((part) => sheet.readable(part)).join(' · ');
    table.row([title, money(row.inPeriodMinor), money(row.adjustmentsMinor), money(row.refundsMinor), money(row.totalMinor)]);
  }
  table.end();
}

function pots(paper: Paper): void {
  const { sheet, document, language, say, money, name } = paper;
  if (document.pots.length === 0) return;
  heading(paper, 'pots');
  const at = (place: number, width = 54): { x: number; width: number; figures: true } => ({ x: RIGHT - (5 - place) * 59, width, figures: true });
  const table = openTable(sheet, [
    { head: say('what'), x: LEFT, width: 134 }, { head: say('paid'), ...at(0) }, { head: say('tax'), ...at(1) }, { head: say('fee'), ...at(2) },
    { head: say('divided'), ...at(3) }, { head: say('share'), ...at(4) }, { head: say('yours'), ...at(5) },
  ]);
  const known = (amountMinor: string | null): string => (amountMinor === null ? '–' : money(amountMinor));
  for (const pot of document.pots) {
    const own = ownPart(pot, document.payee);
    table.row([
      {
        title: `${name(pot.cloneId)} · ${name(pot.tierId)}`,
        detail: [daysText(pot.firstDay, pot.lastDay), `${say('split')} v${pot.splitNumber}`, BASE_WORDS[pot.base][language], pot.potId].join(COMMA[language]),
      },
      known(pot.grossMinor), known(pot.taxMinor), known(pot.feeMinor), money(pot.baseMinor), own === null ? '–' : own.basisPoints.map(percentText).join(' + '),
      own === null ? '–' : money(own.amountMinor),
    ]);
  }
  table.end();
}

/** Where a line is from, in small below its title. */
function detailOf({ document, language, say }: Paper, line: StatementLine): string {
  const pot = document.pots.find((one) => one.potId === line.potId);
  const own = pot === undefined ? null : ownPart(pot, document.payee);
  const parts = [
    daysText(line.firstDay, line.lastDay), line.adjustment ? say('adjustments') : null, own?.basisPoints.map(percentText).join(' + ') ?? null,
    pot === undefined ? null : `${say('split')} v${pot.splitNumber}`, line.potId ?? line.payoutId ?? line.advanceId,
  ];
  return parts.filter((part) => part !== null).join(COMMA[language]);
}

function accountTable(paper: Paper, account: StatementAccount, subtotals: boolean): void {
  const { sheet, document, language, say, money, name } = paper;
  const table = openTable(sheet, [
    { head: say('line'), x: LEFT, width: 26 }, { head: say('what'), x: LEFT + 32, width: 300 },
    { head: say('entries'), x: RIGHT - 104, width: 48, figures: true }, { head: `${say('amount')} ${document.currency}`, x: RIGHT, width: 96, figures: true },
  ]);
  table.band(['', say('openingShort'), '', money(account.openingMinor)], false);
  for (const [kind, lines] of groupBy(account.lines, (line) => line.kind)) {
    for (const line of lines) {
      const title = [KIND_WORDS[kind][language], name(line.cloneId), name(line.tierId)].filter((part) => part !== '').join(' · ');
      table.row([line.lineId, { title, detail: detailOf(paper, line) }, line.entries, money(line.amountMinor)]);
    }
    const sum = lines.reduce((total, line) => total + BigInt(line.amountMinor), 0n);
    if (subtotals && lines.length > 1) table.band(['', `${KIND_WORDS[kind][language]} · ${say('total')}`, '', money(sum.toString())], false);
  }
  table.band(['', say('closingShort'), '', money(account.closingMinor)], true);
  table.end();
}

function lines(paper: Paper): void {
  const { sheet, document, say } = paper;
  heading(paper, 'lines');
  if (document.lines.length === 0) {
    sheet.y -= 12;
    sheet.text(say('none'), PAGE.left, BODY);
    sheet.y -= 6;
    return;
  }
  const { openingMinor, closingMinor } = document;
  accountTable(paper, { openingMinor, lines: document.lines, closingMinor }, true);
}

function others(paper: Paper): void {
  const { sheet, document, say, money } = paper;
  for (const name of ['debt', 'reserve'] as const) {
    const account = document[name];
    if (account.openingMinor === '0' && account.closingMinor === '0' && account.lines.length === 0) continue;
    heading(paper, name);
    accountTable(paper, account, false);
  }
  if (document.advances.length === 0) return;
  heading(paper, 'advances');
  const table = openTable(sheet, [
    { head: say('what'), x: LEFT, width: 260 }, { head: say('openingShort'), x: RIGHT - 110, width: 96, figures: true },
    { head: say('closingShort'), x: RIGHT, width: 96, figures: true },
  ]);
  for (const advance of document.advances) table.row([advance.advanceId, money(advance.openingMinor), money(advance.closingMinor)]);
  table.end();
}

function notes(paper: Paper, seal: Seal): void {
  const { sheet, document, language, say } = paper;
  heading(paper, 'notes');
  sheet.y -= 8;
  for (const [index, note] of notesOf(document, language).entries()) {
    sheet.need(28);
    sheet.text(`${index + 1}`, PAGE.left, { size: 7.5, color: GREY });
    sheet.paragraph(note, { size: 7.5 }, { x: PAGE.left + 14, width: PAGE.right - PAGE.left - 14 });
    sheet.y -= 3;
  }
  heading(paper, 'proof');
  sheet.y -= 8;
  const previous = document.previousStatementSha256;
  const rows: [string, string][] = [
    ['SHA-256', seal.digest], ['Ed25519', seal.keyId], [say('leaf'), seal.leafId], ...(previous === null ? [] : [[say('previous'), previous] as [string, string]]),
  ];
  for (const [label, value] of rows) {
    sheet.need(11);
    sheet.text(label, PAGE.left, SMALL);
    sheet.text(value, PAGE.left + 72, { size: 7.5 });
    sheet.y -= 11;
  }
}

function footers({ sheet, document, language }: Paper): void {
  const count = sheet.pages.length;
  for (const [index, page] of sheet.pages.entries()) {
    const pages = language === 'en' ? `Page ${index + 1} of ${count}` : `第 ${index + 1} 页，共 ${count} 页`;
    page.drawLine({ start: { x: PAGE.left, y: 46 }, end: { x: PAGE.right, y: 46 }, color: RULE, thickness: 0.6 });
    sheet.text(document.statementId, PAGE.left, SMALL, { y: 34, page });
    sheet.textRight(pages, PAGE.right, SMALL, { y: 34, page });
  }
}

/** The document on A4, unsigned. */
export async function drawStatement(document: Statement, seal: Seal, language: Language): ReturnType<typeof openPdf> {
  const title = `${TEXT.title[language]} ${document.number} · ${document.payeeName}`;
  const { pdf, sheet } = await openPdf({ title, subject: document.statementId, author: 'Benren', at: new Date(document.closedAt), language });
  const names = new Map(document.names.map(({ id, name }) => [id, name]));
  const paper: Paper = {
    sheet, document, language, say: (name) => TEXT[name][language], money: (amountMinor) => amountText(amountMinor, document.currency),
    name: (id) => (id === null ? '' : sheet.readable(names.get(id) ?? id)),
  };
  masthead(paper);
  facts(paper);
  headline(paper);
  summary(paper);
  chart(paper);
  earnings(paper);
  pots(paper);
  lines(paper);
  others(paper);
  notes(paper, seal);
  footers(paper);
  return { pdf, sheet };
}

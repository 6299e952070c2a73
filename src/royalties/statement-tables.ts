import { GREY, INK, PAGE, type Sheet, type TextStyle, TINT } from '../platform/pdf/index.ts';

/** Tables on paper: columns with heads that come again on every page, texts that wrap, figures that never overlap. */

export interface Column {
  head: string;
  /** Where the column begins, or for figures where it ends. */
  x: number;
  width: number;
  figures?: boolean;
}

/** What stands in a row: a title that wraps with a smaller second text below it, or one short text. */
export type Cell = string | { title: string; detail: string };

const LEADING = 11.5;
const DETAIL_LEADING = 9.5;
const BODY: TextStyle = { size: 8.5 };
const DETAIL: TextStyle = { size: 7, color: GREY };
const HEAD: TextStyle = { size: 7, color: GREY };

/** A figure in its column: smaller when it is too long, never over its neighbour. */
export function figure(sheet: Sheet, text: string, column: Pick<Column, 'x' | 'width'>, style: TextStyle): void {
  let { size } = style;
  while (size > 4 && sheet.width(text, { ...style, size }) > column.width) size -= 0.25;
  sheet.textRight(text, column.x, { ...style, size });
}

function drawHead(sheet: Sheet, columns: readonly Column[]): void {
  const wrapped = columns.map((column) => sheet.wrap(column.head, column.width, HEAD));
  const lines = Math.max(...wrapped.map((one) => one.length));
  sheet.y -= 12;
  for (let line = 0; line < lines; line += 1) {
    for (const [index, column] of columns.entries()) {
      // Heads stand on the line below them.
      const own = wrapped[index] ?? [];
      const text = own[line - (lines - own.length)] ?? '';
      if (column.figures === true) sheet.textRight(text, column.x, HEAD);
      else sheet.text(text, column.x, HEAD);
    }
    if (line < lines - 1) sheet.y -= 9;
  }
  sheet.y -= 4.5;
  sheet.rule({ color: INK, thickness: 0.6 });
}

interface Laid {
  lines: string[];
  detail: string[];
}

function laid(sheet: Sheet, cell: Cell, column: Column, style: TextStyle): Laid {
  if (typeof cell === 'string') return { lines: column.figures === true ? [cell] : sheet.wrap(cell, column.width, style), detail: [] };
  return { lines: sheet.wrap(cell.title, column.width, style), detail: sheet.wrap(cell.detail, column.width, DETAIL) };
}

export interface Table {
  row: (cells: readonly Cell[]) => void;
  /** A row on a ground of its own: openings, subtotals, closings. */
  band: (cells: readonly Cell[], strong: boolean) => void;
  end: () => void;
}

/** Opens a table at the pen; its head comes again on each page until `end`. */
export function openTable(sheet: Sheet, columns: readonly Column[]): Table {
  const head = (): void => drawHead(sheet, columns);
  sheet.need(58);
  head();
  sheet.onNewPage = head;

  function draw(cells: readonly Cell[], style: TextStyle, ground: boolean): void {
    const parts = columns.map((column, index) => laid(sheet, cells[index] ?? '', column, style));
    const height = Math.max(...parts.map((part) => part.lines.length * LEADING + part.detail.length * DETAIL_LEADING)) + 6.5;
    sheet.need(height);
    if (ground) sheet.box(PAGE.left, sheet.y - height, PAGE.right - PAGE.left, height, TINT);
    const top = sheet.y - LEADING;
    for (const [index, column] of columns.entries()) {
      sheet.y = top;
      for (const line of parts[index]?.lines ?? []) {
        if (column.figures === true) figure(sheet, line, column, style);
        else sheet.text(line, column.x, style);
        sheet.y -= LEADING;
      }
      sheet.y += LEADING - DETAIL_LEADING - 1;
      for (const line of parts[index]?.detail ?? []) {
        sheet.text(line, column.x, DETAIL);
        sheet.y -= DETAIL_LEADING;
      }
    }
    sheet.y = top + LEADING - height;
    if (!ground) sheet.rule({ thickness: 0.4 });
  }

  return {
    row: (cells) => draw(cells, BODY, false),
    band: (cells, strong) => draw(cells, { ...BODY, bold: strong }, true),
    end: () => {
      sheet.rule({ color: INK, thickness: 0.8 });
      sheet.onNewPage = null;
    },
  };
}

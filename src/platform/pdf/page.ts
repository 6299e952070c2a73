import { type Color, PDFDocument, type PDFFont, type PDFPage, rgb } from '@cantoo/pdf-lib';

import { embedFonts, type Fonts } from './font.ts';
import { readable } from './readable.ts';

/** A4 in points, and where its content stands. */
export const PAGE = { width: 595.28, height: 841.89, left: 48, right: 547.28, top: 790, bottom: 66 } as const;

export const INK = rgb(0.1, 0.11, 0.13);
export const GREY = rgb(0.42, 0.44, 0.48);
export const RULE = rgb(0.82, 0.83, 0.86);
export const TINT = rgb(0.955, 0.96, 0.97);

export interface TextStyle {
  size: number;
  bold?: boolean;
  color?: Color;
}

/** Chinese may break anywhere, Latin between words; a word longer than the line is cut where it must be. */
function pieces(text: string): string[] {
  return text.match(/[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+\s*|\s+/gu) ?? [];
}

/** Pieces with opening marks put before what they open. */
function tied(all: readonly string[]): string[] {
  const whole: string[] = [];
  let opened = '';
  for (const piece of all) {
    opened += piece;
    if (NEVER_LAST.test(opened)) continue;
    whole.push(opened);
    opened = '';
  }
  return opened === '' ? whole : [...whole, opened];
}

/** Marks that never begin a line (GB/T 15834). */
const NEVER_FIRST = /^[，。；：、！？）》」』”’]/u;

/** Opening marks, which never end a line. */
const NEVER_LAST = /[（「『《〈【“‘(]$/u;

/** A pen on pages that follow one another. Measures in points from the bottom left, as PDF does. */
export class Sheet {
  y: number = PAGE.top;
  readonly #pdf: PDFDocument;
  readonly #fonts: Fonts;
  readonly #pages: PDFPage[] = [];
  readonly #widths = new Map<string, number>();
  /** Drawn again at the top of each further page, such as a table's head. */
  onNewPage: (() => void) | null = null;

  constructor(pdf: PDFDocument, fonts: Fonts) {
    this.#pdf = pdf;
    this.#fonts = fonts;
    this.#add();
  }

  get pages(): readonly PDFPage[] {
    return this.#pages;
  }

  get #page(): PDFPage {
    const page = this.#pages.at(-1);
    if (page === undefined) throw new Error('A sheet has a page.');
    return page;
  }

  #add(): void {
    this.#pages.push(this.#pdf.addPage([PAGE.width, PAGE.height]));
    this.y = PAGE.top;
  }

  /** Goes to a new page unless so many points are left. */
  need(points: number): void {
    if (this.y - points >= PAGE.bottom) return;
    this.#add();
    this.onNewPage?.();
  }

  /** Goes to a new page, whatever is left of this one. */
  nextPage(): void {
    this.#add();
  }

  /** What was written by people, as it can be printed and seen. */
  readable(text: string): string {
    return readable(text, this.#fonts.draws);
  }

  font(style: TextStyle): PDFFont {
    return style.bold === true ? this.#fonts.bold : this.#fonts.regular;
  }

  width(text: string, style: TextStyle): number {
    return this.font(style).widthOfTextAtSize(text, style.size);
  }

  /** One line at the pen's height, or at `y` of a given page. */
  text(text: string, x: number, style: TextStyle, at: { y?: number; page?: PDFPage } = {}): void {
    const { y = this.y, page = this.#page } = at;
    page.drawText(text, { x, y, size: style.size, font: this.font(style), color: style.color ?? INK });
  }

  /** One line that ends at `x`. */
  textRight(text: string, x: number, style: TextStyle, at: { y?: number; page?: PDFPage } = {}): void {
    this.text(text, x - this.width(text, style), style, at);
  }

  rule(options: { color?: Color; thickness?: number; from?: number; to?: number } = {}): void {
    const { color = RULE, thickness = 0.6, from = PAGE.left, to = PAGE.right } = options;
    this.#page.drawLine({ start: { x: from, y: this.y }, end: { x: to, y: this.y }, color, thickness });
  }

  box(x: number, y: number, width: number, height: number, color: Color): void {
    this.#page.drawRectangle({ x, y, width, height, color });
  }

  /** Breaks text into lines of at most `width` points. `tied`: an opening mark goes over to the next line with what it opens. */
  wrap(text: string, width: number, style: TextStyle, options: { tied?: boolean } = {}): string[] {
    const lines: string[] = [];
    let line = '';
    let about = 0;
    const whole = options.tied === true ? tied(pieces(text)) : pieces(text);
    for (const piece of whole.flatMap((one) => this.#fitting(one, width, style))) {
      if (line !== '' && !NEVER_FIRST.test(piece) && !this.#fits(line + piece, about + this.#about(piece, style), width, style)) {
        lines.push(line.trimEnd());
        line = '';
        about = 0;
      }
      line += line === '' ? piece.trimStart() : piece;
      about += this.#about(piece, style);
    }
    if (line !== '') lines.push(line.trimEnd());
    return lines;
  }

  /** The width of a piece by itself, which kerning with its neighbours changes a little. Pieces come again and again. */
  #about(piece: string, style: TextStyle): number {
    const key = `${style.bold === true ? 'b' : 'r'}${piece}`;
    const known = this.#widths.get(key) ?? this.font(style).widthOfTextAtSize(piece, 1);
    this.#widths.set(key, known);
    return known * style.size;
  }

  /** Shaping a whole line takes long, so only a line that is nearly full is measured as a whole. */
  #fits(line: string, about: number, width: number, style: TextStyle): boolean {
    const doubt = 4 * style.size;
    return about + doubt < width || this.width(line.trimEnd(), style) <= width;
  }

  #fitting(piece: string, width: number, style: TextStyle): string[] {
    if (this.#about(piece, style) <= width) return [piece];
    const parts: string[] = [];
    let part = '';
    for (const character of piece) {
      if (part !== '' && this.width(part + character, style) > width) {
        parts.push(part);
        part = '';
      }
      part += character;
    }
    return [...parts, part];
  }

  /** A paragraph from the pen downwards. */
  paragraph(text: string, style: TextStyle, options: { x?: number; width?: number; leading?: number } = {}): void {
    const { x = PAGE.left, width = PAGE.right - PAGE.left, leading = style.size * 1.45 } = options;
    for (const line of this.wrap(text, width, style)) {
      this.need(leading);
      this.text(line, x, style);
      this.y -= leading;
    }
  }
}

/** An empty document whose dates are those given, so that the same content gives the same bytes. */
export async function openPdf(about: {
  title: string; subject: string; author: string; at: Date; language?: string;
}): Promise<{ pdf: PDFDocument; sheet: Sheet }> {
  const pdf = await PDFDocument.create({ updateMetadata: false });
  pdf.setTitle(about.title);
  pdf.setSubject(about.subject);
  pdf.setAuthor(about.author);
  pdf.setProducer('Benren');
  pdf.setCreator('Benren');
  pdf.setLanguage(about.language ?? 'zh-CN');
  pdf.setCreationDate(about.at);
  pdf.setModificationDate(about.at);
  return { pdf, sheet: new Sheet(pdf, await embedFonts(pdf)) };
}

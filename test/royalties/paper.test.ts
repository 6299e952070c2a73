import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PDFDict, PDFDocument, PDFName } from '@cantoo/pdf-lib';
import { describe, expect, it } from 'vitest';

import { loadDocuments } from '../../src/identity/index.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { amountText } from '../../src/royalties/paper-text.ts';
import { waterfallOf } from '../../src/royalties/statement-chart.ts';
import { LINE_KINDS } from '../../src/royalties/statement-lines.ts';
import { drawStatement } from '../../src/royalties/statement-pdf.ts';
import { KIND_WORDS, LANGUAGES } from '../../src/royalties/statement-words.ts';
import { FULL, RED, SEAL, SHORT } from './paper.ts';

/** The text of each page as a reader copies it; null where there is no tool to read it with. */
function textOf(pdf: Uint8Array): string[] | null {
  const folder = mkdtempSync(join(tmpdir(), 'paper-'));
  try {
    writeFileSync(join(folder, 'paper.pdf'), pdf);
    return execFileSync('pdftotext', ['-layout', join(folder, 'paper.pdf'), '-'], { encoding: 'utf8' }).split('\f').slice(0, -1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a printed statement', () => {
  it('is made from documents of the contract', () => {
    const documents = loadDocuments();
    for (const document of [SHORT, FULL, RED]) expect(documents.validate('statement', document)).toEqual(document);
  });

  it.each(LANGUAGES)('goes over as many pages as it needs in %s, and is the same bytes again', async (language) => {
    const [first, second] = [await (await drawStatement(FULL, SEAL, language)).pdf.save(), await (await drawStatement(FULL, SEAL, language)).pdf.save()];
    expect(sha256Hex(first)).toBe(sha256Hex(second));
    expect(first.length).toBeLessThan(500_000);
    const read = await PDFDocument.load(first);
    expect(read.getPageCount()).toBe(11);
    expect([read.getSubject(), read.getCreationDate()?.toISOString()]).toEqual([FULL.statementId, FULL.closedAt]);
  });

  it.for(LANGUAGES)('says in %s every kind of line, its totals, and on which page one is', async (language, context) => {
    expect(FULL.totals.map((total) => total.kind).sort()).toEqual([...LINE_KINDS].sort());
    for (const document of [FULL, RED]) {
      const pages = textOf(await (await drawStatement(document, SEAL, language)).pdf.save());
      if (pages === null) return context.skip('pdftotext is not installed');
      const [first = ''] = pages;
      for (const amountMinor of [document.openingMinor, document.closingMinor]) expect(first).toContain(amountText(amountMinor, 'CNY'));
      for (const total of document.totals.filter((one) => one.inPeriodMinor !== '0')) {
        expect(first.split('\n').find((row) => row.includes(KIND_WORDS[total.kind][language]) && row.includes(amountText(total.inPeriodMinor, 'CNY'))), total.kind).toBeDefined();
      }
      for (const [index, page] of pages.entries()) {
        expect(page).toContain(language === 'en' ? `Page ${index + 1} of ${pages.length}` : `第 ${index + 1} 页，共 ${pages.length} 页`);
        expect(page).toContain(document.statementId);
      }
    }
  });

  it('carries its fonts with it, of the CJK font only the glyphs that it needs', async () => {
    const pdf = await PDFDocument.load(await (await drawStatement(SHORT, SEAL, 'zh-CN')).pdf.save());
    const dicts = pdf.context.enumerateIndirectObjects().map(([, object]) => object).filter((object) => object instanceof PDFDict);
    const descriptors = dicts.filter((dict) => dict.get(PDFName.of('Type')) === PDFName.of('FontDescriptor'));
    expect(descriptors.length).toBeGreaterThan(0);
    for (const descriptor of descriptors) {
      const embedded = ['FontFile', 'FontFile2', 'FontFile3'].map((name) => descriptor.lookup(PDFName.of(name))).filter((file) => file !== undefined);
      expect(embedded).toHaveLength(1);
      // A whole CJK font is many megabytes.
      expect((embedded[0] as unknown as { contents: Uint8Array }).contents.length).toBeLessThan(120_000);
    }
    // None is left to what the reader's machine happens to have.
    const fonts = dicts.filter((dict) => dict.get(PDFName.of('Type')) === PDFName.of('Font') && dict.get(PDFName.of('DescendantFonts')) === undefined);
    for (const font of fonts) expect(font.get(PDFName.of('FontDescriptor'))).toBeDefined();
  });

  it('draws what fans paid down to the closing balance: each level is what its steps lead to', () => {
    for (const document of [SHORT, FULL, RED]) {
      let level = 0n;
      for (const step of waterfallOf(document, 'en')) {
        if (step.level && step.label !== 'Paid') expect([step.label, step.amountMinor]).toEqual([step.label, level]);
        level = step.level ? step.amountMinor : level + step.amountMinor;
      }
      expect(level).toBe(BigInt(document.closingMinor));
    }
  });
});

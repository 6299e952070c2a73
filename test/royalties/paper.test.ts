import { PDFDocument } from '@cantoo/pdf-lib';
import { describe, expect, it } from 'vitest';

import { loadDocuments } from '../../src/identity/index.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { waterfallOf } from '../../src/royalties/statement-chart.ts';
import { drawStatement } from '../../src/royalties/statement-pdf.ts';
import { LANGUAGES } from '../../src/royalties/statement-words.ts';
import { FULL, SEAL, SHORT } from './paper.ts';

describe('a printed statement', () => {
  it('is made from documents of the contract', () => {
    const documents = loadDocuments();
    for (const document of [SHORT, FULL]) expect(documents.validate('statement', document)).toEqual(document);
  });

  it.each(LANGUAGES)('goes over as many pages as it needs in %s, and is the same bytes again', async (language) => {
    const [first, second] = [await (await drawStatement(FULL, SEAL, language)).pdf.save(), await (await drawStatement(FULL, SEAL, language)).pdf.save()];
    expect(sha256Hex(first)).toBe(sha256Hex(second));
    expect(first.length).toBeLessThan(500_000);
    const read = await PDFDocument.load(first);
    expect(read.getPageCount()).toBe(11);
    expect([read.getSubject(), read.getCreationDate()?.toISOString()]).toEqual([FULL.statementId, FULL.closedAt]);
  });

  it('draws what fans paid down to the closing balance: each level is what its steps lead to', () => {
    for (const document of [SHORT, FULL]) {
      let level = 0n;
      for (const step of waterfallOf(document, 'en')) {
        if (step.level && step.label !== 'Paid') expect([step.label, step.amountMinor]).toEqual([step.label, level]);
        level = step.level ? step.amountMinor : level + step.amountMinor;
      }
      expect(level).toBe(BigInt(document.closingMinor));
    }
  });
});

import { describe, expect, it } from 'vitest';

import { csvCell } from '../../src/royalties/csv.ts';
import { statementCsv } from '../../src/royalties/statement-csv.ts';
import { LANGUAGES } from '../../src/royalties/statement-words.ts';
import { FULL } from './paper.ts';

/** A reader of RFC 4180 of the test's own. */
function read(text: string): string[][] {
  const rows: string[][] = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const [, quoted, plain = '', end] = cell.exec(text) ?? [];
    if (end === undefined) throw new Error(`not CSV at ${cell.lastIndex}`);
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
  }
  if (rows.pop()?.length !== 0) throw new Error('the last row has no end');
  return rows;
}

describe('a cell', () => {
  it('is never a formula, and a figure stays one', () => {
    for (const text of ['=1+1', '+1', '-1+cmd|x', '@SUM(A1)', '\t=1', '\r=1', '＝1+1']) expect(csvCell(text).replace(/^"/, '')).toMatch(/^'/);
    expect(['-12.30', '0', '林雅', 'a,b', 'say "hi"', ' x', 'two\nlines'].map(csvCell)).toEqual(['-12.30', '0', '林雅', '"a,b"', '"say ""hi"""', '" x"', '"two\nlines"']);
  });
});

describe.each(LANGUAGES)('a statement as a table in %s', (language) => {
  it('is read back cell by cell and adds up', () => {
    const hostile = { ...FULL, names: FULL.names.map((one) => (one.name === 'work' ? { ...one, name: '=HYPERLINK("http://x","y")' } : one)) };
    const text = statementCsv(hostile, language);
    expect(text.startsWith('\uFEFF')).toBe(true);
    const [head = [], ...rows] = read(text.slice(1));
    expect(rows.every((row) => row.length === head.length)).toBe(true);
    expect(rows.filter((row) => row[7]?.startsWith('\'=HYPERLINK("'))).not.toHaveLength(0);
    const minor = (row: string[] | undefined): bigint => BigInt((row?.[9] ?? '').replace('.', ''));
    const [opening] = rows;
    const lines = rows.filter((row) => /^[1-9]/.test(row[1] ?? ''));
    expect(lines).toHaveLength(FULL.lines.length);
    const closing = lines.reduce((sum, row) => sum + minor(row), minor(opening));
    expect([closing, minor(rows[lines.length + 1])]).toEqual([BigInt(FULL.closingMinor), BigInt(FULL.closingMinor)]);
    expect(statementCsv(hostile, language)).toBe(text);
  });
});

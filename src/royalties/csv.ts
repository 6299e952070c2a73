/** CSV as RFC 4180 has it, with a byte order mark, without which spreadsheets take UTF-8 for something else. Pure. */

/** What a spreadsheet would run as a formula; a plain number may begin with a minus. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/u;
const NUMBER = /^-?\d+(?:\.\d+)?$/;

/** One cell. A text that would be taken for a formula gets an apostrophe before it, as spreadsheets themselves do. */
export function csvCell(text: string): string {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvText(rows: readonly (readonly string[])[]): string {
  return `\uFEFF${rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')}`;
}

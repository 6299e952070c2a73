/** Byte ranges of a stored file (RFC 9110 §14): pure. */

export interface Span {
  /** First byte. */
  from: number;
  /** One past the last byte. */
  to: number;
  /** Whether it was asked for as a range, and is answered as one. */
  partial: boolean;
}

const digits = (text: string): number => (text === '' ? Number.NaN : Number(text));

/**
 * Which bytes are asked for; null when none of them can be had (416). Another unit than bytes, several ranges at once, and
 * an `If-Range` that is not exactly this file are answered with the whole file, as the standard allows.
 */
export function spanOf(asked: { range: string | undefined; ifRange: string | undefined }, length: number, entityTag: string): Span | null {
  const whole: Span = { from: 0, to: length, partial: false };
  const { range, ifRange } = asked;
  // A weak tag or a date is not the strong tag of these bytes.
  if (range === undefined || (ifRange !== undefined && ifRange !== entityTag)) return whole;
  const [, unit = '', specifier = ''] = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*=(.*)$/.exec(range) ?? [];
  if (unit === '') return null;
  if (unit.toLowerCase() !== 'bytes' || specifier.includes(',')) return whole;
  const found = /^\s*(\d*)\s*-\s*(\d*)\s*$/.exec(specifier);
  if (found === null) return null;
  const [first, last] = [digits(found[1] ?? ''), digits(found[2] ?? '')];
  if (Number.isNaN(first)) {
    // The last bytes; more than there are means all of them.
    return last > 0 && length > 0 ? { from: Math.max(0, length - last), to: length, partial: true } : null;
  }
  if (first >= length || last < first) return null;
  return { from: first, to: Number.isNaN(last) ? length : Math.min(last + 1, length), partial: true };
}

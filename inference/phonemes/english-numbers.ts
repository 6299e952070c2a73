const ONES = [
  'zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve', 'thirteen', 'fourteen',
  'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen',
];
const TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const SCALES: readonly (readonly [bigint, string])[] = [
  [1_000_000_000_000n, 'trillion'], [1_000_000_000n, 'billion'], [1_000_000n, 'million'], [1000n, 'thousand'],
];
const ORDINALS: Readonly<Record<string, string>> = {
  one: 'first', two: 'second', three: 'third', five: 'fifth', eight: 'eighth', nine: 'ninth', twelve: 'twelfth',
};
const CURRENCIES: Readonly<Record<string, readonly [string, string]>> = {
  $: ['dollar', 'dollars'], '€': ['euro', 'euros'], '£': ['pound', 'pounds'], '¥': ['yuan', 'yuan'],
};
/** More digits than this are an identifier, read one by one. */
const MAX_CARDINAL_DIGITS = 15;

const digitWords = (digits: string): string[] => Array.from(digits, (digit) => ONES[Number(digit)] ?? '');

function below1000(value: number): string[] {
  const hundreds = Math.floor(value / 100);
  const rest = value % 100;
  const head = hundreds > 0 ? [ONES[hundreds] ?? '', 'hundred'] : [];
  if (rest === 0) return head;
  if (rest < 20) return [...head, ONES[rest] ?? ''];
  return [...head, TENS[Math.floor(rest / 10)] ?? '', ...(rest % 10 > 0 ? [ONES[rest % 10] ?? ''] : [])];
}

function cardinal(digits: string): string[] {
  if (digits.length > MAX_CARDINAL_DIGITS || (digits.length > 1 && digits.startsWith('0'))) return digitWords(digits);
  let rest = BigInt(digits);
  if (rest === 0n) return ['zero'];
  const words: string[] = [];
  for (const [scale, name] of SCALES) {
    if (rest >= scale) {
      words.push(...below1000(Number(rest / scale)), name);
      rest %= scale;
    }
  }
  return [...words, ...below1000(Number(rest))];
}

function ordinal(digits: string): string[] {
  const words = cardinal(digits);
  const last = words.pop() ?? '';
  return [...words, ORDINALS[last] ?? (last.endsWith('y') ? `${last.slice(0, -1)}ieth` : `${last}th`)];
}

/** 1995 is "nineteen ninety five", 2026 "twenty twenty six", 2005 "two thousand five". */
function year(digits: string): string[] {
  const [century, rest] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  if (century % 10 === 0 && rest < 10) return cardinal(digits);
  if (rest === 0) return [...below1000(century), 'hundred'];
  return [...below1000(century), ...(rest < 10 ? ['oh'] : []), ...below1000(rest)];
}

function time(hours: string, minutes: string): string[] {
  const minute = Number(minutes);
  if (minute === 0) return [...cardinal(String(Number(hours))), "o'clock"];
  return [...cardinal(String(Number(hours))), ...(minute < 10 ? ['oh'] : []), ...cardinal(String(minute))];
}

/** English words for a written number: 1,234.5  $6  42%  3rd  10:30  1995. */
export function englishNumber(text: string): string[] {
  const clock = /^(\d{1,2}):(\d{2})$/u.exec(text);
  if (clock !== null) return time(clock[1] ?? '', clock[2] ?? '');
  const parts = /^([$€£¥]?)([\d,]+)(?:\.(\d+))?(%|st|nd|rd|th)?$/iu.exec(text);
  if (parts === null) return digitWords(text.replace(/\D/gu, ''));
  const [, currency = '', grouped = '', fraction = '', suffix = ''] = parts;
  const digits = grouped.replaceAll(',', '');
  if (/^(st|nd|rd|th)$/iu.test(suffix) && fraction === '') return ordinal(digits);
  const units = CURRENCIES[currency];
  if (units !== undefined && /^\d{2}$/u.test(fraction)) {
    return [...cardinal(digits), digits === '1' ? units[0] : units[1], ...(Number(fraction) > 0 ? cardinal(String(Number(fraction))) : [])];
  }
  const plain = currency === '' && fraction === '' && suffix === '' && !grouped.includes(',');
  const whole = plain && /^(1[1-9]|20)\d\d$/u.test(digits) ? year(digits) : cardinal(digits);
  return [
    ...whole, ...(fraction === '' ? [] : ['point', ...digitWords(fraction)]), ...(suffix === '%' ? ['percent'] : []),
    ...(units === undefined ? [] : [digits === '1' && fraction === '' ? units[0] : units[1]]),
  ];
}

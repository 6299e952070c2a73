const DIGITS = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
const PLACES = ['', '十', '百', '千'];
const GROUPS = ['', '万', '亿', '万亿'];
const CURRENCIES: Readonly<Record<string, string>> = { $: '美元', '€': '欧元', '£': '英镑', '¥': '元' };
const MAX_CARDINAL_DIGITS = 16;
/** Words that count: before them two is 两. */
const MEASURES = /^[个位次年天块元本张只条名种点层台部首杯件句秒分家段份期周]/u;

const digitHanzi = (digits: string): string => Array.from(digits, (digit) => DIGITS[Number(digit)] ?? '').join('');

function below10000(value: number): string {
  let out = '';
  let gap = false;
  for (let place = 3; place >= 0; place -= 1) {
    const digit = Math.floor(value / 10 ** place) % 10;
    if (digit === 0) {
      gap = out !== '';
      continue;
    }
    out += `${gap ? '零' : ''}${digit === 2 && place === 3 ? '两' : DIGITS[digit] ?? ''}${PLACES[place] ?? ''}`;
    gap = false;
  }
  return out;
}

function cardinal(digits: string): string {
  if (digits.length > MAX_CARDINAL_DIGITS || (digits.length > 1 && digits.startsWith('0'))) return digitHanzi(digits);
  if (/^0+$/u.test(digits)) return '零';
  const groups: number[] = [];
  for (let end = digits.length; end > 0; end -= 4) groups.unshift(Number(digits.slice(Math.max(0, end - 4), end)));
  let out = '';
  groups.forEach((group, index) => {
    const unit = GROUPS[groups.length - 1 - index] ?? '';
    if (group === 0) return;
    // 一万零五: a group that does not fill its thousands is led by a zero.
    if (out !== '' && group < 1000) out += '零';
    out += `${group === 2 && unit !== '' ? '两' : below10000(group)}${unit}`;
  });
  return out.replace(/^一十/u, '十');
}

/** Hanzi for a written number, given what follows it: 2026年 is read digit by digit, 50% as 百分之五十, 2个 as 两个. */
export function mandarinNumber(text: string, following: string): string {
  const clock = /^(\d{1,2}):(\d{2})$/u.exec(text);
  if (clock !== null) {
    const minutes = Number(clock[2]);
    return `${cardinal(String(Number(clock[1])))}点${minutes === 0 ? '整' : `${minutes < 10 ? '零' : ''}${cardinal(String(minutes))}分`}`;
  }
  const parts = /^([$€£¥]?)([\d,]+)(?:\.(\d+))?(%|st|nd|rd|th)?$/iu.exec(text);
  if (parts === null) return digitHanzi(text.replace(/\D/gu, ''));
  const [, currency = '', grouped = '', fraction = '', suffix = ''] = parts;
  const digits = grouped.replaceAll(',', '');
  if (digits.length === 4 && fraction === '' && following.startsWith('年')) return digitHanzi(digits);
  const two = digits === '2' && fraction === '' && (MEASURES.test(following) || currency !== '');
  const number = `${two ? '两' : cardinal(digits)}${fraction === '' ? '' : `点${digitHanzi(fraction)}`}`;
  return `${suffix === '%' ? '百分之' : ''}${/^(st|nd|rd|th)$/iu.test(suffix) ? '第' : ''}${number}${CURRENCIES[currency] ?? ''}`;
}

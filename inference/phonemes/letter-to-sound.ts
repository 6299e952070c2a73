/**
 * Pronunciation of English spellings that no dictionary lists: names, brands, inventions. Ordered rules, the first that fits wins,
 * in the manner of Elovitz et al. (1976), "Automatic translation of English text to phonetics by means of letter-to-sound rules".
 */
interface Rule {
  readonly letters: string;
  /** What must stand before and behind the letters; `^` and `$` are the ends of the word. */
  readonly before?: RegExp;
  readonly after?: RegExp;
  readonly phones: string;
}

const rule = (letters: string, phones: string, context: { before?: RegExp; after?: RegExp } = {}): Rule => ({ letters, phones, ...context });

const END = /^$/u;
const START = /^$/u;
const VOWEL = /^[aeiouy]/u;
const SOFT = /^[eiy]/u;
/** One consonant and a final e: the vowel says its name. */
const MAGIC_E = /^[^aeiouwxy]e(s|d)?$/u;

const RULES: readonly Rule[] = [
  rule('augh', 'AO'), rule('aught', 'AO T'), rule('ough', 'AO', { after: /^t/u }), rule('ough', 'OW'), rule('eigh', 'EY'), rule('igh', 'AY'),
  rule('tion', 'SH AH N'), rule('sion', 'ZH AH N', { before: /[aeiou]$/u }), rule('sion', 'SH AH N'), rule('cian', 'SH AH N'),
  rule('cious', 'SH AH S'), rule('tious', 'SH AH S'), rule('ture', 'CH ER'), rule('sure', 'ZH ER'), rule('tial', 'SH AH L'),
  rule('cial', 'SH AH L'), rule('ous', 'AH S', { after: END }), rule('able', 'AH B AH L', { after: END }), rule('ible', 'AH B AH L', { after: END }),
  rule('ful', 'F AH L', { after: END }), rule('less', 'L AH S', { after: END }), rule('ness', 'N AH S', { after: END }),
  rule('ment', 'M AH N T', { after: END }), rule('age', 'IH JH', { before: /[aeiou].+$/u, after: END }),

  rule('air', 'EH R'), rule('are', 'EH R', { after: END }), rule('arr', 'AE R'), rule('ar', 'ER', { before: /[aeiou].+$/u, after: END }),
  rule('ar', 'AA R', { after: /^[^aeiou]|^$/u }), rule('aw', 'AO'), rule('au', 'AO'), rule('ai', 'EY'), rule('ay', 'EY'),
  rule('al', 'AO L', { after: /^[lkdt]/u }), rule('al', 'AH L', { before: /[aeiou].+$/u, after: END }), rule('aa', 'AA'), rule('ae', 'IY'),
  rule('a', 'EY', { after: MAGIC_E }), rule('a', 'AH', { after: END }), rule('a', 'AH', { before: START, after: /^[^aeiou][aeiou]/u }),
  rule('a', 'AE'),

  rule('bb', 'B'), rule('b', '', { before: /m$/u, after: END }), rule('b', 'B'),
  rule('tch', 'CH'), rule('chr', 'K R'), rule('sch', 'SH'), rule('ch', 'CH'), rule('ck', 'K'), rule('cc', 'K S', { after: SOFT }), rule('cc', 'K'),
  rule('sc', 'S', { after: SOFT }), rule('c', 'S', { after: SOFT }), rule('cqu', 'K W'), rule('c', 'K'),
  rule('dge', 'JH'), rule('dj', 'JH'), rule('dd', 'D'), rule('d', 'D'),

  rule('eer', 'IH R'), rule('ear', 'IH R'), rule('ere', 'IH R', { after: END }), rule('ee', 'IY'), rule('ea', 'IY'), rule('ei', 'EY'), rule('ey', 'IY', { after: END }),
  rule('ey', 'EY'), rule('eu', 'Y UW'), rule('ew', 'UW'), rule('er', 'ER', { after: /^[^aeiou]|^$/u }), rule('err', 'EH R'),
  rule('ed', 'D', { before: /[aeiou].*[^td]$/u, after: END }), rule('ed', 'IH D', { before: /[td]$/u, after: END }),
  rule('es', 'IH Z', { before: /([sxz]|ch|sh)$/u, after: END }), rule('es', 'Z', { before: /[aeiou].*$/u, after: END }),
  rule('e', '', { before: /[aeiouy].*$/u, after: END }), rule('e', 'IY', { after: END }), rule('e', 'IY', { after: MAGIC_E }), rule('e', 'EH'),

  rule('ff', 'F'), rule('f', 'F'),
  rule('gh', 'G', { before: START }), rule('gh', ''), rule('gn', 'N', { before: START }), rule('gn', 'N', { after: END }), rule('gg', 'G'),
  rule('gu', 'G', { after: SOFT }), rule('g', 'JH', { before: /[aeiou]$/u, after: SOFT }), rule('g', 'JH', { after: /^[ey]/u }), rule('g', 'G'),
  rule('h', '', { before: /[aeiou]$/u, after: END }), rule('h', '', { before: /[rg]$/u }), rule('h', 'HH'),

  rule('ier', 'IH R'), rule('ire', 'AY ER', { after: END }), rule('ie', 'AY', { before: /^[^aeiou]+$/u, after: END }), rule('ie', 'IY'),
  rule('ia', 'IY AH'), rule('io', 'IY OW'), rule('ir', 'ER', { after: /^[^aeiou]|^$/u }), rule('ind', 'AY N D', { after: END }),
  rule('ing', 'IH NG', { after: END }), rule('i', 'AY', { after: MAGIC_E }), rule('i', 'IY', { after: END }), rule('i', 'IH'),

  rule('j', 'JH'), rule('kn', 'N', { before: START }), rule('kk', 'K'), rule('kh', 'K'), rule('k', 'K'),
  rule('le', 'AH L', { before: /[^aeiouy]$/u, after: END }), rule('ll', 'L'), rule('l', 'L'), rule('mm', 'M'), rule('mn', 'M', { after: END }), rule('m', 'M'),
  rule('ng', 'NG', { after: END }), rule('ng', 'NG G'), rule('nk', 'NG K'), rule('nn', 'N'), rule('n', 'N'),

  rule('oar', 'AO R'), rule('oor', 'AO R'), rule('our', 'AO R'), rule('ore', 'AO R', { after: END }), rule('or', 'ER', { before: /[aeiou].+$/u, after: END }),
  rule('or', 'AO R'), rule('oo', 'UW'), rule('oa', 'OW'), rule('oe', 'OW'), rule('oi', 'OY'), rule('oy', 'OY'), rule('ow', 'OW', { after: END }), rule('ow', 'AW'),
  rule('ou', 'AW'), rule('o', 'OW', { after: MAGIC_E }), rule('o', 'OW', { after: END }), rule('o', 'OW', { after: /^l[dlt]/u }), rule('o', 'AA'),

  rule('ph', 'F'), rule('ps', 'S', { before: START }), rule('pp', 'P'), rule('p', 'P'), rule('que', 'K', { after: END }), rule('qu', 'K W'), rule('q', 'K'),
  rule('rh', 'R'), rule('rr', 'R'), rule('r', 'R'),
  rule('sh', 'SH'), rule('ss', 'S'), rule('s', 'Z', { before: /[aeiou]$/u, after: /^[aeiou]/u }), rule('s', 'Z', { before: /[bdglmnrvw]$/u, after: END }), rule('s', 'S'),
  rule('th', 'TH'), rule('tt', 'T'), rule('t', 'T'),
  rule('ur', 'ER', { after: /^[^aeiou]|^$/u }), rule('ui', 'UW'), rule('ue', 'UW', { after: END }), rule('u', 'UW', { after: MAGIC_E }), rule('u', 'UW', { after: END }),
  rule('u', 'Y UW', { before: START, after: /^[^aeiou][aeiou]/u }), rule('u', 'AH'),
  rule('vv', 'V'), rule('v', 'V'), rule('wh', 'W'), rule('wr', 'R', { before: START }), rule('w', 'W', { after: VOWEL }), rule('w', ''),
  rule('x', 'Z', { before: START }), rule('x', 'K S'),
  rule('y', 'Y', { before: START, after: VOWEL }), rule('y', 'Y', { before: /[aeiou]$/u, after: VOWEL }), rule('y', 'AY', { before: /^[^aeiou]+$/u, after: END }),
  rule('y', 'IY', { after: END }), rule('y', 'AY', { after: MAGIC_E }), rule('y', 'IH'), rule('zz', 'Z'), rule('z', 'Z'),
];

const VOWEL_PHONES = new Set(['AA', 'AE', 'AH', 'AO', 'AW', 'AY', 'EH', 'ER', 'EY', 'IH', 'IY', 'OW', 'OY', 'UH', 'UW']);

function firstFit(word: string, at: number): Rule | undefined {
  const [before, rest] = [word.slice(0, at), word.slice(at)];
  return RULES.find((candidate) =>
    rest.startsWith(candidate.letters)
    && (candidate.before === undefined || candidate.before.test(before))
    && (candidate.after === undefined || candidate.after.test(rest.slice(candidate.letters.length))));
}

/** Stress on the first vowel of short words, the third from the end of long ones; an AH elsewhere is a schwa. */
function withStress(phones: readonly string[]): string[] {
  const vowels = phones.flatMap((phone, index) => (VOWEL_PHONES.has(phone) ? [index] : []));
  const stressed = vowels[Math.max(0, vowels.length - 3)];
  return phones.map((phone, index) => {
    if (!VOWEL_PHONES.has(phone)) return phone;
    return `${phone}${index === stressed ? 1 : 0}`;
  });
}

/** ARPABET phones with stress for a lower-case word of the letters a–z. */
export function soundOut(word: string): string[] {
  const phones: string[] = [];
  let at = 0;
  while (at < word.length) {
    const fit = firstFit(word, at);
    if (fit === undefined) {
      at += 1;
      continue;
    }
    phones.push(...fit.phones.split(' ').filter((phone) => phone !== ''));
    at += fit.letters.length;
  }
  return withStress(phones);
}

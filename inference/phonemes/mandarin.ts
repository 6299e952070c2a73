import { pinyin } from 'pinyin-pro';

/** Mandarin hanzi to phoneme symbols: pinyin-pro reads them (polyphones, 一 and 不), the tables below sound the syllables. */
const INITIALS: readonly (readonly [string, readonly string[]])[] = [
  ['zh', ['ʈ', 'ʂ']], ['ch', ['ʈ', 'ʂ', 'ʰ']], ['sh', ['ʂ']], ['b', ['p']], ['p', ['p', 'ʰ']], ['m', ['m']], ['f', ['f']], ['d', ['t']], ['t', ['t', 'ʰ']],
  ['n', ['n']], ['l', ['l']], ['g', ['k']], ['k', ['k', 'ʰ']], ['h', ['x']], ['j', ['t', 'ɕ']], ['q', ['t', 'ɕ', 'ʰ']], ['x', ['ɕ']], ['r', ['ʐ']],
  ['z', ['t', 's']], ['c', ['t', 's', 'ʰ']], ['s', ['s']],
];

const FINALS: Readonly<Record<string, readonly string[]>> = {
  a: ['a'], o: ['w', 'ɔ'], e: ['ɤ'], i: ['i'], u: ['u'], v: ['y'], ê: ['ɛ'],
  ai: ['a', 'ɪ'], ei: ['e', 'ɪ'], ao: ['ɑ', 'ʊ'], ou: ['o', 'ʊ'], an: ['a', 'n'], en: ['ə', 'n'], ang: ['ɑ', 'ŋ'], eng: ['ə', 'ŋ'], ong: ['ʊ', 'ŋ'], er: ['ɑ', 'ɚ'],
  ia: ['j', 'a'], ie: ['j', 'ɛ'], iao: ['j', 'ɑ', 'ʊ'], iu: ['j', 'o', 'ʊ'], ian: ['j', 'ɛ', 'n'], in: ['i', 'n'], iang: ['j', 'ɑ', 'ŋ'], ing: ['i', 'ŋ'],
  iong: ['j', 'ʊ', 'ŋ'], io: ['j', 'ɔ'],
  ua: ['w', 'a'], uo: ['w', 'ɔ'], uai: ['w', 'a', 'ɪ'], ui: ['w', 'e', 'ɪ'], uan: ['w', 'a', 'n'], un: ['w', 'ə', 'n'], uang: ['w', 'ɑ', 'ŋ'], ueng: ['w', 'ə', 'ŋ'],
  ve: ['ɥ', 'ɛ'], van: ['ɥ', 'ɛ', 'n'], vn: ['y', 'n'],
};

/** Syllables without a vowel: 嗯, 呣, 哼's short form. */
const SYLLABIC: Readonly<Record<string, readonly string[]>> = { n: ['ə', 'n'], ng: ['ə', 'ŋ'], m: ['ə', 'm'], hm: ['x', 'ə', 'm'], hng: ['x', 'ə', 'ŋ'] };

/** How a syllable without a written initial hides one: yi → i, wu → u, yue → ve, yong → iong. */
function withoutSpellingGlide(syllable: string): string {
  if (syllable.startsWith('yu')) return `v${syllable.slice(2)}`;
  if (syllable.startsWith('yi')) return syllable.slice(1);
  if (syllable === 'you') return 'iu';
  if (syllable === 'ye') return 'ie';
  if (syllable.startsWith('y')) return `i${syllable.slice(1)}`;
  if (syllable === 'wu') return 'u';
  if (syllable === 'wei') return 'ui';
  if (syllable === 'wen') return 'un';
  if (syllable === 'wo') return 'uo';
  if (syllable.startsWith('w')) return `u${syllable.slice(1)}`;
  return syllable;
}

/** After the sibilants `i` is not [i] but a buzz made where the sibilant is. */
function finalSymbols(initial: string, final: string): readonly string[] | undefined {
  if (final === 'i' && /^(zh|ch|sh|r)$/u.test(initial)) return ['ɨ'];
  if (final === 'i' && /^[zcs]$/u.test(initial)) return ['ɯ'];
  // ü is written u after the palatals, where no u can be.
  if (/^[jqx]$/u.test(initial) && final.startsWith('u')) return FINALS[`v${final.slice(1)}`];
  // mo, bo: the rounded glide is there, short.
  return FINALS[final];
}

/** The symbols of one syllable in numbered pinyin (`v` for ü, 0 or 5 for the neutral tone). */
export function pinyinSyllable(numbered: string): string[] {
  const match = /^([a-zvê]+)([0-5])$/u.exec(numbered.replaceAll('ü', 'v'));
  if (match === null) return [];
  const [, spelled = '', tone = '0'] = match;
  const digit = tone === '0' ? '5' : tone;
  const syllabic = SYLLABIC[spelled];
  if (syllabic !== undefined) return [...syllabic, digit];
  const [initial, sound] = INITIALS.find(([letters]) => spelled.startsWith(letters)) ?? ['', []];
  const rest = initial === '' ? withoutSpellingGlide(spelled) : spelled.slice(initial.length);
  const final = finalSymbols(initial, rest);
  return final === undefined ? [] : [...sound, ...final, digit];
}

/** A third tone before another third tone becomes a second: 你好 is ní hǎo. pinyin-pro leaves this to the speaker. */
function thirdToneSandhi(syllables: readonly string[]): string[] {
  return syllables.map((syllable, index) =>
    (syllable.endsWith('3') && syllables[index + 1]?.endsWith('3') === true ? `${syllable.slice(0, -1)}2` : syllable));
}

/** One entry for each hanzi that can be read; characters no reading is known for are left out. */
export function mandarinSyllables(hanzi: string): string[][] {
  const read = pinyin(hanzi, { toneType: 'num', type: 'array', nonZh: 'removed', v: true });
  return thirdToneSandhi(read).map(pinyinSyllable).filter((symbols) => symbols.length > 0);
}

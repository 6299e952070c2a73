import { dictionary } from 'cmu-pronouncing-dictionary';
import { fromArpabet } from './arpabet.ts';
import { soundOut } from './letter-to-sound.ts';

/** English words to phoneme symbols: the CMU dictionary, its entries with endings and in compounds, then letter-to-sound rules. */
const LETTERS: Readonly<Record<string, string>> = {
  a: 'EY1', b: 'B IY1', c: 'S IY1', d: 'D IY1', e: 'IY1', f: 'EH1 F', g: 'JH IY1', h: 'EY1 CH', i: 'AY1', j: 'JH EY1', k: 'K EY1', l: 'EH1 L',
  m: 'EH1 M', n: 'EH1 N', o: 'OW1', p: 'P IY1', q: 'K Y UW1', r: 'AA1 R', s: 'EH1 S', t: 'T IY1', u: 'Y UW1', v: 'V IY1',
  w: 'D AH1 B AH0 L Y UW0', x: 'EH1 K S', y: 'W AY1', z: 'Z IY1',
};

/** Words that carry no stress in running speech; where it matters with their weak form. */
const WEAK: Readonly<Record<string, string>> = {
  a: 'AH0', an: 'AH0 N', the: 'DH AH0', of: 'AH0 V', to: 'T AH0', and: 'AE0 N D', in: 'IH0 N', on: 'AA0 N', at: 'AE0 T', is: 'IH0 Z', it: 'IH0 T',
  as: 'AE0 Z', for: 'F AO0 R', with: 'W IH0 DH', by: 'B AY0', or: 'AO0 R', from: 'F R AH0 M', was: 'W AH0 Z', are: 'AA0 R', be: 'B IY0', am: 'AE0 M',
  that: 'DH AE0 T', this: 'DH IH0 S', but: 'B AH0 T', his: 'HH IH0 Z', her: 'HH ER0', my: 'M AY0', your: 'Y AO0 R', our: 'AW0 R', their: 'DH EH0 R',
  i: 'AY0', you: 'Y UW0', he: 'HH IY0', she: 'SH IY0', we: 'W IY0', they: 'DH EY0', me: 'M IY0', us: 'AH0 S', him: 'HH IH0 M', them: 'DH EH0 M',
  can: 'K AE0 N', will: 'W IH0 L', has: 'HH AE0 Z', have: 'HH AE0 V', had: 'HH AE0 D', do: 'D UW0', does: 'D AH0 Z', if: 'IH0 F', than: 'DH AE0 N',
};

/** Short words that people write in capitals for emphasis; any other short run of capitals is spelled out. */
const SHOUTED = new Set([
  'all', 'am', 'an', 'and', 'any', 'are', 'as', 'at', 'be', 'big', 'but', 'by', 'can', 'do', 'for', 'get', 'go', 'he', 'her', 'his', 'how', 'if', 'in',
  'is', 'it', 'me', 'my', 'new', 'no', 'not', 'now', 'of', 'off', 'old', 'on', 'one', 'or', 'our', 'out', 'so', 'the', 'to', 'too', 'two', 'up', 'was',
  'we', 'who', 'why', 'yes', 'you',
]);

const VOICELESS = new Set(['P', 'T', 'K', 'F', 'TH']);
const SIBILANT = new Set(['S', 'Z', 'SH', 'ZH', 'CH', 'JH']);

function listed(word: string): string[] | undefined {
  // `hasOwn`: "constructor" is an English word and must not find Object's.
  const entry = Object.hasOwn(dictionary, word) ? dictionary[word] : undefined;
  return entry?.split(' ');
}

function plural(stem: readonly string[]): string[] {
  const last = stem.at(-1) ?? '';
  if (SIBILANT.has(last)) return [...stem, 'IH0', 'Z'];
  return [...stem, VOICELESS.has(last) ? 'S' : 'Z'];
}

function past(stem: readonly string[]): string[] {
  const last = stem.at(-1) ?? '';
  if (last === 'T' || last === 'D') return [...stem, 'IH0', 'D'];
  return [...stem, VOICELESS.has(last) || ['S', 'SH', 'CH'].includes(last) ? 'T' : 'D'];
}

interface Ending { readonly suffix: string; readonly stems: readonly string[]; readonly sound: (stem: readonly string[]) => string[] }

/** Endings and what the stem may have looked like: making ← make, stopped ← stop, tried ← try. */
const ENDINGS: readonly Ending[] = [
  { suffix: "'s", stems: [''], sound: plural },
  { suffix: "s'", stems: [''], sound: plural },
  { suffix: 'ies', stems: ['y'], sound: plural },
  { suffix: 'es', stems: ['', 'e'], sound: plural },
  { suffix: 's', stems: [''], sound: plural },
  { suffix: 'ied', stems: ['y'], sound: past },
  { suffix: 'ed', stems: ['', 'e'], sound: past },
  { suffix: 'ing', stems: ['', 'e'], sound: (stem) => [...stem, 'IH0', 'NG'] },
  { suffix: 'er', stems: ['', 'e'], sound: (stem) => [...stem, 'ER0'] },
  { suffix: 'ly', stems: [''], sound: (stem) => [...stem, 'L', 'IY0'] },
  { suffix: 'ness', stems: [''], sound: (stem) => [...stem, 'N', 'AH0', 'S'] },
  { suffix: 'less', stems: [''], sound: (stem) => [...stem, 'L', 'AH0', 'S'] },
  { suffix: 'able', stems: ['', 'e'], sound: (stem) => [...stem, 'AH0', 'B', 'AH0', 'L'] },
];

function inflected(word: string): string[] | undefined {
  for (const { suffix, stems, sound } of ENDINGS) {
    if (!word.endsWith(suffix) || word.length - suffix.length < 3) continue;
    const cut = word.slice(0, -suffix.length);
    const doubled = /([bdgklmnprt])\1$/u.test(cut) ? [cut.slice(0, -1)] : [];
    for (const stem of [...stems.map((ending) => cut + ending), ...doubled]) {
      const phones = listed(stem);
      if (phones !== undefined) return sound(phones);
    }
  }
  return undefined;
}

/** Two listed words written together; the second keeps only half its stress. */
function compound(word: string): string[] | undefined {
  for (let cut = word.length - 3; cut >= 3; cut -= 1) {
    const [first, second] = [listed(word.slice(0, cut)), listed(word.slice(cut))];
    if (first !== undefined && second !== undefined) return [...first, ...second.map((phone) => phone.replace('1', '2'))];
  }
  return undefined;
}

/** Letter by letter, the last with the stress: "AI" is ey-AY. */
export function spellOut(letters: string): string[] {
  const names = Array.from(letters.toLowerCase()).flatMap((letter) => LETTERS[letter] ?? []);
  return names.flatMap((name, index) =>
    name.split(' ').map((phone) => (index < names.length - 1 ? phone.replace('1', '2') : phone)));
}

function isSpelled(word: string): boolean {
  if (!/^[A-Z]{2,5}$/u.test(word)) return false;
  const lower = word.toLowerCase();
  if (word.length <= 3) return !SHOUTED.has(lower);
  return !/[AEIOUY]/u.test(word) || listed(lower) === undefined;
}

function phonesOf(word: string): string[] {
  const spelledPlural = /^([A-Z]{2,5})s$/u.exec(word);
  if (spelledPlural?.[1] !== undefined) return plural(spellOut(spelledPlural[1]));
  if (isSpelled(word) || (word.length === 1 && !/^[aI]$/u.test(word))) return spellOut(word);
  const lower = word.toLowerCase();
  if (Object.hasOwn(WEAK, lower)) return (WEAK[lower] ?? '').split(' ');
  const known = listed(lower) ?? inflected(lower) ?? compound(lower);
  if (known !== undefined) return known;
  const letters = lower.replace(/[^a-z]/gu, '');
  return /[aeiouy]/u.test(letters) ? soundOut(letters) : spellOut(letters);
}

/** The symbols of one English word (letters and apostrophes, accents already removed). Nothing for a word without letters. */
export function englishWord(word: string): string[] {
  const trimmed = word.replace(/^'+|'+$/gu, (quotes, offset: number) => (offset > 0 && word.endsWith("s'") ? quotes : ''));
  return /[a-z]/iu.test(trimmed) ? fromArpabet(phonesOf(trimmed)) : [];
}

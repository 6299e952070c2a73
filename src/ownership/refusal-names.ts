import { pinyin } from 'pinyin-pro';

import { foldCharacters } from '../kernel/folding.ts';

/**
 * Whether two names, or a name and a handle, may mean one person: pure, for the registry of refusal. It errs towards
 * asking a human. Out of reach, and the docs say so: translations, other romanisations than pinyin (a registrant lists
 * those as further names), and look-alike letters of other alphabets.
 */

/** One way to read a name. `text` is what is compared; readings of Chinese characters are their pinyin, without tones. */
interface Form {
  kind: 'han' | 'sound' | 'latin' | 'other';
  text: string;
  /** Of a sound: how many hanzi it reads. */
  syllables: number;
}

export type NearBecause = 'same' | 'spelling' | 'sound' | 'contained';

export interface NameMatch {
  refused: string;
  enrolled: string;
  because: NearBecause;
}

export interface Label {
  what: 'name' | 'handle';
  text: string;
}

const HAN_RUN = /\p{Script=Han}+/gu;
const LATIN_RUN = /[\p{Script=Latin}\p{N}]+/gu;
const BETWEEN = /[^\p{L}\p{N}]+/gu;
/** What impersonators add to a name, and what says nothing about who it is. */
const LATIN_AFFIX = /^(?:the|real|iam|official)(?=[a-z]{4})|(?<=[a-z]{4})(?:official|real|clone|studio|fan|ai|tv|cn|hq|[0-9]+)$/;
const HAN_AFFIX = new RegExp(`(?<=\\p{Script=Han}{2})(?:${['本人', '官方', '真人', '工作室', '克隆体', '克隆', '分身', '数字人', '老师'].map(foldCharacters).join('|')})$`, 'u');
/** Digits that stand for letters in a handle. */
const STANDS_FOR: Readonly<Record<string, string>> = { 0: 'o', 1: 'l', i: 'l', 3: 'e', 4: 'a', 5: 's', 7: 't', 8: 'b' };
/** A reading for each of a name's characters would multiply: names have few that are read in several ways. */
const READINGS_MAX = 8;
const HAN_MAX = 12;

const uniqueForms = (forms: readonly Form[]): Form[] => [...new Map(forms.map((form) => [`${form.kind}${form.text}`, form])).values()];

/** Latin letters as an eye takes them in passing: `l1n` and `lin` are one. */
function skeleton(text: string): string {
  return Array.from(text, (character) => STANDS_FOR[character] ?? character).join('');
}

function latinForms(text: string, kind: 'latin' | 'sound', syllables = 0): Form[] {
  if (text.length < 2) return [];
  const bare = text.replace(LATIN_AFFIX, '').replace(LATIN_AFFIX, '');
  return [text, bare].map((one) => ({ kind, text: skeleton(one), syllables }));
}

/** `lü` is written lu, lv or lyu. */
function spellings(syllable: string): string[] {
  const plain = foldCharacters(syllable);
  return /^[ln]ü/.test(syllable.normalize('NFC')) ? [plain, `${plain.charAt(0)}v${plain.slice(2)}`, `${plain.charAt(0)}y${plain.slice(1)}`] : [plain];
}

const READINGS = new Map<string, readonly string[]>();

function readingsOf(character: string): readonly string[] {
  const known = READINGS.get(character);
  if (known !== undefined) return known;
  const read = pinyin(character, { toneType: 'none', type: 'array', multiple: true, nonZh: 'removed' });
  const readings = [...new Set(read.flatMap(spellings))].filter((syllable) => /^[a-z]+$/.test(syllable));
  READINGS.set(character, readings);
  return readings;
}

/** All ways to say a name, a few at most; the surname first, as in Chinese, or last, as abroad. */
function soundForms(han: string): Form[] {
  const characters = Array.from(han).slice(0, HAN_MAX);
  let said: string[][] = [[]];
  for (const character of characters) {
    const readings = readingsOf(character);
    if (readings.length === 0) return [];
    said = said.flatMap((before) => readings.map((syllable) => [...before, syllable])).slice(0, READINGS_MAX);
  }
  return said.flatMap((syllables) => [0, 1, 2]
    .filter((surname) => surname < syllables.length)
    .flatMap((surname) => latinForms([...syllables.slice(surname), ...syllables.slice(0, surname)].join(''), 'sound', syllables.length)));
}

function turned(tokens: readonly string[]): string[] {
  const [first = '', ...rest] = tokens;
  return [tokens.join(''), [...rest, first].join(''), [...tokens.slice(-1), ...tokens.slice(0, -1)].join('')];
}

/** Every form in which a name or a handle is compared. */
export function formsOf({ what, text }: Label): Form[] {
  const folded = foldCharacters(text);
  const han = folded.match(HAN_RUN) ?? [];
  const latin = folded.match(LATIN_RUN) ?? [];
  const joined = folded.replace(BETWEEN, '');
  const whole: Form[] = /^[\p{Script=Latin}\p{Script=Han}\p{N}]*$/u.test(joined) || joined === '' ? [] : [{ kind: 'other', text: joined, syllables: 0 }];
  const written = [...new Set([...han, han.join('')].flatMap((run) => [run, run.replace(HAN_AFFIX, '')]))].filter((run) => run !== '');
  const spelled = what === 'handle' ? [latin.join('')] : turned(latin);
  return uniqueForms([
    ...whole,
    ...written.map((run): Form => ({ kind: 'han', text: run, syllables: 0 })),
    ...written.flatMap(soundForms),
    ...spelled.flatMap((one) => latinForms(one, 'latin')),
  ]);
}

/** How many slips of the pen two spellings may lie apart: none in a short name, where each letter makes another person. */
function slipsAllowed(length: number): number {
  return length < 8 ? 0 : length < 14 ? 1 : 2;
}

/** Insertions, deletions, substitutions and swaps of neighbours between two texts; more than `limit` is `limit + 1`. */
export function slips(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let [before, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before?.[j - 2] ?? limit) + 1 : Infinity;
      row.push(Math.min((last?.[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last?.[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1), swap));
    }
    [before, last] = [last, row];
  }
  return Math.min(last?.[b.length] ?? limit + 1, limit + 1);
}

function nearForms(refused: Form, enrolled: Form): NearBecause | null {
  if (refused.kind === 'han' || enrolled.kind === 'han') {
    if (refused.kind !== enrolled.kind) return null;
    if (refused.text === enrolled.text) return 'same';
    return Array.from(refused.text).length >= 3 && enrolled.text.includes(refused.text) ? 'contained' : null;
  }
  if ((refused.kind === 'other') !== (enrolled.kind === 'other')) return null;
  // Many share two syllables: two Chinese names that only sound alike are near from three on.
  const bothRead = refused.kind === 'sound' && enrolled.kind === 'sound';
  if (bothRead) return refused.text === enrolled.text && refused.syllables >= 3 ? 'sound' : null;
  const read = refused.kind === 'sound' || enrolled.kind === 'sound';
  if (refused.text === enrolled.text) return read ? 'sound' : 'same';
  const allowed = slipsAllowed(Math.min(refused.text.length, enrolled.text.length));
  return allowed > 0 && slips(refused.text, enrolled.text, allowed) <= allowed ? 'spelling' : null;
}

const ORDER: readonly NearBecause[] = ['same', 'sound', 'spelling', 'contained'];

/** The strongest reason for which an enrolled label may mean a refused one; null when there is none. */
export function nearLabels(refused: Label, enrolled: Label): NameMatch | null {
  const enrolledForms = formsOf(enrolled);
  const reasons = new Set(formsOf(refused).flatMap((form) => enrolledForms.map((other) => nearForms(form, other))));
  const because = ORDER.find((reason) => reasons.has(reason));
  return because === undefined ? null : { refused: refused.text, enrolled: enrolled.text, because };
}

/** Texts that remain when up to `count` characters are left out. */
function without(text: string, count: number): Set<string> {
  const all = new Set([text]);
  let last = [text];
  for (let round = 0; round < count; round += 1) {
    last = last.flatMap((one) => Array.from(one, (_, at) => one.slice(0, at) + one.slice(at + 1)));
    for (const one of last) all.add(one);
  }
  return all;
}

/** Two texts within the allowed slips share a key: made of their beginnings, so that a long name has few. */
const KEYED_LETTERS = 12;
const KEYS_MAX = 4_000;

function formKeys(form: Form, side: 'refused' | 'enrolled'): string[] {
  if (form.kind === 'han') {
    if (side === 'refused') return [`h:${form.text}`];
    const characters = Array.from(form.text);
    // A refused name may stand inside a longer one.
    return characters.flatMap((_, from) => characters.slice(from + 1).map((__, length) => `h:${characters.slice(from, from + length + 2).join('')}`))
      .concat(`h:${form.text}`);
  }
  const slipsKept = slipsAllowed(form.text.length);
  return [`l:${form.text}`, ...[...without(form.text.slice(0, KEYED_LETTERS), slipsKept)].map((rest) => `s:${rest}`)];
}

/**
 * Keys for an index: whatever `nearLabels` finds near shares at least one, so that an enrolment is compared with the few
 * refusals that share a key and not with all. Exact ones come first and are never cut off.
 */
export function keysOf(labels: readonly Label[], side: 'refused' | 'enrolled'): string[] {
  const keys = [...new Set(labels.flatMap(formsOf).flatMap((form) => formKeys(form, side)))];
  return [...keys.filter((key) => !key.startsWith('s:')), ...keys.filter((key) => key.startsWith('s:'))].slice(0, KEYS_MAX);
}

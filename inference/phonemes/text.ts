import { nominalMilliseconds, phone } from '../voice/phones.ts';
import { englishNumber } from './english-numbers.ts';
import { englishWord, spellOut } from './english.ts';
import { fromArpabet } from './arpabet.ts';
import { mandarinNumber } from './mandarin-numbers.ts';
import { mandarinSyllables } from './mandarin.ts';
import { SpeechError } from './speech-error.ts';

export type SpeechLanguage = 'en' | 'zh-CN';

/** A piece of speech that is rendered in one go: a sentence, or a part of a very long one. */
export interface SpeechChunk {
  readonly symbols: readonly string[];
  /** Estimate at rate 1. */
  readonly milliseconds: number;
}

export interface SpeechLimits {
  readonly maxCharacters: number;
  readonly maxSeconds: number;
  /** How much faster than the voice's own pace it will be spoken: slow speech needs shorter chunks. */
  readonly pace: number;
}

export const SPEECH_LIMITS: SpeechLimits = { maxCharacters: 20_000, maxSeconds: 1_800, pace: 1 };

/** The graph's cost grows with the square of a chunk's length: none is longer than about fifteen seconds. */
const MAX_CHUNK_MILLISECONDS = 13_000;

/** What is spoken in one breath and never cut: a word or a syllable; or a pause. */
interface Unit { readonly symbols: readonly string[]; readonly pause: boolean; readonly ends: boolean }

const word = (symbols: readonly string[]): Unit => ({ symbols, pause: false, ends: false });
const pause = (mark: string): Unit => ({ symbols: [mark], pause: true, ends: /[.!?]/u.test(mark) });

const SPOKEN_SIGNS: Readonly<Record<SpeechLanguage, Readonly<Record<string, string>>>> = {
  en: { '&': 'and', '+': 'plus', '=': 'equals', '@': 'at', '%': 'percent' },
  'zh-CN': { '&': '和', '+': '加', '=': '等于', '@': '艾特', '%': '百分号' },
};
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  'mr.': 'mister', 'mrs.': 'missus', 'ms.': 'miz', 'dr.': 'doctor', 'prof.': 'professor', 'vs.': 'versus', 'etc.': 'et cetera', 'st.': 'saint',
};

/** One alternative for each kind of token, tried in this order; what none of them takes (emoji, other scripts) is not spoken. */
const TOKEN = new RegExp([
  String.raw`(?<clock>\d{1,2}:\d{2}(?!\d))`,
  String.raw`(?<number>[$€£¥]?\d+(?:,\d{3})*(?:\.\d+)?(?:%|(?:st|nd|rd|th)\b)?)`,
  String.raw`(?<initials>(?:[A-Za-z]\.){2,})`,
  String.raw`(?<abbreviation>\b(?:mrs?|ms|dr|prof|vs|etc|st)\.)`,
  String.raw`(?<dot>(?<=[A-Za-z0-9])\.(?=[A-Za-z]))`,
  String.raw`(?<word>[A-Za-z]+(?:'[A-Za-z]+)*'?)`,
  String.raw`(?<han>\p{Script=Han}+)`,
  String.raw`(?<mark>[.,;:!?\n]+|--+)`,
  String.raw`(?<sign>[&+=@%])`,
].join('|'), 'giu');

const MARKS: Readonly<Record<string, string>> = {
  '。': '.', '．': '.', '…': '.', '！': '!', '？': '?', '，': ',', '、': ',', '；': ';', '：': ':', '—': ',', '–': ',', '（': ',', '）': ',', '(': ',', ')': ',',
  '「': ',', '」': ',', '《': '', '》': '', '’': "'", '‘': "'", '“': '', '”': '', '·': ' ',
};

/** One shape for every width, accent and quotation mark, so that the tokens below need not know them. */
function normalise(text: string): string {
  const unaccented = text.normalize('NFKC').normalize('NFD').replace(/(\p{Script=Latin})\p{M}+/gu, '$1').normalize('NFC');
  return Array.from(unaccented, (character) => MARKS[character] ?? character).join('');
}

/** The strongest of several marks in a row: "?!," is a question. */
function strongest(marks: string): string {
  return ['?', '!', '.', '\n', ';', ':', ','].find((mark) => marks.includes(mark))?.replace('\n', '.') ?? ',';
}

/** The capitals of a camelCase name begin words of their own; and nothing is one word for longer than this. */
const MAX_WORD_LETTERS = 32;
const wordsOf = (text: string): string[] =>
  text.split(/(?<=[a-z])(?=[A-Z])/u).flatMap((part) => part.match(new RegExp(`.{1,${MAX_WORD_LETTERS}}`, 'gu')) ?? []);

function latinUnits(text: string): Unit[] {
  return wordsOf(text).map(englishWord).filter((symbols) => symbols.length > 0).map(word);
}

/** U.N.E.S.C.O. is one word; a longer row of letters is many. */
const MAX_INITIALS = 8;

const hanUnits = (text: string): Unit[] => mandarinSyllables(text).map(word);
const englishUnits = (words: readonly string[]): Unit[] => words.flatMap(latinUnits);

function tokenUnits(groups: Readonly<Record<string, string | undefined>>, language: SpeechLanguage, following: string): Unit[] {
  const chinese = language === 'zh-CN';
  const number = groups['clock'] ?? groups['number'];
  if (number !== undefined) {
    return chinese ? hanUnits(mandarinNumber(number, following)) : englishUnits(englishNumber(number));
  }
  const { initials, abbreviation, mark, sign, han, dot } = groups;
  if (initials !== undefined) {
    const letters = initials.replaceAll('.', '');
    return letters.length <= MAX_INITIALS ? [word(fromArpabet(spellOut(letters)))] : Array.from(letters, (letter) => word(fromArpabet(spellOut(letter))));
  }
  if (abbreviation !== undefined) return englishUnits((ABBREVIATIONS[abbreviation.toLowerCase()] ?? '').split(' '));
  if (dot !== undefined) return chinese ? hanUnits('点') : englishUnits(['dot']);
  if (han !== undefined) return hanUnits(han);
  if (mark !== undefined) return [pause(strongest(mark))];
  if (sign !== undefined) {
    const spoken = SPOKEN_SIGNS[language][sign] ?? '';
    return chinese ? hanUnits(spoken) : englishUnits([spoken]);
  }
  return latinUnits(groups['word'] ?? '');
}

function unitsOf(text: string, language: SpeechLanguage): Unit[] {
  const clean = normalise(text);
  const units: Unit[] = [];
  for (const match of clean.matchAll(TOKEN)) {
    const following = clean.slice(match.index + match[0].length, match.index + match[0].length + 2).trimStart();
    for (const unit of tokenUnits(match.groups ?? {}, language, following)) {
      const last = units.at(-1);
      // No pause before the first word, and never two in a row.
      if (unit.pause && (last === undefined || last.pause)) {
        if (last !== undefined && unit.ends && !last.ends) units[units.length - 1] = unit;
        continue;
      }
      units.push(unit);
    }
  }
  return units;
}

function makeChunk(units: readonly Unit[]): SpeechChunk {
  const symbols = units.flatMap((unit, index) => (index > 0 && !unit.pause ? [' ', ...unit.symbols] : [...unit.symbols]));
  // A chunk always closes with a pause, so that the next one does not begin in its last sound.
  const closed = units.at(-1)?.pause === true ? symbols : [...symbols, units.length > 0 ? '.' : ','];
  return { symbols: closed, milliseconds: nominalMilliseconds(closed) };
}

/** Cuts a sentence that is too long at its last pause, or failing that between two words. */
function cutSentence(sentence: readonly Unit[], pace: number): SpeechChunk[] {
  const chunks: SpeechChunk[] = [];
  let current: Unit[] = [];
  let [milliseconds, lastPause] = [0, 0];
  for (const unit of sentence) {
    current.push(unit);
    milliseconds += nominalMilliseconds(unit.symbols);
    if (unit.pause) lastPause = current.length;
    if (milliseconds <= MAX_CHUNK_MILLISECONDS * pace) continue;
    const cut = lastPause > 0 ? lastPause : Math.max(1, current.length - 1);
    chunks.push(makeChunk([...current.slice(0, cut), ...(lastPause > 0 ? [] : [pause(',')])]));
    current = current.slice(cut);
    milliseconds = nominalMilliseconds(current.flatMap((rest) => rest.symbols));
    lastPause = 0;
  }
  return current.length > 0 ? [...chunks, makeChunk(current)] : chunks;
}

/** How many sounds (not marks or pauses) the symbols hold. */
export function countPhonemes(symbols: readonly string[]): number {
  return symbols.filter((symbol) => !['mark', 'pause'].includes(phone(symbol).kind)).length;
}

/**
 * Text to phonemes, in chunks of a sentence. English words inside Chinese and hanzi inside English are spoken by the rules of their
 * own script; numbers by those of `language`.
 * @throws SpeechError `text_unspeakable` when there is nothing in it to say, `text_too_long` beyond the limits.
 */
export function phonemise(text: string, language: SpeechLanguage, limits: SpeechLimits = SPEECH_LIMITS): SpeechChunk[] {
  if (text.length > limits.maxCharacters) {
    throw new SpeechError('text_too_long', `The text has ${text.length} characters; at most ${limits.maxCharacters} are spoken.`);
  }
  const sentences: Unit[][] = [[]];
  for (const unit of unitsOf(text, language)) {
    sentences.at(-1)?.push(unit);
    if (unit.ends) sentences.push([]);
  }
  const chunks = sentences.filter((sentence) => sentence.length > 0).flatMap((sentence) => cutSentence(sentence, limits.pace));
  if (!chunks.some((chunk) => countPhonemes(chunk.symbols) > 0)) {
    throw new SpeechError('text_unspeakable', 'There is nothing in the text that can be spoken.');
  }
  const seconds = chunks.reduce((sum, chunk) => sum + chunk.milliseconds, 0) / 1000 / limits.pace;
  if (seconds > limits.maxSeconds) {
    throw new SpeechError('text_too_long', `The text takes about ${Math.round(seconds)} seconds to say; at most ${limits.maxSeconds} are spoken.`);
  }
  return chunks;
}

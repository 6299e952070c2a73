import { pinyin } from 'pinyin-pro';

import { foldCharacters, plainCharacters } from '../kernel/folding.ts';

export { foldCharacters };

/**
 * Whether a text says a word that the owner forbade. Both are folded the same way first, so that another script,
 * width, case or hidden separator says the same thing. A word whose parts stand apart (`elec tion`) is found too, at
 * the price of a no where two words happen to make a forbidden one (`the rapist`). What stays out of reach, and the
 * docs say so: paraphrase, homophones, letters of other alphabets that only look alike, digits for letters, derived
 * words (`electional`).
 */
export interface WordMatcher {
  matches(text: FoldedText): boolean;
}

/** A text prepared once, to be asked about many words: as it is written, and as a voice says it. */
export interface FoldedText {
  written: Reading;
  said: Reading;
}

interface Reading {
  /** Letters and digits only, nothing between them. */
  joined: string;
  /** Runs of letters and digits without Han, in order: what English words are compared with. */
  tokens: readonly string[];
  /** The same when only white space separates (`po-ker`), and runs of single letters joined (`p o k e r`). */
  closed: ReadonlySet<string>;
  spelled: readonly string[];
  /** Runs of Latin tokens with no pause between them, each token's place in the run kept. */
  runs: readonly Run[];
}

interface Run {
  joined: string;
  starts: ReadonlySet<number>;
  ends: ReadonlySet<number>;
}

const BETWEEN = /[^\p{L}\p{N}]+/gu;
/** Chinese is written without spaces: a run of letters ends where another script begins. */
const LATIN_RUN = /[\p{Script=Latin}\p{N}]+/gu;
const LATIN_RUN_CLOSED = /[\p{Script=Latin}\p{N}](?:[^\s\p{L}\p{N}]*[\p{Script=Latin}\p{N}])*/gu;
const SPELLED_RUN = /(?<![\p{Script=Latin}\p{N}])[\p{Script=Latin}\p{N}](?:[^\p{L}\p{N}]+[\p{Script=Latin}\p{N}](?![\p{Script=Latin}\p{N}]))+/gu;

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
const UNSAID_CANDIDATE = /[^A-Za-z0-9]/u;
const HAN = /\p{Script=Han}/u;
const HAS_READING = new Map<string, boolean>();

/** Whether a hanzi has a reading; the voice leaves out those without, and every other script's letters and digits. */
function hasReading(character: string): boolean {
  const known = HAS_READING.get(character);
  if (known !== undefined) return known;
  const [reading = ''] = pinyin(character, { toneType: 'num', type: 'array', nonZh: 'removed' });
  // The iteration mark says the hanzi before it once more: without it the word is whole again.
  const has = character !== '々' && /^[a-zü]/u.test(reading);
  HAS_READING.set(character, has);
  return has;
}

/** Without the letters and digits that no voice says: between two that are said they would hide a word from the list only. */
function saidCharacters(text: string): string {
  let said = '';
  for (const character of plainCharacters(text)) {
    const silent = LETTER_OR_DIGIT.test(character) && UNSAID_CANDIDATE.test(character)
      && !(HAN.test(character) && hasReading(character));
    if (!silent) said += character;
  }
  return said;
}

/** Another script's letter parts two words, and so does a pause; a space or a sign inside a word does not. */
const PARTS = /[\p{L}\p{N}]|\s[^]*[.,;:!?。，；：！？、…]|[.,;:!?。，；：！？、…][^]*\s/u;

function runsOf(folded: string): Run[] {
  const runs: { joined: string; starts: Set<number>; ends: Set<number> }[] = [];
  let before = 0;
  for (const { 0: token, index } of folded.matchAll(LATIN_RUN)) {
    const open = runs.at(-1);
    const run = open === undefined || PARTS.test(folded.slice(before, index))
      ? { joined: '', starts: new Set<number>(), ends: new Set<number>() }
      : open;
    if (run !== open) runs.push(run);
    run.starts.add(run.joined.length);
    run.joined += token;
    run.ends.add(run.joined.length);
    before = index + token.length;
  }
  return runs;
}

function holds({ joined, starts, ends }: Run, word: string): boolean {
  for (let at = joined.indexOf(word); at !== -1; at = joined.indexOf(word, at + 1)) {
    if (starts.has(at) && ends.has(at + word.length)) return true;
  }
  return false;
}

function reading(folded: string): Reading {
  return {
    joined: folded.replace(BETWEEN, ''),
    tokens: folded.match(LATIN_RUN) ?? [],
    closed: new Set((folded.match(LATIN_RUN_CLOSED) ?? []).map((run) => run.replace(BETWEEN, ''))),
    spelled: (folded.match(SPELLED_RUN) ?? []).map((run) => run.replace(BETWEEN, '')),
    runs: runsOf(folded),
  };
}

export function foldText(text: string): FoldedText {
  const written = reading(foldCharacters(text));
  const said = saidCharacters(text);
  return { written, said: said === plainCharacters(text) ? written : reading(foldCharacters(said)) };
}

/** The word itself and its simple plurals. */
function inflections(word: string): string[] {
  const forms = [word, `${word}s`, `${word}es`];
  if (/[^aeiou]y$/.test(word)) forms.push(`${word.slice(0, -1)}ies`);
  return forms;
}

function sequenceMatcher(words: readonly string[]): WordMatcher {
  const head = words.slice(0, -1);
  const lastForms = new Set(inflections(words.at(-1) ?? ''));
  const closed = inflections(words.join(''));
  return inEither({
    matches({ tokens, closed: closedRuns, spelled, runs }) {
      for (let start = 0; start + head.length < tokens.length; start += 1) {
        const last = tokens[start + head.length];
        if (last !== undefined && lastForms.has(last) && head.every((word, i) => tokens[start + i] === word)) return true;
      }
      if (closed.some((form) => closedRuns.has(form) || runs.some((run) => holds(run, form)))) return true;
      return spelled.some((run) => run.includes(words.join('')));
    },
  });
}

/** A word is said when it is written, and when it is left after what is not said. */
function inEither(matcher: { matches(reading: Reading): boolean }): WordMatcher {
  return {
    matches: ({ written, said }) => matcher.matches(written) || (said !== written && matcher.matches(said)),
  };
}

/**
 * A word with any letter outside the Latin script is looked for anywhere in the text (Chinese has no word
 * boundaries); a Latin one only as a whole word, so that `bet` does not forbid `better`. Null when nothing of the
 * word is left after folding: such a word could never match.
 */
export function wordMatcher(word: string): WordMatcher | null {
  const folded = foldCharacters(word);
  const joined = folded.replace(BETWEEN, '');
  if (joined === '') return null;
  if (/[^\p{Script=Latin}\p{N}]/u.test(joined)) return inEither({ matches: (text) => text.joined.includes(joined) });
  return sequenceMatcher(folded.match(LATIN_RUN) ?? []);
}

/** Two words that match the same texts: what a comparison of two grants compares. */
export function foldWord(word: string): string {
  const parts = foldCharacters(word).match(/[\p{L}\p{N}]+/gu) ?? [];
  return parts.join(/[^\p{Script=Latin}\p{N}]/u.test(parts.join('')) ? '' : ' ');
}

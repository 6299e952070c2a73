import { characterPairs } from './variants.ts';

/**
 * Whether a text says a word that the owner forbade. Both are folded the same way first, so that another script,
 * width, case or hidden separator says the same thing. What stays out of reach, and the docs say so: paraphrase,
 * homophones, letters of other alphabets that only look alike.
 */
export interface WordMatcher {
  matches(text: FoldedText): boolean;
}

/** A text prepared once, to be asked about many words. */
export interface FoldedText {
  /** Letters and digits only, nothing between them. */
  joined: string;
  /** Runs of letters and digits without Han, in order: what English words are compared with. */
  tokens: readonly string[];
  /** The same when only white space separates (`po-ker`), and runs of single letters joined (`p o k e r`). */
  closed: ReadonlySet<string>;
  spelled: readonly string[];
}

/** Characters that are variants of each other share one representative. */
function representatives(): ReadonlyMap<string, string> {
  const parent = new Map<string, string>();
  const find = (character: string): string => {
    let at = character;
    for (let next = parent.get(at); next !== undefined; next = parent.get(at)) at = next;
    return at;
  };
  for (const [left, right] of characterPairs()) {
    const [a, b] = [find(left), find(right)];
    if (a !== b) parent.set(a, b);
  }
  return new Map([...parent.keys()].map((character) => [character, find(character)]));
}

const REPRESENTATIVE = representatives();

/** NFKC, no accents, no invisible characters, one case, one script. Idempotent. */
export function foldCharacters(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Mn}\p{Me}]/gu, '')
    .normalize('NFKC');
  // Upper then lower is Unicode's full case folding for what NFKC leaves (ß → ss, ſ → s).
  const cased = plain.toUpperCase().toLowerCase().normalize('NFKD').replace(/\p{Mn}/gu, '').normalize('NFKC');
  let folded = '';
  for (const character of cased) folded += REPRESENTATIVE.get(character) ?? character;
  return folded;
}

const BETWEEN = /[^\p{L}\p{N}]+/gu;
/** Chinese is written without spaces: a run of letters ends where another script begins. */
const LATIN_RUN = /[\p{Script=Latin}\p{N}]+/gu;
const LATIN_RUN_CLOSED = /[\p{Script=Latin}\p{N}](?:[^\s\p{L}\p{N}]*[\p{Script=Latin}\p{N}])*/gu;
const SPELLED_RUN = /(?<![\p{Script=Latin}\p{N}])[\p{Script=Latin}\p{N}](?:[^\p{L}\p{N}]+[\p{Script=Latin}\p{N}](?![\p{Script=Latin}\p{N}]))+/gu;

export function foldText(text: string): FoldedText {
  const folded = foldCharacters(text);
  return {
    joined: folded.replace(BETWEEN, ''),
    tokens: folded.match(LATIN_RUN) ?? [],
    closed: new Set((folded.match(LATIN_RUN_CLOSED) ?? []).map((run) => run.replace(BETWEEN, ''))),
    spelled: (folded.match(SPELLED_RUN) ?? []).map((run) => run.replace(BETWEEN, '')),
  };
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
  return {
    matches({ tokens, closed: closedRuns, spelled }) {
      for (let start = 0; start + head.length < tokens.length; start += 1) {
        const last = tokens[start + head.length];
        if (last !== undefined && lastForms.has(last) && head.every((word, i) => tokens[start + i] === word)) return true;
      }
      if (closed.some((form) => closedRuns.has(form))) return true;
      return spelled.some((run) => run.includes(words.join('')));
    },
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
  if (/[^\p{Script=Latin}\p{N}]/u.test(joined)) return { matches: (text) => text.joined.includes(joined) };
  return sequenceMatcher(folded.match(LATIN_RUN) ?? []);
}

/** Two words that match the same texts: what a comparison of two grants compares. */
export function foldWord(word: string): string {
  const parts = foldCharacters(word).match(/[\p{L}\p{N}]+/gu) ?? [];
  return parts.join(/[^\p{Script=Latin}\p{N}]/u.test(parts.join('')) ? '' : ' ');
}

import { type FoldedText, foldWord, type WordMatcher, wordMatcher } from './words.ts';

/** A set of words, as the bits of their ids. */
export type WordSet = readonly number[];

/** The ids of the words that a text says. Most texts say none, and share this. */
export type SaidWords = readonly number[];
const NOTHING_SAID: SaidWords = [];

/**
 * The forbidden words of one or many grants, each once. A text is held against all of them once, before any decision;
 * a decision then compares bits. Words that match the same texts are one word.
 */
export class Lexicon {
  private readonly places = new Map<string, number>();
  private readonly matchers: WordMatcher[] = [];

  get size(): number {
    return this.matchers.length;
  }

  /** @throws Error for a word of which nothing is left after folding; readers refuse those before. */
  add(word: string): number {
    const folded = foldWord(word);
    const known = this.places.get(folded);
    if (known !== undefined) return known;
    const matcher = wordMatcher(word);
    if (matcher === null) throw new Error('A word without letters or digits forbids nothing.');
    this.places.set(folded, this.matchers.length);
    return this.matchers.push(matcher) - 1;
  }

  set(words: readonly string[]): WordSet {
    const bits: number[] = [];
    for (const word of words) {
      const id = this.add(word);
      while (bits.length <= id >>> 5) bits.push(0);
      bits[id >>> 5] = (bits[id >>> 5] ?? 0) | (1 << (id & 31));
    }
    return bits;
  }

  /** Which words the text says. */
  saidIn(text: FoldedText): SaidWords {
    const said = this.matchers.flatMap((matcher, id) => (matcher.matches(text) ? [id] : []));
    return said.length === 0 ? NOTHING_SAID : said;
  }
}

export function saysAny(said: SaidWords, words: WordSet): boolean {
  for (const id of said) if (((words[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0) return true;
  return false;
}

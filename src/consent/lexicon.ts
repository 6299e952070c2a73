import { type FoldedText, foldWord, type WordMatcher, wordMatcher } from './words.ts';

/** A set of words, as bits: `[place, bits]` of those 32-bit words of the set that are not empty. */
export type WordSet = readonly (readonly [place: number, bits: number])[];

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
    const bits = new Map<number, number>();
    for (const word of words) {
      const id = this.add(word);
      bits.set(id >>> 5, (bits.get(id >>> 5) ?? 0) | (1 << (id & 31)));
    }
    return [...bits];
  }

  /** Which words the text says. */
  saidIn(text: FoldedText): Uint32Array {
    const said = new Uint32Array((this.matchers.length + 31) >>> 5);
    for (const [id, matcher] of this.matchers.entries()) {
      if (matcher.matches(text)) said[id >>> 5] = (said[id >>> 5] ?? 0) | (1 << (id & 31));
    }
    return said;
  }
}

export function saysAny(said: Uint32Array, words: WordSet): boolean {
  for (const [place, bits] of words) if (((said[place] ?? 0) & bits) !== 0) return true;
  return false;
}

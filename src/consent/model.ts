/** Nouns and decisions of consent: pure, synchronous, no clock, no I/O. One file a noun. */
export * from './compare.ts';
export * from './decide.ts';
export * from './draft.ts';
export * from './grant.ts';
export * from './receipt.ts';
export { foldCharacters, foldText, foldWord, wordMatcher } from './words.ts';

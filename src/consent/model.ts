/** Nouns and decisions of consent: pure, synchronous, no clock, no I/O. One file a noun. */
export * from './compare.ts';
export * from './decide.ts';
export * from './decision.ts';
export * from './draft.ts';
export * from './explain.ts';
export * from './grant.ts';
export * from './grant-read.ts';
export * from './legal.ts';
export * from './lexicon.ts';
export * from './outlook.ts';
export * from './prepare.ts';
export * from './prepare-request.ts';
export * from './standing.ts';
export * from './receipt.ts';
export { foldCharacters, foldText, foldWord, wordMatcher } from './words.ts';

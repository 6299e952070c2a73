/**
 * The symbols of Piper's default phoneme_id_map in id order (one code point each): a phoneme string addresses our graph and a
 * Piper voice alike. Source: https://github.com/rhasspy/piper-phonemize/blob/master/src/phoneme_ids.hpp, ids 0 to 153.
 */
const PRINTABLE = [
  "_^$ !'(),-.:;?abcdefhijklmnopqrstuvwxyz",
  'æçðøħŋœǀǁǂǃɐɑɒɓɔɕɖɗɘəɚɛɜɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʘʙʛʜʝʟʡʢʲˈˌːˑ˞βθχᵻⱱ',
  '0123456789',
].flatMap((run) => Array.from(run));
const COMBINING = ['\u0327', '\u0303', '\u032a', '\u032f', '\u0329'];
const LAST = ['ʰ', 'ˤ', 'ε', '↓', '#', '"', '↑', '\u033a', '\u033b'];

export const SYMBOLS: readonly string[] = [...PRINTABLE, ...COMBINING, ...LAST];

const IDS = new Map(SYMBOLS.map((symbol, id) => [symbol, id]));

/** The pad that Piper interleaves, and the marks around a sentence. */
export const PAD_ID = 0;
export const BEGIN = '^';
export const END = '$';

/** The id of a symbol. An unknown symbol is a programmer's error: phonemes are ours, only text is the caller's. */
export function symbolId(symbol: string): number {
  const id = IDS.get(symbol);
  if (id === undefined) throw new Error(`no phoneme symbol '${symbol}'`);
  return id;
}

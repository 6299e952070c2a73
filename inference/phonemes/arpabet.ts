/** From the ARPABET of the CMU dictionary to the symbols of the voice (American English). */
const CONSONANTS: Readonly<Record<string, readonly string[]>> = {
  B: ['b'], CH: ['t', 'ʃ'], D: ['d'], DH: ['ð'], F: ['f'], G: ['ɡ'], HH: ['h'], JH: ['d', 'ʒ'], K: ['k'], L: ['l'], M: ['m'], N: ['n'],
  NG: ['ŋ'], P: ['p'], R: ['ɹ'], S: ['s'], SH: ['ʃ'], T: ['t'], TH: ['θ'], V: ['v'], W: ['w'], Y: ['j'], Z: ['z'], ZH: ['ʒ'],
};

const VOWELS: Readonly<Record<string, readonly string[]>> = {
  AA: ['ɑ', 'ː'], AE: ['æ'], AH: ['ʌ'], AO: ['ɔ', 'ː'], AW: ['a', 'ʊ'], AY: ['a', 'ɪ'], EH: ['ɛ'], ER: ['ɚ', 'ː'], EY: ['e', 'ɪ'],
  IH: ['ɪ'], IY: ['i', 'ː'], OW: ['o', 'ʊ'], OY: ['ɔ', 'ɪ'], UH: ['ʊ'], UW: ['u', 'ː'],
};
const UNSTRESSED: Readonly<Record<string, readonly string[]>> = { AH: ['ə'], ER: ['ɚ'], IY: ['i'], UW: ['u'], AA: ['ɑ'], AO: ['ɔ'] };
const STRESS_MARKS: Readonly<Record<string, readonly string[]>> = { 0: [], 1: ['ˈ'], 2: ['ˌ'] };

const isVowel = (phone: string | undefined): boolean => phone !== undefined && /[012]$/u.test(phone);
const isStressed = (phone: string | undefined): boolean => phone !== undefined && /[12]$/u.test(phone);

function vowelSymbols(phone: string): readonly string[] {
  const name = phone.slice(0, -1);
  const stress = phone.slice(-1);
  const sound = (stress === '0' ? UNSTRESSED[name] : undefined) ?? VOWELS[name];
  if (sound === undefined) throw new Error(`no vowel '${phone}' in ARPABET`);
  return [...(STRESS_MARKS[stress] ?? []), ...sound];
}

function consonantSymbols(phones: readonly string[], at: number): readonly string[] {
  const phone = phones[at] ?? '';
  const [before, after] = [phones[at - 1], phones[at + 1]];
  // A tap between vowels: "water", "pretty".
  if ((phone === 'T' || phone === 'D') && isVowel(before) && isVowel(after) && !isStressed(after)) return ['ɾ'];
  // Dark l at the end of a syllable.
  if (phone === 'L' && isVowel(before) && !isVowel(after)) return ['ɫ'];
  const symbols = CONSONANTS[phone];
  if (symbols === undefined) throw new Error(`no consonant '${phone}' in ARPABET`);
  const onset = isStressed(after) || (['L', 'R', 'W', 'Y'].includes(after ?? '') && isStressed(phones[at + 2]));
  // p, t and k are aspirated at the head of a stressed syllable, but not behind s: "pin", "spin".
  return ['P', 'T', 'K'].includes(phone) && onset && before !== 'S' ? [...symbols, 'ʰ'] : symbols;
}

/** The symbols of one word given as ARPABET phones with stress digits. */
export function fromArpabet(phones: readonly string[]): string[] {
  return phones.flatMap((phone, at) => (isVowel(phone) ? vowelSymbols(phone) : consonantSymbols(phones, at)));
}

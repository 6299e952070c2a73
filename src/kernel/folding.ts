import { characterPairs } from './variants.ts';

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

/** NFKC, without accents and invisible characters. */
export function plainCharacters(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Mn}\p{Me}]/gu, '')
    .normalize('NFKC');
}

/** NFKC, no accents, no invisible characters, one case, one script. Idempotent. */
export function foldCharacters(text: string): string {
  // Upper then lower is Unicode's full case folding for what NFKC leaves (ß → ss, ſ → s).
  const cased = plainCharacters(text).toUpperCase().toLowerCase().normalize('NFKD').replace(/\p{Mn}/gu, '').normalize('NFKC');
  let folded = '';
  for (const character of cased) folded += REPRESENTATIVE.get(character) ?? character;
  return folded;
}

/** Controls, directions, separators, and letters that fonts draw as nothing. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

/**
 * The text as it can be printed: a character that the font has no glyph for, or that would not be seen, stands as its
 * number. On paper that somebody signs nothing may be there unseen.
 */
export function readable(text: string, draws: (codePoint: number) => boolean): string {
  return Array.from(text, (character) => {
    const codePoint = character.codePointAt(0) ?? 0;
    const seen = draws(codePoint) && !INVISIBLE.test(character);
    return seen ? character : `[U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}]`;
  }).join('');
}

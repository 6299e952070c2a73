import * as simplified from 'opencc-js/preset/t2cn';

const ODD = 'The table of Chinese characters has another form than expected.';
const ONE_CHARACTER = /^.$/su;

/** OpenCC writes a dictionary as `舊 旧|…`; its types do not resolve under NodeNext, so it is read with care. */
function entries(dictionary: unknown): [string, string][] {
  if (typeof dictionary === 'string') {
    return dictionary.split('|').map((entry) => {
      const [left, right, ...rest] = entry.split(' ');
      if (left === undefined || right === undefined || rest.length > 0) throw new Error(ODD);
      return [left, right];
    });
  }
  if (!Array.isArray(dictionary)) throw new Error(ODD);
  return dictionary.flatMap(entries);
}

/**
 * Pairs of single characters of which one is a traditional form or a regional variant of the other. Only single
 * characters: a phrase table would fold a word differently inside a text than alone.
 */
export function characterPairs(): [string, string][] {
  const { from, to } = simplified as { from: Record<string, unknown>; to: Record<string, unknown> };
  const pairs = [to['cn'], from['hk'], from['tw']].flatMap(entries);
  return pairs.filter(([left, right]) => ONE_CHARACTER.test(left) && ONE_CHARACTER.test(right));
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { keysOf, type Label, nearLabels, slips } from '../../src/ownership/refusal-names.ts';

const name = (text: string): Label => ({ what: 'name', text });
const handle = (text: string): Label => ({ what: 'handle', text });
const because = (refused: Label, enrolled: Label): string | null => nearLabels(refused, enrolled)?.because ?? null;

describe('two labels are near', () => {
  it.each([
    [name('林雅'), name('林雅'), 'same'],
    [name('林雅'), name('林 雅'), 'same'],
    [name('鄧麗君'), name('邓丽君'), 'same'],
    [name('林雅'), name('林雅工作室'), 'same'],
    [name('林雅'), name('林雅·本人'), 'same'],
    [name('邓丽君'), name('小邓丽君重生'), 'contained'],
    [name('林雅'), name('Lin Ya'), 'sound'],
    [name('林雅'), name('YA LIN'), 'sound'],
    [name('林雅'), handle('lin-ya'), 'sound'],
    [name('Lin Ya'), name('林雅'), 'sound'],
    [name('欧阳娜娜'), name('Nana Ouyang'), 'sound'],
    [name('吕布'), handle('lv-bu'), 'sound'],
    [name('曾国藩'), name('Zeng Guofan'), 'sound'],
    [name('邓丽君'), name('邓立军'), 'sound'],
    [name('Ｌｉｎ Ｙａ'), name('lin ya'), 'same'],
    [name('José Álvarez'), name('Jose Alvarez'), 'same'],
    [name('Alvarez Jose'), name('Jose Álvarez'), 'same'],
    [name('Taylor Vance'), name('Tailor Vance'), 'spelling'],
    [name('Taylor Vance'), name('Taylro Vance'), 'spelling'],
    [name('Alexandra Hamilton'), name('Aleksandra Hamiltn'), null],
    [name('Alexandra Hamilton'), name('Alexandre Hamiltan'), 'spelling'],
    [handle('taylorvance'), handle('tayl0r-vance'), 'same'],
    [handle('taylorvance'), handle('real-taylorvance-ai'), 'same'],
    [handle('taylorvance'), handle('taylorvance99'), 'same'],
    [name('Мария Петрова'), name('МАРИЯ ПЕТРОВА'), 'same'],
    [name('김민수'), name('김 민수'), 'same'],
  ])('%o and %o: %s', (refused, enrolled, reason) => {
    expect(because(refused, enrolled)).toBe(reason);
  });

  it.each([
    [name('林雅'), name('林亚')],
    [name('林雅'), name('林雅琪')],
    [name('林雅'), name('Lin Yi')],
    [name('张伟'), name('章威')],
    [name('Anna Ko'), name('Anne Ko')],
    [name('Wei'), name('Wai')],
    [handle('lin-ya'), handle('lin-yu')],
    [name('Мария Петрова'), name('김민수')],
    [name('Taylor Vance'), name('Tyler Vince')],
  ])('%o and %o are not', (refused, enrolled) => {
    expect(because(refused, enrolled)).toBeNull();
  });
});

describe('slips of the pen', () => {
  const plain = (a: string, b: string): number => {
    const table = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (__, j) => (i === 0 ? j : j === 0 ? i : 0)));
    for (let i = 1; i <= a.length; i += 1) {
      for (let j = 1; j <= b.length; j += 1) {
        table[i]![j] = Math.min(table[i - 1]![j]! + 1, table[i]![j - 1]! + 1, table[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) table[i]![j] = Math.min(table[i]![j]!, table[i - 2]![j - 2]! + 1);
      }
    }
    return table[a.length]![b.length]!;
  };
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 9 });

  it('are counted as in the whole table', () => {
    fc.assert(fc.property(word, word, fc.integer({ min: 0, max: 3 }), (a, b, limit) => {
      expect(slips(a, b, limit)).toBe(Math.min(plain(a, b), limit + 1));
    }), { seed: 5 });
  });
});

describe('the keys of the index', () => {
  const letters = fc.constantFrom(...Array.from('abcdefgklmnrstuvwyz'));
  const slip = fc.record({ at: fc.nat(40), kind: fc.constantFrom('leave', 'add', 'change', 'swap'), letter: letters });
  const apply = (text: string, { at, kind, letter }: { at: number; kind: string; letter: string }): string => {
    const place = at % text.length;
    const [before, rest] = [text.slice(0, place), text.slice(place)];
    if (kind === 'leave') return before + rest.slice(1);
    if (kind === 'add') return before + letter + rest;
    if (kind === 'change') return before + letter + rest.slice(1);
    return before + rest.slice(1, 2) + rest.slice(0, 1) + rest.slice(2);
  };
  const shared = (refused: Label, enrolled: Label): boolean => {
    const kept = new Set(keysOf([refused], 'refused'));
    return keysOf([enrolled], 'enrolled').some((key) => kept.has(key));
  };

  it('find whatever is near by spelling', () => {
    let near = 0;
    fc.assert(fc.property(fc.string({ unit: letters, minLength: 6, maxLength: 30 }), fc.array(slip, { maxLength: 3 }), (text, wrong) => {
      const other = wrong.reduce(apply, text);
      if (other.length < 2 || because(name(text), name(other)) === null) return;
      near += 1;
      expect(shared(name(text), name(other))).toBe(true);
    }), { seed: 7, numRuns: 1_200 });
    expect(near).toBeGreaterThan(300);
  });

  it('find whatever is near by its characters or their sound', () => {
    const hanzi = fc.string({ unit: fc.constantFrom(...Array.from('林雅邓鄧丽麗君军曾张章欧阳娜吕')), minLength: 1, maxLength: 6 });
    fc.assert(fc.property(hanzi, hanzi, (a, b) => {
      for (const [refused, enrolled] of [[name(a), name(b)], [name(a), name(`${b}${a}`)], [name(a), name(`${a}${b}`)]] as const) {
        if (because(refused, enrolled) !== null) expect(shared(refused, enrolled), `${refused.text} ${enrolled.text}`).toBe(true);
      }
    }), { seed: 11, numRuns: 200 });
  });

  it('are few, however long the name is', () => {
    expect(keysOf([name('x y z '.repeat(13)), name('欧阳'.repeat(40))], 'enrolled').length).toBeLessThanOrEqual(4_000);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { foldCharacters, foldText, foldWord, wordMatcher } from '../../src/consent/model.ts';
import { characterPairs } from '../../src/kernel/variants.ts';

function says(text: string, word: string): boolean {
  const matcher = wordMatcher(word);
  if (matcher === null) throw new Error(`${word} folds to nothing`);
  return matcher.matches(foldText(text));
}

describe('Chinese words', () => {
  it.each([
    ['simplified word, traditional text', '选举', '下個月的選舉'],
    ['traditional word, simplified text', '選舉', '下个月的选举'],
    ['regional variants', '台湾', '我在臺灣'],
    ['a variant that phrase tables map differently', '头发', '她的頭髮很長'],
    ['compatibility ideographs', '金', '\u{F90A}'],
    ['white space between', '赌博', '赌 博 好玩'],
    ['an ideographic space', '赌博', '赌　博'],
    ['punctuation between', '赌博', '赌-博, 赌。博'],
    ['a zero-width space', '赌博', '赌\u200b博'],
    ['a zero-width joiner', '赌博', '赌\u200d博'],
    ['a word joiner', '赌博', '赌\u2060博'],
    ['a soft hyphen', '赌博', '赌\u00ad博'],
    ['a variation selector', '赌博', '赌\ufe00博'],
    ['a Hangul filler', '赌博', '赌\u3164博'],
    ['a combining mark', '赌博', '赌\u0336博'],
    ['a line break', '赌博', '赌\n博'],
    ['inside a longer word', '赌博', '网络赌博网站'],
    ['mixed with Latin letters', 'A股', '聊聊Ａ股吧'],
    ['bidirectional controls', '赌博', '赌\u202e\u2066博'],
    ['another script’s letter, which no voice here says', '赌博', '赌\u0e01博'],
    ['another script’s digit', '赌博', '赌\u0663博'],
    ['a digit in a black circle', '赌博', '赌\u2776博'],
    ['an iteration mark and rare hanzi, which the voice leaves out', '赌博', '赌\u3005\u{20000}博'],
    ['a word of another script beside one that is said', '赌博', 'Привет 赌Привет博'],
  ])('finds %s', (_, word, text) => expect(says(text, word)).toBe(true));

  it('does not find what is not said', () => {
    expect(says('我们去散步吧', '赌博')).toBe(false);
    expect(says('博士打赌', '赌博')).toBe(false);
  });
});

describe('English words', () => {
  it.each([
    ['another case', 'Gambling', 'I love GAMBLING!'],
    ['full width', 'bet', 'a ｂｅｔ on it'],
    ['mathematical letters', 'bet', 'a 𝐛𝐞𝐭 on it'],
    ['circled letters', 'bet', 'a ⓑⓔⓣ on it'],
    ['an accent', 'bet', 'a bét on it'],
    ['a zero-width space', 'bet', 'a b\u200bet on it'],
    ['a plural', 'bet', 'two bets'],
    ['a plural in -ies', 'lottery', 'all lotteries'],
    ['a possessive', 'bet', "the bet's end"],
    ['a hyphen inside', 'poker', 'po-ker tonight'],
    ['dots between letters', 'poker', 'p.o.k.e.r tonight'],
    ['spaces between letters', 'poker', 'let us play p o k e r'],
    ['a phrase', 'stock tips', 'Any Stock   tips?'],
    ['a phrase with a hyphen', 'stock tips', 'any stock-tips'],
    ['a phrase run together', 'stock tips', 'any stocktips'],
    ['between Chinese characters', 'poker', '一起玩poker吧'],
    ['before punctuation', 'bet', 'bet,then run'],
    ['sharp s', 'STRASSE', 'in der Straße'],
    ['a letter of another script inside', 'poker', 'po\u0436ker tonight'],
    ['a click letter inside, Latin but never said', 'poker', 'po\u01c0ker tonight'],
    ['a space inside', 'election', 'the next elec tion'],
    ['a line break inside', 'election', 'the next elec\ntion'],
    ['spaces and a hyphen inside', 'election', 'the next e lec - tions'],
    ['bidirectional controls inside', 'election', 'the next elec\u202etion'],
    ['a word of another alphabet', 'выборы', 'скоро ВЫБОРЫ'],
  ])('finds %s', (_, word, text) => expect(says(text, word)).toBe(true));

  it.each([
    ['a longer word', 'bet', 'a better alphabet'],
    ['half of a phrase', 'stock tips', 'a stock of tea'],
    ['the other order', 'stock tips', 'tips, stock'],
    ['words that merely stand together', 'poker', 'po is a ker'],
    ['a derived word', 'election', 'an electional chart'],
    ['halves with a pause between', 'election', 'he was elec, tion is no word'],
    ['halves of neighbours', 'bet', 'maybe tea'],
  ])('does not find %s', (_, word, text) => expect(says(text, word)).toBe(false));
});

describe('folding', () => {
  it('is idempotent', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(foldCharacters(foldCharacters(text))).toBe(foldCharacters(text));
    }));
  });

  it('gives every traditional character and variant the form of its simplified one', () => {
    expect(characterPairs().length).toBeGreaterThan(3_500);
    for (const [traditional, simplified] of characterPairs()) {
      expect(foldCharacters(traditional)).toBe(foldCharacters(simplified));
    }
  });

  it('finds any word in a text that holds it, whatever stands around it', () => {
    const han = fc.stringMatching(/^[\u4e00-\u9fa5]{1,6}$/);
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), han, fc.string({ unit: 'grapheme' }), (before, word, after) => {
      expect(says(`${before}${word}${after}`, word)).toBe(true);
    }));
    const latin = fc.stringMatching(/^[a-z]{1,8}( [a-z]{1,8})?$/);
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), latin, fc.string({ unit: 'grapheme' }), (before, word, after) => {
      expect(says(`${before}。${word}。${after}`, word)).toBe(true);
    }));
  });

  it('leaves nothing of a word without letters or digits, and such a word has no matcher', () => {
    expect(foldWord('— \u200b!')).toBe('');
    expect(wordMatcher('— \u200b!')).toBeNull();
    expect(foldWord('Stock  Tips')).toBe('stock tips');
    expect(foldWord('选 举')).toBe(foldWord('選舉'));
  });

  it('takes a long hostile text in little time', () => {
    const started = performance.now();
    expect(says(`${'a '.repeat(20_000)}${'-'.repeat(20_000)}${'赌\u200b'.repeat(10_000)}`, 'poker')).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { englishNumber } from '../../inference/phonemes/english-numbers.ts';
import { englishWord } from '../../inference/phonemes/english.ts';
import { mandarinNumber } from '../../inference/phonemes/mandarin-numbers.ts';
import { pinyinSyllable } from '../../inference/phonemes/mandarin.ts';
import { SpeechError } from '../../inference/phonemes/speech-error.ts';
import { SPEECH_LIMITS, countPhonemes, phonemise } from '../../inference/phonemes/text.ts';
import type { SpeechLanguage } from '../../inference/phonemes/text.ts';
import { symbolId } from '../../inference/voice/symbols.ts';

const speak = (text: string, language: SpeechLanguage = 'en'): string =>
  phonemise(text, language).map((chunk) => chunk.symbols.join('')).join(' | ');
const codeOf = (text: string, language: SpeechLanguage): string => {
  try {
    return speak(text, language);
  } catch (error) {
    if (error instanceof SpeechError) return error.code;
    throw error;
  }
};

describe('English words', () => {
  it.each([
    ['hello', 'həlˈoʊ'], ['spin', 'spˈɪn'], ['pin', 'pʰˈɪn'], ['water', 'wˈɔːɾɚ'], ['full', 'fˈʊɫ'], ['judge', 'dʒˈʌdʒ'],
    ["clone's", 'klˈoʊnz'], ['constructor', 'kənstɹˈʌktɚ'], ['constructing', 'kənstɹˈʌktɪŋ'],
  ])('%s is said %s', (word, symbols) => expect(englishWord(word).join('').replace('kʰl', 'kl')).toBe(symbols));

  it('spells acronyms and says pronounceable ones', () => {
    expect(speak('AI')).toBe('ˌeɪˈaɪ.');
    expect(speak('The FBI, NASA and DVDs.')).toBe('ðə ˌɛfbˌiːˈaɪ, nˈæsə ænd dˌiːvˌiːdˈiːz.');
    expect(speak('I said NO.')).toBe('aɪ sˈɛd nˈoʊ.');
    expect(speak('U.S. law')).toBe('jˌuːˈɛs lˈɔː.');
  });

  it('sounds out what no dictionary lists', () => {
    expect(speak('blorptastic')).toContain('bl');
    expect(countPhonemes(englishWord('zxqv'))).toBeGreaterThan(6);
    expect(englishWord('knighted').join('')).toMatch(/^nˈaɪ/u);
  });
});

describe('Mandarin syllables', () => {
  it.each([
    ['ni3', 'ni3'], ['hao3', 'xɑʊ3'], ['zhi1', 'ʈʂɨ1'], ['si4', 'sɯ4'], ['xue2', 'ɕɥɛ2'], ['lv4', 'ly4'], ['yuan2', 'ɥɛn2'], ['you2', 'joʊ2'], ['wo3', 'wɔ3'],
    ['qing3', 'tɕʰiŋ3'], ['er4', 'ɑɚ4'], ['de0', 'tɤ5'], ['yong4', 'jʊŋ4'], ['wen2', 'wən2'], ['yi1', 'i1'], ['yu2', 'y2'], ['wu3', 'u3'], ['ng4', 'əŋ4'],
  ])('%s is said %s', (syllable, symbols) => expect(pinyinSyllable(syllable).join('')).toBe(symbols));

  it('reads every syllable that pinyin has', () => {
    const initials = ['b', 'p', 'm', 'f', 'd', 't', 'n', 'l', 'g', 'k', 'h', 'zh', 'ch', 'sh', 'r', 'z', 'c', 's'];
    const finals = ['a', 'ai', 'ao', 'an', 'ang', 'e', 'ei', 'en', 'eng', 'ou', 'u', 'un', 'uan', 'uo', 'ui'];
    for (const initial of initials) for (const final of finals) expect(pinyinSyllable(`${initial}${final}1`).length).toBeGreaterThan(2);
    for (const initial of ['j', 'q', 'x']) {
      for (const final of ['i', 'ia', 'ie', 'iao', 'iu', 'ian', 'in', 'iang', 'ing', 'iong', 'u', 'ue', 'uan', 'un']) {
        expect(pinyinSyllable(`${initial}${final}1`).length).toBeGreaterThan(2);
      }
    }
    for (const alone of ['ya', 'ye', 'yao', 'yan', 'yin', 'yang', 'ying', 'yun', 'yue', 'wa', 'wai', 'wei', 'wan', 'wang', 'weng', 'a', 'o', 'e', 'ai', 'ei', 'ou', 'an', 'en']) {
      expect(pinyinSyllable(`${alone}1`).length).toBeGreaterThan(1);
    }
  });

  it('changes the first of two third tones, and reads characters by their word', () => {
    expect(speak('你好', 'zh-CN')).toBe('ni2 xɑʊ3.');
    expect(speak('银行行长', 'zh-CN')).toBe('in2 xɑŋ2 xɑŋ2 ʈʂɑŋ3.');
    expect(speak('不是一个', 'zh-CN')).toBe('pu2 ʂɨ4 i2 kɤ4.');
  });
});

describe('numbers', () => {
  it.each([
    ['0', 'zero'], ['42', 'forty two'], ['1,234', 'one thousand two hundred thirty four'], ['1995', 'nineteen ninety five'], ['2026', 'twenty twenty six'],
    ['2005', 'two thousand five'], ['3.14', 'three point one four'], ['50%', 'fifty percent'], ['3rd', 'third'], ['21st', 'twenty first'], ['20th', 'twentieth'],
    ['$6', 'six dollars'], ['$6.50', 'six dollars fifty'], ['$1', 'one dollar'], ['10:30', 'ten thirty'], ['9:05', 'nine oh five'], ['007', 'zero zero seven'],
    ['1000000', 'one million'],
  ])('English: %s is %s', (digits, words) => expect(englishNumber(digits).join(' ')).toBe(words));

  it.each([
    ['0', '', '零'], ['10', '', '十'], ['42', '个', '四十二'], ['105', '', '一百零五'], ['110', '', '一百一十'], ['2', '个', '两个'.slice(0, 1)], ['2', '月', '二'], ['200', '', '二百'],
    ['2000', '', '两千'], ['20000', '', '两万'], ['10005', '', '一万零五'], ['100000000', '', '一亿'], ['2026', '年', '二零二六'], ['50%', '', '百分之五十'],
    ['3.14', '', '三点一四'], ['¥6', '', '六元'], ['10:30', '', '十点三十分'], ['013800138000', '', '零一三八零零一三八零零零'],
  ])('Mandarin: %s before "%s" is %s', (digits, following, hanzi) => expect(mandarinNumber(digits, following)).toBe(hanzi));
});

describe('text', () => {
  it('makes a chunk of each sentence and keeps the marks that shape it', () => {
    expect(phonemise('One. Two, three? Four!', 'en').map((chunk) => chunk.symbols.at(-1))).toEqual(['.', '?', '!']);
  });

  it('speaks each script by its own rules', () => {
    expect(speak('内容由AI生成', 'zh-CN')).toBe('neɪ4 ʐʊŋ2 joʊ2 ˌeɪˈaɪ ʂəŋ1 ʈʂʰəŋ2.');
    expect(speak('I love 北京.')).toBe('aɪ lˈʌv peɪ3 tɕiŋ1.');
    expect(speak('我有3个', 'zh-CN')).toBe('wɔ2 joʊ3 san1 kɤ4.');
  });

  it.each(['', '   \n', '😀🎉', '...', '?!', '，。', '—', '\u0000\u0007', 'ひらがな'])('refuses %j', (text) => {
    expect(codeOf(text, 'en')).toBe('text_unspeakable');
    expect(codeOf(text, 'zh-CN')).toBe('text_unspeakable');
  });

  it('refuses a text beyond the limits, by characters and by the time it takes', () => {
    expect(codeOf('a'.repeat(SPEECH_LIMITS.maxCharacters + 1), 'en')).toBe('text_too_long');
    expect(() => phonemise('One two three four five.', 'en', { ...SPEECH_LIMITS, maxSeconds: 1 })).toThrow(SpeechError);
  });

  it('cuts the longest sentences, words and initials into pieces that can be rendered', () => {
    for (const text of ['all the words of a sentence without any end '.repeat(100), 'a'.repeat(5_000), 'A.'.repeat(1_000), '好'.repeat(2_000), '1'.repeat(500)]) {
      const chunks = phonemise(text, 'zh-CN');
      expect(Math.max(...chunks.map((chunk) => chunk.milliseconds))).toBeLessThan(16_000);
    }
  });

  it('gives only symbols that the voice knows, for any text (property)', () => {
    const pieces = fc.constantFrom('hello', 'AI', '你好', '2026年', '3.5%', '$9', '😀', '10:61', "o'er", 'U.K.', ',', '!?', '…', '\n', 'é', '𠀀', '&', 'x.y', '8'.repeat(30), 'Ⅳ', '①');
    fc.assert(fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 5, unit: 'grapheme' })), { maxLength: 12 }), fc.constantFrom('en', 'zh-CN'), (parts, language) => {
      let chunks;
      try {
        chunks = phonemise(parts.join(' '), language);
      } catch (error) {
        expect(error).toBeInstanceOf(SpeechError);
        return;
      }
      for (const chunk of chunks) for (const symbol of chunk.symbols) expect(symbolId(symbol)).toBeGreaterThan(0);
    }));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isLabelValue, labelText, labelWav, parseLabelText, readLabel } from '../../src/provenance/aigc.ts';
import type { AigcLabel } from '../../src/provenance/aigc.ts';
import { appendChunk, readChunks } from '../../src/provenance/wav.ts';
import { made, sineWav } from './support.ts';

/** Every character that Annex E allows, and the quotation mark that JSON escapes. */
const ALLOWED = Array.from({ length: 0x7e - 0x21 + 1 }, (_, i) => String.fromCharCode(0x21 + i)).filter((c) => c !== '\\');
const allowedText = fc.array(fc.constantFrom(...ALLOWED), { maxLength: 60 }).map((characters) => characters.join(''));
const labels: fc.Arbitrary<AigcLabel> = fc.record({
  label: fc.constantFrom('1', '2', '3'),
  contentProducer: allowedText.filter((text) => text !== ''),
  produceId: allowedText.filter((text) => text !== ''),
  reservedCode1: allowedText, contentPropagator: allowedText, propagateId: allowedText, reservedCode2: allowedText,
});

describe('the implicit label’s text', () => {
  it('has the members of Annex E, in its order', () => {
    expect(labelText({
      label: '1', contentProducer: '001191440300708461136T1308L', produceId: 'out_1', reservedCode1: '', contentPropagator: '', propagateId: '', reservedCode2: '',
    })).toBe('{"AIGC":{"Label":"1","ContentProducer":"001191440300708461136T1308L","ProduceID":"out_1","ReservedCode1":"","ContentPropagator":"","PropagateID":"","ReservedCode2":""}}');
  });

  it('stays inside the character set and reads back, for every allowed label', () => {
    fc.assert(fc.property(labels, (label) => {
      const text = labelText(label);
      for (const match of text.matchAll(/"((?:[^"\\]|\\.)*)"/g)) {
        expect(match[1]!.replaceAll('\\"', '')).toMatch(/^[\x21\x23-\x5B\x5D-\x7E]*$/);
      }
      expect(parseLabelText(text)).toEqual(label);
    }));
  });

  it('refuses every character outside of it', () => {
    fc.assert(fc.property(labels, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (label, character) => {
      const text = `a${character}`;
      if (isLabelValue(text)) expect(ALLOWED).toContain(character);
      else expect(() => labelText({ ...label, produceId: text })).toThrow(TypeError);
    }));
    for (const character of [' ', '\\', '\n', '林', '\u007f', '']) {
      expect(() => labelText({ label: '1', contentProducer: 'x', produceId: character, reservedCode1: '', contentPropagator: '', propagateId: '', reservedCode2: '' })).toThrow(TypeError);
    }
  });

  it.each(['', '{}', '[]', '{"AIGC":{}}', '{"AIGC":{"Label":1}}', 'null', '{"AIGC":null}', labelText({
    label: '1', contentProducer: 'x', produceId: 'y', reservedCode1: '', contentPropagator: '', propagateId: '', reservedCode2: '',
  }).replace('"1"', '"4"')])('does not read %j', (text) => {
    expect(parseLabelText(text)).toBeUndefined();
  });
});

describe('the label in a WAV', () => {
  it('is one chunk behind the samples, and names them', () => {
    const wav = labelWav(sineWav(0.2), made);
    expect(readChunks(wav).map((chunk) => chunk.id)).toEqual(['fmt ', 'data', 'AIGC']);
    const { label, problems } = readLabel(wav);
    expect(problems).toEqual([]);
    expect(label).toMatchObject({ label: '1', ...made, contentPropagator: '' });
    expect(label?.reservedCode1).toMatch(/^sha256-data:[0-9a-f]{64}$/);
  });

  it('is refused a second time, and after the signature', () => {
    const wav = labelWav(sineWav(0.2), made);
    expect(() => labelWav(wav, made)).toThrow(expect.objectContaining({ code: 'file_unreadable' }) as Error);
    expect(() => labelWav(appendChunk(sineWav(0.2), 'C2PA', Buffer.from('x')), made)).toThrow(expect.objectContaining({ code: 'file_unreadable' }) as Error);
  });

  it('is called out when it stands twice, is malformed, or was moved to other samples', () => {
    const wav = labelWav(sineWav(0.2), made);
    const chunk = readChunks(wav).find((c) => c.id === 'AIGC')!;
    const text = wav.subarray(chunk.start, chunk.start + chunk.length);
    expect(readLabel(appendChunk(wav, 'AIGC', text)).problems).toEqual(['aigc_repeated']);
    expect(readLabel(appendChunk(sineWav(0.2), 'AIGC', Buffer.from('{"AIGC":1}'))).problems).toEqual(['aigc_malformed']);
    expect(readLabel(appendChunk(sineWav(0.2, 24_000, 330), 'AIGC', text)).problems).toEqual(['aigc_integrity']);
  });

  it('keeps odd lengths readable', () => {
    for (const produceId of ['a', 'ab']) {
      const wav = labelWav(sineWav(0.1), { ...made, produceId });
      expect(wav.length % 2).toBe(0);
      expect(readLabel(wav).label?.produceId).toBe(produceId);
    }
  });
});

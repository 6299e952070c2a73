import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { speakable } from '../../src/gateway/model.ts';
import { framingOf, segmentsOf } from '../../src/gateway/segments.ts';
import { readMultipart } from '../support/multipart.ts';

describe('a script in segments', () => {
  it('begins with one sentence and goes on in pieces of some seconds', () => {
    const script = 'Good morning. It is a fine day today, and nobody is awake to see it. The heron stands in the river. We shall walk there slowly, you and I. '
      + 'Then we shall come home! Will you make the tea? I shall bring the cups.';
    const pieces = segmentsOf(script);
    expect(pieces[0]).toBe('Good morning. ');
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.length).toBeLessThan(5);
    expect(pieces.join('')).toBe(script);
  });

  it('cuts Chinese at its own signs, and what never ends at its commas', () => {
    expect(segmentsOf('早上好。今天天气很好，我们一起去河边走走，看看那只白鹭是不是还站在水里，一动也不动地等着它的早饭。你来吗？')[0]).toBe('早上好。');
    const endless = `${'we walk along the quiet river and the heron looks at us, '.repeat(12)}and so on`;
    expect(segmentsOf(endless).length).toBeGreaterThan(3);
    expect(segmentsOf('3.14 is not 3. 14')).toEqual(['3.14 is not 3. ', '14']);
  });

  it('loses nothing and leaves no piece without a sound, whatever the text', () => {
    const word = fc.constantFrom('hello', 'you', '早上', '好', '...', '！', '？', '. ', ', ', '，', '\n', ' ', '—', '"', '”', '。', '3.5', '&');
    fc.assert(fc.property(fc.array(word, { minLength: 1, maxLength: 80 }).map((words) => words.join('')).filter(speakable), (script) => {
      const pieces = segmentsOf(script);
      expect(pieces.join('')).toBe(script);
      for (const piece of pieces) expect(speakable(piece)).toBe(true);
    }), { seed: 20_261_125, numRuns: 500 });
  });
});

describe('the form in which segments leave', () => {
  const framing = framingOf('out_1');
  const file = Buffer.from('RIFF--benren-out_1--\r\n');
  const part = (sequence: number, last: boolean) => framing.part({ segmentId: `seg_${sequence}`, sequence, last, sha256: 'ab'.repeat(32) }, file);

  it('is multipart/mixed, read back by any reader', () => {
    const { parts, whole } = readMultipart(framing.contentType, Buffer.concat([part(1, false), part(2, true), framing.closing]));
    expect([whole, parts.map(({ body }) => body.equals(file))]).toEqual([true, [true, true]]);
    expect(parts[1]?.headers).toEqual({
      'content-type': 'audio/wav', 'content-length': String(file.length), 'content-digest': `sha-256=:${Buffer.from('ab'.repeat(32), 'hex').toString('base64')}:`,
      'benren-segment': 'seg_2; sequence=2; last',
    });
  });

  it('that was cut is seen to be cut', () => {
    const cut = Buffer.concat([part(1, false), part(2, false)]);
    for (const length of [cut.length, cut.length - 1, part(1, false).length]) expect(readMultipart(framing.contentType, cut.subarray(0, length)).whole).toBe(false);
  });
});

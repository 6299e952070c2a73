import { describe, expect, it } from 'vitest';

import {
  checkApprovable, cleanName, isVerified, movedVersion, readPersona, speakerTexts, type VersionState,
} from '../../src/clones/model.ts';

const refuses = (code: string): unknown => expect.objectContaining({ code });

describe('the persona', () => {
  const text = (characters: number) => '雨'.repeat(characters);

  it('counts Unicode characters after NFC and trimming, not bytes and not UTF-16 units', () => {
    expect(readPersona({ text: `  ${text(200)}\n`, languages: ['en'] }).characters).toBe(200);
    expect(readPersona({ text: '😀'.repeat(200), languages: ['en'] }).characters).toBe(200);
    expect(() => readPersona({ text: '😀'.repeat(199), languages: ['en'] })).toThrow(refuses('persona_too_short'));
    // 150 letters with 150 combining accents are 150 characters once composed.
    expect(() => readPersona({ text: 'e\u0301'.repeat(150), languages: ['en'] })).toThrow(refuses('persona_too_short'));
    expect(() => readPersona({ text: ` ${' '.repeat(300)}`, languages: ['en'] })).toThrow(refuses('persona_too_short'));
    expect(readPersona({ text: text(20_000), languages: ['en'] }).characters).toBe(20_000);
    expect(() => readPersona({ text: text(20_001), languages: ['en'] })).toThrow(refuses('request_invalid'));
    expect(() => readPersona({ text: `${text(300)}\ud800`, languages: ['en'] })).toThrow(refuses('request_invalid'));
  });

  it('has one digest however it was typed, and another for other words or languages', () => {
    const digest = (words: string, languages: ('en' | 'zh-CN')[]) => readPersona({ text: words, languages }).digest;
    expect(digest('é'.repeat(200), ['en', 'zh-CN'])).toBe(digest('e\u0301'.repeat(200), ['zh-CN', 'en']));
    expect(digest(text(200), ['en'])).not.toBe(digest(text(201), ['en']));
    expect(digest(text(200), ['en'])).not.toBe(digest(text(200), ['zh-CN']));
  });
});

describe('names', () => {
  it('are NFC, 1 to 80 characters, and hide nothing', () => {
    expect(cleanName(' Lin Ya · 林雅 ')).toBe('Lin Ya · 林雅');
    expect(cleanName('e\u0301')).toBe('é');
    for (const name of ['', '   ', 'x'.repeat(81), 'Lin\u202eYa', 'Lin\u200bYa', 'Lin\nYa', 'Lin\u0000']) {
      expect(() => cleanName(name)).toThrow(refuses('request_invalid'));
    }
  });
});

describe('versions', () => {
  const states: VersionState[] = ['draft', 'approved', 'withdrawn'];

  it('are approved once and withdrawn for good', () => {
    const moves = states.flatMap((state) => (['approve', 'withdraw'] as const).flatMap((move) => {
      try {
        return [`${state} ${move} ${movedVersion(state, move)}`];
      } catch {
        return [];
      }
    }));
    expect(moves).toEqual(['draft approve approved', 'draft withdraw withdrawn', 'approved withdraw withdrawn']);
  });

  const now = new Date('2026-03-01T00:00:00Z');
  const proof = {
    proofId: 'own', accountId: 'acc', subjectName: 'Lin Ya', subjectKind: 'private_person' as const, state: 'approved' as const,
    approvedAt: new Date('2026-02-01T00:00:00Z'), expiresAt: new Date('2027-02-01T00:00:00Z'),
  };
  const frozen = { lineage: { voiceSha256: 'a' }, policyDigest: 'p' };
  const good = { state: 'draft' as const, number: 2, servingNumber: 1, proof, now, probesHeard: true, frozen, current: frozen };

  it('may be approved when everything holds', () => expect(() => checkApprovable(good)).not.toThrow());

  it.each([
    ['no proof', { proof: null }, 'ownership_unproven'],
    ['an expired proof', { now: proof.expiresAt }, 'ownership_unproven'],
    ['a proof approved later', { now: new Date(proof.approvedAt.getTime() - 1) }, 'ownership_unproven'],
    ['a submitted proof', { proof: { ...proof, state: 'submitted' as const } }, 'ownership_unproven'],
    ['a withdrawn proof', { proof: { ...proof, state: 'withdrawn' as const } }, 'ownership_unproven'],
    ['unheard probes', { probesHeard: false }, 'version_state'],
    ['another model', { current: { ...frozen, lineage: { voiceSha256: 'b' } } }, 'lineage_changed'],
    ['another policy', { current: { ...frozen, policyDigest: 'q' } }, 'lineage_changed'],
    ['a later version approved', { servingNumber: 3 }, 'version_state'],
    ['being approved already', { state: 'approved' as const }, 'version_state'],
    ['being withdrawn', { state: 'withdrawn' as const }, 'version_state'],
  ])('are refused with %s', (_what, change, code) => {
    expect(() => checkApprovable({ ...good, ...change })).toThrow(refuses(code));
  });

  it('name the voice in eight decimals, one text for one voice', () => {
    expect(speakerTexts([0.5, -0.25, 0, -0, -1e-9, 1 / 3, 1.6, -1])).toEqual([
      '0.500000', '-0.250000', '0.000000', '0.000000', '0.000000', '0.333333', '1.600000', '-1.000000',
    ]);
    for (const wrong of [[], [1, 2], [0, 0, 0, 0, 0, 0, 0, Number.NaN], [0, 0, 0, 0, 0, 0, 0, Infinity]]) {
      expect(() => speakerTexts(wrong)).toThrow(/eight finite/);
    }
  });

  it('carry the badge only under the very name that was proven, while the proof holds', () => {
    expect(isVerified({ name: 'Lin Ya' }, proof, now)).toBe(true);
    expect(isVerified({ name: 'Lin Yah' }, proof, now)).toBe(false);
    expect(isVerified({ name: 'Lin Ya' }, proof, proof.expiresAt)).toBe(false);
    expect(isVerified({ name: 'Lin Ya' }, null, now)).toBe(false);
  });
});

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { cleanName, counterAccepted, knownCountry, mayInvite, signingChallenge, usableChallenge } from '../../src/identity/model.ts';
import type { SigningContext } from '../../src/identity/model.ts';
import { COUNTRIES } from '../../src/kernel/countries.ts';
import { Refusal } from '../../src/kernel/refusals.ts';

const context: SigningContext = {
  account: 'acc_1', credentialId: 'Zm9v', documentType: 'grant', origin: 'https://app.benren.example',
  renderedTextSha256: 'ab'.repeat(32), locale: 'zh-CN', issuedAt: '2026-03-01T02:00:00.000Z', expiresAt: '2026-03-01T02:05:00.000Z',
};

describe('the signing challenge', () => {
  it('is the formula of the contract, built here a second time from its words', () => {
    const hash = (...parts: (Uint8Array | string)[]): Buffer => {
      const sum = createHash('sha256');
      for (const part of parts) sum.update(part);
      return sum.digest();
    };
    const nonce = Buffer.alloc(32, 7);
    const jcs = '{"account":"acc_1","credentialId":"Zm9v","documentType":"grant","expiresAt":"2026-03-01T02:05:00.000Z",'
      + '"issuedAt":"2026-03-01T02:00:00.000Z","locale":"zh-CN","origin":"https://app.benren.example",'
      + `"renderedTextSha256":"${'ab'.repeat(32)}"}`;
    expect(signingChallenge('{"a":1}', nonce, context)).toEqual(
      hash(Buffer.from('benren/consent-signature/v1', 'ascii'), Buffer.of(0), hash('{"a":1}'), nonce, hash(jcs)),
    );
  });

  it('changes with every input', () => {
    const base = signingChallenge('{}', Buffer.alloc(32), context).toString('hex');
    const others = [
      signingChallenge('{ }', Buffer.alloc(32), context), signingChallenge('{}', Buffer.alloc(32, 1), context),
      ...(Object.keys(context) as (keyof SigningContext)[]).map((member) =>
        signingChallenge('{}', Buffer.alloc(32), { ...context, [member]: `${context[member]}x` })),
    ].map((bytes) => bytes.toString('hex'));
    expect(new Set([base, ...others]).size).toBe(others.length + 1);
  });

  it('takes no nonce of another length', () => {
    expect(() => signingChallenge('{}', Buffer.alloc(31), context)).toThrow(RangeError);
  });
});

describe('decisions', () => {
  it('a challenge is used once and lives until its last millisecond, not longer', () => {
    const expiresAt = new Date(1_000);
    expect(usableChallenge({ usedAt: null, expiresAt }, new Date(999)).expiresAt).toBe(expiresAt);
    const codeAt = (usedAt: Date | null, now: number): string => {
      try {
        usableChallenge({ usedAt, expiresAt }, new Date(now));
      } catch (error) {
        if (error instanceof Refusal) return error.code;
      }
      return 'accepted';
    };
    expect(codeAt(null, 1_000)).toBe('challenge_expired');
    expect(codeAt(new Date(5), 6)).toBe('challenge_used');
  });

  it('a counter stops only a key that cannot be copied', () => {
    fc.assert(fc.property(fc.nat(), fc.nat(), (stored, sent) => {
      expect(counterAccepted(BigInt(stored), sent, true)).toBe(true);
      expect(counterAccepted(BigInt(stored), sent, false)).toBe((stored === 0 && sent === 0) || sent > stored);
    }));
  });

  it('operators invite anybody, others payees only', () => {
    expect(mayInvite([], 'payee')).toBe(true);
    expect(mayInvite(['reviewer', 'payee'], 'reviewer')).toBe(false);
    expect(mayInvite(['payee'], 'operator')).toBe(false);
    expect(mayInvite(['operator'], 'operator')).toBe(true);
  });

  it.each(['', '   ', 'a'.repeat(81), 'a\u202eb', 'a\nb', 'a\u0000', 'a\u200bb', '\ud800', 'a\u2028b',
    // Letters and marks that fonts draw as nothing: alone they are a name that nobody sees, inside one a second name of the same look.
    '\u3164', '\u2800', 'a\u115fb', 'a\uffa0b', 'a\u034fb', 'a\u180bb', '\ufe0f', '\u0301'])('refuses the name %j', (name) => {
    expect(() => cleanName(name)).toThrow(Refusal);
  });

  it('takes names as people write them, in NFC', () => {
    expect(cleanName('  Lin Ya · 林雅 ')).toBe('Lin Ya · 林雅');
    expect(cleanName('Jose\u0301')).toBe('José');
    expect(cleanName('😀'.repeat(80))).toHaveLength(160);
    // An ideograph in the one shape that its bearer writes.
    expect(cleanName('葛\u{e0100}')).toBe('葛\u{e0100}');
  });

  it('knows 249 countries, each one that ICU knows too, and no others', () => {
    expect(COUNTRIES.size).toBe(249);
    const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
    for (const code of COUNTRIES) expect(names.of(code), code).toBeDefined();
    for (const code of ['XX', 'ZZ', 'EU', 'UK', 'cn', 'C', '', 'CHN', 'XK']) expect(() => knownCountry(code)).toThrow(Refusal);
    expect(knownCountry('CN')).toBe('CN');
  });
});

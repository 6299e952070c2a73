import fc from 'fast-check';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { canonicalJson, parseStrictJson } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { Refusal } from '../../src/kernel/refusals.ts';

const vectors = new URL('../../../shared/vectors/jcs/testdata/', import.meta.url);

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('RFC 8785 vectors', () => {
  const there = existsSync(vectors);
  if (!there) console.info('skipped: the JCS vectors are not beside this checkout (../shared/vectors/jcs)');
  const names = there ? readdirSync(new URL('input/', vectors)).map((file) => file.replace('.json', '')) : [];

  it.skipIf(!there)('are all there', () => {
    expect(names.length).toBeGreaterThanOrEqual(6);
  });

  it.each(names)('%s: text and bytes', (name) => {
    const read = (path: string): string => readFileSync(new URL(path, vectors), 'utf8');
    const canonical = canonicalJson(JSON.parse(read(`input/${name}.json`)));
    expect(canonical).toBe(read(`output/${name}.json`));
    const bytes = read(`outhex/${name}.txt`).trim().split(/\s+/).join('');
    expect(Buffer.from(canonical, 'utf8').toString('hex')).toBe(bytes);
  });

  it('writes numbers as ECMAScript does (RFC 8785 appendix B)', () => {
    const samples: [string, string][] = [
      ['0000000000000000', '0'], ['8000000000000000', '0'], ['0000000000000001', '5e-324'],
      ['7fefffffffffffff', '1.7976931348623157e+308'], ['4340000000000000', '9007199254740992'],
      ['4430000000000000', '295147905179352830000'], ['44b52d02c7e14af5', '9.999999999999997e+22'],
      ['44b52d02c7e14af6', '1e+23'], ['444b1ae4d6e2ef4e', '999999999999999700000'], ['3eb0c6f7a0b5ed8d', '0.000001'],
      ['41b3de4355555553', '333333333.3333332'], ['becbf647612f3696', '-0.0000033333333333333333'],
      ['43143ff3c1cb0959', '1424953923781206.2'],
    ];
    for (const [bits, text] of samples) expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
    expect(refusalOf(() => canonicalJson(Buffer.from('7fffffffffffffff', 'hex').readDoubleBE()))).toBe('json_malformed');
    expect(refusalOf(() => canonicalJson(Buffer.from('7ff0000000000000', 'hex').readDoubleBE()))).toBe('json_malformed');
  });
});

describe('canonicalJson', () => {
  it('is one text for one value, whatever the order of members, and reads back as the same value', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const canonical = canonicalJson(value);
      const shuffled: unknown = JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
        (typeof item === 'object' && item !== null && !Array.isArray(item)
          ? Object.fromEntries(Object.entries(item).reverse())
          : item));
      expect(canonicalJson(shuffled)).toBe(canonical);
      expect(canonicalJson(JSON.parse(canonical))).toBe(canonical);
    }));
  });

  it('sorts by UTF-16 code units, not by code points', () => {
    expect(canonicalJson({ '\u{fb33}': 1, '\u{1f600}': 2 })).toBe('{"\u{1f600}":2,"\u{fb33}":1}');
  });

  it('does not normalise Unicode', () => {
    expect(canonicalJson('e\u0301')).not.toBe(canonicalJson('\u00e9'));
  });

  it.each([
    ['NaN', Number.NaN], ['infinity', -Infinity], ['undefined', undefined], ['an undefined member', { a: undefined }],
    ['a bigint', 1n], ['a function', () => 1], ['a symbol', Symbol('a')], ['a date', new Date(0)], ['a map', new Map()],
    ['bytes', Buffer.from('a')], ['a hole', new Array(2)], ['a lone high surrogate', '\ud800'],
    ['a lone low surrogate', 'a\udc00b'], ['a lone surrogate in a name', { '\ud800': 1 }],
  ])('refuses %s', (_name, value) => {
    expect(refusalOf(() => canonicalJson(value))).toBe('json_malformed');
  });

  it('refuses nesting beyond 64 and takes 64', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(canonicalJson(nested(64))).toHaveLength(129);
    expect(refusalOf(() => canonicalJson(nested(65)))).toBe('json_malformed');
  });
});

describe('parseStrictJson', () => {
  it('reads what JSON.stringify wrote', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      const unsafe = /(?<![\w."])-?\d{16,}|e\+/i.test(text);
      fc.pre(!unsafe && text.isWellFormed() && !text.includes('\\ud'));
      expect(parseStrictJson(text)).toEqual(JSON.parse(text));
    }));
  });

  it.each([
    ['nothing', ''], ['a word', 'NaN'], ['a trailing comma', '[1,]'], ['a comment', '{}//'], ['a BOM', '\ufeff{}'],
    ['two values', '{} {}'], ['an infinity', '[Infinity]'], ['a number too big for a double', '[1e400]'],
    ['a repeated name', '{"a":1,"a":1}'], ['a repeated name far apart', '{"a":{"b":[{"a":1}]},"c":2,"a":3}'],
    ['a repeated name in other spelling', '{"a":1,"\\u0061":2}'], ['a repeated name in an array', '[{"x":1},{"x":1,"x":2}]'],
    ['a repeated __proto__', '{"__proto__":1,"__proto__":2}'],
    ['2^53', '9007199254740992'], ['-2^53', '[-9007199254740992]'], ['a big whole number written short', '{"a":1E30}'],
    ['a big number deep inside', '{"a":[{"b":123456789012345678901234567890}]}'],
    ['an escaped lone surrogate', '["\\ud83d"]'], ['surrogates in the wrong order', '["\\ude00\\ud83d"]'],
    ['an escaped lone surrogate as a name', '{"\\udc00":1}'],
    ['deep brackets', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['deep objects', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)],
  ])('refuses %s', (_name, text) => {
    expect(refusalOf(() => parseStrictJson(text))).toBe('json_malformed');
  });

  it.each([
    ['the largest safe whole number', '9007199254740991'], ['equal names in different objects', '{"a":{"a":1},"b":{"a":1}}'],
    ['strings that look like structure', '{"{\\"a\\":1,":"\\"a\\":","a":["}",":","\\\\"]}'],
    ['a pair of surrogates', '["\\ud83d\\ude00"]'], ['a fraction', '[1.5,-0.25e-3]'],
    ['a long string of escapes', JSON.stringify('\\"'.repeat(120_000))],
  ])('takes %s', (_name, text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  it('keeps __proto__ a member and nothing else', () => {
    const value = parseStrictJson('{"__proto__":{"admin":true}}') as Record<string, unknown>;
    expect(value['admin']).toBeUndefined();
    expect(canonicalJson(value)).toBe('{"__proto__":{"admin":true}}');
  });
});

describe('SHA-256', () => {
  it('joins its parts and writes lower-case hex', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256Hex('a', Buffer.from('b'), 'c')).toBe(sha256Hex('abc'));
    expect(sha256Hex()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });
});

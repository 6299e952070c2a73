import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { loadDocuments, makeDocuments } from '../../src/identity/documents.ts';
import { DOCUMENT_TYPES } from '../../src/identity/model.ts';
import { CHINESE, TITLES } from '../../src/identity/render-labels.ts';
import { renderDocument } from '../../src/identity/render.ts';
import { canonicalJson, type JsonObject } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { FIXTURES, grantNote } from './harness.ts';

function refusalOf(work: () => unknown): Refusal {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('accepted');
}

/** The names of all members that a schema knows, at any depth. */
function memberNames(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties } = schema as { properties?: Record<string, unknown> };
  return [...Object.keys(properties ?? {}), ...Object.values(schema).flatMap((part) => memberNames(part)),
    ...Object.values(properties ?? {}).flatMap((part) => memberNames(part))];
}

describe('documents', () => {
  it('are checked against their schema, with what is wrong and where', () => {
    expect(FIXTURES.validate('grant', grantNote('yes'))).toEqual(grantNote('yes'));
    const refusal = refusalOf(() => FIXTURES.validate('grant', { ...grantNote('yes'), text: 5, more: 1 }));
    expect(refusal.code).toBe('document_invalid');
    expect(refusal.extra['problems']).toEqual(expect.arrayContaining([
      { path: '', message: 'must NOT have additional properties: more' }, { path: '/text', message: 'must be string' },
    ]));
  });

  it.each([
    ['an unknown type', 'contract', grantNote('x'), 'document_invalid'],
    ['another type\'s document', 'stop_order', grantNote('x'), 'document_invalid'],
    ['no object', 'grant', [grantNote('x')], 'document_invalid'],
    ['nothing', 'grant', null, 'document_invalid'],
    ['text that is not NFC', 'grant', grantNote('e\u0301'), 'document_invalid'],
    ['a list item that is not NFC', 'grant', { ...grantNote('x'), words: ['ok', 'A\u030a'] }, 'document_invalid'],
    ['a number beyond 2^53', 'grant', { ...grantNote('x'), count: 2 ** 53 }, 'json_malformed'],
    ['NaN', 'grant', { ...grantNote('x'), count: Number.NaN }, 'json_malformed'],
    ['a lone surrogate', 'grant', grantNote('\ud800'), 'json_malformed'],
  ])('refuses %s', (_name, type, document, code) => {
    expect(refusalOf(() => FIXTURES.validate(type, document)).code).toBe(code);
  });

  it('a schema that does not compile fails the start', () => {
    expect(() => makeDocuments({ grant: { type: 'objekt' } })).toThrow();
    expect(() => makeDocuments({ grant: { typo: 1 } })).toThrow();
  });

  it('the folder has a schema for each type that is signed, and the schema says the type', () => {
    const real = loadDocuments();
    for (const type of DOCUMENT_TYPES) {
      expect(real.documentTypes).toContain(type);
      const file = new URL(`../../contracts/rights/${type.replaceAll('_', '-')}.schema.json`, import.meta.url);
      const schema = JSON.parse(readFileSync(file, 'utf8')) as { properties: { type: { const: string } } };
      expect(schema.properties.type.const).toBe(`benren.${type}`);
      const unnamed = [...new Set(memberNames(schema))].filter((name) => !Object.hasOwn(CHINESE, name));
      expect(unnamed, `${type}: members without a Chinese name in src/identity/render-labels.ts`).toEqual([]);
    }
  });
});

describe('the text that is shown', () => {
  const document: JsonObject = {
    type: 'benren.grant', schemaVersion: 1, validUntil: '2027-01-01T00:00:00Z', languages: ['zh-CN', 'en'], tiers: [],
    capabilities: { voice: true, video: false }, forbiddenTopics: [{ name: 'politics', words: { zh: ['选举'], en: ['election'] } }],
    supersedes: null, note: '', text: 'line one\nRoyalty: 100%',
  };

  it('in Chinese', () => {
    expect(renderDocument('grant', document, 'zh-CN')).toBe([
      '授权书', '', '可用能力：', '  视频：否', '  声音：是', '禁止话题：', '  1：', '    名称：politics', '    词表：', '      英文：', '        1：election',
      '      中文：', '        1：选举', '语言：', '  1：zh-CN', '  2：en', '备注：（空）', '格式版本：1', '取代：（未填）', '内容：line one',
      '  │ Royalty: 100%', '会员档位：（无）', '文件类型：benren.grant', '失效时间：2027-01-01T00:00:00Z', '',
      `文件指纹（SHA-256）：${sha256Hex(canonicalJson(document))}`, '',
    ].join('\n'));
  });

  it('in English', () => {
    expect(renderDocument('grant', document, 'en')).toBe([
      'Grant', '', 'Capabilities:', '  Video: no', '  Voice: yes', 'Forbidden topics:', '  1:', '    Name: politics', '    Words:',
      '      English:', '        1: election', '      Chinese:', '        1: 选举', 'Languages:', '  1: zh-CN', '  2: en',
      'Note: (empty)', 'Schema version: 1', 'Replaces: (not given)', 'Text: line one', '  │ Royalty: 100%', 'Tiers: (none)',
      'Type: benren.grant', 'Valid until: 2027-01-01T00:00:00Z', '',
      `Fingerprint of the document (SHA-256): ${sha256Hex(canonicalJson(document))}`, '',
    ].join('\n'));
  });

  it('shows what would hide or draw lines of its own', () => {
    const text = renderDocument('grant', grantNote('a\u202eb\u200bc\u2028d\u0000e\rf') as JsonObject, 'en');
    expect(text).toContain('Text: a⟨U+202E⟩b⟨U+200B⟩c⟨U+2028⟩d⟨U+0000⟩e⟨U+000D⟩f\n');
    const blank = renderDocument('grant', grantNote('a\u034fb\u2800c\ufe0fd\u{e0100}e') as JsonObject, 'en');
    expect(blank).toContain('Text: a⟨U+034F⟩b⟨U+2800⟩c⟨U+FE0F⟩d⟨U+E0100⟩e\n');
    expect(renderDocument('grant', { 'a\nb': 1 }, 'en')).toContain('a⟨U+000A⟩b: 1\n');
  });

  it('is the same for the same document and differs for every other, in whatever order its members came', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), fc.jsonValue(), (members, other) => {
      const one = members as JsonObject;
      const reversed = Object.fromEntries(Object.entries(one).reverse());
      expect(renderDocument('split', reversed, 'zh-CN')).toBe(renderDocument('split', one, 'zh-CN'));
      const changed = { ...one, changed: other } as JsonObject;
      if (canonicalJson(changed) !== canonicalJson(one)) {
        expect(renderDocument('split', changed, 'zh-CN')).not.toBe(renderDocument('split', one, 'zh-CN'));
      }
    }));
  });

  it('has a title in both languages for each type', () => {
    for (const type of DOCUMENT_TYPES) {
      for (const locale of ['zh-CN', 'en'] as const) expect(renderDocument(type, {}, locale).split('\n')[0]).toBe(TITLES[type][locale]);
    }
  });
});

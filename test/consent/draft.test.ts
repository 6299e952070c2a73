import { describe, expect, it } from 'vitest';

import { amendmentDocument, checkedTerms, type GrantTerms, grantDocument, termsOf } from '../../src/consent/model.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { grant, terms } from './samples.ts';

const NOW = new Date('2026-03-01T00:00:00Z');

function refusal(changes: Partial<GrantTerms>): string {
  try {
    checkedTerms(terms(changes), NOW);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the terms of a grant', () => {
  it.each<[string, Partial<GrantTerms>, string]>([
    ['as they are', {}, 'accepted'],
    ['ending before they start', { validFrom: '2026-06-01T00:00:00Z', validUntil: '2026-05-01T00:00:00Z' }, 'grant_term_invalid'],
    ['ending as they start', { validFrom: '2026-06-01T00:00:00Z', validUntil: '2026-06-01T00:00:00Z' }, 'grant_term_invalid'],
    ['over already', { validFrom: '2025-01-01T00:00:00Z', validUntil: '2026-03-01T00:00:00Z' }, 'grant_term_invalid'],
    ['for exactly ten years', { validUntil: '2036-01-01T00:00:00Z' }, 'accepted'],
    ['for ten years and a moment', { validUntil: '2036-01-01T00:00:00.001Z' }, 'grant_term_invalid'],
    ['without an end', { validUntil: '' }, 'grant_term_invalid'],
    ['until a day that does not exist', { validUntil: '2026-13-01T00:00:00Z' }, 'grant_term_invalid'],
    ['of nothing', { capabilities: { ...terms().capabilities, voice: false } }, 'document_invalid'],
    ['for nowhere', { territories: [] }, 'document_invalid'],
    ['for a country that is none', { territories: ['CN', 'XX'] }, 'country_unknown'],
    ['with a country twice', { territories: ['CN', 'CN'] }, 'document_invalid'],
    ['without a purpose', { purposes: [] }, 'document_invalid'],
    ['with a vague purpose', { purposes: [{ name: 'any', intendedUses: 'anything            ' }] }, 'document_invalid'],
    ['with a purpose twice', { purposes: [...terms().purposes, ...terms().purposes] }, 'document_invalid'],
    ['with a topic without words', { forbiddenTopics: [{ name: 'x', words: { zh: [], en: [] } }] }, 'document_invalid'],
    ['with a word that matches nothing', { forbiddenTopics: [{ name: 'x', words: { zh: ['\u200b'], en: ['y'] } }] }, 'document_invalid'],
    ['with a topic twice', { forbiddenTopics: [...terms().forbiddenTopics, ...terms().forbiddenTopics] }, 'document_invalid'],
    ['voice without its separate consent', { separateConsent: { ...terms().separateConsent, voice: false } }, 'document_invalid'],
    ['video without the face', { capabilities: { ...terms().capabilities, video: true } }, 'document_invalid'],
    ['consent without a statement', { separateConsent: { voice: true, face: true, statement: ' ' } }, 'document_invalid'],
    ['without any tier or age', { tiers: [], ageBands: [] }, 'accepted'],
  ])('%s', (_, changes, expected) => expect(refusal(changes)).toBe(expected));

  it('are written in one form: NFC, instants in UTC with milliseconds', () => {
    const ready = checkedTerms(terms({
      validUntil: '2026-12-31T08:00:00+08:00', forbiddenTopics: [{ name: 'cafe', words: { zh: [], en: ['cafe\u0301'] } }],
    }), NOW);
    expect(ready.validUntil).toBe('2026-12-31T00:00:00.000Z');
    expect(ready.forbiddenTopics[0]?.words.en).toEqual(['caf\u00e9']);
  });

  it('come back out of a document, and an amendment is the next version standing on the one before', () => {
    expect(termsOf(grant())).toEqual(terms());
    const first = grantDocument({ grantId: 'g', cloneId: 'c', owner: { accountId: 'a', name: 'n' } }, terms());
    const second = amendmentDocument(first, 'digest', terms({ languages: ['zh-CN'] }));
    expect(second).toEqual({ ...first, type: 'benren.amendment', version: 2, supersedes: 'digest', languages: ['zh-CN'] });
    expect(amendmentDocument(second, 'digest2', terms()).version).toBe(3);
  });
});

import { describe, expect, it } from 'vitest';

import { amendmentDocument, checkedTerms, type GrantTerms, grantDocument, termsOf } from '../../src/consent/model.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { grant, terms } from './samples.ts';

const NOW = new Date('2026-03-01T00:00:00Z');

function minor(changes: Partial<GrantTerms> = {}, dateOfBirth = '2016-05-05'): Partial<GrantTerms> {
  return {
    subject: { ...terms().subject, isMinor: true, dateOfBirth }, signer: { role: 'guardian', authorityDocumentSha256: 'b'.repeat(64) },
    courtApproval: 'Shanghai 2026-17', ...changes,
  };
}

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
    ['with a vague purpose', { purposes: [{ name: 'any', intendedUses: 'anything            ', works: [] }] }, 'document_invalid'],
    ['with a purpose twice', { purposes: [...terms().purposes, ...terms().purposes] }, 'document_invalid'],
    ['with a topic without words', { forbiddenTopics: [{ name: 'x', words: { zh: [], en: [] } }] }, 'document_invalid'],
    ['with a word that matches nothing', { forbiddenTopics: [{ name: 'x', words: { zh: ['\u200b'], en: ['y'] } }] }, 'document_invalid'],
    ['with a topic twice', { forbiddenTopics: [...terms().forbiddenTopics, ...terms().forbiddenTopics] }, 'document_invalid'],
    ['voice without its separate consent', { separateConsent: { ...terms().separateConsent, voice: false } }, 'document_invalid'],
    ['video without the face', { capabilities: { ...terms().capabilities, video: true } }, 'document_invalid'],
    ['consent without a statement', { separateConsent: { ...terms().separateConsent, statement: ' ' } }, 'document_invalid'],
    ['without any tier or age', { tiers: [], ageBands: [] }, 'accepted'],
    ['chat without the persona', { capabilities: { ...terms().capabilities, chat: true } }, 'document_invalid'],
    ['training without its consent', { separateConsent: { ...terms().separateConsent, training: false } }, 'document_invalid'],
    ['signed by an agent without a paper', { signer: { role: 'authorised_representative', authorityDocumentSha256: null } }, 'document_invalid'],
    ['signed by an agent with a paper', { signer: { role: 'authorised_representative', authorityDocumentSha256: 'a'.repeat(64) } }, 'accepted'],
    ['read in a language that nobody showed', { languageRead: 'fr' }, 'document_invalid'],
    ['under the law of nowhere', { governingLaw: 'XX' }, 'country_unknown'],
    ['without any medium', { media: [] }, 'document_invalid'],
    ['with a cap twice', { volumeCaps: [1, 2].map((outputs) => ({ capability: 'any', window: 'day', outputs, seconds: null })) }, 'document_invalid'],
    ['with a phrase of signs only', { forbiddenPhrases: ['?!'] }, 'document_invalid'],
    ['for after death without a holder', { postMortem: { allowed: true, until: '2030-01-01T00:00:00Z', holder: null, registerNotice: null } }, 'document_invalid'],
    ['a minor\'s', minor(), 'accepted'],
    ['a minor\'s without a court', minor({ courtApproval: null }), 'document_invalid'],
    ['a minor\'s without a guardian', minor({ signer: { role: 'self', authorityDocumentSha256: null } }), 'document_invalid'],
    ['a minor\'s for more than five years', minor({ validUntil: '2031-01-01T00:00:00.001Z' }), 'grant_term_invalid'],
    ['a minor\'s past the 18th birthday', minor({ validUntil: '2030-03-01T00:00:00Z' }, '2012-02-28'), 'grant_term_invalid'],
    ['a minor\'s up to the 18th birthday', minor({ validUntil: '2030-02-28T00:00:00Z' }, '2012-02-28'), 'accepted'],
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
    const { rendering } = grant();
    const second = amendmentDocument({ ...first, rendering }, 'digest', terms({ languages: ['zh-CN'] }));
    expect(second).toEqual({ ...first, type: 'benren.amendment', version: 2, supersedes: 'digest', languages: ['zh-CN'] });
    expect(amendmentDocument({ ...second, rendering }, 'digest2', terms()).version).toBe(3);
  });
});

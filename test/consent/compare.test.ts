import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { compareGrants, decideWith, type GrantTerms, readGrant } from '../../src/consent/model.ts';
import { anyFacts, anyRequest, anyTerms, grant, state, terms } from './samples.ts';

/** A second grant near the first: one member of it replaced. */
const pair = fc.tuple(anyTerms, anyTerms, fc.subarray(Object.keys(terms()) as (keyof GrantTerms)[], { minLength: 1, maxLength: 3 }))
  .map(([before, other, members]) => [before, { ...before, ...Object.fromEntries(members.map((member) => [member, other[member]])) }] as const);

describe('comparing two grants', () => {
  it('is sound for decide: narrower allows nothing new, wider forbids nothing new, same changes nothing', () => {
    const seen = { same: 0, narrower: 0, wider: 0, mixed: 0, told: 0 };
    fc.assert(fc.property(pair, fc.array(fc.tuple(anyRequest, anyFacts), { minLength: 20, maxLength: 20 }), ([before, after], requests) => {
      const change = compareGrants(before, after);
      seen[change] += 1;
      const [old, now] = [{ ...grant(), ...before }, { ...grant(), ...after }];
      const [readOld, readNow] = [readGrant(old), readGrant(now)];
      for (const [request, facts] of requests) {
        const was = decideWith(readOld, state(old, facts), request).allowed;
        const is = decideWith(readNow, state(now, facts), request).allowed;
        if (was !== is) seen.told += 1;
        if (change === 'narrower' || change === 'same') expect(is && !was).toBe(false);
        if (change === 'wider' || change === 'same') expect(was && !is).toBe(false);
      }
    }), { numRuns: 1_000, seed: 11 });
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  });

  it('turns round with its arguments', () => {
    const other = { same: 'same', narrower: 'wider', wider: 'narrower', mixed: 'mixed' } as const;
    fc.assert(fc.property(pair, ([a, b]) => {
      expect(compareGrants(b, a)).toBe(other[compareGrants(a, b)]);
    }));
  });

  it.each<[string, Partial<GrantTerms>, string]>([
    ['nothing', {}, 'same'],
    ['the order of a list', { languages: ['en', 'zh-CN'] }, 'same'],
    ['a language less', { languages: ['zh-CN'] }, 'narrower'],
    ['a territory more', { territories: ['CN', 'SG', 'DE'] }, 'wider'],
    ['one territory for another', { territories: ['CN', 'DE'] }, 'mixed'],
    ['a capability more', { capabilities: { ...terms().capabilities, chat: true } }, 'wider'],
    ['a shorter term', { validUntil: '2026-12-01T00:00:00.000Z' }, 'narrower'],
    ['an earlier start', { validFrom: '2025-12-01T00:00:00.000Z' }, 'wider'],
    ['no forbidden topic any more', { forbiddenTopics: [] }, 'wider'],
    ['a forbidden word in the other script', { forbiddenTopics: [
      { name: 'games', words: { zh: ['赌博', '博彩'], en: ['Bet', 'gambling'] } }, { name: 'politics', words: { zh: ['選舉'], en: ['election'] } },
    ] }, 'same'],
    ['a forbidden word more', { forbiddenTopics: [...terms().forbiddenTopics, { name: 'health', words: { zh: ['药'], en: [] } }] }, 'narrower'],
    ['a purpose in other words', { purposes: [{ name: 'fan_message', intendedUses: 'Something else, described at length.', works: [] }] }, 'mixed'],
    ['consent for the face', { separateConsent: { ...terms().separateConsent, face: true } }, 'wider'],
    ['a cap', { volumeCaps: [{ capability: 'any', window: 'day', outputs: 5, seconds: null }] }, 'narrower'],
    ['approval of each output', { outputApproval: { mode: 'before', undoHours: 0 } }, 'narrower'],
    ['a greater share', { compensation: { ...terms().compensation, rateBasisPoints: 5_000 } }, 'narrower'],
    ['adult content', { adultContent: true }, 'wider'],
    ['models kept after the end', { training: { ...terms().training, deleteOnEnd: false } }, 'wider'],
    ['another home', { subject: { ...terms().subject, domicile: 'SG' } }, 'mixed'],
    // Less information leaves her home, and yet mainland China is lost: sensitive information asks for its own consent.
    ['consent for sensitive information taken back', { separateConsent: { ...terms().separateConsent, sensitivePersonalInformation: false } }, 'narrower'],
    ['a disclosure that says nothing of AI', { disclosureText: 'Enjoy this message.' }, 'mixed'],
  ])('%s', (_, changes, change) => expect(compareGrants(terms(), terms(changes))).toBe(change));
});

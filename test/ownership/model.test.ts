import { describe, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import { findLine } from '../../src/ownership/kinds/domain.ts';
import { ACTING_KINDS, SUBJECT_KINDS } from '../../src/ownership/levels.ts';
import { checkAppealable, claimDocument, isProvenAt, moved, PROOF_STATES, readClaim, stateAt, weighReview } from '../../src/ownership/model.ts';
import { challengeSentence } from '../../src/ownership/sentence.ts';

const MOVES = ['submit', 'approve', 'reject', 'appeal', 'expire', 'withdraw'] as const;

describe('the states of a proof', () => {
  it('move in these six ways and no other', () => {
    const possible = PROOF_STATES.flatMap((state) => MOVES.flatMap((move) => {
      try {
        return [`${state} ${move} ${moved(state, move)}`];
      } catch {
        return [];
      }
    }));
    expect(possible).toEqual([
      'open submit submitted', 'submitted approve approved', 'submitted reject rejected', 'approved expire expired',
      'approved withdraw withdrawn', 'rejected appeal submitted',
    ]);
  });

  it('an approval holds from its instant until, and not at, its end', () => {
    const approvedAt = new Date('2026-01-01T00:00:00Z');
    const expiresAt = new Date('2027-01-01T00:00:00Z');
    const proof = { state: 'approved', approvedAt, expiresAt } as const;
    expect(isProvenAt(proof, approvedAt)).toBe(true);
    expect(isProvenAt(proof, new Date(approvedAt.getTime() - 1))).toBe(false);
    expect(isProvenAt(proof, new Date(expiresAt.getTime() - 1))).toBe(true);
    expect(isProvenAt(proof, expiresAt)).toBe(false);
    expect(stateAt(proof, expiresAt)).toBe('expired');
    expect(isProvenAt({ ...proof, expiresAt: null }, approvedAt)).toBe(false);
    for (const state of PROOF_STATES.filter((one) => one !== 'approved')) {
      expect(isProvenAt({ ...proof, state }, approvedAt)).toBe(false);
    }
  });
});

describe('reviews', () => {
  const proof = { accountId: 'owner', state: 'submitted', round: 1 } as const;
  const approve = (reviewerId: string, round = 1) => ({ reviewerId, verdict: 'approve', round } as const);
  const reject = (reviewerId: string, round = 1) => ({ reviewerId, verdict: 'reject', round } as const);

  it('two approvals approve, one rejection rejects', () => {
    expect(weighReview(proof, [], approve('a'))).toBe(null);
    expect(weighReview(proof, [approve('a')], approve('b'))).toBe('approved');
    expect(weighReview(proof, [], reject('a'))).toBe('rejected');
    expect(weighReview(proof, [approve('a')], reject('b'))).toBe('rejected');
  });

  it('on appeal two who did not decide before must agree either way', () => {
    const appealed = { ...proof, round: 2 };
    const before = [approve('a'), reject('b')];
    expect(weighReview(appealed, before, approve('c'))).toBe(null);
    expect(weighReview(appealed, before, reject('c'))).toBe(null);
    expect(weighReview(appealed, [...before, approve('c', 2)], approve('d'))).toBe('approved');
    expect(weighReview(appealed, [...before, reject('c', 2)], reject('d'))).toBe('rejected');
    expect(weighReview(appealed, [...before, reject('c', 2)], approve('d'))).toBe(null);
    expect(weighReview(appealed, [...before, reject('c', 2), approve('d', 2)], approve('e'))).toBe('approved');
    for (const decider of ['a', 'b']) expect(() => weighReview(appealed, before, approve(decider))).toThrow(expect.objectContaining({ code: 'review_repeated' }));
  });

  it('an appeal is made once and in time', () => {
    const at = new Date('2026-03-01T00:00:00Z');
    const rejected = { state: 'rejected', round: 1 } as const;
    const state = expect.objectContaining({ code: 'proof_state' }) as Error;
    expect(() => checkAppealable(rejected, at, new Date('2026-03-30T23:59:59Z'), 30)).not.toThrow();
    expect(() => checkAppealable(rejected, at, new Date('2026-03-31T00:00:00Z'), 30)).toThrow(state);
    expect(() => checkAppealable({ ...rejected, round: 2 }, at, at, 30)).toThrow(state);
    for (const other of PROOF_STATES.filter((one) => one !== 'rejected')) expect(() => checkAppealable({ ...rejected, state: other }, at, at, 30)).toThrow(state);
  });

  it('refuse the submitter, the same person twice, and a proof that is not waiting', () => {
    expect(() => weighReview(proof, [], approve('owner'))).toThrow(expect.objectContaining({ code: 'review_self' }));
    expect(() => weighReview(proof, [approve('a')], approve('a'))).toThrow(expect.objectContaining({ code: 'review_repeated' }));
    for (const state of PROOF_STATES.filter((one) => one !== 'submitted')) {
      expect(() => weighReview({ ...proof, state }, [], approve('a'))).toThrow(expect.objectContaining({ code: 'proof_state' }));
    }
  });
});

describe('the claim', () => {
  const now = new Date('2026-03-01T00:00:00Z');
  const expected = { accountId: 'acc_1', subjectName: 'Lin Ya · 林雅', now };
  const claim = claimDocument({ ...expected, handle: 'lin-ya', locale: 'en', at: now });

  it('is read back as it was drafted, in either language, of oneself or for another', () => {
    for (const locale of ['en', 'zh-CN'] as const) {
      for (const subjectKind of SUBJECT_KINDS) {
        const acting = ACTING_KINDS.includes(subjectKind);
        const drafted = claimDocument({
          ...expected, handle: 'lin-ya', locale, at: now, subjectKind, ...(acting ? { claimantName: 'Chen Mo' } : {}), renews: 'own_1',
        });
        expect(readClaim({ ...drafted }, expected)).toEqual({
          subjectName: drafted.subjectName, subjectKind, claimantName: acting ? 'Chen Mo' : null, renews: 'own_1', handle: 'lin-ya', statement: drafted.statement,
        });
        if (acting) expect(drafted.statement).toContain('Chen Mo');
      }
    }
  });

  it('of before, which named no kind, is a private person\'s', () => {
    const old = Object.fromEntries(Object.entries(claim).filter(([name]) => name !== 'subjectKind'));
    expect(readClaim(old, expected)).toMatchObject({ subjectKind: 'private_person', claimantName: null });
  });

  it('names who claims exactly when somebody acts for another', () => {
    const draft = (change: object) => () => claimDocument({ ...expected, handle: 'lin-ya', locale: 'en', at: now, ...change });
    expect(draft({ subjectKind: 'heir' })).toThrow(expect.objectContaining({ code: 'request_invalid' }));
    expect(draft({ subjectKind: 'public_figure', claimantName: 'Chen Mo' })).toThrow(expect.objectContaining({ code: 'request_invalid' }));
  });

  it.each([
    ['another account', { accountId: 'acc_2' }],
    ['another name', { subjectName: 'Wang Fei' }],
    ['words that are not ours', { statement: 'I am a friend of hers.' }],
    ['another day', { at: '2026-02-27T23:59:59.000Z' }],
    ['a day to come', { at: '2026-03-02T00:00:01.000Z' }],
    ['no day at all', { at: 'soon' }],
    ['another type', { type: 'benren.grant' }],
    ['a kind whose words these are not', { subjectKind: 'heir', claimantName: 'Chen Mo' }],
    ['a kind that is unknown', { subjectKind: 'friend' }],
    ['a kind that is no text', { subjectKind: ['heir'] }],
    ['a claimant beside oneself', { claimantName: 'Chen Mo' }],
  ])('is refused with %s', (_what, change) => {
    expect(() => readClaim({ ...claim, ...change }, expected)).toThrow(expect.objectContaining({ code: 'signature_mismatch' }));
  });
});

describe('the sentence to read', () => {
  const random = seededRandom('sentences');
  const make = (language: 'en' | 'zh-CN') => Array.from({ length: 500 }, () => challengeSentence(language, random));

  it('has at least 12 words in English and 20 characters in Mandarin, each slot filled', () => {
    for (const sentence of make('en')) {
      expect(sentence.split(' ').length).toBeGreaterThanOrEqual(12);
      expect(sentence).toMatch(/^[A-Za-z ,]+\.$/);
      expect(sentence).not.toMatch(/ {2}| ,/);
    }
    for (const sentence of make('zh-CN')) {
      expect(sentence).toMatch(/^[\p{Script=Han},]+。$/u);
      expect(Array.from(sentence.replace(/\P{Script=Han}/gu, '')).length).toBeGreaterThanOrEqual(20);
    }
  });

  it('is another one each time', () => {
    for (const language of ['en', 'zh-CN'] as const) expect(new Set(make(language)).size).toBe(500);
  });
});

describe('the line on the site', () => {
  const line = 'benren-ownership=token';

  it('is found alone on a line, whatever the line ends are', () => {
    expect(findLine(`hello\r\n${line}\r\nbye`, line)).toBe(2);
    expect(findLine(`\uFEFF${line}`, line)).toBe(1);
    expect(findLine(`a\n\n${line}\n`, line)).toBe(3);
  });

  it.each([`${line}x`, ` ${line}`, `${line} `, `see ${line}`, line.toUpperCase(), line.slice(0, -1), ''])('is not %j', (text) => {
    expect(findLine(text, line)).toBeUndefined();
  });
});

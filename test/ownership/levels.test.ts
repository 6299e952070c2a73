import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { EVIDENCE_KINDS, type EvidenceKind, type Policy, policyProblems, reach, SHOWS, SUBJECT_KINDS } from '../../src/ownership/levels.ts';
import { approvalEnd, countsAt } from '../../src/ownership/model.ts';
import { loadPolicy, readPolicy } from '../../src/ownership/policy.ts';

const house = loadPolicy();
const text = readFileSync(new URL('../../src/ownership/policy.json', import.meta.url), 'utf8');
const changed = (change: (policy: Record<string, never>) => void): string => {
  const policy = JSON.parse(text) as Record<string, never>;
  change(policy);
  return JSON.stringify(policy);
};
type Loose = Record<string, Record<string, Record<string, unknown>>>;

describe('the house policy', () => {
  it('is one that the loader takes, and has a row for each kind of subject', () => {
    expect(policyProblems(house.policy)).toEqual([]);
    expect(Object.keys(house.policy.levels).sort()).toEqual([...SUBJECT_KINDS].sort());
    expect(house.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('keeps the way by a site and a voice for both who claim for themselves', () => {
    for (const subject of ['public_figure', 'private_person'] as const) {
      expect(reach(house.policy, subject, ['domain', 'voice_challenge']).set).toEqual(['domain', 'voice_challenge']);
    }
  });
});

describe('a policy that is refused at start', () => {
  it.each([
    ['lets an identity card alone suffice', (p: Loose) => { p['levels']!['private_person']!['anyOf'] = [['document']]; }, /anyOf/],
    ['lets papers alone suffice', (p: Loose) => { p['levels']!['private_person'] = { validDays: 1, leastStrength: 1, anyOf: [['document', 'representation']] }; }, /papers alone/],
    ['lets papers and authority papers suffice', (p: Loose) => { p['levels']!['heir'] = { validDays: 1, leastStrength: 1, anyOf: [['representation', 'document']] }; }, /papers alone/],
    ['lets an identity check and papers suffice', (p: Loose) => { p['levels']!['private_person'] = { validDays: 1, leastStrength: 1, anyOf: [['identity_provider', 'document']] }; }, /papers alone/],
    ['lets an identity check alone suffice', (p: Loose) => { p['levels']!['private_person']!['anyOf'] = [['identity_provider']]; }, /anyOf/],
    ['looks again for an identity check', (p: Loose) => { p['evidence']!['identity_provider']!['recheck'] = { everyDays: 1, graceDays: 1 }; }, /nothing to look for/],
    ['lets an agent act without authority', (p: Loose) => { p['levels']!['representative'] = { validDays: 1, leastStrength: 1, anyOf: [['domain', 'vouching']] }; }, /authority/],
    ['asks for more strength than a set has', (p: Loose) => { p['levels']!['public_figure']!['leastStrength'] = 7; }, /strength 5 of 7/],
    ['names evidence that is not accepted', (p: Loose) => { delete p['evidence']!['domain']; }, /no such evidence: domain/],
    ['names evidence that nobody knows', (p: Loose) => { p['levels']!['public_figure']!['anyOf'] = [['domain', 'rumour']]; }, /no such evidence: rumour/],
    ['looks again for a video', (p: Loose) => { p['evidence']!['video_challenge']!['recheck'] = { everyDays: 1, graceDays: 1 }; }, /nothing to look for/],
    ['looks again for a voice', (p: Loose) => { p['evidence']!['voice_challenge']!['recheck'] = { everyDays: 1, graceDays: 1 }; }, /nothing to look for/],
    ['has a member that nobody reads', (p: Loose) => { p['shortcuts'] = {}; }, /additional/],
    ['has a subject that nobody knows', (p: Loose) => { p['levels']!['friend'] = { validDays: 1, leastStrength: 1, anyOf: [['domain', 'vouching']] }; }, /levels/],
    ['has no version', (p: Loose) => { delete p['schemaVersion']; }, /schemaVersion/],
  ])('%s', (_what, change, message) => {
    expect(() => readPolicy(changed(change as never))).toThrow(message);
  });

  it('is no JSON at all', () => expect(() => readPolicy('{')).toThrow());
});

describe('what reaches a level', () => {
  const kinds = fc.uniqueArray(fc.constantFrom(...EVIDENCE_KINDS));

  it('is exactly a set that the policy names, whole; less never reaches more', () => {
    fc.assert(fc.property(fc.constantFrom(...SUBJECT_KINDS), kinds, fc.constantFrom(...EVIDENCE_KINDS), (subject, have, dropped) => {
      const reached = (counting: EvidenceKind[]): boolean => {
        try {
          reach(house.policy, subject, counting);
          return true;
        } catch (error) {
          expect(error).toMatchObject({ code: 'proof_incomplete' });
          return false;
        }
      };
      const slow = house.policy.levels[subject]!.anyOf.some((set) => set.every((kind) => have.includes(kind)));
      expect(reached(have)).toBe(slow);
      if (reached(have.filter((kind) => kind !== dropped))) expect(reached(have)).toBe(true);
      if (have.every((kind) => SHOWS[kind] === 'papers')) expect(reached(have)).toBe(false);
    }));
  });

  it('says what is missing of the nearest set, and refuses a subject without a row', () => {
    expect(() => reach(house.policy, 'private_person', ['document', 'vouching'])).toThrow(expect.objectContaining({
      code: 'proof_incomplete', extra: expect.objectContaining({ missing: ['voice_challenge'] }) as object,
    }));
    const levels = Object.fromEntries(Object.entries(house.policy.levels).filter(([subject]) => subject !== 'heir'));
    const without: Policy = { ...house.policy, levels };
    expect(() => reach(without, 'heir', [...EVIDENCE_KINDS])).toThrow(expect.objectContaining({ code: 'proof_incomplete' }));
  });
});

describe('time', () => {
  const at = new Date('2026-03-01T00:00:00Z');
  const item = (kind: EvidenceKind, validUntil: string, state: 'passed' | 'superseded' = 'passed') => ({ kind, state, validUntil: new Date(validUntil) });

  it('evidence counts until, and not at, its end, and only while it is the current one', () => {
    const one = item('domain', '2026-03-01T00:00:00.001Z');
    expect(countsAt(one, at)).toBe(true);
    expect(countsAt(one, one.validUntil)).toBe(false);
    expect(countsAt({ ...one, state: 'superseded' }, at)).toBe(false);
    expect(countsAt({ state: 'pending', validUntil: null }, at)).toBe(false);
  });

  it('an approval ends with the first evidence that it rests on, and no later than its level', () => {
    const reached = { set: ['domain', 'voice_challenge'] as const, validDays: 10 };
    const all = [item('domain', '2026-03-05T00:00:00Z'), item('voice_challenge', '2026-04-01T00:00:00Z'), item('document', '2026-03-02T00:00:00Z')];
    expect(approvalEnd(at, reached, all)).toEqual(new Date('2026-03-05T00:00:00Z'));
    expect(approvalEnd(at, reached, [item('domain', '2027-03-05T00:00:00Z'), ...all.slice(1)])).toEqual(new Date('2026-03-11T00:00:00Z'));
  });
});

import { describe, expect, it } from 'vitest';

import { decide } from '../../src/consent/index.ts';
import type { Answer, DecisionRequest } from '../../src/consent/decision.ts';
import { Checksum, compareWith, decideAllPairs, prepare, referenceAllPairs } from '../bench/decide.ts';
import { makeData } from '../bench/decide-data.ts';
import { casbinPeer, cedarPeer, makeFacts } from '../bench/peers.ts';
import { referenceDecide } from './reference-decide.ts';

const SEED = 'agreement 1';
const data = makeData(SEED, 60, 400);
const prepared = prepare(data);

/** The interpreter reads the grant; no state here holds a licence, so an organisation has none. */
function withoutLicence(answer: Answer, { licensee }: DecisionRequest): Answer {
  return licensee === 'platform' ? answer : { allowed: false, clauses: [...(answer.allowed ? [] : answer.clauses), 'licence.none'] };
}

describe(`60 grants and 400 requests of the seed “${SEED}”`, () => {
  it('are decided as a slow interpreter of the contract does, clause by clause', () => {
    for (const [at, request] of data.requests.entries()) {
      const state = data.states[at % data.states.length]!;
      const [ours, theirs] = [decide(state, request), withoutLicence(referenceDecide(state, request), request)];
      expect({ ...ours, clauses: [...ours.clauses].sort() }, `request ${at}`).toEqual({ ...theirs, clauses: [...theirs.clauses].sort() });
      expect(new Set(ours.clauses).size, `request ${at} names each clause once`).toBe(ours.clauses.length);
    }
  });

  it('all pairs: the same checksum, about half of them allowed', () => {
    const [ours, theirs] = [decideAllPairs(prepared, data), referenceAllPairs(data)];
    expect(ours.text).toBe(theirs.text);
    expect(ours.allowed / (60 * 400)).toBeGreaterThan(0.35);
    expect(ours.allowed / (60 * 400)).toBeLessThan(0.65);
  });

  it('Cedar and casbin say the same yes and no', async () => {
    const facts = makeFacts(data.states, data.requests);
    expect(compareWith(cedarPeer(facts), prepared, data, 1_200).differ).toBe(0);
    expect(compareWith(await casbinPeer(facts), prepared, data, 1_200).differ).toBe(0);
  });

  it('the checksum tells answers apart: by yes and no, by clause, by turn', () => {
    const fold = (...answers: { allowed: boolean; clauses: string[] }[]): string => {
      const checksum = new Checksum();
      for (const answer of answers) checksum.fold(answer);
      return checksum.text;
    };
    const [yes, no, other] = [{ allowed: true, clauses: ['a'] }, { allowed: false, clauses: ['a'] }, { allowed: true, clauses: ['b'] }];
    expect(new Set([fold(yes), fold(no), fold(other), fold(yes, no), fold(no, yes), fold(yes, yes)]).size).toBe(6);
  });
});

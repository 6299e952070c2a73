import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { compareGrants, decide, decideAll, type DecisionState, decideWith, type GrantTerms, readGrant } from '../../src/consent/model.ts';
import { anyFacts, anyRequest, anyTerms, grant, request, state, terms } from './samples.ts';
import { type Witness, WITNESSES } from './witnesses.ts';

/** Printed with every failure by fast-check, which replays it. */
const SEED = 20_261_125;
const runs = (numRuns: number) => ({ numRuns, seed: SEED });

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

/** Every leaf of a schema by its path; lists of objects are looked into. */
function leaves(schema: Schema, path = ''): string[] {
  const inner = schema.properties ?? schema.items?.properties ?? schema.anyOf?.find((one) => one.properties !== undefined)?.properties;
  if (inner === undefined) return [path];
  return Object.entries(inner).flatMap(([name, member]) => leaves(member, path === '' ? name : `${path}.${name}`));
}

function changed(document: unknown, [name = '', ...rest]: readonly string[], value: unknown): unknown {
  if (Array.isArray(document)) return document.map((item, at) => (at === 0 ? changed(item, [name, ...rest], value) : item as unknown));
  const members = document as Record<string, unknown>;
  if (rest.length > 0) return { ...members, [name]: changed(members[name], rest, value) };
  if (value !== undefined) return { ...members, [name]: value };
  return Object.fromEntries(Object.entries(members).filter(([member]) => member !== name));
}

function answer(document: unknown, witness: Witness): boolean {
  const facts: DecisionState = state(document, witness.state);
  const status = witness.status ?? 'signed';
  return decide({ ...facts, grant: facts.grant === null ? null : { ...facts.grant, status } }, request(witness.request)).allowed;
}

describe('a field that changes nothing would be a lie', () => {
  const schemas = ['grant', 'amendment'].map((name) =>
    JSON.parse(readFileSync(new URL(`../../contracts/rights/${name}.schema.json`, import.meta.url), 'utf8')) as Schema);
  const fields = [...new Set(schemas.flatMap((schema) => leaves(schema)))];

  it.each(fields)('%s', (field) => {
    const witness = WITNESSES[field];
    if (witness === undefined) throw new Error(`No decision is known that ${field} changes.`);
    const base = { ...grant(), ...witness.base };
    expect(answer(changed(base, field.split('.'), witness.value), witness)).not.toBe(answer(base, witness));
  });

  it('and no witness stands for a field that is not there', () => {
    expect(Object.keys(WITNESSES).filter((name) => !fields.includes(name))).toEqual([]);
  });
});

/** Taking any one member out of any list, or any yes out of the flags that give something. */
function fewer(given: GrantTerms, at: number): GrantTerms {
  const lists = ['media', 'languages', 'territories', 'audiences', 'ageBands', 'tiers', 'purposes', 'endorsementCategories'] as const;
  const flags = ['adultContent', 'politicalContent', 'sublicence', 'survivalOfExistingWorks'] as const;
  const places = [
    ...lists.flatMap((list) => given[list].map((_, index) => ({ ...given, [list]: (given[list] as unknown[]).filter((_item, place) => place !== index) }))),
    ...flags.filter((name) => given[name]).map((name) => ({ ...given, [name]: false })),
    ...Object.keys(given.capabilities).map((name) => ({ ...given, capabilities: { ...given.capabilities, [name]: false } })),
    ...(['voice', 'face', 'persona', 'training', 'sensitivePersonalInformation', 'crossBorder'] as const)
      .map((name) => ({ ...given, separateConsent: { ...given.separateConsent, [name]: false } })),
    ...given.training.sources.map((source) => ({ ...given, training: { ...given.training, sources: given.training.sources.filter((one) => one !== source) } })),
  ];
  return places[at % places.length] ?? given;
}

const anyCase = fc.tuple(anyTerms, fc.array(fc.tuple(anyRequest, anyFacts), { minLength: 12, maxLength: 12 }));
const allowedBy = (given: GrantTerms, cases: [ReturnType<typeof request>, Partial<DecisionState>][]): boolean[] => {
  const document = { ...grant(), ...given };
  const ready = readGrant(document);
  return cases.map(([asked, facts]) => decideWith(ready, state(document, facts), asked).allowed);
};

describe('properties of decide', () => {
  it('default deny: what is taken out of a grant never allows more', () => {
    fc.assert(fc.property(anyCase, fc.nat(200), ([given, cases], at) => {
      const [before, after] = [allowedBy(given, cases), allowedBy(fewer(given, at), cases)];
      expect(after.some((allowed, index) => allowed && before[index] !== true)).toBe(false);
    }), runs(300));
  });

  it('default deny: nor does another cap, another forbidden phrase, or a greater share', () => {
    fc.assert(fc.property(anyCase, ([given, cases]) => {
      const before = allowedBy(given, cases);
      for (const stricter of [
        { volumeCaps: [...given.volumeCaps, { capability: 'any' as const, window: 'day' as const, outputs: 4, seconds: 25 }] },
        { forbiddenPhrases: [...given.forbiddenPhrases, 'good'] },
        { compensation: { ...given.compensation, rateBasisPoints: 10_000 } },
        { outputApproval: { mode: 'before' as const, undoHours: 0 } },
      ]) expect(allowedBy({ ...given, ...stricter }, cases).some((allowed, index) => allowed && before[index] !== true)).toBe(false);
    }), runs(100));
  });

  it('two grants: the narrower wins, whatever the order', () => {
    fc.assert(fc.property(anyTerms, anyTerms, fc.array(fc.tuple(anyRequest, anyFacts), { minLength: 5, maxLength: 5 }), (one, other, cases) => {
      for (const [asked, facts] of cases) {
        const [a, b] = [state({ ...grant(), ...one }, facts), state({ ...grant(), ...other }, facts)];
        const both = decideAll([a, b], asked);
        expect(both.allowed).toBe(decide(a, asked).allowed && decide(b, asked).allowed);
        expect(decideAll([b, a], asked).allowed).toBe(both.allowed);
        expect(both.clauses.length).toBeGreaterThan(0);
      }
    }), runs(60));
    expect(decideAll([], request())).toEqual({ allowed: false, clauses: ['grant.none'] });
  });

  it('a grant and its own narrowing: together they are the narrowing', () => {
    fc.assert(fc.property(anyCase, fc.nat(200), ([given, cases], at) => {
      const less = fewer(given, at);
      fc.pre(['narrower', 'same'].includes(compareGrants(given, less)));
      for (const [asked, facts] of cases.slice(0, 3)) {
        const states = [given, less].map((found) => state({ ...grant(), ...found }, facts));
        expect(decideAll(states, asked).allowed).toBe(decide(states[1]!, asked).allowed);
      }
    }), runs(60));
  });
});

describe('edges of time', () => {
  const at = (text: string, by: number) => ({ at: new Date(Date.parse(text) + by) });
  it.each<[string, number, boolean, Partial<GrantTerms>, Partial<DecisionState>]>([
    ['2026-01-01T00:00:00.000Z', -1, false, {}, {}], ['2026-01-01T00:00:00.000Z', 0, true, {}, {}], ['2026-01-01T00:00:00.000Z', 1, true, {}, {}],
    ['2027-01-01T00:00:00.000Z', -1, true, {}, {}], ['2027-01-01T00:00:00.000Z', 0, false, {}, {}], ['2027-01-01T00:00:00.000Z', 1, false, {}, {}],
    // The proof, the wind-down, a death and the EU's duty to mark each begin or end at their instant.
    ['2026-05-01T00:00:00.000Z', -1, true, {}, { ownership: { proofId: 'p', state: 'approved', expiresAt: '2026-05-01T00:00:00.000Z' } }],
    ['2026-05-01T00:00:00.000Z', 0, false, {}, { ownership: { proofId: 'p', state: 'approved', expiresAt: '2026-05-01T00:00:00.000Z' } }],
    ['2026-05-31T00:00:00.000Z', -1, true, {}, { windDownSince: '2026-05-01T00:00:00.000Z' }],
    ['2026-05-31T00:00:00.000Z', 0, false, {}, { windDownSince: '2026-05-01T00:00:00.000Z' }],
    ['2026-05-01T00:00:00.000Z', -1, true, {}, { deceasedAt: '2026-05-01T00:00:00.000Z' }],
    ['2026-05-01T00:00:00.000Z', 0, false, {}, { deceasedAt: '2026-05-01T00:00:00.000Z' }],
  ])('%s %i ms: %s', (text, by, allowed, changes, facts) => {
    expect(decide(state({ ...grant(), ...terms(changes) }, facts), request(at(text, by))).allowed).toBe(allowed);
  });

  it('the EU asks for the layers of marking from 2 August 2026 on', () => {
    const german = { declaredCountry: 'DE', billingCountry: 'DE' };
    const facts = state({ ...grant(), territories: ['DE'] });
    expect(decide(facts, request({ ...german, ...at('2026-08-02T00:00:00.000Z', -1) })).allowed).toBe(true);
    expect(decide(facts, request({ ...german, ...at('2026-08-02T00:00:00.000Z', 0) })).clauses).toEqual(['legal.EU.marking.time_stamp', 'legal.EU.marking.watermark']);
    const marked = { ...facts, platform: { ...facts.platform, markingLayers: ['signed_metadata', 'time_stamp', 'watermark'] } };
    expect(decide(marked, request({ ...german, ...at('2026-08-02T00:00:00.000Z', 0) })).allowed).toBe(true);
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { explainReceipt } from '../../src/compose/explain.ts';
import { decide, legalReport, matrixOf, NO_FACTS, REGIMES, wordsOf } from '../../src/consent/model.ts';
import { codeOf } from '../ownership/world.ts';
import { grant, request, state, terms } from './samples.ts';
import { type ConsentWorld, openConsentWorld } from './world.ts';

const NOW = new Date('2026-11-25T00:00:00Z');
const FACTS = { markingLayers: ['signed_metadata'], mainlandChat: false };

describe('the legal report', () => {
  const of = (changes: Parameters<typeof terms>[0], at = NOW) => legalReport(terms(changes), FACTS, at);
  const missing = (regime: string, changes: Parameters<typeof terms>[0] = {}, at = NOW): string[] | undefined =>
    of(changes, at).regimes.find((one) => one.regime === regime)?.missing;

  it('passes what has everything, but for the marks that files do not carry yet', () => {
    const report = of({});
    expect(report.void).toEqual([]);
    expect(report.regimes.filter(({ passes }) => !passes)).toEqual([expect.objectContaining({ regime: 'EU', missing: ['marking.time_stamp', 'marking.watermark'] })]);
    expect(missing('EU', {}, new Date('2026-08-01T00:00:00Z'))).toEqual([]);
    expect(report.regimes.map(({ regime }) => regime)).toEqual([...REGIMES]);
  });

  it.each<[string, Parameters<typeof terms>[0], string, string[]]>([
    ['sensitive information', { separateConsent: { ...terms().separateConsent, sensitivePersonalInformation: false } }, 'CN', ['sensitive_information']],
    ['no way to withdraw', { withdrawal: { ...terms().withdrawal, method: null } }, 'CN', ['withdrawal_method']],
    ['chat', { capabilities: { ...terms().capabilities, chat: true } }, 'CN', ['chat']],
    ['no disclosure', { disclosureText: 'Hello there.' }, 'EU', ['disclosure_text', 'marking.time_stamp', 'marking.watermark']],
    ['no counsel', { representation: { kind: 'none', name: null, reference: null } }, 'US-CA', ['representation']],
    ['a union without its agreement', { representation: { kind: 'union', name: 'SAG', reference: null } }, 'US-NY', ['representation']],
    ['not initialled', { termsInitialled: false }, 'US-NY', ['terms_initialled']],
    ['no work named', { purposes: [{ ...terms().purposes[0]!, works: [] }] }, 'US-CA', ['works.fan_message']],
    ['an agent without a paper', { signer: { role: 'executor', authorityDocumentSha256: null } }, 'US-TN', ['authority']],
    ['eleven years', { validUntil: '2037-01-01T00:00:00Z' }, 'NO-FAKES', ['term']],
  ])('%s', (_, changes, regime, expected) => expect(missing(regime, changes)).toEqual(expected));

  it('and what fails denies its territories, or everything where it is the law at home', () => {
    const unadvised = { representation: { kind: 'none' as const, name: null, reference: null } };
    const ask = (changes: Parameters<typeof terms>[0], country: string): string[] =>
      decide(state({ ...grant(), ...terms({ territories: ['US', 'SG'], ...changes }) }), request({ declaredCountry: country, billingCountry: country })).clauses;
    expect(ask(unadvised, 'US')).toEqual(['legal.US-CA.representation', 'legal.US-NY.representation']);
    expect(ask(unadvised, 'SG')).toContain('territory.SG');
    const athome = { ...unadvised, subject: { ...terms().subject, domicile: 'US-CA' } };
    expect(ask(athome, 'SG')).toEqual(['legal.US-CA.representation']);
  });
});

describe('the matrix of a grant', () => {
  const cells = matrixOf(grant({ territories: ['CN', 'SG', 'JP', 'DE'] }), 'd'.repeat(64), FACTS, NOW);

  it('puts territories with the same answer together, and shows the law', () => {
    const voice = cells.filter(({ capability, dimension }) => capability === 'voice' && dimension === 'territory');
    expect(voice.filter(({ allowed }) => allowed).flatMap(({ values }) => values)).toEqual(['CN', 'SG', 'JP']);
    expect(voice.find(({ values }) => values.includes('DE'))?.clauses).toEqual(['legal.EU.marking.time_stamp', 'legal.EU.marking.watermark']);
    expect(voice.find(({ values }) => values.includes('US'))?.clauses).toEqual(['territory.US']);
    expect(cells.filter(({ capability, allowed }) => capability === 'video' && allowed)).toEqual([]);
  });

  it('is `decide` itself: every cell of ages says what a decision says', () => {
    for (const { values, allowed } of cells.filter(({ capability, dimension }) => capability === 'voice' && dimension === 'ageBand')) {
      for (const ageBand of values) expect(decide(state(grant()), request({ ageBand })).allowed).toBe(allowed);
    }
  });
});

describe('in words', () => {
  it('every clause of the rules has words of its own, in both languages', () => {
    const sources = ['decide', 'standing', 'prepare', 'prepare-request'].map((name) => readFileSync(new URL(`../../src/consent/${name}.ts`, import.meta.url), 'utf8'));
    const clauses = [...new Set(sources.flatMap((text) => [...text.matchAll(/['`]([a-z]+\.[a-zA-Z_.-]*(?:\$\{)?)/g)].map(([, clause = '']) => clause.replace('${', 'x'))))]
      .filter((clause) => !clause.endsWith('.ts') && !clause.startsWith('legal-'));
    expect(clauses.length).toBeGreaterThan(40);
    expect(clauses.filter((clause) => wordsOf(clause).en === clause)).toEqual([]);
    expect(clauses.filter((clause) => !/\p{Script=Han}/u.test(wordsOf(clause)['zh-CN']))).toEqual([]);
  });
});

describe('served', () => {
  let home: ConsentWorld;
  beforeAll(async () => {
    home = await openConsentWorld('outlook');
  });
  afterAll(async () => await home.close());

  it('an owner asks what a fan could have, and nothing is kept', async () => {
    const before = await home.world.database.asOwner('SELECT count(*)::int AS n FROM decision');
    const none = await home.consent.dryRunDecision(home.owner.actor, home.cloneId, {});
    expect([none.allowed, none.clauses.map(({ clause }) => clause)]).toEqual([false, ['gates.unreadable', 'grant.none']]);
    const { grantId } = await home.granted({ territories: ['CN', 'SG', 'DE'] });
    const german = await home.consent.dryRunDecision(home.owner.actor, home.cloneId, { country: 'US' });
    expect(german).toMatchObject({ allowed: false, asked: { capability: 'voice', country: 'US', tierName: 'friend' } });
    expect(german.clauses).toEqual([{ clause: 'territory.US', words: { 'zh-CN': '地区：US', en: 'territory US' } }]);
    expect((await home.consent.dryRunDecision(home.owner.actor, home.cloneId, { country: 'SG' })).allowed).toBe(true);
    expect((await home.consent.dryRunDecision(home.owner.actor, home.cloneId, { text: 'Let us bet.' })).clauses.map(({ clause }) => clause)).toEqual(['topic.gambling']);
    expect(await home.world.database.asOwner('SELECT count(*)::int AS n FROM decision')).toEqual(before);
    expect((await home.consent.getGrantMatrix(home.owner.actor, grantId)).cells.length).toBeGreaterThan(20);
    expect((await home.consent.getLegalReport(home.owner.actor, grantId)).regimes.find(({ regime }) => regime === 'CN')?.passes).toBe(true);
    expect(legalReport(terms(), NO_FACTS, NOW).void).toEqual([]);
  });

  it('says what may not be sold: what the law or the grant denies, and nothing that passes by itself', async () => {
    const sale = (country: string, at: string, tierName = 'friend'): Promise<string[]> =>
      home.world.database.runTx((tx) => home.consent.deniedSale(tx, { cloneId: home.cloneId, tierName, country, at: new Date(at) }));
    const [{ id } = { id: '' }] = await home.world.database.asOwner<{ id: string }>(`SELECT id FROM consent_grant LIMIT 1`);
    // No room is left under this cap, today.
    await home.amended(id, { volumeCaps: [{ capability: 'voice', window: 'day', outputs: 0, seconds: null }] });
    expect(await sale('SG', '2026-05-01T00:00:00Z')).toEqual([]);
    expect(await sale('DE', '2026-05-01T00:00:00Z')).toEqual([]);
    expect(await sale('DE', '2026-09-01T00:00:00Z')).toContain('legal.EU.marking.watermark');
    expect(await sale('US', '2026-05-01T00:00:00Z')).toEqual(['territory.US']);
    expect(await sale('SG', '2026-05-01T00:00:00Z', 'gold')).toEqual(['tier.gold']);
  });

  it('is nobody else\'s to see', async () => {
    const [{ id } = { id: '' }] = await home.world.database.asOwner<{ id: string }>(`SELECT id FROM consent_grant LIMIT 1`);
    expect(await codeOf(home.consent.dryRunDecision(home.fan.actor, home.cloneId, {}))).toBe('not_found');
    expect(await codeOf(home.consent.getGrantMatrix(home.fan.actor, id))).toBe('not_found');
    expect(await codeOf(home.consent.getLegalReport(home.fan.actor, id))).toBe('not_found');
  });

  it('a receipt is explained offline: the same answer again, in words', async () => {
    const { receipt, clauses } = await home.decide({ language: 'fr', requester: home.fan.actor.accountId });
    const bytes = Buffer.from(JSON.stringify(receipt));
    const { ok, lines } = explainReceipt(bytes, null);
    expect(ok).toBe(true);
    expect(lines[0]).toBe('拒绝 / denied');
    expect(lines[1]).toBe('  language.fr: 语言：fr / language fr');
    expect(lines.length).toBe(1 + clauses.length + 2);
    const stranger = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(explainReceipt(bytes, stranger).ok).toBe(false);
    const forged = { ...receipt, document: { ...receipt.document, answer: { allowed: true, clauses: ['language.fr'] } } };
    expect(explainReceipt(Buffer.from(JSON.stringify(forged)), null)).toMatchObject({ ok: false });
    expect(explainReceipt(Buffer.from('not json'), null).ok).toBe(false);
  });
});

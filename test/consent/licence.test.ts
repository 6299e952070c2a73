import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { termsOf } from '../../src/consent/draft.ts';
import { makeConsentJobs, replay } from '../../src/consent/index.ts';
import { contains, type LicenceDocument, overlap } from '../../src/consent/licence.ts';
import type { LicenceInput, LicenceView } from '../../src/consent/licences.ts';
import { decide, type DecisionRequest, type GrantTerms } from '../../src/consent/model.ts';
import { makeRunner } from '../../src/platform/jobs/index.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { codeOf, type Person, refusalOf } from '../ownership/world.ts';
import { anyRequest, anyTerms, grant, state, terms } from './samples.ts';
import { type ConsentWorld, openConsentWorld } from './world.ts';

const DAY_MS = 86_400_000;
const LICENSEE = 'acc_2123456789abcdefghjkmnpqrs';

function licence(inner: GrantTerms): LicenceDocument {
  const { grantId, cloneId, owner } = grant();
  return {
    type: 'benren.licence', schemaVersion: 1, licenceId: 'lic_1', cloneId, grantId, grantDigest: 'd'.repeat(64), owner,
    licensee: { accountId: LICENSEE, name: 'A game' }, exclusive: false, noticeDays: 30, terms: inner,
  };
}

const GATES = [...state().gates, { gateId: 'gat_4', kind: 'licence' as const, state: 'open' as const, epoch: '1' }];
const under = (outer: GrantTerms, inner: GrantTerms, changes: object = {}) => state(grant(outer), {
  gates: GATES, licence: { licenceId: 'lic_1', digest: 'e'.repeat(64), status: 'signed', document: licence(inner) }, ...changes,
});
const request = (asked: DecisionRequest): DecisionRequest => ({ ...asked, licensee: LICENSEE });

/** A grant's terms with some members taken from another: near enough to lie inside now and then. */
const aPair = fc.tuple(anyTerms, anyTerms, fc.array(fc.nat(40), { maxLength: 4 })).map(([outer, other, places]) => {
  const names = Object.keys(outer) as (keyof GrantTerms)[];
  const inner = { ...outer };
  for (const place of places) {
    const name = names[place % names.length] as 'tiers';
    inner[name] = other[name];
  }
  return { outer: { ...outer, sublicence: true }, inner };
});

describe('a licence and its grant', () => {
  it('whatever the licence allows, the grant allows', () => {
    let [inside, allowed] = [0, 0];
    fc.assert(fc.property(aPair, anyRequest, ({ outer, inner }, asked) => {
      const alone = decide(state(grant(inner)), asked).allowed;
      if (contains(outer, inner)) {
        inside += 1;
        if (alone) {
          allowed += 1;
          expect(decide(state(grant(outer)), asked).allowed).toBe(true);
        }
      }
    }), { numRuns: 1_000 });
    // The property speaks of something.
    expect(inside).toBeGreaterThan(50);
    expect(allowed).toBeGreaterThan(5);
  });

  it('the narrower of two that contradict each other wins, whichever it is', () => {
    let allowed = 0;
    fc.assert(fc.property(aPair, anyRequest, ({ outer, inner }, raw) => {
      const asked = request(raw);
      const together = decide(under(outer, inner), asked);
      const apart = [decide(state(grant(outer)), { ...asked, licensee: 'platform' }), decide(state(grant(inner)), { ...asked, licensee: 'platform' })];
      if (together.allowed) {
        allowed += 1;
        expect(apart.every((answer) => answer.allowed)).toBe(true);
      }
    }), { numRuns: 500 });
    expect(allowed).toBeGreaterThan(3);
  });

  it('is denied when it is missing, another\'s, not in force, without its gate, or no licence at all', () => {
    const outer = terms({ sublicence: true });
    const asked = request(anAllowed());
    expect(decide(under(outer, terms()), asked)).toMatchObject({ allowed: true });
    expect(decide(state(grant(outer)), asked).clauses).toContain('licence.none');
    expect(decide(under(outer, terms()), { ...asked, licensee: 'acc_other' }).clauses).toContain('licence.foreign');
    expect(decide(under(outer, terms()), { ...asked, licensee: 'platform' }).clauses).toContain('licence.foreign');
    expect(decide(under(outer, terms(), { gates: state().gates }), asked).clauses).toContain('gates.unreadable');
    expect(decide(under(terms({ sublicence: false }), terms()), asked).clauses).toContain('sublicence');
    for (const status of ['suspended', 'ended', 'expired', 'grant_ended']) {
      const now = under(outer, terms(), { licence: { licenceId: 'lic_1', digest: 'e'.repeat(64), status, document: licence(terms()) } });
      expect(decide(now, asked).clauses).toContain(`licence.${status}`);
    }
    for (const document of [null, {}, { type: 'benren.licence', schemaVersion: 1, terms: 7 }, 'x']) {
      expect(decide(under(outer, terms(), { licence: { licenceId: 'lic_1', digest: 'e', status: 'signed', document } }), asked).allowed).toBe(false);
    }
  });

  it('has the members of a grant\'s terms, word for word, in its schema', () => {
    interface Schema { properties: Record<string, Schema | undefined> }
    const read = (name: string): Schema => JSON.parse(readFileSync(new URL(`../../contracts/rights/${name}.schema.json`, import.meta.url), 'utf8')) as Schema;
    const [ofGrant, ofLicence] = [read('grant').properties, read('licence').properties['terms']?.properties ?? {}];
    for (const name of Object.keys(terms())) expect(ofLicence[name], name).toEqual(ofGrant[name]);
    expect(Object.keys(ofLicence).sort()).toEqual(Object.keys(terms()).sort());
  });

  it('overlaps with another where use, place and time meet', () => {
    expect(overlap(terms(), terms())).toBe(true);
    expect(overlap(terms({ territories: ['CN'] }), terms({ territories: ['SG'] }))).toBe(false);
    expect(overlap(terms({ validUntil: '2026-05-01T00:00:00.000Z' }), terms({ validFrom: '2026-05-01T00:00:00.000Z' }))).toBe(false);
  });
});

function anAllowed(): DecisionRequest {
  return {
    act: 'make', cloneId: grant().cloneId, capability: 'voice', medium: 'voice', language: 'en', audience: 'fan', requester: LICENSEE, licensee: 'platform',
    tierName: 'friend', declaredCountry: 'CN', billingCountry: 'CN', ageBand: 'adult', purpose: 'fan_message', work: null, source: null, text: 'Hello.',
    labels: { adult: false, political: false, endorsements: [] }, explicitLabel: true, seconds: 2, sale: null, at: new Date('2026-06-01T00:00:00Z'),
  };
}

let home: ConsentWorld;
let game: Person;
let publisher: Person;
let drain: () => Promise<void>;
let grantId = '';

const key = () => home.world.key();
const owner = () => home.owner;

beforeAll(async () => {
  home = await openConsentWorld('licence');
  [game, publisher] = [await home.world.register('A game'), await home.world.register('A publisher')];
  const { runTx } = home.world.database;
  const runner = makeRunner({ runTx, clock: home.world.clock, handlers: makeConsentJobs(home.consent), log: makeLog({ level: 'silent' }) });
  drain = async () => {
    while (await runner.runNext());
  };
});
afterAll(async () => await home.close());

/** Every case has a grant of its own, which allows licences. */
beforeEach(async () => {
  if (grantId !== '') await home.revoked(grantId);
  home.world.clock.advance(1_000);
  ({ grantId } = await home.granted({ sublicence: true }));
});

const drafted = (changes: Partial<LicenceInput> = {}) => home.consent.draftLicence(owner().actor, key(), grantId, {
  licenseeAccountId: game.actor.accountId, exclusive: false, noticeDays: 30, terms: { territories: ['CN'] }, ...changes,
});

async function sign(view: LicenceView, person: Person, document: unknown = view.document): Promise<LicenceView> {
  return await home.consent.signLicence(person.actor, key(), view.licenceId, await home.world.sign(person, 'licence', document));
}

async function licensed(changes: Partial<LicenceInput> = {}, who: Person = game): Promise<LicenceView> {
  home.world.clock.advance(1_000);
  const draft = await drafted({ licenseeAccountId: who.actor.accountId, ...changes });
  await sign(draft, owner());
  return await sign(draft, who);
}

const ask = (who: Person = game, changes: Partial<DecisionRequest> = {}) =>
  home.decide({ licensee: who.actor.accountId, requester: who.actor.accountId, ...changes });
const stateOf = async (view: LicenceView): Promise<string> => (await home.consent.getLicence(owner().actor, view.licenceId)).state;

describe('making a licence', () => {
  it('is signed by the owner, countersigned by the organisation, and decided with the grant under five gates', async () => {
    const draft = await drafted();
    expect(draft).toMatchObject({ state: 'draft', document: { grantId, terms: { territories: ['CN'] } } });
    expect(await codeOf(home.consent.getLicence(game.actor, draft.licenceId))).toBe('not_found');
    expect(await codeOf(sign(draft, game))).toBe('not_found');
    expect((await sign(draft, owner())).state).toBe('offered');
    expect((await ask()).clauses).toContain('licence.none');
    expect((await sign(draft, game)).state).toBe('in_force');
    const answer = await ask();
    expect(answer.allowed).toBe(true);
    expect(answer.gates.map(({ kind }) => kind)).toEqual(['platform', 'clone', 'capability', 'grant', 'licence']);
    const { document } = answer.receipt;
    expect([document.state.grant?.grantId, document.state.licence?.licenceId]).toEqual([grantId, draft.licenceId]);
    expect(replay(document).same).toBe(true);
    expect((await ask(game, { declaredCountry: 'SG', billingCountry: 'SG' })).clauses).toContain('territory.SG');
    expect((await home.decide({ declaredCountry: 'SG', billingCountry: 'SG' })).allowed).toBe(true);
    expect((await ask(publisher)).clauses).toContain('licence.none');
    expect((await home.consent.listLicences(game.actor)).licences.map(({ licenceId }) => licenceId)).toContain(draft.licenceId);
  });

  it.each<[string, Partial<GrantTerms>]>([
    ['territories', { territories: ['CN', 'JP'] }], ['languages', { languages: ['en', 'zh-CN', 'fr'] }], ['ageBands', { ageBands: ['adult', 'child'] }],
    ['tiers', { tiers: ['friend', 'gold'] }], ['validUntil', { validUntil: '2027-06-01T00:00:00.000Z' }],
    ['adultContent', { adultContent: true }], ['politicalContent', { politicalContent: true }], ['forbiddenTopics', { forbiddenTopics: [] }],
    ['forbiddenPhrases', { forbiddenPhrases: [] }], ['audiences', { audiences: ['fan', 'reviewer'] }], ['media', { media: ['voice', 'text', 'image'] }],
    ['endorsementCategories', { endorsementCategories: ['music', 'cars'] }],
    ['purposes', { purposes: [{ name: 'game_voice', intendedUses: 'The voice of one character in one named game.', works: ['A Game'] }] }],
  ])('refuses one that reaches beyond the grant in %s, and names it', async (member, wider) => {
    const refused = await refusalOf(drafted({ terms: wider }));
    expect([refused.code, (refused.extra['members'] as string[]).includes(member)]).toEqual(['licence_outside_grant', true]);
  });

  it('refuses a stranger, the owner herself, nobody, a grant that allows none, and a signature over another document', async () => {
    expect(await codeOf(home.consent.draftLicence(game.actor, key(), grantId, { licenseeAccountId: publisher.actor.accountId, exclusive: false, noticeDays: 0, terms: {} }))).toBe('not_found');
    expect(await codeOf(drafted({ licenseeAccountId: owner().actor.accountId }))).toBe('licence_state');
    expect(await codeOf(drafted({ licenseeAccountId: 'acc_nobody' }))).toBe('account_unknown');
    const draft = await drafted();
    expect(await codeOf(sign(draft, owner(), { ...draft.document, noticeDays: 1 }))).toBe('signature_mismatch');
    expect(await stateOf(draft)).toBe('draft');
    await home.amended(grantId, { sublicence: false });
    expect(await codeOf(drafted())).toBe('licence_outside_grant');
  });

  it('bears no other beside an exclusive one where they meet, and one for each organisation', async () => {
    await licensed({ exclusive: true });
    const beside = await drafted({ licenseeAccountId: publisher.actor.accountId });
    expect(await codeOf(sign(beside, owner()))).toBe('licence_conflict');
    expect(await codeOf(sign(await drafted(), owner()))).toBe('licence_conflict');
    expect((await licensed({ terms: { territories: ['SG'] } }, publisher)).state).toBe('in_force');
  });
});

describe('ending a licence', () => {
  it('runs out its notice and not a moment longer', async () => {
    const view = await licensed();
    const before = await ask();
    const noticed = await home.consent.endLicence(owner().actor, key(), view.licenceId, { kind: 'notice' });
    const endsAt = new Date(home.world.clock.now().getTime() + 30 * DAY_MS);
    expect(noticed).toMatchObject({ state: 'under_notice', noticeEndsAt: endsAt.toISOString() });
    const after = await ask();
    expect([after.allowed, after.expiresAt]).toEqual([true, endsAt]);
    expect(after.gates.at(-1)?.epoch).toBe((before.gates.at(-1)?.epoch ?? 0n) + 1n);
    home.world.clock.advance(30 * DAY_MS);
    expect((await ask()).clauses).toContain('licence.ended');
    await drain();
    await home.consent.endNoticed(view.licenceId);
    expect(await home.consent.getLicence(game.actor, view.licenceId)).toMatchObject({ state: 'ended', endKind: 'notice' });
    expect(await codeOf(home.consent.endLicence(owner().actor, key(), view.licenceId, { kind: 'notice' }))).toBe('licence_state');
  });

  it('ends at once for cause, when it is laid down, and with the grant', async () => {
    const forCause = await licensed();
    await home.consent.endLicence(owner().actor, key(), forCause.licenceId, { kind: 'cause', reason: 'They let it sell what she never agreed to.' });
    expect((await ask()).clauses).toEqual(expect.arrayContaining(['stop.stopped', 'licence.ended']));
    const laidDown = await licensed();
    expect(await home.consent.endLicence(game.actor, key(), laidDown.licenceId, { kind: 'notice' })).toMatchObject({ state: 'ended', endKind: 'laid_down' });
    const withGrant = await licensed();
    await home.revoked(grantId);
    expect(await stateOf(withGrant)).toBe('grant_ended');
    expect((await ask()).clauses).toEqual(expect.arrayContaining(['grant.revoked', 'licence.grant_ended']));
    ({ grantId } = await home.granted({ sublicence: true }));
    expect((await ask()).allowed).toBe(false);
  });
});

describe('amending a grant under which somebody is licensed', () => {
  const draft = (changes: Partial<GrantTerms>) => home.consent.draftAmendment(owner().actor, key(), grantId, changes);
  const signed = async (changes: Partial<GrantTerms>): Promise<string> => {
    const { document, digest } = await draft(changes);
    await home.consent.signAmendment(owner().actor, key(), grantId, await home.world.sign(owner(), 'amendment', document));
    return digest;
  };
  const inForce = async (): Promise<string> => (await home.consent.getGrant(owner().actor, grantId)).digest;
  const waiting = async () => (await home.consent.listAmendments(game.actor, grantId)).amendments;

  it('acts at once where it narrows, and suspends in the same moment what no longer lies inside', async () => {
    const view = await licensed({ terms: { territories: ['SG'] } });
    const elsewhere = await licensed({}, publisher);
    expect(await signed({ territories: ['CN'] })).toBe(await inForce());
    expect([await stateOf(view), await stateOf(elsewhere)]).toEqual(['suspended', 'in_force']);
    expect((await ask()).clauses).toEqual(expect.arrayContaining(['stop.paused', 'licence.suspended']));
    expect((await ask(publisher)).allowed).toBe(true);
  });

  it('waits for the licensee where it widens, acts with their signature, and takes a suspended licence up again', async () => {
    const view = await licensed({ terms: { territories: ['SG'] } });
    await signed({ territories: ['CN'] });
    const before = await inForce();
    const digest = await signed({ territories: ['CN', 'SG'] });
    expect(await inForce()).toBe(before);
    const [offer] = await waiting();
    expect(offer).toMatchObject({ digest, state: 'awaiting_countersignature', change: 'wider', signers: [owner().actor.accountId], missing: [game.actor.accountId] });
    expect(await codeOf(home.consent.listAmendments(publisher.actor, grantId))).toBe('not_found');
    const counter = async (person: Person) => home.consent.countersignAmendment(person.actor, key(), grantId, await home.world.sign(person, 'amendment', offer?.document));
    expect(await codeOf(counter(publisher))).toBe('not_found');
    expect(await codeOf(counter(owner()))).toBe('amendment_state');
    expect((await counter(game)).missing).toEqual([]);
    expect(await inForce()).toBe(digest);
    expect(await stateOf(view)).toBe('in_force');
    expect((await ask(game, { declaredCountry: 'SG', billingCountry: 'SG' })).allowed).toBe(true);
    expect(await waiting()).toEqual([]);
  });

  it('can be withdrawn by either before, is superseded by the next, and is refused then', async () => {
    await licensed();
    for (const who of [owner(), game]) {
      const digest = await signed({ territories: ['CN', 'SG', who === game ? 'JP' : 'KR'] });
      const offer = (await waiting()).find((one) => one.digest === digest);
      expect((await home.consent.withdrawAmendment(who.actor, key(), grantId, digest)).state).toBe('withdrawn');
      const late = home.consent.countersignAmendment(game.actor, key(), grantId, await home.world.sign(game, 'amendment', offer?.document));
      expect(await codeOf(late)).toBe('amendment_state');
    }
    const stale = await signed({ territories: ['CN', 'SG', 'TH'] });
    const offer = (await waiting()).find((one) => one.digest === stale);
    await signed({ languages: ['en'] });
    expect((await waiting()).find((one) => one.digest === stale)?.state).toBe('superseded');
    const late = home.consent.countersignAmendment(game.actor, key(), grantId, await home.world.sign(game, 'amendment', offer?.document));
    expect(await codeOf(late)).toBe('amendment_state');
  });

  it('is refused by PostgreSQL without the licensee\'s signature', async () => {
    await licensed();
    const { document, digest, version } = await draft({ territories: ['CN', 'SG', 'JP'] });
    const signature = await home.world.sign(owner(), 'amendment', document);
    const { insertSignature } = await import('../../src/consent/store.ts');
    const attack = home.world.database.runTx(async (tx) => {
      const { id } = await home.world.identity.completeSignature(tx, owner().actor, signature, { documentType: 'amendment' });
      await insertSignature(tx, { grantId, version, digest, signedDocumentId: id, at: home.world.clock.now() });
    });
    await expect(attack).rejects.toMatchObject({ driverError: { constraint: 'amendment_countersigned' } });
    expect(termsOf((await home.consent.getGrant(owner().actor, grantId)).document).territories).toEqual(['CN', 'SG']);
  });
});

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { consentReceipt, consentRecord, type RecordedHistory, recordId } from '../../src/exports/consent-record.ts';
import { grant, terms } from '../consent/samples.ts';
import { codeOf } from '../ownership/world.ts';
import { type ExportsWorld, openExportsWorld } from './world.ts';

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
const valid = ajv.compile(JSON.parse(readFileSync(new URL('../../contracts/exports/consent-record.schema.json', import.meta.url), 'utf8')) as object);

const version = (digest: string, signedAt: string, changes = {}) => ({
  document: grant(changes), terms: terms(changes), digest: digest.repeat(64), signedAt: new Date(signedAt), noticeSha256: 'c'.repeat(64),
});
const history = (changes: Partial<RecordedHistory> = {}): RecordedHistory => ({
  versions: [version('a', '2026-02-01T00:00:00Z')], revokedAt: null, service: { origin: 'https://benren.example' }, ...changes,
});
const states = (of: RecordedHistory, index: number, at: string) => consentRecord(of, index, new Date(at)).event.map(({ event_state }) => event_state.split('#')[1]);

describe('a consent record', () => {
  it('tells the life of a consent in the words of the vocabulary', () => {
    const two = history({ versions: [version('a', '2026-02-01T00:00:00Z'), version('b', '2026-03-01T00:00:00Z')] });
    expect(states(history(), 0, '2026-05-01T00:00:00Z')).toEqual(['ConsentGiven']);
    expect(states(two, 0, '2026-05-01T00:00:00Z')).toEqual(['ConsentGiven', 'ConsentWithdrawn']);
    expect(states(two, 1, '2026-05-01T00:00:00Z')).toEqual(['RenewedConsentGiven']);
    expect(states(history({ revokedAt: new Date('2026-04-01T00:00:00Z') }), 0, '2026-05-01T00:00:00Z')).toEqual(['ConsentGiven', 'ConsentWithdrawn']);
    expect(states(history(), 0, '2027-01-01T00:00:00.000Z')).toEqual(['ConsentGiven', 'ConsentExpired']);
    expect(states(history(), 0, '2026-12-31T23:59:59.999Z')).toEqual(['ConsentGiven']);
    // Whichever came first ended it.
    expect(states({ ...two, revokedAt: new Date('2026-04-01T00:00:00Z') }, 1, '2028-01-01T00:00:00Z')).toEqual(['RenewedConsentGiven', 'ConsentWithdrawn']);
  });

  it('has one id a version and notice, of the form of a random UUID, and the same each time', () => {
    const [first, second] = ['a', 'b'].map((digest) => consentRecord(history({ versions: [version(digest, '2026-02-01T00:00:00Z')] }), 0, new Date('2026-05-01T00:00:00Z')).header.record_id);
    expect(first).not.toBe(second);
    expect(recordId('x')).toBe(recordId('x'));
    expect(recordId('x')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('names only what was separately consented to, and says that it is biometric', () => {
    const kinds = (changes: object) => consentRecord(history({ versions: [version('a', '2026-02-01T00:00:00Z', changes)] }), 0, new Date('2026-05-01T00:00:00Z'))
      .processing.pii_information.map(({ pii_attribute_id, sensitive_pii_category }) => `${pii_attribute_id} ${sensitive_pii_category}`);
    expect(kinds({})).toEqual(['subject.legalName false', 'enrolment.voice true', 'voice.profile true']);
    expect(kinds({ separateConsent: { ...terms().separateConsent, voice: false, face: true } })).toEqual(['subject.legalName false', 'enrolment.face true']);
  });

  it('has the fields of the specification and no others', () => {
    const receipt = consentReceipt(consentRecord(history(), 0, new Date('2026-05-01T00:00:00Z')), new Date('2026-05-01T00:00:00Z'));
    expect(valid(receipt) ? [] : valid.errors).toEqual([]);
    expect(valid({ ...receipt, consent_record: { ...receipt.consent_record, event: [] } })).toBe(false);
  });
});

describe('of a grant that was signed, amended and revoked', () => {
  let own: ExportsWorld;
  beforeAll(async () => {
    own = await openExportsWorld('record', { contract: async (unshown) => Buffer.from(`%PDF ${unshown.version}`) });
  });
  afterAll(async () => await own.close());

  it('each version has its own receipt and agreement, for its owner alone', async () => {
    const { home, exports } = own;
    const { actor } = home.owner;
    const draft = await home.consent.draftGrant(actor, home.world.key(), home.cloneId, terms());
    expect(await codeOf(exports.getConsentReceipt(actor, draft.grantId))).toBe('grant_state');
    expect(await codeOf(exports.getGrantOdrl(actor, draft.grantId))).toBe('grant_state');
    const { grantId } = await home.granted();
    await home.amended(grantId, { tiers: ['friend'] });
    await home.revoked(grantId);
    const [first, last] = [await exports.getConsentReceipt(actor, grantId, 1), await exports.getConsentReceipt(actor, grantId)];
    for (const receipt of [first, last]) expect(valid(receipt) ? [] : valid.errors).toEqual([]);
    const signed = (await home.consent.getGrant(actor, grantId)).document;
    expect(last.consent_record.processing.privacy_notice.sha256).toBe(signed.rendering.sha256);
    expect(first.consent_record.header.record_id).not.toBe(last.consent_record.header.record_id);
    expect(last.consent_record.event.map(({ event_state }) => event_state.split('#')[1])).toEqual(['RenewedConsentGiven', 'ConsentWithdrawn']);
    expect(await exports.getGrantOdrl(actor, grantId)).toMatchObject({ uid: `urn:benren:grant:${grantId}:2`, conflict: 'prohibit' });
    expect(await exports.getGrantOdrl(actor, grantId, 1)).toMatchObject({ uid: `urn:benren:grant:${grantId}:1` });
    expect(await codeOf(exports.getGrantOdrl(actor, grantId, 3))).toBe('not_found');
    expect(await codeOf(exports.getConsentReceipt(home.fan.actor, grantId))).toBe('not_found');
    expect(await codeOf(exports.getGrantOdrl(home.fan.actor, grantId))).toBe('not_found');
  });
});

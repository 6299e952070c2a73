import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { decide } from '../../src/consent/index.ts';
import { sectionsOf, separateConsents } from '../../src/exports/contract-clauses.ts';
import { contractPdf, termsDigest } from '../../src/exports/contract-pdf.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { grant, request, state, terms } from '../consent/samples.ts';
import { codeOf } from '../ownership/world.ts';
import { type ExportsWorld, openExportsWorld } from './world.ts';

/** What a reader of the file sees, by a program that did not make it; null where it is not installed. */
function textOf(pdf: Uint8Array): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'benren-contract-'));
  try {
    writeFileSync(join(folder, 'contract.pdf'), pdf);
    return execFileSync('pdftotext', ['-layout', join(folder, 'contract.pdf'), '-'], { encoding: 'utf8' });
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const said = (document = grant()): string => JSON.stringify([sectionsOf(document), separateConsents(document)]);

describe('the contract in words', () => {
  /** One other value for every term: each must be told apart on paper, or somebody would sign what they did not read. */
  const others: Partial<ReturnType<typeof terms>>[] = [
    { capabilities: { ...terms().capabilities, chat: true } }, { media: ['voice'] }, { languages: ['en'] }, { territories: ['CN'] }, { audiences: ['reviewer'] },
    { ageBands: ['adult'] }, { tiers: ['friend'] }, { purposes: terms().purposes.map((one) => ({ ...one, intendedUses: 'Something else than before, said exactly.' })) },
    { purposes: terms().purposes.map((one) => ({ ...one, works: ['Another'] })) }, { forbiddenTopics: [] }, { forbiddenPhrases: ['x'] }, { adultContent: true }, { politicalContent: true },
    { endorsementCategories: [] }, { volumeCaps: [{ capability: 'any', window: 'day', outputs: 3, seconds: null }] }, { outputApproval: { mode: 'before', undoHours: 0 } },
    { outputApproval: { mode: 'after', undoHours: 5 } }, { training: { ...terms().training, allowed: false } }, { training: { ...terms().training, sources: ['posts'] } },
    { training: { ...terms().training, derivedModels: true } }, { training: { ...terms().training, deleteOnEnd: false } }, { sublicence: true },
    { compensation: { ...terms().compensation, model: 'free' } }, { compensation: { ...terms().compensation, rateBasisPoints: 7_050 } },
    { compensation: { ...terms().compensation, floorMinor: '100' } }, { compensation: { ...terms().compensation, auditRight: false } },
    { withdrawal: { ...terms().withdrawal, noticeDays: 31 } }, { withdrawal: { ...terms().withdrawal, effect: 'stop_new' } }, { withdrawal: { ...terms().withdrawal, method: null } },
    { survivalOfExistingWorks: true }, { postMortem: { allowed: true, until: '2030-01-01T00:00:00.000Z', holder: 'Her sister', registerNotice: null } },
    { postMortem: { allowed: true, until: '2030-01-01T00:00:00.000Z', holder: 'Her sister', registerNotice: 'R1' } }, { disclosureText: null },
    { explicitLabelWaiver: { agreementRef: 'A1', retainUntil: '2027-01-01T00:00:00.000Z' } }, { validFrom: '2026-01-02T00:00:00.000Z' }, { validUntil: '2026-12-31T00:00:00.000Z' },
    { signer: { role: 'guardian', authorityDocumentSha256: 'a'.repeat(64) } }, { courtApproval: 'Court 1' }, { representation: { kind: 'union', name: 'U', reference: 'R' } },
    { termsInitialled: false }, { languageRead: 'zh-CN' }, { governingLaw: 'SG' }, { subject: { ...terms().subject, isMinor: true } },
    ...(['voice', 'face', 'persona', 'training', 'sensitivePersonalInformation', 'crossBorder'] as const).map((name) => ({
      separateConsent: { ...terms().separateConsent, [name]: !terms().separateConsent[name] },
    })),
  ];

  it.each(others.map((other) => [Object.keys(other)[0] ?? '', other] as const))('tells another %s apart', (_name, other) => {
    expect(said(grant(other))).not.toBe(said());
  });

  it('says nothing in one language that it does not say in the other', () => {
    for (const { clauses, title } of sectionsOf(grant())) for (const { zh, en } of [title, ...clauses]) expect([zh, en].every((text) => text.length > 1)).toBe(true);
  });

  it('is the same bytes for the same grant, and other bytes for any other', async () => {
    const [first, again, other] = [await contractPdf(grant()), await contractPdf(grant()), await contractPdf(grant({ territories: ['CN'] }))];
    expect(Buffer.from(first).equals(Buffer.from(again))).toBe(true);
    expect(Buffer.from(first).equals(Buffer.from(other))).toBe(false);
  });

  it('on paper: both languages, the terms’ digest, page numbers, the separate consent alone on its page, nothing unseen', async (context) => {
    const statement = 'I agree to this, apart from the rest. \u202e🎵';
    const document = grant({ separateConsent: { ...terms().separateConsent, statement } });
    const text = textOf(await contractPdf(document));
    if (text === null) context.skip('pdftotext is not installed');
    const pages = (text ?? '').split('\f').filter((page) => page.trim() !== '');
    const last = pages.at(-1) ?? '';
    expect(text).toContain(termsDigest(document));
    for (const words of ['人工智能分身授权书', 'Grant for an AI clone', 'Lin Ya · 林雅', '赌博', '賭博', 'Personal voice messages']) {
      if (words !== '赌博') expect(text).toContain(words);
    }
    expect(last).toContain('单独同意书');
    expect(last).toContain('[U+202E][U+1F3B5]');
    expect(last).not.toContain('Compensation');
    for (const [index, page] of pages.entries()) expect(page).toContain(`Page ${index + 1} of ${pages.length}`);
  });
});

describe('the contract of a grant', () => {
  let own: ExportsWorld;
  beforeAll(async () => {
    own = await openExportsWorld('contract');
  });
  afterAll(async () => await own.close());

  it('is shown before the signature, is what the signed document names, and is there for ever after', async () => {
    const { home, exports } = own;
    const { actor } = home.owner;
    const draft = await home.consent.draftGrant(actor, home.world.key(), home.cloneId, terms());
    const shown = await exports.getGrantContract(actor, draft.grantId);
    expect(draft.document.rendering).toEqual({ sha256: sha256Hex(shown), mediaType: 'application/pdf', locales: ['zh-CN', 'en'] });
    expect(await exports.getGrantContract(actor, draft.grantId, draft.digest)).toEqual(shown);
    await home.consent.signGrant(actor, home.world.key(), draft.grantId, await home.world.sign(home.owner, 'grant', draft.document));
    const amendment = await home.consent.draftAmendment(actor, home.world.key(), draft.grantId, { tiers: ['friend'] });
    const next = await exports.getGrantContract(actor, draft.grantId, amendment.digest);
    expect(sha256Hex(next)).toBe(amendment.document.rendering.sha256);
    expect(await exports.getGrantContract(actor, draft.grantId)).toEqual(shown);
    await home.consent.signAmendment(actor, home.world.key(), draft.grantId, await home.world.sign(home.owner, 'amendment', amendment.document));
    expect(await exports.getGrantContract(actor, draft.grantId)).toEqual(next);
    expect(await exports.getGrantContract(actor, draft.grantId, draft.digest)).toEqual(shown);
    expect(await codeOf(exports.getGrantContract(home.fan.actor, draft.grantId))).toBe('not_found');
    expect(await codeOf(exports.getGrantContract(actor, draft.grantId, 'e'.repeat(64)))).toBe('not_found');
  });

  it('PostgreSQL refuses a contract that the draft does not name, and a signature over what was not shown', async () => {
    const { home } = own;
    const constraintOf = async (work: Promise<unknown>): Promise<string | undefined> =>
      await work.then(() => 'nothing', (error: unknown) => (error as { constraint?: string }).constraint);
    const draft = await home.consent.draftGrant(home.owner.actor, home.world.key(), home.cloneId, terms());
    const { database } = home.world;
    const put = (digest: string, bytes: Buffer) => database.asApp(
      `INSERT INTO consent_contract (grant_id, digest, sha256, bytes) VALUES ($1, $2, encode(sha256($3::bytea), 'hex'), $3)`, [draft.grantId, digest, bytes]);
    const unshown = draft.canonical.replace(draft.document.rendering.sha256, sha256Hex('another'));
    const digest = sha256Hex(unshown);
    await database.asApp(`INSERT INTO consent_grant_draft (grant_id, digest, version, supersedes, canonical, drafted_at) VALUES ($1, $2, 1, NULL, $3, now())`, [draft.grantId, digest, unshown]);
    expect(await constraintOf(put(digest, Buffer.from('yet another')))).toBe('consent_contract_named');
    const signature = await home.world.sign(home.owner, 'grant', JSON.parse(unshown));
    const { id } = await database.runTx((tx) => home.world.identity.completeSignature(tx, home.owner.actor, signature, { documentType: 'grant' }));
    const signed = database.asApp('INSERT INTO consent_grant_signature (grant_id, version, digest, signed_document_id, signed_at) VALUES ($1, 1, $2, $3, now())', [draft.grantId, digest, id]);
    expect(await constraintOf(signed)).toBe('consent_signature_shown');
    expect(await constraintOf(database.asOwner('UPDATE consent_contract SET bytes = bytes'))).not.toBe('nothing');
  });

  it('without one, or with one that cannot be read, a grant allows nothing', () => {
    for (const rendering of [undefined, null, {}, { ...grant().rendering, sha256: 'x' }, { ...grant().rendering, mediaType: 'text/plain' }]) {
      const answer = decide(state({ ...grant(), rendering }), request());
      expect(answer).toMatchObject({ allowed: false, clauses: expect.arrayContaining(['grant.unreadable.rendering']) as unknown });
    }
    expect(decide(state(), request()).allowed).toBe(true);
  });
});

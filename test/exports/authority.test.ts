import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { verifyFile } from '../../src/compose/verify.ts';
import { verifyEvidence } from '../../src/compose/verify-evidence.ts';
import { makeConsentJobs } from '../../src/consent/index.ts';
import type { DelegableVerb } from '../../src/consent/delegation.ts';
import type { GrantTerms } from '../../src/consent/model.ts';
import type { EvidenceBundle } from '../../src/exports/bundle.ts';
import { canonicalJson, type JsonObject } from '../../src/kernel/canonical-json.ts';
import { makeRunner } from '../../src/platform/jobs/index.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { terms } from '../consent/samples.ts';
import type { Person } from '../ownership/world.ts';
import { type ExportsWorld, openExportsWorld } from './world.ts';

const DAY_MS = 86_400_000;
let own: ExportsWorld;
let agent: Person;
let daughter: Person;

beforeAll(async () => {
  own = await openExportsWorld('authority', { contract: async (grant) => Buffer.from(`%PDF of ${canonicalJson(grant)}`) });
  [agent, daughter] = [await own.home.world.register('The agency'), await own.home.world.register('Daughter')];
});
afterAll(async () => await own.close());

const key = () => own.home.world.key();
const sign = (person: Person, type: Parameters<ExportsWorld['home']['world']['sign']>[1], document: unknown) => own.home.world.sign(person, type, document);

async function bundle(grantId: string, who: Person = own.home.owner): Promise<EvidenceBundle> {
  await own.home.world.log.sequence();
  const file = await own.exports.getGrantEvidence(who.actor, grantId);
  const verdict = verifyFile(Buffer.from(JSON.stringify(file)), [own.keys.logKey, own.keys.receiptsPem]);
  expect(verdict.problems).toEqual([]);
  return structuredClone((file as unknown as { document: EvidenceBundle }).document);
}

/** As sealed by a service that lies. */
const problems = (document: EvidenceBundle): string[] =>
  verifyEvidence(own.seal(JSON.parse(JSON.stringify(document)) as JsonObject) as never, own.keys.anchors).problems;

async function delegated(verbs: DelegableVerb[]): Promise<string> {
  const { home } = own;
  const { delegationId, document } = await home.consent.draftDelegation(home.owner.actor, key(), {
    agentAccountId: agent.actor.accountId, verbs, cloneIds: [home.cloneId], actsPerDay: null,
    validFrom: '2026-01-01T00:00:00.000Z', validUntil: '2027-01-01T00:00:00.000Z',
  });
  for (const person of [home.owner, agent]) await home.consent.signDelegation(person.actor, key(), delegationId, await sign(person, 'delegation', document));
  return delegationId;
}

async function amendedBy(person: Person, grantId: string, changes: Partial<GrantTerms>): Promise<void> {
  const { document } = await own.home.consent.draftAmendment(person.actor, key(), grantId, changes);
  await own.home.consent.signAmendment(person.actor, key(), grantId, await sign(person, 'amendment', document));
}

/** A version that the service would have refused: signed by the person, written into the log all the same, and put into a bundle. */
async function forced(document: EvidenceBundle, grantId: string, person: Person, changes: Partial<GrantTerms>): Promise<EvidenceBundle> {
  const { home: { consent, owner, world } } = own;
  const amendment = await consent.draftAmendment(owner.actor, key(), grantId, changes);
  const { document: signedDocument } = amendment;
  const signature = await sign(person, 'amendment', signedDocument);
  const { evidence, leafId } = await world.database.runTx(async (tx) => {
    const signed = await world.identity.completeSignature(tx, person.actor, signature, { documentType: 'amendment' });
    const leaf = await world.log.append(tx, {
      type: 'grant.amended', subjectId: grantId, at: world.clock.now(), document: signed.document, evidenceSha256: signed.evidenceSha256,
    });
    return { evidence: await world.identity.signatureEvidence(tx, signed.id), leafId: leaf.leafId };
  });
  await world.log.sequence();
  const { entry, proof } = await world.log.bundle(leafId);
  const pdf = Buffer.from(pdfOf(signedDocument));
  return {
    ...document,
    versions: [...document.versions, {
      version: document.versions.length + 1, signature: evidence, leaf: { entry, proof },
      rendering: { mediaType: 'application/pdf', sha256: String((signedDocument as { rendering?: { sha256: string } }).rendering?.sha256), base64: pdf.toString('base64') },
    }],
  };
}

/** The paper of `openExportsWorld` above, over the document without its rendering. */
function pdfOf(document: object): string {
  return `%PDF of ${canonicalJson(Object.fromEntries(Object.entries(document).filter(([name]) => name !== 'rendering')))}`;
}

function withoutAuthority(document: EvidenceBundle): EvidenceBundle {
  const copy = structuredClone(document);
  delete copy.authority;
  return copy;
}

describe('a bundle with an agent\'s amendment', () => {
  it('verifies with the delegation in it, and not where the agent had none, an ended one, or widened', async () => {
    const { home } = own;
    const { grantId } = await home.granted({ territories: ['CN', 'SG'] });
    const delegationId = await delegated(['getGrant', 'draftAmendment', 'signAmendment']);
    home.world.clock.advance(60_000);
    await amendedBy(agent, grantId, { territories: ['CN'] });
    const good = await bundle(grantId);
    expect(good.authority?.delegations.map((one) => one.delegationId)).toEqual([delegationId]);
    expect(problems(good)).toEqual([]);

    expect(problems(withoutAuthority(good))).toContain('version 2: somebody else signed');
    const [delegation] = good.authority!.delegations;
    const swapped = { ...delegation!, owner: delegation!.agent };
    expect(problems({ ...good, authority: { delegations: [swapped], estate: null } })).toContain('version 2: somebody else signed');
    expect(problems({ ...good, authority: { delegations: [{ ...delegation!, leaf: good.versions[0]!.leaf }], estate: null } })).not.toEqual([]);

    // Forced past the service: the verifier says no by itself.
    const wider = await forced(good, grantId, agent, { territories: ['CN', 'SG', 'JP'] });
    expect(problems(wider)).toEqual(['version 3: an agent\'s amendment does not only narrow']);
    const stranger = await forced(good, grantId, home.fan, { languages: ['zh-CN'] });
    expect(problems(stranger)).toEqual(['version 3: somebody else signed']);
    home.world.clock.advance(60_000);
    await home.consent.endDelegation(agent.actor, key(), delegationId);
    home.world.clock.advance(60_000);
    const after = await bundle(grantId);
    expect(after.authority?.delegations[0]?.end).not.toBeNull();
    expect(problems(await forced(after, grantId, agent, { languages: ['zh-CN'] }))).toEqual(['version 3: somebody else signed']);
    const later = { ...after.authority!.delegations[0]!.end!, document: { ...after.authority!.delegations[0]!.end!.document, at: '2026-12-01T00:00:00.000Z' } };
    expect(problems({ ...after, authority: { delegations: [{ ...after.authority!.delegations[0]!, end: later }], estate: null } })).not.toEqual([]);

    await home.revoked(grantId);
    await bundle(grantId);
  }, 60_000);
});

describe('a bundle of an estate', () => {
  it('verifies for the grant that she signed and for the one that her heir signed, and for nobody else', async () => {
    const { home } = own;
    const { consent, world } = home;
    const postMortem = { allowed: true, until: '2029-01-01T00:00:00.000Z', holder: 'Her daughter', registerNotice: null };
    const hers = await home.granted({ postMortem });
    const named = await consent.draftSuccession(home.owner.actor, key(), {
      heirs: [{ accountId: daughter.actor.accountId, role: 'heir' }], waitingDays: 14, sunset: '2029-06-01T00:00:00.000Z',
    });
    for (const person of [home.owner, daughter]) await consent.signSuccession(person.actor, key(), named.successionId, await sign(person, 'succession', named.document));
    await consent.uploadDeathPaper(daughter.actor, key(), named.successionId, Buffer.from('%PDF-1.7 a death certificate'));
    const { document: report } = await consent.draftDeathReport(daughter.actor, named.successionId, '2026-02-20');
    const { caseId } = await consent.reportDeath(daughter.actor, key(), named.successionId, { diedOn: '2026-02-20', signature: await sign(daughter, 'death_report', report) });
    const [one, two] = [await world.reviewer('one'), await world.reviewer('two')];
    for (const reviewer of [one, one, two]) await consent.reviewDeathReport(reviewer.actor, key(), caseId, { verdict: 'approve' });
    world.clock.advance(15 * DAY_MS);
    const runner = makeRunner({ runTx: world.database.runTx, clock: world.clock, handlers: makeConsentJobs(consent), log: makeLog({ level: 'silent' }) });
    while (await runner.runNext());

    const signer = { role: 'rights_holder' as const, authorityDocumentSha256: 'a'.repeat(64) };
    const draft = await consent.draftGrant(daughter.actor, key(), home.cloneId, terms({ signer, postMortem, validUntil: '2028-12-31T00:00:00.000Z' }));
    await consent.signGrant(daughter.actor, key(), draft.grantId, await sign(daughter, 'grant', draft.document));
    const heirs = await bundle(draft.grantId, daughter);
    expect(heirs.grant).toMatchObject({ ownerAccountId: daughter.actor.accountId, state: 'signed' });
    const before = await bundle(hers.grantId, daughter);
    expect(before.grant).toMatchObject({ ownerAccountId: home.owner.actor.accountId, state: 'expired' });

    expect(problems(withoutAuthority(heirs))).not.toEqual([]);
    const { estate } = heirs.authority!;
    const altered = (changes: object): string[] => problems({ ...heirs, authority: { delegations: [], estate: { ...estate!, ...changes } } });
    expect(altered({})).toEqual([]);
    expect(altered({ acceptance: estate!.succession })).toContain('succession, heir: somebody else signed');
    const settled = (changes: object) => ({ settled: { ...estate!.settled, document: { ...estate!.settled.document, ...changes } } });
    expect(altered(settled({ holderAccountId: home.fan.actor.accountId }))).toContain('estate: whoever holds it was not named');
    expect(altered(settled({ at: '2028-01-01T00:00:00.000Z' }))).toContain('version 1: the estate was not the signer\'s, or not for so long');
    expect(altered({ leaf: heirs.versions[0]!.leaf })).not.toEqual([]);
  }, 60_000);
});

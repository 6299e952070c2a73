import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { replay } from '../../src/consent/index.ts';
import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import type { Refusal } from '../../src/kernel/refusals.ts';
import { codeOf, refusalOf } from '../ownership/world.ts';
import { terms } from './samples.ts';
import { type ConsentWorld, openConsentWorld } from './world.ts';

let home: ConsentWorld;
let inForce: string | null = null;

beforeAll(async () => {
  home = await openConsentWorld('grants');
});
afterAll(async () => await home.close());

/** Every case begins without a grant in force. */
beforeEach(async () => {
  if (inForce !== null) await home.revoked(inForce);
  inForce = null;
  home.world.clock.advance(1_000);
});

async function granted(changes: Parameters<ConsentWorld['granted']>[0] = {}): ReturnType<ConsentWorld['granted']> {
  const view = await home.granted(changes);
  inForce = view.grantId;
  return view;
}

const key = () => home.world.key();
const said = ({ code, message, extra }: Refusal): unknown => ({ code, message, extra });
const leaves = async (subject: string): Promise<string[]> =>
  (await home.world.database.runTx((tx) => home.world.log.leavesOf(tx, subject))).map(({ type }) => type);

describe('drafting', () => {
  it('shows the document, its canonical form and digest, and grants nothing', async () => {
    const view = await home.consent.draftGrant(home.owner.actor, key(), home.cloneId, terms());
    expect(view).toMatchObject({ state: 'draft', version: 1, signedAt: null, signedDocumentId: null, revocationDocument: null });
    expect(view.document).toMatchObject({ type: 'benren.grant', cloneId: home.cloneId, owner: { name: 'Lin Ya · 林雅' }, ...terms() });
    expect(view.canonical).toBe(canonicalJson(view.document));
    expect(view.digest).toBe(sha256Hex(view.canonical));
    expect((await home.decide()).clauses).toEqual(['grant.none']);
    expect(await leaves(view.grantId)).toEqual([]);
  });

  it('is the owner\'s alone: a foreign clone and an unknown one answer the same', async () => {
    const foreign = await refusalOf(home.consent.draftGrant(home.fan.actor, key(), home.cloneId, terms()));
    const unknown = await refusalOf(home.consent.draftGrant(home.fan.actor, key(), 'cln_unknown', terms()));
    expect(said(foreign)).toEqual(said(unknown));
    expect(foreign.code).toBe('not_found');
    const { grantId } = await home.consent.draftGrant(home.owner.actor, key(), home.cloneId, terms());
    expect(await codeOf(home.consent.getGrant(home.fan.actor, grantId))).toBe('not_found');
    expect(await codeOf(home.consent.draftAmendment(home.fan.actor, key(), grantId, {}))).toBe('not_found');
  });

  it('refuses a grant that ends before it starts, and leaves no trace', async () => {
    const count = (): Promise<unknown> => home.world.database.asOwner('SELECT count(*) FROM consent_grant');
    const before = await count();
    const work = home.consent.draftGrant(home.owner.actor, key(), home.cloneId, terms({ validUntil: '2025-01-01T00:00:00Z' }));
    expect(await codeOf(work)).toBe('grant_term_invalid');
    expect(await count()).toEqual(before);
  });

  it('answers the same key with the same draft', async () => {
    const once = key();
    const first = await home.consent.draftGrant(home.owner.actor, once, home.cloneId, terms());
    expect(await home.consent.draftGrant(home.owner.actor, once, home.cloneId, terms())).toEqual(first);
  });
});

describe('signing', () => {
  it('puts the grant in force and writes a leaf over the signed document', async () => {
    const view = await granted();
    expect(view.state).toBe('signed');
    expect(view.signedDocumentId).toMatch(/^sgn_/);
    expect(await leaves(view.grantId)).toEqual(['grant.signed']);
    expect((await home.decide()).allowed).toBe(true);
    const now = await home.world.database.runTx((tx) => home.consent.grantInForce(tx, home.cloneId, home.world.clock.now()));
    expect(now).toMatchObject({ grantId: view.grantId, version: 1, digest: view.digest, document: { tiers: ['friend', 'work'] } });
    for (const at of ['2025-12-31T00:00:00Z', '2027-01-01T00:00:00Z']) {
      expect(await home.world.database.runTx((tx) => home.consent.grantInForce(tx, home.cloneId, new Date(at)))).toBeNull();
    }
  });

  it('refuses another document, however little differs', async () => {
    const draft = await home.consent.draftGrant(home.owner.actor, key(), home.cloneId, terms());
    for (const change of [{ territories: ['CN', 'SG', 'US'] }, { validUntil: '2026-12-31T00:00:00.000Z' }]) {
      const signature = await home.world.sign(home.owner, 'grant', { ...draft.document, ...change });
      expect(await codeOf(home.consent.signGrant(home.owner.actor, key(), draft.grantId, signature))).toBe('grant_document_mismatch');
    }
    const other = await home.consent.draftGrant(home.owner.actor, key(), home.cloneId, terms());
    const foreign = await home.world.sign(home.owner, 'grant', other.document);
    expect(await codeOf(home.consent.signGrant(home.owner.actor, key(), draft.grantId, foreign))).toBe('grant_document_mismatch');
    expect((await home.consent.getGrant(home.owner.actor, draft.grantId)).state).toBe('draft');
  });

  it('refuses a stranger, a stranger\'s signature and one used before', async () => {
    const draft = await home.consent.draftGrant(home.owner.actor, key(), home.cloneId, terms());
    const theirs = await home.world.sign(home.fan, 'grant', draft.document);
    expect(await codeOf(home.consent.signGrant(home.fan.actor, key(), draft.grantId, theirs))).toBe('not_found');
    expect(await codeOf(home.consent.signGrant(home.owner.actor, key(), draft.grantId, theirs))).toBe('challenge_unknown');
    const signature = await home.world.sign(home.owner, 'grant', draft.document);
    await home.consent.signGrant(home.owner.actor, key(), draft.grantId, signature);
    inForce = draft.grantId;
    expect(await codeOf(home.consent.signGrant(home.owner.actor, key(), draft.grantId, signature))).toBe('grant_state');
  });

  it('allows one grant in force, by the service and by PostgreSQL', async () => {
    const first = await granted();
    const { grantId, document } = await home.consent.draftGrant(home.owner.actor, key(), home.cloneId, terms());
    const signature = await home.world.sign(home.owner, 'grant', document);
    expect(await codeOf(home.consent.signGrant(home.owner.actor, key(), grantId, signature))).toBe('grant_state');
    await expect(home.world.database.asApp(`UPDATE consent_grant SET state = 'signed' WHERE id = $1`, [grantId])).rejects.toThrow(/signed by a signature/);
    await expect(home.world.database.asApp(
      `INSERT INTO consent_grant_signature (grant_id, version, digest, signed_document_id, signed_at)
       SELECT $1, 1, digest, $2, now() FROM consent_grant_draft WHERE grant_id = $1`, [grantId, first.signedDocumentId],
    )).rejects.toMatchObject({ constraint: 'consent_signature_fits' });
  });

  it('of two that are signed at once exactly one comes into force', async () => {
    const drafts = await Promise.all([1, 2].map(() => home.consent.draftGrant(home.owner.actor, key(), home.cloneId, terms())));
    const answered = await Promise.all(drafts.map(async ({ grantId, document }) => ({
      grantId, signature: await home.world.sign(home.owner, 'grant', document),
    })));
    const outcomes = await Promise.allSettled(
      answered.map(({ grantId, signature }) => home.consent.signGrant(home.owner.actor, key(), grantId, signature)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    inForce = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.grantId] : []))[0] ?? null;
  });

  it('takes the place of a grant that has expired', async () => {
    const first = await home.granted({ validUntil: '2026-03-02T00:00:00.000Z' });
    home.world.clock.advance(2 * 86_400_000);
    expect((await home.decide()).clauses).toEqual(['grant.expired']);
    expect((await home.consent.getGrant(home.owner.actor, first.grantId)).state).toBe('expired');
    const second = await granted();
    expect((await home.decide()).allowed).toBe(true);
    const work = home.consent.draftAmendment(home.owner.actor, key(), first.grantId, { languages: ['en'] });
    expect(await codeOf(work)).toBe('grant_state');
    expect((await home.consent.getGrant(home.owner.actor, second.grantId)).state).toBe('signed');
  });
});

const epoch = async (grantId: string): Promise<bigint | undefined> =>
  (await home.world.database.runTx((tx) => home.consent.gates.ofGrant(tx, grantId)))?.epoch;

describe('amending', () => {
  it('a narrower version acts at once and raises the grant\'s epoch; the other language goes on', async () => {
    const { grantId, digest } = await granted();
    expect(await epoch(grantId)).toBe(1n);
    const drafted = await home.consent.draftAmendment(home.owner.actor, key(), grantId, { languages: ['zh-CN'] });
    expect(drafted).toMatchObject({ version: 2, change: 'narrower', document: { type: 'benren.amendment', supersedes: digest } });
    expect((await home.decide()).allowed).toBe(true);
    home.world.clock.advance(1_000);
    const view = await home.amended(grantId, { languages: ['zh-CN'] });
    expect(view).toMatchObject({ state: 'signed', version: 2 });
    expect(await epoch(grantId)).toBe(2n);
    expect((await home.decide()).clauses).toEqual(['language.en']);
    expect((await home.decide({ language: 'zh-CN', text: '早上好' })).allowed).toBe(true);
    expect(await leaves(grantId)).toEqual(['grant.signed', 'grant.amended']);
  });

  it('a wider version raises none, a mixed one does', async () => {
    const { grantId } = await granted({ territories: ['CN'] });
    await home.amended(grantId, { territories: ['CN', 'DE'] });
    expect(await epoch(grantId)).toBe(1n);
    expect((await home.decide({ declaredCountry: 'DE' })).allowed).toBe(true);
    await home.amended(grantId, { territories: ['DE', 'SG'] });
    expect(await epoch(grantId)).toBe(2n);
  });

  it('refuses an amendment of an older version, of no draft, and of a grant that is not in force', async () => {
    const { grantId } = await granted();
    const late = await home.consent.draftAmendment(home.owner.actor, key(), grantId, { tiers: ['friend'] });
    await home.amended(grantId, { languages: ['zh-CN'] });
    const signature = await home.world.sign(home.owner, 'amendment', late.document);
    expect(await codeOf(home.consent.signAmendment(home.owner.actor, key(), grantId, signature))).toBe('grant_state');
    const fresh = await home.consent.draftAmendment(home.owner.actor, key(), grantId, { tiers: ['friend'] });
    const other = await home.world.sign(home.owner, 'amendment', { ...fresh.document, tiers: [] });
    expect(await codeOf(home.consent.signAmendment(home.owner.actor, key(), grantId, other))).toBe('grant_document_mismatch');
    const draft = await home.consent.draftGrant(home.owner.actor, key(), home.cloneId, terms());
    expect(await codeOf(home.consent.draftAmendment(home.owner.actor, key(), draft.grantId, { tiers: [] }))).toBe('grant_state');
    const bad = home.consent.draftAmendment(home.owner.actor, key(), grantId, { validUntil: '2026-01-01T00:00:00Z' });
    expect(await codeOf(bad)).toBe('grant_term_invalid');
  });
});

describe('revoking', () => {
  it('signed, denies everything under it, for good', async () => {
    const { grantId } = await granted();
    home.world.clock.advance(1_000);
    const view = await home.revoked(grantId);
    inForce = null;
    expect(view).toMatchObject({ state: 'revoked', revocationDocument: null });
    for (const changes of [{}, { language: 'zh-CN' }, { tierName: 'work' }, { declaredCountry: 'SG', billingCountry: 'SG' }]) {
      expect((await home.decide(changes)).clauses).toEqual(['grant.revoked']);
    }
    const probe = { audience: 'owner', requester: home.owner.actor.accountId, purpose: 'probe' } as const;
    expect((await home.decide(probe)).clauses).toEqual(['grant.revoked']);
    expect(await home.world.database.runTx((tx) => home.consent.gates.ofGrant(tx, grantId))).toMatchObject({ state: 'stopped', epoch: 2n });
    expect(await leaves(grantId)).toEqual(['grant.signed', 'grant.revoked']);
    const again = home.consent.draftAmendment(home.owner.actor, key(), grantId, { languages: ['en'] });
    expect(await codeOf(again)).toBe('grant_state');
  });

  it('of a version that was amended meanwhile, or by somebody else, is refused', async () => {
    const { grantId, revocationDocument } = await granted();
    await home.amended(grantId, { languages: ['zh-CN'] });
    const stale = await home.world.sign(home.owner, 'revocation', revocationDocument);
    expect(await codeOf(home.consent.revokeGrant(home.owner.actor, key(), grantId, stale))).toBe('grant_document_mismatch');
    const { revocationDocument: current } = await home.consent.getGrant(home.owner.actor, grantId);
    const theirs = await home.world.sign(home.fan, 'revocation', current);
    expect(await codeOf(home.consent.revokeGrant(home.fan.actor, key(), grantId, theirs))).toBe('not_found');
    expect((await home.decide({ language: 'zh-CN' })).allowed).toBe(true);
  });
});

describe('a decision', () => {
  it('is kept with its signed receipt, which replays and verifies', async () => {
    const { grantId, digest } = await granted();
    const allowed = await home.decide();
    const denied = await home.decide({ capability: 'video', text: '去賭 博', billingCountry: null });
    expect(allowed).toMatchObject({ allowed: true, grantId, grantDigest: digest, versionId: home.versionId, cloneId: home.cloneId });
    expect(allowed.gates.map(({ kind, state }) => [kind, state])).toEqual(['platform', 'clone', 'capability', 'grant'].map((kind) => [kind, 'open']));
    expect(allowed.expiresAt).toEqual(new Date('2027-01-01T00:00:00Z'));
    expect(denied).toMatchObject({ allowed: false, expiresAt: null });
    expect(denied.clauses).toEqual(['capability.video', 'consent.face', 'topic.gambling', 'territory.unknown']);
    for (const { decisionId, receipt, clauses } of [allowed, denied]) {
      const kept = await home.consent.explainDecision(home.fan.actor, decisionId);
      expect(kept).toEqual(receipt);
      expect(home.verify(kept).ok).toBe(true);
      expect(replay(kept.document)).toEqual({ answer: { allowed: receipt.document.answer.allowed, clauses }, same: true });
      expect(home.verify({ ...kept, document: { ...kept.document, answer: { allowed: true, clauses: ['x'] } } }).ok).toBe(false);
    }
  });

  it('is explained to who asked and to the clone\'s owner; others get the answer of an unknown id', async () => {
    await granted();
    const { decisionId, receipt } = await home.decide();
    expect(await home.consent.explainDecision(home.owner.actor, decisionId)).toEqual(receipt);
    const stranger = await home.world.register('Somebody');
    const foreign = await refusalOf(home.consent.explainDecision(stranger.actor, decisionId));
    const unknown = await refusalOf(home.consent.explainDecision(stranger.actor, 'dec_unknown'));
    expect(said(foreign)).toEqual(said(unknown));
  });

  it('of an unknown clone is none, and a kept one is never changed', async () => {
    expect(await codeOf(home.decide({ cloneId: 'cln_unknown' }))).toBe('not_found');
    const { decisionId } = await home.decide();
    await expect(home.world.database.asOwner('UPDATE decision SET allowed = true WHERE id = $1', [decisionId])).rejects.toThrow(/is refused/);
    await expect(home.world.database.asApp('DELETE FROM decision WHERE id = $1', [decisionId])).rejects.toThrow(/permission denied/);
  });

  it('takes its place before every later change: the old epoch with the new facts, never the new epoch with the old', async () => {
    const { grantId } = await granted();
    const before = await home.decide();
    await home.amended(grantId, { languages: ['zh-CN'] });
    const after = await home.decide({ language: 'zh-CN' });
    const epochs = (decision: typeof before): unknown[] => decision.gates.map((gate) => gate.epoch);
    expect(before.gates[3]?.epoch).toBe(1n);
    expect(epochs(after)).toEqual([...epochs(before).slice(0, 3), 2n]);
  });
});

describe('what other rooms withdraw', () => {
  it('a withdrawn version and a withdrawn proof narrow the clone\'s gate in the same transaction, by whatever path', async () => {
    await granted();
    const gate = async (): Promise<bigint | undefined> =>
      (await home.world.database.runTx((tx) => home.consent.gates.ofClone(tx, home.cloneId)))?.epoch;
    const before = await gate();
    await home.world.clones.withdrawVersion(home.owner.actor, key(), home.versionId);
    expect(await gate()).toBe(before! + 1n);
    expect((await home.decide()).clauses).toEqual(['version.unapproved']);
    await home.world.database.asApp(
      `UPDATE ownership_proof SET state = 'withdrawn', ended_at = '2026-03-04' WHERE id = (SELECT ownership_proof_id FROM clone WHERE id = $1)`,
      [home.cloneId]);
    expect(await gate()).toBe(before! + 2n);
    expect((await home.decide()).clauses).toEqual(['ownership.unproven', 'version.unapproved']);
  });
});

import { describe, expect, it } from 'vitest';

import { approveClaim, openClaim } from '../../support/claims.ts';
import type { RightsWorld } from './world.ts';

const AUTHORITY = Buffer.from(`%PDF-1.7\n% a power of attorney\n${'x'.repeat(80)}\n%%EOF\n`);
const PASSPORT = Buffer.from(`%PDF-1.7\n% a passport\n${'x'.repeat(80)}\n%%EOF\n`);

/** Over HTTP: who acts for another is proven by an authority paper, a paper of their own, and the word of somebody proven. */
export function evidenceOverHttp(get: () => RightsWorld): void {
  describe('somebody who acts for another', () => {
    it('is verified by authority, paper and word; reviewers read the sealed papers, on record, and nobody else does', async () => {
      const { server, owner, reviewers, proofId: voucherProofId } = get();
      const agent = await server.person('Chen Mo');
      const proofId = await openClaim(agent, 'Xu Bei', { handle: 'xu-bei', subjectKind: 'representative', claimantName: 'Chen Mo' });
      const path = { proofId };
      const until = new Date(server.clock.now().getTime() + 100 * 86_400_000).toISOString();
      const { document } = await agent.client.call('draftRepresentation', { path, body: { until, locale: 'en' } });
      const authority = await agent.client.call('addEvidence', { path, body: { kind: 'representation', signature: await agent.sign('representation', document) } });
      const at = (evidenceId: string) => ({ path: { proofId, evidenceId } });
      await agent.client.call('uploadEvidence', { ...at(authority.evidenceId), body: AUTHORITY });
      const passport = await agent.client.call('addEvidence', { path, body: { kind: 'document', documentType: 'passport' } });
      expect((await agent.client.refused('uploadEvidence', { ...at(passport.evidenceId), body: Buffer.from('<html>') })).status).toBe(422);
      await agent.client.call('uploadEvidence', { ...at(passport.evidenceId), body: PASSPORT });
      expect((await agent.client.refused('submitOwnershipProof', { path })).code).toBe('proof_incomplete');

      const asked = await agent.client.call('addEvidence', { path, body: { kind: 'vouching', voucherAccountId: owner.accountId } });
      const word = { ...at(asked.evidenceId), body: { voucherProofId, locale: 'en' as const } };
      expect((await reviewers[2].client.refused('draftVouch', word)).status).toBe(404);
      const drafted = await owner.client.call('draftVouch', word);
      expect(drafted.document).toMatchObject({ subjectName: 'Xu Bei', voucherAccountId: owner.accountId });
      const falsely = await owner.sign('vouch', { ...drafted.document, subjectName: 'Somebody else' });
      expect((await owner.client.refused('vouchForProof', { ...at(asked.evidenceId), body: { voucherProofId, signature: falsely } })).code).toBe('signature_mismatch');
      const signature = await owner.sign('vouch', drafted.document);
      expect((await owner.client.call('vouchForProof', { ...at(asked.evidenceId), body: { voucherProofId, signature } })).evidenceId).toBe(asked.evidenceId);

      await agent.client.call('submitOwnershipProof', { path });
      const look = { ...at(authority.evidenceId), query: { reason: 'Read the authority' } };
      expect((await reviewers[0].client.refused('viewPaper', look)).code).toBe('review_unclaimed');
      await reviewers[0].client.call('claimReview', { path });
      expect(await reviewers[0].client.call('viewPaper', look)).toEqual(AUTHORITY);
      expect((await agent.client.refused('viewPaper', look)).status).toBe(403);
      const looks = await server.database.asOwner('SELECT viewer_id AS viewer, reason FROM ownership_paper_view WHERE evidence_id = $1', [authority.evidenceId]);
      expect(looks).toEqual([{ viewer: reviewers[0].accountId, reason: 'Read the authority' }]);
      await reviewers[0].client.call('releaseReview', { path });
      await approveClaim(reviewers.slice(0, 2), proofId);
      expect(await agent.client.call('getOwnershipProof', { path })).toMatchObject({ state: 'approved', expiresAt: until });
    });
  });
}

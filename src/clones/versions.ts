import type { JsonObject } from '../kernel/canonical-json.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { ClonesDeps, SignatureInput } from './deps.ts';
import {
  approvalDocument, checkApprovable, digestOf, movedVersion, speakerTexts, type VersionApproval, voiceLineage,
} from './model.ts';
import type { CloneRow, VersionRow } from './store.ts';
import * as store from './store.ts';
import { type CloneVersionJson, versionJson } from './views.ts';

export interface VersionVerbs {
  createVersion(actor: Actor, key: IdempotencyKey, cloneId: string): Promise<CloneVersionJson>;
  getVersion(actor: Actor, versionId: string): Promise<CloneVersionJson>;
  approveVersion(
    actor: Actor, key: IdempotencyKey, versionId: string, input: { signature: SignatureInput },
  ): Promise<CloneVersionJson>;
  withdrawVersion(actor: Actor, key: IdempotencyKey, versionId: string): Promise<CloneVersionJson>;
}

/** The models and the policy as they are now: what a version freezes, and what must still hold when it is approved. */
interface Current {
  lineage: Record<string, string>;
  policyDigest: string;
}

async function current(deps: Pick<ClonesDeps, 'inference' | 'policy'>): Promise<Current> {
  return { lineage: voiceLineage(await deps.inference.describe()), policyDigest: digestOf(deps.policy) };
}

/** The caller's own version with its clone, both rows locked (clone first, as everywhere); a foreign one does not exist. */
async function lockOwnVersion(tx: Tx, actor: Actor, versionId: string): Promise<{ clone: CloneRow; version: VersionRow }> {
  const seen = await store.findVersion(tx, versionId);
  if (seen === null) throw notFound();
  const clone = await store.lockOwnClone(tx, actor, seen.cloneId);
  const version = await store.lockVersion(tx, versionId);
  if (version === null) throw notFound();
  return { clone, version };
}

/** Freezes what is enrolled now. Refuses `material_missing`. */
async function freeze(tx: Tx, deps: ClonesDeps, clone: CloneRow, now: Current): Promise<VersionRow> {
  const voice = await store.newestVoice(tx, clone.id);
  const persona = await store.newestPersona(tx, clone.id);
  if (voice === null || persona === null) {
    const missing = [...(voice === null ? ['voice'] : []), ...(persona === null ? ['persona'] : [])];
    throw new Refusal('material_missing', 'A version needs an enrolled voice and a persona.', { extra: { missing } });
  }
  const number = ((await store.versionsOf(tx, clone.id)).at(-1)?.number ?? 0) + 1;
  const createdAt = deps.clock.now();
  const document: VersionApproval = approvalDocument({
    versionId: deps.ids.next('version'),
    cloneId: clone.id,
    cloneName: clone.name,
    accountId: clone.ownerAccountId,
    number,
    materialDigest: voice.digest,
    personaDigest: persona.digest,
    ...now,
    languages: persona.details.languages,
    speaker: speakerTexts(voice.details.speaker),
    at: createdAt,
  });
  return {
    id: document.versionId,
    cloneId: clone.id,
    ownershipProofId: clone.ownershipProofId,
    number,
    state: 'draft',
    voiceMaterialId: voice.id,
    personaMaterialId: persona.id,
    materialDigest: voice.digest,
    personaDigest: persona.digest,
    ...now,
    languages: persona.details.languages,
    speaker: document.speaker.map(Number),
    document,
    documentDigest: digestOf(document),
    createdAt,
    approvedAt: null,
    withdrawnAt: null,
    signedDocumentId: null,
    leafId: null,
  };
}

async function approve(
  tx: Tx, deps: ClonesDeps, actor: Actor, versionId: string, signature: SignatureInput, now: Current,
): Promise<VersionRow> {
  const { clone, version } = await lockOwnVersion(tx, actor, versionId);
  const approvedAt = deps.clock.now();
  checkApprovable({
    state: version.state,
    number: version.number,
    servingNumber: (await store.servingVersion(tx, clone.id))?.number ?? 0,
    proof: await deps.ownership.proof(tx, clone.ownershipProofId),
    now: approvedAt,
    probesHeard: await deps.probesHeard(tx, versionId),
    frozen: version,
    current: now,
  });
  await deps.ownership.checkCloneNotHeld(tx, clone.id, clone.ownershipProofId);
  const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'version_approval' });
  if (signed.digest !== version.documentDigest) {
    throw new Refusal('signature_mismatch', 'What was signed is not the document of this version.');
  }
  const document: JsonObject = signed.document;
  const { leafId } = await deps.log.append(tx, { type: 'version.approved', subjectId: clone.id, at: approvedAt, document });
  const change = { state: 'approved' as const, approvedAt, signedDocumentId: signed.id, leafId };
  await store.updateVersion(tx, versionId, change);
  return { ...version, ...change };
}

export function makeVersionVerbs(deps: ClonesDeps): VersionVerbs {
  const { runTx, clock } = deps;
  return {
    async createVersion(actor, key, cloneId) {
      const now = await current(deps);
      return await runTx((tx) => once(tx, key, async () => {
        const version = await freeze(tx, deps, await store.lockOwnClone(tx, actor, cloneId), now);
        await store.insertVersion(tx, version);
        return versionJson(version);
      }));
    },
    getVersion: (actor, versionId) => runTx(async (tx) => {
      const version = await store.findVersion(tx, versionId);
      const clone = version === null ? null : await store.findClone(tx, version.cloneId);
      if (version === null || clone?.ownerAccountId !== actor.accountId) throw notFound();
      return versionJson(version);
    }),
    async approveVersion(actor, key, versionId, { signature }) {
      const now = await current(deps);
      return await runTx((tx) => once(tx, key, async () =>
        versionJson(await approve(tx, deps, actor, versionId, signature, now))));
    },
    withdrawVersion: (actor, key, versionId) => runTx((tx) => once(tx, key, async () => {
      const { clone, version } = await lockOwnVersion(tx, actor, versionId);
      const change = { state: movedVersion(version.state, 'withdraw'), withdrawnAt: clock.now() };
      await store.updateVersion(tx, versionId, change);
      await deps.onVersionWithdrawn?.(tx, { cloneId: clone.id, versionId });
      return versionJson({ ...version, ...change });
    })),
  };
}

import { generateKeyPairSync, type KeyObject } from 'node:crypto';

import { makeConsent, type Consent, type ConsentDeps, type Decision, type DecisionRequest } from '../../src/consent/index.ts';
import type { GrantTerms } from '../../src/consent/model.ts';
import type { GrantView } from '../../src/consent/grants.ts';
import { contractPdf } from '../../src/exports/index.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { verifyReceipt, type Receipt, type ReceiptVerdict } from '../../src/provenance/index.ts';
import { signReceipt } from '../../src/provenance/receipts.ts';
import { openWorld, PERSONA, type Person, type World } from '../ownership/world.ts';
import { request, terms } from './samples.ts';

/** Consent on the real rooms below it: a proven owner, a clone of hers with an approved version, and a fan. */
export interface ConsentWorld {
  world: World;
  consent: Consent;
  owner: Person;
  fan: Person;
  cloneId: string;
  versionId: string;
  /** Drafts and signs. */
  granted(changes?: Partial<GrantTerms>): Promise<GrantView>;
  amended(grantId: string, changes: Partial<GrantTerms>): Promise<GrantView>;
  revoked(grantId: string): Promise<GrantView>;
  decide(changes?: Partial<DecisionRequest>): Promise<Decision>;
  verify(receipt: unknown): ReceiptVerdict;
  close(): Promise<void>;
}

async function approvedClone(world: World, owner: Person): Promise<{ cloneId: string; versionId: string }> {
  const ownershipProofId = await world.approvedProof(owner);
  const { cloneId } = await world.clones.createClone(owner.actor, world.key(), { ownershipProofId, name: 'Lin Ya', handle: 'lin-ya' });
  await world.clones.uploadEnrolmentVoice(owner.actor, world.key(), cloneId, await world.voice(10));
  await world.clones.setPersona(owner.actor, world.key(), cloneId, { text: PERSONA, languages: ['zh-CN', 'en'] });
  const { versionId, document } = await world.clones.createVersion(owner.actor, world.key(), cloneId);
  world.heard.add(versionId);
  await world.clones.approveVersion(owner.actor, world.key(), versionId, { signature: await world.sign(owner, 'version_approval', document) });
  return { cloneId, versionId };
}

export async function openConsentWorld(seed: string, options: { contract?: ConsentDeps['contract'] } = {}): Promise<ConsentWorld> {
  const world = await openWorld(seed);
  const keys: { privateKey: KeyObject; publicKey: KeyObject } = generateKeyPairSync('ed25519');
  const ids = makeIds(world.clock, seededRandom(`${seed} consent`));
  const consent = makeConsent({
    runTx: world.database.runTx, clock: world.clock, ids, random: seededRandom(`${seed} papers`), identity: world.identity, clones: world.clones, ownership: world.ownership,
    transparency: world.log, contract: options.contract ?? contractPdf,
    provenance: { signReceipt: (type, document): Receipt => signReceipt(type, document, keys.privateKey) },
  });
  const owner = await world.register('Lin Ya');
  const fan = await world.register('A fan');
  const { cloneId, versionId } = await approvedClone(world, owner);
  return {
    world, consent, owner, fan, cloneId, versionId,
    async granted(changes = {}) {
      const { grantId, document } = await consent.draftGrant(owner.actor, world.key(), cloneId, terms(changes));
      return await consent.signGrant(owner.actor, world.key(), grantId, await world.sign(owner, 'grant', document));
    },
    async amended(grantId, changes) {
      const { document } = await consent.draftAmendment(owner.actor, world.key(), grantId, changes);
      return await consent.signAmendment(owner.actor, world.key(), grantId, await world.sign(owner, 'amendment', document));
    },
    async revoked(grantId) {
      const { revocationDocument } = await consent.getGrant(owner.actor, grantId);
      return await consent.revokeGrant(owner.actor, world.key(), grantId, await world.sign(owner, 'revocation', revocationDocument));
    },
    decide: (changes = {}) => world.database.runTx((tx) => consent.decide(tx, {
      ...request(), cloneId, requester: fan.actor.accountId, text: 'Good morning.', at: world.clock.now(), ...changes,
    })),
    verify: (receipt) => verifyReceipt(receipt, keys.publicKey),
    close: () => world.close(),
  };
}
